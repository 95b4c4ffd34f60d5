#include "webhook/mutate.h"

#include "lib/base/str.h"
#include "lib/ingress/class.h"
#include "webhook/jsonpatch.h"

static const char *const annotation_path[] = {
    "metadata", "annotations", CLASS_LEGACY_ANNOTATION, NULL
};
static const char *const spec_path[] = { "spec", NULL };
static const char *const class_path[] = { "spec", "ingressClassName", NULL };

char *
mutate(const struct review *review, const struct snapshot *snapshot)
{
    AUTO_JSONPATCH struct jsonpatch patch = JSONPATCH_INIT;
    const struct kube_object *object = review->object;
    const struct kube_object *class;
    const char *name;

    if (!object || review->is_deleting ||
        !str_is_empty(object->ingress.class_name)) {
        return NULL;
    }
    name = kube_pair(&object->annotations, CLASS_LEGACY_ANNOTATION);
    if (str_is_empty(name) || !snapshot_is_ours(snapshot, object)) {
        return NULL;
    }
    class = cache_get(snapshot->cache, KUBE_INGRESS_CLASS, name);
    if (!class || !str_eq(class->ingress_class.controller,
                          snapshot->ruleset->controller_class)) {
        return NULL;
    }
    if (!review->has_spec) {
        jsonpatch_add_object(&patch, spec_path);
    }
    jsonpatch_add(&patch, class_path, name);
    jsonpatch_remove(&patch, annotation_path);
    return jsonpatch_take(&patch);
}
