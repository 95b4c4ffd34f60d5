#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/foreign_flags.h"

#define ARGS_MAX 4

static const struct row {
    const char *name;
    const char *args[ARGS_MAX];
    const char *want;           /* "" where none is foreign. */
} rows[] = {
    { "none", { NULL }, "" },
    { "of ours", { "--http-port=80", "--ingress-class", "nginx" }, "" },
    { "one with a value", { "--status-port=1" },
      "--status-port is a flag of ingress-nginx, take it out: no such port is "
      "opened" },
    { "one and its value", { "--watch-namespace-selector", "a=b" },
      "--watch-namespace-selector is a flag of ingress-nginx, take it out: "
      "write --watch-namespace with the names of the namespaces" },
    { "a letter", { "-v=2" },
      "--v is a flag of ingress-nginx, take it out: write --log-level and "
      "--log-format" },
    { "one of many", { "--metrics-per-host" },
      "--metrics-per-host is a flag of ingress-nginx, take it out: /metrics "
      "has what docs/operations.md lists, in its own buckets" },
    { "all in one line",
      { "--election-ttl=1s", "--http-port=80", "--profiler-port=1" },
      "--election-ttl is a flag of ingress-nginx, take it out: a Lease is "
      "held for fifteen seconds; --profiler-port is a flag of ingress-nginx, "
      "take it out: no such port is opened" },
    { "no flag", { "status-port", "---v", "-" }, "" },
    { "longer than one", { "--vv" }, "" },
    { "a strange one of a known beginning", { "--healthz-a\nb" },
      "--healthz-a\\nb is a flag of ingress-nginx, take it out: write "
      "--admin-address HOST:PORT: /healthz and /readyz are there" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    char *argv[ARGS_MAX + 1] = { xstrdup("test") };
    struct err *err;
    int argc = 1;

    while (argc <= ARGS_MAX && row->args[argc - 1]) {
        argv[argc] = xstrdup(row->args[argc - 1]);
        argc++;
    }
    err = foreign_flags_check(argc, argv);
    assert_string_equal(err ? err_text(err) : "", row->want);
    err_free(err);
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
}

static void
check_whole(void **state)
{
    (void) state;
    for (size_t i = 0; i < foreign_flag_count(); i++) {
        const struct foreign_flag *flag = foreign_flag_at(i);

        /* Not behind another one that stands for it. */
        assert_ptr_equal(foreign_flag_find(flag->name), flag);
        if (strlen(flag->why) < 5 || str_ends(flag->why, ".")) {
            fail_msg("%s: why is no end of a sentence", flag->name);
        }
    }
    assert_null(foreign_flag_at(foreign_flag_count()));
    assert_null(foreign_flag_find("no-such-flag"));
}

int
main(void)
{
    const struct CMUnitTest whole[] = { cmocka_unit_test(check_whole) };
    int failed = TABLE_RUN("foreign flags", rows, check_row);

    return failed + cmocka_run_group_tests_name("foreign flags, all", whole,
                                                NULL, NULL);
}
