/* judge: the verdict on one Ingress, for every door.
 *
 * All findings of an object at once: its own (model.h), against the others
 * (claims.h), and against the Services it names (a missing one, or port, is
 * a warning).  What is to be said of its Secrets, cert.h says.
 * judge_ratchet() then keeps what exists alive: on an
 * update only findings that the old object did not have refuse it; the rest
 * become warnings.  Pure.
 * Source: the API server's admission contract, AdmissionReview v1.
 */
#ifndef INGRESS_JUDGE_H
#define INGRESS_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ingress/claims.h"
#include "lib/kube/cache.h"

/* 'claims' and 'cache' may be NULL: then nothing is said against them.  A
 * kind that the cache does not watch is not asked about. */
void judge(const struct model *, const struct claims *, const struct cache *,
           struct findings *out);

/* The same of the controller's ConfigMap, beside what defaults_read() says of
 * each key: of those that need another, or count for nothing as it is run.
 * Nothing where the ruleset names none. */
void judge_configmap(const struct ruleset *, struct findings *out);

/* Calls 'each' for each Service that requests of the Ingress go to by its
 * spec, with the field of the backend. */
void judge_each_backend(const struct model *,
                        void (*each)(const struct kube_backend *,
                                     const char *field, void *aux),
                        void *aux);

/* Turns errors in 'now' that 'before' has too into warnings. */
void judge_ratchet(struct findings *now, const struct findings *before);

/* True where an update changes nothing that we judge: class, spec and our
 * annotations are equal. */
bool judge_is_untouched(const struct kube_object *now,
                        const struct kube_object *before);
/* The same of an object that is not kept: two have one mark, of this process
 * alone, where one is the other untouched. */
uint64_t judge_mark(const struct kube_object *);

/* Where 'cache' has Secrets: that the one of users (auth-secret) is missing, a
 * warning as for a certificate's, in the words of the reconciler, which alone
 * reads what is in it. */
void judge_users(const struct model *, const struct cache *cache,
                 struct findings *out);

#endif /* INGRESS_JUDGE_H */
