#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/yaml.h"

/* 'want' is every document as "LINE JSON", then the error, one a line. */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
} rows[] = {
    { "nothing", "", "" },
    { "blanks only", " \n\t\n", "line 2 column 1: found character that "
                                "cannot start any token\n" },
    { "comment only", "# nothing\n", "" },
    { "empty documents are skipped", "---\n---\na: 1\n---\n",
      "3 {\"a\":1}\n" },
    { "two documents", "a: 1\n---\n# c\nb: 2\n",
      "1 {\"a\":1}\n4 {\"b\":2}\n" },
    { "nested", "a:\n- b: c\n  d: [1, {e: f}]\n",
      "1 {\"a\":[{\"b\":\"c\",\"d\":[1,{\"e\":\"f\"}]}]}\n" },
    { "indented whole", "  a: 1\n  b: 2\n", "1 {\"a\":1,\"b\":2}\n" },
    { "after blank lines", "\n\n  a: 1\n  b: 2\n",
      "3 {\"a\":1,\"b\":2}\n" },
    { "scalar document", "just text\n", "1 \"just text\"\n" },
    { "block text", "a: |\n  x\n  y\n", "1 {\"a\":\"x\\ny\\n\"}\n" },
    { "null forms", "[~, null, Null, NULL, '', nULL]",
      "1 [null,null,null,null,\"\",\"nULL\"]\n" },
    { "true forms", "[true, True, TRUE, yes, Yes, YES, y, Y, on, On, ON]",
      "1 [true,true,true,true,true,true,true,true,true,true,true]\n" },
    { "false forms", "[false, False, FALSE, no, No, NO, n, N, off, Off, OFF]",
      "1 [false,false,false,false,false,false,false,false,false,false,"
      "false]\n" },
    { "almost booleans", "[tRUE, yEs, oN, nO, oFF]",
      "1 [\"tRUE\",\"yEs\",\"oN\",\"nO\",\"oFF\"]\n" },
    { "quoted is text", "['true', \"1\", 'null', !!str 7, ! 8]",
      "1 [\"true\",\"1\",\"null\",\"7\",\"8\"]\n" },
    { "integers", "[0, 7, -7, +7, 010, 0o10, 0x1F, 0b11, -0x10, 1_000]",
      "1 [0,7,-7,7,8,8,31,3,-16,1000]\n" },
    { "integer bounds", "[9223372036854775807, -9223372036854775808]",
      "1 [9223372036854775807,-9223372036854775808]\n" },
    { "over 64 bits is a float", "[9223372036854775808, -9223372036854775809]",
      "1 [9.2233720368547758e18,-9.2233720368547758e18]\n" },
    { "not integers", "[0x, 0b2, 1-2, 1.2.3, 1:20, _1, '+', '-']",
      "1 [\"0x\",\"0b2\",\"1-2\",\"1.2.3\",\"1:20\",\"_1\",\"+\",\"-\"]\n" },
    { "not numbers", "[0x, 0b2, 1-2, 1.2.3, 1:20, _1, +, e5, 1e, 0xg]",
      "1 [\"0x\",\"0b2\",\"1-2\",\"1.2.3\",\"1:20\",\"_1\",\"+\",\"e5\","
      "\"1e\",\"0xg\"]\n" },
    { "floats", "[1.5, .5, -.5, 1e-1, 1.25e+2]",
      "1 [1.5,0.5,-0.5,0.10000000000000001,125]\n" },
    { "whole floats are integers", "[1.0, 1., 1e3, 09, -0.0]",
      "1 [1,1,1000,9,0]\n" },
    { "a float too great is text", "[1e999]", "1 [\"1e999\"]\n" },
    { "dates are text", "[2026-01-31, 2026-01-31T00:00:00Z]",
      "1 [\"2026-01-31\",\"2026-01-31T00:00:00Z\"]\n" },
    { "no number of JSON", "a: .nan\n",
      "line 1 column 4: JSON has no such number: put it in quotes\n" },
    { "infinity", "a: -.inf\n",
      "line 1 column 4: JSON has no such number: put it in quotes\n" },
    { "core tags", "[!!int 5, !!float 5, !!bool on, !!null ~, !!str on]",
      "1 [5,5,true,null,\"on\"]\n" },
    { "core collection tags", "!!map {a: !!seq [1]}", "1 {\"a\":[1]}\n" },
    { "a tag that does not fit", "!!int abc",
      "line 1 column 1: a value does not fit its tag, or the tag is not "
      "known\n" },
    { "a foreign tag", "a: !!python/object x\n",
      "line 1 column 4: a value does not fit its tag, or the tag is not "
      "known\n" },
    { "a foreign collection tag", "a: !x {}\n",
      "line 1 column 4: the tag is not known\n" },
    { "binary is refused", "a: !!binary eA==\n",
      "line 1 column 4: a value does not fit its tag, or the tag is not "
      "known\n" },
    { "number and boolean keys", "{80: a, 0x10: b, yes: c}",
      "1 {\"80\":\"a\",\"16\":\"b\",\"true\":\"c\"}\n" },
    { "a null key", "{~: a}",
      "line 1 column 2: a key must be a text: put it in quotes\n" },
    { "a mapping as key", "? {a: b}\n: c\n",
      "line 1 column 3: a key must be a text\n" },
    { "a key twice", "a: 1\nb: 2\na: 3\n",
      "line 3 column 1: the key \"a\" is there twice\n" },
    { "two spellings of one key", "1: a\n\"1\": b\n",
      "line 2 column 1: the key \"1\" is there twice\n" },
    { "alias", "a: &x [1, 2]\nb: *x\n", "1 {\"a\":[1,2],\"b\":[1,2]}\n" },
    { "alias as key", "a: &x k\n*x : 1\n", "1 {\"a\":\"k\",\"k\":1}\n" },
    { "an anchor set again", "[&x 1, *x, &x 2, *x]", "1 [1,1,2,2]\n" },
    { "an alias without anchor", "a: *x\n",
      "line 1 column 4: an alias needs an anchor that ends before it\n" },
    { "an alias inside its anchor", "a: &x [1, *x]\n",
      "line 1 column 11: an alias needs an anchor that ends before it\n" },
    { "anchors end with their document", "a: &x 1\n---\nb: *x\n",
      "1 {\"a\":1}\n"
      "line 3 column 4: an alias needs an anchor that ends before it\n" },
    { "merge", "a: &x {k: 1, l: 2}\nb:\n  k: 3\n  <<: *x\n",
      "1 {\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":3,\"l\":2}}\n" },
    { "merge before the member", "a: &x {k: 1}\nb:\n  <<: *x\n  k: 3\n",
      "1 {\"a\":{\"k\":1},\"b\":{\"k\":3}}\n" },
    { "merge of several", "{<<: [{a: 1}, {a: 2, b: 3}]}",
      "1 {\"a\":1,\"b\":3}\n" },
    { "a quoted merge key is a key", "{'<<': 1}", "1 {\"<<\":1}\n" },
    { "merge of a text", "<<: x\n",
      "line 1 column 1: \"<<\" takes a mapping or several\n" },
    { "merge of texts", "<<: [x]\n",
      "line 1 column 1: \"<<\" takes a mapping or several\n" },
    { "NUL in a text", "a: \"x\\0y\"\n",
      "line 1 column 4: a text has a NUL inside\n" },
    { "NUL in a key", "\"x\\0y\": 1\n",
      "line 1 column 1: a text has a NUL inside\n" },
    { "not UTF-8", "a: \xff\n",
      "line 1 byte 4: invalid leading UTF-8 octet\n" },
    { "syntax error", "a: b\nc: [1\nd: e\n",
      "line 3 column 2: did not find expected ',' or ']'\n" },
    { "a tab as indent", "a:\n\tb: c\n",
      "line 2 column 1: found character that cannot start any token\n" },
    { "documents before an error count", "a: 1\n---\n}\n",
      "1 {\"a\":1}\n"
      "line 3 column 1: did not find expected node content\n" },
    { "JSON", "{\"a\": [1, 2.5, \"x\", null, true]}\n",
      "1 {\"a\":[1,2.5,\"x\",null,true]}\n" },
    { "JSON documents in a row", "{\"a\": 1}\n{\"b\":\n2}{\"c\": 3}\n",
      "1 {\"a\":1}\n2 {\"b\":2}\n3 {\"c\":3}\n" },
    { "JSON between dashes", "---\n{\"a\": 1}\n---\n{\"b\": 2}\n",
      "2 {\"a\":1}\n4 {\"b\":2}\n" },
    { "JSON then YAML", "{\"a\": 1}\n---\nb: 2\n",
      "1 {\"a\":1}\n3 {\"b\":2}\n" },
    { "JSON surrogates", "{\"a\": \"\\ud83d\\ude00\"}",
      "1 {\"a\":\"\\uD83D\\uDE00\"}\n" },
    { "JSON with a key twice", "{\"a\": 1, \"a\": 2}",
      "line 1 column 10: the key \"a\" is there twice\n" },
    { "JSON with NUL", "{\"a\": \"\\u0000\"}",
      "line 1 column 7: a text has a NUL inside\n" },
    { "JSON cut off", "{\"a\": [1,",
      "line 2 column 1: did not find expected node content\n" },
    { "flow YAML is no JSON", "{a: yes}\n", "1 {\"a\":true}\n" },
    { "a billion laughs",
      "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"
      "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
      "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
      "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
      "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
      "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
      "line 6 column 8: aliases expand to too much\n" },
    { "a callback that stops", "a: 1\n---\nstop: 1\n---\nb: 1\n",
      "1 {\"a\":1}\n3 {\"stop\":1}\nstopped\n" },
};

