#include "lib/ingress/serve.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/claims_priv.h"
#include "lib/ingress/host.h"
#include "lib/ingress/key.h"

struct draft {
    struct serve_host *host;
    const struct claim *claims;
    size_t n_claims;
};

static void
put_escaped(struct buf *out, const char *s, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr("\\^$.[]|()?*+{}", s[i])) {
            buf_putc(out, '\\');
        }
        buf_putc(out, s[i]);
    }
}

char *
serve_literal_regex(const struct route *route)
{
    AUTO_BUF struct buf out = BUF_OWN;
    /* The canonical path stands in the key, between host and end. */
    const char *path = route->key + strlen(route->host);
    size_t length = strlen(path);

    if (route->kind == ROUTE_EXACT) {
        length -= 2;    /* "/" and the end mark. */
        put_escaped(&out, path, length);
        buf_putc(&out, '$');
    } else {
        length -= 1;    /* "/" */
        put_escaped(&out, path, length);
        buf_puts(&out, "(?:/|$)");
    }
    return buf_take(&out);
}

/* --- One row --- */

static bool
wants_https(const struct draft *d, const struct model *model,
            const struct route *route)
{
    const struct settings *s = model->settings;

    return !route->stays_http &&
           (s->force_ssl_redirect || (s->ssl_redirect && d->host->has_tls));
}

/* The oldest canary of the row: of its namespace, with something to decide
 * by. */
static const struct claim *
find_canary(const struct draft *d, const struct model *model,
            const struct route *route)
{
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->route && c->model->is_canary && c->winner == model &&
            strcmp(c->route->key, route->key) == 0 &&
            claims_is_same_namespace(c->model, model) &&
            !c->model->settings->refuse &&
            settings_has_canary(c->model->settings)) {
            return c;
        }
    }
    return NULL;
}

static void
row_init(const struct draft *d, const struct model *model,
         const struct route *route, struct serve_row *row)
{
    *row = (struct serve_row) { .model = model, .route = *route };
    if (model->settings->refuse) {
        row->https = SERVE_UNAVAILABLE;
    } else if (model->settings->redirect_url) {
        row->https = SERVE_REDIRECT;
    } else {
        row->https = SERVE_FORWARD;
    }
    row->http = row->https == SERVE_FORWARD && wants_https(d, model, route)
                    ? SERVE_HTTPS_REDIRECT
                    : row->https;
    if (row->https == SERVE_FORWARD) {
        row->canary = find_canary(d, model, route);
    }
}

/* --- Redirects of the host --- */

/* The first claim that holds the path "/" of the host, or NULL. */
static const struct claim *
root_owner(const struct draft *d)
{
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->route && c->holds && c->route->kind <= ROUTE_REGEX &&
            strcmp(c->route->path, "/") == 0) {
            return c;
        }
    }
    return NULL;
}

/* app-root: before all else and over http, too, as ingress-nginx has it; but
 * nobody changes the "/" of another namespace. */
static void
set_app_root(const struct draft *d)
{
    static char field[] =
        "metadata.annotations[" ANNOT_PREFIX "app-root]";
    struct serve_host *h = d->host;
    const struct claim *owner = root_owner(d);

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (!c->route || !c->holds || c->route->kind == ROUTE_HOST ||
            !c->model->settings->app_root ||
            (owner && !claims_is_same_namespace(owner->model, c->model))) {
            continue;
        }
        if (!c->model->settings->refuse) {
            h->rows[h->n_rows++] = (struct serve_row) {
                .model = c->model,
                .route = { .kind = ROUTE_EXACT, .host = h->name,
                           .path = "/", .key = h->root_key,
                           .field = field },
                .http = SERVE_APP_ROOT,
                .https = SERVE_APP_ROOT,
            };
        }
        return;
    }
}

/* from-to-www-redirect: where nobody serves this name as such. */
static void
set_other_name(const struct draft *d)
{
    struct serve_host *h = d->host;
    const struct claim *first = NULL;

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (!c->route || !c->holds) {
            continue;
        }
        if (c->route->kind != ROUTE_HOST || !c->route->of) {
            return;
        }
        first = first ? first : c;
    }
    if (first) {
        enum serve_action action = first->model->settings->refuse
                                       ? SERVE_UNAVAILABLE
                                       : SERVE_OTHER_NAME;
        struct serve_row *row = &h->rows[h->n_rows++];

        *row = (struct serve_row) {
            .model = first->model, .route = *first->route,
            .http = action, .https = action,
        };
        row->route.key = h->default_key;
    }
}

/* --- Literal paths --- */

