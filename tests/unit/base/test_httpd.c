#include "tests/unit/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "lib/base/clock.h"
#include "lib/base/httpd.h"
#include "lib/base/mem.h"
#include "lib/base/x509.h"

/* Shared by the tests: a server of the wanted kind on a free port, and its
 * folder of certificates. */
static char folder[] = "/tmp/sallyport-httpd-XXXXXX";
static struct httpd *server;
static uint16_t port;
static atomic_uint n_handled;

static void
free_port(void)
{
    const struct sockaddr_in any = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct sockaddr_in got;
    socklen_t size = sizeof got;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *) &any, sizeof any), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &got, &size), 0);
    port = ntohs(got.sin_port);
    close(fd);
}

static char *
file_in(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

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

static void
echo(const struct httpd_request *request, struct httpd_response *response,
     void *aux)
{
    (void) aux;
    atomic_fetch_add(&n_handled, 1);
    if (strcmp(request->path, "/busy") == 0) {
        response->status = 503;
        response->retry_after = "1";
    } else if (strcmp(request->path, "/post") == 0) {
        response->status = 405;
        response->allow = "POST";
    }
    buf_printf(&response->body, "%s %s %s %zu %.8s", request->method,
               request->path,
               request->content_type ? request->content_type : "-",
               request->body_size, request->body);
}

static void
start(const char *stem, const char *client_ca)
{
    AUTO_FREE char *address = NULL;
    AUTO_FREE char *crt = stem ? xasprintf("%s/%s.crt", folder, stem) : NULL;
    AUTO_FREE char *key = stem ? xasprintf("%s/%s.key", folder, stem) : NULL;
    AUTO_FREE char *ca = client_ca ? file_in(client_ca) : NULL;
    struct httpd_options options = {
        .threads = 2,
        .max_connections = 20,
        .max_body = 100000,
        .max_bodies = 150000,
        .idle_timeout_s = 120,
        .head_timeout_s = 1,
        .certificate_file = crt,
        .key_file = key,
        .client_ca_file = ca,
        .handler = echo,
    };
    struct err *err;

    free_port();
    address = xasprintf("127.0.0.1:%u", port);
    options.address = address;
    err = httpd_start(&options, &server);
    if (err) {
        fail_msg("%s", err_text(err));
    }
}

static int
stop(void **state)
{
    (void) state;
    httpd_stop(server);
    server = NULL;
    return 0;
}

/* One request by libcurl; answers "STATUS body" and the headers. */
struct reply {
    struct buf text;
    struct buf headers;
    CURLcode code;
};

static size_t
take(char *data, size_t size, size_t n, void *aux)
{
    buf_put(aux, data, size * n);
    return size * n;
}

static void
reply_fini(struct reply *reply)
{
    buf_fini(&reply->text);
    buf_fini(&reply->headers);
}

struct ask {
    const char *path;
    const char *method;
    size_t body_size;
    const char *header;         /* One more, or NULL. */
    const char *ca;             /* TLS: the CA file's name. */
    const char *client;         /* TLS: stem of the client's pair. */
    long tls;                   /* CURLOPT_SSLVERSION. */
};

static struct reply
request(const struct ask *ask)
{
    struct reply reply = { .text = BUF_OWN, .headers = BUF_OWN };
    AUTO_FREE char *url = xasprintf("http%s://localhost:%u%s",
                                    ask->ca ? "s" : "", port, ask->path);
    AUTO_FREE char *body = xcalloc(1, ask->body_size + 1);
    AUTO_FREE char *ca = ask->ca ? file_in(ask->ca) : NULL;
    AUTO_FREE char *crt =
        ask->client ? xasprintf("%s/%s.crt", folder, ask->client) : NULL;
    AUTO_FREE char *key =
        ask->client ? xasprintf("%s/%s.key", folder, ask->client) : NULL;
    AUTO_BUF struct buf got = BUF_OWN;
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    long status = 0;

    memset(body, 'x', ask->body_size);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply.headers);
    if (ask->body_size > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long) ask->body_size);
        headers = curl_slist_append(headers, "Content-Type: text/x");
    }
    if (ask->header) {
        headers = curl_slist_append(headers, ask->header);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (ask->method) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
    }
    if (ca) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, ask->tls);
    }
    if (crt) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, crt);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
    }
    reply.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (reply.code == CURLE_OK) {
        buf_printf(&reply.text, "%ld %s", status, buf_str(&got));
    } else {
        buf_printf(&reply.text, "failed");
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reply;
}

static void
want_reply(const struct ask *ask, const char *want)
{
    AUTO(reply_fini) struct reply reply = request(ask);

    assert_string_equal(buf_str(&reply.text), want);
}

