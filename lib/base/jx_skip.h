/* jx_skip: past a JSON value that nobody reads.
 *
 * It is not looked at but for its brackets and strings: what is wrong with it
 * otherwise does no harm, as nothing comes of it.  Pure.
 */
#ifndef BASE_JX_SKIP_H
#define BASE_JX_SKIP_H

#include <stdbool.h>

#include "lib/base/jx_plain.h"

/* From its first byte to behind its last; false where it has none. */
bool jx_skip_value(struct jx_plain *);

#endif /* BASE_JX_SKIP_H */
