/* server: HTTP paths to verdicts.
 *
 * POST /validate and /mutate take an AdmissionReview and answer one, with
 * HTTP 200 for yes and no alike; anything else is a 4xx, and 503 with
 * Retry-After until the watch has seen everything, which lets the API server
 * wait for us instead of failing.  The admin side answers /healthz, /readyz
 * and /metrics.  Any thread.
 */
#ifndef WEBHOOK_SERVER_H
#define WEBHOOK_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/httpd.h"
#include "lib/base/metrics.h"
#include "webhook/mutate.h"
#include "webhook/reserve.h"
#include "webhook/watch.h"

struct claimer;
struct server;

/* Borrows all; 'claimer' NULL: claims are settled in this replica alone. */
struct server *server_new(struct watch *, struct reserve *, struct claimer *,
                          struct metrics *) MUST_USE RETURNS_NONNULL;
/* What is changed beside the class; nothing before this is called. */
void server_set_mutation(struct server *, const struct mutate_options *);
void server_free(struct server *);      /* Accepts NULL. */

/* Handlers of httpd.h; 'aux' is the server. */
void server_answer(const struct httpd_request *, struct httpd_response *,
                   void *aux);
void server_answer_admin(const struct httpd_request *,
                         struct httpd_response *, void *aux);

/* From the loop, each turn: /healthz fails once that stops. */
void server_tick(struct server *, int64_t now_ms, int64_t not_after);
/* From now on /readyz says no; reviews go on being answered. */
void server_leave(struct server *);

#endif /* WEBHOOK_SERVER_H */
