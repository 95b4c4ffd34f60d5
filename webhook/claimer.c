#include "webhook/claimer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/unowned.h"
#include "lib/kube/client.h"
#include "webhook/limits.h"
#include "webhook/taking.h"
#include "webhook/unbacked.h"

/* What the loop may be late before a waiting thread gives it up. */
#define LATE_MS 500

struct wants {
    struct model *model;
    struct kube_claim *claims;
    size_t n;
    char *host;                 /* The first one, to see it backed. */
    char *key;
    char **fields;              /* Of each claim, before it is sorted. */
    char *names;                /* Their names, CLAIM_NAME_SIZE each. */
};

/* One review's claims.  'is_done' and 'is_left' are under the lock, the rest
 * is the loop's; the thread reads the outcome once it is done. */
struct job {
    struct claimer *claimer;
    struct wants *wants;
    struct taking *taking;
    struct kube_call *call;
    pthread_cond_t cond;
    bool is_done;
    bool is_left;               /* The thread has gone. */
};

struct claimer {
    const struct ruleset *ruleset;
    struct watch *watch;
    char *ns;
    int on_failure;
    int64_t claim_ms;
    int event_fd;
    int64_t now_ms;
    pthread_mutex_t lock;       /* Guards the next two. */
    VEC(struct job *) queue;    /* Not seen by the loop yet. */
    bool is_stopped;
    VEC(struct job *) jobs;     /* The loop's, as all below. */
    struct unbacked *unbacked;
    struct metric *results[3];
    struct metric *waiting;
};

static struct metric *
results_of(struct metrics *m, const char *labels)
{
    return metrics_counter(m, "sallyport_claims_total", labels,
                           "Reviews that needed claims in the API server.");
}

struct claimer *
claimer_new(const struct claimer_options *o, struct metrics *m)
{
    struct claimer *c = xcalloc(1, sizeof *c);

    c->ruleset = o->ruleset;
    c->watch = o->watch;
    c->ns = xstrdup(o->ns);
    c->unbacked = unbacked_new(o->watch);
    c->on_failure = o->on_failure;
    c->claim_ms = o->claim_ms;
    c->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&c->lock, NULL);
    c->results[CLAIMER_HELD] = results_of(m, "result=\"held\"");
    c->results[CLAIMER_LOST] = results_of(m, "result=\"lost\"");
    c->results[CLAIMER_FAILED] = results_of(m, "result=\"failed\"");
    c->waiting = metrics_gauge(m, "sallyport_claims_waiting", "",
                               "Reviews that wait for their claims.");
    return c;
}

static void
wants_free(struct wants *w)
{
    if (!w) {
        return;
    }
    for (size_t i = 0; i < w->n; i++) {
        free(w->fields[i]);
        if (w->claims) {
            claim_fini(&w->claims[i]);
        }
    }
    free(w->fields);
    free(w->claims);
    free(w->names);
    free(w->host);
    free(w->key);
    model_unref(w->model);
    free(w);
}

static void
job_free(struct job *job)
{
    kube_client_cancel(job->call);
    taking_free(job->taking);
    wants_free(job->wants);
    pthread_cond_destroy(&job->cond);
    free(job);
}

void
claimer_free(struct claimer *c)
{
    if (!c) {
        return;
    }
    for (size_t i = 0; i < c->queue.n; i++) {
        job_free(c->queue.items[i]);
    }
    for (size_t i = 0; i < c->jobs.n; i++) {
        job_free(c->jobs.items[i]);
    }
    unbacked_free(c->unbacked);
    VEC_FINI(&c->queue);
    VEC_FINI(&c->jobs);
    pthread_mutex_destroy(&c->lock);
    mem_closep(&c->event_fd);
    free(c->ns);
    free(c);
}

/* ---- what is wanted ---- */

static char *
backend_text(const struct route *route)
{
    const struct kube_backend *b = &route->backend;

    return b->service ? xasprintf("%s:%s:%d:%d", b->service,
                                  b->port.name ? b->port.name : "",
                                  (int) b->port.number, (int) route->kind)
                      : NULL;
}

