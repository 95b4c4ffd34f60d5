#include "reconciler/catalog.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/cert_wire.h"

struct shard {
    char *key;
    struct map *lines;          /* Secret key -> its line */
    bool is_changed;            /* Since it was last compared. */
    char *version;              /* Of what it was compared with, or NULL. */
    bool differs;
};

struct catalog {
    struct shard shards[CERT_WIRE_SHARDS];
    char *ns;
    size_t n_lines;
};

/* The data of a shard, namespace by namespace. */
struct value {
    char *ns;
    struct buf text;
    bool is_cut;
};
struct values {
    VEC(struct value) items;
    size_t size;
    bool is_cut;
};

struct catalog *
catalog_new(const char *ns, const char *class)
{
    struct catalog *c = xcalloc(1, sizeof *c);

    c->ns = xstrdup(ns);
    for (size_t i = 0; i < CERT_WIRE_SHARDS; i++) {
        AUTO_FREE char *name = cert_wire_name(class, i);

        c->shards[i].key = xasprintf("%s/%s", ns, name);
        c->shards[i].lines = map_new();
        c->shards[i].is_changed = true;
    }
    return c;
}

void
catalog_free(struct catalog *c)
{
    if (!c) {
        return;
    }
    for (size_t i = 0; i < CERT_WIRE_SHARDS; i++) {
        map_free(c->shards[i].lines, free);
        free(c->shards[i].key);
        free(c->shards[i].version);
    }
    free(c->ns);
    free(c);
}

size_t
catalog_count(const struct catalog *c)
{
    return c->n_lines;
}

const char *
catalog_key(const struct catalog *c, size_t shard)
{
    return c->shards[shard].key;
}

static char *
namespace_of(const char *key)
{
    return xstrndup(key, strcspn(key, "/"));
}

void
catalog_set(struct catalog *c, const char *key,
            const struct cert_facts *facts)
{
    AUTO_FREE char *ns = namespace_of(key);
    struct shard *s = &c->shards[cert_wire_shard(ns)];
    AUTO_FREE char *old = NULL;
    AUTO_BUF struct buf line = BUF_OWN;

    if (!facts) {
        old = map_remove(s->lines, key);
        c->n_lines -= old != NULL;
        s->is_changed |= old != NULL;
        return;
    }
    cert_wire_put(key + strlen(ns) + 1, facts, &line);
    if (str_eq(map_get(s->lines, key), buf_str(&line))) {
        return;
    }
    old = map_put(s->lines, key, buf_take(&line));
    c->n_lines += old == NULL;
    s->is_changed = true;
}

/* --- The data of a shard --- */

static struct value *
value_of(struct values *values, const char *key)
{
    AUTO_FREE char *ns = namespace_of(key);
    struct value *last =
        values->items.n > 0 ? &values->items.items[values->items.n - 1]
                            : NULL;

    if (!last || !str_eq(last->ns, ns)) {
        last = VEC_ADD(&values->items);
        *last = (struct value) { .ns = STEAL_PTR(ns), .text = BUF_OWN };
    }
    return last;
}

/* One namespace may have a part of the shard, so that it cannot push the
 * others out. */
static void
add_line(struct values *values, const char *key, const char *line)
{
    struct value *v = value_of(values, key);
    const size_t size = strlen(line);

    v->is_cut |= v->text.size + size > CERT_WIRE_MAX_NAMESPACE;
    values->is_cut |= values->size + size > CERT_WIRE_MAX_SHARD;
    if (!v->is_cut && !values->is_cut) {
        buf_put(&v->text, line, size);
        values->size += size;
    }
}

static void
values_init(struct values *values, const struct shard *s)
{
    AUTO_FREE const char **keys = map_sorted_keys(s->lines);

    *values = (struct values) { .size = 0 };
    for (size_t i = 0; i < map_size(s->lines); i++) {
        add_line(values, keys[i], map_get(s->lines, keys[i]));
    }
    for (size_t i = 0; i < values->items.n; i++) {
        if (values->items.items[i].is_cut) {
            buf_puts(&values->items.items[i].text, CERT_WIRE_REST);
        }
    }
}

static void
values_fini(struct values *values)
{
    for (size_t i = 0; i < values->items.n; i++) {
        free(values->items.items[i].ns);
        buf_fini(&values->items.items[i].text);
    }
    VEC_FINI(&values->items);
}

/* A shard that was cut has namespaces that end early without a last line: of
 * all of it nothing is certain but the lines that are there. */
static const char *
state_of(const struct values *values)
{
    return values->is_cut ? CERT_WIRE_CUT : CERT_WIRE_WHOLE;
}

static bool
equals(const struct values *values, const struct kube_object *there)
{
    const struct kube_pairs *data = &there->config_map.data;
    bool same = data->n == values->items.n + 1 &&
                str_eq(kube_pair(data, CERT_WIRE_STATE), state_of(values));

    for (size_t i = 0; same && i < values->items.n; i++) {
        const struct value *v = &values->items.items[i];

        same = str_eq(kube_pair(data, v->ns), buf_str(&v->text));
    }
    return same;
}

bool
catalog_differs(struct catalog *c, size_t shard,
                const struct kube_object *there)
{
    struct shard *s = &c->shards[shard];
    const char *version = there ? there->resource_version : NULL;

    if (s->is_changed || !str_eq(version, s->version)) {
        AUTO(values_fini) struct values values;

        values_init(&values, s);
        s->differs = !there || !equals(&values, there);
        s->is_changed = false;
        free(s->version);
        s->version = version ? xstrdup(version) : NULL;
    }
    return s->differs;
}

char *
catalog_render(const struct catalog *c, size_t shard,
               const struct kube_object *there, size_t *size)
{
    const struct shard *s = &c->shards[shard];
    AUTO(values_fini) struct values values;
    AUTO_JSON json_t *data = json_object();
    AUTO_JSON json_t *root = NULL;
    char *text, *copy;

    values_init(&values, s);
    json_object_set_new(data, CERT_WIRE_STATE,
                        json_string(state_of(&values)));
    for (size_t i = 0; i < values.items.n; i++) {
        const struct value *v = &values.items.items[i];

        json_object_set_new(data, v->ns, json_string(buf_str(&v->text)));
    }
    root = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:s*, s:{s:s, s:s}}, s:O}", "apiVersion",
        "v1", "kind", "ConfigMap", "metadata", "namespace", c->ns, "name",
        s->key + strlen(c->ns) + 1, "resourceVersion",
        there ? there->resource_version : NULL, "labels",
        "app.kubernetes.io/name", "sallyport", "app.kubernetes.io/component",
        "certificates", "data", data);
    text = json_dumps(root, JSON_COMPACT);
    copy = xstrdup(text);
    free(text);
    *size = strlen(copy);
    return copy;
}
