#include "tests/unit/table.h"
#include "tests/unit/kube/fake_http.h"

#include <jansson.h>

#include "lib/base/str.h"
#include "lib/kube/allowance.h"
#include "lib/kube/cache.h"
#include "lib/kube/client.h"
#include "lib/kube/events.h"
#include "lib/kube/limits.h"

#define COLLECTION "/apis/events.k8s.io/v1/namespaces/d/events"
#define MINUTE INT64_C(60000)
#define WALL_US INT64_C(1795456800000000)       /* 2026-11-23T18:00:00Z */
#define X16 "xxxxxxxxxxxxxxxx"
#define X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16
#define X1023                                                              \
    X256 X256 X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16     \
        X16 X16 "xxxxxxxxxxxxxxx"

static const struct row {
    const char *name;
    const char *note;
    const char *want;
} rows[] = {
    { "plain", "host a.example is taken", "host a.example is taken" },
    { "empty", "", "" },
    { "line feeds and tabs become blanks", "a\nb\tc", "a b c" },
    { "escape sequences do not reach a terminal", "a\x1b[31mb\x7f",
      "a?[31mb?" },
    { "eight-bit controls neither", "a\xc2\x9b" "31mb", "a?31mb" },
    { "letters beyond ASCII stay", "h\xc3\xb6he \xe2\x82\xac \xf0\x9f\x98\x80",
      "h\xc3\xb6he \xe2\x82\xac \xf0\x9f\x98\x80" },
    { "no UTF-8", "a\xff" "b\xc3", "a?b?" },
    { "overlong", "a\xc0\xaf" "b", "a??b" },
    { "surrogate", "a\xed\xa0\x80" "b", "a???b" },
    { "beyond the last", "a\xf4\x90\x80\x80" "b", "a????b" },
    { "1024 bytes", X1023 "y", X1023 "y" },
    { "1025 bytes", X1023 "yz", X1023 "y" },
    { "no half character at the end", X1023 "\xc3\xb6", X1023 },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *got = events_clean_note(row->note);

    assert_string_equal(got, row->want);
}

/* ---- series ---- */

static struct rig {
    struct cache *cache;
    struct kube_client *client;
    struct events *events;
    int64_t now_ms;
} rig;

static int
set_up(void **state)
{
    (void) state;
    rig.cache = cache_new();
    rig.client = kube_client_new(NULL, rig.cache);
    rig.events = events_new(rig.client, "sallyport.dev/x", "pod-1");
    rig.now_ms = 1000;
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    events_free(rig.events);
    kube_client_free(rig.client);
    cache_free(rig.cache);
    return 0;
}

static void
emit_for(const char *name, const char *uid, const char *note)
{
    AUTO_FREE char *key = xasprintf("d/%s", name);
    struct kube_object o = {
        .kind = KUBE_INGRESS,
        .namespace = "d",
        .name = name,
        .key = key,
        .uid = uid,
        .resource_version = "7",
    };
    struct event event = {
        .regarding = &o,
        .is_warning = true,
        .reason = "HostConflict",
        .action = "Reconcile",
        .note = note,
    };

    events_emit(rig.events, &event, rig.now_ms, WALL_US);
    events_run(rig.events, rig.now_ms);
}

static void
emit(const char *note)
{
    emit_for("a", "u1", note);
}

static void
later(int64_t ms)
{
    rig.now_ms += ms;
    events_run(rig.events, rig.now_ms);
}

static const char *
text_at(json_t *root, const char *object, const char *name)
{
    if (object) {
        root = json_object_get(root, object);
    }
    return json_string_value(json_object_get(root, name));
}

/* The POST that waits; returns the name it gives its Event. */
static char *
check_post(const char *note)
{
    struct http_call *call = fake_take("POST " COLLECTION);
    json_t *root = json_loads(call->body, 0, NULL);
    char *name = xstrdup(text_at(root, "metadata", "name"));

    assert_string_equal(text_at(root, NULL, "note"), note);
    assert_string_equal(text_at(root, NULL, "type"), "Warning");
    assert_string_equal(text_at(root, NULL, "reason"), "HostConflict");
    assert_string_equal(text_at(root, NULL, "action"), "Reconcile");
    assert_string_equal(text_at(root, NULL, "eventTime"),
                        "2026-11-23T18:00:00.000000Z");
    assert_string_equal(text_at(root, NULL, "reportingController"),
                        "sallyport.dev/x");
    assert_string_equal(text_at(root, NULL, "reportingInstance"), "pod-1");
    assert_string_equal(text_at(root, "metadata", "namespace"), "d");
    assert_string_equal(text_at(root, "regarding", "uid"), "u1");
    assert_string_equal(text_at(root, "regarding", "kind"), "Ingress");
    assert_string_equal(text_at(root, "regarding", "apiVersion"),
                        "networking.k8s.io/v1");
    assert_true(str_starts(name, "a."));
    json_decref(root);
    return name;
}

static struct http_call *
take_patch(const char *name, int count)
{
    AUTO_FREE char *line = xasprintf("PATCH " COLLECTION "/%s", name);
    AUTO_FREE char *body = xasprintf(
        "{\"series\":{\"count\":%d,\"lastObservedTime\":"
        "\"2026-11-23T18:00:00.000000Z\"}}",
        count);
    struct http_call *call = fake_take(line);

    assert_string_equal(call->content_type, "application/merge-patch+json");
    assert_string_equal(call->body, body);
    return call;
}

