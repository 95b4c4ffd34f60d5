/* cache: the objects we know, by kind and key, and what changed.
 *
 * A source (reflector.h for an API server, manifests.h for files) writes; the
 * owner of the loop reads and takes the changes, oldest first, each key at
 * most once however often it changed meanwhile.  Not locked: one thread.
 */
#ifndef KUBE_CACHE_H
#define KUBE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/kube/object.h"

struct cache;

struct cache *cache_new(void) MUST_USE RETURNS_NONNULL;
void cache_free(struct cache *);

/* Objects of 'kind' are let go once their change was taken, for an owner who
 * makes something else of them: cache_get(), cache_list() and the 'old' of a
 * change know none.  To be told before the first of them is put. */
void cache_keep_none(struct cache *, enum kube_kind);

/* Takes over the caller's reference.  An object with the uid and the
 * resourceVersion that the cache already has is dropped without a change. */
void cache_put(struct cache *, const struct kube_object *);
/* As if what is there under the key were put again; false: nothing is. */
bool cache_put_again(struct cache *, enum kube_kind, const char *key);
void cache_remove(struct cache *, enum kube_kind, const char *key);

/* A full list: begin, put every object, end.  At the end what was not put is
 * removed and the kind is synced.  A list that fails midway is abandoned:
 * what it put stays, nothing is removed.  'ns' limits the removal to one
 * namespace (NULL: all). */
void cache_list_begin(struct cache *, enum kube_kind, const char *ns);
void cache_list_end(struct cache *, enum kube_kind, const char *ns);
void cache_list_abandon(struct cache *, enum kube_kind, const char *ns);

/* How many lists of 'kind' must end before it counts as synced (one per
 * watched namespace; the default is 1; 0: the kind is not watched at all and
 * counts as synced). */
void cache_expect(struct cache *, enum kube_kind, unsigned n_lists);
bool cache_is_watched(const struct cache *, enum kube_kind);
bool cache_is_synced(const struct cache *, enum kube_kind);
bool cache_all_synced(const struct cache *);

/* Borrowed, NULL where it is absent. */
const struct kube_object *cache_get(const struct cache *, enum kube_kind,
                                    const char *key);
/* All that are there, and what is kept of them. */
size_t cache_count(const struct cache *, enum kube_kind);
size_t cache_bytes(const struct cache *, enum kube_kind);

/* All objects of a kind in the order of their keys (only their count, order
 * and identity matter); the array is the caller's to free, the objects are
 * borrowed. */
const struct kube_object **cache_list(const struct cache *, enum kube_kind,
                                      size_t *n) MUST_USE RETURNS_NONNULL;

struct cache_change {
    enum kube_kind kind;
    char *key;
    const struct kube_object *old;  /* At the last change taken, or NULL. */
    const struct kube_object *new;  /* Now, or NULL. */
};
/* Takes the oldest change; false where there is none.  A key that went away
 * and came back shows as old -> new; one that came and went shows nothing. */
bool cache_take_change(struct cache *, struct cache_change *);
void cache_change_fini(struct cache_change *);

#endif /* KUBE_CACHE_H */
