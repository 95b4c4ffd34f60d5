#include "webhook/skim.h"

#include <string.h>

#include "lib/base/compiler.h"
#include "webhook/limits.h"

/* The objects of a review that are walked into. */
enum level {
    LEVEL_NONE,
    LEVEL_REVIEW,
    LEVEL_REQUEST,
    LEVEL_OBJECT,
    LEVEL_OLD,                  /* The same, into its own text. */
    LEVEL_META,
    LEVEL_ANNOTATIONS,
    N_WALKED,
    /* And texts. */
    LEVEL_NAME = N_WALKED,      /* Copied, and compared. */
    LEVEL_NAMESPACE,
    LEVEL_ASKED_NAME,           /* Copied where it is not the object's. */
    LEVEL_ASKED_NAMESPACE,
    LEVEL_UID,                  /* Kept aside. */
    LEVEL_OPERATION,
    N_LEVELS,
};

/* What may be there once at most, as it is left out. */
enum seen {
    SEEN_NOTHING,
    SEEN_VERSION,
    SEEN_KIND,
    SEEN_OBJECT_KIND,           /* Up to here nothing else may stand. */
    SEEN_DRY_RUN,
    SEEN_OLD,
    SEEN_UID,
    SEEN_OPERATION,
    N_SEEN,
};

/* What becomes of a member: walked into, or with LEVEL_NONE left out, where
 * 'value' is given only if that stands there. */
struct rule {
    const char *name;
    size_t length;
    enum level inner;
    enum seen seen;
    const char *value;
};

#define NAME(text) text, sizeof text - 1
/* Most texts have no more bytes, once they are skimmed. */
#define ORDINARY 1000

