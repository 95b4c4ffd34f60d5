/* judge_ask: what is said of whom auth-url asks.
 *
 * Pure over what it is given; any thread.
 */
#ifndef INGRESS_JUDGE_ASK_H
#define INGRESS_JUDGE_ASK_H

#include <stdbool.h>

#include "lib/base/compiler.h"
#include "lib/ingress/askurl.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/finding.h"

/* The Service that is asked. */
struct judge_ask {
    struct askurl url;
    const char *namespace;
    struct kube_backend backend;
    char *field;                /* That findings name. */
};

/* False where no Service is asked; judge_ask_fini() in either case. */
bool judge_ask_service(const struct model *, struct judge_ask *) MUST_USE;
void judge_ask_fini(struct judge_ask *);

/* Tells of a host that is no Service and that nobody may be asked at.  True
 * where it is one that DNS must know. */
bool judge_ask_host(const struct claims *, const struct model *,
                    struct findings *);
/* The name of that host, the caller's to free; NULL: there is none. */
char *judge_ask_name(const struct model *) MUST_USE;

/* The annotation, or where auth-url is the ConfigMap's, all of them; the
 * caller's to free. */
char *judge_ask_field(const struct model *) MUST_USE RETURNS_NONNULL;

#endif /* INGRESS_JUDGE_ASK_H */
