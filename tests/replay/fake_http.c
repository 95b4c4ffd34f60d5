#include "tests/replay/fake_http.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/replay/fake_dataplane.h"
#include "tests/replay/fake_http_call.h"

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

void
fake_call_note(const struct http_call *call, const char *how, int status)
{
    const struct fake_request *r = &call->request;

    if (r->op != FAKE_PROBE && r->op != FAKE_LEASE) {
        fake_api_note("%s %s %s%s%s: %s %d", fake_op_name(r->op),
                      r->op == FAKE_EVENT ? "" : kube_kind_name(r->kind),
                      r->ns ? r->ns : "", r->name ? "/" : "",
                      r->name ? r->name : "", how, status);
    }
}

void
fake_call_finish(struct http_call *call, const struct fake_answer *answer,
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

    fake_call_note(call, why ? why : "answered", response.status);
    take_out(call);
    call->done(&response, call->aux);
    free_call(call);
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
        fake_call_finish(call, NULL, "lost");
    } else {
        fake_call_finish(call, &answer, NULL);
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
        fake_call_finish(call, NULL, "reset");
    } else if (call->request.op == FAKE_WATCH && call->is_known &&
               fate.how == FAKE_STATUS && !fate.status) {
        fake_watch_open(call, now_ms);
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
        fake_call_finish(call, NULL, "no connection");
    } else if (is_late(call, now_ms)) {
        http->is_broken = fake_api->is_frozen;
        fake_call_finish(call, NULL, "too late");
    } else if (fake_api->is_frozen || call->state == CALL_HUNG) {
        return;
    } else if (call->state == CALL_STREAM) {
        fake_watch_look(call, now_ms);
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
              (call->state == CALL_STREAM && fake_watch_has_news(call))))) {
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

struct http_call *
fake_http_next_watch(int kind, size_t *at)
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
