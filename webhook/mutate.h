/* mutate: the changes we make to an Ingress of ours.
 *
 * The legacy annotation kubernetes.io/ingress.class, where it names our
 * class and spec.ingressClassName is empty, moves there.  Only when an
 * IngressClass of that name is ours, too: otherwise the move would take the
 * Ingress away from us.
 *
 * By flags: hosts of rules and TLS sections become lower case and lose one
 * trailing dot; a new Ingress gets the annotations that its Namespace has
 * for those that it does not set itself (nsdefaults.h).  Only a new one, for
 * what an administrator says today must not break the next label of an old
 * one.
 *
 * No operation changes nothing, and applying a patch again changes nothing.
 * Pure.
 */
#ifndef WEBHOOK_MUTATE_H
#define WEBHOOK_MUTATE_H

#include <stdbool.h>

#include "lib/base/compiler.h"
#include "lib/ingress/finding.h"
#include "webhook/review.h"
#include "webhook/snapshot.h"

struct mutate_options {
    bool hosts;
    bool namespace_defaults;
};

/* A JSON Patch, the caller's to free; NULL where nothing is to change.
 * Warnings go to 'out'. */
char *mutate(const struct review *, const struct snapshot *,
             const struct mutate_options *, struct findings *out) MUST_USE;

#endif /* WEBHOOK_MUTATE_H */
