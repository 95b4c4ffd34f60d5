#include "lib/kube/ingest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/jx_pool.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/answer.h"
#include "lib/kube/cache.h"
#include "lib/kube/decode.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"

#define BAD_LOG_MS 1000

/* Only a document with such an escape can hold a NUL byte in a string. */
static bool
may_have_nul(const char *text, size_t size)
{
    return memmem(text, size, "\\u0000", 6) != NULL;
}

/* "namespace/name" or "name"; NULL where it has none that could be. */
static char *
key_of(enum kube_kind kind, json_t *object)
{
    json_t *meta = json_object_get(object, "metadata");
    const char *ns = json_string_value(json_object_get(meta, "namespace"));
    const char *name = json_string_value(json_object_get(meta, "name"));

    if (!name || !resource_name_ok(name)) {
        return NULL;
    }
    if (!resource_is_namespaced(kind)) {
        return xstrdup(name);
    }
    if (!ns || !resource_name_ok(ns)) {
        return NULL;
    }
    return xasprintf("%s/%s", ns, name);
}

static const char *
version_of(json_t *object)
{
    json_t *meta = json_object_get(object, "metadata");

    return json_string_value(json_object_get(meta, "resourceVersion"));
}

/* Takes 'err'. */
static void
leave_out(struct ingest *in, const char *key, struct err *err, int64_t now_ms)
{
    const bool is_there = key && cache_put_again(in->cache, in->kind, key);
    unsigned dropped;

    in->n_bad++;
    if (log_limit(&in->limit, now_ms, BAD_LOG_MS, &dropped)) {
        log_warn("kube", key, "%s left out%s: %s (%u more like this)",
                 kube_kind_name(in->kind),
                 is_there ? ", its last good version stays" : "",
                 err_text(err), dropped);
    }
    err_free(err);
}

void
ingest_fini(struct ingest *in)
{
    free(in->only_uid);
    in->only_uid = NULL;
}

/* What the cache has of the single object, if it came from here. */
static const struct kube_object *
own_object(const struct ingest *in)
{
    const struct kube_object *o = cache_get(in->cache, in->kind, in->only);

    return o && str_eq(o->uid, in->only_uid) ? o : NULL;
}

void
ingest_keep(struct ingest *in)
{
    if (own_object(in)) {
        cache_put_again(in->cache, in->kind, in->only);
    }
}

void
ingest_drop(struct ingest *in)
{
    if (own_object(in)) {
        cache_remove(in->cache, in->kind, in->only);
    }
    ingest_fini(in);
}

/* Decodes one object and puts it into the cache. */
static void
put_object(struct ingest *in, json_t *object, const char *key, bool check_nul,
           int64_t now_ms)
{
    const struct kube_object *decoded = NULL;
    struct err *err;

    if (!key) {
        err = err_new(ERR_PROTOCOL, "it has no usable name");
    } else if (check_nul && jx_has_nul(object)) {
        err = err_new(ERR_PROTOCOL, "a string of it holds a NUL byte");
    } else {
        err = kube_decode(in->kind, object, NULL, &decoded);
    }
    if (err) {
        leave_out(in, key, err, now_ms);
        return;
    }
    if (in->only) {
        ingest_fini(in);
        in->only_uid = decoded->uid ? xstrdup(decoded->uid) : NULL;
    }
    cache_put(in->cache, decoded);
}

static struct err *
read_page_meta(json_t *root, struct ingest_page *out)
{
    struct jx jx = JX_INIT;
    json_t *meta = jx_object(&jx, root, "metadata", JX_REQUIRED);
    size_t mark = jx_enter(&jx, "metadata");
    const char *version, *token;

    version = jx_text(&jx, meta, "resourceVersion", JX_REQUIRED);
    token = jx_text(&jx, meta, "continue", JX_OPTIONAL);
    if (version && version[0] == '\0') {
        jx_fail(&jx, "resourceVersion", "is empty");
    }
    jx_leave(&jx, mark);
    if (!jx.err) {
        out->version = xstrdup(version);
        out->token = str_is_empty(token) ? NULL : xstrdup(token);
    }
    return jx_take_err(&jx);
}

struct err *
ingest_page(struct ingest *in, const char *text, size_t size, int64_t now_ms,
            struct ingest_page *out)
{
    AUTO_JX_POOL struct jx_pool pool;
    bool check_nul = may_have_nul(text, size);
    struct jx jx = JX_INIT;
    json_t *root, *items, *item;
    struct err *err;
    size_t i;

    *out = (struct ingest_page) { .version = NULL };
    jx_pool_begin(&pool, KUBE_MAX_PAGE_TREE, NULL);
    err = jx_load_nul(text, size, KUBE_MAX_PAGE, &root);
    if (pool.is_full) {
        err_free(err);
        return err_new(ERR_LIMIT, "a page takes more than %zu bytes of "
                       "memory", KUBE_MAX_PAGE_TREE);
    }
    if (!err) {
        err = read_page_meta(root, out);
    }
    if (err) {
        return err;
    }
    items = jx_array(&jx, root, "items", JX_OPTIONAL);
    json_array_foreach(items, i, item) {
        AUTO_FREE char *key = key_of(in->kind, item);

        if (!in->only || str_eq(key, in->only)) {
            out->has_only = true;
            put_object(in, item, key, check_nul, now_ms);
        }
    }
    return jx_take_err(&jx);
}

void
ingest_page_fini(struct ingest_page *page)
{
    free(page->version);
    free(page->token);
}

static void
take_change(struct ingest *in, const char *type, json_t *object,
            bool check_nul, int64_t now_ms)
{
    AUTO_FREE char *key = key_of(in->kind, object);

    in->n_events++;
    if (in->only && !str_eq(key, in->only)) {
        return;
    }
    if (!str_eq(type, "DELETED")) {
        put_object(in, object, key, check_nul, now_ms);
    } else if (in->only) {
        ingest_drop(in);
    } else if (key) {
        cache_remove(in->cache, in->kind, key);
    }
}

void
ingest_event(struct ingest *in, const char *text, size_t size, int64_t now_ms,
             struct ingest_event *out)
{
    AUTO_JX_POOL struct jx_pool pool;
    bool check_nul = may_have_nul(text, size);
    const char *type, *version;
    json_t *root, *object;
    struct err *err;

    *out = (struct ingest_event) { .version = NULL };
    jx_pool_begin(&pool, KUBE_MAX_PAGE_TREE, NULL);
    err = jx_load_nul(text, size, KUBE_MAX_FRAME, &root);
    if (err) {
        leave_out(in, NULL, err, now_ms);
        return;
    }
    type = json_string_value(json_object_get(root, "type"));
    object = json_object_get(root, "object");
    if (str_eq(type, "ERROR")) {
        out->err = answer_status_err(object, &out->code);
        return;
    }
    version = version_of(object);
    out->version = str_is_empty(version) ? NULL : xstrdup(version);
    if (str_eq(type, "ADDED") || str_eq(type, "MODIFIED") ||
        str_eq(type, "DELETED")) {
        take_change(in, type, object, check_nul, now_ms);
    } else if (!str_eq(type, "BOOKMARK")) {
        leave_out(in, NULL,
                  err_new(ERR_PROTOCOL, "an event of an unknown type"),
                  now_ms);
    }
}

void
ingest_event_fini(struct ingest_event *event)
{
    free(event->version);
    err_free(event->err);
}
