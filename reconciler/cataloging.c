#include "reconciler/cataloging.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/cert_wire.h"
#include "lib/kube/answer.h"
#include "lib/kube/client.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"
#include "reconciler/catalog.h"
#include "reconciler/keyset.h"
#include "reconciler/sectypes.h"

/* Secrets that are looked at in one turn: a key is tried by a signature. */
#define LOOKS_PER_TURN 20
/* From a change to the write of it: others may come along. */
#define SETTLE_MS 200
/* Between two writes of one ConfigMap, and of one of CERT_WIRE_MAX_SHARD. */
#define WRITE_MIN_MS 1000
#define WRITE_MAX_MS 20000
/* Writes on the wire. */
#define MAX_WRITES 4
/* After an answer the watch brings what was written. */
#define SEEN_MS 5000
#define COMPLAIN_MS 60000

struct writing {
    struct cataloging *owner;
    size_t shard;
    struct kube_call *call;
    char *version;              /* That was replaced, "": none was there. */
    struct backoff backoff;
    bool is_armed;              /* A change waits for 'due_ms'. */
    int64_t due_ms;
    size_t size;                /* Of the last body. */
};

struct cataloging {
    struct kube_client *client;
    const struct cache *cache;
    const struct engine *engine;
    char *ns;
    struct catalog *catalog;
    struct sectypes *types;
    struct keyset *touched;
    char **queue;               /* What is looked at next, NULL at the end. */
    size_t at;
    bool is_leader;
    struct writing writings[CERT_WIRE_SHARDS];
    unsigned n_calls;
    int64_t now_ms;
    int64_t next_ms;
    struct log_limit limit;
    struct metric *published;
    struct metric *writes;
    struct metric *failures;
};

static void
open_metrics(struct cataloging *c, struct metrics *m)
{
    c->published = metrics_gauge(
        m, "sallyport_published_certificates", "",
        "TLS Secrets of which the webhook is told; 0: not the leader.");
    c->writes = metrics_counter(
        m, "sallyport_published_certificates_writes_total", "",
        "ConfigMaps written for the webhook.");
    c->failures = metrics_counter(
        m, "sallyport_published_certificates_failures_total", "",
        "Writes of them that failed.");
}

struct err *
cataloging_new(struct kube_client *client, const struct cache *cache,
               struct engine *engine, const char *ns,
               const char *class, struct metrics *metrics,
               struct cataloging **out)
{
    struct cataloging *c = xcalloc(1, sizeof *c);
    struct err *err = NULL;

    c->client = client;
    c->cache = cache;
    c->engine = engine;
    c->ns = xstrdup(ns);
    c->catalog = catalog_new(ns, class);
    c->touched = keyset_new();
    c->types = sectypes_new(client, engine);
    open_metrics(c, metrics);
    for (size_t i = 0; i < CERT_WIRE_SHARDS; i++) {
        c->writings[i].owner = c;
        c->writings[i].shard = i;
        c->writings[i].backoff = (struct backoff) BACKOFF_INIT(1000, 60000);
        if (!err) {
            err = kube_client_follow(client, KUBE_CONFIG_MAP,
                                     catalog_key(c->catalog, i));
        }
    }
    if (err) {
        cataloging_free(c);
        c = NULL;
    }
    *out = c;
    return err;
}

static void
drop_queue(struct cataloging *c)
{
    for (; c->queue && c->queue[c->at]; c->at++) {
        free(c->queue[c->at]);
    }
    free(c->queue);
    c->queue = NULL;
    c->at = 0;
}

static void
end_write(struct writing *w)
{
    free(w->version);
    w->version = NULL;
}

static void
cancel_all(struct cataloging *c)
{
    for (size_t i = 0; i < CERT_WIRE_SHARDS; i++) {
        kube_client_cancel(c->writings[i].call);
        c->writings[i].call = NULL;
        c->writings[i].due_ms = 0;
        end_write(&c->writings[i]);
    }
    c->n_calls = 0;
}

void
cataloging_free(struct cataloging *c)
{
    if (c) {
        cancel_all(c);
        drop_queue(c);
        keyset_free(c->touched);
        catalog_free(c->catalog);
        sectypes_free(c->types);
        free(c->ns);
        free(c);
    }
}

void
cataloging_touch(struct cataloging *c, const char *secret_key)
{
    sectypes_touch(c->types, secret_key);
    if (c->is_leader) {
        keyset_add(c->touched, secret_key);
    }
}

/* --- Looking --- */

static void
look(struct cataloging *c, const char *key)
{
    AUTO(cert_facts_fini) struct cert_facts room = { .names = NULL };
    const struct cert_facts *facts =
        engine_cert_facts(c->engine, key, &room);

    catalog_set(c->catalog, key,
                facts && (!facts->is_missing || facts->other_type) ? facts
                                                                   : NULL);
}

/* True once nothing is left to look at. */
static bool
look_at_some(struct cataloging *c)
{
    for (size_t n = 0; n < LOOKS_PER_TURN; n++) {
        if (!c->queue) {
            if (keyset_count(c->touched) == 0) {
                return true;
            }
            c->queue = keyset_take(c->touched);
        }
        if (c->queue[c->at]) {
            look(c, c->queue[c->at]);
            free(c->queue[c->at++]);
        }
        if (!c->queue[c->at]) {
            drop_queue(c);
        }
    }
    return false;
}

static void
become_leader(struct cataloging *c)
{
    size_t n;
    AUTO_FREE const struct kube_object **all =
        cache_list(c->cache, KUBE_SECRET, &n);

    for (size_t i = 0; i < n; i++) {
        keyset_add(c->touched, all[i]->key);
    }
}

