/* load: reviews over TLS keep-alive connections, at a rate or as fast as they
 * are answered.
 *
 * usage: load PORT CA-FILE REVIEWS-FOLDER INGRESSES RATE SECONDS [blind]
 *
 * RATE 0: each connection sends its next review when the last is answered.
 * Otherwise reviews leave at fixed moments, spread over the connections; one
 * that has to wait for an answer before it is late, and its latency counts
 * from the moment it was meant to leave.  The first half second is not
 * counted.  Reviews are created, updated and refused as REVIEWS-FOLDER has
 * them (generate.py), 2 : 2 : 1; a verdict other than the expected one, or
 * any failure, counts as failed ("blind": every verdict will do).  "sent"
 * counts all of them.
 *
 * Prints one JSON object; latencies in microseconds.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/vec.h"

#define N_CONNECTIONS 8
#define DIGITS 8
#define WARM_NS 500000000
#define MAX_ANSWER 65536
#define TIMEOUT_S 10

enum { CREATE, UPDATE, CONFLICT, N_KINDS };
static const char *const files[N_KINDS] = { "create.review", "update.review",
                                            "conflict.review" };
static const int mix[] = { CREATE, UPDATE, CREATE, UPDATE, CONFLICT };

/* A whole request, and where its digits go. */
struct request {
    char *text;
    size_t size;
    struct { size_t at, n; } open[64];
    size_t n_open;
};

struct plan {
    uint64_t port, n_ingresses, rate, seconds;
    const char *ca;
    bool is_blind;
    struct request requests[N_KINDS];
    int64_t start_ns;
    SSL_CTX *tls;
};

struct connection {
    const struct plan *plan;
    unsigned index;
    struct request requests[N_KINDS];   /* Its own copies. */
    SSL *ssl;
    VEC(int64_t) latencies;             /* Nanoseconds. */
    size_t n_sent;
    size_t n_failed;
    char answer[MAX_ANSWER + 1];
};

static atomic_uint next_new;

static void
fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
sleep_until(int64_t ns)
{
    const struct timespec t = { ns / 1000000000, ns % 1000000000 };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) {
    }
}

/* ---- Requests ---- */

static void
find_open(struct request *r)
{
    for (size_t i = 0; i < r->size; i++) {
        size_t n = strspn(r->text + i, "#");

        if (n == 0) {
            continue;
        }
        if (n > DIGITS || r->n_open == ARRAY_SIZE(r->open)) {
            fail("a review with too many open digits");
        }
        r->open[r->n_open].at = i;
        r->open[r->n_open++].n = n;
        i += n;
    }
}

static void
read_request(const char *folder, const char *file, struct request *out)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, file);
    FILE *f = fopen(path, "re");
    static char body[MAX_ANSWER];
    size_t n = f ? fread(body, 1, sizeof body - 1, f) : 0;

    if (n == 0 || n == sizeof body - 1) {
        fail(path);
    }
    fclose(f);
    body[n] = '\0';
    out->text = xasprintf("POST /validate HTTP/1.1\r\nHost: webhook.test\r\n"
                          "User-Agent: load\r\nAccept: application/json\r\n"
                          "Content-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s", n, body);
    out->size = strlen(out->text);
    find_open(out);
}

static void
fill(struct request *r, unsigned number)
{
    char digits[16];

    snprintf(digits, sizeof digits, "%0*u", DIGITS, number);
    for (size_t i = 0; i < r->n_open; i++) {
        memcpy(r->text + r->open[i].at, digits, r->open[i].n);
    }
}

/* ---- A connection ---- */

