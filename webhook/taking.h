/* taking: claims taken in the API server, all of them or none.
 *
 * A state machine without I/O; claimer.h puts it on a client.  It says which
 * request is due and is told the answer.  Claims are created one after the
 * other in the order of their names; what exists already is joined where it
 * may be shared, removed where no Ingress backs it (any more), and lost
 * otherwise.  Then the siblings of each host are read: of a wildcard and a
 * host below it the one that was created first wins.  What was created here
 * is deleted again when one is lost.  docs/internals/claims.md, "Across
 * replicas", has the argument.
 *
 * Ownership: takes the claims, the rest is borrowed and outlives it.
 * Threads: one.  Times are monotonic ms; wall clock where it says so.
 */
#ifndef WEBHOOK_TAKING_H
#define WEBHOOK_TAKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ingress/model.h"
#include "lib/kube/claim.h"
#include "lib/kube/http.h"

struct taking;

/* An older claim than this whose Ingress is not there is nobody's: the API
 * server itself ends each request after 34 s. */
#define TAKING_AGE_S 60

/* Is a live Ingress one that may have 'host'? */
typedef bool taking_may_have_fn(const struct kube_object *ingress,
                                const char *host, void *aux);

struct taking_spec {
    const char *ns;             /* Where claims are kept. */
    const struct ruleset *ruleset;
    const char *self;           /* Key of the Ingress that asks. */
    struct kube_claim *claims;       /* Taken over: the array and its texts. */
    size_t n;
    taking_may_have_fn *may_have;
    void *aux;
    int64_t deadline_ms;
};

enum taking_verdict {
    TAKING_BUSY,
    TAKING_HELD,        /* All are ours. */
    TAKING_LOST,        /* One is another's. */
    TAKING_FAILED,      /* The API server did not answer, or refused. */
};

struct taking_request {
    enum http_method method;
    char *path;                 /* The caller's to free, as the body is. */
    char *body;                 /* NULL: none. */
};

struct taking *taking_new(const struct taking_spec *)
    MUST_USE RETURNS_NONNULL;
void taking_free(struct taking *);          /* Accepts NULL. */

/* Is a request due?  Then it counts as sent until taking_done(). */
bool taking_start(struct taking *, int64_t now_ms, int64_t wall_s,
                  struct taking_request *out);
void taking_done(struct taking *, const struct http_response *,
                 int64_t now_ms, int64_t wall_s);
/* When the next request is due; INT64_MAX: none. */
int64_t taking_due_ms(const struct taking *);
/* Fails, or gives back what it holds; 'why' is what is said of it. */
void taking_abandon(struct taking *, const char *why, int64_t now_ms);

/* Final once it is not BUSY; requests may follow that give back. */
enum taking_verdict taking_verdict(const struct taking *);
bool taking_is_over(const struct taking *);

/* After TAKING_LOST: which claim, and whose it is; the Ingress itself where
 * it exists, else NULL: its request is on the way. */
const struct kube_claim *taking_lost(const struct taking *, const char **holder,
                                struct model **rival);
/* After TAKING_FAILED. */
const char *taking_why(const struct taking *);

#endif /* WEBHOOK_TAKING_H */