static void
check_series(void **state)
{
    AUTO_FREE char *name = NULL;

    (void) state;
    emit("taken");
    name = check_post("taken");
    /* More of it while the first is under way. */
    emit("taken");
    emit("taken");
    assert_int_equal(fake.calls.n, 1);
    fake_answer(fake_take("POST " COLLECTION), 201, "{}");
    later(0);
    fake_answer(take_patch(name, 3), 200, "{}");
    /* From the third time on they are only counted ... */
    later(MINUTE);
    emit("taken");
    emit("taken");
    later(5 * MINUTE);
    assert_int_equal(fake.calls.n, 0);
    assert_int_equal(events_n_pending(rig.events), 1);
    /* ... until it ends, six minutes after the last ... */
    later(MINUTE);
    fake_answer(take_patch(name, 5), 200, "{}");
    later(MINUTE);
    assert_int_equal(fake.calls.n, 0);
    assert_int_equal(events_n_pending(rig.events), 0);
    /* ... and the next one is a new Event. */
    emit("taken");
    free(check_post("taken"));
    assert_int_equal(events_counts(rig.events).written, 3);
}

static void
check_refresh(void **state)
{
    AUTO_FREE char *name = NULL;
    int count = 2;

    (void) state;
    emit("taken");
    name = check_post("taken");
    fake_answer(fake_take("POST " COLLECTION), 201, "{}");
    emit("taken");
    fake_answer(take_patch(name, 2), 200, "{}");
    /* One that goes on without end is written every half hour. */
    while (fake.calls.n == 0) {
        later(MINUTE);
        if (fake.calls.n == 0) {
            emit("taken");
            count++;
        }
        assert_in_range(count, 2, 32);
    }
    assert_in_range(count, 30, 32);
    fake_answer(take_patch(name, count), 200, "{}");
}

static void
check_others(void **state)
{
    (void) state;
    emit("one");
    emit("two");
    emit_for("b", "u2", "one");
    /* Another object of the same name. */
    emit_for("a", "u3", "one");
    assert_int_equal(fake.calls.n, 4);
}

static void
check_failures(void **state)
{
    char *name;

    (void) state;
    emit("taken");
    name = check_post("taken");
    fake_cut(fake_take("POST " COLLECTION));
    later(0);
    assert_int_equal(fake.calls.n, 0);
    later(KUBE_BACKOFF_MAX_MS);
    /* It had been written, but the answer was lost. */
    fake_answer(fake_take("POST " COLLECTION), 409, "{}");
    emit("taken");
    /* Its hour is over on the API server. */
    fake_answer(take_patch(name, 2), 404, "{}");
    free(name);
    emit("taken");
    free(check_post("taken"));
    /* The namespace is on its way out: given up at once. */
    fake_answer(fake_take("POST " COLLECTION), 403, "{}");
    later(MINUTE);
    assert_int_equal(fake.calls.n, 0);
    assert_int_equal(events_counts(rig.events).dropped, 1);
}

static void
check_give_up(void **state)
{
    int tries = 0;

    (void) state;
    emit("taken");
    while (fake.calls.n > 0) {
        fake_answer(fake_take("POST " COLLECTION), 503, "{}");
        later(KUBE_BACKOFF_MAX_MS);
        assert_true(++tries <= 12);
    }
    assert_int_equal(tries, 12);
    assert_int_equal(events_counts(rig.events).dropped, 1);
}

static void
check_bounds(void **state)
{
    (void) state;
    /* One object has its allowance, whatever it says. */
    for (int i = 0; i < 100; i++) {
        AUTO_FREE char *note = xasprintf("note %d", i);

        emit(note);
    }
    assert_int_equal(fake.calls.n, KUBE_MAX_EVENT_WRITES);
    assert_int_equal(events_n_pending(rig.events), 25);
    assert_int_equal(events_counts(rig.events).dropped, 75);
    /* All together have an end too. */
    for (int i = 0; i < 2 * KUBE_MAX_EVENTS; i++) {
        AUTO_FREE char *uid = xasprintf("uid-%d", i);

        emit_for("b", uid, "note");
    }
    assert_int_equal(events_n_pending(rig.events), KUBE_MAX_EVENTS);
    assert_int_equal(fake.calls.n, KUBE_MAX_EVENT_WRITES);
}

static void
check_allowance(void **state)
{
    struct allowance *a = allowance_new(3, 1000, 2);

    (void) state;
    for (int i = 0; i < 3; i++) {
        assert_true(allowance_take(a, "x", 0));
    }
    assert_false(allowance_take(a, "x", 999));
    assert_true(allowance_take(a, "x", 1000));
    assert_false(allowance_take(a, "x", 1001));
    /* Never more than full, however long it was quiet. */
    for (int i = 0; i < 3; i++) {
        assert_true(allowance_take(a, "x", 1000000));
    }
    assert_false(allowance_take(a, "x", 1000000));
    /* A third object takes the place of the one asked for longest ago. */
    assert_true(allowance_take(a, "y", 1000001));
    assert_true(allowance_take(a, "z", 1000002));
    assert_true(allowance_take(a, "x", 1000003));
    allowance_free(a);
}

static void
check_long_name(void **state)
{
    AUTO_FREE char *name = xasprintf("%.229s-%s", X1023, X16);
    struct http_call *call;
    json_t *root;
    const char *got;

    (void) state;
    emit_for(name, "u1", "taken");
    call = fake_take("POST " COLLECTION);
    root = json_loads(call->body, 0, NULL);
    got = text_at(root, "metadata", "name");
    assert_int_equal(strlen(got), 229 + 1 + 16);
    assert_null(strstr(got, "-."));
    json_decref(root);
}

int
main(void)
{
    const struct CMUnitTest series[] = {
        cmocka_unit_test_setup_teardown(check_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_refresh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_give_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_long_name, set_up, tear_down),
        cmocka_unit_test(check_allowance),
    };
    int failed = TABLE_RUN("notes", rows, check_row);

    return failed +
           cmocka_run_group_tests_name("events", series, NULL, NULL);
}
