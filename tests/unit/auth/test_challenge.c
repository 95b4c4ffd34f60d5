/* The responses are those of RFC 7616, 3.9.1; its nonce is none of ours, so
 * that what is right in everything else is stale. */
#include "tests/unit/table.h"

#include <string.h>

#include "auth/challenge.h"
#include "lib/base/digest_raw.h"
#include "lib/base/mem.h"

#define REALM "http-auth@example.org"
#define HA1_MD5 "3d78807defe7de2157e2b0b6573a855f"
#define HA1_SHA256 \
    "7987c64c30e25f1b74be53f966b49b90" \
    "f2808aa92faf9a00262392d7b4794232"
#define USER "username=\"Mufasa\", "
#define REST                                                               \
    "realm=\"" REALM "\", uri=\"/dir/index.html\", "                      \
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, " \
    "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "
#define MD5 "response=\"8ca523f5e9506fed4657c9700eebdbec\""
#define SHA256                                                             \
    "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5" \
    "856cb6c1\""

static const struct challenge_key key = {
    (const unsigned char *) "a key", 5,
};

static const struct row {
    const char *name;
    const char *header;
    enum challenge_verdict want;
} rows[] = {
    { "RFC 7616, MD5", "Digest " USER REST MD5 ", algorithm=MD5",
      CHALLENGE_STALE },
    { "no algorithm is MD5", "Digest " USER REST MD5, CHALLENGE_STALE },
    { "RFC 7616, SHA-256", "Digest " USER REST SHA256 ", algorithm=SHA-256",
      CHALLENGE_STALE },
    { "case and blanks", "DIGEST  USERNAME = \"Mufasa\" ,realm=\"" REALM
      "\",uri=\"/dir/index.html\",NONCE=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzF"
      "ZH4GiTo0v\",nc=00000001,cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqG"
      "emxURZJ\",qop=\"auth\",response=\"8CA523F5E9506FED4657C9700EEBDBEC\","
      "algorithm=md5,opaque=\"x\"", CHALLENGE_STALE },
    { "escapes", "Digest username=\"Mu\\fasa\", " REST MD5, CHALLENGE_STALE },
    { "another algorithm's response", "Digest " USER REST MD5
      ", algorithm=SHA-256", CHALLENGE_NO },
    { "unknown algorithm", "Digest " USER REST MD5 ", algorithm=MD5-sess",
      CHALLENGE_NO },
    { "another user", "Digest username=\"mufasa\", " REST MD5, CHALLENGE_NO },
    { "empty user", "Digest username=\"\", " REST MD5, CHALLENGE_NO },
    { "userhash is text", "Digest " USER REST MD5 ", username*=UTF-8''x",
      CHALLENGE_STALE },
    { "no user", "Digest " REST MD5, CHALLENGE_NO },
    { "a user twice", "Digest " USER USER REST MD5, CHALLENGE_NO },
    { "no response", "Digest " USER REST "x=y", CHALLENGE_NO },
    { "an empty response", "Digest " USER REST "response=\"\"",
      CHALLENGE_NO },
    { "half a response", "Digest " USER REST "response=\"8ca523f5e9506fed\"",
      CHALLENGE_NO },
    { "open quote", "Digest " USER REST "response=\"8ca523f5", CHALLENGE_NO },
    { "comma at the end", "Digest " USER REST MD5 ",", CHALLENGE_NO },
    { "no value", "Digest " USER REST "response", CHALLENGE_NO },
    { "nothing", "Digest ", CHALLENGE_NO },
    { "none", "", CHALLENGE_NO },
    { "Basic", "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl", CHALLENGE_NO },
};

static struct wire_question
question(const char *header, const char *method, const char *uri,
         const char *realm)
{
    return (struct wire_question) {
        .table = { "0123456789abcdef0123456789abcdef", 32 },
        .realm = { realm, strlen(realm) },
        .method = { method, strlen(method) },
        .uri = { uri, strlen(uri) },
        .authorization = { header, strlen(header) },
    };
}

static struct table *
make_table(const char *lines)
{
    AUTO_FREE char *text = xasprintf(TABLE_MAGIC "digest\n%s", lines);
    struct table *t;

    assert_null(table_parse(text, strlen(text), 0, &t));
    return t;
}

