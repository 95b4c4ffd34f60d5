/* The collector over a scripted API server: one claim, what backs it, and
 * what is done about it.  kube_client_request() and engine_is_backed() are
 * this file's. */
#include "tests/unit/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/claim.h"
#include "lib/kube/client.h"
#include "reconciler/collector.h"
#include "reconciler/engine.h"

#define WALL 1000000
#define HOLDER "a/x"

static const struct row {
    const char *name;
    int64_t age_s;
    const char *class;
    bool is_backed;             /* By an Ingress in the cache. */
    const char *there;          /* Host of a/x in the API server, or NULL. */
    int64_t gone_s;             /* a/x was seen to go so long ago; 0: not. */
    int list_status;
    int delete_status;
    bool is_follower;
    const char *want;           /* One letter a request: List, Ask, Delete. */
    int64_t collected;
} rows[] = {
    { "nobody backs it", 61, "sallyport", false, NULL, 0, 200, 200, false,
      "LAD", 1 },
    { "it is young", 60, "sallyport", false, NULL, 0, 200, 200, false, "L",
      0 },
    { "an Ingress backs it", 500, "sallyport", true, "n.test", 0, 200, 200,
      false, "L", 0 },
    { "one that the cache does not show yet", 500, "sallyport", false,
      "n.test", 0, 200, 200, false, "LA", 0 },
    { "its Ingress has another host now", 500, "sallyport", false, "m.test",
      0, 200, 200, false, "LAD", 1 },
    { "of another class", 500, "other", false, NULL, 0, 200, 200, false, "L",
      0 },
    { "young, and its Ingress was seen to go", 10, "sallyport", false, NULL,
      5, 200, 200, false, "LAD", 1 },
    { "one of that name is being created", 10, "sallyport", false, NULL, 9,
      200, 200, false, "L", 0 },
    { "renewed meanwhile", 61, "sallyport", false, NULL, 0, 200, 409, false,
      "LAD", 0 },
    { "collected by another", 61, "sallyport", false, NULL, 0, 200, 404,
      false, "LAD", 0 },
    { "not allowed", 61, "sallyport", false, NULL, 0, 403, 200, false, "L",
      0 },
    { "not the leader", 61, "sallyport", false, NULL, 0, 200, 200, true, "",
      0 },
};

static const struct row *now;
static struct http_request sent;
static bool is_sent;
static char *path_sent;

struct kube_call *
kube_client_request(struct kube_client *client, const struct http_request *r)
{
    assert_false(is_sent);
    is_sent = true;
    sent = *r;
    free(path_sent);
    path_sent = xstrdup(r->path);
    return (struct kube_call *) client;
}

void
kube_client_cancel(struct kube_call *call)
{
    (void) call;
}

bool
engine_is_backed(const struct engine *e, const char *ns, const char *host,
                 const char *key)
{
    (void) e;
    assert_string_equal(ns, "a");
    assert_string_equal(host, "n.test");
    assert_null(key);
    return now->is_backed;
}

static json_t *
one_claim(void)
{
    char host[] = "n.test", holder[] = HOLDER, empty[] = "";
    AUTO_FREE char *class = xstrdup(now->class);
    struct kube_claim claim = {
        .host = host, .class = class, .holder = holder, .mode = empty
    };
    AUTO_FREE char *text = NULL;
    json_t *lease, *meta;

    claim_name(class, host, NULL, claim.name);
    text = claim_render(&claim, "sys", (WALL - now->age_s) * 1000000, NULL);
    lease = json_loads(text, 0, NULL);
    meta = json_object_get(lease, "metadata");
    json_object_set_new(meta, "uid", json_string("u"));
    json_object_set_new(meta, "resourceVersion", json_string("7"));
    return json_pack("{s:{s:s}, s:[o]}", "metadata", "continue", "", "items",
                     lease);
}

static json_t *
one_ingress(void)
{
    return now->there
               ? json_pack("{s:[{s:{s:s, s:s}, s:{s:[{s:s}]}}]}", "items",
                           "metadata", "namespace", "a", "name", "x", "spec",
                           "rules", "host", now->there)
               : json_pack("{s:[]}", "items");
}

/* Answers what was sent, and says which it was. */
static char
answer(void)
{
    struct http_response response = { .status = 200, .retry_after_ms = -1 };
    AUTO_FREE char *text = NULL;
    json_t *out;
    char letter;

    if (sent.method == HTTP_DELETE) {
        letter = 'D';
        response.status = now->delete_status;
        out = json_object();
    } else if (str_ends(path_sent, "/ingresses")) {
        letter = 'A';
        assert_non_null(strstr(path_sent, "/namespaces/a/"));
        out = one_ingress();
    } else {
        letter = 'L';
        assert_non_null(strstr(path_sent, "/namespaces/sys/leases?"));
        response.status = now->list_status;
        out = one_claim();
    }
    text = json_dumps(out, 0);
    json_decref(out);
    response.body = text;
    response.size = strlen(text);
    is_sent = false;
    sent.done(&response, sent.aux);
    return letter;
}

static void
check(void **state)
{
    struct ruleset ruleset = RULESET_INIT;
    struct metrics *metrics = metrics_new();
    struct metric *collected = metrics_counter(
        metrics, "sallyport_claims_collected_total", "", "");
    struct collector *c;
    struct waits waits;
    char got[8] = "";
    size_t n = 0;

    now = *state;
    is_sent = false;
    /* Neither is looked into: they are this file's to use. */
    c = collector_new((struct kube_client *) &sent, "sys", &ruleset,
                      (const struct engine *) &sent, metrics);
    if (now->gone_s) {
        collector_gone(c, HOLDER, 0, WALL - now->gone_s);
    }
    for (int64_t now_ms = 1000; now_ms < 1010; now_ms++) {
        collector_run(c, !now->is_follower, now_ms, WALL);
        if (is_sent) {
            assert_true(n < sizeof got - 1);
            got[n++] = answer();
        }
    }
    assert_string_equal(got, now->want);
    /* Another sweep; a follower waits for nothing, and not for ever anew. */
    waits_init(&waits);
    collector_wait(c, &waits);
    assert_int_equal(waits.deadline_ms == INT64_MAX, now->is_follower);
    assert_true(waits.deadline_ms >= 1010);
    waits_fini(&waits);
    assert_int_equal(metric_get(collected), now->collected);
    collector_free(c);
    metrics_free(metrics);
    free(path_sent);
    path_sent = NULL;
}

TABLE_MAIN("collector", rows, check)
