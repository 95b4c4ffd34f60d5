#include "tests/unit/table.h"

#include "tests/unit/ocsp_maker.h"

#include "lib/base/str.h"
#include "lib/base/x509.h"
#include "lib/base/x509_ocsp.h"

#define NOW_S (MAKER_BEGIN_S + 30 * 86400)
#define OCSP_AT(url) "authorityInfoAccess=OCSP;URI:" url "\n"
#define MUST "tlsfeature=status_request\n"

/* ---- Everybody there is ---- */

static struct maker_cert ours, theirs, leaf, sibling, namesake, delegate,
    plain, strangers;
static char *certificates;          /* Of 'leaf' and 'ours'. */

static int
set_up(void **state)
{
    X509 *chain[3] = { NULL };

    (void) state;
    ours = maker_authority("ours");
    theirs = maker_authority("theirs");
    namesake = maker_authority("ours");
    leaf = maker_issue("leaf", &ours, 2, OCSP_AT("http://ocsp.test/a"));
    sibling = maker_issue("sibling", &ours, 3, "");
    delegate = maker_issue("delegate", &ours, 4,
                           "extendedKeyUsage=OCSPSigning\n");
    plain = maker_issue("plain", &ours, 5, "extendedKeyUsage=serverAuth\n");
    strangers = maker_issue("delegate", &theirs, 6,
                            "extendedKeyUsage=OCSPSigning\n");
    chain[0] = leaf.cert;
    chain[1] = ours.cert;
    certificates = maker_pem(chain, NULL);
    return 0;
}

static int
tear_down(void **state)
{
    struct maker_cert *const all[] = { &ours, &theirs, &leaf, &sibling,
                                       &namesake, &delegate, &plain,
                                       &strangers };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        maker_drop(all[i]);
    }
    free(certificates);
    return 0;
}

/* ---- Answers ---- */

enum about { LEAF, SIBLING };
enum signer { OURS, THEIRS, NAMESAKE, DELEGATE, PLAIN, STRANGERS, ITSELF };

static const struct row {
    const char *name;
    enum about about;
    enum signer signer;
    int status;
    int64_t from_s, until_s;    /* Of NOW_S. */
    bool without_signer, is_sha256;
    unsigned n_more;
    size_t padding;
    const char *want;           /* The error, or NULL. */
    enum x509_ocsp_status want_status;
} rows[] = {
    { "good", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 0, 0,
      NULL, X509_OCSP_GOOD },
    { "revoked", LEAF, OURS, V_OCSP_CERTSTATUS_REVOKED, -60, 3600, 0, 0, 0, 0,
      NULL, X509_OCSP_REVOKED },
    { "unknown", LEAF, OURS, V_OCSP_CERTSTATUS_UNKNOWN, -60, 3600, 0, 0, 0, 0,
      NULL, X509_OCSP_UNKNOWN },
    { "the issuer signs and does not enclose itself", LEAF, OURS,
      V_OCSP_CERTSTATUS_GOOD, -60, 3600, true, 0, 0, 0, NULL,
      X509_OCSP_GOOD },
    { "somebody whom the issuer lets sign", LEAF, DELEGATE,
      V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 0, 0, NULL, X509_OCSP_GOOD },
    { "one second left", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, -60,
      X509_OCSP_SKEW_S + 1, 0, 0, 0, 0, NULL, X509_OCSP_GOOD },
    { "a clock that is ahead a little", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD,
      X509_OCSP_SKEW_S, 3600, 0, 0, 0, 0, NULL, X509_OCSP_GOOD },
    { "large", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 0, 9000,
      NULL, X509_OCSP_GOOD },
    { "too large", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 0,
      10240, "the answer has more than 10 KiB", 0 },
    { "out of date", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, -3600,
      X509_OCSP_SKEW_S, 0, 0, 0, 0,
      "the answer is out of date", 0 },
    { "of the future", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD,
      X509_OCSP_SKEW_S + 1, 3600, 0, 0, 0, 0, "the answer is of the future",
      0 },
    { "without an end", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, -60, INT64_MIN, 0,
      0, 0, 0, "the answer has no beginning or no end (nextUpdate)", 0 },
    { "the end before the beginning", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, 200,
      X509_OCSP_SKEW_S + 100, 0, 0, 0, 0, "the answer ends before it begins", 0 },
    { "about another certificate", SIBLING, OURS, V_OCSP_CERTSTATUS_GOOD, -60,
      3600, 0, 0, 0, 0, "the answer is about another certificate, or names "
      "its issuer by another digest than SHA-1", 0 },
    { "about it by SHA-256", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0,
      true, 0, 0, "the answer is about another certificate, or names its "
      "issuer by another digest than SHA-1", 0 },
    { "about two", LEAF, OURS, V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 1, 0,
      "the answer is about 2 certificates, not one", 0 },
#define UNSIGNED_ "the answer is not signed by the certificate's issuer, nor " \
                  "by one whom it lets sign"
    { "signed by another authority", LEAF, THEIRS, V_OCSP_CERTSTATUS_GOOD,
      -60, 3600, 0, 0, 0, 0, UNSIGNED_, 0 },
    { "signed by one of the issuer's name", LEAF, NAMESAKE,
      V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 0, 0, UNSIGNED_, 0 },
    { "signed by another certificate of the issuer", LEAF, PLAIN,
      V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 0, 0, UNSIGNED_, 0 },
    { "signed by the certificate itself", LEAF, ITSELF,
      V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 0, 0, UNSIGNED_, 0 },
    { "signed by whom another authority lets sign", LEAF, STRANGERS,
      V_OCSP_CERTSTATUS_GOOD, -60, 3600, 0, 0, 0, 0, UNSIGNED_, 0 },
};

