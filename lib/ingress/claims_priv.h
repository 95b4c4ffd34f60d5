/* What the files of the claims index share; for them alone. */
#ifndef INGRESS_CLAIMS_PRIV_H
#define INGRESS_CLAIMS_PRIV_H

#include <stdint.h>

#include "lib/base/map.h"
#include "lib/ingress/claims.h"

/* A claim on a host: routes[at] or tls[at] of 'model'. */
struct claims_ref {
    struct model *model;
    uint32_t at;
    bool is_tls;
};

/* An Ingress with claims on a host. */
struct claims_owner {
    struct model *model;
    uint32_t n_claims;          /* Of which n_routes are routes. */
    uint32_t n_routes;
    bool is_passthrough;
};

/* A host that somebody claims, or a wildcard that covers such a host. */
struct claims_entry {
    struct claims_ref *refs;    /* By key, TLS first; then by age. */
    uint32_t n_refs, refs_room;
    struct claims_owner *owners;        /* The oldest first. */
    uint32_t n_owners, owners_room;
    /* Only where the policy ties wildcards to the hosts they cover. */
    struct claims_entry *parent;        /* "*.x" of a.x, NULL: none. */
    struct claims_entry **children;     /* Of "*.x", in no order. */
    uint32_t n_children, children_room;
    uint32_t at;                        /* Its place in the parent. */
    /* The Ingress that has wildcard and family, where the policy holds at
     * run time; NULL: nobody has. */
    const struct model *holder;
    char name[];
};

struct claims {
    const struct ruleset *ruleset;
    bool is_tied;               /* Wildcards and their hosts are. */
    bool is_enforced;           /* The policy holds at run time, too. */
    struct map *models;         /* Key of an Ingress -> struct model */
    struct map *hosts;          /* Host -> struct claims_entry */
    struct map *deleting;       /* Namespaces that own nothing. */
    struct map *dirty;          /* Hosts. */
};

/* < 0 where 'a' is older than 'b': the earlier creation, then the greater
 * "namespace/name"; one without creation yet is the youngest. */
int claims_compare_age(const struct model *a, const struct model *b);
bool claims_is_older(const struct model *a, const struct model *b);
bool claims_is_same_namespace(const struct model *a, const struct model *b);
bool claims_is_same_ingress(const struct model *a, const struct model *b);
bool claims_is_twin(const struct model *a, const struct route *ra,
                    const struct model *b, const struct route *rb);

struct claims_entry *claims_entry(const struct claims *, const char *host);
/* The key of a claim: a route's own, "" for TLS. */
const char *claims_ref_key(const struct claims_ref *);
/* The first claim of 'key', the oldest; e->n_refs where there is none, and
 * the claims of one key stand together. */
uint32_t claims_find(const struct claims_entry *, const char *key);
bool claims_ref_has(const struct claims_entry *, uint32_t i,
                    const char *key);
const struct route *claims_ref_route(const struct claims_ref *);
const struct model_tls *claims_ref_tls(const struct claims_ref *);

/* --- claims_fate.c: who is served --- */

/* Chooses the holder of a wildcard anew after a claim on 'child' changed,
 * which it covers; NULL: one on the wildcard itself. */
void claims_settle(struct claims *, struct claims_entry *wildcard,
                   const struct claims_entry *child);
/* The oldest Ingress of another namespace than 'ns' on a host that
 * 'wildcard' covers, and that host's entry; NULL: none. */
const struct model *claims_oldest_child(const struct claims_entry *wildcard,
                                        const char *ns,
                                        const struct claims_entry **child);

/* What decides on all claims of one host at run time. */
struct claims_fate {
    const struct claims *claims;
    const struct claims_entry *entry;
    bool is_open;               /* No policy: by path alone. */
    const struct model *holder; /* Whose namespace has the host, or NULL. */
    const struct model *first;  /* The oldest Ingress allowed here. */
    const struct model *router; /* The oldest of them with routes ... */
    bool is_passthrough;        /* ... and what those are. */
};
void claims_fate_init(struct claims_fate *, const struct claims *,
                      const struct claims_entry *);

enum claims_loss {
    CLAIMS_HELD,
    CLAIMS_LOST_KEY,            /* Another has host and path. */
    CLAIMS_LOST_HOST,           /* Another has the host. */
    CLAIMS_LOST_WHOLE,          /* Passthrough against paths. */
    CLAIMS_LOST_TLS,            /* Another's certificate is served. */
    CLAIMS_LOST_CANARY,         /* Canaries hold nothing. */
};
/* '*winner' may be NULL for CLAIMS_LOST_CANARY. */
enum claims_loss claims_resolve_route(const struct claims_fate *,
                                      const struct model *,
                                      const struct route *,
                                      const struct model **winner);
enum claims_loss claims_resolve_tls(const struct claims_fate *,
                                    const struct model *,
                                    const struct model_tls *,
                                    const struct model **winner);

/* --- claims_say.c: what is said of a claim that another has --- */

struct claims_say {
    const struct claims *claims;
    const struct model *model;  /* Of whom it is said. */
    struct findings *out;
    enum finding_severity severity;
    struct map *host_texts;     /* Host -> what is said of it. */
};
void claims_say_init(struct claims_say *, const struct claims *,
                     const struct model *, enum finding_severity,
                     struct findings *out);
void claims_say_fini(struct claims_say *);
void claims_say_route(const struct claims_say *, const struct route *,
                      enum claims_loss, const struct model *winner);
void claims_say_tls(const struct claims_say *, const struct model_tls *,
                    enum claims_loss, const struct model *winner);

#endif /* INGRESS_CLAIMS_PRIV_H */
