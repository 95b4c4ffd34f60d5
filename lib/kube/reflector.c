#include "lib/kube/reflector.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/answer.h"
#include "lib/kube/cache.h"
#include "lib/kube/frame.h"
#include "lib/kube/ingest.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"

#define WATCH_MIN_S 300
#define WATCH_MAX_S 600
/* A watch that lived this long was a success. */
#define HEALTHY_MS 5000
#define LEAST_WATCH_MS 1000
/* The spread of the first retry, which does not wait otherwise. */
#define FIRST_RETRY_MS 200
#define FAILURE_LOG_MS 60000

enum state { REFLECTOR_IDLE, REFLECTOR_LISTING, REFLECTOR_WATCHING };

struct reflector {
    struct cache *cache;
    struct reflector_spec spec;
    char *ns, *selector, *only, *subject;
    struct ingest ingest;

    enum state state;
    char *version;              /* To watch from; NULL: list first. */
    int64_t due_ms;
    int64_t started_ms;         /* Of the request under way. */
    struct backoff backoff;
    unsigned n_failures;
    bool is_synced;

    char *token;                /* Of the next page. */
    unsigned page;
    bool is_list_open;          /* The cache knows that a list began. */
    bool has_only;

    struct frame frame;
    int64_t now_ms;             /* Of reflector_data(). */
    bool is_lively;             /* This watch brought something. */
    struct err *stream_err;     /* The server ended it with an ERROR event. */
    int stream_code;

    bool is_unanswered;         /* The last request met no server. */
    struct log_limit limit;
    struct reflector_counts counts;
};

struct reflector *
reflector_new(struct cache *cache, const struct reflector_spec *spec)
{
    struct reflector *r = xcalloc(1, sizeof *r);

    r->cache = cache;
    r->spec = *spec;
    r->ns = spec->ns ? xstrdup(spec->ns) : NULL;
    r->selector = spec->selector ? xstrdup(spec->selector) : NULL;
    r->only = spec->only ? xstrdup(spec->only) : NULL;
    r->subject = xasprintf("%s%s%s", kube_kind_name(spec->kind),
                           r->only || r->ns ? " " : "",
                           r->only ? r->only : r->ns ? r->ns : "");
    r->ingest = (struct ingest) { .cache = cache, .kind = spec->kind,
                                  .only = r->only };
    r->backoff = (struct backoff) BACKOFF_INIT(KUBE_BACKOFF_MIN_MS,
                                               KUBE_BACKOFF_MAX_MS);
    r->page = spec->page ? spec->page : KUBE_PAGE;
    if (!spec->watch_min_s || spec->watch_max_s < spec->watch_min_s) {
        r->spec.watch_min_s = WATCH_MIN_S;
        r->spec.watch_max_s = WATCH_MAX_S;
    }
    frame_init(&r->frame, KUBE_MAX_FRAME);
    return r;
}

void
reflector_free(struct reflector *r)
{
    if (r) {
        free(r->ns);
        free(r->selector);
        free(r->only);
        free(r->subject);
        ingest_fini(&r->ingest);
        free(r->version);
        free(r->token);
        frame_fini(&r->frame);
        err_free(r->stream_err);
        free(r);
    }
}

/* ---- which request is due ---- */

static void
put_query(struct buf *path, const char *name, const char *value)
{
    if (value) {
        buf_printf(path, "&%s=", name);
        resource_put_escaped(path, value);
    }
}

static void
start_list(struct reflector *r, struct buf *path,
           struct reflector_request *out)
{
    buf_printf(path, "?limit=%u", r->page);
    put_query(path, "fieldSelector", r->selector);
    put_query(path, "continue", r->token);
    r->state = REFLECTOR_LISTING;
    out->max_body = KUBE_MAX_PAGE;
    out->deadline_ms = r->started_ms + KUBE_LIST_MS;
    if (!r->token) {
        r->has_only = false;
    }
}

static void
start_watch(struct reflector *r, uint32_t random, struct buf *path,
            struct reflector_request *out)
{
    unsigned spread = r->spec.watch_max_s - r->spec.watch_min_s + 1;
    unsigned timeout_s = r->spec.watch_min_s + random % spread;

    buf_printf(path, "?watch=1&allowWatchBookmarks=true&timeoutSeconds=%u",
               timeout_s);
    put_query(path, "fieldSelector", r->selector);
    put_query(path, "resourceVersion", r->version);
    r->state = REFLECTOR_WATCHING;
    r->is_lively = false;
    r->counts.watches++;
    frame_clear(&r->frame);
    out->is_watch = true;
    out->deadline_ms =
        r->started_ms + (int64_t) timeout_s * 1000 + KUBE_WATCH_GRACE_MS;
    out->silent_ms = KUBE_WATCH_SILENT_MS;
}

