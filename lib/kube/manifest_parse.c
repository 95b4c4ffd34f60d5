#include "lib/kube/manifest_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "lib/kube/decode.h"
#include "lib/kube/manifest_fields.h"
#include "lib/kube/resource.h"

#define NAMESPACE_MAX 63
#define NAME_MAX_LENGTH 253

/* One document, or one item of a List. */
struct reading {
    const char *file;
    unsigned line;
    struct manifest_objects *out;
    struct manifests_problems *problems;
    const char *item;       /* " items[3]" or "". */
    const char *object;     /* For problems; NULL until it is known. */
};

void
manifest_objects_fini(struct manifest_objects *objects)
{
    for (size_t i = 0; i < objects->all.n; i++) {
        kube_unref(objects->all.items[i]);
    }
    VEC_FINI(&objects->all);
}

char *
manifest_label(const struct kube_object *o)
{
    return xasprintf("%s %s", kube_kind_name(o->kind), o->key);
}

unsigned
manifest_line(const struct kube_object *o)
{
    const char *colon = o->source ? strrchr(o->source, ':') : NULL;
    AUTO_FREE char *digits = NULL;
    uint64_t line;

    if (!colon) {
        return 0;
    }
    digits = xstrndup(colon + 1, strspn(colon + 1, "0123456789"));
    return parse_u64(digits, 0, UINT32_MAX, &line) ? (unsigned) line : 0;
}

static void
tell(const struct reading *r, const char *message)
{
    bool is_item = r->item[0] != '\0' && !r->object;

    manifest_problem(r->problems, r->file, r->line, r->object, "%s%s%s",
                     is_item ? r->item + 1 : "", is_item ? ": " : "",
                     message);
}

/* RFC 1123: labels of a-z, 0-9 and '-', which begin and end with no '-'. */
static bool
is_dns_name(const char *s, size_t max, bool may_have_dots)
{
    size_t length = strlen(s);
    char before = '.';

    if (length == 0 || length > max) {
        return false;
    }
    for (size_t i = 0; i <= length; i++) {
        bool is_end = s[i] == '\0' || s[i] == '.';
        bool is_alphanumeric = (s[i] >= 'a' && s[i] <= 'z') ||
                               (s[i] >= '0' && s[i] <= '9');

        if (is_end ? before == '.' || before == '-'
                   : !is_alphanumeric && (s[i] != '-' || before == '.')) {
            return false;
        }
        if (s[i] == '.' && !may_have_dots) {
            return false;
        }
        before = s[i];
    }
    return true;
}

/* The text of a member, NULL where it is absent.  Unquoted, "n" is false and
 * "7" a number: that is the mistake to name here. */
static bool
take_name(struct reading *r, json_t *meta, const char *member,
          const char **out)
{
    json_t *value = json_object_get(meta, member);

    *out = json_string_value(value);
    if (value && !json_is_string(value) && !json_is_null(value)) {
        AUTO_FREE char *text = xasprintf(
            "metadata.%s: must be a string: put it in quotes", member);

        tell(r, text);
        return false;
    }
    return true;
}

static char *
wrong_name(enum kube_kind kind, const char *name, const char *ns,
           bool is_generated)
{
    bool is_namespace = kind == KUBE_NAMESPACE;
    AUTO_FREE char *quoted = str_quote(name ? name : "");
    AUTO_FREE char *quoted_ns = str_quote(ns ? ns : "");

    if (str_is_empty(name)) {
        return xasprintf("metadata.name: is missing%s",
                         is_generated ? ": without an API server nobody makes "
                                        "one from generateName"
                                      : "");
    }
    if (!is_dns_name(name, is_namespace ? NAMESPACE_MAX : NAME_MAX_LENGTH,
                     !is_namespace)) {
        return xasprintf("metadata.name: %s must be made of a-z, 0-9, '-' "
                         "and '.'",
                         quoted);
    }
    if (resource_is_namespaced(kind) && !str_is_empty(ns) &&
        !is_dns_name(ns, NAMESPACE_MAX, false)) {
        return xasprintf("metadata.namespace: %s must be made of a-z, 0-9 "
                         "and '-'",
                         quoted_ns);
    }
    return NULL;
}

/* The names a manifest needs, by the API server's rules. */
static bool
check_names(struct reading *r, enum kube_kind kind, json_t *meta)
{
    bool is_generated = json_is_string(json_object_get(meta, "generateName"));
    const char *name, *ns;
    AUTO_FREE char *text = NULL;

    if (!take_name(r, meta, "name", &name) ||
        !take_name(r, meta, "namespace", &ns)) {
        return false;
    }
    text = wrong_name(kind, name, ns, is_generated);
    if (text) {
        tell(r, text);
    }
    return text == NULL;
}

