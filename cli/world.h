/* world: the objects of some files, judged as if they were applied in turn.
 *
 * What admission does with a cluster, lint does with files: Ingresses are
 * judged in the order of their age, where the files give it, else in the
 * order of the files, each against those before it; so of two that want the
 * same the later one is told.  Canaries come last, for their main Ingress
 * may stand behind them.
 *
 * Ours is what names --ingress-class, by spec or by the legacy annotation,
 * and what names no class at all.  Where the files hold an IngressClass of
 * that name it must be ours by its spec.controller.
 *
 * A Service or Secret that is missing is said only where the files hold
 * Services or Secrets of that namespace: files often are not all there is.
 */
#ifndef CLI_WORLD_H
#define CLI_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/compiler.h"
#include "lib/base/err.h"
#include "lib/ingress/finding.h"
#include "lib/ingress/ruleset.h"
#include "lib/kube/object.h"

struct world;

struct world *world_new(const struct ruleset *) MUST_USE RETURNS_NONNULL;
void world_free(struct world *);        /* Accepts NULL. */

/* From here on the IngressClass of the name counts as ours, whoever serves it
 * today; with 'is_cluster' the objects are all there is: a Service that is
 * missing is missing in every namespace (a Secret too, with
 * 'has_secrets'). */
void world_adopt(struct world *, bool is_cluster, bool has_secrets);

/* Takes a reference; manifests_each_fn, 'aux' is the world. */
void world_add(const struct kube_object *, void *aux);

/* All objects are there.  An error: the ConfigMap that the rules name, whose
 * keys are defaults of all Ingresses, is not. */
struct err *world_finish(struct world *) MUST_USE;

/* Calls 'each' for that ConfigMap and the Secret of the default certificate,
 * where the rules name them, then for every Ingress of ours, with what is to
 * be said of it.  The object is NULL where that Secret is missing. */
typedef void world_each_fn(const struct kube_object *,
                           const struct findings *, void *aux);
void world_judge(struct world *, world_each_fn *each, void *aux);

size_t world_count(const struct world *);       /* Ingresses at all. */

#endif /* CLI_WORLD_H */
