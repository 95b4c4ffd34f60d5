/* asks: what is said of hosts that auth-url names and that are no Services.
 *
 * Pure over what it is given; one thread.
 */
#ifndef RECONCILER_ASKS_H
#define RECONCILER_ASKS_H

#include "lib/ingress/claims.h"
#include "lib/ingress/finding.h"
#include "reconciler/backends.h"

/* Tells of a host that nobody can be asked at. */
void asks_report(const struct backends *, const struct claims *,
                 const struct model *, struct findings *);

#endif /* RECONCILER_ASKS_H */
