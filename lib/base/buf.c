#include "lib/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

void
buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf) BUF_INIT(limit);
}

/* Zeroes what is behind the first 'size' bytes. */
static void
wipe(struct buf *b, size_t size)
{
    if (b->is_secret && b->data) {
        explicit_bzero(b->data + size, b->room - size);
    }
}

static void
empty(struct buf *b)
{
    *b = (struct buf) { .limit = b->limit, .is_secret = b->is_secret };
}

void
buf_fini(struct buf *b)
{
    wipe(b, 0);
    free(b->data);
    empty(b);
}

static void
resize(struct buf *b, size_t room)
{
    if (b->is_secret) {
        char *data = xmalloc(room);

        if (b->data) {
            memcpy(data, b->data, b->size + 1);
            wipe(b, 0);
            free(b->data);
        }
        b->data = data;
    } else {
        b->data = xrealloc(b->data, room, 1);
    }
    b->room = room;
}

static void
grow(struct buf *b, size_t want)
{
    size_t room = b->room > 0 ? b->room : 64;

    while (room < want) {
        room *= 2;
    }
    resize(b, room);
}

/* Makes room for 'size' more bytes and the NUL; false past the ceiling.  In
 * line, as there mostly is room. */
static inline bool
reserve(struct buf *b, size_t size)
{
    const size_t want = b->size + size + 1;

    if (b->overflowed || size > b->limit - b->size) {
        b->overflowed = true;
        return false;
    }
    if (want > b->room) {
        grow(b, want);
    }
    return true;
}

void
buf_put(struct buf *b, const void *data, size_t size)
{
    if (size > 0 && reserve(b, size)) {
        memcpy(b->data + b->size, data, size);
        b->size += size;
        b->data[b->size] = '\0';
    }
}

void
buf_puts(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
    if (reserve(b, 1)) {
        b->data[b->size++] = c;
        b->data[b->size] = '\0';
    }
}

/* Takes back what was printed behind the end. */
static void
cut(struct buf *b)
{
    if (b->data) {
        wipe(b, b->size);
        b->data[b->size] = '\0';
    }
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    const size_t room = b->room - b->size;
    va_list again;
    int n;

    /* Most texts fit into what is there; the others are printed again. */
    va_copy(again, args);
    n = vsnprintf(b->data ? b->data + b->size : NULL, room, fmt, args);
    if (n <= 0 || !reserve(b, (size_t) n)) {
        cut(b);
    } else {
        if ((size_t) n >= room) {
            vsnprintf(b->data + b->size, (size_t) n + 1, fmt, again);
        }
        b->size += (size_t) n;
    }
    va_end(again);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

char *
buf_room(struct buf *b, size_t *room)
{
    size_t left = b->limit - b->size;
    size_t want = b->room > b->size + 1 ? b->room - b->size - 1 : 4096;

    *room = want < left ? want : left;
    if (*room == 0 || !reserve(b, *room)) {
        *room = 0;
        return NULL;
    }
    b->data[b->size] = '\0';
    return b->data + b->size;
}

void
buf_expect(struct buf *b, size_t size)
{
    const size_t left = b->limit - b->size;
    const size_t want = b->size + (size < left ? size : left) + 1;

    if (want > b->room) {
        resize(b, want);
        b->data[b->size] = '\0';
    }
}

void
buf_grow(struct buf *b, size_t size)
{
    if (size > 0) {
        assert(size < b->room - b->size);
        b->size += size;
        b->data[b->size] = '\0';
    }
}

void
buf_drop(struct buf *b, size_t size)
{
    assert(size <= b->size);
    if (size > 0) {
        memmove(b->data, b->data + size, b->size - size + 1);
        b->size -= size;
        wipe(b, b->size + 1);
    }
}

void
buf_clear(struct buf *b)
{
    wipe(b, 0);
    b->size = 0;
    b->overflowed = false;
    if (b->data) {
        b->data[0] = '\0';
    }
}

const char *
buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *
buf_take(struct buf *b)
{
    char *data = b->data ? b->data : xstrdup("");

    empty(b);
    return data;
}
