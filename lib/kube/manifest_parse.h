/* manifest_parse: the text of one manifest file to objects and problems.
 * Pure.  The rules stand in manifests.h.
 */
#ifndef KUBE_MANIFEST_PARSE_H
#define KUBE_MANIFEST_PARSE_H

#include "lib/base/vec.h"
#include "lib/kube/manifests.h"
#include "lib/kube/object.h"

struct manifest_objects {
    VEC(const struct kube_object *) all;    /* One reference each. */
};
void manifest_objects_fini(struct manifest_objects *);

/* Appends the objects in 'text' to 'out', and what is wrong to 'problems'. */
void manifest_parse(const char *file, const char *text, size_t size,
                    struct manifest_objects *out,
                    struct manifests_problems *problems);

/* Appends a problem; 'object' may be NULL; everything is copied. */
void manifest_problem(struct manifests_problems *, const char *file,
                      unsigned line, const char *object, const char *fmt,
                      ...) PRINTF(5, 6);

/* "Ingress default/a", the caller's to free. */
char *manifest_label(const struct kube_object *) MUST_USE RETURNS_NONNULL;

/* The line in an object's source, 0 where there is none. */
unsigned manifest_line(const struct kube_object *);

#endif /* KUBE_MANIFEST_PARSE_H */
