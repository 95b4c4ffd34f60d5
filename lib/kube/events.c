#include "lib/kube/events.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/jx.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/kube/allowance.h"
#include "lib/kube/answer.h"
#include "lib/kube/client.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"

#define MAX_INSTANCE 128
#define SERIES_END_MS (6 * 60 * 1000)
#define SERIES_REFRESH_MS (30 * 60 * 1000)
#define BURST 25
#define REFILL_MS (300 * 1000)
#define MAX_TRIES 12
#define LOG_MS 60000

/* One Event on the API server, or on its way there. */
struct series {
    struct events *events;
    char *id;                   /* What makes two the same. */
    char *path;                 /* Of its collection. */
    char *name;
    char *subject;              /* Key of the object, for the log. */
    json_t *body;               /* Of its creation, until that is done. */
    unsigned count;
    unsigned n_written;         /* 'count' as the API server has it; 0. */
    int64_t last_ms;            /* Of the last occurrence. */
    int64_t last_wall_us;
    int64_t written_ms;
    struct kube_call *call;
    unsigned sending;           /* 'count' in the request under way. */
    int64_t due_ms;             /* Not before, after a failure. */
    unsigned n_tries;
    struct backoff backoff;
};

struct events {
    struct kube_client *client;
    char *controller;
    char *instance;
    struct map *by_id;
    VEC(struct series *) all;   /* In the order of coming. */
    struct allowance *allowance;
    size_t n_calls;
    int64_t now_ms;
    struct log_limit limit;
    struct events_counts counts;
};

struct events *
events_new(struct kube_client *client, const char *controller,
           const char *instance)
{
    struct events *events = xcalloc(1, sizeof *events);

    events->client = client;
    events->controller = xstrdup(controller);
    events->instance = xstrndup(instance, strnlen(instance, MAX_INSTANCE));
    events->by_id = map_new();
    events->allowance =
        allowance_new(BURST, REFILL_MS, KUBE_MAX_EVENT_OBJECTS);
    return events;
}

static void
series_free(struct series *s)
{
    struct events *events = s->events;

    if (s->call) {
        kube_client_cancel(s->call);
        events->n_calls--;
    }
    free(s->id);
    free(s->path);
    free(s->name);
    free(s->subject);
    json_decref(s->body);
    free(s);
}

void
events_free(struct events *events)
{
    if (events) {
        for (size_t i = 0; i < events->all.n; i++) {
            series_free(events->all.items[i]);
        }
        VEC_FINI(&events->all);
        map_free(events->by_id, NULL);
        allowance_free(events->allowance);
        free(events->controller);
        free(events->instance);
        free(events);
    }
}

static void
forget(struct series *s)
{
    struct events *events = s->events;
    size_t i = 0;

    while (events->all.items[i] != s) {
        i++;
    }
    VEC_REMOVE(&events->all, i);
    map_remove(events->by_id, s->id);
    series_free(s);
}

/* ---- what is written ---- */

/* How many bytes a character has that begins so; 0: none does. */
static size_t
utf8_size(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Overlong forms, surrogates, beyond the last code point. */
static bool
utf8_is_forbidden(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second < 0xa0;
    case 0xed:
        return second > 0x9f;
    case 0xf0:
        return second < 0x90;
    case 0xf4:
        return second > 0x8f;
    default:
        return false;
    }
}

/* How many bytes of one valid character begin at 's'; 0 where they are
 * none. */
static size_t
utf8_length(const unsigned char *s)
{
    size_t n = utf8_size(s[0]);

    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n > 1 && utf8_is_forbidden(s[0], s[1]) ? 0 : n;
}

char *
events_clean_note(const char *note)
{
    AUTO_BUF struct buf out = BUF_INIT(EVENTS_MAX_NOTE);
    const unsigned char *s = (const unsigned char *) note;

    while (*s && !out.overflowed) {
        size_t n = utf8_length(s);
        bool is_c1 = n == 2 && s[0] == 0xc2 && s[1] < 0xa0;

        if (n == 0 || *s < ' ' || *s == 0x7f || is_c1) {
            /* kubectl would print it as it is, escape sequences and all. */
            buf_putc(&out, *s == '\n' || *s == '\t' ? ' ' : '?');
        } else {
            buf_put(&out, s, n);
        }
        s += n ? n : 1;
    }
    return buf_take(&out);
}

