#include "reconciler/collector.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/unowned.h"
#include "lib/kube/answer.h"
#include "lib/kube/claim.h"
#include "lib/kube/client.h"
#include "lib/kube/decode.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"
#include "reconciler/engine.h"

/* Between two sweeps; more where a sweep takes long. */
#define SWEEP_MS 10000
#define SWEEP_SHARE 20
/* After an Ingress has gone: a little later, for many go together. */
#define SOON_MS 100
#define SOON_SHARE 4
#define AGE_S 60
/* A claim renewed this long before its Ingress was seen to go belongs to
 * that Ingress, and not to one of the same name that is being created. */
#define GONE_S 2
#define MAX_GONE 10000
#define MAX_CANDIDATES 10000
#define MAX_LIST ((size_t) 32 << 20)
#define COMPLAIN_MS 60000

struct candidate {
    struct kube_claim claim;
    bool is_checked;            /* No Ingress in the API server backs it. */
};

struct collector {
    struct kube_client *client;
    const struct ruleset *ruleset;
    const struct engine *engine;
    char *ns;
    struct kube_call *call;
    char *token;                /* The next page; NULL: none. */
    VEC(struct candidate) candidates;
    struct map *gone;           /* Key -> when it was seen to go, s. */
    bool is_leader;             /* Nobody else sweeps, or waits to. */
    bool is_sweeping;
    bool is_listed;             /* Just now, all of them. */
    int64_t now_ms;
    int64_t wall_s;
    int64_t started_ms;
    int64_t ended_ms;
    int64_t cost_ms;            /* Of listing them, last time. */
    bool is_wanted;             /* Another one, soon after this. */
    int64_t due_ms;
    struct log_limit limit;
    struct metric *claims;
    struct metric *collected;
    int64_t n_claims;
};

struct collector *
collector_new(struct kube_client *client, const char *ns,
              const struct ruleset *ruleset, const struct engine *engine,
              struct metrics *m)
{
    struct collector *c = xcalloc(1, sizeof *c);

    c->client = client;
    c->ruleset = ruleset;
    c->engine = engine;
    c->ns = xstrdup(ns);
    c->gone = map_new();
    c->claims = metrics_gauge(m, "sallyport_claims", "",
                              "Claims in the API server, as last counted.");
    c->collected =
        metrics_counter(m, "sallyport_claims_collected_total", "",
                        "Claims deleted because no Ingress backs them.");
    return c;
}

static void
drop_candidate(struct collector *c, size_t i)
{
    claim_fini(&c->candidates.items[i].claim);
    VEC_REMOVE(&c->candidates, i);
}

static void
drop_candidates(struct collector *c)
{
    while (c->candidates.n > 0) {
        drop_candidate(c, c->candidates.n - 1);
    }
}

void
collector_free(struct collector *c)
{
    if (c) {
        kube_client_cancel(c->call);
        drop_candidates(c);
        VEC_FINI(&c->candidates);
        map_free(c->gone, NULL);
        free(c->token);
        free(c->ns);
        free(c);
    }
}

static void
forget_gone(struct collector *c)
{
    map_free(c->gone, NULL);
    c->gone = map_new();
}

/* A sweep before its time, but never more than a share of all time. */
static void
want_soon(struct collector *c, int64_t now_ms)
{
    int64_t soon_ms = now_ms + SOON_MS;

    if (soon_ms < c->ended_ms + SOON_SHARE * c->cost_ms) {
        soon_ms = c->ended_ms + SOON_SHARE * c->cost_ms;
    }
    c->due_ms = soon_ms < c->due_ms ? soon_ms : c->due_ms;
    c->is_wanted = false;
}

void
collector_gone(struct collector *c, const char *key, int64_t now_ms,
               int64_t wall_s)
{
    if (map_size(c->gone) >= MAX_GONE) {
        forget_gone(c);             /* The sweeps collect by age. */
    }
    map_put(c->gone, key, (void *) (intptr_t) wall_s);
    if (c->is_sweeping) {
        c->is_wanted = true;
    } else {
        want_soon(c, now_ms);
    }
}

/* ---- which are candidates ---- */

static bool
is_due(const struct collector *c, const struct kube_claim *claim)
{
    const int64_t gone_s = (int64_t) (intptr_t) map_get(c->gone,
                                                        claim->holder);

    return claim->renewed != 0 &&
           (c->wall_s - claim->renewed > AGE_S ||
            (gone_s != 0 && claim->renewed <= gone_s - GONE_S));
}

