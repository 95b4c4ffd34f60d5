/* Who is served: the rule at run time, a pure function of the index. */
#include "lib/ingress/claims_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"

static const char *
namespace_of(const struct model *m)
{
    return m->object->namespace;
}

static const struct model *
oldest(const struct claims_entry *e)
{
    return e->n_owners > 0 ? e->owners[0].model : NULL;
}

/* --- A wildcard and the hosts it covers --- */

const struct model *
claims_oldest_child(const struct claims_entry *wildcard, const char *ns,
                    const struct claims_entry **child)
{
    const struct model *found = NULL;

    for (uint32_t i = 0; i < wildcard->n_children; i++) {
        const struct claims_entry *e = wildcard->children[i];
        const struct model *m = oldest(e);
        int order;

        if (!m || str_eq(namespace_of(m), ns)) {
            continue;
        }
        order = found ? claims_compare_age(m, found) : -1;
        if (order < 0 || (order == 0 && strcmp(e->name, (*child)->name) < 0)) {
            found = m;
            *child = e;
        }
    }
    return found;
}

/* The Ingress that would have the wildcard had all come in order of age: the
 * first that is older than every host of another namespace below it.  Once a
 * wildcard is had, nobody else gets a host below it; so only hosts older
 * than the wildcard matter, and each of those is had by its oldest. */
static const struct model *
choose_holder(const struct claims_entry *wildcard)
{
    const struct claims_entry *child;
    const struct model *first, *second = NULL;

    if (wildcard->n_owners == 0) {
        return NULL;
    }
    first = claims_oldest_child(wildcard, NULL, &child);
    if (first) {
        second = claims_oldest_child(wildcard, namespace_of(first), &child);
    }
    for (uint32_t i = 0; i < wildcard->n_owners; i++) {
        const struct model *m = wildcard->owners[i].model;
        const struct model *bound =
            first && claims_is_same_namespace(m, first) ? second : first;

        if (!bound || claims_is_older(m, bound)) {
            return m;
        }
    }
    return NULL;
}

static void
mark_family(struct claims *c, const struct claims_entry *wildcard)
{
    if (wildcard->n_owners > 0) {
        map_put(c->dirty, wildcard->name, c);
    }
    for (uint32_t i = 0; i < wildcard->n_children; i++) {
        map_put(c->dirty, wildcard->children[i]->name, c);
    }
}

/* True where 'child' leaves the wildcard to 'holder'. */
static bool
is_harmless(const struct claims_entry *child, const struct model *holder)
{
    const struct model *m = oldest(child);

    return !m || claims_is_same_namespace(m, holder) ||
           claims_is_older(holder, m);
}

void
claims_settle(struct claims *c, struct claims_entry *wildcard,
              const struct claims_entry *child)
{
    const struct model *before = wildcard->holder;

    if (!c->is_enforced || !host_is_wildcard(wildcard->name)) {
        return;
    }
    if (child && before && before == oldest(wildcard) &&
        is_harmless(child, before)) {
        return;     /* The ordinary case costs no walk over the hosts. */
    }
    wildcard->holder = choose_holder(wildcard);
    if (!before != !wildcard->holder ||
        (before && !claims_is_same_namespace(before, wildcard->holder))) {
        mark_family(c, wildcard);
    }
}

/* --- One host --- */

static bool
is_allowed(const struct claims_fate *f, const struct model *m)
{
    if (f->is_open) {
        return true;
    }
    if (!f->holder || !claims_is_same_namespace(m, f->holder)) {
        return false;
    }
    return f->claims->ruleset->host_policy != HOST_POLICY_INGRESS ||
           !f->first || m == f->first;
}

void
claims_fate_init(struct claims_fate *f, const struct claims *c,
                 const struct claims_entry *e)
{
    *f = (struct claims_fate) {
        .claims = c,
        .entry = e,
        .is_open = !c->is_enforced || e->name[0] == '\0',
    };
    if (host_is_wildcard(e->name)) {
        f->holder = e->holder;
    } else {
        f->holder = e->parent && e->parent->holder ? e->parent->holder
                                                   : oldest(e);
    }
    for (uint32_t i = 0; i < e->n_owners && !f->router; i++) {
        const struct claims_owner *o = &e->owners[i];

        if (!is_allowed(f, o->model)) {
            continue;
        }
        if (!f->first) {
            f->first = o->model;
        }
        if (o->n_routes > 0 && !o->model->is_canary) {
            f->router = o->model;
            f->is_passthrough = o->is_passthrough;
        }
    }
}

