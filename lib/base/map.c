#include "lib/base/map.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/mem.h"

/* Of a table with no more slots, the entries stand one after the other, and
 * no hash is taken: very many maps live for a moment and have one or two. */
#define SMALL 8

/* Nodes of a batch are cut from pieces.  The large ones are beyond the size at
 * which malloc asks the system (mem_settle()), and go back to it. */
#define PIECE_FIRST ((size_t) 256)
#define PIECE_MOST ((size_t) 256 << 10)

struct piece {
    struct piece *next;
    void *data[];
};

/* What is known of a slot without a look at its key, which lies elsewhere. */
struct mark {
    uint8_t tag;            /* 0: free; else a few bits of the hash, so that
                             * few keys are looked at in vain. */
    uint8_t way;            /* From where the search for its key begins; FAR:
                             * the key tells. */
};

/* One in a hundred keys of a full table: enough for a test to meet some. */
#define FAR 24

struct map {
    struct table *table;
    size_t n;
    unsigned column;
};

/* Open addressing, one probe after the other.  The table is never full.  Its
 * maps and the first slots are in its block: of a map that lives for a moment
 * that is all there is, but for its nodes. */
struct table {
    map_key_fn *key_of;     /* NULL: slots are nodes, else values.  A node is
                             * the value in each map, NULL where it is not in
                             * that one, then the key. */
    void **slots;           /* 'first', or a block of their own */
    struct mark *marks;     /* with these behind them. */
    size_t n_slots;
    size_t n;               /* That are taken. */
    unsigned n_maps;        /* Maps that it was made for. */
    unsigned n_users;       /* Those that are not freed yet. */
    bool is_batch;          /* Nodes are in pieces. */
    struct piece *pieces;   /* The newest first. */
    size_t piece_size;      /* Of that one, without its head. */
    size_t piece_used;
    struct map maps[2];
    void *first[SMALL];
    struct mark first_marks[SMALL];
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

/* In line, its state stays in registers. */
static inline void __attribute__((always_inline))
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

uint64_t
map_hash_bytes(const char *bytes, size_t size)
{
    pthread_once(&seed_once, seed_init);
    return hash_key(bytes, size);
}

uint64_t
map_hash(const char *text)
{
    return map_hash_bytes(text, strlen(text));
}

static struct table *
new_table(map_key_fn *key_of, unsigned n_maps)
{
    struct table *t = xcalloc(1, sizeof *t);

    pthread_once(&seed_once, seed_init);
    t->key_of = key_of;
    t->n_maps = n_maps;
    t->n_users = n_maps;
    t->slots = t->first;
    t->marks = t->first_marks;
    t->n_slots = SMALL;
    for (unsigned i = 0; i < n_maps; i++) {
        t->maps[i] = (struct map) { .table = t, .column = i };
    }
    return t;
}

struct map *
map_new(void)
{
    return map_new_keyed(NULL);
}

struct map *
map_new_keyed(map_key_fn *key_of)
{
    return &new_table(key_of, 1)->maps[0];
}

struct map *
map_new_batch(void)
{
    struct map *m = map_new();

    m->table->is_batch = true;
    return m;
}

void
map_new_pair(struct map **first, struct map **second)
{
    struct table *t = new_table(NULL, 2);

    *first = &t->maps[0];
    *second = &t->maps[1];
}

/* Where a node of the table has its value for the map. */
static void **
place_of(const struct map *m, size_t at)
{
    return (void **) m->table->slots[at] + m->column;
}

/* NULL: the slot is free, or another map's. */
static void *
value_of(const struct map *m, size_t at)
{
    const struct table *t = m->table;

    if (!t->marks[at].tag) {
        return NULL;
    }
    return t->key_of ? t->slots[at] : *place_of(m, at);
}

static const char *
key_in(const struct table *t, void *const *node)
{
    return t->key_of ? t->key_of(node) : (const char *) (node + t->n_maps);
}

static const char *
key_of(const struct table *t, size_t at)
{
    return key_in(t, t->slots[at]);
}

static void
free_pieces(struct table *t)
{
    while (t->pieces) {
        struct piece *next = t->pieces->next;

        free(t->pieces);
        t->pieces = next;
    }
    t->piece_size = t->piece_used = 0;
}

static void
free_table(struct table *t)
{
    for (size_t i = 0; i < t->n_slots; i++) {
        if (t->marks[i].tag && !t->key_of && !t->is_batch) {
            free(t->slots[i]);
        }
    }
    free_pieces(t);
    if (t->slots != t->first) {
        free(t->slots);
    }
    free(t);
}

void
map_free(struct map *m, void (*free_value)(void *))
{
    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->table->n_slots; i++) {
        void *value = value_of(m, i);

        if (value && free_value) {
            free_value(value);
        }
        if (value && m->table->n_users > 1) {
            *place_of(m, i) = NULL;     /* The other map has the node. */
        }
    }
    if (--m->table->n_users == 0) {
        free_table(m->table);
    }
}

