#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/feature.h"
#include "lib/base/str.h"

/* 'want': "MAJOR.MINOR.PATCH[ dev]: FEATURES", or "" where the version cannot
 * be read; then nothing is there. */
static const struct row {
    const char *name;
    const char *version;
    const char *want;
} rows[] = {
    { "bookworm", "2.6.12-1+deb12u4", "2.6.12: nothing beyond 2.6" },
    { "trixie", "3.0.11-1+deb13u4",
      "3.0.11: del-server-safe, wait, reload-status, add-ca, "
      "fast-set-map, bandwidth" },
    { "sid", "3.2.26-1",
      "3.2.26: del-server-safe, wait, reload-status, add-ca, "
      "fast-set-map, bandwidth" },
    { "experimental", "3.4.7-1",
      "3.4.7: add-backend, del-server-safe, wait, reload-status, add-ca, "
      "fast-set-map, bandwidth, big-payload" },
    { "2.7", "2.7.0", "2.7.0: reload-status, add-ca, bandwidth" },
    { "2.9", "2.9.15",
      "2.9.15: reload-status, add-ca, fast-set-map, bandwidth" },
    { "minor of two digits is no fraction", "2.10.1",
      "2.10.1: reload-status, add-ca, fast-set-map, bandwidth" },
    { "a new major", "4.0.0",
      "4.0.0: add-backend, del-server-safe, wait, reload-status, add-ca, "
      "fast-set-map, bandwidth, big-payload" },
    { "in development is less", "3.4-dev7-abcdef",
      "3.4.0 dev: del-server-safe, wait, reload-status, add-ca, "
      "fast-set-map, bandwidth" },
    { "in development after it", "3.5-dev1",
      "3.5.0 dev: add-backend, del-server-safe, wait, reload-status, "
      "add-ca, fast-set-map, bandwidth, big-payload" },
    { "without a patch", "3.4",
      "3.4.0: add-backend, del-server-safe, wait, reload-status, add-ca, "
      "fast-set-map, bandwidth, big-payload" },
    { "tilde", "3.4.7~bpo12+1",
      "3.4.7: add-backend, del-server-safe, wait, reload-status, add-ca, "
      "fast-set-map, bandwidth, big-payload" },
    { "empty", "", "" },
    { "a word before it", "HAProxy 3.4.7", "" },
    { "blank before it", " 3.4.7", "" },
    { "one number", "3", "" },
    { "no minor", "3.", "" },
    { "no patch", "3.4.", "" },
    { "a letter behind", "3.4.7x", "" },
    { "four numbers", "3.4.7.1", "" },
    { "leading zero", "03.4.7", "" },
    { "sign", "-3.4.7", "" },
    { "plus", "+3.4.7", "" },
    { "overflow", "99999999999999999999.4.7", "" },
    { "large", "10000.0.0", "" },
    { "hexadecimal", "0x3.4.7", "" },
    { "line feed", "3.4.7\n", "" },
    { "blank in the suffix", "3.4.7-1 x", "" },
    { "escape in the suffix", "3.4.7-\033[1m", "" },
    { "UTF-8 in the suffix", "3.4.7-\xc3\xa9", "" },
    { "63 bytes",
      "3.4.7-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "3.4.7: add-backend, del-server-safe, wait, reload-status, add-ca, "
      "fast-set-map, bandwidth, big-payload" },
    { "64 bytes",
      "3.4.7-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;
    struct feature_version v = { .major = 7 };
    struct features f;

    feature_of_version(row->version, &f);
    if (feature_version_parse(row->version, &v)) {
        buf_printf(&got, "%u.%u.%u%s: ", v.major, v.minor, v.patch,
                   v.is_development ? " dev" : "");
        feature_describe(&f, &got);
        assert_string_equal(buf_str(&got), row->want);
        return;
    }
    assert_string_equal("", row->want);
    assert_int_equal(v.major, 7);
    for (size_t i = 0; i < FEATURE_N; i++) {
        assert_false(f.has[i]);
    }
}

/* What 3.4.7 and 2.6.12 answer to "help add backend". */
static void
help_texts(void **state)
{
    static const char new[] =
        "The following commands are valid at this level:\n"
        "  add backend <backend>                   : add a new backend\n"
        "  help [<command>]                        : list\n\n";
    static const char old[] =
        "The following commands are valid at this level:\n"
        "  add acl [@<ver>] <acl> <pattern>        : add an acl entry\n"
        "  show backend                            : list add backend\n"
        "  add backends <x>                        : not that\n\n";

    (void) state;
    assert_true(feature_is_listed(new, "add backend"));
    assert_false(feature_is_listed(new, "publish backend"));
    assert_false(feature_is_listed(old, "add backend"));
    assert_true(feature_is_listed("wait", "wait"));
    assert_false(feature_is_listed("", "wait"));
    assert_false(feature_is_listed("waiting\n", "wait"));
}

static void
nobody_there(void **state)
{
    struct features f = { .has = { true } };
    struct err *err = feature_probe("/nonexistent/haproxy.sock", "3.4.7-1",
                                    &f);

    (void) state;
    assert_non_null(err);
    err_free(err);
    assert_false(f.has[FEATURE_ADD_BACKEND]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_texts),
        cmocka_unit_test(nobody_there),
    };

    return TABLE_RUN("feature", rows, check_row) +
           cmocka_run_group_tests_name("feature more", tests, NULL, NULL);
}
