/* endpoints: Service and EndpointSlices to the servers of a backend.  Pure.
 *
 * Ready endpoints serve; terminating ones that still serve are drained, not
 * cut, and serve again where nothing else is ready; duplicate addresses over
 * several slices count once; of two address families the Service's own is
 * used, the other where it has nothing ready.
 * Source: discovery.k8s.io/v1, Service.spec.ports.
 */
#ifndef RECONCILER_ENDPOINTS_H
#define RECONCILER_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "lib/base/vec.h"
#include "lib/kube/object.h"

/* A backend takes at most this many servers; the rest is left out. */
#define ENDPOINTS_MAX 4096

struct endpoints {
    VEC(struct plan_server) servers;    /* Sorted by address and port. */
};

/* Where an ExternalName is spoken to: its targetPort, where that is no name. */
int32_t endpoints_external_port(const struct kube_service_port *);

/* Fills 'out' (endpoints_fini() frees it).  'local' admits loopback and
 * link-local addresses, which no pod has: standalone mode only. */
void endpoints_resolve(const struct kube_service *,
                       const struct kube_service_port *,
                       const struct kube_object *const *slices,
                       size_t n_slices, bool local, struct endpoints *out);
void endpoints_fini(struct endpoints *);

/* An IP address that may be a server; '*family' gets its bytes (4, 16). */
bool endpoints_admits(const char *address, bool local, size_t *family);

#endif /* RECONCILER_ENDPOINTS_H */
