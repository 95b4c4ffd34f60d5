/* The reflector under scripts: each step is a request that must be due, its
 * answer, and what the cache has and when the next request is due after it. */
#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/cache.h"
#include "lib/kube/decode.h"
#include "lib/kube/reflector.h"

#define ROOT "/apis/networking.k8s.io/v1/ingresses"
#define LIST ROOT "?limit=2"
#define WATCH(rv)                                                          \
    ROOT "?watch=1&allowWatchBookmarks=true&timeoutSeconds=300"            \
         "&resourceVersion=" rv
#define META(ns, name, rv)                                                 \
    "{\"metadata\":{\"namespace\":\"" ns "\",\"name\":\"" name             \
    "\",\"uid\":\"u-" name "\",\"resourceVersion\":\"" rv "\"}}"
#define OBJECT(name, rv) META("d", name, rv)
#define PAGE(rv, more, items)                                              \
    "{\"metadata\":{\"resourceVersion\":\"" rv "\",\"continue\":\"" more   \
    "\"},\"items\":[" items "]}"
#define EVENT(type, object)                                                \
    "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(rv)                                                       \
    EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" rv "\"}}")
#define STATUS(code, reason)                                               \
    "{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason          \
    "\",\"message\":\"m\"}"

struct step {
    const char *path;           /* NULL: the end. */
    int status;                 /* 0: no answer. */
    const char *body;
    int64_t retry_after_ms;     /* 0: none. */
    int64_t lived_ms;           /* From the request to its end. */
    const char *cut;            /* The stream breaks off: err. */
    const char *have;           /* "key@version ..." after it. */
    int64_t wait_ms;            /* Until the next request is due. */
    enum err_kind kind;         /* Of an answer that is none. */
};

#define CUT "Connection reset"

