#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/jx_plain.h"
#include "lib/base/jx_pool.h"
#include "lib/base/mem.h"

#define LARGE ((size_t) 16 << 10)

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
    { "an array", " [1] ", true },
    { "an array of nothing", "[]", true },
    { "a text", "\"a\"", true },
    { "a number", "17", true },
    { "a word", "true", true },
    { "a comment", "{/**/}", false },
};

/* All that a text is. */
static json_t *
load(const char *text, size_t size)
{
    struct jx_plain p = { .at = text, .end = text + size };
    json_t *value = jx_plain_value(&p);

    jx_plain_skip_blanks(&p);
    if (p.at != p.end) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static void
check(void **state)
{
    const struct row *row = *state;
    const size_t size = strlen(row->text);
    /* Of the exact size: the sanitizer sees a byte too many. */
    AUTO_FREE char *text = xmemdup(row->text, size);
    AUTO_JSON json_t *got = load(text, size);
    AUTO_JSON json_t *want = NULL;
    AUTO_FREE char *got_text = NULL;
    AUTO_FREE char *want_text = NULL;
    AUTO_JSON json_t *document = jx_plain_load(text, size);

    assert_int_equal(got != NULL, row->is_plain);
    assert_int_equal(json_equal(document, got), json_is_object(got));
    assert_int_equal(document != NULL, json_is_object(got));
    if (got) {
        assert_null(jx_load_value(text, size, SIZE_MAX, &want));
        got_text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
        want_text = json_dumps(want, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(got_text, want_text);
    }
}

/* Every byte in every place of a string, beside whose end others stand. */
static void
check_bytes(void **state)
{
    enum { LONGEST = 20 };

    (void) state;
    for (size_t place = 0; place < LONGEST; place++) {
        for (unsigned c = 0; c < 256; c++) {
            char text[LONGEST + 2] = "\"";
            const bool is_plain = c >= ' ' && c < 0x7f && c != '"' &&
                                  c != '\\';
            json_t *got, *want;

            memset(text + 1, 'a', LONGEST);
            text[1 + place] = (char) c;
            text[1 + LONGEST] = '"';
            got = load(text, sizeof text);
            assert_int_equal(got != NULL, is_plain);
            if (got) {
                want = json_stringn(text + 1, LONGEST);
                assert_true(json_equal(got, want));
                json_decref(want);
            }
            json_decref(got);
        }
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
    return load(text, (size_t) (at - text) + depth);
}

static void
check_depth(void **state)
{
    AUTO_JSON json_t *deep = load_nested(JX_PLAIN_MAX_DEPTH);

    (void) state;
    assert_non_null(deep);
    assert_null(load_nested(JX_PLAIN_MAX_DEPTH + 1));
}

/* Wherever memory ends, there is no value, and nothing is wrong. */
static void
check_memory(void **state)
{
    AUTO_FREE char *text = xmalloc(LARGE);
    size_t size = 0;
    struct jx_pool pool;

    (void) state;
    size += (size_t) sprintf(text, "{\"a\":[");
    while (size + 40 < LARGE) {
        size += (size_t) sprintf(text + size, "{\"name\":[\"text\"]},");
    }
    size += (size_t) sprintf(text + size, "{}]}");
    jx_pool_begin(&pool, (size_t) 64 << 10, NULL);
    assert_null(load(text, size));
    assert_true(pool.is_full);
    jx_pool_end(&pool);
    jx_pool_begin(&pool, (size_t) 64 << 20, NULL);
    assert_non_null(load(text, size));
    assert_false(pool.is_full);
    jx_pool_end(&pool);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(check_bytes),
        cmocka_unit_test(check_depth),
        cmocka_unit_test(check_memory),
    };

    return TABLE_RUN("plain JSON", rows, check) +
           cmocka_run_group_tests_name("plain JSON: caps", others, NULL,
                                       NULL);
}
