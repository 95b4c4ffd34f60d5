#include "tests/replay/fake_http.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/http.h"
#include "lib/kube/resource.h"
#include "tests/replay/fake_api.h"
#include "tests/replay/fake_dataplane.h"

#define BOOKMARK_MS 60000

enum state {
    CALL_SENT,
    CALL_HELD,          /* A rule holds it: looked at again. */
    CALL_HUNG,          /* Only its deadline ends it. */
    CALL_STREAM,
};

struct http_call {
    struct http *http;
    uint64_t number;
    enum state state;
    bool is_known;              /* The path makes sense. */
    bool is_counted;
    struct fake_request request;
    char *body;
    size_t size;
    int64_t deadline_ms;
    int64_t silent_ms;
    http_data_fn *data;
    http_done_fn *done;
    void *aux;
    /* Of a stream. */
    uint64_t from;
    int64_t heard_ms;
    int64_t end_ms;
    int64_t bookmark_ms;
    struct buf injected;
    bool is_cut;
    bool is_over;
};

struct http {
    VEC(struct http_call *) calls;      /* In the order of sending. */
    uint64_t n_sent;
    int64_t now_ms;
    struct http_call *feeding;  /* NULL again where it was cancelled. */
    bool is_broken;             /* Everything on the connection ends. */
    unsigned n_haproxy_runs;    /* When this turn began. */
};

static struct http *current;

struct http *
http_new(const struct creds *creds, const char *agent)
{
    (void) creds;
    (void) agent;
    current = xcalloc(1, sizeof *current);
    return current;
}

static void
free_call(struct http_call *call)
{
    fake_request_fini(&call->request);
    buf_fini(&call->injected);
    free(call->body);
    free(call);
}

void
http_free(struct http *http)
{
    if (http) {
        for (size_t i = 0; i < http->calls.n; i++) {
            free_call(http->calls.items[i]);
        }
        VEC_FINI(&http->calls);
        current = NULL;
        free(http);
    }
}

/* Has a watch brought the Ingress as it is now? */
static bool
has_seen(const struct http *http, const struct fake_request *r)
{
    AUTO_FREE char *key = xasprintf("%s/%s", r->ns, r->name);
    json_t *object = apiserver_get(&fake_api->store, KUBE_INGRESS, key);

    for (size_t i = 0; i < http->calls.n; i++) {
        const struct http_call *call = http->calls.items[i];

        if (call->state == CALL_STREAM && call->request.kind == r->kind &&
            (!call->request.ns || str_eq(call->request.ns, r->ns))) {
            return object && apiserver_version_of(object) <= call->from;
        }
    }
    return false;
}

/* What a status or an Event says waits for HAProxy's turn: whoever waits to
 * be routed is not kept waiting by what is written about others. */
static void
check_order(const struct http *http, const struct http_call *call)
{
    bool is_about = call->is_known && (call->request.op == FAKE_PATCH ||
                                       call->request.op == FAKE_EVENT);

    if (is_about && http->n_haproxy_runs == fake_haproxy->n_runs &&
        !fake_api->problem) {
        fake_api->problem = xasprintf("a request about %s before HAProxy got "
                                      "what this turn brought",
                                      call->request.name
                                          ? call->request.name : "Events");
    }
}

struct http_call *
http_send(struct http *http, const struct http_request *request)
{
    struct http_call *call = xcalloc(1, sizeof *call);

    call->http = http;
    call->number = ++http->n_sent;
    call->is_known = fake_request_read(request, &call->request);
    check_order(http, call);
    if (call->is_known && call->request.op == FAKE_PATCH) {
        call->request.is_informed = has_seen(http, &call->request);
    }
    call->body = request->content_type
                     ? xmemdup(request->body, request->size)
                     : NULL;
    call->size = request->content_type ? request->size : 0;
    call->deadline_ms = request->deadline_ms;
    call->silent_ms = request->silent_ms;
    call->data = request->data;
    call->done = request->done;
    call->aux = request->aux;
    buf_init(&call->injected, (size_t) 1 << 20);
    VEC_PUSH(&http->calls, call);
    return call;
}

