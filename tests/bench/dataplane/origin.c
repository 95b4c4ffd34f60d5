/* origin PORT [ADDRESS]: answers every request with the same 200, on
 * connections kept alive, from one thread; as cheap as a server can be.  With
 * an address it listens there, and says which in X-Origin. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define N_EVENTS 64
#define MAX_FDS 65536

static const char head[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: origin\r\n"
    "Content-Length: 128\r\n";
static const char body[] =
    "\r\n"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static char *answer;
static size_t answer_size;
/* How much of "\r\n\r\n" each connection has seen. */
static unsigned char seen[MAX_FDS];

static int
listen_on(uint16_t port, const char *where)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = { inet_addr(where) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *) &address, sizeof address) < 0 ||
        listen(fd, 4096) < 0) {
        perror("origin");
        exit(1);
    }
    return fd;
}

static void
accept_all(int epoll, int listener)
{
    int on = 1, fd;

    while ((fd = accept4(listener, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

        if (fd >= MAX_FDS) {
            close(fd);
            continue;
        }
        seen[fd] = 0;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
    }
}

/* The number of heads that end in what came; requests have no body. */
static unsigned
count_heads(int fd, const char *data, ssize_t n)
{
    static const char end[] = "\r\n\r\n";
    unsigned heads = 0;

    for (ssize_t i = 0; i < n; i++) {
        if (data[i] == end[seen[fd]]) {
            seen[fd]++;
        } else {
            seen[fd] = data[i] == '\r';
        }
        if (seen[fd] == 4) {
            seen[fd] = 0;
            heads++;
        }
    }
    return heads;
}

static void
serve(int fd)
{
    char data[65536];
    ssize_t n = recv(fd, data, sizeof data, 0);
    unsigned heads;

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        close(fd);
        return;
    }
    for (heads = count_heads(fd, data, n); heads > 0; heads--) {
        if (send(fd, answer, answer_size, MSG_NOSIGNAL) < 0) {
            close(fd);
            return;
        }
    }
}

int
main(int argc, char **argv)
{
    uint64_t port;
    int epoll = epoll_create1(EPOLL_CLOEXEC), listener;
    struct epoll_event e = { .events = EPOLLIN };

    if (argc < 2 || !parse_u64(argv[1], 1, 65535, &port)) {
        fprintf(stderr, "usage: origin PORT [ADDRESS]\n");
        return 2;
    }
    answer = argc > 2 ? xasprintf("%sX-Origin: %s\r\n%s", head, argv[2], body)
                      : xasprintf("%s%s", head, body);
    answer_size = strlen(answer);
    listener = listen_on((uint16_t) port,
                         argc > 2 ? argv[2] : "127.0.0.1");
    e.data.fd = listener;
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        struct epoll_event events[N_EVENTS];
        int n = epoll_wait(epoll, events, N_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) {
                accept_all(epoll, listener);
            } else {
                serve(events[i].data.fd);
            }
        }
    }
}
