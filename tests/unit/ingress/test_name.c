#include "tests/unit/table.h"

#include "lib/ingress/name.h"

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define L61 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"

static const struct row {
    const char *name;
    const char *text;
    bool label, subdomain, port;
} rows[] = {
    { "NULL", NULL, false, false, false },
    { "empty", "", false, false, false },
    { "one letter", "a", true, true, true },
    { "one digit", "1", true, true, false },
    { "inner minus", "a-b", true, true, true },
    { "two minuses", "a--b", true, true, false },
    { "leading minus", "-a", false, false, false },
    { "trailing minus", "a-", false, false, false },
    { "upper case", "A", false, false, false },
    { "underscore", "a_b", false, false, false },
    { "slash", "a/b", false, false, false },
    { "UTF-8", "\xc3\xbc", false, false, false },
    { "dots", "a.b", false, true, false },
    { "leading dot", ".a", false, false, false },
    { "trailing dot", "a.", false, false, false },
    { "two dots", "a..b", false, false, false },
    { "15 bytes", "abcdefghijklmno", true, true, true },
    { "16 bytes", "abcdefghijklmnop", true, true, false },
    { "63 bytes", L63, true, true, false },
    { "64 bytes", L63 "a", false, true, false },
    { "253 bytes", L63 "." L63 "." L63 "." L61, false, true, false },
    { "254 bytes", L63 "." L63 "." L63 "." L61 "a", false, false, false },
};

static void
check_row(void **state)
{
    const struct row *row = *state;

    assert_int_equal(name_is_label(row->text), row->label);
    assert_int_equal(name_is_subdomain(row->text), row->subdomain);
    assert_int_equal(name_is_port(row->text), row->port);
}

static void
test_keys(void **state)
{
    (void) state;
    assert_true(name_is_key("a/b"));
    assert_true(name_is_key("a/b.c"));
    assert_false(name_is_key(NULL));
    assert_false(name_is_key("a"));
    assert_false(name_is_key("/b"));
    assert_false(name_is_key("a/"));
    assert_false(name_is_key("a.b/c"));
    assert_false(name_is_key("a/b/c"));
    assert_false(name_is_key("a_/b"));
    assert_false(name_is_key("a/B"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys) };

    return TABLE_RUN("name", rows, check_row) +
           cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
