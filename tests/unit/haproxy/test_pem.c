#include "tests/unit/table.h"

#include "haproxy/pem.h"

#define CERT(x) "-----BEGIN CERTIFICATE-----\n" x "\n-----END CERTIFICATE-----"
#define KEY(x) "-----BEGIN EC PRIVATE KEY-----\n" x                        \
               "\n-----END EC PRIVATE KEY-----"

#define OCSP(x) "-----BEGIN OCSP RESPONSE-----\n" x                        \
                "\n-----END OCSP RESPONSE-----"

/* 'compact' is the text as a payload, then its parts. */
static const struct row {
    const char *name;
    const char *pem;
    const char *compact;
    const char *certificates;
    const char *key;
} rows[] = {
    { "empty", "", "", "", "" },
    { "a pair", CERT("a") "\n" KEY("k"), CERT("a") "\n" KEY("k") "\n",
      CERT("a") "\n", KEY("k") "\n" },
    { "key first, chain behind", KEY("k") "\n" CERT("a") "\n" CERT("b") "\n",
      KEY("k") "\n" CERT("a") "\n" CERT("b") "\n",
      CERT("a") "\n" CERT("b") "\n", KEY("k") "\n" },
    { "blank lines would end a payload", CERT("a") "\n\n\r\n" KEY("k") "\n\n",
      CERT("a") "\n" KEY("k") "\n", CERT("a") "\n", KEY("k") "\n" },
    { "a response is in no part", CERT("a") "\n" KEY("k") "\n" OCSP("b64=")
      "\n" CERT("b") "\n",
      CERT("a") "\n" KEY("k") "\n" CERT("b") "\n",
      CERT("a") "\n" CERT("b") "\n", KEY("k") "\n" },
    { "a response cut off", CERT("a") "\n-----BEGIN OCSP RESPONSE-----\nb64=",
      CERT("a") "\n", CERT("a") "\n", "" },
    { "cut off", "-----BEGIN CERTIFICATE-----\na\n",
      "-----BEGIN CERTIFICATE-----\na\n", "", "" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf compact = BUF_OWN, certs = BUF_OWN, key = BUF_OWN;

    pem_compact(row->pem, &compact);
    pem_split(row->pem, &certs, &key);
    assert_string_equal(buf_str(&compact), row->compact);
    assert_string_equal(buf_str(&certs), row->certificates);
    assert_string_equal(buf_str(&key), row->key);
}

static void
read_aux(const void *aux, struct buf *out)
{
    const char *const *text = aux;

    buf_puts(out, *text);
}

static void
expect(const struct pem_text *text, const char *want)
{
    AUTO_BUF struct buf got = BUF_OWN;

    pem_text_read(text, &got);
    assert_string_equal(buf_str(&got), want);
}

/* A text that was just made is read once, or forgotten. */
static void
primed(void **state)
{
    const char *now = "made again";
    struct pem_text *text = pem_text_from(read_aux, NULL, &now);

    (void) state;
    expect(text, "made again");
    pem_text_prime(text, "made before");
    expect(text, "made before");
    expect(text, "made again");
    pem_text_prime(text, "a");
    pem_text_prime(text, "b");
    expect(text, "b");
    pem_text_prime(text, "c");
    pem_text_forget(text);
    expect(text, "made again");
    pem_text_prime(text, "d");
    pem_text_unref(text);
    pem_text_forget(NULL);
}

/* It is said of a text, whoever holds it, and of no other. */
static void
vouched(void **state)
{
    struct pem_text *text = pem_text_copy("a");
    struct pem_text *other = pem_text_copy("a");
    struct pem_text *same = pem_text_ref(text);

    (void) state;
    assert_false(pem_text_is_vouched(text));
    pem_text_vouch(text);
    assert_true(pem_text_is_vouched(text));
    assert_true(pem_text_is_vouched(same));
    assert_false(pem_text_is_vouched(other));
    pem_text_prime(other, "b");
    assert_false(pem_text_is_vouched(other));
    pem_text_unref(text);
    assert_true(pem_text_is_vouched(same));
    pem_text_unref(same);
    pem_text_unref(other);
}

static void
response(void **state)
{
    AUTO_BUF struct buf pem = BUF_OWN;
    AUTO_BUF struct buf none = BUF_OWN;
    AUTO_BUF struct buf base64 = BUF_OWN;

    (void) state;
    buf_puts(&pem, CERT("a") "\n");
    assert_false(pem_response(buf_str(&pem), &none));
    pem_add_response("\x30\x03\x0a\x01\x00", 5, &pem);
    assert_string_equal(buf_str(&pem), CERT("a") "\n" OCSP("MAMKAQA=") "\n");
    assert_true(pem_response(buf_str(&pem), &base64));
    assert_string_equal(buf_str(&base64), "MAMKAQA=");
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(primed),
                                        cmocka_unit_test(vouched),
                                        cmocka_unit_test(response) };

    return TABLE_RUN("pem", rows, check_row) +
           cmocka_run_group_tests_name("pem texts", tests, NULL, NULL);
}