/* "name.0123456789abcdef": a name of at most 253 that is free. */
static char *
make_name(struct kube_client *client, const char *name)
{
    int length = (int) strlen(name);

    length = length > 230 ? 230 : length;
    while (length > 0 && strchr("-.", name[length - 1])) {
        length--;
    }
    return xasprintf("%.*s.%08x%08x", length, name,
                     kube_client_random(client), kube_client_random(client));
}

static json_t *
render_new(const struct series *s, const struct event *event,
           const char *note, int64_t wall_us)
{
    const struct kube_object *o = event->regarding;
    const struct events *events = s->events;
    char now[CLOCK_MICROTIME_SIZE];
    json_t *regarding, *body;

    clock_format_micro(wall_us, now);
    regarding = json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*}", "apiVersion",
                          resource_api_version(o->kind), "kind",
                          kube_kind_name(o->kind), "name", o->name,
                          "namespace", o->namespace, "uid", o->uid,
                          "resourceVersion", o->resource_version);
    body = json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}",
        "apiVersion", "events.k8s.io/v1", "kind", "Event", "metadata", "name",
        s->name, "namespace", o->namespace ? o->namespace : "default",
        "eventTime", now, "reportingController", events->controller,
        "reportingInstance", events->instance, "action", event->action,
        "reason", event->reason, "type",
        event->is_warning ? "Warning" : "Normal", "note", note, "regarding",
        regarding);
    return body;
}

static char *
render_series(const struct series *s)
{
    AUTO_JSON json_t *body = NULL;
    char last[CLOCK_MICROTIME_SIZE];

    clock_format_micro(s->last_wall_us, last);
    body = json_pack("{s:{s:i, s:s}}", "series", "count", (int) s->count,
                     "lastObservedTime", last);
    return json_dumps(body, JSON_COMPACT);
}

/* ---- what comes in ---- */

/* Makes room for one more by closing the oldest series that is written. */
static bool
make_room(struct events *events)
{
    if (events->all.n < KUBE_MAX_EVENTS) {
        return true;
    }
    for (size_t i = 0; i < events->all.n; i++) {
        struct series *s = events->all.items[i];

        if (!s->call && s->n_written == s->count) {
            forget(s);
            return true;
        }
    }
    return false;
}

static struct series *
series_new(struct events *events, const char *id, const struct event *event,
           int64_t wall_us)
{
    AUTO_FREE char *note = events_clean_note(event->note);
    const struct kube_object *o = event->regarding;
    struct series *s = xcalloc(1, sizeof *s);

    s->events = events;
    s->id = xstrdup(id);
    s->subject = xstrdup(o->key);
    s->path = xasprintf("/apis/events.k8s.io/v1/namespaces/%s/events",
                        o->namespace ? o->namespace : "default");
    s->name = make_name(events->client, o->name);
    s->backoff = (struct backoff) BACKOFF_INIT(KUBE_BACKOFF_MIN_MS,
                                               KUBE_BACKOFF_MAX_MS);
    s->body = render_new(s, event, note, wall_us);
    map_put(events->by_id, id, s);
    VEC_PUSH(&events->all, s);
    return s;
}

void
events_emit(struct events *events, const struct event *event, int64_t now_ms,
            int64_t wall_us)
{
    const struct kube_object *o = event->regarding;
    AUTO_FREE char *note = events_clean_note(event->note);
    AUTO_FREE char *id = xasprintf("%s\n%d\n%s\n%s\n%s",
                                   o->uid ? o->uid : o->key,
                                   event->is_warning, event->reason,
                                   event->action, note);
    struct series *s = map_get(events->by_id, id);

    events->counts.emitted++;
    if (!s) {
        if ((o->namespace && !resource_name_ok(o->namespace)) ||
            !allowance_take(events->allowance, o->uid ? o->uid : o->key,
                            now_ms) ||
            !make_room(events)) {
            events->counts.dropped++;
            return;
        }
        s = series_new(events, id, event, wall_us);
    }
    s->count++;
    s->last_ms = now_ms;
    s->last_wall_us = wall_us;
}

/* ---- what goes out ---- */