/* Out of the list; the caller frees it. */
static void
take_out(struct http_call *call)
{
    struct http *http = call->http;
    size_t i = 0;

    while (http->calls.items[i] != call) {
        i++;
    }
    VEC_REMOVE(&http->calls, i);
    if (http->feeding == call) {
        http->feeding = NULL;
    }
}

void
http_cancel(struct http_call *call)
{
    if (call) {
        take_out(call);
        free_call(call);
    }
}

/* ---- ends ---- */

static void
note(const struct http_call *call, const char *how, int status)
{
    const struct fake_request *r = &call->request;

    if (r->op != FAKE_PROBE && r->op != FAKE_LEASE) {
        fake_api_note("%s %s %s%s%s: %s %d", fake_op_name(r->op),
                      r->op == FAKE_EVENT ? "" : kube_kind_name(r->kind),
                      r->ns ? r->ns : "", r->name ? "/" : "",
                      r->name ? r->name : "", how, status);
    }
}

/* Ends a call with an answer, or without one ('why'). */
static void
finish(struct http_call *call, const struct fake_answer *answer,
       const char *why)
{
    AUTO_ERR struct err *err =
        why ? err_new(ERR_UNAVAILABLE, "%s", why) : NULL;
    const struct http_response response = {
        .status = answer ? answer->status : 0,
        .body = answer ? buf_str(&answer->body) : "",
        .size = answer ? answer->body.size : 0,
        .retry_after_ms = answer ? answer->retry_after_ms : -1,
        .err = err,
    };

    note(call, why ? why : "answered", response.status);
    take_out(call);
    call->done(&response, call->aux);
    free_call(call);
}

/* A stream ends: with 200 it was a good one. */
static void
finish_stream(struct http_call *call, const char *why)
{
    const struct fake_answer answer = { .status = 200,
                                        .retry_after_ms = -1 };

    finish(call, &answer, why);
}

/* ---- watches ---- */

static void
put_line(struct buf *out, const char *type, json_t *object)
{
    json_t *line = json_pack("{s:s, s:O}", "type", type, "object", object);
    AUTO_FREE char *text = json_dumps(line, JSON_COMPACT);

    buf_printf(out, "%s\n", text);
    json_decref(line);
}

static void
put_change(const struct http_call *call, const struct api_change *change,
           struct buf *out)
{
    const struct fake_request *r = &call->request;
    bool was = apiserver_matches(change->old, r->ns, r->selector);
    bool is = apiserver_matches(change->new, r->ns, r->selector);
    AUTO_FREE char *version = xasprintf("%" PRIu64, change->version);
    json_t *gone;

    if (is) {
        put_line(out, was ? "MODIFIED" : "ADDED", change->new);
    } else if (was) {
        gone = json_deep_copy(change->old);
        json_object_set_new(json_object_get(gone, "metadata"),
                            "resourceVersion", json_string(version));
        put_line(out, "DELETED", gone);
        json_decref(gone);
    }
}

static void
put_bookmark(const struct http_call *call, struct buf *out)
{
    AUTO_FREE char *version =
        xasprintf("%" PRIu64, fake_api->store.version);
    json_t *object =
        json_pack("{s:s, s:s, s:{s:s}}", "kind",
                  kube_kind_name(call->request.kind), "apiVersion",
                  resource_api_version(call->request.kind), "metadata",
                  "resourceVersion", version);

    put_line(out, "BOOKMARK", object);
    json_decref(object);
}

static bool
has_news(const struct http_call *call)
{
    return call->from < fake_api->store.version || call->injected.size > 0 ||
           call->is_cut || call->is_over;
}

/* All that is new, in two pieces.  False: the call is no more. */
static bool
feed(struct http_call *call, const struct buf *text)
{
    struct http *http = call->http;
    size_t half = text->size / 2;

    if (text->size == 0) {
        return true;
    }
    call->heard_ms = http->now_ms;
    http->feeding = call;
    if (half > 0) {
        call->data(text->data, half, call->aux);
    }
    if (http->feeding) {
        call->data(text->data + half, text->size - half, call->aux);
    }
    call = http->feeding;
    http->feeding = NULL;
    return call != NULL;
}