/* A copy of 'document' with uid and resourceVersion of our making. */
static json_t *
with_identity(enum kube_kind kind, json_t *document, const char *key,
              const char *source)
{
    json_t *copy = json_copy(document);
    json_t *meta = json_copy(json_object_get(document, "metadata"));
    AUTO_FREE char *name = xasprintf("%s %s", kube_kind_name(kind), key);
    AUTO_FREE char *content = json_dumps(document,
                                         JSON_COMPACT | JSON_SORT_KEYS);
    AUTO_FREE char *whole = xasprintf("%s\n%s", source,
                                      content ? content : "");
    char hex[DIGEST_HEX_SIZE];
    char uid[40];

    digest_sha256_hex(name, strlen(name), hex);
    snprintf(uid, sizeof uid, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
             hex + 12, hex + 16, hex + 20);
    json_object_set_new(meta, "uid", json_string(uid));
    /* With the source: a line that moved must be told to who quotes it. */
    digest_sha256_hex(whole, strlen(whole), hex);
    json_object_set_new(meta, "resourceVersion", json_stringn(hex, 32));
    json_object_set_new(copy, "metadata", meta);
    return copy;
}

static void
note_field(const char *message, void *aux)
{
    tell(aux, message);
}

static void
read_object(struct reading *r, enum kube_kind kind, json_t *document)
{
    json_t *meta = json_object_get(document, "metadata");
    AUTO_FREE char *source = xasprintf("%s:%u%s", r->file, r->line, r->item);
    AUTO_FREE char *label = NULL;
    AUTO_JSON json_t *copy = NULL;
    AUTO_ERR struct err *err = NULL;
    const struct kube_object *o;
    size_t n_before = r->problems->all.n;
    const char *ns, *name;

    r->object = kube_kind_name(kind);
    if (!json_is_object(meta)) {
        tell(r, "metadata: is missing");
        return;
    }
    if (!check_names(r, kind, meta)) {
        return;
    }
    name = json_string_value(json_object_get(meta, "name"));
    ns = json_string_value(json_object_get(meta, "namespace"));
    if (resource_is_namespaced(kind)) {
        label = xasprintf("%s %s/%s", kube_kind_name(kind),
                          str_is_empty(ns) ? "default" : ns, name);
    } else {
        label = xasprintf("%s %s", kube_kind_name(kind), name);
    }
    r->object = label;
    manifest_fields_check(kind, document, note_field, r);
    copy = with_identity(kind, document,
                         label + strlen(kube_kind_name(kind)) + 1, source);
    err = kube_decode(kind, copy, source, &o);
    if (err) {
        tell(r, err_text(err));
    } else if (r->problems->all.n > n_before) {
        kube_unref(o);
    } else {
        VEC_PUSH(&r->out->all, o);
    }
}

/* True where 'version' is that of a kind we read.  Another group's kind of
 * the same name is none of our business; an older version is a problem. */
static bool
check_version(struct reading *r, enum kube_kind kind, const char *version)
{
    const char *wanted = resource_api_version(kind);
    const char *slash = strchr(wanted, '/');
    size_t group_length = slash ? (size_t) (slash - wanted) + 1 : 0;
    AUTO_FREE char *quoted = str_quote(version ? version : "");
    AUTO_FREE char *text = NULL;

    if (str_eq(version, wanted)) {
        return true;
    }
    r->object = kube_kind_name(kind);
    if (!version) {
        text = xasprintf("apiVersion: is missing: write %s", wanted);
    } else if (kind == KUBE_INGRESS &&
               (str_starts(version, "extensions/") ||
                strcmp(version, "networking.k8s.io/v1beta1") == 0)) {
        text = xasprintf("apiVersion: %s is gone since Kubernetes 1.22: write "
                         "%s (kubectl convert rewrites the backends)",
                         quoted, wanted);
    } else if (group_length > 0
                   ? strncmp(version, wanted, group_length) == 0
                   : !strchr(version, '/')) {
        text = xasprintf("apiVersion: %s is not read: write %s", quoted,
                         wanted);
    }
    if (text) {
        tell(r, text);
    } else {
        log_debug("manifests", NULL, "%s:%u: a %s of another group is skipped",
                  r->file, r->line, kube_kind_name(kind));
    }
    return false;
}

/* "kustomization.yaml" may leave out its kind and is none of ours. */
static bool
is_kustomization(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash ? slash + 1 : file;

    return str_starts(base, "kustomization.y");
}

/* Reads what is no List.  An item of a typed list ("IngressList") has no
 * kind and apiVersion of its own: then the list's are 'kind', 'version'. */