/* What others publish meanwhile is found in the watch; what was known here
 * of Secrets grows old. */
static void
lose_lead(struct cataloging *c)
{
    AUTO_FREE char **keys = keyset_take(c->touched);

    for (size_t i = 0; keys[i]; i++) {
        free(keys[i]);
    }
    cancel_all(c);
    drop_queue(c);
}

/* --- Writing --- */

static int64_t
pause_ms(const struct writing *w)
{
    return WRITE_MIN_MS + (int64_t) (w->size * (WRITE_MAX_MS - WRITE_MIN_MS) /
                                     CERT_WIRE_MAX_SHARD);
}

static void
on_done(const struct http_response *response, void *aux)
{
    struct writing *w = aux;
    struct cataloging *c = w->owner;
    AUTO_ERR struct err *err = answer_err(response);
    unsigned dropped;

    w->call = NULL;
    c->n_calls--;
    if (!err) {
        backoff_reset(&w->backoff);
        metric_add(c->writes, 1);
        w->due_ms = c->now_ms + pause_ms(w);
        return;
    }
    end_write(w);
    w->due_ms = c->now_ms +
                backoff_fail(&w->backoff, kube_client_random(c->client));
    /* Somebody else wrote it, and the watch will bring that. */
    if (err_kind(err) == ERR_CONFLICT) {
        return;
    }
    metric_add(c->failures, 1);
    if (log_limit(&c->limit, c->now_ms, COMPLAIN_MS, &dropped)) {
        log_warn("reconciler", catalog_key(c->catalog, w->shard),
                 "what is known of certificates is not published: %s (%u "
                 "like it)", err_text(err), dropped);
    }
}

static void
write_shard(struct writing *w, const struct kube_object *there)
{
    struct cataloging *c = w->owner;
    const char *name = catalog_key(c->catalog, w->shard) + strlen(c->ns) + 1;
    AUTO_FREE char *body =
        catalog_render(c->catalog, w->shard, there, &w->size);
    AUTO_FREE char *path =
        resource_path(KUBE_CONFIG_MAP, c->ns, there ? name : NULL);
    const struct http_request request = {
        .method = there ? HTTP_PUT : HTTP_POST,
        .path = path,
        .content_type = "application/json",
        .body = body,
        .size = w->size,
        .deadline_ms = c->now_ms + KUBE_REQUEST_MS,
        .done = on_done,
        .aux = w,
    };

    w->version = xstrdup(there ? there->resource_version : "");
    w->due_ms = INT64_MAX;
    c->n_calls++;
    w->call = kube_client_request(c->client, &request);
}

/* Has the watch not yet brought what was written? */
static bool
is_waiting(struct writing *w, const struct kube_object *there)
{
    if (w->version &&
        str_eq(w->version, there ? there->resource_version : "") &&
        w->owner->now_ms < w->due_ms + SEEN_MS) {
        return true;
    }
    end_write(w);
    return false;
}

static void
run_shard(struct cataloging *c, struct writing *w)
{
    const char *key = catalog_key(c->catalog, w->shard);
    const struct kube_object *there =
        cache_get(c->cache, KUBE_CONFIG_MAP, key);

    if (w->call || c->now_ms < w->due_ms || c->n_calls >= MAX_WRITES ||
        !kube_client_has_asked(c->client, KUBE_CONFIG_MAP, key) ||
        is_waiting(w, there)) {
        return;
    }
    w->is_armed = false;
    if (catalog_differs(c->catalog, w->shard, there)) {
        write_shard(w, there);
    }
}

static void
run_writes(struct cataloging *c)
{
    c->next_ms = INT64_MAX;
    for (size_t i = 0; i < CERT_WIRE_SHARDS; i++) {
        struct writing *w = &c->writings[i];

        run_shard(c, w);
        if (!w->call && w->due_ms > c->now_ms && w->due_ms < c->next_ms) {
            c->next_ms = w->due_ms;
        }
    }
}

/* A change waits a moment for others, unless its ConfigMap waits anyway. */
static void
settle(struct cataloging *c)
{
    for (size_t i = 0; i < CERT_WIRE_SHARDS; i++) {
        struct writing *w = &c->writings[i];

        if (!w->is_armed && !w->call && w->due_ms < c->now_ms) {
            w->due_ms = c->now_ms + SETTLE_MS;
        }
        w->is_armed = true;
    }
}

void
cataloging_run(struct cataloging *c, bool is_leader, int64_t now_ms)
{
    c->now_ms = now_ms;
    c->next_ms = INT64_MAX;
    sectypes_run(c->types, is_leader, now_ms);
    if (is_leader != c->is_leader) {
        c->is_leader = is_leader;
        if (is_leader) {
            become_leader(c);
        } else {
            lose_lead(c);
            metric_set(c->published, 0);
        }
    }
    if (!is_leader) {
        return;
    }
    if (c->queue || keyset_count(c->touched) > 0) {
        settle(c);
        if (!look_at_some(c)) {
            return;
        }
        metric_set(c->published, (int64_t) catalog_count(c->catalog));
    }
    run_writes(c);
}

void
cataloging_wait(struct cataloging *c, struct waits *waits)
{
    if (!c->is_leader) {
        return;
    }
    sectypes_wait(c->types, waits);
    if (c->queue || keyset_count(c->touched) > 0) {
        waits_now(waits);
    }
    waits_until(waits, c->next_ms);
}
