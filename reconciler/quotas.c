#include "reconciler/quotas.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/ingress/claims_age.h"
#include "lib/ingress/quota.h"

struct entry {
    struct model *model;
    struct quota use;
    bool is_out;
};

struct space {
    struct map *entries;        /* Key of an Ingress -> struct entry */
    struct quota use;           /* Of all of them. */
    size_t n_out;
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
free_entry(void *p)
{
    struct entry *e = p;

    model_unref(e->model);
    free(e);
}

static void
free_space(void *p)
{
    struct space *space = p;

    map_free(space->entries, free_entry);
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
        space->entries = map_new();
        map_put(q->spaces, ns, space);
    }
    return space;
}

static void
add_entry(struct space *space, const char *key, struct model *model)
{
    struct entry *e = xcalloc(1, sizeof *e);

    e->model = model_ref(model);
    e->use = quota_of(model);
    quota_add(&space->use, &e->use);
    map_put(space->entries, key, e);
}

static void
drop_entry(struct space *space, const char *key)
{
    struct entry *e = map_remove(space->entries, key);

    if (e) {
        quota_subtract(&space->use, &e->use);
        space->n_out -= e->is_out;
        free_entry(e);
    }
}

void
quotas_set(struct quotas *q, const char *key, struct model *model)
{
    static char mark;
    AUTO_FREE char *ns = namespace_of(key);
    struct space *space = space_of(q, ns);
    bool had_out = space->n_out > 0;

    drop_entry(space, key);
    if (model) {
        add_entry(space, key, model);
    }
    if (map_size(space->entries) == 0) {
        map_remove(q->spaces, ns);
        map_remove(q->dirty, ns);
        free_space(space);
    } else if (had_out ||
               quota_exceeded(&space->use, q->ruleset) != QUOTA_N) {
        map_put(q->dirty, ns, &mark);
    }
}

static int
compare_entries(const void *a, const void *b)
{
    const struct entry *const *x = a, *const *y = b;

    return claims_compare_age((*x)->model, (*y)->model);
}

static void
settle_space(const struct quotas *q, struct space *space, quotas_fn *each,
             void *aux)
{
    AUTO_FREE struct entry **all =
        xcalloc(map_size(space->entries), sizeof *all);
    struct quota taken = { { 0 } };
    struct map_iter it = MAP_ITER;
    size_t n = 0;

    while (map_next(space->entries, &it)) {
        all[n++] = it.value;
    }
    qsort(all, n, sizeof *all, compare_entries);
    space->n_out = 0;
    for (size_t i = 0; i < n; i++) {
        struct quota with = taken;
        bool was_out = all[i]->is_out;

        quota_add(&with, &all[i]->use);
        all[i]->is_out = quota_exceeded(&with, q->ruleset) != QUOTA_N;
        space->n_out += all[i]->is_out;
        taken = all[i]->is_out ? taken : with;
        if (all[i]->is_out || was_out) {
            each(all[i]->model, all[i]->is_out, aux);
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
    const struct entry *e = space && space->n_out > 0
                                ? map_get(space->entries, key)
                                : NULL;

    return e && e->is_out ? e->model : NULL;
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
