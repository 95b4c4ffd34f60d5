/* certs: TLS Secrets in use, as certificates of the plan.
 *
 * A Secret is checked by OpenSSL when a TLS section first names it and each
 * time it changes.  One that turns bad keeps its last good certificate in
 * service and the reason why; one that was never good, or that is gone, is
 * unusable and its hosts get the default certificate.  Keys are kept by the
 * plan and HAProxy only.  One thread.
 */
#ifndef RECONCILER_CERTS_H
#define RECONCILER_CERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "lib/kube/cache.h"

struct certs;

/* 'fallback_pem' serves where 'default_key' ("ns/name", may be NULL) has
 * never been good.  'cache' and 'plan' outlive it. */
struct certs *certs_new(const struct cache *, struct plan *,
                        const char *default_key, const char *fallback_pem)
    MUST_USE RETURNS_NONNULL;
void certs_free(struct certs *);

/* A TLS section names the Secret; the certificate is in the plan under the
 * Secret's key from then on, if it is usable. */
void certs_ref(struct certs *, const char *secret_key);
void certs_unref(struct certs *, const char *secret_key);

/* The Secret changed in the cache.  True where its usability or its names
 * did: then hosts that use it must be looked at again. */
bool certs_secret_changed(struct certs *, const char *secret_key);

bool certs_is_usable(const struct certs *, const char *secret_key);
bool certs_covers(const struct certs *, const char *secret_key,
                  const char *host);
/* Why the Secret as it is now is not served, NULL where it is; borrowed. */
const char *certs_problem(const struct certs *, const char *secret_key);
/* Earliest expiry of the certificates in use; 0: none. */
int64_t certs_first_expiry(const struct certs *);

#endif /* RECONCILER_CERTS_H */