static void
want_header(const struct ask *ask, const char *want)
{
    AUTO(reply_fini) struct reply reply = request(ask);

    if (!strstr(buf_str(&reply.headers), want)) {
        fail_msg("no \"%s\" in %s", want, buf_str(&reply.headers));
    }
}

/* ---- Plain HTTP ---- */

static const struct row {
    const char *name;
    struct ask ask;
    const char *want;
} rows[] = {
    { "GET", { .path = "/x" }, "200 GET /x - 0 " },
    { "the query is cut off", { .path = "/x?timeout=5s" },
      "200 GET /x - 0 " },
    { "another method", { .path = "/x", .method = "DELETE" },
      "200 DELETE /x - 0 " },
    { "POST", { .path = "/x", .body_size = 3 }, "200 POST /x text/x 3 xxx" },
    { "the largest body", { .path = "/x", .body_size = 100000 },
      "200 POST /x text/x 100000 xxxxxxxx" },
    { "one byte more", { .path = "/x", .body_size = 100001 },
      "413 the body is too large\n" },
    { "no length",
      { .path = "/x",
        .body_size = 3,
        .header = "Transfer-Encoding: chunked" },
      "411 send a Content-Length\n" },
    { "a status of the handler", { .path = "/busy" },
      "503 GET /busy - 0 " },
};

static int
start_plain(void **state)
{
    (void) state;
    start(NULL, NULL);
    return 0;
}

static void
check_row(void **state)
{
    const struct row *row = *state;

    want_reply(&row->ask, row->want);
}

static int
dial(void)
{
    const struct timeval limit = { .tv_sec = 20 };
    const struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons(port),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (const struct sockaddr *) &to, sizeof to),
                     0);
    return fd;
}

static void
send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
                     strlen(text));
}

/* Reads until 'word' was seen or the peer closed. */
static bool
read_until(int fd, const char *word, struct buf *got)
{
    char piece[4096];
    ssize_t n;

    while (!strstr(buf_str(got), word)) {
        n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0) {
            return false;
        }
        buf_put(got, piece, (size_t) n);
    }
    return true;
}

static void
check_headers(void **state)
{
    const struct ask busy = { .path = "/busy" };
    const struct ask post = { .path = "/post" };

    (void) state;
    want_header(&busy, "Retry-After: 1\r\n");
    want_header(&busy, "Content-Type: text/plain; charset=utf-8\r\n");
    want_header(&post, "Allow: POST\r\n");
}

static void
check_keep_alive(void **state)
{
    AUTO_CLOSE int fd = dial();

    (void) state;
    for (int i = 0; i < 3; i++) {
        AUTO_BUF struct buf got = BUF_OWN;

        send_text(fd, "POST /x HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 2\r\n\r\nhi");
        assert_true(read_until(fd, "POST /x - 2 hi", &got));
        assert_null(strstr(buf_str(&got), "Connection: close"));
    }
}

/* Promised bodies count together, also before they arrive. */
static void
check_sum_of_bodies(void **state)
{
    AUTO_CLOSE int first = dial();
    AUTO_CLOSE int second = dial();
    AUTO_BUF struct buf got = BUF_OWN;
    const struct ask small = { .path = "/x", .body_size = 60000 };
    int64_t deadline = clock_ms() + 20000;

    (void) state;
    send_text(first, "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                     "Content-Length: 100000\r\n\r\n");
    assert_true(read_until(first, "100 Continue", &got));
    send_text(second, "POST /x HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 60000\r\n\r\n");
    buf_clear(&got);
    assert_true(read_until(second, "too many bodies at once", &got));
    assert_non_null(strstr(buf_str(&got), "HTTP/1.1 503"));
    assert_non_null(strstr(buf_str(&got), "Retry-After: 1"));
    mem_closep(&first);
    first = -1;
    /* What the closed connection promised is given back. */
    for (;;) {
        AUTO(reply_fini) struct reply reply = request(&small);

        if (strncmp(buf_str(&reply.text), "200 ", 4) == 0) {
            break;
        }
        assert_true(clock_ms() < deadline);
    }
}

static void
check_large_header(void **state)
{
    AUTO_FREE char *value = xcalloc(1, 40000);
    AUTO_FREE char *header = NULL;
    AUTO(reply_fini) struct reply reply = { .text = BUF_OWN };

    (void) state;
    memset(value, 'a', 39999);
    header = xasprintf("X-Long: %s", value);
    reply = request(&(const struct ask) { .path = "/x", .header = header });
    assert_int_equal(strncmp(buf_str(&reply.text), "431 ", 4), 0);
}

static void
check_connection_cap(void **state)
{
    int fds[16];
    AUTO_BUF struct buf got = BUF_OWN;
    int n_served = 0;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = dial();
        buf_clear(&got);
        if (send(fds[i], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 28,
                 MSG_NOSIGNAL) == 28 &&
            read_until(fds[i], "GET /x", &got)) {
            n_served++;
        }
    }
    /* One address has half of the 20 connections, and one. */
    assert_int_equal(n_served, 11);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
}

