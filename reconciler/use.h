/* use: the backends that a route names beside its own.
 *
 * Ownership: a use owns its texts; use_fini() accepts one that was not
 * filled.  Pure; any thread.
 */
#ifndef RECONCILER_USE_H
#define RECONCILER_USE_H

#include "lib/ingress/model.h"
#include "reconciler/backends.h"

struct use {
    struct backend_use backend;
    char *namespace;
    char *service;
    char *host;
};

/* Who answers where nobody else does: the Ingress's own, or 'ours'
 * ("namespace/name" or NULL).  False where the policy asks for nobody. */
bool use_fallback(const struct model *, const struct policy *,
                  const char *ours, struct use *out) MUST_USE;
/* Who gets copies. */
bool use_copy(const struct model *, const struct policy *, struct use *out)
    MUST_USE;
/* Who is asked whether a request may pass, unless that is only for the routes
 * to say. */
bool use_ask(const struct model *, const struct policy *, struct use *out)
    MUST_USE;
void use_fini(struct use *);

#endif /* RECONCILER_USE_H */
