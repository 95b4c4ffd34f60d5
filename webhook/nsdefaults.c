#include "webhook/nsdefaults.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"

#define MAX_TEXT ((size_t) 64 << 10)

struct reading {
    struct nsdefaults *defaults;
    const char *object;         /* "Namespace x" */
    struct findings *out;
};

void
nsdefaults_fini(struct nsdefaults *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->names[i]);
        free(d->values[i]);
    }
    memset(d, 0, sizeof *d);
}

static void
leave_out(const struct reading *r, const char *what, const char *why)
{
    AUTO_FREE char *quoted = str_quote(what);

    findings_add(r->out, FINDING_WARNING, FINDING_INVALID, r->object,
                 "metadata.annotations[" NSDEFAULTS_ANNOTATION "]",
                 "%s is left out: %s", quoted, why);
}

static bool
is_name(const char *s)
{
    size_t length = strlen(s);

    return length > 0 && length <= 63 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

/* NULL where no annotation of ours can have that name. */
static char *
whole_name(const char *name)
{
    static const char *const prefixes[] = { ANNOT_PREFIX, ANNOT_OWN_PREFIX };

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (str_starts(name, prefixes[i]) &&
            is_name(name + strlen(prefixes[i]))) {
            return xstrdup(name);
        }
    }
    return is_name(name) ? xasprintf(ANNOT_PREFIX "%s", name) : NULL;
}

static bool
has(const struct nsdefaults *d, const char *name)
{
    for (size_t i = 0; i < d->n; i++) {
        if (strcmp(d->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void
add(const struct reading *r, const char *name, const char *value)
{
    struct nsdefaults *d = r->defaults;
    AUTO_FREE char *whole = whole_name(name);

    if (!whole) {
        leave_out(r, name, "it is no name under " ANNOT_PREFIX " or "
                           ANNOT_OWN_PREFIX);
    } else if (has(d, whole)) {
        leave_out(r, name, "it stands there twice");
    } else if (d->n == NSDEFAULTS_MAX) {
        leave_out(r, name, "there are more than 64");
    } else if (strlen(value) > NSDEFAULTS_MAX_VALUE) {
        leave_out(r, name, "its value is longer than 4096 bytes");
    } else {
        d->names[d->n] = STEAL_PTR(whole);
        d->values[d->n++] = xstrdup(value);
    }
}

static bool
add_line(const char *piece, size_t length, void *aux)
{
    const struct reading *r = aux;
    AUTO_FREE char *line = xstrndup(piece, length);
    size_t at = strcspn(line, ":=");
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *raw = NULL;
    AUTO_FREE char *value = NULL;

    if (line[0] == '#' || line[0] == '\0') {
        return true;
    }
    if (line[at] == '\0') {
        leave_out(r, line, "write \"name: value\"");
        return true;
    }
    raw = xstrndup(line, at);
    name = str_trim(raw);
    value = str_trim(line + at + 1);
    add(r, name, value);
    return true;
}

static void
add_json(const struct reading *r, const char *text)
{
    AUTO_JSON json_t *document = NULL;
    AUTO_ERR struct err *err =
        jx_load(text, strlen(text), MAX_TEXT, &document);
    const char *name;
    json_t *value;

    if (err) {
        leave_out(r, text, err_text(err));
        return;
    }
    json_object_foreach(document, name, value) {
        if (json_is_string(value)) {
            add(r, name, json_string_value(value));
        } else {
            leave_out(r, name, "its value must be a string, with quotes");
        }
    }
}

void
nsdefaults_read(const struct kube_object *ns, struct nsdefaults *d,
              struct findings *out)
{
    const char *text = kube_pair(&ns->annotations, NSDEFAULTS_ANNOTATION);
    AUTO_FREE char *quoted = str_quote(ns->name);
    AUTO_FREE char *object = xasprintf("Namespace %s", quoted);
    const struct reading r = { .defaults = d, .object = object, .out = out };

    memset(d, 0, sizeof *d);
    if (!text) {
        return;
    }
    if (strlen(text) > MAX_TEXT) {
        leave_out(&r, text, "it is longer than 64 KiB");
    } else if (text[strspn(text, " \t\r\n")] == '{') {
        add_json(&r, text);
    } else {
        /* style: the cast gives str_each_fn's aux; add_line only reads. */
        str_split(text, '\n', add_line, (void *) (uintptr_t) &r);
    }
}
