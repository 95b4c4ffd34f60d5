/* Certificates: chains, names, and what is no certificate. */
#include "tests/unit/table.h"

#include "tests/unit/base/x509_pki.h"

static const struct x509_row rows[] = {
    { "a chain in order", "leaf middle root", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 3 },
    { "a chain upside down", "root middle leaf", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 3 },
    { "the leaf alone", "leaf", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 1 },
    { "a copy of the leaf is left out", "leaf leaf middle", LEAF, PKCS8, "",
      "", "www.example.com *.example.org", 2 },
    { "a stranger is left out", "leaf other middle", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 2 },
    { "an issuer by name only is left out", "leaf fake middle", LEAF, PKCS8,
      "", "", "www.example.com *.example.org", 2 },
    { "a gap ends the chain", "leaf root", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 1 },
    { "comments before a block", "text leaf text middle", LEAF, PKCS8, "", "",
      "www.example.com *.example.org", 2 },
    { "blanks at the end", "leaf blank", LEAF, PKCS8, "", "blank",
      "www.example.com *.example.org", 1 },
    { "no name but the CN", "other", OTHER, PKCS8, "", "", "", 1 },
    { "odd names cover nothing", "odd", ODD_NAMES, PKCS8, "", "",
      "c.example.com", 1 },
    { "an expired one is read all the same", "expired", EXPIRED, PKCS8, "",
      "", "old.example.com", 1 },
    { "empty file", "", LEAF, PKCS8, "", "",
      "!the certificate file is empty", 0 },
    { "no block at all", "text", LEAF, PKCS8, "", "",
      "!the certificate file has no PEM certificate", 0 },
    { "too large", "huge", LEAF, PKCS8, "", "",
      "!the certificate file is larger than 256 KiB", 0 },
    { "a NUL byte", "leaf nul", LEAF, PKCS8, "", "",
      "!the certificate file is not PEM text: it has a NUL byte", 0 },
    { "text after the last block", "leaf text", LEAF, PKCS8, "", "",
      "!the certificate file has text after its last PEM block", 0 },
    { "a block without an end", "leaf cut", LEAF, PKCS8, "", "",
      "!the certificate file is cut off: its last PEM block has no END line",
      0 },
    { "only a block without an end", "cut", LEAF, PKCS8, "", "",
      "!the certificate file has a PEM block without its END line: it is cut "
      "off, or damaged", 0 },
    { "bad base64", "base64", LEAF, PKCS8, "", "",
      "!the certificate file has a PEM block that is not base64: it is "
      "damaged", 0 },
    { "DER", "der", LEAF, PKCS8, "", "",
      "!the certificate file is binary (DER or PKCS#12), not PEM: convert it "
      "with openssl x509, openssl pkey or openssl pkcs12", 0 },
    { "UTF-16", "utf16", LEAF, PKCS8, "", "",
      "!the certificate file is not plain text (UTF-16): save it as ASCII",
      0 },
    { "encoded twice", "twice", LEAF, PKCS8, "", "",
      "!the certificate file is PEM that was encoded as base64 twice: encode "
      "it once, or write it as it is under stringData", 0 },
    { "a request", "request", LEAF, PKCS8, "", "",
      "!the certificate file holds a certificate request, which a CA has yet "
      "to sign", 0 },
    { "PKCS#7", "pkcs7", LEAF, PKCS8, "", "",
      "!the certificate file holds PKCS#7: convert it with openssl pkcs7 "
      "-print_certs", 0 },
    { "a key where the certificate should be", "private", LEAF, PKCS8, "", "",
      "!the certificate file holds a private key instead of a certificate: "
      "the two are swapped", 0 },
    { "a key beside the certificate", "leaf private", LEAF, PKCS8, "", "",
      "!the certificate file holds a private key as well: it belongs into "
      "the other file only", 0 },
    { "a block that is no certificate", "leaf junk", LEAF, PKCS8, "", "",
      "!certificate 2 does not parse", 0 },
    { "trailing bytes in a block", "tail", LEAF, PKCS8, "", "",
      "!certificate 1 has trailing bytes inside its PEM block", 0 },
    { "too many certificates",
      "leaf root root root root root root root root root root root root root "
      "root root root",
      LEAF, PKCS8, "", "", "!there are more than 16 certificates", 0 },
    { "a short RSA key", "weak", WEAK_RSA, PKCS8, "", "",
      "!the key of certificate 1 is too short (1024 bits; RSA needs 2048)",
      0 },
    { "SHA-1", "sha1", OLD_DIGEST, PKCS8, "", "",
      "!certificate 1 is signed with a digest that is no longer accepted "
      "(SHA-1 or older)", 0 },
};

