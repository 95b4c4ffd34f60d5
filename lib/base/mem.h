/* mem: allocation that stops the process when memory is out.
 *
 * A daemon that has no memory left restarts clean; hostile input is capped
 * where it enters (buf.h, parse.h), so these never see a size chosen by a
 * stranger.  Any thread.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "lib/base/compiler.h"

void *xmalloc(size_t size) MUST_USE RETURNS_NONNULL;
void *xcalloc(size_t n, size_t size) MUST_USE RETURNS_NONNULL;
void *xrealloc(void *, size_t n, size_t size) MUST_USE RETURNS_NONNULL;
char *xstrdup(const char *) MUST_USE RETURNS_NONNULL;
char *xstrndup(const char *, size_t length) MUST_USE RETURNS_NONNULL;
void *xmemdup(const void *, size_t size) MUST_USE RETURNS_NONNULL;
char *xasprintf(const char *fmt, ...) PRINTF(1, 2) MUST_USE RETURNS_NONNULL;

/* Of a daemon, before its first thread: what is large goes back to the system
 * when it is freed, and never stays as a hole in the heap. */
void mem_settle(void);

/* Gives free pages back to the system: after work that took much for a
 * moment.  Takes milliseconds. */
void mem_trim(void);

/* Frees what '*pp' points to; 'pp' is the address of any pointer. */
void mem_freep(void *pp);
#define AUTO_FREE AUTO(mem_freep)

/* Closes '*fdp' unless it is negative. */
void mem_closep(int *fdp);
#define AUTO_CLOSE AUTO(mem_closep)

/* Moves a pointer (or descriptor) out of an AUTO_ variable. */
#define STEAL_PTR(p)                                                       \
    ({                                                                     \
        __typeof__(p) stolen_ = (p);                                       \
        (p) = NULL;                                                        \
        stolen_;                                                           \
    })
#define STEAL_FD(fd)                                                       \
    ({                                                                     \
        int stolen_ = (fd);                                                \
        (fd) = -1;                                                         \
        stolen_;                                                           \
    })

#endif /* BASE_MEM_H */
