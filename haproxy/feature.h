/* feature: what the running HAProxy can do at run time.
 *
 * A capability counts as there when the version says so and, where a help
 * text can confirm it, "help" lists its commands: a version is a string that
 * whoever built the binary chose.  What nobody can confirm is not there, so
 * an unreadable version means HAProxy 2.6's ways, which work everywhere.
 *
 * The driver acts on add_backend alone, and bandwidth is told of; the others
 * decide nothing, because one way that serves all versions is used, but the
 * log tells them.
 *
 * Pure but for feature_probe(), which asks the runtime socket.
 */
#ifndef HAPROXY_FEATURE_H
#define HAPROXY_FEATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum feature {
    FEATURE_ADD_BACKEND,        /* "add backend", "publish backend" */
    FEATURE_DEL_SERVER_SAFE,    /* "del server" while streams point to it */
    FEATURE_WAIT,               /* "wait MS srv-removable" */
    FEATURE_RELOAD_STATUS,      /* The master tells how a reload ended. */
    FEATURE_ADD_CA,             /* "add ssl ca-file" */
    FEATURE_FAST_SET_MAP,       /* "set map" in a tree, not a scan. */
    FEATURE_BANDWIDTH,          /* Answers can be slowed down. */
    FEATURE_BIG_PAYLOAD,        /* Payloads beyond tune.bufsize. */
    FEATURE_N,
};

/* "3.0.11-1+deb13u4".  One that is developed ("3.4-dev7") counts as less
 * than its own 3.4. */
struct feature_version {
    unsigned major, minor, patch;
    bool is_development;
};
/* Strict: false where 's' does not begin as a version and go on with "-",
 * "+" or "~" and printable characters, 63 bytes at most. */
bool feature_version_parse(const char *s, struct feature_version *out)
    MUST_USE;

struct features {
    bool has[FEATURE_N];
};

/* By the version alone. */
void feature_of_version(const char *version, struct features *out);
/* Whether "help COMMAND" lists 'command' in 'text'. */
bool feature_is_listed(const char *text, const char *command) MUST_USE;
/* By the version, with help texts where they can tell. */
struct err *feature_probe(const char *socket, const char *version,
                          struct features *out) MUST_USE;

/* "add-backend, wait", or "nothing beyond 2.6". */
void feature_describe(const struct features *, struct buf *out);

#endif /* HAPROXY_FEATURE_H */
