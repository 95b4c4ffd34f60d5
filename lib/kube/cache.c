#include "lib/kube/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

/* A key of one kind.  It stays while the object is there or somebody has yet
 * to hear that it is gone. */
struct entry {
    const struct kube_object *now;      /* What is, or NULL. */
    const struct kube_object *told;     /* At the last change taken. */
    struct entry *next;                 /* In the queue of changes. */
    enum kube_kind kind;
    bool is_queued;
    bool is_listed;                     /* Put since its list began. */
    char key[];
};

struct shelf {
    struct map *entries;        /* key -> struct entry */
    struct map *lists;          /* Namespaces whose list has ended. */
    unsigned n_expected;        /* Lists that must end. */
    size_t n;                   /* Entries with an object. */
    size_t bytes;
};

struct cache {
    struct shelf shelves[KUBE_N_KINDS];
    struct entry *first, *last; /* Changes, the oldest first. */
};

struct cache *
cache_new(void)
{
    struct cache *c = xcalloc(1, sizeof *c);

    for (size_t i = 0; i < KUBE_N_KINDS; i++) {
        c->shelves[i] = (struct shelf) {
            .entries = map_new(),
            .lists = map_new(),
            .n_expected = 1,
        };
    }
    return c;
}

static void
free_entry(void *p)
{
    struct entry *e = p;

    kube_unref(e->now);
    kube_unref(e->told);
    free(e);
}

void
cache_free(struct cache *c)
{
    if (!c) {
        return;
    }
    for (size_t i = 0; i < KUBE_N_KINDS; i++) {
        map_free(c->shelves[i].entries, free_entry);
        map_free(c->shelves[i].lists, NULL);
    }
    free(c);
}

static void
enqueue(struct cache *c, struct entry *e)
{
    if (e->is_queued) {
        return;
    }
    e->is_queued = true;
    e->next = NULL;
    if (c->last) {
        c->last->next = e;
    } else {
        c->first = e;
    }
    c->last = e;
}

/* Sets what 'e' holds now; takes over the reference of 'o'. */
static void
set_now(struct cache *c, struct entry *e, const struct kube_object *o)
{
    struct shelf *shelf = &c->shelves[e->kind];

    if (e->now) {
        shelf->n--;
        shelf->bytes -= e->now->size;
        kube_unref(e->now);
    }
    if (o) {
        shelf->n++;
        shelf->bytes += o->size;
    }
    e->now = o;
    enqueue(c, e);
}

static struct entry *
entry_of(struct shelf *shelf, enum kube_kind kind, const char *key)
{
    struct entry *e = map_get(shelf->entries, key);

    if (!e) {
        size_t size = strlen(key) + 1;

        e = xcalloc(1, sizeof *e + size);
        e->kind = kind;
        memcpy(e->key, key, size);
        map_put(shelf->entries, key, e);
    }
    return e;
}

void
cache_put(struct cache *c, const struct kube_object *o)
{
    struct entry *e = entry_of(&c->shelves[o->kind], o->kind, o->key);

    e->is_listed = true;
    if (e->now && o->resource_version &&
        str_eq(e->now->resource_version, o->resource_version) &&
        str_eq(e->now->uid, o->uid)) {
        kube_unref(o);
        return;
    }
    set_now(c, e, o);
}

void
cache_remove(struct cache *c, enum kube_kind kind, const char *key)
{
    struct entry *e = map_get(c->shelves[kind].entries, key);

    if (e && e->now) {
        set_now(c, e, NULL);
    }
}

static bool
is_in(const struct entry *e, const char *ns)
{
    return e->now && (!ns || str_eq(e->now->namespace, ns));
}

void
cache_list_begin(struct cache *c, enum kube_kind kind, const char *ns)
{
    struct map_iter it = MAP_ITER;

    while (map_next(c->shelves[kind].entries, &it)) {
        struct entry *e = it.value;

        if (is_in(e, ns)) {
            e->is_listed = false;
        }
    }
}

static int
compare_entries(const void *a, const void *b)
{
    const struct entry *const *x = a, *const *y = b;

    return strcmp((*x)->key, (*y)->key);
}

