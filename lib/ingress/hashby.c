#include "lib/ingress/hashby.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define NAME_BYTES                                                         \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define NAME_MAX_LENGTH 100

static const struct {
    const char *name;
    size_t at;
} plain[] = {
    { "request_uri", offsetof(struct hashby, uri) },
    { "uri", offsetof(struct hashby, path) },
    { "document_uri", offsetof(struct hashby, path) },
    { "args", offsetof(struct hashby, query) },
    { "query_string", offsetof(struct hashby, query) },
    { "host", offsetof(struct hashby, host) },
    { "http_host", offsetof(struct hashby, host) },
    { "server_name", offsetof(struct hashby, host) },
    { "remote_addr", offsetof(struct hashby, address) },
    { "binary_remote_addr", offsetof(struct hashby, address) },
    { "the_real_ip", offsetof(struct hashby, address) },
    { "request_method", offsetof(struct hashby, method) },
    { "scheme", offsetof(struct hashby, scheme) },
};

static const struct {
    const char *prefix;
    size_t at;
    bool is_header;
} named[] = {
    { "http_", offsetof(struct hashby, header), true },
    { "cookie_", offsetof(struct hashby, cookie), false },
    { "arg_", offsetof(struct hashby, argument), false },
};

/* nginx writes a header's name with underscores. */
static char *
header_name(const char *name)
{
    char *header = str_lower(name);

    for (char *p = header; *p; p++) {
        *p = *p == '_' ? '-' : *p;
    }
    return header;
}

static char *
read_variable(const char *name, struct hashby *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (strcmp(name, plain[i].name) == 0) {
            *(bool *) ((char *) out + plain[i].at) = true;
            return NULL;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
        char **to = (char **) (void *) ((char *) out + named[i].at);
        const char *rest = name + strlen(named[i].prefix);
        AUTO_FREE char *value = NULL;

        if (!str_starts(name, named[i].prefix) || *rest == '\0' ||
            strlen(rest) > NAME_MAX_LENGTH) {
            continue;
        }
        value = named[i].is_header ? header_name(rest) : xstrdup(rest);
        if (*to && !str_eq(*to, value)) {
            return xasprintf("names two variables that begin with $%s: "
                             "write one of them", named[i].prefix);
        }
        free(*to);
        *to = STEAL_PTR(value);
        return NULL;
    }
    return xasprintf("has the variable $%s: write some of $request_uri, "
                     "$uri, $args, $host, $remote_addr, $request_method, "
                     "$scheme, $http_NAME, $cookie_NAME, $arg_NAME", name);
}

static bool
has_any(const struct hashby *by)
{
    return by->uri || by->path || by->query || by->host || by->address ||
           by->method || by->scheme || by->header || by->cookie ||
           by->argument;
}

char *
hashby_read(const char *text, struct hashby *out)
{
    *out = (struct hashby) { .uri = false };
    while ((text = strchr(text, '$'))) {
        bool has_brace = text[1] == '{';
        const char *name = text + 1 + has_brace;
        size_t length = strspn(name, NAME_BYTES);
        AUTO_FREE char *copy = xstrndup(name, length);
        char *why;

        if (length == 0 || (has_brace && name[length] != '}')) {
            return xstrdup("has a \"$\" without the name of a variable: "
                           "write one such as $request_uri");
        }
        why = read_variable(copy, out);
        if (why) {
            return why;
        }
        text = name + length;
    }
    return has_any(out) ? NULL
                        : xstrdup("names no variable, so that every request "
                                  "would go to one endpoint: write one such "
                                  "as $request_uri");
}

void
hashby_fini(struct hashby *by)
{
    free(by->header);
    free(by->cookie);
    free(by->argument);
    *by = (struct hashby) { .uri = false };
}
