#include "lib/ingress/settings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/ingress/annot_priv.h"
#include "lib/ingress/copyto.h"
#include "lib/ingress/regex.h"
#include "lib/ingress/settings_reading.h"

#define SUGGESTIONS_MAX 16      /* Each costs a walk over the table. */
#define UNKNOWN_MAX 64          /* Unknown names told one by one. */

/* The field of an annotation as kubectl prints it. */
static char *
field_of(const char *key)
{
    return xasprintf("metadata.annotations[%s]", key);
}

void
reading_say(const struct reading *r, enum finding_severity severity,
            const char *key, const char *message)
{
    AUTO_FREE char *field = field_of(key);

    findings_add(r->findings, severity, FINDING_INVALID, r->name, field,
                 "%s", message);
}

const struct kube_pair *
reading_accepted(const struct reading *r, const char *name)
{
    size_t row;

    if (!annot_find(name, &row) || !r->ok[row]) {
        return NULL;
    }
    return r->pairs[row];
}

const char *
reading_key(const struct reading *r, const char *name)
{
    const struct kube_pair *pair = reading_accepted(r, name);

    assert(pair);
    return pair->name;
}

/* --- Which annotation speaks for which row --- */

static void
report_unknown(struct reading *r, const char *key, const char *name)
{
    AUTO_FREE char *quoted = str_quote(key);
    AUTO_BUF struct buf message = BUF_OWN;
    const struct annot_def *near;

    r->n_unknown++;
    if (r->n_unknown > UNKNOWN_MAX) {
        return;
    }
    near = r->n_unknown <= SUGGESTIONS_MAX ? annot_nearest(name) : NULL;
    buf_printf(&message, "unknown annotation %s: it has no effect", quoted);
    if (near && !near->is_key_only) {
        buf_printf(&message, ", did you mean \"%s%s\"?",
                   near->is_own ? ANNOT_OWN_PREFIX : "", near->name);
    }
    findings_add(r->findings, FINDING_WARNING, FINDING_INVALID, r->name,
                 "metadata.annotations", "%s", buf_str(&message));
}

/* Two keys for one row: our own prefix comes first, then the row's name
 * before its alias. */
static int
rank(const char *key, const struct annot_def *def)
{
    bool is_own;
    const char *name = annot_name(key, &is_own);

    return (is_own ? 2 : 0) + (strcmp(name, def->name) == 0);
}

/* A row that had no pair. */
static void
note_given(struct reading *r, size_t row)
{
    size_t at = r->n_given++;

    for (; at > 0 && r->given[at - 1] > row; at--) {
        r->given[at] = r->given[at - 1];
    }
    r->given[at] = (uint16_t) row;
}

static void
choose(struct reading *r, size_t row, const struct annot_def *def,
       const struct kube_pair *pair)
{
    const struct kube_pair *loser = NULL;

    if (str_is_empty(pair->value)) {
        return;
    }
    if (!r->pairs[row]) {
        r->pairs[row] = pair;
        note_given(r, row);
    } else if (rank(pair->name, def) > rank(r->pairs[row]->name, def)) {
        loser = r->pairs[row];
        r->pairs[row] = pair;
    } else {
        loser = pair;
    }
    if (loser && strcmp(loser->value, r->pairs[row]->value) != 0) {
        AUTO_FREE char *message = xasprintf(
            "it has no effect: %s says the same otherwise",
            r->pairs[row]->name);

        reading_say(r, FINDING_WARNING, loser->name, message);
    }
}

static void
sort_annotations(struct reading *r)
{
    const struct kube_pairs *all = &r->object->annotations;

    for (size_t i = 0; i < all->n; i++) {
        const struct kube_pair *pair = &all->items[i];
        const struct annot_def *def;
        const char *name;
        bool is_own;
        size_t row;

        name = annot_name(pair->name, &is_own);
        if (!name) {
            continue;
        }
        def = annot_find(name, &row);
        if (!def || (def->is_own && !is_own)) {
            report_unknown(r, pair->name, name);
        } else if (pair->value) {
            choose(r, row, def, pair);
        }
    }
    if (r->n_unknown > UNKNOWN_MAX) {
        findings_add(r->findings, FINDING_WARNING, FINDING_INVALID, r->name,
                     "metadata.annotations",
                     "%zu more unknown annotations have no effect",
                     r->n_unknown - UNKNOWN_MAX);
    }
}

/* --- Reading --- */

