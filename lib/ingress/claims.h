/* claims: which Ingress owns which host and path.  The one conflict rule.
 *
 * The webhook asks claims_judge() before an object is admitted: whoever asks
 * for what another already has is refused, by the host policy.  The
 * reconciler asks claims_host() who is served: a pure function of the
 * objects (oldest creationTimestamp first, ties by the greater
 * "namespace/name", as ingress-nginx has it), so that every replica, restart
 * and recompute agrees.  What exists is served by path unless
 * ruleset.enforce_host_policy applies the policy at run time too.
 * docs/internals/claims.md tells the whole rule.
 *
 * Cost: set, remove and judge follow the claims of the one Ingress (and the
 * logarithm of those on its hosts), not the cluster; only a claim on a
 * wildcard walks the hosts it covers, once.
 *
 * Ownership: the index holds references to models.  Not locked: one writer;
 * readers under the lock of whoever shares it.
 */
#ifndef INGRESS_CLAIMS_H
#define INGRESS_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/ingress/model.h"
#include "lib/ingress/quota.h"

struct claims;

struct claims *claims_new(const struct ruleset *) MUST_USE RETURNS_NONNULL;
void claims_free(struct claims *);

/* Adds an Ingress, or replaces what is there under the same key.  Takes a
 * reference.  One that is being deleted is kept out (it owns nothing). */
void claims_set(struct claims *, struct model *);
void claims_remove(struct claims *, const char *ingress_key);
/* The same of a model that is in the index. */
void claims_drop(struct claims *, struct model *);
/* A namespace that is being deleted owns nothing; 'is_deleting' false takes
 * that back. */
void claims_set_namespace(struct claims *, const char *ns, bool is_deleting);

/* The value of a Namespace's annotation PINS_ALLOWED_HOSTS, NULL: it has
 * none.  Nothing happens unless ruleset.namespace_allowed_hosts. */
void claims_set_allowed_hosts(struct claims *, const char *ns,
                              const char *hosts);
/* The value of PINS_KEY in the ConfigMap, NULL: it has none.  The error tells
 * of a bad line; the others count all the same.  Where the text is the one
 * of before, nothing happens. */
struct err *claims_set_host_owners(struct claims *, const char *lines)
    MUST_USE;

struct model *claims_get(const struct claims *, const char *ingress_key);
/* Calls 'each' with the keys of the Ingresses that name 'ingress_key' as the
 * one they take over from, whether they may or not. */
void claims_each_taker(const struct claims *, const char *ingress_key,
                       void (*each)(const char *key, void *aux), void *aux);
size_t claims_count(const struct claims *);
/* Calls 'each' for all models, in the order of their keys. */
void claims_each(const struct claims *,
                 void (*each)(struct model *, void *aux), void *aux);

/* The first cap that the namespace of 'm' exceeds with 'm' in place of what
 * it was, QUOTA_N: none. */
enum quota_kind claims_quota_exceeded(const struct claims *,
                                      const struct model *m);

/* Hosts whose holders may have changed since the last call (sorted, "" among
 * them where rules without host changed); the caller frees each and the
 * array.  Includes the wildcard or exact siblings that the policy ties to a
 * changed host. */
char **claims_take_dirty(struct claims *, size_t *n) MUST_USE;
/* For an index of which nobody will ask that. */
void claims_forget_dirty(struct claims *);

/* One claim on a host and its fate.  Exactly one of route and tls is set. */
struct claim {
    const struct model *model;
    const struct route *route;
    const struct model_tls *tls;
    bool holds;
    /* Where it lost: to whom.  NULL where an administrator keeps it out. */
    const struct model *winner;
};

/* All claims on 'host' (routes, passthrough, TLS) in winning order: oldest
 * Ingress first, each Ingress's own order inside; NULL where there are none.
 * The array is the caller's to free; what it points to is borrowed.  A route
 * whose twin has the same key and an identical backend in the same namespace
 * holds beside it: the first of them is the row.  So do TLS entries that
 * name the same Secret.  Routes of a canary never hold; their winner is the
 * main Ingress, or NULL.  TLS entries without hosts claim none. */
struct claim *claims_host(const struct claims *, const char *host,
                          size_t *n) MUST_USE;

/* Like claims_judge() below, for an index that holds only what was admitted a
 * moment ago: a host that somebody has in 'known' (NULL: nobody has one) is
 * settled there already, and what is in here came in beside its owner. */
void claims_judge_recent(const struct claims *, const struct claims *known,
                         const struct model *candidate,
                         struct findings *out);

/* What admission says of 'candidate', new or changed, against all others:
 * one error finding (FINDING_OWNERSHIP) per claim that another has; a warning
 * where only another certificate will be served, or the policy is "none".
 * What the candidate's indexed version has and holds is not new.  A finding
 * names the claim, so that one more claim is one more finding to the ratchet
 * (judge.h).  The index is not changed.  Contains ingress-nginx's own sentence
 * 'host "H" and path "P" is already defined in ingress NS/NAME' where it
 * applies. */
void claims_judge(const struct claims *, const struct model *candidate,
                  struct findings *out);

/* The same words for what runs: a finding per claim of this Ingress that is
 * lost at run time (an error; a warning where another certificate is served),
 * and a warning per host that it has only because it had it before the policy
 * came.  'model' is the one in the index. */
void claims_report(const struct claims *, const struct model *,
                   struct findings *out);

#endif /* INGRESS_CLAIMS_H */
