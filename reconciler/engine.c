#include "reconciler/engine.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/unowned.h"
#include "lib/ingress/class.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/judge.h"
#include "reconciler/authorities.h"
#include "reconciler/backends.h"
#include "reconciler/certs.h"
#include "reconciler/engine_priv.h"
#include "reconciler/globals.h"
#include "reconciler/headers.h"
#include "reconciler/keyset.h"
#include "reconciler/quotas.h"
#include "reconciler/refs.h"
#include "reconciler/report.h"
#include "reconciler/routing.h"

struct engine *
engine_new(const struct engine_options *options, struct cache *cache)
{
    struct engine *e = xcalloc(1, sizeof *e);
    struct backends_options backends_options = {
        .local_endpoints = options->local_endpoints,
        .external_names = options->ruleset->allow_external_names,
    };
    const struct certs_options certs_options = {
        .default_key = options->ruleset->default_ssl_certificate,
        .fallback_pem = options->fallback_pem,
        .metrics = options->metrics,
        .changed = keyset_new_batch(),
    };
    struct routing_options routing_options;

    e->rules = *options->ruleset;
    e->defaults = defaults_new();
    e->rules.defaults = e->defaults;
    e->ruleset = &e->rules;
    e->complaints = findings_new();
    e->global_complaints = findings_new();
    e->cache = cache;
    e->plan = plan_new();
    e->claims = claims_new(e->ruleset);
    e->stores = stores_new(e->plan);
    e->upstreams = upstreams_new(cache, e->stores);
    e->backends = backends_new(cache, e->plan, e->upstreams,
                               &backends_options);
    e->secrets = certs_options.changed;
    e->certs = certs_new(cache, e->plan, &certs_options);
    e->authorities = authorities_new(cache, e->stores);
    routing_options = (struct routing_options) {
        .cache = e->cache,
        .defaults = e->defaults,
        .claims = e->claims,
        .plan = e->plan,
        .backends = e->backends,
        .certs = e->certs,
        .authorities = e->authorities,
        .default_backend = options->default_backend_service,
        .tls_modern = e->ruleset->tls_profile == TLS_PROFILE_MODERN,
    };
    e->users = users_new(cache, options->secret_known,
                         options->secret_known_aux);
    e->asks = asks_new();
    e->refs = refs_new();
    e->quotas = quotas_new(e->ruleset);
    e->touched = keyset_new_batch();
    e->hosts = keyset_new_batch();
    e->routing = routing_new(&routing_options);
    return e;
}

void
engine_free(struct engine *e)
{
    if (e) {
        routing_free(e->routing);
        certs_free(e->certs);
        authorities_free(e->authorities);
        backends_free(e->backends);
        upstreams_free(e->upstreams);
        stores_free(e->stores);
        users_free(e->users);
        asks_free(e->asks);
        claims_free(e->claims);
        refs_free(e->refs);
        quotas_free(e->quotas);
        keyset_free(e->touched);
        keyset_free(e->hosts);
        keyset_free(e->secrets);
        plan_free(e->plan);
        defaults_free(e->defaults);
        findings_free(e->complaints);
        findings_free(e->global_complaints);
        free(e);
    }
}

struct plan *
engine_plan(const struct engine *e)
{
    return e->plan;
}

static const struct kube_object *
get_class(const char *name, void *aux)
{
    return cache_get(aux, KUBE_INGRESS_CLASS, name);
}

void
engine_touch_(const char *ingress_key, void *aux)
{
    keyset_add(((struct engine *) aux)->touched, ingress_key);
}

static void
touch_model(struct model *model, void *aux)
{
    engine_touch_(model->object->key, aux);
}

const struct model *
engine_known_(const struct engine *e, const char *key)
{
    const struct model *served = claims_get(e->claims, key);
    return served ? served : quotas_out(e->quotas, key);
}

static void
leave_out(struct model *model, bool is_out, void *aux)
{
    struct engine *e = aux;

    if (!is_out) {
        claims_set(e->claims, model);
    } else {
        claims_remove(e->claims, model->object->key);
    }
    engine_touch_(model->object->key, e);
}

/* --- What each kind of change means --- */

static void
ingress_changed(struct engine *e, const char *key,
                const struct kube_object *now)
{
    struct model *model = NULL, *kept;

    if (now && ruleset_has_namespace(e->ruleset, now->namespace) &&
        class_is_ours(now, e->ruleset, get_class, e->cache)) {
        model = model_new(now, e->ruleset);
    }
    /* claims_set() keeps none that is being deleted. */
    kept = model && !now->is_deleting ? model : NULL;
    refs_change(e->refs, engine_known_(e, key), kept);
    quotas_set(e->quotas, key, kept);
    users_set(e->users, key, kept);
    asks_set(e->asks, key, kept);
    if (model) {
        claims_set(e->claims, model);
        model_unref(model);
    } else {
        claims_remove(e->claims, key);
    }
    claims_each_taker(e->claims, key, engine_touch_, e);
    keyset_add(e->touched, key);
}

