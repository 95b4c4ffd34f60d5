#include "lib/base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* The first, 1 KB as a whole, and of those that follow. */
#define FIRST_SIZE ((size_t) 1024 - sizeof(struct arena_chunk))
#define CHUNK_SIZE ((size_t) 4096)
#define ALIGNMENT sizeof(void *)

struct arena_chunk {
    struct arena_chunk *next;
    alignas(max_align_t) char data[];
};

void
arena_init_block(struct arena *a, void *block, size_t size)
{
    *a = (struct arena) {
        .front = block,
        .back = (char *) block + size,
        .is_fixed = true,
    };
}

void
arena_fini(struct arena *a)
{
    struct arena_chunk *next;

    for (struct arena_chunk *c = a->chunks; c; c = next) {
        next = c->next;
        free(c);
    }
    *a = (struct arena) ARENA_INIT;
}

static size_t
round_up(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/* Makes room for 'size' bytes between front and back. */
static void
reserve(struct arena *a, size_t size)
{
    struct arena_chunk *c;
    size_t room;

    if (size <= (size_t) (a->back - a->front)) {
        return;
    }
    /* The second build of an object asks for exactly what the first did. */
    assert(!a->is_fixed);
    room = a->chunks ? CHUNK_SIZE : FIRST_SIZE;
    room = round_up(size > room ? size : room);
    c = xcalloc(1, sizeof *c + room);
    c->next = a->chunks;
    a->chunks = c;
    a->front = c->data;
    a->back = c->data + room;
}

void *
arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t whole;
    void *piece;

    if (n == 0) {
        return NULL;
    }
    if (__builtin_mul_overflow(n, size, &whole)) {
        abort();
    }
    whole = round_up(whole);
    reserve(a, whole);
    piece = a->front;
    a->front += whole;
    a->n_front += whole;
    return piece;
}

char *
arena_room(struct arena *a, size_t length)
{
    reserve(a, length + 1);
    a->back -= length + 1;
    a->n_back += length + 1;
    return a->back;
}

char *
arena_text(struct arena *a, const char *s, size_t length)
{
    char *copy = arena_room(a, length);

    memcpy(copy, s, length);
    return copy;
}

size_t
arena_size(const struct arena *a)
{
    return a->n_front + a->n_back;
}
