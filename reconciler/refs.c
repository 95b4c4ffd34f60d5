#include "reconciler/refs.h"

#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "reconciler/headers.h"
#include "reconciler/keyset.h"

struct refs {
    struct map *by_object;      /* "Kind ns/name" -> keyset of Ingresses. */
    struct map *by_ingress;     /* Ingress key -> keyset of objects. */
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
    refs->by_ingress = map_new();
    return refs;
}

void
refs_free(struct refs *refs)
{
    if (refs) {
        map_free(refs->by_object, free_keyset);
        map_free(refs->by_ingress, free_keyset);
        free(refs);
    }
}

static void
forget(struct refs *refs, const char *ingress_key)
{
    struct keyset *objects = map_remove(refs->by_ingress, ingress_key);
    AUTO_FREE const char **names = NULL;
    size_t n;

    if (!objects) {
        return;
    }
    names = keyset_list(objects, &n);
    for (size_t i = 0; i < n; i++) {
        struct keyset *ingresses = map_get(refs->by_object, names[i]);

        keyset_remove(ingresses, ingress_key);
        if (keyset_count(ingresses) == 0) {
            map_remove(refs->by_object, names[i]);
            keyset_free(ingresses);
        }
    }
    keyset_free(objects);
}

static void
note(struct refs *refs, const char *ingress_key, struct keyset *objects,
     const char *object)
{
    struct keyset *ingresses = map_get(refs->by_object, object);

    if (!keyset_add(objects, object)) {
        return;
    }
    if (!ingresses) {
        ingresses = keyset_new();
        map_put(refs->by_object, object, ingresses);
    }
    keyset_add(ingresses, ingress_key);
}

static void
note_service(struct refs *refs, const struct model *model,
             struct keyset *objects, const struct kube_backend *backend)
{
    if (backend->service) {
        AUTO_FREE char *object =
            xasprintf("%s %s/%s", kube_kind_name(KUBE_SERVICE),
                      model->object->namespace, backend->service);

        note(refs, model->object->key, objects, object);
    }
}

static void
note_headers(struct refs *refs, const struct model *model,
             struct keyset *objects)
{
    AUTO_FREE char *key = headers_key(model);

    if (key) {
        AUTO_FREE char *object =
            xasprintf("%s %s", kube_kind_name(KUBE_CONFIG_MAP), key);

        note(refs, model->object->key, objects, object);
    }
}

void
refs_set(struct refs *refs, const char *ingress_key,
         const struct model *model)
{
    struct keyset *objects;

    forget(refs, ingress_key);
    if (!model) {
        return;
    }
    objects = keyset_new();
    for (size_t i = 0; i < model->n_routes; i++) {
        note_service(refs, model, objects, &model->routes[i].backend);
    }
    note_service(refs, model, objects, &model->default_backend);
    note_headers(refs, model, objects);
    for (size_t i = 0; i < model->n_tls; i++) {
        if (model->tls[i].secret) {
            AUTO_FREE char *object =
                xasprintf("%s %s", kube_kind_name(KUBE_SECRET),
                          model->tls[i].secret);

            note(refs, ingress_key, objects, object);
        }
    }
    map_put(refs->by_ingress, ingress_key, objects);
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
