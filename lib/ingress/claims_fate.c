/* Who is served: the rule at run time, a pure function of the index. */
#include "lib/ingress/claims_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"

static const char *
namespace_of(const struct model *m)
{
    return m->ns;
}

/* --- A wildcard and the hosts it covers --- */

/* < 0 where the owner of 'a' is older than that of 'b'. */
static int
compare_children(const struct claims_child *a, const struct claims_child *b)
{
    int order;

    if (a->created != b->created) {
        return a->created < b->created ? -1 : 1;
    }
    order = strcmp(b->key, a->key);
    return order ? order : strcmp(a->entry->name, b->entry->name);
}

/* 'child' as it would be without 'but'; false where nobody owns it then. */
static bool
without(const struct claims *c, const struct claims_child *child,
        const struct model *but, struct claims_child *out)
{
    const struct model *owner;

    *out = *child;
    if (!but || !child->ns || claims_first(child->entry, NULL) != but) {
        return child->ns != NULL;
    }
    owner = claims_first(child->entry, but);
    if (owner) {
        out->ns = claims_ns(c, owner->ns);
        out->key = owner->key;
        out->created = owner->created ? owner->created
                                              : INT64_MAX;
    }
    return owner != NULL;
}

const struct model *
claims_oldest_child(const struct claims *c,
                    const struct claims_entry *wildcard,
                    const struct claims_ns *ns, const struct model *but,
                    const struct claims_entry **child)
{
    struct claims_child found = { .entry = NULL };

    /* There may be very many: nothing but this array is read for most. */
    for (uint32_t i = 0; i < wildcard->n_children; i++) {
        const struct claims_child *at = &wildcard->children[i];
        struct claims_child own;

        if (!but && (!at->ns || at->ns == ns ||
                     (found.entry && at->created > found.created))) {
            continue;
        }
        if (without(c, at, but, &own) && own.ns != ns &&
            (!found.entry || compare_children(&own, &found) < 0)) {
            found = own;
        }
    }
    *child = found.entry;
    return found.entry ? claims_first(found.entry, but) : NULL;
}

/* The Ingress that would have the wildcard had all come in order of age: the
 * first that is older than every host of another namespace below it.  Once a
 * wildcard is had, nobody else gets a host below it; so only hosts older
 * than the wildcard matter, and each of those is had by its oldest. */
static const struct model *
choose_holder(const struct claims *c, const struct claims_entry *wildcard)
{
    const struct claims_entry *child;
    const struct model *first, *second = NULL;

    if (wildcard->n_owners == 0) {
        return NULL;
    }
    first = claims_oldest_child(c, wildcard, NULL, NULL, &child);
    if (first) {
        second = claims_oldest_child(
            c, wildcard, claims_ns(c, namespace_of(first)), NULL, &child);
    }
    for (uint32_t i = 0; i < wildcard->n_owners; i++) {
        const struct model *m = wildcard->owners[i].model;
        const struct model *bound =
            first && claims_is_same_namespace(m, first) ? second : first;

        if (wildcard->owners[i].rank == CLAIMS_RANK_OUT) {
            break;
        }
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
        claims_note_dirty(c, wildcard->name);
    }
    for (uint32_t i = 0; i < wildcard->n_children; i++) {
        claims_note_dirty(c, wildcard->children[i].entry->name);
    }
}

/* True where 'child' leaves the wildcard to 'holder'. */
static bool
is_harmless(const struct claims_entry *child, const struct model *holder)
{
    const struct model *m = claims_first(child, NULL);

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
    if (child && before && before == claims_first(wildcard, NULL) &&
        is_harmless(child, before)) {
        return;     /* The ordinary case costs no walk over the hosts. */
    }
    wildcard->holder = choose_holder(c, wildcard);
    if (!before != !wildcard->holder ||
        (before && !claims_is_same_namespace(before, wildcard->holder))) {
        mark_family(c, wildcard);
    }
}

/* --- One host --- */

