/* Threads that wait for their claims, and the loop that takes them, over a
 * scripted API server.  The requests and the watch are this file's. */
#include "tests/unit/table.h"

#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/kube/claim.h"
#include "lib/kube/client.h"
#include "tests/unit/ingress/objects.h"
#include "webhook/claimer.h"
#include "webhook/limits.h"

#define SPEC RULES(RULE("a.x", PREFIX("/b", "s")))
#define COULD_NOT                                                          \
    "spec: its claim on new hosts or paths could not be written to the API "\
    "server ("
#define AGAIN "): try again in a few seconds\n"
#define SOME 60
#define FORBIDDEN COULD_NOT "\"the API server answered 403\""
#define MAX_THREADS (WEBHOOK_MAX_TAKINGS + 1)

static struct ruleset ruleset = RULESET_INIT;

/* ---- the API server ---- */

struct kube_call {
    struct http_request request;
    char *path;
    char *body;
};

static struct {
    VEC(struct kube_call *) calls;      /* Under way. */
    VEC(char) letters;          /* What was asked, in order. */
    bool is_forbidden;
    int64_t rival_age_s;        /* Of its claim; -1: it has none. */
    bool is_rival_there;        /* Its Ingress. */
    bool is_rival_out;          /* An administrator keeps it out. */
} api;

struct kube_call *
kube_client_request(struct kube_client *client, const struct http_request *r)
{
    struct kube_call *call = xcalloc(1, sizeof *call);

    (void) client;
    call->request = *r;
    call->path = xstrdup(r->path);
    call->body = r->body ? xstrdup(r->body) : NULL;
    VEC_PUSH(&api.calls, call);
    return call;
}

static void
call_free(struct kube_call *call)
{
    free(call->path);
    free(call->body);
    free(call);
}

void
kube_client_cancel(struct kube_call *call)
{
    for (size_t i = 0; call && i < api.calls.n; i++) {
        if (api.calls.items[i] == call) {
            VEC_REMOVE(&api.calls, i);
            call_free(call);
            return;
        }
    }
}

struct kube_client *
watch_client(struct watch *w)
{
    return (struct kube_client *) w;
}

bool
watch_is_ours(const struct watch *w, const struct kube_object *ingress)
{
    (void) w;
    return ingress->kind == KUBE_INGRESS;
}

bool
watch_is_out(const struct watch *w, const char *ns, const char *host)
{
    (void) w;
    assert_string_equal(host, "a.x");
    return api.is_rival_out && str_eq(ns, "m");
}

bool
watch_is_backed(const struct watch *w, const char *ns, const char *host,
                const char *key)
{
    (void) w;
    (void) ns;
    (void) host;
    (void) key;
    return false;
}

static json_t *
stamped(json_t *lease)
{
    json_t *meta = json_object_get(lease, "metadata");

    json_object_set_new(meta, "uid", json_string("u"));
    json_object_set_new(meta, "resourceVersion", json_string("7"));
    return lease;
}

static json_t *
rivals_lease(void)
{
    char host[] = "a.x", class[] = "sallyport", holder[] = "m/b";
    char mode[] = "paths";
    struct kube_claim claim = {
        .host = host, .class = class, .holder = holder, .mode = mode
    };
    AUTO_FREE char *text = NULL;

    claim_name(class, host, NULL, claim.name);
    text = claim_render(&claim, "sys",
                        (clock_wall() - api.rival_age_s) * 1000000, NULL);
    return stamped(json_loads(text, 0, NULL));
}

static const char *
name_of(json_t *lease)
{
    return json_string_value(
        json_object_get(json_object_get(lease, "metadata"), "name"));
}

static bool
is_rivals(json_t *lease)
{
    AUTO_JSON json_t *other = rivals_lease();

    return api.rival_age_s >= 0 && str_eq(name_of(lease), name_of(other));
}

static json_t *
rivals_ingress(void)
{
    return api.is_rival_there
               ? json_pack("{s:[{s:{s:s,s:s},s:{s:[{s:s}]}}]}", "items",
                           "metadata", "namespace", "m", "name", "b", "spec",
                           "rules", "host", "a.x")
               : json_pack("{s:[]}", "items");
}