bool
reflector_start(struct reflector *r, int64_t now_ms, uint32_t random,
                struct reflector_request *out)
{
    AUTO_FREE char *root = NULL;
    AUTO_BUF struct buf path = BUF_OWN;

    *out = (struct reflector_request) { .path = NULL };
    if (r->state != REFLECTOR_IDLE || now_ms < r->due_ms) {
        return false;
    }
    root = resource_path(r->spec.kind, r->ns, NULL);
    buf_puts(&path, root);
    r->started_ms = now_ms;
    if (r->version) {
        start_watch(r, random, &path, out);
    } else {
        start_list(r, &path, out);
    }
    out->path = buf_take(&path);
    return true;
}

int64_t
reflector_due_ms(const struct reflector *r)
{
    return r->state == REFLECTOR_IDLE ? r->due_ms : INT64_MAX;
}

void
reflector_hurry(struct reflector *r, int64_t now_ms, uint32_t random)
{
    int64_t soon_ms = now_ms + (int64_t) (random % FIRST_RETRY_MS);

    if (r->is_unanswered && r->due_ms > soon_ms) {
        r->due_ms = soon_ms;
    }
}

bool
reflector_wants_list(const struct reflector *r)
{
    return r->state == REFLECTOR_IDLE && !r->version;
}

/* ---- success and failure ---- */

static void
succeed(struct reflector *r)
{
    if (r->n_failures > 1) {
        log_info("kube", r->subject, "works again after %u failures",
                 r->n_failures);
    }
    r->n_failures = 0;
    r->limit = (struct log_limit) { .dropped = 0 };
    backoff_reset(&r->backoff);
}

/* Takes 'err'.  The next request waits 'least_ms' and more. */
static void
fail(struct reflector *r, struct err *err, int64_t least_ms, int64_t now_ms,
     uint32_t random)
{
    int64_t wait = least_ms + (int64_t) (random % FIRST_RETRY_MS);
    unsigned dropped;

    if (r->n_failures > 0) {
        wait += backoff_fail(&r->backoff, random);
    }
    r->n_failures++;
    r->counts.failures++;
    r->due_ms = now_ms + wait;
    /* The first failure of a stream is everyday life, and that nobody is
     * there is for the owner of all streams to say, once. */
    if (r->n_failures == 1 || r->is_unanswered) {
        log_debug("kube", r->subject, "%s; next try in %d ms", err_text(err),
                  (int) wait);
    } else if (log_limit(&r->limit, now_ms, FAILURE_LOG_MS, &dropped)) {
        log_warn("kube", r->subject,
                 "%s; next try in %d ms (failure %u in a row)", err_text(err),
                 (int) wait, r->n_failures);
    }
    err_free(err);
}

static void
list_anew(struct reflector *r)
{
    if (r->is_list_open) {
        cache_list_abandon(r->cache, r->spec.kind, r->ns);
        r->is_list_open = false;
    }
    free(r->token);
    free(r->version);
    r->token = r->version = NULL;
}

/* ---- list ---- */

static void
end_list(struct reflector *r)
{
    if (r->only) {
        if (!r->has_only) {
            ingest_drop(&r->ingest);
        }
    } else {
        if (r->spec.before_end) {
            r->spec.before_end(r->spec.aux);
        }
        cache_list_end(r->cache, r->spec.kind, r->ns);
        r->is_list_open = false;
    }
    r->counts.lists++;
    r->counts.relists += r->is_synced;
    r->is_synced = true;
}

static struct err *
take_page(struct reflector *r, const struct http_response *response,
          int64_t now_ms)
{
    AUTO_INGEST_PAGE struct ingest_page page = { .version = NULL };
    struct err *err;

    if (!r->only && !r->is_list_open) {
        cache_list_begin(r->cache, r->spec.kind, r->ns);
        r->is_list_open = true;
    }
    err = ingest_page(&r->ingest, response->body, response->size, now_ms,
                      &page);
    if (err) {
        return err_wrap(err, "list");
    }
    r->has_only = r->has_only || page.has_only;
    free(r->token);
    r->token = STEAL_PTR(page.token);
    if (!r->token) {
        r->version = STEAL_PTR(page.version);
        end_list(r);
    }
    r->due_ms = now_ms;
    return NULL;
}

