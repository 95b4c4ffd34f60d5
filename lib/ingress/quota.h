/* quota: how much one namespace may ask of the proxy.
 *
 * A cap stands for each thing that costs all others something: rows of
 * routes, regular expressions (tried one by one), certificates, and backends,
 * of paths and of who auth-url asks, each of which takes a slot of HAProxy.
 * The caps are the ruleset's; 0 is none.  Pure; any thread.
 */
#ifndef INGRESS_QUOTA_H
#define INGRESS_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/compiler.h"

enum quota_kind {
    QUOTA_ROUTES,
    QUOTA_REGEXES,
    QUOTA_CERTIFICATES,
    QUOTA_BACKENDS,
};
#define QUOTA_N 4

struct quota {
    uint64_t use[QUOTA_N];
};

struct model;
struct ruleset;

/* What one Ingress takes: of two paths with one Service each counts. */
struct quota quota_of(const struct model *);
void quota_add(struct quota *, const struct quota *);
void quota_subtract(struct quota *, const struct quota *);

/* The first cap that 'use' exceeds, QUOTA_N: none. */
enum quota_kind quota_exceeded(const struct quota *use,
                               const struct ruleset *);
/* "more than 10 routes (--namespace-max-routes)"; the caller's to free. */
char *quota_text(enum quota_kind, const struct ruleset *)
    MUST_USE RETURNS_NONNULL;

#endif /* INGRESS_QUOTA_H */
