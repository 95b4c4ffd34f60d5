/* x509_ocsp: what can be asked of an OCSP responder about a certificate, and
 * whether to believe what it says.
 *
 * The URL stands in the certificate, so it is a stranger's: it is taken apart
 * here and put together anew, and who may be asked is the caller's affair.
 * An answer counts where the issuer has signed it, or one whom the issuer
 * lets sign, for exactly this certificate, and for the time it is asked.
 * It must also be one that HAProxy takes: one certificate, SHA-1 as the name
 * of the issuer, an end.
 *
 * Errors say what is wrong with an answer in words of ours; nothing of it is
 * repeated.  Any thread.
 * Source: RFC 6960, RFC 5019, RFC 7633 (must-staple).
 */
#ifndef BASE_X509_OCSP_H
#define BASE_X509_OCSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* Of an answer in bytes: in base64 it fits one command to HAProxy. */
#define X509_OCSP_MAX ((size_t) 10 << 10)
#define X509_OCSP_MAX_URL 1024
/* Seconds that clocks of responders may be ahead of ours; and that HAProxy
 * stops to send a response before its end, for clocks of clients. */
#define X509_OCSP_SKEW_S 300

struct x509_ocsp {
    bool names_responder;   /* Somebody could be asked; maybe not by us. */
    char *certificates;     /* It and its issuer in PEM; NULL: the chain has
                             * no issuer. */
    char *url;              /* http, canonical; NULL: there is none. */
    char *host;             /* Of it, lower case: a name or an IPv4 address. */
    uint16_t port;
};

/* Of the first certificate in a text that x509_read_pair() made. */
void x509_ocsp_read(const char *pem, struct x509_ocsp *out);
void x509_ocsp_fini(struct x509_ocsp *);

/* The question in DER; 'certificates' as above. */
struct err *x509_ocsp_ask(const char *certificates, struct buf *out) MUST_USE;

enum x509_ocsp_status {
    X509_OCSP_GOOD,
    X509_OCSP_REVOKED,
    X509_OCSP_UNKNOWN,          /* The responder does not know it. */
};

struct x509_ocsp_answer {
    enum x509_ocsp_status status;
    int64_t from;               /* Seconds since 1970: thisUpdate, */
    int64_t until;              /* nextUpdate less X509_OCSP_SKEW_S. */
};

/* ERR_PROTOCOL: it is not to be believed, or of no use. */
struct err *x509_ocsp_check(const char *certificates, const void *der,
                            size_t size, int64_t now_s,
                            struct x509_ocsp_answer *out) MUST_USE;

#endif /* BASE_X509_OCSP_H */
