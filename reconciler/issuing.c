#include "reconciler/issuing.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/client.h"
#include "lib/kube/limits.h"

#define WATCH_S 300
#define COMPLAIN_MS 60000

/* The watch of one object. */
struct bell {
    struct issuing *issuing;
    enum issuer_object object;
    struct kube_call *call;
    struct backoff backoff;
    int64_t due_ms;
};

struct issuing {
    struct kube_client *client;
    struct issuer *issuer;
    struct bell bells[ISSUER_N_OBJECTS];
    struct kube_call *call;
    enum issuer_object object;      /* Of the call. */
    bool is_write;
    bool is_leader;
    int64_t now_ms;
    struct log_limit limit;
    struct metric *not_after;
    struct metric *writes;
    struct metric *failures;
};

struct issuing *
issuing_new(struct kube_client *client, const struct issuer_spec *spec,
            struct metrics *m)
{
    struct issuing *s = xcalloc(1, sizeof *s);

    s->client = client;
    s->issuer = issuer_new(spec);
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        s->bells[o].issuing = s;
        s->bells[o].object = (enum issuer_object) o;
        s->bells[o].backoff = (struct backoff) BACKOFF_INIT(1000, 60000);
    }
    s->not_after = metrics_gauge(
        m, "sallyport_webhook_issued_not_after_seconds", "",
        "When the certificate that the leader issued to the webhook ends, in "
        "seconds since 1970; 0: not the leader.");
    s->writes = metrics_counter(
        m, "sallyport_webhook_certificate_writes_total", "",
        "Secrets and webhook configurations written for the webhook.");
    s->failures = metrics_counter(
        m, "sallyport_webhook_certificate_failures_total", "",
        "Requests for the webhook's certificates that failed.");
    return s;
}

static void
cancel_all(struct issuing *s)
{
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        kube_client_cancel(s->bells[o].call);
        s->bells[o].call = NULL;
        s->bells[o].due_ms = 0;
    }
}

void
issuing_free(struct issuing *s)
{
    if (s) {
        cancel_all(s);
        kube_client_cancel(s->call);
        issuer_free(s->issuer);
        free(s);
    }
}

/* --- Bells --- */

static void
on_event(const void *data, size_t size, void *aux)
{
    struct bell *bell = aux;

    (void) data;
    if (size > 0) {
        backoff_reset(&bell->backoff);
        issuer_ring(bell->issuing->issuer, bell->object);
    }
}

/* A watch that ends with its time is opened again at once; one that is
 * refused, later and later. */
static void
on_end(const struct http_response *response, void *aux)
{
    struct bell *bell = aux;
    struct issuing *s = bell->issuing;

    bell->call = NULL;
    if (response->status == 200 && !response->err) {
        backoff_reset(&bell->backoff);
    }
    bell->due_ms = s->now_ms + backoff_fail(&bell->backoff,
                                            kube_client_random(s->client));
}

static void
run_bell(struct issuing *s, struct bell *bell)
{
    struct http_request request = {
        .method = HTTP_GET,
        .deadline_ms =
            s->now_ms + WATCH_S * 1000 + KUBE_WATCH_GRACE_MS,
        .silent_ms = KUBE_WATCH_SILENT_MS,
        .data = on_event,
        .done = on_end,
        .aux = bell,
    };
    AUTO_FREE char *path = NULL;

    if (bell->call || bell->due_ms > s->now_ms) {
        return;
    }
    path = issuer_watch_path(s->issuer, bell->object);
    request.path = path;
    bell->call = kube_client_request(s->client, &request);
}

/* --- Requests --- */

static void
on_done(const struct http_response *response, void *aux)
{
    struct issuing *s = aux;

    s->call = NULL;
    issuer_done(s->issuer, response, s->now_ms,
                kube_client_random(s->client));
    if (s->is_write && response->status >= 200 && response->status < 300) {
        log_info("reconciler", NULL, "webhook certificates: wrote %s",
                 issuer_object_text(s->issuer, s->object));
        metric_add(s->writes, 1);
    }
}

static void
send_due(struct issuing *s, int64_t wall_s)
{
    struct issuer_request due;
    struct http_request request;

    if (s->call || !issuer_start(s->issuer, s->is_leader, s->now_ms, wall_s,
                                 &due)) {
        return;
    }
    request = (struct http_request) {
        .method = due.method,
        .path = due.path,
        .content_type = due.content_type,
        .body = due.body,
        .size = due.body ? strlen(due.body) : 0,
        .deadline_ms = s->now_ms + KUBE_REQUEST_MS,
        .done = on_done,
        .aux = s,
    };
    s->object = due.object;
    s->is_write = due.method != HTTP_GET;
    s->call = kube_client_request(s->client, &request);
    if (due.body) {
        explicit_bzero(due.body, request.size);
    }
    free(due.body);
    free(due.path);
}

static void
log_complaint(struct issuing *s)
{
    AUTO_FREE char *complaint = issuer_take_complaint(s->issuer);
    unsigned dropped;

    if (!complaint) {
        return;
    }
    metric_add(s->failures, 1);
    if (log_limit(&s->limit, s->now_ms, COMPLAIN_MS, &dropped)) {
        log_error("reconciler", NULL,
                  "webhook certificates: %s (%u like it)", complaint,
                  dropped);
    }
}

void
issuing_run(struct issuing *s, bool is_leader, int64_t now_ms,
            int64_t wall_s)
{
    s->now_ms = now_ms;
    if (is_leader != s->is_leader) {
        s->is_leader = is_leader;
        cancel_all(s);
    }
    for (size_t o = 0; o < ISSUER_N_OBJECTS && is_leader; o++) {
        run_bell(s, &s->bells[o]);
    }
    send_due(s, wall_s);
    log_complaint(s);
    metric_set(s->not_after, issuer_not_after(s->issuer));
}

void
issuing_wait(struct issuing *s, struct waits *waits)
{
    if (!s->is_leader) {
        return;
    }
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        if (!s->bells[o].call) {
            waits_until(waits, s->bells[o].due_ms);
        }
    }
    waits_until(waits, issuer_due_ms(s->issuer));
}
