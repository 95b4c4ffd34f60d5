#include "tests/unit/table.h"

#include "haproxy/pem.h"

#define CERT(x) "-----BEGIN CERTIFICATE-----\n" x "\n-----END CERTIFICATE-----"
#define KEY(x) "-----BEGIN EC PRIVATE KEY-----\n" x                        \
               "\n-----END EC PRIVATE KEY-----"

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

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(primed) };

    return TABLE_RUN("pem", rows, check_row) +
           cmocka_run_group_tests_name("pem texts", tests, NULL, NULL);
}
