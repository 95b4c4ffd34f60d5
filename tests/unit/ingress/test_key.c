#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/ingress/key.h"

#define CONTROL "must not hold a control character"
#define ESCAPED                                                            \
    "must not hold an escaped backslash or control character (%5C, %00 "   \
    "to %1F, %7F)"
#define BROKEN "holds a \"%\" that begins no escape: write %25"
#define DOTS "must not have \".\" or \"..\" as an element"

/* 'want' NULL: refused because of 'why'. */
static const struct row {
    const char *name;
    const char *path;
    const char *want;
    const char *why;
} rows[] = {
    { "root", "/", "/", NULL },
    { "plain", "/a/b", "/a/b", NULL },
    { "trailing slash stays", "/a/", "/a/", NULL },
    { "case stays", "/Aa", "/Aa", NULL },
    { "empty", "", NULL, "must begin with \"/\"" },
    { "relative", "a", NULL, "must begin with \"/\"" },
    { "escaped slash in front", "%2Fa", NULL, "must begin with \"/\"" },
    { "two slashes", "/a//b", "/a/b", NULL },
    { "leading slashes", "//a", "/a", NULL },
    { "only slashes", "////", "/", NULL },
    { "trailing slashes", "/a//", "/a/", NULL },
    { "escaped slash, upper", "/a%2Fb", "/a/b", NULL },
    { "escaped slash, lower", "/a%2fb", "/a/b", NULL },
    { "escaped slash beside a slash", "/a%2F/b", "/a/b", NULL },
    { "unreserved escape decoded", "/%61%7E%2d%5F%2E.x", "/a~-_..x", NULL },
    { "unreserved bytes", "/aZ09-._~", "/aZ09-._~", NULL },
    { "raw pchar bytes", "/!$&'()*+,;=:@", "/!$&'()*+,;=:@", NULL },
    { "bytes that browsers send raw", "/[]|", "/[]|", NULL },
    { "escapes of pchar bytes decoded", "/%24%28%40", "/$(@", NULL },
    { "escapes of brackets decoded", "/%5b%5D%7c", "/[]|", NULL },
    { "escapes in upper case", "/%c3%a9", "/%C3%A9", NULL },
    { "UTF-8 is escaped", "/caf\xc3\xa9", "/caf%C3%A9", NULL },
    { "highest byte", "/\xff", "/%FF", NULL },
    { "lowest byte beyond ASCII", "/\x80", "/%80", NULL },
    { "blank", "/a b", "/a%20b", NULL },
    { "quote", "/\"", "/%22", NULL },
    { "hash", "/#", "/%23", NULL },
    { "angle brackets", "/<>", "/%3C%3E", NULL },
    { "question mark", "/a?b=c", "/a%3Fb=c", NULL },
    { "caret and backtick", "/^`", "/%5E%60", NULL },
    { "braces", "/{}", "/%7B%7D", NULL },
    { "escaped percent", "/%25", "/%25", NULL },
    { "double escape stays one", "/%252e", "/%252e", NULL },
    { "bare percent", "/a%", NULL, BROKEN },
    { "half an escape", "/%a", NULL, BROKEN },
    { "no hex, first", "/%g0", NULL, BROKEN },
    { "no hex, second", "/%0g", NULL, BROKEN },
    { "percent before an escape", "/%%41", NULL, BROKEN },
    { "end mark", "/a\001", NULL, CONTROL },
    { "highest control", "/\x1f", NULL, CONTROL },
    { "delete", "/\x7f", NULL, CONTROL },
    { "newline", "/a\nb", NULL, CONTROL },
    { "backslash", "/a\\b", NULL, "must not hold a backslash" },
    { "escaped NUL", "/%00", NULL, ESCAPED },
    { "escaped end mark", "/a/%01", NULL, ESCAPED },
    { "escaped highest control", "/%1F", NULL, ESCAPED },
    { "escaped delete", "/%7f", NULL, ESCAPED },
    { "escaped backslash", "/%5c", NULL, ESCAPED },
    { "dot", "/.", NULL, DOTS },
    { "dot inside", "/a/./b", NULL, DOTS },
    { "dot with slash", "/a/./", NULL, DOTS },
    { "dot dot", "/a/..", NULL, DOTS },
    { "dot dot inside", "/a/../b", NULL, DOTS },
    { "escaped dots", "/%2e%2E/b", NULL, DOTS },
    { "dots behind an escaped slash", "/a%2f..", NULL, DOTS },
    { "three dots", "/...", "/...", NULL },
    { "hidden name", "/.well-known/..a/b..", "/.well-known/..a/b..", NULL },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    const char *why = "poison";
    AUTO_FREE char *got = key_path(row->path, &why);

    /* Not all that are as they must be are plain. */
    assert_true(!key_is_plain(row->path) ||
                (got && strcmp(got, row->path) == 0));
    if (row->want) {
        AUTO_FREE char *again = NULL;

        assert_non_null(got);
        assert_string_equal(got, row->want);
        assert_null(why);
        /* A canonical path is its own canonical form. */
        again = key_path(got, &why);
        assert_non_null(again);
        assert_string_equal(again, got);
    } else {
        assert_null(got);
        assert_string_equal(why, row->why);
    }
}

