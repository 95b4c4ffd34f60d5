/* skim: a review without what nobody here reads.
 *
 * The API server sends who wrote which field, who asks and with which
 * options, the status, and kubectl's copy of the object: most of a review's
 * bytes.  skim_review() copies the text without them, so that no document is
 * built of them; and where oldObject has the spec of object, byte by byte,
 * without the second.  What is left out is not looked at but for its brackets
 * and strings.
 *
 * An envelope whose version and kinds are, letter by letter, those that the
 * API server writes is left out too, and said to be right.  A text that is not
 * as expected is not copied: the parser says what is wrong with it.  Pure.
 */
#ifndef WEBHOOK_SKIM_H
#define WEBHOOK_SKIM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct skimmed {
    struct buf text;            /* What is left. */
    /* The second of object and oldObject lost its spec to the first. */
    bool is_spec_shared;
    bool has_version, has_kind; /* Of the review: right, and left out. */
    bool has_object_kind;       /* request.kind is Ingress: the same. */
};

#define SKIMMED_INIT { .text = BUF_OWN }
void skimmed_fini(struct skimmed *);
#define AUTO_SKIMMED AUTO(skimmed_fini)

/* False where the text must be read as it is; 'out' then means nothing. */
bool skim_review(const char *text, size_t size, struct skimmed *out);

#endif /* WEBHOOK_SKIM_H */
