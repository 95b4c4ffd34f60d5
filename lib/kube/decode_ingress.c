#include "lib/kube/decode_priv.h"

#include <string.h>

#include "lib/base/str.h"

#define DEFAULT_CLASS "ingressclass.kubernetes.io/is-default-class"

/* "kind/name" of a resource backend. */
static const char *
decode_resource(struct decode *d, json_t *resource)
{
    const char *kind = jx_text(&d->jx, resource, "kind", JX_OPTIONAL);
    const char *name = jx_text(&d->jx, resource, "name", JX_OPTIONAL);
    size_t length = kind ? strlen(kind) : 0;
    char *text = arena_room(d->arena, length + 1 + (name ? strlen(name) : 0));

    if (kind) {
        memcpy(text, kind, length);
    }
    text[length] = '/';
    if (name) {
        memcpy(text + length + 1, name, strlen(name));
    }
    return text;
}

/* {service: {name, port: {name | number}} | resource: {kind, name}} */
static void
decode_backend(struct decode *d, json_t *object, struct kube_backend *out)
{
    json_t *service = jx_object(&d->jx, object, "service", JX_OPTIONAL);
    json_t *resource = jx_object(&d->jx, object, "resource", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "service");
    json_t *port = jx_object(&d->jx, service, "port", JX_OPTIONAL);
    size_t inner;

    out->service = decode_text(d, service, "name");
    inner = jx_enter(&d->jx, "port");
    out->port.name = decode_text(d, port, "name");
    /* Its range is a rule of Ingress, not of its JSON: lib/ingress says it. */
    out->port.number = (int32_t) jx_int(&d->jx, port, "number", INT32_MIN,
                                        INT32_MAX, 0);
    jx_leave(&d->jx, inner);
    jx_leave(&d->jx, mark);
    if (str_is_empty(out->port.name)) {
        out->port.name = NULL;
    } else {
        out->port.number = 0;
    }
    if (resource) {
        mark = jx_enter(&d->jx, "resource");
        out->resource = decode_resource(d, resource);
        jx_leave(&d->jx, mark);
    }
}

static enum kube_path_type
path_type(const char *name)
{
    static const struct {
        const char *name;
        enum kube_path_type type;
    } types[] = {
        { "Exact", KUBE_PATH_EXACT },
        { "Prefix", KUBE_PATH_PREFIX },
        { "ImplementationSpecific", KUBE_PATH_IMPLEMENTATION },
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (str_eq(name, types[i].name)) {
            return types[i].type;
        }
    }
    return KUBE_PATH_UNKNOWN;
}

static void
decode_path(struct decode *d, json_t *item, void *out)
{
    struct kube_path *path = out;
    json_t *backend = jx_object(&d->jx, item, "backend", JX_OPTIONAL);
    size_t mark;

    path->path = decode_text(d, item, "path");
    path->type = path_type(jx_text(&d->jx, item, "pathType", JX_OPTIONAL));
    mark = jx_enter(&d->jx, "backend");
    decode_backend(d, backend, &path->backend);
    jx_leave(&d->jx, mark);
}

static void
decode_rule(struct decode *d, json_t *item, void *out)
{
    struct kube_rule *rule = out;
    json_t *http = jx_object(&d->jx, item, "http", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "http");

    rule->paths = decode_list(d, http, "paths", sizeof *rule->paths,
                              decode_path, &rule->n_paths);
    jx_leave(&d->jx, mark);
    rule->host = decode_text(d, item, "host");
}

static void
decode_tls(struct decode *d, json_t *item, void *out)
{
    struct kube_tls *tls = out;

    tls->hosts = decode_texts(d, item, "hosts", &tls->n_hosts);
    tls->secret = decode_text(d, item, "secretName");
}

void
decode_ingress(struct decode *d, json_t *document, struct kube_object *out)
{
    struct kube_ingress *ingress = &out->ingress;
    json_t *spec = jx_object(&d->jx, document, "spec", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "spec");
    json_t *backend = jx_object(&d->jx, spec, "defaultBackend",
                                JX_OPTIONAL);

    ingress->class_name = decode_text(d, spec, "ingressClassName");
    if (backend) {
        size_t inner = jx_enter(&d->jx, "defaultBackend");
        struct kube_backend *to = arena_alloc(d->arena, 1, sizeof *to);

        decode_backend(d, backend, to);
        ingress->default_backend = to;
        jx_leave(&d->jx, inner);
    }
    ingress->rules = decode_list(d, spec, "rules", sizeof *ingress->rules,
                                 decode_rule, &ingress->n_rules);
    ingress->tls = decode_list(d, spec, "tls", sizeof *ingress->tls,
                               decode_tls, &ingress->n_tls);
    jx_leave(&d->jx, mark);
    ingress->addresses = decode_addresses(d, document,
                                          &ingress->n_addresses);
}

void
decode_ingress_class(struct decode *d, json_t *document,
                     struct kube_object *out)
{
    json_t *spec = jx_object(&d->jx, document, "spec", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "spec");

    out->ingress_class.controller = decode_text(d, spec, "controller");
    jx_leave(&d->jx, mark);
    out->ingress_class.is_default =
        str_eq(kube_pair(&out->annotations, DEFAULT_CLASS), "true");
}
