/* decode: JSON of the API server, or of a manifest, to struct kube_object.
 *
 * Unknown fields are tolerated, wrong types are errors with their JSON path,
 * counts and lengths are capped (KUBE_MAX_*).  Pure; any thread.
 */
#ifndef KUBE_DECODE_H
#define KUBE_DECODE_H

#include <jansson.h>

#include "lib/base/err.h"
#include "lib/kube/object.h"

#define KUBE_MAX_ITEMS 10000        /* Rules, paths, endpoints, ... each. */
#define KUBE_MAX_OBJECT ((size_t) 8 << 20)

/* Decodes one object of 'kind'.  '*out' has one reference, the caller's.
 * 'source' (may be NULL) is kept as the object's source.  The document's own
 * "kind", where present, must be that kind. */
struct err *kube_decode(enum kube_kind kind, json_t *document,
                        const char *source,
                        const struct kube_object **out) MUST_USE;

/* The same of an object that does not stay for long: it is read once, and
 * takes up to a few KB more.  Not for Secrets. */
struct err *kube_decode_brief(enum kube_kind kind, json_t *document,
                              const struct kube_object **out) MUST_USE;

#endif /* KUBE_DECODE_H */
