#include "webhook/review.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/jx_pool.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/decode.h"
#include "webhook/limits.h"
#include "webhook/skim.h"

#define REVIEW_VERSION "admission.k8s.io/v1"
#define REVIEW_KIND "AdmissionReview"

void
review_fini(struct review *review)
{
    free(review->uid);
    free(review->broken);
    kube_unref(review->object);
    kube_unref(review->old);
    memset(review, 0, sizeof *review);
}

const char *
review_operation_name(enum review_operation operation)
{
    static const char *const names[REVIEW_N_OPERATIONS] = {
        [REVIEW_CREATE] = "create",
        [REVIEW_UPDATE] = "update",
        [REVIEW_DELETE] = "delete",
        [REVIEW_CONNECT] = "connect",
    };

    return names[operation];
}

static bool
parse_operation(const char *s, enum review_operation *out)
{
    static const char *const names[REVIEW_N_OPERATIONS] = {
        [REVIEW_CREATE] = "CREATE",
        [REVIEW_UPDATE] = "UPDATE",
        [REVIEW_DELETE] = "DELETE",
        [REVIEW_CONNECT] = "CONNECT",
    };

    for (size_t i = 0; i < REVIEW_N_OPERATIONS; i++) {
        if (str_eq(s, names[i])) {
            *out = (enum review_operation) i;
            return true;
        }
    }
    return false;
}

/* Fails unless the member is 'want'. */
static void
want_text(struct jx *jx, json_t *object, const char *name, const char *want)
{
    const char *got = jx_text(jx, object, name, JX_REQUIRED);

    if (got && strcmp(got, want) != 0) {
        AUTO_FREE char *quoted = str_quote(got);

        jx_fail(jx, name, "is %s, not \"%s\"", quoted, want);
    }
}

/* This webhook knows one kind; another one here means that its configuration
 * is wrong, which must not pass for a verdict. */
static void
want_ingress(struct jx *jx, json_t *request)
{
    json_t *kind = jx_object(jx, request, "kind", JX_REQUIRED);
    size_t mark = jx_enter(jx, "kind");

    if (kind) {
        want_text(jx, kind, "group", "networking.k8s.io");
        want_text(jx, kind, "version", "v1");
        want_text(jx, kind, "kind", "Ingress");
    }
    jx_leave(jx, mark);
}

/* The envelope is the API server's own: a NUL byte there is no mistake of a
 * user. */
static void
want_no_nul(struct jx *jx, json_t *request)
{
    static const char *const names[] = { "uid", "operation", "name",
                                         "namespace", "kind" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (jx_has_nul(json_object_get(request, names[i]))) {
            jx_fail(jx, names[i], "holds a NUL byte");
        }
    }
}

static void
read_uid(struct jx *jx, json_t *request, struct review *out)
{
    const char *uid = jx_text(jx, request, "uid", JX_REQUIRED);

    if (uid && (uid[0] == '\0' || strlen(uid) > WEBHOOK_MAX_UID)) {
        jx_fail(jx, "uid", "is empty or longer than %d bytes",
                WEBHOOK_MAX_UID);
    }
    out->uid = xstrdup(uid ? uid : "");
}

static void
read_head(struct jx *jx, json_t *request, const struct skimmed *skimmed,
          struct review *out)
{
    const char *operation =
        skimmed->operation
            ? skimmed->operation
            : jx_text(jx, request, "operation", JX_REQUIRED);

    if (skimmed->uid) {
        out->uid = xstrndup(skimmed->uid, skimmed->uid_size);
    } else {
        read_uid(jx, request, out);
    }
    if (operation && !parse_operation(operation, &out->operation)) {
        AUTO_FREE char *quoted = str_quote(operation);

        jx_fail(jx, "operation",
                "is %s, not CREATE, UPDATE, DELETE or CONNECT", quoted);
    }
    out->is_dry_run = jx_bool(jx, request, "dryRun", false);
}

