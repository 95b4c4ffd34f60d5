/* The claims of each host, in their order. */
#include "lib/ingress/claims_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"

/* --- Order --- */

int
claims_compare_age(const struct model *a, const struct model *b)
{
    int64_t x = a->created ? a->created : INT64_MAX;
    int64_t y = b->created ? b->created : INT64_MAX;

    if (x != y) {
        return x < y ? -1 : 1;
    }
    return strcmp(b->key, a->key);
}

bool
claims_is_older(const struct model *a, const struct model *b)
{
    return claims_compare_age(a, b) < 0;
}

bool
claims_is_same_namespace(const struct model *a, const struct model *b)
{
    return str_eq(a->ns, b->ns);
}

bool
claims_is_same_ingress(const struct model *a, const struct model *b)
{
    return str_eq(a->key, b->key);
}

bool
claims_is_twin(const struct model *a, const struct route *ra,
               const struct model *b, const struct route *rb)
{
    return claims_is_same_namespace(a, b) && ra->kind == rb->kind &&
           str_eq(ra->backend.service, rb->backend.service) &&
           str_eq(ra->backend.port.name, rb->backend.port.name) &&
           ra->backend.port.number == rb->backend.port.number;
}

/* --- Claims of one host --- */

const struct model *
claims_first(const struct claims_entry *e, const struct model *but)
{
    for (uint32_t i = 0; e && i < e->n_owners; i++) {
        const struct claims_owner *o = &e->owners[i];

        if (o->rank == CLAIMS_RANK_OUT) {
            break;
        }
        if (o->model != but) {
            return o->model;
        }
    }
    return NULL;
}

const struct route *
claims_ref_route(const struct claims_ref *r)
{
    return r->is_tls ? NULL : &r->model->routes[r->at];
}

const struct model_tls *
claims_ref_tls(const struct claims_ref *r)
{
    return r->is_tls ? &r->model->tls[r->at] : NULL;
}

const char *
claims_ref_key(const struct claims_ref *r)
{
    return r->is_tls ? "" : r->model->routes[r->at].key;
}

struct claims_entry *
claims_entry(const struct claims *c, const char *host)
{
    return map_get(c->hosts, host);
}

/* The place of (key, rank, model); with 'model' NULL before all of the
 * key. */