static const struct key {
    const char *name;
    const char *host;
    const char *path;
    bool is_exact;
    const char *want;
} keys[] = {
    { "prefix", "h", "/a/b", false, "h/a/b/" },
    { "prefix with slash is the same", "h", "/a/b/", false, "h/a/b/" },
    { "exact", "h", "/a/b", true, "h/a/b/\001" },
    { "exact with slash is another", "h", "/a/b/", true, "h/a/b//\001" },
    { "root prefix", "h", "/", false, "h/" },
    { "root exact", "h", "/", true, "h//\001" },
    { "every host", "", "/", false, "/" },
    { "every host, exact", "", "/a", true, "/a/\001" },
    { "wildcard", "*.x", "/a", false, "*.x/a/" },
};

static void
check_key(void **state)
{
    const struct key *row = *state;
    AUTO_FREE char *got = key_route(row->host, row->path, row->is_exact);
    AUTO_ARENA struct arena arena = ARENA_INIT;

    assert_string_equal(got, row->want);
    assert_string_equal(
        key_route_in(&arena, row->host, row->path, row->is_exact), row->want);
}

/* What HAProxy composes of a request is longest-matched by these keys as
 * Kubernetes says: the key of each request path begins with the row's. */
static const struct match {
    const char *name;
    const char *path;
    bool is_exact;
    const char *request;
    bool want;
} matches[] = {
    { "prefix: itself", "/foo", false, "/foo", true },
    { "prefix: with slash", "/foo", false, "/foo/", true },
    { "prefix: element below", "/foo", false, "/foo/bar", true },
    { "prefix: longer name", "/foo", false, "/foobar", false },
    { "prefix with slash: without", "/foo/", false, "/foo", true },
    { "prefix: other case", "/foo", false, "/FOO", false },
    { "prefix root: anything", "/", false, "/x", true },
    { "exact: itself", "/foo", true, "/foo", true },
    { "exact: with slash", "/foo", true, "/foo/", false },
    { "exact: element below", "/foo", true, "/foo/bar", false },
    { "exact with slash: itself", "/foo/", true, "/foo/", true },
    { "exact with slash: without", "/foo/", true, "/foo", false },
    { "exact with slash: below", "/foo/", true, "/foo/x", false },
    { "exact root: itself", "/", true, "/", true },
    { "exact root: another", "/", true, "/x", false },
};

static void
check_match(void **state)
{
    const struct match *row = *state;
    AUTO_FREE char *key = key_route("h", row->path, row->is_exact);
    AUTO_FREE char *tail = xasprintf("h%s/%c", row->request, KEY_END);

    assert_int_equal(strncmp(tail, key, strlen(key)) == 0, row->want);
}

static void
check_length(void **state)
{
    AUTO_BUF struct buf path = BUF_OWN;
    const char *why;
    char *got;

    (void) state;
    buf_putc(&path, '/');
    while (path.size < KEY_PATH_MAX) {
        buf_putc(&path, 'a');
    }
    got = key_path(buf_str(&path), &why);
    assert_non_null(got);
    free(got);
    assert_true(key_is_plain(buf_str(&path)));
    buf_putc(&path, 'a');
    assert_false(key_is_plain(buf_str(&path)));
    assert_null(key_path(buf_str(&path), &why));
    assert_string_equal(why, "must be at most 2048 bytes long");

    /* It is the canonical length that counts. */
    buf_clear(&path);
    buf_putc(&path, '/');
    while (path.size < KEY_PATH_MAX) {
        buf_putc(&path, ' ');
    }
    assert_null(key_path(buf_str(&path), &why));
    assert_string_equal(why, "must be at most 2048 bytes long");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_length),
    };

    return TABLE_RUN("key path", rows, check_row) +
           TABLE_RUN("key route", keys, check_key) +
           TABLE_RUN("key match", matches, check_match) +
           cmocka_run_group_tests_name("key length", tests, NULL, NULL);
}
