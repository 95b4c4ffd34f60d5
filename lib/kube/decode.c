#include "lib/kube/decode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/kube/decode_priv.h"
#include "lib/kube/object_priv.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* What to do with each kind. */
static const struct kind {
    decode_kind_fn *decode;
    bool is_namespaced;
    bool has_pairs;     /* Annotations are kept. */
} kinds[KUBE_N_KINDS] = {
    [KUBE_INGRESS] = { decode_ingress, true, true },
    [KUBE_INGRESS_CLASS] = { decode_ingress_class, false, true },
    [KUBE_SERVICE] = { decode_service, true, false },
    [KUBE_ENDPOINT_SLICE] = { decode_endpoint_slice, true, false },
    [KUBE_SECRET] = { decode_secret, true, false },
    [KUBE_NAMESPACE] = { decode_namespace, false, true },
    [KUBE_CONFIG_MAP] = { decode_config_map, true, false },
    [KUBE_LEASE] = { decode_lease, true, true },
    [KUBE_POD] = { decode_pod, true, false },
};

bool
decode_go_on(struct decode *d)
{
    if (!d->jx.err && arena_size(d->arena) > KUBE_MAX_OBJECT) {
        jx_fail(&d->jx, NULL, "the object takes more than %zu bytes",
                KUBE_MAX_OBJECT);
    }
    return !d->jx.err;
}

const char *
decode_text(struct decode *d, json_t *object, const char *name)
{
    const char *s = jx_text(&d->jx, object, name, JX_OPTIONAL);

    return s ? arena_text(d->arena, s, strlen(s)) : NULL;
}

bool
decode_text_is(struct decode *d, json_t *object, const char *name,
               const char *value)
{
    return str_eq(jx_text(&d->jx, object, name, JX_OPTIONAL), value);
}

/* The array 'name', NULL where it is absent or too long. */
static json_t *
short_array(struct decode *d, json_t *object, const char *name)
{
    json_t *array = jx_array(&d->jx, object, name, JX_OPTIONAL);

    if (array && json_array_size(array) > KUBE_MAX_ITEMS) {
        jx_fail(&d->jx, name, "has %zu items, at most %d are read",
                json_array_size(array), KUBE_MAX_ITEMS);
        return NULL;
    }
    return array;
}

void *
decode_list(struct decode *d, json_t *object, const char *name, size_t size,
            decode_item_fn *each, uint32_t *n)
{
    json_t *array = short_array(d, object, name);
    size_t mark = jx_enter(&d->jx, name);
    char *out;

    *n = (uint32_t) json_array_size(array);     /* KUBE_MAX_ITEMS */
    out = arena_alloc(d->arena, *n, size);
    for (size_t i = 0; i < *n && decode_go_on(d); i++) {
        json_t *item = json_array_get(array, i);
        size_t item_mark = jx_enter_item(&d->jx, i);

        if (json_is_object(item)) {
            each(d, item, out + i * size);
        } else {
            jx_fail(&d->jx, NULL, "must be an object");
        }
        jx_leave(&d->jx, item_mark);
    }
    jx_leave(&d->jx, mark);
    return out;
}

const char *const *
decode_texts(struct decode *d, json_t *object, const char *name, uint32_t *n)
{
    json_t *array = short_array(d, object, name);
    size_t mark = jx_enter(&d->jx, name);
    const char **out;

    *n = (uint32_t) json_array_size(array);     /* KUBE_MAX_ITEMS */
    out = arena_alloc(d->arena, *n, sizeof *out);
    for (size_t i = 0; i < *n && decode_go_on(d); i++) {
        json_t *item = json_array_get(array, i);
        size_t item_mark = jx_enter_item(&d->jx, i);

        if (json_is_string(item)) {
            out[i] = arena_text(d->arena, json_string_value(item),
                                strlen(json_string_value(item)));
        } else {
            jx_fail(&d->jx, NULL, "must be a string");
        }
        jx_leave(&d->jx, item_mark);
    }
    jx_leave(&d->jx, mark);
    return out;
}

