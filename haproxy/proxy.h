/* proxy: the parent of HAProxy that holds its listeners.
 *
 * Whoever kills HAProxy's worker kills its master too.  This small parent
 * opens the listening sockets, hands them to HAProxy as numbered descriptors
 * and starts it again at once when it dies, so that connections wait in the
 * backlog instead of being refused.  It reads nothing from the network and
 * knows nothing but RUN/listeners, RUN/haproxy.cfg and a binary, or two.
 */
#ifndef HAPROXY_PROXY_H
#define HAPROXY_PROXY_H

#include <stdint.h>

#include "lib/base/err.h"

struct proxy_options {
    const char *run_dir;
    const char *haproxy;
    const char *auth;           /* sallyport-auth, kept running; or NULL. */
    int64_t grace_ms;           /* For requests in flight at SIGTERM. */
};

/* Runs until SIGTERM (graceful) or SIGINT (at once); NULL: ended so. */
struct err *proxy_run(const struct proxy_options *) MUST_USE;

#endif /* HAPROXY_PROXY_H */
