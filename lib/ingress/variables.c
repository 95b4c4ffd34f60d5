#include "lib/ingress/variables.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define NAME_BYTES                                                         \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define NAME_MAX_LENGTH 100

/* Of a request. */
static const char *const names[] = {
    "host", "http_host", "server_name", "scheme", "pass_access_scheme",
    "request_uri", "escaped_request_uri", "uri", "document_uri", "args",
    "query_string", "request_method", "remote_addr", "the_real_ip",
    "remote_user", "server_port", "pass_server_port", "request_id", "req_id",
};

static const char *const prefixes[] = { "http_", "cookie_", "arg_" };

/* Of a route; "proxy_upstream_name" is made of three of them. */
static const char *const place[] = {
    "namespace", "ingress_name", "service_name", "service_port",
    "proxy_upstream_name",
};

struct variable {
    char *name;
    const char *end;            /* What stands behind it. */
};

/* The variable at 'text', a "$"; false where it is none. */
static bool
read_one(const char *text, struct variable *out)
{
    bool has_brace = text[1] == '{';
    const char *name = text + 1 + has_brace;
    size_t length = strspn(name, NAME_BYTES);

    out->name = NULL;
    if (length == 0 || length > NAME_MAX_LENGTH ||
        (has_brace && name[length] != '}')) {
        return false;
    }
    out->name = xstrndup(name, length);
    out->end = name + length + has_brace;
    return true;
}

static bool
is_among(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (str_starts(name, prefixes[i]) && name[strlen(prefixes[i])]) {
            return true;
        }
    }
    return is_among(names, ARRAY_SIZE(names), name) ||
           is_among(place, ARRAY_SIZE(place), name);
}

char *
variables_check(const char *text)
{
    struct variable v;

    for (text = strchr(text, '$'); text; text = strchr(v.end, '$')) {
        AUTO_FREE char *name = NULL;

        if (!read_one(text, &v)) {
            return xstrdup("has a \"$\" without the name of a variable: "
                           "write one such as $request_uri");
        }
        name = v.name;
        if (!is_known(name)) {
            return xasprintf("has the variable $%s: write some of $host, "
                             "$http_host, $scheme, $request_uri, "
                             "$escaped_request_uri, $uri, $args, "
                             "$request_method, $remote_addr, $remote_user, "
                             "$http_NAME, $cookie_NAME, $arg_NAME, "
                             "$namespace, $ingress_name, $service_name",
                             name);
        }
    }
    return NULL;
}

bool
variables_has_any(const char *text)
{
    return strchr(text, '$') != NULL;
}

void
variables_put(const char *text, const struct variables_place *p,
              struct buf *out)
{
    const char *dollar;
    struct variable v;

    for (; (dollar = strchr(text, '$')); text = v.end) {
        AUTO_FREE char *name = NULL;

        buf_put(out, text, (size_t) (dollar - text));
        if (!read_one(dollar, &v)) {
            v.end = dollar + 1;
            continue;
        }
        name = v.name;
        if (strcmp(name, "namespace") == 0) {
            buf_puts(out, p->namespace);
        } else if (strcmp(name, "ingress_name") == 0) {
            buf_puts(out, p->ingress);
        } else if (strcmp(name, "service_name") == 0) {
            buf_puts(out, p->service);
        } else if (strcmp(name, "service_port") == 0) {
            buf_puts(out, p->port);
        } else if (strcmp(name, "proxy_upstream_name") == 0) {
            buf_printf(out, "%s-%s-%s", p->namespace, p->service, p->port);
        } else {
            buf_printf(out, "${%s}", name);
        }
    }
    buf_puts(out, text);
}