/* Any Ingress may have become ours or another's: rare, so all are asked. */
static void
class_changed(struct engine *e)
{
    size_t n;
    AUTO_FREE const struct kube_object **all =
        cache_list(e->cache, KUBE_INGRESS, &n);

    for (size_t i = 0; i < n; i++) {
        bool is = class_is_ours(all[i], e->ruleset, get_class, e->cache);
        bool was = engine_known_(e, all[i]->key) != NULL;

        if (is != was) {
            ingress_changed(e, all[i]->key, all[i]);
        }
    }
}

/* Who may have which hosts.  All may have become dirty, and whoever lost all
 * of them is a claimant no more: everybody is looked at. */
static void
read_owners(struct engine *e, const struct kube_object *configmap)
{
    AUTO_ERR struct err *err = NULL;
    const char *lines =
        configmap ? kube_pair(&configmap->config_map.data, PINS_KEY) : NULL;

    err = claims_set_host_owners(e->claims, lines);
    if (err) {
        AUTO_FREE char *name = xasprintf("ConfigMap %s", configmap->key);

        findings_add(e->complaints, FINDING_ERROR, FINDING_INVALID, name,
                     "data[" PINS_KEY "]", "%s", err_text(err));
    }
    claims_each(e->claims, touch_model, e);
}

/* The hosts of an Ingress that names a changed object. */
static void
rebuild_hosts_of(const char *ingress_key, void *aux)
{
    struct engine *e = aux;
    const struct model *model = claims_get(e->claims, ingress_key);

    for (size_t i = 0; model && i < model->n_routes; i++) {
        keyset_add(e->hosts, model->routes[i].host);
    }
    for (size_t i = 0; model && i < model->n_tls; i++) {
        keyset_add(e->hosts, model->tls[i].host);
    }
}

static void
set_globals(struct engine *e)
{
    if (e->ruleset->configmap) {
        globals_set(e->plan, e->cache, e->defaults, e->ruleset->configmap,
                    &e->global_complaints);
        keyset_add(e->touched, ENGINE_CONFIGMAP);
    }
}

/* Defaults reach every Ingress; one whose settings stay as they are costs
 * no more than its own hosts, and changes nothing in the plan. */
static void
configmap_changed(struct engine *e, const struct cache_change *change)
{
    size_t n;
    AUTO_FREE const struct kube_object **all = NULL;
    bool is_other;

    refs_each(e->refs, KUBE_CONFIG_MAP, change->key, rebuild_hosts_of, e);
    refs_each(e->refs, KUBE_CONFIG_MAP, change->key, engine_touch_, e);
    if (!str_eq(change->key, e->ruleset->configmap)) {
        set_globals(e);
        return;
    }
    findings_free(e->complaints);
    e->complaints = findings_new();
    keyset_add(e->touched, ENGINE_CONFIGMAP);
    read_owners(e, change->new);
    is_other = defaults_read(e->defaults, change->new, e->complaints);
    set_globals(e);
    if (!is_other) {
        return;
    }
    all = cache_list(e->cache, KUBE_INGRESS, &n);
    for (size_t i = 0; i < n; i++) {
        if (engine_known_(e, all[i]->key)) {
            ingress_changed(e, all[i]->key, all[i]);
        }
    }
}

void
engine_inherit(struct engine *e, const struct engine *from)
{
    defaults_inherit(e->defaults, from->defaults);
    e->lacks_rates = from->lacks_rates;
    users_inherit(e->users, from->users);
    asks_inherit(e->asks, from->asks);
    certs_inherit(e->certs, from->certs);
    backends_inherit(e->backends, from->backends);
}

void
engine_touch_users_(const char *secret_key, void *aux)
{
    struct engine *e = aux;

    refs_each(e->refs, KUBE_SECRET, secret_key, engine_touch_, e);
    if (str_eq(secret_key, e->ruleset->default_ssl_certificate)) {
        keyset_add(e->touched, ENGINE_DEFAULT_CERTIFICATE);
    }
}