/* What is odd about a pair that is taken. */
static void
check_notes(void **state)
{
    static const struct {
        const char *certificates;
        enum who key;
        unsigned want;
    } cases[] = {
        { "leaf middle root", LEAF, 0 },
        { "root leaf middle", LEAF, X509_REORDERED },
        { "middle leaf", LEAF, X509_REORDERED },
        { "leaf middle leaf", LEAF, X509_COPIES },
        { "leaf middle middle", LEAF, X509_COPIES },
        { "leaf fake", LEAF, X509_STRANGERS },
        { "leaf root", LEAF, X509_STRANGERS },
        { "other leaf", LEAF, X509_STRANGERS },
        { "root root leaf", LEAF, X509_STRANGERS | X509_COPIES },
        { "root", ROOT, X509_IS_CA },
        { "odd", ODD_NAMES, X509_BAD_NAMES },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_BUF struct buf certificates = BUF_OWN;
        AUTO_BUF struct buf key = BUF_OWN;
        AUTO(x509_pair_fini) struct x509_pair pair;

        put_certificates(cases[i].certificates, &certificates);
        put_key(cases[i].key, PKCS8, &key);
        assert_null(x509_read(buf_str(&certificates), certificates.size,
                              buf_str(&key), key.size, &pair));
        if (pair.notes != cases[i].want) {
            fail_msg("%s: notes %x, not %x", cases[i].certificates,
                     pair.notes, cases[i].want);
        }
        assert_int_equal(pair.chain_not_after,
                         count(pair.pem, "BEGIN CERT") > 1 ? 2000000000 : 0);
    }
}

static void
check_order(void **state)
{
    AUTO_BUF struct buf certificates = BUF_OWN;
    AUTO_BUF struct buf want = BUF_OWN;
    AUTO_BUF struct buf key = BUF_OWN;
    AUTO(x509_pair_fini) struct x509_pair pair;
    AUTO_ERR struct err *err = NULL;

    (void) state;
    put_certificates("root other leaf middle", &certificates);
    put_certificates("leaf middle root", &want);
    put_key(LEAF, TRADITIONAL, &key);
    err = x509_read(buf_str(&certificates), certificates.size, buf_str(&key),
                    key.size, &pair);
    assert_null(err);
    put_key(LEAF, PKCS8, &want);
    assert_string_equal(pair.pem, buf_str(&want));
}

static void
check_covers(void **state)
{
    static char exact[] = "www.example.com", wild[] = "*.example.org";
    static char *names[] = { exact, wild };
    const struct x509_pair pair = { .names = names, .n_names = 2 };

    (void) state;
    assert_true(x509_covers(&pair, "www.example.com"));
    assert_false(x509_covers(&pair, "example.com"));
    assert_true(x509_covers(&pair, "a.example.org"));
    assert_true(x509_covers(&pair, "*.example.org"));
    assert_false(x509_covers(&pair, "a.b.example.org"));
    assert_false(x509_covers(&pair, "example.org"));
    assert_false(x509_covers(&pair, ".example.org"));
    assert_false(x509_covers(&pair, ""));
}

static void
check_self_signed(void **state)
{
    static const char *const names[] = { "localhost", "a.example.com" };
    static const char *const bad[] = { "a,DNS:evil.example" };
    AUTO(x509_pair_fini) struct x509_pair pair;
    AUTO(x509_pair_fini) struct x509_pair again = { .pem = NULL };
    AUTO_ERR struct err *err =
        x509_self_signed("me", names, 2, 1800000000, 30, &pair);

    (void) state;
    assert_null(err);
    assert_int_equal(pair.n_names, 2);
    assert_string_equal(pair.names[1], "a.example.com");
    assert_int_equal(pair.not_before, 1800000000 - 300);
    assert_int_equal(pair.not_after, 1800000000 + 30 * 86400);
    err = x509_read(pair.pem, (size_t) (strstr(pair.pem, "-----BEGIN PRIV") -
                                        pair.pem),
                    strstr(pair.pem, "-----BEGIN PRIV"),
                    strlen(strstr(pair.pem, "-----BEGIN PRIV")), &again);
    assert_null(err);
    assert_string_equal(pair.fingerprint, again.fingerprint);
    assert_string_equal(pair.pem, again.pem);
    x509_pair_fini(&again);
    err = x509_self_signed("me", bad, 1, 1800000000, 30, &again);
    assert_non_null(err);
    assert_string_equal(err_text(err),
                        "\"a,DNS:evil.example\" is not a DNS name");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_notes),
        cmocka_unit_test(check_order),
        cmocka_unit_test(check_covers),
        cmocka_unit_test(check_self_signed),
    };
    int failed;

    make_all();
    failed = TABLE_RUN("x509", rows, check_pair);
    failed += cmocka_run_group_tests_name("x509, more", tests, NULL, NULL);
    free_all();
    return failed;
}
