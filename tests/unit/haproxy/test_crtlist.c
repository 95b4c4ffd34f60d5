/* Lines of the crt-list as texts, and as HAProxy shows them. */
#include "haproxy/crtlist.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/quote.h"
#include "lib/base/mem.h"
#include "tests/unit/table.h"

static void
lines_are_sorted_and_once(void **state)
{
    char *lines = xstrdup("");

    (void) state;
    assert_true(crtlist_add(&lines, "bb", ""));
    assert_true(crtlist_add(&lines, "aa", "ciphers X"));
    assert_true(crtlist_add(&lines, "cc", ""));
    assert_false(crtlist_add(&lines, "bb", ""));
    assert_true(crtlist_add(&lines, "bb", "ciphers X"));
    assert_string_equal(lines, "aa ciphers X\nbb\nbb ciphers X\ncc");
    assert_true(crtlist_has(lines, "bb"));
    assert_false(crtlist_has(lines, "aa"));
    assert_false(crtlist_has("", "aa"));
    free(lines);
}

static void
a_walk_sees_all(void **state)
{
    AUTO_CRTLIST struct crtlist_walk walk = { .lines = "aa x 1\nbb" };

    (void) state;
    assert_true(crtlist_next(&walk));
    assert_string_equal(walk.id, "aa");
    assert_string_equal(walk.options, "x 1");
    assert_string_equal(walk.line, "aa x 1");
    assert_true(crtlist_next(&walk));
    assert_string_equal(walk.id, "bb");
    assert_string_equal(walk.options, "");
    assert_false(crtlist_next(&walk));
}

static const struct shown {
    const char *name, *text, *want;
} shown[] = {
    { "plain", "/r/certs/aa.pem:3 h.test", "/r/certs/aa.pem|3||h.test" },
    { "options, and blanks of HAProxy's",
      "/r/aa.pem:12 [alpn h2  verify none ciphers X ] *.h.test",
      "/r/aa.pem|12|alpn h2 verify none ciphers X|*.h.test" },
    { "the default's", "/r/d.pem:1 !*", "/r/d.pem|1||!*" },
    { "a title", "# /r/crt-list", "none" },
    { "no name", "/r/aa.pem:3", "none" },
    { "options without end", "/r/aa.pem:3 [alpn h2 h.test", "none" },
    { "nothing", "", "none" },
};

static void
check_shown(void **state)
{
    const struct shown *row = *state;
    AUTO_FREE char *text = xstrdup(row->text);
    AUTO_FREE char *got = NULL;
    struct crtlist_line line;

    got = crtlist_parse(text, &line)
              ? xasprintf("%s|%s|%s|%s", line.file, line.number,
                          line.options, line.host)
              : xstrdup("none");
    assert_string_equal(got, row->want);
}

static void
what_is_written_is_read(void **state)
{
    AUTO_BUF struct buf out = BUF_OWN;
    struct crtlist_line line;
    char *text;

    (void) state;
    crtlist_write(&out, "/r/aa.pem:1", "ciphers A:!B ssl-min-ver TLSv1.2",
                  "h.test");
    text = buf_take(&out);
    assert_true(crtlist_parse(text, &line));
    assert_string_equal(line.options, "ciphers A:!B ssl-min-ver TLSv1.2");
    assert_string_equal(line.host, "h.test");
    free(text);
}

/* Nothing of a word can end the option, the line or the command. */
static void
words_of_options(void **state)
{
    static const char *const good[] = {
        "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM", "TLSv1.2",
        "ECDHE-RSA-AES128-GCM-SHA256", "HIGH:@SECLEVEL=2",
    };
    static const char *const bad[] = {
        "", "a b", "a]", "[a", "a\n", "a;b", "a\\b", "a#", "a\"", "a\x80",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(quote_is_option(good[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(quote_is_option(bad[i]));
    }
}

/* A wildcard's line leaves names out: behind the host in HAProxy, at the end
 * of the options here. */
static void
names_that_are_left_out(void **state UNUSED)
{
    static const struct {
        const char *options, *except, *both, *written;
    } rows[] = {
        { "", "", "", "/c/a.pem *.t" },
        { "", "a.t", "except a.t", "/c/a.pem *.t !a.t" },
        { "ciphers !x:y", "a.t b.t", "ciphers !x:y except a.t b.t",
          "/c/a.pem [ciphers !x:y] *.t !a.t !b.t" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_FREE char *both =
            crtlist_with_except(rows[i].options, rows[i].except);
        AUTO_FREE char *except = NULL;
        AUTO_FREE char *plain = crtlist_except(both, &except);
        AUTO_FREE char *text = NULL;
        AUTO_FREE char *read = NULL;
        AUTO_BUF struct buf out = BUF_OWN;
        struct crtlist_line line;

        assert_string_equal(both, rows[i].both);
        assert_string_equal(plain, rows[i].options);
        assert_string_equal(except ? except : "", rows[i].except);
        crtlist_write(&out, "/c/a.pem", both, "*.t");
        assert_string_equal(buf_str(&out), rows[i].written);
        text = xasprintf("/c/a.pem:7%s", rows[i].written +
                                              strlen("/c/a.pem"));
        assert_true(crtlist_parse(text, &line));
        read = crtlist_line_options(&line);
        assert_string_equal(read, both);
        assert_string_equal(line.host, "*.t");
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_sorted_and_once),
        cmocka_unit_test(a_walk_sees_all),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(words_of_options),
        cmocka_unit_test(names_that_are_left_out),
    };
    int failed = TABLE_RUN("as HAProxy shows them", shown, check_shown);

    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
