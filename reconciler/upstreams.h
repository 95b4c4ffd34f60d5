/* upstreams: Secrets by which HAProxy and endpoints know each other.
 *
 * ca.crt verifies the certificates of endpoints, tls.crt and tls.key are what
 * they are shown; a Secret has either or both.  It is checked when a backend
 * first asks for it and each time it changes; one that is missing or bad has
 * nothing, and nobody is spoken to under it.  One thread.
 */
#ifndef RECONCILER_UPSTREAMS_H
#define RECONCILER_UPSTREAMS_H

#include <stdbool.h>

#include "lib/ingress/model.h"
#include "lib/kube/cache.h"
#include "reconciler/stores.h"

struct upstreams;

/* All of these outlive it. */
struct upstreams *upstreams_new(const struct cache *, struct stores *)
    MUST_USE RETURNS_NONNULL;
void upstreams_free(struct upstreams *);

/* A backend uses the Secret "namespace/name". */
void upstreams_ref(struct upstreams *, const char *secret_key);
void upstreams_unref(struct upstreams *, const char *secret_key);
/* The Secret changed in the cache; true where it is in use. */
bool upstreams_secret_changed(struct upstreams *, const char *secret_key);

/* Names in the plan, borrowed until the next change; NULL: it has none. */
const char *upstreams_ca(const struct upstreams *, const char *secret_key);
const char *upstreams_cert(const struct upstreams *, const char *secret_key);
/* Why it is not usable, NULL where it is or nobody asks; borrowed. */
const char *upstreams_problem(const struct upstreams *,
                              const char *secret_key);
/* What there is to say of an Ingress that names such a Secret. */
void upstreams_report(const struct upstreams *, const struct model *,
                      struct findings *);

#endif /* RECONCILER_UPSTREAMS_H */
