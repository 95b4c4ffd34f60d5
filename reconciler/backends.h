/* backends: the Service ports that routes use, as backends of the plan.
 *
 * A backend is a Service port in one class of use (plain, policy, cookie,
 * passthrough; balance; connect timeout).  It is in the plan while a route
 * holds a reference, and follows its Service and EndpointSlices.  One thread.
 */
#ifndef RECONCILER_BACKENDS_H
#define RECONCILER_BACKENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "lib/kube/cache.h"
#include "reconciler/upstreams.h"

struct backends;

struct backends_options {
    bool local_endpoints;       /* endpoints.h: loopback is admitted. */
    bool external_names;        /* ExternalName Services are admitted. */
};

/* 'cache', 'plan' and 'upstreams' outlive it. */
struct backends *backends_new(const struct cache *, struct plan *,
                              struct upstreams *,
                              const struct backends_options *)
    MUST_USE RETURNS_NONNULL;
void backends_free(struct backends *);

/* TLS to endpoints where more is asked for than encryption. */
struct backend_tls {
    const char *secret;         /* "namespace/name" (upstreams.h), or NULL. */
    bool verifies;              /* By its authority; for 'name'. */
    const char *name;           /* NULL: none. */
    bool sends_name;
    const char *ciphers;        /* NULL: HAProxy's. */
    bool tls12, tls13;          /* Neither: HAProxy's versions. */
};

struct backend_use {
    const char *namespace;
    const char *service;
    struct kube_port port;      /* name NULL, number 0: the first port. */
    enum plan_kind kind;
    enum plan_balance balance;
    uint32_t connect_ms;
    uint32_t retry;             /* PLAN_RETRY(), or 0. */
    enum plan_protocol protocol;
    const struct backend_tls *tls;      /* NULL: encryption only. */
    bool by_service;            /* The Service's own address, if it has one. */
    const char *host;           /* NULL, or a name or an address of DNS that
                                 * stands in place of the Service; then 'port'
                                 * is a number. */
};

/* The backend's name in the plan, borrowed while the reference is held. */
const char *backends_ref(struct backends *, const struct backend_use *);
void backends_unref(struct backends *, const char *name);

/* Recomputes the servers of the Service's backends. */
void backends_service_changed(struct backends *, const char *service_key);
/* A Secret that upstreams.h holds says something else: its backends get other
 * servers, or none. */
void backends_secret_changed(struct backends *, const char *secret_key);
/* Moves a slice between Services as its label says; either may be NULL.
 * Calls backends_service_changed() itself. */
void backends_slice_changed(struct backends *, const struct kube_object *old,
                            const struct kube_object *new);
/* A host name was resolved: 'addresses' stands for it until the next call.
 * Calls 'touch' with the key of each ExternalName Service in use that has it,
 * perhaps more than once. */
typedef void backends_service_fn(const char *service_key, void *aux);
void backends_resolved(struct backends *, const char *host,
                       const char *const *addresses, size_t n,
                       backends_service_fn *touch, void *aux);
/* Takes over what 'from' knows of host names: an answer is history. */
void backends_inherit(struct backends *, const struct backends *from);
/* Host names in use, of ExternalName Services and others, sorted; the array
 * and each name are the caller's to free. */
char **backends_external_names(const struct backends *, size_t *n) MUST_USE;
/* True where a host name was asked for, and has no address. */
bool backends_is_unknown(const struct backends *, const char *host);

#endif /* RECONCILER_BACKENDS_H */
