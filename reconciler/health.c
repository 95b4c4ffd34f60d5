#include "reconciler/health.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/httpd.h"
#include "lib/base/mem.h"

/* How long a request for /routes waits for the loop. */
#define ROUTES_WAIT_S 5
/* How long the head of a request may drip in, and how often that is looked
 * at. */
#define HEAD_S 10
#define SWEEP_MS 2000

/* The desk over which a server thread asks the loop for the routes. */
struct desk {
    pthread_mutex_t lock;
    pthread_cond_t ready;
    int event_fd;               /* Wakes the loop; -1: there is none. */
    bool is_asked;              /* One at a time. */
    bool is_given;
    struct buf report;
};

struct health {
    struct desk desk;
    struct httpd *httpd;
    struct metrics *metrics;
    int64_t sweep_ms;           /* When slow clients are looked at again. */
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

/* --- /routes --- */

static void
desk_init(struct desk *desk)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&desk->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&desk->ready, &attributes);
    pthread_condattr_destroy(&attributes);
    desk->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    desk->is_asked = desk->is_given = false;
    buf_init(&desk->report, (size_t) 1 << 30);
}

static void
desk_fini(struct desk *desk)
{
    if (desk->event_fd >= 0) {
        close(desk->event_fd);
    }
    buf_fini(&desk->report);
    pthread_cond_destroy(&desk->ready);
    pthread_mutex_destroy(&desk->lock);
}

/* Waits with the lock held; false where the loop did not answer in time. */
static bool
desk_wait(struct desk *desk)
{
    struct timespec until;
    int status = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ROUTES_WAIT_S;
    while (!desk->is_given && status == 0) {
        status = pthread_cond_timedwait(&desk->ready, &desk->lock, &until);
    }
    return desk->is_given;
}

/* One waits at a time, so that the other threads stay free for probes. */
static void
answer_routes(struct health *h, struct httpd_response *response)
{
    struct desk *desk = &h->desk;
    bool is_given = false;

    pthread_mutex_lock(&desk->lock);
    if (!desk->is_asked) {
        desk->is_asked = true;
        desk->is_given = false;
        eventfd_write(desk->event_fd, 1);
        is_given = desk_wait(desk);
        if (is_given) {
            buf_put(&response->body, desk->report.data, desk->report.size);
        }
        buf_fini(&desk->report);
        desk->is_asked = false;
    }
    pthread_mutex_unlock(&desk->lock);
    if (is_given) {
        response->content_type = "application/json";
    } else {
        response->status = 503;
        response->retry_after = "1";
        buf_puts(&response->body, "the routes are being told to another, or "
                                  "the loop is busy\n");
    }
}

bool
health_wants_routes(struct health *h)
{
    eventfd_t count;
    bool wants;

    eventfd_read(h->desk.event_fd, &count);
    pthread_mutex_lock(&h->desk.lock);
    wants = h->desk.is_asked && !h->desk.is_given;
    pthread_mutex_unlock(&h->desk.lock);
    return wants;
}

void
health_give_routes(struct health *h, struct buf *report)
{
    pthread_mutex_lock(&h->desk.lock);
    if (h->desk.is_asked && !h->desk.is_given) {
        buf_fini(&h->desk.report);
        h->desk.report = *report;
        buf_init(report, report->limit);
        h->desk.is_given = true;
        pthread_cond_signal(&h->desk.ready);
    }
    pthread_mutex_unlock(&h->desk.lock);
}

void
health_wait(struct health *h, struct waits *waits)
{
    if (h->desk.event_fd >= 0) {
        waits_fd(waits, h->desk.event_fd, POLLIN);
    }
    waits_until(waits, h->sweep_ms);
}

/* --- The server --- */

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
    } else if (strcmp(request->path, "/routes") == 0) {
        answer_routes(h, response);
    } else {
        response->status = 404;
        buf_puts(&response->body,
                 "/healthz, /readyz, /metrics and /routes\n");
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
        .head_timeout_s = HEAD_S,
        .handler = answer,
        .aux = h,
    };
    struct err *err;

    h->metrics = metrics;
    desk_init(&h->desk);
    atomic_init(&h->turned_ms, clock_ms());
    atomic_init(&h->is_alive, false);
    atomic_init(&h->waiting, "the first turn of the loop");
    err = httpd_start(&options, &h->httpd);
    if (err) {
        desk_fini(&h->desk);
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
        desk_fini(&h->desk);
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
    if (now_ms >= h->sweep_ms) {
        httpd_sweep(h->httpd);
        h->sweep_ms = now_ms + SWEEP_MS;
    }
}