/* The letter of a request, and its answer. */
static char
judge(const struct kube_call *call, int *status, json_t **out)
{

    *status = 200;
    if (call->request.method == HTTP_POST) {
        *out = stamped(json_loads(call->body, 0, NULL));
        *status = api.is_forbidden     ? 403
                  : is_rivals(*out)    ? 409
                                       : 201;
        return 'C';
    }
    if (call->request.method == HTTP_DELETE) {
        *out = json_object();
        api.rival_age_s = -1;
        return 'D';
    }
    if (strstr(call->path, "/ingresses")) {
        *out = rivals_ingress();
        return 'A';
    }
    *out = rivals_lease();
    /* The wildcard above is nobody's. */
    if (api.rival_age_s < 0 || !str_ends(call->path, name_of(*out))) {
        *status = 404;
    }
    return 'R';
}

static void
answer_one(void)
{
    struct kube_call *call = api.calls.items[0];
    struct http_response response = { .retry_after_ms = -1 };
    AUTO_FREE char *text = NULL;
    AUTO_JSON json_t *out = NULL;

    VEC_REMOVE(&api.calls, 0);
    VEC_PUSH(&api.letters, judge(call, &response.status, &out));
    text = json_dumps(out, 0);
    response.body = text;
    response.size = strlen(text);
    call->request.done(&response, call->request.aux);
    call_free(call);
}

/* ---- threads ---- */

static struct claimer *claimer;
static struct metrics *metrics;
static int n_ended;             /* Atomic, as the next. */
static int n_sent_away;         /* At once, for want of a place. */

struct asker {
    pthread_t thread;
    struct wants *wants;
    struct findings *findings;
    enum claimer_outcome outcome;
};

