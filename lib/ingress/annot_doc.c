/* The table for people: a terminal, and docs/annotations.md. */
#include "lib/ingress/annot_priv.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/ingress/foreign_flags.h"
#include "lib/ingress/foreign_keys.h"

const char *
annot_support_text(enum annot_support support)
{
    switch (support) {
    case ANNOT_FULL:
        return "yes";
    case ANNOT_PARTIAL:
        return "with differences";
    case ANNOT_NOT_YET:
        return "not yet";
    case ANNOT_REFUSED:
        return "refused";
    case ANNOT_IGNORED:
        return "ignored";
    case ANNOT_REMOVED:
        return "removed";
    }
    return "";
}

const char *
annot_scope_text(enum annot_scope scope)
{
    switch (scope) {
    case ANNOT_SCOPE_PATH:
        return "paths of the Ingress";
    case ANNOT_SCOPE_HOST:
        return "whole hosts";
    case ANNOT_SCOPE_BACKEND:
        return "Services";
    }
    return "";
}

const char *
annot_effect_text(enum annot_effect effect)
{
    switch (effect) {
    case ANNOT_EFFECT_NONE:
        return "nothing";
    case ANNOT_EFFECT_MAP:
        return "map rows";
    case ANNOT_EFFECT_SERVER:
        return "servers";
    case ANNOT_EFFECT_CERTIFICATE:
        return "certificate store";
    case ANNOT_EFFECT_CLASS:
        return "another slot";
    case ANNOT_EFFECT_RELOAD:
        return "reload";
    }
    return "";
}

const char *
annot_risk_text(enum annot_risk risk)
{
    switch (risk) {
    case ANNOT_RISK_LOW:
        return "low";
    case ANNOT_RISK_MEDIUM:
        return "medium";
    case ANNOT_RISK_HIGH:
        return "high";
    case ANNOT_RISK_CRITICAL:
        return "critical";
    }
    return "";
}

static void
print_choices(const struct annot_def *def, struct buf *out)
{
    for (size_t i = 0; def->choices[i]; i++) {
        buf_printf(out, "%s%s", i ? ", " : "", def->choices[i]);
    }
}

/* Kinds of which there is nothing more to say. */
static const char *
kind_text(enum annot_kind kind)
{
    switch (kind) {
    case ANNOT_BOOL:
        return "true or false";
    case ANNOT_SIZE:
        return "digits and k, m or g";
    case ANNOT_URL:
        return "an absolute URL, http or https";
    case ANNOT_CIDRS:
        return "networks and addresses, with commas";
    case ANNOT_REWRITE:
        return "a path, with $1 to $9";
    case ANNOT_PATH:
        return "a path";
    case ANNOT_DOMAIN:
        return "a domain";
    case ANNOT_METHODS:
        return "methods, with commas";
    case ANNOT_HEADERS:
        return "header names, with commas";
    case ANNOT_ORIGINS:
        return "origins, with commas";
    case ANNOT_HOST:
        return "a host, with a port or without";
    case ANNOT_HOSTS:
        return "hosts, with a port or without, with commas";
    case ANNOT_ALIASES:
        return "hosts, with commas";
    case ANNOT_NAMESPACES:
        return "namespaces, with commas, or *";
    case ANNOT_INGRESS:
        return "an Ingress: namespace/name";
    case ANNOT_OBJECT:
        return "a name, or namespace/name of the Ingress's own namespace";
    case ANNOT_MATCHES:
        return "texts, ~ or ~* and a regular expression, with commas";
    case ANNOT_PATHS:
        return "paths, with commas";
    case ANNOT_CODES:
        return "statuses, with commas";
    case ANNOT_INT:
    case ANNOT_SECONDS:
    case ANNOT_CHOICE:
    case ANNOT_TEXT:
    case ANNOT_PAIR:
    case ANNOT_WORDS:
    case ANNOT_RAW:
        break;
    }
    return "anything";
}

void
annot_print_allowed(const struct annot_def *def, struct buf *out)
{
    if (def->kind == ANNOT_INT || def->kind == ANNOT_SECONDS) {
        buf_printf(out, "%s, %llu to %llu",
                   def->kind == ANNOT_INT ? "a whole number" : "seconds",
                   (unsigned long long) def->range.min,
                   (unsigned long long) def->range.max);
    } else if (def->kind == ANNOT_CHOICE) {
        print_choices(def, out);
    } else if (def->kind == ANNOT_WORDS) {
        buf_puts(out, "some of ");
        print_choices(def, out);
    } else if (def->kind == ANNOT_TEXT) {
        buf_puts(out, def->set->text);
    } else if (def->kind == ANNOT_PAIR) {
        buf_printf(out, "off, or two %s", def->set->text);
    } else {
        buf_puts(out, kind_text(def->kind));
    }
}

/* Whether there is a value to speak of. */
static bool
is_read(const struct annot_def *def)
{
    return def->apply != NULL;
}

