#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/kube/decode.h"

#define META "\"metadata\": {\"name\": \"a\", \"namespace\": \"n\"}"
#define IN(spec) "{" META ", \"spec\": " spec "}"
#define NAMED(members) "{\"metadata\": {\"name\": \"a\"" members "}}"

/* 'want' is the object as show() prints it, or the whole error. */
static const struct row {
    const char *name;
    enum kube_kind kind;
    const char *json;
    const char *want;
} rows[] = {
    /* What all kinds share. */
    { "meta: everything", KUBE_INGRESS,
      "{\"kind\": \"Ingress\", \"metadata\": {\"name\": \"a\", "
      "\"namespace\": \"n\", \"uid\": \"u\", \"resourceVersion\": \"7\", "
      "\"generation\": 3, \"creationTimestamp\": \"1970-01-01T00:01:00Z\", "
      "\"deletionTimestamp\": \"1970-01-01T00:02:00Z\", \"annotations\": "
      "{\"b\": \"2\", \"a\": \"1\"}, \"labels\": {\"l\": \"x\"}, "
      "\"managedFields\": [{\"manager\": \"kubectl\"}]}}",
      "n/a uid=u rv=7 gen=3 created=60 deleting @a=1 @b=2" },
    { "meta: no namespace is default", KUBE_INGRESS, NAMED(""),
      "default/a" },
    { "meta: an empty namespace is default", KUBE_INGRESS,
      NAMED(", \"namespace\": \"\""), "default/a" },
    { "meta: a null namespace is default", KUBE_INGRESS,
      NAMED(", \"namespace\": null"), "default/a" },
    { "meta: cluster scope has no namespace", KUBE_NAMESPACE,
      NAMED(", \"namespace\": \"n\""), "a" },
    { "meta: generateName", KUBE_INGRESS,
      "{\"metadata\": {\"generateName\": \"a-\"}}",
      "default/ generate=a-" },
    { "meta: missing", KUBE_INGRESS, "{}", "metadata: is missing" },
    { "meta: an array", KUBE_INGRESS, "{\"metadata\": []}",
      "metadata: must be an object" },
    { "meta: no name", KUBE_INGRESS, "{\"metadata\": {}}",
      "metadata.name: is missing" },
    { "meta: a number as name", KUBE_INGRESS, "{\"metadata\": {\"name\": 7}}",
      "metadata.name: must be a string" },
    { "meta: a slash in the name", KUBE_INGRESS,
      "{\"metadata\": {\"name\": \"b/c\", \"namespace\": \"a\"}}",
      "metadata.name: \"b/c\" must not contain '/'" },
    { "meta: a slash in the namespace", KUBE_INGRESS,
      NAMED(", \"namespace\": \"a/b\""),
      "metadata.namespace: \"a/b\" must not contain '/'" },
    { "meta: generation below zero", KUBE_INGRESS,
      NAMED(", \"generation\": -1"),
      "metadata.generation: must be a whole number from 0 to "
      "9223372036854775807" },
    { "meta: not a time", KUBE_INGRESS,
      NAMED(", \"creationTimestamp\": \"today\\n\""),
      "metadata.creationTimestamp: \"today\\n\" is not a time like "
      "2026-01-31T23:59:59Z" },
    { "meta: null creationTimestamp", KUBE_INGRESS,
      NAMED(", \"creationTimestamp\": null, \"deletionTimestamp\": null"),
      "default/a" },
    { "meta: deletionTimestamp must be text", KUBE_INGRESS,
      NAMED(", \"deletionTimestamp\": true"),
      "metadata.deletionTimestamp: must be a string" },
    { "meta: last-applied is dropped", KUBE_INGRESS,
      NAMED(", \"annotations\": {\"z\": \"1\", "
            "\"kubectl.kubernetes.io/last-applied-configuration\": \"{}\"}"),
      "default/a @z=1" },
    { "meta: an unquoted annotation", KUBE_INGRESS,
      NAMED(", \"annotations\": {\"x/ssl-redirect\": true}"),
      "metadata.annotations: the value of \"x/ssl-redirect\" must be a "
      "string: write \"true\", with quotes" },
    { "meta: a number as annotation", KUBE_INGRESS,
      NAMED(", \"annotations\": {\"x\": 60}"),
      "metadata.annotations: the value of \"x\" must be a string: write "
      "\"60\", with quotes" },
    { "meta: an object as annotation", KUBE_INGRESS,
      NAMED(", \"annotations\": {\"x\\n\": {}}"),
      "metadata.annotations: the value of \"x\\n\" must be a string" },
    { "meta: a null annotation is empty", KUBE_INGRESS,
      NAMED(", \"annotations\": {\"x\": null}"), "default/a @x=" },
    { "meta: annotations as a list", KUBE_INGRESS,
      NAMED(", \"annotations\": []"),
      "metadata.annotations: must be an object" },
    { "meta: a Service keeps no annotations", KUBE_SERVICE,
      NAMED(", \"annotations\": {\"a\": \"1\"}, \"labels\": {\"a\": \"1\"}"),
      "default/a ClusterIP" },
    { "kind: another", KUBE_INGRESS, "{\"kind\": \"Secret\"}",
      "kind: is \"Secret\", not Ingress" },
    { "kind: a number", KUBE_INGRESS, "{\"kind\": 1}",
      "kind: must be a string" },
    { "document: an array", KUBE_INGRESS, "[]",
      "document: must be an object" },

    /* Ingress. */
    { "ingress: everything", KUBE_INGRESS,
      "{" META ", \"spec\": {\"ingressClassName\": \"c\", "
      "\"defaultBackend\": {\"service\": {\"name\": \"d\", \"port\": "
      "{\"number\": 80}}}, \"rules\": [{\"host\": \"h\", \"http\": "
      "{\"paths\": [{\"path\": \"/\", \"pathType\": \"Prefix\", \"backend\": "
      "{\"service\": {\"name\": \"s\", \"port\": {\"name\": \"http\"}}}}, "
      "{\"path\": \"/e\", \"pathType\": \"Exact\", \"backend\": {\"resource\": "
      "{\"apiGroup\": \"g\", \"kind\": \"K\", \"name\": \"r\"}}}, "
      "{\"pathType\": \"ImplementationSpecific\"}, {\"pathType\": "
      "\"exact\"}]}}, {}], \"tls\": [{\"hosts\": [\"h\", \"i\"], "
      "\"secretName\": \"t\"}, {}]}, \"status\": {\"loadBalancer\": "
      "{\"ingress\": [{\"ip\": \"192.0.2.1\"}, {\"hostname\": \"lb\"}]}}}",
      "n/a class=c default=d:80 rule(h / prefix s:http /e exact K/r - "
      "implementation - - unknown -) rule(-) tls(h i t) tls(-) 192.0.2.1 "
      "lb" },
    { "ingress: empty spec", KUBE_INGRESS, IN("{}"), "n/a" },
    { "ingress: null spec", KUBE_INGRESS, IN("null"), "n/a" },
    { "ingress: empty default backend", KUBE_INGRESS,
      IN("{\"defaultBackend\": {}}"), "n/a default=-" },
    { "ingress: port by name and number is by name", KUBE_INGRESS,
      IN("{\"defaultBackend\": {\"service\": {\"name\": \"s\", \"port\": "
         "{\"name\": \"p\", \"number\": 80}}}}"),
      "n/a default=s:p" },
    { "ingress: an empty port name is none", KUBE_INGRESS,
      IN("{\"defaultBackend\": {\"service\": {\"name\": \"s\", \"port\": "
         "{\"name\": \"\", \"number\": 80}}}}"),
      "n/a default=s:80" },
    { "ingress: a port out of range is kept for the rules", KUBE_INGRESS,
      IN("{\"defaultBackend\": {\"service\": {\"name\": \"s\", \"port\": "
         "{\"number\": 70000}}}}"),
      "n/a default=s:70000" },
    { "ingress: a port over 32 bits", KUBE_INGRESS,
      IN("{\"defaultBackend\": {\"service\": {\"name\": \"s\", \"port\": "
         "{\"number\": 2147483648}}}}"),
      "spec.defaultBackend.service.port.number: must be a whole number from "
      "-2147483648 to 2147483647" },
    { "ingress: a port as text", KUBE_INGRESS,
      IN("{\"rules\": [{\"http\": {\"paths\": [{\"backend\": {\"service\": "
         "{\"port\": {\"number\": \"80\"}}}}]}}]}"),
      "spec.rules[0].http.paths[0].backend.service.port.number: must be a "
      "whole number from -2147483648 to 2147483647" },
    { "ingress: rules as an object", KUBE_INGRESS, IN("{\"rules\": {}}"),
      "spec.rules: must be an array" },
    { "ingress: a rule as text", KUBE_INGRESS, IN("{\"rules\": [{}, \"\"]}"),
      "spec.rules[1]: must be an object" },
    { "ingress: a null path", KUBE_INGRESS,
      IN("{\"rules\": [{\"http\": {\"paths\": [null]}}]}"),
      "spec.rules[0].http.paths[0]: must be an object" },
    { "ingress: a host as number", KUBE_INGRESS,
      IN("{\"rules\": [{\"host\": 1}]}"),
      "spec.rules[0].host: must be a string" },
    { "ingress: a TLS host as number", KUBE_INGRESS,
      IN("{\"tls\": [{\"hosts\": [\"a\", 1]}]}"),
      "spec.tls[0].hosts[1]: must be a string" },
    { "ingress: the first error is told", KUBE_INGRESS,
      IN("{\"ingressClassName\": 1, \"rules\": 2}"),
      "spec.ingressClassName: must be a string" },
    { "ingress: status of wrong type", KUBE_INGRESS,
      "{" META ", \"status\": {\"loadBalancer\": {\"ingress\": [{\"ip\": "
      "1}]}}}",
      "status.loadBalancer.ingress[0].ip: must be a string" },

    /* IngressClass. */
    { "class: default", KUBE_INGRESS_CLASS,
      "{\"metadata\": {\"name\": \"a\", \"annotations\": "
      "{\"ingressclass.kubernetes.io/is-default-class\": \"true\"}}, "
      "\"spec\": {\"controller\": \"x/y\"}}",
      "a @ingressclass.kubernetes.io/is-default-class=true controller=x/y "
      "default" },
    { "class: only \"true\" makes it default", KUBE_INGRESS_CLASS,
      NAMED(", \"annotations\": "
            "{\"ingressclass.kubernetes.io/is-default-class\": \"True\"}"),
      "a @ingressclass.kubernetes.io/is-default-class=True controller=-" },

    /* Service. */
    { "service: everything", KUBE_SERVICE,
      "{" META ", \"spec\": {\"type\": \"LoadBalancer\", \"clusterIP\": "
      "\"10.0.0.1\", \"externalIPs\": [\"192.0.2.7\"], \"ports\": [{\"name\": "
      "\"http\", \"port\": 80, \"targetPort\": \"web\", \"appProtocol\": "
      "\"kubernetes.io/h2c\"}, {\"port\": 53, \"protocol\": \"UDP\"}, "
      "{\"port\": 443, \"targetPort\": 8443, \"protocol\": \"TCP\"}]}, "
      "\"status\": {\"loadBalancer\": {\"ingress\": [{\"hostname\": "
      "\"lb\"}]}}}",
      "n/a LoadBalancer ip=10.0.0.1 192.0.2.7 port(http 80>web tcp "
      "kubernetes.io/h2c) port(- 53>53 -) port(- 443>8443 tcp) lb" },
    { "service: external name", KUBE_SERVICE,
      IN("{\"type\": \"ExternalName\", \"externalName\": \"x.test\"}"),
      "n/a ExternalName external=x.test" },
    { "service: node port", KUBE_SERVICE, IN("{\"type\": \"NodePort\"}"),
      "n/a NodePort" },
    { "service: unknown type", KUBE_SERVICE, IN("{\"type\": \"Nodeport\"}"),
      "spec.type: \"Nodeport\" is not ClusterIP, NodePort, LoadBalancer or "
      "ExternalName" },
    { "service: port zero", KUBE_SERVICE, IN("{\"ports\": [{\"port\": 0}]}"),
      "spec.ports[0].port: must be a whole number from 1 to 65535" },
    { "service: port too high", KUBE_SERVICE,
      IN("{\"ports\": [{\"port\": 65536}]}"),
      "spec.ports[0].port: must be a whole number from 1 to 65535" },
    { "service: no port", KUBE_SERVICE, IN("{\"ports\": [{}]}"),
      "spec.ports[0].port: is missing" },
    { "service: target zero is the port", KUBE_SERVICE,
      IN("{\"ports\": [{\"port\": 80, \"targetPort\": 0}]}"),
      "n/a ClusterIP port(- 80>80 tcp)" },
    { "service: target of wrong type", KUBE_SERVICE,
      IN("{\"ports\": [{\"port\": 80, \"targetPort\": 1.5}]}"),
      "spec.ports[0].targetPort: must be a number or a string" },
    { "service: target too high", KUBE_SERVICE,
      IN("{\"ports\": [{\"port\": 80, \"targetPort\": 65536}]}"),
      "spec.ports[0].targetPort: must be a whole number from 0 to 65535" },

    /* EndpointSlice. */
    { "slice: everything", KUBE_ENDPOINT_SLICE,
      "{\"metadata\": {\"name\": \"a\", \"namespace\": \"n\", \"labels\": "
      "{\"kubernetes.io/service-name\": \"s\"}}, \"addressType\": \"IPv4\", "
      "\"endpoints\": [{\"addresses\": [\"10.0.0.1\", \"10.0.0.2\"]}, "
      "{\"addresses\": [\"10.0.0.3\"], \"conditions\": {\"ready\": false, "
      "\"serving\": true, \"terminating\": true}}, {\"conditions\": "
      "{\"ready\": false}}, {\"conditions\": {\"ready\": null}}], \"ports\": "
      "[{\"name\": \"http\", \"port\": 8080, \"protocol\": \"TCP\"}, "
      "{\"port\": null, \"protocol\": \"UDP\"}]}",
      "n/a of=s (10.0.0.1 10.0.0.2 ready serving) (10.0.0.3 serving "
      "terminating) () (ready serving) port(http 8080 tcp) port(- 0 -)" },
    { "slice: FQDN", KUBE_ENDPOINT_SLICE,
      "{" META ", \"addressType\": \"FQDN\", \"endpoints\": null}",
      "n/a of=- fqdn" },
    { "slice: ready as text", KUBE_ENDPOINT_SLICE,
      "{" META ", \"endpoints\": [{\"conditions\": {\"ready\": \"true\"}}]}",
      "endpoints[0].conditions.ready: must be true or false" },
    { "slice: port too high", KUBE_ENDPOINT_SLICE,
      "{" META ", \"ports\": [{\"port\": 65536}]}",
      "ports[0].port: must be a whole number from 0 to 65535" },
    { "slice: an address as number", KUBE_ENDPOINT_SLICE,
      "{" META ", \"endpoints\": [{\"addresses\": [1]}]}",
      "endpoints[0].addresses[0]: must be a string" },

    /* Secret. */
    { "secret: data", KUBE_SECRET,
      "{" META ", \"type\": \"kubernetes.io/tls\", \"data\": {\"tls.key\": "
      "\"a2V5\", \"tls.crt\": \"Y2VydA==\"}}",
      "n/a type=kubernetes.io/tls tls.crt=4:cert tls.key=3:key" },
    { "secret: bytes with NUL", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": \"AGE=\"}}", "n/a type=- x=2:" },
    { "secret: line feeds in base64", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": \"a2\\nV5\\n\"}}", "n/a type=- x=3:key" },
    { "secret: stringData wins", KUBE_SECRET,
      "{" META ", \"type\": \"Opaque\", \"data\": {\"b\": \"!\", \"c\": "
      "\"YQ==\"}, \"stringData\": {\"b\": \"plain\", \"a\": null}}",
      "n/a type=Opaque a=0: b=5:plain c=1:a" },
    { "secret: null data", KUBE_SECRET, "{" META ", \"data\": {\"x\": null}}",
      "n/a type=- x=0:" },
    { "secret: not base64", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": \"***\"}}",
      "data: the value of \"x\" is not base64" },
    { "secret: base64 cut off", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": \"a2V\"}}",
      "data: the value of \"x\" is not base64" },
    { "secret: data as number", KUBE_SECRET,
      "{" META ", \"data\": {\"x\": 1}}",
      "data: the value of \"x\" must be a string: write \"1\", with quotes" },
    { "secret: stringData as number", KUBE_SECRET,
      "{" META ", \"stringData\": {\"x\": 1}}",
      "stringData: the value of \"x\" must be a string: write \"1\", with "
      "quotes" },
    { "secret: data as list", KUBE_SECRET, "{" META ", \"data\": []}",
      "data: must be an object" },
    { "secret: a token is not kept", KUBE_SECRET,
      "{" META ", \"type\": \"kubernetes.io/service-account-token\", "
      "\"data\": {\"token\": \"a2V5\"}}",
      "n/a type=kubernetes.io/service-account-token" },

    /* The rest. */
    { "namespace: active", KUBE_NAMESPACE,
      "{\"metadata\": {\"name\": \"a\"}, \"status\": {\"phase\": "
      "\"Active\"}}",
      "a" },
    { "namespace: terminating", KUBE_NAMESPACE,
      "{\"metadata\": {\"name\": \"a\"}, \"status\": {\"phase\": "
      "\"Terminating\"}}",
      "a deleting" },
    { "pod: ready", KUBE_POD,
      "{" META ", \"status\": {\"phase\": \"Running\", \"hostIP\": "
      "\"192.0.2.1\", \"conditions\": [{\"type\": \"Initialized\", "
      "\"status\": \"False\"}, {\"type\": \"Ready\", \"status\": "
      "\"True\"}]}}",
      "n/a 192.0.2.1 ready" },
    { "pod: not ready", KUBE_POD,
      "{" META ", \"status\": {\"phase\": \"Running\", \"hostIP\": "
      "\"192.0.2.1\", \"conditions\": [{\"type\": \"Ready\", "
      "\"status\": \"False\"}, {\"type\": \"Initialized\", "
      "\"status\": \"True\"}]}}",
      "n/a 192.0.2.1" },
    { "pod: over", KUBE_POD,
      "{" META ", \"status\": {\"phase\": \"Failed\", \"conditions\": "
      "[{\"type\": \"Ready\", \"status\": \"True\"}]}}",
      "n/a -" },
    { "pod: on no node yet", KUBE_POD, "{" META ", \"spec\": {}}",
      "n/a -" },
    { "config map: sorted", KUBE_CONFIG_MAP,
      "{" META ", \"data\": {\"b\": \"2\", \"a\": \"1\"}, \"binaryData\": "
      "{\"c\": \"a2V5\"}}",
      "n/a a=1 b=2" },
    { "config map: a boolean", KUBE_CONFIG_MAP,
      "{" META ", \"data\": {\"b\": true}}",
      "data: the value of \"b\" must be a string: write \"true\", with "
      "quotes" },
    { "lease: everything", KUBE_LEASE,
      IN("{\"holderIdentity\": \"h\", \"leaseDurationSeconds\": 15, "
         "\"renewTime\": \"r\", \"acquireTime\": \"q\", "
         "\"leaseTransitions\": 2}"),
      "n/a h 15 r q 2" },
    { "lease: empty", KUBE_LEASE, IN("{}"), "n/a - 0 - - 0" },
    { "lease: duration below zero", KUBE_LEASE,
      IN("{\"leaseDurationSeconds\": -1}"),
      "spec.leaseDurationSeconds: must be a whole number from 0 to "
      "2147483647" },
};