static struct table *
mufasa(void)
{
    return make_table("Mufasa:" REALM ":" HA1_MD5 "\nMufasa:" REALM
                      ":" HA1_SHA256 "\nMufasa:other:" HA1_MD5 "\n");
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct table *t = mufasa();
    struct wire_question q =
        question(row->header, "GET", "/dir/index.html", REALM);

    assert_int_equal(challenge_judge(t, &q, key, 1000), row->want);
    table_free(t);
}

/* What the response was made for is what is asked. */
static void
request_and_response_belong_together(void **state)
{
    const char *header = "Digest " USER REST MD5;
    const struct wire_question other[] = {
        question(header, "POST", "/dir/index.html", REALM),
        question(header, "GET", "/dir/index.html?x", REALM),
        question(header, "GET", "/", REALM),
        question(header, "GET", "/dir/index.html", "other"),
        question(header, "GET", "/dir/index.html", ""),
    };
    struct table *t = mufasa();

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
        assert_int_equal(challenge_judge(t, &other[i], key, 1000),
                         CHALLENGE_NO);
    }
    table_free(t);
}

/* A client of our own: challenge, response, the same again, and the next. */
static void
a_login(void **state)
{
    struct table *t = mufasa();
    struct wire_question q = question("", "GET", "/", REALM);
    AUTO_BUF struct buf said = BUF_OWN;
    AUTO_DIGEST struct digest *d = digest_new(DIGEST_MD5);
    char nonce[NONCE_SIZE], ha2[65], response[65];
    AUTO_FREE char *header = NULL, *text = NULL;

    (void) state;
    challenge_put(t, &q, key, false, 1000, &said);
    assert_memory_equal(buf_str(&said), "no M ", 5);
    assert_non_null(strstr(buf_str(&said), " false\n"));
    memcpy(nonce, strchr(buf_str(&said) + 3, ' ') + 1, NONCE_SIZE - 1);
    nonce[NONCE_SIZE - 1] = '\0';
    digest_puts(d, "GET:/");
    digest_end_hex(d, ha2);
    text = xasprintf(HA1_MD5 ":%s:00000001:c:auth:%s", nonce, ha2);
    digest_puts(d, text);
    digest_end_hex(d, response);
    header = xasprintf("Digest " USER "realm=\"" REALM "\", uri=\"/\", "
                       "nonce=\"%s\", nc=00000001, cnonce=\"c\", qop=auth, "
                       "response=\"%s\"", nonce, response);
    q = question(header, "GET", "/", REALM);
    assert_int_equal(challenge_judge(t, &q, key, 1001), CHALLENGE_OK);
    assert_int_equal(challenge_judge(t, &q, key, 1001), CHALLENGE_STALE);
    table_free(t);
}

static const char *
offered(const char *lines, char out[8])
{
    struct table *t = make_table(lines);
    struct wire_question q = question("", "GET", "/", REALM);
    AUTO_BUF struct buf said = BUF_OWN;
    const char *end;

    challenge_put(t, &q, key, true, 1000, &said);
    table_free(t);
    assert_non_null(strstr(buf_str(&said), " true\n"));
    end = strchr(buf_str(&said) + 3, ' ');
    memcpy(out, buf_str(&said) + 3, (size_t) (end - buf_str(&said) - 3));
    out[end - buf_str(&said) - 3] = '\0';
    return out;
}

static void
only_what_all_users_can_do_is_offered(void **state)
{
    char got[8];

    (void) state;
    assert_string_equal(offered("a:r:" HA1_MD5 "\n", got), "M");
    assert_string_equal(offered("a:r:" HA1_SHA256 "\n", got), "S");
    assert_string_equal(
        offered("a:r:" HA1_MD5 "\na:r:" HA1_SHA256 "\nb:r:" HA1_MD5 "\n",
                got), "M");
    assert_string_equal(
        offered("a:r:" HA1_MD5 "\nb:r:" HA1_SHA256 "\n", got), "SM");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_and_response_belong_together),
        cmocka_unit_test(a_login),
        cmocka_unit_test(only_what_all_users_can_do_is_offered),
    };

    return TABLE_RUN("challenge", rows, check_row) +
           cmocka_run_group_tests_name("challenge", tests, NULL, NULL);
}
