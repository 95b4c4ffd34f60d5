/* name: the syntax of names that Kubernetes gives to objects and ports.
 *
 * NULL and "" are no names.  Pure; any thread.
 * Source: RFC 1123 labels and subdomains, IANA service names (RFC 6335), as
 * the API server checks them.
 */
#ifndef INGRESS_NAME_H
#define INGRESS_NAME_H

#include <stdbool.h>

#define NAME_LABEL_MAX 63
#define NAME_SUBDOMAIN_MAX 253
#define NAME_PORT_MAX 15

bool name_is_label(const char *);       /* Services, namespaces. */
bool name_is_subdomain(const char *);   /* Secrets, Ingresses, classes. */
bool name_is_port(const char *);        /* Named ports. */
/* Nothing but bytes that such names and "/" are made of. */
bool name_is_plain(const char *);
bool name_is_key(const char *);         /* "NAMESPACE/NAME". */

#endif /* INGRESS_NAME_H */
