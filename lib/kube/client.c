#include "lib/kube/client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/base/version.h"
#include "lib/kube/cache.h"
#include "lib/kube/call.h"
#include "lib/kube/limits.h"
#include "lib/kube/reflector.h"
#include "lib/kube/resource.h"

#define AWAY_LOG_MS 60000
#define AGENT "sallyport/" SALLYPORT_VERSION

/* One reflector with its request.  A followed object that a watch covers has
 * none and is only counted. */
struct stream {
    struct kube_client *client;
    enum kube_kind kind;
    char *ns;
    char *selector;
    char *key;                  /* Followed; NULL: a watch. */
    unsigned n_refs;            /* Of a followed object. */
    struct reflector *reflector;
    struct kube_call *call;
    bool is_list;
};

struct kube_client {
    struct cache *cache;
    struct calls *calls;
    VEC(struct stream *) streams;
    unsigned n_watches[KUBE_N_KINDS];
    size_t n_follows;
    size_t n_lists;             /* Under way. */
    int64_t now_ms;
    int64_t probe_ms;           /* When a sign of life is asked for. */
    struct kube_call *probe;
    bool is_away;               /* The last answers were none. */
    struct log_limit limit;
    uint64_t random;
    struct kube_client_counts gone;     /* Of streams that are no more. */
};

static void
add_counts(struct kube_client_counts *sum, const struct reflector *r)
{
    struct reflector_counts one = reflector_counts(r);

    sum->lists += one.lists;
    sum->relists += one.relists;
    sum->watches += one.watches;
    sum->failures += one.failures;
    sum->events += one.events;
    sum->bad_objects += one.bad_objects;
}

/* Streams that found nobody wait up to half a minute; the first of them that
 * finds the server again calls the others. */
static void
hurry_all(struct kube_client *client)
{
    for (size_t i = 0; i < client->streams.n; i++) {
        struct reflector *r = client->streams.items[i]->reflector;

        if (r) {
            reflector_hurry(r, client->now_ms, kube_client_random(client));
        }
    }
}

/* From here on it is asked every few seconds; said once a minute. */
static void
note_no_answer(struct kube_client *client, const struct err *err)
{
    int64_t probe_ms = client->now_ms + KUBE_PROBE_AGAIN_MS;
    unsigned dropped;

    client->is_away = true;
    if (client->probe_ms > probe_ms) {
        client->probe_ms = probe_ms;
    }
    if (log_limit(&client->limit, client->now_ms, AWAY_LOG_MS, &dropped)) {
        log_warn("kube", NULL, "no answer from the API server: %s",
                 err_text(err));
    }
}

/* Notes whether the server gave an answer, and says so when that changes. */
static void
note_answer(struct kube_client *client, const struct http_response *response)
{
    if (response->status && !response->err) {
        client->probe_ms = client->now_ms + KUBE_PROBE_AFTER_MS;
        if (client->is_away) {
            log_info("kube", NULL, "the API server answers again");
            hurry_all(client);
        }
        client->is_away = false;
        client->limit = (struct log_limit) { .dropped = 0 };
    } else if (!response->status) {
        note_no_answer(client, response->err);
    }
}

/* ---- streams ---- */

static void
stream_data(const void *data, size_t size, void *aux)
{
    struct stream *stream = aux;
    struct kube_client *client = stream->client;

    client->probe_ms = client->now_ms + KUBE_PROBE_AFTER_MS;
    if (!reflector_data(stream->reflector, data, size, client->now_ms)) {
        kube_client_cancel(stream->call);
        stream->call = NULL;
        reflector_done(stream->reflector, NULL, client->now_ms,
                       kube_client_random(client));
    }
}

static void
stream_done(const struct http_response *response, void *aux)
{
    struct stream *stream = aux;
    struct kube_client *client = stream->client;

    stream->call = NULL;
    client->n_lists -= stream->is_list;
    note_answer(client, response);
    reflector_done(stream->reflector, response, client->now_ms,
                   kube_client_random(client));
}

static void
stream_start(struct stream *stream)
{
    struct kube_client *client = stream->client;
    struct reflector_request due;
    struct http_request request;

    if (reflector_wants_list(stream->reflector) &&
        client->n_lists >= KUBE_MAX_LISTS) {
        return;
    }
    if (!reflector_start(stream->reflector, client->now_ms,
                         kube_client_random(client), &due)) {
        return;
    }
    request = (struct http_request) {
        .method = HTTP_GET,
        .path = due.path,
        .as_stream = true,
        .max_body = due.max_body,
        .deadline_ms = due.deadline_ms,
        .silent_ms = due.silent_ms,
        .data = due.is_watch ? stream_data : NULL,
        .done = stream_done,
        .aux = stream,
    };
    stream->is_list = !due.is_watch;
    client->n_lists += stream->is_list;
    stream->call = kube_client_request(client, &request);
    free(due.path);
}

