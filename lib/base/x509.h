/* x509: certificates and keys from strangers, checked; OpenSSL's door.
 *
 * x509_read() takes the chain and key of a kubernetes.io/tls Secret and
 * answers with one PEM that HAProxy will take (leaf, chain in order, key),
 * or with the reason why not, as the end of a sentence for a finding.
 * Any thread.
 */
#ifndef BASE_X509_H
#define BASE_X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define X509_MAX_PEM ((size_t) 256 << 10)
#define X509_MAX_CHAIN 16
#define X509_MAX_NAMES 1000

/* PEM text, and what an error calls it. */
struct x509_text {
    const char *data;
    size_t size;
    const char *name;
};

/* What is odd about a pair that can be served. */
#define X509_REORDERED 0x01     /* The chain stood in another order. */
#define X509_COPIES 0x02        /* Certificates stood there twice. */
#define X509_STRANGERS 0x04     /* Some are no link of the chain. */
#define X509_IS_CA 0x08         /* The leaf is a CA's certificate. */
#define X509_NOT_SERVER 0x10    /* Its purposes leave servers out. */
#define X509_BAD_NAMES 0x20     /* Names that are no DNS names. */
#define X509_MORE_NAMES 0x40    /* More than X509_MAX_NAMES. */
#define X509_RSA 0x80           /* Not odd: its key is one of RSA. */
#define X509_MUST_STAPLE 0x100  /* Clients want an OCSP response with it. */
#define X509_NO_RESPONDER 0x200 /* And it names nobody who can be asked. */
#define X509_LONE 0x400         /* It names a responder; its issuer, without
                                 * whom no response counts, is not there. */

struct x509_pair {
    char *pem;              /* Certificates and key; keep it secret. */
    char **names;           /* DNS names (SAN; never the CN), lower case. */
    size_t n_names;
    size_t n_addresses;     /* IP addresses among the names. */
    int64_t not_before;     /* Seconds since 1970. */
    int64_t not_after;
    int64_t chain_not_after;    /* The earliest of its issuers; 0: none. */
    unsigned notes;         /* X509_* */
    char fingerprint[65];   /* SHA-256 of the leaf in hex. */
};

/* An error of kind ERR_INVALID says what is wrong with the pair. */
struct err *x509_read_pair(const struct x509_text *certificates,
                           const struct x509_text *key,
                           struct x509_pair *out) MUST_USE;
/* The same for two files. */
struct err *x509_read(const char *certificates, size_t certificates_size,
                      const char *key, size_t key_size,
                      struct x509_pair *out) MUST_USE;
void x509_pair_fini(struct x509_pair *);

/* True where a name of the leaf covers 'host' (wildcards: one label). */
bool x509_covers(const struct x509_pair *, const char *host);

/* A self-signed pair for 'common_name' and DNS 'names' (EC P-256). */
struct err *x509_self_signed(const char *common_name,
                             const char *const *names, size_t n_names,
                             int64_t now, int64_t days,
                             struct x509_pair *out) MUST_USE;

#endif /* BASE_X509_H */
