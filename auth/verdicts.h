/* verdicts: credentials that were right a moment ago.
 *
 * Only positive verdicts, each for VERDICTS_MS, under a keyed hash of the
 * credentials whose key dies with the process.  Bounded: a set that is full
 * forgets what ends first.  Times are monotonic milliseconds.  One thread.
 */
#ifndef AUTH_VERDICTS_H
#define AUTH_VERDICTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"

#define VERDICTS_MS (5 * 60 * 1000)
#define VERDICTS_MAX 1024
#define VERDICTS_KEY_SIZE 16

struct verdicts;

/* Room for 'n' verdicts at most, and for VERDICTS_MAX. */
struct verdicts *verdicts_new(size_t n) MUST_USE RETURNS_NONNULL;
void verdicts_free(struct verdicts *);      /* Accepts NULL. */

/* The keyed hash of credentials; 'key' is the process's own. */
void verdicts_key(const unsigned char *key, size_t key_size,
                  const char *credentials, size_t size,
                  unsigned char out[VERDICTS_KEY_SIZE]);

bool verdicts_has(const struct verdicts *,
                  const unsigned char key[VERDICTS_KEY_SIZE],
                  int64_t now_ms);
void verdicts_add(struct verdicts *,
                  const unsigned char key[VERDICTS_KEY_SIZE],
                  int64_t now_ms);

#endif /* AUTH_VERDICTS_H */
