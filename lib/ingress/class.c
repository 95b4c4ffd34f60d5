#include "lib/ingress/class.h"

#include <stddef.h>

#include "lib/base/str.h"

static bool
is_our_class(const struct kube_object *class, const struct ruleset *ruleset)
{
    return class &&
           str_eq(class->ingress_class.controller,
                  ruleset->controller_class) &&
           str_eq(class->name, ruleset->ingress_class);
}

static bool
names_our_class(const char *name, const struct ruleset *ruleset,
                class_get_fn *get, void *aux)
{
    const struct kube_object *class = get(name, aux);

    return class ? is_our_class(class, ruleset)
                 : ruleset->class_by_name &&
                       str_eq(name, ruleset->ingress_class);
}

struct class_wish
class_wish(const struct kube_object *ingress)
{
    const char *legacy =
        kube_pair(&ingress->annotations, CLASS_LEGACY_ANNOTATION);
    struct class_wish wish = { .name = ingress->ingress.class_name };

    if (str_is_empty(wish.name)) {
        wish.is_legacy = !str_is_empty(legacy);
        wish.name = wish.is_legacy ? legacy : NULL;
    }
    return wish;
}

bool
class_is_granted(const struct class_wish *wish, const struct ruleset *ruleset,
                 class_get_fn *get, void *aux)
{
    const struct kube_object *class;

    if (wish->is_legacy) {
        return str_eq(wish->name, ruleset->ingress_class);
    }
    if (wish->name) {
        return names_our_class(wish->name, ruleset, get, aux);
    }
    if (ruleset->watch_without_class) {
        return true;
    }
    class = get(ruleset->ingress_class, aux);
    return is_our_class(class, ruleset) && class->ingress_class.is_default;
}

bool
class_is_ours(const struct kube_object *ingress, const struct ruleset *ruleset,
              class_get_fn *get, void *aux)
{
    const struct class_wish wish = class_wish(ingress);

    return class_is_granted(&wish, ruleset, get, aux);
}