static uint32_t
find_ref(const struct claims_entry *e, const char *key, unsigned rank,
         const struct model *model)
{
    uint32_t low = 0, high = e->n_refs;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct claims_ref *r = &e->refs[middle];
        int order = strcmp(claims_ref_key(r), key);

        if (order == 0 && model) {
            order = r->rank != rank ? (r->rank < rank ? -1 : 1)
                                    : claims_compare_age(r->model, model);
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool
claims_ref_has(const struct claims_entry *e, uint32_t i, const char *key)
{
    return i < e->n_refs && strcmp(claims_ref_key(&e->refs[i]), key) == 0;
}

uint32_t
claims_find(const struct claims_entry *e, const char *key)
{
    uint32_t i = find_ref(e, key, 0, NULL);

    return claims_ref_has(e, i, key) ? i : e->n_refs;
}

uint32_t
claims_find_regexes(const struct claims_entry *e)
{
    const struct claims_ref *last = e->n_refs ? &e->refs[e->n_refs - 1] : NULL;
    AUTO_FREE char *key = NULL;

    /* Most hosts have none, which the last key tells. */
    if (!last || last->is_tls ||
        claims_ref_key(last)[strlen(e->name)] < '~') {
        return e->n_refs;
    }
    key = str_concat(e->name, "~");
    return find_ref(e, key, 0, NULL);
}

static uint32_t
find_owner(const struct claims_entry *e, unsigned rank,
           const struct model *model)
{
    uint32_t low = 0, high = e->n_owners;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct claims_owner *o = &e->owners[middle];

        if (o->rank != rank ? o->rank < rank
                            : claims_is_older(o->model, model)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Room for one item at 'at' in an array of 'n', which is 'few' (or NULL) while
 * it is short. */
static void *
make_room(void *items, const void *few, uint32_t n, uint32_t *room,
          uint32_t at, size_t size)
{
    char *bytes;

    if (n == *room) {
        void *more = xrealloc(items == few ? NULL : items, n ? 2 * n : 1,
                              size);

        *room = n ? 2 * n : 1;
        if (items == few && n > 0) {
            memcpy(more, few, n * size);
        }
        items = more;
    }
    bytes = items;
    memmove(bytes + (at + 1) * size, bytes + at * size, (n - at) * size);
    memset(bytes + at * size, 0, size);
    return items;
}

static void
take_out(void *items, uint32_t n, uint32_t at, size_t size)
{
    char *bytes = items;

    memmove(bytes + at * size, bytes + (at + 1) * size, (n - 1 - at) * size);
}

static void
add_ref(struct claims_entry *e, const struct claims_ref *ref)
{
    uint32_t at = find_ref(e, claims_ref_key(ref), ref->rank, ref->model);

    e->refs = make_room(e->refs, e->few_refs, e->n_refs, &e->refs_room, at,
                        sizeof *e->refs);
    e->refs[at] = *ref;
    e->n_refs++;
}

static void
remove_ref(struct claims_entry *e, const struct claims_ref *ref)
{
    uint32_t at = find_ref(e, claims_ref_key(ref), ref->rank, ref->model);

    assert(at < e->n_refs && e->refs[at].model == ref->model);
    take_out(e->refs, e->n_refs, at, sizeof *e->refs);
    e->n_refs--;
}

/* --- Hosts --- */

static bool
is_referenced(const struct claims_ref *ref)
{
    const struct route *route = claims_ref_route(ref);

    /* Nobody loses a host as such to a sibling, so it needs no key. */
    return !route || route->kind != ROUTE_HOST;
}

static struct claims_entry *
make_entry(struct claims *c, const char *host)
{
    struct claims_entry *e = claims_entry(c, host);
    AUTO_FREE char *wildcard = NULL;
    size_t size = strlen(host) + 1;

    if (e) {
        return e;
    }
    e = xcalloc(1, sizeof *e + size);
    e->refs = e->few_refs;
    e->refs_room = ARRAY_SIZE(e->few_refs);
    e->owners = e->few_owners;
    e->owners_room = ARRAY_SIZE(e->few_owners);
    memcpy(e->name, host, size);
    map_put(c->hosts, e->name, e);
    wildcard = c->is_tied ? host_wildcard_of(host) : NULL;
    if (wildcard) {
        struct claims_entry *p = make_entry(c, wildcard);

        e->parent = p;
        e->at = p->n_children;
        p->children = make_room(p->children, NULL, p->n_children,
                                &p->children_room, e->at,
                                sizeof *p->children);
        p->children[e->at].entry = e;
        p->n_children++;
    }
    return e;
}

void
claims_free_entry(void *value)
{
    struct claims_entry *e = value;

    if (e->refs != e->few_refs) {
        free(e->refs);
    }
    if (e->owners != e->few_owners) {
        free(e->owners);
    }
    free(e->children);
    free(e);
}

static void
drop_if_empty(struct claims *c, struct claims_entry *e)
{
    struct claims_entry *p = e->parent;

    if (e->n_owners > 0 || e->n_children > 0) {
        return;
    }
    if (p) {
        p->n_children--;
        p->children[e->at] = p->children[p->n_children];
        p->children[e->at].entry->at = e->at;
    }
    map_remove(c->hosts, e->name);
    claims_free_entry(e);
    if (p) {
        drop_if_empty(c, p);
    }
}

/* Tells the wildcard who owns 'e' now. */
static void
note_owner(const struct claims *c, const struct claims_entry *e)
{
    struct claims_child *child = &e->parent->children[e->at];
    const struct model *owner = claims_first(e, NULL);

    child->ns = owner ? claims_ns(c, owner->ns) : NULL;
    child->key = owner ? owner->key : NULL;
    child->created = owner && owner->created ? owner->created
                                                     : INT64_MAX;
}

void
claims_note_dirty(struct claims *c, const char *host)
{
    if (c->dirty) {
        map_put(c->dirty, host, c);
    }
}

/* After a change of a claim on 'e'. */
static void
note_change(struct claims *c, struct claims_entry *e)
{
    claims_note_dirty(c, e->name);
    if (e->parent) {
        note_owner(c, e);
        claims_settle(c, e->parent, e);
    } else {
        claims_settle(c, e, NULL);
    }
}

static void
add_claim(struct claims_entry *e, const struct claims_ref *ref)
{
    const struct route *route = claims_ref_route(ref);
    uint32_t at = find_owner(e, ref->rank, ref->model);
    struct claims_owner *o;

    if (at == e->n_owners || e->owners[at].model != ref->model) {
        e->owners = make_room(e->owners, e->few_owners, e->n_owners,
                              &e->owners_room, at, sizeof *e->owners);
        e->owners[at].model = ref->model;
        e->owners[at].rank = ref->rank;
        e->n_owners++;
        e->n_sharers += ref->model->settings->share_with.n > 0;
    }
    o = &e->owners[at];
    o->n_claims++;
    o->n_routes += route != NULL;
    o->is_passthrough |= route && route->kind == ROUTE_PASSTHROUGH;
    if (is_referenced(ref)) {
        add_ref(e, ref);
    }
}

static void
remove_claim(struct claims_entry *e, const struct claims_ref *ref)
{
    uint32_t at = find_owner(e, ref->rank, ref->model);
    struct claims_owner *o = &e->owners[at];

    assert(at < e->n_owners && o->model == ref->model);
    if (is_referenced(ref)) {
        remove_ref(e, ref);
    }
    o->n_routes -= claims_ref_route(ref) != NULL;
    if (--o->n_claims == 0) {
        take_out(e->owners, e->n_owners, at, sizeof *e->owners);
        e->n_owners--;
        e->n_sharers -= ref->model->settings->share_with.n > 0;
    }
}

/* A walk over the claims of one Ingress.  Claims on one host mostly follow
 * each other: it is looked up, and its change noted, once for all of them. */
struct change {
    struct claims *claims;
    struct claims_ref ref;
    bool is_put;
    struct claims_entry *entry; /* Of the claim before, or NULL. */
};

/* After the last claim on a host. */
static void
leave_host(struct change *change)
{
    if (change->entry) {
        note_change(change->claims, change->entry);
        drop_if_empty(change->claims, change->entry);
        change->entry = NULL;
    }
}

static void
change_claim(struct change *change, const char *host)
{
    struct claims *c = change->claims;

    if (!change->entry || strcmp(change->entry->name, host) != 0) {
        leave_host(change);
        change->ref.rank = claims_rank(c, host, change->ref.model);
        change->entry = change->is_put ? make_entry(c, host)
                                       : claims_entry(c, host);
    }
    if (change->is_put) {
        add_claim(change->entry, &change->ref);
    } else {
        remove_claim(change->entry, &change->ref);
    }
}

static void
change_all(struct claims *c, struct model *m, bool is_put)
{
    struct change change = {
        .claims = c,
        .ref = { .model = m },
        .is_put = is_put,
    };
    struct claims_ref *ref = &change.ref;

    if (claims_is_deleting(c, m->ns)) {
        return;
    }
    for (ref->at = 0; ref->at < m->n_routes; ref->at++) {
        change_claim(&change, m->routes[ref->at].host);
    }
    ref->is_tls = true;
    for (ref->at = 0; ref->at < m->n_tls; ref->at++) {
        /* An entry without hosts claims none. */
        if (m->tls[ref->at].host[0] != '\0') {
            change_claim(&change, m->tls[ref->at].host);
        }
    }
    leave_host(&change);
}

void
claims_put(struct claims *c, struct model *m)
{
    change_all(c, m, true);
}

void
claims_take(struct claims *c, struct model *m)
{
    change_all(c, m, false);
}
