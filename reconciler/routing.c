#include "reconciler/routing.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/key.h"
#include "reconciler/keyset.h"
#include "reconciler/translate.h"

/* cert-manager's solver answers here over http: never redirected. */
#define ACME_PREFIX "/.well-known/acme-challenge"

/* What the plan holds for one host, so that the next rebuild can take back
 * what is no longer wanted. */
struct host {
    struct keyset *keys;        /* Rows, the same ones in both tables. */
    VEC(char *) backends;       /* References, one each. */
    VEC(char *) secrets;        /* References, one each. */
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
    bool has_tls;
    bool choose;
};

/* A route's two rows and what they borrow. */
struct target {
    struct plan_route http;
    struct plan_route https;
    struct policy *policy;
};

static struct host *
host_new(void)
{
    struct host *host = xcalloc(1, sizeof *host);

    host->keys = keyset_new();
    host->ingresses = keyset_new();
    return host;
}

/* Gives the references back and frees the record; the plan stays as it is. */
static void
host_free(struct routing *r, struct host *host)
{
    for (size_t i = 0; i < host->backends.n; i++) {
        backends_unref(r->options.backends, host->backends.items[i]);
        free(host->backends.items[i]);
    }
    for (size_t i = 0; i < host->secrets.n; i++) {
        certs_unref(r->options.certs, host->secrets.items[i]);
        free(host->secrets.items[i]);
    }
    VEC_FINI(&host->backends);
    VEC_FINI(&host->secrets);
    keyset_free(host->keys);
    keyset_free(host->ingresses);
    free(host);
}

struct routing *
routing_new(const struct routing_options *options)
{
    struct routing *r = xcalloc(1, sizeof *r);

    r->options = *options;
    r->hosts = map_new();
    r->holdings = map_new();
    routing_rebuild(r, "");
    return r;
}

void
routing_free(struct routing *r)
{
    struct map_iter it = MAP_ITER;

    if (!r) {
        return;
    }
    while (map_next(r->hosts, &it)) {
        host_free(r, it.value);
    }
    map_free(r->hosts, NULL);
    map_free(r->holdings, free);
    free(r);
}

size_t
routing_n_hosts(const struct routing *r, const char *ingress_key)
{
    const struct holding *h = map_get(r->holdings, ingress_key);

    return h ? h->n_hosts : 0;
}

uint64_t
routing_generation(const struct routing *r, const char *ingress_key)
{
    const struct holding *h = map_get(r->holdings, ingress_key);

    return h ? h->generation : 0;
}

/* --- One route --- */

static const char *
use_backend(struct draft *d, const struct backend_use *use)
{
    const char *name = backends_ref(d->routing->options.backends, use);

    VEC_PUSH(&d->host->backends, xstrdup(name));
    return name;
}

static void
forward(struct draft *d, const struct model *model,
        const struct kube_backend *backend, const struct policy *policy,
        struct plan_route *out)
{
    const struct settings *s = &model->settings;
    struct backend_use use = {
        .namespace = model->object->namespace,
        .service = backend->service,
        .port = backend->port,
        .kind = translate_kind(s, policy),
        .balance = translate_balance(s),
        .connect_ms = translate_connect_ms(s),
    };

    out->action = PLAN_FORWARD;
    out->policy = policy;
    out->backend = use_backend(d, &use);
}

static bool
wants_https(const struct draft *d, const struct model *model,
            const struct route *route)
{
    const struct settings *s = &model->settings;

    if (route && str_starts(route->path, ACME_PREFIX)) {
        return false;
    }
    return s->force_ssl_redirect || (s->ssl_redirect && d->has_tls);
}

