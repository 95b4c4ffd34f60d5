/* effects: what the reconciler does to the API server, behind one table.
 *
 * The real one writes through lib/kube (effects_kube.c); standalone mode
 * logs; the replay tests record.  All calls return at once; the outcome of a
 * status write comes back through publisher_done().
 */
#ifndef RECONCILER_EFFECTS_H
#define RECONCILER_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/kube/object.h"

struct effects {
    void *aux;
    /* Sets status.loadBalancer.ingress of exactly this object (its uid). */
    void (*patch_status)(void *aux, const struct kube_object *ingress,
                         const struct kube_address *addresses, size_t n);
    /* Tells the object's owner; 'note' is one line. */
    void (*event)(void *aux, const struct kube_object *regarding,
                  bool is_warning, const char *reason, const char *note);
};

#endif /* RECONCILER_EFFECTS_H */
