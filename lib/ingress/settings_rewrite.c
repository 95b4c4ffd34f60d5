/* What a rewrite target says by itself. */
#include "lib/ingress/annot_priv.h"

#include <string.h>

#include "lib/base/str.h"

/* The highest $N of a rewrite target. */
int
settings_highest_reference(const char *target)
{
    int highest = 0;

    for (const char *p = strchr(target, '$'); p; p = strchr(p + 1, '$')) {
        int n = p[1] - '0';

        highest = n > highest ? n : highest;
    }
    return highest;
}

/* True where no path would change under 'target': then ingress-nginx makes
 * no expressions of them either. */
bool
settings_is_rewrite_idle(const struct kube_ingress *ingress, const char *target)
{
    for (size_t i = 0; i < ingress->n_rules; i++) {
        for (size_t j = 0; j < ingress->rules[i].n_paths; j++) {
            const char *path = ingress->rules[i].paths[j].path;

            if (strcmp(str_is_empty(path) ? "/" : path, target) != 0) {
                return false;
            }
        }
    }
    return true;
}
