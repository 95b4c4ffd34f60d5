#include "webhook/server.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "webhook/answer.h"
#include "webhook/claimer.h"
#include "webhook/mutate.h"
#include "webhook/review.h"
#include "webhook/validate.h"

#define MODULE "webhook"
/* A loop that did not turn for this long is stuck. */
#define STUCK_MS 30000

enum result { RESULT_ALLOWED, RESULT_DENIED, RESULT_FAILED };
#define N_RESULTS 3

struct server {
    struct watch *watch;
    struct reserve *reserve;
    struct mutate_options mutation;
    struct claimer *claimer;    /* NULL: one replica decides alone. */
    struct metrics *metrics;
    struct metric *requests[REVIEW_N_OPERATIONS][N_RESULTS];
    struct metric *malformed;
    struct metric *denied_ownership;
    struct metric *denied_invalid;
    struct metric *seconds_validate;
    struct metric *seconds_mutate;
    struct metric *not_after;
    struct metric *ingresses;
    struct metric *synced;
    atomic_bool is_leaving;
    _Atomic int64_t turned_ms;
};

static const double bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                 0.025,  0.05,  0.1,    0.25,  1 };

static struct metric *
seconds_of(struct metrics *m, const char *labels)
{
    return metrics_histogram(m, "sallyport_admission_duration_seconds",
                             labels, "Time from a whole review to its "
                                     "answer.",
                             bounds, ARRAY_SIZE(bounds));
}

static void
make_requests(struct server *s)
{
    static const char *const results[N_RESULTS] = { "allowed", "denied",
                                                    "failed" };

    for (size_t i = 0; i < REVIEW_N_OPERATIONS; i++) {
        for (size_t j = 0; j < N_RESULTS; j++) {
            AUTO_FREE char *labels = xasprintf(
                "operation=\"%s\",result=\"%s\"",
                review_operation_name((enum review_operation) i), results[j]);

            s->requests[i][j] =
                metrics_counter(s->metrics,
                                "sallyport_admission_requests_total", labels,
                                "Reviews answered.");
        }
    }
    s->malformed = metrics_counter(
        s->metrics, "sallyport_admission_requests_total",
        "operation=\"unknown\",result=\"failed\"", "Reviews answered.");
}

struct server *
server_new(struct watch *watch, struct reserve *reserve,
           struct claimer *claimer, struct metrics *m)
{
    static const char denials[] = "sallyport_admission_denials_total";
    static const char denials_help[] = "Reviews denied, by reason.";
    struct server *s = xcalloc(1, sizeof *s);

    s->watch = watch;
    s->reserve = reserve;
    s->claimer = claimer;
    s->metrics = m;
    s->turned_ms = clock_ms();
    make_requests(s);
    s->denied_ownership =
        metrics_counter(m, denials, "reason=\"ownership\"", denials_help);
    s->denied_invalid =
        metrics_counter(m, denials, "reason=\"invalid\"", denials_help);
    s->seconds_validate = seconds_of(m, "path=\"/validate\"");
    s->seconds_mutate = seconds_of(m, "path=\"/mutate\"");
    s->not_after = metrics_gauge(
        m, "sallyport_webhook_certificate_not_after_seconds", "",
        "When the serving certificate ends, in seconds since 1970.");
    s->ingresses =
        metrics_gauge(m, "sallyport_webhook_ingresses", "",
                      "Ingresses of ours that new ones are judged against.");
    s->synced = metrics_gauge(m, "sallyport_webhook_synced", "",
                              "1 once all objects were listed.");
    return s;
}

void
server_set_mutation(struct server *s, const struct mutate_options *options)
{
    s->mutation = *options;
}

void
server_free(struct server *s)
{
    free(s);
}

/* ---- Reviews ---- */

static void
say(struct httpd_response *response, unsigned status, const char *text)
{
    response->status = status;
    buf_clear(&response->body);
    buf_puts(&response->body, text);
    buf_putc(&response->body, '\n');
}

static void
log_verdict(const struct review *review, bool is_allowed)
{
    const char *subject = review->object ? review->object->key : NULL;
    AUTO_FREE char *quoted = NULL;

    if (!log_enabled(LOG_DEBUG)) {
        return;
    }
    quoted = subject ? str_quote(subject) : NULL;
    log_debug(MODULE, quoted, "%s %s%s",
              review_operation_name(review->operation),
              is_allowed ? "allowed" : "denied",
              review->is_dry_run ? " (dry run)" : "");
}

/* The verdict, and what of it is to be settled with the other replicas. */
static bool
judge_now(struct server *s, struct review *review,
          struct findings *findings, struct wants **wants)
{
    struct model *admitted;
    struct snapshot snapshot;
    bool is_allowed;

    *wants = NULL;
    watch_acquire(s->watch, &snapshot);
    is_allowed = validate(review, &snapshot, s->reserve, clock_ms(), findings,
                          &admitted);
    if (admitted && s->claimer && !review->is_dry_run) {
        *wants = claimer_wants(s->claimer, &snapshot, admitted, review->uid);
    }
    watch_release(s->watch);
    model_unref(admitted);
    return is_allowed;
}