static void
fill(const struct claimer *c, const struct unowned *u, const char *holder,
     bool is_canary, struct kube_claim *out)
{
    const char *class = c->ruleset->ingress_class;
    const char *key = u->route ? u->route->key : NULL;

    out->host = xstrdup(u->host);
    out->class = xstrdup(class);
    out->holder = xstrdup(holder);
    claim_name(class, u->host, key, out->name);
    if (key) {
        out->key = xstrdup(key);
        out->backend = backend_text(u->route);
        return;
    }
    claim_family(class, u->host, out->family);
    out->is_public = c->ruleset->host_policy == HOST_POLICY_PATH;
    out->mode = xstrdup(u->is_passthrough ? "passthrough"
                        : u->is_routed    ? "paths"
                                          : "");
    if (c->ruleset->host_policy == HOST_POLICY_INGRESS && !is_canary) {
        out->only = xstrdup(holder);
    }
}

struct wants *
claimer_wants(const struct claimer *c, const struct snapshot *s,
              struct model *candidate, const char *uid)
{
    const struct kube_object *object = candidate->object;
    AUTO_FREE char *holder = NULL;
    AUTO_FREE struct unowned *list = NULL;
    struct wants *w;
    size_t n;

    list = unowned_list(s->claims, candidate, &n);
    if (n == 0) {
        return NULL;
    }
    holder = str_is_empty(object->name)
                 ? xasprintf("%s/uid:%s", object->namespace, uid)
                 : xstrdup(object->key);
    w = xcalloc(1, sizeof *w);
    w->model = model_ref(candidate);
    w->n = n;
    w->claims = xcalloc(n, sizeof *w->claims);
    w->host = xstrdup(list[0].host);
    w->key = list[0].route ? xstrdup(list[0].route->key) : NULL;
    w->fields = xcalloc(n, sizeof *w->fields);
    w->names = xcalloc(n, CLAIM_NAME_SIZE);
    for (size_t i = 0; i < n; i++) {
        fill(c, &list[i], holder, candidate->is_canary, &w->claims[i]);
        w->fields[i] = xstrdup(list[i].field);
        memcpy(w->names + i * CLAIM_NAME_SIZE, w->claims[i].name,
               CLAIM_NAME_SIZE);
    }
    return w;
}

/* ---- what is said ---- */

static const char *
field_of(const struct wants *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++) {
        if (strcmp(w->names + i * CLAIM_NAME_SIZE, name) == 0) {
            return w->fields[i];
        }
    }
    return "spec";
}

/* In the words of every other conflict, where the other exists by now. */
static bool
say_conflict(const struct claimer *c, const struct wants *w,
             struct model *rival, struct findings *out)
{
    struct claims *claims = claims_new(c->ruleset);

    claims_set(claims, rival);
    claims_judge(claims, w->model, out);
    claims_free(claims);
    return findings_count_of(out, FINDING_ERROR) > 0;
}

static void
say_lost(const struct claimer *c, const struct job *job, struct findings *out)
{
    const char *holder;
    struct model *rival;
    const struct kube_claim *lost = taking_lost(job->taking, &holder, &rival);
    AUTO_FREE char *host = NULL;
    AUTO_FREE char *ns = NULL;

    if (rival && say_conflict(c, job->wants, rival, out)) {
        return;
    }
    host = str_quote(lost->host);
    ns = xstrndup(holder, strcspn(holder, "/"));
    findings_add(out, FINDING_ERROR, FINDING_OWNERSHIP,
                 job->wants->model->name, field_of(job->wants, lost->name),
                 "host %s%s is being given to an Ingress of namespace \"%s\" "
                 "at this moment, or was until a minute ago: use another "
                 "host%s, or try again in a minute",
                 host, lost->key ? ", in a path of this Ingress," : "", ns,
                 lost->key ? " or path" : "");
}

static enum claimer_outcome
say_failed(const struct claimer *c, const struct model *model,
           const char *why, struct findings *out)
{
    AUTO_FREE char *quoted = str_quote(why);

    if (c->on_failure == CLAIMER_ADMIT) {
        findings_add(out, FINDING_WARNING, FINDING_OWNERSHIP, model->name,
                     "spec",
                     "its claim on new hosts or paths could not be written "
                     "to the API server (%s): should another Ingress get "
                     "them at the same moment, the older one is served",
                     quoted);
        return CLAIMER_HELD;
    }
    findings_add(out, FINDING_ERROR, FINDING_OWNERSHIP, model->name, "spec",
                 "its claim on new hosts or paths could not be written to "
                 "the API server (%s): try again in a few seconds", quoted);
    return CLAIMER_FAILED;
}

