#include "reconciler/sectypes.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/answer.h"
#include "lib/kube/client.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"

#define PAUSE_MS 100
#define AGAIN_MS 60000
#define MAX_TABLE ((size_t) 64 << 10)
#define MAX_WANTED 10000

struct wanted {
    int64_t due_ms;
};

struct sectypes {
    struct kube_client *client;
    struct engine *engine;
    struct map *wanted;         /* Secret key -> struct wanted */
    struct kube_call *call;
    char *asked;                /* The key of the call. */
    bool is_leader;
    int64_t now_ms;
    int64_t next_ms;            /* Nothing is to be done before. */
};

struct sectypes *
sectypes_new(struct kube_client *client, struct engine *engine)
{
    struct sectypes *t = xcalloc(1, sizeof *t);

    t->client = client;
    t->engine = engine;
    t->wanted = map_new();
    t->next_ms = INT64_MAX;
    return t;
}

void
sectypes_free(struct sectypes *t)
{
    if (t) {
        kube_client_cancel(t->call);
        map_free(t->wanted, free);
        free(t->asked);
        free(t);
    }
}

void
sectypes_touch(struct sectypes *t, const char *key)
{
    struct wanted *wanted = map_get(t->wanted, key);

    if (!engine_lacks_secret(t->engine, key)) {
        free(map_remove(t->wanted, key));
        engine_set_secret_type(t->engine, key, NULL);
    } else if (!wanted && map_size(t->wanted) < MAX_WANTED) {
        wanted = xcalloc(1, sizeof *wanted);
        map_put(t->wanted, key, wanted);
        t->next_ms = t->now_ms < t->next_ms ? t->now_ms : t->next_ms;
    }
}

/* The cell of the column "Type" in the only row; NULL: there is none. */
static const char *
find_type(json_t *table)
{
    json_t *columns = json_object_get(table, "columnDefinitions");
    json_t *row = json_array_get(json_object_get(table, "rows"), 0);
    size_t i;
    json_t *column;

    if (!str_eq(json_string_value(json_object_get(table, "kind")), "Table")) {
        return NULL;
    }
    json_array_foreach(columns, i, column)
    {
        if (str_eq(json_string_value(json_object_get(column, "name")),
                   "Type")) {
            return json_string_value(
                json_array_get(json_object_get(row, "cells"), i));
        }
    }
    return NULL;
}

static void
on_done(const struct http_response *response, void *aux)
{
    struct sectypes *t = aux;
    AUTO_FREE char *key = STEAL_PTR(t->asked);
    AUTO_JSON json_t *table = NULL;
    AUTO_ERR struct err *err = answer_err(response);
    struct wanted *wanted = map_get(t->wanted, key);
    const char *type = NULL;

    t->call = NULL;
    t->next_ms = t->now_ms + PAUSE_MS;
    if (wanted) {
        wanted->due_ms = t->now_ms + AGAIN_MS;
    }
    if (!err) {
        err = jx_load(response->body, response->size, MAX_TABLE, &table);
        type = err ? NULL : find_type(table);
    } else if (err_kind(err) != ERR_GONE) {
        return;                 /* What was known stays so. */
    }
    /* One of the right type is on its way by the watch. */
    if (wanted && !str_eq(type, CERT_SECRET_TYPE)) {
        engine_set_secret_type(t->engine, key, type);
    }
}

static void
ask(struct sectypes *t, const char *key)
{
    const char *slash = strchr(key, '/');
    AUTO_FREE char *ns = xstrndup(key, (size_t) (slash - key));
    AUTO_FREE char *path = resource_path(KUBE_SECRET, ns, slash + 1);
    const struct http_request request = {
        .method = HTTP_GET,
        .path = path,
        .as_table = true,
        .max_body = MAX_TABLE,
        .deadline_ms = t->now_ms + KUBE_REQUEST_MS,
        .done = on_done,
        .aux = t,
    };

    t->asked = xstrdup(key);
    t->call = kube_client_request(t->client, &request);
}

/* The one that is due first; '*due_ms' says when. */
static const char *
find_first(const struct sectypes *t, int64_t *due_ms)
{
    struct map_iter it = MAP_ITER;
    const char *first = NULL;

    *due_ms = INT64_MAX;
    while (map_next(t->wanted, &it)) {
        const struct wanted *wanted = it.value;

        if (wanted->due_ms < *due_ms) {
            *due_ms = wanted->due_ms;
            first = it.key;
        }
    }
    return first;
}

void
sectypes_run(struct sectypes *t, bool is_leader, int64_t now_ms)
{
    const char *first;
    int64_t due_ms;

    t->now_ms = now_ms;
    if (is_leader && !t->is_leader) {
        t->next_ms = now_ms;
    }
    t->is_leader = is_leader;
    if (!is_leader || t->call || now_ms < t->next_ms) {
        return;
    }
    first = find_first(t, &due_ms);
    t->next_ms = due_ms;
    if (first && due_ms <= now_ms) {
        ask(t, first);
    }
}

void
sectypes_wait(const struct sectypes *t, struct waits *waits)
{
    if (t->is_leader && !t->call) {
        waits_until(waits, t->next_ms);
    }
}
