#include "tests/unit/table.h"

#include "tests/unit/webhook/world.h"

/* Requests that are no reviews, and reviews that come one after another. */
#define ONE ING("a", "one", "", HOST("new.example.com"))
#define TWO ING("b", "two", "", HOST("new.example.com"))
#define ONE_ELSEWHERE ING("a", "one", "", HOST("other.example.com"))
#define REFUSED                                                            \
    "200 no 403 Forbidden: Ingress b/two: spec.rules[0].http.paths[0]."    \
    "path: host "                                                          \
    "\"new.example.com\" and path \"/\" is already defined in ingress "    \
    "a/one, as Prefix: " OR_ASK

static const struct row {
    const char *name;
    const char *method;
    const char *path;
    const char *content_type;
    const char *want;
} rows[] = {
    { "another path", "POST", "/", "application/json",
      "404 the paths here are /validate and /mutate\n" },
    { "a path below", "POST", "/validate/x", "application/json",
      "404 the paths here are /validate and /mutate\n" },
    { "GET", "GET", "/validate", NULL,
      "405 only POST is answered here\nallow=POST" },
    { "no Content-Type", "POST", "/mutate", NULL,
      "415 the Content-Type must be application/json\n" },
    { "another Content-Type", "POST", "/validate", "text/json",
      "415 the Content-Type must be application/json\n" },
    { "a Content-Type that only begins so", "POST", "/validate",
      "application/jsonx",
      "415 the Content-Type must be application/json\n" },
    { "Content-Type with a charset", "POST", "/validate",
      "Application/JSON; charset=utf-8", "200 yes" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *got = NULL;
    struct world w;

    world_init(&w);
    watch_run(w.watch, 0);
    got = world_ask(&w, row->method, row->path, row->content_type,
                    CREATE("a", ONE));
    assert_string_equal(got, row->want);
    world_fini(&w);
}

static void
expect(struct world *w, const char *body, const char *want)
{
    AUTO_FREE char *got = world_post(w, "/validate", body);

    assert_string_equal(got, want);
}

static char *
admin(struct world *w, const char *method, const char *path)
{
    struct httpd_response response = { .status = 200, .body = BUF_OWN };
    const struct httpd_request request = {
        .method = method,
        .path = path,
        .body = "",
    };
    char *got;

    server_answer_admin(&request, &response, w->server);
    got = xasprintf("%u %s", response.status, buf_str(&response.body));
    buf_fini(&response.body);
    return got;
}

static void
expect_admin(struct world *w, const char *path, const char *want)
{
    AUTO_FREE char *got = admin(w, "GET", path);

    assert_string_equal(got, want);
}

static int
setup(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);

    world_init(w);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    world_fini(*state);
    free(*state);
    return 0;
}

/* Until everything was listed nobody is judged, and the API server is told
 * to come again. */
static void
check_unsynced(void **state)
{
    struct world *w = *state;

    expect(w, CREATE("a", ONE),
           "503 the objects of the cluster are being listed\nretry=1");
    expect_admin(w, "/readyz",
                 "503 waiting for the objects of the cluster\n");
    expect_admin(w, "/healthz", "200 ok\n");
    watch_run(w->watch, 0);
    expect(w, CREATE("a", ONE), "200 yes");
    expect_admin(w, "/readyz", "200 ok\n");
    server_leave(w->server);
    expect_admin(w, "/readyz", "503 shutting down\n");
    expect(w, CREATE("a", ONE), "200 yes");
}

/* Two creates in a row, before the watch has shown the first. */
static void
check_two_creates(void **state)
{
    struct world *w = *state;

    watch_run(w->watch, 0);
    expect(w, CREATE("a", ONE), "200 yes");
    expect(w, CREATE("b", TWO), REFUSED);
    expect(w, CREATE("a", ONE), "200 yes");
    assert_int_equal(reserve_count(w->reserve), 1);
}

static void
check_dry_run_reserves_nothing(void **state)
{
    struct world *w = *state;

    watch_run(w->watch, 0);
    expect(w, DRY_CREATE("a", ONE), "200 yes");
    expect(w, CREATE("b", TWO), "200 yes");
    assert_int_equal(reserve_count(w->reserve), 1);
}

