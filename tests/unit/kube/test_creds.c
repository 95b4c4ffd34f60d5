#include "tests/unit/table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/creds.h"

#define CERT                                                               \
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
#define CERT2                                                              \
    "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"
#define KEY                                                                \
    "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n"
#define CERT64                                                             \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUIKLS0tLS1FTkQgQ0VSVElGSU"   \
    "NBVEUtLS0tLQo="
#define KEY64                                                              \
    "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1IY0MKLS0tLS1FTkQgRUMgUF"   \
    "JJVkFURSBLRVktLS0tLQo="

/* Around one cluster and one user. */
#define CONFIG(cluster, user)                                              \
    "apiVersion: v1\nkind: Config\ncurrent-context: c\n"                   \
    "contexts:\n- name: other\n  context: {cluster: x, user: y}\n"         \
    "- name: c\n  context: {cluster: k, user: u, namespace: team}\n"       \
    "clusters:\n- name: k\n  cluster: {" cluster "}\n"                     \
    "users:\n- name: u\n  user: {" user "}\n"
#define SERVER "server: 'https://api.test:6443'"

/* 'want' is the view in one line, or "!" and the end of the error. */
static const struct row {
    const char *name;
    const char *config;
    const char *want;
} rows[] = {
    { "token", CONFIG(SERVER, "token: abc"),
      "https://api.test:6443 ns=team Bearer abc" },
    { "a last slash is dropped, a prefix stays",
      CONFIG("server: 'https://h/k8s/clusters/x/'", "token: abc"),
      "https://h/k8s/clusters/x ns=team Bearer abc" },
    { "IPv6", CONFIG("server: 'https://[::1]:6443'", "token: abc"),
      "https://[::1]:6443 ns=team Bearer abc" },
    { "token file, relative, trimmed", CONFIG(SERVER, "tokenFile: token"),
      "https://api.test:6443 ns=team Bearer from-file" },
    { "token file beats token",
      CONFIG(SERVER, "token: abc, tokenFile: token"),
      "https://api.test:6443 ns=team Bearer from-file" },
    { "user name and password",
      CONFIG(SERVER, "username: Aladdin, password: 'open sesame'"),
      "https://api.test:6443 ns=team Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
    { "nobody", CONFIG(SERVER, ""), "https://api.test:6443 ns=team" },
    { "CA inline", CONFIG(SERVER ", certificate-authority-data: " CERT64, ""),
      "https://api.test:6443 ns=team ca=MIIB" },
    { "CA from a file",
      CONFIG(SERVER ", certificate-authority: ca.crt", ""),
      "https://api.test:6443 ns=team ca=MIIC" },
    { "data beat files",
      CONFIG(SERVER ", certificate-authority: ca.crt, "
                    "certificate-authority-data: " CERT64,
             ""),
      "https://api.test:6443 ns=team ca=MIIB" },
    { "client certificate inline",
      CONFIG(SERVER, "client-certificate-data: " CERT64
                     ", client-key-data: " KEY64),
      "https://api.test:6443 ns=team cert=MIIB key=MHcC" },
    { "client certificate from files",
      CONFIG(SERVER, "client-certificate: ca.crt, client-key: key.pem"),
      "https://api.test:6443 ns=team cert=MIIC key=MHcC" },
    { "server name, proxy, no check",
      CONFIG(SERVER ", tls-server-name: kubernetes.default, "
                    "proxy-url: 'http://p:3128', "
                    "insecure-skip-tls-verify: true",
             "token: abc"),
      "https://api.test:6443 ns=team Bearer abc sni=kubernetes.default "
      "proxy=http://p:3128 insecure" },
    { "no current context",
      "apiVersion: v1\nkind: Config\ncurrent-context: ''\n",
      "!has no current-context (kubectl config use-context NAME sets one)" },
    { "no such context",
      "current-context: gone\ncontexts: [{name: c, context: {}}]\n",
      "!contexts has no context named \"gone\"" },
    { "no such cluster",
      "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
      "clusters: []\n",
      "!clusters has no cluster named \"k\"" },
    { "no such user",
      "current-context: c\n"
      "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
      "clusters: [{name: k, cluster: {server: 'https://h'}}]\nusers: []\n",
      "!users has no user named \"u\"" },
    { "no server", CONFIG("", "token: abc"),
      "!cluster k: server: is missing" },
    { "server without a scheme", CONFIG("server: api.test", ""),
      "!cluster k: server \"api.test\" must begin with https:// or http://" },
    { "server with a user",
      CONFIG("server: 'https://a@b'", ""),
      "!cluster k: server \"https://a@b\" must be a URL of host, port and "
      "path only" },
    { "server with a query", CONFIG("server: 'https://b?x'", ""),
      "!cluster k: server \"https://b?x\" must be a URL of host, port and "
      "path only" },
    { "server with a line feed", CONFIG("server: \"https://b\\nx\"", ""),
      "!cluster k: server \"https://b\\nx\" must be a URL of host, port and "
      "path only" },
    { "token with a line feed", CONFIG(SERVER, "token: \"a\\nX-Y: z\""),
      "!user u: token: the token holds a character that no token can have" },
    { "token file that is empty", CONFIG(SERVER, "tokenFile: empty"),
      "!empty: the token is empty" },
    { "token file that is not there", CONFIG(SERVER, "tokenFile: none"),
      "!none: No such file or directory" },
    { "token file that is a FIFO", CONFIG(SERVER, "tokenFile: fifo"),
      "!fifo is not a regular file" },
    { "a number for a token", CONFIG(SERVER, "token: 7"),
      "!user u: token: must be a string" },
    { "exec",
      CONFIG(SERVER, "exec: {command: aws, apiVersion: v1}"),
      "!user u: \"exec\" is not supported: a program is never run for "
      "credentials; use a token, a tokenFile or a client certificate" },
    { "auth-provider", CONFIG(SERVER, "auth-provider: {name: gcp}"),
      "!user u: \"auth-provider\" is not supported: use a token, a tokenFile "
      "or a client certificate" },
    { "impersonation is not dropped silently",
      CONFIG(SERVER, "token: abc, as: nobody"),
      "!user u: \"as\" is not supported: give the user itself the rights it "
      "needs" },
    { "certificate without key",
      CONFIG(SERVER, "client-certificate-data: " CERT64),
      "!user u: client-certificate and client-key are needed both, or "
      "none" },
    { "a key where a certificate belongs",
      CONFIG(SERVER ", certificate-authority: key.pem", ""),
      "!key.pem: holds no PEM block of a certificate" },
    { "no base64",
      CONFIG(SERVER ", certificate-authority-data: '%%'", ""),
      "!cluster k: certificate-authority-data is not base64 of PEM" },
    { "a CA and no check exclude each other",
      CONFIG(SERVER ", insecure-skip-tls-verify: true, "
                    "certificate-authority-data: " CERT64,
             ""),
      "!cluster k: insecure-skip-tls-verify and certificate-authority "
      "exclude each other" },
    { "a proxy of another kind",
      CONFIG(SERVER ", proxy-url: 'ftp://p'", ""),
      "!cluster k: proxy-url must begin with http://, https:// or "
      "socks5://" },
    { "two documents", CONFIG(SERVER, "") "---\nkind: Config\n",
      "!holds more than one document" },
    { "empty", "", "!is empty" },
    { "no YAML", "a: [", "!" },
};

static char *dir;

static char *
path_of(const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

/* As a mounted Secret is renewed: another file under the same name. */
static void
write_file(const char *name, const char *text)
{
    AUTO_FREE char *path = path_of(name);
    AUTO_FREE char *part = path_of("part");
    FILE *file = fopen(part, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(part, path), 0);
}

static void
put_pem(struct buf *out, const char *name, const char *pem)
{
    if (pem) {
        const char *line = strchr(pem, '\n') + 1;

        buf_printf(out, " %s=%.4s", name, line);
    }
}

static char *
describe(const struct creds *creds)
{
    const struct creds_view *view = creds_view(creds);
    AUTO_BUF struct buf out = BUF_OWN;

    buf_printf(&out, "%s ns=%s", view->server, view->ns);
    if (view->authorization) {
        buf_printf(&out, " %s", view->authorization);
    }
    put_pem(&out, "ca", view->ca_pem);
    put_pem(&out, "cert", view->cert_pem);
    put_pem(&out, "key", view->key_pem);
    if (view->tls_server_name) {
        buf_printf(&out, " sni=%s", view->tls_server_name);
    }
    if (view->proxy_url) {
        buf_printf(&out, " proxy=%s", view->proxy_url);
    }
    buf_puts(&out, view->is_insecure ? " insecure" : "");
    return buf_take(&out);
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *path = path_of("config");
    AUTO_CREDS struct creds *creds = NULL;
    struct err *err;

    write_file("config", row->config);
    err = creds_load_kubeconfig(path, &creds);
    if (row->want[0] == '!') {
        assert_non_null(err);
        assert_null(creds);
        assert_non_null(strstr(err_text(err), path));
        if (!str_ends(err_text(err), row->want + 1)) {
            fail_msg("%s, not %s", err_text(err), row->want + 1);
        }
        err_free(err);
    } else {
        AUTO_FREE char *got = NULL;

        if (err) {
            fail_msg("%s", err_text(err));
        }
        got = describe(creds);
        assert_string_equal(got, row->want);
    }
}

static void
refresh(struct creds *creds, int64_t now_ms, bool force, const char *want,
        bool want_changed)
{
    AUTO_FREE char *got = NULL;
    bool changed = !want_changed;
    struct err *err = creds_refresh(creds, now_ms, force, &changed);

    if (err) {
        fail_msg("%s", err_text(err));
    }
    got = describe(creds);
    assert_string_equal(got, want);
    assert_int_equal(changed, want_changed);
}

#define POD "https://10.0.0.1:443 ns=sys "

static void
check_rotation(void **state)
{
    AUTO_CREDS struct creds *creds = NULL;
    AUTO_FREE char *token = path_of("token");
    bool changed;
    struct err *err;

    (void) state;
    write_file("token", "one\n");
    write_file("ca.crt", CERT);
    write_file("namespace", "sys");
    assert_null(creds_load_service_account("10.0.0.1", "443", dir, &creds));
    refresh(creds, 10000, false, POD "Bearer one ca=MIIB", false);
    write_file("token", "two");
    /* Not looked at again so soon, but when forced. */
    refresh(creds, 10001, false, POD "Bearer one ca=MIIB", false);
    refresh(creds, 10001, true, POD "Bearer two ca=MIIB", true);
    refresh(creds, 10002, true, POD "Bearer two ca=MIIB", false);
    write_file("ca.crt", CERT2);
    refresh(creds, 14000, false, POD "Bearer two ca=MIIC", true);
    /* In the middle of a change: the old ones stay, and it is tried again. */
    assert_int_equal(unlink(token), 0);
    err = creds_refresh(creds, 18000, false, &changed);
    assert_non_null(err);
    assert_false(changed);
    err_free(err);
    refresh(creds, 18001, false, POD "Bearer two ca=MIIC", false);
    write_file("token", "three");
    refresh(creds, 22000, false, POD "Bearer three ca=MIIC", true);
}

static void
check_pod(void **state)
{
    AUTO_CREDS struct creds *creds = NULL;
    struct err *err;

    (void) state;
    write_file("token", "one");
    write_file("ca.crt", CERT);
    write_file("namespace", "sys\n");
    assert_null(creds_load_service_account("fd00::1", "443", dir, &creds));
    assert_string_equal(creds_view(creds)->server, "https://[fd00::1]:443");
    creds_free(STEAL_PTR(creds));
    err = creds_load_service_account("10.0.0.1", "https", dir, &creds);
    assert_string_equal(err_text(err),
                        "KUBERNETES_SERVICE_PORT \"https\" is not a port");
    err_free(err);
    unsetenv("KUBERNETES_SERVICE_HOST");
    err = creds_load_in_cluster(&creds);
    assert_int_equal(err_kind(err), ERR_INVALID);
    err_free(err);
}

static int
make_files(void **state)
{
    AUTO_FREE char *fifo = NULL;

    (void) state;
    dir = xstrdup("/tmp/test-creds-XXXXXX");
    assert_non_null(mkdtemp(dir));
    write_file("token", " from-file\n");
    write_file("empty", "\n");
    write_file("ca.crt", CERT2);
    write_file("key.pem", KEY);
    fifo = path_of("fifo");
    return mkfifo(fifo, 0600);
}

static int
remove_files(void **state)
{
    static const char *const names[] = { "token",   "empty", "ca.crt",
                                         "key.pem", "fifo",  "config",
                                         "namespace" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = path_of(names[i]);

        unlink(path);
    }
    rmdir(dir);
    free(dir);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(check_rotation),
        cmocka_unit_test(check_pod),
    };
    struct CMUnitTest tests[ARRAY_SIZE(rows)];
    int failed;

    TABLE_TESTS(rows, check_row, tests)
    failed = cmocka_run_group_tests_name("kubeconfig", tests, make_files,
                                         remove_files);
    return failed + cmocka_run_group_tests_name("credentials that rotate",
                                                others, make_files,
                                                remove_files);
}
