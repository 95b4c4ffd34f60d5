#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/replay/replay.h"

/* metadata of "NS/NAME". */
static json_t *
meta_of(const char *key)
{
    size_t length = strcspn(key, "/");
    AUTO_FREE char *ns = xstrndup(key, length);

    return json_pack("{s:s, s:s, s:{}, s:{}}", "namespace", ns, "name",
                     key[length] ? key + length + 1 : "", "annotations",
                     "labels");
}

static void
put(struct replay *r, enum kube_kind kind, json_t *document)
{
    apiserver_put(&r->api.store, kind, document);
    json_decref(document);
}

void
shorthand_class(struct replay *r, const char *name, const char *controller)
{
    put(r, KUBE_INGRESS_CLASS,
        json_pack("{s:{s:s}, s:{s:s}}", "metadata", "name", name, "spec",
                  "controller",
                  controller[0] ? controller
                                : "sallyport.dev/ingress-controller"));
}

static void
put_slice(struct replay *r, const char *key, char *const *addresses, size_t n)
{
    AUTO_FREE char *slice = xasprintf("%s-1", key);
    json_t *meta = meta_of(slice);
    json_t *endpoints = json_array();

    json_object_set_new(json_object_get(meta, "labels"),
                        "kubernetes.io/service-name",
                        json_string(strchr(key, '/') + 1));
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(endpoints,
                              json_pack("{s:[s], s:{s:b}}", "addresses",
                                        addresses[i], "conditions", "ready",
                                        1));
    }
    put(r, KUBE_ENDPOINT_SLICE,
        json_pack("{s:o, s:s, s:o, s:[{s:s, s:i, s:s}]}", "metadata", meta,
                  "addressType", "IPv4", "endpoints", endpoints, "ports",
                  "name", "web", "port", 8080, "protocol", "TCP"));
}

void
shorthand_service(struct replay *r, const char *key, char *const *addresses,
                  size_t n)
{
    if (!strchr(key, '/')) {
        replay_fail(r, "a Service is NS/NAME");
        return;
    }
    put(r, KUBE_SERVICE,
        json_pack("{s:o, s:{s:s, s:[{s:s, s:i, s:i}]}}", "metadata",
                  meta_of(key), "spec", "clusterIP", "10.96.0.1", "ports",
                  "name", "web", "port", 80, "targetPort", 8080));
    if (n > 0) {
        put_slice(r, key, addresses, n);
    }
}

/* ---- Ingresses ---- */

/* "HOST/PATH" to "SERVICE". */
static void
add_rule(json_t *rules, const char *where, const char *service)
{
    size_t length = strcspn(where, "/");
    AUTO_FREE char *host = xstrndup(where, length);
    json_t *rule = json_pack(
        "{s:{s:[{s:s, s:s, s:{s:{s:s, s:{s:i}}}}]}}", "http", "paths", "path",
        where[length] ? where + length : "/", "pathType", "Prefix", "backend",
        "service", "name", service, "port", "number", 80);

    if (host[0]) {
        json_object_set_new(rule, "host", json_string(host));
    }
    json_array_append_new(rules, rule);
}

static bool
set_option(json_t *meta, json_t *spec, const char *text)
{
    const char *value = strchr(text, '=');
    AUTO_FREE char *name =
        value ? xstrndup(text, (size_t) (value - text)) : xstrdup("");

    value = value ? value + 1 : "";
    if (str_eq(name, "class")) {
        json_object_set_new(spec, "ingressClassName", json_string(value));
    } else if (str_eq(name, "created")) {
        json_object_set_new(meta, "creationTimestamp", json_string(value));
    } else if (str_eq(name, "tls")) {
        json_t *rule = json_array_get(json_object_get(spec, "rules"), 0);

        json_object_set_new(
            spec, "tls",
            json_pack("[{s:[s], s:s}]", "hosts",
                      apiserver_text(rule, NULL, "host"), "secretName",
                      value));
    } else if (name[0] == '@') {
        AUTO_FREE char *key =
            xasprintf("nginx.ingress.kubernetes.io/%s", name + 1);

        json_object_set_new(json_object_get(meta, "annotations"), key,
                            json_string(value));
    } else {
        return false;
    }
    return true;
}

void
shorthand_ingress(struct replay *r, const char *key, char *const *words,
                  size_t n)
{
    json_t *meta = meta_of(key);
    json_t *rules = json_array();
    json_t *spec = json_pack("{s:s, s:o}", "ingressClassName", "sallyport",
                             "rules", rules);
    size_t i = 0;

    for (; i + 1 < n && strchr(words[i], '/') && !strchr(words[i], '=');
         i += 2) {
        add_rule(rules, words[i], words[i + 1]);
    }
    for (; i < n; i++) {
        if (!set_option(meta, spec, words[i])) {
            replay_fail(r, "not understood: %s", words[i]);
        }
    }
    put(r, KUBE_INGRESS,
        json_pack("{s:o, s:o}", "metadata", meta, "spec", spec));
}
