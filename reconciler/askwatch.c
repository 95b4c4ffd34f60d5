#include "reconciler/askwatch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct failing {
    struct asks_failure said;
    uint64_t n;                 /* Since that was looked at. */
    bool has_same;              /* Some of them for the reason said. */
    enum unanswered_why why;    /* The last one, and its status. */
    unsigned status;
    int64_t until_ms;           /* When to look at it again. */
};

struct askwatch {
    struct map *rows;           /* Places to struct unanswered_row. */
    bool has_seen;              /* Once, at least. */
    struct map *failing;        /* "ID HOST" to struct failing. */
    int64_t due_ms;
    struct metric *failures;
};

struct askwatch *
askwatch_new(struct metrics *m)
{
    struct askwatch *w = xcalloc(1, sizeof *w);

    w->rows = map_new();
    w->failing = map_new();
    w->failures = metrics_counter(
        m, "sallyport_auth_url_failures_total", "",
        "Requests refused since the service of auth-url gave no verdict.");
    return w;
}

void
askwatch_free(struct askwatch *w)
{
    if (w) {
        map_free(w->rows, free);
        map_free(w->failing, free);
        free(w);
    }
}

/* --- What is new --- */

/* Who looks for the first time does not know how many came when. */
static uint64_t
grown(struct askwatch *w, const struct unanswered_row *row, int64_t now_s)
{
    const struct unanswered_row *before = map_get(w->rows, row->place);
    bool is_same = before && str_eq(before->id, row->id) &&
                   str_eq(before->host, row->host) &&
                   before->count <= row->count;
    uint64_t n = is_same ? row->count - before->count : row->count;

    if (!before && !w->has_seen) {
        return now_s - row->at_s < ASKWATCH_PERIOD_MS / 1000;
    }
    metric_add(w->failures, (int64_t) n);
    return n;
}

static void
note(struct askwatch *w, const struct unanswered_row *row, uint64_t n)
{
    AUTO_FREE char *key = xasprintf("%s %s", row->id, row->host);
    struct failing *f = map_get(w->failing, key);

    if (n == 0 || row->id[0] == '\0' ||
        (!f && map_size(w->failing) >= ASKWATCH_MAX)) {
        return;
    }
    if (!f) {
        f = xcalloc(1, sizeof *f);
        memcpy(f->said.id, row->id, sizeof f->said.id);
        memcpy(f->said.host, row->host, sizeof f->said.host);
        map_put(w->failing, key, f);
    }
    f->n += n;
    f->why = row->why;
    f->status = row->status;
    f->has_same |= f->said.least > 0 && row->why == f->said.why &&
                   row->status == f->said.status;
}

static void
take(struct askwatch *w, const struct unanswered *now, int64_t now_s)
{
    struct map *rows = map_new();

    for (size_t i = 0; i < now->rows.n; i++) {
        const struct unanswered_row *row = &now->rows.items[i];

        note(w, row, grown(w, row, now_s));
        free(map_put(rows, row->place, xmemdup(row, sizeof *row)));
    }
    map_free(w->rows, free);
    w->rows = rows;
    w->has_seen = true;
}

/* --- What is said --- */

/* The greatest power of ten up to 'n': a count that grows is said now and
 * then, not each time. */
static uint64_t
at_least(uint64_t n)
{
    uint64_t power = 1;

    while (n / power >= 10) {
        power *= 10;
    }
    return power;
}

/* False where it is over. */
static bool
say(struct failing *f, int64_t now_ms)
{
    if (now_ms < f->until_ms) {
        return true;
    }
    if (f->n == 0) {
        return false;
    }
    if (!f->has_same) {
        f->said.why = f->why;
        f->said.status = f->status;
        f->said.least = 0;
    }
    if (f->said.least < at_least(f->n)) {
        f->said.least = at_least(f->n);
    }
    f->n = 0;
    f->has_same = false;
    f->until_ms = now_ms + ASKWATCH_PERIOD_MS;
    return true;
}

struct asks_failure *
askwatch_look(struct askwatch *w, const struct unanswered *now,
              int64_t now_ms, int64_t now_s, size_t *n)
{
    AUTO_FREE const char **keys = NULL;
    struct asks_failure *out;
    size_t n_keys;

    take(w, now, now_s);
    keys = map_sorted_keys(w->failing);
    n_keys = map_size(w->failing);
    out = xcalloc(n_keys + 1, sizeof *out);
    *n = 0;
    for (size_t i = 0; i < n_keys; i++) {
        struct failing *f = map_get(w->failing, keys[i]);

        if (say(f, now_ms)) {
            out[(*n)++] = f->said;
        } else {
            map_remove(w->failing, keys[i]);
            free(f);
        }
    }
    return out;
}

void
askwatch_run(struct askwatch *w, struct engine *engine,
             struct dataplane *dataplane, int64_t now_ms, int64_t now_s)
{
    AUTO_UNANSWERED struct unanswered now = { .rows = { .n = 0 } };
    AUTO_FREE struct asks_failure *failures = NULL;
    size_t n;

    if (!engine_asks(engine) || now_ms < w->due_ms) {
        return;
    }
    w->due_ms = now_ms + ASKWATCH_LOOK_MS;
    if (dataplane_unanswered(dataplane, &now)) {
        failures = askwatch_look(w, &now, now_ms, now_s, &n);
        engine_set_failing(engine, failures, n);
    }
}

void
askwatch_wait(const struct askwatch *w, const struct engine *engine,
              struct waits *waits)
{
    if (engine_asks(engine)) {
        waits_until(waits, w->due_ms);
    }
}
