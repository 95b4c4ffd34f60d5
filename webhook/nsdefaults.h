/* nsdefaults: annotations that an administrator gives to all new Ingresses of
 * a namespace.
 *
 * They stand in the Namespace's annotation sallyport.dev/default-annotations,
 * as a JSON object or as lines "name: value" (or "name=value"; "#" begins a
 * comment), with names under nginx.ingress.kubernetes.io/ or sallyport.dev/,
 * or short ones, which mean the former.  What cannot be used is left out and
 * told.  Pure.
 */
#ifndef WEBHOOK_NSDEFAULTS_H
#define WEBHOOK_NSDEFAULTS_H

#include <stddef.h>

#include "lib/ingress/finding.h"
#include "lib/kube/object.h"

#define NSDEFAULTS_ANNOTATION "sallyport.dev/default-annotations"
#define NSDEFAULTS_MAX 64
#define NSDEFAULTS_MAX_VALUE ((size_t) 4096)

struct nsdefaults {
    char *names[NSDEFAULTS_MAX];      /* Whole names, each once. */
    char *values[NSDEFAULTS_MAX];
    size_t n;
};

/* What the Namespace says; warnings about it go to 'out'. */
void nsdefaults_read(const struct kube_object *ns, struct nsdefaults *,
                   struct findings *out);
void nsdefaults_fini(struct nsdefaults *);

#endif /* WEBHOOK_NSDEFAULTS_H */
