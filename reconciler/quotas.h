/* quotas: which Ingresses are not served, because their namespace has too
 * many.
 *
 * A pure function of the models: within a namespace the oldest come first,
 * and whoever would exceed a cap (quota.h) is left out.  One thread.
 */
#ifndef RECONCILER_QUOTAS_H
#define RECONCILER_QUOTAS_H

#include <stdbool.h>

#include "lib/ingress/finding.h"
#include "lib/ingress/model.h"

struct quotas;

struct quotas *quotas_new(const struct ruleset *) MUST_USE RETURNS_NONNULL;
void quotas_free(struct quotas *);      /* Accepts NULL. */

/* Replaces the model of 'key' ("namespace/name"), NULL: none any more. */
void quotas_set(struct quotas *, const char *key, struct model *);
/* Decides anew where something changed, and tells each Ingress that is left
 * out now, or no more. */
typedef void quotas_fn(struct model *, bool is_out, void *aux);
void quotas_settle(struct quotas *, quotas_fn *each, void *aux);

/* All of one namespace, those that are left out as well. */
void quotas_each(const struct quotas *, const char *ns,
                 void (*each)(struct model *, void *aux), void *aux);

/* The model of one that is left out; NULL where it is not. */
const struct model *quotas_out(const struct quotas *, const char *key);
/* Tells why, of one that is left out. */
void quotas_report(const struct quotas *, const char *key,
                   struct findings *);

#endif /* RECONCILER_QUOTAS_H */
