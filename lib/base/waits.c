#include "lib/base/waits.h"

#include <limits.h>

#include "lib/base/clock.h"

void
waits_init(struct waits *w)
{
    *w = (struct waits) { .deadline_ms = INT64_MAX };
}

void
waits_fini(struct waits *w)
{
    VEC_FINI(&w->fds);
}

void
waits_clear(struct waits *w)
{
    w->fds.n = 0;
    w->deadline_ms = INT64_MAX;
}

void
waits_fd(struct waits *w, int fd, short events)
{
    struct pollfd item = { .fd = fd, .events = events };

    VEC_PUSH(&w->fds, item);
}

void
waits_until(struct waits *w, int64_t deadline_ms)
{
    if (deadline_ms < w->deadline_ms) {
        w->deadline_ms = deadline_ms;
    }
}

void
waits_now(struct waits *w)
{
    w->deadline_ms = INT64_MIN;
}

void
waits_block(struct waits *w)
{
    int timeout = -1;

    if (w->deadline_ms != INT64_MAX) {
        int64_t now = clock_ms();
        int64_t left = w->deadline_ms > now ? w->deadline_ms - now : 0;

        timeout = left < INT_MAX ? (int) left : INT_MAX;
    }
    /* EINTR is a wake-up like any other: every module looks again. */
    if (poll(w->fds.items, w->fds.n, timeout) < 0) {
        for (size_t i = 0; i < w->fds.n; i++) {
            w->fds.items[i].revents = 0;
        }
    }
}

short
waits_ready(const struct waits *w, int fd)
{
    for (size_t i = 0; i < w->fds.n; i++) {
        if (w->fds.items[i].fd == fd) {
            return w->fds.items[i].revents;
        }
    }
    return 0;
}
