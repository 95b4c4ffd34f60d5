/* foreign_flags: flags of ingress-nginx's controller that are none of ours.
 *
 * Who brings the arguments of a Deployment along hears of each flag what to
 * write instead, or why nothing is needed.
 *
 * Rows are constant.  Pure; any thread.
 * Source: ingress-nginx's documentation of its command line.
 */
#ifndef INGRESS_FOREIGN_FLAGS_H
#define INGRESS_FOREIGN_FLAGS_H

#include <stddef.h>

#include "lib/base/compiler.h"
#include "lib/base/err.h"

struct foreign_flag {
    const char *name;           /* Without "--".  One that ends in "*" stands
                                 * for all that begin so. */
    const char *why;            /* The end of a sentence. */
};

size_t foreign_flag_count(void);
const struct foreign_flag *foreign_flag_at(size_t i);
/* NULL where nothing is known of 'name'. */
const struct foreign_flag *foreign_flag_find(const char *name);

/* ERR_INVALID, one line that names all such flags of argv[1..]. */
struct err *foreign_flags_check(int argc, char **argv) MUST_USE;

#endif /* INGRESS_FOREIGN_FLAGS_H */
