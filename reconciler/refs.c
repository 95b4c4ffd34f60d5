#include "reconciler/refs.h"

#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "reconciler/headers.h"
#include "reconciler/keyset.h"

struct refs {
    struct map *by_object;      /* "Kind ns/name" -> keyset of Ingresses. */
};

static void
free_keyset(void *set)
{
    keyset_free(set);
}

struct refs *
refs_new(void)
{
    struct refs *refs = xcalloc(1, sizeof *refs);

    refs->by_object = map_new();
    return refs;
}

void
refs_free(struct refs *refs)
{
    if (refs) {
        map_free(refs->by_object, free_keyset);
        free(refs);
    }
}

static void
add(struct refs *refs, const char *ingress_key, const char *object)
{
    struct keyset *ingresses = map_get(refs->by_object, object);

    if (!ingresses) {
        ingresses = keyset_new();
        map_put(refs->by_object, object, ingresses);
    }
    keyset_add(ingresses, ingress_key);
}

static void
drop(struct refs *refs, const char *ingress_key, const char *object)
{
    struct keyset *ingresses = map_get(refs->by_object, object);

    if (ingresses) {
        keyset_remove(ingresses, ingress_key);
        if (keyset_count(ingresses) == 0) {
            map_remove(refs->by_object, object);
            keyset_free(ingresses);
        }
    }
}

typedef void change_fn(struct refs *, const char *ingress_key,
                       const char *object);

static void
change_service(struct refs *refs, const struct model *model,
               const struct kube_backend *backend, change_fn *change)
{
    if (backend->service) {
        AUTO_FREE char *object =
            xasprintf("%s %s/%s", kube_kind_name(KUBE_SERVICE),
                      model->object->namespace, backend->service);

        change(refs, model->object->key, object);
    }
}

/* The ConfigMap of headers that an Ingress names. */
static void
change_headers(struct refs *refs, const struct model *model,
               change_fn *change)
{
    AUTO_FREE char *key = headers_key(model);

    if (key) {
        AUTO_FREE char *object =
            xasprintf("%s %s", kube_kind_name(KUBE_CONFIG_MAP), key);

        change(refs, model->object->key, object);
    }
}

/* What a model names is read from it again rather than kept: there are very
 * many. */
static void
change_all(struct refs *refs, const struct model *model, change_fn *change)
{
    for (size_t i = 0; i < model->n_routes; i++) {
        change_service(refs, model, &model->routes[i].backend, change);
    }
    change_service(refs, model, &model->default_backend, change);
    change_headers(refs, model, change);
    for (size_t i = 0; i < model->n_tls; i++) {
        if (model->tls[i].secret) {
            AUTO_FREE char *object =
                xasprintf("%s %s", kube_kind_name(KUBE_SECRET),
                          model->tls[i].secret);

            change(refs, model->object->key, object);
        }
    }
}

void
refs_change(struct refs *refs, const struct model *old,
            const struct model *new)
{
    if (old) {
        change_all(refs, old, drop);
    }
    if (new) {
        change_all(refs, new, add);
    }
}

void
refs_each(const struct refs *refs, enum kube_kind kind, const char *key,
          void (*each)(const char *ingress_key, void *aux), void *aux)
{
    AUTO_FREE char *object = xasprintf("%s %s", kube_kind_name(kind), key);
    const struct keyset *ingresses = map_get(refs->by_object, object);
    AUTO_FREE const char **keys = NULL;
    size_t n;

    if (!ingresses) {
        return;
    }
    keys = keyset_list(ingresses, &n);
    for (size_t i = 0; i < n; i++) {
        each(keys[i], aux);
    }
}
