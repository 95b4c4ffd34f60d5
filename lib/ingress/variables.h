/* variables: nginx's variables in URLs and keys of authentication services.
 *
 * A closed list.  Those of a request are put in by HAProxy
 * (haproxy/lua/ask.lua has the same names), those of an Ingress here; any
 * other is refused.  Written $name or ${name}.  Pure; any thread.
 */
#ifndef INGRESS_VARIABLES_H
#define INGRESS_VARIABLES_H

#include <stdbool.h>

#include "lib/base/compiler.h"
#include "lib/base/buf.h"

/* NULL, or what is wrong as the end of "VALUE ...". */
char *variables_check(const char *text) MUST_USE;
bool variables_has_any(const char *text);

/* The place that a route has in its Ingress; none is NULL. */
struct variables_place {
    const char *namespace;
    const char *ingress;
    const char *service;
    const char *port;
};

/* Appends 'text' with the variables of the place replaced. */
void variables_put(const char *text, const struct variables_place *,
                   struct buf *out);

#endif /* INGRESS_VARIABLES_H */
