#include "reconciler/use.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ingress/askurl.h"
#include "lib/ingress/copyto.h"

static void
finish(struct use *use)
{
    use->backend.namespace = use->namespace;
    use->backend.service = use->service;
    use->backend.host = use->host;
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

/* Over http nobody proves to be who DNS says: an administrator's to allow. */
static bool
may_ask_host(const struct askurl *url, const struct ruleset *rules)
{
    return (url->to == ASKURL_NAME && url->is_https) ||
           ((url->to == ASKURL_NAME || url->to == ASKURL_ADDRESS) &&
            rules->allow_external_names);
}

bool
use_ask(const struct model *model, const struct policy *policy,
        struct use *out)
{
    const struct settings_ask *ask = model->settings->ask;
    struct askurl url = { .port = 0 };
    AUTO_FREE char *why = NULL;
    bool is_asked = false;

    *out = (struct use) { .namespace = NULL };
    if (!(policy_flags(policy) & POLICY_F_ASK)) {
        return false;
    }
    why = askurl_read(ask->url, &url);
    if (!why && url.to == ASKURL_SERVICE) {
        out->namespace = STEAL_PTR(url.namespace);
        out->service = STEAL_PTR(url.service);
        out->backend.protocol = url.is_https ? PLAN_TLS : PLAN_HTTP1;
        is_asked = true;
    } else if (!why && may_ask_host(&url, model->ruleset)) {
        out->host = STEAL_PTR(url.host);
        out->backend.protocol = url.is_https ? PLAN_TLS_PUBLIC : PLAN_HTTP1;
        is_asked = true;
    }
    out->backend.port.number = url.port;
    finish(out);
    askurl_fini(&url);
    return is_asked;
}

void
use_fini(struct use *use)
{
    free(use->namespace);
    free(use->service);
    free(use->host);
    *use = (struct use) { .namespace = NULL };
}
