#include "lib/kube/decode_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define SERVICE_LABEL "kubernetes.io/service-name"

static bool
is_tcp(struct decode *d, json_t *port)
{
    const char *protocol = jx_text(&d->jx, port, "protocol", JX_OPTIONAL);

    return str_is_empty(protocol) || strcmp(protocol, "TCP") == 0;
}

static void
decode_service_port(struct decode *d, json_t *item, void *out)
{
    struct kube_service_port *port = out;

    port->name = decode_text(d, item, "name");
    port->port = (int32_t) jx_int(&d->jx, item, "port", 1, 65535, 0);
    if (port->port == 0) {
        jx_fail(&d->jx, "port", "is missing");
    }
    port->app_protocol = decode_text(d, item, "appProtocol");
    port->is_tcp = is_tcp(d, item);
    if (!decode_port(d, item, "targetPort", &port->target)) {
        port->target.number = port->port;
    }
}

static enum kube_service_type
service_type(struct decode *d, json_t *spec)
{
    static const char *const names[] = {
        [KUBE_SERVICE_CLUSTER_IP] = "ClusterIP",
        [KUBE_SERVICE_NODE_PORT] = "NodePort",
        [KUBE_SERVICE_LOAD_BALANCER] = "LoadBalancer",
        [KUBE_SERVICE_EXTERNAL_NAME] = "ExternalName",
    };
    const char *type = jx_text(&d->jx, spec, "type", JX_OPTIONAL);

    for (size_t i = 0; type && i < ARRAY_SIZE(names); i++) {
        if (strcmp(type, names[i]) == 0) {
            return (enum kube_service_type) i;
        }
    }
    if (!str_is_empty(type)) {
        AUTO_FREE char *quoted = str_quote(type);

        jx_fail(&d->jx, "type",
                "%s is not ClusterIP, NodePort, LoadBalancer or "
                "ExternalName",
                quoted);
    }
    return KUBE_SERVICE_CLUSTER_IP;
}

void
decode_service(struct decode *d, json_t *document, struct kube_object *out)
{
    struct kube_service *service = &out->service;
    json_t *spec = jx_object(&d->jx, document, "spec", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "spec");

    service->type = service_type(d, spec);
    service->cluster_ip = decode_text(d, spec, "clusterIP");
    service->external_name = decode_text(d, spec, "externalName");
    service->external_ips = decode_texts(d, spec, "externalIPs",
                                         &service->n_external_ips);
    service->ports = decode_list(d, spec, "ports", sizeof *service->ports,
                                 decode_service_port, &service->n_ports);
    jx_leave(&d->jx, mark);
    service->addresses = decode_addresses(d, document,
                                          &service->n_addresses);
}

static void
decode_endpoint(struct decode *d, json_t *item, void *out)
{
    struct kube_endpoint *endpoint = out;
    json_t *conditions = jx_object(&d->jx, item, "conditions", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "conditions");

    endpoint->ready = jx_bool(&d->jx, conditions, "ready", true);
    endpoint->serving = jx_bool(&d->jx, conditions, "serving",
                                endpoint->ready);
    endpoint->terminating = jx_bool(&d->jx, conditions, "terminating",
                                    false);
    jx_leave(&d->jx, mark);
    endpoint->addresses = decode_texts(d, item, "addresses",
                                       &endpoint->n_addresses);
}

static void
decode_slice_port(struct decode *d, json_t *item, void *out)
{
    struct kube_slice_port *port = out;

    port->name = decode_text(d, item, "name");
    port->port = (int32_t) jx_int(&d->jx, item, "port", 0, 65535, 0);
    port->is_tcp = is_tcp(d, item);
}

void
decode_endpoint_slice(struct decode *d, json_t *document,
                      struct kube_object *out)
{
    struct kube_endpoint_slice *slice = &out->slice;
    json_t *meta = jx_object(&d->jx, document, "metadata", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "metadata");
    json_t *labels = jx_object(&d->jx, meta, "labels", JX_OPTIONAL);
    size_t inner = jx_enter(&d->jx, "labels");

    slice->service = decode_text(d, labels, SERVICE_LABEL);
    jx_leave(&d->jx, inner);
    jx_leave(&d->jx, mark);
    slice->is_fqdn = decode_text_is(d, document, "addressType", "FQDN");
    slice->endpoints = decode_list(d, document, "endpoints",
                                   sizeof *slice->endpoints,
                                   decode_endpoint, &slice->n_endpoints);
    slice->ports = decode_list(d, document, "ports", sizeof *slice->ports,
                               decode_slice_port, &slice->n_ports);
}

/* Tokens, pull secrets and Helm's release records are none of our business:
 * their bytes are not kept, however many there are. */
