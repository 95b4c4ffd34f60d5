/* taking_read: what the API server's answers mean to taking.h.
 *
 * Pure; any thread.
 */
#ifndef WEBHOOK_TAKING_READ_H
#define WEBHOOK_TAKING_READ_H

#include "lib/base/err.h"
#include "lib/ingress/model.h"
#include "lib/kube/claim.h"
#include "lib/kube/http.h"
#include "webhook/taking.h"

/* One Lease that is a claim; 'out' is set on every path. */
struct err *taking_read_claim(const struct http_response *,
                              struct kube_claim *out) MUST_USE;

/* A Lease, or a list of them: the oldest that excludes 'mine' and is older
 * goes into 'found' (zeroed before), which stays so where there is none. */
struct err *taking_read_siblings(const struct http_response *,
                                 const struct kube_claim *mine,
                                 struct kube_claim *found) MUST_USE;

struct taking_backing {
    const struct kube_claim *claim;
    const struct ruleset *ruleset;
    const char *self;           /* Of whom it is no question. */
    taking_may_have_fn *may_have;
    void *aux;
};

/* A list of Ingresses: the model of the first one that asks for what the
 * claim holds; the caller's to unref, NULL: none does. */
struct err *taking_read_backer(const struct http_response *,
                               const struct taking_backing *,
                               struct model **out) MUST_USE;

#endif /* WEBHOOK_TAKING_READ_H */
