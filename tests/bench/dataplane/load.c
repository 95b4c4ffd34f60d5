/* load: requests to many hosts, a number of them when told so, as fast as they
 * are answered.
 *
 * usage: load PORT plain|keep|new CONNECTIONS HOSTS
 *
 * Each line "REQUESTS FIRST" of standard input is that many requests, and
 * "REQUESTS SECONDS" is printed after them.  plain: HTTP, keep-alive.  keep:
 * HTTPS, keep-alive; in both, connections stay open from one line to the next.
 * new: HTTPS, a handshake for each request, no session resumed.  The hosts are
 * app0.bench.test and on, asked in an order that is the same in every run and
 * never in sequence (FIRST: its beginning).  An answer other than 200 ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define MAX_CONNECTIONS 1024
#define MAX_ANSWER 4096
#define N_EVENTS 64
/* Steps through the hosts; a prime, so that all are met. */
#define STEP 7919

struct load {
    uint16_t port;
    bool is_tls, is_new;
    uint64_t n_hosts, n_left, n_busy, at;
    SSL_CTX *tls;
    int epoll;
};

struct connection {
    struct load *load;
    int fd;                     /* -1: not open. */
    SSL *ssl;
    char request[512];
    size_t size, sent;
    char answer[MAX_ANSWER + 1];
    size_t got;
};

static void
fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static double
now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* The next request; false where there is none left. */
static bool
next(struct connection *c)
{
    struct load *l = c->load;

    if (l->n_left == 0) {
        return false;
    }
    l->n_left--;
    l->at = (l->at + STEP) % l->n_hosts;
    c->size = (size_t) snprintf(
        c->request, sizeof c->request,
        "GET /some/path/of/the/app?q=1 HTTP/1.1\r\n"
        "Host: app%llu.bench.test\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\r\n"
        "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n"
        "Accept-Language: en\r\nAccept-Encoding: gzip, deflate, br\r\n"
        "Cookie: session=0123456789abcdef0123456789abcdef\r\n\r\n",
        (unsigned long long) l->at);
    c->sent = c->got = 0;
    return true;
}

static void
open_connection(struct connection *c)
{
    struct load *l = c->load;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(l->port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
                             .data.ptr = c };
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *) &address, sizeof address) < 0 &&
        errno != EINPROGRESS) {
        fail("connect");
    }
    if (l->is_tls) {
        AUTO_FREE char *name = xasprintf("app%llu.bench.test",
                                         (unsigned long long) l->at);

        c->ssl = SSL_new(l->tls);
        SSL_set_fd(c->ssl, c->fd);
        SSL_set_tlsext_host_name(c->ssl, name);
        SSL_set_connect_state(c->ssl);
    }
    epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e);
}

static void
close_connection(struct connection *c)
{
    if (c->ssl) {
        SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
    close(c->fd);
    c->fd = -1;
}

/* Bytes moved, 0: not now. */
static int
moved(const struct connection *c, int n)
{
    if (n > 0) {
        return n;
    }
    if (c->ssl) {
        int why = SSL_get_error(c->ssl, n);

        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
            return 0;
        }
    } else if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
        return 0;
    }
    fail("a connection ended");
    return 0;
}

static int
put(struct connection *c)
{
    const char *at = c->request + c->sent;
    int size = (int) (c->size - c->sent);

    return moved(c, c->ssl ? SSL_write(c->ssl, at, size)
                           : (int) send(c->fd, at, (size_t) size,
                                        MSG_NOSIGNAL));
}

static int
get(struct connection *c)
{
    char *at = c->answer + c->got;
    int size = (int) (MAX_ANSWER - c->got);

    return moved(c, c->ssl ? SSL_read(c->ssl, at, size)
                           : (int) recv(c->fd, at, (size_t) size, 0));
}

/* True once the whole answer is there. */
static bool
is_whole(struct connection *c)
{
    const char *end, *length;

    c->answer[c->got] = '\0';
    end = strstr(c->answer, "\r\n\r\n");
    if (!end) {
        return false;
    }
    length = strcasestr(c->answer, "content-length:");
    if (!str_starts(c->answer, "HTTP/1.1 200") || !length) {
        fail(c->answer);
    }
    return c->got >= (size_t) (end + 4 - c->answer) +
                         strtoul(length + strlen("content-length:"), NULL,
                                 10);
}

static void
run(struct connection *c)
{
    int n;

    for (;;) {
        while (c->sent < c->size) {
            n = put(c);
            if (n == 0) {
                return;
            }
            c->sent += (size_t) n;
        }
        do {
            n = get(c);
            if (n == 0) {
                return;
            }
            c->got += (size_t) n;
        } while (!is_whole(c));
        if (c->load->is_new) {
            close_connection(c);
        }
        if (!next(c)) {
            c->load->n_busy--;
            return;
        }
        if (c->fd < 0) {
            open_connection(c);
            return;
        }
    }
}

static void
run_all(struct load *l, struct connection *all, uint64_t n)
{
    l->n_busy = n;
    for (uint64_t i = 0; i < n; i++) {
        struct connection *c = &all[i];

        if (!next(c)) {
            l->n_busy--;
        } else if (c->fd < 0) {
            open_connection(c);
        } else {
            run(c);
        }
    }
    while (l->n_busy > 0) {
        struct epoll_event events[N_EVENTS];
        int ready = epoll_wait(l->epoll, events, N_EVENTS, 30000);

        if (ready == 0) {
            fail("no answer within 30 s");
        }
        for (int i = 0; i < ready; i++) {
            run(events[i].data.ptr);
        }
    }
}

/* One line of standard input; false at its end. */
static bool
take_order(struct load *l)
{
    char line[64], *blank;
    uint64_t first;

    if (!fgets(line, sizeof line, stdin)) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    blank = strchr(line, ' ');
    if (blank) {
        *blank++ = '\0';
    }
    if (!blank || !parse_u64(line, 1, UINT32_MAX, &l->n_left) ||
        !parse_u64(blank, 0, UINT32_MAX, &first)) {
        fail("a line is \"REQUESTS FIRST\"");
    }
    l->at = first % l->n_hosts;
    return true;
}

int
main(int argc, char **argv)
{
    struct load l = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
    struct connection *all;
    uint64_t port, n;

    if (argc != 5 || !parse_u64(argv[1], 1, 65535, &port) ||
        !parse_u64(argv[3], 1, MAX_CONNECTIONS, &n) ||
        !parse_u64(argv[4], 1, UINT32_MAX, &l.n_hosts)) {
        fprintf(stderr, "usage: load PORT plain|keep|new CONNECTIONS HOSTS\n");
        return 2;
    }
    l.port = (uint16_t) port;
    l.is_new = str_eq(argv[2], "new");
    l.is_tls = l.is_new || str_eq(argv[2], "keep");
    if (l.is_tls) {
        l.tls = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_session_cache_mode(l.tls, SSL_SESS_CACHE_OFF);
    }
    all = xcalloc(n, sizeof *all);
    for (uint64_t i = 0; i < n; i++) {
        all[i].load = &l;
        all[i].fd = -1;
    }
    while (take_order(&l)) {
        uint64_t requests = l.n_left;
        double begin = now_s();

        run_all(&l, all, n);
        printf("%llu %.6f\n", (unsigned long long) requests,
               now_s() - begin);
        fflush(stdout);
    }
    free(all);
    return 0;
}
