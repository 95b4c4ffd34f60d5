/* x509_priv: what x509*.c share.  OpenSSL's types
 * end here. */
#ifndef BASE_X509_PRIV_H
#define BASE_X509_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/base/err.h"
#include "lib/base/x509.h"

#define X509_FILE "the certificate file"
#define X509_KEY_FILE "the key file"

struct chain {
    X509 *items[X509_MAX_CHAIN];
    size_t n;
};

void x509_chain_fini(struct chain *);

/* Is it PEM text, whole and of an acceptable size? */
struct err *x509_check_text(const struct x509_text *) MUST_USE;
/* Why OpenSSL read no further block; NULL: there is none. */
struct err *x509_bad_block(const struct x509_text *) MUST_USE;

/* Checked certificates of a PEM text, in its order. */
struct err *x509_read_chain(const struct x509_text *, struct chain *)
    MUST_USE;
/* The one private key of a PEM text. */
struct err *x509_read_key(const struct x509_text *, EVP_PKEY **out) MUST_USE;
struct err *x509_read_time(const ASN1_TIME *, const char *what, int64_t *out)
    MUST_USE;
/* By name, key identifiers and signature. */
bool x509_is_issuer(X509 *issuer, X509 *subject);

bool x509_is_dns_name(const unsigned char *, size_t length);

/* X509_MUST_STAPLE and the two after it, of a chain's first (x509_ocsp.c). */
unsigned x509_ocsp_notes(X509 *leaf, bool has_issuer);

/* Fills 'out' from a checked chain, leaf first, and its key; the notes of the
 * chain's order stand there already. */
struct err *x509_fill_pair(const struct chain *, EVP_PKEY *key,
                           struct x509_pair *out) MUST_USE;
/* The text of OpenSSL's last error behind 'what'. */
struct err *x509_internal(const char *what) MUST_USE RETURNS_NONNULL;

#endif /* BASE_X509_PRIV_H */
