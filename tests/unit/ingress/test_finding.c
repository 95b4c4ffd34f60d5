#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/ingress/finding.h"

#define OBJECT "Ingress default/alpha"

static void
add(struct findings *fs, enum finding_severity severity, const char *field,
    const char *message)
{
    findings_add(fs, severity, FINDING_INVALID, OBJECT, field, "%s",
                 message);
}

static void
lists_are_sorted_and_have_no_twins(void **state UNUSED)
{
    AUTO_FINDINGS struct findings *fs = findings_new();
    AUTO_BUF struct buf out = BUF_OWN;

    add(fs, FINDING_WARNING, "a", "w");
    add(fs, FINDING_ERROR, "b", "2");
    add(fs, FINDING_ERROR, "b", "1");
    add(fs, FINDING_ERROR, "", "no field");
    add(fs, FINDING_ERROR, "b", "2");
    findings_add(fs, FINDING_ERROR, FINDING_OWNERSHIP, OBJECT, "b", "%d", 2);
    findings_print(fs, &out);
    assert_string_equal(buf_str(&out),
                        "error: " OBJECT ": no field\n"
                        "error: " OBJECT ": b: 1\n"
                        "error: " OBJECT ": b: 2\n"
                        "error: " OBJECT ": b: 2\n"
                        "warning: " OBJECT ": a: w\n");
    assert_int_equal(findings_count(fs), 5);
    assert_int_equal(findings_count_of(fs, FINDING_ERROR), 4);
    assert_int_equal(findings_count_of(fs, FINDING_WARNING), 1);
    assert_int_equal(findings_get(fs, 3)->reason, FINDING_OWNERSHIP);
    assert_null(findings_get(fs, 5));
}

static void
equality_is_of_everything(void **state UNUSED)
{
    AUTO_FINDINGS struct findings *fs = findings_new();
    AUTO_FINDINGS struct findings *others = findings_new();

    add(fs, FINDING_ERROR, "f", "m");
    add(others, FINDING_WARNING, "f", "m");
    findings_add(others, FINDING_ERROR, FINDING_OWNERSHIP, OBJECT, "f", "m");
    findings_add(others, FINDING_ERROR, FINDING_INVALID, "Ingress x/y", "f",
                 "m");
    add(others, FINDING_ERROR, "g", "m");
    add(others, FINDING_ERROR, "f", "n");
    for (size_t i = 0; i < findings_count(others); i++) {
        assert_false(findings_has(fs, findings_get(others, i)));
    }
    findings_add_all(others, fs);
    assert_int_equal(findings_count(others), 6);
    assert_true(findings_has(others, findings_get(fs, 0)));
    assert_true(finding_equal(findings_get(fs, 0), findings_get(fs, 0)));
}

/* The first in order stay, whatever order they came in. */
static void
lists_have_an_end(void **state UNUSED)
{
    AUTO_FINDINGS struct findings *up = findings_new();
    AUTO_FINDINGS struct findings *down = findings_new();
    enum { MANY = 5000 };

    for (size_t i = 0; i < MANY; i++) {
        AUTO_FREE char *low = xasprintf("%05zu", i);
        AUTO_FREE char *high = xasprintf("%05zu", MANY - 1 - i);

        add(up, FINDING_WARNING, low, "m");
        add(down, FINDING_WARNING, high, "m");
    }
    add(up, FINDING_ERROR, "last", "m");
    add(down, FINDING_ERROR, "last", "m");
    assert_int_equal(findings_count(up), 4096);
    assert_int_equal(findings_count(down), 4096);
    for (size_t i = 0; i < 4096; i++) {
        assert_true(finding_equal(findings_get(up, i),
                                  findings_get(down, i)));
    }
    assert_string_equal(findings_get(up, 0)->field, "last");
    assert_string_equal(findings_get(up, 4095)->field, "04094");
}

/* However long a message is, nothing of it is lost. */
static void
messages_are_whole(void **state UNUSED)
{
    AUTO_FREE char *filler = xcalloc(1, 2001);
    AUTO_FINDINGS struct findings *fs = findings_new();

    memset(filler, 'x', 2000);
    for (int i = 0; i < 2000; i++) {
        findings_add(fs, FINDING_ERROR, FINDING_INVALID, OBJECT, "f",
                     "%04d%.*s", i, i, filler);
    }
    for (int i = 0; i < 2000; i++) {
        AUTO_FREE char *want = xasprintf("%04d%.*s", i, i, filler);

        assert_string_equal(findings_get(fs, (size_t) i)->message, want);
    }
}

static void
json_is_an_array(void **state UNUSED)
{
    AUTO_FINDINGS struct findings *fs = findings_new();
    AUTO_BUF struct buf empty = BUF_OWN;
    AUTO_BUF struct buf out = BUF_OWN;

    findings_print_json(fs, &empty);
    assert_string_equal(buf_str(&empty), "[]\n");
    add(fs, FINDING_ERROR, "spec", "\"x\" is bad");
    findings_add(fs, FINDING_WARNING, FINDING_INVALID, "Ingress \xff", "spec",
                 "m");
    findings_print_json(fs, &out);
    assert_string_equal(buf_str(&out),
                        "[\n"
                        "  {\n"
                        "    \"severity\": \"error\",\n"
                        "    \"object\": \"Ingress default/alpha\",\n"
                        "    \"field\": \"spec\",\n"
                        "    \"message\": \"\\\"x\\\" is bad\"\n"
                        "  },\n"
                        "  {\n"
                        "    \"severity\": \"warning\",\n"
                        "    \"object\": \"\\\"Ingress \\\\xff\\\"\",\n"
                        "    \"field\": \"spec\",\n"
                        "    \"message\": \"m\"\n"
                        "  }\n"
                        "]\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_sorted_and_have_no_twins),
        cmocka_unit_test(equality_is_of_everything),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(messages_are_whole),
        cmocka_unit_test(json_is_an_array),
    };

    findings_free(NULL);
    return cmocka_run_group_tests_name("finding", tests, NULL, NULL);
}
