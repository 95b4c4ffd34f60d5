#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/cert.h"
#include "lib/ingress/defaults.h"

#define DAY_S ((int64_t) 86400)
#define MAX_NAMES_SHOWN 4

const int cert_alarm_days[CERT_N_ALARMS] = { 21, 7, 1 };

struct judging {
    const char *object;         /* Whose findings they are. */
    const char *instead;        /* What clients get instead. */
    const struct cert_facts *facts;
    const char *secret;
    int64_t now_s;
    bool fetches_ocsp;          /* enable-ocsp */
    struct findings *out;
};

static void
warn(const struct judging *j, const char *field, const char *text)
{
    findings_add(j->out, FINDING_WARNING, FINDING_INVALID, j->object, field,
                 "%s", text);
}

/* --- The Secret as a whole --- */

static void
judge_missing(const struct judging *j, const char *field)
{
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *type = NULL;

    if (j->facts->other_type) {
        type = str_quote(j->facts->other_type);
        text = xasprintf("Secret \"%s\" is of type %s: make one of type "
                         CERT_SECRET_TYPE " with tls.crt and tls.key; %s "
                         "until then", j->secret, type, j->instead);
    } else {
        text = xasprintf("Secret \"%s\" of type " CERT_SECRET_TYPE " does "
                         "not exist: %s until it does", j->secret,
                         j->instead);
    }
    warn(j, field, text);
}

static void
judge_problem(const struct judging *j, const char *field)
{
    AUTO_FREE char *text =
        xasprintf("Secret \"%s\": %s; %s", j->secret, j->facts->problem,
                  j->facts->is_served ? "its last good certificate is served"
                                      : j->instead);

    warn(j, field, text);
}

/* --- Dates --- */

/* The alarm that is on: days, or 0. */
static int
alarm_of(const struct cert_facts *f, int64_t now_s)
{
    int days = 0;

    for (size_t i = 0; i < CERT_N_ALARMS; i++) {
        const int64_t before_s = cert_alarm_days[i] * DAY_S;

        if (f->not_after - f->not_before >= 3 * before_s &&
            f->not_after - now_s <= before_s) {
            days = cert_alarm_days[i];
        }
    }
    return days;
}

static void
judge_dates(const struct judging *j, const char *field)
{
    const struct cert_facts *f = j->facts;
    const int days = alarm_of(f, j->now_s);
    char from[CLOCK_SECONDS_SIZE], to[CLOCK_SECONDS_SIZE];
    AUTO_FREE char *text = NULL;

    clock_format_seconds(f->not_before, from);
    clock_format_seconds(f->not_after, to);
    if (f->not_after < f->not_before) {
        text = xasprintf("the certificate in Secret \"%s\" ends at %s, "
                         "before it begins at %s: no client takes it; issue "
                         "it anew", j->secret, to, from);
    } else if (j->now_s > f->not_after) {
        text = xasprintf("the certificate in Secret \"%s\" expired at %s: "
                         "clients refuse it; renew it", j->secret, to);
    } else if (j->now_s < f->not_before) {
        text = xasprintf("the certificate in Secret \"%s\" is not valid "
                         "before %s: clients refuse it until then; look at "
                         "the clock of who issued it", j->secret, from);
    } else if (days > 0) {
        text = xasprintf("the certificate in Secret \"%s\" expires at %s, "
                         "in less than %d day%s: renew it", j->secret, to,
                         days, days == 1 ? "" : "s");
    }
    if (text) {
        warn(j, field, text);
    }
}

static void
judge_chain_dates(const struct judging *j, const char *field)
{
    char at[CLOCK_SECONDS_SIZE];

    if (j->facts->chain_not_after != 0 &&
        j->now_s > j->facts->chain_not_after) {
        AUTO_FREE char *text = NULL;

        clock_format_seconds(j->facts->chain_not_after, at);
        text = xasprintf("an issuer's certificate in Secret \"%s\" expired "
                         "at %s: clients may refuse the chain; put the "
                         "present ones there", j->secret, at);
        warn(j, field, text);
    }
}

/* --- What is odd --- */

struct note_text {
    unsigned note;
    const char *text;           /* "%s" is the Secret. */
};

static void
say_notes(const struct judging *j, const char *field,
          const struct note_text *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (j->facts->notes & rows[i].note) {
            AUTO_BUF struct buf text = BUF_OWN;
            const char *mark = strstr(rows[i].text, "%s");

            buf_put(&text, rows[i].text, (size_t) (mark - rows[i].text));
            buf_puts(&text, j->secret);
            buf_puts(&text, mark + 2);
            warn(j, field, buf_str(&text));
        }
    }
}

