#include "lib/kube/http.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/kube/creds.h"
#include "lib/kube/limits.h"
#include "lib/kube/wire.h"

enum call_state {
    CALL_QUEUED,
    CALL_ACTIVE,
    CALL_FINISHED,              /* Waits for its call back. */
    CALL_DEAD,                  /* Cancelled: waits to be freed. */
};

struct http_call {
    struct http *http;
    enum call_state state;
    enum http_method method;
    char *path;
    char *content_type;
    bool as_stream;
    bool as_table;
    char *body;
    size_t size;
    int64_t deadline_ms;
    int64_t silent_ms;
    http_data_fn *data;
    http_done_fn *done;
    void *aux;

    struct transfer *transfer;  /* NULL before its start and after its end. */
    int64_t started_ms;
    int status;
    int64_t retry_after_ms;
    struct buf answer;
    struct err *err;
};

struct http {
    const struct creds *creds;
    char *agent;
    int64_t now_ms;
    bool is_dirty;              /* The next run must not wait. */
    VEC(struct http_call *) calls;      /* In the order of http_send(). */
    /* One takes new streams, the other all else: to curl a kept connection of
     * HTTP/1.1 is good enough for a stream, which would be alone there.  A wire
     * on which a request ran out of time is retired: it finishes what it has
     * and is then closed. */
    struct wire *newest[2];
    VEC(struct wire *) wires;
};

/* ---- one call ---- */

static void
call_free(struct http_call *call)
{
    transfer_free(call->transfer);
    free(call->path);
    free(call->content_type);
    free(call->body);
    buf_fini(&call->answer);
    err_free(call->err);
    free(call);
}

/* Takes 'err'. */
static void
finish(struct http_call *call, struct err *err)
{
    if (call->transfer) {
        call->status = transfer_status(call->transfer);
    }
    transfer_free(call->transfer);
    call->transfer = NULL;
    call->state = CALL_FINISHED;
    call->err = err;
}

static bool
on_body(int status, const void *data, size_t size, void *aux)
{
    struct http_call *call = aux;

    if (call->state != CALL_ACTIVE) {
        return false;
    }
    if (call->data && status == 200) {
        call->data(data, size, call->aux);
        return true;
    }
    buf_put(&call->answer, data, size);
    return !call->answer.overflowed;
}

static void
on_retry_after(int64_t ms, void *aux)
{
    struct http_call *call = aux;

    call->retry_after_ms = ms;
}

static void
on_done(struct err *err, void *aux)
{
    struct http_call *call = aux;

    if (call->state != CALL_ACTIVE) {
        err_free(err);
        return;
    }
    finish(call, err);
}

static const char *
method_name(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return "GET";
    case HTTP_POST:
        return "POST";
    case HTTP_PUT:
        return "PUT";
    case HTTP_PATCH:
        return "PATCH";
    case HTTP_DELETE:
        return "DELETE";
    }
    return "GET";
}

static void
start(struct http_call *call)
{
    struct http *http = call->http;
    struct transfer_spec spec = {
        .method = method_name(call->method),
        .path = call->path,
        .agent = http->agent,
        .content_type = call->content_type,
        .as_stream = call->as_stream,
        .as_table = call->as_table,
        .body = call->body,
        .size = call->size,
        .body_cb = on_body,
        .retry_after_cb = on_retry_after,
        .done_cb = on_done,
        .aux = call,
    };
    struct err *err;

    call->state = CALL_ACTIVE;
    call->started_ms = http->now_ms;
    err = transfer_start(http->newest[call->as_stream],
                         creds_view(http->creds), &spec, &call->transfer);
    if (err) {
        finish(call, err);
    }
}

/* ---- one turn of the loop ---- */

static void
open_wire(struct http *http, bool for_streams)
{
    struct wire *wire = wire_new(http->now_ms);

    VEC_PUSH(&http->wires, wire);
    http->newest[for_streams] = wire;
}

/* New requests get new connections from here on. */
static void
retire(struct http *http, const struct wire *wire)
{
    for (int i = 0; i < 2; i++) {
        if (http->newest[i] == wire) {
            open_wire(http, i);
        }
    }
}

/* Nothing was heard on that call's wire, nor will be. */
static void
give_up(struct http_call *call)
{
    const struct wire *wire = transfer_wire(call->transfer);
    int64_t heard_ms = wire_heard_ms(wire);
    int64_t since_ms = heard_ms ? heard_ms : call->started_ms;

    retire(call->http, wire);
    finish(call, err_new(ERR_UNAVAILABLE, "nothing heard for %d s",
                         (int) ((call->http->now_ms - since_ms) / 1000)));
}

/* A request is out of time.  Where nothing was heard since it began, whoever
 * else is on a wire as silent waits in vain too. */
static void
time_out(struct http_call *call)
{
    struct http *http = call->http;
    const struct wire *wire = transfer_wire(call->transfer);
    int64_t started_ms = call->started_ms;

    if (wire_heard_ms(wire) >= started_ms) {
        retire(http, wire);
        finish(call, err_new(ERR_UNAVAILABLE, "no whole answer after %d s",
                             (int) ((http->now_ms - started_ms) / 1000)));
        return;
    }
    for (size_t i = 0; i < http->calls.n; i++) {
        struct http_call *other = http->calls.items[i];

        if (other->state == CALL_ACTIVE &&
            wire_heard_ms(transfer_wire(other->transfer)) < started_ms) {
            give_up(other);
        }
    }
}

/* When an active call has been silent for too long; INT64_MAX: never. */
static int64_t
silent_until(const struct http_call *call)
{
    if (call->silent_ms <= 0) {
        return INT64_MAX;
    }
    return transfer_heard_ms(call->transfer) + call->silent_ms;
}

