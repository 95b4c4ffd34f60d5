#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/quote.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum what { KEY, VALUE, WORD, NAME, SNI, ADDRESS };

/* 'want': "yes" or "no", or the text written. */
static const struct row {
    const char *name;
    enum what what;
    const char *text;
    const char *want;
} rows[] = {
    { "key: route", KEY, "h.test/a/\001", "yes" },
    { "key: empty", KEY, "", "no" },
    { "key: blank", KEY, "h.test/a b/", "no" },
    { "key: tab", KEY, "a\tb", "no" },
    { "key: line feed", KEY, "a\nb v", "no" },
    { "key: another control byte", KEY, "a\002", "no" },
    { "key: delete", KEY, "a\177", "no" },
    { "key: comment of a file", KEY, "#a", "no" },
    { "key: reference of a command", KEY, "#0x1", "no" },
    { "key: begin of a payload", KEY, "<<", "no" },
    { "key: high bytes", KEY, "h\xc3\xa9/", "yes" },
    { "value: blanks inside", VALUE, "no-store, x; y\\z", "yes" },
    { "value: empty", VALUE, "", "no" },
    { "value: blank at the end", VALUE, "a ", "no" },
    { "value: blank at the front", VALUE, " a", "no" },
    { "value: line feed", VALUE, "a\n\nclear map", "no" },
    { "value: carriage return", VALUE, "a\r", "no" },
    { "value: begin of a payload", VALUE, "<<E", "no" },
    { "word: plain", WORD, "plain.0001", "plain.0001" },
    { "word: the three", WORD, "a;b c\\d", "a\\;b\\ c\\\\d" },
    { "name: plain", NAME, "ns/svc:80|policy|roundrobin|5000",
      "ns/svc:80|policy|roundrobin|5000" },
    { "name: empty", NAME, "", "%" },
    { "name: blank and line feed", NAME, "a b\n", "a%20b%0A" },
    { "name: percent", NAME, "%41", "%2541" },
    { "sni: plain", SNI, "h.test", "yes" },
    { "sni: wildcard", SNI, "*.h.test", "yes" },
    { "sni: negative filter", SNI, "!h.test", "no" },
    { "sni: star inside", SNI, "a.*.test", "no" },
    { "sni: two names", SNI, "a.test b.test", "no" },
    { "sni: options", SNI, "[verify", "no" },
    { "sni: only a star", SNI, "*.", "no" },
    { "sni: upper case is not canonical", SNI, "H.test", "no" },
    { "address: v4", ADDRESS, "192.0.2.1", "192.0.2.1:80" },
    { "address: v6", ADDRESS, "2001:db8::1", "[2001:db8::1]:80" },
    { "address: name", ADDRESS, "localhost", "no" },
    { "address: path", ADDRESS, "unix@/x", "no" },
    { "address: zone", ADDRESS, "fe80::1%eth0", "no" },
    { "address: more words", ADDRESS, "192.0.2.1 disabled", "no" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;

    switch (row->what) {
    case KEY:
        buf_puts(&got, quote_is_key(row->text) ? "yes" : "no");
        break;
    case VALUE:
        buf_puts(&got, quote_is_value(row->text) ? "yes" : "no");
        break;
    case WORD:
        quote_word(&got, row->text);
        break;
    case NAME: {
        AUTO_FREE char *word = quote_name(row->text);
        AUTO_FREE char *back = quote_unname(word);

        assert_string_equal(back, row->text);
        assert_true(quote_is_value(word) && quote_is_key(word));
        buf_puts(&got, word);
        break;
    }
    case SNI:
        buf_puts(&got, quote_is_sni(row->text) ? "yes" : "no");
        break;
    case ADDRESS:
        if (!quote_address(&got, row->text, 80)) {
            buf_puts(&got, "no");
        }
        break;
    }
    assert_string_equal(buf_str(&got), row->want);
}

static const struct bad {
    const char *name;
    const char *word;
} bads[] = {
    { "unname: empty", "" },         { "unname: cut", "a%4" },
    { "unname: not hex", "a%zz" },   { "unname: blank", "a b" },
    { "unname: NUL", "a%00" },       { "unname: lower case", "a%0a" },
};

static void
check_bad(void **state)
{
    const struct bad *bad = *state;

    assert_null(quote_unname(bad->word));
}

int
main(void)
{
    return TABLE_RUN("quote", rows, check_row) +
           TABLE_RUN("unname", bads, check_bad);
}
