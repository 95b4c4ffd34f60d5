#include "tests/replay/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/replay/fake_time.h"
#include "tests/replay/responder.h"

/* A turn that leads to another for so long is a loop that never sleeps. */
#define MAX_TURNS 500

/* ---- failures and the transcript ---- */

void
replay_note(struct replay *r, const char *fmt, ...)
{
    AUTO_FREE char *line = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&line, fmt, args) < 0) {
        abort();
    }
    va_end(args);
    buf_printf(&r->transcript, "%10.3f  %s\n",
               (double) (r->now_ms - FAKE_TIME_START_MS) / 1000, line);
}

void
replay_fail(struct replay *r, const char *fmt, ...)
{
    AUTO_FREE char *line = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&line, fmt, args) < 0) {
        abort();
    }
    va_end(args);
    replay_note(r, "FAILED: %s", line);
    if (!r->failure) {
        r->failure = xasprintf("%s:%u: %s", r->file, r->line, line);
    }
}

/* ---- the properties ---- */

/* Has anything changed since '*last'?  Then it is noted there. */
static bool
is_news(const struct replay *r, struct replay_stamp *last)
{
    const struct plan *plan = fake_dataplane_plan();
    const struct replay_stamp now = {
        .brought = r->api.n_brought,
        .generation = plan ? plan_generation(plan) : 0,
        .confirms = r->haproxy.n_confirms,
        .starts = r->n_starts,
    };
    bool is_same = memcmp(&now, last, sizeof now) == 0;

    *last = now;
    return !is_same;
}

static void
check_compare(struct replay *r)
{
    AUTO_ERR struct err *err = NULL;

    if (r->no_compare || !fake_dataplane_is_complete() ||
        !is_news(r, &r->compared)) {
        return;
    }
    err = app_compare(r->app);
    r->n_compared++;
    if (err) {
        replay_fail(r, "the state differs from a full recompute: %s",
                    err_text(err));
    }
}

void
replay_compare(struct replay *r)
{
    r->compared = (struct replay_stamp) { .starts = UINT64_MAX };
    if (r->app && !r->failure) {
        check_compare(r);
    }
}

static void
check_mirror(struct replay *r)
{
    AUTO_BUF struct buf plan = BUF_OWN;
    AUTO_BUF struct buf mirror = BUF_OWN;
    const char *a, *b;
    size_t line = 0;

    if (!fake_dataplane_is_confirmed() || !is_news(r, &r->mirrored)) {
        return;
    }
    plan_dump(fake_dataplane_plan(), &plan);
    plan_dump(r->haproxy.mirror, &mirror);
    a = buf_str(&plan);
    b = buf_str(&mirror);
    for (size_t i = 0; a[i] == b[i]; i++) {
        if (a[i] == '\0') {
            return;
        }
        line = a[i] == '\n' ? i + 1 : line;
    }
    replay_fail(r, "HAProxy has \"%.*s\", the plan \"%.*s\"",
                (int) strcspn(b + line, "\n"), b + line,
                (int) strcspn(a + line, "\n"), a + line);
}

struct question {
    const char *host;
    const char *ns;
    const char *service;
    bool is_strict;             /* Only rows that name a backend. */
    bool found;
};

/* Does the line of a dump answer requests for the host, for this Ingress? */
static bool
is_row_of(const char *line, const struct question *q)
{
    AUTO_FREE char *row = xasprintf(" \"%s/", q->host);
    AUTO_FREE char *whole = xasprintf(" \"%s\" ", q->host);
    AUTO_FREE char *target =
        xasprintf(" forward \"%s/%s:", q->ns, q->service);
    AUTO_FREE char *through = xasprintf("\" \"%s/%s:", q->ns, q->service);

    if (!strstr(line, row) && !strstr(line, whole)) {
        return false;
    }
    return strstr(line, target) ||
           (str_starts(line, "passthrough ") && strstr(line, through)) ||
           (!q->is_strict && (strstr(line, " redirect") ||
                              strstr(line, " unavailable")));
}

