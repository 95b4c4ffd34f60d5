#include "lib/base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *
checked(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *
xmalloc(size_t size)
{
    return checked(malloc(size > 0 ? size : 1));
}

/* Up to this many bytes the library keeps blocks for their thread, but hands
 * them out by malloc() alone. */
#define SMALL ((size_t) 1024)

void *
xcalloc(size_t n, size_t size)
{
    size_t whole;

    if (!__builtin_mul_overflow(n, size, &whole) && whole <= SMALL) {
        return memset(xmalloc(whole), 0, whole);
    }
    return checked(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *
xrealloc(void *p, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total)) {
        checked(NULL);
    }
    return checked(realloc(p, total > 0 ? total : 1));
}

char *
xstrdup(const char *s)
{
    return checked(strdup(s));
}

char *
xstrndup(const char *s, size_t length)
{
    char *copy = xmalloc(length + 1);

    memcpy(copy, s, length);
    copy[length] = '\0';
    return copy;
}

void *
xmemdup(const void *p, size_t size)
{
    void *copy = xmalloc(size);

    if (size > 0) {
        memcpy(copy, p, size);
    }
    return copy;
}

char *
xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    return checked(n < 0 ? NULL : text);
}

void
mem_freep(void *pp)
{
    void *p;

    memcpy(&p, pp, sizeof p);
    free(p);
}

void
mem_closep(int *fdp)
{
    if (*fdp >= 0) {
        close(*fdp);
    }
}

void
mem_settle(void)
{
    /* Where it is said, the library does not raise it as it goes. */
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
}

void
mem_trim(void)
{
    malloc_trim(0);
}
