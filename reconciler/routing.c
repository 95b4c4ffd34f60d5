#include "reconciler/routing.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/ingress/serve.h"
#include "reconciler/routing_priv.h"
#include "reconciler/translate.h"
#include "reconciler/use.h"

/* A route's two rows and what they borrow. */
struct target {
    struct plan_route http;
    struct plan_route https;
    struct policy *policy;
    struct policy *http_policy; /* Where http has its own (or none). */
};

static const char *
name_of_host(const void *value)
{
    const struct host *host = value;

    return (const char *) (host->names + host->ends[HOST_N_NAMES - 1]);
}

static const char *
key_of_holding(const void *value)
{
    return ((const struct holding *) value)->key;
}

/* Those of one kind in a host. */
static const char *const *
names_of(const struct host *host, enum host_names kind, size_t *n)
{
    size_t begin = kind == 0 ? 0 : host->ends[kind - 1];

    *n = host->ends[kind] - begin;
    return host->names + begin;
}

static void
unref_name(struct routing *r, enum host_names kind, const char *name)
{
    switch (kind) {
    case HOST_BACKENDS:
        backends_unref(r->options.backends, name);
        break;
    case HOST_SECRETS:
        certs_unref(r->options.certs, name);
        break;
    case HOST_AUTHORITIES:
        authorities_unref(r->options.authorities, name);
        break;
    case HOST_KEYS:
    case HOST_INGRESSES:
    case HOST_N_NAMES:
        break;
    }
}

/* Gives the references back and frees the record; the plan stays as it is. */
static void
host_free(struct routing *r, struct host *host)
{
    for (enum host_names kind = 0; kind < HOST_N_NAMES; kind++) {
        size_t n;
        const char *const *names = names_of(host, kind, &n);

        for (size_t i = 0; i < n; i++) {
            unref_name(r, kind, names[i]);
        }
    }
    free(host);
}

/* All names of one kind are one owner's: the same name is the same place. */
static int
compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return (*x > *y) - (*x < *y);
}

/* The record of a host that was computed; each name once. */
static struct host *
host_new(struct draft *d)
{
    const size_t name_size = strlen(d->name) + 1;
    size_t most = 0;
    uint32_t n = 0;
    struct host *host;

    for (size_t kind = 0; kind < HOST_N_NAMES; kind++) {
        most += d->names[kind].n;
    }
    host = xcalloc(1, sizeof *host + most * sizeof host->names[0] +
                          name_size);
    for (enum host_names kind = 0; kind < HOST_N_NAMES; kind++) {
        uint32_t begin = n;

        VEC_SORT(&d->names[kind], compare_names);
        for (size_t i = 0; i < d->names[kind].n; i++) {
            const char *name = d->names[kind].items[i];

            if (n > begin && host->names[n - 1] == name) {
                unref_name(d->routing, kind, name);
            } else {
                host->names[n++] = name;
            }
        }
        host->ends[kind] = n;
        VEC_FINI(&d->names[kind]);
    }
    host->has_regexes = d->has_regexes;
    host->has_passthrough = d->has_passthrough;
    host->has_sni = d->has_sni;
    memcpy(host->names + n, d->name, name_size);
    return xrealloc(host, 1,
                    sizeof *host + n * sizeof host->names[0] + name_size);
}

struct routing *
routing_new(const struct routing_options *options)
{
    struct routing *r = xcalloc(1, sizeof *r);

    r->options = *options;
    r->hosts = map_new_keyed(name_of_host);
    r->holdings = map_new_keyed(key_of_holding);
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

    VEC_PUSH(&d->names[HOST_BACKENDS], name);
    return name;
}

/* A Service port as its Ingress's settings want it spoken to. */
static const char *
use_port(struct draft *d, const struct model *model,
         const struct kube_backend *backend, enum plan_kind kind,
         bool is_https)
{
    const struct settings *s = model->settings;
    struct backend_tls tls;
    const struct backend_use use = {
        .namespace = model->object->namespace,
        .service = backend->service,
        .port = backend->port,
        .kind = kind,
        .balance = translate_balance(s),
        .connect_ms = translate_connect_ms(s),
        .retry = translate_retry(s),
        .protocol = translate_protocol(s, is_https),
        .tls = translate_tls(s, is_https, &tls),
        .by_service = s->service_upstream,
    };

    return use_backend(d, &use);
}

static void
forward(struct draft *d, const struct model *model,
        const struct kube_backend *backend, const struct policy *policy,
        bool is_https, struct plan_route *out)
{
    out->action = PLAN_FORWARD;
    out->policy = policy;
    out->backend =
        use_port(d, model, backend, translate_kind(model->settings, policy),
                 is_https);
}

/* The second backend: its own balancing and protocol, in a slot that applies
 * the same policy. */
static void
add_canary(struct draft *d, const struct serve_row *row,
           const struct policy *policy, bool is_https,
           struct plan_route *out)
{
    const struct settings *main = row->model->settings;
    enum plan_kind kind = main->canary_legacy ? PLAN_POLICY
                                              : translate_kind(main, policy);

