/* copyto: the Service that mirror-target names.
 *
 * http(s)://SERVICE.NAMESPACE[.svc[.cluster.local]][:PORT], then nothing, a
 * path, "$request_uri", or a path and "$request_uri".  Pure; any thread.
 */
#ifndef INGRESS_COPYTO_H
#define INGRESS_COPYTO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/compiler.h"

struct copyto {
    char *service;
    char *namespace;
    uint16_t port;      /* The scheme's, where none is given. */
    bool is_https;
    char *host;         /* As written, without the port. */
    char *uri;          /* NULL: the request's. */
    char *base;         /* Before the request's; NULL: nothing. */
};

/* False where 'text' is no such thing; 'out' is to be released in either
 * case. */
bool copyto_read(const char *text, struct copyto *out) MUST_USE;
void copyto_fini(struct copyto *);

#endif /* INGRESS_COPYTO_H */
