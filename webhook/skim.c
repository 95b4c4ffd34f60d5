#include "webhook/skim.h"

#include <string.h>

#include "lib/base/compiler.h"

/* The objects of a review that are walked into. */
enum level {
    LEVEL_NONE,
    LEVEL_SPEC,                 /* Not walked into, and the same in both. */
    LEVEL_REVIEW,
    LEVEL_REQUEST,
    LEVEL_OBJECT,
    LEVEL_META,
    LEVEL_ANNOTATIONS,
};

/* What becomes of a member: walked into, or with LEVEL_NONE left out, where
 * 'value' is given only if that stands there. */
static const struct rule {
    enum level level;
    const char *name;
    enum level inner;
    const char *value;
    enum { SEEN_NOTHING, SEEN_VERSION, SEEN_KIND, SEEN_OBJECT_KIND } seen;
} rules[] = {
    { LEVEL_REVIEW, "apiVersion", LEVEL_NONE, "\"admission.k8s.io/v1\"",
      SEEN_VERSION },
    { LEVEL_REVIEW, "kind", LEVEL_NONE, "\"AdmissionReview\"", SEEN_KIND },
    { LEVEL_REVIEW, "request", LEVEL_REQUEST, NULL, SEEN_NOTHING },
    { LEVEL_REQUEST, "kind", LEVEL_NONE,
      "{\"group\":\"networking.k8s.io\",\"version\":\"v1\","
      "\"kind\":\"Ingress\"}", SEEN_OBJECT_KIND },
    { LEVEL_REQUEST, "object", LEVEL_OBJECT, NULL, SEEN_NOTHING },
    { LEVEL_REQUEST, "oldObject", LEVEL_OBJECT, NULL, SEEN_NOTHING },
    { LEVEL_REQUEST, "resource", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_REQUEST, "requestKind", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_REQUEST, "requestResource", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_REQUEST, "userInfo", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_REQUEST, "options", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_OBJECT, "metadata", LEVEL_META, NULL, SEEN_NOTHING },
    { LEVEL_OBJECT, "spec", LEVEL_SPEC, NULL, SEEN_NOTHING },
    { LEVEL_OBJECT, "kind", LEVEL_NONE, "\"Ingress\"", SEEN_NOTHING },
    { LEVEL_OBJECT, "apiVersion", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_OBJECT, "status", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_META, "annotations", LEVEL_ANNOTATIONS, NULL, SEEN_NOTHING },
    { LEVEL_META, "uid", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_META, "labels", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_META, "managedFields", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_META, "ownerReferences", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_META, "finalizers", LEVEL_NONE, NULL, SEEN_NOTHING },
    { LEVEL_ANNOTATIONS, "kubectl.kubernetes.io/last-applied-configuration",
      LEVEL_NONE, NULL, SEEN_NOTHING },
};

struct skim {
    const char *at;
    const char *end;
    struct buf *out;
    unsigned n_objects;         /* Objects begun. */
    const char *spec;           /* Of one of them, NULL: none yet. */
    size_t spec_size;
    unsigned spec_object;       /* Which. */
    bool is_spec_shared;
    unsigned seen[SEEN_OBJECT_KIND + 1];    /* How often each was. */
    bool is_odd;                /* One of them is another than ours. */
};

static void
skip_blanks(struct skim *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' ||
                              *s->at == '\n' || *s->at == '\r')) {
        s->at++;
    }
}

static bool
take(struct skim *s, char c)
{
    skip_blanks(s);
    if (s->at == s->end || *s->at != c) {
        return false;
    }
    s->at++;
    return true;
}

/* From behind a string's first quote to behind its last: one with an even
 * number of backslashes before it. */
static bool
skip_string(struct skim *s)
{
    const char *begin = s->at;
    const char *quote;

    while ((quote = memchr(s->at, '"', (size_t) (s->end - s->at)))) {
        const char *before = quote;

        while (before > begin && before[-1] == '\\') {
            before--;
        }
        s->at = quote + 1;
        if ((quote - before) % 2 == 0) {
            return true;
        }
    }
    return false;
}

/* A number, true, false or null. */
static bool
skip_word(struct skim *s)
{
    const char *begin = s->at;

    while (s->at < s->end && *s->at > ' ' && !strchr(",:]}[{\"", *s->at)) {
        s->at++;
    }
    return s->at > begin;
}

