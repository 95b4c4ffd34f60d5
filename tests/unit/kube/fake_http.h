/* fake_http: http.h without a network, for unit tests.  Included once; the
 * linker then takes these instead of lib/kube/http.c.
 *
 *     struct http_call *call = fake_take("PATCH /api/v1/...");
 *     fake_answer(call, 200, "{}");
 */
#ifndef TESTS_UNIT_KUBE_FAKE_HTTP_H
#define TESTS_UNIT_KUBE_FAKE_HTTP_H

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/kube/http.h"

struct http_call {
    char *line;                 /* "GET /path" */
    char *content_type;
    char *body;
    struct http_request request;
};

struct http {
    const struct creds *creds;
    VEC(struct http_call *) calls;
};

/* The one there is. */
static struct http fake;

struct http *
http_new(const struct creds *creds, const char *agent)
{
    (void) agent;
    fake = (struct http) { .creds = creds };
    return &fake;
}

static void
fake_free(struct http_call *call)
{
    free(call->line);
    free(call->content_type);
    free(call->body);
    free(call);
}

void
http_free(struct http *http)
{
    for (size_t i = 0; i < http->calls.n; i++) {
        fake_free(http->calls.items[i]);
    }
    VEC_FINI(&http->calls);
}

struct http_call *
http_send(struct http *http, const struct http_request *request)
{
    static const char *const methods[] = {
        [HTTP_GET] = "GET",     [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",     [HTTP_PATCH] = "PATCH",
        [HTTP_DELETE] = "DELETE",
    };
    struct http_call *call = xcalloc(1, sizeof *call);

    call->line = xasprintf("%s %s", methods[request->method], request->path);
    call->request = *request;
    if (request->content_type) {
        call->content_type = xstrdup(request->content_type);
        call->body = xstrndup(request->body, request->size);
    }
    VEC_PUSH(&http->calls, call);
    return call;
}

static void
fake_remove(struct http_call *call)
{
    size_t i = 0;

    while (fake.calls.items[i] != call) {
        i++;
    }
    VEC_REMOVE(&fake.calls, i);
}

void
http_cancel(struct http_call *call)
{
    if (call) {
        fake_remove(call);
        fake_free(call);
    }
}

void
http_run(struct http *http, int64_t now_ms)
{
    (void) http;
    (void) now_ms;
}

void
http_flush(struct http *http)
{
    (void) http;
}

void
http_wait(struct http *http, struct waits *w)
{
    (void) http;
    (void) w;
}

/* The oldest request that waits; it must be this one. */
static struct http_call *
fake_take(const char *line)
{
    if (fake.calls.n == 0) {
        fail_msg("no request, not %s", line);
    }
    assert_string_equal(fake.calls.items[0]->line, line);
    return fake.calls.items[0];
}

static void
fake_end(struct http_call *call, const struct http_response *response)
{
    fake_remove(call);
    call->request.done(response, call->request.aux);
    fake_free(call);
}

static void
fake_answer(struct http_call *call, int status, const char *body)
{
    struct http_response response = {
        .status = status,
        .body = body,
        .size = strlen(body),
        .retry_after_ms = -1,
    };

    fake_end(call, &response);
}

UNUSED static void
fake_cut(struct http_call *call)
{
    struct err *err = err_new(ERR_UNAVAILABLE, "cut");
    struct http_response response = {
        .body = "",
        .retry_after_ms = -1,
        .err = err,
    };

    fake_end(call, &response);
    err_free(err);
}

#endif /* TESTS_UNIT_KUBE_FAKE_HTTP_H */
