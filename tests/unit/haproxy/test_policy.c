#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/haproxy/policy_words.h"

/* Builds a policy from "NAME=VALUE" words and compares the complaint, or the
 * rows with their id cut off. */
static const struct row {
    const char *name;
    const char *settings[6];
    const char *want;
} rows[] = {
    { "a number", { "BODY=10" }, "policy |body 10\npolicy | ok\n" },
    { "a number: not one", { "BODY=10k" },
      "\"10k\" is not a whole number up to 9007199254740992" },
    { "a number: too large", { "BODY=9007199254740993" },
      "\"9007199254740993\" is not a whole number up to 9007199254740992" },
    { "empty", { "BODY=" }, "\"\" is empty" },
    { "a line feed", { "REWRITE=/a\nb" },
      "\"/a\\nb\" is not a path: letters, digits, % escapes and "
      "/-._~!$&'()*+,=:@" },
    { "a flag leaves no row", { "SNI=true" }, "policy | ok\n" },
    { "a flag taken away", { "SNI=false" }, "" },
    { "a flag: neither", { "SNI=yes" }, "\"yes\" is not true or false" },
    { "rates", { "RPS=2", "RPM=7", "BURST=3", "ZONE=z" },
      "policy |zone z\npolicy |rps-short 9\npolicy |rps-long 27\n"
      "policy |rpm-short 24\npolicy |rpm-long 29\npolicy | ok\n" },
    { "rates: burst of five", { "RPS=1", "ZONE=z" },
      "policy |zone z\npolicy |rps-short 7\npolicy |rps-long 16\n"
      "policy | ok\n" },
    { "rates: none", { "RPS=0", "ZONE=z" },
      "a limit of 0 is not from 1 to 1000000000" },
    { "rates: no zone", { "RPS=1" }, "a limit without zone" },
    { "zone: too long",
      { "ZONE=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvw" },
      "\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvw\" is longer "
      "than 48 bytes" },
    { "a redirect", { "REDIRECT=http://x/%20?a#b", "REDIRECT_CODE=301" },
      "policy |redirect http://x/%20?a#b\npolicy |redirect-code 301\n"
      "policy | ok\n" },
    { "a redirect: no code", { "REDIRECT=http://x" },
      "a redirect needs a URL or a host, and a code" },
    { "a redirect: blank", { "REDIRECT=http://x /" },
      "\"http://x /\" is not a URL: other characters must be %-escaped" },
    { "a redirect: line feed", { "REDIRECT=http://x\r\nA: b" },
      "\"http://x\\r\\nA: b\" is not a URL: other characters must be "
      "%-escaped" },
    { "a redirect: code", { "REDIRECT_CODE=309" },
      "\"309\" is not a status from 300 to 308" },
    { "users", { "AUTH=0123456789abcdef0123456789abcdef", "AUTH_GROUP=g",
                 "AUTH_REALM=a realm", "SATISFY=true" },
      "policy |auth 0123456789abcdef0123456789abcdef\n"
      "policy |auth-group g\npolicy |auth-realm a realm\npolicy | ok\n" },
    { "users: no table id", { "AUTH=../etc/passwd" },
      "\"../etc/passwd\" is not 32 hex digits" },
    { "users: no group", { "AUTH=0123456789abcdef0123456789abcdef" },
      "a table of users without group" },
    { "users: a quote in the realm", { "AUTH_REALM=a\"b" },
      "\"a\\\"b\" is not a text of at most 200 letters, digits, blanks and "
      "._~:/-" },
    { "an IPv4 range", { "deny=10.0.0.0/8" },
      "cidr |deny|4| 0\ncidr |deny|6| 0\ncidr |deny|4|0A 1\n"
      "policy | ok\n" },
    { "a range inside a digit", { "allow=10.128.0.0/10" },
      "cidr |allow|4| 0\ncidr |allow|6| 0\ncidr |allow|4|0A8 1\n"
      "cidr |allow|4|0A9 1\ncidr |allow|4|0AA 1\ncidr |allow|4|0AB 1\n"
      "policy | ok\n" },
    { "a whole family", { "allow=::/0" },
      "cidr |allow|4| 0\ncidr |allow|6| 1\npolicy | ok\n" },
    { "a mapped range is IPv4", { "deny=::ffff:10.0.0.0/104" },
      "cidr |deny|4| 0\ncidr |deny|6| 0\ncidr |deny|4|0A 1\n"
      "policy | ok\n" },
    { "ranges twice and in any order",
      { "deny=11.0.0.0/8", "deny=10.0.0.0/8", "deny=11.1.2.3/8" },
      "cidr |deny|4| 0\ncidr |deny|6| 0\ncidr |deny|4|0A 1\n"
      "cidr |deny|4|0B 1\npolicy | ok\n" },
    { "a range: not one", { "deny=10.0.0.0/33" },
      "\"10.0.0.0/33\" is no address and no CIDR range" },
    { "origins",
      { "origin=https://A.b", "origin=http://*.c:81", "CORS_METHODS=GET, PUT",
        "CORS_HEADERS=X", "CORS_MAX_AGE=0" },
      "policy |cors-methods GET, PUT\npolicy |cors-headers X\n"
      "policy |cors-max-age 0\npolicy |cors-wild|http://*.c:81 1\n"
      "policy |cors-origin|https://a.b 1\npolicy | ok\n" },
    { "origins: any", { "origin=*", "CORS_METHODS=GET", "CORS_HEADERS=X",
                        "CORS_MAX_AGE=1" },
      "policy |cors-methods GET\npolicy |cors-headers X\n"
      "policy |cors-max-age 1\npolicy |cors-any 1\npolicy | ok\n" },
    { "origins: no methods", { "origin=*" },
      "cross-origin sharing needs origins, methods, headers and a max-age" },
    { "origin: star inside", { "origin=https://a.*.b" },
      "\"https://a.*.b\" is no origin: write * or scheme://host[:port], "
      "host may begin with *." },
    { "origin: blank", { "origin=https://a b" },
      "\"https://a b\" is no origin: write * or scheme://host[:port], "
      "host may begin with *." },
    { "origin: port", { "origin=https://a:99999" },
      "\"https://a:99999\" is no origin: write * or scheme://host[:port], "
      "host may begin with *." },
    { "origin: IPv6 literal",
      { "origin=https://[::1]:8443", "CORS_METHODS=GET", "CORS_HEADERS=X",
        "CORS_MAX_AGE=1" },
      "policy |cors-methods GET\npolicy |cors-headers X\n"
      "policy |cors-max-age 1\npolicy |cors-origin|https://[::1]:8443 1\n"
      "policy | ok\n" },
    { "origin: literal left open", { "origin=https://[::1" },
      "\"https://[::1\" is no origin: write * or scheme://host[:port], "
      "host may begin with *." },
    { "origin: star alone", { "origin=https://*." },
      "\"https://*.\" is no origin: write * or scheme://host[:port], "
      "host may begin with *." },
    { "a cookie", { "COOKIE_NAME=c", "COOKIE_MAX_AGE=5",
                    "COOKIE_SECURE=true" },
      "policy |cookie-name c\n"
      "policy |cookie-attributes Path=/; HttpOnly; Max-Age=5; Secure\n"
      "policy | ok\n" },
    { "a cookie: no name", { "COOKIE_MAX_AGE=5" }, "a cookie needs a name" },
    { "a cookie: an attribute smuggled in", { "COOKIE_DOMAIN=a;Path" },
      "\"a;Path\" is not a name of at most 200 letters, digits and ._~:/-" },
    { "a rewrite", { "rewrite=/a(/|$)(.*) /$2$" },
      "rewrite ^\\|(?:/a(/|$)(.*)) /\\2$\npolicy | ok\n" },
    { "a rewrite: bracket", { "rewrite=/a( /b" },
      "\"/a(\" is no regular expression: missing closing parenthesis" },
    { "a rewrite: closes our group", { "rewrite=/a)|(/b /c" },
      "\"/a)|(/b\" is no regular expression: unmatched closing parenthesis" },
    { "a rewrite: swallows our bracket", { "rewrite=(?x)/a# /b" },
      "\"(?x)/a#\" is no regular expression: missing closing parenthesis" },
    { "a rewrite: query", { "rewrite=/a /b?c" },
      "\"/b?c\" holds a byte that no path may hold" },
    { "a rewrite: backslash", { "rewrite=/a /\\1" },
      "\"/\\\\1\" holds a byte that no path may hold" },
    { "two rewrites", { "rewrite=/a /b", "REWRITE=/c" },
      "two rewrites of one path" },
    { "user agents: each once, in order", { "agent=~b c", "agent=~*A.x",
      "agent=(C) 1.0", "agent=~b c" },
      "match ^\\|(?:agent=\\n(?s:.*?)(?m:(?i:A.x))) 1\n"
      "match ^\\|(?:agent=\\n(?s:.*?)(?m:(?i:^\\(C\\)\\x201\\.0$))) 1\n"
      "match ^\\|(?:agent=\\n(?s:.*?)(?m:b\\x20c)) 1\npolicy | ok\n" },
    { "URLs that are not logged", { "quiet=/a" },
      "match ^\\|(?:quiet=\\n(?s:.*?)(?m:(?i:^/a$))) 1\npolicy | ok\n" },
    { "a user agent that is no expression", { "agent=~a(" },
      "\"a(\" is no regular expression: missing closing parenthesis" },
    { "a user agent that closes our group", { "agent=~a)|(b" },
      "\"a)|(b\" is no regular expression: unmatched closing parenthesis" },
    { "time-outs", { "TIMEOUT_SERVER=1", "TIMEOUT_TUNNEL=2147483647" },
      "policy |timeout-server 1\npolicy |timeout-tunnel 2147483647\n"
      "policy | ok\n" },
    { "a time-out: none", { "TIMEOUT_SERVER=0" },
      "\"0\" is not a number of milliseconds from 1 to 2147483647" },
};

