/* meters: what /metrics says of the plan, and how long a change takes.
 *
 * Ownership: the series are the registry's.  Times in microseconds of one
 * clock, which is the caller's.  Not locked.
 */
#ifndef RECONCILER_METERS_H
#define RECONCILER_METERS_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "lib/base/metrics.h"

struct meters {
    struct metric *routes;
    struct metric *backends;
    struct metric *servers;
    struct metric *certificates;
    struct metric *expiry;
    struct metric *synced;
    struct metric *checks_equal;
    struct metric *checks_different;
    struct metric *change_seconds;
    uint64_t generation;        /* Of the plan, when it was last looked at. */
    int64_t changed_us;         /* 0: nothing waits for HAProxy. */
};

void meters_init(struct meters *, struct metrics *);
void meters_plan(struct meters *, const struct plan_counts *,
                 int64_t first_expiry_s);
/* After every look at the source: 'turn_us' is when it was taken in, and
 * counts for the plan 'generation' if that is a new one. */
void meters_taken(struct meters *, uint64_t generation, int64_t turn_us);
/* After every look at HAProxy: it has confirmed that generation, a later one
 * where the plan has changed since.  Changes
 * that are taken in while another waits count with it. */
void meters_confirmed(struct meters *, uint64_t generation, int64_t now_us);
/* Forgets what waits: all of a start is no change. */
void meters_start(struct meters *, uint64_t generation);

#endif /* RECONCILER_METERS_H */