void
decode_fail_text(struct decode *d, const char *name, json_t *value)
{
    AUTO_FREE char *quoted = str_quote(name);
    char text[64];              /* More than a number takes. */
    size_t n = 0;

    if (!json_is_object(value) && !json_is_array(value)) {
        n = json_dumpb(value, text, sizeof text,
                       JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    }
    if (n > 0 && n <= sizeof text) {
        jx_fail(&d->jx, NULL,
                "the value of %s must be a string: write \"%.*s\", with "
                "quotes", quoted, (int) n, text);
    } else {
        jx_fail(&d->jx, NULL, "the value of %s must be a string", quoted);
    }
}

static int
compare_pairs(const void *a, const void *b)
{
    return strcmp(((const struct kube_pair *) a)->name,
                  ((const struct kube_pair *) b)->name);
}

struct kube_pairs
decode_pairs(struct decode *d, json_t *object, const char *name,
             const char *without)
{
    json_t *members = jx_object(&d->jx, object, name, JX_OPTIONAL);
    size_t n = json_object_size(members);
    struct kube_pair *items;
    const char *key;
    json_t *value;
    size_t i = 0, mark;

    if (n > KUBE_MAX_ITEMS) {
        jx_fail(&d->jx, name, "has %zu members, at most %d are read", n,
                KUBE_MAX_ITEMS);
        return (struct kube_pairs) { .n = 0 };
    }
    if (without && json_object_get(members, without)) {
        n--;
    }
    items = arena_alloc(d->arena, n, sizeof *items);
    mark = jx_enter(&d->jx, name);
    json_object_foreach(members, key, value) {
        const char *text = json_is_null(value) ? ""
                                               : json_string_value(value);

        if (without && strcmp(key, without) == 0) {
            continue;
        }
        if (!text) {
            decode_fail_text(d, key, value);
            text = "";
        }
        items[i].name = arena_text(d->arena, key, strlen(key));
        items[i].value = arena_text(d->arena, text, strlen(text));
        i++;
    }
    jx_leave(&d->jx, mark);
    if (n > 1) {
        qsort(items, n, sizeof *items, compare_pairs);
    }
    return (struct kube_pairs) { .items = items, .n = n };
}

bool
decode_port(struct decode *d, json_t *object, const char *name,
            struct kube_port *out)
{
    json_t *value = json_object_get(object, name);

    if (json_is_string(value)) {
        out->name = decode_text(d, object, name);
        return true;
    }
    if (value && !json_is_null(value) && !json_is_integer(value)) {
        jx_fail(&d->jx, name, "must be a number or a string");
        return false;
    }
    out->number = (int32_t) jx_int(&d->jx, object, name, 0, 65535, 0);
    return out->number != 0;
}

static void
decode_address(struct decode *d, json_t *item, void *out)
{
    struct kube_address *address = out;

    address->ip = decode_text(d, item, "ip");
    address->hostname = decode_text(d, item, "hostname");
}

const struct kube_address *
decode_addresses(struct decode *d, json_t *document, uint32_t *n)
{
    json_t *status = jx_object(&d->jx, document, "status", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "status");
    json_t *balancer = jx_object(&d->jx, status, "loadBalancer",
                                 JX_OPTIONAL);
    size_t inner = jx_enter(&d->jx, "loadBalancer");
    const struct kube_address *out =
        decode_list(d, balancer, "ingress", sizeof *out, decode_address, n);

    jx_leave(&d->jx, inner);
    jx_leave(&d->jx, mark);
    return out;
}

/* A '/' inside would make two objects share a key; the API server refuses
 * it as well. */
static const char *
key_part(struct decode *d, json_t *meta, const char *name)
{
    const char *s = jx_text(&d->jx, meta, name, JX_OPTIONAL);

    if (s && strchr(s, '/')) {
        AUTO_FREE char *quoted = str_quote(s);

        jx_fail(&d->jx, name, "%s must not contain '/'", quoted);
    }
    return s;
}

/* Name, namespace and key share their bytes: "namespace/name". */
static void
decode_key(struct decode *d, json_t *meta, struct kube_object *o)
{
    bool is_namespaced = kinds[o->kind].is_namespaced;
    const char *ns = key_part(d, meta, "namespace");
    const char *name = key_part(d, meta, "name");
    size_t ns_length = 0, name_length;
    char *key;

    o->generate_name = decode_text(d, meta, "generateName");
    if (str_is_empty(name)) {
        if (str_is_empty(o->generate_name)) {
            jx_fail(&d->jx, "name", "is missing");
        }
        name = "";
    }
    name_length = strlen(name);
    if (is_namespaced) {
        ns = str_is_empty(ns) ? "default" : ns;
        ns_length = strlen(ns) + 1;
        o->namespace = arena_text(d->arena, ns, ns_length - 1);
    }
    key = arena_room(d->arena, ns_length + name_length);
    if (is_namespaced) {
        memcpy(key, ns, ns_length - 1);
        key[ns_length - 1] = '/';
    }
    memcpy(key + ns_length, name, name_length);
    o->key = key;
    o->name = key + ns_length;
}

static void
decode_meta(struct decode *d, json_t *document, struct kube_object *o)
{
    json_t *meta = jx_object(&d->jx, document, "metadata", JX_REQUIRED);
    size_t mark = jx_enter(&d->jx, "metadata");
    const char *created;

    decode_key(d, meta, o);
    o->uid = decode_text(d, meta, "uid");
    o->resource_version = decode_text(d, meta, "resourceVersion");
    o->generation = jx_int(&d->jx, meta, "generation", 0, INT64_MAX, 0);
    created = jx_text(&d->jx, meta, "creationTimestamp", JX_OPTIONAL);
    if (created && !parse_time(created, &o->created)) {
        AUTO_FREE char *quoted = str_quote(created);

        jx_fail(&d->jx, "creationTimestamp",
                "%s is not a time like 2026-01-31T23:59:59Z", quoted);
    }
    o->is_deleting = jx_text(&d->jx, meta, "deletionTimestamp",
                             JX_OPTIONAL) != NULL;
    if (kinds[o->kind].has_pairs) {
        o->annotations = decode_pairs(d, meta, "annotations", LAST_APPLIED);
    }
    jx_leave(&d->jx, mark);
}

static void
decode_whole(struct decode *d, json_t *document, const char *source,
             struct kube_object *o)
{
    const char *name = jx_text(&d->jx, document, "kind", JX_OPTIONAL);

    if (!json_is_object(document)) {
        jx_fail(&d->jx, "document", "must be an object");
        return;
    }
    if (name && strcmp(name, kube_kind_name(o->kind)) != 0) {
        AUTO_FREE char *quoted = str_quote(name);

        jx_fail(&d->jx, "kind", "is %s, not %s", quoted,
                kube_kind_name(o->kind));
        return;
    }
    if (source) {
        o->source = arena_text(d->arena, source, strlen(source));
    }
    decode_meta(d, document, o);
    if (decode_go_on(d)) {
        kinds[o->kind].decode(d, document, o);
    }
}

struct err *
kube_decode(enum kube_kind kind, json_t *document, const char *source,
            const struct kube_object **out)
{
    AUTO_ARENA struct arena scratch = ARENA_INIT;
    struct kube_object first = { .kind = kind };
    struct decode d = { .arena = &scratch };
    struct kube_object *o;
    struct arena exact;
    size_t size;

    *out = NULL;
    decode_whole(&d, document, source, &first);
    if (!decode_go_on(&d)) {
        return jx_take_err(&d.jx);
    }
    size = arena_size(&scratch);
    o = kube_object_new(size, &exact);
    o->kind = kind;
    d.arena = &exact;
    decode_whole(&d, document, source, o);
    *out = o;
    return jx_take_err(&d.jx);
}

struct err *
kube_decode_brief(enum kube_kind kind, json_t *document,
                  const struct kube_object **out)
{
    AUTO_ARENA struct arena arena = ARENA_INIT;
    struct decode d = { .arena = &arena };
    struct arena none;
    struct kube_object *o = kube_object_new(0, &none);

    assert(kind != KUBE_SECRET);
    *out = NULL;
    o->kind = kind;
    decode_whole(&d, document, NULL, o);
    if (!decode_go_on(&d)) {
        kube_unref(o);
        return jx_take_err(&d.jx);
    }
    kube_object_adopt(o, &arena);
    *out = o;
    return NULL;
}
