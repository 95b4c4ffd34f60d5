#include "lib/kube/fetch.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "lib/base/address.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/kube/wire.h"

enum state {
    CALL_QUEUED,
    CALL_ACTIVE,
    CALL_FINISHED,              /* Waits for its call back. */
    CALL_DEAD,                  /* Cancelled: waits to be freed. */
};

struct fetch_call {
    struct fetch *fetch;
    enum state state;
    char *url;
    char *accept;
    char *content_type;
    char *body;
    size_t size;
    int64_t deadline_ms;
    bool is_trusted;
    fetch_done_fn *done;
    void *aux;

    struct transfer *transfer;  /* While it is active. */
    int status;
    struct buf answer;
    struct err *err;
};

struct fetch {
    char *agent;
    struct wire *wire;
    bool is_dirty;              /* Something was sent or cancelled. */
    VEC(struct fetch_call *) calls;
};

static void
call_free(struct fetch_call *call)
{
    transfer_free(call->transfer);
    free(call->url);
    free(call->accept);
    free(call->content_type);
    free(call->body);
    buf_fini(&call->answer);
    err_free(call->err);
    free(call);
}

/* Takes 'err'. */
static void
finish(struct fetch_call *call, struct err *err)
{
    if (call->transfer) {
        call->status = transfer_status(call->transfer);
    }
    transfer_free(call->transfer);
    call->transfer = NULL;
    call->state = CALL_FINISHED;
    call->err = err;
}

/* ---- what the wire calls ---- */

static bool
on_body(int status, const void *data, size_t size, void *aux)
{
    struct fetch_call *call = aux;

    (void) status;
    buf_put(&call->answer, data, size);
    return call->state == CALL_ACTIVE && !call->answer.overflowed;
}

static void
on_retry_after(int64_t ms, void *aux)
{
    (void) ms;
    (void) aux;
}

static void
on_done(struct err *err, void *aux)
{
    struct fetch_call *call = aux;

    if (call->state == CALL_ACTIVE) {
        finish(call, err);
    } else {
        err_free(err);
    }
}

static bool
may_connect(const struct sockaddr *address, size_t length, void *aux)
{
    const struct fetch_call *call = aux;

    return call->is_trusted ||
           address_scope_of(address, length) == ADDRESS_PUBLIC;
}

/* ---- one turn of the loop ---- */

static void
start(struct fetch_call *call)
{
    const struct transfer_spec spec = {
        .method = "POST",
        .agent = call->fetch->agent,
        .content_type = call->content_type,
        .body = call->body,
        .size = call->size,
        .body_cb = on_body,
        .retry_after_cb = on_retry_after,
        .done_cb = on_done,
        .aux = call,
    };
    const struct transfer_stranger stranger = {
        .url = call->url,
        .accept = call->accept,
        .may_connect_cb = may_connect,
    };
    struct err *err;

    call->state = CALL_ACTIVE;
    err = transfer_start_stranger(call->fetch->wire, &stranger, &spec,
                                  &call->transfer);
    if (err) {
        finish(call, err);
    }
}

static void
deliver(struct fetch *f)
{
    size_t i = 0;

    while (i < f->calls.n) {
        struct fetch_call *call = f->calls.items[i];

        if (call->state == CALL_DEAD) {
            VEC_REMOVE(&f->calls, i);
            call_free(call);
        } else if (call->state == CALL_FINISHED) {
            const struct fetch_answer answer = {
                .status = call->status,
                .body = buf_str(&call->answer),
                .size = call->answer.size,
                .err = call->err,
            };

            VEC_REMOVE(&f->calls, i);
            call->done(&answer, call->aux);
            call_free(call);
        } else {
            i++;
        }
    }
}

void
fetch_run(struct fetch *f, int64_t now_ms)
{
    f->is_dirty = false;
    wire_run(f->wire, now_ms);
    for (size_t i = 0; i < f->calls.n; i++) {
        struct fetch_call *call = f->calls.items[i];

        if (call->state == CALL_ACTIVE && call->deadline_ms <= now_ms) {
            finish(call, err_new(ERR_UNAVAILABLE, "no whole answer in time"));
        }
    }
    deliver(f);
    for (size_t i = 0; i < f->calls.n; i++) {
        if (f->calls.items[i]->state == CALL_QUEUED) {
            start(f->calls.items[i]);
        }
    }
}

void
fetch_wait(struct fetch *f, struct waits *w)
{
    if (f->is_dirty) {
        waits_now(w);
    }
    wire_wait(f->wire, w);
    for (size_t i = 0; i < f->calls.n; i++) {
        const struct fetch_call *call = f->calls.items[i];

        if (call->state == CALL_ACTIVE) {
            waits_until(w, call->deadline_ms);
        } else {
            waits_now(w);
        }
    }
}

/* ---- the public rest ---- */

struct fetch *
fetch_new(const char *agent)
{
    struct fetch *f = xcalloc(1, sizeof *f);

    f->agent = xstrdup(agent);
    f->wire = wire_new(0);
    return f;
}

void
fetch_free(struct fetch *f)
{
    if (!f) {
        return;
    }
    for (size_t i = 0; i < f->calls.n; i++) {
        call_free(f->calls.items[i]);
    }
    VEC_FINI(&f->calls);
    wire_free(f->wire);
    free(f->agent);
    free(f);
}

struct fetch_call *
fetch_send(struct fetch *f, const struct fetch_request *request)
{
    struct fetch_call *call = xcalloc(1, sizeof *call);

    call->fetch = f;
    call->url = xstrdup(request->url);
    call->accept = xstrdup(request->accept);
    call->content_type = xstrdup(request->content_type);
    call->body = xmemdup(request->body, request->size);
    call->size = request->size;
    call->deadline_ms = request->deadline_ms;
    call->is_trusted = request->is_trusted;
    call->done = request->done;
    call->aux = request->aux;
    buf_init(&call->answer, request->max_body);
    VEC_PUSH(&f->calls, call);
    f->is_dirty = true;
    return call;
}

void
fetch_cancel(struct fetch_call *call)
{
    if (call) {
        call->state = CALL_DEAD;
        call->fetch->is_dirty = true;
    }
}
