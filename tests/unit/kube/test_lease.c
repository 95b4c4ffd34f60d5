/* The election: scripts of one candidate, and many candidates against one
 * API server that is slow, fails and restarts, where never two may lead. */
#include "tests/unit/table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/lease.h"

#define COLLECTION "/apis/coordination.k8s.io/v1/namespaces/n/leases"
#define GET "GET " COLLECTION "/l"
#define POST "POST " COLLECTION
#define PUT "PUT " COLLECTION "/l"
#define WALL_US INT64_C(1795456800000000)       /* 2026-11-23T18:00:00Z */
#define RECORD(holder, rv, seconds)                                        \
    "{\"metadata\":{\"name\":\"l\",\"namespace\":\"n\","                   \
    "\"resourceVersion\":\"" rv "\",\"labels\":{\"keep\":\"me\"},"         \
    "\"managedFields\":[]},\"spec\":{\"holderIdentity\":\"" holder         \
    "\",\"leaseDurationSeconds\":" seconds                                 \
    ",\"leaseTransitions\":3,\"strategy\":\"x\"}}"

struct step {
    const char *request;        /* NULL: the end.  "release": no request. */
    const char *wrote;          /* Holder, seconds, transitions, version. */
    int status;                 /* 0: no answer. */
    const char *body;
    int64_t late_ms;            /* From request to answer. */
    bool is_held;               /* After it. */
    int64_t wait_ms;            /* From the answer to the next request. */
};

