#include "reconciler/health.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/httpd.h"
#include "lib/base/mem.h"

struct health {
    struct httpd *httpd;
    struct metrics *metrics;
    atomic_llong turned_ms;
    atomic_bool is_alive;
    _Atomic(const char *) waiting;
};

static void
answer_healthz(struct health *h, struct httpd_response *response)
{
    int64_t silent = clock_ms() - atomic_load(&h->turned_ms);

    if (silent > HEALTH_STUCK_MS) {
        response->status = 500;
        buf_puts(&response->body, "the loop is stuck\n");
    } else if (!atomic_load(&h->is_alive)) {
        response->status = 500;
        buf_puts(&response->body, "HAProxy does not answer\n");
    } else {
        buf_puts(&response->body, "ok\n");
    }
}

static void
answer_readyz(struct health *h, struct httpd_response *response)
{
    const char *waiting = atomic_load(&h->waiting);

    if (waiting) {
        response->status = 503;
        buf_printf(&response->body, "waiting for %s\n", waiting);
    } else {
        buf_puts(&response->body, "ok\n");
    }
}

static void
answer(const struct httpd_request *request, struct httpd_response *response,
       void *aux)
{
    struct health *h = aux;

    response->content_type = "text/plain; charset=utf-8";
    if (strcmp(request->method, "GET") != 0 &&
        strcmp(request->method, "HEAD") != 0) {
        response->status = 405;
        response->allow = "GET, HEAD";
    } else if (strcmp(request->path, "/healthz") == 0) {
        answer_healthz(h, response);
    } else if (strcmp(request->path, "/readyz") == 0) {
        answer_readyz(h, response);
    } else if (strcmp(request->path, "/metrics") == 0) {
        response->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_print(h->metrics, &response->body);
    } else {
        response->status = 404;
        buf_puts(&response->body, "/healthz, /readyz and /metrics\n");
    }
}

struct err *
health_start(const char *address, struct metrics *metrics,
             struct health **out)
{
    struct health *h = xcalloc(1, sizeof *h);
    struct httpd_options options = {
        .address = address,
        .threads = 2,
        .max_connections = 64,
        .idle_timeout_s = 30,
        .handler = answer,
        .aux = h,
    };
    struct err *err;

    h->metrics = metrics;
    atomic_init(&h->turned_ms, clock_ms());
    atomic_init(&h->is_alive, false);
    atomic_init(&h->waiting, "the first turn of the loop");
    err = httpd_start(&options, &h->httpd);
    if (err) {
        free(h);
        *out = NULL;
        return err;
    }
    *out = h;
    return NULL;
}

void
health_stop(struct health *h)
{
    if (h) {
        httpd_stop(h->httpd);
        free(h);
    }
}

void
health_set(struct health *h, int64_t now_ms, bool is_alive,
           const char *waiting)
{
    atomic_store(&h->turned_ms, now_ms);
    atomic_store(&h->is_alive, is_alive);
    atomic_store(&h->waiting, waiting);
}
