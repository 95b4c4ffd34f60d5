/* Requests and what is refused of them, and the life of a server. */
#include "tests/unit/table.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "tests/unit/base/httpd_help.h"

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
want_header(const struct ask *ask, const char *want)
{
    AUTO(reply_fini) struct reply reply = request(ask);

    if (!strstr(buf_str(&reply.headers), want)) {
        fail_msg("no \"%s\" in %s", want, buf_str(&reply.headers));
    }
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

/* Nor does an answer that nobody reads hold the body it is for. */
static void
check_body_of_unread_answer(void **state)
{
    static char head[] = "POST /long HTTP/1.1\r\nHost: a\r\n"
                         "Content-Length: 100000\r\n\r\n";
    const struct ask largest = { .path = "/x", .body_size = 100000 };
    const unsigned before = atomic_load(&n_handled);
    const int64_t deadline = clock_ms() + 20000;
    AUTO_FREE char *body = xcalloc(1, 100001);
    AUTO_CLOSE int fd = dial();

    (void) state;
    memset(body, 'x', 100000);
    send_text(fd, head);
    send_text(fd, body);
    while (atomic_load(&n_handled) == before) {
        assert_true(clock_ms() < deadline);
        usleep(1000);
    }
    for (;;) {
        AUTO(reply_fini) struct reply reply = request(&largest);

        /* The handler has begun, and may not have ended. */
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

#define PLAIN(f) cmocka_unit_test_setup_teardown(f, start_plain, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(check_headers),
        PLAIN(check_keep_alive),
        PLAIN(check_sum_of_bodies),
        PLAIN(check_body_of_unread_answer),
        PLAIN(check_large_header),
        PLAIN(check_connection_cap),
        PLAIN(check_slow_head),
        PLAIN(check_drain),
        PLAIN(check_stop_waits),
        PLAIN(check_address_taken),
    };
    int failed;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    start(NULL, NULL);
    failed = TABLE_RUN("httpd", rows, check_row);
    stop(NULL);
    failed += cmocka_run_group_tests_name("httpd, more", tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
