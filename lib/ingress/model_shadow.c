/* Paths that can never match because a regular expression takes all of their
 * requests first. */
#include "lib/ingress/model_priv.h"

#include <string.h>
#include <strings.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define REGEX_BYTES "()[]{}*+?.^|$\\"

/* How many bytes of 'path' every request that matches it begins with. */
static size_t
literal_length(const struct route *r)
{
    size_t length;

    if (r->kind != ROUTE_REGEX) {
        return strlen(r->path);
    }
    length = strcspn(r->path, REGEX_BYTES);
    /* "a?" and its like may leave out the byte before. */
    if (length > 0 && r->path[length] && strchr("*?{|", r->path[length])) {
        length--;
    }
    return strchr(r->path, '|') ? 0 : length;
}

/* True for an expression that takes whatever begins like its literal part:
 * the text ends there, or anything may follow. */
static bool
takes_all(const struct route *r)
{
    static const char *const tails[] = {
        "", ".*", "(.*)", ".*$", "(.*)$", "(.*)?",
    };
    const char *tail = r->path + strcspn(r->path, REGEX_BYTES);

    for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
        if (strcmp(tail, tails[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Expressions of a host are tried from the longest text to the shortest, and
 * its plain paths with them (serve.c). */
static bool
is_tried_before(const struct route *a, const struct route *b)
{
    size_t x = strlen(a->path), y = strlen(b->path);

    return x != y ? x > y : strcmp(a->path, b->path) > 0;
}

bool
route_is_hidden(const struct route *r, const struct route *regex)
{
    size_t length = strcspn(regex->path, REGEX_BYTES);

    return regex->kind == ROUTE_REGEX && r->kind <= ROUTE_REGEX &&
           r != regex && takes_all(regex) &&
           strcmp(r->host, regex->host) == 0 && literal_length(r) >= length &&
           strncasecmp(r->path, regex->path, length) == 0 &&
           is_tried_before(regex, r);
}

/* The path of an annotation's host is told under its rule already. */
static void
say_hidden(struct build *b, const struct route *r, const struct route *by)
{
    AUTO_FREE char *path = str_quote(r->path);
    AUTO_FREE char *regex = str_quote(by->path);

    if (!r->of) {
        build_warn(b, PLACE(r->field, ".path"), "path %s never matches: %s "
                   "in %s is tried first, as the longer text, and takes all "
                   "of its requests; write the former so that it is longer, "
                   "or the latter so that it takes less", path, regex,
                   by->field);
    }
}

void
build_shadows(struct build *b)
{
    const struct route *routes = b->routes.items;

    for (size_t i = 0; b->n_regexes > 0 && i < b->routes.n; i++) {
        if (routes[i].kind != ROUTE_REGEX) {
            continue;
        }
        for (size_t k = 0; k < b->routes.n; k++) {
            if (route_is_hidden(&routes[k], &routes[i])) {
                say_hidden(b, &routes[k], &routes[i]);
            }
        }
    }
}
