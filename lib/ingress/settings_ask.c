/* settings_ask: what auth-url and its companions come to. */
#include "lib/ingress/annot_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/askurl.h"

/* In the order of the table's choices. */
static const char *const methods[] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
};

const char *
settings_ask_method(const struct settings_ask *ask)
{
    return methods[ask->method];
}

void
settings_ask_fini(struct settings_ask *ask)
{
    free(ask->url);
    free(ask->signin);
    free(ask->param);
    free(ask->headers);
    free(ask->redirect);
    free(ask->set_headers);
    free(ask->cache_key);
    free(ask->cache_for);
    *ask = (struct settings_ask) { .method = 0 };
}

/* Whether the query of 'url' has the parameter already. */
static bool
has_param(const char *url, const char *param)
{
    const char *query = strchr(url, '?');
    size_t length = strlen(param);

    for (; query; query = strchr(query + 1, '&')) {
        if (strncmp(query + 1, param, length) == 0 &&
            query[1 + length] == '=' && query[2 + length] != '\0' &&
            query[2 + length] != '&') {
            return true;
        }
    }
    return false;
}

static void
settle_signin(struct settings_ask *ask)
{
    char *whole;

    if (ask->signin && !has_param(ask->signin, ask->param)) {
        whole = xasprintf("%s%s%s=$scheme://$http_host$escaped_request_uri",
                          ask->signin, strchr(ask->signin, '?') ? "&" : "?",
                          ask->param);
        free(ask->signin);
        ask->signin = whole;
    }
    free(STEAL_PTR(ask->param));
}

/* Headers of another namespace's ConfigMap might be secrets of those who live
 * there. */
static char *
settle_headers(struct settings_draft *d, const char *ns)
{
    struct settings_ask *ask = &d->ask;
    const char *slash = ask->set_headers ? strchr(ask->set_headers, '/')
                                         : NULL;
    AUTO_FREE char *of =
        slash ? xstrndup(ask->set_headers,
                         (size_t) (slash - ask->set_headers))
              : NULL;

    if (ask->set_headers && !slash) {
        char *full = xasprintf("%s/%s", ns, ask->set_headers);

        free(ask->set_headers);
        ask->set_headers = full;
    } else if (of && !str_eq(of, ns) && !d->allow_cross_namespace) {
        AUTO_FREE char *shown = str_quote(ask->set_headers);

        return xasprintf("%s is in another namespace: copy the ConfigMap to "
                         "this one, or have the administrator set "
                         "allow-cross-namespace-resources: \"true\" in the "
                         "controller's ConfigMap", shown);
    }
    return NULL;
}

/* Others' Services are asked as any pod could ask them, but change nothing:
 * a policy of the network may keep the pods of this namespace from them, and
 * lets this controller through. */
static char *
settle_service(const struct settings_draft *d, const char *ns)
{
    const char *method = settings_ask_method(&d->ask);
    AUTO_FREE char *why = NULL;
    struct askurl url;
    bool is_far;

    why = askurl_read(d->ask.url, &url);
    is_far = !why && url.to == ASKURL_SERVICE && !str_eq(url.namespace, ns);
    askurl_fini(&url);
    if (is_far && !d->allow_cross_namespace && strcmp(method, "GET") != 0 &&
        strcmp(method, "HEAD") != 0) {
        return xasprintf("a Service of another namespace is asked by GET or "
                         "HEAD only, not %s, unless the administrator sets "
                         "allow-cross-namespace-resources: \"true\" in the "
                         "controller's ConfigMap", method);
    }
    return NULL;
}

char *
settings_settle_ask(struct settings_draft *d, const char *ns, bool is_global,
                    const char **blame)
{
    struct settings *s = &d->s;
    char *why = NULL;

    if (!d->ask.url || (is_global && !d->global_auth)) {
        settings_ask_fini(&d->ask);
        if (s->auth == SETTINGS_AUTH_NONE) {
            free(STEAL_PTR(s->no_auth));
        }
        return NULL;
    }
    d->ask.is_global = is_global;
    settle_signin(&d->ask);
    *blame = "auth-proxy-set-headers";
    why = settle_headers(d, ns);
    if (!why && !is_global) {
        *blame = "auth-method";
        why = settle_service(d, ns);
    }
    if (!d->ask.cache_key) {
        free(STEAL_PTR(d->ask.cache_for));
    }
    s->ask = xmemdup(&d->ask, sizeof d->ask);
    d->ask = (struct settings_ask) { .method = 0 };
    return why;
}

struct asked {
    const char *path;
    bool is_open;
};

static bool
compare_location(const char *piece, size_t length, void *aux)
{
    AUTO_FREE char *location = xstrndup(piece, length);
    struct asked *asked = aux;

    asked->is_open |= str_starts(asked->path, location);
    return true;
}

bool
settings_is_open_path(const struct settings *s, const char *path)
{
    struct asked asked = { .path = path };

    if (s->no_auth) {
        (void) str_split(s->no_auth, ',', compare_location, &asked);
    }
    return asked.is_open;
}
