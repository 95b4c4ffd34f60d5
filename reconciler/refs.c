#include "reconciler/refs.h"

#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/ingress/askurl.h"
#include "lib/ingress/judge_beside.h"
#include "reconciler/headers.h"
#include "reconciler/keyset.h"

/* Host names stand among the objects. */
#define REFS_HOST "Host"

/* Keys of Ingresses are those in their models. */
struct refs {
    struct map *by_object;      /* "Kind ns/name" -> keyset of Ingresses. */
    struct map *followers;      /* Object -> keyset of Ingresses that name it
                                 * in an annotation. */
    bool has_moved;             /* Keys of 'followers' came or went. */
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
    refs->followers = map_new();
    return refs;
}

void
refs_free(struct refs *refs)
{
    if (refs) {
        map_free(refs->by_object, free_keyset);
        map_free(refs->followers, free_keyset);
        free(refs);
    }
}

static void
add(struct refs *refs, const char *ingress_key, const char *object)
{
    struct keyset *ingresses = map_get(refs->by_object, object);

    if (!ingresses) {
        ingresses = keyset_new_borrowed();
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

        change(refs, model->key, object);
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

        change(refs, model->key, object);
    }
}

/* The service that is asked, and the ConfigMap of headers for it. */
static void
change_asked(struct refs *refs, const struct model *model, change_fn *change)
{
    const struct settings_ask *ask = model->settings->ask;
    AUTO_FREE char *object = NULL;
    struct askurl url;
    char *why;

    if (!ask) {
        return;
    }
    why = askurl_read(ask->url, &url);
    if (!why && url.to == ASKURL_SERVICE) {
        object = xasprintf("%s %s/%s", kube_kind_name(KUBE_SERVICE),
                           url.namespace, url.service);
    } else if (!why && url.to == ASKURL_NAME) {
        object = xasprintf(REFS_HOST " %s", url.host);
    }
    if (object) {
        change(refs, model->key, object);
    }
    if (ask->set_headers) {
        AUTO_FREE char *map = xasprintf(
            "%s %s", kube_kind_name(KUBE_CONFIG_MAP), ask->set_headers);

        change(refs, model->key, map);
    }
    askurl_fini(&url);
    free(why);
}

struct changing {
    struct refs *refs;
    const struct model *model;
    change_fn *change;
};

static void
change_beside(const char *service_key, const char *annotation,
              const char *otherwise, void *aux)
{
    const struct changing *c = aux;
    AUTO_FREE char *object =
        xasprintf("%s %s", kube_kind_name(KUBE_SERVICE), service_key);

    (void) annotation;
    (void) otherwise;
    c->change(c->refs, c->model->key, object);
}

/* What a model names is read from it again rather than kept: there are very
 * many. */
static void
change_all(struct refs *refs, const struct model *model, change_fn *change)
{
    struct changing c = { refs, model, change };

    for (size_t i = 0; i < model->n_routes; i++) {
        change_service(refs, model, &model->routes[i].backend, change);
    }
    if (model->default_backend) {
        change_service(refs, model, model->default_backend, change);
    }
    judge_each_beside(model, change_beside, &c);
    change_headers(refs, model, change);
    change_asked(refs, model, change);
    for (size_t i = 0; i < model->n_tls; i++) {
        if (model->tls[i].secret) {
            AUTO_FREE char *object =
                xasprintf("%s %s", kube_kind_name(KUBE_SECRET),
                          model->tls[i].secret);

            change(refs, model->key, object);
        }
    }
    if (model->settings->auth_secret) {
        AUTO_FREE char *object =
            xasprintf("%s %s", kube_kind_name(KUBE_SECRET),
                      model->settings->auth_secret);

        change(refs, model->key, object);
    }
}

/* A Secret that 'model' names in an annotation. */
static void
change_followed(struct refs *refs, const struct model *model,
                const char *secret, bool is_new)
{
    AUTO_FREE char *object =
        xasprintf("%s %s", kube_kind_name(KUBE_SECRET), secret ? secret : "");
    struct keyset *set = map_get(refs->followers, object);

    if (!secret) {
        return;
    }
    (is_new ? add : drop)(refs, model->key, object);
    if (is_new && !set) {
        set = keyset_new_borrowed();
        map_put(refs->followers, object, set);
        refs->has_moved = true;
    }
    if (is_new) {
        keyset_add(set, model->key);
    } else if (set && keyset_remove(set, model->key) &&
               keyset_count(set) == 0) {
        map_remove(refs->followers, object);
        keyset_free(set);
        refs->has_moved = true;
    }
}

/* Those that verify clients and endpoints. */
static void
change_secrets(struct refs *refs, const struct model *model, bool is_new)
{
    change_followed(refs, model, model->settings->client_secret, is_new);
    change_followed(refs, model, model->settings->ssl_secret, is_new);
}

void
refs_change(struct refs *refs, const struct model *old,
            const struct model *new)
{
    if (old) {
        change_all(refs, old, drop);
        change_secrets(refs, old, false);
    }
    if (new) {
        change_all(refs, new, add);
        change_secrets(refs, new, true);
    }
}

bool
refs_take_followed(struct refs *refs, const char ***names, size_t *n)
{
    if (!refs->has_moved) {
        return false;
    }
    refs->has_moved = false;
    *names = map_sorted_keys(refs->followers);
    *n = map_size(refs->followers);
    return true;
}

static void
each_of(const struct refs *refs, const char *object,
        void (*each)(const char *ingress_key, void *aux), void *aux)
{
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

void
refs_each(const struct refs *refs, enum kube_kind kind, const char *key,
          void (*each)(const char *ingress_key, void *aux), void *aux)
{
    AUTO_FREE char *object = xasprintf("%s %s", kube_kind_name(kind), key);

    each_of(refs, object, each, aux);
}

void
refs_each_host(const struct refs *refs, const char *host,
               void (*each)(const char *ingress_key, void *aux), void *aux)
{
    AUTO_FREE char *object = xasprintf(REFS_HOST " %s", host);

    each_of(refs, object, each, aux);
}
