/* address: what kind of place an IP address is.
 *
 * One table, for everybody who must not be sent somewhere by a stranger: of
 * the Internet's addresses only those that anybody may use are public.  An
 * address that carries an IPv4 address inside it is what that one is.
 * Pure; any thread.
 * Source: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC
 * 6890), RFC 6052, RFC 6598; the metadata services of clouds.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum address_scope {
    /* This machine or its link, or no single machine: loopback, link-local
     * (metadata services among them), unspecified, multicast, reserved. */
    ADDRESS_LOCAL,
    /* Somebody's own network, or set aside: RFC 1918, shared address space,
     * unique local, documentation, tests, tunnels. */
    ADDRESS_PRIVATE,
    ADDRESS_PUBLIC,
};

/* 'bytes' in network order, 'size' 4 or 16. */
enum address_scope address_scope(const uint8_t *bytes, size_t size);
/* The same of an address of a socket; families other than IP are local. */
enum address_scope address_scope_of(const struct sockaddr *, size_t length);

#endif /* BASE_ADDRESS_H */