/* A head that drips ends; one that only waits to be asked does not. */
static void
check_slow_head(void **state)
{
    static const char ask[] = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    AUTO_CLOSE int quiet = dial();
    AUTO_CLOSE int kept = dial();
    AUTO_CLOSE int slow = dial();
    AUTO_BUF struct buf got = BUF_OWN;
    const int64_t deadline = clock_ms() + 20000;
    char byte;

    (void) state;
    send_text(kept, ask);
    assert_true(read_until(kept, "GET /x", &got));
    send_text(slow, "GET /x HTTP/1.1\r\nX-Slow: ");
    do {
        (void) send(slow, "a", 1, MSG_NOSIGNAL);
        httpd_sweep(server);
        poll(NULL, 0, 20);
        assert_true(clock_ms() < deadline);
    } while (recv(slow, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    buf_clear(&got);
    send_text(kept, ask);
    assert_true(read_until(kept, "GET /x", &got));
    buf_clear(&got);
    send_text(quiet, ask);
    assert_true(read_until(quiet, "GET /x", &got));
}

static void
check_drain(void **state)
{
    AUTO_CLOSE int fd = dial();
    AUTO_BUF struct buf got = BUF_OWN;

    (void) state;
    send_text(fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_until(fd, "GET /x", &got));
    httpd_drain(server);
    buf_clear(&got);
    send_text(fd, "GET /y HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_false(read_until(fd, "no such text", &got));
    assert_non_null(strstr(buf_str(&got), "Connection: close"));
    assert_non_null(strstr(buf_str(&got), "GET /y"));
}

static void *
stop_server(void *aux)
{
    (void) aux;
    httpd_stop(server);
    server = NULL;
    return NULL;
}

/* A request whose body is under way when the server stops is answered. */
static void
check_stop_waits(void **state)
{
    AUTO_CLOSE int fd = dial();
    AUTO_BUF struct buf got = BUF_OWN;
    pthread_t thread;

    (void) state;
    send_text(fd, "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                  "Content-Length: 2\r\n\r\n");
    assert_true(read_until(fd, "100 Continue", &got));
    assert_int_equal(pthread_create(&thread, NULL, stop_server, NULL), 0);
    send_text(fd, "hi");
    assert_true(read_until(fd, "POST /x - 2 hi", &got));
    pthread_join(thread, NULL);
    assert_null(server);
}

static void
check_address_taken(void **state)
{
    AUTO_FREE char *address = xasprintf("127.0.0.1:%u", port);
    AUTO_FREE char *want =
        xasprintf("listen on %s: Address already in use", address);
    struct httpd_options options = {
        .address = address,
        .max_connections = 4,
        .idle_timeout_s = 1,
        .handler = echo,
    };
    struct httpd *second;
    AUTO_ERR struct err *err = httpd_start(&options, &second);

    (void) state;
    assert_non_null(err);
    assert_string_equal(err_text(err), want);
    assert_null(second);
    err_freep(&err);
    options.address = "127.0.0.1";
    err = httpd_start(&options, &second);
    assert_string_equal(err_text(err), "127.0.0.1 is not HOST:PORT");
    err_freep(&err);
    options.certificate_file = "/nonexistent/tls.crt";
    err = httpd_start(&options, &second);
    assert_string_equal(err_text(err),
                        "a certificate file and a key file go together");
    err_freep(&err);
    options.key_file = "/nonexistent/tls.key";
    err = httpd_start(&options, &second);
    assert_string_equal(err_text(err), "open /nonexistent/tls.crt: No such "
                                       "file or directory");
}

/* ---- TLS ---- */

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

#define PLAIN(f) cmocka_unit_test_setup_teardown(f, start_plain, stop)

int
main(void)
{
    const struct CMUnitTest more[] = {
        PLAIN(check_headers),
        PLAIN(check_keep_alive),
        PLAIN(check_sum_of_bodies),
        PLAIN(check_large_header),
        PLAIN(check_connection_cap),
        PLAIN(check_slow_head),
        PLAIN(check_drain),
        PLAIN(check_stop_waits),
        PLAIN(check_address_taken),
        cmocka_unit_test_setup_teardown(check_tls, start_tls, stop),
        cmocka_unit_test_setup_teardown(check_reload, start_tls, stop),
        cmocka_unit_test_teardown(check_client_ca, stop),
        cmocka_unit_test(check_empty_client_ca),
    };
    int failed;

    assert_non_null(mkdtemp(folder));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    start(NULL, NULL);
    failed = TABLE_RUN("httpd", rows, check_row);
    stop(NULL);
    failed += cmocka_run_group_tests_name("httpd, more", more, NULL, NULL);
    curl_global_cleanup();
    remove_folder();
    return failed;
}
