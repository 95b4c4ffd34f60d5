/* Options of TLS to servers: the text, its number, the paths. */
#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/layout.h"
#include "haproxy/servertls.h"
#include "lib/base/mem.h"

#define CA PLAN_CA "1"
#define PAIR PLAN_PAIR "1"

/* 'want' NULL: nobody may be spoken to that way.  In it $A is the file id of
 * the authority, $C that of the certificate. */
static const struct row {
    const char *name;
    struct plan_server_tls tls;
    const char *want;
} rows[] = {
    { "nothing", { .ca = NULL }, "verify none sni var(txn.unset)" },
    { "an authority and a name", { .ca = CA, .name = "a.test" },
      "verify required ca-file $A verifyhost a.test sni var(txn.unset)" },
    { "the name is sent",
      { .ca = CA, .name = "a.test", .sends_name = true },
      "verify required ca-file $A verifyhost a.test sni str(a.test)" },
    { "a name alone", { .name = "a.test", .sends_name = true },
      "verify none sni str(a.test)" },
    { "a certificate", { .cert = PAIR },
      "verify none crt $C sni var(txn.unset)" },
    { "ciphers and versions",
      { .ciphers = "HIGH:!aNULL", .min_version = "TLSv1.2",
        .max_version = "TLSv1.2" },
      "verify none sni var(txn.unset) ciphers HIGH:!aNULL ssl-min-ver "
      "TLSv1.2 ssl-max-ver TLSv1.2" },
    { "an authority without a name", { .ca = CA }, NULL },
    { "a name of two words", { .ca = CA, .name = "a b" }, NULL },
    { "a wildcard", { .ca = CA, .name = "*.test" }, NULL },
    { "a name that closes the brackets",
      { .name = "a)", .sends_name = true }, NULL },
    { "ciphers of two words", { .ciphers = "HIGH verify" }, NULL },
    { "a version of two lines", { .min_version = "TLSv1.2\nx" }, NULL },
};

static void
collect(const char *file_id, void *aux)
{
    buf_printf(aux, "%s ", file_id);
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *got = servertls_words(&row->tls);
    AUTO_BUF struct buf want = BUF_OWN;
    AUTO_BUF struct buf ids = BUF_OWN;
    AUTO_BUF struct buf seen = BUF_OWN;
    char ca[MODEL_ID_SIZE], cert[MODEL_ID_SIZE];

    if (!row->want) {
        assert_null(got);
        return;
    }
    model_cert_id(CA, ca);
    model_cert_id(PAIR, cert);
    for (const char *p = row->want; *p; p++) {
        if (*p == '$') {
            const char *id = *++p == 'A' ? ca : cert;

            buf_puts(&want, id);
            buf_printf(&ids, "%s ", id);
        } else {
            buf_putc(&want, *p);
        }
    }
    assert_string_equal(got, buf_str(&want));
    servertls_each(got, collect, &seen);
    assert_string_equal(buf_str(&seen), buf_str(&ids));
    assert_int_equal(servertls_names(got, ca), row->tls.ca != NULL);
    assert_false(servertls_names(got, "verify"));
}

static void
paths_come_last(void **state UNUSED)
{
    AUTO_BUF struct buf out = BUF_OWN;

    servertls_write(&out, "/run", "verify required ca-file a crt b x");
    assert_string_equal(buf_str(&out), " verify required ca-file "
                        "/run/certs/a.pem crt /run/certs/b.pem x");
}

static void
names_tell_the_number(void **state UNUSED)
{
    static const char *const bad[] = {
        "t1.", "t1.1", "t1.000000000000000g", "t1.0000000000000000",
        "t1.00000000000000011", "t.0000000000000001", "x1", "",
    };
    struct model_server server = { .number = 7, .protocol = PLAN_TLS };
    struct model_server read;
    char name[LAYOUT_SERVER_NAME_SIZE];

    layout_server_name(&server, name);
    assert_string_equal(name, "t7");
    server.tls = servertls_id("verify none");
    assert_true(server.tls != 0 &&
                server.tls != servertls_id("verify required"));
    layout_server_name(&server, name);
    assert_true(layout_server_parse(name, &read));
    assert_int_equal(read.number, 7);
    assert_int_equal(read.protocol, PLAN_TLS);
    assert_true(read.tls == server.tls);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(layout_server_parse(bad[i], &read));
    }
}

static void
unknown_options_are_no_options(void **state UNUSED)
{
    struct model *m = model_create();
    struct model_server server = { .number = 1, .protocol = PLAN_TLS,
                                   .tls = 5 };
    AUTO_BUF struct buf out = BUF_OWN;
    char key[SERVERTLS_KEY_SIZE];

    assert_false(layout_server_words(m, "/r", PROGRAM_PLAIN, &server, &out));
    servertls_key(5, key);
    model_set(m, MODEL_SERVER_TLS, key, "verify none");
    assert_true(layout_server_words(m, "/r", PROGRAM_PLAIN, &server, &out));
    assert_string_equal(buf_str(&out), " pool-purge-delay 5s pool-max-conn "
                        "-1 ssl verify none");
    /* Not in a slot that passes TCP through, and not without TLS. */
    assert_false(layout_server_words(m, "/r", PROGRAM_TCP, &server, &out));
    server.protocol = PLAN_HTTP1;
    assert_false(layout_server_words(m, "/r", PROGRAM_PLAIN, &server, &out));
    model_free(m);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_come_last),
        cmocka_unit_test(names_tell_the_number),
        cmocka_unit_test(unknown_options_are_no_options),
    };

    return TABLE_RUN("servertls", rows, check_row) +
           cmocka_run_group_tests_name("servertls more", tests, NULL, NULL);
}