static const struct row {
    const char *name;
    struct step steps[10];
} rows[] = {
    { "nobody has made it yet",
      .steps = {
          { GET, NULL, 404, "", .is_held = false },
          { POST, "me 15 0 -", 201, RECORD("me", "1", "15"), .is_held = true,
            .wait_ms = 2000 },
          { PUT, "me 15 3 1", 200, RECORD("me", "2", "15"), .is_held = true,
            .wait_ms = 2000 } } },
    { "another one made it at the same time",
      .steps = {
          { GET, NULL, 404, "" },
          { POST, "me 15 0 -", 409, "", .wait_ms = 2000 },
          { GET, NULL, 200, RECORD("it", "1", "15"), .wait_ms = 2000 } } },
    { "given back: taken at once",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 } } },
    { "held by another: taken when its record stood still for its time",
      .steps = {
          { GET, NULL, 200, RECORD("it", "7", "5"), .wait_ms = 2000 },
          { GET, NULL, 200, RECORD("it", "8", "5"), .wait_ms = 2000 },
          { GET, NULL, 200, RECORD("it", "8", "5"), .wait_ms = 2000 },
          { GET, NULL, 200, RECORD("it", "8", "5"), .wait_ms = 2000 },
          { GET, NULL, 200, RECORD("it", "8", "5") },
          { PUT, "me 15 4 8", 200, RECORD("me", "9", "15"), .is_held = true,
            .wait_ms = 2000 } } },
    { "held by another: it was faster after all",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 409, "", .wait_ms = 2000 },
          { GET, NULL, 200, RECORD("it", "8", "15"), .wait_ms = 2000 } } },
    { "a record that claims to last for ever lasts an hour",
      .steps = { { GET, NULL, 200, RECORD("it", "7", "2147483647"),
                   .wait_ms = 2000 } } },
    { "our own name from before a restart: no need to wait",
      .steps = {
          { GET, NULL, 200, RECORD("me", "7", "15") },
          { PUT, "me 15 3 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 } } },
    { "no answer to a renewal: look, then renew, as long as it is ours",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 },
          { PUT, "me 15 3 8", 0, NULL, .late_ms = 5000, .is_held = true,
            .wait_ms = 1000 },
          { GET, NULL, 200, RECORD("me", "9", "15"), .is_held = true },
          { PUT, "me 15 3 9", 200, RECORD("me", "10", "15"),
            .is_held = true, .wait_ms = 2000 } } },
    { "not renewed in time: not held, before another can have it",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 },
          { PUT, "me 15 3 8", 0, NULL, .late_ms = 5000, .is_held = true,
            .wait_ms = 1000 },
          { GET, NULL, 0, NULL, .late_ms = 1999, .is_held = true,
            .wait_ms = 2000 },
          { GET, NULL, 0, NULL, .late_ms = 5000, .is_held = false,
            .wait_ms = 2000 } } },
    { "a late answer counts from when it was asked for",
      .steps = {
          { GET, NULL, 404, "" },
          { POST, "me 15 0 -", 201, RECORD("me", "1", "15"),
            .late_ms = 9999, .is_held = true },
          { PUT, "me 15 3 1", 200, RECORD("me", "2", "15"),
            .late_ms = 10001, .is_held = false } } },
    { "somebody wrote into it: look, it is still ours",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 },
          { PUT, "me 15 3 8", 409, "", .is_held = true },
          { GET, NULL, 200, RECORD("me", "9", "15"), .is_held = true },
          { PUT, "me 15 3 9", 200, RECORD("me", "10", "15"),
            .is_held = true, .wait_ms = 2000 } } },
    { "a server that knows of nothing but conflicts is asked once a second",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 },
          { PUT, "me 15 3 8", 409, "", .is_held = true },
          { GET, NULL, 200, RECORD("me", "9", "15"), .is_held = true },
          { PUT, "me 15 3 9", 409, "", .is_held = true, .wait_ms = 1000 },
          { GET, NULL, 200, RECORD("me", "10", "15"), .is_held = true },
          { PUT, "me 15 3 10", 409, "", .is_held = true, .wait_ms = 1000 },
          { GET, NULL, 200, RECORD("me", "11", "15"), .is_held = true },
          { PUT, "me 15 3 11", 200, RECORD("me", "12", "15"),
            .is_held = true, .wait_ms = 2000 } } },
    { "taken away by hand: not held at once",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 },
          { PUT, "me 15 3 8", 409, "", .is_held = true },
          { GET, NULL, 200, RECORD("it", "9", "15"), .is_held = false,
            .wait_ms = 2000 } } },
    { "deleted by hand: made again",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 },
          { PUT, "me 15 3 8", 404, "", .is_held = true, .wait_ms = 2000 },
          { GET, NULL, 404, "", .is_held = false },
          { POST, "me 15 0 -", 201, RECORD("me", "1", "15"),
            .is_held = true, .wait_ms = 2000 } } },
    { "given back on exit",
      .steps = {
          { GET, NULL, 200, RECORD("", "7", "1") },
          { PUT, "me 15 4 7", 200, RECORD("me", "8", "15"), .is_held = true,
            .wait_ms = 2000 },
          { "release", .is_held = false },
          { PUT, " 1 3 8", 200, RECORD("", "9", "1"), .is_held = false,
            .wait_ms = -1 } } },
    { "nothing to give back",
      .steps = {
          { GET, NULL, 200, RECORD("it", "7", "15"), .wait_ms = 2000 },
          { "release", .is_held = false, .wait_ms = -1 } } },
    { "not allowed: ask again, slowly",
      .steps = { { GET, NULL, 403, "{}", .wait_ms = 2000 },
                 { GET, NULL, 200, "no JSON", .wait_ms = 2000 } } },
};

static const struct lease_spec spec = {
    .ns = "n",
    .name = "l",
    .identity = "me",
};

