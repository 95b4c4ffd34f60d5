#include "reconciler/stapler.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "reconciler/stapler_priv.h"

/* ---- Whose turn it is ---- */

/* False: its namespace has had its share. */
static bool
is_let(struct stapler *st, const struct item *item)
{
    const int64_t then_ms = item->space->last_ms + STAPLER_PACE_MS;

    if (then_ms > st->now_ms) {
        st->pace_ms = then_ms < st->pace_ms ? then_ms : st->pace_ms;
        return false;
    }
    return item->space->n_calls < STAPLER_MAX_NAMESPACE;
}

static struct space *
space_of(struct stapler *st, const char *key)
{
    AUTO_FREE char *ns = xstrndup(key, strcspn(key, "/"));
    struct space *space = map_get(st->spaces, ns);

    if (!space) {
        space = xcalloc(1, sizeof *space);
        space->last_ms = st->now_ms - STAPLER_PACE_MS;
        map_put(st->spaces, ns, space);
    }
    return space;
}

/* Who has waited longest, of those whose turn it may be. */
static struct item *
next_due(struct stapler *st)
{
    struct map_iter it = MAP_ITER;
    struct item *first = NULL;

    while (map_next(st->items, &it)) {
        struct item *item = it.value;

        if (!item->call && item->due_s <= st->now_s &&
            (!first || item->due_s < first->due_s) && is_let(st, item)) {
            first = item;
        }
    }
    return first;
}

/* ---- Certificates that come and go ---- */

static void
free_item(void *p)
{
    struct item *item = p;

    if (item->call) {
        item->space->n_calls--;
        item->stapler->n_calls--;
        fetch_cancel(item->call);
    }
    x509_ocsp_fini(&item->ocsp);
    free(item->why);
    free(item->key);
    free(item);
}

static void
forget(struct stapler *st, const char *key)
{
    struct item *item = map_remove(st->items, key);

    if (item) {
        engine_staple(st->engine, key, item->fingerprint, NULL, NULL);
        free_item(item);
        st->next_s = 0;
    }
}

/* Another certificate is served from the Secret, or none. */
static void
look(struct stapler *st, const char *key)
{
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    struct x509_ocsp ocsp = { .url = NULL };
    struct item *item;

    forget(st, key);
    if (engine_served(st->engine, key, &pair)) {
        x509_ocsp_read(pair.pem, &ocsp);
    }
    if (!ocsp.url || !ocsp.certificates) {
        x509_ocsp_fini(&ocsp);
        return;
    }
    item = xcalloc(1, sizeof *item);
    item->stapler = st;
    item->space = space_of(st, key);
    item->key = xstrdup(key);
    item->ocsp = ocsp;
    item->must_have = pair.notes & X509_MUST_STAPLE;
    item->due_s = st->now_s;
    item->backoff = (struct backoff) BACKOFF_INIT(STAPLER_RETRY_MIN_S,
                                                  STAPLER_RETRY_MAX_S);
    memcpy(item->fingerprint, pair.fingerprint, sizeof item->fingerprint);
    map_put(st->items, key, item);
    stapler_adopt_(item);
    st->next_s = 0;
}

static void
look_again(const char *key, void *aux)
{
    look(aux, key);
}

/* ---- One turn ---- */

/* When something happens to it by itself. */
static int64_t
item_next_s(const struct item *item)
{
    int64_t next_s = item->call ? INT64_MAX : item->due_s;

    return item->has_answer && item->answer.until < next_s
               ? item->answer.until : next_s;
}

static void
work(struct stapler *st)
{
    struct map_iter it = MAP_ITER;
    struct item *item;
    int64_t n_stapled = 0;

    while (map_next(st->items, &it)) {
        stapler_expire_(it.value);
    }
    st->pace_ms = INT64_MAX;
    while (st->n_calls < STAPLER_MAX_CALLS && (item = next_due(st))) {
        item->space->last_ms = st->now_ms;
        stapler_ask_(item);
    }
    st->last_s = st->now_s;
    st->next_s = INT64_MAX;
    it = (struct map_iter) MAP_ITER;
    while (map_next(st->items, &it)) {
        const struct item *one = it.value;
        const int64_t next_s = item_next_s(one);

        st->next_s = next_s < st->next_s ? next_s : st->next_s;
        n_stapled += one->has_answer;
    }
    metric_set(st->stapled, n_stapled);
}