static enum claimer_outcome
outcome_of(const struct claimer *c, const struct job *job,
           struct findings *out)
{
    switch (taking_verdict(job->taking)) {
    case TAKING_HELD:
        return CLAIMER_HELD;
    case TAKING_LOST:
        say_lost(c, job, out);
        return CLAIMER_LOST;
    case TAKING_FAILED:
        return say_failed(c, job->wants->model, taking_why(job->taking), out);
    case TAKING_BUSY:
        break;
    }
    return say_failed(c, job->wants->model, "this webhook ends", out);
}

/* ---- the server's threads ---- */

/* Of the class, and kept out by no administrator: by what the loop knows. */
static bool
may_have(const struct kube_object *ingress, const char *host, void *aux)
{
    const struct claimer *c = aux;

    return watch_is_ours(c->watch, ingress) &&
           !watch_is_out(c->watch, ingress->namespace, host);
}

static struct job *
job_new(struct claimer *c, struct wants *wants, int64_t deadline_ms)
{
    struct job *job = xcalloc(1, sizeof *job);
    pthread_condattr_t attr;
    const struct taking_spec spec = {
        .ns = c->ns,
        .ruleset = c->ruleset,
        .self = wants->model->key,
        .claims = STEAL_PTR(wants->claims),
        .n = wants->n,
        .may_have = may_have,
        .aux = c,
        .deadline_ms = deadline_ms,
    };

    job->claimer = c;
    job->wants = wants;
    job->taking = taking_new(&spec);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&job->cond, &attr);
    pthread_condattr_destroy(&attr);
    return job;
}

static void
wake(struct claimer *c)
{
    const uint64_t one = 1;
    const ssize_t n = write(c->event_fd, &one, sizeof one);

    (void) n;           /* Full means that it is awake. */
}

/* Returns false where the queue takes no more. */
static bool
enqueue(struct claimer *c, struct job *job)
{
    bool is_taken;

    pthread_mutex_lock(&c->lock);
    is_taken = !c->is_stopped && c->queue.n < WEBHOOK_MAX_TAKINGS;
    if (is_taken) {
        VEC_PUSH(&c->queue, job);
    }
    pthread_mutex_unlock(&c->lock);
    if (is_taken) {
        wake(c);
    }
    return is_taken;
}

/* Returns false where the time was up first; then the job is the loop's. */
static bool
await(struct claimer *c, struct job *job, int64_t until_ms)
{
    const struct timespec until = {
        .tv_sec = until_ms / 1000,
        .tv_nsec = until_ms % 1000 * 1000000,
    };
    int rc = 0;
    bool is_done;

    pthread_mutex_lock(&c->lock);
    while (!job->is_done && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&job->cond, &c->lock, &until);
    }
    is_done = job->is_done;
    job->is_left = !is_done;
    pthread_mutex_unlock(&c->lock);
    return is_done;
}

/* The outcome was read; from here on the job is the loop's alone. */
static void
leave(struct claimer *c, struct job *job)
{
    pthread_mutex_lock(&c->lock);
    job->is_left = true;
    pthread_mutex_unlock(&c->lock);
    wake(c);
}

enum claimer_outcome
claimer_take(struct claimer *c, struct wants *wants, struct findings *out)
{
    const int64_t deadline_ms = clock_ms() + c->claim_ms;
    struct model *model = model_ref(wants->model);
    enum claimer_outcome outcome;
    struct job *job;

    if (wants->n > WEBHOOK_MAX_CLAIMS) {
        outcome = say_failed(c, model, "it has more than 500 new hosts and "
                                       "paths at once", out);
        wants_free(wants);
        metric_add(c->results[outcome], 1);
        model_unref(model);
        return outcome;
    }
    job = job_new(c, wants, deadline_ms);
    if (!enqueue(c, job)) {
        job_free(job);
        outcome = say_failed(c, model, "too many are waiting", out);
    } else if (await(c, job, deadline_ms + LATE_MS)) {
        outcome = outcome_of(c, job, out);
        leave(c, job);
    } else {
        outcome = say_failed(c, model, "it took too long", out);
    }
    metric_add(c->results[outcome], 1);
    model_unref(model);
    return outcome;
}

