#include "tests/unit/table.h"

#include <jansson.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "webhook/answer.h"

#define E FINDING_ERROR, FINDING_INVALID
#define O FINDING_ERROR, FINDING_OWNERSHIP
#define W FINDING_WARNING, FINDING_INVALID
#define DETAILS                                                            \
    ",\"details\":{\"group\":\"networking.k8s.io\",\"kind\":\"Ingress\","   \
    "\"name\":\"0\",\"causes\":["
#define INVALID(message, field)                                            \
    "{\"reason\":\"FieldValueInvalid\",\"message\":\"sallyport: " message   \
    "\"" field "}"
#define TAKEN(message, field)                                              \
    "{\"reason\":\"FieldValueDuplicate\",\"message\":\"sallyport: " message \
    "\"" field "}"
#define FIELD(field) ",\"field\":\"" field "\""
#define ONE                                                                \
    "\"message\":\"Ingress a/0: a: x\"" DETAILS INVALID("x", FIELD("a"))   \
    "]}},"
#define TWO                                                                \
    "\"message\":\"Ingress a/0 has 2 problems:\\n* a: x\\n* b: y\"" DETAILS \
    INVALID("x", FIELD("a")) ","
#define END "]}}}}"
#define YES                                                                \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"," \
    "\"response\":{\"uid\":\"u1\",\"allowed\":true"
#define NO                                                                 \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"," \
    "\"response\":{\"uid\":\"u1\",\"allowed\":false,\"status\":{"          \
    "\"status\":\"Failure\","
#define CODE_422 "\"code\":422,\"reason\":\"Invalid\","
#define CODE_403 "\"code\":403,\"reason\":\"Forbidden\","

static const struct row {
    const char *name;
    bool is_allowed;
    struct {
        enum finding_severity severity;
        enum finding_reason reason;
        const char *field;
        const char *message;
    } findings[4];
    const char *patch;
    const char *want;
} rows[] = {
    { "yes", true, { { E, NULL, NULL } }, NULL, YES "}}" },
    { "yes with warnings", true,
      { { W, "spec", "is odd" }, { W, "", "is odder" } }, NULL,
      YES ",\"warnings\":[\"is odder\",\"spec: is odd\"]}}" },
    { "a warning in two objects is said once", true,
      { { W, "spec", "is odd" }, { W, "spec", "is odd" } }, NULL,
      YES ",\"warnings\":[\"spec: is odd\"]}}" },
    { "a patch", true, { { E, NULL, NULL } }, "[]",
      YES ",\"patchType\":\"JSONPatch\",\"patch\":\"W10=\"}}" },
    { "one error stands alone", false, { { E, "spec", "is wrong" } }, NULL,
      NO CODE_422 "\"message\":\"Ingress a/0: spec: is wrong\"" DETAILS
      INVALID("is wrong", FIELD("spec")) END },
    { "an error without a field", false, { { E, "", "is wrong" } }, NULL,
      NO CODE_422 "\"message\":\"Ingress a/0: is wrong\"" DETAILS
      INVALID("is wrong", "") END },
    { "several get a line each", false,
      { { E, "a", "x" }, { E, "b", "y" } }, NULL,
      NO CODE_422 TWO INVALID("y", FIELD("b")) END },
    { "somebody else has it", false, { { O, "a", "x" } }, NULL,
      NO CODE_403 "\"message\":\"Ingress a/0: a: x\"" DETAILS
      TAKEN("x", FIELD("a")) END },
    { "ownership beside a wrong value is Forbidden", false,
      { { E, "a", "x" }, { O, "b", "y" } }, NULL,
      NO CODE_403 TWO TAKEN("y", FIELD("b")) END },
    { "warnings beside errors", false,
      { { E, "a", "x" }, { W, "b", "y" } }, NULL,
      NO CODE_422 ONE "\"warnings\":[\"b: y\"]}}" },
    { "ownership as a warning decides nothing", false,
      { { E, "a", "x" }, { FINDING_WARNING, FINDING_OWNERSHIP, "b", "y" } },
      NULL, NO CODE_422 ONE "\"warnings\":[\"b: y\"]}}" },
    { "control and odd bytes never leave", true,
      { { W, "a", "line\nfeed\x7f\xff" } }, NULL,
      YES ",\"warnings\":[\"a: line?feed??\"]}}" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FINDINGS struct findings *findings = findings_new();
    AUTO_BUF struct buf got = BUF_OWN;
    const struct answer answer = {
        .uid = "u1",
        .is_allowed = row->is_allowed,
        .findings = findings,
        .patch = row->patch,
    };

    for (size_t i = 0; i < ARRAY_SIZE(row->findings); i++) {
        if (row->findings[i].field) {
            AUTO_FREE char *object = xasprintf("Ingress a/%zu", i);

            findings_add(findings, row->findings[i].severity,
                         row->findings[i].reason, object,
                         row->findings[i].field, "%s",
                         row->findings[i].message);
        }
    }
    answer_print(&answer, &got);
    assert_string_equal(buf_str(&got), row->want);
}

static json_t *
print_many(enum finding_severity severity, size_t n, size_t size)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_FREE char *filler = xcalloc(1, size + 1);
    const struct answer answer = {
        .uid = "u1",
        .is_allowed = severity == FINDING_WARNING,
        .findings = findings,
    };

    memset(filler, 'x', size);
    for (size_t i = 0; i < n; i++) {
        findings_add(findings, severity, FINDING_INVALID, "Ingress a/b", "f",
                     "%04zu %s", i, filler);
    }
    answer_print(&answer, &got);
    return json_loads(buf_str(&got), 0, NULL);
}