static void
look_at_stream(struct http_call *call, int64_t now_ms)
{
    const struct apiserver *store = &fake_api->store;
    AUTO_BUF struct buf text = BUF_OWN;

    if (call->is_cut) {
        finish_stream(call, "cut");
        return;
    }
    for (size_t i = 0; i < store->history.n; i++) {
        const struct api_change *change = &store->history.items[i];

        if (change->version > call->from &&
            change->kind == call->request.kind) {
            put_change(call, change, &text);
        }
    }
    call->from = store->version;
    if (text.size + call->injected.size > 0) {
        fake_api->n_brought++;
    }
    if (call->bookmark_ms <= now_ms) {
        call->bookmark_ms = now_ms + BOOKMARK_MS;
        put_bookmark(call, &text);
    }
    buf_put(&text, buf_str(&call->injected), call->injected.size);
    buf_clear(&call->injected);
    if (!feed(call, &text)) {
        return;
    }
    if (call->is_over || call->end_ms <= now_ms) {
        finish_stream(call, NULL);
    }
}

static void
open_stream(struct http_call *call, int64_t now_ms)
{
    const struct apiserver *store = &fake_api->store;
    const struct fake_request *r = &call->request;
    AUTO_BUF struct buf status = BUF_OWN;
    struct fake_answer refusal = { .retry_after_ms = -1, .body = BUF_OWN };

    if (r->from > store->version) {
        fake_api_refuse(&refusal, 504, "Timeout",
                        "Too large resource version", NULL);
    } else if (r->from < store->compacted) {
        fake_api_refuse(&refusal, 410, "Expired",
                        "too old resource version", NULL);
    }
    if (refusal.status && !(refusal.status == 410 &&
                            fake_api->gone_as_event)) {
        finish(call, &refusal, NULL);
    } else {
        call->state = CALL_STREAM;
        call->from = refusal.status ? store->version : r->from;
        call->heard_ms = now_ms;
        call->end_ms = now_ms + (int64_t) r->timeout_s * 1000;
        call->bookmark_ms = now_ms + BOOKMARK_MS;
        if (refusal.status) {
            buf_printf(&call->injected, "{\"type\":\"ERROR\",\"object\":%s}\n",
                       buf_str(&refusal.body));
            call->is_over = true;
        }
        note(call, "open", 200);
        look_at_stream(call, now_ms);
    }
    buf_fini(&refusal.body);
}

/* ---- requests ---- */

/* What the rules, and a sweep, have in store for it. */
static struct fake_rule
fate_of(struct http_call *call)
{
    struct fake_api *api = fake_api;
    struct fake_request *r = &call->request;
    const struct fake_rule *rule;

    if (!call->is_counted) {
        call->is_counted = true;
        api->counts[r->op][r->kind]++;
        if (++api->n_requests == api->fail_at) {
            return (struct fake_rule) { .how = api->fail_how };
        }
    }
    rule = fake_api_rule(r);
    return rule ? *rule
                : (struct fake_rule) { .how = FAKE_STATUS, .status = 0 };
}

static void
answer_call(struct http_call *call, const struct fake_rule *fate)
{
    struct fake_answer answer = { .retry_after_ms = -1, .body = BUF_OWN };

    if (!call->is_known) {
        fake_api_refuse(&answer, 404, "NotFound", "unknown path", NULL);
    } else if (fate->how == FAKE_GARBAGE) {
        answer.status = 200;
        buf_puts(&answer.body, "<html>a proxy in between</html>");
    } else if (fate->how == FAKE_STATUS && fate->status) {
        answer.retry_after_ms = fate->retry_after_ms;
        fake_api_refuse(&answer, fate->status, "Scripted",
                        "the script wants it", NULL);
    } else {
        fake_api_answer(&call->request, call->body, call->size, &answer);
    }
    if (fate->how == FAKE_LOST) {
        finish(call, NULL, "lost");
    } else {
        finish(call, &answer, NULL);
    }
    buf_fini(&answer.body);
}

static void
look_at_sent(struct http_call *call, int64_t now_ms)
{
    struct fake_rule fate = fate_of(call);

    call->state = CALL_SENT;
    if (fate.how == FAKE_HOLD) {
        call->state = CALL_HELD;
    } else if (fate.how == FAKE_HANG) {
        call->state = CALL_HUNG;
    } else if (fate.how == FAKE_RESET ||
               (fate.how == FAKE_LOST && call->request.op == FAKE_WATCH)) {
        finish(call, NULL, "reset");
    } else if (call->request.op == FAKE_WATCH && call->is_known &&
               fate.how == FAKE_STATUS && !fate.status) {
        open_stream(call, now_ms);
    } else {
        answer_call(call, &fate);
    }
}

