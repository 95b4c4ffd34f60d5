/* What is said of a claim that another has: the same words at admission, at
 * run time and offline. */
#include "lib/ingress/claims_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/host.h"

#define MAX_SHOWN 8             /* Namespaces of a pin. */

/* "ns/name", printable. */
static const char *
name_of(const struct model *m)
{
    return m->name + strlen("Ingress ");
}

/* What of an Ingress in another namespace may be told. */
static bool
tells(const struct claims_say *s, const struct model *m,
      enum conflict_messages most)
{
    return claims_is_same_namespace(s->model, m) ||
           s->claims->ruleset->conflict_messages <= (int) most;
}

/* "ingress ns/name", or less of it. */
static char *
which(const struct claims_say *s, const struct model *m)
{
    if (tells(s, m, CONFLICT_FULL)) {
        return str_concat("ingress ", name_of(m));
    }
    if (tells(s, m, CONFLICT_NAMESPACE)) {
        return str_concat("an ingress of namespace \"", m->ns, "\"");
    }
    return xstrdup("an ingress of another namespace");
}

/* Whom to ask about a host of another namespace. */
static char *
owners(const struct claims_say *s, const struct model *m)
{
    return tells(s, m, CONFLICT_NAMESPACE)
               ? str_concat("the owners of namespace \"", m->ns, "\"")
               : xstrdup("your administrator");
}

static const char *
shown(const char *host)
{
    return host[0] == '\0' ? "_" : host;    /* As ingress-nginx has it. */
}

