/* issuer: the certificates of our own webhook, kept valid.
 *
 * A state machine without I/O; issuing.h puts it on a client.  It knows four
 * objects: the Secret of our CA, the Secret with the certificate that the
 * webhook mounts, and the two webhook configurations whose caBundle tells the
 * API server whom to trust.  It says which request is due and is told the
 * answer.  What it does next is decided from the objects alone, so that a
 * new leader, or a second one by mistake, goes on where the last one was;
 * every write names the version it was decided on, and a conflict means to
 * read again.
 *
 * Renewal overlaps.  At two thirds of its life a CA gets a successor behind
 * it in the bundle, whose old keys are gone; the bundle is written into the
 * configurations; once it has been there for 'overlap_ms' the certificate is
 * issued anew by the successor; and six times as long after that the old CA
 * leaves the bundle.  At no moment is a certificate served that the API
 * server does not trust.  The CA of a certificate that was made by others is
 * taken over in the same way, from the caBundle in which it stands.
 *
 * What is wrong (no Secret, a key that does not fit, a name missing, a time
 * that is over or not yet come) is made new at once.
 *
 * Ownership: copies its specification.  Threads: one.  Times: monotonic
 * milliseconds for waits, wall clock seconds for validity.
 */
#ifndef RECONCILER_ISSUER_H
#define RECONCILER_ISSUER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"
#include "lib/kube/http.h"

struct issuer;

enum issuer_object {
    ISSUER_CA,
    ISSUER_LEAF,
    ISSUER_VALIDATING,
    ISSUER_MUTATING,
};
#define ISSUER_N_OBJECTS 4

struct issuer_spec {
    const char *ns;             /* Of Secrets and Service. */
    const char *service;
    const char *names;          /* "a,b" instead of the Service's; or NULL. */
    const char *ca_secret;
    const char *leaf_secret;
    const char *configuration;  /* Of both kinds. */
    int64_t overlap_ms;
};

struct issuer_request {
    enum issuer_object object;
    enum http_method method;
    const char *content_type;   /* Static; NULL: no body. */
    char *path;                 /* The caller's to free, as the body is. */
    char *body;                 /* Holds keys: wipe it. */
};

struct issuer *issuer_new(const struct issuer_spec *)
    MUST_USE RETURNS_NONNULL;
void issuer_free(struct issuer *);      /* Accepts NULL. */

/* Is a request due?  Then it counts as sent until issuer_done().  Who does
 * not lead asks for nothing and forgets what was read. */
bool issuer_start(struct issuer *, bool is_leader, int64_t now_ms,
                  int64_t wall_s, struct issuer_request *out);
void issuer_done(struct issuer *, const struct http_response *,
                 int64_t now_ms, uint32_t random);
/* Somebody changed the object: it is read again. */
void issuer_ring(struct issuer *, enum issuer_object);
/* When something may be due without a ring; INT64_MAX: not before one. */
int64_t issuer_due_ms(const struct issuer *);

/* What the last failed request said, for a log line; the caller's to free,
 * NULL: nothing new. */
char *issuer_take_complaint(struct issuer *) MUST_USE;

/* When the certificate in the Secret ends, in seconds since 1970; 0: not
 * known. */
int64_t issuer_not_after(const struct issuer *);
/* "Secret ns/name", ...: for the log. */
const char *issuer_object_text(const struct issuer *, enum issuer_object);
/* The path that is watched to know when to ring; the caller's to free. */
char *issuer_watch_path(const struct issuer *, enum issuer_object)
    MUST_USE RETURNS_NONNULL;

#endif /* RECONCILER_ISSUER_H */