static bool
is_late(const struct http_call *call, int64_t now_ms)
{
    return now_ms >= call->deadline_ms ||
           (call->state == CALL_STREAM && call->silent_ms &&
            now_ms >= call->heard_ms + call->silent_ms);
}

static void
look(struct http_call *call, int64_t now_ms)
{
    struct http *http = call->http;

    if (fake_api->is_down || http->is_broken) {
        finish(call, NULL, "no connection");
    } else if (is_late(call, now_ms)) {
        http->is_broken = fake_api->is_frozen;
        finish(call, NULL, "too late");
    } else if (fake_api->is_frozen || call->state == CALL_HUNG) {
        return;
    } else if (call->state == CALL_STREAM) {
        look_at_stream(call, now_ms);
    } else {
        look_at_sent(call, now_ms);
    }
}

static struct http_call *
next_call(const struct http *http, uint64_t after, uint64_t last)
{
    for (size_t i = 0; i < http->calls.n; i++) {
        struct http_call *call = http->calls.items[i];

        if (call->number > after && call->number <= last) {
            return call;
        }
    }
    return NULL;
}

void
http_run(struct http *http, int64_t now_ms)
{
    uint64_t last = http->n_sent;
    struct http_call *call;
    uint64_t at = 0;

    http->now_ms = now_ms;
    http->is_broken = false;
    http->n_haproxy_runs = fake_haproxy->n_runs;
    fake_api_rival(now_ms);
    while ((call = next_call(http, at, last))) {
        at = call->number;
        look(call, now_ms);
    }
    if (http->is_broken) {
        /* Those before the one that found out. */
        at = 0;
        while ((call = next_call(http, at, last))) {
            at = call->number;
            look(call, now_ms);
        }
    }
}

void
http_flush(struct http *http)
{
    (void) http;
}

void
http_wait(struct http *http, struct waits *w)
{
    for (size_t i = 0; i < http->calls.n; i++) {
        const struct http_call *call = http->calls.items[i];

        waits_until(w, call->deadline_ms);
        if (fake_api->is_down ||
            (!fake_api->is_frozen &&
             (call->state == CALL_SENT ||
              (call->state == CALL_STREAM && has_news(call))))) {
            waits_now(w);
        }
        if (call->state == CALL_STREAM) {
            if (call->silent_ms) {
                waits_until(w, call->heard_ms + call->silent_ms);
            }
            if (!fake_api->is_frozen) {
                waits_until(w, call->end_ms);
                waits_until(w, call->bookmark_ms);
            }
        }
    }
    if (fake_api->rival) {
        waits_until(w, fake_api->rival_ms);
    }
}

/* ---- for the script ---- */

static struct http_call *
next_watch(int kind, size_t *at)
{
    while (current && *at < current->calls.n) {
        struct http_call *call = current->calls.items[(*at)++];

        if (call->state == CALL_STREAM &&
            (kind == FAKE_ANY || kind == (int) call->request.kind)) {
            return call;
        }
    }
    return NULL;
}

void
fake_http_cut(int kind)
{
    struct http_call *call;

    for (size_t at = 0; (call = next_watch(kind, &at));) {
        call->is_cut = true;
    }
}

void
fake_http_end(int kind)
{
    struct http_call *call;

    for (size_t at = 0; (call = next_watch(kind, &at));) {
        call->is_over = true;
    }
}

void
fake_http_inject(int kind, const char *line)
{
    struct http_call *call;

    for (size_t at = 0; (call = next_watch(kind, &at));) {
        buf_printf(&call->injected, "%s\n", line);
    }
}

void
fake_http_bookmark(int kind)
{
    struct http_call *call;

    for (size_t at = 0; (call = next_watch(kind, &at));) {
        put_bookmark(call, &call->injected);
    }
}

unsigned
fake_http_n_watches(void)
{
    unsigned n = 0;

    for (size_t at = 0; next_watch(FAKE_ANY, &at);) {
        n++;
    }
    return n;
}
