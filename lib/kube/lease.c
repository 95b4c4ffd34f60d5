#include "lib/kube/lease.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"

#define DURATION_MS 15000
#define RENEW_MS 10000
#define RETRY_MS 2000
/* What a record may claim to be valid for. */
#define MAX_DURATION_S 3600

enum step {
    STEP_LOOK,          /* GET */
    STEP_CREATE,        /* POST */
    STEP_TAKE,          /* PUT: take over, or renew. */
    STEP_RELEASE,       /* PUT without a holder. */
    STEP_END,           /* Released. */
};

struct lease {
    char *ns, *name, *identity;
    int64_t duration_ms, renew_ms, retry_ms;

    enum step step;             /* Next, or under way. */
    bool is_busy;
    bool is_releasing;
    int64_t due_ms;
    int64_t started_ms;
    int64_t started_wall_us;

    /* The Lease as it was last seen, and when it last changed. */
    char *document;
    char *holder;
    char *version;
    int64_t record_ms;          /* What it says of its duration. */
    int64_t changed_ms;

    bool is_holder;
    bool is_disputed;           /* The last renewal met another version. */
    int64_t renewed_ms;         /* The last renewal was sent. */
};

struct lease *
lease_new(const struct lease_spec *spec)
{
    struct lease *l = xcalloc(1, sizeof *l);

    l->ns = xstrdup(spec->ns);
    l->name = xstrdup(spec->name);
    l->identity = xstrdup(spec->identity);
    l->duration_ms = spec->duration_ms ? spec->duration_ms : DURATION_MS;
    l->renew_ms = spec->renew_ms ? spec->renew_ms : RENEW_MS;
    l->retry_ms = spec->retry_ms ? spec->retry_ms : RETRY_MS;
    assert(l->duration_ms > l->renew_ms &&
           l->renew_ms * 5 > l->retry_ms * 6);
    return l;
}

static void
forget_record(struct lease *l)
{
    free(l->document);
    free(l->holder);
    free(l->version);
    l->document = l->holder = l->version = NULL;
}

void
lease_free(struct lease *l)
{
    if (l) {
        forget_record(l);
        free(l->ns);
        free(l->name);
        free(l->identity);
        free(l);
    }
}

/* ---- what is written ---- */

static void
set_spec(const struct lease *l, json_t *spec, int64_t wall_us)
{
    bool is_release = l->step == STEP_RELEASE;
    json_int_t n =
        json_integer_value(json_object_get(spec, "leaseTransitions"));
    bool is_ours = str_eq(
        json_string_value(json_object_get(spec, "holderIdentity")),
        l->identity);
    char now[CLOCK_MICROTIME_SIZE];

    clock_format_micro(wall_us, now);
    if (!is_ours) {
        json_object_set_new(spec, "acquireTime", json_string(now));
        n += l->step == STEP_TAKE;
    }
    json_object_set_new(spec, "leaseTransitions", json_integer(n));
    json_object_set_new(spec, "renewTime", json_string(now));
    json_object_set_new(spec, "holderIdentity",
                        json_string(is_release ? "" : l->identity));
    json_object_set_new(
        spec, "leaseDurationSeconds",
        json_integer(is_release ? 1 : (l->duration_ms + 999) / 1000));
}

/* The Lease as seen, with all that others wrote into it, and our record. */
static char *
render(const struct lease *l, int64_t wall_us)
{
    AUTO_JSON json_t *root = NULL;
    json_t *spec, *meta;

    if (l->step != STEP_CREATE && l->document) {
        err_free(jx_load(l->document, strlen(l->document), KUBE_MAX_ANSWER,
                         &root));
    }
    if (!root) {
        root = json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion",
                         resource_api_version(KUBE_LEASE), "kind", "Lease",
                         "metadata", "namespace", l->ns, "name", l->name);
    }
    meta = json_object_get(root, "metadata");
    json_object_del(meta, "managedFields");
    spec = json_object_get(root, "spec");
    if (!json_is_object(spec)) {
        spec = json_object();
        json_object_set_new(root, "spec", spec);
    }
    set_spec(l, spec, wall_us);
    return json_dumps(root, JSON_COMPACT);
}

bool
lease_start(struct lease *l, int64_t now_ms, int64_t wall_us,
            struct lease_request *out)
{
    *out = (struct lease_request) { .path = NULL };
    if (l->is_busy || l->step == STEP_END || now_ms < l->due_ms) {
        return false;
    }
    l->is_busy = true;
    l->started_ms = now_ms;
    l->started_wall_us = wall_us;
    out->method = l->step == STEP_LOOK     ? HTTP_GET
                  : l->step == STEP_CREATE ? HTTP_POST
                                           : HTTP_PUT;
    out->path = resource_path(KUBE_LEASE, l->ns,
                              l->step == STEP_CREATE ? NULL : l->name);
    if (l->step != STEP_LOOK) {
        out->body = render(l, wall_us);
    }
    return true;
}

/* ---- what is read ---- */

