/* waits: what a loop waits for, collected from all its modules.
 *
 * Each module has a _run() that works and never blocks, and a _wait() that
 * registers descriptors and the time of its next work here; the loop calls
 * all runs, then all waits, then waits_block(), the one place that sleeps.
 */
#ifndef BASE_WAITS_H
#define BASE_WAITS_H

#include <poll.h>
#include <stdint.h>

#include "lib/base/vec.h"

struct waits {
    VEC(struct pollfd) fds;
    int64_t deadline_ms;    /* Monotonic; INT64_MAX: no deadline. */
};

void waits_init(struct waits *);
void waits_fini(struct waits *);

void waits_clear(struct waits *);
void waits_fd(struct waits *, int fd, short events);
void waits_until(struct waits *, int64_t deadline_ms);
void waits_now(struct waits *);

/* Sleeps until a descriptor is ready or the deadline is reached. */
void waits_block(struct waits *);

/* Events seen on 'fd' by the last waits_block(). */
short waits_ready(const struct waits *, int fd);

#endif /* BASE_WAITS_H */
