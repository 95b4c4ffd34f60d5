/* A watch stream in pieces, to lines, to objects, to the cache.
 *
 * Every line is taken for a watch event, and its "object" (or itself) is
 * decoded as the kind it names, or as all kinds.
 *
 * Oracles: the pieces make the lines that the whole makes; an object is made
 * the same twice, holds only its own memory, and its parts agree; taking all
 * changes from the cache leads to what the cache says it has. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/cache.h"
#include "lib/kube/decode.h"
#include "lib/kube/frame.h"
#include "lib/kube/ingest.h"

#define LINE_MAX ((size_t) 64 << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stream {
    struct cache *cache;
    struct ingest ingests[KUBE_N_KINDS];
    size_t n_lines;
    size_t n_bytes;
};

static size_t n_touched;

/* Reads a string to its end: the sanitizer sees one that has none. */
static void
touch(const char *s)
{
    n_touched += s ? strlen(s) : 0;
}

static void
touch_pairs(const struct kube_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        touch(pairs->items[i].name);
        touch(pairs->items[i].value);
        assert(i == 0 ||
               strcmp(pairs->items[i - 1].name, pairs->items[i].name) < 0);
    }
}

static void
touch_backend(const struct kube_backend *b)
{
    touch(b->service);
    touch(b->resource);
    touch(b->port.name);
    assert(!b->port.name || b->port.number == 0);
    assert(!b->port.name || b->port.name[0]);
}

static void
touch_ingress(const struct kube_ingress *ingress)
{
    touch(ingress->class_name);
    if (ingress->default_backend) {
        touch_backend(ingress->default_backend);
    }
    for (size_t i = 0; i < ingress->n_rules; i++) {
        touch(ingress->rules[i].host);
        for (size_t j = 0; j < ingress->rules[i].n_paths; j++) {
            touch(ingress->rules[i].paths[j].path);
            touch_backend(&ingress->rules[i].paths[j].backend);
        }
    }
    for (size_t i = 0; i < ingress->n_tls; i++) {
        touch(ingress->tls[i].secret);
        for (size_t j = 0; j < ingress->tls[i].n_hosts; j++) {
            touch(ingress->tls[i].hosts[j]);
        }
    }
    for (size_t i = 0; i < ingress->n_addresses; i++) {
        touch(ingress->addresses[i].ip);
        touch(ingress->addresses[i].hostname);
    }
}

static void
touch_service(const struct kube_service *service)
{
    touch(service->cluster_ip);
    touch(service->external_name);
    for (size_t i = 0; i < service->n_external_ips; i++) {
        touch(service->external_ips[i]);
    }
    for (size_t i = 0; i < service->n_ports; i++) {
        const struct kube_service_port *port = &service->ports[i];

        touch(port->name);
        touch(port->app_protocol);
        touch(port->target.name);
        assert(port->port >= 1 && port->port <= 65535);
        assert((port->target.name != NULL) != (port->target.number > 0));
        assert(port->target.number <= 65535);
    }
}

static void
touch_slice(const struct kube_endpoint_slice *slice)
{
    touch(slice->service);
    for (size_t i = 0; i < slice->n_endpoints; i++) {
        for (size_t j = 0; j < slice->endpoints[i].n_addresses; j++) {
            touch(slice->endpoints[i].addresses[j]);
        }
    }
    for (size_t i = 0; i < slice->n_ports; i++) {
        touch(slice->ports[i].name);
        assert(slice->ports[i].port >= 0 && slice->ports[i].port <= 65535);
    }
}

static void
touch_kind(const struct kube_object *o)
{
    switch (o->kind) {
    case KUBE_INGRESS:
        touch_ingress(&o->ingress);
        break;
    case KUBE_INGRESS_CLASS:
        touch(o->ingress_class.controller);
        break;
    case KUBE_SERVICE:
        touch_service(&o->service);
        break;
    case KUBE_ENDPOINT_SLICE:
        touch_slice(&o->slice);
        break;
    case KUBE_SECRET:
        touch(o->secret.type);
        for (size_t i = 0; i < o->secret.n_data; i++) {
            touch(o->secret.data[i].name);
            assert(o->secret.data[i].data[o->secret.data[i].size] == '\0');
        }
        break;
    case KUBE_NAMESPACE:
        break;
    case KUBE_CONFIG_MAP:
        touch_pairs(&o->config_map.data);
        break;
    case KUBE_LEASE:
        touch(o->lease.holder);
        touch(o->lease.renew_time);
        touch(o->lease.acquire_time);
        assert(o->lease.duration_s >= 0 && o->lease.transitions >= 0);
        break;
    case KUBE_POD:
        touch(o->pod.host_ip);
        break;
    }
}