static bool
is_backed(const struct collector *c, const struct kube_claim *claim)
{
    AUTO_FREE char *ns = claim_namespace(claim);

    return engine_is_backed(c->engine, ns, claim->host, claim->key);
}

/* Whose Ingress was seen to go comes first: somebody may want the host. */
static void
add_candidate(struct collector *c, const struct kube_claim *claim)
{
    struct candidate *last = VEC_ADD(&c->candidates);

    last->claim = *claim;
    if (map_get(c->gone, claim->holder)) {
        const struct candidate first = c->candidates.items[0];

        c->candidates.items[0] = *last;
        *last = first;
    }
}

static void
consider(struct collector *c, json_t *item)
{
    AUTO_KUBE const struct kube_object *lease = NULL;
    AUTO_ERR struct err *err = NULL;
    struct kube_claim claim = { .host = NULL };

    err = jx_has_nul(item) ? NULL : kube_decode(KUBE_LEASE, item, NULL,
                                                &lease);
    if (err || !lease) {
        return;
    }
    err = claim_read(lease, &claim);
    if (!err && str_eq(claim.class, c->ruleset->ingress_class)) {
        c->n_claims++;
        if (is_due(c, &claim) && !is_backed(c, &claim) &&
            c->candidates.n < MAX_CANDIDATES) {
            add_candidate(c, &claim);
            return;
        }
    }
    claim_fini(&claim);
}

/* ---- one sweep ---- */

static void
end_sweep(struct collector *c)
{
    c->is_sweeping = false;
    c->ended_ms = c->now_ms;
    c->due_ms = c->now_ms + (c->cost_ms * SWEEP_SHARE > SWEEP_MS
                                 ? c->cost_ms * SWEEP_SHARE
                                 : SWEEP_MS);
    if (c->is_wanted) {
        want_soon(c, c->now_ms);
    }
    drop_candidates(c);
    free(c->token);
    c->token = NULL;
}

static void
give_up(struct collector *c, const struct err *err)
{
    unsigned dropped;

    if (log_limit(&c->limit, c->now_ms, COMPLAIN_MS, &dropped)) {
        log_warn("reconciler", NULL, "claims without an Ingress stay: %s",
                 err_text(err));
    }
    end_sweep(c);
}

static void
on_page(const struct http_response *response, void *aux)
{
    struct collector *c = aux;
    AUTO_JSON json_t *root = NULL;
    AUTO_ERR struct err *err = answer_err(response);
    const char *token;
    json_t *item;
    size_t i;

    c->call = NULL;
    if (!err) {
        err = jx_load_nul(response->body, response->size, MAX_LIST, &root);
    }
    if (err) {
        give_up(c, err);
        return;
    }
    json_array_foreach(json_object_get(root, "items"), i, item)
    {
        consider(c, item);
    }
    token = json_string_value(
        json_object_get(json_object_get(root, "metadata"), "continue"));
    free(c->token);
    c->token = str_is_empty(token) ? NULL : xstrdup(token);
    if (!c->token) {
        metric_set(c->claims, c->n_claims);
        c->is_listed = true;
    }
}

static bool
is_of(const struct candidate *candidate, const char *ns)
{
    AUTO_FREE char *own = claim_namespace(&candidate->claim);

    return str_eq(own, ns);
}

/* Drops the candidates of namespace 'ns' that an Ingress of the API server
 * backs, whatever its class.  What cannot be read backs them all. */
static void
drop_backed(struct collector *c, const char *ns, json_t *item)
{
    AUTO_KUBE const struct kube_object *ingress = NULL;
    AUTO_ERR struct err *err = NULL;
    struct model *model = NULL;

    err = jx_has_nul(item) ? NULL : kube_decode(KUBE_INGRESS, item, NULL,
                                                &ingress);
    if (!err && ingress && !ingress->is_deleting) {
        model = model_new(ingress, c->ruleset);
    }
    for (size_t i = c->candidates.n; i-- > 0;) {
        const struct candidate *one = &c->candidates.items[i];

        if (is_of(one, ns) &&
            (err || !ingress ||
             (model && unowned_is_claim_of(model, one->claim.host,
                                           one->claim.key)))) {
            drop_candidate(c, i);
        }
    }
    model_unref(model);
}