static const char *
or_dash(const char *s)
{
    return s ? s : "-";
}

static void
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

static void
show_addresses(const struct kube_address *addresses, size_t n,
               struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, " %s", addresses[i].ip ? addresses[i].ip
                                               : addresses[i].hostname);
    }
}

static void
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

static void
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

static void
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

static void
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

static void
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

static void
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

static void
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

static void
check_row(void **state)
{
    const struct row *row = *state;
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

static json_t *
many(size_t n, json_t *item)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        json_array_append(array, item);
    }
    json_decref(item);
    return array;
}

/* An Ingress with 'rules', which are taken. */
static json_t *
ingress_with(json_t *rules)
{
    return json_pack("{s:{s:s}, s:{s:o}}", "metadata", "name", "a", "spec",
                     "rules", rules);
}

static void
check_caps(json_t *document, const char *want)
{
    AUTO_JSON json_t *taken = document;
    AUTO_KUBE const struct kube_object *o = NULL;
    AUTO_ERR struct err *err = kube_decode(KUBE_INGRESS, taken, NULL, &o);

    assert_string_equal(err ? err_text(err) : "fine", want);
}

static void
test_caps(void **state)
{
    json_t *paths, *annotations = json_object();

    (void) state;
    check_caps(ingress_with(many(KUBE_MAX_ITEMS, json_object())), "fine");
    check_caps(ingress_with(many(KUBE_MAX_ITEMS + 1, json_object())),
               "spec.rules: has 10001 items, at most 10000 are read");
    paths = json_pack("{s:{s:o}}", "http", "paths",
                      many(KUBE_MAX_ITEMS, json_object()));
    check_caps(ingress_with(many(1000, paths)),
               "spec.rules[17].http.paths: the object takes more than 8388608 "
               "bytes");
    for (size_t i = 0; i <= KUBE_MAX_ITEMS; i++) {
        AUTO_FREE char *name = xasprintf("%zu", i);

        json_object_set_new(annotations, name, json_string(""));
    }
    check_caps(json_pack("{s:{s:s, s:o}}", "metadata", "name", "a",
                         "annotations", annotations),
               "metadata.annotations: has 10001 members, at most 10000 are "
               "read");
}

