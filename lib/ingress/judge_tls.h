/* judge_tls: what is said of ciphers and versions that do not count.
 *
 * They are a connection's, and so the host's: of several Ingresses the first
 * that says anything counts (serve.h).  Whoever says otherwise hears who it
 * is.  Pure.
 */
#ifndef INGRESS_JUDGE_TLS_H
#define INGRESS_JUDGE_TLS_H

#include "lib/ingress/claims.h"

/* A warning per host and annotation of 'm' that another Ingress says
 * otherwise; 'm' need not be in the index, or be the version that is. */
void judge_tls_hosts(const struct claims *, const struct model *,
                     struct findings *out);
/* Where the controller speaks TLS 1.3 alone (--tls-profile modern): a warning
 * per annotation that asks for something else. */
void judge_tls_modern(const struct model *, struct findings *out);
/* The same of the controller's ConfigMap, the ruleset's. */
void judge_tls_modern_defaults(const struct ruleset *, struct findings *out);

#endif /* INGRESS_JUDGE_TLS_H */
