#include "lib/ingress/claims.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/claims_priv.h"

static const char *
key_of_model(const void *value)
{
    return ((const struct model *) value)->key;
}

static const char *
name_of_entry(const void *value)
{
    return ((const struct claims_entry *) value)->name;
}

static const char *
name_of_ns(const void *value)
{
    return ((const struct claims_ns *) value)->name;
}

struct claims *
claims_new(const struct ruleset *ruleset)
{
    struct claims *c = xcalloc(1, sizeof *c);

    c->ruleset = ruleset;
    c->is_tied = ruleset->host_policy == HOST_POLICY_NAMESPACE ||
                 ruleset->host_policy == HOST_POLICY_INGRESS;
    c->is_enforced = c->is_tied && ruleset->enforce_host_policy;
    c->models = map_new_keyed(key_of_model);
    c->hosts = map_new_keyed(name_of_entry);
    c->namespaces = map_new_keyed(name_of_ns);
    c->takers = map_new();
    c->dirty = map_new_batch();
    c->pins = pins_new();
    if (ruleset->pins) {
        pins_add_all(c->pins, ruleset->pins);
    }
    return c;
}

void
claims_forget_dirty(struct claims *c)
{
    map_free(c->dirty, NULL);
    c->dirty = NULL;
}

static void
unref_model(void *value)
{
    model_unref(value);
}

static void
free_namespace(void *value)
{
    struct claims_ns *ns = value;

    free(ns->allowed_hosts);
    free(ns);
}

void
claims_free(struct claims *c)
{
    if (!c) {
        return;
    }
    map_free(c->hosts, claims_free_entry);
    map_free(c->models, unref_model);
    map_free(c->namespaces, free_namespace);
    map_free(c->takers, claims_takers_free);
    map_free(c->dirty, NULL);
    pins_free(c->pins);
    free(c->pin_lines);
    free(c);
}

/* Takes 'm' into the set of Ingresses, or out of it, without its claims. */
static void
enter(struct claims *c, struct model *m)
{
    struct claims_ns *ns = claims_ns_need(c, m->ns);
    struct quota use = quota_of(m);

    map_put(c->models, m->key, model_ref(m));
    ns->n_models++;
    quota_add(&ns->use, &use);
    claims_takers_add(c, m);
}

static void
leave(struct claims *c, struct model *m)
{
    struct claims_ns *ns = claims_ns_need(c, m->ns);
    struct quota use = quota_of(m);

    map_remove(c->models, m->key);
    claims_takers_remove(c, m);
    ns->n_models--;
    quota_subtract(&ns->use, &use);
    claims_ns_drop(c, ns);
    model_unref(m);
}

/* The rank of what an Ingress takes over depends on it: those claims are out
 * while it changes. */
static void
replace(struct claims *c, struct model *before, struct model *now)
{
    struct model *old = before ? claims_taken(c, before) : NULL;
    struct model *new = now ? claims_taken(c, now) : NULL;

    new = new == old ? NULL : new;
    if (old) {
        claims_take(c, old);
    }
    if (new) {
        claims_take(c, new);
    }
    if (before) {
        claims_take(c, before);
        leave(c, before);
    }
    if (now) {
        enter(c, now);
        claims_put(c, now);
    }
    if (old) {
        claims_put(c, old);
    }
    if (new) {
        claims_put(c, new);
    }
}

void
claims_drop(struct claims *c, struct model *m)
{
    replace(c, m, NULL);
}

void
claims_remove(struct claims *c, const char *ingress_key)
{
    struct model *m = map_get(c->models, ingress_key);

    if (m) {
        claims_drop(c, m);
    }
}

void
claims_set(struct claims *c, struct model *m)
{
    struct model *before = map_get(c->models, m->key);

    if (before != m) {
        replace(c, before, m->is_deleting ? NULL : m);
    }
}

/* The claims of a namespace (NULL: of all), and of those from which they are
 * taken over, go out of the index. */
static struct map *
take_out(struct claims *c, const char *ns)
{
    struct map_iter it = MAP_ITER;
    struct map *out = map_new();

    while (map_next(c->models, &it)) {
        struct model *m = it.value;
        struct model *old;

        if (ns && !str_eq(m->ns, ns)) {
            continue;
        }
        old = claims_taken(c, m);
        map_put(out, m->key, m);
        if (old) {
            map_put(out, old->key, old);
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(out, &it)) {
        claims_take(c, it.value);
    }
    return out;
}

/* And come back. */
static void
put_back(struct claims *c, struct map *out)
{
    struct map_iter it = MAP_ITER;

    while (map_next(out, &it)) {
        claims_put(c, it.value);
    }
    map_free(out, NULL);
}

void
claims_set_namespace(struct claims *c, const char *ns, bool is_deleting)
{
    struct map *out;
    struct claims_ns *known;

    if (is_deleting == claims_is_deleting(c, ns)) {
        return;
    }
    out = take_out(c, ns);
    known = claims_ns_need(c, ns);
    known->is_deleting = is_deleting;
    c->n_deleting = is_deleting ? c->n_deleting + 1 : c->n_deleting - 1;
    put_back(c, out);
    claims_ns_drop(c, known);
}

void
claims_set_allowed_hosts(struct claims *c, const char *ns, const char *hosts)
{
    const struct claims_ns *before = claims_ns(c, ns);
    struct claims_ns *known;
    struct map *out;

    if (!c->ruleset->namespace_allowed_hosts ||
        str_eq(before ? before->allowed_hosts : NULL, hosts)) {
        return;
    }
    out = take_out(c, ns);
    known = claims_ns_need(c, ns);
    free(known->allowed_hosts);
    known->allowed_hosts = hosts ? xstrdup(hosts) : NULL;
    put_back(c, out);
    claims_ns_drop(c, known);
}

struct err *
claims_set_host_owners(struct claims *c, const char *lines)
{
    struct err *err = NULL;
    struct pins *pins;
    struct pins *all;
    struct map *out;

    if (str_eq(c->pin_lines, lines)) {
        return NULL;
    }
    pins = pins_new();
    all = pins_new();
    if (c->ruleset->pins) {
        pins_add_all(all, c->ruleset->pins);
    }
    if (lines) {
        err = pins_parse_lines(lines, pins);
        pins_add_all(all, pins);
    }
    pins_free(pins);
    out = take_out(c, NULL);
    pins_free(c->pins);
    c->pins = all;
    free(c->pin_lines);
    c->pin_lines = lines ? xstrdup(lines) : NULL;
    put_back(c, out);
    return err;
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
    AUTO_FREE const char **hosts = NULL;
    char **copies;

    assert(c->dirty);
    hosts = map_sorted_keys(c->dirty);
    *n = map_size(c->dirty);
    copies = xcalloc(*n, sizeof *copies);
    for (size_t i = 0; i < *n; i++) {
        copies[i] = xstrdup(hosts[i]);
    }
    map_free(c->dirty, NULL);
    c->dirty = map_new_batch();
    return copies;
}

enum quota_kind
claims_quota_exceeded(const struct claims *c, const struct model *m)
{
    const struct claims_ns *ns = claims_ns(c, m->ns);
    const struct model *before;
    struct quota use = quota_of(m);

    if (ns) {
        quota_add(&use, &ns->use);
    }
    /* What it was is looked for where that makes the difference. */
    before = quota_exceeded(&use, m->ruleset) != QUOTA_N
                 ? map_get(c->models, m->key)
                 : NULL;
    if (before) {
        const struct quota part = quota_of(before);

        quota_subtract(&use, &part);
    }
    return quota_exceeded(&use, m->ruleset);
}
