/* catalog: what is published of TLS Secrets (lib/ingress/cert_wire.h).
 *
 * Keeps a line a Secret and says which ConfigMaps differ from it, and how
 * they should read.  Lines only: names, dates, verdicts.  No I/O, no clock.
 * One thread.
 */
#ifndef RECONCILER_CATALOG_H
#define RECONCILER_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ingress/cert.h"
#include "lib/kube/object.h"

struct catalog;

/* For Ingresses of 'class', in namespace 'ns'; both are copied. */
struct catalog *catalog_new(const char *ns, const char *class)
    MUST_USE RETURNS_NONNULL;
void catalog_free(struct catalog *);        /* Accepts NULL. */

/* Facts of the Secret "namespace/name"; NULL: there is nothing to say. */
void catalog_set(struct catalog *, const char *key,
                 const struct cert_facts *);
size_t catalog_count(const struct catalog *);
/* "namespace/name" of a shard's ConfigMap, borrowed. */
const char *catalog_key(const struct catalog *, size_t shard);

/* Does the shard read otherwise than 'there' (NULL: it does not exist)?
 * Cheap while neither has changed since the last answer. */
bool catalog_differs(struct catalog *, size_t shard,
                     const struct kube_object *there);
/* The ConfigMap as JSON, the caller's to free; 'there' is replaced, whose
 * version is the precondition.  '*size' gets its length. */
char *catalog_render(const struct catalog *, size_t shard,
                     const struct kube_object *there, size_t *size)
    MUST_USE RETURNS_NONNULL;

#endif /* RECONCILER_CATALOG_H */
