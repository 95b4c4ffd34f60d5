/* fetch.c over the real wire, against a server in this process that answers
 * what a row says. */
#include "tests/unit/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/fetch.h"

#define PATIENCE_MS 30000
/* Of requests; no test waits for it. */
#define DEADLINE_MS (10 * INT64_C(60000))
#define MAX_CONNECTIONS 8
#define QUESTION "a\0question"

/* ---- The server ---- */

struct connection {
    int fd;                     /* -1: closed. */
    struct buf request;
    size_t sent;
};

struct server {
    int fd;
    uint16_t port;
    const char *answer;         /* "": none. */
    size_t size;
    bool closes;                /* Once it has answered, or been asked. */
    struct connection all[MAX_CONNECTIONS];
    size_t n;                   /* That came. */
    size_t n_told;              /* Of them those that got the whole answer. */
};

static void
server_open(struct server *s, const char *answer, bool closes)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof address;

    *s = (struct server) { .answer = answer, .size = strlen(answer),
                           .closes = closes };
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *) &address, size), 0);
    assert_int_equal(listen(s->fd, MAX_CONNECTIONS), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *) &address, &size),
                     0);
    s->port = ntohs(address.sin_port);
}

static void
server_close(struct server *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->all[i].fd >= 0) {
            close(s->all[i].fd);
        }
        buf_fini(&s->all[i].request);
    }
    close(s->fd);
}

static bool
is_asked(struct connection *c)
{
    const char *text = buf_str(&c->request);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "\r\ncontent-length: ");

    return end && length &&
           c->request.size >= (size_t) (end + 4 - text) +
                                  strtoul(length + 18, NULL, 10);
}

static void
hear(struct connection *c)
{
    char data[4096];
    ssize_t n = recv(c->fd, data, sizeof data, 0);

    if (n > 0) {
        buf_put(&c->request, data, (size_t) n);
    } else if (n == 0 || errno != EAGAIN) {
        close(c->fd);
        c->fd = -1;
    }
}

static void
answer(struct server *s, struct connection *c)
{
    if (c->sent < s->size) {
        ssize_t n = send(c->fd, s->answer + c->sent, s->size - c->sent,
                         MSG_NOSIGNAL);

        c->sent += n > 0 ? (size_t) n : 0;
    }
    if (c->sent == s->size) {
        s->n_told++;
        if (s->closes) {
            close(c->fd);
            c->fd = -1;
        }
        c->sent++;              /* Not told again. */
    }
}

static void
server_run(struct server *s)
{
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        assert_true(s->n < MAX_CONNECTIONS);
        s->all[s->n].fd = fd;
        buf_init(&s->all[s->n++].request, BUF_OWN_MAX);
    }
    for (size_t i = 0; i < s->n; i++) {
        struct connection *c = &s->all[i];

        if (c->fd >= 0) {
            hear(c);
        }
        if (c->fd >= 0 && c->sent <= s->size && is_asked(c)) {
            answer(s, c);
        }
    }
}

static void
server_wait(const struct server *s, struct waits *w)
{
    waits_fd(w, s->fd, POLLIN);
    for (size_t i = 0; i < s->n; i++) {
        const struct connection *c = &s->all[i];

        if (c->fd >= 0) {
            waits_fd(w, c->fd, c->sent > 0 && c->sent < s->size
                                   ? POLLIN | POLLOUT : POLLIN);
        }
    }
}

/* ---- Requests ---- */

struct told {
    unsigned n;                 /* Calls back. */
    int status;
    char *body;                 /* With a NUL behind it. */
    size_t size;
    bool has_failed;
    enum err_kind kind;
    char *text;
};

static void
told_fini(struct told *told)
{
    free(told->body);
    free(told->text);
}

static void
on_done(const struct fetch_answer *a, void *aux)
{
    struct told *told = aux;

    told_fini(told);
    *told = (struct told) { .n = told->n + 1, .status = a->status,
                            .body = xstrndup(a->body, a->size),
                            .size = a->size, .has_failed = a->err != NULL };
    if (a->err) {
        told->kind = err_kind(a->err);
        told->text = xstrdup(err_text(a->err));
    }
}