static void
test_source_and_size(void **state)
{
    AUTO_JSON json_t *document = ingress_with(many(100, json_object()));
    AUTO_KUBE const struct kube_object *o = NULL;
    AUTO_KUBE const struct kube_object *second = NULL;
    AUTO_ERR struct err *err =
        kube_decode(KUBE_INGRESS, document, "f.yaml:3", &o);

    (void) state;
    assert_null(err);
    assert_string_equal(o->source, "f.yaml:3");
    assert_string_equal(o->name, "a");
    assert_string_equal(o->namespace, "default");
    /* Nothing but the count, a pointer, the object, 100 rules and its four
     * texts. */
    assert_int_equal(o->size, sizeof(size_t) + sizeof(void *) + sizeof *o +
                                  100 * sizeof(struct kube_rule) +
                                  sizeof "f.yaml:3" + sizeof "default" +
                                  sizeof "default/a");
    second = kube_ref(o);
    assert_ptr_equal(second, o);
}

/* Read once: the same object, with its pieces wherever they are. */
static void
test_brief(void **state)
{
    AUTO_JSON json_t *document = ingress_with(many(1000, json_object()));
    AUTO_JSON json_t *bad = json_pack("{s:{}}", "metadata");
    const struct kube_object *brief = NULL;
    AUTO_KUBE const struct kube_object *o = NULL;
    AUTO_ERR struct err *err = kube_decode(KUBE_INGRESS, document, NULL, &o);
    AUTO_ERR struct err *wrong = NULL;

    (void) state;
    assert_null(err);
    assert_null(kube_decode_brief(KUBE_INGRESS, document, &brief));
    assert_string_equal(brief->key, o->key);
    assert_int_equal(brief->ingress.n_rules, 1000);
    assert_int_equal(brief->size, o->size);
    kube_unref(kube_ref(brief));
    kube_unref(brief);
    wrong = kube_decode_brief(KUBE_INGRESS, bad, &brief);
    assert_string_equal(err_text(wrong), "metadata.name: is missing");
    assert_null(brief);
}

static void
test_kind_names(void **state)
{
    (void) state;
    for (size_t i = 0; i < KUBE_N_KINDS; i++) {
        enum kube_kind kind = KUBE_N_KINDS;

        assert_true(kube_kind_parse(kube_kind_name((enum kube_kind) i),
                                    &kind));
        assert_int_equal(kind, i);
    }
    assert_false(kube_kind_parse("ingress", &(enum kube_kind) { 0 }));
    assert_false(kube_kind_parse("", &(enum kube_kind) { 0 }));
    kube_unref(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_source_and_size),
        cmocka_unit_test(test_brief),
        cmocka_unit_test(test_kind_names),
    };

    return TABLE_RUN("decode", rows, check_row) +
           cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
