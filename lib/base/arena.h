/* arena: memory that is handed out in pieces and freed as a whole.
 *
 * Structs come from the front of a chunk and text from its back, so nothing
 * is lost to alignment.  Pieces are zeroed.
 *
 * An arena over a block of the caller is how an object ends in one compact
 * piece: build it twice, first in a growing arena to learn arena_size(),
 * then in a block of exactly that size.
 *
 * There is no ceiling in here: whoever builds from a stranger's input looks
 * at arena_size() as he goes.  Not locked.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* Ours to free, the newest first. */
    char *front;                /* Free memory of the present chunk. */
    char *back;
    size_t n_front;             /* Bytes handed out for structs. */
    size_t n_back;              /* Bytes handed out for text. */
    bool is_fixed;              /* Over a block of the caller. */
};

#define ARENA_INIT { .chunks = NULL }
/* An arena over 'size' zeroed bytes at 'block', aligned for any struct.
 * Asking it for more is a bug and stops the process. */
void arena_init_block(struct arena *, void *block, size_t size);
void arena_fini(struct arena *);
#define AUTO_ARENA AUTO(arena_fini)

/* 'n' zeroed structs of 'size' bytes; NULL where 'n' is 0. */
void *arena_alloc(struct arena *, size_t n, size_t size) MUST_USE;
/* Zeroed room for 'length' bytes of text and a NUL. */
char *arena_room(struct arena *, size_t length) MUST_USE RETURNS_NONNULL;
/* A copy of the first 'length' bytes of 's', and a NUL. */
char *arena_text(struct arena *, const char *s, size_t length)
    MUST_USE RETURNS_NONNULL;

/* The texts one after the other; NULL is none. */
#define arena_concat(arena, ...)                                           \
    arena_concat_all((arena), (const char *const[]) { __VA_ARGS__ },       \
                     sizeof((const char *const[]) { __VA_ARGS__ }) /       \
                         sizeof(const char *))
char *arena_concat_all(struct arena *, const char *const *texts, size_t n)
    MUST_USE RETURNS_NONNULL;

/* Copies all text to 'to', which has room for arena_size() bytes, and nothing
 * else. */
void arena_copy_texts(const struct arena *, char *to);
/* Where in such a copy 'text' stands, which may begin within a text of the
 * arena; 'text' itself where it is another's, or NULL. */
char *arena_text_in(const struct arena *, const char *text, char *to);

/* The size of a block that would hold all that was handed out. */
size_t arena_size(const struct arena *);

#endif /* BASE_ARENA_H */
