/* key: the one function that writes the key of a route.
 *
 * Key = host + path + "/" + end mark.  The same bytes are the key of the row
 * in HAProxy's map, where the longest match in an ordered tree is
 * Kubernetes' rule (longest path, Exact over Prefix, element by element),
 * and the name of the claim.  Prefix /a/b and /a/b/ are "host/a/b/"; Exact
 * /a/b is "host/a/b/" + KEY_END.  Hosts are canonical (lower case, no
 * trailing dot); wildcards keep their "*"; every host is "".
 *
 * Paths are stored in the percent-encoded form in which the HAProxy program
 * compares them: one spelling for each path (docs/internals/data-path.md).
 * Bytes that clients send raw (RFC 3986's pchar, "/", "[", "]" and "|") stand
 * raw, also where they were written as an escape; all others (blanks, quotes,
 * "<", ">", "^", "`", "{", "}", "?", "#", "%", everything beyond ASCII) stand
 * as their escape in upper case.  Slashes are merged.
 */
#ifndef INGRESS_KEY_H
#define INGRESS_KEY_H

#include <stdbool.h>

#include "lib/base/compiler.h"

struct arena;

#define KEY_END '\001'
#define KEY_PATH_MAX 2048       /* Bytes of a canonical path. */

/* The canonical form of a path, the caller's to free; NULL where the path
 * cannot be one (it must begin with "/"; no broken escape, no control byte,
 * no %00-%1F, %7F, %5C, backslash, no "." or ".." element).  '*why' then
 * says what is allowed, as the end of a sentence. */
char *key_path(const char *path, const char **why) MUST_USE;
/* True for most canonical paths: such a one need not be copied. */
bool key_is_plain(const char *path);

/* The key of a canonical host and path; the caller's to free.  Exact /a/ is
 * another key than Exact /a ("host/a//" + KEY_END), as Kubernetes has it. */
char *key_route(const char *host, const char *path, bool is_exact)
    MUST_USE RETURNS_NONNULL;
/* The same as a text of the arena. */
char *key_route_in(struct arena *, const char *host, const char *path,
                   bool is_exact) MUST_USE RETURNS_NONNULL;

/* The canonical form of the path of a request, without query, as the program
 * makes it: dot elements are resolved, after slashes are merged.  NULL where
 * the program refuses it.  The caller's to free. */
char *key_request_path(const char *path) MUST_USE;

#endif /* INGRESS_KEY_H */