static void
on_ingresses(const struct http_response *response, void *aux)
{
    struct collector *c = aux;
    AUTO_JSON json_t *root = NULL;
    AUTO_ERR struct err *err = answer_err(response);
    AUTO_FREE char *ns = claim_namespace(&c->candidates.items[0].claim);
    json_t *item;
    size_t i;

    c->call = NULL;
    if (!err) {
        err = jx_load_nul(response->body, response->size, MAX_LIST, &root);
    }
    if (err) {
        give_up(c, err);
        return;
    }
    json_array_foreach(json_object_get(root, "items"), i, item)
    {
        drop_backed(c, ns, item);
    }
    for (i = 0; i < c->candidates.n; i++) {
        if (is_of(&c->candidates.items[i], ns)) {
            c->candidates.items[i].is_checked = true;
        }
    }
}

static void
on_deleted(const struct http_response *response, void *aux)
{
    struct collector *c = aux;
    AUTO_ERR struct err *err = answer_err(response);

    c->call = NULL;
    if (err && err_kind(err) != ERR_CONFLICT && err_kind(err) != ERR_GONE) {
        give_up(c, err);
        return;
    }
    if (!err) {
        log_debug("reconciler", NULL, "claim %s collected",
                  c->candidates.items[0].claim.name);
        metric_add(c->collected, 1);
    }
    drop_candidate(c, 0);
}

static void
send_request(struct collector *c, enum http_method method, const char *path,
             const char *body, http_done_fn *done)
{
    const struct http_request request = {
        .method = method,
        .path = path,
        .content_type = body ? "application/json" : NULL,
        .body = body,
        .size = body ? strlen(body) : 0,
        .max_body = MAX_LIST,
        .deadline_ms = c->now_ms + KUBE_REQUEST_MS,
        .done = done,
        .aux = c,
    };

    c->call = kube_client_request(c->client, &request);
}

static void
send_list(struct collector *c)
{
    AUTO_FREE char *path = resource_path(KUBE_LEASE, c->ns, NULL);
    AUTO_BUF struct buf query = BUF_OWN;

    buf_printf(&query, "%s?limit=%d&labelSelector=", path, KUBE_PAGE);
    resource_put_escaped(&query, CLAIM_LABEL);
    if (c->token) {
        buf_puts(&query, "&continue=");
        resource_put_escaped(&query, c->token);
    }
    send_request(c, HTTP_GET, buf_str(&query), NULL, on_page);
}

static void
send_candidate(struct collector *c)
{
    const struct candidate *first = &c->candidates.items[0];
    const struct kube_claim *claim = &first->claim;
    AUTO_FREE char *ns = claim_namespace(claim);
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *body = NULL;

    if (first->is_checked) {
        path = resource_path(KUBE_LEASE, c->ns, claim->name);
        body = claim_render_delete(claim->uid, claim->version);
        send_request(c, HTTP_DELETE, path, body, on_deleted);
    } else {
        path = resource_path(KUBE_INGRESS, ns, NULL);
        send_request(c, HTTP_GET, path, NULL, on_ingresses);
    }
}

/* An Ingress has gone meanwhile, and what is left here can wait for it: the
 * next sweep finds it again. */
static bool
has_better_to_do(const struct collector *c)
{
    return c->is_wanted &&
           !map_get(c->gone, c->candidates.items[0].claim.holder);
}

static void
stop(struct collector *c)
{
    kube_client_cancel(c->call);
    c->call = NULL;
    if (c->is_sweeping) {
        end_sweep(c);
    }
}

void
collector_run(struct collector *c, bool is_leader, int64_t now_ms,
              int64_t wall_s)
{
    c->now_ms = now_ms;
    c->wall_s = wall_s;
    c->is_leader = is_leader;
    if (c->is_listed) {
        c->is_listed = false;
        c->cost_ms = now_ms - c->started_ms;
    }
    if (!is_leader) {
        stop(c);
        return;
    }
    if (c->call || (!c->is_sweeping && now_ms < c->due_ms)) {
        return;
    }
    if (!c->is_sweeping) {
        c->is_sweeping = true;
        c->started_ms = now_ms;
        c->n_claims = 0;
        send_list(c);
    } else if (c->token) {
        send_list(c);
    } else if (c->candidates.n > 0 && !has_better_to_do(c)) {
        send_candidate(c);
    } else {
        end_sweep(c);
    }
}

void
collector_wait(struct collector *c, struct waits *w)
{
    if (!c->is_leader) {
        return;
    }
    if (!c->is_sweeping) {
        waits_until(w, c->due_ms);
    } else if (!c->call) {
        waits_now(w);
    }
}
