/* health: /healthz, /readyz, /metrics and /routes.
 *
 * /healthz is 200 while the loop turns and HAProxy answers; /readyz is 200
 * once everything listed is in HAProxy, and says what it waits for until
 * then.  The loop sets, the server's threads read.  /routes is what is served
 * now (report.h): a server thread asks, the loop answers in its next turn.
 */
#ifndef RECONCILER_HEALTH_H
#define RECONCILER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/metrics.h"
#include "lib/base/waits.h"

/* A loop that did not turn for this long is stuck. */
#define HEALTH_STUCK_MS 30000

struct health;

struct err *health_start(const char *address, struct metrics *,
                         struct health **out) MUST_USE;
void health_stop(struct health *);      /* Accepts NULL. */

/* From the loop, each turn.  'waiting' says what is missing: static text,
 * NULL when ready. */
void health_set(struct health *, int64_t now_ms, bool is_alive,
                const char *waiting);

/* Does somebody wait for the report of routes?  Then the loop writes it and
 * hands it over; it is asked out of its sleep. */
bool health_wants_routes(struct health *);
void health_give_routes(struct health *, struct buf *report);
void health_wait(struct health *, struct waits *);

#endif /* RECONCILER_HEALTH_H */