static void
secret_changed(const char *key, void *aux)
{
    struct engine *e = aux;
    bool is_moved = certs_secret_changed(e->certs, key);

    is_moved |= authorities_secret_changed(e->authorities, key);
    if (upstreams_secret_changed(e->upstreams, key)) {
        backends_secret_changed(e->backends, key);
    }
    keyset_add(e->secrets, key);
    if (is_moved) {
        refs_each(e->refs, KUBE_SECRET, key, rebuild_hosts_of, e);
    }
    users_secret_changed(e->users, key);
    engine_touch_users_(key, e);
}

static void
slice_changed(struct engine *e, const struct cache_change *change)
{
    backends_slice_changed(e->backends, change->old, change->new);
}

/* Its Ingresses lose all they have, or get it back; the ones that lost are
 * among the claimants of no host any more. */
static void
namespace_changed(struct engine *e, const struct cache_change *change)
{
    claims_set_namespace(e->claims, change->key,
                         change->new && change->new->is_deleting);
    claims_set_allowed_hosts(
        e->claims, change->key,
        change->new
            ? kube_pair(&change->new->annotations, PINS_ALLOWED_HOSTS)
            : NULL);
    quotas_each(e->quotas, change->key, touch_model, e);
}

static void
apply_change(struct engine *e, const struct cache_change *change)
{
    switch (change->kind) {
    case KUBE_INGRESS:
        ingress_changed(e, change->key, change->new);
        break;
    case KUBE_INGRESS_CLASS:
        class_changed(e);
        break;
    case KUBE_SERVICE:
        backends_service_changed(e->backends, change->key);
        refs_each(e->refs, KUBE_SERVICE, change->key, engine_touch_, e);
        break;
    case KUBE_ENDPOINT_SLICE:
        slice_changed(e, change);
        break;
    case KUBE_SECRET:
        secret_changed(change->key, e);
        break;
    case KUBE_NAMESPACE:
        namespace_changed(e, change);
        break;
    case KUBE_CONFIG_MAP:
        configmap_changed(e, change);
        break;
    case KUBE_LEASE:
    case KUBE_POD:
        break;
    }
}

/* --- Hosts --- */

static void
touch_claimants(struct engine *e, const char *host)
{
    size_t n;
    AUTO_FREE struct claim *claims = claims_host(e->claims, host, &n);

    for (size_t i = 0; i < n; i++) {
        keyset_add(e->touched, claims[i].model->object->key);
    }
}

static void
rebuild_hosts(struct engine *e)
{
    AUTO_FREE char **hosts = NULL;
    char **dirty;
    size_t n;

    dirty = claims_take_dirty(e->claims, &n);
    for (size_t i = 0; i < n; i++) {
        keyset_add(e->hosts, dirty[i]);
        free(dirty[i]);
    }
    free(dirty);
    hosts = keyset_take(e->hosts);
    for (size_t i = 0; hosts[i]; i++) {
        routing_rebuild(e->routing, hosts[i]);
        touch_claimants(e, hosts[i]);
        refs_each_host(e->refs, hosts[i], engine_touch_, e);
        free(hosts[i]);
    }
}

void
engine_tick(struct engine *e, int64_t now_s)
{
    e->now_s = now_s;
    certs_tick(e->certs, now_s, engine_touch_users_, e);
}

bool
engine_run(struct engine *e)
{
    struct cache_change change;
    bool any = false;

    while (cache_take_change(e->cache, &change)) {
        apply_change(e, &change);
        cache_change_fini(&change);
        any = true;
    }
    /* No change tells that a Secret is not there. */
    any |= users_each_known(e->users, secret_changed, e);
    if (any) {
        quotas_settle(e->quotas, leave_out, e);
        rebuild_hosts(e);
    }
    return any;
}

void
engine_set_secret_type(struct engine *e, const char *key, const char *type)
{
    if (certs_set_type(e->certs, key, type)) {
        engine_touch_users_(key, e);
    }
}

void
engine_set_rates(struct engine *e, bool has_rates)
{
    if (e->lacks_rates == has_rates) {
        e->lacks_rates = !has_rates;
        claims_each(e->claims, touch_model, e);
    }
}

static void
touch_guarded(struct model *model, void *aux)
{
    if (model->settings->auth != SETTINGS_AUTH_NONE) {
        engine_touch_(model->object->key, aux);
    }
}

void
engine_set_crowded(struct engine *e, const char *const *groups, size_t n)
{
    if (users_set_crowded(e->users, groups, n)) {
        claims_each(e->claims, touch_guarded, e);
    }
}

bool
engine_asks(const struct engine *e)
{
    return asks_any(e->asks);
}

void
engine_set_failing(struct engine *e, const struct asks_failure *failures,
                   size_t n)
{
    asks_set_failing(e->asks, e->claims, failures, n, engine_touch_, e);
}
