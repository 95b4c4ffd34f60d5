#include "webhook/skim.h"

#include <string.h>

#include "lib/base/compiler.h"
#include "lib/base/jx.h"
#include "lib/base/jx_plain.h"
#include "lib/base/jx_skip.h"
#include "webhook/limits.h"

/* The objects of a review that are walked into. */
enum level {
    LEVEL_NONE,
    LEVEL_REVIEW,
    LEVEL_REQUEST,
    LEVEL_OBJECT,
    LEVEL_OLD,                  /* The same, which waits. */
    LEVEL_META,
    LEVEL_ANNOTATIONS,
    N_WALKED,
    /* And texts. */
    LEVEL_NAME = N_WALKED,      /* Read, and compared. */
    LEVEL_NAMESPACE,
    LEVEL_ASKED_NAME,           /* Read where it is not the object's. */
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
/* What a pool has given for a value that turns out not to be plain is not
 * there for jansson, which reads longer reviews from the beginning on. */
#define ORDINARY ((size_t) 64 << 10)

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
    struct jx_plain in;
    bool is_ordinary;
    bool may_have_nul;
    struct identity object, old_object;
    struct identity asked;      /* As the request itself has it. */
    struct identity *present;   /* Of the one that is read. */
    const char *uid;
    size_t uid_size;
    const char *operation;
    const char *old;            /* The text of oldObject. */
    size_t old_size;
    unsigned seen[N_SEEN];      /* How often each was. */
    bool is_odd;                /* One of them is another than ours. */
};

