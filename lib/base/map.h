/* map: strings to pointers, by hash.
 *
 * Keys are copied; values are the caller's.  The hash is seeded per process
 * so that nobody can choose colliding names.  Order is undefined: wherever
 * order can be seen, take map_sorted_keys().  Not locked.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"

struct map;

struct map *map_new(void) MUST_USE RETURNS_NONNULL;
/* 'free_value' may be NULL; it is called on every value left. */
void map_free(struct map *, void (*free_value)(void *));

size_t map_size(const struct map *);
void *map_get(const struct map *, const char *key);     /* NULL: absent. */
/* Sets 'key' and returns the value it had before (NULL: it is new). */
void *map_put(struct map *, const char *key, void *value);
/* Removes 'key' and returns its value (NULL: it was absent). */
void *map_remove(struct map *, const char *key);

/* Walks all entries in no order; do not change the map meanwhile.
 *     struct map_iter it = MAP_ITER;
 *     while (map_next(m, &it)) { use(it.key, it.value); } */
struct map_iter {
    size_t at;
    const void *node;
    const char *key;
    void *value;
};
#define MAP_ITER { 0 }
bool map_next(const struct map *, struct map_iter *);

/* All keys in strcmp order, borrowed; the array is the caller's to free. */
const char **map_sorted_keys(const struct map *) MUST_USE RETURNS_NONNULL;

#endif /* BASE_MAP_H */