static void
apply_default(struct reading *r, size_t row)
{
    const struct annot_def *def = annot_at(row);
    const struct annot_value *value =
        defaults_value(reading_yields(r, def) ? NULL : r->defaults, row);

    if (value) {
        struct annot_value copy = annot_value_copy(value);

        def->apply(def, &copy, &r->draft);
        annot_value_fini(&copy);
    }
}

static void
read_row(struct reading *r, size_t row)
{
    const struct annot_def *def = annot_at(row);
    const struct kube_pair *pair = r->pairs[row];
    enum annot_verdict verdict = ANNOT_UNSET;
    struct annot_value value;
    struct annot_say said;

    if (def->is_key_only) {
        reading_say(r, FINDING_ERROR, pair->name,
                    "only the controller's ConfigMap can say this");
        return;
    }
    verdict = annot_read(def, pair->value, &value, &said);
    if (said.error.size > 0) {
        reading_say(r, FINDING_ERROR, pair->name, buf_str(&said.error));
    }
    if (said.warning.size > 0) {
        reading_say(r, FINDING_WARNING, pair->name, buf_str(&said.warning));
    }
    if (verdict == ANNOT_OK) {
        /* "false" asks for nothing. */
        r->ok[row] = def->kind != ANNOT_BOOL || value.flag;
        r->n_ok += r->ok[row];
        def->apply(def, &value, &r->draft);
    } else if (verdict != ANNOT_UNSET && def->protective &&
               !said.is_harmless) {
        r->draft.s.refuse = true;
    }
    annot_value_fini(&value);
    annot_say_fini(&said);
}

/* The Ingress itself says what the row needs. */
static bool
has_needed(const struct reading *r, const struct annot_def *def)
{
    for (size_t i = 0; i < ARRAY_SIZE(def->needs) && def->needs[i]; i++) {
        if (reading_accepted(r, def->needs[i])) {
            return true;
        }
    }
    return false;
}

/* The same of a default that comes later; or another default needs it. */
static bool
is_needed(const struct reading *r, const struct settings_later *later)
{
    for (size_t i = 0; !later->is_needed && i < later->n_needs; i++) {
        if (r->ok[later->needs[i]]) {
            return true;
        }
    }
    return later->is_needed;
}

/* Numbers and flags of defaults come first, then annotations, and then the
 * texts that nobody wrote: without what it needs, none has an effect. */
static void
read_rows(struct reading *r)
{
    const struct settings_base *base = defaults_base(r->defaults);

    r->draft = base->plain;
    for (size_t i = 0; i < base->n_yielding; i++) {
        apply_default(r, base->yielding[i]);
    }
    for (size_t i = 0; i < r->n_given; i++) {
        read_row(r, r->given[i]);
    }
    for (size_t i = 0; i < base->n_later; i++) {
        const struct settings_later *later = &base->later[i];

        if (!r->ok[later->row] && is_needed(r, later)) {
            apply_default(r, later->row);
        }
    }
}

/* --- What only several annotations together can tell --- */

static bool
has_default(const struct reading *r, const struct annot_def *def)
{
    for (size_t i = 0; i < ARRAY_SIZE(def->needs) && def->needs[i]; i++) {
        if (reading_is_default(r, def->needs[i])) {
            return true;
        }
    }
    return false;
}

static void
print_needs(const struct annot_def *def, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(def->needs) && def->needs[i]; i++) {
        const struct annot_def *needed = annot_find(def->needs[i], NULL);

        buf_printf(out, "%s%s", i ? " or " : "", def->needs[i]);
        if (needed->kind == ANNOT_BOOL) {
            buf_puts(out, ": \"true\"");
        } else if (needed->kind == ANNOT_CHOICE) {
            buf_printf(out, ": \"%s\"", needed->choices[0]);
        }
    }
}

static void
say_needs(const struct reading *r, size_t row)
{
    AUTO_BUF struct buf message = BUF_OWN;

    buf_puts(&message, "it has no effect without ");
    print_needs(annot_at(row), &message);
    reading_say(r, FINDING_WARNING, r->pairs[row]->name, buf_str(&message));
}

/* A row that needs another one, which is not there. */
static void
check_needs(const struct reading *r)
{
    for (size_t i = 0; i < r->n_given; i++) {
        const size_t row = r->given[i];
        const struct annot_def *def = r->ok[row] ? annot_at(row) : NULL;

        if (def && def->needs[0] && !has_needed(r, def) &&
            !has_default(r, def)) {
            say_needs(r, row);
        }
    }
}

