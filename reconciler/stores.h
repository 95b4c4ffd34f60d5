/* stores: what connections are verified with or made under, in the plan,
 * under names made of the text.
 *
 * HAProxy cannot replace an authority in its place without danger, and keeps
 * connections that were made under a certificate that is replaced.  So another
 * text is another name (plan.h), and other servers.  Several Secrets may hold
 * one text: users are counted.  One thread.
 */
#ifndef RECONCILER_STORES_H
#define RECONCILER_STORES_H

#include "haproxy/plan.h"

struct stores;

/* 'plan' outlives it. */
struct stores *stores_new(struct plan *) MUST_USE RETURNS_NONNULL;
void stores_free(struct stores *);

/* One more user of a text; its name is the caller's, to be given to
 * stores_release().  'prefix' is PLAN_CA, PLAN_CRL or PLAN_PAIR, 'text' as in
 * plan_set_cert(). */
char *stores_use(struct stores *, const char *prefix, const char *pem,
                 struct pem_text *text) MUST_USE RETURNS_NONNULL;
void stores_release(struct stores *, char *name);   /* Accepts NULL. */

#endif /* RECONCILER_STORES_H */
