/* review: AdmissionReview v1 as the API server sends it.
 *
 * Whoever reaches the port can send one, so nothing in it is believed: types
 * are checked, the identity of the object is its own metadata and must agree
 * with the request, counts and sizes are capped; a NUL byte, which JSON can
 * say and no text of ours can hold, spoils the object and not the review.
 * An envelope that is wrong is an error (HTTP 400); an object that does not
 * decode is kept as the reason to refuse it.  What takes too much memory is
 * ERR_LIMIT, ERR_UNAVAILABLE where only the others that are being read do.
 * Pure; any thread.
 * Source: admission.k8s.io/v1 AdmissionReview.
 */
#ifndef WEBHOOK_REVIEW_H
#define WEBHOOK_REVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/kube/object.h"

enum review_operation {
    REVIEW_CREATE,
    REVIEW_UPDATE,
    REVIEW_DELETE,
    REVIEW_CONNECT,
};
#define REVIEW_N_OPERATIONS 4

struct review {
    char *uid;
    enum review_operation operation;
    bool is_dry_run;
    bool is_deleting;       /* The object has a deletionTimestamp. */
    bool has_spec;          /* The object has a spec. */
    bool has_annotations;   /* It has a map of them, if an empty one. */
    const struct kube_object *object;   /* NULL: none, or 'broken'. */
    char *broken;           /* Why the object does not decode, or NULL. */
    const struct kube_object *old;      /* For review_old(). */
    const char *old_text;   /* What it is read from when it is asked for, */
    size_t old_size;        /* borrowed from the text of the review. */
};

/* 'text' must outlive the review. */
struct err *review_read(const char *text, size_t size, struct review *out)
    MUST_USE;
void review_fini(struct review *);
#define AUTO_REVIEW AUTO(review_fini)

/* What an update replaces, read when it is first asked for: few verdicts need
 * it.  NULL: none, or none that can be read, and then the new one must be right
 * in everything. */
const struct kube_object *review_old(struct review *);

/* "create", "update", ... */
const char *review_operation_name(enum review_operation);

#endif /* WEBHOOK_REVIEW_H */
