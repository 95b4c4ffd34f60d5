/* The files follow what HAProxy holds: written by a child that has a copy of
 * everything as of its birth, so that a change costs the parent nothing for
 * what did not change, and nobody waits for a disk. */
#include "haproxy/dataplane_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "haproxy/files.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/timeslice.h"

/* How long changes gather before files are written; where writing takes
 * much, the pause grows, so that it is a twentieth of a CPU at most. */
#define MIRROR_MS 1000
#define MIRROR_SHARE 20
/* A child that takes longer is stuck. */
#define WRITING_MS 60000
#define WRITER_NICE 5

/* --- When --- */

static void
schedule(struct dataplane *dp, int64_t now_ms)
{
    if (dp->mirror_ms == 0) {
        dp->mirror_ms = now_ms + (dp->mirror_pause_ms ? dp->mirror_pause_ms
                                                      : MIRROR_MS);
    }
}

void
dataplane_touch_all_(struct dataplane *dp, int64_t now_ms)
{
    dataplane_mark_all_(&dp->touched);
    dp->mirror_ms = now_ms;
}

static bool
merge(struct dataplane_touched *into, const struct dataplane_touched *from)
{
    bool any = from->config || from->certs;

    for (size_t i = 0; i < MODEL_MAPS; i++) {
        into->maps[i] |= from->maps[i];
        any |= from->maps[i];
    }
    for (size_t i = 0; i < ARRAY_SIZE(from->lists); i++) {
        into->lists[i] |= from->lists[i];
        any |= from->lists[i];
    }
    into->config |= from->config;
    into->certs |= from->certs;
    return any;
}

void
dataplane_touch_(struct dataplane *dp, const struct apply *a, int64_t now_ms)
{
    struct dataplane_touched t = {
        .config = a->touched_config || a->touched_maps[MODEL_SNI],
        .certs = a->touched_certs,
    };

    memcpy(t.maps, a->touched_maps, sizeof t.maps);
    memcpy(t.lists, a->touched_lists, sizeof t.lists);
    if (merge(&dp->touched, &t)) {
        schedule(dp, now_ms);
    }
}

/* --- The child --- */

/* What describes the file is written as the file will be, not as the worker
 * was started: the next one reads both. */
static struct err *
write_files(struct dataplane *dp)
{
    struct model *m = dp->held.model;
    AUTO_FREE char *edge = xstrdup(dp->is_muxed_file ? "muxed" : "direct");
    struct err *err;

    model_set(m, MODEL_META, WANT_META_EDGE,
              dataplane_is_muxed_(dp, m) ? "muxed" : "direct");
    err = dataplane_put_files_(dp, m, &dp->mirror.touched);
    model_set(m, MODEL_META, WANT_META_EDGE, edge);
    return err;
}

/* It holds copies of our lock and listeners: it must not outlive us. */
static void
be_child(struct dataplane *dp, int fd, pid_t parent)
{
    struct err *err = NULL;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    (void) setpriority(PRIO_PROCESS, 0, WRITER_NICE);
    timeslice_restore();
    err = write_files(dp);
    if (err) {
        (void) !write(fd, err_text(err), strlen(err_text(err)));
    }
    _exit(err ? 1 : 0);
}

/* False where there can be no child. */
static bool
begin_child(struct dataplane *dp)
{
    pid_t parent = getpid(), pid;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0) {
        return false;
    }
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        be_child(dp, fds[1], parent);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return false;
    }
    dp->mirror.pid = pid;
    dp->mirror.fd = fds[0];
    return true;
}

static int64_t
milliseconds(const struct timeval *t)
{
    return (int64_t) t->tv_sec * 1000 + t->tv_usec / 1000;
}

/* Takes the child's end; an error where it failed. */
static struct err *
reap(struct dataplane *dp)
{
    char text[400];
    ssize_t n = read(dp->mirror.fd, text, sizeof text - 1);
    struct rusage used = { .ru_nvcsw = 0 };
    int status = 0;

    mem_closep(&dp->mirror.fd);
    while (wait4(dp->mirror.pid, &status, 0, &used) < 0 && errno == EINTR) {
    }
    dp->mirror.cpu_ms = milliseconds(&used.ru_utime) +
                        milliseconds(&used.ru_stime);
    dp->mirror.pid = 0;
    text[n > 0 ? n : 0] = '\0';
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return NULL;
    }
    return err_new(ERR_UNAVAILABLE, "%s",
                   n > 0 ? text : "the child that writes them was killed");
}

