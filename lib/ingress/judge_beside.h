/* judge_beside: what is said of the Services that annotations name beside
 * those of paths: default-backend and mirror-target.
 *
 * Pure over what it is given; any thread.
 */
#ifndef INGRESS_JUDGE_BESIDE_H
#define INGRESS_JUDGE_BESIDE_H

#include "lib/ingress/finding.h"
#include "lib/ingress/model.h"
#include "lib/kube/cache.h"

/* Calls 'each' with the key "namespace/name" of each, with the annotation's
 * short name and what is not done without it, the end of a sentence. */
void judge_each_beside(const struct model *,
                       void (*each)(const char *service_key,
                                    const char *annotation,
                                    const char *otherwise, void *aux),
                       void *aux);

/* Tells of those that are not in 'cache', which has Services. */
void judge_beside(const struct model *, const struct cache *,
                  struct findings *);

#endif /* INGRESS_JUDGE_BESIDE_H */
