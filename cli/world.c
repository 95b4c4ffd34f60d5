#include "cli/world.h"

#include <stdlib.h>
#include <string.h>

#include "cli/source.h"
#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/cert_wire.h"
#include "lib/ingress/class.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/judge.h"
#include "lib/ingress/pins.h"
#include "lib/kube/cache.h"

/* The caches hold all objects but Ingresses; they differ in which kinds they
 * say that they watch. */
enum { WITH_SERVICES = 1, WITH_SECRETS = 2, N_CACHES = 4 };

struct candidate {
    struct model *model;
    size_t order;               /* Of the files. */
};

struct world {
    const struct ruleset *ruleset;
    struct ruleset rules;       /* The caller's, with our defaults. */
    struct defaults *defaults;
    const struct kube_object *configmap;    /* The cache's, or NULL. */
    struct cache *caches[N_CACHES];
    struct map *namespaces[2];  /* With a Service, with a Secret. */
    VEC(const struct kube_object *) ingresses;
    unsigned known;             /* WITH_*: of all namespaces. */
    bool adopts, is_cluster;
};

struct world *
world_new(const struct ruleset *ruleset)
{
    struct world *w = xcalloc(1, sizeof *w);

    w->defaults = defaults_new();
    w->rules = *ruleset;
    w->rules.defaults = w->defaults;
    w->ruleset = &w->rules;
    w->rules.class_by_name = true;
    for (size_t i = 0; i < N_CACHES; i++) {
        struct cache *cache = cache_new();

        for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
            cache_expect(cache, (enum kube_kind) kind, 0);
        }
        if (i & WITH_SERVICES) {
            cache_expect(cache, KUBE_SERVICE, 1);
            cache_list_begin(cache, KUBE_SERVICE, NULL);
        }
        if (i & WITH_SECRETS) {
            cache_expect(cache, KUBE_SECRET, 1);
            cache_list_begin(cache, KUBE_SECRET, NULL);
        }
        w->caches[i] = cache;
    }
    w->namespaces[0] = map_new();
    w->namespaces[1] = map_new();
    return w;
}

void
world_free(struct world *w)
{
    if (!w) {
        return;
    }
    for (size_t i = 0; i < N_CACHES; i++) {
        cache_free(w->caches[i]);
    }
    for (size_t i = 0; i < w->ingresses.n; i++) {
        kube_unref(w->ingresses.items[i]);
    }
    VEC_FINI(&w->ingresses);
    map_free(w->namespaces[0], NULL);
    map_free(w->namespaces[1], NULL);
    defaults_free(w->defaults);
    free(w);
}

void
world_adopt(struct world *w, bool is_cluster, bool has_secrets)
{
    w->adopts = true;
    w->is_cluster = is_cluster;
    if (is_cluster) {
        w->known = WITH_SERVICES | (has_secrets ? WITH_SECRETS : 0);
    }
}

void
world_add(const struct kube_object *object, void *aux)
{
    struct world *w = aux;

    if (object->kind == KUBE_INGRESS) {
        VEC_PUSH(&w->ingresses, kube_ref(object));
        return;
    }
    if (w->adopts && object->kind == KUBE_INGRESS_CLASS &&
        str_eq(object->name, w->ruleset->ingress_class)) {
        w->rules.watch_without_class |= object->ingress_class.is_default;
        return;
    }
    if (object->kind == KUBE_SERVICE || object->kind == KUBE_SECRET) {
        map_put(w->namespaces[object->kind == KUBE_SECRET],
                object->namespace, w);
    }
    for (size_t i = 0; i < N_CACHES; i++) {
        cache_put(w->caches[i], kube_ref(object));
    }
}

size_t
world_count(const struct world *w)
{
    return w->ingresses.n;
}

static const struct kube_object *
get_class(const char *name, void *aux)
{
    const struct world *w = aux;

    return cache_get(w->caches[0], KUBE_INGRESS_CLASS, name);
}

static const struct cache *
cache_for(const struct world *w, const char *ns)
{
    unsigned with = w->known;

    if (map_get(w->namespaces[0], ns)) {
        with |= WITH_SERVICES;
    }
    if (map_get(w->namespaces[1], ns)) {
        with |= WITH_SECRETS;
    }
    return w->caches[with];
}

