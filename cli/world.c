#include "cli/world.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/class.h"
#include "lib/ingress/judge.h"
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
    struct kube_object our_class;       /* For files without it. */
    struct cache *caches[N_CACHES];
    VEC(const struct kube_object *) ingresses;
};

struct world *
world_new(const struct ruleset *ruleset)
{
    struct world *w = xcalloc(1, sizeof *w);

    w->ruleset = ruleset;
    w->our_class.kind = KUBE_INGRESS_CLASS;
    w->our_class.name = ruleset->ingress_class;
    w->our_class.key = ruleset->ingress_class;
    w->our_class.ingress_class.controller = ruleset->controller_class;
    for (size_t i = 0; i < N_CACHES; i++) {
        struct cache *cache = cache_new();

        for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
            cache_expect(cache, (enum kube_kind) kind, 0);
        }
        cache_expect(cache, KUBE_SERVICE, i & WITH_SERVICES ? 1 : 0);
        cache_expect(cache, KUBE_SECRET, i & WITH_SECRETS ? 1 : 0);
        w->caches[i] = cache;
    }
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
    free(w);
}

void
world_add(const struct kube_object *object, void *aux)
{
    struct world *w = aux;

    if (object->kind == KUBE_INGRESS) {
        VEC_PUSH(&w->ingresses, kube_ref(object));
        return;
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
    const struct kube_object *class =
        cache_get(w->caches[0], KUBE_INGRESS_CLASS, name);

    if (!class && str_eq(name, w->ruleset->ingress_class)) {
        class = &w->our_class;
    }
    return class;
}

static bool
has_kind_in(const struct world *w, enum kube_kind kind, const char *ns)
{
    size_t n;
    AUTO_FREE const struct kube_object **all =
        cache_list(w->caches[0], kind, &n);

    for (size_t i = 0; i < n; i++) {
        if (str_eq(all[i]->namespace, ns)) {
            return true;
        }
    }
    return false;
}

static const struct cache *
cache_for(const struct world *w, const char *ns)
{
    unsigned with = 0;

    if (has_kind_in(w, KUBE_SERVICE, ns)) {
        with |= WITH_SERVICES;
    }
    if (has_kind_in(w, KUBE_SECRET, ns)) {
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

void
world_judge(struct world *w, world_each_fn *each, void *aux)
{
    VEC(struct candidate) candidates = { 0 };
    struct claims *claims = claims_new(w->ruleset);

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

        judge(model, claims, cache_for(w, o->namespace), findings);
        claims_set(claims, model);
        each(o, findings, aux);
        model_unref(model);
    }
    VEC_FINI(&candidates);
    claims_free(claims);
}
