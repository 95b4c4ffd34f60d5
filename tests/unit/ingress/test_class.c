#include "tests/unit/table.h"

#include "lib/ingress/class.h"
#include "tests/unit/ingress/objects.h"

#define OURS "'controller':'sallyport.dev/ingress-controller'"
#define IS_DEFAULT                                                         \
    "'annotations':{'ingressclass.kubernetes.io/is-default-class':'true'}"

static const struct kube_object *classes[4];
static bool has_default;

static const struct kube_object *
get(const char *name, void *aux)
{
    (void) aux;
    if (strcmp(name, "sallyport") == 0) {
        return classes[has_default ? 1 : 0];
    }
    if (strcmp(name, "other") == 0) {
        return classes[2];
    }
    return strcmp(name, "foreign") == 0 ? classes[3] : NULL;
}

static int
make_classes(void **state)
{
    (void) state;
    classes[0] = object_of(KUBE_INGRESS_CLASS,
                           "{'metadata':{'name':'sallyport'},"
                           "'spec':{" OURS "}}");
    classes[1] = object_of(KUBE_INGRESS_CLASS,
                           "{'metadata':{'name':'sallyport'," IS_DEFAULT
                           "},'spec':{" OURS "}}");
    classes[2] = object_of(KUBE_INGRESS_CLASS,
                           "{'metadata':{'name':'other'},"
                           "'spec':{" OURS "}}");
    classes[3] = object_of(KUBE_INGRESS_CLASS,
                           "{'metadata':{'name':'foreign'," IS_DEFAULT
                           "},'spec':{'controller':'example.com/x'}}");
    return 0;
}

static int
free_classes(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        kube_unref(classes[i]);
    }
    return 0;
}

/* NULL: the class or annotation is not there. */
static const struct row {
    const char *name;
    const char *class_name;
    const char *legacy;
    const char *ingress_class;  /* Flag, NULL: the default. */
    bool has_default;
    bool without_class;
    bool want;
    bool by_name;
} rows[] = {
    { "our class", "sallyport", NULL, NULL, false, false, true, false },
    { "our controller, another class", "other", NULL, NULL, false, false,
      false, false },
    { "the class of the flag", "other", NULL, "other", false, false,
      true, false },
    { "our name, another flag", "sallyport", NULL, "other", false, false,
      false, false },
    { "foreign controller", "foreign", NULL, NULL, false, false, false,
      false },
    { "foreign controller under our name", "foreign", NULL, "foreign",
      false, false, false, false },
    { "class that does not exist", "missing", NULL, "missing", false, false,
      false, false },
    { "foreign class, watching without class", "foreign", NULL, NULL, false,
      true, false, false },
    { "legacy annotation", NULL, "sallyport", NULL, false, false, true,
      false },
    { "legacy annotation needs no class object", NULL, "nginx", "nginx",
      false, false, true, false },
    { "foreign legacy annotation", NULL, "nginx", NULL, true, true,
      false, false },
    { "class before annotation: ours", "sallyport", "nginx", NULL, false,
      false, true, false },
    { "class before annotation: foreign", "foreign", "sallyport", NULL,
      false, false, false, false },
    { "neither", NULL, NULL, NULL, false, false, false, false },
    { "neither, we are the default", NULL, NULL, NULL, true, false,
      true, false },
    { "neither, another class of ours is the flag", NULL, NULL, "other",
      true, false, false, false },
    { "neither, the default is foreign", NULL, NULL, "foreign", false, false,
      false, false },
    { "neither, watching without class", NULL, NULL, NULL, false, true,
      true, false },
    { "empty annotation is none", NULL, "", NULL, true, false, true, false },
    { "empty class is none", "", "sallyport", NULL, false, false, true,
      false },
    { "by name: a class that is not there", "missing", NULL, "missing",
      false, false, true, true },
    { "by name: another that is not there", "missing", NULL, NULL, false,
      false, false, true },
    { "by name: a foreign controller is there", "foreign", NULL, "foreign",
      false, false, false, true },
    { "by name: no class is none of ours", NULL, NULL, "missing", false,
      false, false, true },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct ruleset r = RULESET_INIT;
    AUTO_FREE char *legacy =
        xasprintf("'" CLASS_LEGACY_ANNOTATION "':'%s'",
                  row->legacy ? row->legacy : "");
    AUTO_FREE char *spec = xasprintf(
        "'ingressClassName':'%s'," DEFAULT("s"),
        row->class_name ? row->class_name : "");
    AUTO_KUBE const struct kube_object *ingress =
        ingress_of("d/a", 1, row->legacy ? legacy : "",
                   row->class_name ? spec : DEFAULT("s"));

    r.watch_without_class = row->without_class;
    r.class_by_name = row->by_name;
    if (row->ingress_class) {
        r.ingress_class = row->ingress_class;
    }
    has_default = row->has_default;
    assert_int_equal(class_is_ours(ingress, &r, get, NULL), row->want);
}

int
main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows)];

    TABLE_TESTS(rows, check_row, tests);
    return cmocka_run_group_tests_name("class", tests, make_classes,
                                       free_classes);
}
