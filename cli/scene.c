#include "cli/scene.h"

#include <stdlib.h>

#include "cli/source.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/cert.h"
#include "lib/ingress/class.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/pins.h"
#include "lib/kube/cache.h"

struct scene {
    struct ruleset rules;       /* The caller's, with our defaults. */
    const struct ruleset *ruleset;      /* Those. */
    struct defaults *defaults;
    struct cache *cache;
    struct map *namespaces;     /* With a Service. */
    struct claims *claims;
};

struct scene *
scene_new(const struct ruleset *ruleset)
{
    struct scene *s = xcalloc(1, sizeof *s);

    s->defaults = defaults_new();
    s->rules = *ruleset;
    s->rules.defaults = s->defaults;
    s->ruleset = &s->rules;
    s->cache = cache_new();
    s->namespaces = map_new();
    s->claims = claims_new(s->ruleset);
    return s;
}

void
scene_free(struct scene *s)
{
    if (s) {
        claims_free(s->claims);
        cache_free(s->cache);
        map_free(s->namespaces, NULL);
        defaults_free(s->defaults);
        free(s);
    }
}

void
scene_add(const struct kube_object *object, void *aux)
{
    struct scene *s = aux;

    if (object->kind == KUBE_SERVICE) {
        map_put(s->namespaces, object->namespace, s);
    }
    cache_put(s->cache, kube_ref(object));
}

static const struct kube_object *
get_class(const char *name, void *aux)
{
    const struct scene *s = aux;

    return cache_get(s->cache, KUBE_INGRESS_CLASS, name);
}

static struct err *
read_configmap(struct scene *s, bool is_cluster)
{
    AUTO_FINDINGS struct findings *complaints = findings_new();
    const struct kube_object *configmap;
    struct err *err = source_find_configmap(s->ruleset, s->cache, is_cluster,
                                            &configmap);

    if (configmap) {
        defaults_read(s->defaults, configmap, complaints);
        err_free(claims_set_host_owners(
            s->claims,
            kube_pair(&configmap->config_map.data, PINS_KEY)));
    }
    return err;
}

struct err *
scene_finish(struct scene *s, bool is_cluster)
{
    struct err *err = read_configmap(s, is_cluster);
    size_t n;
    AUTO_FREE const struct kube_object **namespaces =
        cache_list(s->cache, KUBE_NAMESPACE, &n);
    AUTO_FREE const struct kube_object **ingresses = NULL;

    for (size_t i = 0; i < n; i++) {
        claims_set_namespace(s->claims, namespaces[i]->name,
                             namespaces[i]->is_deleting);
    }
    ingresses = cache_list(s->cache, KUBE_INGRESS, &n);
    for (size_t i = 0; i < n; i++) {
        const struct kube_object *o = ingresses[i];

        if (ruleset_has_namespace(s->ruleset, o->namespace) &&
            class_is_ours(o, s->ruleset, get_class, s)) {
            struct model *model = model_new(o, s->ruleset);

            claims_set(s->claims, model);
            model_unref(model);
        }
    }
    return err;
}

/* serve_covers_fn.  A Secret that cannot be read covers nothing. */
static bool
secret_covers(const char *secret, const char *host, void *aux)
{
    const struct scene *s = aux;
    AUTO(cert_facts_fini) struct cert_facts facts;

    cert_read(cache_get(s->cache, KUBE_SECRET, secret), &facts, NULL);
    return cert_covers(&facts, host);
}

struct lookup_world
scene_world(struct scene *s)
{
    return (struct lookup_world) { .claims = s->claims,
                                   .covers = secret_covers,
                                   .aux = s };
}

const char *
scene_backend_problem(const struct scene *s, const char *ns,
                      const struct kube_backend *backend)
{
    AUTO_FREE char *key = xasprintf("%s/%s", ns, backend->service);
    const struct kube_object *o = cache_get(s->cache, KUBE_SERVICE, key);

    if (!map_get(s->namespaces, ns)) {
        return "";
    }
    if (!o) {
        return "the Service does not exist: 503";
    }
    for (size_t i = 0; i < o->service.n_ports; i++) {
        const struct kube_service_port *port = &o->service.ports[i];

        if (backend->port.name ? str_eq(backend->port.name, port->name)
                               : backend->port.number == port->port) {
            return "";
        }
    }
    return "the Service has no such port: 503";
}
