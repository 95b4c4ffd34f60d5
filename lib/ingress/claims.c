#include "lib/ingress/claims.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/claims_priv.h"
#include "lib/ingress/host.h"

/* --- Order --- */

int
claims_compare_age(const struct model *a, const struct model *b)
{
    int64_t x = a->object->created ? a->object->created : INT64_MAX;
    int64_t y = b->object->created ? b->object->created : INT64_MAX;

    if (x != y) {
        return x < y ? -1 : 1;
    }
    return strcmp(b->object->key, a->object->key);
}

bool
claims_is_older(const struct model *a, const struct model *b)
{
    return claims_compare_age(a, b) < 0;
}

bool
claims_is_same_namespace(const struct model *a, const struct model *b)
{
    return str_eq(a->object->namespace, b->object->namespace);
}

bool
claims_is_same_ingress(const struct model *a, const struct model *b)
{
    return str_eq(a->object->key, b->object->key);
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

/* The place of (key, model); with 'model' NULL before all of the key. */
static uint32_t
find_ref(const struct claims_entry *e, const char *key,
         const struct model *model)
{
    uint32_t low = 0, high = e->n_refs;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct claims_ref *r = &e->refs[middle];
        int order = strcmp(claims_ref_key(r), key);

        if (order == 0 && model) {
            order = claims_compare_age(r->model, model);
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
    uint32_t i = find_ref(e, key, NULL);

    return claims_ref_has(e, i, key) ? i : e->n_refs;
}

static uint32_t
find_owner(const struct claims_entry *e, const struct model *model)
{
    uint32_t low = 0, high = e->n_owners;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (claims_is_older(e->owners[middle].model, model)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Room for one item at 'at' in an array of 'n': most hosts have one claim,
 * so arrays grow from one. */
static void *
make_room(void *items, uint32_t n, uint32_t *room, uint32_t at, size_t size)
{
    char *bytes;

    if (n == *room) {
        *room = n ? 2 * n : 1;
        items = xrealloc(items, *room, size);
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
    uint32_t at = find_ref(e, claims_ref_key(ref), ref->model);

    e->refs = make_room(e->refs, e->n_refs, &e->refs_room, at,
                        sizeof *e->refs);
    e->refs[at] = *ref;
    e->n_refs++;
}

static void
remove_ref(struct claims_entry *e, const struct claims_ref *ref)
{
    uint32_t at = find_ref(e, claims_ref_key(ref), ref->model);

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
    memcpy(e->name, host, size);
    map_put(c->hosts, host, e);
    wildcard = c->is_tied ? host_wildcard_of(host) : NULL;
    if (wildcard) {
        struct claims_entry *p = make_entry(c, wildcard);

        e->parent = p;
        e->at = p->n_children;
        p->children = make_room(p->children, p->n_children,
                                &p->children_room, e->at,
                                sizeof(struct claims_entry *));
        p->children[e->at] = e;
        p->n_children++;
    }
    return e;
}

static void
free_entry(void *value)
{
    struct claims_entry *e = value;

    free(e->refs);
    free(e->owners);
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
        p->children[e->at]->at = e->at;
    }
    map_remove(c->hosts, e->name);
    free_entry(e);
    if (p) {
        drop_if_empty(c, p);
    }
}

/* After a change of a claim on 'e'. */
static void
note_change(struct claims *c, struct claims_entry *e)
{
    map_put(c->dirty, e->name, c);
    if (e->parent) {
        claims_settle(c, e->parent, e);
    } else {
        claims_settle(c, e, NULL);
    }
}

static void
add_claim(struct claims *c, const char *host, const struct claims_ref *ref)
{
    struct claims_entry *e = make_entry(c, host);
    const struct route *route = claims_ref_route(ref);
    uint32_t at = find_owner(e, ref->model);
    struct claims_owner *o;

    if (at == e->n_owners || e->owners[at].model != ref->model) {
        e->owners = make_room(e->owners, e->n_owners, &e->owners_room, at,
                              sizeof *e->owners);
        e->owners[at].model = ref->model;
        e->n_owners++;
    }
    o = &e->owners[at];
    o->n_claims++;
    o->n_routes += route != NULL;
    o->is_passthrough |= route && route->kind == ROUTE_PASSTHROUGH;
    if (is_referenced(ref)) {
        add_ref(e, ref);
    }
    note_change(c, e);
}

static void
remove_claim(struct claims *c, const char *host,
             const struct claims_ref *ref)
{
    struct claims_entry *e = claims_entry(c, host);
    uint32_t at = find_owner(e, ref->model);
    struct claims_owner *o = &e->owners[at];

    assert(at < e->n_owners && o->model == ref->model);
    if (is_referenced(ref)) {
        remove_ref(e, ref);
    }
    o->n_routes -= claims_ref_route(ref) != NULL;
    if (--o->n_claims == 0) {
        take_out(e->owners, e->n_owners, at, sizeof *e->owners);
        e->n_owners--;
    }
    note_change(c, e);
    drop_if_empty(c, e);
}

typedef void change_fn(struct claims *, const char *host,
                       const struct claims_ref *);

static void
change_all(struct claims *c, struct model *m, change_fn *change)
{
    struct claims_ref ref = { .model = m };

    if (map_get(c->deleting, m->object->namespace)) {
        return;
    }
    for (ref.at = 0; ref.at < m->n_routes; ref.at++) {
        change(c, m->routes[ref.at].host, &ref);
    }
    ref.is_tls = true;
    for (ref.at = 0; ref.at < m->n_tls; ref.at++) {
        /* An entry without hosts claims none. */
        if (m->tls[ref.at].host[0] != '\0') {
            change(c, m->tls[ref.at].host, &ref);
        }
    }
}

/* --- The index --- */

struct claims *
claims_new(const struct ruleset *ruleset)
{
    struct claims *c = xcalloc(1, sizeof *c);

    c->ruleset = ruleset;
    c->is_tied = ruleset->host_policy == HOST_POLICY_NAMESPACE ||
                 ruleset->host_policy == HOST_POLICY_INGRESS;
    c->is_enforced = c->is_tied && ruleset->enforce_host_policy;
    c->models = map_new();
    c->hosts = map_new();
    c->deleting = map_new();
    c->dirty = map_new();
    return c;
}

static void
unref_model(void *value)
{
    model_unref(value);
}

void
claims_free(struct claims *c)
{
    if (!c) {
        return;
    }
    map_free(c->hosts, free_entry);
    map_free(c->models, unref_model);
    map_free(c->deleting, NULL);
    map_free(c->dirty, NULL);
    free(c);
}

void
claims_remove(struct claims *c, const char *ingress_key)
{
    struct model *m = map_remove(c->models, ingress_key);

    if (m) {
        change_all(c, m, remove_claim);
        model_unref(m);
    }
}

void
claims_set(struct claims *c, struct model *m)
{
    const char *key = m->object->key;

    if (map_get(c->models, key) == m) {
        return;
    }
    claims_remove(c, key);
    if (!m->object->is_deleting) {
        map_put(c->models, key, model_ref(m));
        change_all(c, m, add_claim);
    }
}

void
claims_set_namespace(struct claims *c, const char *ns, bool is_deleting)
{
    struct map_iter it = MAP_ITER;

    if (is_deleting == (map_get(c->deleting, ns) != NULL)) {
        return;
    }
    if (!is_deleting) {
        map_remove(c->deleting, ns);
    }
    while (map_next(c->models, &it)) {
        struct model *m = it.value;

        if (str_eq(m->object->namespace, ns)) {
            change_all(c, m, is_deleting ? remove_claim : add_claim);
        }
    }
    if (is_deleting) {
        map_put(c->deleting, ns, c);
    }
}

struct model *
claims_get(const struct claims *c, const char *ingress_key)
{
    return map_get(c->models, ingress_key);
}

size_t
claims_count(const struct claims *c)
{
    return map_size(c->models);
}

void
claims_each(const struct claims *c, void (*each)(struct model *, void *aux),
            void *aux)
{
    AUTO_FREE const char **keys = map_sorted_keys(c->models);
    size_t n = map_size(c->models);

    for (size_t i = 0; i < n; i++) {
        each(map_get(c->models, keys[i]), aux);
    }
}

char **
claims_take_dirty(struct claims *c, size_t *n)
{
    AUTO_FREE const char **hosts = map_sorted_keys(c->dirty);
    char **copies;

    *n = map_size(c->dirty);
    copies = xcalloc(*n, sizeof *copies);
    for (size_t i = 0; i < *n; i++) {
        copies[i] = xstrdup(hosts[i]);
    }
    map_free(c->dirty, NULL);
    c->dirty = map_new();
    return copies;
}
