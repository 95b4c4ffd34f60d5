#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"

/* 'size' is that of the decoded bytes, -1 where the text is refused. */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
    int size;
} rows[] = {
    { "empty", "", "", 0 },
    { "two pads", "YQ==", "a", 1 },
    { "one pad", "YWI=", "ab", 2 },
    { "no pad", "YWJj", "abc", 3 },
    { "all letters", "+/+/", "\xfb\xff\xbf", 3 },
    { "NUL inside", "AAAA", "\0\0\0", 3 },
    { "line feeds", "YW\r\nJj\n", "abc", 3 },
    { "line feed after the pad", "YQ==\n", "a", 1 },
    { "line feed inside the pad", "YQ=\n=", "a", 1 },
    { "only a line feed", "\n", "", 0 },
    { "bits after the end", "YR==", "a", 1 },
    { "cut off by one", "YWJ", "", -1 },
    { "cut off by two", "YW", "", -1 },
    { "cut off by three", "Y", "", -1 },
    { "a pad is missing", "YQ=", "", -1 },
    { "a pad too many", "YWI==", "", -1 },
    { "three pads", "Y===", "", -1 },
    { "only pads", "====", "", -1 },
    { "text after the pad", "YQ==YQ==", "", -1 },
    { "letter between pads", "YQ=Q", "", -1 },
    { "a blank", "YW Jj", "", -1 },
    { "URL letters", "-_-_", "", -1 },
    { "not ASCII", "YW\xc3\xa9", "", -1 },
    { "NUL character", "YWJ\0", "", -1 },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    /* The row about a NUL means it as a character. */
    size_t length = strlen(row->text) + (strcmp(row->name, "NUL character")
                                             ? 0 : 1);
    AUTO_FREE char *copy = xmemdup(row->text, length);
    AUTO_FREE char *got = NULL;
    size_t size = 99;

    if (!digest_base64_decode(copy, length, &got, &size)) {
        assert_int_equal(row->size, -1);
        assert_null(got);
        return;
    }
    assert_int_equal(size, row->size);
    assert_memory_equal(got, row->want, size);
    assert_int_equal(got[size], '\0');
}

static void
test_there_and_back(void **state)
{
    unsigned char data[300];

    (void) state;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (unsigned char) (i * 7);
    }
    for (size_t n = 0; n <= sizeof data; n++) {
        AUTO_FREE char *text = digest_base64_encode(data, n);
        AUTO_FREE char *back = NULL;
        size_t size;

        assert_int_equal(strlen(text), (n + 2) / 3 * 4);
        assert_true(digest_base64_decode(text, strlen(text), &back, &size));
        assert_int_equal(size, n);
        assert_memory_equal(back, data, n);
    }
}

static void
test_sha256(void **state)
{
    char hex[DIGEST_HEX_SIZE];

    (void) state;
    /* FIPS 180-2, appendix B.1, and the empty message. */
    digest_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad");
    digest_sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
                             "27ae41e4649b934ca495991b7852b855");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_sha256),
    };

    return TABLE_RUN("base64", rows, check_row) +
           cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