    out->others[PLAN_CANARY] =
        use_port(d, row->canary->model, &row->canary->route->backend, kind,
                 is_https);
}

/* Those that a policy needs beside the route's own. */
static void
add_others(struct draft *d, const struct model *model,
           const struct policy *policy, struct plan_route *out)
{
    const char *ours = d->routing->options.default_backend;
    struct use use;

    if (use_fallback(model, policy, ours, &use)) {
        out->others[PLAN_FALLBACK] = use_backend(d, &use.backend);
    }
    use_fini(&use);
    if (use_copy(model, policy, &use)) {
        out->others[PLAN_COPY] = use_backend(d, &use.backend);
    }
    use_fini(&use);
    if (use_ask(model, policy, &use)) {
        out->others[PLAN_ASK] = use_backend(d, &use.backend);
    }
    use_fini(&use);
}

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

/* The row of one table. */
static void
plan_row(struct draft *d, const struct serve_row *row,
         enum serve_action action, const struct policy *policy,
         bool is_https, struct plan_route *out)
{
    switch (action) {
    case SERVE_FORWARD:
        forward(d, row->model, &row->route.backend, policy, is_https, out);
        if (row->canary) {
            add_canary(d, row, policy, is_https, out);
        }
        add_others(d, row->model, policy, out);
        break;
    case SERVE_HTTPS_REDIRECT:
        out->action = PLAN_HTTPS_REDIRECT;
        out->policy = policy;
        break;
    case SERVE_REDIRECT:
    case SERVE_APP_ROOT:
    case SERVE_OTHER_NAME:
        out->action = PLAN_REDIRECT;
        out->policy = policy;
        break;
    case SERVE_UNAVAILABLE:
        out->action = PLAN_UNAVAILABLE;
        break;
    case SERVE_DEFAULT:
        our_default(d, out);
        break;
    case SERVE_NOT_FOUND:
        out->action = PLAN_NOT_FOUND;
        break;
    }
}

/* The rows of a route; target_fini() frees the policy after use. */
static void
target_init(struct draft *d, const struct serve_row *row, struct target *t)
{
    AUTO_ERR struct err *err = NULL;

    *t = (struct target) { 0 };
    if (d->is_closed && (row->https == SERVE_FORWARD ||
                         row->https == SERVE_REDIRECT)) {
        t->http.action = t->https.action = PLAN_UNAVAILABLE;
        return;
    }
    err = routing_policy_(d, row, &t->policy);
    if (!err) {
        err = routing_http_policy_(row, &t->http_policy);
    }
    if (err) {
        log_error("reconciler", row->model->object->key, "%s", err_text(err));
        t->http.action = t->https.action = PLAN_UNAVAILABLE;
        return;
    }
    plan_row(d, row, row->https, t->policy, true, &t->https);
    plan_row(d, row, row->http,
             routing_http_is_other_(row) ? t->http_policy : t->policy, false,
             &t->http);
}

static void
target_fini(struct target *t)
{
    policy_free(t->policy);
    policy_free(t->http_policy);
}

/* --- All rows --- */

static void
set_rows(struct draft *d)
{
    struct plan *plan = d->routing->options.plan;

    for (size_t i = 0; i < d->served.n_rows; i++) {
        const struct serve_row *row = &d->served.rows[i];
        struct target t;

        target_init(d, row, &t);
        t.http.choose = t.https.choose =
            d->served.n_regexes > 0 && row->https != SERVE_APP_ROOT;
        plan_set_route(plan, PLAN_HTTP, row->route.key, &t.http);
        plan_set_route(plan, PLAN_HTTPS, row->route.key, &t.https);
        VEC_PUSH(&d->names[HOST_KEYS],
                 plan_route_key(plan, row->route.key));
        target_fini(&t);
    }
}

static void
set_regexes(struct draft *d)
{
    struct plan *plan = d->routing->options.plan;
    const struct serve_row *rows = d->served.regexes;
    size_t n = d->served.n_regexes;
    AUTO_FREE struct target *targets = xcalloc(n, sizeof *targets);
    AUTO_FREE struct plan_regex *http = xcalloc(n, sizeof *http);
    AUTO_FREE struct plan_regex *https = xcalloc(n, sizeof *https);
    AUTO_FREE char **texts = xcalloc(n, sizeof *texts);

    for (size_t i = 0; i < n; i++) {
        bool is_regex = rows[i].route.kind == ROUTE_REGEX;
        struct plan_regex regex = { .ignore_case = is_regex };

        texts[i] = is_regex ? xstrdup(rows[i].route.regex)
                            : serve_literal_regex(&rows[i].route);
        regex.regex = texts[i];
        target_init(d, &rows[i], &targets[i]);
        http[i] = https[i] = regex;
        http[i].route = targets[i].http;
        https[i].route = targets[i].https;
    }
    plan_set_regexes(plan, PLAN_HTTP, d->name, http, n);
    plan_set_regexes(plan, PLAN_HTTPS, d->name, https, n);
    d->has_regexes = true;
    for (size_t i = 0; i < n; i++) {
        target_fini(&targets[i]);
        free(texts[i]);
    }
}

