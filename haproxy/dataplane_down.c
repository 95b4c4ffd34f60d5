#include "haproxy/dataplane_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "haproxy/files.h"
#include "haproxy/quote.h"
#include "haproxy/reply.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define POLL_MS 20
#define START_MS 10000          /* For a HAProxy to answer after its start. */
#define RESTART_MS 3000         /* For its parent to have it back. */
#define PARENT_MS 5000          /* For a parent to be there. */
#define LOCK_MS 500             /* For another driver to have gone. */

static char *
lock_path(const struct dataplane *dp)
{
    return xasprintf("%s/driver.lock", dp->layout.run_dir);
}

static struct err *
take_lock(struct dataplane *dp)
{
    AUTO_FREE char *path = lock_path(dp);
    int64_t deadline = clock_ms() + LOCK_MS;

    dp->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dp->lock_fd < 0) {
        return err_errno(ERR_INVALID, errno, "open %s", path);
    }
    /* A child of a driver that was killed may live a moment longer. */
    while (flock(dp->lock_fd, LOCK_EX | LOCK_NB) < 0 &&
           clock_ms() < deadline) {
        (void) poll(NULL, 0, 10);
    }
    if (flock(dp->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        return err_new(ERR_CONFLICT, "another process drives HAProxy in %s",
                       dp->layout.run_dir);
    }
    return NULL;
}

struct err *
dataplane_move_in_(struct dataplane *dp)
{
    struct err *err = files_prepare(dp->layout.run_dir);

    mem_closep(&dp->lock_fd);
    if (!err) {
        err = take_lock(dp);
    }
    if (err) {
        mem_closep(&dp->lock_fd);
    }
    return err;
}

/* Somebody emptied the run directory under us. */
static bool
is_emptied(const struct dataplane *dp)
{
    AUTO_FREE char *path = lock_path(dp);

    return !files_is_at(dp->lock_fd, path);
}

void
dataplane_go_down_(struct dataplane *dp, int64_t now_ms)
{
    dp->state = DATAPLANE_DOWN;
    dp->down_since_ms = now_ms;
    dp->has_written = false;
    dp->retry_ms = now_ms;
    metric_set(dp->up, 0);
}

void
dataplane_go_up_(struct dataplane *dp, int64_t now_ms)
{
    struct process_status status;
    struct err *err = process_status(dp->layout.run_dir, &status);

    dp->state = DATAPLANE_UP;
    dp->must_observe = true;
    dp->must_compare = true;
    dp->retry_ms = now_ms;
    dp->check_ms = now_ms + DATAPLANE_CHECK_MS;
    metric_set(dp->up, 1);
    if (!err) {
        metric_set(dp->restarts, (int64_t) status.restarts);
    }
    err_free(err);
}

/* Other ports than those that sallyport-proxy holds: it must begin anew. */
bool
dataplane_has_other_listeners_(const struct dataplane *dp)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dp->layout.run_dir,
                                     PROCESS_LISTENERS);
    AUTO_BUF struct buf have = BUF_INIT(65536);
    AUTO_BUF struct buf want = BUF_OWN;
    AUTO_ERR struct err *err = files_get(path, 60000, &have);

    listeners_write(&dp->layout.listeners, &want);
    return !err && !str_eq(buf_str(&have), buf_str(&want));
}

/* Whoever has a slot in the files keeps it, and nobody else gets it before
 * other files are there: HAProxy may begin while they are written. */
static void
keep_owners(struct dataplane *dp)
{
    AUTO_FREE char *path = files_map(dp->layout.run_dir,
                                     model_map_name(MODEL_SLOTS));
    AUTO_BUF struct buf text = BUF_OWN;
    AUTO_ERR struct err *err = files_get(path, text.limit - 1, &text);
    char *rest = err ? NULL : text.data, *line;

    while ((line = reply_line(&rest))) {
        const char *slot = reply_word(&line);
        AUTO_FREE char *owner = slot && line ? quote_unname(line) : NULL;

        if (owner && slots_add(dp->held.slots, slot)) {
            (void) slots_claim(dp->held.slots, slot, owner);
        }
    }
}

/* All files for the plan, then HAProxy once with everything.  The parent of
 * one whose run directory was emptied is left the time to begin anew by
 * itself: it has the listeners. */
void
dataplane_start_cold_(struct dataplane *dp, struct plan *plan, int64_t now_ms)
{
    bool was_emptied = is_emptied(dp);
    struct err *err = NULL;

    dataplane_end_mirror_(dp);
    observed_fini(&dp->held);
    dp->held.model = model_create();
    dp->held.slots = slots_new();
    keep_owners(dp);
    map_free(dp->written, free);
    dp->written = map_new();
    if (was_emptied) {
        log_error("haproxy", NULL, "%s was emptied: all files are written "
                  "anew", dp->layout.run_dir);
        err = dataplane_move_in_(dp);
    }
    if (!err) {
        err = dataplane_write_all_(dp, plan);
    }
    if (!err && dp->haproxy && !was_emptied &&
        !process_is_held(dp->layout.run_dir)) {
        log_info("haproxy", NULL, "starting %s in %s", dp->haproxy,
                 dp->layout.run_dir);
        err = process_start(dp->layout.run_dir, dp->proxy, dp->haproxy);
    }
    if (err) {
        dataplane_fail_(dp, err, "start HAProxy", now_ms);
        return;
    }
    dp->has_written = true;
    dp->down_since_ms = now_ms;
    dp->retry_ms = now_ms + POLL_MS;
}

/* How long HAProxy may take to answer before it is started (again). */
static int64_t
patience_ms(const struct dataplane *dp)
{
    AUTO_FREE char *config = xasprintf("%s/%s", dp->layout.run_dir,
                                       PROCESS_CONFIG);

    if (dp->has_written) {
        return START_MS;
    }
    /* A parent that lives brings HAProxy back from the files there are; with
     * none yet it waits for ours. */
    return process_is_held(dp->layout.run_dir) && access(config, F_OK) == 0
           ? RESTART_MS : 0;
}

void
dataplane_run_down_(struct dataplane *dp, struct plan *plan, int64_t now_ms)
{
    struct observe_identity identity;
    struct err *err;

    if (now_ms < dp->retry_ms) {
        return;
    }
    err = observe_identity(dp->socket, &identity);
    if (!err) {
        dataplane_go_up_(dp, now_ms);
        return;
    }
    err_free(err);
    dp->retry_ms = now_ms + POLL_MS;
    if (dp->down_since_ms == 0) {
        dp->down_since_ms = now_ms;
    }
    if (dp->is_complete && now_ms - dp->down_since_ms >= patience_ms(dp)) {
        if (dp->has_written) {
            AUTO_FREE char *last = process_last_line(dp->layout.run_dir);

            log_warn("haproxy", NULL, "HAProxy does not answer on %s; the "
                     "last line of %s/%s is %s", dp->socket,
                     dp->layout.run_dir, PROCESS_LOG, last ? last : "none");
        }
        dataplane_start_cold_(dp, plan, now_ms);
    }
}

void
dataplane_keep_parent_(struct dataplane *dp, int64_t now_ms)
{
    struct err *err;

    if (!dp->haproxy || now_ms < dp->parent_ms ||
        process_is_held(dp->layout.run_dir)) {
        return;
    }
    dp->parent_ms = now_ms + PARENT_MS;
    log_warn("haproxy", NULL, "HAProxy has lost its parent: both are started "
             "anew");
    err = process_start(dp->layout.run_dir, dp->proxy, dp->haproxy);
    if (err) {
        log_error("haproxy", NULL, "%s", err_text(err));
        err_free(err);
    }
}
