#include "tests/unit/table.h"

#include <string.h>

#include "haproxy/command.h"

/* An error is logged: it names the command, and no byte of what follows. */
static void
an_error_holds_no_payload(void **state)
{
    AUTO_BUF struct buf answer = BUF_OWN;
    AUTO_ERR struct err *err =
        command_ask("/nowhere/haproxy.sock",
                    "set ssl cert /run/a.pem <<\nPRIVATE\nKEY\n", &answer);

    (void) state;
    assert_non_null(err);
    assert_non_null(strstr(err_text(err), "set ssl cert /run/a.pem <<"));
    assert_null(strstr(err_text(err), "PRIVATE"));
    assert_null(strstr(err_text(err), "KEY"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_holds_no_payload),
    };

    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
