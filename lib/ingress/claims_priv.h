/* What the files of the claims index share; for them alone. */
#ifndef INGRESS_CLAIMS_PRIV_H
#define INGRESS_CLAIMS_PRIV_H

#include <stdint.h>

#include "lib/base/map.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/claims_age.h"
#include "lib/ingress/pins.h"

/* In which order the claims of a host stand before age does. */
enum claims_rank {
    CLAIMS_RANK_FIRST,
    CLAIMS_RANK_TAKEN,          /* Another Ingress took over from it. */
    CLAIMS_RANK_OUT,            /* An administrator keeps it out. */
    CLAIMS_N_RANKS,
};

/* A claim on a host: routes[at] or tls[at] of 'model'. */
struct claims_ref {
    struct model *model;
    uint32_t at;
    bool is_tls;
    uint8_t rank;
};

/* An Ingress with claims on a host. */
struct claims_owner {
    struct model *model;
    uint32_t n_claims;          /* Of which n_routes are routes. */
    uint32_t n_routes;
    bool is_passthrough;
    uint8_t rank;
};

/* What is known of a namespace that has Ingresses here, or limits. */
struct claims_ns {
    uint32_t n_models;
    struct quota use;           /* Of those. */
    bool is_deleting;           /* Owns nothing. */
    char *allowed_hosts;        /* PINS_ALLOWED_HOSTS, NULL: no limit. */
    char name[];
};

/* A host below a wildcard.  Its owner is told here as well, so that asking
 * about a wildcard reads one array. */
struct claims_child {
    struct claims_entry *entry;
    const struct claims_ns *ns; /* Of its oldest Ingress; NULL: none owns. */
    int64_t created;            /* Of that one, and its key. */
    const char *key;
};

/* The Ingresses that would take over from one. */
struct claims_takers {
    struct model **items;
    size_t n;
};

/* A host that somebody claims, or a wildcard that covers such a host. */
struct claims_entry {
    struct claims_ref *refs;    /* By key, TLS first; rank, age. */
    uint32_t n_refs, refs_room;
    struct claims_owner *owners;        /* By rank, the oldest first. */
    uint32_t n_owners, owners_room;
    uint32_t n_sharers;         /* Owners that share with namespaces. */
    uint32_t at;                /* Its place in the parent. */
    /* Only where the policy ties wildcards to the hosts they cover. */
    struct claims_entry *parent;        /* "*.x" of a.x, NULL: none. */
    struct claims_child *children;      /* Of "*.x", in no order. */
    uint32_t n_children, children_room;
    /* The Ingress that has wildcard and family, where the policy holds at
     * run time; NULL: nobody has. */
    const struct model *holder;
    /* Where the arrays are while they are short: most hosts have one
     * Ingress, with a path and a certificate. */
    struct claims_ref few_refs[2];
    struct claims_owner few_owners[1];
    char name[];
};

struct claims {
    const struct ruleset *ruleset;
    bool is_tied;               /* Wildcards and their hosts are. */
    bool is_enforced;           /* The policy holds at run time, too. */
    struct map *models;         /* Key of an Ingress -> struct model */
    struct map *hosts;          /* Host -> struct claims_entry */
    struct map *namespaces;     /* Name -> struct claims_ns */
    size_t n_deleting;          /* Of those, that are being deleted. */
    struct map *takers;         /* Key of an Ingress -> claims_takers */
    struct map *dirty;          /* Hosts; NULL: nobody asks. */
    struct pins *pins;          /* Of the flag and of the ConfigMap. */
    char *pin_lines;            /* What the ConfigMap says, or NULL. */
};

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
/* The place of the first expression of the host, where there is one. */
uint32_t claims_find_regexes(const struct claims_entry *);
bool claims_ref_has(const struct claims_entry *, uint32_t i,
                    const char *key);
const struct route *claims_ref_route(const struct claims_ref *);
const struct model_tls *claims_ref_tls(const struct claims_ref *);

