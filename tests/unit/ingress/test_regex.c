#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/regex.h"

#define BAD_GROUP                                                          \
    ": this kind of group is not allowed: write (...), (?:...) or a "      \
    "look-around"
#define BAD_ESCAPE                                                         \
    ": this escape is not allowed: write \\d \\w \\s \\b, their capitals, " \
    "\\z, \\xHH, or the byte itself"
#define BAD_BYTE                                                           \
    ": blanks, control bytes and bytes beyond ASCII cannot be in it: paths " \
    "are matched in their escaped form, write %20, %C3%A9"
#define R16 "((((((((((((((((a))))))))))))))))"

/* 'want' is the whole reason, "" where the path may be one, "slow" where it
 * is refused with a request that shows why. */
static const struct row {
    const char *name;
    const char *path;
    const char *want;
    int groups;
} rows[] = {
    { "plain", "/a/b", "", 0 },
    { "the usual pair", "/x(/|$)(.*)", "", 2 },
    { "classes", "/[[:alpha:]]+/[^]/]+/[a\\]-]", "", 0 },
    { "escapes", "/\\d\\D\\w\\W\\s\\S\\b\\B\\.\\x2f\\z", "", 0 },
    { "look-arounds", "/(?!api|static)(?=a)(?<=/)(?<!x)(.*)$", "", 1 },
    { "atomic and possessive", "/(?>a+)b++c*+", "", 0 },
    { "case", "/(?i)a(?-i)b(?i:c)(?-i:d)", "", 0 },
    { "quantifiers", "/a{2}b{2,}c{2,3}?d{e{", "", 0 },
    { "quantifier of two meanings", "/a{,2}",
      "is refused: at position 2: write {0,n}", 0 },
    { "class that only looks like a name", "/[[:]b[[:a]", "", 0 },
    { "class with a bracket first", "/[]a]b[^]a]", "", 0 },
    { "nine groups", "/(a)(b)(c)(d)(e)(f)(g)(h)(i)", "", 9 },
    { "nesting: deepest", "/" R16, "", 16 },
    { "nesting: too deep", "/(" R16 ")",
      "is refused: at position 17: groups are nested more than 16 deep",
      17 },
    { "no slash", "a", "must begin with \"/\"", 0 },
    { "empty", "", "must begin with \"/\"", 0 },
    { "open group", "/x(",
      "is not a regular expression: at position 3: missing closing "
      "parenthesis", -1 },
    { "closed too often", "/a)|(b",
      "is not a regular expression: at position 2: unmatched closing "
      "parenthesis", -1 },
    { "open class", "/[a",
      "is not a regular expression: at position 3: missing terminating ] "
      "for character class", -1 },
    { "nothing to repeat", "/a**+*",
      "is not a regular expression: at position 3: quantifier does not "
      "follow a repeatable item", -1 },
    { "blank", "/a b", "is refused: at position 2" BAD_BYTE, 0 },
    { "line feed", "/a\nb", "is refused: at position 2" BAD_BYTE, 0 },
    { "beyond ASCII", "/\xc3\xa9", "is refused: at position 1" BAD_BYTE, 0 },
    { "anchor", "/a|^/b",
      "is refused: at position 3: \"^\" is not needed: a path is matched "
      "from its start", 0 },
    { "another anchor", "/\\Aa", "is refused: at position 1" BAD_ESCAPE, 0 },
    { "back reference", "/(a)\\1",
      "is refused: at position 4: back references are not allowed", 1 },
    { "back reference by name", "/(a)\\g{1}",
      "is refused: at position 4: back references are not allowed", 1 },
    { "quoting without end", "/\\Qa", "is refused: at position 1" BAD_ESCAPE,
      0 },
    { "start moved", "/a\\Kb", "is refused: at position 2" BAD_ESCAPE, 0 },
    { "byte class", "/a\\Cb", "is refused: at position 2" BAD_ESCAPE, 0 },
    { "escape in a class", "/[\\n]", "is refused: at position 2" BAD_ESCAPE,
      0 },
    { "line break by escape", "/a\\nb", "is refused: at position 2" BAD_ESCAPE,
      0 },
    { "verb", "/(*ACCEPT)", "is refused: at position 1" BAD_GROUP, 0 },
    { "callout", "/(?C1)a", "is refused: at position 1" BAD_GROUP, 0 },
    { "comment", "/(?#x)a", "is refused: at position 1" BAD_GROUP, 0 },
    { "extended syntax", "/(?x)a", "is refused: at position 1" BAD_GROUP, 0 },
    { "named group", "/(?<n>a)", "is refused: at position 1" BAD_GROUP, 1 },
    { "renumbered groups", "/(?|(a)|(b))", "is refused: at position 1"
      BAD_GROUP, 1 },
    { "recursion", "/a(?R)?", "is refused: at position 2" BAD_GROUP, 0 },
    { "condition", "/(a)?(?(1)b|c)", "is refused: at position 5" BAD_GROUP,
      1 },
    { "large when compiled", "/((ab){60}){40}",
      "is too large: repeat fewer things fewer times", 2 },
    { "loop in a loop", "/(a+)+$", "slow", 1 },
    { "loop in a loop before a literal", "/(a+)+x$", "slow", 1 },
    { "branches that overlap", "/(a|aa)+$", "slow", 1 },
    { "loop in a loop of elements", "/([^/]+/)*([^/]+)+$", "slow", 2 },
    { "empty loops", "/([a-z]*)*/x", "slow", 1 },
    { "options in a fixed loop", "/(a?){30}a{30}$", "slow", 1 },
    { "a row of options",
      "/a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaa$", "slow",
      0 },
    { "three loops in a row", "/(.*)/(.*)/(.*)/end$", "slow", 3 },
    { "three loops with marks", "/(.*)a(.*)b(.*)c$", "slow", 3 },
    { "two loops", "/(.+)/(.+)\\.(js|css|png)$", "", 3 },
    { "loops that cannot overlap",
      "/([^/]+)/([^/]+)/([^/]+)/([^/]+)/([^/]+)/end$", "", 5 },
    { "elements", "/(([a-z0-9-]+)/)*(([a-z0-9-]+)/?)$", "", 4 },
    { "languages", "/(en|de|fr|it|es|pt|nl|pl|cz|sk|hu|ro)(/.*)?$", "", 2 },
    { "marks and a free end", "/(.*)/api/(.*)/users/(.*)$", "", 3 },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *got = regex_check(row->path);

    assert_int_equal(regex_groups(row->path), row->groups);
    if (strcmp(row->want, "slow") == 0) {
        assert_non_null(got);
        assert_true(str_starts(got, "takes too many steps on a request such "
                                    "as \"/"));
        assert_true(str_ends(got, "write [^/]+ for one element of a path"));
    } else {
        assert_string_equal(got ? got : "", row->want);
    }
}

static void
length_is_bounded(void **state UNUSED)
{
    char path[REGEX_MAX_LENGTH + 2];
    AUTO_FREE char *longest = NULL;
    AUTO_FREE char *over = NULL;

    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[REGEX_MAX_LENGTH] = '\0';
    longest = regex_check(path);
    path[REGEX_MAX_LENGTH] = 'a';
    path[REGEX_MAX_LENGTH + 1] = '\0';
    over = regex_check(path);
    assert_null(longest);
    assert_string_equal(over, "is longer than 1024 bytes");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(length_is_bounded),
    };
    int failed = TABLE_RUN("regex", rows, check_row);

    return failed + cmocka_run_group_tests_name("regex: length", tests, NULL,
                                                NULL);
}
