#include "reconciler/use.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ingress/copyto.h"

static void
finish(struct use *use)
{
    use->backend.namespace = use->namespace;
    use->backend.service = use->service;
    use->backend.kind = PLAN_POLICY;
}

bool
use_fallback(const struct model *model, const struct policy *policy,
             const char *ours, struct use *out)
{
    const char *own = model->settings->default_service;
    const char *slash = ours ? strchr(ours, '/') : NULL;

    *out = (struct use) { .namespace = NULL };
    if (!(policy_flags(policy) & POLICY_F_FALLBACK) || (!own && !slash)) {
        return false;
    }
    out->namespace = own ? xstrdup(model->object->namespace)
                         : xstrndup(ours, (size_t) (slash - ours));
    out->service = xstrdup(own ? own : slash + 1);
    finish(out);
    return true;
}

bool
use_copy(const struct model *model, const struct policy *policy,
         struct use *out)
{
    struct copyto to = { .port = 0 };
    bool is_asked = (policy_flags(policy) & POLICY_F_COPY) &&
                    copyto_read(model->settings->copy_to, &to);

    *out = (struct use) { .namespace = NULL };
    if (is_asked) {
        out->namespace = STEAL_PTR(to.namespace);
        out->service = STEAL_PTR(to.service);
        out->backend.port.number = to.port;
        out->backend.protocol = to.is_https ? PLAN_TLS : PLAN_HTTP1;
        finish(out);
    }
    copyto_fini(&to);
    return is_asked;
}

void
use_fini(struct use *use)
{
    free(use->namespace);
    free(use->service);
    *use = (struct use) { .namespace = NULL };
}
