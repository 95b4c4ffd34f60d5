/* askwatch: services that were asked and gave no verdict, from what HAProxy
 * counts (haproxy/unanswered.h), as findings of the Ingresses that ask them and
 * as a metric.
 *
 * Looks while anybody asks, and costs nothing else.  A failure is told at the
 * first look that sees it and for ASKWATCH_PERIOD_MS; only where there were
 * none in all that time it is over.  What was told is told anew only where it
 * became another cause, or ten times as many: no service, however it flaps,
 * makes more than one Event in that time.
 *
 * One thread.
 */
#ifndef RECONCILER_ASKWATCH_H
#define RECONCILER_ASKWATCH_H

#include <stddef.h>
#include <stdint.h>

#include "haproxy/dataplane.h"
#include "lib/base/compiler.h"
#include "lib/base/metrics.h"
#include "lib/base/vec.h"
#include "lib/base/waits.h"
#include "reconciler/engine.h"

#define ASKWATCH_LOOK_MS 5000
#define ASKWATCH_PERIOD_MS 30000
#define ASKWATCH_MAX 4096       /* More are not told one by one. */

struct askwatch;

struct askwatch *askwatch_new(struct metrics *) MUST_USE RETURNS_NONNULL;
void askwatch_free(struct askwatch *);          /* Accepts NULL. */

/* Looks where it is time to, and tells the engine. */
void askwatch_run(struct askwatch *, struct engine *, struct dataplane *,
                  int64_t now_ms, int64_t now_s);
void askwatch_wait(const struct askwatch *, const struct engine *,
                   struct waits *);

/* One look, what was seen being given: who fails, in the order of ids and
 * hosts; the array is the caller's to free. */
struct asks_failure *askwatch_look(struct askwatch *,
                                   const struct unanswered *, int64_t now_ms,
                                   int64_t now_s, size_t *n)
    MUST_USE RETURNS_NONNULL;

#endif /* RECONCILER_ASKWATCH_H */
