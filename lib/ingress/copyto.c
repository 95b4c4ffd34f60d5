#include "lib/ingress/copyto.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789-"
#define NAME_MAX_LENGTH 63
#define REQUEST_URI "$request_uri"

/* One label of a name; '*text' moves behind it. */
static char *
take_label(const char **text)
{
    size_t length = strspn(*text, NAME_BYTES);
    char *label = length > 0 && length <= NAME_MAX_LENGTH
                      ? xstrndup(*text, length)
                      : NULL;

    *text += length;
    return label;
}

/* What stands behind the Service's name, "" where nothing is left. */
static const char *
skip_domain(const char *text)
{
    static const char *const domains[] = { ".svc.cluster.local", ".svc" };

    for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
        if (str_starts(text, domains[i])) {
            return text + strlen(domains[i]);
        }
    }
    return text;
}

/* The request's path has a slash of its own: one before it is dropped, as
 * ingress-nginx's documentation had it once. */
static bool
read_uri(const char *text, struct copyto *out)
{
    const bool has_request = str_ends(text, REQUEST_URI);
    size_t length = strlen(text) - (has_request ? strlen(REQUEST_URI) : 0);
    AUTO_FREE char *own = xstrndup(text, length);

    if (has_request && str_ends(own, "/")) {
        own[--length] = '\0';
    }
    if (strchr(own, '$') || (length > 0 && own[0] != '/') ||
        (length == 0 && !has_request)) {
        return false;
    }
    if (length > 0) {
        *(has_request ? &out->base : &out->uri) = STEAL_PTR(own);
    }
    return true;
}

static bool
read_rest(const char *text, struct copyto *out)
{
    if (*text == ':') {
        size_t length = strspn(text + 1, "0123456789");
        AUTO_FREE char *port = xstrndup(text + 1, length);

        if (!parse_port(port, &out->port)) {
            return false;
        }
        text += 1 + length;
    }
    return *text == '\0' || read_uri(text, out);
}

bool
copyto_read(const char *text, struct copyto *out)
{
    const char *host, *end;

    *out = (struct copyto) { .is_https = str_starts(text, "https://") };
    if (!out->is_https && !str_starts(text, "http://")) {
        return false;
    }
    host = text += strlen(out->is_https ? "https://" : "http://");
    out->port = out->is_https ? 443 : 80;
    out->service = take_label(&text);
    if (!out->service || *text != '.') {
        return false;
    }
    text++;
    out->namespace = take_label(&text);
    end = skip_domain(text);
    out->host = xstrndup(host, (size_t) (end - host));
    return out->namespace && read_rest(end, out);
}

void
copyto_fini(struct copyto *to)
{
    free(to->service);
    free(to->namespace);
    free(to->host);
    free(to->uri);
    free(to->base);
    *to = (struct copyto) { .port = 0 };
}
