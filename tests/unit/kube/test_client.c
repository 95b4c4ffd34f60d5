#include "tests/unit/table.h"
#include "tests/unit/kube/fake_http.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/kube/cache.h"
#include "lib/kube/client.h"
#include "lib/kube/creds.h"
#include "lib/kube/limits.h"

#define SECRETS                                                            \
    "/api/v1/secrets?limit=500&fieldSelector=type%3Dkubernetes.io%2Ftls"
#define SECRET(name, type, rv)                                             \
    "{\"metadata\":{\"namespace\":\"d\",\"name\":\"" name                  \
    "\",\"uid\":\"" name "-" type "\",\"resourceVersion\":\"" rv           \
    "\"},\"type\":\"" type "\"}"
#define TLS "kubernetes.io/tls"
#define PAGE(items)                                                        \
    "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[" items "]}"
#define EXPIRED "{\"kind\":\"Status\",\"code\":410,\"message\":\"m\"}"

static struct rig {
    struct cache *cache;
    struct kube_client *client;
    char *dir;
    int64_t now_ms;
    int n_done;
    int status;
} rig;

static void
later(int64_t ms)
{
    rig.now_ms += ms;
    kube_client_run(rig.client, rig.now_ms);
}

static int
set_up(void **state)
{
    (void) state;
    rig = (struct rig) { .cache = cache_new(), .now_ms = 10000 };
    rig.client = kube_client_new(NULL, rig.cache);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    kube_client_free(rig.client);
    cache_free(rig.cache);
    return 0;
}

static bool
has(const char *key)
{
    return cache_get(rig.cache, KUBE_SECRET, key) != NULL;
}

/* Where a request begins so, whatever its timeoutSeconds. */
static struct http_call *
take_like(const char *part)
{
    for (size_t i = 0; i < fake.calls.n; i++) {
        if (strstr(fake.calls.items[i]->line, part)) {
            return fake.calls.items[i];
        }
    }
    fail_msg("no request with %s", part);
    return NULL;
}

#define FOLLOW_LIST                                                        \
    "GET /api/v1/namespaces/d/secrets?limit=500&fieldSelector="            \
    "metadata.name%3Dopaque%2Ctype%21%3Dkubernetes.io%2Ftls"

static void
check_follow(void **state)
{
    (void) state;
    kube_client_watch(rig.client, KUBE_SECRET, NULL, "type=" TLS);
    assert_null(kube_client_follow(rig.client, KUBE_SECRET, "d/opaque"));
    assert_null(kube_client_follow(rig.client, KUBE_SECRET, "d/opaque"));
    later(0);
    fake_answer(fake_take("GET " SECRETS), 200,
                PAGE(SECRET("cert", TLS, "1")));
    assert_false(kube_client_is_synced(rig.client));
    assert_false(
        kube_client_has_asked(rig.client, KUBE_SECRET, "d/opaque"));
    fake_answer(fake_take(FOLLOW_LIST), 200,
                PAGE(SECRET("opaque", "Opaque", "1")));
    assert_true(kube_client_is_synced(rig.client));
    assert_true(kube_client_has_asked(rig.client, KUBE_SECRET, "d/opaque"));
    assert_true(has("d/cert") && has("d/opaque"));
    /* A new list of the watch, without either. */
    later(0);
    fake_answer(take_like("/secrets?watch=1"), 410, EXPIRED);
    later(1000);
    fake_answer(take_like("GET " SECRETS), 200, PAGE(""));
    assert_true(!has("d/cert") && has("d/opaque"));
    kube_client_unfollow(rig.client, KUBE_SECRET, "d/opaque");
    assert_true(has("d/opaque"));
    kube_client_unfollow(rig.client, KUBE_SECRET, "d/opaque");
    assert_false(has("d/opaque"));
    later(0);
    assert_int_equal(fake.calls.n, 1);
}

/* The followed Secret is made anew with the watched type: two streams, and
 * the one that sees it go must not take the other's object with it. */
