#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define L61 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"
#define DOT(label) label "."

#define BARE "must be a bare DNS name, without scheme, port or path"
#define STAR                                                               \
    "may have \"*\" only as its whole first label, as in \"*.example.com\""
#define BYTES "must consist of letters, digits, \"-\" and \".\""
#define EMPTY "has an empty label: write exactly one dot between labels"
#define ENDS "has a label that begins or ends with \"-\""
#define PUNY "has a label that begins with \"xn--\" and is not punycode"
#define ADDRESS                                                            \
    "is an IP address: write a DNS name, or leave the host out to mean "   \
    "every host"

/* 'want' NULL: refused; 'why' NULL: nothing to say. */
static const struct row {
    const char *name;
    const char *host;
    const char *want;
    const char *why;
} rows[] = {
    { "every host", "", "", NULL },
    { "one label", "localhost", "localhost", NULL },
    { "three labels", "a.b-c.d0", "a.b-c.d0", NULL },
    { "upper case", "Www.EXAMPLE.com", "www.example.com",
      "must be in lower case" },
    { "trailing dot", "a.b.", "a.b", "must not end with a dot" },
    { "trailing dot and upper case", "A.b.", "a.b",
      "must not end with a dot" },
    { "two trailing dots", "a.b..", NULL, EMPTY },
    { "only a dot", ".", NULL, EMPTY },
    { "leading dot", ".a", NULL, EMPTY },
    { "two dots inside", "a..b", NULL, EMPTY },
    { "label of 63 bytes", L63 ".x", L63 ".x", NULL },
    { "label of 64 bytes", L63 "a.x", NULL,
      "has a label of more than 63 bytes, which DNS cannot hold" },
    { "253 bytes", DOT(L63) DOT(L63) DOT(L63) L61,
      DOT(L63) DOT(L63) DOT(L63) L61, NULL },
    { "253 bytes and a trailing dot", DOT(L63) DOT(L63) DOT(L63) DOT(L61),
      DOT(L63) DOT(L63) DOT(L63) L61, "must not end with a dot" },
    { "254 bytes", DOT(L63) DOT(L63) DOT(L63) L61 "a", NULL,
      "must be at most 253 bytes long" },
    { "wildcard", "*.example.com", "*.example.com", NULL },
    { "wildcard of one label", "*.com", "*.com", NULL },
    { "only a star", "*", NULL, STAR },
    { "star and a dot", "*.", NULL, STAR },
    { "star and two dots", "*..a", NULL, EMPTY },
    { "star inside a label", "a*.example.com", NULL, STAR },
    { "star as second label", "a.*.com", NULL, STAR },
    { "two stars", "*.*.com", NULL, STAR },
    { "star glued to a label", "*a.com", NULL, STAR },
    { "leading minus", "-a.b", NULL, ENDS },
    { "trailing minus", "a-.b", NULL, ENDS },
    { "lone minus", "a.-", NULL, ENDS },
    { "minus under a wildcard", "*.-a", NULL, ENDS },
    { "underscore", "a_b.c", NULL,
      "holds \"_\", which Kubernetes allows in no host" },
    { "blank", "a b", NULL, BYTES },
    { "newline", "a\nb", NULL, BYTES },
    { "end mark of keys", "a\001b", NULL, BYTES },
    { "delete", "a\177", NULL, BYTES },
    { "port", "a.b:80", NULL, BARE },
    { "path", "a.b/c", NULL, BARE },
    { "scheme", "https://a.b", NULL, BARE },
    { "IPv4", "192.0.2.1", NULL, ADDRESS },
    { "IPv4 as browsers read it", "127.1", NULL, ADDRESS },
    { "one number", "0", NULL, ADDRESS },
    { "number as first label", "1.example", "1.example", NULL },
    { "number under a wildcard", "*.1.2", "*.1.2", NULL },
    { "IPv6", "[2001:db8::1]", NULL, BARE },
    { "IPv6 without brackets", "2001:db8::1", NULL, BARE },
    { "UTF-8", "b\xc3\xbc" "cher.example", NULL,
      "is not ASCII: write it in punycode (\"xn--...\")" },
    { "punycode", "xn--bcher-kva.example", "xn--bcher-kva.example", NULL },
    { "punycode in upper case", "XN--Bcher-KVA.example",
      "xn--bcher-kva.example", "must be in lower case" },
    { "punycode without basic bytes", "xn--80ak6aa92e.com",
      "xn--80ak6aa92e.com", NULL },
    { "punycode beyond the BMP", "xn--ls8h.la", "xn--ls8h.la", NULL },
    { "punycode of nothing", "xn--.com", NULL, ENDS },
    { "punycode of ASCII only", "xn--abc-.com", NULL, ENDS },
    { "punycode cut short", "xn--bcher-kv.com", NULL, PUNY },
    { "punycode that overflows", "xn--99999999.com", NULL, PUNY },
    { "punycode with an empty basic part", "xn---abc.com", NULL, PUNY },
    { "punycode above U+10FFFF", "xn--a-0000000.com", NULL, PUNY },
    { "two minuses elsewhere", "r3---sn-x.example", "r3---sn-x.example",
      NULL },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    const char *why = "poison";
    AUTO_FREE char *got = host_canonical(row->host, &why);

    assert_int_equal(host_is_canonical(row->host),
                     row->want && strcmp(row->want, row->host) == 0);
    if (row->want) {
        assert_non_null(got);
        assert_string_equal(got, row->want);
    } else {
        assert_null(got);
    }
    if (row->why) {
        assert_non_null(why);
        assert_string_equal(why, row->why);
    } else {
        assert_null(why);
    }
}

static const struct cover {
    const char *name;
    const char *wildcard;
    const char *exact;
    bool want;
} covers[] = {
    { "one label more", "*.b.c", "a.b.c", true },
    { "two labels more", "*.b.c", "x.a.b.c", false },
    { "the parent itself", "*.b.c", "b.c", false },
    { "another parent", "*.b.c", "a.bb.c", false },
    { "the same wildcard", "*.b.c", "*.b.c", false },
    { "not a wildcard", "a.b.c", "a.b.c", false },
    { "single label", "*.c", "c", false },
    { "every host", "*.c", "", false },
};

static void
check_cover(void **state)
{
    const struct cover *row = *state;
    AUTO_FREE char *wildcard = host_wildcard_of(row->exact);

    assert_int_equal(host_covers(row->wildcard, row->exact), row->want);
    /* Both helpers say the same. */
    assert_int_equal(wildcard && strcmp(wildcard, row->wildcard) == 0,
                     row->want);
}

int
main(void)
{
    return TABLE_RUN("host", rows, check_row) +
           TABLE_RUN("host covers", covers, check_cover);
}