static void
read_single(struct reading *r, json_t *document, const char *kind,
            const char *version)
{
    json_t *own_kind = json_object_get(document, "kind");
    json_t *own_version = json_object_get(document, "apiVersion");
    enum kube_kind known;

    if (!json_is_object(document)) {
        tell(r, "not a Kubernetes object");
        return;
    }
    kind = own_kind ? json_string_value(own_kind) : kind;
    version = own_version ? json_string_value(own_version) : version;
    if (!kind) {
        if (own_kind || !is_kustomization(r->file)) {
            tell(r, own_kind ? "kind: must be a string"
                             : "kind: is missing: not a Kubernetes object");
        }
        return;
    }
    if (!kube_kind_parse(kind, &known)) {
        AUTO_FREE char *quoted = str_quote(kind);

        log_debug("manifests", NULL, "%s:%u: kind %s is skipped", r->file,
                  r->line, quoted);
        return;
    }
    if (own_version && !version) {
        tell(r, "apiVersion: must be a string");
    } else if (check_version(r, known, version)) {
        read_object(r, known, document);
    }
}

/* The kind of the items of 'kind', "" where they say it themselves; NULL
 * where 'kind' is no list of ours. */
static char *
item_kind(const char *kind)
{
    AUTO_FREE char *name = NULL;
    enum kube_kind known;

    if (!str_ends(kind, "List")) {
        return NULL;
    }
    name = xstrndup(kind, strlen(kind) - strlen("List"));
    if (name[0] != '\0' && !kube_kind_parse(name, &known)) {
        return NULL;
    }
    return STEAL_PTR(name);
}

static void
read_list(struct reading *r, json_t *document, const char *kind)
{
    const char *version =
        json_string_value(json_object_get(document, "apiVersion"));
    json_t *items = json_object_get(document, "items");
    json_t *item;
    size_t i;

    if (items && !json_is_array(items) && !json_is_null(items)) {
        tell(r, "items: must be an array");
    }
    json_array_foreach(items, i, item) {
        AUTO_FREE char *mark = xasprintf(" items[%zu]", i);
        struct reading inner = *r;

        inner.item = mark;
        read_single(&inner, item, kind[0] ? kind : NULL,
                    kind[0] ? version : NULL);
    }
}

static struct err *
read_document(json_t *document, unsigned line, void *aux)
{
    struct reading *r = aux;
    const char *kind = json_string_value(json_object_get(document, "kind"));
    AUTO_FREE char *items = kind ? item_kind(kind) : NULL;

    r->line = line;
    r->object = NULL;
    if (items) {
        read_list(r, document, items);
    } else {
        read_single(r, document, NULL, NULL);
    }
    return NULL;
}

/* "line 12 column 3: text": the line goes where lines of problems go. */
static void
tell_syntax(struct reading *r, const struct err *err)
{
    const char *text = err_text(err);
    AUTO_FREE char *digits = NULL;
    uint64_t line;

    r->line = 0;
    r->object = NULL;
    if (str_starts(text, "line ")) {
        size_t n = strspn(text + 5, "0123456789");

        digits = xstrndup(text + 5, n);
        if (text[5 + n] == ' ' && parse_u64(digits, 1, UINT32_MAX, &line)) {
            r->line = (unsigned) line;
            text += 5 + n + 1;
        }
    }
    tell(r, text);
}

void
manifest_parse(const char *file, const char *text, size_t size,
               struct manifest_objects *out,
               struct manifests_problems *problems)
{
    struct reading r = {
        .file = file,
        .out = out,
        .problems = problems,
        .item = "",
    };
    AUTO_ERR struct err *err = yaml_each(text, size, read_document, &r);

    if (err) {
        tell_syntax(&r, err);
    }
}

void
manifest_problem(struct manifests_problems *problems, const char *file,
                 unsigned line, const char *object, const char *fmt, ...)
{
    struct manifests_problem *p = VEC_ADD(&problems->all);
    va_list args;

    p->file = str_has_control(file, strlen(file)) ? str_quote(file)
                                                  : xstrdup(file);
    p->line = line;
    p->object = object ? xstrdup(object) : NULL;
    va_start(args, fmt);
    if (vasprintf(&p->message, fmt, args) < 0) {
        p->message = xstrdup("something is wrong");
    }
    va_end(args);
}

void
manifests_problems_fini(struct manifests_problems *problems)
{
    for (size_t i = 0; i < problems->all.n; i++) {
        free(problems->all.items[i].file);
        free(problems->all.items[i].object);
        free(problems->all.items[i].message);
    }
    VEC_FINI(&problems->all);
}

char *
manifests_problem_text(const struct manifests_problem *p)
{
    AUTO_FREE char *line = p->line ? xasprintf(":%u", p->line) : xstrdup("");

    return xasprintf("%s%s: %s%s%s", p->file, line, p->object ? p->object : "",
                     p->object ? ": " : "", p->message);
}
