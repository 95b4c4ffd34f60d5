/* reserve: claims that were admitted and that the watch has not shown yet.
 *
 * Two `kubectl apply` ten milliseconds apart would both pass if only the
 * watched objects were asked.  So whoever is admitted holds its claims here
 * until the watch shows the object, or for WEBHOOK_RESERVE_MS: an admitted
 * object may still be refused by somebody else and never appear.  Dry runs
 * reserve nothing.  This closes the gap within one replica; between replicas
 * the rule of claims.h at run time decides.
 *
 * Locked: any thread.  Time is an argument (monotonic milliseconds).
 */
#ifndef WEBHOOK_RESERVE_H
#define WEBHOOK_RESERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ingress/claims.h"

struct reserve;

struct reserve *reserve_new(const struct ruleset *) MUST_USE RETURNS_NONNULL;
void reserve_free(struct reserve *);
/* The index of what is stored; borrowed, and read in reserve_admit(), which
 * is called under its lock.  Who has a host there settles who else may. */
void reserve_set_known(struct reserve *, const struct claims *);

/* Judges 'candidate' against what is reserved, turns errors that 'old' has
 * too into warnings, and, where no error is left in 'now', reserves its
 * claims; all in one step.  'old' has the findings 'before'; NULL, and
 * then 'before' is not used: a new object, or one not compared (yet).
 * Returns true where it was admitted. */
bool reserve_admit(struct reserve *, const struct model *candidate,
                   const struct model *old, bool is_dry_run, int64_t now_ms,
                   struct findings *now, struct findings *before);

/* The watch shows 'object', or that 'key' is gone. */
void reserve_seen(struct reserve *, const struct kube_object *);
void reserve_gone(struct reserve *, const char *key);

size_t reserve_count(struct reserve *);

#endif /* WEBHOOK_RESERVE_H */
