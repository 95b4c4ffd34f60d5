/* serve: what one host serves, row by row.
 *
 * A pure function of the claims on a host: which of their paths become rows,
 * in which order regular expressions are tried, what "/" means where no rule
 * has it, where http is sent to https, whose certificate is shown.  The
 * reconciler turns the rows into those of the plan, "sallyport explain" asks
 * them what HAProxy would answer (lookup.h): one rule.
 *
 * Ownership: a result borrows the claims, their models and the host's name;
 * it owns its arrays.  Pure; any thread.
 */
#ifndef INGRESS_SERVE_H
#define INGRESS_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ingress/claims.h"

enum serve_action {
    SERVE_FORWARD,          /* To the backend of the row's route. */
    SERVE_HTTPS_REDIRECT,   /* 308 to the same URL over https. */
    SERVE_REDIRECT,         /* To the redirect_url of the settings. */
    SERVE_APP_ROOT,         /* 302 to the app_root of the settings. */
    SERVE_OTHER_NAME,       /* 308 to the same URL on the host route.of. */
    SERVE_UNAVAILABLE,      /* 503: fail closed. */
    SERVE_DEFAULT,          /* --default-backend-service, else 404. */
    SERVE_NOT_FOUND,        /* 404. */
};

struct serve_row {
    const struct model *model;  /* NULL: nobody's. */
    /* As the claim has it.  Of a row that stands for a default backend: kind
     * ROUTE_DEFAULT, the host, "/", the row's key, that backend, and the
     * field that names it. */
    struct route route;
    enum serve_action http;
    enum serve_action https;
    /* SERVE_FORWARD: the route that gets some of the requests, NULL: none. */
    const struct claim *canary;
};

struct serve_host {
    const char *name;
    struct serve_row *rows;     /* No two of one key; "/" is always there, but
                                 * where no rule names the host. */
    size_t n_rows;
    struct serve_row *regexes;  /* In the order in which they are tried;
                                 * literal paths stand among them. */
    size_t n_regexes;
    const struct claim *passthrough;    /* The whole host, or NULL. */
    bool is_passthrough;        /* It goes through; false: fail closed. */
    bool has_tls;
    const char *secret;         /* "namespace/name", NULL: the default one. */
    const char *second;         /* Another one, for keys of another kind, or
                                 * NULL; only beside 'secret'. */
    const char *ciphers;        /* NULL: the program's. */
    bool tls12, tls13;          /* Neither: the program's. */
    const struct model *client; /* Whose settings ask for certificates of
                                 * clients, on all of the host; NULL: nobody's.
                                 * Where they are CLIENT_CLOSED, no row
                                 * forwards. */
    char *default_key;
    char *root_key;             /* Of "/" alone: app-root. */
};

/* Does the certificate in a Secret cover 'host'?  Asked for TLS entries that
 * list no hosts. */
typedef bool serve_covers_fn(const char *secret, const char *host, void *aux);

/* 'claims' are those of claims_host(), n 0 where there are none. */
void serve_host_init(struct serve_host *, const char *name,
                     const struct claim *claims, size_t n,
                     serve_covers_fn *covers, void *aux);
void serve_host_fini(struct serve_host *);

/* The path of a literal route as a regex that matches what the route
 * matches; the caller's to free. */
char *serve_literal_regex(const struct route *) MUST_USE RETURNS_NONNULL;

/* Words for people and reports: "forward", "https-redirect", ...; "Prefix",
 * "Exact", "regular expression", ... */
const char *serve_action_text(enum serve_action);
const char *serve_kind_text(enum route_kind);

#endif /* INGRESS_SERVE_H */
