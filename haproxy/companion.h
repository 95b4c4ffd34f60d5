/* companion: one more process that sallyport-proxy keeps running.
 *
 * sallyport-auth outside pods: started when HAProxy is, again when it dies,
 * ended after HAProxy.  Its parent reaps it and tells companion_reaped().
 * Times are monotonic milliseconds.  One thread.
 */
#ifndef HAPROXY_COMPANION_H
#define HAPROXY_COMPANION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/backoff.h"

struct companion {
    const char *path;           /* NULL: there is none. */
    const char *run_dir;        /* Its argument. */
    pid_t pid;                  /* 0: not running. */
    int64_t started_ms, due_ms;
    struct backoff backoff;
};

void companion_init(struct companion *, const char *path,
                    const char *run_dir);
/* Starts it where it does not run and is due; 'blocked' are the signals that
 * the child must not inherit as blocked. */
void companion_run(struct companion *, const sigset_t *blocked,
                   int64_t now_ms);
/* Milliseconds until companion_run() has something to do, at most 'max'. */
int64_t companion_wait(const struct companion *, int64_t now_ms,
                       int64_t max);
/* True where 'pid' was it. */
bool companion_reaped(struct companion *, pid_t pid, int64_t now_ms);
/* Asks it to end. */
void companion_stop(const struct companion *);

#endif /* HAPROXY_COMPANION_H */