static void
check_deadline(struct http_call *call, int64_t now_ms)
{
    if (call->state == CALL_QUEUED && call->deadline_ms <= now_ms) {
        finish(call, err_new(ERR_UNAVAILABLE, "too many other requests"));
    } else if (call->state != CALL_ACTIVE) {
        return;
    } else if (call->deadline_ms <= now_ms) {
        time_out(call);
    } else if (silent_until(call) <= now_ms) {
        retire(call->http, transfer_wire(call->transfer));
        finish(call, err_new(ERR_UNAVAILABLE, "silent for %d s",
                             (int) (call->silent_ms / 1000)));
    }
}

/* Makes the call backs; what they send or cancel is seen as it comes. */
static void
deliver(struct http *http)
{
    size_t i = 0;

    while (i < http->calls.n) {
        struct http_call *call = http->calls.items[i];

        if (call->state == CALL_DEAD) {
            VEC_REMOVE(&http->calls, i);
            call_free(call);
        } else if (call->state == CALL_FINISHED) {
            struct http_response response = {
                .status = call->status,
                .body = buf_str(&call->answer),
                .size = call->answer.size,
                .retry_after_ms = call->retry_after_ms,
                .err = call->err,
            };

            VEC_REMOVE(&http->calls, i);
            call->done(&response, call->aux);
            call_free(call);
        } else {
            i++;
        }
    }
}

static void
start_queued(struct http *http)
{
    size_t writes = 0;

    for (size_t i = 0; i < http->calls.n; i++) {
        const struct http_call *call = http->calls.items[i];

        writes += call->state == CALL_ACTIVE && call->method != HTTP_GET;
    }
    for (size_t i = 0; i < http->calls.n; i++) {
        struct http_call *call = http->calls.items[i];
        bool is_write = call->method != HTTP_GET;

        if (call->state == CALL_QUEUED &&
            (!is_write || writes < KUBE_MAX_WRITES)) {
            writes += is_write;
            start(call);
        }
    }
}

static void
free_idle_wires(struct http *http)
{
    for (size_t i = http->wires.n; i-- > 0;) {
        struct wire *wire = http->wires.items[i];

        if (wire != http->newest[false] && wire != http->newest[true] &&
            wire_n_transfers(wire) == 0) {
            VEC_REMOVE(&http->wires, i);
            wire_free(wire);
        }
    }
}

void
http_run(struct http *http, int64_t now_ms)
{
    http->now_ms = now_ms;
    http->is_dirty = false;
    for (size_t i = 0; i < http->wires.n; i++) {
        wire_run(http->wires.items[i], now_ms);
    }
    for (size_t i = 0; i < http->calls.n; i++) {
        check_deadline(http->calls.items[i], now_ms);
    }
    deliver(http);
    start_queued(http);
    free_idle_wires(http);
}

void
http_flush(struct http *http)
{
    bool has_news = false;

    if (!http->is_dirty) {
        return;
    }
    start_queued(http);
    for (size_t i = 0; i < http->wires.n; i++) {
        has_news |= wire_flush(http->wires.items[i]);
    }
    http->is_dirty = has_news;
}

void
http_wait(struct http *http, struct waits *w)
{
    if (http->is_dirty) {
        waits_now(w);
    }
    for (size_t i = 0; i < http->wires.n; i++) {
        wire_wait(http->wires.items[i], w);
    }
    for (size_t i = 0; i < http->calls.n; i++) {
        const struct http_call *call = http->calls.items[i];

        switch (call->state) {
        case CALL_QUEUED:
            waits_until(w, call->deadline_ms);
            break;
        case CALL_ACTIVE:
            waits_until(w, call->deadline_ms);
            waits_until(w, silent_until(call));
            break;
        case CALL_FINISHED:
        case CALL_DEAD:
            waits_now(w);
            break;
        }
    }
}

/* ---- the public rest ---- */

struct http *
http_new(const struct creds *creds, const char *agent)
{
    struct http *http = xcalloc(1, sizeof *http);

    http->creds = creds;
    http->agent = xstrdup(agent);
    open_wire(http, false);
    open_wire(http, true);
    return http;
}

void
http_free(struct http *http)
{
    if (!http) {
        return;
    }
    for (size_t i = 0; i < http->calls.n; i++) {
        call_free(http->calls.items[i]);
    }
    VEC_FINI(&http->calls);
    for (size_t i = 0; i < http->wires.n; i++) {
        wire_free(http->wires.items[i]);
    }
    VEC_FINI(&http->wires);
    free(http->agent);
    free(http);
}

struct http_call *
http_send(struct http *http, const struct http_request *request)
{
    struct http_call *call = xcalloc(1, sizeof *call);
    size_t max = request->max_body ? request->max_body : KUBE_MAX_ANSWER;

    assert(request->done && request->path[0] == '/');
    call->http = http;
    call->method = request->method;
    call->path = xstrdup(request->path);
    call->as_stream = request->as_stream;
    call->as_table = request->as_table;
    if (request->content_type) {
        call->content_type = xstrdup(request->content_type);
        call->body = xmemdup(request->body, request->size);
        call->size = request->size;
    }
    call->deadline_ms = request->deadline_ms;
    call->silent_ms = request->silent_ms;
    call->data = request->data;
    call->done = request->done;
    call->aux = request->aux;
    call->retry_after_ms = -1;
    buf_init(&call->answer, request->data ? KUBE_MAX_REFUSAL : max);
    VEC_PUSH(&http->calls, call);
    http->is_dirty = true;
    return call;
}

void
http_cancel(struct http_call *call)
{
    /* Maybe inside a call back of the wire: taken down in http_run(). */
    if (call) {
        assert(call->state != CALL_DEAD);
        call->state = CALL_DEAD;
        call->http->is_dirty = true;
    }
}
