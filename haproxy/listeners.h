/* listeners: which sockets sallyport-proxy opens, and as which descriptors
 * HAProxy finds them.
 *
 * The driver writes RUN/listeners; sallyport-proxy reads it and opens the
 * sockets once, so that they outlive HAProxy.  One line each:
 *     10 0.0.0.0 80       descriptor, address, port
 *     14 =12              a duplicate of an earlier one
 * Source: our own; both sides are in this file.
 */
#ifndef HAPROXY_LISTENERS_H
#define HAPROXY_LISTENERS_H

#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/vec.h"

#define LISTENERS_FIRST_FD 10
#define LISTENERS_MAX 16

enum listener_use { LISTENER_HTTP, LISTENER_HTTPS, LISTENER_MUX };

struct listener {
    int fd;                     /* Its number in HAProxy. */
    int twin;                   /* Duplicate of that number, -1: none. */
    char address[46];           /* Where 'twin' is -1. */
    uint16_t port;
    enum listener_use use;      /* Known to the driver only. */
};

struct listeners {
    struct listener items[LISTENERS_MAX];
    size_t n;
};

/* Fails where 'address' is neither an IP address, nor "", "*" or NULL, which
 * are all addresses. */
struct err *listeners_check(const char *address) MUST_USE;

/* All addresses are those of IPv4 and, where the kernel has it, of IPv6. */
struct err *listeners_make(const char *address, uint16_t http_port,
                           uint16_t https_port, struct listeners *out)
    MUST_USE;

void listeners_write(const struct listeners *, struct buf *out);
struct err *listeners_read(const char *text, struct listeners *out) MUST_USE;

/* Where that is; its size. */
socklen_t listeners_address(const struct listener *,
                            struct sockaddr_storage *out);
/* A socket that listens there, as the first free descriptor from 'fd_min' on;
 * the caller's to close. */
struct err *listeners_open(const struct listener *, int fd_min, int *out)
    MUST_USE;

#endif /* HAPROXY_LISTENERS_H */
