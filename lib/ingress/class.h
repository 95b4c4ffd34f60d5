/* class: which Ingresses are ours.
 *
 * spec.ingressClassName names the IngressClass --ingress-class, and its
 * spec.controller is ours (so that several controllers of ours run side by
 * side with a class each); else the legacy annotation
 * kubernetes.io/ingress.class is --ingress-class; else, with neither, that
 * IngressClass is ours and the default, or --watch-ingress-without-class.
 * Empty values count as absent.  Files of Ingresses often come without the
 * IngressClass that a cluster has: with class_by_name one that is not there
 * is taken for ours if it has the name.  Pure.
 */
#ifndef INGRESS_CLASS_H
#define INGRESS_CLASS_H

#include <stdbool.h>

#include "lib/ingress/ruleset.h"
#include "lib/kube/object.h"

#define CLASS_LEGACY_ANNOTATION "kubernetes.io/ingress.class"

/* Answers IngressClass by name, NULL where there is none. */
typedef const struct kube_object *class_get_fn(const char *name, void *aux);

/* What an Ingress says of its class. */
struct class_wish {
    const char *name;           /* NULL: nothing. */
    bool is_legacy;             /* By the annotation. */
};

/* Borrowed from the object. */
struct class_wish class_wish(const struct kube_object *ingress);
bool class_is_granted(const struct class_wish *, const struct ruleset *,
                      class_get_fn *get, void *aux);

/* Both in one. */
bool class_is_ours(const struct kube_object *ingress, const struct ruleset *,
                   class_get_fn *get, void *aux);

#endif /* INGRESS_CLASS_H */
