/* keyset: a set of strings, walked in order.  One thread. */
#ifndef RECONCILER_KEYSET_H
#define RECONCILER_KEYSET_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

struct keyset;

struct keyset *keyset_new(void) MUST_USE RETURNS_NONNULL;
/* Of keys that are taken together, very many at times (map_new_batch()). */
struct keyset *keyset_new_batch(void) MUST_USE RETURNS_NONNULL;
/* Of keys that are not copied: the caller's, who takes each out before it goes
 * away. */
struct keyset *keyset_new_borrowed(void) MUST_USE RETURNS_NONNULL;
void keyset_free(struct keyset *);      /* Accepts NULL. */
void keyset_freep(struct keyset **);
#define AUTO_KEYSET AUTO(keyset_freep)

bool keyset_add(struct keyset *, const char *key);  /* False: was there. */
bool keyset_remove(struct keyset *, const char *key);
bool keyset_has(const struct keyset *, const char *key);
size_t keyset_count(const struct keyset *);

/* Takes all keys out, in strcmp order; NULL-terminated, the caller frees
 * each and the array. */
char **keyset_take(struct keyset *) MUST_USE RETURNS_NONNULL;
/* The keys in strcmp order, borrowed; the array is the caller's to free. */
const char **keyset_list(const struct keyset *, size_t *n)
    MUST_USE RETURNS_NONNULL;

#endif /* RECONCILER_KEYSET_H */
