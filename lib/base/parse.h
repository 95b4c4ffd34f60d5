/* parse: strict scalars from untrusted text.
 *
 * Each function reads the whole string or fails: no blanks, no sign unless
 * said, no trailing bytes, no silent overflow.  '*out' is set only on
 * success.  Pure; any thread.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/compiler.h"

/* Decimal digits only (at most 20), min <= value <= max. */
bool parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
    MUST_USE;
/* With an optional leading '-'. */
bool parse_i64(const char *s, int64_t min, int64_t max, int64_t *out)
    MUST_USE;

/* Go's strconv.ParseBool: 1 t T TRUE true True 0 f F FALSE false False. */
bool parse_bool(const char *s, bool *out) MUST_USE;

/* ingress-nginx's sizes: digits and an optional unit b, k, m or g (either
 * case, powers of 1024).  In bytes; fails above 2^53. */
bool parse_size(const char *s, uint64_t *out) MUST_USE;

/* A TCP port, 1 to 65535. */
bool parse_port(const char *s, uint16_t *out) MUST_USE;

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32": bytes in network order,
 * 'size' 4 or 16, prefix in bits.  Host bits may be set; they are cleared. */
struct parse_cidr {
    uint8_t bytes[16];
    size_t size;
    unsigned prefix;
};
bool parse_cidr(const char *s, struct parse_cidr *out) MUST_USE;

/* An IP address without a zone; '*size' is 4 or 16.  Strict: no leading
 * zeros, no short forms. */
bool parse_ip(const char *s, uint8_t bytes[16], size_t *size) MUST_USE;

/* RFC 3339 time in UTC as Kubernetes writes it ("2026-11-23T18:00:00Z", a
 * fraction is allowed and dropped), in seconds since 1970. */
bool parse_time(const char *s, int64_t *out) MUST_USE;

/* Host and port of "HOST:PORT" or "[IPV6]:PORT"; an empty host is allowed.
 * '*host' is the caller's to free. */
bool parse_host_port(const char *s, char **host, uint16_t *port) MUST_USE;

#endif /* BASE_PARSE_H */
