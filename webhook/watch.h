/* watch: keeps what the webhook knows of the cluster, for its judges.
 *
 * The owner's loop runs the source (an API server, or a folder) into a cache
 * and an index of claims under the write lock; the server's threads judge
 * under the read lock.  Of Ingresses, IngressClasses, Services and
 * Namespaces only: it asks for no Secret.
 */
#ifndef WEBHOOK_WATCH_H
#define WEBHOOK_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/waits.h"
#include "webhook/reserve.h"
#include "webhook/snapshot.h"

struct watch;

/* Borrows both. */
struct watch *watch_new(const struct ruleset *, struct reserve *)
    MUST_USE RETURNS_NONNULL;
void watch_free(struct watch *);        /* Accepts NULL. */

/* One of the two, once.  'kubeconfig' NULL: the pod's service account. */
struct err *watch_open_cluster(struct watch *, const char *kubeconfig)
    MUST_USE;
struct err *watch_open_manifests(struct watch *, const char *path) MUST_USE;

/* The owner's loop. */
void watch_run(struct watch *, int64_t now_ms);
void watch_wait(struct watch *, struct waits *);

/* Any thread. */
bool watch_is_synced(const struct watch *);
size_t watch_count(const struct watch *);   /* Ingresses of ours. */
void watch_acquire(struct watch *, struct snapshot *out);
void watch_release(struct watch *);

#endif /* WEBHOOK_WATCH_H */