static void
judge_notes(const struct judging *j, const char *field)
{
    static const struct note_text rows[] = {
        { X509_REORDERED, "the certificates in Secret \"%s\" are not in "
          "order: they are served in the right one; write the host's own "
          "first, then each one's issuer" },
        { X509_COPIES, "a certificate stands in Secret \"%s\" more than "
          "once: it is served once; remove the copy" },
        { X509_STRANGERS, "a certificate in Secret \"%s\" is no issuer in "
          "the chain of the first: it is left out; put the issuer's "
          "certificates there, without a gap" },
        { X509_IS_CA, "the certificate in Secret \"%s\" is a CA's "
          "(CA:TRUE): some clients refuse it for a host; issue one that is "
          "not" },
        { X509_NOT_SERVER, "the certificate in Secret \"%s\" is not for "
          "servers (extended key usage): clients refuse it; issue one with "
          "serverAuth" },
    };

    say_notes(j, field, rows, ARRAY_SIZE(rows));
}

/* Whether a response is there is the reconciler's to say. */
static void
judge_ocsp(const struct judging *j, const char *field)
{
    static const struct note_text never[] = {
        { X509_MUST_STAPLE, "the certificate in Secret \"%s\" is one that "
          "clients refuse without an OCSP response (must-staple), and none "
          "is fetched: whoever runs the controller can write enable-ocsp: "
          "\"true\" into its ConfigMap; or issue one without" },
    };
    static const struct note_text always[] = {
        { X509_NO_RESPONDER, "the certificate in Secret \"%s\" is one that "
          "clients refuse without an OCSP response (must-staple), and there "
          "is nobody to ask: it names no responder over http, or its "
          "issuer's certificate is not in the Secret; put it behind the "
          "host's own, or issue one without" },
        { X509_LONE, "no OCSP response is fetched for the certificate in "
          "Secret \"%s\": its issuer's certificate is not there; put it "
          "behind the host's own" },
    };

    if (j->fetches_ocsp) {
        say_notes(j, field, always, ARRAY_SIZE(always));
    } else {
        say_notes(j, field, never, ARRAY_SIZE(never));
    }
}

/* --- The host --- */

/* The wildcard that was meant to cover 'host' and does not. */
static const char *
near_wildcard(const struct cert_facts *f, const char *host)
{
    for (size_t i = 0; i < f->n_names; i++) {
        const char *name = f->names[i];

        if (str_starts(name, "*.") &&
            (str_ends(host, name + 1) || str_eq(host, name + 2))) {
            return name;
        }
    }
    return NULL;
}

static void
put_names(const struct cert_facts *f, struct buf *out)
{
    for (size_t i = 0; i < f->n_names && i < MAX_NAMES_SHOWN; i++) {
        buf_printf(out, "%s%s", i > 0 ? ", " : "", f->names[i]);
    }
    if (f->n_names > MAX_NAMES_SHOWN) {
        buf_printf(out, " and %zu more", f->n_names - MAX_NAMES_SHOWN);
    }
}

static void
put_reason(const struct judging *j, const char *host, struct buf *out)
{
    const struct cert_facts *f = j->facts;
    const char *wildcard = near_wildcard(f, host);

    if (wildcard) {
        buf_printf(out, "%s stands for exactly one label", wildcard);
    } else if (f->n_names > 0) {
        buf_puts(out, "it is for ");
        put_names(f, out);
    } else if (f->notes & X509_BAD_NAMES) {
        buf_puts(out, "its names are no DNS names (a byte is in them that "
                      "none has)");
    } else if (f->n_addresses > 0) {
        buf_puts(out, "it names IP addresses only");
    } else {
        buf_puts(out, "it has no subject alternative names, and clients do "
                      "not read the common name");
    }
}

static void
judge_host(const struct judging *j, const struct model_tls *tls)
{
    AUTO_BUF struct buf reason = BUF_OWN;
    AUTO_FREE char *text = NULL;

    if (tls->host[0] == '\0' || (j->facts->notes & X509_MORE_NAMES) ||
        cert_covers(j->facts, tls->host)) {
        return;
    }
    put_reason(j, tls->host, &reason);
    text = xasprintf("the certificate in Secret \"%s\" does not cover host "
                     "\"%s\": %s; %s; issue one with that DNS name",
                     j->secret, tls->host, buf_str(&reason), j->instead);
    warn(j, tls->field, text);
}

