/* engine: the objects of the cluster in, the plan and the findings out.
 *
 * engine_run() takes what changed in the cache and recomputes what depends
 * on it: models, claims, hosts, servers, certificates.  Everything it
 * decides is a function of the objects in the cache, so that an engine fed
 * change by change equals one started on the same objects (the replay tests
 * compare the two after every step).  It does no I/O and reads no clock.
 * One thread.
 */
#ifndef RECONCILER_ENGINE_H
#define RECONCILER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "lib/base/metrics.h"
#include "lib/base/x509.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/cert.h"
#include "lib/ingress/finding.h"
#include "lib/ingress/ruleset.h"
#include "lib/kube/cache.h"
#include "reconciler/asks.h"
#include "reconciler/users.h"

struct engine;

struct engine_options {
    const struct ruleset *ruleset;          /* All borrowed. */
    const char *default_backend_service;    /* "namespace/name" or NULL. */
    const char *fallback_pem;       /* Where no default certificate is. */
    users_known_fn *secret_known;   /* users.h; NULL: always. */
    void *secret_known_aux;
    bool local_endpoints;           /* Loopback endpoints: standalone. */
    struct metrics *metrics;        /* NULL: none. */
};

/* 'cache' outlives it; its changes are the engine's to take. */
struct engine *engine_new(const struct engine_options *, struct cache *)
    MUST_USE RETURNS_NONNULL;
void engine_free(struct engine *);

/* The time, seconds since 1970: what is said of certificates depends on it.
 * Before the first run, and as it goes on. */
void engine_tick(struct engine *, int64_t now_s);

/* Whether HAProxy honours limit-rate; where it does not, each Ingress that
 * asks for it is told. */
void engine_set_rates(struct engine *, bool has_rates);

/* Groups (users.h) of whose passwords too many wait, sorted; their Ingresses
 * are told. */
void engine_set_crowded(struct engine *, const char *const *groups, size_t n);

/* Whether any Ingress has a service asked (auth-url), and which of these give
 * no verdict; who asks them is told. */
bool engine_asks(const struct engine *);
void engine_set_failing(struct engine *, const struct asks_failure *,
                        size_t n);

/* Takes all changes.  Returns false where there were none. */
bool engine_run(struct engine *);

struct plan *engine_plan(const struct engine *);

/* The Ingresses whose findings or holdings may have changed since the last
 * call, sorted, NULL-terminated; the caller frees each and the array. */
char **engine_take_touched(struct engine *) MUST_USE RETURNS_NONNULL;

/* The tables for sallyport-auth. */
struct users *engine_users(const struct engine *);

/* The same of TLS Secrets, whether in use or not. */
char **engine_take_secrets(struct engine *) MUST_USE RETURNS_NONNULL;
/* What is known of a TLS Secret: as cert_source's get(). */
const struct cert_facts *engine_cert_facts(const struct engine *,
                                           const char *key,
                                           struct cert_facts *room);

/* Is a Secret in use that no TLS Secret of the cache is?  Then what type
 * there is of that name can be told; NULL: none. */
bool engine_lacks_secret(const struct engine *, const char *key);
void engine_set_secret_type(struct engine *, const char *key,
                            const char *type);

/* The certificates that are served: keys of Secrets of which another one is,
 * or none, since the last call; the caller frees each and the array. */
char **engine_take_served(struct engine *) MUST_USE RETURNS_NONNULL;
/* Reads the one of a Secret anew, the caller's to release; false: none is. */
bool engine_served(const struct engine *, const char *key,
                   struct x509_pair *out) MUST_USE;
void engine_each_served(const struct engine *,
                        void (*each)(const char *key, void *aux), void *aux);
/* What goes with it (certs.h). */
void engine_staple(struct engine *, const char *key, const char *fingerprint,
                   const char *block, const char *said);
/* The same, of what goes with it already. */
void engine_say_of_staple(struct engine *, const char *key,
                          const char *fingerprint, const char *said);

/* What the ConfigMap says under a key that is no default (defaults.h). */
const struct annot_value *engine_global(const struct engine *,
                                        enum annot_global);

/* The key under which the ConfigMap is touched and has findings; it is no
 * Ingress's. */
#define ENGINE_CONFIGMAP "ConfigMap"
/* The same of the Secret of the default certificate. */
#define ENGINE_DEFAULT_CERTIFICATE "Secret"
/* One of our Ingresses, the ConfigMap or that Secret; NULL where there is none
 * (any more). */
const struct kube_object *engine_subject(const struct engine *,
                                         const char *key);
/* The last good values of the ConfigMap, and what it was told of Secrets, a
 * fresh engine cannot know: takes them over.  Before the first run. */
void engine_inherit(struct engine *, const struct engine *from);

/* One of our Ingresses, NULL where 'key' is none (any more). */
const struct kube_object *engine_ingress(const struct engine *,
                                         const char *key);
/* Does one of our Ingresses in the namespace claim the host ('key' NULL), or
 * this route key on it? */
bool engine_is_backed(const struct engine *, const char *ns,
                      const char *host, const char *key);
/* Hosts that serve at least one of its routes. */
size_t engine_n_hosts(const struct engine *, const char *key);
/* Everything it has is in the plan of this generation. */
uint64_t engine_generation(const struct engine *, const char *key);
/* Everything to say about it now: its own findings, claims it lost, missing
 * objects, bad certificates. */
void engine_findings(const struct engine *, const char *key,
                     struct findings *out);
/* What is served now, for "sallyport routes" (report.h). */
void engine_report(const struct engine *, uint64_t confirmed,
                   struct buf *out);
/* Keys of all our Ingresses in order; the array is the caller's to free,
 * the keys are borrowed. */
const char **engine_ingresses(const struct engine *, size_t *n)
    MUST_USE RETURNS_NONNULL;

/* Objects to follow beside the watches (refs.h), where they are others than at
 * the last call. */
typedef void engine_follow_fn(void *aux, const char *const *names, size_t n);
void engine_follow(struct engine *, engine_follow_fn *, void *aux);

/* External names to resolve, and their addresses (backends.h). */
char **engine_external_names(const struct engine *, size_t *n) MUST_USE;
void engine_resolved(struct engine *, const char *host,
                     const char *const *addresses, size_t n);

/* Earliest expiry of a certificate in use, seconds since 1970; 0: none. */
int64_t engine_first_expiry(const struct engine *);

#endif /* RECONCILER_ENGINE_H */