/* Who was kept off before is asked at once where the list is another one. */
static void
read_names(struct stapler *st)
{
    const struct annot_value *list =
        engine_global(st->engine, GLOBAL_OCSP_RESPONDERS);
    struct map_iter it = MAP_ITER;
    AUTO_BUF struct buf now = BUF_OWN;

    for (size_t i = 0; list && i < list->list.n; i++) {
        buf_printf(&now, "%s,", list->list.items[i]);
    }
    if (str_eq(st->named, buf_str(&now))) {
        return;
    }
    free(st->named);
    st->named = xstrdup(buf_str(&now));
    while (map_next(st->items, &it)) {
        struct item *item = it.value;

        item->due_s = item->n_failed > 0 ? st->now_s : item->due_s;
    }
    st->next_s = 0;
}

static void
turn(struct stapler *st, bool is_on)
{
    if (is_on == st->is_on) {
        return;
    }
    st->is_on = is_on;
    if (is_on) {
        engine_each_served(st->engine, look_again, st);
        return;
    }
    while (map_size(st->items) > 0) {
        struct map_iter it = MAP_ITER;
        AUTO_FREE char *key = NULL;

        (void) map_next(st->items, &it);
        key = xstrdup(it.key);
        forget(st, key);
    }
    metric_set(st->stapled, 0);
}

void
stapler_run(struct stapler *st, int64_t now_ms, int64_t now_s)
{
    const struct annot_value *on = engine_global(st->engine, GLOBAL_OCSP);
    AUTO_FREE char **keys = engine_take_served(st->engine);

    st->now_ms = now_ms;
    st->now_s = now_s;
    turn(st, on && on->flag);
    for (size_t i = 0; keys[i]; i++) {
        if (st->is_on) {
            look(st, keys[i]);
        }
        free(keys[i]);
    }
    read_names(st);
    if (st->fetch) {
        fetch_run(st->fetch, now_ms);
    }
    if (st->is_on && (now_s >= st->next_s || now_s < st->last_s ||
                      now_ms >= st->pace_ms)) {
        work(st);
    }
}

void
stapler_wait(struct stapler *st, struct waits *w)
{
    if (st->fetch) {
        fetch_wait(st->fetch, w);
    }
    if (st->is_on) {
        waits_until(w, st->pace_ms);
    }
}

/* ---- The rest ---- */

static void
register_metrics(struct stapler *st, struct metrics *m)
{
    static const char *const results[ENDS] = {
        [END_GOOD] = "good",
        [END_REVOKED] = "revoked",
        [END_UNKNOWN] = "unknown",
        [END_INVALID] = "invalid",
        [END_UNREACHED] = "unreached",
        [END_FORBIDDEN] = "forbidden",
    };

    for (size_t i = 0; i < ENDS; i++) {
        AUTO_FREE char *label = metrics_label("result", results[i]);

        st->ends[i] = metrics_counter(
            m, "sallyport_ocsp_requests_total", label,
            "Questions to OCSP responders by what came of them; forbidden: "
            "none was sent.");
    }
    st->stapled = metrics_gauge(m, "sallyport_ocsp_responses", "",
                                "Certificates with an OCSP response.");
}

struct stapler *
stapler_new(struct engine *engine, const struct dataplane *dataplane,
            struct metrics *metrics)
{
    struct stapler *st = xcalloc(1, sizeof *st);

    st->engine = engine;
    st->dataplane = dataplane;
    st->items = map_new();
    st->spaces = map_new();
    st->pace_ms = INT64_MAX;
    register_metrics(st, metrics);
    return st;
}

void
stapler_free(struct stapler *st)
{
    if (st) {
        map_free(st->items, free_item);
        map_free(st->spaces, free);
        free(st->named);
        fetch_free(st->fetch);
        free(st);
    }
}
