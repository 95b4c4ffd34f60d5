#include "tests/replay/apiserver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/kube/resource.h"

#define FIRST_VERSION 1000

static void
decref(void *p)
{
    json_decref(p);
}

void
apiserver_init(struct apiserver *s)
{
    *s = (struct apiserver) { .version = FIRST_VERSION };
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        s->objects[kind] = map_new();
    }
}

static void
drop_history(struct apiserver *s)
{
    for (size_t i = 0; i < s->history.n; i++) {
        json_decref(s->history.items[i].old);
        json_decref(s->history.items[i].new);
    }
    VEC_FINI(&s->history);
}

void
apiserver_fini(struct apiserver *s)
{
    drop_history(s);
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        map_free(s->objects[kind], decref);
    }
}

bool
apiserver_kind(const char *name, enum kube_kind *out)
{
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        if (str_eq(name, kube_kind_name((enum kube_kind) kind))) {
            *out = (enum kube_kind) kind;
            return true;
        }
    }
    return false;
}

const char *
apiserver_text(json_t *document, const char *parent, const char *name)
{
    json_t *from = parent ? json_object_get(document, parent) : document;

    return json_string_value(json_object_get(from, name));
}

uint64_t
apiserver_version_of(json_t *document)
{
    const char *text = apiserver_text(document, "metadata",
                                      "resourceVersion");
    uint64_t version = 0;

    return text && parse_u64(text, 0, UINT64_MAX, &version) ? version : 0;
}

static char *
key_of(enum kube_kind kind, json_t *document)
{
    const char *ns = apiserver_text(document, "metadata", "namespace");
    const char *name = apiserver_text(document, "metadata", "name");

    return resource_is_namespaced(kind)
               ? xasprintf("%s/%s", ns ? ns : "default", name ? name : "")
               : xstrdup(name ? name : "");
}

static void
stamp(json_t *document, uint64_t version)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, version);
    json_object_set_new(json_object_get(document, "metadata"),
                        "resourceVersion", json_string(text));
}

/* Takes 'new'; 'key' is as in the map. */
static void
change(struct apiserver *s, enum kube_kind kind, const char *key, json_t *new)
{
    struct api_change *c = VEC_ADD(&s->history);

    c->version = ++s->version;
    c->kind = kind;
    if (new) {
        stamp(new, c->version);
        c->new = json_incref(new);
        c->old = map_put(s->objects[kind], key, new);
    } else {
        c->old = map_remove(s->objects[kind], key);
    }
}

json_t *
apiserver_get(const struct apiserver *s, enum kube_kind kind, const char *key)
{
    return map_get(s->objects[kind], key);
}

static void
keep(json_t *to, json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);

    if (value) {
        json_object_set(to, name, value);
    }
}

/* What the server gives an object that is new. */
static void
give_birth(struct apiserver *s, json_t *meta)
{
    char now[CLOCK_MICROTIME_SIZE];

    s->n_uids++;
    if (!json_object_get(meta, "uid")) {
        AUTO_FREE char *uid =
            xasprintf("00000000-0000-4000-8000-%012" PRIx64, s->n_uids);

        json_object_set_new(meta, "uid", json_string(uid));
    }
    if (!json_object_get(meta, "creationTimestamp")) {
        AUTO_FREE char *text = NULL;

        clock_format_micro(clock_wall_us(), now);
        text = xasprintf("%.19sZ", now);
        json_object_set_new(meta, "creationTimestamp", json_string(text));
    }
}

void
apiserver_put(struct apiserver *s, enum kube_kind kind, json_t *document)
{
    json_t *new = json_deep_copy(document);
    AUTO_FREE char *key = key_of(kind, new);
    json_t *old = apiserver_get(s, kind, key);
    json_t *meta = json_object_get(new, "metadata");

    if (resource_is_namespaced(kind) && !json_object_get(meta, "namespace")) {
        json_object_set_new(meta, "namespace", json_string("default"));
    }
    if (old) {
        json_t *old_meta = json_object_get(old, "metadata");

        keep(meta, old_meta, "uid");
        keep(meta, old_meta, "creationTimestamp");
        if (!json_object_get(new, "status")) {
            keep(new, old, "status");
        }
    } else {
        give_birth(s, meta);
    }
    change(s, kind, key, new);
}

bool
apiserver_delete(struct apiserver *s, enum kube_kind kind, const char *key)
{
    if (!apiserver_get(s, kind, key)) {
        return false;
    }
    change(s, kind, key, NULL);
    return true;
}

void
apiserver_set_addresses(struct apiserver *s, const char *ingress_key,
                        json_t *addresses)
{
    json_t *old = apiserver_get(s, KUBE_INGRESS, ingress_key);
    json_t *new = json_deep_copy(old);

    json_object_set_new(
        new, "status",
        json_pack("{s:{s:O}}", "loadBalancer", "ingress", addresses));
    if (json_equal(json_object_get(new, "status"),
                   json_object_get(old, "status"))) {
        json_decref(new);
    } else {
        change(s, KUBE_INGRESS, ingress_key, new);
    }
}

void
apiserver_compact(struct apiserver *s)
{
    s->compacted = s->version;
}

void
apiserver_forget(struct apiserver *s)
{
    apiserver_compact(s);
    drop_history(s);
}

void
apiserver_restore(struct apiserver *s)
{
    drop_history(s);
    s->version = 1;
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        AUTO_FREE const char **keys = map_sorted_keys(s->objects[kind]);
        size_t n = map_size(s->objects[kind]);

        for (size_t i = 0; i < n; i++) {
            json_t *new =
                json_deep_copy(map_get(s->objects[kind], keys[i]));

            stamp(new, ++s->version);
            json_decref(map_put(s->objects[kind], keys[i], new));
        }
    }
    s->compacted = s->version;
}

/* ---- selection ---- */

/* Is "field=value" or "field!=value" true? */
static bool
term_holds(const char *piece, size_t length, void *aux)
{
    AUTO_FREE char *term = xstrndup(piece, length);
    char *sign = strstr(term, "!=");
    bool is_not = sign != NULL;
    const char *have, *value;

    sign = sign ? sign : strchr(term, '=');
    if (!sign) {
        return false;
    }
    value = sign + (is_not ? 2 : 1);
    *sign = '\0';
    have = str_starts(term, "metadata.")
               ? apiserver_text(aux, "metadata", term + strlen("metadata."))
               : apiserver_text(aux, NULL, term);
    return str_eq(have ? have : "", value) != is_not;
}

bool
apiserver_matches(json_t *document, const char *ns, const char *selector)
{
    if (!document ||
        (ns && !str_eq(ns, apiserver_text(document, "metadata",
                                          "namespace")))) {
        return false;
    }
    return !selector || str_split(selector, ',', term_holds, document);
}

json_t *
apiserver_list(const struct apiserver *s, enum kube_kind kind, const char *ns,
               const char *selector)
{
    AUTO_FREE const char **keys = map_sorted_keys(s->objects[kind]);
    size_t n = map_size(s->objects[kind]);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *document = map_get(s->objects[kind], keys[i]);

        if (apiserver_matches(document, ns, selector)) {
            json_array_append(list, document);
        }
    }
    return list;
}
