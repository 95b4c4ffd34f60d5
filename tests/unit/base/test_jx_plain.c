#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/jx_plain.h"
#include "lib/base/jx_pool.h"
#include "lib/base/mem.h"

/* Whether a text is read; then it is what jansson reads, too. */
static const struct row {
    const char *name;
    const char *text;
    bool is_plain;
} rows[] = {
    { "empty", "{}", true },
    { "blanks", " \t\r\n{ \n\"a\" :\t[ ] , \"b\":{ } } \r\n", true },
    { "values", "{\"a\":\"x\",\"b\":0,\"c\":true,\"d\":false,\"e\":null}",
      true },
    { "nested", "{\"a\":[{\"b\":[1,[2,\"3\"]]},{}]}", true },
    { "the order of members stays", "{\"z\":1,\"a\":2,\"m\":3}", true },
    { "an empty name and text", "{\"\":\"\"}", true },
    { "the largest number", "{\"a\":999999999999999999}", true },
    { "a larger number", "{\"a\":1000000000000000000}", false },
    { "a number below 0", "{\"a\":-1}", false },
    { "a fraction", "{\"a\":1.5}", false },
    { "an exponent", "{\"a\":1e2}", false },
    { "an escape", "{\"a\":\"\\n\"}", false },
    { "an escape in a name", "{\"\\u0061\":1}", false },
    { "beyond ASCII", "{\"a\":\"\xc3\xa9\"}", false },
    { "not UTF-8", "{\"a\":\"\xff\"}", false },
    { "DEL", "{\"a\":\"\x7f\"}", false },
    { "a control", "{\"a\":\"\x1f\"}", false },
    { "a name twice", "{\"a\":1,\"b\":2,\"a\":1}", false },
    { "a name twice, within", "{\"b\":[{\"a\":{},\"a\":{}}]}", false },
    { "a 0 before a number", "{\"a\":01}", false },
    { "no number", "{\"a\":+1}", false },
    { "an unknown word", "{\"a\":nil}", false },
    { "a word cut", "{\"a\":tru", false },
    { "a word and more", "{\"a\":truex}", false },
    { "no value", "{\"a\":}", false },
    { "no colon", "{\"a\" 1}", false },
    { "no name", "{1:1}", false },
    { "a comma at the end", "{\"a\":1,}", false },
    { "a comma at the end of an array", "{\"a\":[1,]}", false },
    { "no comma", "{\"a\":1 \"b\":2}", false },
    { "the other bracket", "{\"a\":[1}", false },
    { "not closed", "{\"a\":{\"b\":1}", false },
    { "an open string", "{\"a\":\"b", false },
    { "more behind", "{} {}", false },
    { "nothing", "", false },
    { "blanks alone", "  ", false },
    { "an array", "[1]", false },
    { "a text", "\"a\"", false },
    { "a comment", "{/**/}", false },
};

static void
check(void **state)
{
    const struct row *row = *state;
    const size_t size = strlen(row->text);
    /* Of the exact size: the sanitizer sees a byte too many. */
    AUTO_FREE char *text = xmemdup(row->text, size);
    AUTO_JSON json_t *got = jx_plain_load(text, size);
    AUTO_JSON json_t *want = NULL;
    AUTO_FREE char *got_text = NULL;
    AUTO_FREE char *want_text = NULL;

    assert_int_equal(got != NULL, row->is_plain);
    if (got) {
        assert_null(jx_load(text, size, SIZE_MAX, &want));
        got_text = json_dumps(got, JSON_COMPACT);
        want_text = json_dumps(want, JSON_COMPACT);
        assert_string_equal(got_text, want_text);
    }
}

/* An object of so many, each in the other. */
static json_t *
load_nested(size_t depth)
{
    AUTO_FREE char *text = xmalloc(6 * depth + 1);
    char *at = text;

    for (size_t i = 1; i < depth; i++, at += 5) {
        memcpy(at, "{\"a\":", 5);
    }
    *at++ = '{';
    memset(at, '}', depth);
    return jx_plain_load(text, (size_t) (at - text) + depth);
}

static void
check_caps(void **state)
{
    static char text[JX_PLAIN_MAX_SIZE + 1] = "{}";
    AUTO_JSON json_t *deep = load_nested(JX_PLAIN_MAX_DEPTH);
    AUTO_JSON json_t *large = NULL;

    (void) state;
    assert_non_null(deep);
    assert_null(load_nested(JX_PLAIN_MAX_DEPTH + 1));
    memset(text + 2, ' ', sizeof text - 2);
    large = jx_plain_load(text, sizeof text - 1);
    assert_non_null(large);
    assert_null(jx_plain_load(text, sizeof text));
}

/* Wherever memory ends, there is no document, and nothing is wrong. */
static void
check_memory(void **state)
{
    AUTO_FREE char *text = xmalloc(JX_PLAIN_MAX_SIZE);
    size_t size = 0;
    struct jx_pool pool;

    (void) state;
    size += (size_t) sprintf(text, "{\"a\":[");
    while (size + 40 < JX_PLAIN_MAX_SIZE) {
        size += (size_t) sprintf(text + size, "{\"name\":[\"text\"]},");
    }
    size += (size_t) sprintf(text + size, "{}]}");
    jx_pool_begin(&pool, (size_t) 64 << 10, NULL);
    assert_null(jx_plain_load(text, size));
    assert_true(pool.is_full);
    jx_pool_end(&pool);
    jx_pool_begin(&pool, (size_t) 64 << 20, NULL);
    assert_non_null(jx_plain_load(text, size));
    assert_false(pool.is_full);
    jx_pool_end(&pool);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(check_caps),
        cmocka_unit_test(check_memory),
    };

    return TABLE_RUN("plain JSON", rows, check) +
           cmocka_run_group_tests_name("plain JSON: caps", others, NULL,
                                       NULL);
}
