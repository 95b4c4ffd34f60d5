#include "lib/ingress/defaults.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/foreign_keys.h"
#include "lib/ingress/pins.h"
#include "lib/ingress/settings_base.h"

#define UNKNOWN_MAX 64          /* Unknown keys told one by one. */

struct defaults {
    char **texts;               /* By row; NULL: not set. */
    struct annot_value *values; /* What those were read as. */
    bool *is_broken;            /* Given, unreadable, and never was good. */
    size_t n;
    struct settings_base *base; /* What all of it comes to. */
};

/* The tables' own, by row; of those that are there. */
static struct annot_value *own_values;
static bool *has_own;
static pthread_once_t own_once = PTHREAD_ONCE_INIT;
static struct settings_base *own_base;
static pthread_once_t own_base_once = PTHREAD_ONCE_INIT;

static bool
read_value(const struct annot_def *def, const char *text,
           struct annot_value *out)
{
    struct annot_say said;
    const bool is_good = annot_read(def, text, out, &said) == ANNOT_OK;

    annot_say_fini(&said);
    if (!is_good) {
        annot_value_fini(out);
    }
    return is_good;
}

/* Rows of the table, then the other keys. */
static const struct annot_def *
row_at(size_t i)
{
    return i < annot_count() ? annot_at(i)
                             : annot_global((enum annot_global)
                                            (i - annot_count()));
}

static void
read_own(void)
{
    const size_t n = annot_count() + ANNOT_N_GLOBALS;

    own_values = xcalloc(n, sizeof *own_values);
    has_own = xcalloc(n, sizeof *has_own);
    for (size_t i = 0; i < n; i++) {
        const struct annot_def *def = row_at(i);

        has_own[i] = def->apply && def->dflt &&
                     read_value(def, def->dflt, &own_values[i]);
    }
}

static void
make_own_base(void)
{
    own_base = settings_base_new(NULL);
}

/* After a change of any value. */
static void
make_base(struct defaults *d)
{
    free(d->base);
    d->base = settings_base_new(d);
}

struct defaults *
defaults_new(void)
{
    struct defaults *d = xcalloc(1, sizeof *d);

    d->n = annot_count() + ANNOT_N_GLOBALS;
    d->texts = xcalloc(d->n, sizeof *d->texts);
    d->values = xcalloc(d->n, sizeof *d->values);
    d->is_broken = xcalloc(d->n, sizeof *d->is_broken);
    make_base(d);
    return d;
}

void
defaults_free(struct defaults *d)
{
    for (size_t i = 0; d && i < d->n; i++) {
        free(d->texts[i]);
        annot_value_fini(&d->values[i]);
    }
    if (d) {
        free(d->texts);
        free(d->values);
        free(d->is_broken);
        free(d->base);
        free(d);
    }
}

const char *
defaults_get(const struct defaults *d, size_t i)
{
    return d && i < d->n ? d->texts[i] : NULL;
}

bool
defaults_is_broken(const struct defaults *d, size_t i)
{
    return d && i < d->n && d->is_broken[i];
}

bool
defaults_has_broken(const struct defaults *d)
{
    return d && memchr(d->is_broken, true, d->n) != NULL;
}

const struct settings_base *
defaults_base(const struct defaults *d)
{
    if (d) {
        return d->base;
    }
    pthread_once(&own_base_once, make_own_base);
    return own_base;
}

const struct annot_value *
defaults_value(const struct defaults *d, size_t i)
{
    if (defaults_get(d, i)) {
        return &d->values[i];
    }
    pthread_once(&own_once, read_own);
    return has_own[i] ? &own_values[i] : NULL;
}

const struct annot_value *
defaults_global(const struct defaults *d, unsigned global)
{
    size_t i = annot_count() + global;

    return defaults_get(d, i) ? &d->values[i] : NULL;
}

const struct annot_value *
defaults_global_or_own(const struct defaults *d, unsigned global)
{
    return defaults_value(d, annot_count() + global);
}

/* 'text' is one that the row reads. */
static bool
set(struct defaults *d, size_t row, const char *text)
{
    bool is_other = !str_eq(d->texts[row], text) || d->is_broken[row];
    char *copy = text ? xstrdup(text) : NULL;

    free(d->texts[row]);
    annot_value_fini(&d->values[row]);
    d->is_broken[row] = false;
    d->texts[row] = copy;
    if (copy && !read_value(row_at(row), copy, &d->values[row])) {
        free(STEAL_PTR(d->texts[row]));
    }
    return is_other;
}

