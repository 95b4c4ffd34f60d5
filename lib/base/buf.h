/* buf: a growable buffer that is born with a ceiling.
 *
 * Past the ceiling every put is refused and the buffer remembers that it
 * overflowed: write all you want and ask once at the end.  The text is always
 * NUL-terminated.  What a secret one held is zeroed wherever it stood: as it
 * grows, shrinks and ends.  Not locked.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

struct buf {
    char *data;         /* NULL until something was put. */
    size_t size;        /* Bytes in use, without the final NUL. */
    size_t room;        /* Bytes allocated. */
    size_t limit;       /* Largest 'size' allowed. */
    bool overflowed;    /* A put was refused. */
    bool is_secret;     /* Leaves nothing in memory. */
};

#define BUF_INIT(max) { .limit = (max) }
/* For text whose size our own code bounds. */
#define BUF_OWN_MAX ((size_t) 1 << 30)
#define BUF_OWN BUF_INIT(BUF_OWN_MAX)
/* For what holds a key or a password. */
#define BUF_SECRET(max) { .limit = (max), .is_secret = true }

void buf_init(struct buf *, size_t limit);
void buf_fini(struct buf *);
#define AUTO_BUF AUTO(buf_fini)

void buf_put(struct buf *, const void *, size_t size);
void buf_puts(struct buf *, const char *);
void buf_putc(struct buf *, char);
void buf_printf(struct buf *, const char *fmt, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *, const char *fmt, va_list) PRINTF(2, 0);

/* Free space at the end for a read, at least one byte unless the ceiling is
 * reached; '*room' gets its size.  buf_grow() then counts what was written. */
char *buf_room(struct buf *, size_t *room);
void buf_grow(struct buf *, size_t size);

/* Takes memory for 'size' more bytes at once, as far as the ceiling lets it. */
void buf_expect(struct buf *, size_t size);

/* Drops the first 'size' bytes. */
void buf_drop(struct buf *, size_t size);
void buf_clear(struct buf *);

/* The text, never NULL, dies with the buffer. */
const char *buf_str(const struct buf *);
/* Hands the text to the caller, who frees it (and wipes it, if it is secret);
 * the buffer is empty after. */
char *buf_take(struct buf *) MUST_USE RETURNS_NONNULL;

#endif /* BASE_BUF_H */