static bool
keeps_data(const char *type)
{
    static const char *const types[] = {
        "Opaque",
        "kubernetes.io/tls",
        "kubernetes.io/basic-auth",
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (str_is_empty(type) || strcmp(type, types[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
set_datum(struct decode *d, struct kube_datum *datum, const char *name,
          const char *data, size_t size)
{
    datum->name = arena_text(d->arena, name, strlen(name));
    datum->data = arena_text(d->arena, data, size);
    datum->size = size;
}

static void
decode_datum(struct decode *d, const char *name, json_t *value,
             struct kube_datum *datum)
{
    const char *text = json_is_null(value) ? "" : json_string_value(value);
    AUTO_FREE char *data = NULL;
    AUTO_FREE char *quoted = str_quote(name);
    size_t size;

    if (!text) {
        decode_fail_text(d, name, value);
    } else if (!digest_base64_decode(text, strlen(text), &data, &size)) {
        jx_fail(&d->jx, NULL, "the value of %s is not base64", quoted);
    } else {
        set_datum(d, datum, name, data, size);
        explicit_bzero(data, size);
    }
}

static int
compare_data(const void *a, const void *b)
{
    return strcmp(((const struct kube_datum *) a)->name,
                  ((const struct kube_datum *) b)->name);
}

/* stringData is how people write Secrets by hand; it wins over data, as in
 * the API server, which never sends it. */
static void
decode_data(struct decode *d, json_t *data, json_t *plain,
            struct kube_secret *secret)
{
    struct kube_datum *items;
    const char *name;
    json_t *value;
    size_t n = json_object_size(plain), i = 0, mark;

    json_object_foreach(data, name, value) {
        n += json_object_get(plain, name) ? 0 : 1;
    }
    if (n > KUBE_MAX_ITEMS) {
        jx_fail(&d->jx, "data", "has %zu members, at most %d are read", n,
                KUBE_MAX_ITEMS);
        return;
    }
    items = arena_alloc(d->arena, n, sizeof *items);
    mark = jx_enter(&d->jx, "data");
    json_object_foreach(data, name, value) {
        if (!json_object_get(plain, name) && decode_go_on(d)) {
            decode_datum(d, name, value, &items[i++]);
        }
    }
    jx_leave(&d->jx, mark);
    mark = jx_enter(&d->jx, "stringData");
    json_object_foreach(plain, name, value) {
        const char *text = json_is_null(value) ? ""
                                               : json_string_value(value);

        if (!text) {
            decode_fail_text(d, name, value);
        } else if (decode_go_on(d)) {
            set_datum(d, &items[i++], name, text, strlen(text));
        }
    }
    jx_leave(&d->jx, mark);
    if (decode_go_on(d) && n > 1) {
        qsort(items, n, sizeof *items, compare_data);
    }
    secret->data = items;
    secret->n_data = (uint32_t) n;      /* KUBE_MAX_ITEMS */
}

void
decode_secret(struct decode *d, json_t *document, struct kube_object *out)
{
    json_t *data = jx_object(&d->jx, document, "data", JX_OPTIONAL);
    json_t *plain = jx_object(&d->jx, document, "stringData", JX_OPTIONAL);

    out->secret.type = decode_text(d, document, "type");
    if (keeps_data(out->secret.type)) {
        decode_data(d, data, plain, &out->secret);
    }
}

void
decode_namespace(struct decode *d, json_t *document,
                 struct kube_object *out)
{
    json_t *status = jx_object(&d->jx, document, "status", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "status");

    if (decode_text_is(d, status, "phase", "Terminating")) {
        out->is_deleting = true;
    }
    jx_leave(&d->jx, mark);
}

void
decode_config_map(struct decode *d, json_t *document,
                  struct kube_object *out)
{
    out->config_map.data = decode_pairs(d, document, "data", NULL);
}

void
decode_lease(struct decode *d, json_t *document, struct kube_object *out)
{
    struct kube_lease *lease = &out->lease;
    json_t *spec = jx_object(&d->jx, document, "spec", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "spec");

    lease->holder = decode_text(d, spec, "holderIdentity");
    lease->duration_s = jx_int(&d->jx, spec, "leaseDurationSeconds", 0,
                               INT32_MAX, 0);
    lease->renew_time = decode_text(d, spec, "renewTime");
    lease->acquire_time = decode_text(d, spec, "acquireTime");
    lease->transitions = jx_int(&d->jx, spec, "leaseTransitions", 0,
                                INT32_MAX, 0);
    jx_leave(&d->jx, mark);
}

struct condition {
    bool is_ready;
};

static void
decode_condition(struct decode *d, json_t *item, void *out)
{
    ((struct condition *) out)->is_ready =
        decode_text_is(d, item, "type", "Ready") &&
        decode_text_is(d, item, "status", "True");
}

void
decode_pod(struct decode *d, json_t *document, struct kube_object *out)
{
    json_t *status = jx_object(&d->jx, document, "status", JX_OPTIONAL);
    size_t mark = jx_enter(&d->jx, "status");
    const struct condition *conditions;
    uint32_t n;

    conditions = decode_list(d, status, "conditions", sizeof *conditions,
                             decode_condition, &n);
    for (uint32_t i = 0; i < n && decode_go_on(d); i++) {
        out->pod.is_ready |= conditions[i].is_ready;
    }
    out->pod.is_ready =
        out->pod.is_ready && decode_text_is(d, status, "phase", "Running");
    out->pod.host_ip = decode_text(d, status, "hostIP");
    jx_leave(&d->jx, mark);
}
