#include "haproxy/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "haproxy/reply.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define BACKLOG 4096

/* Whether it is not compiled in or not switched on.  Another answer after a
 * restart would start HAProxy anew, so what cannot be told just now (no port
 * or descriptor is free) is not the answer. */
static bool
has_ipv6(void)
{
    struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
    AUTO_CLOSE int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return errno != EAFNOSUPPORT;
    }
    return bind(fd, (struct sockaddr *) &any, sizeof any) == 0 ||
           errno != EADDRNOTAVAIL;
}

static struct listener *
add(struct listeners *l, enum listener_use use)
{
    struct listener *item = &l->items[l->n];

    *item = (struct listener) {
        .fd = LISTENERS_FIRST_FD + (int) l->n,
        .twin = -1,
        .use = use,
    };
    l->n++;
    return item;
}

static void
add_port(struct listeners *l, enum listener_use use,
         const char *const *addresses, uint16_t port)
{
    for (; *addresses; addresses++) {
        struct listener *item = add(l, use);

        memcpy(item->address, *addresses,
               strnlen(*addresses, sizeof item->address - 1));
        item->port = port;
    }
}

static bool
is_all(const char *address)
{
    return str_is_empty(address) || str_eq(address, "*");
}

struct err *
listeners_check(const char *address)
{
    AUTO_FREE char *shown = str_quote(address ? address : "");
    uint8_t bytes[16];
    size_t size;

    return is_all(address) || parse_ip(address, bytes, &size)
               ? NULL
               : err_new(ERR_INVALID, "%s is no IP address", shown);
}

struct err *
listeners_make(const char *address, uint16_t http_port, uint16_t https_port,
               struct listeners *out)
{
    const char *addresses[3] = { "0.0.0.0", has_ipv6() ? "::" : NULL, NULL };
    struct err *err = listeners_check(address);
    size_t n;

    *out = (struct listeners) { .n = 0 };
    if (err) {
        return err_wrap(err, "bind address");
    }
    if (!is_all(address)) {
        addresses[0] = address;
        addresses[1] = NULL;
    }
    add_port(out, LISTENER_HTTP, addresses, http_port);
    add_port(out, LISTENER_HTTPS, addresses, https_port);
    n = out->n;
    for (size_t i = 0; i < n; i++) {
        if (out->items[i].use == LISTENER_HTTPS) {
            add(out, LISTENER_MUX)->twin = out->items[i].fd;
        }
    }
    return NULL;
}

void
listeners_write(const struct listeners *l, struct buf *out)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct listener *item = &l->items[i];

        if (item->twin >= 0) {
            buf_printf(out, "%d =%d\n", item->fd, item->twin);
        } else {
            buf_printf(out, "%d %s %u\n", item->fd, item->address,
                       item->port);
        }
    }
}

static const struct listener *
find(const struct listeners *l, uint64_t fd)
{
    for (size_t i = 0; i < l->n; i++) {
        if ((uint64_t) l->items[i].fd == fd) {
            return &l->items[i];
        }
    }
    return NULL;
}

static bool
read_line(char *line, struct listeners *l)
{
    char *first = reply_word(&line), *second = reply_word(&line);
    char *third = reply_word(&line);
    struct listener *item;
    uint64_t fd, twin;
    uint8_t bytes[16];
    size_t size;

    if (!first || !second || reply_word(&line) || l->n == LISTENERS_MAX ||
        !parse_u64(first, LISTENERS_FIRST_FD,
                   LISTENERS_FIRST_FD + LISTENERS_MAX - 1, &fd) ||
        find(l, fd)) {
        return false;
    }
    item = &l->items[l->n];
    *item = (struct listener) { .fd = (int) fd, .twin = -1 };
    if (second[0] == '=') {
        const struct listener *of;

        if (third || !parse_u64(second + 1, 0, INT32_MAX, &twin)) {
            return false;
        }
        of = find(l, twin);
        if (!of || of->twin >= 0) {
            return false;
        }
        item->twin = (int) twin;
    } else {
        if (!third || !parse_ip(second, bytes, &size) ||
            !parse_port(third, &item->port)) {
            return false;
        }
        memcpy(item->address, second,
               strnlen(second, sizeof item->address - 1));
    }
    l->n++;
    return true;
}

struct err *
listeners_read(const char *text, struct listeners *out)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *rest = copy, *line;

    *out = (struct listeners) { .n = 0 };
    while ((line = reply_line(&rest))) {
        AUTO_FREE char *shown = str_quote(line);

        if (!read_line(line, out)) {
            return err_new(ERR_INVALID, "%s is no listener", shown);
        }
    }
    return out->n > 0 ? NULL : err_new(ERR_INVALID, "there is no listener");
}

socklen_t
listeners_address(const struct listener *l, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *) out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) out;

    *out = (struct sockaddr_storage) { 0 };
    if (inet_pton(AF_INET6, l->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(l->port);
        return sizeof *v6;
    }
    if (inet_pton(AF_INET, l->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(l->port);
    }
    return sizeof *v4;
}

struct err *
listeners_open(const struct listener *l, int fd_min, int *out)
{
    struct sockaddr_storage address;
    socklen_t size = listeners_address(l, &address);
    int one = 1;
    AUTO_CLOSE int fd = -1;

    *out = -1;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                0);
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        (address.ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) ||
        bind(fd, (struct sockaddr *) &address, size) < 0 ||
        listen(fd, BACKLOG) < 0) {
        return err_errno(ERR_UNAVAILABLE, errno, "listen on %s port %u",
                         l->address, l->port);
    }
    *out = fcntl(fd, F_DUPFD_CLOEXEC, fd_min);
    return *out < 0 ? err_errno(ERR_LIMIT, errno, "descriptors") : NULL;
}
