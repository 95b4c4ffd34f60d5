/* routing: the rows of the plan, host by host.
 *
 * A host is the unit of work: when anything about one changes, its rows are
 * computed anew from the claims on it and the difference goes into the plan.
 * The cost is the size of the host, whatever the size of the cluster.  One
 * thread.
 */
#ifndef RECONCILER_ROUTING_H
#define RECONCILER_ROUTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/serve.h"
#include "reconciler/backends.h"
#include "reconciler/authorities.h"
#include "reconciler/certs.h"

struct routing;

struct routing_options {
    const struct cache *cache;
    const struct defaults *defaults;
    struct claims *claims;          /* All of these outlive it. */
    struct plan *plan;
    struct backends *backends;
    struct certs *certs;
    struct authorities *authorities;
    const char *default_backend;    /* "namespace/name" or NULL. */
    bool tls_modern;                /* No host may be served otherwise. */
};

struct routing *routing_new(const struct routing_options *)
    MUST_USE RETURNS_NONNULL;
void routing_free(struct routing *);

/* Computes the rows of 'host' anew ("": rules without host and the default
 * backend). */
void routing_rebuild(struct routing *, const char *host);

/* How many hosts serve at least one route of this Ingress. */
size_t routing_n_hosts(const struct routing *, const char *ingress_key);
/* The plan generation that holds all rows of this Ingress; 0: none. */
uint64_t routing_generation(const struct routing *, const char *ingress_key);

/* What each host serves, in the order of their names, computed anew. */
typedef void routing_each_fn(const struct serve_host *, void *aux);
void routing_each(const struct routing *, routing_each_fn *each, void *aux);

#endif /* RECONCILER_ROUTING_H */
