/* askurl: who is asked, out of an auth-url.
 *
 * http(s)://HOST[:PORT][/PATH][?QUERY].  HOST says who:
 *   SERVICE.NAMESPACE.svc[.cluster.local]   that Service, by its endpoints;
 *   $host, $http_host                       whom the request's own host
 *                                           belongs to here, nobody else;
 *   any other name                          whom it belongs to here, else who
 *                                           DNS says;
 *   an address                              that one.
 * Pure; any thread.
 */
#ifndef INGRESS_ASKURL_H
#define INGRESS_ASKURL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/compiler.h"

enum askurl_to {
    ASKURL_SERVICE,
    ASKURL_OWN_HOST,
    ASKURL_NAME,
    ASKURL_ADDRESS,
};

struct askurl {
    enum askurl_to to;
    bool is_https;
    char *service;      /* ASKURL_SERVICE. */
    char *namespace;
    char *host;         /* Lower case without port; "$host" or "$http_host";
                         * an address without brackets. */
    uint16_t port;      /* The scheme's, where none is given. */
    char *uri;          /* Path and query, with variables. */
};

/* NULL, or what is wrong as the end of "VALUE ..."; 'out' is to be released
 * in either case. */
char *askurl_read(const char *text, struct askurl *out) MUST_USE;
void askurl_fini(struct askurl *);

#endif /* INGRESS_ASKURL_H */