static void *
ask(void *aux)
{
    struct asker *a = aux;

    a->outcome = claimer_take(claimer, a->wants, a->findings);
    if (findings_count(a->findings) > 0 &&
        strstr(findings_get(a->findings, 0)->message, "too many are wait")) {
        __atomic_add_fetch(&n_sent_away, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_add_fetch(&n_ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static struct wants *
wants_of(const char *spec)
{
    struct claims *claims = claims_new(&ruleset);
    struct model *model = model_of(&ruleset, "n/a", 0, NULL, spec);
    const struct snapshot snapshot = { .claims = claims,
                                       .ruleset = &ruleset };
    struct wants *wants = claimer_wants(claimer, &snapshot, model, "uid");

    model_unref(model);
    claims_free(claims);
    return wants;
}

static void
start(struct asker *a, struct wants *wants)
{
    a->wants = wants;
    a->findings = findings_new();
    assert_int_equal(pthread_create(&a->thread, NULL, ask, a), 0);
}

static void
finish(struct asker *a, enum claimer_outcome outcome, const char *want)
{
    AUTO_BUF struct buf got = BUF_OWN;

    assert_int_equal(pthread_join(a->thread, NULL), 0);
    for (size_t i = 0; i < findings_count(a->findings); i++) {
        const struct finding *f = findings_get(a->findings, i);

        buf_printf(&got, "%s: %s\n", f->field, f->message);
    }
    assert_string_equal(buf_str(&got), want);
    assert_int_equal(a->outcome, outcome);
    findings_free(a->findings);
}

/* The loop, until so many threads have their outcome and no job is left. */
static void
run_until(int n)
{
    const int64_t deadline_ms = clock_ms() + 60000;
    struct metric *waiting =
        metrics_gauge(metrics, "sallyport_claims_waiting", "", "");
    struct waits waits;

    waits_init(&waits);
    while (__atomic_load_n(&n_ended, __ATOMIC_SEQ_CST) < n ||
           metric_get(waiting) > 0) {
        waits_clear(&waits);
        claimer_run(claimer, clock_ms());
        if (api.calls.n > 0) {
            answer_one();
            waits_now(&waits);
        }
        claimer_wait(claimer, &waits);
        /* The end of a thread wakes nobody. */
        waits_until(&waits, clock_ms() + 10);
        waits_block(&waits);
        assert_true(clock_ms() < deadline_ms);
    }
    waits_fini(&waits);
}

static void
setup_for(int on_failure, int64_t claim_ms)
{
    const struct claimer_options options = {
        .ruleset = &ruleset,
        .ns = "sys",
        .on_failure = on_failure,
        .claim_ms = claim_ms,
    };

    memset(&api, 0, sizeof api);
    api.rival_age_s = -1;
    n_ended = 0;
    n_sent_away = 0;
    metrics = metrics_new();
    claimer = claimer_new(&options, metrics);
}

/* A machine that stands still for a while is no reason to fail. */
#define PATIENT_MS 60000

static void
setup(int on_failure)
{
    setup_for(on_failure, PATIENT_MS);
}

static void
teardown(const char *letters)
{
    VEC_PUSH(&api.letters, '\0');
    if (letters) {
        assert_string_equal(api.letters.items, letters);
    }
    claimer_free(claimer);
    assert_int_equal(api.calls.n, 0);
    VEC_FINI(&api.calls);
    VEC_FINI(&api.letters);
    metrics_free(metrics);
}

/* ---- one review and its answers ---- */

static const struct row {
    const char *name;
    int on_failure;
    bool is_forbidden;
    int64_t rival_age_s;
    bool is_rival_there;
    bool is_rival_out;
    enum claimer_outcome outcome;
    const char *letters;        /* Create, Read, Ask, Delete. */
    const char *want;
    int64_t claim_ms;
} rows[] = {
    { "host and path are created", CLAIMER_DENY, false, -1, false, false,
      CLAIMER_HELD, "CCR", "", PATIENT_MS },
    { "not allowed", CLAIMER_DENY, true, -1, false, false, CLAIMER_FAILED, "C",
      FORBIDDEN AGAIN, PATIENT_MS },
    { "not allowed, and admitted by flag", CLAIMER_ADMIT, true, -1, false,
      false, CLAIMER_HELD, "C",
      FORBIDDEN "): should another Ingress get them at the same moment, the "
      "older one is served\n", PATIENT_MS },
    { "another's, whose Ingress is there", CLAIMER_DENY, false, 1, true, false,
      CLAIMER_LOST, NULL,
      "spec.rules[0].host: host \"a.x\" belongs to namespace \"m\" (ingress "
      "m/b has it), and with it every path under \"/b\": use another host, "
      "or ask the owners of namespace \"m\"\n", PATIENT_MS },
    { "another's, though old, whose Ingress is there", CLAIMER_DENY,
      false, 500, true, false, CLAIMER_LOST, NULL,
      "spec.rules[0].host: host \"a.x\" belongs to namespace \"m\" (ingress "
      "m/b has it), and with it every path under \"/b\": use another host, "
      "or ask the owners of namespace \"m\"\n", PATIENT_MS },
    { "another's, whom an administrator keeps out", CLAIMER_DENY, false, 500,
      true, true, CLAIMER_HELD, NULL, "", PATIENT_MS },
    { "another's, whose Ingress went a minute ago", CLAIMER_DENY, false, 62,
      false, false, CLAIMER_HELD, NULL, "", PATIENT_MS },
    { "another's, whose request is on the way", CLAIMER_DENY, false, 1, false,
      false, CLAIMER_LOST, NULL,
      "spec.rules[0].http.paths[0]: host \"a.x\" is being given to an "
      "Ingress of namespace \"m\" at this moment, or was until a minute ago: "
      "use another host, or try again in a minute\n", WEBHOOK_CLAIM_MS },
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct asker a;

    setup_for(row->on_failure, row->claim_ms);
    api.is_forbidden = row->is_forbidden;
    api.rival_age_s = row->rival_age_s;
    api.is_rival_there = row->is_rival_there;
    api.is_rival_out = row->is_rival_out;
    start(&a, wants_of(SPEC));
    run_until(1);
    finish(&a, row->outcome, row->want);
    teardown(row->letters);
}

/* ---- bounds ---- */

/* An Ingress with so many paths of one host: one claim more. */
static char *
many_paths(int n)
{
    AUTO_BUF struct buf out = BUF_OWN;

    buf_puts(&out, "'rules':[{'host':'a.x','http':{'paths':[");
    for (int i = 0; i < n; i++) {
        buf_printf(&out, "%s{'path':'/%d','pathType':'Exact'," BACKEND("s")
                   "}", i > 0 ? "," : "", i);
    }
    buf_puts(&out, "]}}]");
    return buf_take(&out);
}

static void
check_most_claims(void **state)
{
    AUTO_FREE char *most = many_paths(WEBHOOK_MAX_CLAIMS - 1);
    AUTO_FREE char *more = many_paths(WEBHOOK_MAX_CLAIMS);
    struct asker a, b;

    (void) state;
    setup(CLAIMER_DENY);
    start(&a, wants_of(more));
    finish(&a, CLAIMER_FAILED,
           COULD_NOT "\"it has more than 500 new hosts and paths at once\""
           AGAIN);
    /* Those are sent; one answer is enough. */
    api.is_forbidden = true;
    start(&b, wants_of(most));
    run_until(2);
    finish(&b, CLAIMER_FAILED, FORBIDDEN AGAIN);
    teardown("C");
}

/* What waits fills the queue; one more is sent away at once. */
static void
check_most_waiting(void **state)
{
    static struct asker all[MAX_THREADS];
    const int64_t deadline_ms = clock_ms() + 60000;

    (void) state;
    setup(CLAIMER_DENY);
    /* The loop does not run: nobody is served, and one has no place. */
    for (size_t i = 0; i < MAX_THREADS; i++) {
        start(&all[i], wants_of(SPEC));
    }
    while (__atomic_load_n(&n_sent_away, __ATOMIC_SEQ_CST) < 1) {
        assert_true(clock_ms() < deadline_ms);
        sched_yield();
    }
    claimer_stop(claimer);
    for (size_t i = 0; i < MAX_THREADS; i++) {
        pthread_join(all[i].thread, NULL);
        assert_int_equal(all[i].outcome, CLAIMER_FAILED);
        findings_free(all[i].findings);
    }
    assert_int_equal(n_sent_away, 1);
    teardown("");
}

/* Whoever waits in vain goes; what was taken for it is given back. */
static void
check_left_behind(void **state)
{
    struct asker a;

    (void) state;
    setup_for(CLAIMER_DENY, 500);
    start(&a, wants_of(SPEC));
    /* The first claim is created, and then the loop stands still. */
    while (api.calls.n == 0) {
        claimer_run(claimer, clock_ms());
    }
    finish(&a, CLAIMER_FAILED, COULD_NOT "\"it took too long\"" AGAIN);
    answer_one();
    run_until(1);
    teardown("CD");
}

static void
check_stop(void **state)
{
    struct asker a, b;

    (void) state;
    setup(CLAIMER_DENY);
    start(&a, wants_of(SPEC));
    while (api.calls.n == 0) {
        claimer_run(claimer, clock_ms());
    }
    claimer_stop(claimer);
    finish(&a, CLAIMER_FAILED, COULD_NOT "\"this webhook ends\"" AGAIN);
    start(&b, wants_of(SPEC));
    finish(&b, CLAIMER_FAILED, COULD_NOT "\"too many are waiting\"" AGAIN);
    teardown("");
}

/* Reviews of what never comes: so many claims and no more. */
static void
check_most_unbacked(void **state)
{
    AUTO_FREE char *some = many_paths(SOME - 1);
    struct asker a;
    int n = 0;

    (void) state;
    setup(CLAIMER_DENY);
    for (; n < WEBHOOK_MAX_UNBACKED / SOME; n++) {
        start(&a, wants_of(some));
        run_until(n + 1);
        finish(&a, CLAIMER_HELD, "");
    }
    start(&a, wants_of("'rules':[{'host':'a.x'}]"));
    run_until(n + 1);
    finish(&a, CLAIMER_FAILED,
           COULD_NOT "\"too many claims wait for their Ingress\"" AGAIN);
    teardown(NULL);
}

static void
check_nothing_new(void **state)
{
    struct claims *claims = claims_new(&ruleset);
    struct model *model = model_of(&ruleset, "n/a", 1, NULL, SPEC);
    const struct snapshot snapshot = { .claims = claims,
                                       .ruleset = &ruleset };

    (void) state;
    setup(CLAIMER_DENY);
    claims_set(claims, model);
    assert_null(claimer_wants(claimer, &snapshot, model, "uid"));
    model_unref(model);
    claims_free(claims);
    teardown("");
}

int
main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 6] = {
        cmocka_unit_test(check_most_claims),
        cmocka_unit_test(check_most_waiting),
        cmocka_unit_test(check_left_behind),
        cmocka_unit_test(check_stop),
        cmocka_unit_test(check_most_unbacked),
        cmocka_unit_test(check_nothing_new),
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        tests[6 + i] = (struct CMUnitTest) {
            .name = rows[i].name,
            .test_func = check,
            .initial_state = (void *) (uintptr_t) &rows[i],
        };
    }
    return cmocka_run_group_tests_name("claimer", tests, NULL, NULL);
}
