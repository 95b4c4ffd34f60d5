/* kubeconfig: the current context of a kubeconfig file as a credset.
 *
 * What we do not do (exec, auth-provider, impersonation) is an error, never
 * a silent fall back to fewer or other rights.
 * Source: the kubeconfig v1 reference (client-go's clientcmd).
 */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

#include "lib/base/err.h"

struct credset;

/* Fills 'out', which is empty before.  After an error it is to be thrown
 * away with credset_fini(). */
struct err *kubeconfig_read(const char *path, struct credset *out) MUST_USE;

#endif /* KUBE_KUBECONFIG_H */
