#include "reconciler/keyset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"

/* Most sets have one key, and there are very many of them: up to FEW stand in
 * an array, in order; only then comes a map. */
#define FEW 8

struct keyset {
    char **few;         /* NULL once there is a map. */
    struct map *many;   /* Values mean nothing but "there", or are the keys. */
    unsigned n_few;
    bool is_borrowed;   /* Keys are the caller's. */
    bool is_batch;
};

static char there;

struct keyset *
keyset_new(void)
{
    return xcalloc(1, sizeof(struct keyset));
}

struct keyset *
keyset_new_borrowed(void)
{
    struct keyset *set = keyset_new();

    set->is_borrowed = true;
    return set;
}

struct keyset *
keyset_new_batch(void)
{
    struct keyset *set = keyset_new();

    set->is_batch = true;
    return set;
}

static void
clear(struct keyset *set)
{
    for (unsigned i = 0; i < set->n_few && !set->is_borrowed; i++) {
        free(set->few[i]);
    }
    free(set->few);
    map_free(set->many, NULL);
    *set = (struct keyset) { .is_borrowed = set->is_borrowed,
                             .is_batch = set->is_batch };
}

void
keyset_free(struct keyset *set)
{
    if (set) {
        clear(set);
        free(set);
    }
}

void
keyset_freep(struct keyset **setp)
{
    keyset_free(*setp);
}

/* The place of 'key' in the array; '*is_there' tells whether it is there. */
static unsigned
find(const struct keyset *set, const char *key, bool *is_there)
{
    unsigned i = 0;
    int order = 1;

    while (i < set->n_few && (order = strcmp(set->few[i], key)) < 0) {
        i++;
    }
    *is_there = i < set->n_few && order == 0;
    return i;
}

static const char *
key_of(const void *value)
{
    return value;
}

/* False: it was there, and that one stays. */
static bool
put(const struct keyset *set, struct map *many, const char *key)
{
    void *value = set->is_borrowed ? (void *) (uintptr_t) key : &there;

    return (!set->is_borrowed || !map_get(many, key)) &&
           map_put(many, key, value) == NULL;
}

static void
use_map(struct keyset *set)
{
    struct map *many = set->is_borrowed ? map_new_keyed(key_of)
                       : set->is_batch ? map_new_batch() : map_new();

    for (unsigned i = 0; i < set->n_few; i++) {
        put(set, many, set->few[i]);
    }
    clear(set);
    set->many = many;
}

bool
keyset_add(struct keyset *set, const char *key)
{
    bool is_there;
    unsigned at;

    if (!set->many && set->n_few == FEW) {
        if (keyset_has(set, key)) {
            return false;
        }
        use_map(set);
    }
    if (set->many) {
        return put(set, set->many, key);
    }
    at = find(set, key, &is_there);
    if (is_there) {
        return false;
    }
    set->few = xrealloc(set->few, set->n_few + 1, sizeof *set->few);
    memmove(set->few + at + 1, set->few + at,
            (set->n_few - at) * sizeof *set->few);
    set->few[at] = set->is_borrowed ? (char *) (uintptr_t) key
                                    : xstrdup(key);
    set->n_few++;
    return true;
}

bool
keyset_remove(struct keyset *set, const char *key)
{
    bool is_there;
    unsigned at;

    if (set->many) {
        return map_remove(set->many, key) != NULL;
    }
    at = find(set, key, &is_there);
    if (is_there) {
        if (!set->is_borrowed) {
            free(set->few[at]);
        }
        set->n_few--;
        memmove(set->few + at, set->few + at + 1,
                (set->n_few - at) * sizeof *set->few);
    }
    return is_there;
}

bool
keyset_has(const struct keyset *set, const char *key)
{
    bool is_there;

    if (set->many) {
        return map_get(set->many, key) != NULL;
    }
    find(set, key, &is_there);
    return is_there;
}

size_t
keyset_count(const struct keyset *set)
{
    return set->many ? map_size(set->many) : set->n_few;
}

const char **
keyset_list(const struct keyset *set, size_t *n)
{
    const char **list;

    *n = keyset_count(set);
    if (set->many) {
        return map_sorted_keys(set->many);
    }
    list = xcalloc(*n, sizeof *list);
    for (size_t i = 0; i < *n; i++) {
        list[i] = set->few[i];
    }
    return list;
}

char **
keyset_take(struct keyset *set)
{
    size_t n;
    AUTO_FREE const char **sorted = keyset_list(set, &n);
    char **taken = xcalloc(n + 1, sizeof *taken);

    for (size_t i = 0; i < n; i++) {
        taken[i] = xstrdup(sorted[i]);
    }
    clear(set);
    return taken;
}
