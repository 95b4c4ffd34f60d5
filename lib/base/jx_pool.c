#include "lib/base/jx_pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>
#include <sanitizer/asan_interface.h>

#include "lib/base/mem.h"

/* An ordinary review fits into the first chunk, which is its thread's: each
 * finds it where the one before left it, in caches, and what has grown around
 * it needs no place for it.  A thread without a pool has but its address. */
#define FIRST_CHUNK ((size_t) 48 << 10)
#define ALIGNMENT alignof(max_align_t)

struct jx_pool_chunk {
    struct jx_pool_chunk *next;
    size_t size;
    alignas(max_align_t) char data[];
};

static _Thread_local struct jx_pool *present;
static _Thread_local alignas(max_align_t) char
    first[sizeof(struct jx_pool_chunk) + FIRST_CHUNK];

/* 'c' has 'size' bytes for pieces. */
static void
add_chunk(struct jx_pool *p, struct jx_pool_chunk *c, size_t size)
{
    c->next = p->chunks;
    c->size = size;
    p->chunks = c;
    p->at = c->data;
    p->room = size;
}

/* Each chunk is twice as large as the one before. */
static bool
grow(struct jx_pool *p, size_t wanted)
{
    size_t size = 2 * p->chunks->size;

    while (size < wanted && size <= p->max) {
        size *= 2;
    }
    if (size < wanted || size > p->max - p->size) {
        p->is_full = true;
        return false;
    }
    if (p->budget &&
        atomic_fetch_add(&p->budget->used, size) + size > p->budget->max) {
        atomic_fetch_sub(&p->budget->used, size);
        p->is_late = true;
        return false;
    }
    p->size += size;
    add_chunk(p, xmalloc(sizeof(struct jx_pool_chunk) + size), size);
    return true;
}

static void *
take(size_t size)
{
    struct jx_pool *p = present;
    size_t whole = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    void *piece;

    if (!p) {
        return malloc(size);
    }
    if (whole < size || (whole > p->room && !grow(p, whole))) {
        return NULL;
    }
    piece = p->at;
    p->at += whole;
    p->room -= whole;
    return piece;
}

static bool
has(const struct jx_pool *p, const void *piece)
{
    const uintptr_t at = (uintptr_t) piece;

    for (const struct jx_pool_chunk *c = p->chunks; c; c = c->next) {
        const uintptr_t begin = (uintptr_t) c->data;

        if (at >= begin && at < begin + c->size) {
            return true;
        }
    }
    return false;
}

static void
give(void *piece)
{
    if (!present || !has(present, piece)) {
        free(piece);
    }
}

/* Before anything is parsed, as the library asks. */
static void __attribute__((constructor))
hook(void)
{
    json_set_alloc_funcs(take, give);
}

void
jx_pool_begin(struct jx_pool *p, size_t max, struct jx_budget *budget)
{
    *p = (struct jx_pool) { .max = max, .budget = budget };
    ASAN_UNPOISON_MEMORY_REGION(first, sizeof first);
    add_chunk(p, (void *) first, FIRST_CHUNK);
    present = p;
}

void
jx_pool_end(struct jx_pool *p)
{
    struct jx_pool_chunk *next;

    present = NULL;
    for (struct jx_pool_chunk *c = p->chunks; c; c = next) {
        next = c->next;
        if ((void *) c != (void *) first) {
            free(c);
        }
    }
    /* For whoever looks for use after the end. */
    ASAN_POISON_MEMORY_REGION(first, sizeof first);
    if (p->budget) {
        atomic_fetch_sub(&p->budget->used, p->size);
    }
    p->chunks = NULL;
    p->size = 0;
}
