/* host: names of hosts in one canonical form.
 *
 * Canonical: lower case, no trailing dot, labels of letters, digits and
 * inner "-", 63 bytes a label, 253 in all; "*" only as the whole first
 * label; "" is every host.  Kubernetes' API server refuses upper case,
 * trailing dots, "_", foreign "*" and (in rules) IP addresses itself, but
 * lets through labels that are too long, broken punycode, and IP addresses
 * in TLS sections; files of the standalone mode have passed nobody.  Pure;
 * any thread.
 * Source: Ingress v1, RFC 1123, RFC 3492 (punycode), RFC 6125 (wildcards).
 */
#ifndef INGRESS_HOST_H
#define INGRESS_HOST_H

#include <stdbool.h>

#include "lib/base/compiler.h"

#define HOST_MAX 253
#define HOST_LABEL_MAX 63
#define HOST_RESERVED "proof.invalid"

/* The canonical form, the caller's to free; NULL where 'host' cannot be one.
 * '*why' is then the end of a sentence that begins with the host.  With a
 * result '*why' is NULL, or says why the host should not have been written
 * so (upper case, a trailing dot): it is served, and refused when new. */
char *host_canonical(const char *host, const char **why) MUST_USE;

/* True where the canonical form is 'host' itself. */
bool host_is_canonical(const char *host);

/* All of these take canonical hosts. */
/* True for the host that the proxy's start-up proof asks for, and for all
 * below it: they are nobody's. */
bool host_is_reserved(const char *host);
/* Why no client finds the host by DNS, the end of a sentence that begins with
 * it; NULL where one may. */
const char *host_hopeless(const char *host);
bool host_is_wildcard(const char *host);
/* True where 'wildcard' ("*.x") matches 'exact': exactly one label more. */
bool host_covers(const char *wildcard, const char *exact);
/* The only wildcard that covers 'host', the caller's to free; NULL for
 * wildcards, for single labels, and for "". */
char *host_wildcard_of(const char *host) MUST_USE;

#endif /* INGRESS_HOST_H */