/* ---- the loop ---- */

static void
on_done(const struct http_response *response, void *aux)
{
    struct job *job = aux;

    job->call = NULL;
    taking_done(job->taking, response, clock_ms(), clock_wall());
}

static void
send_due(struct claimer *c, struct job *job)
{
    struct taking_request due;

    if (taking_start(job->taking, c->now_ms, clock_wall(), &due)) {
        const struct http_request request = {
            .method = due.method,
            .path = due.path,
            .content_type = due.body ? "application/json" : NULL,
            .body = due.body,
            .size = due.body ? strlen(due.body) : 0,
            .max_body = WEBHOOK_MAX_LIST,
            .deadline_ms = c->now_ms + c->claim_ms,
            .done = on_done,
            .aux = job,
        };

        job->call = kube_client_request(watch_client(c->watch), &request);
        free(due.path);
        free(due.body);
    }
}

static void
admit_job(struct claimer *c, struct job *job)
{
    if (!unbacked_begin(c->unbacked, job->wants->n)) {
        taking_abandon(job->taking, "too many claims wait for their Ingress",
                       c->now_ms);
    }
}

static void
note_outcome(struct claimer *c, const struct job *job)
{
    const struct wants *w = job->wants;

    unbacked_end(c->unbacked, w->n,
                 taking_verdict(job->taking) == TAKING_HELD,
                 w->model->ns, w->host, w->key, c->now_ms);
}

static void
take_queue(struct claimer *c)
{
    uint64_t count;
    const ssize_t n = read(c->event_fd, &count, sizeof count);

    (void) n;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->queue.n; i++) {
        VEC_PUSH(&c->jobs, c->queue.items[i]);
        admit_job(c, c->queue.items[i]);
    }
    c->queue.n = 0;
    pthread_mutex_unlock(&c->lock);
}

/* Tells the waiting thread, once; returns whether it has gone by now. */
static bool
tell(struct claimer *c, struct job *job)
{
    bool is_left;

    pthread_mutex_lock(&c->lock);
    is_left = job->is_left;
    if (!is_left && !job->is_done &&
        taking_verdict(job->taking) != TAKING_BUSY) {
        job->is_done = true;
        note_outcome(c, job);
        pthread_cond_signal(&job->cond);
    }
    if (is_left && !job->is_done) {
        job->is_done = true;            /* Left without an answer. */
        taking_abandon(job->taking, "nobody waits for it any more",
                       c->now_ms);
        note_outcome(c, job);
    }
    pthread_mutex_unlock(&c->lock);
    return is_left;
}

void
claimer_run(struct claimer *c, int64_t now_ms)
{
    c->now_ms = now_ms;
    unbacked_run(c->unbacked, now_ms);
    take_queue(c);
    for (size_t i = c->jobs.n; i-- > 0;) {
        struct job *job = c->jobs.items[i];

        send_due(c, job);
        if (tell(c, job) && taking_is_over(job->taking)) {
            VEC_REMOVE(&c->jobs, i);
            job_free(job);
        }
    }
    metric_set(c->waiting, (int64_t) c->jobs.n);
}

void
claimer_wait(struct claimer *c, struct waits *waits)
{
    waits_fd(waits, c->event_fd, POLLIN);
    for (size_t i = 0; i < c->jobs.n; i++) {
        waits_until(waits, taking_due_ms(c->jobs.items[i]->taking));
    }
}

void
claimer_stop(struct claimer *c)
{
    if (!c) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->is_stopped = true;
    pthread_mutex_unlock(&c->lock);
    take_queue(c);
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->jobs.n; i++) {
        c->jobs.items[i]->is_done = true;
        pthread_cond_signal(&c->jobs.items[i]->cond);
    }
    pthread_mutex_unlock(&c->lock);
}