void
defaults_inherit(struct defaults *d, const struct defaults *from)
{
    for (size_t i = 0; i < d->n; i++) {
        (void) set(d, i, from->texts[i]);
        d->is_broken[i] = from->is_broken[i];
    }
    make_base(d);
}

/* --- One key --- */

/* The row that 'key' is the default of, NULL where it is none. */
static const struct annot_def *
find_row(const char *key, size_t *row)
{
    for (size_t i = 0; i < annot_count() + ANNOT_N_GLOBALS; i++) {
        const struct annot_def *def = row_at(i);

        if (def->key && strcmp(def->key, key) == 0) {
            *row = i;
            return def;
        }
    }
    return NULL;
}

/* disable-access-log is enable-access-log the other way round. */
static char *
invert(const char *value)
{
    AUTO_FREE char *text = str_trim(value);
    bool flag;

    return parse_bool(text, &flag) ? xstrdup(flag ? "false" : "true")
                                   : xstrdup(value);
}

struct source {
    const struct kube_object *object;
    char *name;                 /* "ConfigMap ns/name" */
    struct findings *findings;
    size_t n_unknown;
};

static void
say(const struct source *s, enum finding_severity severity, const char *key,
    const char *text)
{
    AUTO_FREE char *field = xasprintf("data[%s]", key);

    findings_add(s->findings, severity, FINDING_INVALID, s->name, field,
                 "%s", text);
}

static bool
read_key(struct defaults *d, const struct source *s, size_t row,
         const char *value)
{
    const struct annot_def *def = row_at(row);
    AUTO_FREE char *text = def->key_inverts ? invert(value) : xstrdup(value);
    struct annot_value read;
    struct annot_say said;
    enum annot_verdict verdict = annot_read(def, text, &read, &said);
    bool is_other = false;

    if (verdict == ANNOT_OK) {
        is_other = set(d, row, text);
    } else if (verdict == ANNOT_UNSET) {
        is_other = set(d, row, NULL);
    }
    if (said.warning.size > 0) {
        say(s, FINDING_WARNING, def->key, buf_str(&said.warning));
    }
    if (said.error.size > 0) {
        const bool is_broken = !d->texts[row] && def->protective;

        is_other |= is_broken && !d->is_broken[row];
        d->is_broken[row] = is_broken;
        buf_printf(&said.error, "; %s",
                   is_broken ? "routes that it is to protect answer 503"
                   : d->texts[row] ? "the last good value stays"
                                   : "the default stays");
        say(s, FINDING_ERROR, def->key, buf_str(&said.error));
    }
    annot_value_fini(&read);
    annot_say_fini(&said);
    return is_other;
}

/* Ours, then those of ingress-nginx. */
static const char *
key_at(size_t i, const void *aux UNUSED)
{
    const size_t n = annot_count() + ANNOT_N_GLOBALS;
    const char *key = i < n ? row_at(i)->key : foreign_key_at(i - n)->name;

    return key ? key : "";
}

static void
say_unknown(const struct source *s, const char *key)
{
    AUTO_FREE char *quoted = str_quote(key);
    const struct annot_def *def = annot_find(key, NULL);
    const char *near =
        str_nearest(key, annot_count() + ANNOT_N_GLOBALS +
                    foreign_key_count(), key_at, NULL);

    if (def) {
        findings_add(s->findings, FINDING_WARNING, FINDING_INVALID, s->name,
                     "data", "the key %s has no effect here: it is an "
                     "annotation, write it in the Ingress", quoted);
    } else if (near) {
        findings_add(s->findings, FINDING_WARNING, FINDING_INVALID, s->name,
                     "data", "the key %s is not known: did you mean \"%s\"?",
                     quoted, near);
    } else {
        findings_add(s->findings, FINDING_WARNING, FINDING_INVALID, s->name,
                     "data", "the key %s has no effect here: "
                     "docs/annotations.md lists those that have", quoted);
    }
}

/* A key that is none of ours. */
static void
say_foreign(struct source *s, const char *key, const char *value)
{
    static const char *const what[] = {
        [FOREIGN_NEEDLESS] = "has no effect and needs none",
        [FOREIGN_MOVED] = "has no effect here",
        [FOREIGN_REFUSED] = "is refused",
    };
    const struct foreign_key *known = foreign_key_find(key);
    AUTO_FREE char *text = NULL;

    if (known && foreign_key_is_idle(known, value)) {
        return;
    }
    if (!known) {
        if (++s->n_unknown <= UNKNOWN_MAX) {
            say_unknown(s, key);
        }
        return;
    }
    text = xasprintf("it %s: %s", what[known->kind], known->why);
    say(s, known->kind == FOREIGN_REFUSED ? FINDING_ERROR : FINDING_WARNING,
        key, text);
}

