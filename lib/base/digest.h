/* digest: SHA-256, hex and base64, over OpenSSL.  Any thread. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

#define DIGEST_HEX_SIZE 65      /* 64 hex digits and the NUL. */

/* SHA-256 of 'data' in lower-case hex. */
void digest_sha256_hex(const void *data, size_t size,
                       char out[DIGEST_HEX_SIZE]);

/* Strict base64 (RFC 4648, padded; line feeds are skipped as PEM has them).
 * '*out' is the caller's to free and has a NUL behind it. */
bool digest_base64_decode(const char *s, size_t length, char **out,
                          size_t *size) MUST_USE;
char *digest_base64_encode(const void *data, size_t size)
    MUST_USE RETURNS_NONNULL;

#endif /* BASE_DIGEST_H */
