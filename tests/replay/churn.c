#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/replay/fake_health.h"
#include "tests/replay/fake_http.h"
#include "tests/replay/replay.h"

/* A world small enough that everything meets everything. */
static const char *const spaces[] = { "a", "b", "c" };
static const char *const hosts[] = { "x.test", "y.test", "*.test",
                                     "z.y.test", "" };
static const char *const services[] = { "one", "two", "three" };
static const char *const names[] = { "i1", "i2", "i3", "i4" };
static const char *const secrets[] = { "s1", "s2" };
static const char *const classes[] = { "sallyport", "other", "spare" };
static const char *const paths[] = { "/", "/p", "/p/", "/p/q", "/r" };
static const char *const types[] = { "Prefix", "Exact",
                                     "ImplementationSpecific" };
static const char *const covers[] = { "x.test", "*.test", "y.test,z.y.test" };

struct churn {
    struct replay *r;
    uint64_t state;
};

static unsigned
pick(struct churn *c, size_t n)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return (unsigned) ((c->state >> 20) % n);
}

#define ONE_OF(c, list) ((list)[pick((c), ARRAY_SIZE(list))])

static json_t *
make_meta(const char *ns, const char *name)
{
    return json_pack("{s:s*, s:s, s:{}, s:{}}", "namespace", ns, "name", name,
                     "annotations", "labels");
}

static void
put(struct churn *c, enum kube_kind kind, json_t *document)
{
    replay_note(c->r, "churn: put %s %s/%s", kube_kind_name(kind),
                apiserver_text(document, "metadata", "namespace"),
                apiserver_text(document, "metadata", "name"));
    apiserver_put(&c->r->api.store, kind, document);
    json_decref(document);
}

static void
delete(struct churn *c, enum kube_kind kind, const char *ns, const char *name)
{
    AUTO_FREE char *key =
        ns ? xasprintf("%s/%s", ns, name) : xstrdup(name);

    if (apiserver_delete(&c->r->api.store, kind, key)) {
        replay_note(c->r, "churn: delete %s %s", kube_kind_name(kind), key);
    }
}

/* ---- Ingresses ---- */

static json_t *
make_backend(struct churn *c)
{
    const char *service = ONE_OF(c, services);
    json_t *port = pick(c, 3) ? json_pack("{s:i}", "number", 80)
                              : json_pack("{s:s}", "name", "web");

    return json_pack("{s:{s:s, s:o}}", "service", "name", service, "port",
                     port);
}

static json_t *
make_rule(struct churn *c)
{
    const char *host = ONE_OF(c, hosts);
    json_t *list = json_array();
    json_t *rule;
    unsigned n = 1 + pick(c, 3);

    for (unsigned i = 0; i < n; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o}", "path", ONE_OF(c, paths),
                            "pathType", ONE_OF(c, types), "backend",
                            make_backend(c)));
    }
    rule = json_pack("{s:{s:o}}", "http", "paths", list);
    if (host[0]) {
        json_object_set_new(rule, "host", json_string(host));
    }
    return rule;
}

static void
annotate(struct churn *c, json_t *meta)
{
    static const char *const rows[][2] = {
        { "rewrite-target", "/x" },
        { "ssl-redirect", "false" },
        { "force-ssl-redirect", "true" },
        { "use-regex", "true" },
        { "affinity", "cookie" },
        { "enable-cors", "true" },
        { "limit-rps", "5" },
        { "permanent-redirect", "https://to.test/" },
        { "whitelist-source-range", "10.0.0.0/8" },
        { "whitelist-source-range", "not an address" },
        { "proxy-connect-timeout", "7" },
        { "load-balance", "least_conn" },
        { "ssl-passthrough", "true" },
        { "no-such-thing", "1" },
        { "configuration-snippet", "return 200;" },
    };
    json_t *annotations = json_object_get(meta, "annotations");

    while (pick(c, 3) == 0) {
        const char *const *row = rows[pick(c, ARRAY_SIZE(rows))];
        AUTO_FREE char *key =
            xasprintf("nginx.ingress.kubernetes.io/%s", row[0]);

        json_object_set_new(annotations, key, json_string(row[1]));
    }
}