static void
settle_redirect(struct reading *r)
{
    struct settings_draft *d = &r->draft;

    if (d->temporal_url) {
        const struct kube_pair *permanent =
            reading_accepted(r, "permanent-redirect");

        d->s.redirect_url = STEAL_PTR(d->temporal_url);
        d->s.redirect_code =
            d->temporal_code ? (unsigned) d->temporal_code : 302;
        if (permanent) {
            reading_say(r, FINDING_WARNING, permanent->name,
                        "it has no effect: temporal-redirect wins");
        }
    } else if (d->permanent_url) {
        d->s.redirect_url = STEAL_PTR(d->permanent_url);
        d->s.redirect_code =
            d->permanent_code ? (unsigned) d->permanent_code : 301;
    }
    free(STEAL_PTR(d->permanent_url));
}

static void
check_rewrite_path(struct reading *r, const struct kube_path *path,
                   const char *where)
{
    const char *key = reading_key(r, "rewrite-target");
    const char *target = r->draft.s.rewrite_target;
    const char *text = str_is_empty(path->path) ? "/" : path->path;
    AUTO_FREE char *quoted = str_quote(text);
    AUTO_FREE char *quoted_target = str_quote(target);
    int wanted = settings_highest_reference(target);
    int groups = regex_groups(text);

    if (groups < 0) {
        return;     /* The path has a finding of its own (model_path.c). */
    }
    if (wanted > groups) {
        AUTO_FREE char *message = xasprintf(
            "%s uses $%d, but the path %s (%s) has %d group%s: write a path "
            "such as \"/x(/|$)(.*)\", or a target without $%d",
            quoted_target, wanted, quoted, where, groups,
            groups == 1 ? "" : "s", wanted);

        reading_say(r, FINDING_ERROR, key, message);
    } else if (wanted == 0 && groups == 0 &&
               path->type != KUBE_PATH_EXACT && strcmp(text, target) != 0) {
        AUTO_FREE char *message = xasprintf(
            "every request under the path %s (%s) becomes %s: to keep the "
            "rest, write the path as \"%s(/|$)(.*)\" and the target as "
            "\"%s$2\"",
            quoted, where, quoted_target,
            strcmp(text, "/") == 0 ? "" : text,
            str_ends(target, "/") ? target : "/");

        reading_say(r, FINDING_WARNING, key, message);
    }
}

static void
settle_rewrite(struct reading *r)
{
    const struct kube_ingress *ingress = &r->object->ingress;
    struct settings *s = &r->draft.s;

    if (!s->rewrite_target) {
        free(STEAL_PTR(s->forwarded_prefix));
        return;
    }
    if (settings_is_rewrite_idle(ingress, s->rewrite_target)) {
        free(STEAL_PTR(s->rewrite_target));
        free(STEAL_PTR(s->forwarded_prefix));
        return;
    }
    s->use_regex = true;
    for (size_t i = 0; i < ingress->n_rules; i++) {
        for (size_t j = 0; j < ingress->rules[i].n_paths; j++) {
            AUTO_FREE char *where =
                xasprintf("spec.rules[%zu].http.paths[%zu]", i, j);

            check_rewrite_path(r, &ingress->rules[i].paths[j], where);
        }
    }
}

static void
settle_cookie(struct reading *r)
{
    struct settings *s = &r->draft.s;

    if (!s->affinity) {
        free(STEAL_PTR(s->cookie_name));
        free(STEAL_PTR(s->cookie_path));
        free(STEAL_PTR(s->cookie_domain));
    } else if (s->use_regex && !s->cookie_path) {
        s->cookie_path = xstrdup("/");
        reading_say(r, FINDING_WARNING, reading_key(r, "affinity"),
                    "paths of this Ingress are regular expressions, so that "
                    "the cookie's path is \"/\": write session-cookie-path");
    }
}

static void
settle_cors(struct reading *r)
{
    struct settings *s = &r->draft.s;
    const struct kube_pair *headers;

    if (!s->cors) {
        settings_free_texts(&s->cors_origins);
        free(STEAL_PTR(s->cors_methods));
        free(STEAL_PTR(s->cors_headers));
        free(STEAL_PTR(s->cors_expose));
        return;
    }
    headers = reading_accepted(r, "cors-allow-headers");
    if (headers && s->cors_credentials && str_eq(s->cors_headers, "*")) {
        reading_say(r, FINDING_WARNING, headers->name,
                    "browsers take \"*\" as the name of a header where "
                    "credentials are allowed: list the headers, or write "
                    "cors-allow-credentials: \"false\"");
    }
}

