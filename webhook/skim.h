/* skim: a review without what nobody here reads.
 *
 * The API server sends who wrote which field, who asks and with which
 * options, the status, and kubectl's copy of the object: most of a review's
 * bytes.  skim_review() copies the text without them, so that no document is
 * built of them; and where oldObject has the spec of object, byte by byte,
 * without the second.  What is left out is not looked at but for its brackets
 * and strings.
 *
 * A text that is not as expected is not copied: the parser says what is wrong
 * with it.  Pure.
 */
#ifndef WEBHOOK_SKIM_H
#define WEBHOOK_SKIM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

/* Writes what is left of 'text' into 'out'.  '*is_spec_shared' is true where
 * the second of object and oldObject lost its spec to the first.  False where
 * the text must be read as it is; 'out' then means nothing. */
bool skim_review(const char *text, size_t size, struct buf *out,
                 bool *is_spec_shared);

#endif /* WEBHOOK_SKIM_H */