/* A key that several hold (twins) is the first one's row. */
static void
set_literals(const struct draft *d)
{
    struct map *keys = map_new();
    struct serve_host *h = d->host;

    for (size_t i = 0; i < h->n_rows; i++) {
        map_put(keys, h->rows[i].route.key, h);
    }
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->route && c->holds &&
            (c->route->kind == ROUTE_EXACT ||
             c->route->kind == ROUTE_PREFIX) &&
            !map_put(keys, c->route->key, h)) {
            row_init(d, c->model, c->route, &h->rows[h->n_rows++]);
        }
    }
    map_free(keys, NULL);
}

/* --- Regexes: ingress-nginx's order, longest text first --- */

static bool
has_regex(const struct draft *d)
{
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->route && c->holds && c->route->kind == ROUTE_REGEX) {
            return true;
        }
    }
    return false;
}

static int
compare_patterns(const void *a, const void *b)
{
    const struct claim *const *x = a, *const *y = b;
    const struct route *rx = (*x)->route, *ry = (*y)->route;
    size_t nx = strlen(rx->path), ny = strlen(ry->path);
    int order = nx != ny ? (nx < ny ? 1 : -1) : strcmp(ry->path, rx->path);

    if (order != 0) {
        return order;
    }
    /* One text in two types: the exact one first; then the order given. */
    if (rx->kind != ry->kind) {
        return (int) rx->kind - (int) ry->kind;
    }
    return *x < *y ? -1 : 1;
}

static void
set_regexes(const struct draft *d)
{
    struct serve_host *h = d->host;
    AUTO_FREE const struct claim **patterns =
        xcalloc(d->n_claims, sizeof *patterns);
    size_t n = 0;

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->route && c->holds && c->route->kind <= ROUTE_REGEX) {
            patterns[n++] = c;
        }
    }
    if (n > 1) {
        qsort(patterns, n, sizeof *patterns, compare_patterns);
    }
    h->regexes = xcalloc(n, sizeof *h->regexes);
    h->n_regexes = n;
    for (size_t i = 0; i < n; i++) {
        row_init(d, patterns[i]->model, patterns[i]->route, &h->regexes[i]);
    }
}

/* --- What "/" means where no rule has it --- */

/* The first Ingress here that has a default backend of its own. */
static const struct claim *
find_default(const struct draft *d)
{
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->route && c->holds &&
            (c->route->kind == ROUTE_DEFAULT ||
             (c->route->kind != ROUTE_PASSTHROUGH &&
              d->host->name[0] != '\0' &&
              c->model->default_backend))) {
            return c;
        }
    }
    return NULL;
}

/* False where only tls sections name the host: a wildcard's rules, or those
 * for all hosts, serve it. */
static bool
has_rule(const struct draft *d)
{
    for (size_t i = 0; i < d->n_claims; i++) {
        if (d->claims[i].route) {
            return true;
        }
    }
    return false;
}

static void
set_default(const struct draft *d)
{
    struct serve_host *h = d->host;
    struct serve_row *row = &h->rows[h->n_rows];
    const struct claim *c = find_default(d);
    static char field[] = "spec.defaultBackend";
    struct route route = {
        .kind = ROUTE_DEFAULT,
        .host = h->name,
        .path = "/",
        .key = h->default_key,
    };

    for (size_t i = 0; i < h->n_rows; i++) {
        if (strcmp(h->rows[i].route.key, h->default_key) == 0) {
            return;
        }
    }
    h->n_rows++;
    if (!c) {
        *row = (struct serve_row) {
            .route = route, .http = SERVE_DEFAULT, .https = SERVE_DEFAULT,
        };
        return;
    }
    route.backend = c->route->kind == ROUTE_DEFAULT
                        ? c->route->backend
                        : *c->model->default_backend;
    route.field = c->route->kind == ROUTE_DEFAULT ? c->route->field : field;
    row_init(d, c->model, &route, row);
}

/* --- TLS --- */

static bool
set_passthrough(const struct draft *d)
{
    struct serve_host *h = d->host;
    struct serve_row *row = &h->rows[h->n_rows];

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (!c->route || !c->holds || c->route->kind != ROUTE_PASSTHROUGH) {
            continue;
        }
        *row = (struct serve_row) {
            .model = c->model, .route = *c->route,
            .http = SERVE_NOT_FOUND, .https = SERVE_NOT_FOUND,
        };
        row->route.key = h->default_key;
        if (c->model->settings->refuse) {
            /* TLS ends here, with a 503: fail closed. */
            row->http = row->https = SERVE_UNAVAILABLE;
        } else if (c->model->settings->ssl_redirect ||
                   c->model->settings->force_ssl_redirect) {
            row->http = SERVE_HTTPS_REDIRECT;
        }
        h->n_rows++;
        h->passthrough = c;
        h->is_passthrough = !c->model->settings->refuse;
        return true;
    }
    return false;
}

/* The Secret for this host: of the TLS entry that names it, else of one
 * that names no host, or the host whose other name this is, and whose
 * certificate covers it.  An entry for the wildcard above is TLS without a
 * Secret of this host's: the wildcard's certificate is shown. */
