#include "haproxy/dataplane_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"

#define RELOAD_DEADLINE_MS 30000
/* Between two reloads at least, so that a burst is one. */
#define RELOAD_PAUSE_MS 2000
/* How long the master may be silent, and how often it is asked. */
#define SILENCE_MAX_MS 1500
#define SILENCE_MS 50
/* The old worker may still accept on the socket it shares for a moment. */
#define SEEN_ENOUGH 3

static void
count_reload(struct dataplane *dp)
{
    AUTO_FREE char *label = metrics_label("reason", dp->reason);

    metric_add(metrics_counter(dp->metrics, "sallyport_haproxy_reloads_total",
                               label, "Reloads of HAProxy by reason."), 1);
}

/* The present haproxy.cfg stays at hand until the new one has loaded. */
static void
keep_config(const struct dataplane *dp)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dp->layout.run_dir,
                                     PROCESS_CONFIG);
    AUTO_FREE char *kept = xasprintf("%s.kept", path);

    unlink(kept);
    if (link(path, kept) < 0 && errno != ENOENT) {
        log_warn("haproxy", NULL, "cannot keep %s: %s", path,
                 strerror(errno));
    }
}

static void
reload_failed(struct dataplane *dp, const char *why, int64_t now_ms)
{
    int64_t wait = backoff_fail(&dp->reload_backoff, backoff_random());

    log_error("haproxy", NULL, "reload (%s) failed, the old worker goes on: "
              "%s; next try in %lld ms", dp->reason, why, (long long) wait);
    metric_add(dp->reload_failures, 1);
    dp->reload_retry_ms = now_ms + wait;
    dp->state = DATAPLANE_UP;
    dp->must_observe = true;
    dp->must_compare = true;
    /* Perhaps over a file that somebody damaged: the next try writes all. */
    map_free(dp->written, free);
    dp->written = map_new();
    dp->retry_ms = now_ms;
}

/* The master answers nobody while it executes itself again, for a reload of
 * the driver before us or of somebody else: that is waited for as a pause is,
 * with all routes as they are, and not a failure. */
static bool
is_moment(struct dataplane *dp, int64_t now_ms)
{
    if (dp->silent_ms == 0) {
        dp->silent_ms = now_ms;
    }
    if (clock_ms() - dp->silent_ms >= SILENCE_MAX_MS) {
        return false;
    }
    dp->reload_retry_ms = now_ms + SILENCE_MS;
    return true;
}

void
dataplane_reload_(struct dataplane *dp, struct plan *plan, const char *reason,
                  int64_t now_ms)
{
    struct err *err;

    if (now_ms < dp->reload_retry_ms) {
        return;
    }
    err = process_reload_prepare(dp->layout.run_dir, &dp->reload);
    if (err && is_moment(dp, now_ms)) {
        err_free(err);
        return;
    }
    dp->silent_ms = 0;
    log_info("haproxy", NULL, "reloading HAProxy: %s", reason);
    dp->reason = reason;
    dp->scarce_ms = 0;
    dataplane_end_mirror_(dp);
    if (!err) {
        keep_config(dp);
        err = dataplane_write_all_(dp, plan);
    }
    if (!err) {
        err = process_reload_begin(dp->layout.run_dir);
    }
    if (err) {
        reload_failed(dp, err_text(err), now_ms);
        err_free(err);
        return;
    }
    count_reload(dp);
    dp->state = DATAPLANE_RELOADING;
    dp->reload_deadline_ms = now_ms + RELOAD_DEADLINE_MS;
    dp->n_seen = 0;
}

/* The master says that the new worker runs; its socket must be the one that
 * answers, several times in a row. */
static void
look_at_worker(struct dataplane *dp, int64_t now_ms)
{
    struct observe_identity now;
    AUTO_ERR struct err *err = observe_identity(dp->socket, &now);

    if (err || observe_is_same(&now, &dp->identity) || now.is_stopping) {
        dp->n_seen = 0;
        return;
    }
    if (++dp->n_seen < SEEN_ENOUGH) {
        return;
    }
    log_info("haproxy", NULL, "HAProxy reloaded (%s), worker %llu",
             dp->reason, (unsigned long long) now.pid);
    backoff_reset(&dp->reload_backoff);
    dp->reload_retry_ms = now_ms + RELOAD_PAUSE_MS;
    dp->state = DATAPLANE_UP;
    dp->must_observe = true;
    dp->retry_ms = now_ms;
}

void
dataplane_run_reload_(struct dataplane *dp, int64_t now_ms)
{
    switch (process_reload_look(dp->layout.run_dir, &dp->reload)) {
    case PROCESS_DONE:
        look_at_worker(dp, now_ms);
        break;
    case PROCESS_FAILED:
        reload_failed(dp, "HAProxy does not load the new configuration",
                      now_ms);
        return;
    case PROCESS_PENDING:
        break;
    }
    if (dp->state == DATAPLANE_RELOADING &&
        now_ms >= dp->reload_deadline_ms) {
        reload_failed(dp, "no new worker in time", now_ms);
    }
}
