/* hashby: what upstream-hash-by names, out of nginx's variables.
 *
 * A closed list: a variable that is not on it is refused, text between the
 * variables is the same for every request and means nothing to a hash.
 * Pure; any thread.
 */
#ifndef INGRESS_HASHBY_H
#define INGRESS_HASHBY_H

#include <stdbool.h>

#include "lib/base/compiler.h"

struct hashby {
    bool uri, path, query, host, address, method, scheme;
    char *header;       /* Lower case, with dashes; NULL: none. */
    char *cookie;
    char *argument;
};

/* NULL, or what is wrong as the end of "VALUE ..."; 'out' is to be released
 * in either case. */
char *hashby_read(const char *text, struct hashby *out) MUST_USE;
void hashby_fini(struct hashby *);

#endif /* INGRESS_HASHBY_H */
