#include "tests/unit/table.h"

#include <errno.h>

#include "lib/base/err.h"

static void
test_text_and_kind(void **state)
{
    AUTO_ERR struct err *err = err_new(ERR_LIMIT, "%d of %s", 7, "x");

    (void) state;
    assert_int_equal(err_kind(err), ERR_LIMIT);
    assert_string_equal(err_text(err), "7 of x");
}

static void
test_wrap(void **state)
{
    AUTO_ERR struct err *err = err_new(ERR_GONE, "100%% wrong");

    (void) state;
    err = err_wrap(err, "load %s", "a");
    err = err_wrap(err, "start");
    assert_int_equal(err_kind(err), ERR_GONE);
    assert_string_equal(err_text(err), "start: load a: 100% wrong");
}

static void
test_wrap_of_success(void **state)
{
    (void) state;
    assert_null(err_wrap(NULL, "load %s", "a"));
    err_free(NULL);
}

static void
test_errno(void **state)
{
    AUTO_ERR struct err *err = NULL;

    (void) state;
    errno = EPERM;
    err = err_errno(ERR_DENIED, ENOENT, "open %s", "a");
    assert_int_equal(err_kind(err), ERR_DENIED);
    assert_string_equal(err_text(err), "open a: No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_kind),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_wrap_of_success),
        cmocka_unit_test(test_errno),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
