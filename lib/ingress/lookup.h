/* lookup: what HAProxy answers to one request, without HAProxy.
 *
 * A model of the data path (docs/internals/data-path.md): the guard on Host,
 * the canonical path, the longest row, wildcard and no host after a miss, the
 * chooser of regular expressions.  "sallyport explain --url" prints it, and
 * tests/model compares it with the real HAProxy under the real program.
 *
 * What a policy does later (limits, allow lists, authentication) is not
 * modelled: the answer is the row.
 *
 * Ownership: an answer borrows from claims and request; lookup_fini() frees
 * what it owns.  Pure; any thread that may read the claims.
 */
#ifndef INGRESS_LOOKUP_H
#define INGRESS_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ingress/claims.h"
#include "lib/ingress/serve.h"

struct lookup_request {
    bool is_https;
    unsigned version;           /* 10, 11 or 20. */
    const char *method;
    const char *target;         /* As on the request line, with query. */
    const char *host;           /* Host or :authority; NULL: none. */
};

struct lookup_world {
    const struct claims *claims;
    serve_covers_fn *covers;    /* serve.h */
    void *aux;
};

/* Which table of rows was asked with which host. */
enum lookup_step {
    LOOKUP_EXACT,
    LOOKUP_WILDCARD,
    LOOKUP_NO_HOST,
    LOOKUP_STEPS,
};

struct lookup_host {
    char *name;                 /* NULL: not asked, nothing to ask. */
    struct claim *claims;
    size_t n_claims;
    struct serve_host served;   /* Unset where there are no rows. */
    bool has_rows;
};

struct lookup_answer {
    unsigned status;            /* Refused: 400 or 405; 0: see 'row'. */
    const char *why;            /* Refused: the reason, static text. */
    char *host;                 /* Canonical, NULL: none was sent. */
    char *path;                 /* Canonical, NULL: the target has none. */
    struct lookup_host hosts[LOOKUP_STEPS];
    enum lookup_step step;      /* Whose row it is. */
    const struct serve_row *row;    /* NULL: no row at all, 404. */
    enum serve_action action;   /* Of that row under this scheme. */
    bool by_regex;
};

void lookup(const struct lookup_world *, const struct lookup_request *,
            struct lookup_answer *);
void lookup_fini(struct lookup_answer *);

/* Would this route take the canonical path if it stood alone on its host? */
bool lookup_route_matches(const struct route *, const char *path);

/* TLS connections: the passthrough that takes this server name, before any
 * HTTP is read.  NULL: TLS ends at HAProxy.  'claims' gets an array that is
 * the caller's to free and that the result points into. */
const struct claim *lookup_passthrough(const struct lookup_world *,
                                       const char *sni,
                                       struct claim **claims);

#endif /* INGRESS_LOOKUP_H */
