#include "lib/ingress/quota.h"

#include <inttypes.h>

#include "lib/base/mem.h"
#include "lib/ingress/model.h"
#include "lib/ingress/ruleset.h"

static const char *const names[QUOTA_N] = {
    [QUOTA_ROUTES] = "routes",
    [QUOTA_REGEXES] = "regexes",
    [QUOTA_CERTIFICATES] = "certificates",
    [QUOTA_BACKENDS] = "backends",
};

static uint64_t
cap(const struct ruleset *r, enum quota_kind kind)
{
    return r->max_per_namespace[kind];
}

struct quota
quota_of(const struct model *m)
{
    struct quota q = { { 0 } };

    q.use[QUOTA_ROUTES] = m->n_routes;
    for (size_t i = 0; i < m->n_routes; i++) {
        q.use[QUOTA_REGEXES] += m->routes[i].kind == ROUTE_REGEX;
        q.use[QUOTA_BACKENDS] += m->routes[i].backend.service != NULL;
    }
    q.use[QUOTA_BACKENDS] +=
        m->settings->ask && !m->settings->ask->is_global;
    for (size_t i = 0; i < m->n_tls; i++) {
        q.use[QUOTA_CERTIFICATES] += m->tls[i].secret != NULL;
    }
    return q;
}

void
quota_add(struct quota *to, const struct quota *q)
{
    for (size_t i = 0; i < QUOTA_N; i++) {
        to->use[i] += q->use[i];
    }
}

void
quota_subtract(struct quota *to, const struct quota *q)
{
    for (size_t i = 0; i < QUOTA_N; i++) {
        to->use[i] -= q->use[i];
    }
}

enum quota_kind
quota_exceeded(const struct quota *use, const struct ruleset *r)
{
    int kind = 0;

    while (kind < QUOTA_N &&
           (cap(r, (enum quota_kind) kind) == 0 ||
            use->use[kind] <= cap(r, (enum quota_kind) kind))) {
        kind++;
    }
    return (enum quota_kind) kind;
}

char *
quota_text(enum quota_kind kind, const struct ruleset *r)
{
    return xasprintf("more than %" PRIu64 " %s (--namespace-max-%s)",
                     cap(r, kind), names[kind], names[kind]);
}
