/* client: the API server and the cache, kept together.
 *
 * Composes credentials, requests and reflectors: one watch per kind (and
 * namespace), single objects followed beside them, and requests of writers.
 * A 401 makes it read the credentials again and, where they changed, send the
 * request once more; whoever asked does not notice.  Where nothing was heard
 * for half a minute it sends a small request (GET /livez) to learn whether
 * the connection still lives; while it does not, every five seconds, and all
 * streams go on as soon as one request was answered.
 *
 * Say first what is to be watched, then what is to be followed.
 *
 * Ownership: takes the credentials, borrows the cache, copies all text.
 * Threads: one; nothing blocks.  Times are monotonic milliseconds.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/waits.h"
#include "lib/kube/http.h"
#include "lib/kube/object.h"

struct cache;
struct creds;
struct kube_call;
struct kube_client;

/* The credentials may be NULL where a test links another http.c.
 * Sets the cache to expect no list of any kind until it is watched. */
struct kube_client *kube_client_new(struct creds *, struct cache *)
    MUST_USE RETURNS_NONNULL;
void kube_client_free(struct kube_client *);    /* Accepts NULL. */

void kube_client_run(struct kube_client *, int64_t now_ms);
/* Requests leave now, not with the next run: at the end of a turn. */
void kube_client_flush(struct kube_client *);
void kube_client_wait(struct kube_client *, struct waits *);

/* Keeps a kind in the cache: in namespace 'ns' or in all (NULL); 'selector'
 * is one field selector "field=value" or NULL. */
void kube_client_watch(struct kube_client *, enum kube_kind, const char *ns,
                       const char *selector);

/* Keeps one object in the cache that no watch covers, for instance a Secret
 * of another type than the watched one, or a Service of another namespace.
 * Counted: as many kube_client_unfollow() end it, and the object leaves the
 * cache.  Where a watch covers it nothing more is done.  ERR_INVALID: no
 * object can have such a key.  ERR_LIMIT: too many. */
struct err *kube_client_follow(struct kube_client *, enum kube_kind,
                               const char *key) MUST_USE;
void kube_client_unfollow(struct kube_client *, enum kube_kind,
                          const char *key);
/* Has the API server been asked for it, so that its absence means
 * something? */
bool kube_client_has_asked(const struct kube_client *, enum kube_kind,
                           const char *key);

/* Are all watched kinds and followed objects in the cache as they were
 * listed once? */
bool kube_client_is_synced(const struct kube_client *);

/* A request of one's own; as http_send(), but see above about 401.  The
 * handle dies when 'done' begins. */
struct kube_call *kube_client_request(struct kube_client *,
                                      const struct http_request *)
    RETURNS_NONNULL;
void kube_client_cancel(struct kube_call *);    /* Accepts NULL. */

/* 32 bits for jitter; a seed makes them the same on every run (tests). */
uint32_t kube_client_random(struct kube_client *);
void kube_client_seed(struct kube_client *, uint64_t seed);

/* For metrics: totals since the start. */
struct kube_client_counts {
    uint64_t lists;             /* Complete ones. */
    uint64_t relists;           /* Those that were not the first. */
    uint64_t watches;           /* Streams opened. */
    uint64_t failures;          /* Lists and watches that failed. */
    uint64_t events;            /* Objects that watches brought. */
    uint64_t bad_objects;       /* Left out: not decodable, too long. */
    uint64_t unauthorized;      /* Answers 401. */
    uint64_t failing;           /* Now: streams with failures in a row. */
};
struct kube_client_counts kube_client_counts(const struct kube_client *);

#endif /* KUBE_CLIENT_H */