/* The owner of a host: its first Ingress that nobody keeps out and that is
 * not 'but' (NULL: no matter); NULL: it has none. */
const struct model *claims_first(const struct claims_entry *,
                                 const struct model *but);

/* Puts the claims of an Ingress into the index, and takes them out.  Their
 * ranks are those of the present state: what decides on them may change only
 * while they are out. */
void claims_put(struct claims *, struct model *);
void claims_take(struct claims *, struct model *);
void claims_free_entry(void *);
/* For claims_take_dirty(). */
void claims_note_dirty(struct claims *, const char *host);

/* --- claims_limits.c: administrators, sharing, takeovers --- */

const struct claims_ns *claims_ns(const struct claims *, const char *name);
/* The same, made where it is missing; claims_ns_drop() when it may go. */
struct claims_ns *claims_ns_need(struct claims *, const char *name);
void claims_ns_drop(struct claims *, struct claims_ns *);
bool claims_is_deleting(const struct claims *, const char *ns);

/* True where an administrator keeps the namespace (of the Ingress) from
 * 'host'; '*pin' tells which pin does, NULL: the list of the namespace. */
bool claims_is_ns_out(const struct claims *, const char *host, const char *ns,
                      const struct pin **pin);
bool claims_is_out(const struct claims *, const char *host,
                   const struct model *, const struct pin **pin);
/* The place of an Ingress's claims on 'host' before age counts. */
enum claims_rank claims_rank(const struct claims *, const char *host,
                             const struct model *);

/* True where the owner 'first' of the host lets 'm' in beside it. */
bool claims_is_shared(const struct claims *, const struct claims_entry *,
                      const struct model *first, const struct model *m,
                      const struct model *but);

/* True where 'now' takes over from 'old', and may. */
bool claims_takes_over(const struct model *now, const struct model *old);
/* The indexed Ingress from which 'm' takes over, NULL: none. */
struct model *claims_taken(const struct claims *, const struct model *m);
void claims_takers_add(struct claims *, struct model *);
void claims_takers_remove(struct claims *, const struct model *);
void claims_takers_free(void *);

/* --- claims_fate.c: who is served --- */

/* Chooses the holder of a wildcard anew after a claim on 'child' changed,
 * which it covers; NULL: one on the wildcard itself. */
void claims_settle(struct claims *, struct claims_entry *wildcard,
                   const struct claims_entry *child);
/* The oldest owner of another namespace than 'ns' (NULL: of any) of a host
 * that 'wildcard' covers, but for 'but', and that host's entry; NULL: none. */
const struct model *claims_oldest_child(const struct claims *,
                                        const struct claims_entry *wildcard,
                                        const struct claims_ns *ns,
                                        const struct model *but,
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
    CLAIMS_LOST_TAKEN,          /* The Ingress that took over has it. */
    CLAIMS_LOST_OUT,            /* An administrator keeps it out. */
};
/* '*winner' may be NULL for CLAIMS_LOST_CANARY, is for CLAIMS_LOST_OUT. */
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
    struct map *host_texts;     /* Host -> what is said of it; NULL: nothing
                                 * yet. */
};
void claims_say_init(struct claims_say *, const struct claims *,
                     const struct model *, enum finding_severity,
                     struct findings *out);
void claims_say_fini(struct claims_say *);
/* The route never matches: 'regex' of 'other' takes its requests. */
void claims_say_hidden(const struct claims_say *, const struct route *,
                       const struct model *other, const struct route *regex);
void claims_say_route(struct claims_say *, const struct route *,
                      enum claims_loss, const struct model *winner);
/* Of a route that is served though the policy would not let it in: 'owner'
 * has its host, NULL: an administrator keeps it for others. */
void claims_say_inherited(const struct claims_say *, const struct route *,
                          const struct model *owner);
/* Of the annotation takeover-from. */
void claims_say_takeover(const struct claims_say *);
void claims_say_tls(struct claims_say *, const struct model_tls *,
                    enum claims_loss, const struct model *winner);

#endif /* INGRESS_CLAIMS_PRIV_H */
