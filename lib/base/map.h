/* map: strings to pointers, by hash.
 *
 * Keys are copied, or are part of their values; values are the caller's and
 * never NULL.  The hash is seeded per process so that nobody can choose
 * colliding names.  Order is undefined: wherever order can be seen, take
 * map_sorted_keys().  Not locked.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"

struct map;

struct map *map_new(void) MUST_USE RETURNS_NONNULL;
/* Of many values that have their key in them: none is copied.  map_put() must
 * be told the key that 'key_of' finds in its value, which stays as it is while
 * it is here. */
typedef const char *map_key_fn(const void *value);
struct map *map_new_keyed(map_key_fn *key_of) MUST_USE RETURNS_NONNULL;
/* Of keys that come and go together, very many at times: their memory lies
 * apart from what stays, and goes back when the map is empty or freed. */
struct map *map_new_batch(void) MUST_USE RETURNS_NONNULL;
/* Two maps that keep a key of both once; each is freed by itself. */
void map_new_pair(struct map **first, struct map **second);
/* 'free_value' may be NULL; it is called on every value left. */
void map_free(struct map *, void (*free_value)(void *));

size_t map_size(const struct map *);
void *map_get(const struct map *, const char *key);     /* NULL: absent. */
/* Sets 'key' and returns the value it had before (NULL: it is new). */
void *map_put(struct map *, const char *key, void *value);
/* Removes 'key' and returns its value (NULL: it was absent). */
void *map_remove(struct map *, const char *key);
/* The map's own copy of 'key', which stays where it is until the key is
 * removed from it, and from the other one of a pair; NULL: absent. */
const char *map_key(const struct map *, const char *key);

/* Walks all entries in no order; do not change the map meanwhile.
 *     struct map_iter it = MAP_ITER;
 *     while (map_next(m, &it)) { use(it.key, it.value); } */
struct map_iter {
    size_t at;
    const char *key;
    void *value;
};
#define MAP_ITER { 0 }
bool map_next(const struct map *, struct map_iter *);

/* The hash itself, of this process alone: nobody can choose two texts that
 * share one. */
uint64_t map_hash(const char *text);
uint64_t map_hash_bytes(const char *bytes, size_t size);

/* All keys in strcmp order, borrowed; the array is the caller's to free. */
const char **map_sorted_keys(const struct map *) MUST_USE RETURNS_NONNULL;

#endif /* BASE_MAP_H */