static void
done_list(struct reflector *r, const struct http_response *response,
          int64_t now_ms, uint32_t random)
{
    struct err *err = err_wrap(answer_err(response), "list");
    bool is_refused = err != NULL;

    if (!err) {
        err = take_page(r, response, now_ms);
        if (!err) {
            return;
        }
    }
    if (err_kind(err) == ERR_LIMIT && r->page > 1) {
        r->page /= 2;
        log_info("kube", r->subject, "pages of %u from here on: %s", r->page,
                 err_text(err));
        err_free(err);
        r->due_ms = now_ms;
        return;
    }
    /* The pages read so far are of use where only this one is missing. */
    if (!is_refused || !answer_is_transient(response)) {
        list_anew(r);
    }
    fail(r, err, answer_retry_after(response), now_ms, random);
}

/* ---- watch ---- */

static bool
on_line(const char *line, size_t size, void *aux)
{
    struct reflector *r = aux;
    AUTO_INGEST_EVENT struct ingest_event event = { .version = NULL };

    ingest_event(&r->ingest, line, size, r->now_ms, &event);
    if (event.err) {
        r->stream_err = STEAL_PTR(event.err);
        r->stream_code = event.code;
        return false;
    }
    if (event.version) {
        free(r->version);
        r->version = STEAL_PTR(event.version);
        r->is_lively = true;
        /* Of one that ends at once it is none: each would begin as if nothing
         * had failed before, and with a list where a version is too old. */
        if (r->now_ms >= r->started_ms + LEAST_WATCH_MS) {
            succeed(r);
        }
    }
    return true;
}

bool
reflector_data(struct reflector *r, const void *data, size_t size,
               int64_t now_ms)
{
    assert(r->state == REFLECTOR_WATCHING);
    r->now_ms = now_ms;
    if (!r->stream_err) {
        frame_feed(&r->frame, data, size, on_line, r);
    }
    return !r->stream_err;
}

/* Takes 'err', with which the server ended the stream. */
static void
done_by_event(struct reflector *r, struct err *err, int64_t now_ms,
              uint32_t random)
{
    /* 429 alone says nothing of the version we are at. */
    if (r->stream_code != 429) {
        list_anew(r);
    }
    fail(r, err_wrap(err, "watch"), 0, now_ms, random);
}

/* 'response' is NULL where we ended the stream ourselves. */
static void
done_watch(struct reflector *r, const struct http_response *response,
           int64_t now_ms, uint32_t random)
{
    int status = response ? response->status : 200;
    struct err *err;

    frame_clear(&r->frame);
    if (status == 200 && now_ms >= r->started_ms + HEALTHY_MS) {
        succeed(r);
        r->is_lively = true;
    }
    if (r->stream_err) {
        done_by_event(r, STEAL_PTR(r->stream_err), now_ms, random);
        return;
    }
    err = response ? answer_err(response) : NULL;
    if (!err && r->is_lively) {
        /* Its time was over.  Should a server end each at once, it is asked
         * once a second. */
        r->due_ms = r->started_ms + LEAST_WATCH_MS;
        return;
    }
    if (!err) {
        err = err_new(ERR_UNAVAILABLE, "ended before it began");
    }
    if (status == 410 || status == 400 || status == 504) {
        list_anew(r);
    }
    fail(r, err_wrap(err, "watch"),
         response ? answer_retry_after(response) : 0, now_ms, random);
}

void
reflector_done(struct reflector *r, const struct http_response *response,
               int64_t now_ms, uint32_t random)
{
    enum state state = r->state;

    assert(state != REFLECTOR_IDLE);
    r->state = REFLECTOR_IDLE;
    r->is_unanswered = response && response->status == 0;
    if (state == REFLECTOR_LISTING) {
        assert(response);
        done_list(r, response, now_ms, random);
    } else {
        done_watch(r, response, now_ms, random);
    }
}

void
reflector_keep(struct reflector *r)
{
    ingest_keep(&r->ingest);
}

void
reflector_drop(struct reflector *r)
{
    ingest_drop(&r->ingest);
}

bool
reflector_is_synced(const struct reflector *r)
{
    return r->is_synced;
}

bool
reflector_is_failing(const struct reflector *r, int64_t now_ms)
{
    bool is_well = r->state == REFLECTOR_WATCHING &&
                   now_ms >= r->started_ms + HEALTHY_MS;

    return r->n_failures > 1 && !is_well;
}

struct reflector_counts
reflector_counts(const struct reflector *r)
{
    struct reflector_counts counts = r->counts;

    counts.events = r->ingest.n_events;
    counts.bad_objects = r->ingest.n_bad + r->frame.n_too_long;
    return counts;
}
