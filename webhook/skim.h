/* skim: a review without what nobody here reads.
 *
 * The API server sends who wrote which field, who asks and with which
 * options, the status, and kubectl's copy of the object: most of a review's
 * bytes.  skim_review() builds the document of the rest; what is left out is
 * not looked at but for its brackets and strings.  oldObject, which most
 * reviews never need, is only found.
 *
 * Members that are, letter by letter, what the API server writes in every
 * review, are left out too, and said to be right; and so are those that the
 * object says likewise, or whose bytes are all there is to know.  What is
 * plain is built by jx_plain, a value that is not by jansson; a text that is
 * not as expected is left alone: jansson says what is wrong with it.
 * Pure; within a jx_pool what is built is the pool's.
 */
#ifndef WEBHOOK_SKIM_H
#define WEBHOOK_SKIM_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct skimmed {
    json_t *document;           /* What is left. */
    bool may_have_nul;          /* In a string of it. */
    const char *old;            /* The text of oldObject, borrowed from what */
    size_t old_size;            /* was read, where it is an object. */
    bool is_old_same;           /* Of the same name and namespace. */
    bool has_version, has_kind; /* Of the review: right, and left out. */
    bool has_object_kind;       /* request.kind is Ingress: the same. */
    bool has_namespace;         /* request.namespace is the object's. */
    /* Left out, and else NULL: the uid, borrowed from what was read, of
     * letters, digits and "-"; "CREATE" or "UPDATE". */
    const char *uid;
    size_t uid_size;
    const char *operation;
};

/* False where the text must be read as it is; 'out' is not touched then. */
bool skim_review(const char *text, size_t size, struct skimmed *out);

/* The same of the text of an object: the caller's reference, or NULL. */
json_t *skim_object_alone(const char *text, size_t size, bool *may_have_nul);

#endif /* WEBHOOK_SKIM_H */
