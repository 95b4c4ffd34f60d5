/* call: requests that survive a change of credentials.
 *
 * Between client.h, its only user, and http.h.  A request that is answered
 * 401, or whose TLS was not trusted, is sent once more where the credentials
 * are not those it was sent with (any more), after they were read again.
 *
 * Ownership: takes the credentials; copies requests.  Threads: one.
 */
#ifndef KUBE_CALL_H
#define KUBE_CALL_H

#include <stdint.h>

#include "lib/base/waits.h"
#include "lib/kube/http.h"

struct calls;
struct creds;
struct kube_call;

struct calls *calls_new(struct creds *, const char *agent)
    MUST_USE RETURNS_NONNULL;
/* Ends all without a call back.  Accepts NULL. */
void calls_free(struct calls *);

struct kube_call *calls_send(struct calls *, const struct http_request *)
    RETURNS_NONNULL;
void calls_cancel(struct kube_call *);          /* Accepts NULL. */

void calls_run(struct calls *, int64_t now_ms);
void calls_flush(struct calls *);       /* http_flush() */
void calls_wait(struct calls *, struct waits *);

uint64_t calls_n_unauthorized(const struct calls *);

#endif /* KUBE_CALL_H */
