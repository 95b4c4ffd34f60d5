/* regex: whether a path of a user may become a regular expression of HAProxy.
 *
 * HAProxy matches with PCRE2, without a match limit of its own, in the thread
 * that serves everybody, and embeds the path in an expression of the
 * program's.  So a path must compile with HAProxy's flags, be made of
 * constructs that mean the same when embedded, fit a line of a map, and not
 * take time that explodes with the length of a request.  The same verdict at
 * every door.
 *
 * Nothing is kept.  Pure; any thread.
 * Source: pcre2pattern(3); HAProxy compiles with PCRE2_CASELESS and
 * PCRE2_NO_AUTO_CAPTURE at most, never with PCRE2_UTF.
 */
#ifndef INGRESS_REGEX_H
#define INGRESS_REGEX_H

#include <stdbool.h>

#include "lib/base/compiler.h"

#define REGEX_MAX_LENGTH 1024
#define REGEX_MAX_NESTING 16
#define REGEX_MAX_COMPILED 16384    /* Bytes of PCRE2's code. */

/* NULL where 'path' may be one; else why not: the end of a sentence that
 * begins with the quoted path, printable, with the position (bytes before
 * it) where there is one.  The caller's to free. */
char *regex_check(const char *path) MUST_USE;

/* How many groups a path has, -1 where it does not even compile. */
int regex_groups(const char *path);

/* Whether HAProxy's chooser takes the path of a request on the virtual host
 * 'host' for this expression, which is embedded as the plan does it; false
 * where it does not compile. */
bool regex_matches(const char *host, const char *regex, bool ignore_case,
                   const char *path);

#endif /* INGRESS_REGEX_H */
