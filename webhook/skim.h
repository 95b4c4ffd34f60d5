/* skim: a review without what nobody here reads.
 *
 * The API server sends who wrote which field, who asks and with which
 * options, the status, and kubectl's copy of the object: most of a review's
 * bytes.  skim_review() copies the text without them, so that no document is
 * built of them, and oldObject into a text of its own, which most reviews
 * never need.  What is left out is not looked at but for its brackets and
 * strings.
 *
 * Members that are, letter by letter, what the API server writes in every
 * review, are left out too, and said to be right; and so are those that the
 * object says likewise, or whose bytes are all there is to know.  A text that
 * is not as expected is not copied: the parser says what is wrong with it.
 * Pure.
 */
#ifndef WEBHOOK_SKIM_H
#define WEBHOOK_SKIM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct skimmed {
    struct buf text;            /* What is left. */
    struct buf old;             /* Of oldObject, where it is an object. */
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

#define SKIMMED_INIT { .text = BUF_OWN, .old = BUF_OWN }
void skimmed_fini(struct skimmed *);
#define AUTO_SKIMMED AUTO(skimmed_fini)

/* False where the text must be read as it is; 'out' then means nothing. */
bool skim_review(const char *text, size_t size, struct skimmed *out);

#endif /* WEBHOOK_SKIM_H */