/* Holder, seconds, transitions, version and what must be kept of others. */
static void
check_body(const char *body, const char *want)
{
    AUTO_JSON json_t *root = NULL;
    AUTO_FREE char *got = NULL;
    json_t *meta, *record;
    const char *version, *renewed;

    assert_null(jx_load(body, strlen(body), 1 << 20, &root));
    meta = json_object_get(root, "metadata");
    record = json_object_get(root, "spec");
    version = json_string_value(json_object_get(meta, "resourceVersion"));
    got = xasprintf(
        "%s %d %d %s",
        json_string_value(json_object_get(record, "holderIdentity")),
        (int) json_integer_value(
            json_object_get(record, "leaseDurationSeconds")),
        (int) json_integer_value(json_object_get(record, "leaseTransitions")),
        version ? version : "-");
    assert_string_equal(got, want);
    assert_null(json_object_get(meta, "managedFields"));
    renewed = json_string_value(json_object_get(record, "renewTime"));
    assert_string_equal(renewed, "2026-11-23T18:00:00.000000Z");
    if (version) {
        assert_non_null(json_object_get(meta, "labels"));
        assert_non_null(json_object_get(record, "strategy"));
    }
}

static int64_t
play(struct lease *lease, const struct step *step, int64_t now)
{
    static const char *const methods[] = {
        [HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT",
        [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    };
    struct lease_request request, second;
    AUTO_FREE char *got = NULL;
    AUTO_ERR struct err *err = NULL;
    struct http_response response = {
        .status = step->status,
        .body = step->body ? step->body : "",
        .size = step->body ? strlen(step->body) : 0,
        .retry_after_ms = -1,
    };

    if (str_eq(step->request, "release")) {
        lease_release(lease);
        return now;
    }
    assert_true(lease_start(lease, now, WALL_US, &request));
    assert_false(lease_start(lease, now + 1000000, WALL_US, &second));
    got = xasprintf("%s %s", methods[request.method], request.path);
    assert_string_equal(got, step->request);
    if (step->wrote) {
        check_body(request.body, step->wrote);
    } else {
        assert_null(request.body);
    }
    free(request.path);
    free(request.body);
    if (!step->status) {
        err = err_new(ERR_UNAVAILABLE, "cut");
        response.err = err;
    }
    now += step->late_ms;
    lease_done(lease, &response, now, 0);
    return now;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct lease *lease = lease_new(&spec);
    int64_t now = 1000000;

    for (const struct step *step = row->steps; step->request; step++) {
        int64_t due;

        now = play(lease, step, now);
        assert_int_equal(lease_is_held(lease, now), step->is_held);
        due = lease_due_ms(lease);
        if (step->wait_ms < 0) {
            assert_true(lease_is_released(lease));
            assert_int_equal(due, INT64_MAX);
            break;
        }
        assert_false(lease_is_released(lease));
        assert_int_equal(due > now ? due - now : 0, step->wait_ms);
        now = due > now ? due : now;
    }
    lease_free(lease);
}

/* ---- many against one ---- */

#define N_CANDIDATES 4

struct server {
    char *document;             /* NULL: not made. */
    unsigned version;
    uint32_t random;
    bool is_down;
};

struct candidate {
    struct lease *lease;
    char *body;
    enum http_method method;
    bool is_busy;
    bool is_frozen;             /* Its process does not run. */
    int64_t act_ms;             /* When the server sees the request. */
    int64_t answer_ms;
    bool is_answered;
    int status;
    char *answer;
    int64_t skew_us;            /* Its wall clock is wrong. */
};

static uint32_t
roll(struct server *s)
{
    s->random = s->random * 1664525 + 1013904223;
    return s->random >> 8;
}

static unsigned
version_in(const char *text)
{
    AUTO_JSON json_t *root = json_loads(text, 0, NULL);
    json_t *meta = json_object_get(root, "metadata");
    const char *s =
        json_string_value(json_object_get(meta, "resourceVersion"));

    return s ? (unsigned) strtoul(s, NULL, 10) : 0;
}

static void
store(struct server *s, const char *text)
{
    AUTO_JSON json_t *root = json_loads(text, 0, NULL);
    char version[16];

    snprintf(version, sizeof version, "%u", ++s->version);
    json_object_set_new(json_object_get(root, "metadata"), "resourceVersion",
                        json_string(version));
    free(s->document);
    s->document = json_dumps(root, JSON_COMPACT);
}

static void
serve(struct server *s, struct candidate *c)
{
    c->is_answered = true;
    if (s->is_down || roll(s) % 10 == 0) {
        c->status = 0;
    } else if (c->method == HTTP_GET) {
        c->status = s->document ? 200 : 404;
    } else if (c->method == HTTP_POST && s->document) {
        c->status = 409;
    } else if (c->method == HTTP_PUT &&
               (!s->document ||
                version_in(s->document) != version_in(c->body))) {
        c->status = s->document ? 409 : 404;
    } else {
        store(s, c->body);
        c->status = 200;
    }
    c->answer = xstrdup(c->status == 200 ? s->document : "");
    /* Written, but the answer is lost. */
    if (c->method != HTTP_GET && roll(s) % 20 == 0) {
        c->status = 0;
    }
}

static void
step_candidate(struct server *s, struct candidate *c, int64_t now)
{
    struct lease_request request;

    if (c->is_busy && !c->is_answered && now >= c->act_ms) {
        serve(s, c);
    }
    if (c->is_frozen) {
        return;
    }
    if (c->is_busy && now >= c->answer_ms) {
        AUTO_ERR struct err *err =
            c->status ? NULL : err_new(ERR_UNAVAILABLE, "lost");
        struct http_response response = {
            .status = c->status,
            .body = c->answer,
            .size = strlen(c->answer),
            .retry_after_ms = -1,
            .err = err,
        };

        lease_done(c->lease, &response, now, roll(s));
        free(STEAL_PTR(c->answer));
        free(STEAL_PTR(c->body));
        c->is_busy = c->is_answered = false;
    }
    if (lease_start(c->lease, now, now * 1000 + c->skew_us, &request)) {
        free(request.path);
        c->body = request.body;
        c->method = request.method;
        c->is_busy = true;
        c->act_ms = now + roll(s) % 1500;
        c->answer_ms = c->act_ms + roll(s) % 1500;
    }
}

static void
check_never_two(void **state)
{
    struct server s = { .random = 7 };
    struct candidate all[N_CANDIDATES] = { 0 };
    int64_t led_ms = 0, changes = 0;
    int leader = -1;

    (void) state;
    for (int i = 0; i < N_CANDIDATES; i++) {
        char name[] = { 'c', (char) ('0' + i), '\0' };
        struct lease_spec one = { "n", "l", name, 0, 0, 0 };

        all[i].lease = lease_new(&one);
        all[i].skew_us = (i - 2) * INT64_C(86400000000);
    }
    for (int64_t now = 1000; now < 4000000; now += 50) {
        int n_held = 0;

        if (roll(&s) % 400 == 0) {
            s.is_down = roll(&s) % 4 == 0;
        }
        for (int i = 0; i < N_CANDIDATES; i++) {
            if (roll(&s) % 1000 == 0) {
                all[i].is_frozen = roll(&s) % 4 == 0;
            }
            step_candidate(&s, &all[i], now);
            /* Also those that are frozen: they may wake up any moment. */
            if (lease_is_held(all[i].lease, now)) {
                n_held++;
                changes += leader != i;
                leader = i;
            }
        }
        assert_in_range(n_held, 0, 1);
        led_ms += n_held * 50;
    }
    /* It is of use too: mostly somebody leads, and others come to it. */
    assert_true(led_ms > 1500000);
    assert_true(changes > 10);
    for (int i = 0; i < N_CANDIDATES; i++) {
        lease_free(all[i].lease);
        free(all[i].body);
        free(all[i].answer);
    }
    free(s.document);
}

int
main(void)
{
    const struct CMUnitTest many[] = { cmocka_unit_test(check_never_two) };
    int failed = TABLE_RUN("lease", rows, check_row);

    return failed +
           cmocka_run_group_tests_name("many candidates", many, NULL, NULL);
}
