/* ciphers: lists of TLS ciphers in OpenSSL's syntax, judged without a server.
 *
 * A list chooses what is spoken up to TLS 1.2; TLS 1.3 has suites of its own
 * that no list reaches.  Which names there are is the OpenSSL's that judges,
 * the same library that HAProxy runs on.  Any thread.
 */
#ifndef BASE_CIPHERS_H
#define BASE_CIPHERS_H

#include "lib/base/buf.h"
#include "lib/base/compiler.h"
#include "lib/base/err.h"

/* Mozilla's intermediate profile, version 5.7. */
#define CIPHERS_INTERMEDIATE                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"          \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"          \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"          \
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"                \
    "DHE-RSA-CHACHA20-POLY1305"

/* An error of kind ERR_INVALID is the end of a sentence that begins with the
 * list: it chooses nothing, or what protects nobody.  What is weak or has no
 * effect is appended to 'notes' as another end of such a sentence. */
struct err *ciphers_check(const char *list, struct buf *notes) MUST_USE;

#endif /* BASE_CIPHERS_H */
