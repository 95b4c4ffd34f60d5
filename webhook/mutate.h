/* mutate: the one change we make to an Ingress.
 *
 * The legacy annotation kubernetes.io/ingress.class, where it names our
 * class and spec.ingressClassName is empty, moves there.  Only when an
 * IngressClass of that name is ours, too: otherwise the move would take the
 * Ingress away from us.  Applying it again changes nothing.  Pure.
 */
#ifndef WEBHOOK_MUTATE_H
#define WEBHOOK_MUTATE_H

#include "lib/base/compiler.h"
#include "webhook/snapshot.h"
#include "webhook/review.h"

/* A JSON Patch, the caller's to free; NULL where nothing is to change. */
char *mutate(const struct review *, const struct snapshot *) MUST_USE;

#endif /* WEBHOOK_MUTATE_H */
