/* manifest_fields: members of an Ingress that no API server knows.
 *
 * kubectl asks for strict validation, so a misspelt field is refused there;
 * decode.h only passes it over.  Pure.
 * Source: networking.k8s.io/v1 of the Kubernetes API reference.
 */
#ifndef KUBE_MANIFEST_FIELDS_H
#define KUBE_MANIFEST_FIELDS_H

#include <jansson.h>

#include "lib/kube/object.h"

/* Calls 'each' with a message for every unknown field of 'document', in
 * order: unknown field "spec.rulez": did you mean "rules"? */
typedef void manifest_field_fn(const char *message, void *aux);
void manifest_fields_check(enum kube_kind, json_t *document,
                           manifest_field_fn *each, void *aux);

#endif /* KUBE_MANIFEST_FIELDS_H */