/* Whoever has an age comes before whoever has none: it is in a cluster. */
static int
compare_candidates(const void *x, const void *y)
{
    const struct candidate *a = x;
    const struct candidate *b = y;
    const int64_t age_a = a->model->object->created;
    const int64_t age_b = b->model->object->created;

    if (a->model->is_canary != b->model->is_canary) {
        return a->model->is_canary ? 1 : -1;
    }
    if (age_a != age_b) {
        return age_b == 0 || (age_a != 0 && age_a < age_b) ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

/* From now on what is missing is missing. */
struct err *
world_finish(struct world *w)
{
    for (size_t i = 0; i < N_CACHES; i++) {
        if (i & WITH_SERVICES) {
            cache_list_end(w->caches[i], KUBE_SERVICE, NULL);
        }
        if (i & WITH_SECRETS) {
            cache_list_end(w->caches[i], KUBE_SECRET, NULL);
        }
    }
    return source_find_configmap(w->ruleset, w->caches[0], w->is_cluster,
                                 &w->configmap);
}

static void
tell_namespaces(const struct world *w, struct claims *claims)
{
    size_t n;
    AUTO_FREE const struct kube_object **all =
        cache_list(w->caches[0], KUBE_NAMESPACE, &n);

    for (size_t i = 0; i < n; i++) {
        claims_set_allowed_hosts(
            claims, all[i]->key,
            kube_pair(&all[i]->annotations, PINS_ALLOWED_HOSTS));
    }
}

static void
read_configmap(const struct world *w, struct claims *claims,
               world_each_fn *each, void *aux)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    AUTO_ERR struct err *err = NULL;

    if (!w->configmap) {
        return;
    }
    defaults_read(w->defaults, w->configmap, findings);
    judge_configmap(w->ruleset, findings);
    err = claims_set_host_owners(
        claims, kube_pair(&w->configmap->config_map.data, PINS_KEY));
    if (err) {
        AUTO_FREE char *name = xasprintf("ConfigMap %s", w->configmap->key);

        findings_add(findings, FINDING_ERROR, FINDING_INVALID, name,
                     "data[" PINS_KEY "]", "%s", err_text(err));
    }
    each(w->configmap, findings, aux);
}

static void
judge_certificate(const struct world *w, world_each_fn *each, void *aux)
{
    const char *key = w->ruleset->default_ssl_certificate;
    AUTO_FREE char *ns = key ? xstrndup(key, strcspn(key, "/")) : NULL;
    struct cert_cache secrets = { .cache = cache_for(w, ns ? ns : "") };
    const struct cert_source source = cert_cache_source(&secrets);
    AUTO(cert_facts_fini) struct cert_facts room = { .names = NULL };
    AUTO_FINDINGS struct findings *findings = findings_new();
    const struct cert_facts *facts =
        key ? source.get(key, &room, source.aux) : NULL;

    if (facts) {
        cert_judge_default(key, facts, w->defaults, clock_wall(), findings);
        each(cache_get(secrets.cache, KUBE_SECRET, key), findings, aux);
    }
}

static void
judge_one(const struct world *w, const struct claims *claims,
          const struct model *model, struct findings *out)
{
    struct cert_cache secrets = {
        .cache = cache_for(w, model->object->namespace),
    };
    const struct cert_source source = cert_cache_source(&secrets);

    judge(model, claims, secrets.cache, out);
    cert_judge(model, &source, clock_wall(), out);
    judge_users(model, secrets.cache, out);
}

void
world_judge(struct world *w, world_each_fn *each, void *aux)
{
    VEC(struct candidate) candidates = { 0 };
    struct claims *claims = claims_new(w->ruleset);

    tell_namespaces(w, claims);
    read_configmap(w, claims, each, aux);
    judge_certificate(w, each, aux);
    for (size_t i = 0; i < w->ingresses.n; i++) {
        const struct kube_object *o = w->ingresses.items[i];

        if (!o->is_deleting && ruleset_has_namespace(w->ruleset,
                                                     o->namespace) &&
            class_is_ours(o, w->ruleset, get_class, w)) {
            struct candidate c = { model_new(o, w->ruleset), i };

            VEC_PUSH(&candidates, c);
        }
    }
    VEC_SORT(&candidates, compare_candidates);
    for (size_t i = 0; i < candidates.n; i++) {
        AUTO_FINDINGS struct findings *findings = findings_new();
        struct model *model = candidates.items[i].model;
        const struct kube_object *o = model->object;

        judge_one(w, claims, model, findings);
        claims_set(claims, model);
        each(o, findings, aux);
        model_unref(model);
    }
    VEC_FINI(&candidates);
    claims_free(claims);
}
