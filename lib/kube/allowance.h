/* allowance: a token bucket per object, for a bounded number of objects.
 *
 * A bucket begins full.  Where there is no room for another one, the bucket
 * asked for longest ago makes way: that object starts anew, and no number of
 * objects can use up what others are allowed.  Time is an argument.
 * Threads: one.
 */
#ifndef KUBE_ALLOWANCE_H
#define KUBE_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"

struct allowance;

struct allowance *allowance_new(unsigned burst, int64_t refill_ms,
                                size_t max_objects)
    MUST_USE RETURNS_NONNULL;
void allowance_free(struct allowance *);        /* Accepts NULL. */

/* Takes one token of 'id'; false: it has none left. */
bool allowance_take(struct allowance *, const char *id, int64_t now_ms);

#endif /* KUBE_ALLOWANCE_H */