static bool
is_allowed(const struct claims_fate *f, const struct model *m)
{
    const struct ruleset *r = f->claims->ruleset;
    const struct pin *pin;

    if (r->enforce_host_policy &&
        claims_is_out(f->claims, f->entry->name, m, &pin)) {
        return false;
    }
    if (f->is_open) {
        return true;
    }
    if (!f->holder) {
        return false;
    }
    if (claims_is_same_namespace(m, f->holder) &&
        (r->host_policy != HOST_POLICY_INGRESS || !f->first ||
         m == f->first)) {
        return true;
    }
    return claims_is_shared(f->claims, f->entry,
                            f->first ? f->first : f->holder, m, NULL);
}

/* The first of the Ingresses that may be here by themselves. */
static const struct model *
find_first(const struct claims_fate *f)
{
    const struct claims_entry *e = f->entry;

    for (uint32_t i = 0; i < e->n_owners; i++) {
        const struct model *m = e->owners[i].model;

        if ((f->is_open ||
             (f->holder && claims_is_same_namespace(m, f->holder))) &&
            is_allowed(f, m)) {
            return m;
        }
    }
    return NULL;
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
                                                   : claims_first(e, NULL);
    }
    f->first = find_first(f);
    for (uint32_t i = 0; i < e->n_owners && !f->router; i++) {
        const struct claims_owner *o = &e->owners[i];

        if (o->n_routes > 0 && !o->model->is_canary &&
            is_allowed(f, o->model)) {
            f->router = o->model;
            f->is_passthrough = o->is_passthrough;
        }
    }
}

/* How one loses that is not allowed here, and to whom. */
static enum claims_loss
lose_host(const struct claims_fate *f, const struct model *m,
          const struct model **winner)
{
    const struct claims *c = f->claims;
    const struct claims_entry *child;
    const struct pin *pin;

    if (claims_is_out(c, f->entry->name, m, &pin)) {
        return CLAIMS_LOST_OUT;
    }
    if (f->first) {
        *winner = f->first;
    } else if (f->holder) {
        *winner = f->holder;
    } else {
        *winner = claims_oldest_child(
            c, f->entry, claims_ns(c, namespace_of(m)), NULL, &child);
    }
    return CLAIMS_LOST_HOST;
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

/* Who may not be here is told who has the same path, as at admission, before
 * he is told who has the host. */
static enum claims_loss
lose_route(const struct claims_fate *f, const struct model *m,
           const struct route *route, const struct model **winner)
{
    enum claims_loss loss = lose_host(f, m, winner);
    const struct claims_ref *holder =
        route->kind == ROUTE_HOST ? NULL : key_holder(f, route->key);

    if (loss == CLAIMS_LOST_OUT || !holder ||
        claims_takes_over(holder->model, m) ||
        claims_is_twin(m, route, holder->model, claims_ref_route(holder))) {
        return loss;
    }
    *winner = holder->model;
    return CLAIMS_LOST_KEY;
}

enum claims_loss
claims_resolve_route(const struct claims_fate *f, const struct model *m,
                     const struct route *route, const struct model **winner)
{
    const struct claims_ref *holder;

    *winner = NULL;
    if (!is_allowed(f, m)) {
        return lose_route(f, m, route, winner);
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
    return claims_takes_over(holder->model, m) ? CLAIMS_LOST_TAKEN
                                               : CLAIMS_LOST_KEY;
}

enum claims_loss
claims_resolve_tls(const struct claims_fate *f, const struct model *m,
                   const struct model_tls *tls, const struct model **winner)
{
    const struct claims_ref *holder;

    *winner = NULL;
    if (!is_allowed(f, m)) {
        return lose_host(f, m, winner);
    }
    holder = key_holder(f, "");
    if (holder->model == m ||
        str_eq(tls->secret, claims_ref_tls(holder)->secret)) {
        return CLAIMS_HELD;
    }
    *winner = holder->model;
    return claims_takes_over(holder->model, m) ? CLAIMS_LOST_TAKEN
                                               : CLAIMS_LOST_TLS;
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
