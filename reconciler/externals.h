/* externals: what is said of ExternalName Services whose name DNS does not
 * know: they have no endpoints that would be missed. */
#ifndef RECONCILER_EXTERNALS_H
#define RECONCILER_EXTERNALS_H

#include "lib/ingress/finding.h"
#include "lib/ingress/model.h"
#include "lib/kube/cache.h"
#include "reconciler/backends.h"

/* Adds what there is to say to this Ingress. */
void externals_report(const struct cache *, const struct backends *,
                      const struct model *, struct findings *);

#endif /* RECONCILER_EXTERNALS_H */
