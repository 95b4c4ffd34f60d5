#include "tests/unit/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define NINETY_SIX FIFTY TEN TEN TEN TEN "012345"

enum what { QUOTE, LOWER, TRIM, IS_TRIM, SPLIT, NEAREST };

/* SPLIT: at ',', pieces in brackets.  NEAREST: of the words below. */
static const struct row {
    const char *name;
    enum what what;
    const char *text;
    const char *want;
} rows[] = {
    { "quote: empty", QUOTE, "", "\"\"" },
    { "quote: plain", QUOTE, "a b~", "\"a b~\"" },
    { "quote: line feed", QUOTE, "a\nb\r\t", "\"a\\nb\\r\\t\"" },
    { "quote: quote and backslash", QUOTE, "\"\\", "\"\\\"\\\\\"" },
    { "quote: control", QUOTE, "\x01\x1f\x7f", "\"\\x01\\x1f\\x7f\"" },
    { "quote: not ASCII", QUOTE, "\xc3\xa9\xff", "\"\\xc3\\xa9\\xff\"" },
    { "quote: longest shown whole", QUOTE, NINETY_SIX,
      "\"" NINETY_SIX "\"" },
    { "quote: one more is cut", QUOTE, NINETY_SIX "x",
      "\"" NINETY_SIX "\"... (97 bytes)" },
    { "lower: ASCII only", LOWER, "AbZ@[\xc3\x89", "abz@[\xc3\x89" },
    { "lower: empty", LOWER, "", "" },
    { "trim: both ends", TRIM, " \t\r\na b\n ", "a b" },
    { "trim: only blanks", TRIM, " \n ", "" },
    { "trim: empty", TRIM, "", "" },
    { "is trim: empty", IS_TRIM, "", "true" },
    { "is trim: blanks inside", IS_TRIM, "a b", "true" },
    { "is trim: in front", IS_TRIM, "\ta", "false" },
    { "is trim: behind", IS_TRIM, "a\n", "false" },
    { "is trim: nothing else", IS_TRIM, " ", "false" },
    { "split: one", SPLIT, "a", "[a]" },
    { "split: empty", SPLIT, "", "[]" },
    { "split: blanks", SPLIT, " a , b,c ", "[a][b][c]" },
    { "split: empty pieces", SPLIT, ",a,,", "[][a][][]" },
    { "split: only blanks", SPLIT, " , ", "[][]" },
    { "split: stops", SPLIT, "a,stop,b", "[a]false" },
    { "nearest: itself", NEAREST, "affinity", "affinity" },
    { "nearest: a letter", NEAREST, "afinity", "affinity" },
    { "nearest: neighbours swapped", NEAREST, "affintiy", "affinity" },
    { "nearest: too far", NEAREST, "whatever", "" },
    { "nearest: empty", NEAREST, "", "" },
    { "nearest: too long", NEAREST, FIFTY FIFTY FIFTY, "" },
};

static const char *const words[] = { "affinity", "rewrite-target",
                                     "enable-cors" };

static const char *
word(size_t i, const void *aux)
{
    return ((const char *const *) aux)[i];
}

static bool
note_piece(const char *piece, size_t length, void *aux)
{
    if (length == 4 && memcmp(piece, "stop", 4) == 0) {
        return false;
    }
    buf_printf(aux, "[%.*s]", (int) length, piece);
    return true;
}

static char *
split(const char *text)
{
    struct buf out = BUF_OWN;

    if (!str_split(text, ',', note_piece, &out)) {
        buf_puts(&out, "false");
    }
    return buf_take(&out);
}

static char *
ask(const struct row *row)
{
    const char *near;

    switch (row->what) {
    case QUOTE:
        return str_quote(row->text);
    case LOWER:
        return str_lower(row->text);
    case TRIM:
        return str_trim(row->text);
    case IS_TRIM:
        return xstrdup(str_is_trim(row->text) ? "true" : "false");
    case SPLIT:
        return split(row->text);
    case NEAREST:
        near = str_nearest(row->text, ARRAY_SIZE(words), word, words);
        return xstrdup(near ? near : "");
    }
    return NULL;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *got = ask(row);

    assert_string_equal(got, row->want);
}

static const struct pair {
    const char *name;
    const char *a;
    const char *b;
    size_t distance;
    bool equal, starts, ends;   /* "a starts with b". */
} pairs[] = {
    { "both empty", "", "", 0, true, true, true },
    { "against empty", "abc", "", 3, false, true, true },
    { "empty against", "", "abc", 3, false, false, false },
    { "equal", "abc", "abc", 0, true, true, true },
    { "prefix", "abc", "ab", 1, false, true, false },
    { "suffix", "abc", "bc", 1, false, false, true },
    { "replaced", "abc", "axc", 1, false, false, false },
    { "swapped", "abcd", "acbd", 1, false, false, false },
    { "longer", "ab", "abc", 1, false, false, false },
    { "case", "ABC", "abc", 3, false, false, false },
    { "three edits", "kitten", "sitting", 3, false, false, false },
};

static void
check_pair(void **state)
{
    const struct pair *p = *state;

    assert_int_equal(str_distance(p->a, p->b), p->distance);
    assert_int_equal(str_distance(p->b, p->a), p->distance);
    assert_int_equal(str_eq(p->a, p->b), p->equal);
    assert_int_equal(str_starts(p->a, p->b), p->starts);
    assert_int_equal(str_ends(p->a, p->b), p->ends);
}

static void
test_null(void **state)
{
    (void) state;
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq(NULL, ""));
    assert_false(str_eq("", NULL));
    assert_true(str_is_empty(NULL));
    assert_true(str_is_empty(""));
    assert_false(str_is_empty(" "));
}

static void
test_control(void **state)
{
    (void) state;
    assert_false(str_has_control("", 0));
    assert_false(str_has_control(" ~\x80\xff", 4));
    assert_true(str_has_control("a\x1f", 2));
    assert_true(str_has_control("a\x7f", 2));
    assert_true(str_has_control("a\0b", 3));
    assert_false(str_has_control("a\n", 1));
}

static void
test_concat(void **state)
{
    AUTO_FREE char *none = str_concat("");
    AUTO_FREE char *one = str_concat("a");
    AUTO_FREE char *some = str_concat("a", NULL, "", "bc", "d");

    (void) state;
    assert_string_equal(none, "");
    assert_string_equal(one, "a");
    assert_string_equal(some, "abcd");
}

static void
test_digits(void **state)
{
    char room[STR_DIGITS_SIZE];

    (void) state;
    assert_string_equal(str_digits(0, room), "0");
    assert_string_equal(str_digits(10, room), "10");
    assert_string_equal(str_digits(907, room), "907");
    assert_string_equal(str_digits(UINT64_MAX, room),
                        "18446744073709551615");
}

static void
test_distance_limit(void **state)
{
    char a[130];

    (void) state;
    memset(a, 'a', sizeof a);
    a[128] = '\0';
    assert_int_equal(str_distance(a, ""), 128);
    assert_int_equal(str_distance(a, a), 0);
    a[128] = 'a';
    a[129] = '\0';
    assert_true(str_distance(a, "") == SIZE_MAX);
    assert_true(str_distance("", a) == SIZE_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_concat),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_distance_limit),
    };

    return TABLE_RUN("str", rows, check_row) +
           TABLE_RUN("str pairs", pairs, check_pair) +
           cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