static bool
skip_value(struct skim *s)
{
    size_t depth = 0;

    skip_blanks(s);
    do {
        const char c = s->at < s->end ? *s->at : '\0';

        if (c == '\0') {
            return false;
        }
        if (depth == 0 && c != '"' && c != '{' && c != '[') {
            return skip_word(s);
        }
        s->at++;
        if (c == '"') {
            if (!skip_string(s)) {
                return false;
            }
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    } while (depth > 0);
    return true;
}

/* The spec of an object.  The second one is left out where it is the first
 * in every byte. */
static bool
is_shared_spec(struct skim *s, const char *value, size_t size)
{
    if (!s->spec) {
        s->spec = value;
        s->spec_size = size;
        s->spec_object = s->n_objects;
        return false;
    }
    if (s->spec_object == s->n_objects || size != s->spec_size ||
        memcmp(value, s->spec, size) != 0) {
        return false;
    }
    s->is_spec_shared = true;
    return true;
}

static bool
is_text(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

/* A name is as it stands in the text: one that is written with escapes is
 * none of those we know, and is copied. */
static const struct rule *
find_rule(enum level level, const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (rules[i].level == level && is_text(rules[i].name, name, length)) {
            return &rules[i];
        }
    }
    return NULL;
}

/* A member that is to be copied: 'name' is its name with quotes. */
static void
put_name(struct skim *s, bool *is_first, const char *name, size_t size)
{
    if (!*is_first) {
        buf_putc(s->out, ',');
    }
    *is_first = false;
    buf_put(s->out, name, size);
    buf_putc(s->out, ':');
}

static bool skim_object(struct skim *, enum level);

/* True where 'value' of a member is not copied. */
static bool
is_left_out(struct skim *s, const struct rule *rule, const char *value,
            size_t size)
{
    if (rule && rule->inner == LEVEL_NONE) {
        const bool is_out = !rule->value || is_text(rule->value, value, size);

        /* Another value of it counts, too: then there are two. */
        s->seen[rule->seen]++;
        s->is_odd |= rule->seen && !is_out;
        return is_out;
    }
    return rule && rule->inner == LEVEL_SPEC &&
           is_shared_spec(s, value, size);
}

static bool
skim_member(struct skim *s, enum level level, bool *is_first)
{
    const char *name = s->at, *value;
    const struct rule *rule;
    size_t name_size;

    if (!take(s, '"') || !skip_string(s)) {
        return false;
    }
    name_size = (size_t) (s->at - name);
    rule = find_rule(level, name + 1, name_size - 2);
    if (!take(s, ':')) {
        return false;
    }
    skip_blanks(s);
    value = s->at;
    if (rule && rule->inner > LEVEL_SPEC && value < s->end &&
        *value == '{') {
        put_name(s, is_first, name, name_size);
        return skim_object(s, rule->inner);
    }
    if (!skip_value(s)) {
        return false;
    }
    if (!is_left_out(s, rule, value, (size_t) (s->at - value))) {
        put_name(s, is_first, name, name_size);
        buf_put(s->out, value, (size_t) (s->at - value));
    }
    return true;
}

static bool
skim_object(struct skim *s, enum level level)
{
    bool is_first = true;

    s->n_objects += level == LEVEL_OBJECT;
    if (!take(s, '{')) {
        return false;
    }
    buf_putc(s->out, '{');
    if (!take(s, '}')) {
        do {
            skip_blanks(s);
            if (!skim_member(s, level, &is_first)) {
                return false;
            }
        } while (take(s, ','));
        if (!take(s, '}')) {
            return false;
        }
    }
    buf_putc(s->out, '}');
    return true;
}

void
skimmed_fini(struct skimmed *out)
{
    buf_fini(&out->text);
}

bool
skim_review(const char *text, size_t size, struct skimmed *out)
{
    struct skim s = { .at = text, .end = text + size, .out = &out->text };
    const bool is_good = skim_object(&s, LEVEL_REVIEW);

    skip_blanks(&s);
    out->is_spec_shared = s.is_spec_shared;
    out->has_version = s.seen[SEEN_VERSION] > 0;
    out->has_kind = s.seen[SEEN_KIND] > 0;
    out->has_object_kind = s.seen[SEEN_OBJECT_KIND] > 0;
    return is_good && s.at == s.end && !s.is_odd &&
           s.seen[SEEN_VERSION] <= 1 && s.seen[SEEN_KIND] <= 1 &&
           s.seen[SEEN_OBJECT_KIND] <= 1;
}
