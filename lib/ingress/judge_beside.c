#include "lib/ingress/judge_beside.h"

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/copyto.h"

void
judge_each_beside(const struct model *m,
                  void (*each)(const char *service_key,
                               const char *annotation,
                               const char *otherwise, void *aux),
                  void *aux)
{
    const struct settings *s = m->settings;
    struct copyto to = { .port = 0 };

    if (s->redirect_url) {
        return;     /* Every request is redirected: no Service is asked. */
    }
    if (s->default_service) {
        AUTO_FREE char *key = str_concat(m->ns, "/", s->default_service);

        each(key, "default-backend", "nobody answers in place of errors and "
             "of endpoints that are missing", aux);
    }
    if (s->copy_to && copyto_read(s->copy_to, &to)) {
        AUTO_FREE char *key = str_concat(to.namespace, "/", to.service);

        each(key, "mirror-target", "no request is copied", aux);
    }
    copyto_fini(&to);
}

struct judging {
    const struct model *model;
    const struct cache *cache;
    struct findings *out;
};

static void
judge_one(const char *service_key, const char *annotation,
          const char *otherwise, void *aux)
{
    const struct judging *j = aux;
    AUTO_FREE char *own = str_concat(ANNOT_OWN_PREFIX, annotation);
    const char *given = kube_pair(&j->model->object->annotations, own);
    AUTO_FREE char *field = str_concat(
        "metadata.annotations[",
        str_is_empty(given) ? ANNOT_PREFIX : ANNOT_OWN_PREFIX, annotation,
        "]");

    if (!cache_get(j->cache, KUBE_SERVICE, service_key)) {
        findings_add(j->out, FINDING_WARNING, FINDING_INVALID, j->model->name,
                     field, "Service \"%s\" does not exist: %s until it does",
                     service_key, otherwise);
    }
}

void
judge_beside(const struct model *m, const struct cache *cache,
             struct findings *out)
{
    struct judging j = { .model = m, .cache = cache, .out = out };

    judge_each_beside(m, judge_one, &j);
}
