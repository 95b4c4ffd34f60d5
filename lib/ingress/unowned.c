#include "lib/ingress/unowned.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/claims_priv.h"

struct list {
    const struct claims *claims;
    const struct model *model;
    struct map *hosts;          /* Host -> its place in 'items' + 1. */
    VEC(struct unowned) items;
};

/* Policy "path" owns hosts only as far as passthrough and paths exclude each
 * other there. */
static bool
wants_host(const struct list *l, const char *host, const struct route *route)
{
    if (host[0] == '\0' ||
        unowned_is_out(l->claims, l->model->ns, host)) {
        return false;
    }
    return l->claims->ruleset->host_policy != HOST_POLICY_PATH ||
           (route && !l->model->is_canary);
}

static struct unowned *
find_host(struct list *l, const char *host)
{
    const uintptr_t at = (uintptr_t) map_get(l->hosts, host);

    return at ? &l->items.items[at - 1] : NULL;
}

static void
add_host(struct list *l, const char *host, const struct route *route,
         const char *field)
{
    struct unowned *u = find_host(l, host);

    if (!wants_host(l, host, route) ||
        claims_first(claims_entry(l->claims, host), NULL)) {
        return;
    }
    if (!u) {
        u = VEC_ADD(&l->items);
        u->host = host;
        u->field = field;
        map_put(l->hosts, host, (void *) (uintptr_t) l->items.n);
    }
    if (route && !l->model->is_canary) {
        u->is_passthrough = route->kind == ROUTE_PASSTHROUGH;
        u->is_routed = true;
    }
}

static bool
is_key_owned(const struct claims_entry *e, const char *key)
{
    for (uint32_t i = e ? claims_find(e, key) : 0;
         e && claims_ref_has(e, i, key); i++) {
        if (!e->refs[i].model->is_canary &&
            e->refs[i].rank != CLAIMS_RANK_OUT) {
            return true;
        }
    }
    return false;
}

static void
add_key(struct list *l, const struct route *route)
{
    const struct claims_entry *e = claims_entry(l->claims, route->host);
    const bool is_with_host =
        l->claims->ruleset->host_policy == HOST_POLICY_INGRESS &&
        route->host[0] != '\0';

    if (route->kind != ROUTE_HOST && !l->model->is_canary && !is_with_host &&
        !unowned_is_out(l->claims, l->model->ns,
                        route->host) &&
        !is_key_owned(e, route->key)) {
        const struct unowned u = {
            .host = route->host,
            .route = route,
            .field = route->field,
        };

        VEC_PUSH(&l->items, u);
    }
}

struct unowned *
unowned_list(const struct claims *claims, const struct model *m, size_t *n)
{
    struct list l = { .claims = claims, .model = m };

    *n = 0;
    if (claims->ruleset->host_policy == HOST_POLICY_NONE) {
        return NULL;
    }
    l.hosts = map_new();
    for (size_t i = 0; i < m->n_routes; i++) {
        add_host(&l, m->routes[i].host, &m->routes[i], m->routes[i].field);
        add_key(&l, &m->routes[i]);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        add_host(&l, m->tls[i].host, NULL, m->tls[i].field);
    }
    map_free(l.hosts, NULL);
    *n = l.items.n;
    return l.items.items;
}

bool
unowned_is_claim_of(const struct model *m, const char *host, const char *key)
{
    for (size_t i = 0; i < m->n_routes; i++) {
        if (key ? !m->is_canary && str_eq(m->routes[i].key, key)
                : str_eq(m->routes[i].host, host)) {
            return true;
        }
    }
    for (size_t i = 0; !key && i < m->n_tls; i++) {
        if (str_eq(m->tls[i].host, host)) {
            return true;
        }
    }
    return false;
}

bool
unowned_is_backed(const struct claims *claims, const char *ns,
                  const char *host, const char *key)
{
    const struct claims_entry *e = claims_entry(claims, host);

    for (uint32_t i = 0; e && i < e->n_owners; i++) {
        const struct model *m = e->owners[i].model;

        if (str_eq(m->ns, ns) &&
            unowned_is_claim_of(m, host, key)) {
            return true;
        }
    }
    return false;
}

bool
unowned_is_out(const struct claims *claims, const char *ns, const char *host)
{
    const struct pin *pin;

    return claims_is_ns_out(claims, host, ns, &pin);
}