static struct fetch_call *
send_to(struct fetch *f, const char *url, bool is_trusted, struct told *told)
{
    const struct fetch_request request = {
        .url = url, .accept = "application/x-answer",
        .content_type = "application/x-question", .body = QUESTION,
        .size = sizeof QUESTION - 1, .max_body = 1000,
        .deadline_ms = clock_ms() + DEADLINE_MS, .is_trusted = is_trusted,
        .done = on_done, .aux = told,
    };

    return fetch_send(f, &request);
}

/* Sleeps until there is something to do; then one turn of everybody. */
static void
turn(struct fetch *f, struct server *s, int64_t now_ms, int64_t end_ms)
{
    struct waits waits;

    assert_true(clock_ms() < end_ms);
    waits_init(&waits);
    waits_until(&waits, end_ms);
    fetch_wait(f, &waits);
    server_wait(s, &waits);
    waits_block(&waits);
    waits_fini(&waits);
    fetch_run(f, now_ms);
    server_run(s);
}

static void
until_told(struct fetch *f, struct server *s, struct told *told, unsigned n)
{
    const int64_t end_ms = clock_ms() + PATIENCE_MS;

    while (told->n < n) {
        turn(f, s, clock_ms(), end_ms);
    }
}

static char *
url_of(const char *host, const struct server *s)
{
    return xasprintf("http://%s:%u/a/../b?c=d", host, (unsigned) s->port);
}

/* ---- What a server may answer ---- */

#define OK "HTTP/1.1 200 OK\r\n"
#define K "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
          "0123456789abcdef0123456789abcdef0123456789abcdef012345678"
#define K8 K K K K K K K K K                    /* 1,089 bytes. */
#define K64 K8 K8 K8 K8 K8 K8 K8 K8
#define K1000 K64 K64 K64 K64 K64 K64 K64 K64   /* 69,696. */

static const struct row {
    const char *name;
    const char *answer;
    bool closes, is_late;       /* Late: nothing more comes until it ends. */
    int status;
    enum err_kind kind;         /* Where 'text' is there. */
    const char *body;
    const char *text;           /* "": one of libcurl's. */
} rows[] = {
    { "an answer", OK "Content-Length: 5\r\n\r\nhello", false, false, 200, 0,
      "hello", NULL },
    { "an answer until the end", OK "\r\nhello", true, false, 200, 0, "hello",
      NULL },
    { "an answer in chunks",
      OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      false, false, 200, 0, "hello", NULL },
    { "nothing in it", OK "Content-Length: 0\r\n\r\n", false, false, 200, 0,
      "", NULL },
    { "another status", "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno",
      false, false, 503, 0, "no", NULL },
    { "a redirect is an answer, and not followed",
      "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", false,
      false, 302, 0, "", NULL },
    { "a redirect that keeps the method, too",
      "HTTP/1.1 307 There\r\nLocation: http://169.254.169.254/\r\n"
      "Content-Length: 0\r\n\r\n", false, false, 307, 0, "", NULL },
    { "compressed bytes stay as they are",
      OK "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", false,
      false, 200, 0, "hello", NULL },
    { "one that says that it is too large",
      OK "Content-Length: 1089\r\n\r\n" K8, false, false, 200, ERR_LIMIT,
      NULL, "the answer is too large" },
    { "one that is",  OK "\r\n" K8, true, false, 200, ERR_LIMIT, NULL,
      "the answer is too large" },
    { "chunks that are",
      OK "Transfer-Encoding: chunked\r\n\r\n441\r\n" K8 "\r\n0\r\n\r\n", false,
      false, 200, ERR_LIMIT, NULL, "the answer is too large" },
    { "silence", "", false, true, 0, ERR_UNAVAILABLE, NULL,
      "no whole answer in time" },
    { "half a head", "HTTP/1.1 200", false, true, 0, ERR_UNAVAILABLE, NULL,
      "no whole answer in time" },
    { "half a body", OK "Content-Length: 5\r\n\r\nhel", false, true, 200,
      ERR_UNAVAILABLE, NULL, "no whole answer in time" },
    { "a body that never begins", OK "Content-Length: 5\r\n\r\n", false, true,
      200, ERR_UNAVAILABLE, NULL, "no whole answer in time" },
    { "an end before the answer", "", true, false, 0, ERR_UNAVAILABLE, NULL,
      "" },
    { "an end in the body", OK "Content-Length: 5\r\n\r\nhel", true, false,
      200, ERR_UNAVAILABLE, NULL, "" },
    { "an end in a chunk",
      OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", true, false, 200,
      ERR_UNAVAILABLE, NULL, "" },
    { "another protocol", "220 mail.example.com ESMTP\r\n", true, false, 0,
      ERR_UNAVAILABLE, NULL, "" },
    { "a head that does not end", OK "X: " K1000 K1000, false, false, 200,
      ERR_UNAVAILABLE, NULL, "" },
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct fetch *f = fetch_new("agent/1");
    struct told told = { 0 };
    struct server server;
    const int64_t end_ms = clock_ms() + PATIENCE_MS;
    AUTO_FREE char *url = NULL;

    server_open(&server, row->answer, row->closes);
    url = url_of("127.0.0.1", &server);
    (void) send_to(f, url, true, &told);
    while (told.n == 0) {
        if (row->is_late && server.n_told > 0) {
            /* What came is read; and time is an argument: the deadline is
             * there when we say so. */
            fetch_run(f, clock_ms());
            fetch_run(f, clock_ms() + DEADLINE_MS);
        } else {
            turn(f, &server, clock_ms(), end_ms);
        }
    }
    assert_int_equal(told.n, 1);
    assert_int_equal(told.has_failed, row->text != NULL);
    assert_int_equal(told.status, row->status);
    if (row->text) {
        assert_int_equal(told.kind, row->kind);
        assert_string_equal(row->text[0] ? told.text : "", row->text);
        assert_null(strstr(told.text, "example"));
        assert_true(told.size <= 1000);
    } else {
        assert_string_equal(told.body, row->body);
    }
    /* Nothing more comes of it, and nobody else was asked. */
    fetch_run(f, clock_ms());
    server_run(&server);
    assert_int_equal(told.n, 1);
    assert_int_equal(server.n, 1);
    fetch_free(f);
    told_fini(&told);
    server_close(&server);
}

