/* leftover: a HAProxy that is to end, ours or that of a parent before us.
 *
 * HAProxy's master loses a SIGUSR1 that comes before it waits for its workers:
 * after its start and in every reload it executes itself again with the signal
 * blocked, and then sets it to be ignored before it has a handler (2.6 to
 * 3.0).  The worker serves meanwhile, so the master is told until it has
 * ended; who was told before does nothing the second time.
 *
 * 'socket' is the argument of HAProxy that names the master's socket: who has
 * it is one of ours.  One thread; times are monotonic milliseconds.
 */
#ifndef HAPROXY_LEFTOVER_H
#define HAPROXY_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct leftover {
    pid_t pid;                  /* 0: nobody. */
    int64_t due_ms, pause_ms;
    int64_t force_ms;           /* When it is ended with force, 0: never. */
    int64_t patience_ms;        /* Until when it may serve, 0: not asked. */
};

/* Asks it to end gracefully, if it is time to. */
void leftover_tell(struct leftover *);
/* The same, while it is there. */
void leftover_end(struct leftover *, const char *socket);
/* Asks it at once where it, or a worker of it, has the runtime socket 'path':
 * somebody made it load the files beside the one that serves. */
void leftover_hurry(struct leftover *, const char *path);
/* Whether it still answers on 'path', its runtime socket, for some seconds at
 * most: it has lost the request to end, perhaps in a reload, and one beside it
 * would lose RUN's sockets to it. */
bool leftover_serves(struct leftover *, const char *path);
/* Its last streams hold ports that we could not take over: nobody gets in while
 * they go on, so from the first call on they get a moment and no more. */
void leftover_force(struct leftover *);
/* Looks for one of a parent before us, which may not have been able to tell in
 * RUN what it had. */
void leftover_find(struct leftover *, const char *socket);
/* Parent of 'pid', 0 where that cannot be told. */
pid_t leftover_parent(pid_t pid);

#endif /* HAPROXY_LEFTOVER_H */