size_t
map_size(const struct map *m)
{
    return m->n;
}

static bool
is_small(const struct table *t)
{
    return t->n_slots <= SMALL;
}

/* For find(): nothing where it would not look at it. */
static uint64_t
hash_for(const struct table *t, const char *key, size_t length)
{
    return is_small(t) ? 0 : hash_key(key, length);
}

/* Where the search for a hash begins: any number of slots will do. */
static size_t
home_of(const struct table *t, uint64_t hash)
{
    return (size_t) (((hash >> 32) * t->n_slots) >> 32);
}

static uint8_t
tag_of(uint64_t hash)
{
    return (uint8_t) (hash & 0x7f) | 0x80;
}

static size_t
after(const struct table *t, size_t at)
{
    return at + 1 == t->n_slots ? 0 : at + 1;
}

static size_t
find_small(const struct table *t, const char *key)
{
    size_t at = 0;

    while (t->marks[at].tag != 0 && strcmp(key_of(t, at), key) != 0) {
        at++;
    }
    return at;
}

/* The slot of 'key', or the free one at its end; there must be slots. */
static size_t
find(const struct table *t, const char *key, uint64_t hash)
{
    const uint8_t tag = tag_of(hash);
    size_t at = home_of(t, hash);

    if (is_small(t)) {
        return find_small(t, key);
    }
    /* Most are found where they begin: both lines come together. */
    __builtin_prefetch(&t->slots[at]);
    while (t->marks[at].tag != 0 && (t->marks[at].tag != tag ||
                                     strcmp(key_of(t, at), key) != 0)) {
        at = after(t, at);
    }
    return at;
}

/* The same for a map; false: it has no such key. */
static bool
find_key(const struct map *m, const char *key, size_t *at)
{
    if (m->n == 0) {
        return false;
    }
    *at = find(m->table, key, hash_for(m->table, key, strlen(key)));
    return value_of(m, *at) != NULL;
}

void *
map_get(const struct map *m, const char *key)
{
    size_t at;

    return find_key(m, key, &at) ? value_of(m, at) : NULL;
}

const char *
map_key(const struct map *m, const char *key)
{
    size_t at;

    return find_key(m, key, &at) ? key_of(m->table, at) : NULL;
}

static uint8_t
way_from(const struct table *t, size_t home, size_t at)
{
    const size_t way = at >= home ? at - home : at + t->n_slots - home;

    return way < FAR ? (uint8_t) way : FAR;
}

static void
set(struct table *t, size_t at, uint64_t hash, void *slot)
{
    t->marks[at].tag = tag_of(hash);
    t->marks[at].way = is_small(t) ? 0 : way_from(t, home_of(t, hash), at);
    t->slots[at] = slot;
}

/* Half as many slots again: half to three quarters of them are taken. */
static void
grow(struct table *t)
{
    void **const slots = t->slots;
    const struct mark *const marks = t->marks;
    const size_t n = t->n_slots;

    t->n_slots = n + n / 2;
    t->slots = xcalloc(t->n_slots, sizeof *t->slots + sizeof *t->marks);
    t->marks = (void *) (t->slots + t->n_slots);
    for (size_t i = 0; i < n; i++) {
        if (marks[i].tag) {
            const char *key = key_in(t, slots[i]);
            const uint64_t hash = hash_for(t, key, strlen(key));

            set(t, find(t, key, hash), hash, slots[i]);
        }
    }
    if (slots != t->first) {
        free(slots);
    }
}

