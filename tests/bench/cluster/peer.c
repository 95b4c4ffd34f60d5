#include "tests/bench/cluster/peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#define ANSWER_S 10

_Noreturn void
peer_fail(const char *what)
{
    fprintf(stderr, "prober: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

int64_t
peer_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int
peer_dial(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    const struct timeval limit = { .tv_sec = ANSWER_S };

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *) &address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

SSL *
peer_dial_tls(SSL_CTX *context, uint16_t port, const char *name)
{
    int fd = peer_dial(port);
    SSL *ssl;

    if (fd < 0) {
        return NULL;
    }
    ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, name);
    if (SSL_connect(ssl) != 1) {
        SSL_free(ssl);
        close(fd);
        return NULL;
    }
    return ssl;
}

void
peer_hang_up(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);

    SSL_free(ssl);
    close(fd);
}
