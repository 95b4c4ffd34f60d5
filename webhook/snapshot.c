#include "webhook/snapshot.h"

const struct kube_object *
snapshot_class(const char *name, void *aux)
{
    return cache_get(aux, KUBE_INGRESS_CLASS, name);
}

bool
snapshot_grants(const struct snapshot *s, const char *ns,
                const struct class_wish *wish)
{
    /* style: the cast gives class_get_fn's aux; snapshot_class only reads. */
    void *aux = (void *) (uintptr_t) s->cache;

    return ruleset_has_namespace(s->ruleset, ns) &&
           class_is_granted(wish, s->ruleset, snapshot_class, aux);
}

bool
snapshot_is_ours(const struct snapshot *s, const struct kube_object *ingress)
{
    const struct class_wish wish = class_wish(ingress);

    return snapshot_grants(s, ingress->namespace, &wish);
}
