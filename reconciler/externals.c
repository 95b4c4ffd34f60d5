#include "reconciler/externals.h"

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/judge.h"

struct reporting {
    const struct cache *cache;
    const struct backends *backends;
    const struct model *model;
    struct findings *out;
};

static void
report_backend(const struct kube_backend *backend, const char *field,
               void *aux)
{
    const struct reporting *r = aux;
    AUTO_FREE char *key = str_concat(r->model->ns, "/", backend->service);
    AUTO_FREE char *at = str_concat(field, ".service.name");
    const struct kube_object *service =
        cache_get(r->cache, KUBE_SERVICE, key);

    if (service && service->service.type == KUBE_SERVICE_EXTERNAL_NAME &&
        service->service.external_name &&
        backends_is_unknown(r->backends, service->service.external_name)) {
        findings_add(r->out, FINDING_WARNING, FINDING_INVALID,
                     r->model->name, at, "no address of \"%s\", the "
                     "externalName of Service \"%s\", is known: requests "
                     "get 503 until DNS has one",
                     service->service.external_name, key);
    }
}

void
externals_report(const struct cache *cache, const struct backends *backends,
                 const struct model *model, struct findings *out)
{
    struct reporting r = { cache, backends, model, out };

    if (model->ruleset->allow_external_names) {
        judge_each_backend(model, report_backend, &r);
    }
}
