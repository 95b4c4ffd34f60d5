/* publisher: addresses into Ingress status, truthfully.
 *
 * An Ingress has our addresses while at least one of its hosts is served,
 * written only after HAProxy has confirmed its rows, by the leader alone.
 * Who lost every host has none.  Nothing is cleared in passing: not at start
 * or shutdown, not on a change of leader, not while our own addresses are
 * unknown.  An Ingress that leaves our class loses only what we wrote.  One
 * thread.
 */
#ifndef RECONCILER_PUBLISHER_H
#define RECONCILER_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/waits.h"
#include "lib/kube/cache.h"
#include "reconciler/effects.h"
#include "reconciler/engine.h"

struct publisher;

struct publisher_options {
    const char *publish_service;        /* "namespace/name" or NULL. */
    const char *publish_addresses;      /* "A,B" or NULL. */
    bool publish_nodes;                 /* Of the pods in the cache. */
    bool enabled;                       /* --update-status */
};

/* ERR_INVALID: the addresses are no addresses. */
struct err *publisher_new(const struct publisher_options *,
                          const struct engine *, const struct cache *,
                          const struct effects *, struct publisher **out)
    MUST_USE;
void publisher_free(struct publisher *);

/* The Ingress changed, or what is served of it. */
void publisher_touch(struct publisher *, const char *ingress_key);

/* Writes what is due.  'confirmed' is the plan generation that HAProxy has;
 * 'is_leader' may change from call to call. */
void publisher_run(struct publisher *, uint64_t confirmed, bool is_leader,
                   int64_t now_ms);
void publisher_wait(const struct publisher *, struct waits *);

/* A write has ended; a failed one is due again at the next touch or when the
 * leader changes, and one that was refused some time later, too. */
void publisher_done(struct publisher *, const char *ingress_key, bool ok,
                    bool is_refused);

/* Writes in flight. */
size_t publisher_n_writing(const struct publisher *);
/* Ingresses that wait for a write or for HAProxy. */
size_t publisher_n_pending(const struct publisher *);

#endif /* RECONCILER_PUBLISHER_H */
