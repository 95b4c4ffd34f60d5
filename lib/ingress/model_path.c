#include "lib/ingress/model_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/key.h"
#include "lib/ingress/regex.h"

#define REGEX_BYTES "()[]{}*^|$\\?"
/* Printable bytes that no URL has as they are (RFC 3986), and what begins its
 * fragment. */
#define NEVER_SENT " \"#<>^`{}"
/* Probing one for time that explodes may cost milliseconds, and HAProxy tries
 * those of a host one by one: more belong into several Ingresses. */
#define MAX_REGEXES 100
#define USE_REGEX "the annotation " ANNOT_PREFIX "use-regex: \"true\""

static bool
looks_like_regex(const char *path)
{
    return strpbrk(path, REGEX_BYTES) != NULL;
}

/* Under use-regex ingress-nginx reads every path of the host as a regular
 * expression.  Here a path is one where it says ImplementationSpecific, or
 * where it could not mean anything else; Exact and Prefix keep the meaning
 * that Kubernetes gives them.  A path that is its own rewrite target never
 * was one.  A canary is under its main Ingress's annotations: it need not
 * repeat what makes the path of both an expression. */
static bool
is_regex(const struct build *b, const struct kube_path *path)
{
    const struct settings *s = b->model->settings;
    const bool is_ours = path->type == KUBE_PATH_IMPLEMENTATION;

    if (str_is_empty(path->path) || str_eq(path->path, s->rewrite_target)) {
        return false;
    }
    if (!s->use_regex) {
        return b->model->is_canary && is_ours && looks_like_regex(path->path);
    }
    return is_ours || looks_like_regex(path->path);
}

/* Why 'text' is not a regular expression for us, or NULL. */
static char *
check_regex(const char *text)
{
    if (text[0] != '/') {
        return xstrdup("must begin with \"/\"");
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return xstrdup(
                "must be printable ASCII without blanks: as a regular "
                "expression is matched against the escaped path, write "
                "other bytes as their escapes, such as %20 or %C3%A9");
        }
    }
    return regex_check(text);
}

/* A plain path is the same claim as its Prefix. */
static char *
regex_key(const char *host, const char *text)
{
    bool is_plain = !looks_like_regex(text) && !strchr(text, '+') &&
                    (!str_ends(text, "/") || text[1] == '\0');
    const char *why;
    AUTO_FREE char *path = is_plain ? key_path(text, &why) : NULL;

    return path ? key_route(host, path, false)
                : xasprintf("%s~%s", host, text);
}

static bool
read_regex(struct build *b, const struct kube_path *path, struct route *r,
           struct place place)
{
    AUTO_FREE char *quoted = str_quote(path->path);
    AUTO_FREE char *why = NULL;

    if (++b->n_regexes > MAX_REGEXES) {
        build_error(b, place, "path %s is one regular expression too many: "
                    "an Ingress may have %d", quoted, MAX_REGEXES);
        return false;
    }
    why = check_regex(path->path);
    if (why) {
        build_error(b, place, "path %s %s", quoted, why);
        return false;
    }
    if (path->type != KUBE_PATH_IMPLEMENTATION) {
        build_warn(b, place, "path %s is a regular expression: write "
                   "pathType: ImplementationSpecific", quoted);
    }
    r->kind = ROUTE_REGEX;
    r->path = path->path;
    r->regex = path->path;
    r->key = build_own(b, regex_key(r->host, path->path));
    return true;
}

/* A byte that no client sends is an error of the author, or text for another
 * parser than ours: refused rather than understood.  NULL then, as where
 * key_path() refuses it. */
static char *
sound_path(const char *text, const char **why)
{
    if (strpbrk(text, NEVER_SENT)) {
        *why = "must not hold a blank or one of \" # < > ^ ` { }, which "
               "clients send as escapes: write those, such as %20";
        return NULL;
    }
    return key_path(text, why);
}

/* 'why' it cannot be served, NULL: it is, and was perhaps meant otherwise. */
static void
say_plain(struct build *b, const char *text, const char *why,
          struct place place)
{
    AUTO_FREE char *quoted = str_quote(text);

    if (why) {
        build_error(b, place, "path %s %s%s", quoted, why,
                    looks_like_regex(text)
                        ? "; if it is a regular expression, set " USE_REGEX
                        : "");
    } else {
        build_warn(b, place, "path %s looks like a regular expression and "
                   "is taken literally: if it is one, set " USE_REGEX,
                   quoted);
    }
}

static bool
read_plain(struct build *b, const struct kube_path *path, struct route *r,
           struct place place)
{
    bool is_exact = path->type == KUBE_PATH_EXACT;
    const char *text = str_is_empty(path->path) ? "/" : path->path;
    const bool is_plain = key_is_plain(text);
    const char *why;
    AUTO_FREE char *made = is_plain ? NULL : sound_path(text, &why);
    const char *canonical = is_plain ? text : made;

    if (!canonical || (!is_plain && looks_like_regex(text))) {
        say_plain(b, text, canonical ? NULL : why, place);
    }
    if (!canonical) {
        return false;
    }
    r->kind = is_exact ? ROUTE_EXACT : ROUTE_PREFIX;
    r->path = text;
    r->key = key_route_in(&b->owned, r->host, canonical, is_exact);
    return true;
}

/* cert-manager's solver answers over http, for one. */
static bool
stays_http(const struct build *b, const char *path)
{
    const struct settings_texts *list =
        &defaults_global_or_own(b->ruleset->defaults,
                                GLOBAL_NO_REDIRECT)->list;

    for (size_t i = 0; i < list->n; i++) {
        if (str_starts(path, list->items[i])) {
            return true;
        }
    }
    return false;
}

void
build_path(struct build *b, const char *host, const struct kube_path *path,
           char *field)
{
    const struct place place = PLACE(field, ".path");
    struct route r = {
        .host = host, .backend = path->backend, .field = field,
    };
    bool is_good;

    if (path->type == KUBE_PATH_UNKNOWN) {
        build_error(b, PLACE(field, ".pathType"), "must be \"Prefix\", "
                    "\"Exact\" or \"ImplementationSpecific\"");
        return;
    }
    if (str_is_empty(path->path) &&
        path->type != KUBE_PATH_IMPLEMENTATION) {
        build_error(b, place, "is missing: write \"/\" for every path");
        return;
    }
    is_good = is_regex(b, path) ? read_regex(b, path, &r, place)
                                : read_plain(b, path, &r, place);
    r.stays_http = is_good && stays_http(b, r.path);
    is_good = build_has_backend(b, &path->backend,
                                PLACE(field, ".backend")) &&
              is_good;
    if (is_good) {
        build_route(b, &r);
    }
}