/* The API server cuts warnings into nonsense beyond 4096: ours stay under
 * it, whole, and the last one says how many are missing. */
static void
check_warning_budget(void **state)
{
    AUTO_JSON json_t *got = print_many(FINDING_WARNING, 100, 93);
    json_t *list =
        json_object_get(json_object_get(got, "response"), "warnings");
    size_t total = 0;

    (void) state;
    for (size_t i = 0; i < json_array_size(list); i++) {
        total += json_string_length(json_array_get(list, i));
    }
    assert_true(total <= 4096);
    assert_int_equal(json_array_size(list), 40);
    assert_int_equal(json_string_length(json_array_get(list, 38)), 101);
    assert_string_equal(json_string_value(json_array_get(list, 39)),
                        "61 more warnings are left out here; sallyport lint "
                        "shows all");
}

static void
check_message_budget(void **state)
{
    AUTO_JSON json_t *got = print_many(FINDING_ERROR, 1000, 93);
    json_t *status =
        json_object_get(json_object_get(got, "response"), "status");
    const char *message =
        json_string_value(json_object_get(status, "message"));
    json_t *causes, *last;

    (void) state;
    assert_true(strlen(message) < 17000);
    assert_int_equal(
        strncmp(message, "Ingress a/b has 1000 problems:\n* f: 0000 x", 42), 0);
    assert_string_equal(strrchr(message, '\n'), "\n* and 843 more");
    causes = json_object_get(json_object_get(status, "details"), "causes");
    last = json_array_get(causes, json_array_size(causes) - 1);
    assert_true(json_array_size(causes) > 50);
    assert_true(json_array_size(causes) < 150);
    assert_int_equal(
        strncmp(json_string_value(json_object_get(last, "message")),
                "sallyport: and ", 15), 0);
}

int
main(void)
{
    const struct CMUnitTest more[] = {
        cmocka_unit_test(check_warning_budget),
        cmocka_unit_test(check_message_budget),
    };
    int failed = TABLE_RUN("answer", rows, check_row);

    return failed + cmocka_run_group_tests_name("answer, more", more, NULL,
                                                NULL);
}