static bool
ask_line(const char *piece, size_t length, void *aux)
{
    AUTO_FREE char *line = xstrndup(piece, length);
    struct question *q = aux;

    q->found = (str_starts(line, "http") || str_starts(line, "pass")) &&
               is_row_of(line, q);
    return !q->found;
}

static bool
has_row(const char *dump, json_t *ingress, const char *host, json_t *backend,
        bool is_strict)
{
    AUTO_FREE char *lower = str_lower(host ? host : "");
    const char *service = json_string_value(
        json_object_get(json_object_get(backend, "service"), "name"));
    struct question q = {
        .host = lower,
        .ns = apiserver_text(ingress, "metadata", "namespace"),
        .service = service ? service : "",
        .is_strict = is_strict,
    };

    str_split(dump, '\n', ask_line, &q);
    return q.found;
}

bool
replay_serves(const struct plan *plan, json_t *ingress, bool is_strict)
{
    AUTO_BUF struct buf dump = BUF_OWN;
    json_t *spec = json_object_get(ingress, "spec");
    json_t *fallback = json_object_get(spec, "defaultBackend");
    json_t *rule, *path;
    size_t i, k;

    plan_dump(plan, &dump);
    if (fallback && has_row(buf_str(&dump), ingress, "", fallback, is_strict)) {
        return true;
    }
    json_array_foreach(json_object_get(spec, "rules"), i, rule) {
        json_t *paths =
            json_object_get(json_object_get(rule, "http"), "paths");
        const char *host = apiserver_text(rule, NULL, "host");

        if (fallback && has_row(buf_str(&dump), ingress, host, fallback,
                                is_strict)) {
            return true;
        }
        json_array_foreach(paths, k, path) {
            if (has_row(buf_str(&dump), ingress, host,
                        json_object_get(path, "backend"), is_strict)) {
                return true;
            }
        }
    }
    return false;
}

/* Is it alone in its namespace, and stays?  Else rows that look like its own
 * may be those of another. */
static bool
is_alone(const struct replay *r, json_t *ingress)
{
    const char *ns = apiserver_text(ingress, "metadata", "namespace");
    json_t *all = apiserver_list(&r->api.store, KUBE_INGRESS, ns, NULL);
    size_t n = json_array_size(all);

    json_decref(all);
    return n == 1 &&
           !apiserver_text(ingress, "metadata", "deletionTimestamp");
}

/* What the judgement was made of. */
static void
note_served(struct replay *r, json_t *ingress)
{
    AUTO_BUF struct buf dump = BUF_OWN;
    AUTO_FREE char *text = json_dumps(ingress, JSON_COMPACT);

    plan_dump(r->haproxy.mirror, &dump);
    replay_note(r, "it is %s", text);
    replay_note(r, "HAProxy has\n%s", buf_str(&dump));
}

/* A status reaches the API server. */
static void
on_status(const char *key, json_t *addresses, bool is_informed, void *aux)
{
    struct replay *r = aux;
    json_t *ingress = apiserver_get(&r->api.store, KUBE_INGRESS, key);
    AUTO_FREE char *text = json_dumps(addresses, JSON_COMPACT);

    replay_note(r, "status %s: %s", key, text);
    if (!is_informed) {
        /* The Ingress has changed since: what was right is not any more. */
        return;
    }
    if (json_array_size(addresses) > 0 &&
        !replay_serves(r->haproxy.mirror, ingress, false)) {
        note_served(r, ingress);
        replay_fail(r, "%s got an address, but HAProxy serves no host of it",
                    key);
    }
    if (json_array_size(addresses) == 0 && is_alone(r, ingress) &&
        replay_serves(r->haproxy.mirror, ingress, true) &&
        fake_dataplane_plan() &&
        replay_serves(fake_dataplane_plan(), ingress, true)) {
        note_served(r, ingress);
        replay_fail(r, "%s lost its addresses, but HAProxy serves it", key);
    }
}

static void
on_note(const char *line, void *aux)
{
    replay_note(aux, "%s", line);
}

/* ---- turns ---- */