/* ---- Who is asked ---- */

static const struct place {
    const char *name;
} places[] = {
    { "127.0.0.1" }, { "127.9.8.7" }, { "localhost" }, { "0.0.0.0" },
    { "10.0.0.1" }, { "172.16.0.1" }, { "192.168.0.1" }, { "100.64.0.1" },
    { "169.254.169.254" }, { "224.0.0.1" }, { "255.255.255.255" },
    { "[::1]" }, { "[::]" }, { "[::ffff:127.0.0.1]" }, { "[fe80::1]" },
    { "[fd00::1]" }, { "2130706433" }, { "0x7f.1" },
};

/* Not even connected to, in whatever way an address is written. */
static void
check_place(void **state)
{
    const struct place *place = *state;
    struct fetch *f = fetch_new("agent/1");
    struct told told = { 0 };
    struct server server;
    AUTO_FREE char *url = NULL;

    server_open(&server, OK "Content-Length: 0\r\n\r\n", false);
    url = url_of(place->name, &server);
    (void) send_to(f, url, false, &told);
    until_told(f, &server, &told, 1);
    assert_true(told.has_failed);
    assert_int_equal(told.kind, ERR_DENIED);
    assert_string_equal(told.text, "no address of it may be connected to");
    server_run(&server);
    assert_int_equal(server.n, 0);
    fetch_free(f);
    told_fini(&told);
    server_close(&server);
}

/* ---- The rest ---- */

/* The whole of it: a path is sent as it is written, nothing is added that
 * tells of us, and nothing of one answer goes into the next question. */
static void
question(void **state)
{
    struct fetch *f = fetch_new("agent/1");
    struct told told = { 0 };
    struct server server;
    AUTO_FREE char *url = NULL;

    (void) state;
    server_open(&server, OK "Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
                false);
    url = url_of("127.0.0.1", &server);
    for (unsigned i = 0; i < 2; i++) {
        AUTO_BUF struct buf want = BUF_OWN;

        (void) send_to(f, url, true, &told);
        until_told(f, &server, &told, i + 1);
        buf_printf(&want, "POST /a/../b?c=d HTTP/1.1\r\n"
                   "Host: 127.0.0.1:%u\r\nUser-Agent: agent/1\r\n"
                   "Content-Type: application/x-question\r\n"
                   "Accept: application/x-answer\r\n"
                   "Content-Length: 10\r\n\r\n", (unsigned) server.port);
        buf_put(&want, QUESTION, sizeof QUESTION - 1);
        /* On a connection of its own. */
        assert_int_equal(server.n, i + 1);
        assert_string_equal(buf_str(&server.all[i].request),
                            buf_str(&want));
        assert_int_equal(server.all[i].request.size, want.size);
    }
    fetch_free(f);
    told_fini(&told);
    server_close(&server);
}