static struct err *
note(json_t *document, unsigned line, void *aux)
{
    struct buf *out = aux;
    char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY |
                                          JSON_ENSURE_ASCII);

    buf_printf(out, "%u %s\n", line, text);
    free(text);
    return json_object_get(document, "stop")
               ? err_new(ERR_INVALID, "stopped")
               : NULL;
}

static void
read_all(const char *text, size_t size, struct buf *out)
{
    AUTO_FREE char *copy = xmemdup(text, size);
    AUTO_ERR struct err *err = yaml_each(copy, size, note, out);

    if (err) {
        buf_printf(out, "%s\n", err_text(err));
    }
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;

    read_all(row->text, strlen(row->text), &got);
    assert_string_equal(buf_str(&got), row->want);
}

/* 'n' times 'open', a value, 'n' times 'close'. */
static void
check_depth(const char *open, const char *close, size_t n, const char *want)
{
    AUTO_BUF struct buf text = BUF_OWN;
    AUTO_BUF struct buf got = BUF_OWN;

    for (size_t i = 0; i < n; i++) {
        buf_puts(&text, open);
    }
    buf_puts(&text, "1");
    for (size_t i = 0; i < n; i++) {
        buf_puts(&text, close);
    }
    read_all(text.data, text.size, &got);
    if (want) {
        assert_string_equal(buf_str(&got), want);
    } else {
        assert_ptr_equal(strstr(buf_str(&got), "line"), NULL);
    }
}