static void
set_tls(const struct draft *d, serve_covers_fn *covers, void *aux)
{
    struct serve_host *h = d->host;

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->tls && c->holds) {
            h->has_tls = true;
            h->secret = c->tls->secret;
            h->second = c->tls->second;
            return;
        }
    }
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct model *m = d->claims[i].model;
        const struct route *route = d->claims[i].route;
        const char *of = route ? route->of : NULL;

        for (size_t k = 0; d->claims[i].holds && k < m->n_tls; k++) {
            const struct model_tls *tls = &m->tls[k];

            if (host_covers(tls->host, h->name)) {
                h->has_tls = true;
            }
            if (tls->secret &&
                (tls->host[0] == '\0' || (of && str_eq(tls->host, of))) &&
                covers(tls->secret, h->name, aux)) {
                h->has_tls = true;
                h->secret = tls->secret;
                return;
            }
        }
    }
}

/* What the first Ingress with a route here says that says anything. */
static void
set_tls_options(const struct draft *d)
{
    struct serve_host *h = d->host;

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct settings *s = d->claims[i].model->settings;

        if (!d->claims[i].route || !d->claims[i].holds) {
            continue;
        }
        if (!h->ciphers) {
            h->ciphers = s->tls_ciphers;
        }
        if (!h->tls12 && !h->tls13) {
            h->tls12 = s->tls12;
            h->tls13 = s->tls13;
        }
    }
}

/* --- Certificates of clients --- */

static void
close_rows(struct serve_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].https == SERVE_FORWARD ||
            rows[i].https == SERVE_REDIRECT) {
            rows[i].https = SERVE_UNAVAILABLE;
            rows[i].http = rows[i].http == SERVE_HTTPS_REDIRECT
                               ? SERVE_HTTPS_REDIRECT
                               : SERVE_UNAVAILABLE;
            rows[i].canary = NULL;
        }
    }
}

/* The oldest Ingress that asks decides for all: a connection is the host's,
 * not a path's. */
static void
set_client(const struct draft *d)
{
    struct serve_host *h = d->host;

    for (size_t i = 0; i < d->n_claims && !h->client; i++) {
        const struct claim *c = &d->claims[i];

        if (c->route && c->holds &&
            c->model->settings->client != CLIENT_NONE) {
            h->client = c->model;
        }
    }
    if (h->client && h->client->settings->client == CLIENT_CLOSED) {
        close_rows(h->rows, h->n_rows);
        close_rows(h->regexes, h->n_regexes);
    }
}

/* --- The host as a whole --- */

void
serve_host_init(struct serve_host *h, const char *name,
                const struct claim *claims, size_t n,
                serve_covers_fn *covers, void *aux)
{
    const struct draft d = { .host = h, .claims = claims, .n_claims = n };

    *h = (struct serve_host) {
        .name = name,
        .default_key = key_route(name, "/", false),
        .root_key = key_route(name, "/", true),
        .rows = xcalloc(n + 2, sizeof *h->rows),
    };
    if (set_passthrough(&d)) {
        return;
    }
    if (name[0] != '\0') {
        set_tls(&d, covers, aux);
        set_tls_options(&d);
    }
    set_app_root(&d);
    set_other_name(&d);
    set_literals(&d);
    if (has_regex(&d)) {
        set_regexes(&d);
    }
    if (name[0] == '\0' || has_rule(&d)) {
        set_default(&d);
    }
    set_client(&d);
}

void
serve_host_fini(struct serve_host *h)
{
    free(h->rows);
    free(h->regexes);
    free(h->default_key);
    free(h->root_key);
    *h = (struct serve_host) { .name = NULL };
}

/* --- Words --- */

const char *
serve_action_text(enum serve_action action)
{
    switch (action) {
    case SERVE_FORWARD:
        return "forward";
    case SERVE_HTTPS_REDIRECT:
        return "https-redirect";
    case SERVE_REDIRECT:
        return "redirect";
    case SERVE_APP_ROOT:
        return "app-root";
    case SERVE_OTHER_NAME:
        return "other-name";
    case SERVE_UNAVAILABLE:
        return "unavailable";
    case SERVE_DEFAULT:
        return "default";
    case SERVE_NOT_FOUND:
        return "not-found";
    }
    return "";
}

const char *
serve_kind_text(enum route_kind kind)
{
    switch (kind) {
    case ROUTE_EXACT:
        return "Exact";
    case ROUTE_PREFIX:
        return "Prefix";
    case ROUTE_REGEX:
        return "regular expression";
    case ROUTE_DEFAULT:
        return "default backend";
    case ROUTE_PASSTHROUGH:
        return "passthrough";
    case ROUTE_HOST:
        return "host";
    }
    return "";
}