static void
put_ingress(struct churn *c)
{
    json_t *meta = make_meta(ONE_OF(c, spaces), ONE_OF(c, names));
    json_t *spec = json_object();
    json_t *rules = json_array();
    unsigned n = pick(c, 3);

    annotate(c, meta);
    for (unsigned i = 0; i <= n; i++) {
        json_array_append_new(rules, make_rule(c));
    }
    json_object_set_new(spec, "rules", rules);
    if (pick(c, 6)) {
        json_object_set_new(spec, "ingressClassName",
                            json_string(ONE_OF(c, classes)));
    } else {
        json_object_set_new(json_object_get(meta, "annotations"),
                            "kubernetes.io/ingress.class",
                            json_string(ONE_OF(c, classes)));
    }
    if (pick(c, 4) == 0) {
        json_object_set_new(spec, "defaultBackend", make_backend(c));
    }
    if (pick(c, 2)) {
        const char *host = ONE_OF(c, hosts);

        json_object_set_new(
            spec, "tls",
            json_pack("[{s:s, s:[s]}]", "secretName", ONE_OF(c, secrets),
                      "hosts", host[0] ? host : "x.test"));
    }
    put(c, KUBE_INGRESS,
        json_pack("{s:s, s:s, s:o, s:o}", "apiVersion",
                  "networking.k8s.io/v1", "kind", "Ingress", "metadata", meta,
                  "spec", spec));
}

/* ---- the others ---- */

static void
put_service(struct churn *c)
{
    json_t *ports = json_pack("[{s:s, s:i, s:i}]", "name", "web", "port", 80,
                              "targetPort", 8080);

    if (pick(c, 2)) {
        json_array_append_new(ports,
                              json_pack("{s:s, s:i, s:i}", "name", "more",
                                        "port", 81, "targetPort", 8081));
    }
    put(c, KUBE_SERVICE,
        json_pack("{s:s, s:s, s:o, s:{s:s, s:s, s:o}}", "apiVersion", "v1",
                  "kind", "Service", "metadata",
                  make_meta(ONE_OF(c, spaces), ONE_OF(c, services)), "spec",
                  "type", pick(c, 9) ? "ClusterIP" : "ExternalName",
                  "clusterIP", pick(c, 5) ? "10.96.0.1" : "None", "ports",
                  ports));
}

/* One in two has a label that does not fit its name. */
static void
put_slice(struct churn *c)
{
    const char *service = ONE_OF(c, services);
    AUTO_FREE char *name =
        xasprintf("%s-%u", ONE_OF(c, services), pick(c, 3));
    json_t *meta = make_meta(ONE_OF(c, spaces), name);
    json_t *endpoints = json_array();
    unsigned n = pick(c, 5);

    json_object_set_new(json_object_get(meta, "labels"),
                        "kubernetes.io/service-name", json_string(service));
    for (unsigned i = 0; i < n; i++) {
        AUTO_FREE char *address = xasprintf("10.0.0.%u", 1 + pick(c, 6));

        json_array_append_new(
            endpoints,
            json_pack("{s:[s], s:{s:b, s:b, s:b}}", "addresses", address,
                      "conditions", "ready", pick(c, 3) > 0, "serving",
                      pick(c, 3) > 0, "terminating", pick(c, 3) == 0));
    }
    put(c, KUBE_ENDPOINT_SLICE,
        json_pack("{s:s, s:s, s:o, s:s, s:o, s:[{s:s, s:i, s:s}]}",
                  "apiVersion", "discovery.k8s.io/v1", "kind",
                  "EndpointSlice", "metadata", meta, "addressType", "IPv4",
                  "endpoints", endpoints, "ports", "name", "web", "port",
                  8080, "protocol", "TCP"));
}

/* A Secret that was good does not turn bad here: it would keep its last
 * good certificate, and a full recompute cannot know that. */
static void
put_secret(struct churn *c)
{
    const char *ns = ONE_OF(c, spaces);
    const char *name = ONE_OF(c, secrets);
    AUTO_FREE char *key = xasprintf("%s/%s", ns, name);
    bool is_new = !apiserver_get(&c->r->api.store, KUBE_SECRET, key);

    put(c, KUBE_SECRET,
        replay_tls_secret(key, is_new && pick(c, 3) == 0
                                   ? "bad"
                                   : ONE_OF(c, covers), 0));
}

static void
put_class(struct churn *c)
{
    json_t *meta = make_meta(NULL, ONE_OF(c, classes));

    if (pick(c, 3) == 0) {
        json_object_set_new(json_object_get(meta, "annotations"),
                            "ingressclass.kubernetes.io/is-default-class",
                            json_string("true"));
    }
    put(c, KUBE_INGRESS_CLASS,
        json_pack("{s:s, s:s, s:o, s:{s:s}}", "apiVersion",
                  "networking.k8s.io/v1", "kind", "IngressClass", "metadata",
                  meta, "spec", "controller",
                  pick(c, 3) ? "sallyport.dev/ingress-controller"
                             : "example.com/other"));
}

static void
put_namespace(struct churn *c)
{
    json_t *meta = make_meta(NULL, ONE_OF(c, spaces));

    if (pick(c, 2)) {
        json_object_set_new(meta, "deletionTimestamp",
                            json_string("2026-03-01T00:00:00Z"));
    }
    put(c, KUBE_NAMESPACE, json_pack("{s:s, s:s, s:o}", "apiVersion", "v1",
                                     "kind", "Namespace", "metadata", meta));
}

