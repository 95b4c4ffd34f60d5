/* routing_priv: what the files of routing share, for them alone. */
#ifndef RECONCILER_ROUTING_PRIV_H
#define RECONCILER_ROUTING_PRIV_H

#include "lib/base/map.h"
#include "lib/base/vec.h"
#include "lib/ingress/serve.h"
#include "reconciler/keyset.h"
#include "reconciler/routing.h"
#include "reconciler/translate.h"

/* What the plan holds for one host, so that the next rebuild can take back
 * what is no longer wanted. */
struct host {
    struct keyset *keys;        /* Rows, the same ones in both tables. */
    /* References, one each; the names are theirs who count them. */
    const char **backends;
    size_t n_backends;
    VEC(char *) secrets;        /* References, one each. */
    char *authority;            /* A reference, or NULL. */
    struct keyset *ingresses;   /* That serve here. */
    bool has_regexes;
    bool has_passthrough;
    bool has_sni;
};

struct holding {                /* Of one Ingress. */
    size_t n_hosts;
    uint64_t generation;
};

struct routing {
    struct routing_options options;
    struct map *hosts;          /* -> struct host */
    struct map *holdings;       /* Ingress key -> struct holding */
};

/* A host being computed. */
struct draft {
    struct routing *routing;
    const char *name;
    struct host *host;
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

#endif /* RECONCILER_ROUTING_PRIV_H */
