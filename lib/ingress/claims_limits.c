/* What stands above age: administrators, sharing and takeovers. */
#include "lib/ingress/claims_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* --- Namespaces --- */

const struct claims_ns *
claims_ns(const struct claims *c, const char *name)
{
    return map_get(c->namespaces, name);
}

struct claims_ns *
claims_ns_need(struct claims *c, const char *name)
{
    struct claims_ns *ns = map_get(c->namespaces, name);
    size_t size = strlen(name) + 1;

    if (!ns) {
        ns = xcalloc(1, sizeof *ns + size);
        memcpy(ns->name, name, size);
        map_put(c->namespaces, ns->name, ns);
    }
    return ns;
}

void
claims_ns_drop(struct claims *c, struct claims_ns *ns)
{
    if (ns->n_models == 0 && !ns->is_deleting && !ns->allowed_hosts) {
        map_remove(c->namespaces, ns->name);
        free(ns);
    }
}

bool
claims_is_deleting(const struct claims *c, const char *name)
{
    const struct claims_ns *ns = c->n_deleting ? claims_ns(c, name) : NULL;

    return ns && ns->is_deleting;
}

/* --- Administrators --- */

bool
claims_is_ns_out(const struct claims *c, const char *host, const char *name,
                 const struct pin **pin)
{
    const struct claims_ns *ns;

    *pin = pins_against(c->pins, host, name);
    if (*pin || !c->ruleset->namespace_allowed_hosts) {
        return *pin != NULL;
    }
    ns = claims_ns(c, name);
    return ns && ns->allowed_hosts && !pins_list_has(ns->allowed_hosts, host);
}

bool
claims_is_out(const struct claims *c, const char *host,
              const struct model *m, const struct pin **pin)
{
    return claims_is_ns_out(c, host, m->ns, pin);
}

static bool
has_claim_on(const struct model *m, const char *host)
{
    for (size_t i = 0; i < m->n_routes; i++) {
        if (strcmp(m->routes[i].host, host) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        if (strcmp(m->tls[i].host, host) == 0) {
            return true;
        }
    }
    return false;
}

enum claims_rank
claims_rank(const struct claims *c, const char *host, const struct model *m)
{
    const struct claims_takers *takers;
    const struct pin *pin;

    if (claims_is_out(c, host, m, &pin)) {
        return CLAIMS_RANK_OUT;
    }
    takers = map_get(c->takers, m->key);
    for (size_t i = 0; takers && i < takers->n; i++) {
        const struct model *now = takers->items[i];

        if (claims_takes_over(now, m) && has_claim_on(now, host) &&
            !claims_is_deleting(c, now->ns) &&
            !claims_is_out(c, host, now, &pin)) {
            return CLAIMS_RANK_TAKEN;
        }
    }
    return CLAIMS_RANK_FIRST;
}

/* --- Sharing --- */

static bool
lists(const struct model *m, const char *ns)
{
    const struct settings_texts *list = &m->settings->share_with;

    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i], "*") == 0 ||
            str_eq(list->items[i], ns)) {
            return true;
        }
    }
    return false;
}

bool
claims_is_shared(const struct claims *c, const struct claims_entry *e,
                 const struct model *first, const struct model *m,
                 const struct model *but)
{
    bool is_one = c->ruleset->host_policy == HOST_POLICY_INGRESS;

    /* What is shared is paths, never the host as a whole. */
    if (e->n_sharers == 0 || m->settings->ssl_passthrough) {
        return false;
    }
    for (uint32_t i = 0; i < e->n_owners; i++) {
        const struct model *owner = e->owners[i].model;

        if (e->owners[i].rank != CLAIMS_RANK_OUT && owner != but &&
            (is_one ? owner == first
                    : claims_is_same_namespace(owner, first)) &&
            lists(owner, m->ns)) {
            return true;
        }
    }
    return false;
}

/* --- Takeovers --- */

bool
claims_takes_over(const struct model *now, const struct model *old)
{
    return now->settings->takeover_from && !now->is_canary &&
           strcmp(now->settings->takeover_from, old->key) == 0 &&
           !claims_is_same_ingress(now, old) &&
           (claims_is_same_namespace(now, old) ||
            str_eq(old->settings->release_to, now->key));
}

struct model *
claims_taken(const struct claims *c, const struct model *m)
{
    const char *from = m->settings->takeover_from;
    struct model *old = from ? claims_get(c, from) : NULL;

    return old && claims_takes_over(m, old) ? old : NULL;
}

void
claims_each_taker(const struct claims *c, const char *ingress_key,
                  void (*each)(const char *key, void *aux), void *aux)
{
    const struct claims_takers *takers = map_get(c->takers, ingress_key);

    for (size_t i = 0; takers && i < takers->n; i++) {
        each(takers->items[i]->key, aux);
    }
}

void
claims_takers_add(struct claims *c, struct model *m)
{
    const char *from = m->settings->takeover_from;
    struct claims_takers *takers;

    if (!from) {
        return;
    }
    takers = map_get(c->takers, from);
    if (!takers) {
        takers = xcalloc(1, sizeof *takers);
        map_put(c->takers, from, takers);
    }
    takers->items =
        xrealloc(takers->items, takers->n + 1, sizeof *takers->items);
    takers->items[takers->n++] = m;
}

void
claims_takers_remove(struct claims *c, const struct model *m)
{
    const char *from = m->settings->takeover_from;
    struct claims_takers *takers = from ? map_get(c->takers, from) : NULL;

    for (size_t i = 0; takers && i < takers->n; i++) {
        if (takers->items[i] == m) {
            takers->items[i] = takers->items[--takers->n];
            break;
        }
    }
    if (takers && takers->n == 0) {
        map_remove(c->takers, from);
        claims_takers_free(takers);
    }
}

void
claims_takers_free(void *value)
{
    struct claims_takers *takers = value;

    free(takers->items);
    free(takers);
}