static void
set_passthrough(struct draft *d)
{
    const struct claim *c = d->served.passthrough;
    struct backend_use use = {
        .namespace = c->model->object->namespace,
        .service = c->route->backend.service,
        .port = c->route->backend.port,
        .kind = PLAN_TCP,
        .protocol = c->model->settings->proxy_protocol ? PLAN_PROXY_V2
                                                       : PLAN_HTTP1,
        .connect_ms = translate_connect_ms(c->model->settings),
    };

    if (d->served.is_passthrough) {
        plan_set_passthrough(d->routing->options.plan, d->name,
                             use_backend(d, &use));
        d->has_passthrough = true;
    }
}

static void
add_ingress(struct draft *d, const struct model *model)
{
    struct map *holdings = d->routing->holdings;
    struct holding *h = map_get(holdings, model->key);

    if (!h) {
        size_t size = strlen(model->key) + 1;

        h = xcalloc(1, offsetof(struct holding, key) + size);
        memcpy(h->key, model->key, size);
        map_put(holdings, h->key, h);
    }
    VEC_PUSH(&d->names[HOST_INGRESSES], h->key);
}

static void
add_canaries(struct draft *d, const struct serve_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].canary) {
            add_ingress(d, rows[i].canary->model);
        }
    }
}

/* Notes which Ingresses have something here. */
static void
set_ingresses(struct draft *d)
{
    const struct claim *passthrough = d->served.passthrough;

    for (size_t i = 0; i < d->n_claims; i++) {
        const struct claim *c = &d->claims[i];

        /* A rule without a good path serves what its default backend does. */
        if (c->route && c->holds &&
            (passthrough ? c == passthrough
                         : c->route->kind != ROUTE_HOST || c->route->of ||
                               c->model->default_backend)) {
            add_ingress(d, c->model);
        }
    }
    add_canaries(d, d->served.rows, d->served.n_rows);
    add_canaries(d, d->served.regexes, d->served.n_regexes);
}

/* --- The host as a whole --- */

/* Takes back from the plan what 'old' has and 'new' has not. */
static void
retract(struct routing *r, const char *name, const struct host *old,
        const struct host *new)
{
    struct plan *plan = r->options.plan;
    size_t n, n_new = 0;
    const char *const *keys = names_of(old, HOST_KEYS, &n);
    const char *const *kept =
        new ? names_of(new, HOST_KEYS, &n_new) : NULL;

    for (size_t i = 0; i < n; i++) {
        if (n_new == 0 || !bsearch(&keys[i], kept, n_new, sizeof *kept,
                                   compare_names)) {
            AUTO_FREE char *key = xstrdup(keys[i]);     /* The plan's own. */

            plan_del_route(plan, PLAN_HTTP, key);
            plan_del_route(plan, PLAN_HTTPS, key);
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
    const char *const *keys = names_of(host, HOST_INGRESSES, &n);

    for (size_t i = 0; i < n; i++) {
        struct holding *h = map_get(r->holdings, keys[i]);

        h->n_hosts += (uint32_t) change;
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
    struct host *new = NULL;
    struct translate_client client;
    struct draft d = {
        .routing = r, .name = name, .claims = claims, .n_claims = n,
    };

    if (n > 0 || name[0] == '\0') {
        serve_host_init(&d.served, name, claims, n, routing_covers_, &d);
        routing_ask_clients_(&d, &client);
        set_rows(&d);
        if (d.served.n_regexes > 0) {
            set_regexes(&d);
        }
        if (d.served.passthrough) {
            set_passthrough(&d);
        }
        routing_set_tls_(&d);
        set_ingresses(&d);
        serve_host_fini(&d.served);
        new = host_new(&d);
        map_put(r->hosts, name, new);
    }
    if (old) {
        retract(r, name, old, new);
    }
    if (new) {
        account(r, new, 1);
    }
    if (old) {
        account(r, old, -1);
        if (!new) {
            map_remove(r->hosts, name);
        }
        host_free(r, old);
    }
}

/* --- Report --- */

/* The same question as routing_covers_(), by one who takes no reference: all
 * that is asked about is held by the rebuild. */
static bool
known_covers(const char *secret, const char *host, void *aux)
{
    const struct routing *r = aux;

    return certs_covers(r->options.certs, secret, host);
}

void
routing_each(const struct routing *r, routing_each_fn *each, void *aux)
{
    AUTO_FREE const char **names = map_sorted_keys(r->hosts);
    union {
        const struct routing *in;
        void *out;
    } asked = { .in = r };

    for (size_t i = 0; i < map_size(r->hosts); i++) {
        size_t n;
        AUTO_FREE struct claim *claims =
            claims_host(r->options.claims, names[i], &n);
        struct serve_host host;

        serve_host_init(&host, names[i], claims, n, known_covers, asked.out);
        each(&host, aux);
        serve_host_fini(&host);
    }
}