/* --- All keys --- */

bool
defaults_read(struct defaults *d, const struct kube_object *config_map,
              struct findings *findings)
{
    struct source s = { .object = config_map, .findings = findings };
    AUTO_FREE bool *is_given = xcalloc(d->n, sizeof *is_given);
    bool is_other = false;

    if (config_map) {
        const struct kube_pairs *data = &config_map->config_map.data;

        s.name = xasprintf("ConfigMap %s", config_map->key);
        for (size_t i = 0; i < data->n; i++) {
            size_t row;

            if (strcmp(data->items[i].name, PINS_KEY) == 0) {
                continue;       /* claims.h reads it. */
            }
            if (!find_row(data->items[i].name, &row)) {
                say_foreign(&s, data->items[i].name,
                            data->items[i].value ? data->items[i].value : "");
            } else if (data->items[i].value) {
                is_given[row] = true;
                is_other |= read_key(d, &s, row, data->items[i].value);
            }
        }
        if (s.n_unknown > UNKNOWN_MAX) {
            findings_add(findings, FINDING_WARNING, FINDING_INVALID, s.name,
                         "data", "%zu more keys are not known",
                         s.n_unknown - UNKNOWN_MAX);
        }
    }
    for (size_t i = 0; i < d->n; i++) {
        if (!is_given[i]) {
            is_other |= set(d, i, NULL);
        }
    }
    free(s.name);
    make_base(d);
    return is_other;
}

/* --- Keys that need another --- */

static bool
is_on(const struct defaults *d, enum annot_global key)
{
    const struct annot_value *value = defaults_global(d, key);

    return value && value->flag;
}

static bool
has_everybody(const struct annot_value *list)
{
    for (size_t i = 0; list && i < list->list.n; i++) {
        if (str_ends(list->list.items[i], "/0")) {
            return true;
        }
    }
    return false;
}

void
defaults_check(const struct defaults *d, const char *configmap,
               struct findings *findings)
{
    static const enum annot_global trusting[] = {
        GLOBAL_FORWARDED, GLOBAL_REAL_IP, GLOBAL_PROXY_PROTOCOL,
    };
    AUTO_FREE char *name = xasprintf("ConfigMap %s", configmap);
    const struct source s = { .name = name, .findings = findings };
    const struct annot_value *list = defaults_global(d, GLOBAL_TRUSTED);
    const bool has_trust = is_on(d, GLOBAL_FORWARDED) ||
                           is_on(d, GLOBAL_REAL_IP);

    for (size_t i = 0; i < ARRAY_SIZE(trusting); i++) {
        if (is_on(d, trusting[i]) && !list) {
            say(&s, FINDING_ERROR, annot_global(trusting[i])->key,
                "it has no effect without proxy-real-ip-cidr: write the "
                "addresses of the load balancers that are to be believed");
        }
    }
    if ((has_trust || is_on(d, GLOBAL_PROXY_PROTOCOL)) &&
        has_everybody(list)) {
        say(&s, FINDING_WARNING, annot_global(GLOBAL_TRUSTED)->key,
            "everybody may say which address a request comes from: limits "
            "and lists of addresses protect nothing");
    }
    if (!has_trust && defaults_global(d, GLOBAL_FORWARDED_HEADER)) {
        say(&s, FINDING_WARNING, annot_global(GLOBAL_FORWARDED_HEADER)->key,
            "it has no effect without use-forwarded-headers or "
            "enable-real-ip");
    }
    if (!is_on(d, GLOBAL_OCSP) && defaults_global(d,
                                                  GLOBAL_OCSP_RESPONDERS)) {
        say(&s, FINDING_WARNING, annot_global(GLOBAL_OCSP_RESPONDERS)->key,
            "it has no effect without enable-ocsp");
    }
    if (!has_trust && is_on(d, GLOBAL_FORWARDED_FULL)) {
        say(&s, FINDING_WARNING, annot_global(GLOBAL_FORWARDED_FULL)->key,
            "it has no effect without use-forwarded-headers or "
            "enable-real-ip");
    }
}
