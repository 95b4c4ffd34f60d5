/* cert_wire: the facts of Secrets (cert.h) as they are published.
 *
 * A ConfigMap a shard, CERT_WIRE_SHARDS of them, a namespace always in the
 * same one.  Its data has a value a namespace: a line of JSON a Secret, in
 * the order of their names, so that one is found without reading the others.
 * CERT_WIRE_STATE is no name of a namespace and says that the shard is whole:
 * then a Secret without a line does not exist.  docs/internals/certificates.md
 * tells why so.
 *
 * Pure; any thread.
 */
#ifndef INGRESS_CERT_WIRE_H
#define INGRESS_CERT_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/ingress/cert.h"
#include "lib/kube/cache.h"

#define CERT_WIRE_SHARDS 16
#define CERT_WIRE_STATE "_state"
/* Whole, and with something left out. */
#define CERT_WIRE_WHOLE "{\"format\":1}"
#define CERT_WIRE_CUT "{\"format\":1,\"cut\":true}"
/* The last line of a namespace of which something was left out. */
#define CERT_WIRE_REST "{\"cut\":true}\n"
/* Bytes of the data of one ConfigMap (1 MiB is what the API server takes of
 * an object), and of one namespace in it. */
#define CERT_WIRE_MAX_SHARD ((size_t) 576 << 10)
#define CERT_WIRE_MAX_NAMESPACE ((size_t) 384 << 10)
/* Names in a line; of the others it says that there are. */
#define CERT_WIRE_MAX_NAMES 100

/* Which shard has a namespace. */
size_t cert_wire_shard(const char *ns);
/* The name of its ConfigMap, for Ingresses of 'class'; the caller's. */
char *cert_wire_name(const char *class, size_t shard) MUST_USE
    RETURNS_NONNULL;

/* Appends the line of the Secret 'name', with its line feed. */
void cert_wire_put(const char *name, const struct cert_facts *, struct buf *);

/* The facts of a Secret from the lines of its namespace (NULL: it has none)
 * in a shard whose state is given.  False: nothing is known. */
bool cert_wire_get(const char *lines, const char *state, const char *name,
                   struct cert_facts *out);

/* Where a judge looks for facts: into Secrets where the cache has them, else
 * into what is published in it, in the namespace 'ns' (NULL: nowhere). */
struct cert_cache {
    const struct cache *cache;
    const char *ns;
    const char *class;
};
struct cert_source cert_cache_source(struct cert_cache *);

#endif /* INGRESS_CERT_WIRE_H */
