#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/kube/manifest_parse.h"

#define V1 "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
#define NAMED V1 "metadata: {name: a}\n"

/* 'want' is every object as "LABEL SOURCE", then every problem, one a line.
 * The file is called f.yaml. */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
} rows[] = {
    { "nothing", "", "" },
    { "one object", NAMED, "Ingress default/a f.yaml:1\n" },
    { "several documents", NAMED "---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: x}\n"
      "---\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n",
      "Ingress default/a f.yaml:1\nService x/s f.yaml:5\n"
      "Namespace x f.yaml:10\n" },
    { "JSON", "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": "
      "{\"name\": \"a\"}}", "Secret default/a f.yaml:1\n" },
    { "kinds we do not read", "apiVersion: apps/v1\nkind: Deployment\n", "" },
    { "another group's kind of the same name",
      "apiVersion: serving.knative.dev/v1\nkind: Service\n", "" },
    { "another group's Ingress",
      "apiVersion: config.openshift.io/v1\nkind: Ingress\n", "" },

    { "no kind", "a: 1\n",
      "f.yaml:1: kind: is missing: not a Kubernetes object\n" },
    { "kind of wrong type", "kind: 1\n", "f.yaml:1: kind: must be a string\n" },
    { "a text", "just text\n", "f.yaml:1: not a Kubernetes object\n" },
    { "a list of objects", "- kind: Ingress\n",
      "f.yaml:1: not a Kubernetes object\n" },
    { "no apiVersion", "kind: Ingress\n",
      "f.yaml:1: Ingress: apiVersion: is missing: write "
      "networking.k8s.io/v1\n" },
    { "apiVersion of wrong type", "kind: Ingress\napiVersion: 1\n",
      "f.yaml:1: apiVersion: must be a string\n" },
    { "extensions/v1beta1", "kind: Ingress\napiVersion: extensions/v1beta1\n",
      "f.yaml:1: Ingress: apiVersion: \"extensions/v1beta1\" is gone since "
      "Kubernetes 1.22: write networking.k8s.io/v1 (kubectl convert rewrites "
      "the backends)\n" },
    { "networking v1beta1",
      "kind: Ingress\napiVersion: networking.k8s.io/v1beta1\n",
      "f.yaml:1: Ingress: apiVersion: \"networking.k8s.io/v1beta1\" is gone "
      "since Kubernetes 1.22: write networking.k8s.io/v1 (kubectl convert "
      "rewrites the backends)\n" },
    { "an older EndpointSlice",
      "kind: EndpointSlice\napiVersion: discovery.k8s.io/v1beta1\n",
      "f.yaml:1: EndpointSlice: apiVersion: \"discovery.k8s.io/v1beta1\" is "
      "not read: write discovery.k8s.io/v1\n" },
    { "a core version that is none", "kind: Service\napiVersion: v2\n",
      "f.yaml:1: Service: apiVersion: \"v2\" is not read: write v1\n" },

    { "no metadata", V1, "f.yaml:1: Ingress: metadata: is missing\n" },
    { "no name", V1 "metadata: {}\n",
      "f.yaml:1: Ingress: metadata.name: is missing\n" },
    { "generateName", V1 "metadata: {generateName: a-}\n",
      "f.yaml:1: Ingress: metadata.name: is missing: without an API server "
      "nobody makes one from generateName\n" },
    { "a name that YAML takes for false", V1 "metadata: {name: n}\n",
      "f.yaml:1: Ingress: metadata.name: must be a string: put it in "
      "quotes\n" },
    { "a namespace that YAML takes for a number",
      V1 "metadata: {name: a, namespace: 7}\n",
      "f.yaml:1: Ingress: metadata.namespace: must be a string: put it in "
      "quotes\n" },
    { "name with upper case", V1 "metadata: {name: A}\n",
      "f.yaml:1: Ingress: metadata.name: \"A\" must be made of a-z, 0-9, '-' "
      "and '.'\n" },
    { "name that ends with -", V1 "metadata: {name: a-}\n",
      "f.yaml:1: Ingress: metadata.name: \"a-\" must be made of a-z, 0-9, "
      "'-' and '.'\n" },
    { "name with -.", V1 "metadata: {name: a-.b}\n",
      "f.yaml:1: Ingress: metadata.name: \"a-.b\" must be made of a-z, 0-9, "
      "'-' and '.'\n" },
    { "name with two dots", V1 "metadata: {name: a..b}\n",
      "f.yaml:1: Ingress: metadata.name: \"a..b\" must be made of a-z, 0-9, "
      "'-' and '.'\n" },
    { "name with a line feed", V1 "metadata: {name: \"a\\nb\"}\n",
      "f.yaml:1: Ingress: metadata.name: \"a\\nb\" must be made of a-z, 0-9, "
      "'-' and '.'\n" },
    { "name with dots and dashes", V1 "metadata: {name: 0.a--b.c}\n",
      "Ingress default/0.a--b.c f.yaml:1\n" },
    { "namespace with a dot", V1 "metadata: {name: a, namespace: a.b}\n",
      "f.yaml:1: Ingress: metadata.namespace: \"a.b\" must be made of a-z, "
      "0-9 and '-'\n" },
    { "empty namespace", V1 "metadata: {name: a, namespace: ''}\n",
      "Ingress default/a f.yaml:1\n" },
    { "a Namespace with a dot",
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n",
      "f.yaml:1: Namespace: metadata.name: \"a.b\" must be made of a-z, 0-9, "
      "'-' and '.'\n" },

    { "a wrong type", NAMED "spec: {rules: {}}\n",
      "f.yaml:1: Ingress default/a: spec.rules: must be an array\n" },
    { "an unquoted annotation",
      V1 "metadata: {name: a, annotations: {x: yes}}\n",
      "f.yaml:1: Ingress default/a: metadata.annotations: the value of \"x\" "
      "must be a string: write \"true\", with quotes\n" },
    { "an unknown field", NAMED "spec: {rulez: []}\n",
      "f.yaml:1: Ingress default/a: unknown field \"spec.rulez\": did you "
      "mean \"rules\"?\n" },
    { "unknown fields in order", NAMED "zz: 1\nspec: {qqqqqqqq: 1}\n",
      "f.yaml:1: Ingress default/a: unknown field \"spec.qqqqqqqq\"\n"
      "f.yaml:1: Ingress default/a: unknown field \"zz\"\n" },
    { "fields of v1beta1",
      NAMED "spec:\n  backend: {}\n  rules:\n  - http:\n      paths:\n"
      "      - backend: {serviceName: s, servicePort: 80}\n",
      "f.yaml:1: Ingress default/a: unknown field \"spec.backend\": in "
      "networking.k8s.io/v1 it is defaultBackend\n"
      "f.yaml:1: Ingress default/a: unknown field "
      "\"spec.rules[0].http.paths[0].backend.serviceName\": in "
      "networking.k8s.io/v1 it is service.name\n"
      "f.yaml:1: Ingress default/a: unknown field "
      "\"spec.rules[0].http.paths[0].backend.servicePort\": in "
      "networking.k8s.io/v1 it is service.port.number or "
      "service.port.name\n" },
    { "an unknown field in an IngressClass",
      "apiVersion: networking.k8s.io/v1\nkind: IngressClass\n"
      "metadata: {name: a}\nspec: {controler: x}\n",
      "f.yaml:1: IngressClass a: unknown field \"spec.controler\": did you "
      "mean \"controller\"?\n" },
    { "every known field", NAMED
      "spec:\n  ingressClassName: c\n  defaultBackend: {resource: {apiGroup: "
      "g, kind: k, name: r}}\n  tls: [{hosts: [h], secretName: s}]\n"
      "  rules: [{host: h, http: {paths: [{path: /, pathType: Exact, backend: "
      "{service: {name: s, port: {number: 1, name: ''}}}}]}}]\n"
      "status: {loadBalancer: {any: thing}}\n",
      "Ingress default/a f.yaml:1\n" },
    { "unknown fields elsewhere pass",
      "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {x: 1}\n",
      "Service default/a f.yaml:1\n" },
    { "the good beside the bad", NAMED "---\n" V1 "metadata: {name: B}\n"
      "---\n" V1 "metadata: {name: c}\n",
      "Ingress default/a f.yaml:1\nIngress default/c f.yaml:9\n"
      "f.yaml:5: Ingress: metadata.name: \"B\" must be made of a-z, 0-9, "
      "'-' and '.'\n" },
    { "a syntax error", NAMED "---\na: [\n",
      "Ingress default/a f.yaml:1\n"
      "f.yaml:6: column 1: did not find expected node content\n" },

    { "a List", "apiVersion: v1\nkind: List\nitems:\n"
      "- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n"
      "- {apiVersion: apps/v1, kind: Deployment}\n"
      "- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n",
      "Secret default/a f.yaml:1 items[0]\n"
      "Secret default/b f.yaml:1 items[2]\n" },
    { "an empty List", "kind: List\n", "" },
    { "a null List", "kind: List\nitems: null\n", "" },
    { "a List of wrong type", "kind: List\nitems: {}\n",
      "f.yaml:1: items: must be an array\n" },
    { "a List with a bad item", "kind: List\nitems: [7, {kind: Secret}]\n",
      "f.yaml:1: items[0]: not a Kubernetes object\n"
      "f.yaml:1: Secret: apiVersion: is missing: write v1\n" },
    { "a typed list",
      "apiVersion: networking.k8s.io/v1\nkind: IngressList\n"
      "items: [{metadata: {name: a}}]\n",
      "Ingress default/a f.yaml:1 items[0]\n" },
    { "a list of a kind we do not read",
      "apiVersion: apps/v1\nkind: DeploymentList\nitems: [7]\n", "" },
    { "a List in a List is skipped",
      "kind: List\nitems: [{kind: List, items: [7]}]\n", "" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct manifest_objects objects = { .all = { .items = NULL } };
    struct manifests_problems problems = MANIFESTS_PROBLEMS_INIT;
    AUTO_BUF struct buf got = BUF_OWN;

    manifest_parse("f.yaml", row->text, strlen(row->text), &objects,
                   &problems);
    for (size_t i = 0; i < objects.all.n; i++) {
        const struct kube_object *o = objects.all.items[i];
        AUTO_FREE char *label = manifest_label(o);

        buf_printf(&got, "%s %s\n", label, o->source);
        assert_int_equal(strlen(o->uid), 36);
        assert_int_equal(strlen(o->resource_version), 32);
        assert_true(manifest_line(o) > 0);
    }
    for (size_t i = 0; i < problems.all.n; i++) {
        AUTO_FREE char *text = manifests_problem_text(&problems.all.items[i]);

        buf_printf(&got, "%s\n", text);
    }
    manifest_objects_fini(&objects);
    manifests_problems_fini(&problems);
    assert_string_equal(buf_str(&got), row->want);
}

static const struct kube_object *
only(const char *file, const char *text)
{
    struct manifest_objects objects = { .all = { .items = NULL } };
    struct manifests_problems problems = MANIFESTS_PROBLEMS_INIT;
    const struct kube_object *o;

    manifest_parse(file, text, strlen(text), &objects, &problems);
    assert_int_equal(objects.all.n, 1);
    assert_int_equal(problems.all.n, 0);
    o = kube_ref(objects.all.items[0]);
    manifest_objects_fini(&objects);
    return o;
}

static void
test_identity(void **state)
{
    AUTO_KUBE const struct kube_object *a = only("f", NAMED);
    AUTO_KUBE const struct kube_object *same = only("f", NAMED);
    AUTO_KUBE const struct kube_object *edited = only("f", NAMED "spec: {}\n");
    AUTO_KUBE const struct kube_object *moved = only("f", "\n" NAMED);
    AUTO_KUBE const struct kube_object *other =
        only("f", V1 "metadata: {name: a, namespace: x, uid: x, "
                  "resourceVersion: '7'}\n");

    (void) state;
    assert_string_equal(a->uid, same->uid);
    assert_string_equal(a->resource_version, same->resource_version);
    assert_string_equal(a->uid, edited->uid);
    assert_string_not_equal(a->resource_version, edited->resource_version);
    assert_string_equal(a->uid, moved->uid);
    assert_string_not_equal(a->resource_version, moved->resource_version);
    assert_int_equal(manifest_line(moved), 2);
    assert_string_not_equal(a->uid, other->uid);
    assert_string_not_equal(other->uid, "x");
}

static void
test_kustomization(void **state)
{
    static const char *const names[] = { "kustomization.yaml",
                                         "a/kustomization.yml" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct manifest_objects objects = { .all = { .items = NULL } };
        struct manifests_problems problems = MANIFESTS_PROBLEMS_INIT;

        manifest_parse(names[i], "resources: [a]\n", 15, &objects, &problems);
        assert_int_equal(objects.all.n + problems.all.n, 0);
    }
}

static void
test_file_name_is_quoted(void **state)
{
    struct manifests_problems problems = MANIFESTS_PROBLEMS_INIT;
    AUTO_FREE char *text = NULL;

    (void) state;
    manifest_problem(&problems, "a\nb", 0, NULL, "%d", 7);
    text = manifests_problem_text(&problems.all.items[0]);
    manifests_problems_fini(&problems);
    assert_string_equal(text, "\"a\\nb\": 7");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_kustomization),
        cmocka_unit_test(test_file_name_is_quoted),
    };

    return TABLE_RUN("manifest_parse", rows, check_row) +
           cmocka_run_group_tests_name("manifest_parse", tests, NULL, NULL);
}
