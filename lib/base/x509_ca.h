/* x509_ca: a certificate authority of our own, as small as one can be.
 *
 * Makes a CA (EC P-256, no CA below it) and certificates of servers from it,
 * and answers what must be known to renew them: what a bundle holds, whose
 * key a key is, which CA a certificate came from.  Serial numbers are 128
 * random bits; validity begins five minutes before 'now', for clocks behind
 * ours, and never outlives the CA.  Errors of kind ERR_INVALID say what is
 * wrong with what was given.  Any thread.
 */
#ifndef BASE_X509_CA_H
#define BASE_X509_CA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/x509.h"

/* Seconds that validity begins before 'now'. */
#define X509_BACKDATE_S 300

struct x509_made {
    char *certificate;      /* PEM. */
    char *key;              /* PEM; wiped by x509_made_fini(). */
};
void x509_made_fini(struct x509_made *);

struct err *x509_make_ca(const char *common_name, int64_t now, int64_t days,
                         struct x509_made *out) MUST_USE;
/* For a server with these DNS names; the first one is its common name. */
struct err *x509_make_leaf(const struct x509_made *ca,
                           const char *const *names, size_t n_names,
                           int64_t now, int64_t days, struct x509_made *out)
    MUST_USE;

struct x509_ca {
    char *pem;
    int64_t not_before;     /* Seconds since 1970. */
    int64_t not_after;
    bool is_ca;             /* May issue certificates. */
};

struct x509_bundle {
    struct x509_ca items[X509_MAX_CHAIN];
    size_t n;
};
struct err *x509_read_bundle(const char *text, size_t size,
                             struct x509_bundle *out) MUST_USE;
void x509_bundle_fini(struct x509_bundle *);

/* Does the private key belong to the certificate? */
bool x509_is_key_of(const char *certificate, const char *key, size_t size);
/* Has the CA signed the first certificate of 'chain'? */
bool x509_has_issued(const char *ca, const char *chain);

#endif /* BASE_X509_CA_H */