static void
settle_canary(struct reading *r)
{
    struct settings *s = &r->draft.s;

    if (s->canary_header) {
        str_lower_in_place(s->canary_header);
    }
    /* A total under 100 is 100 in ingress-nginx, too. */
    s->canary_total = s->canary_total < 100 ? 100 : s->canary_total;
    if (s->canary_weight > s->canary_total) {
        s->canary_weight = s->canary_total;
    }
    if (s->canary_value && s->canary_pattern) {
        reading_say(r, FINDING_WARNING,
                    reading_key(r, "canary-by-header-pattern"),
                    "it has no effect beside canary-by-header-value");
        free(STEAL_PTR(s->canary_pattern));
    }
    if (s->canary && !settings_has_canary(s)) {
        reading_say(r, FINDING_WARNING, reading_key(r, "canary"),
                    "it gets no requests: write canary-weight, "
                    "canary-by-header or canary-by-cookie");
    }
}

bool
reading_is_bad(const struct reading *r, const char *name)
{
    size_t row;

    return r->n_given > r->n_ok && annot_find(name, &row) && r->pairs[row] &&
           !r->ok[row];
}

static void
settle_client(struct reading *r)
{
    const struct kube_pair *secret =
        r->draft.s.client_secret ? reading_accepted(r, "auth-tls-secret")
                                 : NULL;

    settings_settle_client(r->object, r->name, secret ? secret->name : NULL,
                           reading_is_bad(r, "auth-tls-secret") ||
                               reading_is_bad(r, "auth-tls-verify-client") ||
                               reading_is_bad(r, "auth-tls-match-cn"),
                           &r->draft.s, r->findings);
}

static void
settle_auth(struct reading *r)
{
    const char *blame = NULL;
    AUTO_FREE char *why =
        settings_settle_auth(&r->draft, r->object->namespace, &blame);

    if (why && !reading_is_bad(r, "auth-secret")) {
        reading_say(r, FINDING_ERROR, reading_key(r, blame), why);
    }
    r->draft.s.refuse |= why != NULL;
}

/* Each of the two is nothing without the other. */
static void
settle_location(struct reading *r)
{
    struct settings *s = &r->draft.s;
    const struct kube_pair *given;

    if (!s->location_from == !s->location_to) {
        return;
    }
    given = reading_accepted(r, s->location_from ? "proxy-redirect-from"
                                                 : "proxy-redirect-to");
    if (given) {
        reading_say(r, FINDING_WARNING, given->name,
                    s->location_from
                        ? "it has no effect without proxy-redirect-to"
                        : "it has no effect without proxy-redirect-from");
    }
    free(STEAL_PTR(s->location_from));
    free(STEAL_PTR(s->location_to));
}

/* Nobody makes the proxy send requests to Services of other namespaces. */
static void
settle_copy(struct reading *r)
{
    struct settings *s = &r->draft.s;
    struct copyto to;

    if (s->copy_to && copyto_read(s->copy_to, &to)) {
        if (!str_eq(to.namespace, r->object->namespace)) {
            AUTO_FREE char *message = xasprintf(
                "\"%s\" is a Service of another namespace: write one of "
                "this namespace", to.host);

            reading_say(r, FINDING_ERROR, reading_key(r, "mirror-target"),
                        message);
            free(STEAL_PTR(s->copy_to));
        }
        copyto_fini(&to);
    }
}

void
settings_read(const struct kube_object *object, const char *name,
              const struct defaults *defaults, struct settings *out,
              struct findings *findings)
{
    struct reading r = {
        .object = object,
        .name = name,
        .defaults = defaults,
        .findings = findings,
    };

    sort_annotations(&r);
    read_rows(&r);
    check_needs(&r);
    settle_redirect(&r);
    settle_rewrite(&r);
    settle_cookie(&r);
    settle_cors(&r);
    settle_location(&r);
    settle_canary(&r);
    settle_copy(&r);
    settle_client(&r);
    settle_auth(&r);
    reading_settle_ask(&r);
    reading_check_defaults(&r);
    reading_settle_upstream(&r);
    reading_check_passthrough(&r);
    *out = r.draft.s;
}
