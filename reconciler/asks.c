#include "reconciler/asks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/judge_ask.h"
#include "reconciler/translate.h"

#define SHOWN_MAX 300           /* Bytes of a URL. */

struct asks {
    struct map *askers;         /* Keys of Ingresses; values mean nothing. */
    struct map *failing;        /* Those to struct asks_failure. */
};

struct asks *
asks_new(void)
{
    struct asks *a = xcalloc(1, sizeof *a);

    a->askers = map_new();
    a->failing = map_new();
    return a;
}

void
asks_free(struct asks *a)
{
    map_free(a->askers, NULL);
    map_free(a->failing, free);
    free(a);
}

void
asks_inherit(struct asks *a, const struct asks *from)
{
    struct map_iter it = MAP_ITER;

    while (map_next(from->failing, &it)) {
        free(map_put(a->failing, it.key,
                     xmemdup(it.value, sizeof(struct asks_failure))));
    }
}

void
asks_set(struct asks *a, const char *ingress_key, const struct model *model)
{
    static char mark;

    if (model && model->settings->ask) {
        map_put(a->askers, ingress_key, &mark);
    } else {
        map_remove(a->askers, ingress_key);
        free(map_remove(a->failing, ingress_key));
    }
}

bool
asks_any(const struct asks *a)
{
    return map_size(a->askers) > 0;
}

/* --- Who fails --- */

/* Of two hosts of an Ingress the one where more was refused is told. */
static void
add_failure(struct map *failing, const char *key,
            const struct asks_failure *failure)
{
    const struct asks_failure *known = map_get(failing, key);

    if (!known || known->least < failure->least) {
        free(map_put(failing, key, xmemdup(failure, sizeof *failure)));
    }
}

static void
find_askers(const struct claims *claims, const struct asks_failure *failure,
            struct map *failing)
{
    const struct model *last = NULL;
    size_t n = 0;
    AUTO_FREE struct claim *all = claims_host(claims, failure->host, &n);

    for (size_t i = 0; i < n; i++) {
        const struct model *model = all[i].model;
        char id[UNANSWERED_ID_SIZE];

        if (!all[i].route || !all[i].holds || !model->settings->ask ||
            model == last) {
            continue;
        }
        last = model;
        translate_ask_id(model->settings, id);
        if (str_eq(id, failure->id)) {
            add_failure(failing, model->object->key, failure);
        }
    }
}

static bool
is_same(const struct asks_failure *a, const struct asks_failure *b)
{
    return a && b && str_eq(a->id, b->id) && a->why == b->why &&
           a->status == b->status && a->least == b->least;
}

void
asks_set_failing(struct asks *a, const struct claims *claims,
                 const struct asks_failure *failures, size_t n,
                 void (*touch)(const char *ingress_key, void *aux), void *aux)
{
    struct map *before = a->failing;
    struct map_iter it = MAP_ITER;

    a->failing = map_new();
    for (size_t i = 0; i < n; i++) {
        find_askers(claims, &failures[i], a->failing);
    }
    while (map_next(a->failing, &it)) {
        if (!is_same(it.value, map_get(before, it.key))) {
            touch(it.key, aux);
        }
    }
    it = (struct map_iter) MAP_ITER;
    while (map_next(before, &it)) {
        if (!map_get(a->failing, it.key)) {
            touch(it.key, aux);
        }
    }
    map_free(before, free);
}

/* --- What is said --- */

/* What happened, in place of a verdict. */
static char *
describe(const struct asks_failure *f, const struct settings *s)
{
    switch (f->why) {
    case UNANSWERED_LATE:
        return xasprintf("gives no answer within %" PRIu64 " ms",
                         translate_ask_ms(s));
    case UNANSWERED_DOWN:
        return xstrdup("cannot be reached: connections are refused, or no "
                       "endpoint is ready");
    case UNANSWERED_BAD:
        return xstrdup("breaks off, or gives an answer that is no HTTP or "
                       "too large");
    case UNANSWERED_FULL:
        return xstrdup("has more questions to answer than may wait at one "
                       "time");
    case UNANSWERED_STATUS:
        break;
    }
    return f->status < 500
               ? xasprintf("answers %u, which is no verdict", f->status)
               : xasprintf("answers %u", f->status);
}

static const char *
remedy(const struct asks_failure *f)
{
    switch (f->why) {
    case UNANSWERED_LATE:
        return "make it faster, or raise proxy-read-timeout, of which 10 "
               "seconds count";
    case UNANSWERED_DOWN:
        return "see that its Pods are ready and listen on that port";
    case UNANSWERED_BAD:
        return "see that the URL names an authentication service, by the "
               "scheme it speaks";
    case UNANSWERED_FULL:
        return "give it more Pods, or have answers remembered with "
               "auth-cache-key";
    case UNANSWERED_STATUS:
        break;
    }
    return f->status < 500 ? "write the URL at which it answers 2xx, 401 or "
                             "403"
                           : "its own log says why";
}

static void
report_failure(const struct asks_failure *f, const struct model *model,
               const char *field, struct findings *out)
{
    const struct settings_ask *ask = model->settings->ask;
    AUTO_FREE char *what = describe(f, model->settings);
    bool is_verdict = f->why == UNANSWERED_STATUS && f->status < 500;

    findings_add(out, FINDING_WARNING, FINDING_INVALID, model->name, field,
                 "%s\"%.*s\" %s; at least %" PRIu64 " request%s of one minute "
                 "got %s: %s", ask->is_global ? "global-auth-url " : "",
                 SHOWN_MAX, ask->url, what, f->least,
                 f->least == 1 ? "" : "s", is_verdict ? "500" : "503",
                 remedy(f));
}

void
asks_report(const struct asks *a, const struct backends *bs,
            const struct claims *claims, const struct model *model,
            struct findings *out)
{
    const struct asks_failure *f = map_get(a->failing, model->object->key);
    AUTO_FREE char *field = judge_ask_field(model);
    AUTO_FREE char *name = judge_ask_name(model);
    char id[UNANSWERED_ID_SIZE];

    if (judge_ask_host(claims, model, out) && name &&
        backends_is_unknown(bs, name)) {
        findings_add(out, FINDING_WARNING, FINDING_INVALID, model->name,
                     field, "no address of \"%s\" is known: requests get "
                     "503 until DNS has one", name);
    }
    if (f && model->settings->ask) {
        /* Another question has not failed yet. */
        translate_ask_id(model->settings, id);
        if (str_eq(id, f->id)) {
            report_failure(f, model, field, out);
        }
    }
}