static void
check_object(const struct kube_object *o)
{
    size_t ns = o->namespace ? strlen(o->namespace) + 1 : 0;

    touch(o->uid);
    touch(o->resource_version);
    touch(o->generate_name);
    touch_pairs(&o->annotations);
    touch_kind(o);
    assert(strlen(o->key) == ns + strlen(o->name));
    assert(strcmp(o->key + ns, o->name) == 0);
    assert(!o->namespace || strncmp(o->key, o->namespace, ns - 1) == 0);
    assert(!strchr(o->name, '/'));
    assert(o->size >= sizeof *o && o->size <= KUBE_MAX_OBJECT + sizeof *o +
                                                  sizeof(size_t));
}

static void
decode_as(enum kube_kind kind, json_t *document)
{
    AUTO_KUBE const struct kube_object *first = NULL;
    AUTO_KUBE const struct kube_object *second = NULL;
    AUTO_ERR struct err *err = kube_decode(kind, document, "s:1", &first);
    AUTO_ERR struct err *again = kube_decode(kind, document, "s:1", &second);

    assert((err == NULL) == (first != NULL));
    assert((again == NULL) == (err == NULL));
    if (err) {
        assert(strcmp(err_text(err), err_text(again)) == 0);
        assert(!str_has_control(err_text(err), strlen(err_text(err))));
    } else {
        check_object(first);
        assert(first->size == second->size);
        assert(strcmp(first->key, second->key) == 0);
    }
}

static bool
read_line(const char *line, size_t size, void *aux)
{
    struct stream *s = aux;
    AUTO_JSON json_t *document = NULL;
    AUTO_ERR struct err *err = jx_load(line, size, LINE_MAX, &document);
    json_t *object = json_object_get(document, "object");
    const char *name;
    enum kube_kind kind;

    s->n_lines++;
    s->n_bytes += size;
    object = object ? object : document;
    name = json_string_value(json_object_get(object, "kind"));
    if (err) {
        kind = (enum kube_kind) (size % KUBE_N_KINDS);
    } else if (name && kube_kind_parse(name, &kind)) {
        decode_as(kind, object);
    } else {
        for (int i = 0; i < KUBE_N_KINDS; i++) {
            kind = (enum kube_kind) i;
            decode_as(kind, object);
        }
    }
    AUTO_INGEST_EVENT struct ingest_event event = { .version = NULL };
    ingest_event(&s->ingests[kind], line, size, 0, &event);
    return true;
}

static bool
count_line(const char *line, size_t size, void *aux)
{
    struct stream *s = aux;

    (void) line;
    s->n_lines++;
    s->n_bytes += size;
    return true;
}

/* Follows the changes and compares what they lead to with the cache. */
static void
check_changes(struct cache *cache)
{
    struct map *model = map_new();
    struct cache_change change;
    size_t n = 0;

    while (cache_take_change(cache, &change)) {
        AUTO_FREE char *label = xasprintf("%d %s", (int) change.kind,
                                          change.key);

        assert(change.old || change.new);
        assert(!change.old == !map_get(model, label));
        if (change.new) {
            map_put(model, label, cache);
        } else {
            map_remove(model, label);
        }
        cache_change_fini(&change);
    }
    for (int i = 0; i < KUBE_N_KINDS; i++) {
        n += cache_count(cache, (enum kube_kind) i);
    }
    assert(map_size(model) == n);
    map_free(model, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size > 0 ? 1 + data[0] % 61 : 1;
    struct stream s = { .cache = cache_new() };
    struct stream whole = { .cache = NULL };
    struct frame frame;

    log_configure(LOG_ERROR + 1, LOG_TEXT);
    for (int i = 0; i < KUBE_N_KINDS; i++) {
        s.ingests[i].cache = s.cache;
        s.ingests[i].kind = (enum kube_kind) i;
    }
    frame_init(&frame, LINE_MAX);
    for (size_t at = 0; at < size; at += piece) {
        frame_feed(&frame, data + at, size - at < piece ? size - at : piece,
                   read_line, &s);
    }
    frame_fini(&frame);
    frame_init(&frame, LINE_MAX);
    frame_feed(&frame, data, size, count_line, &whole);
    frame_fini(&frame);
    assert(s.n_lines == whole.n_lines && s.n_bytes == whole.n_bytes);
    check_changes(s.cache);
    for (int i = 0; i < KUBE_N_KINDS; i++) {
        ingest_fini(&s.ingests[i]);
    }
    cache_free(s.cache);
    return 0;
}
