/* err: why something failed, for the one place that logs or answers it.
 *
 * A function that can fail returns struct err *, NULL for success.  Whoever
 * gets one frees it, hands it on, or wraps it with what was being done.  A
 * wrong object of a user is not an error but a finding (ingress/finding.h).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "lib/base/compiler.h"

enum err_kind {
    ERR_UNAVAILABLE,    /* Not now: retry with backoff. */
    ERR_PROTOCOL,       /* The peer said something it must not. */
    ERR_LIMIT,          /* Over a cap of ours. */
    ERR_INVALID,        /* An argument, a file, a flag is wrong. */
    ERR_CONFLICT,       /* Somebody else was first (HTTP 409). */
    ERR_GONE,           /* Not there (any more) (HTTP 404, 410). */
    ERR_DENIED,         /* Not allowed (HTTP 401, 403). */
    ERR_INTERNAL,       /* Our bug. */
};

struct err;

struct err *err_new(enum err_kind, const char *fmt, ...)
    PRINTF(2, 3) MUST_USE RETURNS_NONNULL;
/* The same with ": strerror(errno_value)" behind it. */
struct err *err_errno(enum err_kind, int errno_value, const char *fmt, ...)
    PRINTF(3, 4) MUST_USE RETURNS_NONNULL;
/* "context: old text".  Takes 'err' and returns it; NULL stays NULL. */
struct err *err_wrap(struct err *err, const char *fmt, ...)
    PRINTF(2, 3) MUST_USE;
void err_free(struct err *);    /* Accepts NULL. */
void err_freep(struct err **);
#define AUTO_ERR AUTO(err_freep)

const char *err_text(const struct err *);
enum err_kind err_kind(const struct err *);

#endif /* BASE_ERR_H */