const char *
annot_prefix(const struct annot_def *def)
{
    if (def->is_key_only) {
        return "";
    }
    return def->is_own ? ANNOT_OWN_PREFIX : ANNOT_PREFIX;
}

void
annot_print(const struct annot_def *def, struct buf *out)
{
    buf_printf(out, "%s%s\n  %s\n", annot_prefix(def), def->name, def->doc);
    if (def->alias) {
        buf_printf(out, "  also:      %s\n", def->alias);
    }
    buf_printf(out, "  supported: %s\n", annot_support_text(def->support));
    if (is_read(def)) {
        buf_puts(out, "  value:     ");
        annot_print_allowed(def, out);
        buf_putc(out, '\n');
    }
    if (def->dflt) {
        buf_printf(out, "  default:   %s\n", def->dflt);
    }
    for (size_t i = 0; i < ARRAY_SIZE(def->needs) && def->needs[i]; i++) {
        buf_printf(out, "  %s %s\n", i ? "      or  " : "needs:    ",
                   def->needs[i]);
    }
    buf_printf(out, "  reaches:   %s\n", annot_scope_text(def->scope));
    if (is_read(def)) {
        buf_printf(out, "  a change:  %s\n",
                   annot_effect_text(def->effect));
    }
    if (def->protective) {
        buf_puts(out, "  protects:  routes answer 503 where it cannot be "
                 "honoured\n");
    }
    buf_printf(out, "  risk:      %s\n", annot_risk_text(def->risk));
    if (def->instead) {
        buf_printf(out, "  instead:   %s\n", def->instead);
    }
}

/* Text in a cell of a Markdown table. */
static void
put_cell(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (strchr("|*<>_", *text)) {
            buf_putc(out, '\\');
        }
        buf_putc(out, *text);
    }
}

static void
put_value(const struct annot_def *def, struct buf *out)
{
    AUTO_BUF struct buf allowed = BUF_OWN;

    if (!is_read(def)) {
        return;
    }
    annot_print_allowed(def, &allowed);
    put_cell(buf_str(&allowed), out);
    if (def->dflt) {
        buf_printf(out, " (`%s`)", def->dflt);
    }
}

static void
put_row(const struct annot_def *def, struct buf *out)
{
    buf_printf(out, "| `%s`", def->name);
    if (def->alias) {
        buf_printf(out, ", `%s`", def->alias);
    }
    buf_printf(out, " | %s%s | ", annot_support_text(def->support),
               def->protective ? ", protects" : "");
    put_value(def, out);
    buf_printf(out, " | %s | ",
               is_read(def) ? annot_effect_text(def->effect) : "");
    put_cell(def->doc, out);
    if (def->instead) {
        buf_puts(out, " Now: ");
        put_cell(def->instead, out);
        buf_putc(out, '.');
    }
    buf_puts(out, " |\n");
}

static size_t
count(enum annot_support support)
{
    size_t n = 0;

    for (size_t i = 0; i < annot_count(); i++) {
        n += annot_at(i)->support == support;
    }
    return n;
}

/* Rows that are ingress-nginx's annotations of today. */
static size_t
count_theirs(enum annot_support support)
{
    size_t n = 0;

    for (size_t i = 0; i < annot_count(); i++) {
        n += annot_at(i)->support == support && !annot_at(i)->is_own;
    }
    return n;
}

void
annot_print_coverage(struct buf *out)
{
    size_t honoured = count_theirs(ANNOT_FULL) + count_theirs(ANNOT_PARTIAL);
    size_t refused = count_theirs(ANNOT_REFUSED);
    size_t ignored = count_theirs(ANNOT_IGNORED);
    size_t later = count_theirs(ANNOT_NOT_YET);

    buf_printf(out, "Of ingress-nginx's %zu annotations %zu are honoured, "
               "%zu refused with a reason, %zu ignored",
               honoured + refused + ignored + later, honoured, refused,
               ignored);
    if (later > 0) {
        buf_printf(out, ", %zu not yet there", later);
    }
    buf_puts(out, ".\n");
}

static const char intro[] =
    "<!-- Written by \"make docs\" from lib/ingress/annot_table_*.c. -->\n"
    "# Annotations\n"
    "\n"
    "Sallyport reads ingress-nginx's annotations, under\n"
    "`nginx.ingress.kubernetes.io/` or, with the same meaning, under\n"
    "`sallyport.dev/`. Where both are there, `sallyport.dev/` counts.\n"
    "\n"
    "- A value that is not allowed is refused at `kubectl apply` with a\n"
    "  message that says what to write. Where an object has one all the\n"
    "  same, the default stays in its place.\n"
    "- *protects*: where such an annotation cannot be honoured, the routes\n"
    "  of its Ingress answer 503 rather than serve unprotected.\n"
    "- *not yet*, *removed*: a warning names it. *refused*: an error that\n"
    "  says what to do instead; for snippets see\n"
    "  [migration.md](migration.md). Its default is taken.\n"
    "- A name that is in none of these tables is a warning with the nearest\n"
    "  one that is.\n"
    "- Booleans are `true` and `false` (also `1 t T TRUE True 0 f F FALSE\n"
    "  False`), numbers have no unit, an empty value is as none.\n"
    "- *A change* says what HAProxy is told when the value changes. *Another\n"
    "  slot* is one of another class: a class that is asked for the first\n"
    "  time is a reload before HAProxy 3.4, its later users cost none.\n"
    "  *nothing*: HAProxy does what it asks for in any case.\n";