/* The rows of a route; target_fini() frees the policy after use. */
static void
target_init(struct draft *d, const struct model *model,
            const struct route *route, struct target *t)
{
    AUTO_ERR struct err *err = NULL;

    *t = (struct target) { 0 };
    if (!model->settings.refuse) {
        err = translate_policy(model, route, &t->policy);
    }
    if (model->settings.refuse || err) {
        if (err) {
            log_error("reconciler", model->object->key, "%s", err_text(err));
        }
        t->https.action = PLAN_UNAVAILABLE;
    } else if (model->settings.redirect_url) {
        t->https.action = PLAN_REDIRECT;
        t->https.policy = t->policy;
    } else {
        forward(d, model, &route->backend, t->policy, &t->https);
    }
    t->https.choose = d->choose;
    t->http = t->https;
    if (t->https.action == PLAN_FORWARD && wants_https(d, model, route)) {
        t->http = (struct plan_route) { .action = PLAN_HTTPS_REDIRECT,
                                        .choose = d->choose };
    }
}

static void
target_fini(struct target *t)
{
    policy_free(t->policy);
}

static void
set_rows(struct draft *d, const char *key, const struct plan_route *http,
         const struct plan_route *https)
{
    struct plan *plan = d->routing->options.plan;

    keyset_add(d->host->keys, key);
    plan_set_route(plan, PLAN_HTTP, key, http);
    plan_set_route(plan, PLAN_HTTPS, key, https);
}

static void
serves(struct draft *d, const struct model *model)
{
    keyset_add(d->host->ingresses, model->object->key);
}

/* --- All literal routes of the host --- */

static void
set_literals(struct draft *d)
{
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];
        struct target t;

        if (!c->route || !c->holds) {
            continue;
        }
        /* A rule without a good path serves what its default backend does. */
        if (c->route->kind != ROUTE_HOST ||
            c->model->default_backend.service) {
            serves(d, c->model);
        }
        if ((c->route->kind != ROUTE_EXACT &&
             c->route->kind != ROUTE_PREFIX) ||
            keyset_has(d->host->keys, c->route->key)) {
            continue;
        }
        target_init(d, c->model, c->route, &t);
        set_rows(d, c->route->key, &t.http, &t.https);
        target_fini(&t);
    }
}

/* --- Regexes: ingress-nginx's order, longest text first --- */

struct pattern {
    const struct claim *claim;
    struct target target;
    char *regex;
};

static int
compare_patterns(const void *a, const void *b)
{
    const struct pattern *x = a, *y = b;
    size_t nx = strlen(x->claim->route->path);
    size_t ny = strlen(y->claim->route->path);
    int order = nx != ny ? (nx < ny ? 1 : -1)
                         : strcmp(y->claim->route->path,
                                  x->claim->route->path);

    if (order != 0) {
        return order;
    }
    /* One text in two types: the exact one first; then the order given. */
    if (x->claim->route->kind != y->claim->route->kind) {
        return (int) x->claim->route->kind - (int) y->claim->route->kind;
    }
    return x->claim < y->claim ? -1 : 1;
}

static void
set_regexes(struct draft *d)
{
    struct plan *plan = d->routing->options.plan;
    AUTO_FREE struct pattern *patterns =
        xcalloc(d->n_claims, sizeof *patterns);
    AUTO_FREE struct plan_regex *http = xcalloc(d->n_claims, sizeof *http);
    AUTO_FREE struct plan_regex *https = xcalloc(d->n_claims, sizeof *https);
    size_t n = 0;

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];
        struct pattern *p = &patterns[n];

        if (!c->route || !c->holds || c->route->kind > ROUTE_REGEX) {
            continue;
        }
        p->claim = c;
        p->regex = c->route->kind == ROUTE_REGEX
                       ? xstrdup(c->route->regex)
                       : translate_literal(c->route);
        target_init(d, c->model, c->route, &p->target);
        n++;
    }
    if (n > 1) {
        qsort(patterns, n, sizeof *patterns, compare_patterns);
    }
    for (size_t i = 0; i < n; i++) {
        struct plan_regex regex = {
            .regex = patterns[i].regex,
            .ignore_case = patterns[i].claim->route->kind == ROUTE_REGEX,
        };

        http[i] = https[i] = regex;
        http[i].route = patterns[i].target.http;
        https[i].route = patterns[i].target.https;
        http[i].route.choose = https[i].route.choose = false;
    }
    plan_set_regexes(plan, PLAN_HTTP, d->name, http, n);
    plan_set_regexes(plan, PLAN_HTTPS, d->name, https, n);
    d->host->has_regexes = n > 0;
    for (size_t i = 0; i < n; i++) {
        target_fini(&patterns[i].target);
        free(patterns[i].regex);
    }
}

