#include "lib/base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* The first, 1 KB as a whole; each that follows is several times as large as
 * the one before, so that there are few. */
#define FIRST_SIZE ((size_t) 1024 - sizeof(struct arena_chunk))
#define GROWTH 4
#define ALIGNMENT sizeof(void *)

struct arena_chunk {
    struct arena_chunk *next;
    char *back;                 /* Where its text begins, once it is full. */
    char *end;
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

static void
add_chunk(struct arena *a, size_t size)
{
    struct arena_chunk *c;
    size_t room;

    /* The second build of an object asks for exactly what the first did. */
    assert(!a->is_fixed);
    room = FIRST_SIZE;
    if (a->chunks) {
        a->chunks->back = a->back;
        room = GROWTH * (size_t) (a->chunks->end - a->chunks->data);
    }
    room = round_up(size > room ? size : room);
    c = xcalloc(1, sizeof *c + room);
    c->next = a->chunks;
    c->end = c->data + room;
    a->chunks = c;
    a->front = c->data;
    a->back = c->end;
}

/* Makes room for 'size' bytes between front and back. */
static inline void
reserve(struct arena *a, size_t size)
{
    if (size > (size_t) (a->back - a->front)) {
        add_chunk(a, size);
    }
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

char *
arena_concat_all(struct arena *a, const char *const *texts, size_t n)
{
    size_t length = 0;
    char *out, *at;

    for (size_t i = 0; i < n; i++) {
        length += texts[i] ? strlen(texts[i]) : 0;
    }
    out = at = arena_room(a, length);
    for (size_t i = 0; i < n; i++) {
        at = texts[i] ? stpcpy(at, texts[i]) : at;
    }
    return out;
}

/* The text of a chunk begins there. */
static char *
back_of(const struct arena *a, const struct arena_chunk *c)
{
    return c == a->chunks ? a->back : c->back;
}

void
arena_copy_texts(const struct arena *a, char *to)
{
    for (const struct arena_chunk *c = a->chunks; c; c = c->next) {
        const char *back = back_of(a, c);
        const size_t size = (size_t) (c->end - back);

        memcpy(to, back, size);
        to += size;
    }
}

char *
arena_text_in(const struct arena *a, const char *text, char *to)
{
    for (const struct arena_chunk *c = a->chunks; c; c = c->next) {
        const char *back = back_of(a, c);
        const size_t size = (size_t) (c->end - back);
        const size_t at = (size_t) ((uintptr_t) text - (uintptr_t) back);

        if (at < size) {
            return to + at;
        }
        to += size;
    }
    return (char *) (uintptr_t) text;
}

size_t
arena_size(const struct arena *a)
{
    return a->n_front + a->n_back;
}