static bool
read_record(struct lease *l, const struct http_response *response,
            int64_t now_ms)
{
    AUTO_JSON json_t *root = NULL;
    struct jx jx = JX_INIT;
    json_t *meta, *spec;
    const char *version, *holder;
    int64_t seconds;
    struct err *err =
        jx_load(response->body, response->size, KUBE_MAX_ANSWER, &root);

    if (!err) {
        meta = jx_object(&jx, root, "metadata", JX_REQUIRED);
        spec = jx_object(&jx, root, "spec", JX_OPTIONAL);
        version = jx_text(&jx, meta, "resourceVersion", JX_REQUIRED);
        holder = jx_text(&jx, spec, "holderIdentity", JX_OPTIONAL);
        seconds = jx_int(&jx, spec, "leaseDurationSeconds", INT32_MIN,
                         INT32_MAX, 0);
        err = jx_take_err(&jx);
    }
    if (err) {
        err_free(err);
        return false;
    }
    /* Any new version is a sign of life; only the holder writes here. */
    if (!str_eq(version, l->version)) {
        l->changed_ms = now_ms;
    }
    seconds = seconds < 1 ? 1 : seconds;
    l->record_ms = (seconds < MAX_DURATION_S ? seconds : MAX_DURATION_S) *
                   1000;
    forget_record(l);
    l->version = xstrdup(version);
    l->holder = xstrdup(holder ? holder : "");
    l->document = xstrndup(response->body, response->size);
    return true;
}

static void
go(struct lease *l, enum step step, int64_t due_ms)
{
    l->step = step;
    l->due_ms = due_ms;
}

/* 1 to 2.2 times the retry time, so that candidates spread. */
static int64_t
candidate_wait(const struct lease *l, uint32_t random)
{
    return l->retry_ms + (int64_t) (random % 1024) * l->retry_ms * 6 / 5120;
}

static void
done_look(struct lease *l, const struct http_response *response,
          int64_t now_ms, uint32_t random)
{
    bool is_free;

    if (!response->err && response->status == 404) {
        forget_record(l);
        l->is_holder = false;
        go(l, STEP_CREATE, now_ms);
        return;
    }
    if (response->err || response->status != 200 ||
        !read_record(l, response, now_ms)) {
        go(l, STEP_LOOK, now_ms + candidate_wait(l, random));
        return;
    }
    if (!str_eq(l->holder, l->identity)) {
        l->is_holder = false;
    }
    is_free = l->holder[0] == '\0' || str_eq(l->holder, l->identity) ||
              now_ms >= l->changed_ms + l->record_ms;
    if (is_free) {
        go(l, STEP_TAKE, now_ms);
    } else {
        go(l, STEP_LOOK, now_ms + candidate_wait(l, random));
    }
}

static void
done_write(struct lease *l, const struct http_response *response,
           int64_t now_ms, uint32_t random)
{
    bool is_written = !response->err && (response->status == 200 ||
                                         response->status == 201);

    if (is_written && read_record(l, response, now_ms)) {
        l->is_holder = true;
        l->is_disputed = false;
        l->renewed_ms = l->started_ms;
        go(l, STEP_TAKE, l->started_ms + l->retry_ms);
        return;
    }
    if (l->is_holder && response->status == 409 && !l->is_disputed) {
        l->is_disputed = true;
        go(l, STEP_LOOK, now_ms);
        return;
    }
    if (l->is_holder && (response->err || response->status >= 500 ||
                         response->status == 429 ||
                         response->status == 409)) {
        /* Maybe it was written all the same: look, then renew. */
        go(l, STEP_LOOK, now_ms + l->retry_ms / 2);
        return;
    }
    go(l, STEP_LOOK, now_ms + candidate_wait(l, random));
}

void
lease_done(struct lease *l, const struct http_response *response,
           int64_t now_ms, uint32_t random)
{
    enum step step = l->step;

    assert(l->is_busy);
    l->is_busy = false;
    if (step == STEP_RELEASE) {
        go(l, STEP_END, INT64_MAX);
        return;
    }
    if (step == STEP_LOOK) {
        done_look(l, response, now_ms, random);
    } else {
        done_write(l, response, now_ms, random);
    }
    if (l->is_releasing) {
        go(l, l->is_holder ? STEP_RELEASE : STEP_END, now_ms);
    }
}

int64_t
lease_due_ms(const struct lease *l)
{
    return l->is_busy || l->step == STEP_END ? INT64_MAX : l->due_ms;
}

bool
lease_is_held(const struct lease *l, int64_t now_ms)
{
    return l->is_holder && !l->is_releasing &&
           now_ms < l->renewed_ms + l->renew_ms;
}

int64_t
lease_expires_ms(const struct lease *l)
{
    return l->is_holder && !l->is_releasing ? l->renewed_ms + l->renew_ms
                                            : INT64_MAX;
}

const char *
lease_holder(const struct lease *l)
{
    return l->holder;
}

void
lease_release(struct lease *l)
{
    if (l->is_releasing) {
        return;
    }
    l->is_releasing = true;
    /* One under way is waited for: it may make us the holder yet. */
    if (!l->is_busy) {
        go(l, l->is_holder ? STEP_RELEASE : STEP_END, 0);
    }
}

bool
lease_is_released(const struct lease *l)
{
    return l->step == STEP_END;
}
