#include "lib/kube/cache.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

/* A key of one kind.  It stays while the object is there or somebody has yet
 * to hear that it is gone. */
struct entry {
    const struct kube_object *now;      /* What is kept of it, or NULL. */
    union {
        const struct kube_object *told; /* At the last change taken. */
        uint64_t version;       /* Of what is there; shelf.keeps_none. */
    };
    struct entry *next;                 /* In the queue of changes. */
    uint8_t kind;
    bool is_there : 1;
    bool was_there : 1;                 /* At the last change taken. */
    bool is_queued : 1;
    bool is_listed : 1;                 /* Put since its list began. */
    char key[];
};

struct shelf {
    struct map *entries;        /* struct entry */
    struct map *lists;          /* Namespaces whose list has ended. */
    unsigned n_expected;        /* Lists that must end. */
    bool keeps_none;
    size_t n;                   /* Entries of what is there. */
    size_t bytes;
};

struct cache {
    struct shelf shelves[KUBE_N_KINDS];
    struct entry *first, *last; /* Changes, the oldest first. */
};

static const char *
key_of(const void *value)
{
    return ((const struct entry *) value)->key;
}

struct cache *
cache_new(void)
{
    struct cache *c = xcalloc(1, sizeof *c);

    for (size_t i = 0; i < KUBE_N_KINDS; i++) {
        c->shelves[i] = (struct shelf) {
            .entries = map_new_keyed(key_of),
            .lists = map_new(),
            .n_expected = 1,
        };
    }
    return c;
}

static void
free_entries(struct shelf *shelf)
{
    struct map_iter it = MAP_ITER;

    while (map_next(shelf->entries, &it)) {
        struct entry *e = it.value;

        kube_unref(e->now);
        if (!shelf->keeps_none) {
            kube_unref(e->told);
        }
    }
    map_free(shelf->entries, free);
}

void
cache_free(struct cache *c)
{
    if (!c) {
        return;
    }
    for (size_t i = 0; i < KUBE_N_KINDS; i++) {
        free_entries(&c->shelves[i]);
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

static void
drop_now(struct shelf *shelf, struct entry *e)
{
    if (e->now) {
        shelf->bytes -= e->now->size;
        kube_unref(e->now);
        e->now = NULL;
    }
}

/* Sets what 'e' holds now; takes over the reference of 'o'. */
static void
set_now(struct cache *c, struct entry *e, const struct kube_object *o)
{
    struct shelf *shelf = &c->shelves[e->kind];

    drop_now(shelf, e);
    shelf->n -= e->is_there;
    e->is_there = o != NULL;
    shelf->n += e->is_there;
    shelf->bytes += o ? o->size : 0;
    e->now = o;
    enqueue(c, e);
}

static struct entry *
entry_of(struct shelf *shelf, enum kube_kind kind, const char *key)
{
    struct entry *e = map_get(shelf->entries, key);

    if (!e) {
        size_t size = strlen(key) + 1;

        e = xcalloc(1, offsetof(struct entry, key) + size);
        e->kind = (uint8_t) kind;
        memcpy(e->key, key, size);
        map_put(shelf->entries, e->key, e);
    }
    return e;
}

void
cache_keep_none(struct cache *c, enum kube_kind kind)
{
    assert(map_size(c->shelves[kind].entries) == 0);
    c->shelves[kind].keeps_none = true;
}

/* Two objects of one key have the same only where they are the same version
 * of the same object; 0: not to be compared. */
static uint64_t
version_of(const struct kube_object *o)
{
    return o->resource_version
               ? map_hash(o->resource_version) +
                     3 * map_hash(o->uid ? o->uid : "")
               : 0;
}

static bool
is_same(const struct shelf *shelf, const struct entry *e,
        const struct kube_object *o)
{
    if (!e->is_there || !o->resource_version) {
        return false;
    }
    if (shelf->keeps_none) {
        return e->version == version_of(o);
    }
    return str_eq(e->now->resource_version, o->resource_version) &&
           str_eq(e->now->uid, o->uid);
}

void
cache_put(struct cache *c, const struct kube_object *o)
{
    struct shelf *shelf = &c->shelves[o->kind];
    struct entry *e = entry_of(shelf, o->kind, o->key);

    e->is_listed = true;
    if (is_same(shelf, e, o)) {
        kube_unref(o);
        return;
    }
    if (shelf->keeps_none) {
        e->version = version_of(o);
    }
    set_now(c, e, o);
}

bool
cache_put_again(struct cache *c, enum kube_kind kind, const char *key)
{
    struct entry *e = map_get(c->shelves[kind].entries, key);

    if (!e || !e->is_there) {
        return false;
    }
    e->is_listed = true;
    return true;
}

void
cache_remove(struct cache *c, enum kube_kind kind, const char *key)
{
    struct entry *e = map_get(c->shelves[kind].entries, key);

    if (e && e->is_there) {
        set_now(c, e, NULL);
    }
}

static bool
is_in(const struct entry *e, const char *ns)
{
    const size_t length = ns ? strlen(ns) : 0;

    return e->is_there && (!ns || (strncmp(e->key, ns, length) == 0 &&
                                   e->key[length] == '/'));
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
    const struct kube_object **objects =
        xcalloc(map_size(shelf->entries), sizeof *objects);
    struct map_iter it = MAP_ITER;

    *n = 0;
    while (map_next(shelf->entries, &it)) {
        const struct entry *e = it.value;

        if (e->now) {
            objects[(*n)++] = e->now;
        }
    }
    assert(*n == shelf->n || shelf->keeps_none);
    if (*n > 1) {
        qsort(objects, *n, sizeof *objects, compare_objects);
    }
    return objects;
}

/* What is told of 'e' moves into the change, or stays for the next. */
static bool
tell(struct shelf *shelf, struct entry *e, struct cache_change *change)
{
    const bool is_news = e->is_there || e->was_there;

    e->was_there = e->is_there;
    if (!is_news) {
        return false;
    }
    *change = (struct cache_change) {
        .kind = (enum kube_kind) e->kind,
        .key = xstrdup(e->key),
        .new = e->now ? kube_ref(e->now) : NULL,
    };
    if (shelf->keeps_none) {
        drop_now(shelf, e);
    } else {
        change->old = e->told;
        e->told = e->now ? kube_ref(e->now) : NULL;
    }
    return true;
}

bool
cache_take_change(struct cache *c, struct cache_change *change)
{
    bool is_told = false;

    *change = (struct cache_change) { .key = NULL };
    while (!is_told && c->first) {
        struct entry *e = c->first;
        struct shelf *shelf = &c->shelves[e->kind];

        c->first = e->next;
        if (!c->first) {
            c->last = NULL;
        }
        e->is_queued = false;
        is_told = tell(shelf, e, change);
        if (!e->is_there) {
            map_remove(shelf->entries, e->key);
            free(e);
        }
    }
    return is_told;
}

void
cache_change_fini(struct cache_change *change)
{
    free(change->key);
    kube_unref(change->old);
    kube_unref(change->new);
    *change = (struct cache_change) { .key = NULL };
}
