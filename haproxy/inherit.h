/* inherit: a listening socket of a process that goes on without its parent.
 *
 * A HAProxy whose parent was killed holds the ports until its last stream has
 * ended.  Who comes after that parent takes the sockets themselves
 * (pidfd_getfd(2)), so that connections wait in one backlog all the time.
 *
 * Threads: any.
 */
#ifndef HAPROXY_INHERIT_H
#define HAPROXY_INHERIT_H

#include <sys/types.h>

#include "haproxy/listeners.h"
#include "lib/base/compiler.h"

/* A copy of the socket on which 'pid' listens at exactly the address of 'l',
 * which is no twin: close-on-exec, its number 'fd_min' at least; the caller's
 * to close.  -1: it has none, or that process may not be traced (root may,
 * others by the kernel's settings). */
int inherit_listener(pid_t pid, const struct listener *l, int fd_min)
    MUST_USE;

#endif /* HAPROXY_INHERIT_H */
