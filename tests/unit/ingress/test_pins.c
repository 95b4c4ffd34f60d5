#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ingress/pins.h"

/* Lines of a ConfigMap, and a host and namespace that ask. */
static const struct row {
    const char *name;
    const char *lines;
    const char *host;
    const char *ns;
    const char *against;        /* The suffix that keeps it out, or NULL. */
} rows[] = {
    { "no pins", "", "a.x", "n", NULL },
    { "the host itself", "a.x: m", "a.x", "n", "a.x" },
    { "below it", "a.x: m", "c.b.a.x", "n", "a.x" },
    { "one of those it is kept for", "a.x: m , n", "a.x", "n", NULL },
    { "beside it", "a.x: m", "ba.x", "n", NULL },
    { "above it", "a.x: m", "x", "n", NULL },
    { "the longest decides", "x: n\na.x: m", "a.x", "n", "a.x" },
    { "and lets in", "x: m\na.x: n", "a.x", "n", NULL },
    { "lines of one host come together", "a.x: m\na.x: n", "a.x", "n", NULL },
    { "upper case and a dot", "A.x.: m", "a.x", "n", "a.x" },
    { "windows", "a.x: m\r\nb.x: m\r\n", "b.x", "n", "b.x" },
    { "comments", "#a.x: m\nb.x: n # and m", "a.x", "n", NULL },
    { "its wildcard", "a.x: m", "*.a.x", "n", "a.x" },
    { "a wildcard that covers it", "a.x: m", "*.x", "n", "a.x" },
    { "of all that it covers", "a.x: n\nb.x: m", "*.x", "n", "b.x" },
    { "a wildcard two labels above", "b.a.x: m", "*.x", "n", NULL },
    { "every host", "x: m", "", "n", NULL },
    { "no namespaces", "a.x:", "a.x", "n", "a.x" },
    { "no colon", "a.x", "a.x", "n", "a.x" },
    { "bad namespace beside a good one", "a.x: n, N", "a.x", "n", NULL },
    { "bad host", "*.x: m\n: m\na..x: m", "a.x", "n", NULL },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct pins *pins = pins_new();
    const struct pin *pin;

    err_free(pins_parse_lines(row->lines, pins));
    pin = pins_against(pins, row->host, row->ns);
    if (row->against) {
        assert_non_null(pin);
        assert_string_equal(pin->suffix, row->against);
    } else {
        assert_null(pin);
    }
    pins_free(pins);
}

static const struct list_row {
    const char *name;
    const char *list;
    const char *host;
    bool want;
} list_rows[] = {
    { "the host", "a.x", "a.x", true },
    { "another", "a.x", "b.x", false },
    { "not what is below it", "a.x", "b.a.x", false },
    { "below", "*.x", "a.x", true },
    { "far below", "*.x", "c.b.a.x", true },
    { "not the name itself", "*.x", "x", false },
    { "not its end", "*.x", "ax", false },
    { "the wildcard", "*.x", "*.x", true },
    { "a wildcard below", "*.x", "*.a.x", true },
    { "a host does not list its wildcard", "a.x", "*.x", false },
    { "all", "*", "a.x", true },
    { "all, no host", "*", "", true },
    { "no host", "a.x", "", false },
    { "blanks, case, dot", " b.x , A.x. ", "a.x", true },
    { "bad items list nothing", "a..x,,http://a.x", "a.x", false },
    { "nor every host", "", "", false },
};

static void
check_list(void **state)
{
    const struct list_row *row = *state;

    assert_int_equal(pins_list_has(row->list, row->host), row->want);
}

static void
check_caps(void **state UNUSED)
{
    struct pins *pins = pins_new();
    struct err *err = NULL;
    char *list = xmalloc(PINS_MAX_LIST + 2);

    for (unsigned i = 0; i <= PINS_MAX; i++) {
        AUTO_FREE char *line = xasprintf("a%u.x: n", i);

        assert_null(err);
        err = pins_parse_lines(line, pins);
    }
    assert_non_null(err);
    assert_string_equal(err_text(err), "more than 1000 hosts");
    assert_int_equal(pins_count(pins), PINS_MAX);
    err_free(err);
    pins_free(pins);
    memset(list, ',', PINS_MAX_LIST + 1);
    memcpy(list, "a.x", 3);
    list[PINS_MAX_LIST + 1] = '\0';
    assert_false(pins_list_has(list, "a.x"));
    list[PINS_MAX_LIST] = '\0';
    assert_true(pins_list_has(list, "a.x"));
    free(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_caps),
    };

    return TABLE_RUN("pins", rows, check_row) +
           TABLE_RUN("allowed hosts", list_rows, check_list) +
           cmocka_run_group_tests_name("caps", tests, NULL, NULL);
}
