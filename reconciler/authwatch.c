#include "reconciler/authwatch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "haproxy/files.h"
#include "lib/base/authstats.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"

#define LOOK_MS 2000

struct authwatch {
    char *path;
    struct authstats seen;      /* The last that was read. */
    bool has_seen;
    struct map *crowded;        /* Group to int64_t, until when. */
    int64_t due_ms;
    struct metric *up, *waiting, *verified, *verify_ms;
    struct metric *answers[AUTHSTATS_N];
};

struct authwatch *
authwatch_new(const char *run_dir, struct metrics *m)
{
    struct authwatch *w = xcalloc(1, sizeof *w);

    w->path = xasprintf("%s/auth/stats", run_dir);
    w->crowded = map_new();
    w->up = metrics_gauge(m, "sallyport_auth_up", "",
                          "1 while sallyport-auth tells how it fares.");
    w->waiting = metrics_gauge(m, "sallyport_auth_waiting", "",
                               "Passwords that wait to be verified.");
    w->verified = metrics_counter(m, "sallyport_auth_verified_total", "",
                                  "Passwords that were verified.");
    w->verify_ms = metrics_counter(
        m, "sallyport_auth_verify_milliseconds_total", "",
        "Processor time of verifying passwords.");
    for (unsigned i = 0; i < AUTHSTATS_N; i++) {
        AUTO_FREE char *label = metrics_label(
            "verdict", authstats_name((enum authstats_kind) i));

        w->answers[i] = metrics_counter(
            m, "sallyport_auth_answers_total", label,
            "Answers of sallyport-auth: ok, remembered (ok of a moment "
            "ago), no, full (a queue), late (waited too long), down (no "
            "table), bad (no question), stranger.");
    }
    return w;
}

void
authwatch_free(struct authwatch *w)
{
    if (w) {
        map_free(w->crowded, free);
        free(w->path);
        free(w);
    }
}

/* What came since; a daemon that began anew counts from nothing. */
static uint64_t
grown(uint64_t before, uint64_t now)
{
    return now >= before ? now - before : now;
}

static uint64_t
refused_before(const struct authwatch *w, const char *group)
{
    for (size_t i = 0; i < w->seen.n_groups; i++) {
        if (strcmp(w->seen.groups[i].name, group) == 0) {
            return w->seen.groups[i].refused;
        }
    }
    return 0;
}

static void
take(struct authwatch *w, const struct authstats *now, int64_t now_ms)
{
    for (size_t i = 0; i < AUTHSTATS_N; i++) {
        metric_add(w->answers[i], (int64_t) grown(w->seen.answers[i],
                                                  now->answers[i]));
    }
    metric_add(w->verified,
               (int64_t) grown(w->seen.verified, now->verified));
    metric_add(w->verify_ms, (int64_t) grown(w->seen.verify_us / 1000,
                                             now->verify_us / 1000));
    metric_set(w->waiting, (int64_t) now->waiting);
    /* Who looks for the first time does not know when that was. */
    for (size_t i = 0; w->has_seen && i < now->n_groups; i++) {
        const struct authstats_group *g = &now->groups[i];

        if (grown(refused_before(w, g->name), g->refused) > 0) {
            int64_t *until = xcalloc(1, sizeof *until);

            *until = now_ms + AUTHWATCH_CROWDED_MS;
            free(map_put(w->crowded, g->name, until));
        }
    }
    w->seen = *now;
    w->has_seen = true;
}

static bool
read_file(const struct authwatch *w, int64_t now_s, struct authstats *out)
{
    AUTO_BUF struct buf text = BUF_INIT(AUTHSTATS_TEXT_MAX + 1);
    AUTO_ERR struct err *err = NULL;
    struct stat status;

    if (stat(w->path, &status) < 0 ||
        now_s - status.st_mtim.tv_sec > AUTHWATCH_AGE_S) {
        return false;
    }
    err = files_get(w->path, AUTHSTATS_TEXT_MAX, &text);
    return !err && authstats_read(buf_str(&text), out);
}

static void
forget(struct authwatch *w, int64_t now_ms)
{
    AUTO_FREE const char **groups = map_sorted_keys(w->crowded);
    size_t n = map_size(w->crowded);

    for (size_t i = 0; i < n; i++) {
        AUTO_FREE char *group = xstrdup(groups[i]);
        const int64_t *until = map_get(w->crowded, group);

        if (now_ms >= *until) {
            free(map_remove(w->crowded, group));
        }
    }
}

bool
authwatch_run(struct authwatch *w, int64_t now_ms, int64_t now_s,
              const char ***groups, size_t *n)
{
    struct authstats now;
    bool is_up;

    if (now_ms < w->due_ms) {
        return false;
    }
    w->due_ms = now_ms + LOOK_MS;
    is_up = read_file(w, now_s, &now);
    metric_set(w->up, is_up);
    if (is_up) {
        take(w, &now, now_ms);
    }
    forget(w, now_ms);
    *groups = map_sorted_keys(w->crowded);
    *n = map_size(w->crowded);
    return true;
}

void
authwatch_wait(const struct authwatch *w, struct waits *waits)
{
    /* Only what changes by itself needs a turn. */
    if (metric_get(w->up) || map_size(w->crowded) > 0) {
        waits_until(waits, w->due_ms);
    }
}
