/* unowned: what of an Ingress nobody has yet.
 *
 * Two webhook replicas that see the same snapshot would both give an unowned
 * host or key away.  This lists exactly those, so that they, and nothing
 * else, are settled between the replicas (docs/internals/claims.md, "Across
 * replicas").  Pure; readers under the lock of whoever shares the index.
 */
#ifndef INGRESS_UNOWNED_H
#define INGRESS_UNOWNED_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ingress/claims.h"

/* Borrowed from the model. */
struct unowned {
    const char *host;           /* Canonical. */
    const struct route *route;  /* NULL: the host itself. */
    const char *field;          /* Where the model asks for it. */
    /* Of a host: how the model routes it.  Neither: a canary, or a TLS entry
     * alone. */
    bool is_passthrough;
    bool is_routed;
};

/* Under the host policy: hosts that no Ingress claims, and keys that none
 * but canaries claim.  Who is kept out of a host by an administrator owns
 * nothing there, nor does 'candidate' ask for it where it is kept out itself.
 * What 'candidate' has in the index is owned.
 * The array is the caller's to free; NULL where there are none. */
struct unowned *unowned_list(const struct claims *,
                             const struct model *candidate, size_t *n)
    MUST_USE;

/* Does the model claim this host ('key' NULL), or this key and is no canary? */
bool unowned_is_claim_of(const struct model *, const char *host,
                         const char *key);
/* Does any Ingress of the namespace, in the index, do so? */
bool unowned_is_backed(const struct claims *, const char *ns,
                       const char *host, const char *key);
/* Does an administrator keep the namespace from 'host'? */
bool unowned_is_out(const struct claims *, const char *ns, const char *host);

#endif /* INGRESS_UNOWNED_H */
