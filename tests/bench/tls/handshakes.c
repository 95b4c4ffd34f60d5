/* handshakes: new TLS connections at an even pace, whether the server keeps up
 * or not, and what each of them was shown.
 *
 * usage: handshakes PORT NAME RATE COUNT
 *
 * COUNT connections, one every 1/RATE s, each with a full handshake for NAME,
 * a request, and its whole answer.  One that cannot be begun in time is begun
 * late and never left out.  A line each, in the order of their ends:
 *
 *     BEGUN  SHAKEN  ANSWERED  SERIAL
 *
 * microseconds of CLOCK_MONOTONIC when it began to connect, had finished the
 * handshake, had the answer, and the serial number in hexadecimal; or "BEGUN
 * failed REASON".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define N_EVENTS 64
#define MAX_ANSWER 4096
#define PATIENCE_MS 30000

struct load {
    uint16_t port;
    const char *name;
    uint64_t n_left, n_open;
    SSL_CTX *tls;
    int epoll, timer;
};

struct connection {
    int fd;
    SSL *ssl;
    int64_t begun_us, shaken_us;
    bool is_asked;
    char answer[MAX_ANSWER + 1];
    size_t got;
};

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "handshakes: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void
end(struct load *l, struct connection *c, const char *failure)
{
    if (failure) {
        printf("%" PRId64 " failed %s\n", c->begun_us, failure);
    }
    SSL_free(c->ssl);
    if (c->fd >= 0) {
        close(c->fd);
    }
    free(c);
    l->n_open--;
}

static void
tell(const struct connection *c)
{
    X509 *cert = SSL_get1_peer_certificate(c->ssl);
    BIGNUM *number =
        cert ? ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL) : NULL;
    char *serial = number ? BN_bn2hex(number) : NULL;

    printf("%" PRId64 " %" PRId64 " %" PRId64 " %s\n", c->begun_us,
           c->shaken_us, now_us(), serial ? serial : "-");
    OPENSSL_free(serial);
    BN_free(number);
    X509_free(cert);
}

static void
begin(struct load *l)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(l->port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct connection *c = xcalloc(1, sizeof *c);
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
                             .data.ptr = c };
    int on = 1;

    l->n_open++;
    c->begun_us = now_us();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (c->fd < 0 ||
        (connect(c->fd, (struct sockaddr *) &address, sizeof address) < 0 &&
         errno != EINPROGRESS)) {
        end(l, c, strerror(errno));
        return;
    }
    c->ssl = SSL_new(l->tls);
    SSL_set_fd(c->ssl, c->fd);
    SSL_set_tlsext_host_name(c->ssl, l->name);
    SSL_set_connect_state(c->ssl);
    epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e);
}

/* NULL: not now. */
static const char *
failure_of(const struct connection *c, int n)
{
    int why = SSL_get_error(c->ssl, n);

    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        return NULL;
    }
    if (why == SSL_ERROR_SYSCALL && errno == ENOTCONN) {
        return NULL;            /* Not connected yet. */
    }
    return c->shaken_us ? "after the handshake" : "in the handshake";
}

/* One request in one write: it fits any socket's buffer. */
static bool
ask(const struct load *l, struct connection *c)
{
    AUTO_FREE char *request = xasprintf(
        "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", l->name);

    c->is_asked = true;
    return SSL_write(c->ssl, request, (int) strlen(request)) > 0;
}

/* True once the whole answer is there. */
static bool
is_whole(struct connection *c)
{
    const char *end_of_head, *length;

    c->answer[c->got] = '\0';
    end_of_head = strstr(c->answer, "\r\n\r\n");
    length = strcasestr(c->answer, "\r\ncontent-length:");
    return end_of_head && length &&
           c->got >= (size_t) (end_of_head + 4 - c->answer) +
                         strtoul(length + 17, NULL, 10);
}

static void
read_answer(struct load *l, struct connection *c)
{
    for (;;) {
        int n = SSL_read(c->ssl, c->answer + c->got,
                         (int) (MAX_ANSWER - c->got));

        if (n <= 0) {
            const char *failure = failure_of(c, n);

            if (failure) {
                end(l, c, failure);
            }
            return;
        }
        c->got += (size_t) n;
        if (is_whole(c)) {
            bool is_good = str_starts(c->answer, "HTTP/1.1 200 ");

            if (is_good) {
                tell(c);
            }
            end(l, c, is_good ? NULL : "with another answer than 200");
            return;
        }
    }
}

static void
go_on(struct load *l, struct connection *c)
{
    ERR_clear_error();
    if (!c->shaken_us) {
        int n = SSL_do_handshake(c->ssl);

        if (n != 1) {
            const char *failure = failure_of(c, n);

            if (failure) {
                end(l, c, failure);
            }
            return;
        }
        c->shaken_us = now_us();
    }
    if (!c->is_asked && !ask(l, c)) {
        end(l, c, "at its request");
        return;
    }
    read_answer(l, c);
}

/* As many as should have begun by now. */
static void
begin_due(struct load *l)
{
    uint64_t n = 0;

    if (read(l->timer, &n, sizeof n) != (ssize_t) sizeof n) {
        return;
    }
    for (; n > 0 && l->n_left > 0; n--) {
        l->n_left--;
        begin(l);
    }
    if (l->n_left == 0) {
        epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->timer, NULL);
    }
}

static void
start_clock(struct load *l, uint64_t rate)
{
    const long step_ns = (long) (1000000000 / rate);
    const struct itimerspec pace = {
        .it_interval = { .tv_sec = step_ns / 1000000000,
                         .tv_nsec = step_ns % 1000000000 },
        .it_value = { .tv_nsec = 1 },
    };
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };

    l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->timer < 0 || timerfd_settime(l->timer, 0, &pace, NULL) < 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &e) < 0) {
        die("timer");
    }
}

static void
run(struct load *l)
{
    while (l->n_left > 0 || l->n_open > 0) {
        struct epoll_event events[N_EVENTS];
        int n = epoll_wait(l->epoll, events, N_EVENTS, PATIENCE_MS);

        if (n == 0 || (n < 0 && errno != EINTR)) {
            die("nothing happens");
        }
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                go_on(l, events[i].data.ptr);
            } else {
                begin_due(l);
            }
        }
    }
}

int
main(int argc, char **argv)
{
    struct load l = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
    uint64_t port, rate;

    if (argc != 5 || !parse_u64(argv[1], 1, 65535, &port) ||
        !parse_u64(argv[3], 1, 1000000, &rate) ||
        !parse_u64(argv[4], 1, UINT32_MAX, &l.n_left)) {
        fprintf(stderr, "usage: handshakes PORT NAME RATE COUNT\n");
        return 2;
    }
    l.port = (uint16_t) port;
    l.name = argv[2];
    l.tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(l.tls, SSL_SESS_CACHE_OFF);
    start_clock(&l, rate);
    run(&l);
    return fflush(stdout) == 0 ? 0 : 1;
}