static void
test_depth(void **state)
{
    (void) state;
    check_depth("[", "]", YAML_MAX_DEPTH - 1, NULL);
    check_depth("[", "]", YAML_MAX_DEPTH,
                "line 1 column 129: nested too deeply\n");
    check_depth("[", "]", 100000, "line 1 column 129: nested too deeply\n");
    check_depth("{a: ", "}", YAML_MAX_DEPTH - 1, NULL);
    check_depth("{a: ", "}", YAML_MAX_DEPTH,
                "line 1 column 513: nested too deeply\n");
}

/* Each anchor reaches 100 deeper than the one before. */
static void
test_depth_by_aliases(void **state)
{
    AUTO_BUF struct buf text = BUF_OWN;
    AUTO_BUF struct buf got = BUF_OWN;

    (void) state;
    buf_puts(&text, "a0: &a0 x\n");
    for (unsigned i = 1; i < 50; i++) {
        buf_printf(&text, "a%u: &a%u ", i, i);
        for (unsigned j = 0; j < 100; j++) {
            buf_putc(&text, '[');
        }
        buf_printf(&text, "*a%u", i - 1);
        for (unsigned j = 0; j < 100; j++) {
            buf_putc(&text, ']');
        }
        buf_putc(&text, '\n');
    }
    read_all(text.data, text.size, &got);
    assert_string_equal(buf_str(&got),
                        "line 3 column 109: aliases expand to too much\n");
}

static void
test_size(void **state)
{
    AUTO_FREE char *text = xmalloc(YAML_MAX_SIZE + 1);
    AUTO_ERR struct err *at = NULL;
    AUTO_ERR struct err *over = NULL;

    (void) state;
    memset(text, '#', YAML_MAX_SIZE + 1);
    over = yaml_each(text, YAML_MAX_SIZE + 1, note, NULL);
    assert_non_null(over);
    assert_int_equal(err_kind(over), ERR_LIMIT);
    at = yaml_each(text, YAML_MAX_SIZE, note, NULL);
    assert_null(at);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_depth_by_aliases),
        cmocka_unit_test(test_size),
    };

    return TABLE_RUN("yaml", rows, check_row) +
           cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
