/* notify: findings of what runs, as Events and metrics.
 *
 * Each finding of an Ingress is told once: when it appears, and again after
 * it had gone.  Only the leader writes Events; everyone counts and logs.
 * One thread.
 */
#ifndef RECONCILER_NOTIFY_H
#define RECONCILER_NOTIFY_H

#include <stdbool.h>

#include "lib/base/metrics.h"
#include "reconciler/effects.h"
#include "reconciler/engine.h"

struct notify;

struct notify *notify_new(const struct engine *, const struct effects *,
                          struct metrics *) MUST_USE RETURNS_NONNULL;
void notify_free(struct notify *);

/* Looks at the findings of one Ingress again. */
void notify_touch(struct notify *, const char *ingress_key);
/* Tells what is new. */
void notify_run(struct notify *, bool is_leader);

#endif /* RECONCILER_NOTIFY_H */
