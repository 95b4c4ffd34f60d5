/* nodes: the addresses of the nodes that our pods are ready on, for a
 * controller on ports of its nodes.
 *
 * An address comes with the first pod that is ready there.  It goes once none
 * has been for NODES_AWAY_MS, and not before: a pod that is replaced, or a
 * kubelet that restarts, is not written into the status of every Ingress.
 * Source: Pod.status.hostIP.  One thread; times are monotonic milliseconds.
 */
#ifndef RECONCILER_NODES_H
#define RECONCILER_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"
#include "lib/kube/cache.h"

#define NODES_AWAY_MS 60000
#define NODES_LOOK_MS 1000      /* Between looks at the pods. */

struct nodes;

struct nodes *nodes_new(void) MUST_USE RETURNS_NONNULL;
void nodes_free(struct nodes *);        /* Accepts NULL. */

/* Looks at the pods in the cache, if it is time to; true where other addresses
 * than before are known. */
bool nodes_look(struct nodes *, const struct cache *, int64_t now_ms);
/* When to look again. */
int64_t nodes_look_ms(const struct nodes *);
/* Appends them in order, with commas. */
void nodes_put(const struct nodes *, struct buf *out);

#endif /* RECONCILER_NODES_H */
