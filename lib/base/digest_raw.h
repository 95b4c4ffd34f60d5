/* digest_raw: digests as bytes, piece by piece, and keyed ones.
 *
 * MD5 and SHA-1 are here for formats that others chose (apr1, {SHA}, HTTP
 * digest authentication); nothing of ours rests on them.  Any thread, each
 * with its own struct digest.
 */
#ifndef BASE_DIGEST_RAW_H
#define BASE_DIGEST_RAW_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256 };

#define DIGEST_RAW_MAX 32       /* Bytes of the longest. */
#define DIGEST_HMAC_SIZE 32

struct digest;

struct digest *digest_new(enum digest_kind) MUST_USE RETURNS_NONNULL;
void digest_free(struct digest *);      /* Accepts NULL. */
void digest_freep(struct digest **);
#define AUTO_DIGEST AUTO(digest_freep)

void digest_put(struct digest *, const void *data, size_t size);
void digest_puts(struct digest *, const char *);
/* Returns how many bytes it wrote; the digest begins anew. */
size_t digest_end(struct digest *, unsigned char out[DIGEST_RAW_MAX]);
/* The same in lower-case hex with a NUL. */
void digest_end_hex(struct digest *, char out[2 * DIGEST_RAW_MAX + 1]);

/* HMAC-SHA-256. */
void digest_hmac(const void *key, size_t key_size, const void *data,
                 size_t size, unsigned char out[DIGEST_HMAC_SIZE]);

void digest_put_hex(const unsigned char *bytes, size_t size, char *out);
/* Time does not depend on where they differ. */
bool digest_equal(const void *a, const void *b, size_t size);
/* From the kernel; ends the process where there is none. */
void digest_random(void *out, size_t size);

#endif /* BASE_DIGEST_RAW_H */