static char *
since(const struct model *m)
{
    char text[CLOCK_SECONDS_SIZE];

    if (m->created <= 0) {
        return xstrdup("");
    }
    clock_format_seconds(m->created, text);
    text[strlen("2026-01-01")] = '\0';
    return str_concat(" since ", text);
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

/* The owner that lets this Ingress have no path of 'host' at all, or NULL. */
static const struct model *
closing_owner(const struct claims_say *s, const char *host)
{
    const struct claims *c = s->claims;
    const struct claims_entry *e = claims_entry(c, host);
    const struct model *old = claims_taken(c, s->model);
    const struct model *own = claims_first(e, old);
    bool is_one = c->ruleset->host_policy == HOST_POLICY_INGRESS;

    if (!own || !c->is_tied || host[0] == '\0' ||
        claims_is_same_ingress(own, s->model) ||
        (!is_one && claims_is_same_namespace(own, s->model)) ||
        claims_is_shared(c, e, own, s->model, old)) {
        return NULL;
    }
    return own;
}

/* What helps where a path is another's. */
static char *
key_remedy(const struct claims_say *s, const struct route *r,
           const struct model *winner)
{
    const struct model *own = closing_owner(s, r->host);
    AUTO_FREE char *whom = own ? owners(s, own) : NULL;

    if (r->kind == ROUTE_DEFAULT) {
        return xstrdup("there is one default backend, so name a host in a "
                       "rule");
    }
    if (own && !claims_is_same_namespace(own, s->model)) {
        return str_concat("use another host, or ask ", whom);
    }
    if (own) {
        return xstrdup("add the rule there, or use another host");
    }
    return xstrdup(claims_is_same_namespace(s->model, winner)
                       ? "use another path, or take it out there"
                       : "use another host or path");
}

static char *
key_text(const struct claims_say *s, const struct route *r,
         const struct model *winner)
{
    AUTO_FREE char *path = str_quote(r->path);
    AUTO_FREE char *other = which(s, winner);
    AUTO_FREE char *remedy = key_remedy(s, r, winner);

    return str_concat("host \"", shown(r->host), "\" and path ", path,
                      " is already defined in ", other, ", as ",
                      type_text(r), ": ", remedy);
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
    if (e && claims_oldest_child(
                 s->claims, e,
                 claims_ns(s->claims, s->model->ns),
                 claims_taken(s->claims, s->model), &child)) {
        return child->name;
    }
    return NULL;
}

/* "namespace "ns" (ingress ns/name has it since 2026-01-01)". */
static char *
owner_text(const struct claims_say *s, const struct model *owner)
{
    const char *ns = owner->ns;
    AUTO_FREE char *time = since(owner);

    if (tells(s, owner, CONFLICT_FULL)) {
        return str_concat("namespace \"", ns, "\" (ingress ",
                          name_of(owner), " has it", time, ")");
    }
    return tells(s, owner, CONFLICT_NAMESPACE)
               ? str_concat("namespace \"", ns, "\"")
               : xstrdup("another namespace");
}

static char *
make_host_text(const struct claims_say *s, const char *host,
               const struct model *winner)
{
    const char *other = winning_host(s, host, winner);
    AUTO_FREE char *whose = owner_text(s, winner);

    if (claims_is_same_namespace(s->model, winner)) {
        AUTO_FREE char *time = since(winner);

        return str_concat("host \"", host, "\" belongs to ingress ",
                          name_of(winner), " (a host has one Ingress here, "
                          "and it has it", time, ")");
    }
    if (!other || strcmp(other, host) == 0) {
        return str_concat("host \"", host, "\" belongs to ", whose);
    }
    if (!host_is_wildcard(host)) {
        return str_concat("host \"", host, "\" is covered by host \"", other,
                          "\", which belongs to ", whose);
    }
    if (!tells(s, winner, CONFLICT_NAMESPACE)) {
        return str_concat("host \"", host,
                          "\" covers a host that belongs to ", whose);
    }
    return str_concat("host \"", host, "\" covers host \"", other,
                      "\", which belongs to ", whose);
}

/* A host has one winner in one judgement, and finding its words may cost a
 * walk over all that a wildcard covers: once is enough. */
static const char *
host_text(struct claims_say *s, const char *host, const struct model *winner)
{
    char *text;

    s->host_texts = s->host_texts ? s->host_texts : map_new();
    text = map_get(s->host_texts, host);
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
    return str_concat(", and with it ",
                      r->kind == ROUTE_EXACT   ? "path "
                      : r->kind == ROUTE_REGEX ? "every path that matches "
                                               : "every path under ",
                      path);
}

static void
say_host(struct claims_say *s, const char *host, const struct route *r,
         const struct model *winner, const char *field)
{
    AUTO_FREE char *part = part_text(r);
    AUTO_FREE char *text = NULL;

    if (claims_is_same_namespace(s->model, winner)) {
        text = str_concat(host_text(s, host, winner), part,
                          ": add the rule there, or use another host");
    } else {
        AUTO_FREE char *whom = owners(s, winner);

        text = str_concat(host_text(s, host, winner), part,
                          ": use another host, or ask ", whom);
    }
    say(s, s->severity, field, text);
}

/* By whom an administrator lets 'host' be used. */
static char *
out_text(const struct claims_say *s, const char *host)
{
    const struct model *m = s->model;
    AUTO_BUF struct buf out = BUF_OWN;
    const struct pin *pin;

    if (!claims_is_out(s->claims, host, m, &pin)) {
        return xstrdup("");
    }
    if (!pin) {
        const struct claims_ns *ns =
            claims_ns(s->claims, m->ns);
        AUTO_FREE char *quoted = str_quote(ns->allowed_hosts);

        return xasprintf("host \"%s\" is none of those that namespace "
                         "\"%s\" may use (" PINS_ALLOWED_HOSTS " is %s)",
                         shown(host), m->ns, quoted);
    }
    buf_printf(&out, "host \"%s\" is kept for ", host);
    if (s->claims->ruleset->conflict_messages == CONFLICT_HOST) {
        buf_puts(&out, "other namespaces");
    } else if (pin->n == 0) {
        buf_puts(&out, "nobody");
    } else {
        buf_puts(&out, pin->n == 1 ? "namespace" : "namespaces");
        for (size_t i = 0; i < pin->n && i < MAX_SHOWN; i++) {
            buf_printf(&out, "%s \"%s\"", i > 0 ? "," : "",
                       pin->namespaces[i]);
        }
        if (pin->n > MAX_SHOWN) {
            buf_printf(&out, " and %zu more", pin->n - MAX_SHOWN);
        }
    }
    buf_printf(&out, " (" PINS_KEY " has \"%s\")", pin->suffix);
    return buf_take(&out);
}

static void
say_out(const struct claims_say *s, const char *host, const struct route *r,
        const char *field)
{
    AUTO_FREE char *why = out_text(s, host);
    AUTO_FREE char *part = part_text(r);
    AUTO_FREE char *text = xasprintf(
        "%s%s: use another host, or ask your administrator", why, part);

    say(s, FINDING_ERROR, field, text);
}

void
claims_say_inherited(const struct claims_say *s, const struct route *r,
                     const struct model *owner)
{
    AUTO_FREE char *field = host_field(r->field);
    AUTO_FREE char *whose = owner ? owner_text(s, owner) : NULL;
    AUTO_FREE char *whom = owner ? owners(s, owner)
                                 : xstrdup("your administrator");
    AUTO_FREE char *why =
        owner ? xasprintf("host \"%s\" belongs to %s", r->host, whose)
              : out_text(s, r->host);
    AUTO_FREE char *text = xasprintf(
        "%s; this Ingress is served there only until --enforce-host-policy "
        "is on: use another host, or ask %s", why, whom);

    say(s, FINDING_WARNING, field, text);
}

#define TAKEOVER_FIELD                                                     \
    "metadata.annotations[" ANNOT_OWN_PREFIX "takeover-from]"

void
claims_say_takeover(const struct claims_say *s)
{
    const struct model *m = s->model;
    const char *from = m->settings->takeover_from;
    const char *ns = m->ns;
    size_t length = from ? strcspn(from, "/") : 0;
    AUTO_FREE char *text = NULL;

    if (!from) {
        return;
    }
    if (claims_taken(s->claims, m)) {
        text = xasprintf("what ingress %s has, too, is served by this one "
                         "from now on: delete the other when you like, and "
                         "then take the annotation out", from);
    } else if (m->is_canary) {
        text = xstrdup("a canary takes nothing over: take the annotation "
                       "out");
    } else if (str_eq(from, m->key)) {
        text = xstrdup("it names this Ingress itself: take the annotation "
                       "out");
    } else if (strncmp(from, ns, length) == 0 && ns[length] == '\0') {
        text = xasprintf("ingress %s is not there (any more): take the "
                         "annotation out", from);
    } else {
        text = xasprintf("ingress %s is not there, or does not release its "
                         "hosts: its owners write " ANNOT_OWN_PREFIX
                         "release-to: \"%s\" in it", from,
                         m->key);
    }
    say(s, FINDING_WARNING, TAKEOVER_FIELD, text);
}

/* The Ingress that took over has what this one asks for. */
static void
say_taken(const struct claims_say *s, const char *what,
          const struct model *winner, const char *field)
{
    AUTO_FREE char *text = xasprintf(
        "%s by ingress %s, which takes over from this one: delete this "
        "Ingress when you like", what, name_of(winner));

    say(s, FINDING_WARNING, field, text);
}

static char *
whole_text(const struct claims_say *s, const struct route *r,
           const struct model *winner)
{
    AUTO_FREE char *other = which(s, winner);

    if (r->kind == ROUTE_PASSTHROUGH) {
        return xasprintf("host \"%s\" has paths in %s, and "
                         "ssl-passthrough takes a whole host: use another "
                         "host, or take the paths out there",
                         r->host, other);
    }
    return xasprintf("host \"%s\" is passed through as a whole by %s "
                     "(ssl-passthrough): use another host", r->host, other);
}

/* A canary's share is of what its main Ingress gets; without one it gets
 * nothing. */
static void
say_canary(const struct claims_say *s, const struct route *r)
{
    AUTO_FREE char *field = xasprintf("%s.path", r->field);
    AUTO_FREE char *path = str_quote(r->path);
    AUTO_FREE char *text = NULL;

    if (is_annotation(r->field) || r->of ||
        (r->kind != ROUTE_EXACT && r->kind != ROUTE_PREFIX &&
         r->kind != ROUTE_REGEX)) {
        return;
    }
    text = xasprintf("no main Ingress has host \"%s\" and path %s as %s, so "
                     "that nothing goes to this canary: write the host, path "
                     "and pathType of its main Ingress, or take the "
                     "annotation canary out", shown(r->host), path,
                     type_text(r));
    say(s, FINDING_WARNING, field, text);
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
    };
}

