#include "reconciler/quotas.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/ingress/claims_age.h"
#include "lib/ingress/quota.h"

/* Keys of Ingresses are those in their models: there are very many. */
struct space {
    struct map *models;         /* struct model, held */
    struct map *out;            /* Those of them that are left out. */
    struct quota use;           /* Of all models. */
};

struct quotas {
    const struct ruleset *ruleset;
    struct map *spaces;         /* Namespace -> struct space */
    struct map *dirty;          /* Namespaces. */
};

struct quotas *
quotas_new(const struct ruleset *ruleset)
{
    struct quotas *q = xcalloc(1, sizeof *q);

    q->ruleset = ruleset;
    q->spaces = map_new();
    q->dirty = map_new();
    return q;
}

static void
unref(void *model)
{
    model_unref(model);
}

static void
free_space(void *p)
{
    struct space *space = p;

    map_free(space->out, NULL);
    map_free(space->models, unref);
    free(space);
}

void
quotas_free(struct quotas *q)
{
    if (q) {
        map_free(q->spaces, free_space);
        map_free(q->dirty, NULL);
        free(q);
    }
}

static const char *
key_of(const void *model)
{
    return ((const struct model *) model)->key;
}

static char *
namespace_of(const char *key)
{
    return xstrndup(key, strcspn(key, "/"));
}

static struct space *
space_of(struct quotas *q, const char *ns)
{
    struct space *space = map_get(q->spaces, ns);

    if (!space) {
        space = xcalloc(1, sizeof *space);
        space->models = map_new_keyed(key_of);
        space->out = map_new_keyed(key_of);
        map_put(q->spaces, ns, space);
    }
    return space;
}

static void
add_model(struct space *space, struct model *model)
{
    struct quota use = quota_of(model);

    quota_add(&space->use, &use);
    map_put(space->models, model->key, model_ref(model));
}

static void
drop_model(struct space *space, const char *key)
{
    struct model *model = map_remove(space->models, key);

    if (model) {
        struct quota use = quota_of(model);

        quota_subtract(&space->use, &use);
        map_remove(space->out, key);
        model_unref(model);
    }
}

void
quotas_set(struct quotas *q, const char *key, struct model *model)
{
    static char mark;
    AUTO_FREE char *ns = namespace_of(key);
    struct space *space = space_of(q, ns);
    bool had_out = map_size(space->out) > 0;

    drop_model(space, key);
    if (model) {
        add_model(space, model);
    }
    if (map_size(space->models) == 0) {
        map_remove(q->spaces, ns);
        map_remove(q->dirty, ns);
        free_space(space);
    } else if (had_out ||
               quota_exceeded(&space->use, q->ruleset) != QUOTA_N) {
        map_put(q->dirty, ns, &mark);
    }
}

static int
compare_models(const void *a, const void *b)
{
    const struct model *const *x = a, *const *y = b;

    return claims_compare_age(*x, *y);
}

static void
settle_space(const struct quotas *q, struct space *space, quotas_fn *each,
             void *aux)
{
    AUTO_FREE struct model **all =
        xcalloc(map_size(space->models), sizeof *all);
    struct quota taken = { { 0 } };
    struct map_iter it = MAP_ITER;
    size_t n = 0;

    while (map_next(space->models, &it)) {
        all[n++] = it.value;
    }
    qsort(all, n, sizeof *all, compare_models);
    for (size_t i = 0; i < n; i++) {
        const char *key = all[i]->key;
        struct quota with = taken;
        struct quota use = quota_of(all[i]);
        bool was_out = map_remove(space->out, key) != NULL;
        bool is_out;

        quota_add(&with, &use);
        is_out = quota_exceeded(&with, q->ruleset) != QUOTA_N;
        if (is_out) {
            map_put(space->out, key, all[i]);
        } else {
            taken = with;
        }
        if (is_out || was_out) {
            each(all[i], is_out, aux);
        }
    }
}

void
quotas_settle(struct quotas *q, quotas_fn *each, void *aux)
{
    struct map_iter it = MAP_ITER;

    if (map_size(q->dirty) == 0) {
        return;
    }
    while (map_next(q->dirty, &it)) {
        struct space *space = map_get(q->spaces, it.key);

        if (space) {
            settle_space(q, space, each, aux);
        }
    }
    map_free(q->dirty, NULL);
    q->dirty = map_new();
}

static const struct space *
space_at(const struct quotas *q, const char *key)
{
    AUTO_FREE char *ns = namespace_of(key);

    return map_get(q->spaces, ns);
}

const struct model *
quotas_out(const struct quotas *q, const char *key)
{
    const struct space *space = space_at(q, key);

    return space && map_size(space->out) > 0 ? map_get(space->out, key)
                                             : NULL;
}

void
quotas_each(const struct quotas *q, const char *ns,
            void (*each)(struct model *, void *aux), void *aux)
{
    const struct space *space = map_get(q->spaces, ns);
    struct map_iter it = MAP_ITER;

    while (space && map_next(space->models, &it)) {
        each(it.value, aux);
    }
}

void
quotas_report(const struct quotas *q, const char *key, struct findings *out)
{
    const struct model *model = quotas_out(q, key);

    if (model) {
        AUTO_FREE char *text = quota_text(
            quota_exceeded(&space_at(q, key)->use, q->ruleset), q->ruleset);

        findings_add(out, FINDING_ERROR, FINDING_INVALID, model->name,
                     "spec", "it is not served: namespace \"%s\" has %s, "
                     "and older Ingresses come first",
                     model->object->namespace, text);
    }
}