/* The next 'size' bytes of a batch. */
static void **
cut(struct table *t, size_t size)
{
    const size_t whole = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    char *at;

    if (whole > t->piece_size - t->piece_used) {
        const size_t twice =
            t->piece_size ? 2 * t->piece_size : PIECE_FIRST;
        const size_t most = twice < PIECE_MOST ? twice : PIECE_MOST;
        struct piece *piece;

        t->piece_size = whole > most ? whole : most;
        piece = xmalloc(sizeof *piece + t->piece_size);
        piece->next = t->pieces;
        t->pieces = piece;
        t->piece_used = 0;
    }
    at = (char *) t->pieces->data + t->piece_used;
    t->piece_used += whole;
    return (void *) at;
}

static void *
new_slot(const struct map *m, const char *key, size_t length, void *value)
{
    struct table *t = m->table;
    const size_t values = t->n_maps * sizeof value;
    void **node;

    if (t->key_of) {
        return value;
    }
    node = t->is_batch ? cut(t, values + length + 1)
                       : xcalloc(1, values + length + 1);
    node[m->column] = value;
    memcpy(node + t->n_maps, key, length + 1);
    return node;
}

void *
map_put(struct map *m, const char *key, void *value)
{
    struct table *t = m->table;
    const size_t length = strlen(key);
    uint64_t hash = hash_for(t, key, length);
    size_t at = t->n > 0 ? find(t, key, hash) : 0;

    if (!value) {
        abort();        /* It would stand for "absent". */
    }
    if (t->n > 0 && t->marks[at].tag) {
        void **place = t->key_of ? &t->slots[at] : place_of(m, at);
        void *old = *place;

        *place = value;
        m->n += old == NULL;
        return old;
    }
    if (4 * (t->n + 1) > 3 * t->n_slots) {
        grow(t);
        hash = hash_for(t, key, length);
    }
    set(t, find(t, key, hash), hash, new_slot(m, key, length, value));
    t->n++;
    m->n++;
    return NULL;
}

/* Where the search for the key of a slot that is taken begins. */
static size_t
home_at(const struct table *t, size_t at)
{
    const size_t way = t->marks[at].way;
    const char *key;

    if (way == FAR) {
        key = key_of(t, at);
        return home_of(t, hash_key(key, strlen(key)));
    }
    return at >= way ? at - way : at + t->n_slots - way;
}

static void
move(struct table *t, size_t from, size_t to, uint8_t way)
{
    t->marks[to] = (struct mark) { .tag = t->marks[from].tag, .way = way };
    t->slots[to] = t->slots[from];
}

/* Fills the hole at 'at': whoever would not be found behind it moves up. */
static void
close_gap(struct table *t, size_t at)
{
    if (is_small(t)) {
        move(t, t->n - 1, at, 0);
        at = t->n - 1;
    } else {
        for (size_t i = after(t, at); t->marks[i].tag; i = after(t, i)) {
            const size_t home = home_at(t, i);
            const bool is_between = at < i ? at < home && home <= i
                                           : at < home || home <= i;

            if (!is_between) {
                move(t, i, at, way_from(t, home, at));
                at = i;
            }
        }
    }
    t->marks[at] = (struct mark) { .tag = 0 };
    t->slots[at] = NULL;
}

/* Whether another map has the node. */
static bool
is_held(const struct table *t, void *const *node)
{
    for (unsigned i = 0; i < t->n_maps; i++) {
        if (node[i]) {
            return true;
        }
    }
    return false;
}

void *
map_remove(struct map *m, const char *key)
{
    struct table *t = m->table;
    void *value;
    size_t at;

    if (!find_key(m, key, &at)) {
        return NULL;
    }
    value = value_of(m, at);
    m->n--;
    if (!t->key_of) {
        *place_of(m, at) = NULL;
        if (is_held(t, t->slots[at])) {
            return value;
        }
        if (!t->is_batch) {
            free(t->slots[at]);
        }
    }
    close_gap(t, at);
    t->n--;
    if (t->n == 0) {
        free_pieces(t);
    }
    return value;
}

bool
map_next(const struct map *m, struct map_iter *it)
{
    const struct table *t = m->table;

    while (it->at < t->n_slots && !value_of(m, it->at)) {
        it->at++;
    }
    if (it->at == t->n_slots) {
        it->key = NULL;
        it->value = NULL;
        return false;
    }
    it->key = key_of(t, it->at);
    it->value = value_of(m, it->at);
    it->at++;
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
