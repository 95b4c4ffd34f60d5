/* headers: the headers that a ConfigMap lists, as a policy carries them.
 *
 * Pure over the cache; one thread.
 */
#ifndef RECONCILER_HEADERS_H
#define RECONCILER_HEADERS_H

#include "lib/base/compiler.h"
#include "lib/kube/cache.h"

/* The data of ConfigMap 'key' ("namespace/name") in the frame of
 * POLICY_HEADERS, without what is wrong and names that are not in 'allowed'
 * (with commas, NULL: any); NULL where nothing is left.  '*why' tells what is
 * wrong as a sentence, the caller's to free, or is NULL. */
char *headers_pack(const struct cache *, const char *key,
                   const char *allowed, char **why) MUST_USE;

struct defaults;
struct findings;
struct model;

/* Those that the Ingress's custom-headers names, NULL: none, or '*why'. */
char *headers_of_model(const struct cache *, const struct defaults *,
                       const struct model *, char **why) MUST_USE;

/* Those of auth-proxy-set-headers, NULL: none, or '*why'. */
char *headers_of_question(const struct cache *, const struct model *,
                          char **why) MUST_USE;

/* Tells what is wrong. */
void headers_report(const struct cache *, const struct defaults *,
                    const struct model *, struct findings *);

/* Tells of a limit-rate that HAProxy cannot keep. */
void headers_report_rates(bool lacks_rates, const struct model *,
                          struct findings *);

/* "namespace/name" of that ConfigMap; NULL: none.  The caller's to free. */
char *headers_key(const struct model *) MUST_USE;

#endif /* RECONCILER_HEADERS_H */