/* Gives it up where it is hopeless; says so at most once a minute. */
static void
give_up(struct series *s, const struct err *err)
{
    struct events *events = s->events;
    unsigned dropped;

    events->counts.dropped++;
    if (log_limit(&events->limit, events->now_ms, LOG_MS, &dropped)) {
        log_warn("kube", s->subject, "event not written: %s", err_text(err));
    }
    forget(s);
}

static void
on_done(const struct http_response *response, void *aux)
{
    struct series *s = aux;
    struct events *events = s->events;
    AUTO_ERR struct err *err = answer_err(response);
    bool is_new = s->n_written == 0;

    s->call = NULL;
    events->n_calls--;
    /* The name is random: who has it is this Event, written by a try that
     * was not answered. */
    if (!err || (is_new && err_kind(err) == ERR_CONFLICT)) {
        events->counts.written++;
        s->n_written = s->sending;
        s->written_ms = events->now_ms;
        s->n_tries = 0;
        backoff_reset(&s->backoff);
        json_decref(s->body);
        s->body = NULL;
        return;
    }
    if (!is_new && err_kind(err) == ERR_GONE) {
        /* Events live for an hour: the next of its kind is a new one. */
        forget(s);
        return;
    }
    if ((answer_is_transient(response) || err_kind(err) == ERR_CONFLICT) &&
        ++s->n_tries < MAX_TRIES) {
        s->due_ms = events->now_ms + answer_retry_after(response) +
                    backoff_fail(&s->backoff,
                                 kube_client_random(events->client));
        return;
    }
    give_up(s, err);
}

static void
send_series(struct series *s)
{
    struct events *events = s->events;
    bool is_new = s->n_written == 0;
    AUTO_FREE char *path =
        xasprintf("%s/%s", s->path, is_new ? "" : s->name);
    AUTO_FREE char *body =
        is_new ? json_dumps(s->body, JSON_COMPACT) : render_series(s);
    struct http_request request = {
        .method = is_new ? HTTP_POST : HTTP_PATCH,
        .path = is_new ? s->path : path,
        .content_type =
            is_new ? "application/json" : "application/merge-patch+json",
        .body = body,
        .size = strlen(body),
        .deadline_ms = events->now_ms + KUBE_REQUEST_MS,
        .done = on_done,
        .aux = s,
    };

    s->sending = is_new ? 1 : s->count;
    s->call = kube_client_request(events->client, &request);
    events->n_calls++;
}

/* When this one has something to do; INT64_MAX: when told. */
static int64_t
next_ms(const struct series *s)
{
    int64_t end_ms = s->last_ms + SERIES_END_MS;
    int64_t at = end_ms;

    if (s->call) {
        return INT64_MAX;
    }
    if (s->n_written == 0 || (s->n_written == 1 && s->count > 1)) {
        at = 0;
    } else if (s->count > s->n_written) {
        int64_t refresh_ms = s->written_ms + SERIES_REFRESH_MS;

        at = refresh_ms < end_ms ? refresh_ms : end_ms;
    }
    return at > s->due_ms ? at : s->due_ms;
}

void
events_run(struct events *events, int64_t now_ms)
{
    size_t i = 0;

    events->now_ms = now_ms;
    while (i < events->all.n) {
        struct series *s = events->all.items[i];

        if (next_ms(s) > now_ms) {
            i++;
        } else if (s->count == s->n_written) {
            forget(s);
        } else if (events->n_calls < KUBE_MAX_EVENT_WRITES) {
            send_series(s);
            i++;
        } else {
            i++;
        }
    }
}

void
events_wait(struct events *events, struct waits *w)
{
    bool is_full = events->n_calls >= KUBE_MAX_EVENT_WRITES;

    for (size_t i = 0; i < events->all.n; i++) {
        const struct series *s = events->all.items[i];

        if (!is_full || s->count == s->n_written) {
            waits_until(w, next_ms(s));
        }
    }
}

size_t
events_n_pending(const struct events *events)
{
    size_t n = 0;

    for (size_t i = 0; i < events->all.n; i++) {
        n += events->all.items[i]->count != events->all.items[i]->n_written;
    }
    return n;
}

struct events_counts
events_counts(const struct events *events)
{
    return events->counts;
}
