/* What is said of a claim that another has: the same words at admission, at
 * run time and offline. */
#include "lib/ingress/claims_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"

/* "ns/name", printable. */
static const char *
name_of(const struct model *m)
{
    return m->name + strlen("Ingress ");
}

static const char *
shown(const char *host)
{
    return host[0] == '\0' ? "_" : host;    /* As ingress-nginx has it. */
}

static char *
since(const struct model *m)
{
    char text[CLOCK_MICROTIME_SIZE];

    if (m->object->created <= 0) {
        return xstrdup("");
    }
    clock_format_micro(m->object->created * 1000000, text);
    return xasprintf(" since %.10s", text);
}

static void
say(const struct claims_say *s, enum finding_severity severity,
    const char *field, const char *text)
{
    findings_add(s->out, severity, FINDING_OWNERSHIP, s->model->name, field,
                 "%s", text);
}

/* An annotation that names hosts is the field of all it claims. */
static bool
is_annotation(const char *field)
{
    return str_starts(field, "metadata.");
}

/* "spec.rules[0].host" of "spec.rules[0].http.paths[1]". */
static char *
host_field(const char *field)
{
    const char *end = is_annotation(field) ? NULL : strchr(field, ']');

    return end ? xasprintf("%.*s.host", (int) (end + 1 - field), field)
               : xstrdup(field);
}

static const char *
type_text(const struct route *r)
{
    switch (r->kind) {
    case ROUTE_EXACT:
        return "Exact";
    case ROUTE_REGEX:
        return r->key[strlen(r->host)] == '~' ? "a regular expression"
                                               : "Prefix";
    case ROUTE_PASSTHROUGH:
        return "ssl-passthrough";
    case ROUTE_PREFIX:
    case ROUTE_DEFAULT:
    case ROUTE_HOST:
        break;
    }
    return "Prefix";
}

static char *
key_text(const struct claims_say *s, const struct route *r,
         const struct model *winner)
{
    AUTO_FREE char *path = str_quote(r->path);
    const char *remedy = "use another host or path";

    if (r->kind == ROUTE_DEFAULT) {
        remedy = "there is one default backend, so name a host in a rule";
    } else if (claims_is_same_namespace(s->model, winner)) {
        remedy = "use another path, or take it out there";
    }
    return xasprintf("host \"%s\" and path %s is already defined in ingress "
                     "%s, as %s: %s", shown(r->host), path, name_of(winner),
                     type_text(r), remedy);
}

/* The host on which 'winner' stands against 'host': itself, or its wildcard
 * or one of those it covers; NULL where that is gone. */
static const char *
winning_host(const struct claims_say *s, const char *host,
             const struct model *winner)
{
    const struct claims_entry *e = claims_entry(s->claims, host);
    const struct claims_entry *child = NULL;
    AUTO_FREE char *wildcard = host_wildcard_of(host);

    for (uint32_t i = 0; e && i < e->n_owners; i++) {
        if (e->owners[i].model == winner) {
            return e->name;
        }
    }
    if (wildcard) {
        e = claims_entry(s->claims, wildcard);
        return e ? e->name : NULL;
    }
    if (e && claims_oldest_child(e, s->model->object->namespace, &child)) {
        return child->name;
    }
    return NULL;
}

static char *
make_host_text(const struct claims_say *s, const char *host,
               const struct model *winner)
{
    const char *ns = winner->object->namespace;
    const char *other = winning_host(s, host, winner);
    AUTO_FREE char *time = since(winner);
    AUTO_FREE char *whose = NULL;

    if (claims_is_same_namespace(s->model, winner)) {
        return xasprintf("host \"%s\" belongs to ingress %s (a host has one "
                         "Ingress here, and it has it%s)",
                         host, name_of(winner), time);
    }
    whose = xasprintf("belongs to namespace \"%s\" (ingress %s has it%s)",
                      ns, name_of(winner), time);
    if (!other || strcmp(other, host) == 0) {
        return xasprintf("host \"%s\" %s", host, whose);
    }
    return xasprintf("host \"%s\" %s host \"%s\", which %s", host,
                     host_is_wildcard(host) ? "covers" : "is covered by",
                     other, whose);
}

/* A host has one winner in one judgement, and finding its words may cost a
 * walk over all that a wildcard covers: once is enough. */
static const char *
host_text(const struct claims_say *s, const char *host,
          const struct model *winner)
{
    char *text = map_get(s->host_texts, host);

    if (!text) {
        text = make_host_text(s, host, winner);
        map_put(s->host_texts, host, text);
    }
    return text;
}

/* What is claimed of the host: an update that claims more of it, or another
 * part, must not read like the claim that was there before. */
