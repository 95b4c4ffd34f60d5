#include "lib/ingress/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/key.h"
#include "lib/ingress/lookup_priv.h"
#include "lib/ingress/regex.h"

/* --- Rows --- */

static void
ask_host(const struct lookup_world *w, const char *name,
         struct lookup_host *h)
{
    h->name = xstrdup(name);
    h->claims = claims_host(w->claims, name, &h->n_claims);
    h->has_rows = h->n_claims > 0 || name[0] == '\0';
    if (h->has_rows) {
        serve_host_init(&h->served, h->name, h->claims, h->n_claims,
                        w->covers, w->aux);
    }
}

/* The longest row that begins path + "/" + the end mark. */
static const struct serve_row *
longest(const struct lookup_host *h, const char *path)
{
    AUTO_FREE char *key = key_route(h->name, path, true);
    const struct serve_row *found = NULL;
    size_t length = 0;

    for (size_t i = 0; h->has_rows && i < h->served.n_rows; i++) {
        const char *row = h->served.rows[i].route.key;

        if (str_starts(key, row) && (!found || strlen(row) > length)) {
            found = &h->served.rows[i];
            length = strlen(row);
        }
    }
    return found;
}

static bool
regex_takes(const struct route *route, const char *host, const char *path)
{
    AUTO_FREE char *literal =
        route->kind == ROUTE_REGEX ? NULL : serve_literal_regex(route);

    return regex_matches(host, literal ? literal : route->regex, !literal,
                         path);
}

/* The first expression of the host that takes the path. */
static const struct serve_row *
choose(const struct lookup_host *h, const char *path)
{
    for (size_t i = 0; i < h->served.n_regexes; i++) {
        if (regex_takes(&h->served.regexes[i].route, h->name, path)) {
            return &h->served.regexes[i];
        }
    }
    return NULL;
}

/* "*" in place of the first label, as the program does it. */
static char *
wildcard_of(const char *host)
{
    return xasprintf("*%s", host + strcspn(host, "."));
}

static void
find_row(const struct lookup_world *w, const char *path,
         struct lookup_answer *a)
{
    for (int i = a->host ? LOOKUP_EXACT : LOOKUP_NO_HOST; i < LOOKUP_STEPS;
         i++) {
        struct lookup_host *h = &a->hosts[i];
        AUTO_FREE char *wildcard =
            i == LOOKUP_WILDCARD ? wildcard_of(a->host) : NULL;
        const struct serve_row *chosen;

        ask_host(w, i == LOOKUP_EXACT ? a->host : wildcard ? wildcard : "",
                 h);
        a->row = longest(h, path);
        if (a->row) {
            a->step = (enum lookup_step) i;
            chosen = a->row->https == SERVE_APP_ROOT
                         ? NULL
                         : choose(h, a->path ? a->path : "");
            a->by_regex = chosen != NULL;
            a->row = chosen ? chosen : a->row;
            return;
        }
    }
}

void
lookup(const struct lookup_world *w, const struct lookup_request *r,
       struct lookup_answer *a)
{
    bool is_root;

    *a = (struct lookup_answer) { .action = SERVE_NOT_FOUND };
    lookup_read(r, a, &is_root);
    if (a->status != 0 || (!a->path && !is_root)) {
        return;
    }
    find_row(w, a->path ? a->path : "/", a);
    if (a->row) {
        a->action = r->is_https ? a->row->https : a->row->http;
    }
    if (a->action == SERVE_HTTPS_REDIRECT && !a->host) {
        a->status = 400;
        a->why = "a redirect to https needs a Host";
    }
}

void
lookup_fini(struct lookup_answer *a)
{
    for (size_t i = 0; i < LOOKUP_STEPS; i++) {
        free(a->hosts[i].name);
        free(a->hosts[i].claims);
        if (a->hosts[i].has_rows) {
            serve_host_fini(&a->hosts[i].served);
        }
    }
    free(a->host);
    free(a->path);
}

bool
lookup_route_matches(const struct route *route, const char *path)
{
    switch (route->kind) {
    case ROUTE_EXACT:
    case ROUTE_PREFIX:
    case ROUTE_DEFAULT: {
        AUTO_FREE char *key = key_route(route->host, path, true);

        return str_starts(key, route->key);
    }
    case ROUTE_REGEX:
        return regex_takes(route, route->host, path);
    case ROUTE_PASSTHROUGH:
    case ROUTE_HOST:
        return true;
    }
    return false;
}

/* --- Passthrough --- */

const struct claim *
lookup_passthrough(const struct lookup_world *w, const char *sni,
                   struct claim **claims)
{
    AUTO_FREE char *host = str_lower(sni);
    AUTO_FREE char *wildcard = NULL;
    size_t length = strlen(host);

    *claims = NULL;
    while (length > 0 && host[length - 1] == '.') {
        host[--length] = '\0';
    }
    wildcard = wildcard_of(host);
    for (int i = 0; i < 2; i++) {
        struct lookup_host h = { .name = NULL };
        const struct claim *found;

        ask_host(w, i == 0 ? host : wildcard, &h);
        found = h.has_rows && h.served.is_passthrough ? h.served.passthrough
                                                      : NULL;
        free(h.name);
        if (h.has_rows) {
            serve_host_fini(&h.served);
            *claims = h.claims;
            return found;
        }
    }
    return NULL;
}
