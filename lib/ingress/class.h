/* class: which Ingresses are ours.
 *
 * spec.ingressClassName names an IngressClass whose spec.controller is ours
 * and, when several of our controllers run side by side, whose name is
 * --ingress-class; else the legacy annotation kubernetes.io/ingress.class;
 * else, with neither, the default IngressClass if it is ours, or
 * --watch-ingress-without-class.  Pure.
 */
#ifndef INGRESS_CLASS_H
#define INGRESS_CLASS_H

#include <stdbool.h>

#include "lib/ingress/ruleset.h"
#include "lib/kube/object.h"

#define CLASS_LEGACY_ANNOTATION "kubernetes.io/ingress.class"

/* Answers IngressClass by name, NULL where there is none. */
typedef const struct kube_object *class_get_fn(const char *name, void *aux);

bool class_is_ours(const struct kube_object *ingress, const struct ruleset *,
                   class_get_fn *get, void *aux);

#endif /* INGRESS_CLASS_H */