static bool
is_text(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

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

/* The one value that stands in a text, by jansson; NULL where it is none:
 * the whole review is read then, and what is wrong with it is said. */
static json_t *
load_odd(struct skim *s, const char *text, size_t size)
{
    json_t *value;
    struct err *err = jx_load_value(text, size, WEBHOOK_MAX_REVIEW, &value);

    err_free(err);
    s->may_have_nul |= jx_may_have_nul(text, size);
    return value;
}

/* The value that stands here, into an object; of one that is not kept (NULL)
 * no more than its end is looked for. */
static bool
keep(struct skim *s, json_t *into, const char *name, size_t size)
{
    const char *begin = s->in.at;
    struct jx_plain plain = s->in;
    json_t *value = into && s->is_ordinary ? jx_plain_value(&plain) : NULL;

    if (value) {
        s->in.at = plain.at;
    } else if (!jx_skip_value(&s->in)) {
        return false;
    }
    if (into && !value) {
        value = load_odd(s, begin, (size_t) (s->in.at - begin));
    }
    return !into || jx_plain_put(into, name, size, value);
}

static bool skim_object(struct skim *, enum level, json_t *into);

/* True where 'value' of a member is not kept. */
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
    bool is_good;

    s->seen[SEEN_OLD]++;
    s->present = &s->old_object;
    s->old = s->in.at;
    is_good = skim_object(s, LEVEL_OLD, NULL);
    s->old_size = (size_t) (s->in.at - s->old);
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

/* Looks at a text that is more than kept; true where it is not, or not
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

/* What was passed by. */
static bool
keep_noted(struct skim *s, json_t *into, const char *name,
           const struct noted *noted)
{
    const struct jx_plain after = s->in;
    bool is_good;

    s->in.at = noted->value;
    s->in.end = noted->value + noted->size;
    is_good = keep(s, into, name, strlen(name));
    s->in = after;
    return is_good;
}

/* What the request says of the object waits for what the object says. */
static bool
keep_asked(struct skim *s, json_t *into)
{
    const struct {
        const char *name;
        const struct noted *asked, *object;
    } texts[] = {
        { "name", &s->asked.name, &s->object.name },
        { "namespace", &s->asked.ns, &s->object.ns },
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        const struct noted *asked = texts[i].asked;

        if (asked->n > 1 ||
            (asked->n == 1 && !is_asked_same(asked, texts[i].object) &&
             !keep_noted(s, into, texts[i].name, asked))) {
            return false;
        }
    }
    return true;
}

/* A member that is an object and has a level of its own. */
static bool
skim_inner(struct skim *s, enum level level, const char *name, size_t size,
           json_t *into)
{
    json_t *inner;

    if (level == LEVEL_OLD) {
        return skim_old(s);
    }
    if (!into) {
        return skim_object(s, level, NULL);
    }
    inner = json_object();
    return jx_plain_put(into, name, size, inner) &&
           skim_object(s, level, inner);
}

/* A name that is not plain may be one of those known, in other letters: the
 * parser is to see all. */
static bool
skim_member(struct skim *s, enum level level, json_t *into)
{
    size_t size;
    const char *name = jx_plain_string(&s->in, &size), *value;
    const struct rule *rule;
    bool is_out;

    if (!name || !jx_plain_take(&s->in, ':')) {
        return false;
    }
    jx_plain_skip_blanks(&s->in);
    value = s->in.at;
    rule = find_rule(level, name, size);
    if (rule && rule->inner != LEVEL_NONE && rule->inner < N_WALKED &&
        value < s->in.end && *value == '{') {
        return skim_inner(s, rule->inner, name, size, into);
    }
    if (rule) {
        if (!jx_skip_value(&s->in)) {
            return false;
        }
        is_out = rule->inner >= N_WALKED
                     ? keep_text(s, rule, value, (size_t) (s->in.at - value))
                     : is_left_out(s, rule, value,
                                   (size_t) (s->in.at - value));
        if (is_out) {
            return true;
        }
        s->in.at = value;
    }
    return keep(s, into, name, size);
}

static bool
skim_object(struct skim *s, enum level level, json_t *into)
{
    if (!jx_plain_take(&s->in, '{')) {
        return false;
    }
    if (!jx_plain_take(&s->in, '}')) {
        do {
            if (!skim_member(s, level, into)) {
                return false;
            }
        } while (jx_plain_take(&s->in, ','));
        if (!jx_plain_take(&s->in, '}')) {
            return false;
        }
    }
    return level != LEVEL_REQUEST || keep_asked(s, into);
}

/* All that there is, into a document; NULL where it must be read as it is. */
static json_t *
skim_text(struct skim *s, enum level level, const char *text, size_t size)
{
    json_t *document = json_object();

    s->in = (struct jx_plain) { .at = text, .end = text + size };
    s->is_ordinary = size <= ORDINARY;
    s->present = &s->object;
    if (document && skim_object(s, level, document)) {
        jx_plain_skip_blanks(&s->in);
        if (s->in.at == s->in.end && !s->is_odd) {
            return document;
        }
    }
    json_decref(document);
    return NULL;
}

json_t *
skim_object_alone(const char *text, size_t size, bool *may_have_nul)
{
    struct skim s = { .may_have_nul = false };
    json_t *document = skim_text(&s, LEVEL_OBJECT, text, size);

    *may_have_nul = s.may_have_nul;
    return document;
}

bool
skim_review(const char *text, size_t size, struct skimmed *out)
{
    struct skim s = { .may_have_nul = false };
    json_t *document = skim_text(&s, LEVEL_REVIEW, text, size);
    bool is_good = document != NULL;

    for (size_t i = SEEN_NOTHING + 1; i < N_SEEN; i++) {
        is_good = is_good && s.seen[i] <= 1;
    }
    if (!is_good) {
        json_decref(document);
        return false;
    }
    *out = (struct skimmed) {
        .document = document,
        .may_have_nul = s.may_have_nul,
        .old = s.old,
        .old_size = s.old_size,
        .is_old_same = is_same(&s.object.name, &s.old_object.name) &&
                       is_same(&s.object.ns, &s.old_object.ns),
        .has_version = s.seen[SEEN_VERSION] > 0,
        .has_kind = s.seen[SEEN_KIND] > 0,
        .has_object_kind = s.seen[SEEN_OBJECT_KIND] > 0,
        .has_namespace = is_asked_same(&s.asked.ns, &s.object.ns),
        .uid = s.uid,
        .uid_size = s.uid_size,
        .operation = s.operation,
    };
    return true;
}
