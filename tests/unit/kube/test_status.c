#include "tests/unit/table.h"
#include "tests/unit/kube/fake_http.h"

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/kube/cache.h"
#include "lib/kube/client.h"
#include "lib/kube/limits.h"
#include "lib/kube/status.h"

/* Addresses are words; '@' makes one a host name. */
static const struct row {
    const char *name;
    const char *in;
    const char *want;
} rows[] = {
    { "none", "", "" },
    { "sorted", "10.0.0.9 10.0.0.1", "10.0.0.1 10.0.0.9" },
    { "doubles", "10.0.0.1 10.0.0.1 10.0.0.1", "10.0.0.1" },
    { "host names alone", "@b.example @a.example @b.example",
      "@a.example @b.example" },
    { "never both: IP addresses win", "@a.example 10.0.0.1 @b.example",
      "10.0.0.1" },
    { "IPv4 and IPv6", "2001:db8::1 10.0.0.1", "10.0.0.1 2001:db8::1" },
    { "no IP address in an IP field", "host 10.0.0.1", "10.0.0.1" },
    { "nothing of use", "host @", "" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *words = xstrdup(row->in);
    struct kube_address in[8], out[8];
    AUTO_BUF struct buf got = BUF_OWN;
    char *save = NULL;
    size_t n = 0;

    for (char *word = strtok_r(words, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        in[n++] = *word == '@' ? (struct kube_address) { .hostname = word + 1 }
                               : (struct kube_address) { .ip = word };
    }
    n = status_normalise(in, n, out);
    for (size_t i = 0; i < n; i++) {
        assert_true(!out[i].ip != !out[i].hostname);
        buf_printf(&got, "%s%s%s", i ? " " : "", out[i].ip ? "" : "@",
                   out[i].ip ? out[i].ip : out[i].hostname);
    }
    assert_string_equal(buf_str(&got), row->want);
}

/* ---- writing ---- */

#define PATH(name)                                                         \
    "PATCH /apis/networking.k8s.io/v1/namespaces/d/ingresses/" name        \
    "/status?fieldManager=sallyport&fieldValidation=Ignore"
#define BODY(uid, list)                                                    \
    "{\"metadata\":{\"uid\":\"" uid "\"},\"status\":{\"loadBalancer\":"    \
    "{\"ingress\":[" list "]}}}"
#define UID_REFUSED                                                        \
    "{\"kind\":\"Status\",\"message\":\"m\",\"details\":{\"causes\":["     \
    "{\"reason\":\"FieldValueInvalid\",\"field\":\"metadata.uid\"}]}}"
#define IP_REFUSED                                                         \
    "{\"kind\":\"Status\",\"message\":\"bad ip\",\"details\":{\"causes\":" \
    "[{\"field\":\"status.loadBalancer.ingress[0].ip\"}]}}"

static struct rig {
    struct cache *cache;
    struct kube_client *client;
    struct status *status;
    struct buf said;
} rig;

static void
on_done(const char *key, enum status_result result, const struct err *err,
        void *aux)
{
    static const char *const names[] = { "written", "gone", "refused" };

    (void) aux;
    buf_printf(&rig.said, "%s %s%s%s;", key, names[result], err ? ": " : "",
               err ? err_text(err) : "");
}

static int
set_up(void **state)
{
    (void) state;
    rig.cache = cache_new();
    rig.client = kube_client_new(NULL, rig.cache);
    rig.status = status_new(rig.client, on_done, NULL);
    buf_init(&rig.said, 1 << 16);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    status_free(rig.status);
    kube_client_free(rig.client);
    cache_free(rig.cache);
    buf_fini(&rig.said);
    return 0;
}

static void
ask(const char *name, const char *uid, const char *ip)
{
    AUTO_FREE char *key = xasprintf("d/%s", name);
    struct kube_object ingress = {
        .kind = KUBE_INGRESS,
        .namespace = "d",
        .name = name,
        .key = key,
        .uid = uid,
    };
    struct kube_address address = { .ip = ip };

    status_write(rig.status, &ingress, &address, ip ? 1 : 0);
}

static void
said(const char *want)
{
    assert_string_equal(buf_str(&rig.said), want);
    buf_clear(&rig.said);
}

static void
check_written(void **state)
{
    struct http_call *call;

    (void) state;
    ask("a", "u1", "10.0.0.1");
    status_run(rig.status, 1000);
    call = fake_take(PATH("a"));
    assert_string_equal(call->content_type,
                        "application/strategic-merge-patch+json");
    assert_string_equal(call->body, BODY("u1", "{\"ip\":\"10.0.0.1\"}"));
    assert_int_equal(status_n_pending(rig.status), 1);
    fake_answer(call, 200, "{}");
    said("d/a written;");
    assert_int_equal(status_n_pending(rig.status), 0);
    ask("a", "u1", NULL);
    status_run(rig.status, 1000);
    call = fake_take(PATH("a"));
    assert_string_equal(call->body, BODY("u1", ""));
    fake_answer(call, 200, "{}");
    said("d/a written;");
}

static void
check_ends(void **state)
{
    (void) state;
    ask("a", "u1", "10.0.0.1");
    status_run(rig.status, 1000);
    fake_answer(fake_take(PATH("a")), 404, "{}");
    said("d/a gone;");
    ask("a", "u1", "10.0.0.1");
    status_run(rig.status, 1000);
    fake_answer(fake_take(PATH("a")), 422, UID_REFUSED);
    said("d/a gone;");
    ask("a", "u1", "10.0.0.1");
    status_run(rig.status, 1000);
    fake_answer(fake_take(PATH("a")), 422, IP_REFUSED);
    said("d/a refused: the API server answered 422: \"bad ip\";");
    ask("a", "u1", "10.0.0.1");
    status_run(rig.status, 1000);
    fake_answer(fake_take(PATH("a")), 403, "{}");
    said("d/a refused: the API server answered 403;");
}

/* Each of these is tried again, not before its time, until it is written. */
static void
check_again(void **state)
{
    static const int statuses[] = { 0, 401, 409, 429, 500, 503 };
    int64_t now = 1000;

    (void) state;
    ask("a", "u1", "10.0.0.1");
    status_run(rig.status, now);
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        struct http_call *call = fake_take(PATH("a"));

        if (statuses[i]) {
            fake_answer(call, statuses[i], "{}");
        } else {
            fake_cut(call);
        }
        status_run(rig.status, now);
        assert_int_equal(fake.calls.n, 0);
        now += KUBE_BACKOFF_MAX_MS;
        status_run(rig.status, now);
        assert_int_equal(fake.calls.n, 1);
        said("");
    }
    fake_answer(fake_take(PATH("a")), 200, "{}");
    said("d/a written;");
}

static void
check_newest(void **state)
{
    struct http_call *call;

    (void) state;
    ask("a", "u1", "10.0.0.1");
    ask("a", "u1", "10.0.0.2");
    status_run(rig.status, 1000);
    call = fake_take(PATH("a"));
    assert_string_equal(call->body, BODY("u1", "{\"ip\":\"10.0.0.2\"}"));
    /* Overtaken under way, by one for a new object of that name: what
     * happens to the old one is no news. */
    ask("a", "u2", "10.0.0.3");
    fake_answer(call, 422, UID_REFUSED);
    said("");
    status_run(rig.status, 1000);
    call = fake_take(PATH("a"));
    assert_string_equal(call->body, BODY("u2", "{\"ip\":\"10.0.0.3\"}"));
    fake_answer(call, 200, "{}");
    said("d/a written;");
    assert_int_equal(fake.calls.n, 0);
}

static void
check_bounded(void **state)
{
    (void) state;
    for (int i = 0; i < 25; i++) {
        AUTO_FREE char *name = xasprintf("i%d", i);

        ask(name, "u", "10.0.0.1");
    }
    status_run(rig.status, 1000);
    assert_int_equal(fake.calls.n, KUBE_MAX_STATUS_WRITES);
    fake_answer(fake_take(PATH("i0")), 200, "{}");
    status_run(rig.status, 1000);
    assert_int_equal(fake.calls.n, KUBE_MAX_STATUS_WRITES);
    assert_int_equal(status_n_pending(rig.status), 24);
    status_drop_all(rig.status);
    assert_int_equal(fake.calls.n, 0);
    assert_int_equal(status_n_pending(rig.status), 0);
}

int
main(void)
{
    const struct CMUnitTest writes[] = {
        cmocka_unit_test_setup_teardown(check_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_newest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_bounded, set_up, tear_down),
    };
    int failed = TABLE_RUN("addresses", rows, check_row);

    return failed + cmocka_run_group_tests_name("status writes", writes,
                                                NULL, NULL);
}
