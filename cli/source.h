/* source: the objects a command looks at, from files or from a cluster.
 *
 * "--manifests DIR" reads files; else the cluster of --kubeconfig, of the
 * environment's KUBECONFIG, of ~/.kube/config, or the one we run in.  Secrets
 * of a cluster are read only where the command is told to: most people who
 * may look at Ingresses may not look at those.  The controller's ConfigMap is
 * read where the rules name it.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/flags.h"
#include "lib/ingress/ruleset.h"
#include "lib/kube/cache.h"
#include "lib/kube/manifests.h"

struct source {
    const char *kubeconfig;
    const char *manifests;
    bool secrets;
};

/* Writes the rows of the flags into 'out' and returns how many. */
#define SOURCE_MAX_FLAGS 3
size_t source_flags(struct source *, struct flag *out);
/* Fails where one of them would count for nothing. */
struct err *source_check(const struct source *) MUST_USE;

/* Calls 'each' with every object, borrowed.  What files have wrong is added
 * to 'problems'; an error is a cluster that does not answer. */
struct err *source_read(const struct source *, const struct ruleset *,
                        manifests_each_fn *each, void *aux,
                        struct manifests_problems *problems) MUST_USE;

/* The ConfigMap of --configmap among what was read, borrowed; NULL where the
 * flag was not given.  An error: it is not there. */
struct err *source_find_configmap(const struct ruleset *,
                                  const struct cache *, bool is_cluster,
                                  const struct kube_object **out) MUST_USE;

#endif /* CLI_SOURCE_H */