static void
delete_any(struct churn *c)
{
    AUTO_FREE char *slice =
        xasprintf("%s-%u", ONE_OF(c, services), pick(c, 3));

    switch (pick(c, 8)) {
    case 0:
        delete(c, KUBE_SERVICE, ONE_OF(c, spaces), ONE_OF(c, services));
        break;
    case 1:
        delete(c, KUBE_ENDPOINT_SLICE, ONE_OF(c, spaces), slice);
        break;
    case 2:
        delete(c, KUBE_SECRET, ONE_OF(c, spaces), ONE_OF(c, secrets));
        break;
    case 3:
        delete(c, KUBE_INGRESS_CLASS, NULL, ONE_OF(c, classes));
        break;
    case 4:
        delete(c, KUBE_NAMESPACE, NULL, ONE_OF(c, spaces));
        break;
    default:
        delete(c, KUBE_INGRESS, ONE_OF(c, spaces), ONE_OF(c, names));
        break;
    }
}

/* What is around changes: connections, versions, HAProxy, the Lease. */
static void
disturb(struct churn *c)
{
    struct replay *r = c->r;

    switch (pick(c, 9)) {
    case 0:
        fake_http_cut(FAKE_ANY);
        break;
    case 1:
        apiserver_compact(&r->api.store);
        fake_http_cut((int) pick(c, KUBE_N_KINDS));
        break;
    case 2:
        r->api.is_down = !r->api.is_down;
        break;
    case 3:
        r->haproxy.is_held = !r->haproxy.is_held;
        break;
    case 4:
        fake_haproxy_restart(&r->haproxy);
        break;
    case 5:
        r->haproxy.n_failures = 1 + pick(c, 2);
        break;
    case 6:
        r->api.page = pick(c, 3);
        break;
    case 7:
        if (r->api.rival) {
            fake_api_rival_left();
        } else {
            r->api.rival = xstrdup("rival");
            r->api.rival_ms = 0;
        }
        break;
    default:
        replay_restart(r, pick(c, 2));
        break;
    }
}

static void
step(struct churn *c)
{
    switch (pick(c, 16)) {
    case 0: case 1: case 2: case 3: case 4:
        put_ingress(c);
        break;
    case 5: case 6:
        put_service(c);
        break;
    case 7: case 8:
        put_slice(c);
        break;
    case 9:
        put_secret(c);
        break;
    case 10:
        put_class(c);
        break;
    case 11:
        put_namespace(c);
        break;
    case 12:
        disturb(c);
        break;
    default:
        delete_any(c);
        break;
    }
}

/* A new process looks at everything: it must find no status to correct, and
 * have the same to say. */
static void
check_against_restart(struct replay *r)
{
    static const char *const severities[] = {
        "sallyport_findings{severity=\"error\"}",
        "sallyport_findings{severity=\"warning\"}",
    };
    int64_t before[ARRAY_SIZE(severities)];

    for (size_t i = 0; i < ARRAY_SIZE(severities); i++) {
        before[i] = fake_health_metric(severities[i]);
    }
    r->api.n_writes = 0;
    replay_restart(r, true);
    replay_advance(r, 60000);
    if (!r->failure && r->api.n_writes > 0) {
        replay_fail(r, "a new start finds %u statuses to correct",
                    r->api.n_writes);
    }
    for (size_t i = 0; i < ARRAY_SIZE(severities); i++) {
        int64_t now = fake_health_metric(severities[i]);

        if (!r->failure && now != before[i]) {
            replay_fail(r, "%s is %" PRId64 ", after a new start %" PRId64,
                        severities[i], before[i], now);
        }
    }
}

void
replay_churn(struct replay *r, unsigned n, uint64_t seed)
{
    struct churn c = { .r = r, .state = seed ? seed : 1 };

    for (int i = 0; i < 20; i++) {
        pick(&c, 2);
    }
    for (unsigned i = 0; i < n && !r->failure; i++) {
        step(&c);
        r->n_churned++;
        if (pick(&c, 3) == 0) {
            replay_advance(r, (int64_t) pick(&c, 3000));
        } else {
            replay_settle(r);
        }
        if (r->failure) {
            replay_note(r, "seed %" PRIu64 ", change %u", seed, i);
        }
    }
    /* Left as it was found. */
    r->api.is_down = false;
    r->haproxy.is_held = false;
    r->api.page = 0;
    fake_api_rival_left();
    if (!r->failure) {
        replay_advance(r, 60000);
    }
    if (!r->failure) {
        check_against_restart(r);
    }
    if (r->failure) {
        replay_note(r, "after %u changes of seed %" PRIu64, n, seed);
    }
}