static const struct maker_cert *
signer_of(enum signer who)
{
    const struct maker_cert *const all[] = {
        [OURS] = &ours, [THEIRS] = &theirs, [NAMESAKE] = &namesake,
        [DELEGATE] = &delegate, [PLAIN] = &plain, [STRANGERS] = &strangers,
        [ITSELF] = &leaf,
    };

    return all[who];
}

static unsigned char *
make(const struct row *row, size_t *size)
{
    const struct maker_answer answer = {
        .leaf = row->about == LEAF ? leaf.cert : sibling.cert,
        .issuer = ours.cert,
        .signer = signer_of(row->signer),
        .without_signer = row->without_signer,
        .status = row->status,
        .from_s = NOW_S + row->from_s,
        .until_s = row->until_s == INT64_MIN ? 0 : NOW_S + row->until_s,
        .digest = row->is_sha256 ? EVP_sha256() : NULL,
        .n_more = row->n_more,
        .padding = row->padding,
    };

    return maker_answer(&answer, size);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct x509_ocsp_answer got = { .from = 1 };
    size_t size;
    AUTO_FREE unsigned char *der = make(row, &size);
    AUTO_ERR struct err *err =
        x509_ocsp_check(certificates, der, size, NOW_S, &got);

    if (row->want) {
        assert_non_null(err);
        assert_int_equal(err_kind(err), ERR_PROTOCOL);
        assert_string_equal(err_text(err), row->want);
        return;
    }
    assert_null(err);
    assert_int_equal(got.status, row->want_status);
    assert_int_equal(got.from, NOW_S + row->from_s);
    assert_int_equal(got.until, NOW_S + row->until_s - X509_OCSP_SKEW_S);
}

/* No byte of a good answer can be another one, and none can be missing. */
static void
damage(void **state)
{
    size_t size;
    AUTO_FREE unsigned char *der = make(&rows[0], &size);
    struct x509_ocsp_answer got;
    size_t n_taken = 0;

    (void) state;
    for (size_t i = 0; i < size; i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_ERR struct err *cut = NULL;

        der[i] ^= 0x10;
        err = x509_ocsp_check(certificates, der, size, NOW_S, &got);
        n_taken += !err && (got.status != X509_OCSP_GOOD ||
                            got.from != NOW_S - 60 ||
                            got.until != NOW_S + 3600 -
                                             X509_OCSP_SKEW_S);
        der[i] ^= 0x10;
        cut = x509_ocsp_check(certificates, der, i, NOW_S, &got);
        assert_non_null(cut);
    }
    assert_int_equal(n_taken, 0);
}

static void
garbage(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *want;
    } texts[] = {
        { "", 0, "the answer is no OCSP response" },
        { "<html>", 6, "the answer is no OCSP response" },
        { "\x30\x03\x0a\x01\x03", 5, "the responder says \"trylater\"" },
        { "\x30\x03\x0a\x01\x06", 5, "the responder says \"unauthorized\"" },
        { "\x30\x03\x0a\x01\x63", 5, "the responder says \"(UNKNOWN)\"" },
        { "\x30\x03\x0a\x01\x00", 5, "the answer is of an unknown kind" },
        { "\x30\x03\x0a\x01\x03!", 6, "the answer is no OCSP response" },
    };
    struct x509_ocsp_answer got;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_ERR struct err *err = x509_ocsp_check(
            certificates, texts[i].bytes, texts[i].size, NOW_S, &got);

        assert_non_null(err);
        assert_string_equal(err_text(err), texts[i].want);
    }
}

/* ---- Questions ---- */

static void
question(void **state)
{
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_ERR struct err *err = x509_ocsp_ask(certificates, &out);
    const unsigned char *at = (const unsigned char *) buf_str(&out);
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), leaf.cert, ours.cert);
    OCSP_REQUEST *request;

    (void) state;
    assert_null(err);
    request = d2i_OCSP_REQUEST(NULL, &at, (long) out.size);
    assert_non_null(request);
    assert_int_equal(OCSP_request_onereq_count(request), 1);
    assert_int_equal(OCSP_id_cmp(OCSP_onereq_get0_id(
        OCSP_request_onereq_get0(request, 0)), id), 0);
    OCSP_REQUEST_free(request);
    OCSP_CERTID_free(id);
}

