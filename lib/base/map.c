#include "lib/base/map.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/mem.h"

struct node {
    struct node *next;
    void *value;
    uint64_t hash;
    char key[];
};

struct map {
    struct node **buckets;
    size_t n_buckets;   /* A power of two. */
    size_t n;
};

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void
seed_init(void)
{
    if (getrandom(seed, sizeof seed, 0) != (ssize_t) sizeof seed) {
        abort();
    }
}

static uint64_t
rotl(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein): short keys, no chosen collisions. */
static uint64_t
hash_key(const char *key, size_t length)
{
    uint64_t v[4] = {
        seed[0] ^ 0x736f6d6570736575,
        seed[1] ^ 0x646f72616e646f6d,
        seed[0] ^ 0x6c7967656e657261,
        seed[1] ^ 0x7465646279746573,
    };
    size_t whole = length & ~(size_t) 7;
    uint64_t m;

    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&m, key + i, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    m = (uint64_t) length << 56;
    for (size_t i = whole; i < length; i++) {
        m |= (uint64_t) (unsigned char) key[i] << (8 * (i & 7));
    }
    v[3] ^= m;
    sip_round(v);
    v[0] ^= m;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *
map_new(void)
{
    struct map *m = xcalloc(1, sizeof *m);

    pthread_once(&seed_once, seed_init);
    m->n_buckets = 8;
    m->buckets = xcalloc(m->n_buckets, sizeof *m->buckets);
    return m;
}

void
map_free(struct map *m, void (*free_value)(void *))
{
    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->n_buckets; i++) {
        struct node *next;

        for (struct node *n = m->buckets[i]; n; n = next) {
            next = n->next;
            if (free_value) {
                free_value(n->value);
            }
            free(n);
        }
    }
    free(m->buckets);
    free(m);
}

size_t
map_size(const struct map *m)
{
    return m->n;
}

/* The link that points to the node of 'key', or to the NULL at its end. */
static struct node **
find(const struct map *m, const char *key, uint64_t hash)
{
    struct node **link = &m->buckets[hash & (m->n_buckets - 1)];

    while (*link && ((*link)->hash != hash ||
                     strcmp((*link)->key, key) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

void *
map_get(const struct map *m, const char *key)
{
    size_t length = strlen(key);
    struct node *n = *find(m, key, hash_key(key, length));

    return n ? n->value : NULL;
}

static void
grow(struct map *m)
{
    size_t n_buckets = m->n_buckets * 2;
    struct node **buckets = xcalloc(n_buckets, sizeof *buckets);

    for (size_t i = 0; i < m->n_buckets; i++) {
        struct node *next;

        for (struct node *n = m->buckets[i]; n; n = next) {
            struct node **head = &buckets[n->hash & (n_buckets - 1)];

            next = n->next;
            n->next = *head;
            *head = n;
        }
    }
    free(m->buckets);
    m->buckets = buckets;
    m->n_buckets = n_buckets;
}

void *
map_put(struct map *m, const char *key, void *value)
{
    size_t length = strlen(key);
    uint64_t hash = hash_key(key, length);
    struct node **link = find(m, key, hash);
    struct node *n = *link;

    if (n) {
        void *old = n->value;

        n->value = value;
        return old;
    }
    n = xmalloc(sizeof *n + length + 1);
    n->next = NULL;
    n->value = value;
    n->hash = hash;
    memcpy(n->key, key, length + 1);
    *link = n;
    if (++m->n > m->n_buckets) {
        grow(m);
    }
    return NULL;
}

void *
map_remove(struct map *m, const char *key)
{
    size_t length = strlen(key);
    struct node **link = find(m, key, hash_key(key, length));
    struct node *n = *link;
    void *value;

    if (!n) {
        return NULL;
    }
    value = n->value;
    *link = n->next;
    free(n);
    m->n--;
    return value;
}

bool
map_next(const struct map *m, struct map_iter *it)
{
    const struct node *n = it->node;

    n = n ? n->next : NULL;
    while (!n && it->at < m->n_buckets) {
        n = m->buckets[it->at++];
    }
    it->node = n;
    if (!n) {
        it->key = NULL;
        it->value = NULL;
        return false;
    }
    it->key = n->key;
    it->value = n->value;
    return true;
}

static int
compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

const char **
map_sorted_keys(const struct map *m)
{
    const char **keys = xcalloc(m->n, sizeof *keys);
    struct map_iter it = MAP_ITER;
    size_t n = 0;

    while (map_next(m, &it)) {
        keys[n++] = it.key;
    }
    if (n > 1) {
        qsort(keys, n, sizeof *keys, compare_keys);
    }
    return keys;
}
