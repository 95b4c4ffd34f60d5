/* refs: which Ingresses name an object, so that its change finds them.
 *
 * An index from "Service default/alpha" or "Secret default/tls" to the keys
 * of the Ingresses whose routes or TLS sections name it.  One thread.
 */
#ifndef RECONCILER_REFS_H
#define RECONCILER_REFS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"
#include "lib/ingress/model.h"

struct refs;

struct refs *refs_new(void) MUST_USE RETURNS_NONNULL;
void refs_free(struct refs *);

/* The objects ("Secret default/ca", sorted) that annotations name and that no
 * watch may cover.  False where they are the same as at the last call, and
 * then nothing is set; the array is the caller's to free, the names are
 * borrowed. */
bool refs_take_followed(struct refs *, const char ***names, size_t *n);

/* An Ingress names what 'new' does and no more what 'old' does; NULL: there
 * is, or was, none.  'new' must stay until it is the 'old' of a call. */
void refs_change(struct refs *, const struct model *old,
                 const struct model *new);

/* Calls 'each' with the keys of the Ingresses that name the object. */
void refs_each(const struct refs *, enum kube_kind, const char *key,
               void (*each)(const char *ingress_key, void *aux), void *aux);
/* The same of those whose auth-url names the host. */
void refs_each_host(const struct refs *, const char *host,
                    void (*each)(const char *ingress_key, void *aux),
                    void *aux);

#endif /* RECONCILER_REFS_H */