static void
connect_to(struct connection *c)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) c->plan->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const struct timeval timeout = { .tv_sec = TIMEOUT_S };
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        connect(fd, (const struct sockaddr *) &address, sizeof address) < 0) {
        fail("cannot connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    c->ssl = SSL_new(c->plan->tls);
    SSL_set_fd(c->ssl, fd);
    if (SSL_connect(c->ssl) != 1) {
        fail("no TLS");
    }
}

/* The body of the next answer; NULL where it is none that we know. */
static const char *
read_answer(struct connection *c)
{
    size_t size = 0;

    for (;;) {
        int n = SSL_read(c->ssl, c->answer + size, (int) (MAX_ANSWER - size));
        const char *length, *end;
        uint64_t body;

        if (n <= 0) {
            return NULL;
        }
        size += (size_t) n;
        c->answer[size] = '\0';
        end = strstr(c->answer, "\r\n\r\n");
        if (!end) {
            continue;
        }
        length = strcasestr(c->answer, "\r\nContent-Length: ");
        if (!length || length > end) {
            return NULL;
        }
        length += strlen("\r\nContent-Length: ");
        body = strtoull(length, NULL, 10);
        if (size >= (size_t) (end + 4 - c->answer) + body) {
            return strncmp(c->answer, "HTTP/1.1 200", 12) == 0 ? end + 4
                                                               : NULL;
        }
    }
}

static bool
ask(struct connection *c, unsigned turn)
{
    const int kind = mix[turn % ARRAY_SIZE(mix)];
    struct request *r = &c->requests[kind];
    const char *body;

    fill(r, kind == CREATE
                ? atomic_fetch_add(&next_new, 1)
                : (turn * 7919 + c->index * 104729) %
                      (unsigned) c->plan->n_ingresses);
    if (SSL_write(c->ssl, r->text, (int) r->size) != (int) r->size) {
        fail("the connection was closed");
    }
    body = read_answer(c);
    if (!body) {
        fprintf(stderr, "load: unexpected answer: %.300s\n", c->answer);
        fail("no answer");
    }
    return c->plan->is_blind ||
           strstr(body, kind == CONFLICT ? "\"allowed\":false"
                                         : "\"allowed\":true");
}

static void *
run_connection(void *aux)
{
    struct connection *c = aux;
    const struct plan *p = c->plan;
    const int64_t counted_ns = p->start_ns + WARM_NS;
    const int64_t end_ns =
        counted_ns + (int64_t) p->seconds * INT64_C(1000000000);

    sleep_until(p->start_ns);
    for (unsigned turn = 0;; turn++) {
        int64_t begin_ns = now_ns();

        if (p->rate > 0) {
            begin_ns = p->start_ns +
                       (int64_t) (((uint64_t) turn * N_CONNECTIONS +
                                   c->index) *
                                  1000000000 / p->rate);
            sleep_until(begin_ns);
        }
        if (begin_ns >= end_ns) {
            return NULL;
        }
        c->n_sent++;
        if (!ask(c, turn)) {
            c->n_failed++;
        }
        if (begin_ns >= counted_ns) {
            VEC_PUSH(&c->latencies, now_ns() - begin_ns);
        }
    }
}

/* ---- All of them ---- */

static void
open_connection(const struct plan *p, unsigned index, struct connection *c)
{
    c->plan = p;
    c->index = index;
    for (size_t i = 0; i < N_KINDS; i++) {
        c->requests[i] = p->requests[i];
        c->requests[i].text =
            xmemdup(p->requests[i].text, p->requests[i].size + 1);
    }
    connect_to(c);
}

static int
compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

static void
report(const struct plan *p, struct connection *all)
{
    VEC(int64_t) v = { .items = NULL };
    size_t n_sent = 0, n_failed = 0;

    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        n_sent += all[i].n_sent;
        n_failed += all[i].n_failed;
        for (size_t j = 0; j < all[i].latencies.n; j++) {
            VEC_PUSH(&v, all[i].latencies.items[j]);
        }
    }
    if (v.n == 0) {
        fail("nothing was answered in time");
    }
    VEC_SORT(&v, compare);
    printf("{\"sent\": %zu, \"failed\": %zu, \"per_second\": %.1f, "
           "\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}\n",
           n_sent, n_failed, (double) v.n / (double) p->seconds,
           (double) v.items[v.n / 2] / 1e3,
           (double) v.items[v.n * 99 / 100] / 1e3,
           (double) v.items[v.n - 1] / 1e3);
    VEC_FINI(&v);
}

int
main(int argc, char **argv)
{
    static struct connection all[N_CONNECTIONS];
    pthread_t threads[N_CONNECTIONS];
    struct plan p = { .is_blind = argc == 8 };

    if ((argc != 7 && argc != 8) ||
        !parse_u64(argv[1], 1, UINT16_MAX, &p.port) ||
        !parse_u64(argv[4], 1, 10000000, &p.n_ingresses) ||
        !parse_u64(argv[5], 0, 1000000, &p.rate) ||
        !parse_u64(argv[6], 1, 3600, &p.seconds)) {
        fail("usage: load PORT CA-FILE REVIEWS-FOLDER INGRESSES RATE SECONDS "
             "[blind]");
    }
    p.tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(p.tls, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(p.tls, argv[2], NULL) != 1) {
        fail(argv[2]);
    }
    for (size_t i = 0; i < N_KINDS; i++) {
        read_request(argv[3], files[i], &p.requests[i]);
    }
    /* A run's new names are not those of the run before it. */
    next_new = (unsigned) (time(NULL) % 900) * 100000;
    for (unsigned i = 0; i < N_CONNECTIONS; i++) {
        open_connection(&p, i, &all[i]);
    }
    p.start_ns = now_ns() + 10000000;
    for (unsigned i = 0; i < N_CONNECTIONS; i++) {
        if (pthread_create(&threads[i], NULL, run_connection, &all[i]) != 0) {
            fail("no thread");
        }
    }
    for (unsigned i = 0; i < N_CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
    }
    report(&p, all);
    return 0;
}