/* --- Before and after --- */

static void
restore_config(const struct dataplane *dp)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dp->layout.run_dir,
                                     PROCESS_CONFIG);
    AUTO_FREE char *kept = xasprintf("%s.kept", path);

    if (rename(kept, path) < 0 && errno != ENOENT) {
        log_error("haproxy", NULL, "cannot restore %s: %s", path,
                  strerror(errno));
    }
}

/* Takes 'err'. */
static void
finish(struct dataplane *dp, struct err *err, int64_t now_ms)
{
    int64_t pause_ms = dp->mirror.cpu_ms * MIRROR_SHARE;

    if (err) {
        log_error("haproxy", NULL, "files are behind what HAProxy serves: %s",
                  err_text(err));
        err_free(err);
        merge(&dp->touched, &dp->mirror.touched);
        dp->mirror_ms = now_ms + 10 * MIRROR_MS;
        return;
    }
    if (dp->mirror.is_ours) {
        slots_saved(dp->held.slots, dp->mirror.released);
    } else {
        restore_config(dp);
    }
    /* The crt-list may name what was dropped since. */
    if (dp->mirror.touched.certs && !dp->touched.certs) {
        files_drop_certs(dp->layout.run_dir, dp->held.model, dp->written);
    }
    dp->mirror_pause_ms = pause_ms > MIRROR_MS ? pause_ms : MIRROR_MS;
    if (dp->mirror_ms > 0 && dp->mirror_ms < now_ms + dp->mirror_pause_ms) {
        dp->mirror_ms = now_ms + dp->mirror_pause_ms;
    }
}

/* Certificates are written here and now: which are is known here only. */
static struct err *
prepare(struct dataplane *dp, int64_t now_ms)
{
    bool is_ours = str_eq(model_get(dp->held.model, MODEL_META,
                                    WANT_META_EDITION),
                          dp->layout.edition);

    /* After an upgrade that failed to load, the old program's file comes
     * back, and only once the maps are again those that it was with. */
    dp->touched.config &= is_ours;
    dp->touched.maps[MODEL_META] |= dp->touched.config;
    dp->mirror.touched = dp->touched;
    dp->mirror.is_ours = is_ours;
    dp->mirror.released = slots_released(dp->held.slots);
    dp->mirror.begin_ms = now_ms;
    dp->mirror.cpu_ms = 0;
    dp->touched = (struct dataplane_touched) { 0 };
    dp->mirror_ms = 0;
    return dp->mirror.touched.certs
               ? files_put_certs(dp->layout.run_dir, dp->held.model,
                                 dp->written)
               : NULL;
}

void
dataplane_mirror_(struct dataplane *dp, int64_t now_ms)
{
    struct err *err = prepare(dp, now_ms);

    if (err || !begin_child(dp)) {
        err = err ? err : write_files(dp);
        dp->mirror.cpu_ms = clock_ms() - now_ms;
        finish(dp, err, clock_ms());
    }
}

void
dataplane_mirror_now_(struct dataplane *dp, int64_t now_ms)
{
    struct err *err;

    dataplane_end_mirror_(dp);
    err = prepare(dp, now_ms);
    if (!err) {
        err = write_files(dp);
    }
    finish(dp, err, clock_ms());
}

void
dataplane_run_mirror_(struct dataplane *dp, int64_t now_ms)
{
    struct pollfd item = { .fd = dp->mirror.fd, .events = POLLIN };

    if (dp->mirror.pid == 0) {
        return;
    }
    if (now_ms - dp->mirror.begin_ms > WRITING_MS) {
        kill(dp->mirror.pid, SIGKILL);
        finish(dp, reap(dp), now_ms);
    } else if (poll(&item, 1, 0) > 0) {
        finish(dp, reap(dp), now_ms);
    }
}

void
dataplane_end_mirror_(struct dataplane *dp)
{
    struct pollfd item = { .fd = dp->mirror.fd, .events = POLLIN };

    if (dp->mirror.pid == 0) {
        return;
    }
    if (poll(&item, 1, WRITING_MS) == 0) {
        kill(dp->mirror.pid, SIGKILL);
    }
    finish(dp, reap(dp), clock_ms());
}

bool
dataplane_is_written(const struct dataplane *dp)
{
    return dp->mirror_ms == 0 && dp->mirror.pid == 0;
}