static const char keys_intro[] =
    "\n## Keys of the ConfigMap\n"
    "\n"
    "`--configmap NAMESPACE/NAME` names a ConfigMap whose keys are the\n"
    "defaults of these annotations; an annotation beats its key. A change is\n"
    "in force at once and reloads nothing. A bad value is told in an Event on\n"
    "the ConfigMap, and the last good one stays.\n"
    "\n"
    "| Key | Default of | Value (without the key) |\n"
    "|---|---|---|\n";

/* A key that says the opposite has the opposite default. */
static void
put_key_value(const struct annot_def *def, struct buf *out)
{
    struct annot_def inverted = *def;

    if (def->key_inverts) {
        inverted.dflt = str_eq(def->dflt, "true") ? "false" : "true";
    }
    put_value(&inverted, out);
}

static const char foreign_intro[] =
    "\nThese keys of ingress-nginx have no effect. A *refused* one is an\n"
    "error of the ConfigMap; of any other a warning says which flag it is, or\n"
    "why it needs none.\n"
    "Any other key is a warning with the nearest known one.\n"
    "\n"
    "| Key | | Why |\n"
    "|---|---|---|\n";

static const char flags_intro[] =
    "\n## Flags of ingress-nginx\n"
    "\n"
    "These flags of its controller are none of sallyport-reconciler, which\n"
    "names them and does not start. The others mean the same in both.\n"
    "\n"
    "| Flag | Instead, or why there is no need |\n"
    "|---|---|\n";

static void
put_foreign_keys(struct buf *out)
{
    static const char *const what[] = {
        [FOREIGN_NEEDLESS] = "needs nothing",
        [FOREIGN_MOVED] = "a flag",
        [FOREIGN_REFUSED] = "refused",
    };

    buf_puts(out, foreign_intro);
    for (size_t i = 0; i < foreign_key_count(); i++) {
        const struct foreign_key *key = foreign_key_at(i);

        buf_printf(out, "| `%s` | %s", key->name, what[key->kind]);
        if (key->idle) {
            buf_printf(out, ", unless `%s`", key->idle);
        }
        buf_puts(out, " | ");
        put_cell(key->why, out);
        buf_puts(out, ". |\n");
    }
}

static void
put_foreign_flags(struct buf *out)
{
    buf_puts(out, flags_intro);
    for (size_t i = 0; i < foreign_flag_count(); i++) {
        const struct foreign_flag *flag = foreign_flag_at(i);

        buf_printf(out, "| `--%s` | ", flag->name);
        put_cell(flag->why, out);
        buf_puts(out, ". |\n");
    }
}

static void
put_keys(struct buf *out)
{
    buf_puts(out, keys_intro);
    for (size_t i = 0; i < annot_count(); i++) {
        const struct annot_def *def = annot_at(i);

        if (def->key) {
            buf_printf(out, "| `%s` | `%s`%s | ", def->key, def->name,
                       def->key_inverts ? ", the other way round" : "");
            put_key_value(def, out);
            buf_puts(out, " |\n");
        }
    }
    buf_puts(out, "\n| Key | Value (without the key) | What it does |\n"
             "|---|---|---|\n");
    for (unsigned i = 0; i < ANNOT_N_GLOBALS; i++) {
        const struct annot_def *def = annot_global((enum annot_global) i);

        buf_printf(out, "| `%s` | ", def->key);
        put_value(def, out);
        buf_puts(out, " | ");
        put_cell(def->doc, out);
        buf_puts(out, " |\n");
    }
    put_foreign_keys(out);
}

void
annot_print_docs(struct buf *out)
{
    buf_puts(out, intro);
    buf_printf(out,
               "\nOf %zu names, %zu work, %zu work with differences, %zu do "
               "not yet,\n%zu are refused and %zu removed.\n",
               annot_count(), count(ANNOT_FULL), count(ANNOT_PARTIAL),
               count(ANNOT_NOT_YET), count(ANNOT_REFUSED),
               count(ANNOT_REMOVED));
    for (size_t i = 0; i < annot_count(); i++) {
        const char *heading = annot_heading(i);

        if (heading) {
            buf_printf(out,
                       "\n## %s\n\n| Annotation | Supported | Value "
                       "(default) | A change | What it does |\n"
                       "|---|---|---|---|---|\n", heading);
        }
        put_row(annot_at(i), out);
    }
    put_keys(out);
    put_foreign_flags(out);
}