/* To whom one loses that the policy does not allow here. */
static const struct model *
host_winner(const struct claims_fate *f, const struct model *m)
{
    const struct claims_entry *child;

    if (f->first) {
        return f->first;
    }
    return f->holder ? f->holder
                     : claims_oldest_child(f->entry, namespace_of(m),
                                           &child);
}

/* The oldest allowed claim of 'key' that is no canary's. */
static const struct claims_ref *
key_holder(const struct claims_fate *f, const char *key)
{
    const struct claims_entry *e = f->entry;

    for (uint32_t i = claims_find(e, key); claims_ref_has(e, i, key); i++) {
        const struct claims_ref *r = &e->refs[i];

        if (is_allowed(f, r->model) && (r->is_tls || !r->model->is_canary)) {
            return r;
        }
    }
    return NULL;
}

enum claims_loss
claims_resolve_route(const struct claims_fate *f, const struct model *m,
                     const struct route *route, const struct model **winner)
{
    const struct claims_ref *holder;

    *winner = NULL;
    if (!is_allowed(f, m)) {
        *winner = host_winner(f, m);
        return CLAIMS_LOST_HOST;
    }
    if (f->router && f->router != m && !m->is_canary &&
        f->is_passthrough != (route->kind == ROUTE_PASSTHROUGH)) {
        *winner = f->router;
        return CLAIMS_LOST_WHOLE;
    }
    if (route->kind == ROUTE_HOST && !m->is_canary) {
        return CLAIMS_HELD;
    }
    holder = key_holder(f, route->key);
    if (m->is_canary) {
        *winner = holder ? holder->model : NULL;
        return CLAIMS_LOST_CANARY;
    }
    if (holder->model == m ||
        claims_is_twin(m, route, holder->model, claims_ref_route(holder))) {
        return CLAIMS_HELD;
    }
    *winner = holder->model;
    return CLAIMS_LOST_KEY;
}

enum claims_loss
claims_resolve_tls(const struct claims_fate *f, const struct model *m,
                   const struct model_tls *tls, const struct model **winner)
{
    const struct claims_ref *holder;

    *winner = NULL;
    if (!is_allowed(f, m)) {
        *winner = host_winner(f, m);
        return CLAIMS_LOST_HOST;
    }
    holder = key_holder(f, "");
    if (holder->model == m ||
        str_eq(tls->secret, claims_ref_tls(holder)->secret)) {
        return CLAIMS_HELD;
    }
    *winner = holder->model;
    return CLAIMS_LOST_TLS;
}

/* --- All claims of a host --- */

static size_t
put_claims(const struct claims_fate *f, const struct model *m,
           struct claim *out)
{
    const char *host = f->entry->name;
    size_t n = 0;

    for (size_t i = 0; i < m->n_routes; i++) {
        if (strcmp(m->routes[i].host, host) == 0) {
            struct claim *c = &out[n++];

            c->model = m;
            c->route = &m->routes[i];
            c->holds = claims_resolve_route(f, m, c->route, &c->winner) ==
                       CLAIMS_HELD;
        }
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        if (strcmp(m->tls[i].host, host) == 0 && host[0] != '\0') {
            struct claim *c = &out[n++];

            c->model = m;
            c->tls = &m->tls[i];
            c->holds = claims_resolve_tls(f, m, c->tls, &c->winner) ==
                       CLAIMS_HELD;
        }
    }
    return n;
}

struct claim *
claims_host(const struct claims *c, const char *host, size_t *n)
{
    const struct claims_entry *e = claims_entry(c, host);
    struct claims_fate fate;
    struct claim *claims;
    size_t n_all = 0;

    *n = 0;
    if (!e || e->n_owners == 0) {
        return NULL;
    }
    for (uint32_t i = 0; i < e->n_owners; i++) {
        n_all += e->owners[i].n_claims;
    }
    claims = xcalloc(n_all, sizeof *claims);
    claims_fate_init(&fate, c, e);
    for (uint32_t i = 0; i < e->n_owners; i++) {
        *n += put_claims(&fate, e->owners[i].model, claims + *n);
    }
    return claims;
}