static const struct row {
    const char *name;
    struct step steps[10];
    const char *ns;
    const char *only;
    const char *selector;
    uint64_t bad;
} rows[] = {
    { "pages, then a watch from the list",
      .steps = {
          { LIST, 200, PAGE("7", "t k", OBJECT("a", "1") "," OBJECT("b", "2")),
          .have = "d/a@1 d/b@2" },
          { LIST "&continue=t%20k", 200, PAGE("7", "", OBJECT("c", "3")),
          .have = "d/a@1 d/b@2 d/c@3" },
          { WATCH("7"), 200, EVENT("MODIFIED", OBJECT("a", "8")),
          .lived_ms = 9000, .have = "d/a@8 d/b@2 d/c@3" },
          { WATCH("8"), 200, EVENT("DELETED", OBJECT("a", "9")),
          .lived_ms = 9000, .have = "d/b@2 d/c@3" },
          { WATCH("9"), 200, "", .lived_ms = 9000,
          .have = "d/b@2 d/c@3" } } },
    { "a list of nothing",
      .steps = {
          { LIST, 200,
          "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":null}",
          .have = "" },
          { WATCH("1"), 200, EVENT("ADDED", OBJECT("a", "2")),
          .lived_ms = 9000, .have = "d/a@2" } } },
    { "a bookmark moves the place to resume from",
      .steps = {
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 200, BOOKMARK("50"), .cut = CUT, .lived_ms = 100,
          .have = "" },
          { WATCH("50"), 200, "", .lived_ms = 9000, .have = "" } } },
    { "410 as a status: list anew at once, keep serving, then the diff",
      .steps = {
          { LIST, 200, PAGE("1", "", OBJECT("a", "1") "," OBJECT("b", "1")),
          .have = "d/a@1 d/b@1" },
          { WATCH("1"), 410, STATUS("410", "Expired"), .have = "d/a@1 d/b@1" },
          { LIST, 200, PAGE("9", "", OBJECT("b", "5")), .have = "d/b@5" },
          { WATCH("9"), 200, "", .lived_ms = 9000, .have = "d/b@5" } } },
    { "410 as an event: the same",
      .steps = {
          { LIST, 200, PAGE("1", "", OBJECT("a", "1")), .have = "d/a@1" },
          { WATCH("1"), 200,
          EVENT("ADDED", OBJECT("b", "2"))
              EVENT("ERROR", STATUS("410", "Expired"))
                  EVENT("ADDED", OBJECT("c", "3")),
          .have = "d/a@1 d/b@2" },
          { LIST, 200, PAGE("9", "", OBJECT("b", "2")), .have = "d/b@2" } } },
    { "410 again and again is not a hot loop",
      .steps = {
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 410, STATUS("410", "Expired"), .have = "" },
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 410, STATUS("410", "Expired"), .have = "",
          .wait_ms = 400 },
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 410, STATUS("410", "Expired"), .have = "",
          .wait_ms = 800 } } },
    { "410 after an event, again and again, is none either",
      .steps = {
          { LIST, 200, PAGE("1", "", OBJECT("a", "1")), .have = "d/a@1" },
          { WATCH("1"), 200,
          EVENT("MODIFIED", OBJECT("a", "2"))
              EVENT("ERROR", STATUS("410", "Expired")),
          .have = "d/a@2" },
          { LIST, 200, PAGE("2", "", OBJECT("a", "2")), .have = "d/a@2" },
          { WATCH("2"), 200,
          BOOKMARK("3") EVENT("ERROR", STATUS("410", "Expired")),
          .have = "d/a@2", .wait_ms = 400 },
          { LIST, 200, PAGE("3", "", OBJECT("a", "2")), .have = "d/a@2" },
          { WATCH("3"), 200,
          BOOKMARK("4") EVENT("ERROR", STATUS("410", "Expired")),
          .have = "d/a@2", .wait_ms = 800 } } },
    { "pages expire: the list begins again, nothing is removed midway",
      .steps = {
          { LIST, 200, PAGE("1", "", OBJECT("z", "1")), .have = "d/z@1" },
          { WATCH("1"), 410, STATUS("410", "Expired"), .have = "d/z@1" },
          { LIST, 200, PAGE("5", "t", OBJECT("a", "5")),
          .have = "d/a@5 d/z@1" },
          { LIST "&continue=t", 410, STATUS("410", "Expired"),
          .have = "d/a@5 d/z@1", .wait_ms = 400 },
          { LIST, 200, PAGE("8", "", OBJECT("a", "5")), .have = "d/a@5" } } },
    { "a page that fails is asked for again, the list goes on",
      .steps = {
          { LIST, 200, PAGE("1", "t", OBJECT("a", "1")), .have = "d/a@1" },
          { LIST "&continue=t", 0, NULL, .cut = CUT, .have = "d/a@1" },
          { LIST "&continue=t", 500, "no JSON", .have = "d/a@1",
          .wait_ms = 400 },
          { LIST "&continue=t", 200, PAGE("1", "", OBJECT("b", "1")),
          .have = "d/a@1 d/b@1" } } },
    { "a page that is too big is halved",
      .steps = {
          { LIST, 200, NULL, .cut = "too large", .kind = ERR_LIMIT,
          .have = "" },
          { ROOT "?limit=1", 200, PAGE("1", "", OBJECT("a", "1")),
          .have = "d/a@1" } } },
    { "429 waits as it was told, and keeps its place",
      .steps = {
          { LIST, 429, STATUS("429", "TooManyRequests"), 3000, .have = "",
          .wait_ms = 3000 },
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 429, STATUS("429", "TooManyRequests"), 7000,
          .have = "", .wait_ms = 7400 },
          { WATCH("1"), 200, "", .lived_ms = 9000, .have = "" } } },
    { "Retry-After is obeyed up to a minute",
      .steps = {
          { LIST, 503, "", 86400000, .have = "", .wait_ms = 60000 } } },
    { "504 of a watch: the server does not know the version yet",
      .steps = {
          { LIST, 200, PAGE("99", "", OBJECT("a", "1")), .have = "d/a@1" },
          { WATCH("99"), 504, STATUS("504", "Timeout"), 1000,
          .have = "d/a@1", .wait_ms = 1000 },
          { LIST, 200, PAGE("5", "", OBJECT("a", "1")), .have = "d/a@1" } } },
    { "failures double from 0.8 s to 30 s, half of it at least",
      .steps = {
          { LIST, 0, NULL, .cut = CUT, .have = "" },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 400 },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 800 },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 1600 },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 3200 },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 6400 },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 12800 },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 15000 },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 15000 } } },
    { "a watch that lived is a success: the next failure does not wait",
      .steps = {
          { LIST, 0, NULL, .cut = CUT, .have = "" },
          { LIST, 0, NULL, .cut = CUT, .have = "", .wait_ms = 400 },
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 200, "", .cut = CUT, .lived_ms = 6000, .have = "" },
          { WATCH("1"), 0, NULL, .cut = CUT, .have = "", .wait_ms = 400 } } },
    { "a watch that ends at once is a failure",
      .steps = {
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 200, "", .have = "" },
          { WATCH("1"), 200, "", .have = "", .wait_ms = 400 } } },
    { "watches that bring something and end at once: one a second",
      .steps = {
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 200, EVENT("ADDED", OBJECT("a", "2")),
          .lived_ms = 10, .have = "d/a@2", .wait_ms = 990 },
          { WATCH("2"), 200, "", .lived_ms = 9000, .have = "d/a@2" } } },
    { "one that cannot be decoded is left out, its last version stays",
      .steps = {
          { LIST, 200,
          PAGE("1", "", OBJECT("a", "1") "," OBJECT("b", "1")),
          .have = "d/a@1 d/b@1" },
          { WATCH("1"), 200,
          EVENT("MODIFIED",
                "{\"metadata\":{\"namespace\":\"d\",\"name\":\"a\","
                "\"resourceVersion\":\"2\"},\"spec\":7}")
              EVENT("MODIFIED", OBJECT("b", "3")),
          .lived_ms = 9000, .have = "d/a@1 d/b@3" },
          { WATCH("3"), 410, STATUS("410", "Expired"),
          .have = "d/a@1 d/b@3" },
          { LIST, 200,
          PAGE("9", "",
               "{\"metadata\":{\"namespace\":\"d\",\"name\":\"a\","
               "\"resourceVersion\":\"2\"},\"spec\":7}," OBJECT("b", "3")),
          .have = "d/a@1 d/b@3" } },
      .bad = 2 },
    { "a NUL in one string spoils neither its page nor its stream",
      .steps = {
          { LIST, 200,
          PAGE("1", "",
               "{\"metadata\":{\"namespace\":\"d\",\"name\":\"a\","
               "\"annotations\":{\"x\":\"\\u0000\"},"
               "\"resourceVersion\":\"1\"}}," OBJECT("b", "1")),
          .have = "d/b@1" },
          { WATCH("1"), 200,
          EVENT("ADDED",
                "{\"metadata\":{\"namespace\":\"d\",\"name\":\"c\","
                "\"annotations\":{\"x\":\"a\\u0000b\"},"
                "\"resourceVersion\":\"2\"}}")
              EVENT("ADDED", OBJECT("d", "3")),
          .lived_ms = 9000, .have = "d/b@1 d/d@3" },
          { WATCH("3"), 200, "", .lived_ms = 9000,
          .have = "d/b@1 d/d@3" } },
      .bad = 2 },
    { "garbage in a stream is skipped",
      .steps = {
          { LIST, 200, PAGE("1", "", ""), .have = "" },
          { WATCH("1"), 200,
          "{\"type\":\n[]\n{\"type\":\"WHAT\",\"object\":{}}\n" EVENT(
              "ADDED", OBJECT("d", "3")) "{\"type\":\"ADD",
          .lived_ms = 9000, .have = "d/d@3" },
          { WATCH("3"), 200, "", .lived_ms = 9000, .have = "d/d@3" } },
      .bad = 3 },
    { "a list that is none: begin again later",
      .steps = {
          { LIST, 200, "<html>", .have = "" },
          { LIST, 200, "{\"items\":[]}", .have = "", .wait_ms = 400 },
          { LIST, 200, PAGE("", "", ""), .have = "", .wait_ms = 800 },
          { LIST, 200, PAGE("1", "", ""), .have = "" } } },
    { "denied: keep what there is and go on asking",
      .steps = {
          { LIST, 200, PAGE("1", "", OBJECT("a", "1")), .have = "d/a@1" },
          { WATCH("1"), 403, STATUS("403", "Forbidden"), .have = "d/a@1" },
          { WATCH("1"), 403, STATUS("403", "Forbidden"), .have = "d/a@1",
          .wait_ms = 400 } } },
    { "one namespace: its path, and only its objects are removed",
      .steps = {
          { "/apis/networking.k8s.io/v1/namespaces/d/ingresses?limit=2", 200,
          PAGE("1", "", OBJECT("a", "1")), .have = "d/a@1 other/x@1" },
          { "/apis/networking.k8s.io/v1/namespaces/d/ingresses?watch=1"
          "&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=1",
          410, STATUS("410", "Expired"), .have = "d/a@1 other/x@1" },
          { "/apis/networking.k8s.io/v1/namespaces/d/ingresses?limit=2", 200,
          PAGE("2", "", ""), .have = "other/x@1" } },
      .ns = "d" },
    { "a single object: nothing else is touched",
      .steps = {
          { "/apis/networking.k8s.io/v1/namespaces/d/ingresses?limit=2"
          "&fieldSelector=metadata.name%3Da",
          200, PAGE("1", "", OBJECT("a", "1") "," OBJECT("b", "1")),
          .have = "d/a@1 other/x@1" },
          { "/apis/networking.k8s.io/v1/namespaces/d/ingresses?watch=1"
          "&allowWatchBookmarks=true&timeoutSeconds=300"
          "&fieldSelector=metadata.name%3Da&resourceVersion=1",
          410, STATUS("410", "Expired"), .have = "d/a@1 other/x@1" },
          { "/apis/networking.k8s.io/v1/namespaces/d/ingresses?limit=2"
          "&fieldSelector=metadata.name%3Da",
          200, PAGE("2", "", ""), .have = "other/x@1" } },
      .ns = "d", .only = "d/a", .selector = "metadata.name=a" },
};

