/* cataloging: keeps the published certificates (catalog.h) on the API server.
 *
 * The leader looks at every TLS Secret once, a few in each turn, then at
 * those that change, and writes a ConfigMap when it reads otherwise than it
 * should: after a moment in which others may change as well, and the larger
 * it is the more rarely.  Nothing is written before all were looked at: what
 * is absent would read as missing.
 *
 * It also asks what type those are of that are missing (sectypes.h).
 *
 * Threads: one; nothing blocks.
 */
#ifndef RECONCILER_CATALOGING_H
#define RECONCILER_CATALOGING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/metrics.h"
#include "lib/base/waits.h"
#include "lib/kube/cache.h"
#include "reconciler/engine.h"

struct cataloging;
struct kube_client;

/* All but the texts are borrowed.  Follows the ConfigMaps from here on. */
struct err *cataloging_new(struct kube_client *, const struct cache *,
                           struct engine *, const char *ns,
                           const char *class, struct metrics *,
                           struct cataloging **out) MUST_USE;
void cataloging_free(struct cataloging *);      /* Accepts NULL. */

/* A Secret, or what is served of it, changed. */
void cataloging_touch(struct cataloging *, const char *secret_key);

void cataloging_run(struct cataloging *, bool is_leader, int64_t now_ms);
void cataloging_wait(struct cataloging *, struct waits *);

#endif /* RECONCILER_CATALOGING_H */
