/* jx_pool: the memory of one JSON document, given back as a whole.
 *
 * A document is very many small pieces, and its text does not tell how much
 * memory it takes: "[[],[],...]" takes forty times its bytes.  Between
 * jx_pool_begin() and jx_pool_end() everything that the JSON library
 * allocates in this thread comes out of the pool, which has a ceiling, and
 * so have all pools of one budget together.  Past it jx_load() fails.
 *
 * Nothing that was made in between outlives the end, and needs no
 * json_decref(); free() is never called on text of json_dumps() there.
 *
 * Threads: a pool is its thread's, one at a time; a budget is anybody's.
 */
#ifndef BASE_JX_POOL_H
#define BASE_JX_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

struct jx_budget {
    size_t max;                 /* Bytes of all pools beyond their first. */
    atomic_size_t used;
};

struct jx_pool_chunk;

struct jx_pool {
    struct jx_pool_chunk *chunks;   /* The newest first. */
    char *at;                   /* Free memory of the newest. */
    size_t room;
    size_t size;                /* Bytes of all but the first. */
    size_t max;
    struct jx_budget *budget;   /* NULL: this pool's ceiling alone. */
    bool is_full;               /* Its own ceiling was met, */
    bool is_late;               /* or that of the budget. */
};

/* 'max' bytes at most, beyond the first few KB. */
void jx_pool_begin(struct jx_pool *, size_t max, struct jx_budget *);
void jx_pool_end(struct jx_pool *);
#define AUTO_JX_POOL AUTO(jx_pool_end)

#endif /* BASE_JX_POOL_H */
