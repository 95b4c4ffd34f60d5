/* What the tests of decoding share: an object as text, and rows of documents
 * and what becomes of them. */
#ifndef TESTS_UNIT_KUBE_DECODE_HELP_H
#define TESTS_UNIT_KUBE_DECODE_HELP_H

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/kube/decode.h"

#define META "\"metadata\": {\"name\": \"a\", \"namespace\": \"n\"}"
#define NAMED(members) "{\"metadata\": {\"name\": \"a\"" members "}}"

/* 'want' is the object as show() prints it, or the whole error. */
struct decode_row {
    const char *name;
    enum kube_kind kind;
    const char *json;
    const char *want;
};

static inline const char *
or_dash(const char *s)
{
    return s ? s : "-";
}

static inline void
show_backend(const struct kube_backend *b, struct buf *out)
{
    if (b->resource) {
        buf_puts(out, b->resource);
    } else if (!b->service) {
        buf_putc(out, '-');
    } else if (b->port.name) {
        buf_printf(out, "%s:%s", b->service, b->port.name);
    } else {
        buf_printf(out, "%s:%d", b->service, b->port.number);
    }
}

static inline void
show_addresses(const struct kube_address *addresses, size_t n,
               struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, " %s", addresses[i].ip ? addresses[i].ip
                                               : addresses[i].hostname);
    }
}

static inline void
show_ingress(const struct kube_ingress *ingress, struct buf *out)
{
    static const char *const types[] = { "unknown", "exact", "prefix",
                                         "implementation" };

    if (ingress->class_name) {
        buf_printf(out, " class=%s", ingress->class_name);
    }
    if (ingress->default_backend) {
        buf_puts(out, " default=");
        show_backend(ingress->default_backend, out);
    }
    for (size_t i = 0; i < ingress->n_rules; i++) {
        const struct kube_rule *rule = &ingress->rules[i];

        buf_printf(out, " rule(%s", or_dash(rule->host));
        for (size_t j = 0; j < rule->n_paths; j++) {
            buf_printf(out, " %s %s ", or_dash(rule->paths[j].path),
                       types[rule->paths[j].type]);
            show_backend(&rule->paths[j].backend, out);
        }
        buf_putc(out, ')');
    }
    for (size_t i = 0; i < ingress->n_tls; i++) {
        buf_puts(out, " tls(");
        for (size_t j = 0; j < ingress->tls[i].n_hosts; j++) {
            buf_printf(out, "%s ", ingress->tls[i].hosts[j]);
        }
        buf_printf(out, "%s)", or_dash(ingress->tls[i].secret));
    }
    show_addresses(ingress->addresses, ingress->n_addresses, out);
}

static inline void
show_service(const struct kube_service *service, struct buf *out)
{
    static const char *const types[] = { "ClusterIP", "NodePort",
                                         "LoadBalancer", "ExternalName" };

    buf_printf(out, " %s", types[service->type]);
    if (service->cluster_ip) {
        buf_printf(out, " ip=%s", service->cluster_ip);
    }
    if (service->external_name) {
        buf_printf(out, " external=%s", service->external_name);
    }
    for (size_t i = 0; i < service->n_external_ips; i++) {
        buf_printf(out, " %s", service->external_ips[i]);
    }
    for (size_t i = 0; i < service->n_ports; i++) {
        const struct kube_service_port *port = &service->ports[i];

        buf_printf(out, " port(%s %d>", or_dash(port->name), port->port);
        if (port->target.name) {
            buf_puts(out, port->target.name);
        } else {
            buf_printf(out, "%d", port->target.number);
        }
        buf_printf(out, " %s%s%s)", port->is_tcp ? "tcp" : "-",
                   port->app_protocol ? " " : "",
                   port->app_protocol ? port->app_protocol : "");
    }
    show_addresses(service->addresses, service->n_addresses, out);
}

static inline void
show_slice(const struct kube_endpoint_slice *slice, struct buf *out)
{
    buf_printf(out, " of=%s%s", or_dash(slice->service),
               slice->is_fqdn ? " fqdn" : "");
    for (size_t i = 0; i < slice->n_endpoints; i++) {
        const struct kube_endpoint *e = &slice->endpoints[i];
        const char *blank = "";

        buf_puts(out, " (");
        for (size_t j = 0; j < e->n_addresses; j++) {
            buf_printf(out, "%s%s", blank, e->addresses[j]);
            blank = " ";
        }
        if (e->ready) {
            buf_printf(out, "%sready", blank);
            blank = " ";
        }
        buf_printf(out, "%s%s)", e->serving ? blank : "",
                   e->serving ? "serving" : "");
        if (e->terminating) {
            out->size--;
            buf_puts(out, " terminating)");
        }
    }
    for (size_t i = 0; i < slice->n_ports; i++) {
        buf_printf(out, " port(%s %d %s)", or_dash(slice->ports[i].name),
                   slice->ports[i].port,
                   slice->ports[i].is_tcp ? "tcp" : "-");
    }
}