static char *
contents(const struct cache *cache)
{
    AUTO_BUF struct buf out = BUF_OWN;
    size_t n;
    AUTO_FREE const struct kube_object **all =
        cache_list(cache, KUBE_INGRESS, &n);

    for (size_t i = 0; i < n; i++) {
        buf_printf(&out, "%s%s@%s", i ? " " : "", all[i]->key,
                   all[i]->resource_version);
    }
    return buf_take(&out);
}

static void
put_other(struct cache *cache)
{
    const struct kube_object *o;
    json_t *json = json_loads(META("other", "x", "1"), 0, NULL);

    assert_null(kube_decode(KUBE_INGRESS, json, NULL, &o));
    cache_put(cache, o);
    json_decref(json);
}

/* A stream comes in the smallest pieces there are. */
static void
feed(struct reflector *r, const char *stream, int64_t now)
{
    for (; *stream; stream++) {
        if (!reflector_data(r, stream, 1, now)) {
            return;
        }
    }
}

static int64_t
play(struct reflector *r, const struct step *step, int64_t now)
{
    struct reflector_request request, second;
    struct http_response response = {
        .status = step->status,
        .body = "",
        .retry_after_ms = step->retry_after_ms ? step->retry_after_ms : -1,
    };
    AUTO_ERR struct err *err = NULL;

    assert_true(reflector_start(r, now, 0, &request));
    assert_string_equal(request.path, step->path);
    free(request.path);
    assert_false(reflector_start(r, now + 1000000, 0, &second));
    if (step->cut) {
        err = err_new(step->kind ? step->kind : ERR_UNAVAILABLE, "%s",
                      step->cut);
        response.err = err;
    }
    if (request.is_watch && step->status == 200) {
        feed(r, step->body, now);
    } else if (step->body) {
        response.body = step->body;
        response.size = strlen(step->body);
    }
    now += step->lived_ms;
    reflector_done(r, &response, now, 0);
    return now;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct cache *cache = cache_new();
    struct reflector_spec spec = {
        .kind = KUBE_INGRESS,
        .ns = row->ns,
        .only = row->only,
        .selector = row->selector,
        .page = 2,
    };
    struct reflector *r = reflector_new(cache, &spec);
    int64_t now = 1000;

    if (row->ns) {
        put_other(cache);
    }
    for (const struct step *step = row->steps; step->path; step++) {
        AUTO_FREE char *have = NULL;
        int64_t due;

        now = play(r, step, now);
        have = contents(cache);
        assert_string_equal(have, step->have);
        due = reflector_due_ms(r);
        assert_int_equal(due > now ? due - now : 0, step->wait_ms);
        now = due > now ? due : now;
    }
    assert_int_equal(reflector_counts(r).bad_objects, row->bad);
    reflector_free(r);
    cache_free(cache);
}

TABLE_MAIN("reflector", rows, check_row)