/* --- What "/" means where no rule has it --- */

/* Ours: --default-backend-service, else the program's 404. */
static void
our_default(struct draft *d, struct plan_route *out)
{
    const char *key = d->routing->options.default_backend;
    const char *slash = key ? strchr(key, '/') : NULL;
    AUTO_FREE char *ns = slash ? xstrndup(key, (size_t) (slash - key)) : NULL;
    struct backend_use use = { .namespace = ns, .kind = PLAN_PLAIN };

    out->action = PLAN_NOT_FOUND;
    if (slash) {
        use.service = slash + 1;
        out->action = PLAN_FORWARD;
        out->backend = use_backend(d, &use);
    }
}

/* The first Ingress here that has a default backend of its own. */
static const struct claim *
find_default(const struct draft *d)
{
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->route && c->holds &&
            (c->route->kind == ROUTE_DEFAULT ||
             (c->route->kind != ROUTE_PASSTHROUGH && d->name[0] != '\0' &&
              c->model->default_backend.service))) {
            return c;
        }
    }
    return NULL;
}

static void
set_default(struct draft *d)
{
    AUTO_FREE char *key = key_route(d->name, "/", false);
    const struct claim *c = find_default(d);
    struct plan_route row = { .action = PLAN_NOT_FOUND };

    if (keyset_has(d->host->keys, key)) {
        return;
    }
    if (!c) {
        our_default(d, &row);
        row.choose = d->choose;
        set_rows(d, key, &row, &row);
    } else {
        struct route route = {
            .kind = ROUTE_DEFAULT,
            .host = d->name,
            .path = "/",
            .key = key,
            .backend = c->route->kind == ROUTE_DEFAULT
                           ? c->route->backend
                           : c->model->default_backend,
        };
        struct target t;

        target_init(d, c->model, &route, &t);
        set_rows(d, key, &t.http, &t.https);
        target_fini(&t);
    }
}

/* --- TLS --- */

static bool
set_passthrough(struct draft *d)
{
    AUTO_FREE char *key = key_route(d->name, "/", false);
    struct plan_route http = { .action = PLAN_NOT_FOUND };
    struct plan_route https = { .action = PLAN_NOT_FOUND };

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];
        struct backend_use use = { .kind = PLAN_TCP };

        if (!c->route || !c->holds || c->route->kind != ROUTE_PASSTHROUGH) {
            continue;
        }
        if (c->model->settings.refuse) {
            /* TLS ends here, with a 503: fail closed. */
            http.action = https.action = PLAN_UNAVAILABLE;
        } else {
            use.namespace = c->model->object->namespace;
            use.service = c->route->backend.service;
            use.port = c->route->backend.port;
            use.connect_ms = translate_connect_ms(&c->model->settings);
            plan_set_passthrough(d->routing->options.plan, d->name,
                                 use_backend(d, &use));
            d->host->has_passthrough = true;
            if (c->model->settings.ssl_redirect ||
                c->model->settings.force_ssl_redirect) {
                http.action = PLAN_HTTPS_REDIRECT;
            }
        }
        set_rows(d, key, &http, &https);
        serves(d, c->model);
        return true;
    }
    return false;
}

static void
use_secret(struct draft *d, const char *secret)
{
    certs_ref(d->routing->options.certs, secret);
    VEC_PUSH(&d->host->secrets, xstrdup(secret));
}

/* The Secret for this host: of the TLS entry that names it, else of one
 * that names no host and whose certificate covers it. */
