#include "lib/ingress/judge_ask.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"

char *
judge_ask_field(const struct model *m)
{
    const char *own =
        kube_pair(&m->object->annotations, ANNOT_OWN_PREFIX "auth-url");
    const struct settings_ask *ask = m->settings->ask;

    return ask && ask->is_global
               ? xstrdup("metadata.annotations")
               : xasprintf("metadata.annotations[%sauth-url]",
                           str_is_empty(own) ? ANNOT_PREFIX
                                             : ANNOT_OWN_PREFIX);
}

/* False where nobody is asked; 'out' is to be released in either case. */
static bool
read_url(const struct model *m, struct askurl *out)
{
    const struct settings_ask *ask = m->settings->ask;
    AUTO_FREE char *why = NULL;

    *out = (struct askurl) { .port = 0 };
    if (ask) {
        why = askurl_read(ask->url, out);
    }
    return ask && !why;
}

bool
judge_ask_service(const struct model *m, struct judge_ask *out)
{
    *out = (struct judge_ask) { .field = NULL };
    if (!read_url(m, &out->url) || out->url.to != ASKURL_SERVICE) {
        return false;
    }
    out->field = judge_ask_field(m);
    out->namespace = out->url.namespace;
    out->backend.service = out->url.service;
    out->backend.port.number = out->url.port;
    return true;
}

void
judge_ask_fini(struct judge_ask *ask)
{
    askurl_fini(&ask->url);
    free(ask->field);
    *ask = (struct judge_ask) { .field = NULL };
}

static bool
is_routed_as(const struct claims *claims, const char *name)
{
    size_t n;
    AUTO_FREE struct claim *all = claims_host(claims, name, &n);

    for (size_t i = 0; i < n; i++) {
        if (all[i].route && all[i].holds) {
            return true;
        }
    }
    return false;
}

/* By its name, or by the wildcard above it. */
static bool
is_routed(const struct claims *claims, const char *host)
{
    const char *rest = strchr(host, '.');
    AUTO_FREE char *above = xasprintf("*%s", rest ? rest : "");

    return is_routed_as(claims, host) || is_routed_as(claims, above);
}

bool
judge_ask_host(const struct claims *claims, const struct model *m,
               struct findings *out)
{
    AUTO_FREE char *field = NULL;
    bool is_allowed = m->ruleset->allow_external_names;
    bool is_name = false, is_asked = false;
    struct askurl url;

    if (!m->settings->ask) {
        return false;
    }
    field = judge_ask_field(m);
    if (read_url(m, &url)) {
        is_name = url.to == ASKURL_NAME && !is_routed(claims, url.host);
        is_asked = is_name && (url.is_https || is_allowed);
    }
    if (is_name && !is_asked) {
        findings_add(out, FINDING_WARNING, FINDING_INVALID, m->name, field,
                     "\"%s\" is no Service and no host of this controller, "
                     "and over http it is asked only with "
                     "--allow-external-names: write https://, or a Service; "
                     "requests get 503 until then", url.host);
    } else if (url.to == ASKURL_ADDRESS && !is_allowed) {
        findings_add(out, FINDING_ERROR, FINDING_INVALID, m->name, field,
                     "\"%s\" is an address, which is asked only with "
                     "--allow-external-names: write a Service, or a name "
                     "with https://; requests get 503", url.host);
    }
    askurl_fini(&url);
    return is_asked;
}

char *
judge_ask_name(const struct model *m)
{
    struct askurl url;
    char *name = NULL;

    if (read_url(m, &url) && url.to == ASKURL_NAME) {
        name = STEAL_PTR(url.host);
    }
    askurl_fini(&url);
    return name;
}
