/* What sallyport-auth counts, written and read again. */
#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/authstats.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define HEAD "sallyport-auth-stats 1\n"
#define NAME64                                                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What a text is read as, written again without the zeros; NULL: refused. */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
} rows[] = {
    { "nothing counted", HEAD, "" },
    { "some", HEAD "ok 3\nno 12\nwaiting 1\n", "ok 3\nno 12\nwaiting 1\n" },
    { "groups", HEAD "group b 2\ngroup a 1\n", "group b 2\ngroup a 1\n" },
    { "a group twice: the last", HEAD "group a 2\ngroup a 5\n",
      "group a 5\n" },
    { "a name of 64 bytes", HEAD "group " NAME64 " 1\n",
      "group " NAME64 " 1\n" },
    { "cut off behind a line", HEAD "ok 3", "ok 3\n" },
    { "empty", "", NULL },
    { "another version", "sallyport-auth-stats 2\nok 1\n", NULL },
    { "a number that is none", HEAD "ok x\n", NULL },
    { "minus", HEAD "ok -1\n", NULL },
    { "beyond all", HEAD "ok 99999999999999999999\n", NULL },
    { "no number", HEAD "ok\n", NULL },
    { "a name that is none", HEAD "okay 1\n", NULL },
    { "a group without a number", HEAD "group a\n", NULL },
    { "a group without a name", HEAD "group  1\n", NULL },
    { "a name of 65 bytes", HEAD "group x" NAME64 " 1\n", NULL },
    { "a control byte in a name", HEAD "group a\033b 1\n", NULL },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_BUF struct buf some = BUF_OWN;
    struct authstats stats, again;
    char *rest, *line;

    assert_int_equal(authstats_read(row->text, &stats), row->want != NULL);
    authstats_print(&stats, &out);
    assert_true(authstats_read(buf_str(&out), &again));
    assert_memory_equal(&stats, &again, sizeof stats);
    rest = out.data + strlen(HEAD);
    while ((line = strsep(&rest, "\n"))) {
        if (line[0] && !str_ends(line, " 0")) {
            buf_printf(&some, "%s\n", line);
        }
    }
    assert_string_equal(buf_str(&some), row->want ? row->want : "");
}

/* No more groups than there is room for, and the text fits what is read. */
static void
groups_are_bounded(void **state UNUSED)
{
    AUTO_BUF struct buf out = BUF_OWN;
    struct authstats stats = { .n_groups = 0 }, again;

    for (int i = 0; i < 2 * AUTHSTATS_GROUPS_MAX; i++) {
        AUTO_FREE char *name = xasprintf("%064d", i);

        authstats_refuse(&stats, name);
        authstats_refuse(&stats, name);
    }
    authstats_refuse(&stats, "");
    assert_int_equal(stats.n_groups, AUTHSTATS_GROUPS_MAX);
    assert_int_equal(stats.groups[0].refused, 2);
    authstats_print(&stats, &out);
    assert_true(out.size < AUTHSTATS_TEXT_MAX);
    assert_true(authstats_read(buf_str(&out), &again));
    assert_memory_equal(&stats, &again, sizeof stats);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_bounded),
    };

    return TABLE_RUN("authstats", rows, check_row) +
           cmocka_run_group_tests_name("authstats: groups", tests, NULL,
                                       NULL);
}
