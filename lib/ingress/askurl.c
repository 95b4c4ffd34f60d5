#include "lib/ingress/askurl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/ingress/annot_priv.h"
#include "lib/ingress/name.h"
#include "lib/ingress/variables.h"

/* "host", "host:port", "[v6]:port" of 'length' bytes without variables. */
static char *
read_authority(const char *text, size_t length, struct askurl *out)
{
    AUTO_FREE char *copy = xstrndup(text, length);
    char *colon = strrchr(copy, ':');
    char *host = copy;

    if (!annot_is_authority(text, length)) {
        return xstrdup("has no valid host: write that of a Service, "
                       "SERVICE.NAMESPACE.svc.cluster.local, or the one of "
                       "a URL of this controller");
    }
    if (colon && !strchr(colon, ']') &&
        parse_port(colon + 1, &out->port)) {
        *colon = '\0';
    }
    if (host[0] == '[') {
        host++;
        host[strcspn(host, "]")] = '\0';
    }
    out->host = str_lower(host);
    return NULL;
}

/* The labels before ".svc": a Service and its namespace. */
static bool
read_service(struct askurl *out)
{
    static const char *const domains[] = { ".svc.cluster.local", ".svc" };
    size_t length = strlen(out->host);

    for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
        AUTO_FREE char *names = NULL;
        char *dot;

        if (!str_ends(out->host, domains[i])) {
            continue;
        }
        names = xstrndup(out->host, length - strlen(domains[i]));
        dot = strchr(names, '.');
        if (dot) {
            *dot = '\0';
            out->service = xstrdup(names);
            out->namespace = xstrdup(dot + 1);
        }
        return dot && name_is_label(out->service) &&
               name_is_label(out->namespace);
    }
    return false;
}

static char *
classify(struct askurl *out)
{
    uint8_t bytes[16];
    size_t size;

    if (parse_ip(out->host, bytes, &size)) {
        out->to = ASKURL_ADDRESS;
        return out->is_https
                   ? xstrdup("is an address with https, which nothing could "
                             "verify: write a name")
                   : NULL;
    }
    if (str_ends(out->host, ".svc") ||
        str_ends(out->host, ".svc.cluster.local")) {
        out->to = ASKURL_SERVICE;
        return read_service(out)
                   ? NULL
                   : xstrdup("is no Service: write SERVICE.NAMESPACE.svc"
                             ".cluster.local");
    }
    out->to = ASKURL_NAME;
    if (!strchr(out->host, '.') || str_ends(out->host, ".localhost")) {
        return xstrdup("has a host that is no full name: write "
                       "SERVICE.NAMESPACE.svc.cluster.local");
    }
    return NULL;
}

static char *
read_host(const char *text, size_t length, struct askurl *out)
{
    static const char *const own[] = { "$host", "${host}", "$http_host",
                                       "${http_host}" };
    AUTO_FREE char *copy = xstrndup(text, length);
    char *why;

    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        if (strcmp(copy, own[i]) == 0) {
            out->to = ASKURL_OWN_HOST;
            out->host = xstrdup(i < 2 ? "$host" : "$http_host");
            return NULL;
        }
    }
    if (strchr(copy, '$')) {
        return xstrdup("has a host with a variable: only $host and "
                       "$http_host may stand there, alone");
    }
    why = read_authority(text, length, out);
    return why ? why : classify(out);
}

char *
askurl_read(const char *text, struct askurl *out)
{
    size_t length;
    char *why;

    *out = (struct askurl) { .is_https = str_starts(text, "https://") };
    if (!out->is_https && !str_starts(text, "http://")) {
        return xstrdup("is not an absolute URL: write one that begins with "
                       "\"http://\" or \"https://\"");
    }
    text += strlen(out->is_https ? "https://" : "http://");
    out->port = out->is_https ? 443 : 80;
    length = strcspn(text, "/?#");
    if (strchr(text, '#')) {
        return xstrdup("has a fragment: leave out \"#\" and what follows");
    }
    if (strstr(text, "..")) {
        return xstrdup("has \"..\": write the path as it is");
    }
    why = read_host(text, length, out);
    if (!why) {
        why = variables_check(text + length);
    }
    if (!why) {
        out->uri = xasprintf("%s%s", text[length] == '/' ? "" : "/",
                             text + length);
    }
    return why;
}

void
askurl_fini(struct askurl *url)
{
    free(url->service);
    free(url->namespace);
    free(url->host);
    free(url->uri);
    *url = (struct askurl) { .port = 0 };
}