static inline void
show_secret(const struct kube_secret *secret, struct buf *out)
{
    buf_printf(out, " type=%s", or_dash(secret->type));
    for (size_t i = 0; i < secret->n_data; i++) {
        buf_printf(out, " %s=%zu:%s", secret->data[i].name,
                   secret->data[i].size, secret->data[i].data);
        assert_int_equal(secret->data[i].data[secret->data[i].size], '\0');
        assert_ptr_equal(kube_datum(secret, secret->data[i].name),
                         &secret->data[i]);
    }
}

static inline void
show_pairs(const struct kube_pairs *pairs, const char *mark, struct buf *out)
{
    for (size_t i = 0; i < pairs->n; i++) {
        buf_printf(out, " %s%s=%s", mark, pairs->items[i].name,
                   pairs->items[i].value);
        assert_ptr_equal(kube_pair(pairs, pairs->items[i].name),
                         pairs->items[i].value);
    }
    assert_null(kube_pair(pairs, "no such name"));
}

static inline void
show_kind(const struct kube_object *o, struct buf *out)
{
    switch (o->kind) {
    case KUBE_INGRESS:
        show_ingress(&o->ingress, out);
        break;
    case KUBE_INGRESS_CLASS:
        buf_printf(out, " controller=%s%s",
                   or_dash(o->ingress_class.controller),
                   o->ingress_class.is_default ? " default" : "");
        break;
    case KUBE_SERVICE:
        show_service(&o->service, out);
        break;
    case KUBE_ENDPOINT_SLICE:
        show_slice(&o->slice, out);
        break;
    case KUBE_SECRET:
        show_secret(&o->secret, out);
        break;
    case KUBE_NAMESPACE:
        break;
    case KUBE_CONFIG_MAP:
        show_pairs(&o->config_map.data, "", out);
        break;
    case KUBE_LEASE:
        buf_printf(out, " %s %d %s %s %d", or_dash(o->lease.holder),
                   (int) o->lease.duration_s, or_dash(o->lease.renew_time),
                   or_dash(o->lease.acquire_time),
                   (int) o->lease.transitions);
        break;
    case KUBE_POD:
        buf_printf(out, " %s%s", or_dash(o->pod.host_ip),
                   o->pod.is_ready ? " ready" : "");
        break;
    }
}

static inline void
show(const struct kube_object *o, struct buf *out)
{
    buf_puts(out, o->key);
    if (o->generate_name) {
        buf_printf(out, " generate=%s", o->generate_name);
    }
    if (o->uid) {
        buf_printf(out, " uid=%s", o->uid);
    }
    if (o->resource_version) {
        buf_printf(out, " rv=%s", o->resource_version);
    }
    if (o->generation) {
        buf_printf(out, " gen=%d", (int) o->generation);
    }
    if (o->created) {
        buf_printf(out, " created=%d", (int) o->created);
    }
    if (o->is_deleting) {
        buf_puts(out, " deleting");
    }
    show_pairs(&o->annotations, "@", out);
    show_kind(o, out);
}

static inline void
check_decode(void **state)
{
    const struct decode_row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_JSON json_t *document = NULL;
    AUTO_ERR struct err *err = NULL;
    AUTO_KUBE const struct kube_object *o = NULL;
    AUTO_ERR struct err *syntax =
        jx_load(row->json, strlen(row->json), SIZE_MAX, &document);

    assert_null(syntax);
    err = kube_decode(row->kind, document, NULL, &o);
    /* The object must not need its document. */
    json_decref(STEAL_PTR(document));
    if (err) {
        assert_null(o);
        buf_puts(&got, err_text(err));
    } else {
        assert_int_equal(o->kind, row->kind);
        assert_null(o->source);
        show(o, &got);
    }
    assert_string_equal(buf_str(&got), row->want);
}

#endif /* TESTS_UNIT_KUBE_DECODE_HELP_H */
