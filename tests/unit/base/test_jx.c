#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"

enum what { TEXT, TEXT_REQUIRED, BOOL, INT, OBJECT, ARRAY };

/* Member "m" of 'json'; 'want' is the value, or the error. */
static const struct row {
    const char *name;
    enum what what;
    const char *json;
    const char *want;
} rows[] = {
    { "text", TEXT, "{\"m\": \"a\"}", "a" },
    { "text: empty", TEXT, "{\"m\": \"\"}", "" },
    { "text: missing", TEXT, "{}", "absent" },
    { "text: null", TEXT, "{\"m\": null}", "absent" },
    { "text: number", TEXT, "{\"m\": 1}", "a.b[3].m: must be a string" },
    { "text: required and missing", TEXT_REQUIRED, "{}",
      "a.b[3].m: is missing" },
    { "text: required and null", TEXT_REQUIRED, "{\"m\": null}",
      "a.b[3].m: is missing" },
    { "bool: true", BOOL, "{\"m\": true}", "1" },
    { "bool: false", BOOL, "{\"m\": false}", "0" },
    { "bool: missing", BOOL, "{}", "1" },
    { "bool: null", BOOL, "{\"m\": null}", "1" },
    { "bool: text", BOOL, "{\"m\": \"true\"}",
      "a.b[3].m: must be true or false" },
    { "bool: number", BOOL, "{\"m\": 0}",
      "a.b[3].m: must be true or false" },
    { "int: lowest", INT, "{\"m\": -5}", "-5" },
    { "int: highest", INT, "{\"m\": 5}", "5" },
    { "int: too low", INT, "{\"m\": -6}",
      "a.b[3].m: must be a whole number from -5 to 5" },
    { "int: too high", INT, "{\"m\": 6}",
      "a.b[3].m: must be a whole number from -5 to 5" },
    { "int: a fraction", INT, "{\"m\": 1.5}",
      "a.b[3].m: must be a whole number from -5 to 5" },
    { "int: text", INT, "{\"m\": \"1\"}",
      "a.b[3].m: must be a whole number from -5 to 5" },
    { "int: missing", INT, "{}", "4" },
    { "object", OBJECT, "{\"m\": {}}", "there" },
    { "object: missing", OBJECT, "{}", "absent" },
    { "object: array", OBJECT, "{\"m\": []}",
      "a.b[3].m: must be an object" },
    { "array", ARRAY, "{\"m\": []}", "there" },
    { "array: null", ARRAY, "{\"m\": null}", "absent" },
    { "array: object", ARRAY, "{\"m\": {}}", "a.b[3].m: must be an array" },
};

static json_t *
load(const char *text)
{
    json_t *document = NULL;
    AUTO_ERR struct err *err =
        jx_load(text, strlen(text), SIZE_MAX, &document);

    assert_null(err);
    return document;
}

static void
read_member(struct jx *jx, json_t *object, enum what what, struct buf *out)
{
    const char *text;

    switch (what) {
    case TEXT:
    case TEXT_REQUIRED:
        text = jx_text(jx, object, "m",
                       what == TEXT ? JX_OPTIONAL : JX_REQUIRED);
        buf_puts(out, text ? text : "absent");
        break;
    case BOOL:
        buf_printf(out, "%d", jx_bool(jx, object, "m", true));
        break;
    case INT:
        buf_printf(out, "%d", (int) jx_int(jx, object, "m", -5, 5, 4));
        break;
    case OBJECT:
        buf_puts(out, jx_object(jx, object, "m", JX_OPTIONAL) ? "there"
                                                              : "absent");
        break;
    case ARRAY:
        buf_puts(out, jx_array(jx, object, "m", JX_OPTIONAL) ? "there"
                                                             : "absent");
        break;
    }
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_JSON json_t *object = load(row->json);
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_ERR struct err *err = NULL;
    struct jx jx = JX_INIT;

    jx_enter(&jx, "a");
    jx_enter(&jx, "b");
    jx_enter_item(&jx, 3);
    read_member(&jx, object, row->what, &got);
    err = jx_take_err(&jx);
    if (err) {
        buf_clear(&got);
        buf_puts(&got, err_text(err));
    }
    assert_string_equal(buf_str(&got), row->want);
}

static void
test_first_error_stays(void **state)
{
    AUTO_JSON json_t *object = load("{\"a\": 1, \"b\": 2}");
    AUTO_ERR struct err *err = NULL;
    struct jx jx = JX_INIT;

    (void) state;
    assert_null(jx_text(&jx, object, "a", JX_OPTIONAL));
    assert_null(jx_text(&jx, object, "b", JX_OPTIONAL));
    jx_fail(&jx, NULL, "third");
    err = jx_take_err(&jx);
    assert_string_equal(err_text(err), "a: must be a string");
    assert_int_equal(err_kind(err), ERR_PROTOCOL);
    assert_null(jx_take_err(&jx));
}