static void
stream_free(struct stream *stream)
{
    struct kube_client *client = stream->client;

    if (stream->call) {
        kube_client_cancel(stream->call);
        client->n_lists -= stream->is_list;
    }
    if (stream->reflector) {
        add_counts(&client->gone, stream->reflector);
        reflector_free(stream->reflector);
    }
    free(stream->ns);
    free(stream->selector);
    free(stream->key);
    free(stream);
}

/* A list of a kind ends: what is followed beside it is not in it. */
static void
keep_followed(void *aux)
{
    const struct stream *watch = aux;
    struct kube_client *client = watch->client;

    for (size_t i = 0; i < client->streams.n; i++) {
        struct stream *stream = client->streams.items[i];

        if (stream->key && stream->kind == watch->kind && stream->reflector) {
            reflector_keep(stream->reflector);
        }
    }
}

static struct stream *
stream_add(struct kube_client *client, enum kube_kind kind)
{
    struct stream *stream = xcalloc(1, sizeof *stream);

    stream->client = client;
    stream->kind = kind;
    VEC_PUSH(&client->streams, stream);
    return stream;
}

void
kube_client_watch(struct kube_client *client, enum kube_kind kind,
                  const char *ns, const char *selector)
{
    struct stream *stream = stream_add(client, kind);
    struct reflector_spec spec = {
        .kind = kind,
        .ns = resource_is_namespaced(kind) ? ns : NULL,
        .selector = selector,
        .before_end = keep_followed,
        .aux = stream,
    };

    stream->ns = spec.ns ? xstrdup(spec.ns) : NULL;
    stream->selector = selector ? xstrdup(selector) : NULL;
    stream->reflector = reflector_new(client->cache, &spec);
    cache_expect(client->cache, kind, ++client->n_watches[kind]);
}

/* ---- single objects ---- */