static void
check_type_change(void **state)
{
    struct http_call *call;
    static const char gone[] =
        "{\"type\":\"DELETED\",\"object\":" SECRET("opaque", "Opaque", "2")
        "}\n";
    static const char added[] =
        "{\"type\":\"ADDED\",\"object\":" SECRET("opaque", TLS, "3") "}\n";

    (void) state;
    kube_client_watch(rig.client, KUBE_SECRET, NULL, "type=" TLS);
    assert_null(kube_client_follow(rig.client, KUBE_SECRET, "d/opaque"));
    later(0);
    fake_answer(fake_take("GET " SECRETS), 200, PAGE(""));
    fake_answer(fake_take(FOLLOW_LIST), 200,
                PAGE(SECRET("opaque", "Opaque", "1")));
    later(0);
    call = take_like("GET /api/v1/secrets?watch=1");
    call->request.data(added, sizeof added - 1, call->request.aux);
    call = take_like("GET /api/v1/namespaces/d/secrets?watch=1");
    call->request.data(gone, sizeof gone - 1, call->request.aux);
    assert_string_equal(
        cache_get(rig.cache, KUBE_SECRET, "d/opaque")->secret.type, TLS);
    kube_client_unfollow(rig.client, KUBE_SECRET, "d/opaque");
    assert_true(has("d/opaque"));
}

static void
check_covered(void **state)
{
    struct err *err;

    (void) state;
    kube_client_watch(rig.client, KUBE_SERVICE, "d", NULL);
    assert_null(kube_client_follow(rig.client, KUBE_SERVICE, "d/web"));
    assert_null(kube_client_follow(rig.client, KUBE_SERVICE, "e/web"));
    later(0);
    fake_answer(fake_take("GET /api/v1/namespaces/d/services?limit=500"),
                200, PAGE(""));
    fake_answer(fake_take("GET /api/v1/namespaces/e/services?limit=500"
                          "&fieldSelector=metadata.name%3Dweb"),
                200, PAGE(""));
    assert_true(kube_client_has_asked(rig.client, KUBE_SERVICE, "d/web"));
    assert_true(kube_client_has_asked(rig.client, KUBE_SERVICE, "e/web"));
    err = kube_client_follow(rig.client, KUBE_SECRET,
                             "d/a,type!=kubernetes.io/tls");
    assert_int_equal(err_kind(err), ERR_INVALID);
    err_free(err);
    err = kube_client_follow(rig.client, KUBE_SECRET, "a");
    assert_int_equal(err_kind(err), ERR_INVALID);
    err_free(err);
    err = kube_client_follow(rig.client, KUBE_SECRET, "../a");
    assert_int_equal(err_kind(err), ERR_INVALID);
    err_free(err);
    assert_false(kube_client_has_asked(rig.client, KUBE_SERVICE, "x/y"));
}

static void
check_few_lists(void **state)
{
    size_t n_lists = 0;

    (void) state;
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        kube_client_watch(rig.client, (enum kube_kind) kind, NULL, NULL);
    }
    /* Each list that ends makes room for the next; watches do not count. */
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        later(0);
        n_lists = 0;
        for (size_t i = 0; i < fake.calls.n; i++) {
            n_lists += strstr(fake.calls.items[i]->line, "limit=") != NULL;
        }
        assert_in_range(n_lists, 1, KUBE_MAX_LISTS);
        fake_answer(take_like("limit="), 200, PAGE(""));
    }
    later(0);
    assert_int_equal(fake.calls.n, KUBE_N_KINDS);
    assert_true(kube_client_is_synced(rig.client));
    assert_int_equal(kube_client_counts(rig.client).lists, KUBE_N_KINDS);
}

static void
check_probe(void **state)
{
    struct http_call *watch, *probe;

    (void) state;
    kube_client_watch(rig.client, KUBE_SERVICE, NULL, NULL);
    later(0);
    fake_answer(fake_take("GET /api/v1/services?limit=500"), 200, PAGE(""));
    later(KUBE_PROBE_AFTER_MS - 1);
    watch = take_like("watch=1");
    watch->request.data("\n", 1, watch->request.aux);
    later(KUBE_PROBE_AFTER_MS - 1);
    assert_int_equal(fake.calls.n, 1);
    later(1);
    assert_int_equal(fake.calls.n, 2);
    probe = take_like("GET /livez");
    assert_true(probe->request.as_stream);
    fake_answer(probe, 403, "{}");
    later(KUBE_PROBE_AFTER_MS - 1);
    assert_int_equal(fake.calls.n, 1);
    later(1);
    fake_cut(take_like("GET /livez"));
    later(KUBE_PROBE_AGAIN_MS - 1);
    assert_int_equal(fake.calls.n, 1);
    later(1);
    fake_answer(take_like("GET /livez"), 200, "ok");
    later(KUBE_PROBE_AFTER_MS - 1);
    assert_int_equal(fake.calls.n, 1);
}

/* After a long outage the streams wait up to half a minute: the first that
 * finds the server again calls the others. */