static void
test_fail_at(void **state)
{
    struct jx jx = JX_INIT;
    AUTO_ERR struct err *at_root = NULL;
    AUTO_ERR struct err *inside = NULL;
    size_t mark;

    (void) state;
    jx_fail(&jx, NULL, "is %d", 7);
    at_root = jx_take_err(&jx);
    assert_string_equal(err_text(at_root), "is 7");
    mark = jx_enter(&jx, "a");
    jx_enter_item(&jx, 0);
    jx_fail(&jx, NULL, "no");
    jx_leave(&jx, mark);
    assert_string_equal(jx.path, "");
    inside = jx_take_err(&jx);
    assert_string_equal(err_text(inside), "a[0]: no");
}

/* A path longer than its room is cut, and leaving it is still right. */
static void
test_deep_path(void **state)
{
    struct jx jx = JX_INIT;
    size_t marks[100];

    (void) state;
    for (size_t i = 0; i < 100; i++) {
        marks[i] = i % 2 ? jx_enter_item(&jx, i) : jx_enter(&jx, "member");
    }
    assert_int_equal(strlen(jx.path), sizeof jx.path - 1);
    for (size_t i = 100; i-- > 0;) {
        jx_leave(&jx, marks[i]);
    }
    assert_string_equal(jx.path, "");
}

static void
test_absent_object(void **state)
{
    struct jx jx = JX_INIT;
    AUTO_ERR struct err *err = NULL;

    (void) state;
    assert_null(jx_text(&jx, NULL, "m", JX_OPTIONAL));
    assert_int_equal(jx_int(&jx, NULL, "m", 0, 9, 3), 3);
    err = jx_take_err(&jx);
    assert_null(err);
}

static const struct document {
    const char *name;
    const char *text;
    const char *want;   /* The error, "" where it is read. */
} documents[] = {
    { "object", "{\"a\": 1}", "" },
    { "blanks around", " {} \n", "" },
    { "empty", "", "JSON line 1 column 0: \"'[' or '{' expected near end of "
                   "file\"" },
    { "text after the end", "{}x",
      "JSON line 1 column 3: \"end of file expected near 'x'\"" },
    { "two documents", "{}{}",
      "JSON line 1 column 3: \"end of file expected near '{'\"" },
    { "a key twice", "{\"a\": 1, \"a\": 2}",
      "JSON line 1 column 12: \"duplicate object key near '\\\"a\\\"'\"" },
    { "NUL in a text", "{\"a\": \"\\u0000\"}",
      "JSON line 1 column 14: \"\\\\u0000 is not allowed without "
      "JSON_ALLOW_NUL near '\\\"\\\\u0000\\\"'\"" },
    { "not UTF-8", "{\"a\": \"\xff\"}",
      "JSON line 1 column 7: \"unable to decode byte 0xff near '\\\"'\"" },
    { "too long", "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 1}   ",
      "JSON of 43 bytes exceeds 42" },
};

static void
check_document(void **state)
{
    const struct document *d = *state;
    AUTO_FREE char *copy = xmemdup(d->text, strlen(d->text));
    AUTO_JSON json_t *value = NULL;
    AUTO_ERR struct err *err = jx_load(copy, strlen(d->text), 42, &value);

    assert_string_equal(err ? err_text(err) : "", d->want);
    assert_int_equal(value == NULL, err != NULL);
}

static void
test_depth(void **state)
{
    AUTO_FREE char *text = xmalloc(200000);
    AUTO_JSON json_t *value = NULL;
    AUTO_ERR struct err *err = NULL;

    (void) state;
    memset(text, '[', 100000);
    memset(text + 100000, ']', 100000);
    err = jx_load(text, 200000, SIZE_MAX, &value);
    assert_non_null(err);
    assert_null(value);
}

/* The library's own writer is the judge. */
static void
test_put_string(void **state)
{
    (void) state;
    for (int c = 1; c < 256; c++) {
        const char plain[] = { 'a', (char) c, 'b', '\0' };
        const char wide[] = { (char) (0xc0 | c >> 6),
                              (char) (0x80 | (c & 0x3f)), (char) 'x', '\0' };
        const char *text = c < 128 ? plain : wide;
        AUTO_JSON json_t *value = json_string(text);
        AUTO_FREE char *want = json_dumps(value, JSON_ENCODE_ANY);
        AUTO_BUF struct buf got = BUF_OWN;

        assert_non_null(want);
        jx_put_string(&got, text);
        assert_string_equal(buf_str(&got), want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_string),
        cmocka_unit_test(test_first_error_stays),
        cmocka_unit_test(test_fail_at),
        cmocka_unit_test(test_deep_path),
        cmocka_unit_test(test_absent_object),
        cmocka_unit_test(test_depth),
    };

    return TABLE_RUN("jx", rows, check_row) +
           TABLE_RUN("jx_load", documents, check_document) +
           cmocka_run_group_tests_name("jx", tests, NULL, NULL);
}
