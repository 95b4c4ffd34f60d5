/* x509_bundle: authorities of client certificates, and what they took back.
 *
 * From "ca.crt" and "ca.crl" of a Secret to texts that HAProxy loads, or the
 * reason why not, as the end of a sentence for a finding.  Any thread.
 */
#ifndef BASE_X509_BUNDLE_H
#define BASE_X509_BUNDLE_H

#include <stddef.h>

#include "lib/base/err.h"

#define X509_MAX_CRLS 16

/* Certificates in PEM, X509_MAX_CHAIN at most, in their order and nothing
 * else; '*out' ('out' may be NULL) is the caller's to free. */
struct err *x509_read_authorities(const char *pem, size_t size, char **out)
    MUST_USE;
/* The same for lists of revoked certificates. */
struct err *x509_read_crls(const char *pem, size_t size, char **out) MUST_USE;

#endif /* BASE_X509_BUNDLE_H */
