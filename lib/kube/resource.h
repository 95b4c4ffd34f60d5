/* resource: where the API server keeps each kind.  Pure; any thread.
 *
 * Source: the resource paths of the Kubernetes API reference.
 */
#ifndef KUBE_RESOURCE_H
#define KUBE_RESOURCE_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"
#include "lib/kube/object.h"

bool resource_is_namespaced(enum kube_kind);
/* "networking.k8s.io/v1", "v1", ... */
const char *resource_api_version(enum kube_kind);

/* "/apis/networking.k8s.io/v1/namespaces/NS/ingresses/NAME", without the
 * parts that are NULL.  Names are escaped. */
char *resource_path(enum kube_kind, const char *ns, const char *name)
    MUST_USE RETURNS_NONNULL;

/* Appends 's' with everything escaped that means something in a URL. */
void resource_put_escaped(struct buf *, const char *s);

/* May 's' be the name (or namespace) of an object?  Lower-case letters,
 * digits, "-" and ".", at most 253: what fits into a path and a selector
 * without any escape. */
bool resource_name_ok(const char *s);

#endif /* KUBE_RESOURCE_H */