void
cache_list_end(struct cache *c, enum kube_kind kind, const char *ns)
{
    struct shelf *shelf = &c->shelves[kind];
    struct map_iter it = MAP_ITER;
    VEC(struct entry *) gone = { 0 };

    while (map_next(shelf->entries, &it)) {
        struct entry *e = it.value;

        if (is_in(e, ns) && !e->is_listed) {
            VEC_PUSH(&gone, e);
        }
    }
    /* The order of changes can be seen: it must not depend on the hash. */
    VEC_SORT(&gone, compare_entries);
    for (size_t i = 0; i < gone.n; i++) {
        set_now(c, gone.items[i], NULL);
    }
    VEC_FINI(&gone);
    map_put(shelf->lists, ns ? ns : "", shelf);
}

void
cache_list_abandon(struct cache *c, enum kube_kind kind, const char *ns)
{
    struct map_iter it = MAP_ITER;

    while (map_next(c->shelves[kind].entries, &it)) {
        struct entry *e = it.value;

        if (is_in(e, ns)) {
            e->is_listed = true;
        }
    }
}

void
cache_expect(struct cache *c, enum kube_kind kind, unsigned n_lists)
{
    c->shelves[kind].n_expected = n_lists;
}

bool
cache_is_watched(const struct cache *c, enum kube_kind kind)
{
    return c->shelves[kind].n_expected > 0;
}

bool
cache_is_synced(const struct cache *c, enum kube_kind kind)
{
    const struct shelf *shelf = &c->shelves[kind];

    return map_size(shelf->lists) >= shelf->n_expected;
}

bool
cache_all_synced(const struct cache *c)
{
    for (size_t i = 0; i < KUBE_N_KINDS; i++) {
        if (!cache_is_synced(c, (enum kube_kind) i)) {
            return false;
        }
    }
    return true;
}

const struct kube_object *
cache_get(const struct cache *c, enum kube_kind kind, const char *key)
{
    const struct entry *e = map_get(c->shelves[kind].entries, key);

    return e ? e->now : NULL;
}

size_t
cache_count(const struct cache *c, enum kube_kind kind)
{
    return c->shelves[kind].n;
}

size_t
cache_bytes(const struct cache *c, enum kube_kind kind)
{
    return c->shelves[kind].bytes;
}

static int
compare_objects(const void *a, const void *b)
{
    const struct kube_object *const *x = a, *const *y = b;

    return strcmp((*x)->key, (*y)->key);
}

const struct kube_object **
cache_list(const struct cache *c, enum kube_kind kind, size_t *n)
{
    const struct shelf *shelf = &c->shelves[kind];
    const struct kube_object **objects = xcalloc(shelf->n, sizeof *objects);
    struct map_iter it = MAP_ITER;

    *n = 0;
    while (map_next(shelf->entries, &it)) {
        const struct entry *e = it.value;

        if (e->now) {
            objects[(*n)++] = e->now;
        }
    }
    assert(*n == shelf->n);
    if (*n > 1) {
        qsort(objects, *n, sizeof *objects, compare_objects);
    }
    return objects;
}

bool
cache_take_change(struct cache *c, struct cache_change *change)
{
    struct entry *e;

    *change = (struct cache_change) { .key = NULL };
    while ((e = c->first)) {
        const struct kube_object *old = e->told, *new = e->now;

        c->first = e->next;
        if (!c->first) {
            c->last = NULL;
        }
        e->is_queued = false;
        e->told = new ? kube_ref(new) : NULL;
        if (old || new) {
            *change = (struct cache_change) {
                .kind = e->kind,
                .key = xstrdup(e->key),
                .old = old,
                .new = new ? kube_ref(new) : NULL,
            };
        }
        if (!new) {
            map_remove(c->shelves[e->kind].entries, e->key);
            free(e);
        }
        if (change->key) {
            return true;
        }
    }
    return false;
}

void
cache_change_fini(struct cache_change *change)
{
    free(change->key);
    kube_unref(change->old);
    kube_unref(change->new);
    *change = (struct cache_change) { .key = NULL };
}
