/* scene: some objects as a controller would serve them.
 *
 * Unlike a world, which judges objects as if they were applied, a scene takes
 * them as they are: who is served is what claims say at run time.
 */
#ifndef CLI_SCENE_H
#define CLI_SCENE_H

#include <stdbool.h>

#include "lib/base/compiler.h"
#include "lib/base/err.h"
#include "lib/ingress/lookup.h"
#include "lib/ingress/ruleset.h"
#include "lib/kube/object.h"

struct scene;

struct scene *scene_new(const struct ruleset *) MUST_USE RETURNS_NONNULL;
void scene_free(struct scene *);        /* Accepts NULL. */

/* Takes a reference; manifests_each_fn, 'aux' is the scene. */
void scene_add(const struct kube_object *, void *aux);
/* All objects are there.  An error: the ConfigMap that the rules name, whose
 * keys are defaults of all Ingresses, is not among them; what is wrong in it is
 * not told here. */
struct err *scene_finish(struct scene *, bool is_cluster) MUST_USE;

/* For lookup(); after scene_finish(), dies with the scene. */
struct lookup_world scene_world(struct scene *);

/* "" where the Service is there with that port, or where no Service of its
 * namespace is known; else what is wrong.  Static text. */
const char *scene_backend_problem(const struct scene *, const char *ns,
                                  const struct kube_backend *);

#endif /* CLI_SCENE_H */
