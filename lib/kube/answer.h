/* answer: what an API server means by its answer.
 *
 * A refusal carries a Status document with a sentence for people and, for
 * some, machine-readable causes.  Both come from a server we trust with our
 * configuration but not with our log lines: they are cut and escaped.
 * Pure; any thread.
 */
#ifndef KUBE_ANSWER_H
#define KUBE_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/kube/http.h"

/* NULL for a complete 2xx; otherwise why not, by kind: ERR_DENIED 401 403,
 * ERR_GONE 404 410, ERR_CONFLICT 409, ERR_INVALID other 4xx,
 * ERR_UNAVAILABLE 408 429 5xx and no answer, ERR_LIMIT too large. */
struct err *answer_err(const struct http_response *) MUST_USE;

/* The same for a Status document that came inside a stream; '*code' gets its
 * code (0: none). */
struct err *answer_status_err(json_t *status, int *code)
    MUST_USE RETURNS_NONNULL;

/* Does the Status in the body name this field, or this reason, as a cause? */
bool answer_has_cause(const struct http_response *, const char *name);

/* May the same request succeed later?  408, 429, 5xx, no answer; and 401, which
 * is about our credentials and not about what was asked. */
bool answer_is_transient(const struct http_response *);

/* The least time to wait before another try: Retry-After within bounds, or
 * 0. */
int64_t answer_retry_after(const struct http_response *);

#endif /* KUBE_ANSWER_H */