/* What is true of the object even where it does not decode. */
static void
peek_object(json_t *object, struct review *out)
{
    json_t *meta = json_object_get(object, "metadata");
    json_t *deleted = json_object_get(meta, "deletionTimestamp");

    out->is_deleting = deleted && !json_is_null(deleted);
    out->has_spec = json_is_object(json_object_get(object, "spec"));
    out->has_annotations =
        json_is_object(json_object_get(meta, "annotations"));
}

/* The path of the first value with a NUL byte, as kubectl writes paths; the
 * depth is what the parser allowed. */
static bool
find_nul(json_t *value, const char *path, struct buf *out)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(value)) {
        buf_puts(out, path);
        return strlen(json_string_value(value)) !=
               json_string_length(value);
    }
    json_array_foreach(value, i, item) {
        AUTO_FREE char *inner = xasprintf("%s[%zu]", path, i);

        buf_clear(out);
        if (find_nul(item, inner, out)) {
            return true;
        }
    }
    json_object_foreach(value, key, item) {
        const bool is_map = str_ends(path, "annotations") ||
                            str_ends(path, "labels");
        AUTO_FREE char *inner =
            xasprintf(is_map ? "%s[%s]" : path[0] ? "%s.%s" : "%s%s", path,
                      key);

        buf_clear(out);
        if (find_nul(item, inner, out)) {
            return true;
        }
    }
    return false;
}

static void
say_nul(json_t *object, struct review *out)
{
    AUTO_BUF struct buf path = BUF_OWN;
    AUTO_FREE char *quoted = NULL;

    find_nul(object, "", &path);
    quoted = str_quote(buf_str(&path));
    out->broken = xasprintf("the value of %s holds a NUL byte (\\u0000), "
                            "which no value of an Ingress may: remove it",
                            quoted);
}

static void
read_object(json_t *object, bool may_have_nul, struct review *out)
{
    AUTO_ERR struct err *err = NULL;

    peek_object(object, out);
    if (may_have_nul && jx_has_nul(object)) {
        say_nul(object, out);
        return;
    }
    err = kube_decode_brief(KUBE_INGRESS, object, &out->object);
    if (err) {
        out->broken = xstrdup(err_text(err));
    }
}

/* An old object that we cannot read counts as none: then the new one must be
 * right in everything.  False where it is another object. */
static bool
read_old(json_t *object, bool may_have_nul, struct review *out)
{
    AUTO_ERR struct err *err = NULL;

    if (!may_have_nul || !jx_has_nul(object)) {
        err = kube_decode_brief(KUBE_INGRESS, object, &out->old);
    }
    return !out->old || !out->object ||
           str_eq(out->old->key, out->object->key);
}

/* The same of its text, within a pool. */
static bool
load_old(const char *text, size_t size, struct review *out)
{
    AUTO_ERR struct err *err = NULL;
    bool may_have_nul;
    json_t *object = skim_object_alone(text, size, &may_have_nul);

    if (!object) {
        err = jx_load_nul(text, size, WEBHOOK_MAX_REVIEW, &object);
        may_have_nul = jx_may_have_nul(text, size);
    }
    return err || read_old(object, may_have_nul, out);
}

const struct kube_object *
review_old(struct review *review)
{
    if (review->old_text) {
        AUTO_JX_POOL struct jx_pool pool;

        /* What waited is short: its own ceiling is enough. */
        jx_pool_begin(&pool, WEBHOOK_MAX_TREE, NULL);
        if (!load_old(review->old_text, review->old_size, review)) {
            kube_unref(STEAL_PTR(review->old));
        }
        review->old_text = NULL;
    }
    return review->old;
}

/* The request's own name and namespace, where it gives them, are those of
 * the object: only a forged review could say otherwise. */
static void
want_identity(struct jx *jx, json_t *request, const struct skimmed *skimmed,
              const struct kube_object *o)
{
    const char *name = jx_text(jx, request, "name", JX_OPTIONAL);
    const char *ns = jx_text(jx, request, "namespace", JX_OPTIONAL);

    if (!str_is_empty(name) && !str_is_empty(o->name) &&
        !str_eq(name, o->name)) {
        jx_fail(jx, "name", "is not the name of the object");
    }
    if (!skimmed->has_namespace &&
        (str_is_empty(ns) || !str_eq(ns, o->namespace))) {
        jx_fail(jx, "namespace", "is not the namespace of the object");
    }
}

