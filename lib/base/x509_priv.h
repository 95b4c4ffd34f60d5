/* x509_priv: what x509.c and x509_make.c share.  OpenSSL's types end here. */
#ifndef BASE_X509_PRIV_H
#define BASE_X509_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/base/err.h"
#include "lib/base/x509.h"

struct chain {
    X509 *items[X509_MAX_CHAIN];
    size_t n;
};

bool x509_is_dns_name(const unsigned char *, size_t length);

/* Fills 'out' from a checked chain, leaf first, and its key. */
struct err *x509_fill_pair(const struct chain *, EVP_PKEY *key,
                           struct x509_pair *out) MUST_USE;
/* The text of OpenSSL's last error behind 'what'. */
struct err *x509_internal(const char *what) MUST_USE RETURNS_NONNULL;

#endif /* BASE_X509_PRIV_H */
