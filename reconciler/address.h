/* address: which addresses an Ingress may be reached at.  Pure.
 *
 * From --publish-status-address, or from the Service of --publish-service as
 * its type says.  IP addresses and host names are never mixed: DNS cannot
 * hold both under one name, so IP addresses win.  The list is sorted and
 * without duplicates; texts are canonical.
 * Source: Service.status.loadBalancer, external-dns' ingress source.
 */
#ifndef RECONCILER_ADDRESS_H
#define RECONCILER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/vec.h"
#include "lib/kube/object.h"

#define ADDRESS_MAX 64

struct addresses {
    VEC(struct kube_address) items;     /* Own their texts. */
};

void addresses_fini(struct addresses *);

/* "192.0.2.1,2001:db8::1" or "lb.example.com". */
struct err *addresses_parse(const char *list, struct addresses *out) MUST_USE;
/* Of a Service; empty where it has none (yet). */
void addresses_of_service(const struct kube_service *,
                          struct addresses *out);

/* The same addresses, in whatever order 'items' has them. */
bool addresses_equal(const struct addresses *,
                     const struct kube_address *items, size_t n);
/* Every one of 'items' is among them. */
bool addresses_contain(const struct addresses *,
                       const struct kube_address *items, size_t n);

#endif /* RECONCILER_ADDRESS_H */
