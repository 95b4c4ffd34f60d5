/* certs: TLS Secrets in use, as certificates of the plan.
 *
 * A Secret is checked by OpenSSL when a TLS section first names it and each
 * time it changes.  One that turns bad keeps its last good certificate in
 * service and the reason why; one that was never good, or that is gone, is
 * unusable and its hosts get the default certificate.  Keys are kept once: in
 * the object of the cache, to which the plan refers (of one that turned bad,
 * in its last good version); HAProxy has the other copy.  One thread.
 */
#ifndef RECONCILER_CERTS_H
#define RECONCILER_CERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "lib/base/metrics.h"
#include "lib/ingress/cert.h"
#include "lib/kube/cache.h"
#include "reconciler/keyset.h"

struct certs;

struct certs_options {
    const char *default_key;    /* "namespace/name", or NULL. */
    /* Serves where that one has never been good. */
    const char *fallback_pem;
    struct metrics *metrics;    /* A series a certificate; NULL: none. */
    struct keyset *changed;     /* Gets the keys of which facts changed. */
};

/* 'cache', 'plan' and the metrics outlive it. */
struct certs *certs_new(const struct cache *, struct plan *,
                        const struct certs_options *)
    MUST_USE RETURNS_NONNULL;
void certs_free(struct certs *);

/* A TLS section names the Secret; the certificate is in the plan under the
 * Secret's key from then on, if it is usable.  The key it returns lives as
 * long as the reference. */
const char *certs_ref(struct certs *, const char *secret_key);
void certs_unref(struct certs *, const char *secret_key);

/* The Secret changed in the cache.  True where its usability or its names
 * did: then hosts that use it must be looked at again. */
bool certs_secret_changed(struct certs *, const char *secret_key);

bool certs_covers(const struct certs *, const char *secret_key,
                  const char *host);
/* What is known of the Secret, the last good certificate included; borrowed.
 * NULL: it is not in use. */
const struct cert_facts *certs_facts(const struct certs *,
                                     const char *secret_key);
/* The same of any TLS Secret, in use or not, with what certs_set_type() told;
 * put into 'room' (zeroed) where it is not at hand.  NULL: not listed yet. */
const struct cert_facts *certs_known(const struct certs *,
                                     const char *secret_key,
                                     struct cert_facts *room);
/* All of them, for a judge. */
struct cert_source certs_source(struct certs *);
/* The type of a Secret that is no TLS Secret; NULL: there is none.  False:
 * that was known. */
bool certs_set_type(struct certs *, const char *secret_key, const char *type);
/* Keys of Secrets of which another certificate is served than at the last
 * call, or none any more; NULL-terminated, the caller frees each and the
 * array. */
char **certs_take_served(struct certs *) MUST_USE RETURNS_NONNULL;
void certs_each_served(const struct certs *,
                       void (*each)(const char *secret_key, void *aux),
                       void *aux);
/* The certificate that is served, read anew, the caller's to release; false:
 * none is. */
bool certs_served(const struct certs *, const char *secret_key,
                  struct x509_pair *out) MUST_USE;
/* What goes with the certificate of that fingerprint, and with no other: a
 * block of pem.h behind it (NULL: none) and a sentence for its Ingresses
 * (NULL: none).  Copied.  True where the sentence is another one. */
bool certs_staple(struct certs *, const char *secret_key,
                  const char *fingerprint, const char *block,
                  const char *said);
/* The same of the sentence alone. */
bool certs_say(struct certs *, const char *secret_key,
               const char *fingerprint, const char *said);
/* Those sentences, as findings on an Ingress and on the default one's
 * Secret. */
void certs_report(const struct certs *, const struct model *,
                  struct findings *out);
void certs_report_default(const struct certs *, struct findings *out);
/* Takes over what the other was told. */
void certs_inherit(struct certs *, const struct certs *from);
/* Earliest expiry of the certificates in use; 0: none. */
int64_t certs_first_expiry(struct certs *);

/* Time has come to 'now_s': 'each' is called for every Secret of which there
 * is something else to say than at the call before. */
void certs_tick(struct certs *, int64_t now_s,
                void (*each)(const char *secret_key, void *aux), void *aux);

#endif /* RECONCILER_CERTS_H */