static void
judge_secret(const struct judging *j, const char *field)
{
    if (j->facts->is_missing) {
        judge_missing(j, field);
    } else if (j->facts->problem) {
        judge_problem(j, field);
    }
    if (j->facts->is_served) {
        judge_dates(j, field);
        judge_chain_dates(j, field);
        judge_notes(j, field);
        judge_ocsp(j, field);
    }
}

static void
judge_entry(const struct judging *j, const struct model_tls *tls)
{
    const char *end = strchr(tls->field, ']');
    AUTO_FREE char *field =
        xasprintf("%.*s.secretName", (int) (end + 1 - tls->field),
                  tls->field);

    judge_secret(j, field);
    if (j->facts->is_served) {
        judge_host(j, tls);
    }
}

/* Of two Secrets of a host the client's choice is between kinds of keys. */
static void
judge_kinds(const struct judging *j, const struct model_tls *tls,
            const struct cert_facts *first)
{
    if (first && j->facts && first->is_served && j->facts->is_served &&
        !((first->notes ^ j->facts->notes) & X509_RSA)) {
        AUTO_FREE char *text = xasprintf(
            "Secret \"%s\" has a key of the same kind as \"%s\", which is "
            "served: two Secrets of a host are one of RSA and one of another "
            "kind; remove one of them", tls->second, tls->secret);

        warn(j, tls->second_field, text);
    }
}

static void
judge_both(struct judging *j, const struct model_tls *tls,
           const struct cert_source *source)
{
    const struct model_tls other = {
        .host = tls->host, .secret = tls->second, .field = tls->second_field,
    };
    AUTO(cert_facts_fini) struct cert_facts room = { .names = NULL };
    AUTO(cert_facts_fini) struct cert_facts second = { .names = NULL };
    const struct cert_facts *first;

    j->secret = tls->secret;
    first = j->facts = source->get(j->secret, &room, source->aux);
    if (j->facts) {
        judge_entry(j, tls);
    }
    j->secret = tls->second;
    j->facts = tls->second ? source->get(j->secret, &second, source->aux)
                           : NULL;
    if (j->facts) {
        judge_entry(j, &other);
        judge_kinds(j, tls, first);
    }
}

static bool
fetches_ocsp(const struct defaults *defaults)
{
    const struct annot_value *value = defaults_global(defaults, GLOBAL_OCSP);

    return value && value->flag;
}

void
cert_judge(const struct model *m, const struct cert_source *source,
           int64_t now_s, struct findings *out)
{
    for (size_t i = 0; i < m->n_tls; i++) {
        struct judging j = {
            .object = m->name,
            .instead = m->ruleset->strict_sni
                           ? "TLS connections to it are refused"
                           : "the default certificate is served",
            .now_s = now_s,
            .fetches_ocsp = fetches_ocsp(m->ruleset->defaults),
            .out = out,
        };

        if (m->tls[i].secret) {
            judge_both(&j, &m->tls[i], source);
        }
    }
}

void
cert_judge_default(const char *key, const struct cert_facts *facts,
                   const struct defaults *defaults, int64_t now_s,
                   struct findings *out)
{
    AUTO_FREE char *object = xasprintf("Secret %s", key);
    const struct judging j = {
        .object = object,
        .instead = "another default certificate is served",
        .facts = facts,
        .secret = key,
        .now_s = now_s,
        .fetches_ocsp = fetches_ocsp(defaults),
        .out = out,
    };

    judge_secret(&j, "");
}

/* --- Time --- */

static void
take_earlier(int64_t *next_s, int64_t at_s, int64_t now_s)
{
    if (at_s > now_s && at_s < *next_s) {
        *next_s = at_s;
    }
}

int64_t
cert_next_change(const struct cert_facts *f, int64_t now_s)
{
    int64_t next_s = INT64_MAX;

    if (!f->is_served) {
        return next_s;
    }
    take_earlier(&next_s, f->not_before, now_s);
    take_earlier(&next_s, f->not_after + 1, now_s);
    if (f->chain_not_after != 0) {
        take_earlier(&next_s, f->chain_not_after + 1, now_s);
    }
    for (size_t i = 0; i < CERT_N_ALARMS; i++) {
        take_earlier(&next_s, f->not_after - cert_alarm_days[i] * DAY_S,
                     now_s);
    }
    return next_s;
}
