/* globals: what the ConfigMap says for all requests, as one row of the plan.
 *
 * The row of the host "!", which no request can ask for, holds a policy that
 * the program reads for every request.  One thread.
 */
#ifndef RECONCILER_GLOBALS_H
#define RECONCILER_GLOBALS_H

#include "haproxy/plan.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/finding.h"
#include "lib/kube/cache.h"

/* Sets the row, or takes it away; what is wrong is told of 'configmap'
 * in new findings, in place of the old ones. */
void globals_set(struct plan *, const struct cache *, const struct defaults *,
                 const char *configmap, struct findings **);

#endif /* RECONCILER_GLOBALS_H */
