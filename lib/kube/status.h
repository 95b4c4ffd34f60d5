/* status: addresses into the status of Ingresses.
 *
 * One strategic merge patch per Ingress on its status, with its uid as the
 * precondition, so that an object deleted and created anew under the same
 * name is never written by mistake.  A patch that changes nothing is harmless:
 * the object keeps its version.  At most KUBE_MAX_STATUS_WRITES are under way;
 * 429, 5xx, 409 and no answer are tried again with backoff for as long as it
 * takes; when to ask again after a refusal is the owner's to say.  Of several
 * writes to one Ingress the newest wins.
 *
 * Ownership: borrows the client, which must outlive it; copies the rest.
 * Threads: one.
 * Source: the API's strategic merge patch; the Ingress status, whose addresses
 * are one value (listType=atomic).
 */
#ifndef KUBE_STATUS_H
#define KUBE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/waits.h"
#include "lib/kube/object.h"

struct kube_client;
struct status;

enum status_result {
    STATUS_WRITTEN,
    STATUS_GONE,        /* The object is not there (any more). */
    STATUS_REFUSED,     /* Not allowed or not valid: 'err' says what. */
};

/* How the newest write to an Ingress ended; an older one that it overtook
 * says nothing.  'err' is borrowed, NULL but for STATUS_REFUSED.  May write
 * again. */
typedef void status_done_fn(const char *key, enum status_result,
                            const struct err *err, void *aux);

struct status *status_new(struct kube_client *, status_done_fn *, void *aux)
    MUST_USE RETURNS_NONNULL;
void status_free(struct status *);      /* Accepts NULL. */

/* Sets status.loadBalancer.ingress of exactly this object ('uid') to the
 * addresses, normalised as below; none clears it. */
void status_write(struct status *, const struct kube_object *ingress,
                  const struct kube_address *addresses, size_t n);
/* Forgets all writes, those under way included: we may not any more. */
void status_drop_all(struct status *);

void status_run(struct status *, int64_t now_ms);
void status_wait(struct status *, struct waits *);

/* Writes not yet settled. */
size_t status_n_pending(const struct status *);

/* The one order and choice of addresses: no doubles, no empty ones, no text
 * in 'ip' that is no IP address; sorted; IP addresses alone where there are
 * any, else host names (DNS cannot give both to one name).  'out' has room
 * for 'n'; its texts are those of 'in'.  Returns how many. */
size_t status_normalise(const struct kube_address *in, size_t n,
                        struct kube_address *out);

#endif /* KUBE_STATUS_H */