static void
read_objects(struct jx *jx, json_t *request, const struct skimmed *skimmed,
             struct review *out)
{
    const bool needs_object = out->operation == REVIEW_CREATE ||
                              out->operation == REVIEW_UPDATE;
    json_t *object = jx_object(jx, request, "object",
                               needs_object ? JX_REQUIRED : JX_OPTIONAL);
    json_t *old = jx_object(jx, request, "oldObject", JX_OPTIONAL);

    if (jx->err || !needs_object) {
        return;
    }
    read_object(object, skimmed->may_have_nul, out);
    if (old && out->operation == REVIEW_UPDATE &&
        !read_old(old, skimmed->may_have_nul, out)) {
        jx_fail(jx, "oldObject", "is another object");
    }
    if (out->object) {
        want_identity(jx, request, skimmed, out->object);
    }
}

static void
read_review(struct jx *jx, const struct skimmed *skimmed, struct review *out)
{
    json_t *document = skimmed->document;
    json_t *request;
    size_t mark;

    if (!skimmed->has_version) {
        want_text(jx, document, "apiVersion", REVIEW_VERSION);
    }
    if (!skimmed->has_kind) {
        want_text(jx, document, "kind", REVIEW_KIND);
    }
    request = jx_object(jx, document, "request", JX_REQUIRED);
    mark = jx_enter(jx, "request");
    if (request) {
        if (skimmed->may_have_nul) {
            want_no_nul(jx, request);
        }
        if (!skimmed->has_object_kind) {
            want_ingress(jx, request);
        }
        read_head(jx, request, skimmed, out);
        read_objects(jx, request, skimmed, out);
    }
    jx_leave(jx, mark);
}

/* The document of what is read of a text, or of all of it. */
static struct err *
load(const char *text, size_t size, struct skimmed *out)
{
    if (size <= WEBHOOK_MAX_REVIEW && skim_review(text, size, out)) {
        return NULL;
    }
    *out = (struct skimmed) { .may_have_nul = jx_may_have_nul(text, size) };
    return jx_load_nul(text, size, WEBHOOK_MAX_REVIEW, &out->document);
}

/* For review_old(), where the text is short and of the same object. */
static struct err *
keep_old(const struct skimmed *skimmed, struct review *out)
{
    if (skimmed->old && (!skimmed->is_old_same ||
                         skimmed->old_size > WEBHOOK_MAX_WAITING_OLD)) {
        return load_old(skimmed->old, skimmed->old_size, out)
                   ? NULL
                   : err_new(ERR_PROTOCOL,
                             "request.oldObject: is another object");
    }
    out->old_text = skimmed->old;
    out->old_size = skimmed->old_size;
    return NULL;
}

static struct err *
out_of_memory(const struct jx_pool *pool)
{
    return pool->is_late
               ? err_new(ERR_UNAVAILABLE, "too many reviews at once")
               : err_new(ERR_LIMIT, "the review takes more than %zu bytes of "
                         "memory", WEBHOOK_MAX_TREE);
}

/* All reviews that are being read. */
static struct jx_budget budget = { .max = WEBHOOK_MAX_TREES };

struct err *
review_read(const char *text, size_t size, struct review *out)
{
    AUTO_JX_POOL struct jx_pool pool;
    struct skimmed skimmed;
    struct jx jx = JX_INIT;
    struct err *err;

    memset(out, 0, sizeof *out);
    jx_pool_begin(&pool, WEBHOOK_MAX_TREE, &budget);
    err = load(text, size, &skimmed);
    if (!err && !json_is_object(skimmed.document)) {
        return err_new(ERR_PROTOCOL, "the body is not a JSON object");
    }
    if (!err) {
        read_review(&jx, &skimmed, out);
        err = jx_take_err(&jx);
    }
    if (!err && out->operation == REVIEW_UPDATE) {
        err = keep_old(&skimmed, out);
    }
    if (pool.is_late || pool.is_full) {
        err_free(err);
        err = out_of_memory(&pool);
    }
    if (err) {
        review_fini(out);
    }
    return err;
}
