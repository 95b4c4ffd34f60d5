/* routing_priv: what the files of routing share, for them alone. */
#ifndef RECONCILER_ROUTING_PRIV_H
#define RECONCILER_ROUTING_PRIV_H

#include "lib/base/map.h"
#include "lib/base/vec.h"
#include "lib/ingress/serve.h"
#include "reconciler/routing.h"
#include "reconciler/translate.h"

/* What the plan holds for one host, so that the next rebuild can take back
 * what is no longer wanted. */
enum host_names {
    HOST_KEYS,                  /* Rows, in either table; the plan's own. */
    HOST_BACKENDS,              /* References; names of who counts them. */
    HOST_SECRETS,               /* References; names of who counts them. */
    HOST_AUTHORITIES,           /* A reference, or none; as above. */
    HOST_INGRESSES,             /* That serve here; keys of 'holdings'. */
    HOST_N_NAMES,
};

struct host {
    uint32_t ends[HOST_N_NAMES];    /* Of each kind in 'names'. */
    bool has_regexes;
    bool has_passthrough;
    bool has_sni;
    const char *names[];        /* The host's own name follows the last. */
};

struct holding {                /* Of one Ingress. */
    uint64_t generation;
    uint32_t n_hosts;
    char key[];
};

struct routing {
    struct routing_options options;
    struct map *hosts;          /* struct host, by name */
    struct map *holdings;       /* struct holding, by key */
};

/* A host being computed. */
struct draft {
    struct routing *routing;
    const char *name;
    VEC(const char *) names[HOST_N_NAMES];      /* Of the host to be. */
    bool has_regexes;
    bool has_passthrough;
    bool has_sni;
    const struct claim *claims;
    size_t n_claims;
    struct serve_host served;
    /* What all rows of a host do that asks for certificates of clients. */
    const struct translate_client *client;
    bool is_closed;             /* Its authority is not usable. */
};

/* routing_tls.c: a certificate that is asked about is in use from then on
 * ('draft' is a struct draft). */
bool routing_covers_(const char *secret, const char *host, void *draft);
/* Certificates of the host and, after routing_ask_clients_(), of its
 * clients. */
void routing_set_tls_(struct draft *);
/* Before any row: what they all get.  The authority is held by the host. */
void routing_ask_clients_(struct draft *, struct translate_client *);

/* routing_policy.c: what a row does to its requests, '*out' NULL for nothing,
 * the caller's to free.  An error: fail closed. */
struct err *routing_policy_(const struct draft *, const struct serve_row *,
                            struct policy **out) MUST_USE;
/* Whether its http requests have a policy of their own, and which. */
bool routing_http_is_other_(const struct serve_row *);
struct err *routing_http_policy_(const struct serve_row *,
                                 struct policy **out) MUST_USE;

#endif /* RECONCILER_ROUTING_PRIV_H */