/* "MAP KEY VALUE" with the id taken out of the key. */
static void
put_row(const char *map, const char *key, const char *value, void *aux)
{
    const char *id = strstr(key, "r");
    struct buf *out = aux;

    assert_non_null(id);
    buf_printf(out, "%s %.*s%s %s\n", map, (int) (id - key), key,
               id + POLICY_ID_SIZE - 1, value);
}

static struct policy *
build(const char *const *settings, bool is_backwards, struct err **err)
{
    struct policy *p = policy_new();
    size_t n = 0;

    *err = NULL;
    while (n < 6 && settings[n]) {
        n++;
    }
    for (size_t i = 0; i < n && !*err; i++) {
        AUTO_FREE char *word =
            xstrdup(settings[is_backwards ? n - 1 - i : i]);

        *err = policy_word(p, word);
    }
    if (!*err) {
        *err = policy_check(p);
    }
    return p;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_ERR struct err *err = NULL;
    AUTO_ERR struct err *again = NULL;
    AUTO_POLICY struct policy *p = build(row->settings, false, &err);
    AUTO_POLICY struct policy *q = build(row->settings, true, &again);
    AUTO_POLICY struct policy *copy = policy_copy(p);
    char id_p[POLICY_ID_SIZE], id_q[POLICY_ID_SIZE];

    if (err) {
        assert_string_equal(err_text(err), row->want);
        return;
    }
    policy_rows(p, put_row, &got);
    assert_string_equal(buf_str(&got), row->want);
    /* The order of the calls leaves no trace, nor does copying. */
    policy_id(p, id_p);
    policy_id(q, id_q);
    assert_string_equal(id_p, id_q);
    assert_true(policy_equal(p, q));
    assert_true(policy_equal(p, copy));
    assert_int_equal(policy_equal(p, NULL), policy_flags(p) == 0);
}

TABLE_MAIN("policy", rows, check_row)
