/* snapshot: what is known of the cluster while one review is judged.
 *
 * Borrowed from watch.h, under its read lock; nothing in it changes
 * meanwhile.
 */
#ifndef WEBHOOK_SNAPSHOT_H
#define WEBHOOK_SNAPSHOT_H

#include <stdint.h>

#include "lib/ingress/claims.h"
#include "lib/ingress/class.h"
#include "lib/ingress/ruleset.h"
#include "lib/kube/cache.h"

struct snapshot {
    const struct claims *claims;
    const struct cache *cache;
    const struct ruleset *ruleset;
    const char *certificates;   /* Namespace they are published in, or NULL. */
    int64_t wall_s;             /* Now, seconds since 1970. */
};

/* An IngressClass by name; 'aux' is the cache (class_get_fn). */
const struct kube_object *snapshot_class(const char *name, void *aux);

/* True where the Ingress is of our class and in a namespace of ours. */
bool snapshot_is_ours(const struct snapshot *, const struct kube_object *);
/* The same, of what it says of its class. */
bool snapshot_grants(const struct snapshot *, const char *ns,
                     const struct class_wish *);

#endif /* WEBHOOK_SNAPSHOT_H */
