#include "webhook/snapshot.h"

#include "lib/ingress/class.h"

const struct kube_object *
snapshot_class(const char *name, void *aux)
{
    return cache_get(aux, KUBE_INGRESS_CLASS, name);
}

bool
snapshot_is_ours(const struct snapshot *s, const struct kube_object *ingress)
{
    /* style: the cast gives class_get_fn's aux; snapshot_class only reads. */
    void *aux = (void *) (uintptr_t) s->cache;

    return ruleset_has_namespace(s->ruleset, ingress->namespace) &&
           class_is_ours(ingress, s->ruleset, snapshot_class, aux);
}