/* ---- Whom to ask ---- */

static const struct source {
    const char *name;
    const char *extensions;
    bool is_alone;              /* Without its issuer. */
    const char *want;           /* URL, "": none. */
    const char *host;
    unsigned port, notes;
} sources[] = {
    { "a usual one", OCSP_AT("http://ocsp.example.com"), 0,
      "http://ocsp.example.com:80/", "ocsp.example.com", 80, 0 },
    { "path, query and port", OCSP_AT("http://OCSP.Example.com:8080/a/b?c=d"),
      0, "http://ocsp.example.com:8080/a/b?c=d", "ocsp.example.com", 8080,
      0 },
    { "an address", OCSP_AT("http://192.0.2.1/"), 0, "http://192.0.2.1:80/",
      "192.0.2.1", 80, 0 },
    { "none", "", 0, "", NULL, 0, 0 },
    { "https", OCSP_AT("https://ocsp.example.com/"), 0, "", NULL, 0, 0 },
    { "the first that is http",
      "authorityInfoAccess=OCSP;URI:ldap://a.test/x,OCSP;URI:"
      "https://b.test/,OCSP;URI:http://c.test/,OCSP;URI:http://d.test/\n", 0,
      "http://c.test:80/", "c.test", 80, 0 },
    { "only where the issuer is", "authorityInfoAccess=caIssuers;URI:"
      "http://ca.test/\n", 0, "", NULL, 0, 0 },
    { "a user", OCSP_AT("http://good.test@evil.test/"), 0, "", NULL, 0, 0 },
    { "a backslash", OCSP_AT("http://good.test\\\\@evil.test/"), 0, "", NULL,
      0, 0 },
    { "IPv6", OCSP_AT("http://[::1]/"), 0, "", NULL, 0, 0 },
    { "no port", OCSP_AT("http://a.test:99999/"), 0, "", NULL, 0, 0 },
    { "a blank in the path", OCSP_AT("http://a.test/x y"), 0, "", NULL, 0,
      0 },
    { "another protocol", OCSP_AT("file:///etc/passwd"), 0, "", NULL, 0, 0 },
    { "gopher", OCSP_AT("gopher://a.test/_x"), 0, "", NULL, 0, 0 },
    { "no host", OCSP_AT("http:///x"), 0, "", NULL, 0, 0 },
    { "without its issuer", OCSP_AT("http://a.test/"), true,
      "http://a.test:80/", "a.test", 80, X509_LONE },
    { "must-staple", MUST OCSP_AT("http://a.test/"), 0, "http://a.test:80/",
      "a.test", 80, X509_MUST_STAPLE },
    { "must-staple without its issuer", MUST OCSP_AT("http://a.test/"), true,
      "http://a.test:80/", "a.test", 80,
      X509_MUST_STAPLE | X509_NO_RESPONDER },
    { "must-staple and nobody to ask", MUST, 0, "", NULL, 0,
      X509_MUST_STAPLE | X509_NO_RESPONDER },
    { "another TLS feature", "tlsfeature=17\n" OCSP_AT("http://a.test/"), 0,
      "http://a.test:80/", "a.test", 80, 0 },
};

#define OCSP_NOTES (X509_MUST_STAPLE | X509_NO_RESPONDER | X509_LONE)

static void
check_source(void **state)
{
    const struct source *row = *state;
    struct maker_cert made = maker_issue("x", &ours, 9, row->extensions);
    X509 *chain[] = { made.cert, row->is_alone ? NULL : ours.cert, NULL };
    AUTO_FREE char *crt = maker_pem(chain, NULL);
    AUTO_FREE char *key = maker_pem(chain + 2, made.key);
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    AUTO(x509_ocsp_fini) struct x509_ocsp got = { .url = NULL };
    AUTO_ERR struct err *err =
        x509_read(crt, strlen(crt), key, strlen(key), &pair);

    assert_null(err);
    assert_int_equal(pair.notes & OCSP_NOTES, row->notes);
    x509_ocsp_read(pair.pem, &got);
    assert_string_equal(got.url ? got.url : "", row->want);
    assert_true(str_eq(got.host, row->host));
    assert_int_equal(got.port, row->port);
    assert_int_equal(got.certificates == NULL, row->is_alone);
    /* No key gets among them. */
    assert_true(!got.certificates || !strstr(got.certificates, "PRIVATE"));
    maker_drop(&made);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(damage),
        cmocka_unit_test(garbage),
        cmocka_unit_test(question),
    };
    struct CMUnitTest answers[ARRAY_SIZE(rows)];
    struct CMUnitTest who[ARRAY_SIZE(sources)];

    TABLE_TESTS(rows, check, answers);
    TABLE_TESTS(sources, check_source, who);
    return cmocka_run_group_tests_name("answers", answers, set_up,
                                       tear_down) +
           cmocka_run_group_tests_name("others", others, set_up, tear_down) +
           cmocka_run_group_tests_name("whom to ask", who, set_up,
                                       tear_down);
}
