/* apiserver: the objects of a scripted API server and how they changed.
 *
 * What etcd and the watch cache are to a real one: documents by kind and
 * key, one version counter for all, and the history that watches are fed
 * from until it is compacted.  Documents are never changed in place: whoever
 * holds a reference keeps what it saw.
 */
#ifndef TESTS_REPLAY_APISERVER_H
#define TESTS_REPLAY_APISERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/map.h"
#include "lib/base/vec.h"
#include "lib/kube/object.h"

struct api_change {
    uint64_t version;
    enum kube_kind kind;
    json_t *old;                /* NULL: it was created. */
    json_t *new;                /* NULL: it was deleted. */
};

struct apiserver {
    uint64_t version;           /* Of the last change. */
    uint64_t compacted;         /* Changes up to this one are gone. */
    uint64_t n_uids;
    struct map *objects[KUBE_N_KINDS];      /* key -> json_t */
    VEC(struct api_change) history;
};

void apiserver_init(struct apiserver *);
void apiserver_fini(struct apiserver *);

/* "Ingress" and so on; false: not one of our kinds. */
bool apiserver_kind(const char *name, enum kube_kind *out);
/* "metadata.name" and the like; NULL where it is not there. */
const char *apiserver_text(json_t *document, const char *parent,
                           const char *name);
uint64_t apiserver_version_of(json_t *document);

/* Borrowed; NULL: absent. */
json_t *apiserver_get(const struct apiserver *, enum kube_kind,
                      const char *key);
/* Creates or replaces; copies 'document'.  uid and creationTimestamp are
 * made at creation unless given; a replaced object keeps its own, and its
 * status unless 'document' has one. */
void apiserver_put(struct apiserver *, enum kube_kind, json_t *document);
bool apiserver_delete(struct apiserver *, enum kube_kind, const char *key);
/* Replaces status.loadBalancer.ingress; what changes nothing makes no new
 * version. */
void apiserver_set_addresses(struct apiserver *, const char *ingress_key,
                             json_t *addresses);

/* Who wants to watch from before now must list; open watches go on. */
void apiserver_compact(struct apiserver *);
/* The same, and the memory is free; every watch must have been fed. */
void apiserver_forget(struct apiserver *);
/* As after a restore from an old backup: the same objects under new, low
 * versions. */
void apiserver_restore(struct apiserver *);

/* Is it in namespace 'ns' (NULL: any) and does it match the field selector
 * (NULL: any)?  'document' may be NULL. */
bool apiserver_matches(json_t *document, const char *ns,
                       const char *selector);
/* Everything that matches, in the order of keys; a new reference. */
json_t *apiserver_list(const struct apiserver *, enum kube_kind,
                       const char *ns, const char *selector);

#endif /* TESTS_REPLAY_APISERVER_H */
