#include "lib/kube/call.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/kube/creds.h"
#include "lib/kube/limits.h"

#define CREDS_LOG_MS 60000

struct kube_call {
    struct calls *calls;
    struct http_request request;        /* To http.h; owns its text. */
    http_data_fn *data;                 /* Of who asked. */
    http_done_fn *done;
    void *aux;
    struct http_call *http;
    uint64_t generation;        /* Of the credentials it was sent with. */
    bool is_second;
};

struct calls {
    struct creds *creds;
    struct http *http;
    int64_t now_ms;
    int64_t forced_ms;          /* When they were read because of a 401. */
    uint64_t generation;        /* Grows with each change of them. */
    uint64_t n_unauthorized;
    VEC(struct kube_call *) items;
    struct log_limit limit;
};

struct calls *
calls_new(struct creds *creds, const char *agent)
{
    struct calls *calls = xcalloc(1, sizeof *calls);

    calls->creds = creds;
    calls->http = http_new(creds, agent);
    calls->forced_ms = INT64_MIN / 2;
    return calls;
}

static void
free_call(struct kube_call *call)
{
    free((void *) (uintptr_t) call->request.path);
    free((void *) (uintptr_t) call->request.content_type);
    free((void *) (uintptr_t) call->request.body);
    free(call);
}

void
calls_free(struct calls *calls)
{
    if (!calls) {
        return;
    }
    http_free(calls->http);
    for (size_t i = 0; i < calls->items.n; i++) {
        free_call(calls->items.items[i]);
    }
    VEC_FINI(&calls->items);
    creds_free(calls->creds);
    free(calls);
}

static void
forget(struct kube_call *call)
{
    struct calls *calls = call->calls;
    size_t i = 0;

    while (calls->items.items[i] != call) {
        i++;
    }
    VEC_REMOVE(&calls->items, i);
    free_call(call);
}

static void
refresh(struct calls *calls, bool force)
{
    AUTO_ERR struct err *err = NULL;
    bool changed = false;
    unsigned dropped;

    /* A fake http.h needs no credentials. */
    if (!calls->creds) {
        return;
    }
    err = creds_refresh(calls->creds, calls->now_ms, force, &changed);
    if (changed) {
        calls->generation++;
        log_info("kube", NULL, "the credentials for the API server changed");
    }
    if (err &&
        log_limit(&calls->limit, calls->now_ms, CREDS_LOG_MS, &dropped)) {
        log_warn("kube", NULL, "%s; the old credentials stay in use",
                 err_text(err));
    }
}

/* Is it worth a second try with the credentials as they are now? */
static bool
try_again(struct kube_call *call, const struct http_response *response)
{
    struct calls *calls = call->calls;
    bool is_denied = response->status == 401 ||
                     (response->status == 0 && response->err &&
                      err_kind(response->err) == ERR_DENIED);

    if (!is_denied) {
        return false;
    }
    calls->n_unauthorized += response->status == 401;
    if (call->is_second) {
        return false;
    }
    if (call->generation == calls->generation &&
        calls->now_ms >= calls->forced_ms + KUBE_CREDS_LOOK_MS) {
        calls->forced_ms = calls->now_ms;
        refresh(calls, true);
    }
    return call->generation != calls->generation;
}

static void
send_call(struct kube_call *call)
{
    call->generation = call->calls->generation;
    call->http = http_send(call->calls->http, &call->request);
}

static void
on_data(const void *data, size_t size, void *aux)
{
    const struct kube_call *call = aux;

    /* Nothing after this: it may have cancelled the call. */
    call->data(data, size, call->aux);
}

static void
on_done(const struct http_response *response, void *aux)
{
    struct kube_call *call = aux;
    http_done_fn *done = call->done;
    void *done_aux = call->aux;

    call->http = NULL;
    if (try_again(call, response)) {
        call->is_second = true;
        send_call(call);
        return;
    }
    forget(call);
    done(response, done_aux);
}

struct kube_call *
calls_send(struct calls *calls, const struct http_request *request)
{
    struct kube_call *call = xcalloc(1, sizeof *call);

    call->calls = calls;
    call->data = request->data;
    call->done = request->done;
    call->aux = request->aux;
    call->request = *request;
    call->request.data = request->data ? on_data : NULL;
    call->request.done = on_done;
    call->request.aux = call;
    call->request.path = xstrdup(request->path);
    if (request->content_type) {
        call->request.content_type = xstrdup(request->content_type);
        call->request.body = xmemdup(request->body, request->size);
    }
    VEC_PUSH(&calls->items, call);
    send_call(call);
    return call;
}

void
calls_cancel(struct kube_call *call)
{
    if (call) {
        http_cancel(call->http);
        forget(call);
    }
}

void
calls_run(struct calls *calls, int64_t now_ms)
{
    calls->now_ms = now_ms;
    refresh(calls, false);
    http_run(calls->http, now_ms);
}

void
calls_flush(struct calls *calls)
{
    http_flush(calls->http);
}

void
calls_wait(struct calls *calls, struct waits *w)
{
    http_wait(calls->http, w);
}

uint64_t
calls_n_unauthorized(const struct calls *calls)
{
    return calls->n_unauthorized;
}