static void
judge_review(struct server *s, struct review *review,
             struct httpd_response *response)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    struct answer answer = { .uid = review->uid, .findings = findings };
    struct wants *wants;

    answer.is_allowed = judge_now(s, review, findings, &wants);
    if (wants) {
        const enum claimer_outcome outcome =
            claimer_take(s->claimer, wants, findings);

        answer.is_allowed = outcome == CLAIMER_HELD;
        answer.is_later = outcome == CLAIMER_FAILED;
        if (!answer.is_allowed) {
            reserve_gone(s->reserve, review->object->key);
        }
    }
    answer_print(&answer, &response->body);
    log_verdict(review, answer.is_allowed);
    metric_add(s->requests[review->operation][answer.is_allowed
                                                  ? RESULT_ALLOWED
                                                  : RESULT_DENIED],
               1);
    if (!answer.is_allowed) {
        metric_add(answer_is_about_ownership(findings) ? s->denied_ownership
                                                       : s->denied_invalid,
                   1);
    }
}

static void
change_review(struct server *s, const struct review *review,
              struct httpd_response *response)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    struct answer answer = { .uid = review->uid,
                             .is_allowed = true,
                             .findings = findings };
    AUTO_FREE char *patch = NULL;
    struct snapshot snapshot;

    watch_acquire(s->watch, &snapshot);
    patch = mutate(review, &snapshot, &s->mutation, findings);
    watch_release(s->watch);
    answer.patch = patch;
    answer_print(&answer, &response->body);
    metric_add(s->requests[review->operation][RESULT_ALLOWED], 1);
}

static bool
is_json(const char *content_type)
{
    static const char json[] = "application/json";
    const size_t length = sizeof json - 1;

    return content_type && strncasecmp(content_type, json, length) == 0 &&
           (content_type[length] == '\0' || content_type[length] == ';' ||
            content_type[length] == ' ');
}

static unsigned
status_of(const struct err *err)
{
    switch ((int) err_kind(err)) {
    case ERR_LIMIT:
        return 413;
    case ERR_UNAVAILABLE:
        return 503;
    default:
        return 400;
    }
}

static void
answer_review(struct server *s, const struct httpd_request *request,
              struct httpd_response *response, bool is_validate)
{
    AUTO_REVIEW struct review review = { .uid = NULL };
    AUTO_ERR struct err *err = NULL;

    if (!watch_is_synced(s->watch)) {
        response->retry_after = "1";
        say(response, 503, "the objects of the cluster are being listed");
        return;
    }
    err = review_read(request->body, request->body_size, &review);
    if (err) {
        metric_add(s->malformed, 1);
        log_debug(MODULE, NULL, "malformed review: %s", err_text(err));
        response->retry_after =
            err_kind(err) == ERR_UNAVAILABLE ? "1" : NULL;
        say(response, status_of(err), err_text(err));
        return;
    }
    response->content_type = "application/json";
    if (is_validate) {
        judge_review(s, &review, response);
    } else {
        change_review(s, &review, response);
    }
    if (response->body.overflowed) {
        metric_add(s->requests[review.operation][RESULT_FAILED], 1);
    }
}

void
server_answer(const struct httpd_request *request,
              struct httpd_response *response, void *aux)
{
    const int64_t start_us = clock_us();
    struct server *s = aux;
    const bool is_validate = str_eq(request->path, "/validate");

    if (!is_validate && !str_eq(request->path, "/mutate")) {
        say(response, 404, "the paths here are /validate and /mutate");
        return;
    }
    if (!str_eq(request->method, "POST")) {
        response->allow = "POST";
        say(response, 405, "only POST is answered here");
        return;
    }
    if (!is_json(request->content_type)) {
        say(response, 415, "the Content-Type must be application/json");
        return;
    }
    answer_review(s, request, response, is_validate);
    metric_observe(is_validate ? s->seconds_validate : s->seconds_mutate,
                   (double) (clock_us() - start_us) / 1e6);
}

/* ---- Admin ---- */

static void
answer_ready(struct server *s, struct httpd_response *response)
{
    if (atomic_load(&s->is_leaving)) {
        say(response, 503, "shutting down");
    } else if (!watch_is_synced(s->watch)) {
        say(response, 503, "waiting for the objects of the cluster");
    } else {
        say(response, 200, "ok");
    }
}

static void
answer_metrics(struct server *s, struct httpd_response *response)
{
    metric_set(s->ingresses, (int64_t) watch_count(s->watch));
    metric_set(s->synced, watch_is_synced(s->watch));
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_print(s->metrics, &response->body);
}

void
server_answer_admin(const struct httpd_request *request,
                    struct httpd_response *response, void *aux)
{
    struct server *s = aux;

    if (!str_eq(request->method, "GET") && !str_eq(request->method, "HEAD")) {
        response->allow = "GET, HEAD";
        say(response, 405, "only GET and HEAD are answered here");
    } else if (str_eq(request->path, "/healthz")) {
        const bool is_stuck =
            clock_ms() - atomic_load(&s->turned_ms) > STUCK_MS;

        say(response, is_stuck ? 500 : 200,
            is_stuck ? "the loop does not turn" : "ok");
    } else if (str_eq(request->path, "/readyz")) {
        answer_ready(s, response);
    } else if (str_eq(request->path, "/metrics")) {
        answer_metrics(s, response);
    } else {
        say(response, 404,
            "the paths here are /healthz, /readyz and /metrics");
    }
}

void
server_tick(struct server *s, int64_t now_ms, int64_t not_after)
{
    atomic_store(&s->turned_ms, now_ms);
    metric_set(s->not_after, not_after);
}

void
server_leave(struct server *s)
{
    atomic_store(&s->is_leaving, true);
}
