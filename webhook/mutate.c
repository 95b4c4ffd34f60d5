#include "webhook/mutate.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/class.h"
#include "webhook/nsdefaults.h"
#include "webhook/jsonpatch.h"

static const char *const legacy_path[] = {
    "metadata", "annotations", CLASS_LEGACY_ANNOTATION, NULL
};
static const char *const annotations_path[] = { "metadata", "annotations",
                                                NULL };
static const char *const spec_path[] = { "spec", NULL };
static const char *const class_path[] = { "spec", "ingressClassName", NULL };

/* --- Class --- */

static void
move_class(const struct review *review, const struct snapshot *snapshot,
           struct jsonpatch *patch)
{
    const struct kube_object *object = review->object;
    const struct kube_object *class;
    const char *name;

    if (!str_is_empty(object->ingress.class_name)) {
        return;
    }
    name = kube_pair(&object->annotations, CLASS_LEGACY_ANNOTATION);
    if (str_is_empty(name)) {
        return;
    }
    class = cache_get(snapshot->cache, KUBE_INGRESS_CLASS, name);
    if (!class || !str_eq(class->ingress_class.controller,
                          snapshot->ruleset->controller_class)) {
        return;
    }
    if (!review->has_spec) {
        jsonpatch_add_object(patch, spec_path);
    }
    jsonpatch_add(patch, class_path, name);
    jsonpatch_remove(patch, legacy_path);
}

/* --- Hosts --- */

/* NULL where it is right as it is.  "." and "a.." are no hosts either way;
 * they are left to be refused. */
static char *
plain_host(const char *host)
{
    AUTO_FREE char *plain = str_lower(host ? host : "");
    size_t length = strlen(plain);

    if (length > 1 && plain[length - 1] == '.' && plain[length - 2] != '.') {
        plain[length - 1] = '\0';
    }
    return str_eq(plain, host ? host : "") ? NULL : STEAL_PTR(plain);
}

static void
replace_host(struct jsonpatch *patch, const char *const *tokens,
             const char *host)
{
    AUTO_FREE char *plain = plain_host(host);

    if (plain) {
        jsonpatch_replace(patch, tokens, plain);
    }
}

static void
replace_hosts(const struct kube_ingress *spec, struct jsonpatch *patch)
{
    for (size_t i = 0; i < spec->n_rules; i++) {
        AUTO_FREE char *index = xasprintf("%zu", i);
        const char *const tokens[] = { "spec", "rules", index, "host", NULL };

        replace_host(patch, tokens, spec->rules[i].host);
    }
    for (size_t i = 0; i < spec->n_tls; i++) {
        AUTO_FREE char *index = xasprintf("%zu", i);

        for (size_t j = 0; j < spec->tls[i].n_hosts; j++) {
            AUTO_FREE char *inner = xasprintf("%zu", j);
            const char *const tokens[] = { "spec", "tls", index,
                                           "hosts", inner, NULL };

            replace_host(patch, tokens, spec->tls[i].hosts[j]);
        }
    }
}

/* --- Defaults --- */

static void
add_defaults(const struct review *review, const struct snapshot *snapshot,
             struct jsonpatch *patch, struct findings *out)
{
    const struct kube_object *object = review->object;
    const struct kube_object *ns =
        cache_get(snapshot->cache, KUBE_NAMESPACE, object->namespace);
    AUTO(nsdefaults_fini) struct nsdefaults defaults = { .n = 0 };
    bool has_annotations = review->has_annotations;

    if (!ns || review->operation != REVIEW_CREATE) {
        return;
    }
    nsdefaults_read(ns, &defaults, out);
    for (size_t i = 0; i < defaults.n; i++) {
        const char *const tokens[] = { "metadata", "annotations",
                                       defaults.names[i], NULL };

        if (kube_pair(&object->annotations, defaults.names[i])) {
            continue;
        }
        if (!has_annotations) {
            jsonpatch_add_object(patch, annotations_path);
            has_annotations = true;
        }
        jsonpatch_add(patch, tokens, defaults.values[i]);
    }
}

char *
mutate(const struct review *review, const struct snapshot *snapshot,
       const struct mutate_options *options, struct findings *out)
{
    AUTO_JSONPATCH struct jsonpatch patch = JSONPATCH_INIT;

    if (!review->object || review->is_deleting ||
        !snapshot_is_ours(snapshot, review->object)) {
        return NULL;
    }
    move_class(review, snapshot, &patch);
    if (options->hosts) {
        replace_hosts(&review->object->ingress, &patch);
    }
    if (options->namespace_defaults) {
        add_defaults(review, snapshot, &patch, out);
    }
    return jsonpatch_take(&patch);
}