static void
no_proxy(void **state)
{
    static const char *const names[] = { "http_proxy", "ALL_PROXY" };
    struct fetch *f = fetch_new("agent/1");
    struct told told = { 0 };
    struct server server, proxy;
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *other = NULL;

    (void) state;
    server_open(&server, OK "Content-Length: 0\r\n\r\n", false);
    server_open(&proxy, OK "Content-Length: 0\r\n\r\n", false);
    url = url_of("127.0.0.1", &server);
    other = url_of("127.0.0.1", &proxy);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        setenv(names[i], other, 1);
    }
    (void) send_to(f, url, true, &told);
    until_told(f, &server, &told, 1);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        unsetenv(names[i]);
    }
    assert_int_equal(told.status, 200);
    server_run(&proxy);
    assert_int_equal(proxy.n, 0);
    fetch_free(f);
    told_fini(&told);
    server_close(&server);
    server_close(&proxy);
}

/* Whoever ends a request is not called, before it was sent or after. */
static void
cancelled(void **state)
{
    struct fetch *f = fetch_new("agent/1");
    struct told told = { 0 }, other = { 0 };
    const int64_t end_ms = clock_ms() + PATIENCE_MS;
    struct fetch_call *call;
    struct server server;
    AUTO_FREE char *url = NULL;

    (void) state;
    server_open(&server, OK "Content-Length: 5\r\n\r\nhel", false);
    url = url_of("127.0.0.1", &server);
    fetch_cancel(send_to(f, url, true, &told));
    fetch_cancel(NULL);
    call = send_to(f, url, true, &told);
    while (server.n_told == 0) {
        turn(f, &server, clock_ms(), end_ms);
    }
    fetch_cancel(call);
    (void) send_to(f, url, true, &other);
    while (server.n_told < 2) {
        turn(f, &server, clock_ms(), end_ms);
    }
    assert_int_equal(told.n, 0);
    assert_int_equal(server.n, 2);
    /* The other one is open, and ends with everything. */
    fetch_free(f);
    assert_int_equal(other.n, 0);
    fetch_free(NULL);
    server_close(&server);
}

struct chain {
    struct fetch *f;
    const char *url;
    struct told told;
};

static void
on_done_again(const struct fetch_answer *a, void *aux)
{
    struct chain *chain = aux;

    on_done(a, &chain->told);
    if (chain->told.n < 3) {
        const struct fetch_request request = {
            .url = chain->url, .accept = "a/b", .content_type = "c/d",
            .body = "x", .size = 1, .max_body = 10,
            .deadline_ms = clock_ms() + DEADLINE_MS, .is_trusted = true,
            .done = on_done_again, .aux = chain,
        };

        (void) fetch_send(chain->f, &request);
    }
}

static void
sent_from_a_call_back(void **state)
{
    const struct fetch_answer none = { .body = "" };
    struct server server;
    struct chain chain = { .f = fetch_new("agent/1") };
    AUTO_FREE char *url = NULL;

    (void) state;
    server_open(&server, OK "Content-Length: 2\r\n\r\nhi", true);
    chain.url = url = url_of("127.0.0.1", &server);
    on_done_again(&none, &chain);
    until_told(chain.f, &server, &chain.told, 3);
    assert_int_equal(chain.told.status, 200);
    assert_string_equal(chain.told.body, "hi");
    assert_int_equal(server.n, 2);
    fetch_free(chain.f);
    told_fini(&chain.told);
    server_close(&server);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(question),
        cmocka_unit_test(no_proxy),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(sent_from_a_call_back),
    };

    return TABLE_RUN("answers", rows, check) +
           TABLE_RUN("who is asked", places, check_place) +
           cmocka_run_group_tests_name("others", others, NULL, NULL);
}
