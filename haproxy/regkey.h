/* regkey: a user's regular expression put into a key that HAProxy will load.
 *
 * HAProxy refuses to start over one bad expression in a map file, so each is
 * compiled here first, alone and as it will stand in the map, by the engine
 * HAProxy uses (PCRE2 with its JIT).  Pure; any thread.
 */
#ifndef HAPROXY_REGKEY_H
#define HAPROXY_REGKEY_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* Puts "^" + 'literal' (escaped) + "\|" + 'regex' as one group. */
struct err *regkey_put(const char *literal, const char *regex,
                          bool ignore_case, struct buf *out) MUST_USE;

#endif /* HAPROXY_REGKEY_H */
