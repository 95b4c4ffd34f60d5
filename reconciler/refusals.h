/* refusals: writes that the API server refused, and when to ask again.
 *
 * A refusal is no failure that passes, but its reason may go away with nothing
 * that tells: a role that comes later than its pod, a policy that is mended.
 * So some of what was refused is asked again, from a minute later to an hour;
 * where one of those is taken, all the others are due.  One thread.
 */
#ifndef RECONCILER_REFUSALS_H
#define RECONCILER_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/vec.h"
#include "lib/base/waits.h"

#define REFUSALS_MIN_MS 60000
#define REFUSALS_MAX_MS 3600000
/* Asked at a time: a few of 50,000 tell as much as all. */
#define REFUSALS_PROBES 64

struct refusals {
    VEC(char *) keys;           /* From 'first' on, the oldest first. */
    size_t first;
    size_t n_due;               /* Of them, in this round. */
    int64_t due_ms;             /* The next round; where there are keys. */
    int64_t patience_ms;        /* Until the one after it; 0: the least. */
};
#define REFUSALS_INIT { .first = 0 }

void refusals_fini(struct refusals *);

/* 'key' was refused; it is not there. */
void refusals_add(struct refusals *, const char *key, int64_t now_ms);
/* One that was asked again was taken. */
void refusals_lift(struct refusals *);
/* The next to be asked again, the caller's to free; NULL: none now. */
char *refusals_next(struct refusals *, int64_t now_ms);
size_t refusals_count(const struct refusals *);
void refusals_wait(const struct refusals *, struct waits *);

#endif /* RECONCILER_REFUSALS_H */
