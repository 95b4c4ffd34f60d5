/* listen: a listening TCP socket for "HOST:PORT".
 *
 * An empty host is every address, IPv6 with IPv4 where the kernel has both.
 * The descriptor is non-blocking and close-on-exec; the caller closes it.
 */
#ifndef BASE_LISTEN_H
#define BASE_LISTEN_H

#include "lib/base/err.h"

/* Fails with "--FLAG: ..." where 'address' is not HOST:PORT. */
struct err *listen_check(const char *flag, const char *address) MUST_USE;

struct err *listen_on(const char *address, int *fd) MUST_USE;

#endif /* BASE_LISTEN_H */
