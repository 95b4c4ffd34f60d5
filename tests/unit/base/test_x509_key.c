/* Private keys: their forms, and which do not belong. */
#include "tests/unit/table.h"

#include "tests/unit/base/x509_pki.h"

static const struct x509_row rows[] = {
    { "SEC1 key", "leaf", LEAF, TRADITIONAL, "", "",
      "www.example.com *.example.org", 1 },
    { "EC PARAMETERS before the key", "leaf", LEAF, TRADITIONAL,
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
      "-----END EC PARAMETERS-----\n",
      "", "www.example.com *.example.org", 1 },
    { "RSA, PKCS#1", "rsa", BIG_RSA, TRADITIONAL, "", "",
      "rsa.example.com", 1 },
    { "RSA, PKCS#8", "rsa", BIG_RSA, PKCS8, "", "", "rsa.example.com", 1 },
    { "Ed25519", "ed25519", ED25519, PKCS8, "", "", "ed.example.com", 1 },
    { "another's key", "leaf", OTHER, PKCS8, "", "",
      "!the private key does not belong to the certificate", 0 },
    { "another's key, many certificates", "leaf middle", OTHER, PKCS8, "", "",
      "!the private key belongs to none of the 2 certificates", 0 },
    { "encrypted PKCS#8", "leaf", LEAF, ENCRYPTED, "", "",
      "!the private key is encrypted; store it without a pass phrase", 0 },
    { "encrypted, old form", "leaf", LEAF, OLD_ENCRYPTED, "", "",
      "!the private key is encrypted; store it without a pass phrase", 0 },
    { "a broken key", "leaf", LEAF, PKCS8,
      "-----BEGIN PRIVATE KEY-----\nTWlu\n-----END PRIVATE KEY-----\n", "",
      "!the private key does not parse", 0 },
    { "text after the key", "leaf", LEAF, PKCS8, "", "text",
      "!the key file has text after its last PEM block", 0 },
    { "a certificate where the key should be", "leaf", N_WHO, PKCS8, "",
      "leaf", "!the key file holds a certificate and no private key", 0 },
    { "a public key where the key should be", "leaf", N_WHO, PKCS8,
      "-----BEGIN PUBLIC KEY-----\nTWlu\n-----END PUBLIC KEY-----\n", "",
      "!the key file holds a public key and no private key", 0 },
    { "another block where the key should be", "leaf", N_WHO, PKCS8,
      "-----BEGIN EC PARAMETERS-----\nTWlu\n-----END EC PARAMETERS-----\n",
      "", "!the key file has no PEM private key", 0 },
    { "OpenSSH's format", "leaf", N_WHO, PKCS8,
      "-----BEGIN OPENSSH PRIVATE KEY-----\nTWlu\n"
      "-----END OPENSSH PRIVATE KEY-----\n", "",
      "!the private key is in OpenSSH's format: convert it with ssh-keygen "
      "-p -m PKCS8", 0 },
    { "no key", "leaf", N_WHO, PKCS8, "", "", "!the key file is empty", 0 },
};

/* A private number that is not the one of its public point: the pair fits by
 * its public half, and could not finish one handshake. */
static void
check_damaged_key(void **state)
{
    AUTO_BUF struct buf certificates = BUF_OWN;
    AUTO_BUF struct buf key = BUF_OWN;
    AUTO_ERR struct err *err = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL, *other = NULL;
    struct x509_pair pair;
    int size;

    (void) state;
    put_certificates("leaf", &certificates);
    size = i2d_PrivateKey(keys[LEAF], &der);
    assert_int_equal(i2d_PrivateKey(keys[MIDDLE], &other), size);
    /* SEC1: SEQUENCE, version 1, OCTET STRING of 32 bytes at 7. */
    memcpy(der + 7, other + 7, 32);
    PEM_write_bio(bio, "EC PRIVATE KEY", "", der, size);
    OPENSSL_free(der);
    OPENSSL_free(other);
    put_bio(bio, &key);
    err = x509_read(buf_str(&certificates), certificates.size, buf_str(&key),
                    key.size, &pair);
    assert_non_null(err);
    assert_string_equal(err_text(err), "the private key is damaged: its "
                                       "signatures do not verify");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_damaged_key),
    };
    int failed;

    make_all();
    failed = TABLE_RUN("keys", rows, check_pair);
    failed += cmocka_run_group_tests_name("keys, more", tests, NULL, NULL);
    free_all();
    return failed;
}
