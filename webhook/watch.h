/* watch: keeps what the webhook knows of the cluster, for its judges.
 *
 * The owner's loop runs the source (an API server, or a folder) into a cache
 * and an index of claims under the write lock; the server's threads judge
 * under the read lock.  Of Ingresses, IngressClasses, Services, Namespaces and
 * a few ConfigMaps of ours only: it asks for no Secret.
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

struct kube_client;
struct watch;

/* Borrows both. */
struct watch *watch_new(const struct ruleset *, struct reserve *)
    MUST_USE RETURNS_NONNULL;
void watch_free(struct watch *);        /* Accepts NULL. */

/* One of the two, once.  'kubeconfig' NULL: the pod's service account. */
struct err *watch_open_cluster(struct watch *, const char *kubeconfig)
    MUST_USE;
struct err *watch_open_manifests(struct watch *, const char *path) MUST_USE;

/* Follows what the reconciler's leader publishes of certificates in namespace
 * 'ns' (cert_wire.h), once a cluster is open.  Nobody waits for it: what is
 * not there is not told. */
struct err *watch_follow_certificates(struct watch *, const char *ns)
    MUST_USE;

/* The owner's loop. */
void watch_run(struct watch *, int64_t now_ms);
void watch_wait(struct watch *, struct waits *);
/* For requests of one's own, and the namespace of the pod; both NULL where
 * there is none.  They live as long as the watch. */
struct kube_client *watch_client(struct watch *);
const char *watch_namespace(const struct watch *);
/* As unowned_is_*() and snapshot_is_ours(), without the lock: the loop
 * is the only writer. */
bool watch_is_backed(const struct watch *, const char *ns, const char *host,
                     const char *key);
bool watch_is_out(const struct watch *, const char *ns, const char *host);
bool watch_is_ours(const struct watch *, const struct kube_object *ingress);

/* Any thread. */
bool watch_is_synced(const struct watch *);
size_t watch_count(const struct watch *);   /* Ingresses of ours. */
void watch_acquire(struct watch *, struct snapshot *out);
void watch_release(struct watch *);

#endif /* WEBHOOK_WATCH_H */
