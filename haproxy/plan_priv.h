/* plan_priv: what stands inside a plan, for the driver in this room only.
 *
 * The driver reads the dirty keys, looks the items up and compares them with
 * what HAProxy holds.  A key whose item is gone is an item to take away.
 * plan_clean() forgets the dirty keys once the driver has dealt with them.
 */
#ifndef HAPROXY_PLAN_PRIV_H
#define HAPROXY_PLAN_PRIV_H

#include "haproxy/pem.h"
#include "haproxy/plan.h"
#include "lib/base/digest.h"
#include "lib/base/map.h"

#define PLAN_REGEX_KEY_MAX 8000

enum plan_set {
    PLAN_SET_BACKENDS,
    PLAN_SET_ROUTES,            /* Two: + enum plan_table. */
    PLAN_SET_ROUTES_HTTPS,
    PLAN_SET_REGEXES,           /* Two: + enum plan_table. */
    PLAN_SET_REGEXES_HTTPS,
    PLAN_SET_PASSTHROUGHS,
    PLAN_SET_CERTS,
    PLAN_SET_SNIS,
    PLAN_SET_POLICIES,
    PLAN_SETS,
};

/* A backend, or only its name while routes name one that is not there. */
struct plan_target {
    char *name;
    bool is_defined;
    bool has_moved;             /* Its users' rows must be written again. */
    size_t users;               /* Rows that name it. */
    size_t other_users;         /* Those that do as enum plan_other. */
    struct plan_row *row;       /* The one of all that only forward to it. */
    enum plan_kind kind;
    enum plan_balance balance;
    uint32_t connect_ms;
    uint32_t retry;
    struct plan_server *servers;        /* By address, then port. */
    size_t n_servers;
    char *tls;                  /* servertls.h; NULL: as the protocol says. */
    char *ca;                   /* Names of certificates in it, or NULL. */
    char *cert;
};

struct plan_policy_row {
    char *map;
    char *key;
    char *value;
};

/* The rows of all policies with one content. */
struct plan_policy {
    char *id;
    uint32_t flags;
    enum policy_need need;      /* Unknown for one that was read back. */
    size_t users;               /* 0: its rows must go. */
    struct plan_policy_row *rows;
    size_t n_rows;
};

struct plan_others {
    struct plan_target *items[PLAN_N_OTHERS];   /* NULL: none. */
};

/* There are very many, most of them alike: those are one, in both tables. */
struct plan_row {
    struct plan_target *target;         /* NULL but for PLAN_FORWARD. */
    struct plan_policy *policy;         /* NULL: none. */
    struct plan_others *others;         /* NULL: none. */
    enum plan_action action;
    uint32_t users;                     /* Keys of the tables that hold it. */
    bool choose;
};

static inline struct plan_target *
plan_row_other(const struct plan_row *row, size_t which)
{
    return row->others ? row->others->items[which] : NULL;
}

struct plan_regexes {
    struct {
        char *key;              /* As it stands in the map. */
        struct plan_row row;
    } *items;
    size_t n;
};

struct plan_cert {
    struct pem_text *text;      /* NULL: it is not known. */
    char digest[DIGEST_HEX_SIZE];       /* Of the PEM. */
};

/* How a server name is answered. */
struct plan_name {
    char *certs[PLAN_SNI_CERTS_MAX];    /* Sorted, each once. */
    size_t n_certs;
    char *options;              /* Of its lines in the crt-list, in the order
                                 * in which HAProxy shows them; "": none. */
    char *ca;                   /* NULL: clients are not asked. */
    char *crl;
    unsigned kinds;             /* As in struct plan_sni. */
    char *except;               /* As read back; NULL: none, or not read. */
};

/* Members of one set by name; do not change the plan meanwhile.  Values are
 * struct plan_target, plan_row, plan_regexes, plan_target (passthroughs),
 * plan_cert, plan_name and plan_policy. */
const struct map *plan_items(const struct plan *, enum plan_set);
/* The keys that changed since plan_clean(). */
const struct map *plan_dirty(struct plan *, enum plan_set);
bool plan_is_dirty(const struct plan *);
void plan_clean(struct plan *);

/* The same as plan_set_backend() with the text of servertls.h, NULL: none. */
void plan_put_backend(struct plan *, const char *name,
                      const struct plan_backend *, const char *tls);
/* The same as plan_set_route() and plan_set_regexes() for rows that were read
 * back from HAProxy: 'policy' comes from plan_put_policy(), NULL: none;
 * 'keys' are whole keys. */
struct plan_policy *plan_put_policy(struct plan *, const char *id,
                                    uint32_t flags,
                                    const struct plan_policy_row *, size_t n);
/* The policy without any feature, for routes without one to a slot of the
 * policy program; always there. */
const struct plan_policy *plan_empty_policy(const struct plan *);
struct plan_put {
    enum plan_action action;
    bool choose;
    const char *backend;
    const char *others[PLAN_N_OTHERS];
    struct plan_policy *policy;
};
void plan_put_route(struct plan *, enum plan_table, const char *key,
                    const struct plan_put *);
void plan_put_regexes(struct plan *, enum plan_table, const char *host,
                      char *const *keys, const struct plan_put *, size_t n);
/* A certificate of which only the digest is known. */
void plan_put_cert(struct plan *, const char *name, const char *digest);
/* Names that a wildcard's certificates are not for, with a blank between, the
 * caller's to free; NULL: none.  HAProxy takes a key of the kind that a client
 * likes best from the lines of a name and of the wildcard above it; so a name
 * that lacks a kind which the wildcard has must be left out there. */
char *plan_sni_except(const struct plan *, const char *host) MUST_USE;
/* One more certificate of a server name, with the options of its line. */
void plan_put_sni(struct plan *, const char *host, const char *cert,
                  const char *options, const char *ca, const char *crl);

const char *plan_kind_name(enum plan_kind);
const char *plan_balance_name(enum plan_balance);

#endif /* HAPROXY_PLAN_PRIV_H */
