/* lease: who of several is the leader, by a coordination.k8s.io Lease.
 *
 * A state machine without I/O; leader.h puts it on a client.  It says which
 * request is due and is told the answer; time (monotonic for decisions, wall
 * clock for what is written) and randomness are arguments.
 *
 * A candidate takes the Lease where nobody holds it, or where its record has
 * not changed for as long as the record says; that is judged by the time we
 * saw it change, never by comparing its clock with ours.  Takeover is an
 * update of the version we saw: a conflict means that another was faster.
 * A holder renews every 'retry_ms' and is none any more 'renew_ms' after the
 * last renewal it sent with success: before anybody else may take over.
 *
 * Ownership: copies its specification.  Threads: one.
 * Source: client-go's leaderelection; the Lease of the Kubernetes API.
 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/compiler.h"
#include "lib/kube/http.h"

struct lease;

/* duration > renew > 1.2 * retry; all three 0: 15 s, 10 s, 2 s. */
struct lease_spec {
    const char *ns;
    const char *name;
    const char *identity;       /* Of this process, unique: pod and random. */
    int64_t duration_ms;
    int64_t renew_ms;
    int64_t retry_ms;
};

struct lease_request {
    enum http_method method;
    char *path;                 /* The caller's to free, as the body is. */
    char *body;                 /* NULL: none. */
};

struct lease *lease_new(const struct lease_spec *) MUST_USE RETURNS_NONNULL;
void lease_free(struct lease *);        /* Accepts NULL. */

/* Is a request due?  Then it counts as sent until lease_done(). */
bool lease_start(struct lease *, int64_t now_ms, int64_t wall_us,
                 struct lease_request *out);
void lease_done(struct lease *, const struct http_response *, int64_t now_ms,
                uint32_t random);
/* When the next request is due; INT64_MAX: none. */
int64_t lease_due_ms(const struct lease *);

bool lease_is_held(const struct lease *, int64_t now_ms);
/* When it is not held any more unless it is renewed; INT64_MAX: not held. */
int64_t lease_expires_ms(const struct lease *);
/* Who holds it as far as we know; "": nobody, NULL: not known. */
const char *lease_holder(const struct lease *);

/* Gives it up: not held from here on; whoever waits may take it as soon as
 * the request for that is through. */
void lease_release(struct lease *);
/* Nothing is left to be sent after lease_release(). */
bool lease_is_released(const struct lease *);

#endif /* KUBE_LEASE_H */