static const struct rule in_review[] = {
    { NAME("apiVersion"), LEVEL_NONE, SEEN_VERSION,
      "\"admission.k8s.io/v1\"" },
    { NAME("kind"), LEVEL_NONE, SEEN_KIND, "\"AdmissionReview\"" },
    { NAME("request"), LEVEL_REQUEST, SEEN_NOTHING, NULL },
};
static const struct rule in_request[] = {
    { NAME("kind"), LEVEL_NONE, SEEN_OBJECT_KIND,
      "{\"group\":\"networking.k8s.io\",\"version\":\"v1\","
      "\"kind\":\"Ingress\"}" },
    { NAME("dryRun"), LEVEL_NONE, SEEN_DRY_RUN, "false" },
    { NAME("object"), LEVEL_OBJECT, SEEN_NOTHING, NULL },
    { NAME("oldObject"), LEVEL_OLD, SEEN_OLD, "null" },
    { NAME("resource"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("requestKind"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("requestResource"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("userInfo"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("options"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("name"), LEVEL_ASKED_NAME, SEEN_NOTHING, NULL },
    { NAME("namespace"), LEVEL_ASKED_NAMESPACE, SEEN_NOTHING, NULL },
    { NAME("uid"), LEVEL_UID, SEEN_UID, NULL },
    { NAME("operation"), LEVEL_OPERATION, SEEN_OPERATION, NULL },
};
static const struct rule in_object[] = {
    { NAME("metadata"), LEVEL_META, SEEN_NOTHING, NULL },
    { NAME("kind"), LEVEL_NONE, SEEN_NOTHING, "\"Ingress\"" },
    { NAME("apiVersion"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("status"), LEVEL_NONE, SEEN_NOTHING, NULL },
};
static const struct rule in_meta[] = {
    { NAME("name"), LEVEL_NAME, SEEN_NOTHING, NULL },
    { NAME("namespace"), LEVEL_NAMESPACE, SEEN_NOTHING, NULL },
    { NAME("annotations"), LEVEL_ANNOTATIONS, SEEN_NOTHING, NULL },
    { NAME("uid"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("labels"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("managedFields"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("ownerReferences"), LEVEL_NONE, SEEN_NOTHING, NULL },
    { NAME("finalizers"), LEVEL_NONE, SEEN_NOTHING, NULL },
};
static const struct rule in_annotations[] = {
    { NAME("kubectl.kubernetes.io/last-applied-configuration"), LEVEL_NONE,
      SEEN_NOTHING, NULL },
};

static const struct {
    const struct rule *rules;
    size_t n;
} levels[N_LEVELS] = {
    [LEVEL_REVIEW] = { in_review, ARRAY_SIZE(in_review) },
    [LEVEL_REQUEST] = { in_request, ARRAY_SIZE(in_request) },
    [LEVEL_OBJECT] = { in_object, ARRAY_SIZE(in_object) },
    [LEVEL_OLD] = { in_object, ARRAY_SIZE(in_object) },
    [LEVEL_META] = { in_meta, ARRAY_SIZE(in_meta) },
    [LEVEL_ANNOTATIONS] = { in_annotations, ARRAY_SIZE(in_annotations) },
};

/* Bytes at which something begins or ends; 0 is the end of all. */
static const bool is_mark[256] = {
    ['\0'] = true, ['"'] = true, ['{'] = true,
    ['}'] = true,  ['['] = true, [']'] = true,
};
/* Bytes that end a word, beside those. */
static const bool is_end[256] = {
    ['\t'] = true, ['\n'] = true, ['\r'] = true,
    [' '] = true,  [','] = true,  [':'] = true,
};

/* A member of an object as it stands in the text. */
struct noted {
    const char *value;
    size_t size;
    unsigned n;                 /* How often it is there. */
};

/* What tells one object from another. */
struct identity {
    struct noted name, ns;
};

struct skim {
    const char *at;
    const char *end;
    struct identity object, old_object;
    struct identity asked;      /* As the request itself has it. */
    struct identity *present;   /* Of the one that is read. */
    const char *uid;
    size_t uid_size;
    const char *operation;
    struct buf *out;
    struct buf *old;            /* Where that of oldObject goes. */
    unsigned seen[N_SEEN];      /* How often each was. */
    bool is_odd;                /* One of them is another than ours. */
};

static void
skip_blanks(struct skim *s)
{
    const char *at = s->at;

    while (at < s->end &&
           (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    s->at = at;
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

/* Behind the last quote of a string, NULL where there is none: 'begin' is
 * behind its first, and the last has an even number of backslashes before
 * it. */
static const char *
end_of_string(const char *begin, const char *end)
{
    const char *at = begin;

    while ((at = memchr(at, '"', (size_t) (end - at)))) {
        const char *before = at++;

        while (before > begin && before[-1] == '\\') {
            before--;
        }
        if ((at - 1 - before) % 2 == 0) {
            return at;
        }
    }
    return NULL;
}

static bool
skip_string(struct skim *s)
{
    const char *at = end_of_string(s->at, s->end);

    s->at = at ? at : s->end;
    return at != NULL;
}

/* A number, true, false or null. */
static bool
skip_word(struct skim *s)
{
    const char *const begin = s->at;
    const char *at = begin;

    while (at < s->end && !is_mark[(unsigned char) *at] &&
           !is_end[(unsigned char) *at]) {
        at++;
    }
    s->at = at;
    return at > begin;
}

/* From behind a bracket to behind the one that closes it. */
static bool
skip_nested(struct skim *s)
{
    const char *const end = s->end;
    const char *at = s->at;
    size_t depth = 1;

    while (depth > 0) {
        while (at < end && !is_mark[(unsigned char) *at]) {
            at++;
        }
        if (at == end || *at == '\0') {
            return false;
        }
        switch (*at++) {
        case '"':
            at = end_of_string(at, end);
            if (!at) {
                return false;
            }
            break;
        case '{':
        case '[':
            depth++;
            break;
        default:
            depth--;
            break;
        }
    }
    s->at = at;
    return true;
}

static bool
skip_value(struct skim *s)
{
    const char c = s->at < s->end ? *s->at : '\0';

    if (c == '"' || c == '{' || c == '[') {
        s->at++;
        return c == '"' ? skip_string(s) : skip_nested(s);
    }
    return skip_word(s);
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
    for (size_t i = 0; i < levels[level].n; i++) {
        const struct rule *rule = &levels[level].rules[i];

        if (rule->length == length && memcmp(rule->name, name, length) == 0) {
            return rule;
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
    bool is_out;

    if (!rule || (rule->inner != LEVEL_NONE && !rule->value)) {
        return false;
    }
    is_out = !rule->value || is_text(rule->value, value, size);
    /* Another value of it counts, too: then there are two. */
    s->seen[rule->seen]++;
    s->is_odd |= !is_out && rule->seen != SEEN_NOTHING &&
                 rule->seen <= SEEN_OBJECT_KIND;
    return is_out;
}

static bool
skim_old(struct skim *s)
{
    struct buf *out = s->out;
    bool is_good;

    s->seen[SEEN_OLD]++;
    s->present = &s->old_object;
    s->out = s->old;
    buf_expect(s->out, ORDINARY);
    is_good = skim_object(s, LEVEL_OLD);
    s->out = out;
    s->present = &s->object;
    return is_good;
}

static void
note(struct noted *noted, const char *value, size_t size)
{
    noted->value = value;
    noted->size = size;
    noted->n++;
}

static bool
is_same(const struct noted *a, const struct noted *b)
{
    return a->n == 1 && b->n == 1 && a->size == b->size &&
           memcmp(a->value, b->value, a->size) == 0;
}

/* A string that is not empty and has no escapes. */
static bool
is_plain(const char *value, size_t size)
{
    return size > 2 && value[0] == '"' && !memchr(value, '\\', size);
}

static bool
keep_uid(struct skim *s, const char *value, size_t size)
{
    for (size_t i = 1; i + 1 < size; i++) {
        const char c = value[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
            !(c >= 'A' && c <= 'Z') && c != '-') {
            return false;
        }
    }
    if (size <= 2 || size - 2 > WEBHOOK_MAX_UID || value[0] != '"') {
        return false;
    }
    s->uid = value + 1;
    s->uid_size = size - 2;
    return true;
}

static bool
keep_operation(struct skim *s, const char *value, size_t size)
{
    static const struct {
        const char *text, *name;
    } known[] = {
        { "\"CREATE\"", "CREATE" }, { "\"UPDATE\"", "UPDATE" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (is_text(known[i].text, value, size)) {
            s->operation = known[i].name;
            return true;
        }
    }
    return false;
}

/* Looks at a text that is more than copied; true where it is not, or not
 * yet. */
static bool
keep_text(struct skim *s, const struct rule *rule, const char *value,
          size_t size)
{
    s->seen[rule->seen]++;
    switch ((int) rule->inner) {
    case LEVEL_NAME:
        note(&s->present->name, value, size);
        return false;
    case LEVEL_NAMESPACE:
        note(&s->present->ns, value, size);
        return false;
    case LEVEL_ASKED_NAME:
        note(&s->asked.name, value, size);
        return true;
    case LEVEL_ASKED_NAMESPACE:
        note(&s->asked.ns, value, size);
        return true;
    case LEVEL_UID:
        return keep_uid(s, value, size);
    case LEVEL_OPERATION:
        return keep_operation(s, value, size);
    default:
        return false;
    }
}

static bool
is_asked_same(const struct noted *asked, const struct noted *object)
{
    return is_same(asked, object) && is_plain(asked->value, asked->size);
}

/* What the request says of the object waits for what the object says. */
static bool
put_asked(struct skim *s, bool *is_first)
{
    if (s->asked.name.n > 1 || s->asked.ns.n > 1) {
        return false;
    }
    if (s->asked.name.n == 1 &&
        !is_asked_same(&s->asked.name, &s->object.name)) {
        put_name(s, is_first, "\"name\"", strlen("\"name\""));
        buf_put(s->out, s->asked.name.value, s->asked.name.size);
    }
    if (s->asked.ns.n == 1 && !is_asked_same(&s->asked.ns, &s->object.ns)) {
        put_name(s, is_first, "\"namespace\"", strlen("\"namespace\""));
        buf_put(s->out, s->asked.ns.value, s->asked.ns.size);
    }
    return true;
}

/* A name of the envelope that is written with escapes may be one of those
 * that were left out: the parser is to see both. */
static bool
is_hidden(enum level level, const char *name, size_t size)
{
    return (level == LEVEL_REVIEW || level == LEVEL_REQUEST) &&
           memchr(name, '\\', size) != NULL;
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
    if (is_hidden(level, name, name_size)) {
        return false;
    }
    rule = find_rule(level, name + 1, name_size - 2);
    if (!take(s, ':')) {
        return false;
    }
    skip_blanks(s);
    value = s->at;
    if (rule && rule->inner != LEVEL_NONE && rule->inner < N_WALKED &&
        value < s->end && *value == '{') {
        if (rule->inner == LEVEL_OLD) {
            return skim_old(s);
        }
        put_name(s, is_first, name, name_size);
        return skim_object(s, rule->inner);
    }
    if (!skip_value(s)) {
        return false;
    }
    if (rule && rule->inner >= N_WALKED
            ? !keep_text(s, rule, value, (size_t) (s->at - value))
            : !is_left_out(s, rule, value, (size_t) (s->at - value))) {
        put_name(s, is_first, name, name_size);
        buf_put(s->out, value, (size_t) (s->at - value));
    }
    return true;
}

static bool
skim_object(struct skim *s, enum level level)
{
    bool is_first = true;

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
        if (!take(s, '}') ||
            (level == LEVEL_REQUEST && !put_asked(s, &is_first))) {
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
    buf_fini(&out->old);
}

bool
skim_review(const char *text, size_t size, struct skimmed *out)
{
    struct skim s = {
        .at = text,
        .end = text + size,
        .out = &out->text,
        .old = &out->old,
    };
    bool is_good;

    s.present = &s.object;
    buf_expect(&out->text, ORDINARY);
    is_good = skim_object(&s, LEVEL_REVIEW);
    skip_blanks(&s);
    out->is_old_same = is_same(&s.object.name, &s.old_object.name) &&
                       is_same(&s.object.ns, &s.old_object.ns);
    out->has_namespace = is_asked_same(&s.asked.ns, &s.object.ns);
    out->uid = s.uid;
    out->uid_size = s.uid_size;
    out->operation = s.operation;
    out->has_version = s.seen[SEEN_VERSION] > 0;
    out->has_kind = s.seen[SEEN_KIND] > 0;
    out->has_object_kind = s.seen[SEEN_OBJECT_KIND] > 0;
    for (size_t i = SEEN_NOTHING + 1; i < N_SEEN; i++) {
        is_good = is_good && s.seen[i] <= 1;
    }
    return is_good && s.at == s.end && !s.is_odd;
}