static char *
part_text(const struct route *r)
{
    AUTO_FREE char *path = r ? str_quote(r->path) : NULL;

    if (!r || r->kind == ROUTE_HOST) {
        return xstrdup("");
    }
    if (r->kind == ROUTE_PASSTHROUGH) {
        return xstrdup(", and with it all its connections");
    }
    return xasprintf(", and with it %s %s",
                     r->kind == ROUTE_EXACT   ? "path"
                     : r->kind == ROUTE_REGEX ? "every path that matches"
                                              : "every path under",
                     path);
}

static void
say_host(const struct claims_say *s, const char *host, const struct route *r,
         const struct model *winner, const char *field)
{
    AUTO_FREE char *part = part_text(r);
    AUTO_FREE char *text = NULL;

    if (claims_is_same_namespace(s->model, winner)) {
        text = xasprintf("%s%s: add the rule there, or use another host",
                         host_text(s, host, winner), part);
    } else {
        text = xasprintf("%s%s: use another host, or ask the owners of "
                         "namespace \"%s\"", host_text(s, host, winner),
                         part, winner->object->namespace);
    }
    say(s, s->severity, field, text);
}

static char *
whole_text(const struct route *r, const struct model *winner)
{
    if (r->kind == ROUTE_PASSTHROUGH) {
        return xasprintf("host \"%s\" has paths in ingress %s, and "
                         "ssl-passthrough takes a whole host: use another "
                         "host, or take the paths out there",
                         r->host, name_of(winner));
    }
    return xasprintf("host \"%s\" is passed through as a whole by ingress %s "
                     "(ssl-passthrough): use another host", r->host,
                     name_of(winner));
}

void
claims_say_init(struct claims_say *s, const struct claims *c,
                const struct model *m, enum finding_severity severity,
                struct findings *out)
{
    *s = (struct claims_say) {
        .claims = c,
        .model = m,
        .severity = severity,
        .out = out,
        .host_texts = map_new(),
    };
}

void
claims_say_fini(struct claims_say *s)
{
    map_free(s->host_texts, free);
}

void
claims_say_route(const struct claims_say *s, const struct route *r,
                 enum claims_loss loss, const struct model *winner)
{
    AUTO_FREE char *field = host_field(r->field);
    AUTO_FREE char *text = NULL;

    switch (loss) {
    case CLAIMS_LOST_KEY:
        free(field);
        field = r->kind == ROUTE_DEFAULT || is_annotation(r->field)
                    ? xstrdup(r->field)
                    : xasprintf("%s.path", r->field);
        text = key_text(s, r, winner);
        say(s, s->severity, field, text);
        break;
    case CLAIMS_LOST_HOST:
        say_host(s, r->host, r, winner, field);
        break;
    case CLAIMS_LOST_WHOLE:
        text = whole_text(r, winner);
        say(s, s->severity, field, text);
        break;
    case CLAIMS_LOST_TLS:
    case CLAIMS_LOST_CANARY:
    case CLAIMS_HELD:
        break;
    }
}

static const char *
secret_of(const struct model *m, const char *host)
{
    for (size_t i = 0; i < m->n_tls; i++) {
        if (strcmp(m->tls[i].host, host) == 0 && m->tls[i].secret) {
            return m->tls[i].secret;
        }
    }
    return "the default certificate";
}

/* The host is served, with the other certificate: a warning.  Names of
 * Secrets stay in their namespace. */
static void
say_certificate(const struct claims_say *s, const struct model_tls *tls,
                const struct model *winner)
{
    AUTO_FREE char *text = NULL;

    if (claims_is_same_namespace(s->model, winner)) {
        text = xasprintf("host \"%s\" has its certificate from ingress %s "
                         "(%s), and this entry's (%s) is not served: name "
                         "one Secret in both",
                         tls->host, name_of(winner),
                         secret_of(winner, tls->host),
                         secret_of(s->model, tls->host));
    } else {
        text = xasprintf("host \"%s\" has its certificate from ingress %s, "
                         "and this entry's (%s) is not served: take the "
                         "host out of this entry",
                         tls->host, name_of(winner),
                         secret_of(s->model, tls->host));
    }
    say(s, FINDING_WARNING, tls->field, text);
}

void
claims_say_tls(const struct claims_say *s, const struct model_tls *tls,
               enum claims_loss loss, const struct model *winner)
{
    if (loss == CLAIMS_LOST_HOST) {
        say_host(s, tls->host, NULL, winner, tls->field);
    } else if (loss == CLAIMS_LOST_TLS) {
        say_certificate(s, tls, winner);
    }
}