static const char *
find_secret(struct draft *d)
{
    struct certs *certs = d->routing->options.certs;

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        if (c->tls && c->holds) {
            d->has_tls = true;
            return c->tls->secret;
        }
    }
    for (size_t i = 0; i < d->n_claims; i++) {
        const struct model *m = d->claims[i].model;

        for (size_t k = 0; d->claims[i].holds && k < m->n_tls; k++) {
            const struct model_tls *tls = &m->tls[k];

            if (tls->host[0] == '\0' && tls->secret) {
                use_secret(d, tls->secret);
                if (certs_covers(certs, tls->secret, d->name)) {
                    d->has_tls = true;
                    return tls->secret;
                }
            }
        }
    }
    return NULL;
}

static void
set_tls(struct draft *d)
{
    const struct routing_options *o = &d->routing->options;
    const char *secret;

    if (d->name[0] == '\0') {
        return;
    }
    secret = find_secret(d);
    if (secret) {
        use_secret(d, secret);
        if (certs_covers(o->certs, secret, d->name)) {
            plan_set_sni(o->plan, d->name, secret);
            d->host->has_sni = true;
        }
    }
}

/* --- The host as a whole --- */

static bool
has_regex(const struct claim *claims, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (claims[i].route && claims[i].holds &&
            claims[i].route->kind == ROUTE_REGEX) {
            return true;
        }
    }
    return false;
}

/* Takes back from the plan what 'old' has and 'new' has not. */
static void
retract(struct routing *r, const char *name, struct host *old,
        const struct host *new)
{
    struct plan *plan = r->options.plan;
    AUTO_FREE const char **keys = NULL;
    size_t n;

    keys = keyset_list(old->keys, &n);
    for (size_t i = 0; i < n; i++) {
        if (!new || !keyset_has(new->keys, keys[i])) {
            plan_del_route(plan, PLAN_HTTP, keys[i]);
            plan_del_route(plan, PLAN_HTTPS, keys[i]);
        }
    }
    if (old->has_regexes && !(new && new->has_regexes)) {
        plan_set_regexes(plan, PLAN_HTTP, name, NULL, 0);
        plan_set_regexes(plan, PLAN_HTTPS, name, NULL, 0);
    }
    if (old->has_passthrough && !(new && new->has_passthrough)) {
        plan_del_passthrough(plan, name);
    }
    if (old->has_sni && !(new && new->has_sni)) {
        plan_del_sni(plan, name);
    }
}

/* Counts hosts per Ingress and notes the generation that has them all. */
static void
account(struct routing *r, const struct host *host, int change)
{
    size_t n;
    AUTO_FREE const char **keys = keyset_list(host->ingresses, &n);

    for (size_t i = 0; i < n; i++) {
        struct holding *h = map_get(r->holdings, keys[i]);

        if (!h) {
            h = xcalloc(1, sizeof *h);
            map_put(r->holdings, keys[i], h);
        }
        h->n_hosts += (size_t) change;
        h->generation = plan_generation(r->options.plan);
        if (h->n_hosts == 0 && change < 0) {
            map_remove(r->holdings, keys[i]);
            free(h);
        }
    }
}

void
routing_rebuild(struct routing *r, const char *name)
{
    size_t n = 0;
    AUTO_FREE struct claim *claims =
        claims_host(r->options.claims, name, &n);
    struct host *old = map_get(r->hosts, name);
    struct draft d = {
        .routing = r, .name = name, .claims = claims, .n_claims = n,
    };

    if (n > 0 || name[0] == '\0') {
        d.host = host_new();
        d.choose = has_regex(claims, n);
        if (!set_passthrough(&d)) {
            set_tls(&d);
            set_literals(&d);
            if (d.choose) {
                set_regexes(&d);
            }
            set_default(&d);
        }
        map_put(r->hosts, name, d.host);
    }
    if (old) {
        retract(r, name, old, d.host);
    }
    if (d.host) {
        account(r, d.host, 1);
    }
    if (old) {
        account(r, old, -1);
        host_free(r, old);
        if (!d.host) {
            map_remove(r->hosts, name);
        }
    }
}