void
claims_say_fini(struct claims_say *s)
{
    map_free(s->host_texts, free);
}

void
claims_say_route(struct claims_say *s, const struct route *r,
                 enum claims_loss loss, const struct model *winner)
{
    AUTO_FREE char *field = NULL;
    AUTO_FREE char *text = NULL;

    if (loss == CLAIMS_HELD) {
        return;
    }
    field = host_field(r->field);
    switch (loss) {
    case CLAIMS_LOST_KEY:
        free(field);
        field = r->kind == ROUTE_DEFAULT || is_annotation(r->field)
                    ? xstrdup(r->field)
                    : str_concat(r->field, ".path");
        text = key_text(s, r, winner);
        say(s, s->severity, field, text);
        break;
    case CLAIMS_LOST_HOST:
        say_host(s, r->host, r, winner, field);
        break;
    case CLAIMS_LOST_WHOLE:
        text = whole_text(s, r, winner);
        say(s, s->severity, field, text);
        break;
    case CLAIMS_LOST_TAKEN: {
        AUTO_FREE char *path = str_quote(r->path);
        AUTO_FREE char *what =
            xasprintf("host \"%s\" and path %s is served", shown(r->host),
                      path);

        say_taken(s, what, winner, field);
        break;
    }
    case CLAIMS_LOST_OUT:
        say_out(s, r->host, r, field);
        break;
    case CLAIMS_LOST_CANARY:
        if (!winner) {
            say_canary(s, r);
        }
        break;
    case CLAIMS_LOST_TLS:
    case CLAIMS_HELD:
        break;
    }
}