static void
check_refused_reserves_nothing(void **state)
{
    struct world *w = *state;

    watch_run(w->watch, 0);
    expect(w, CREATE("a", ING("a", "x", "", HOST("192.0.2.7"))),
           "200 no 422 Invalid: Ingress a/x: spec.rules[0].host: host "
           "\"192.0.2.7\" is an IP address: write a DNS name, or leave the "
           "host out to mean every host");
    assert_int_equal(reserve_count(w->reserve), 0);
}

/* An update through the same replica gives back what it no longer asks. */
static void
check_update_releases(void **state)
{
    struct world *w = *state;

    watch_run(w->watch, 0);
    expect(w, CREATE("a", ONE), "200 yes");
    expect(w, UPDATE("a", ONE_ELSEWHERE, ONE), "200 yes");
    expect(w, CREATE("b", TWO), "200 yes");
    assert_int_equal(reserve_count(w->reserve), 2);
}

/* An old conflict with a reservation is ratcheted like any other. */
static void
check_ratchet_against_reserved(void **state)
{
    struct world *w = *state;

    watch_run(w->watch, 0);
    expect(w, CREATE("a", ONE), "200 yes");
    expect(w,
           UPDATE("b",
                  ING("b", "two",
                      ",'annotations':{'nginx.ingress.kubernetes.io/"
                      "proxy-read-timeout':'5'}",
                      HOST("new.example.com")),
                  TWO),
           "200 yes\nwarning: spec.rules[0].http.paths[0].path: host "
           "\"new.example.com\" and path \"/\" is already defined in ingress "
           "a/one, as Prefix: " OR_ASK);
}

#define ONE_YAML                                                           \
    "---\n"                                                                \
    "apiVersion: networking.k8s.io/v1\n"                                   \
    "kind: Ingress\n"                                                      \
    "metadata: {name: one, namespace: a}\n"                                \
    "spec:\n"                                                              \
    "  ingressClassName: sallyport\n"                                      \
    "  rules:\n"                                                           \
    "  - host: new.example.com\n"                                          \
    "    http:\n"                                                          \
    "      paths:\n"                                                       \
    "      - path: /\n"                                                    \
    "        pathType: Prefix\n"                                           \
    "        backend: {service: {name: web, port: {number: 80}}}\n"

static void
run_until_count(struct world *w, size_t want)
{
    const int64_t deadline = clock_ms() + 20000;
    struct waits waits;

    waits_init(&waits);
    while (watch_count(w->watch) != want) {
        assert_true(clock_ms() < deadline);
        waits_clear(&waits);
        watch_wait(w->watch, &waits);
        waits_until(&waits, clock_ms() + 100);
        waits_block(&waits);
        watch_run(w->watch, clock_ms());
    }
    waits_fini(&waits);
}

/* The watch shows what was admitted: the reservation is gone, the claim is
 * not; the object goes, and the claim with it. */
static void
check_watch_takes_over(void **state)
{
    struct world *w = *state;
    AUTO_FREE char *more = xasprintf("%s%s", world_files, ONE_YAML);

    watch_run(w->watch, 0);
    assert_int_equal(watch_count(w->watch), 1);
    expect(w, CREATE("a", ONE), "200 yes");
    assert_int_equal(reserve_count(w->reserve), 1);
    world_write(w, more);
    run_until_count(w, 2);
    assert_int_equal(reserve_count(w->reserve), 0);
    expect(w, CREATE("b", TWO), REFUSED);
    world_write(w, world_files);
    run_until_count(w, 1);
    expect(w, CREATE("b", TWO), "200 yes");
}

/* What is ours changes with the IngressClass. */
static void
check_class_goes(void **state)
{
    struct world *w = *state;
    AUTO_FREE char *without = xstrdup(world_files);

    memcpy(strstr(without, "sallyport.dev/"), "nobodyknow.it/", 14);
    watch_run(w->watch, 0);
    expect(w, CREATE("b", ING("b", "x", "", HOST("shop.example.com"))),
           "200 no 403 Forbidden: Ingress b/x: "
           "spec.rules[0].http.paths[0].path: host "
           "\"shop.example.com\" and path \"/\" is already defined in "
           "ingress a/shop, as Prefix: " OR_ASK);
    world_write(w, without);
    run_until_count(w, 0);
    expect(w, CREATE("b", ING("b", "x", "", HOST("shop.example.com"))),
           "200 yes");
    world_write(w, world_files);
    run_until_count(w, 1);
}

