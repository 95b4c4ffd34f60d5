/* Watches: what changed, in pieces, bookmarks, ends. */
#include "tests/replay/fake_http.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/kube/resource.h"
#include "tests/replay/fake_http_call.h"

#define BOOKMARK_MS 60000

/* A stream ends: with 200 it was a good one. */
static void
finish_stream(struct http_call *call, const char *why)
{
    const struct fake_answer answer = { .status = 200,
                                        .retry_after_ms = -1 };

    fake_call_finish(call, &answer, why);
}

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

bool
fake_watch_has_news(const struct http_call *call)
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

void
fake_watch_look(struct http_call *call, int64_t now_ms)
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

void
fake_watch_open(struct http_call *call, int64_t now_ms)
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
        fake_call_finish(call, &refusal, NULL);
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
        fake_call_note(call, "open", 200);
        fake_watch_look(call, now_ms);
    }
    buf_fini(&refusal.body);
}

/* ---- for the script ---- */

void
fake_http_cut(int kind)
{
    struct http_call *call;

    for (size_t at = 0; (call = fake_http_next_watch(kind, &at));) {
        call->is_cut = true;
    }
}

void
fake_http_end(int kind)
{
    struct http_call *call;

    for (size_t at = 0; (call = fake_http_next_watch(kind, &at));) {
        call->is_over = true;
    }
}

void
fake_http_inject(int kind, const char *line)
{
    struct http_call *call;

    for (size_t at = 0; (call = fake_http_next_watch(kind, &at));) {
        buf_printf(&call->injected, "%s\n", line);
    }
}

void
fake_http_bookmark(int kind)
{
    struct http_call *call;

    for (size_t at = 0; (call = fake_http_next_watch(kind, &at));) {
        put_bookmark(call, &call->injected);
    }
}

unsigned
fake_http_n_watches(void)
{
    unsigned n = 0;

    for (size_t at = 0; fake_http_next_watch(FAKE_ANY, &at);) {
        n++;
    }
    return n;
}
