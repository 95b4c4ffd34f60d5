#include "auth/verdicts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest_raw.h"
#include "lib/base/mem.h"

#define WAYS 4          /* Places that a key may have. */

struct verdict {
    unsigned char key[VERDICTS_KEY_SIZE];
    int64_t until_ms;   /* 0: free. */
};

struct verdicts {
    struct verdict *items;      /* NULL until one is there. */
    size_t n;                   /* A multiple of WAYS. */
};

struct verdicts *
verdicts_new(size_t n)
{
    struct verdicts *v = xcalloc(1, sizeof *v);

    n = n < 4 * WAYS ? 4 * WAYS : n > VERDICTS_MAX ? VERDICTS_MAX : n;
    v->n = (n + WAYS - 1) / WAYS * WAYS;
    return v;
}

void
verdicts_free(struct verdicts *v)
{
    if (v) {
        free(v->items);
        free(v);
    }
}

void
verdicts_key(const unsigned char *key, size_t key_size,
             const char *credentials, size_t size,
             unsigned char out[VERDICTS_KEY_SIZE])
{
    unsigned char sum[DIGEST_HMAC_SIZE];

    digest_hmac(key, key_size, credentials, size, sum);
    memcpy(out, sum, VERDICTS_KEY_SIZE);
}

/* The first of its places; the key is a keyed hash, so any of its bytes are
 * spread evenly and nobody outside can aim at a place. */
static struct verdict *
places(const struct verdicts *v, const unsigned char *key)
{
    uint32_t hash;

    memcpy(&hash, key, sizeof hash);
    return &v->items[hash % (v->n / WAYS) * WAYS];
}

bool
verdicts_has(const struct verdicts *v,
             const unsigned char key[VERDICTS_KEY_SIZE], int64_t now_ms)
{
    const struct verdict *set = v->items ? places(v, key) : NULL;
    bool has = false;

    for (size_t i = 0; set && i < WAYS; i++) {
        has |= set[i].until_ms > now_ms &&
               digest_equal(set[i].key, key, VERDICTS_KEY_SIZE);
    }
    return has;
}

void
verdicts_add(struct verdicts *v,
             const unsigned char key[VERDICTS_KEY_SIZE], int64_t now_ms)
{
    struct verdict *set, *to;

    if (!v->items) {
        v->items = xcalloc(v->n, sizeof *v->items);
    }
    set = to = places(v, key);
    for (size_t i = 0; i < WAYS; i++) {
        if (memcmp(set[i].key, key, VERDICTS_KEY_SIZE) == 0) {
            to = &set[i];
            break;
        }
        to = set[i].until_ms < to->until_ms ? &set[i] : to;
    }
    memcpy(to->key, key, VERDICTS_KEY_SIZE);
    to->until_ms = now_ms + VERDICTS_MS;
}
