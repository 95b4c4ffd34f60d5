/* nonces: which nonce counts of a digest were used already.
 *
 * A nonce carries its time of birth and a keyed hash, so that none has to be
 * remembered before somebody proves with it that he knows a password; from
 * then on its counts are, so that no request can be sent twice.  Bounded: the
 * oldest is forgotten, and with it every nonce that was born before it and was
 * not used yet: that is stale, never replayable.
 *
 * Times are monotonic milliseconds.  One thread.
 * Source: RFC 7616, 3.3 to 3.5 and 5.5.
 */
#ifndef AUTH_NONCES_H
#define AUTH_NONCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"

#define NONCES_MS (5 * 60 * 1000)   /* How long one can be used. */
#define NONCES_MAX 2048             /* Remembered in one table. */
#define NONCES_WINDOW 64            /* How much counts may be out of order. */
#define NONCE_SIZE 65               /* 64 hex digits and the NUL. */

struct nonces;

struct nonces *nonces_new(int64_t now_ms) MUST_USE RETURNS_NONNULL;
void nonces_free(struct nonces *);          /* Accepts NULL. */

/* A new nonce, good with the same key and context only. */
void nonce_make(const unsigned char *key, size_t key_size,
                const char *context, int64_t now_ms, char out[NONCE_SIZE]);
/* Was it made so, whenever?  '*born_ms' is when. */
bool nonce_read(const unsigned char *key, size_t key_size,
                const char *context, const char *nonce, int64_t *born_ms);

/* Takes one count of a nonce that nonce_read() knows; false: it is too old,
 * forgotten, or was used with this count before. */
bool nonces_take(struct nonces *, const char *nonce, int64_t born_ms,
                 uint32_t count, int64_t now_ms) MUST_USE;

#endif /* AUTH_NONCES_H */
