/* What the annotations about TLS to endpoints mean together. */
#include "lib/ingress/settings_reading.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define COMMON "proxy-ssl-"

/* What says nothing without TLS. */
static bool
needs_tls(const struct annot_def *def)
{
    static const char *const names[] = {
        "secret", "verify-depth", "name", "server-name", "ciphers",
        "protocols",
    };
    const bool is_one = str_starts(def->name, COMMON);

    for (size_t i = 0; is_one && i < ARRAY_SIZE(names); i++) {
        if (strcmp(def->name + strlen(COMMON), names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_tls(const struct settings *s)
{
    return s->protocol == PROTOCOL_HTTPS ||
           s->protocol == PROTOCOL_AUTO_HTTP ||
           s->protocol == PROTOCOL_GRPCS;
}

static void
drop(struct settings *s)
{
    s->ssl_verify = s->ssl_sends_name = s->ssl12 = s->ssl13 = false;
    free(STEAL_PTR(s->ssl_secret));
    free(STEAL_PTR(s->ssl_name));
    free(STEAL_PTR(s->ssl_ciphers));
}

static void
refuse(struct reading *r, const char *name, const char *message)
{
    reading_say(r, FINDING_ERROR, reading_key(r, name), message);
    r->draft.s.refuse = true;
}

/* Nothing is spoken in TLS: that only protects nobody where it was meant to
 * verify. */
static void
settle_plain(struct reading *r)
{
    struct settings *s = &r->draft.s;

    if (s->ssl_verify) {
        refuse(r, "proxy-ssl-verify",
               "there is no certificate to verify without TLS: write "
               "backend-protocol: \"HTTPS\" or \"GRPCS\"");
    }
    for (size_t i = 0; i < r->n_given && !s->ssl_verify; i++) {
        const size_t row = r->given[i];
        const struct kube_pair *pair = r->pairs[row];

        if (r->ok[row] && strcmp(pair->value, "off") != 0 &&
            needs_tls(annot_at(row))) {
            reading_say(r, FINDING_WARNING, pair->name,
                        "it has no effect without backend-protocol: "
                        "\"HTTPS\" or \"GRPCS\"");
        }
    }
    drop(s);
}

/* nginx would verify a name that no certificate has, that of its own
 * upstream block, or, without a Secret, nothing. */
static void
settle_verify(struct reading *r)
{
    struct settings *s = &r->draft.s;

    s->refuse |= !s->ssl_secret || !s->ssl_name;
    if (!s->ssl_secret && !reading_is_bad(r, "proxy-ssl-secret")) {
        refuse(r, "proxy-ssl-verify",
               "it needs proxy-ssl-secret, whose ca.crt signed the "
               "endpoints' certificates");
    }
    if (!s->ssl_name && !reading_is_bad(r, "proxy-ssl-name")) {
        refuse(r, "proxy-ssl-verify",
               "it needs proxy-ssl-name: the name that the endpoints' "
               "certificates are for");
    }
}

void
reading_settle_upstream(struct reading *r)
{
    struct settings *s = &r->draft.s;
    const struct kube_pair *pair;

    if (s->ssl_secret && !settings_qualify(r->object, &s->ssl_secret)) {
        AUTO_FREE char *message = xasprintf(
            "\"%s\" is in another namespace: copy the Secret to \"%s\" and "
            "write its name", s->ssl_secret, r->object->namespace);

        refuse(r, "proxy-ssl-secret", message);
    }
    if (!is_tls(s)) {
        settle_plain(r);
        return;
    }
    if (s->ssl_verify) {
        settle_verify(r);
    }
    /* A name that is neither sent nor verified. */
    pair = reading_accepted(r, "proxy-ssl-name");
    if (s->ssl_name && !s->ssl_sends_name && !s->ssl_verify) {
        if (pair) {
            reading_say(r, FINDING_WARNING, pair->name,
                        "it has no effect without proxy-ssl-server-name: "
                        "\"on\" or proxy-ssl-verify: \"on\"");
        }
        free(STEAL_PTR(s->ssl_name));
    }
    if (s->refuse) {
        drop(s);
    }
}