static void
check_hurry(void **state)
{
    (void) state;
    kube_client_watch(rig.client, KUBE_SERVICE, NULL, NULL);
    kube_client_watch(rig.client, KUBE_INGRESS, NULL, NULL);
    for (int i = 0; i < 10; i++) {
        later(2 * KUBE_BACKOFF_MAX_MS);
        fake_cut(take_like("/services?limit="));
        fake_cut(take_like("/ingresses?limit="));
        while (fake.calls.n > 0) {
            fake_cut(fake.calls.items[0]);
        }
    }
    later(0);
    assert_int_equal(fake.calls.n, 0);
    later(KUBE_PROBE_AGAIN_MS);
    assert_int_equal(fake.calls.n, 1);
    fake_answer(fake_take("GET /livez"), 200, "ok");
    later(1000);
    take_like("/services?limit=");
    take_like("/ingresses?limit=");
}

/* ---- credentials that change ---- */

static void
write_token(const char *token)
{
    AUTO_FREE char *path = xasprintf("%s/token", rig.dir);
    AUTO_FREE char *part = xasprintf("%s/part", rig.dir);
    FILE *file = fopen(part, "w");

    assert_non_null(file);
    fputs(token, file);
    fclose(file);
    assert_int_equal(rename(part, path), 0);
}

static int
set_up_creds(void **state)
{
    static const char config[] =
        "current-context: c\n"
        "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
        "clusters: [{name: k, cluster: {server: 'https://h'}}]\n"
        "users: [{name: u, user: {tokenFile: token}}]\n";
    AUTO_FREE char *path = NULL;
    struct creds *creds;
    FILE *file;

    (void) state;
    rig = (struct rig) { .cache = cache_new(), .now_ms = 10000 };
    rig.dir = xstrdup("/tmp/test-client-XXXXXX");
    assert_non_null(mkdtemp(rig.dir));
    write_token("one");
    path = xasprintf("%s/config", rig.dir);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(config, file);
    fclose(file);
    assert_null(creds_load_kubeconfig(path, &creds));
    rig.client = kube_client_new(creds, rig.cache);
    later(0);
    return 0;
}

static int
tear_down_creds(void **state)
{
    static const char *const names[] = { "token", "config" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", rig.dir, names[i]);

        unlink(path);
    }
    rmdir(rig.dir);
    free(rig.dir);
    return tear_down(state);
}

static void
on_done(const struct http_response *response, void *aux)
{
    struct rig *r = aux;

    r->n_done++;
    r->status = response->status;
}

static struct kube_call *
send_patch(void)
{
    struct http_request request = {
        .method = HTTP_PATCH,
        .path = "/x",
        .content_type = "application/json",
        .body = "{}",
        .size = 2,
        .done = on_done,
        .aux = &rig,
    };

    return kube_client_request(rig.client, &request);
}

static void
check_unauthorized(void **state)
{
    (void) state;
    /* Nothing changed: the answer is what it is. */
    send_patch();
    fake_answer(fake_take("PATCH /x"), 401, "{}");
    assert_int_equal(rig.n_done, 1);
    assert_int_equal(rig.status, 401);
    /* The token is another one: the same request once more. */
    later(KUBE_CREDS_LOOK_MS);
    write_token("two");
    send_patch();
    send_patch();
    fake_answer(fake_take("PATCH /x"), 401, "{}");
    fake_answer(fake_take("PATCH /x"), 401, "{}");
    assert_int_equal(rig.n_done, 1);
    assert_string_equal(creds_view(fake.creds)->authorization, "Bearer two");
    assert_string_equal(fake_take("PATCH /x")->body, "{}");
    fake_answer(fake_take("PATCH /x"), 200, "{}");
    assert_int_equal(rig.status, 200);
    /* Once, not for ever. */
    fake_answer(fake_take("PATCH /x"), 401, "{}");
    assert_int_equal(rig.n_done, 3);
    assert_int_equal(rig.status, 401);
    assert_int_equal(kube_client_counts(rig.client).unauthorized, 4);
}

static void
check_cancel(void **state)
{
    struct kube_call *call;

    (void) state;
    call = send_patch();
    kube_client_cancel(call);
    assert_int_equal(fake.calls.n, 0);
    later(KUBE_CREDS_LOOK_MS);
    write_token("two");
    call = send_patch();
    fake_answer(fake_take("PATCH /x"), 401, "{}");
    kube_client_cancel(call);
    assert_int_equal(fake.calls.n, 0);
    assert_int_equal(rig.n_done, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_follow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_type_change, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(check_covered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_few_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_probe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_hurry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_unauthorized, set_up_creds,
                                        tear_down_creds),
        cmocka_unit_test_setup_teardown(check_cancel, set_up_creds,
                                        tear_down_creds),
    };

    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
