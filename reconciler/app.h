/* app: the reconciler put together.
 *
 * Source (API server or folder) -> cache -> engine -> plan -> dataplane ->
 * status and Events, one turn at a time.  app_run() never blocks but for
 * HAProxy's socket, whose deadlines dataplane.h names; app_wait() registers
 * what the loop should wake up for.  Time is an argument.  One thread; the
 * admin server reads what health.h publishes.
 */
#ifndef RECONCILER_APP_H
#define RECONCILER_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/waits.h"
#include "reconciler/config.h"

struct app;

/* 'config' is borrowed.  'proxy' is the path of sallyport-proxy. */
struct err *app_new(const struct config *config, const char *proxy,
                    struct app **out) MUST_USE;
void app_free(struct app *);        /* Accepts NULL.  HAProxy goes on. */

void app_run(struct app *, int64_t now_ms);
void app_wait(struct app *, struct waits *);

/* Gives the Lease back and, with 'haproxy_too', lets HAProxy finish what it
 * serves, at most 'grace_ms', and end. */
void app_stop(struct app *, bool haproxy_too, int64_t grace_ms);

/* Asks for a check of everything: the incremental state against one computed
 * anew, and HAProxy's report against the plan, as soon as HAProxy has
 * confirmed it.  Counted in sallyport_selfchecks_total{result}. */
void app_ask_selfcheck(struct app *);

/* For the replay tests: the incremental state against one computed anew
 * from the same objects; ERR_INTERNAL shows the first difference. */
struct err *app_compare(const struct app *) MUST_USE;

#endif /* RECONCILER_APP_H */