static void
turn(struct replay *r)
{
    unsigned confirms = r->haproxy.n_confirms;

    r->n_turns++;
    app_run(r->app, r->now_ms);
    if (confirms != r->haproxy.n_confirms) {
        replay_note(r, "HAProxy confirms");
    }
    check_mirror(r);
    if (r->api.problem) {
        replay_fail(r, "%s", r->api.problem);
    }
}

static int64_t
next_due(struct replay *r)
{
    struct waits waits;
    int64_t due;

    waits_init(&waits);
    app_wait(r->app, &waits);
    due = waits.deadline_ms;
    waits_fini(&waits);
    return due;
}

void
replay_settle(struct replay *r)
{
    unsigned n = 0;

    if (!r->app) {
        replay_fail(r, "it is not started");
        return;
    }
    do {
        turn(r);
        if (++n == MAX_TURNS) {
            replay_fail(r, "it never rests: %u turns at one time", n);
        }
    } while (!r->failure && next_due(r) <= r->now_ms);
    check_compare(r);
}

void
replay_advance(struct replay *r, int64_t ms)
{
    int64_t until = r->now_ms + ms;

    replay_settle(r);
    while (!r->failure && r->now_ms < until) {
        int64_t due = next_due(r);

        r->now_ms = due < until ? due : until;
        fake_time_set(r->now_ms);
        replay_settle(r);
    }
}

/* ---- birth and death ---- */

static void
write_kubeconfig(struct replay *r)
{
    static const char text[] =
        "apiVersion: v1\nkind: Config\ncurrent-context: replay\n"
        "contexts: [{name: replay, context: {cluster: replay, user: me}}]\n"
        "clusters: [{name: replay, cluster: {server: "
        "\"http://127.0.0.1:9\"}}]\n"
        "users: [{name: me, user: {token: replay}}]\n";
    AUTO_FREE char *path = xasprintf("%s/kubeconfig", r->dir);
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0) {
        abort();
    }
    fclose(file);
    VEC_PUSH(&r->args, xasprintf("--kubeconfig=%s", path));
    /* What webhooks claim is settled against a real API server (tests/e2e). */
    VEC_PUSH(&r->args, xstrdup("--cluster-claims=false"));
}

void
replay_init(struct replay *r, const char *file, const char *dir)
{
    *r = (struct replay) { .file = file, .dir = dir };
    r->now_ms = FAKE_TIME_START_MS;
    fake_time_init(UINT64_C(0x5a11790f7));
    fake_api = &r->api;
    fake_api_init(&r->api);
    r->api.on_status = on_status;
    r->api.on_note = on_note;
    r->api.aux = r;
    fake_haproxy = &r->haproxy;
    fake_haproxy_init(&r->haproxy);
    responder_reset();
    buf_init(&r->transcript, REPLAY_TRANSCRIPT);
    VEC_PUSH(&r->args, xstrdup("replay"));
    write_kubeconfig(r);
}

void
replay_fini(struct replay *r)
{
    app_free(r->app);
    if (r->has_config) {
        config_fini(&r->config);
    }
    for (size_t i = 0; i < r->args.n; i++) {
        free(r->args.items[i]);
    }
    VEC_FINI(&r->args);
    fake_api_fini(&r->api);
    fake_haproxy_fini(&r->haproxy);
    buf_fini(&r->transcript);
    free(r->failure);
}

static void
open_app(struct replay *r)
{
    AUTO_ERR struct err *err =
        app_new(&r->config, "/nonexistent/sallyport-proxy", &r->app);

    r->n_starts++;
    if (err) {
        replay_fail(r, "app_new: %s", err_text(err));
    }
}

void
replay_start(struct replay *r)
{
    AUTO_ERR struct err *err = NULL;
    bool help;

    if (r->app) {
        replay_fail(r, "it is started already");
        return;
    }
    if (!r->has_config) {
        err = config_parse((int) r->args.n, r->args.items, &r->config, &help);
        r->has_config = true;
        if (err) {
            replay_fail(r, "flags: %s", err_text(err));
            return;
        }
    }
    open_app(r);
}

void
replay_restart(struct replay *r, bool graceful)
{
    if (graceful && r->app) {
        app_stop(r->app, false, 0);
    }
    app_free(r->app);
    r->app = NULL;
    open_app(r);
}
