/* authorities: Secrets whose ca.crt verifies the certificates of clients.
 *
 * A Secret is checked when a host first asks for it and each time it changes.
 * What it holds stands in the plan under a name made of the content (plan.h),
 * so that a change is another name, and HAProxy never replaces an authority
 * that connections were verified with.  One that is missing or bad has no
 * name: whoever needs it lets nobody in.  One thread.
 */
#ifndef RECONCILER_AUTHORITIES_H
#define RECONCILER_AUTHORITIES_H

#include <stdbool.h>

#include "lib/ingress/model.h"
#include "lib/kube/cache.h"
#include "reconciler/stores.h"

struct authorities;

/* 'cache' and 'stores' outlive it. */
struct authorities *authorities_new(const struct cache *, struct stores *)
    MUST_USE RETURNS_NONNULL;
void authorities_free(struct authorities *);

/* A host asks for certificates that the Secret "namespace/name" verifies.
 * The key it returns lives as long as the reference. */
const char *authorities_ref(struct authorities *, const char *secret_key);
void authorities_unref(struct authorities *, const char *secret_key);

/* The Secret changed in the cache.  True where it is in use and says something
 * else now: hosts that use it must be looked at again. */
bool authorities_secret_changed(struct authorities *, const char *secret_key);

/* Names in the plan, borrowed until the next change; NULL: it is not usable,
 * or has no list. */
const char *authorities_ca(const struct authorities *, const char *secret_key);
const char *authorities_crl(const struct authorities *,
                            const char *secret_key);
/* Why it is not usable, NULL where it is or nobody asks; borrowed. */
const char *authorities_problem(const struct authorities *,
                                const char *secret_key);
/* What there is to say of an Ingress that names such a Secret. */
void authorities_report(const struct authorities *, const struct model *,
                        struct findings *);

#endif /* RECONCILER_AUTHORITIES_H */