static size_t
find_followed(const struct kube_client *client, enum kube_kind kind,
              const char *key)
{
    for (size_t i = 0; i < client->streams.n; i++) {
        const struct stream *stream = client->streams.items[i];

        if (stream->key && stream->kind == kind && str_eq(stream->key, key)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Splits and checks a key; '*ns' is NULL for a kind without namespaces. */
static struct err *
split_key(enum kube_kind kind, const char *key, char **ns, const char **name)
{
    const char *slash = strchr(key, '/');
    AUTO_FREE char *quoted = str_quote(key);

    *ns = NULL;
    *name = key;
    if (resource_is_namespaced(kind) && slash) {
        *ns = xstrndup(key, (size_t) (slash - key));
        *name = slash + 1;
    }
    if (!resource_name_ok(*name) || (*ns && !resource_name_ok(*ns)) ||
        (resource_is_namespaced(kind) && !*ns)) {
        return err_new(ERR_INVALID, "no %s can have the key %s",
                       kube_kind_name(kind), quoted);
    }
    return NULL;
}

/* What no watch brings of the object: its selector, or NULL where a watch
 * brings all of it. */
static char *
rest_selector(const struct kube_client *client, enum kube_kind kind,
              const char *ns, const char *name)
{
    char *selector = xasprintf("metadata.name=%s", name);

    for (size_t i = 0; i < client->streams.n; i++) {
        const struct stream *watch = client->streams.items[i];
        const char *sign;
        char *longer;

        if (watch->key || watch->kind != kind ||
            (watch->ns && !str_eq(watch->ns, ns))) {
            continue;
        }
        sign = watch->selector ? strchr(watch->selector, '=') : NULL;
        if (!sign) {
            free(selector);
            return NULL;
        }
        longer = xasprintf("%s,%.*s!%s", selector,
                           (int) (sign - watch->selector), watch->selector,
                           sign);
        free(selector);
        selector = longer;
    }
    return selector;
}

struct err *
kube_client_follow(struct kube_client *client, enum kube_kind kind,
                   const char *key)
{
    AUTO_FREE char *ns = NULL;
    AUTO_FREE char *selector = NULL;
    size_t at = find_followed(client, kind, key);
    struct stream *stream;
    const char *name;
    struct err *err;

    if (at != SIZE_MAX) {
        client->streams.items[at]->n_refs++;
        return NULL;
    }
    err = split_key(kind, key, &ns, &name);
    if (err) {
        return err;
    }
    if (client->n_follows >= KUBE_MAX_FOLLOWS) {
        return err_new(ERR_LIMIT, "more than %d objects are followed singly",
                       KUBE_MAX_FOLLOWS);
    }
    selector = rest_selector(client, kind, ns, name);
    stream = stream_add(client, kind);
    stream->key = xstrdup(key);
    stream->n_refs = 1;
    client->n_follows++;
    if (selector) {
        struct reflector_spec spec = {
            .kind = kind,
            .ns = ns,
            .selector = selector,
            .only = key,
        };

        stream->reflector = reflector_new(client->cache, &spec);
    }
    return NULL;
}

void
kube_client_unfollow(struct kube_client *client, enum kube_kind kind,
                     const char *key)
{
    size_t at = find_followed(client, kind, key);
    struct stream *stream;

    if (at == SIZE_MAX) {
        return;
    }
    stream = client->streams.items[at];
    if (--stream->n_refs > 0) {
        return;
    }
    VEC_REMOVE(&client->streams, at);
    client->n_follows--;
    if (stream->reflector) {
        reflector_drop(stream->reflector);
    }
    stream_free(stream);
}

bool
kube_client_has_asked(const struct kube_client *client, enum kube_kind kind,
                      const char *key)
{
    size_t at = find_followed(client, kind, key);
    const struct reflector *r;

    if (at == SIZE_MAX || !cache_is_synced(client->cache, kind)) {
        return false;
    }
    r = client->streams.items[at]->reflector;
    return !r || reflector_is_synced(r);
}

bool
kube_client_is_synced(const struct kube_client *client)
{
    for (size_t i = 0; i < client->streams.n; i++) {
        const struct reflector *r = client->streams.items[i]->reflector;

        if (r && !reflector_is_synced(r)) {
            return false;
        }
    }
    return cache_all_synced(client->cache);
}

/* ---- the whole ---- */

struct kube_client *
kube_client_new(struct creds *creds, struct cache *cache)
{
    struct kube_client *client = xcalloc(1, sizeof *client);

    client->cache = cache;
    client->calls = calls_new(creds, AGENT);
    kube_client_seed(client, (uint64_t) backoff_random() << 32 |
                                 backoff_random());
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        cache_expect(cache, (enum kube_kind) kind, 0);
    }
    return client;
}

void
kube_client_free(struct kube_client *client)
{
    if (!client) {
        return;
    }
    for (size_t i = 0; i < client->streams.n; i++) {
        stream_free(client->streams.items[i]);
    }
    VEC_FINI(&client->streams);
    calls_free(client->calls);
    free(client);
}

static void
probe_done(const struct http_response *response, void *aux)
{
    struct kube_client *client = aux;

    client->probe = NULL;
    client->probe_ms = client->now_ms + KUBE_PROBE_AGAIN_MS;
    note_answer(client, response);
}

static void
probe(struct kube_client *client)
{
    struct http_request request = {
        .method = HTTP_GET,
        .path = "/livez",
        .as_stream = true,      /* They are what is asked about. */
        .deadline_ms = client->now_ms + KUBE_PROBE_MS,
        .done = probe_done,
        .aux = client,
    };

    if (!client->probe && client->streams.n > 0 &&
        client->probe_ms <= client->now_ms) {
        client->probe = kube_client_request(client, &request);
    }
}

void
kube_client_run(struct kube_client *client, int64_t now_ms)
{
    client->now_ms = now_ms;
    if (client->probe_ms == 0) {
        client->probe_ms = now_ms + KUBE_PROBE_AFTER_MS;
    }
    calls_run(client->calls, now_ms);
    for (size_t i = 0; i < client->streams.n; i++) {
        if (client->streams.items[i]->reflector) {
            stream_start(client->streams.items[i]);
        }
    }
    probe(client);
}

void
kube_client_flush(struct kube_client *client)
{
    calls_flush(client->calls);
}

void
kube_client_wait(struct kube_client *client, struct waits *w)
{
    calls_wait(client->calls, w);
    for (size_t i = 0; i < client->streams.n; i++) {
        const struct reflector *r = client->streams.items[i]->reflector;

        /* A list that must wait for another is started when that ends. */
        if (r && (!reflector_wants_list(r) ||
                  client->n_lists < KUBE_MAX_LISTS)) {
            waits_until(w, reflector_due_ms(r));
        }
    }
    if (!client->probe && client->streams.n > 0) {
        waits_until(w, client->probe_ms);
    }
}

struct kube_call *
kube_client_request(struct kube_client *client,
                    const struct http_request *request)
{
    return calls_send(client->calls, request);
}

void
kube_client_cancel(struct kube_call *call)
{
    calls_cancel(call);
}

uint32_t
kube_client_random(struct kube_client *client)
{
    /* xorshift64*: jitter needs no secret. */
    client->random ^= client->random >> 12;
    client->random ^= client->random << 25;
    client->random ^= client->random >> 27;
    return (uint32_t) (client->random * UINT64_C(2685821657736338717) >> 32);
}

void
kube_client_seed(struct kube_client *client, uint64_t seed)
{
    client->random = seed ? seed : 1;
}

struct kube_client_counts
kube_client_counts(const struct kube_client *client)
{
    struct kube_client_counts counts = client->gone;

    for (size_t i = 0; i < client->streams.n; i++) {
        const struct reflector *r = client->streams.items[i]->reflector;

        if (r) {
            add_counts(&counts, r);
            counts.failing += reflector_is_failing(r, client->now_ms);
        }
    }
    counts.unauthorized = calls_n_unauthorized(client->calls);
    return counts;
}