void
claims_say_hidden(const struct claims_say *s, const struct route *r,
                  const struct model *other, const struct route *regex)
{
    AUTO_FREE char *field = is_annotation(r->field)
                                ? xstrdup(r->field)
                                : xasprintf("%s.path", r->field);
    AUTO_FREE char *path = str_quote(r->path);
    AUTO_FREE char *whose = which(s, other);
    AUTO_FREE char *taker = str_quote(regex->path);
    AUTO_FREE char *text = xasprintf(
        "path %s never matches: %s of %s is tried first on host \"%s\", as "
        "the longer text, and takes all of its requests; write a longer "
        "path here, or one there that takes less", path, taker, whose,
        shown(r->host));

    say(s, FINDING_WARNING, field, text);
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
    AUTO_FREE char *other = which(s, winner);
    AUTO_FREE char *text = NULL;

    if (claims_is_same_namespace(s->model, winner)) {
        text = xasprintf("host \"%s\" has its certificate from ingress %s "
                         "(%s), and this entry's (%s) is not served: name "
                         "one Secret in both",
                         tls->host, name_of(winner),
                         secret_of(winner, tls->host),
                         secret_of(s->model, tls->host));
    } else {
        text = xasprintf("host \"%s\" has its certificate from %s, and this "
                         "entry's (%s) is not served: take the host out of "
                         "this entry",
                         tls->host, other,
                         secret_of(s->model, tls->host));
    }
    say(s, FINDING_WARNING, tls->field, text);
}

void
claims_say_tls(struct claims_say *s, const struct model_tls *tls,
               enum claims_loss loss, const struct model *winner)
{
    if (loss == CLAIMS_LOST_HOST) {
        say_host(s, tls->host, NULL, winner, tls->field);
    } else if (loss == CLAIMS_LOST_TLS) {
        say_certificate(s, tls, winner);
    } else if (loss == CLAIMS_LOST_TAKEN) {
        AUTO_FREE char *what =
            xasprintf("the certificate of host \"%s\" is served",
                      tls->host);

        say_taken(s, what, winner, tls->field);
    } else if (loss == CLAIMS_LOST_OUT) {
        say_out(s, tls->host, NULL, tls->field);
    }
}