static void
check_metrics(void **state)
{
    static const char *const wants[] = {
        "sallyport_admission_requests_total{operation=\"create\","
        "result=\"allowed\"} 1\n",
        "sallyport_admission_requests_total{operation=\"create\","
        "result=\"denied\"} 2\n",
        "sallyport_admission_requests_total{operation=\"delete\","
        "result=\"allowed\"} 1\n",
        "sallyport_admission_requests_total{operation=\"unknown\","
        "result=\"failed\"} 1\n",
        "sallyport_admission_denials_total{reason=\"ownership\"} 1\n",
        "sallyport_admission_denials_total{reason=\"invalid\"} 1\n",
        "sallyport_admission_duration_seconds_count{path=\"/validate\"} 5\n",
        "sallyport_admission_duration_seconds_count{path=\"/mutate\"} 0\n",
        "sallyport_webhook_ingresses 1\n",
        "sallyport_webhook_synced 1\n",
        "sallyport_webhook_certificate_not_after_seconds 1234\n",
    };
    struct world *w = *state;
    AUTO_FREE char *got = NULL;
    AUTO_FREE char *head = NULL;

    watch_run(w->watch, 0);
    server_tick(w->server, clock_ms(), 1234);
    free(world_post(w, "/validate", CREATE("a", ONE)));
    free(world_post(w, "/validate", CREATE("b", TWO)));
    free(world_post(w, "/validate",
                    CREATE("a", ING("a", "x", "", HOST("192.0.2.7")))));
    free(world_post(w, "/validate", DELETE("a", ONE)));
    free(world_post(w, "/validate", "{}"));
    free(world_ask(w, "GET", "/validate", NULL, ""));
    got = admin(w, "GET", "/metrics");
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        if (!strstr(got, wants[i])) {
            fail_msg("no %s in %s", wants[i], got);
        }
    }
    head = admin(w, "POST", "/metrics");
    assert_string_equal(head, "405 only GET and HEAD are answered here\n");
    expect_admin(w, "/",
                 "404 the paths here are /healthz, /readyz and /metrics\n");
}

/* Judges in many threads while the watch writes: for the thread sanitizer,
 * and for the one rule that of equal asks in a row exactly one passes. */
struct crowd {
    struct world *world;
    const char *body;
    unsigned n_allowed;
};

static void *
ask_many(void *aux)
{
    struct crowd *c = aux;

    for (int i = 0; i < 50; i++) {
        AUTO_FREE char *got = world_post(c->world, "/validate", c->body);

        c->n_allowed += strcmp(got, "200 yes") == 0;
    }
    return NULL;
}

static void
check_crowd(void **state)
{
    struct crowd crowds[] = {
        { *state, CREATE("a", ONE), 0 },
        { *state, CREATE("b", TWO), 0 },
    };
    struct world *w = *state;
    pthread_t threads[2];

    watch_run(w->watch, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, ask_many, &crowds[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        watch_run(w->watch, clock_ms());
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    /* Whoever came first is always let in again, the other never. */
    assert_int_equal(crowds[0].n_allowed + crowds[1].n_allowed, 50);
    assert_true(crowds[0].n_allowed == 0 || crowds[1].n_allowed == 0);
}

#define FLOW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest flows[] = {
        FLOW(check_unsynced),
        FLOW(check_two_creates),
        FLOW(check_dry_run_reserves_nothing),
        FLOW(check_refused_reserves_nothing),
        FLOW(check_update_releases),
        FLOW(check_ratchet_against_reserved),
        FLOW(check_watch_takes_over),
        FLOW(check_class_goes),
        FLOW(check_metrics),
        FLOW(check_crowd),
    };
    int failed = TABLE_RUN("requests", rows, check_row);

    return failed + cmocka_run_group_tests_name("flows", flows, NULL, NULL);
}
