#include "lib/base/listen.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

static int
open_socket(const struct addrinfo *ai)
{
    const int on = 1;
    const int off = 0;
    AUTO_CLOSE int fd = socket(
        ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
        return -1;
    }
    if (ai->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
        listen(fd, SOMAXCONN) < 0) {
        return -1;
    }
    return STEAL_FD(fd);
}

struct err *
listen_check(const char *flag, const char *address)
{
    AUTO_FREE char *quoted = str_quote(address);
    AUTO_FREE char *host = NULL;
    uint16_t port;

    return parse_host_port(address, &host, &port)
               ? NULL
               : err_new(ERR_INVALID, "--%s: %s is not HOST:PORT, such as "
                         "127.0.0.1:10254",
                         flag, quoted);
}

struct err *
listen_on(const char *address, int *out)
{
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    AUTO_FREE char *host = NULL;
    AUTO_FREE char *service = NULL;
    struct addrinfo *list = NULL;
    uint16_t port;
    int code;

    *out = -1;
    if (!parse_host_port(address, &host, &port)) {
        return err_new(ERR_INVALID, "%s is not HOST:PORT", address);
    }
    service = xasprintf("%u", port);
    code = getaddrinfo(host[0] ? host : "::", service, &hints, &list);
    if (code != 0) {
        return err_new(ERR_INVALID, "listen on %s: %s", address,
                       gai_strerror(code));
    }
    for (const struct addrinfo *ai = list; ai && *out < 0; ai = ai->ai_next) {
        *out = open_socket(ai);
        code = errno;
    }
    freeaddrinfo(list);
    if (*out < 0 && !host[0] && code == EAFNOSUPPORT) {
        AUTO_FREE char *v4 = xasprintf("0.0.0.0:%u", port);

        return listen_on(v4, out);
    }
    if (*out < 0) {
        return err_errno(ERR_UNAVAILABLE, code, "listen on %s", address);
    }
    return NULL;
}
