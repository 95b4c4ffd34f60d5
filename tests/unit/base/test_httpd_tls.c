/* TLS: versions, certificates that change, and those of clients. */
#include "tests/unit/table.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/x509.h"
#include "tests/unit/base/httpd_help.h"

static void
write_file(const char *name, const char *text)
{
    AUTO_FREE char *path = file_in(name);
    AUTO_FREE char *tmp = xasprintf("%s.tmp", path);
    FILE *f = fopen(tmp, "w");

    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(tmp, path), 0);
}

static void
write_pair(const char *stem, const char *common_name)
{
    const char *const names[] = { "localhost", common_name };
    AUTO_FREE char *crt = xasprintf("%s.crt", stem);
    AUTO_FREE char *key = xasprintf("%s.key", stem);
    AUTO(x509_pair_fini) struct x509_pair pair;
    struct err *err = x509_self_signed(common_name, names, 2, clock_wall(),
                                       30, &pair);
    char *split;

    assert_null(err);
    split = strstr(pair.pem, "-----BEGIN PRIVATE");
    write_file(key, split);
    *split = '\0';
    write_file(crt, pair.pem);
}

static int
start_tls(void **state)
{
    (void) state;
    write_pair("a", "a.example.com");
    write_pair("b", "b.example.com");
    write_pair("tls", "first.example.com");
    start("tls", NULL);
    return 0;
}

static void
check_tls(void **state)
{
    struct ask ask = { .path = "/x", .ca = "tls.crt", .body_size = 5 };

    (void) state;
    want_reply(&ask, "200 POST /x text/x 5 xxxxx");
    ask.tls = CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2;
    want_reply(&ask, "200 POST /x text/x 5 xxxxx");
    ask.tls = CURL_SSLVERSION_TLSv1_3;
    want_reply(&ask, "200 POST /x text/x 5 xxxxx");
    ask.tls = CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1;
    want_reply(&ask, "failed");
    assert_true(httpd_not_after(server) > clock_wall() + 29 * 86400);
}

static void
check_reload(void **state)
{
    const struct ask old = { .path = "/x", .ca = "old.crt" };
    const struct ask new = { .path = "/x", .ca = "tls.crt" };
    AUTO_FREE char *key = file_in("tls.key");
    AUTO_FREE char *crt = file_in("tls.crt");
    AUTO_FREE char *other = file_in("b.key");
    AUTO_FREE char *saved = file_in("old.crt");
    AUTO_ERR struct err *err = NULL;

    (void) state;
    assert_int_equal(link(crt, saved), 0);
    err = httpd_reload(server);     /* Nothing changed. */
    assert_null(err);
    want_reply(&old, "200 GET /x - 0 ");

    /* Half of a change: the pair does not fit, the old one stays. */
    write_pair("tls", "second.example.com");
    assert_int_equal(rename(other, key), 0);
    err = httpd_reload(server);
    assert_non_null(err);
    assert_non_null(strstr(err_text(err), "the private key does not belong "
                                          "to the certificate"));
    err_freep(&err);
    want_reply(&old, "200 GET /x - 0 ");
    want_reply(&new, "failed");

    write_pair("tls", "second.example.com");
    err = httpd_reload(server);
    assert_null(err);
    want_reply(&new, "200 GET /x - 0 ");
    want_reply(&old, "failed");

    assert_int_equal(unlink(crt), 0);
    err = httpd_reload(server);
    assert_non_null(err);
    assert_non_null(strstr(err_text(err), "No such file"));
    write_file("tls.crt", "");
    err_freep(&err);
    err = httpd_reload(server);
    assert_non_null(strstr(err_text(err), "is empty"));
    unlink(saved);
}

/* The accepted client, whose certificate openssl makes, is in
 * tests/webhook. */
static void
check_client_ca(void **state)
{
    struct ask ask = { .path = "/x", .ca = "tls.crt" };
    static const char refused[] = "403 a client certificate from the "
                                  "configured CA is required\n";
    const unsigned before = atomic_load(&n_handled);

    (void) state;
    write_pair("a", "a.example.com");
    write_pair("b", "b.example.com");
    write_pair("tls", "first.example.com");
    start("tls", "a.crt");
    ask.tls = CURL_SSLVERSION_TLSv1_3;
    for (int i = 0; i < 2; i++) {
        ask.client = NULL;
        want_reply(&ask, refused);
        ask.client = "b";
        want_reply(&ask, refused);
        ask.client = "a";       /* Trusted, but no client's certificate. */
        want_reply(&ask, refused);
        ask.tls = CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2;
    }
    assert_int_equal(atomic_load(&n_handled), before);
}

static void
check_empty_client_ca(void **state)
{
    AUTO_FREE char *crt = file_in("tls.crt");
    AUTO_FREE char *key = file_in("tls.key");
    AUTO_FREE char *ca = file_in("empty.crt");
    struct httpd *none;
    AUTO_ERR struct err *err = NULL;

    (void) state;
    write_pair("tls", "first.example.com");
    write_file("empty.crt", "");
    err = httpd_start(
        &(const struct httpd_options) {
            .address = "127.0.0.1:1",
            .certificate_file = crt,
            .key_file = key,
            .client_ca_file = ca,
        },
        &none);
    assert_non_null(err);
    assert_non_null(strstr(err_text(err), "holds no CA certificate"));
}

static void
remove_folder(void)
{
    static const char *const names[] = {
        "a.crt", "a.key", "b.crt", "b.key", "tls.crt", "tls.key",
        "empty.crt",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = file_in(names[i]);

        unlink(path);
    }
    rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_tls, start_tls, stop),
        cmocka_unit_test_setup_teardown(check_reload, start_tls, stop),
        cmocka_unit_test_teardown(check_client_ca, stop),
        cmocka_unit_test(check_empty_client_ca),
    };
    int failed;

    assert_non_null(mkdtemp(folder));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    failed = cmocka_run_group_tests_name("httpd, TLS", tests, NULL, NULL);
    curl_global_cleanup();
    remove_folder();
    return failed;
}
