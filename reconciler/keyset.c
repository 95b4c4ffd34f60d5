#include "reconciler/keyset.h"

#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"

struct keyset {
    struct map *keys;   /* Values mean nothing but "there". */
};

static char there;

struct keyset *
keyset_new(void)
{
    struct keyset *set = xcalloc(1, sizeof *set);

    set->keys = map_new();
    return set;
}

void
keyset_free(struct keyset *set)
{
    if (set) {
        map_free(set->keys, NULL);
        free(set);
    }
}

void
keyset_freep(struct keyset **setp)
{
    keyset_free(*setp);
}

bool
keyset_add(struct keyset *set, const char *key)
{
    return map_put(set->keys, key, &there) == NULL;
}

bool
keyset_remove(struct keyset *set, const char *key)
{
    return map_remove(set->keys, key) != NULL;
}

bool
keyset_has(const struct keyset *set, const char *key)
{
    return map_get(set->keys, key) != NULL;
}

size_t
keyset_count(const struct keyset *set)
{
    return map_size(set->keys);
}

const char **
keyset_list(const struct keyset *set, size_t *n)
{
    *n = map_size(set->keys);
    return map_sorted_keys(set->keys);
}

char **
keyset_take(struct keyset *set)
{
    size_t n = map_size(set->keys);
    AUTO_FREE const char **sorted = map_sorted_keys(set->keys);
    char **taken = xcalloc(n + 1, sizeof *taken);

    for (size_t i = 0; i < n; i++) {
        taken[i] = xstrdup(sorted[i]);
    }
    map_free(set->keys, NULL);
    set->keys = map_new();
    return taken;
}
