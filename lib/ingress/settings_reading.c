/* settings_reading: what several annotations together protect. */
#include "lib/ingress/settings_reading.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* What works with ssl-passthrough: on the http port, or in TCP. */
static bool
works_unopened(const struct annot_def *def)
{
    static const char *const names[] = {
        "ssl-passthrough", "ssl-redirect", "force-ssl-redirect",
        "load-balance", "proxy-connect-timeout", "proxy-protocol",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(def->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool
reading_is_default(const struct reading *r, const char *name)
{
    size_t row = 0;
    const struct annot_def *def = annot_find(name, &row);
    const char *text = def ? defaults_get(r->defaults, row) : NULL;
    bool flag;

    return text && (def->kind != ANNOT_BOOL ||
                    (parse_bool(text, &flag) && flag));
}

bool
reading_yields(const struct reading *r, const struct annot_def *def)
{
    size_t row = 0;

    return def->yields_to && annot_find(def->yields_to, &row) &&
           r->pairs[row];
}

/* What is said of the ConfigMap's service. */
static bool
is_sparable(const struct annot_def *def)
{
    return strcmp(def->yields_to ? def->yields_to : def->name,
                  "auth-url") == 0;
}

/* The Ingress is not under that service, so that none of it counts. */
static bool
is_spared(const struct reading *r, const struct annot_def *def)
{
    return is_sparable(def) && !r->draft.global_auth &&
           !reading_accepted(r, "auth-url");
}

void
reading_settle_ask(struct reading *r)
{
    static const char *const companions[] = {
        "auth-method", "auth-signin", "auth-signin-redirect-param",
        "auth-response-headers", "auth-request-redirect",
        "auth-proxy-set-headers", "auth-cache-key", "auth-cache-duration",
        "auth-always-set-cookie",
    };
    const char *ns = r->object->namespace ? r->object->namespace : "";
    const char *blame = NULL;
    const bool is_global =
        r->draft.ask.url && !reading_accepted(r, "auth-url");
    AUTO_FREE char *why =
        settings_settle_ask(&r->draft, ns, is_global, &blame);

    if (why) {
        reading_say(r, FINDING_ERROR, reading_key(r, blame), why);
        r->draft.s.refuse = true;
    }
    for (size_t i = 0; r->draft.s.ask && i < ARRAY_SIZE(companions); i++) {
        r->draft.s.refuse |= reading_is_bad(r, companions[i]);
    }
}

void
reading_check_defaults(struct reading *r)
{
    if (!defaults_has_broken(r->defaults)) {
        return;
    }
    for (size_t row = 0; row < annot_count(); row++) {
        const struct annot_def *def = annot_at(row);

        if (!def->protective || r->pairs[row] ||
            !defaults_is_broken(r->defaults, row) ||
            reading_yields(r, def) || is_spared(r, def) ||
            (def->yields_to && !r->draft.s.ask)) {
            continue;
        }
        r->draft.s.refuse = true;
        findings_add(r->findings, FINDING_WARNING, FINDING_INVALID, r->name,
                     "metadata.annotations", "the controller's ConfigMap has "
                     "a %s that cannot be read: the routes answer 503 until "
                     "that is put right", def->key);
    }
}

/* Passthrough: what it makes idle, and protections it would go around. */
void
reading_check_passthrough(struct reading *r)
{
    if (!r->draft.s.ssl_passthrough) {
        return;
    }
    for (size_t row = 0; row < annot_count(); row++) {
        const struct annot_def *def = annot_at(row);

        if (!r->ok[row] && def->protective && !def->yields_to &&
            reading_is_default(r, def->name) && !is_spared(r, def)) {
            AUTO_FREE char *message = xasprintf(
                "the controller's ConfigMap has %s, which cannot protect a "
                "host whose connections stay unopened: take ssl-passthrough "
                "out%s", def->key, is_sparable(def)
                ? ", or write enable-global-auth: \"false\"" : "");

            r->draft.s.refuse = true;
            reading_say(r, FINDING_ERROR, reading_key(r, "ssl-passthrough"),
                        message);
        }
        if (!r->ok[row] || works_unopened(def)) {
            continue;
        }
        if (def->protective) {
            r->draft.s.refuse = true;
            reading_say(r, FINDING_ERROR, r->pairs[row]->name,
                        "it cannot protect a host with ssl-passthrough, "
                        "whose connections stay unopened: take one of the "
                        "two out");
        } else {
            reading_say(r, FINDING_WARNING, r->pairs[row]->name,
                        "it has no effect on connections with "
                        "ssl-passthrough, which stay unopened");
        }
    }
}

