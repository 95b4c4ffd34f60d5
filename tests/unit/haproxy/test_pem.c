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

TABLE_MAIN("pem", rows, check_row)
