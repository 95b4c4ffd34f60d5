/* collector: the claims of the webhook that no Ingress backs.
 *
 * The leader lists all claims now and then (lib/kube/claim.h) and deletes
 * those that are older than a minute, that no Ingress here backs, and that,
 * asked once more, no Ingress in the API server backs.  Where an Ingress was
 * seen to go its claims follow it at once.  Whoever renewed a claim meanwhile
 * has changed its version, and it stays.  docs/internals/claims.md, "Across
 * replicas".
 *
 * Ownership: borrows all it is given.  Threads: one.  Time is an argument.
 */
#ifndef RECONCILER_COLLECTOR_H
#define RECONCILER_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/metrics.h"
#include "lib/base/waits.h"
#include "lib/ingress/ruleset.h"

struct collector;
struct engine;
struct kube_client;

struct collector *collector_new(struct kube_client *, const char *ns,
                                const struct ruleset *,
                                const struct engine *, struct metrics *)
    MUST_USE RETURNS_NONNULL;
void collector_free(struct collector *);    /* Accepts NULL. */

/* An Ingress that was ours has gone. */
void collector_gone(struct collector *, const char *ingress_key,
                    int64_t now_ms, int64_t wall_s);

void collector_run(struct collector *, bool is_leader, int64_t now_ms,
                   int64_t wall_s);
void collector_wait(struct collector *, struct waits *);

#endif /* RECONCILER_COLLECTOR_H */
