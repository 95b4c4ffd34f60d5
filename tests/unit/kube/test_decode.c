/* What all kinds share: metadata, caps, and what an object costs. */
#include "tests/unit/table.h"

#include "tests/unit/kube/decode_help.h"

static const struct decode_row rows[] = {
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
};

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

    return TABLE_RUN("decode", rows, check_decode) +
           cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
