/* cluster: the reconciler's side of the API server.
 *
 * Watches the kinds we read into the cache, holds the Lease, and carries the
 * effects (status, Events) out.  One thread.
 */
#ifndef RECONCILER_CLUSTER_H
#define RECONCILER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/metrics.h"
#include "lib/base/waits.h"
#include "lib/kube/cache.h"
#include "reconciler/config.h"
#include "reconciler/effects.h"

struct cluster;
struct kube_client;

/* Called when a status write has ended (publisher_done()). */
typedef void cluster_done_fn(const char *ingress_key, bool ok, bool is_refused,
                             void *aux);

/* 'config' and 'cache' are borrowed and outlive it. */
struct err *cluster_new(const struct config *config, struct cache *cache,
                        struct metrics *, cluster_done_fn *done, void *aux,
                        struct cluster **out) MUST_USE;
void cluster_free(struct cluster *);        /* Accepts NULL. */

/* The objects ("Secret default/ca") to follow beside the watches, in place of
 * those of the last call.  cluster_is_synced() waits for the first of them,
 * at start only.  Accepts NULL. */
void cluster_follow(void *cluster, const char *const *names, size_t n);

struct effects cluster_effects(struct cluster *);
bool cluster_is_leader(const struct cluster *);
/* Everything that the plan depends on was listed once: the watched kinds, and
 * what the flags name outside of them. */
bool cluster_is_synced(const struct cluster *);

/* For requests of one's own, and where claims are kept. */
struct kube_client *cluster_client(struct cluster *);
const char *cluster_claims_namespace(const struct cluster *);
/* That of the Lease, where all else that is ours is. */
const char *cluster_namespace(const struct cluster *);

/* Follows exactly these Secrets beside the watched ones. */
void cluster_want_secrets(struct cluster *, const char *const *keys,
                          size_t n);
/* Was the API server asked for it, so that its absence means something? */
bool cluster_knows_secret(const struct cluster *, const char *key);

/* The beginning of a turn: what has come is in the cache. */
void cluster_run(struct cluster *, int64_t now_ms);
/* Its end: what there is to write leaves, when HAProxy has what it needs. */
void cluster_send(struct cluster *, int64_t now_ms);
void cluster_wait(struct cluster *, struct waits *);

/* Gives the Lease back; waits at most 'grace_ms' for the answer. */
void cluster_stop(struct cluster *, int64_t grace_ms);

#endif /* RECONCILER_CLUSTER_H */
