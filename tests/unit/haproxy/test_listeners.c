#include "tests/unit/table.h"

#include <stdlib.h>

#include "haproxy/listeners.h"
#include "lib/base/err.h"

/* 'want' is the text written back, "" where it is refused. */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
} rows[] = {
    { "two ports and a twin", "10 0.0.0.0 80\n11 :: 443\n12 =11\n",
      "10 0.0.0.0 80\n11 :: 443\n12 =11\n" },
    { "empty", "", "" },
    { "blank line", "10 0.0.0.0 80\n\n", "" },
    { "a name", "10 localhost 80\n", "" },
    { "port 0", "10 0.0.0.0 0\n", "" },
    { "a word too many", "10 0.0.0.0 80 x\n", "" },
    { "a word too few", "10 0.0.0.0\n", "" },
    { "standard error", "2 0.0.0.0 80\n", "" },
    { "the same number twice", "10 0.0.0.0 80\n10 :: 80\n", "" },
    { "twin of nobody", "10 0.0.0.0 80\n11 =12\n", "" },
    { "twin of a twin", "10 0.0.0.0 80\n11 =10\n12 =11\n", "" },
    { "number out of range", "26 0.0.0.0 80\n", "" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf out = BUF_OWN;
    struct listeners listeners;
    AUTO_ERR struct err *err = listeners_read(row->text, &listeners);

    if (!err) {
        listeners_write(&listeners, &out);
    }
    assert_string_equal(buf_str(&out), row->want);
}

static void
made_as_read(void **state)
{
    AUTO_BUF struct buf one = BUF_OWN, two = BUF_OWN;
    struct listeners made, read;

    (void) state;
    assert_null(listeners_make("127.0.0.1", 80, 443, &made));
    listeners_write(&made, &one);
    assert_string_equal(buf_str(&one),
                        "10 127.0.0.1 80\n11 127.0.0.1 443\n12 =11\n");
    assert_null(listeners_read(buf_str(&one), &read));
    listeners_write(&read, &two);
    assert_string_equal(buf_str(&one), buf_str(&two));
}

static void
address_must_be_one(void **state)
{
    struct listeners made;
    struct err *err = listeners_make("eth0", 80, 443, &made);

    (void) state;
    assert_non_null(err);
    err_free(err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_as_read),
        cmocka_unit_test(address_must_be_one),
    };

    return TABLE_RUN("listeners", rows, check_row) +
           cmocka_run_group_tests_name("listeners more", tests, NULL, NULL);
}
