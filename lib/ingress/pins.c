#include "lib/ingress/pins.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/host.h"
#include "lib/ingress/name.h"

struct pins {
    VEC(struct pin *) list;
    struct map *by_suffix;
};

static void
free_pin(struct pin *pin)
{
    for (size_t i = 0; i < pin->n; i++) {
        free(pin->namespaces[i]);
    }
    free(pin->namespaces);
    free(pin->suffix);
    free(pin);
}

struct pins *
pins_new(void)
{
    struct pins *p = xcalloc(1, sizeof *p);

    p->by_suffix = map_new();
    return p;
}

void
pins_free(struct pins *p)
{
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->list.n; i++) {
        free_pin(p->list.items[i]);
    }
    VEC_FINI(&p->list);
    map_free(p->by_suffix, NULL);
    free(p);
}

size_t
pins_count(const struct pins *p)
{
    return p->list.n;
}

/* --- Reading --- */

static bool
has_namespace(const struct pin *pin, const char *ns)
{
    for (size_t i = 0; i < pin->n; i++) {
        if (strcmp(pin->namespaces[i], ns) == 0) {
            return true;
        }
    }
    return false;
}

static bool
add_namespace(const char *piece, size_t length, void *aux)
{
    struct pin *pin = aux;
    AUTO_FREE char *ns = xstrndup(piece, length);

    if (!name_is_label(ns) || pin->n == PINS_MAX_NAMESPACES) {
        return false;
    }
    if (!has_namespace(pin, ns)) {
        pin->namespaces = xrealloc(pin->namespaces, pin->n + 1,
                                   sizeof *pin->namespaces);
        pin->namespaces[pin->n++] = STEAL_PTR(ns);
    }
    return true;
}

/* The pin of a suffix, a new one where there is none; NULL where there are
 * too many. */
static struct pin *
pin_of(struct pins *p, const char *suffix)
{
    struct pin *pin = map_get(p->by_suffix, suffix);

    if (!pin && p->list.n < PINS_MAX) {
        pin = xcalloc(1, sizeof *pin);
        pin->suffix = xstrdup(suffix);
        VEC_PUSH(&p->list, pin);
        map_put(p->by_suffix, suffix, pin);
    }
    return pin;
}

/* 'row' is a suffix, 'mark', and namespaces with 'comma' between them. */
static struct err *
add_row(struct pins *p, const char *row, char mark, char comma)
{
    const char *end = strchr(row, mark);
    AUTO_FREE char *given =
        xstrndup(row, end ? (size_t) (end - row) : strlen(row));
    AUTO_FREE char *trimmed = str_trim(given);
    AUTO_FREE char *quoted = str_quote(row);
    AUTO_FREE char *suffix = NULL;
    struct pin *pin;
    const char *why;

    suffix = host_canonical(trimmed, &why);
    if (!suffix || suffix[0] == '\0' || host_is_wildcard(suffix)) {
        return err_new(ERR_INVALID,
                       "%s does not begin with a host such as "
                       "\"team-a.example.com\", which stands for itself and "
                       "all hosts below it", quoted);
    }
    pin = pin_of(p, suffix);
    if (!pin) {
        return err_new(ERR_LIMIT, "more than %d hosts", PINS_MAX);
    }
    if (!end || !str_split(end + 1, comma, add_namespace, pin)) {
        return err_new(ERR_INVALID,
                       "%s is not a host, \"%c\" and namespaces with \"%c\" "
                       "between them", quoted, mark, comma);
    }
    return NULL;
}

struct reader {
    struct pins *pins;
    struct err *err;            /* The first. */
    bool is_flag;
};

static void
keep_first(struct reader *r, struct err *err)
{
    if (r->err) {
        err_free(err);
    } else {
        r->err = err;
    }
}

static bool
read_row(const char *piece, size_t length, void *aux)
{
    struct reader *r = aux;
    AUTO_FREE char *row = xstrndup(piece, length);

    if (!r->is_flag) {
        row[strcspn(row, "#")] = '\0';
        if (row[strspn(row, " \t\r")] == '\0') {
            return true;
        }
    }
    keep_first(r, r->is_flag ? add_row(r->pins, row, '=', '+')
                             : add_row(r->pins, row, ':', ','));
    return true;
}

struct err *
pins_parse_flag(const char *text, struct pins *p)
{
    struct pins *fresh = pins_new();
    struct reader r = { .pins = fresh, .is_flag = true };

    str_split(text, ',', read_row, &r);
    if (!r.err) {
        pins_add_all(p, fresh);
    }
    pins_free(fresh);
    return r.err;
}

struct err *
pins_parse_lines(const char *text, struct pins *p)
{
    struct reader r = { .pins = p };

    str_split(text, '\n', read_row, &r);
    return r.err;
}

void
pins_add_all(struct pins *to, const struct pins *from)
{
    for (size_t i = 0; i < from->list.n; i++) {
        const struct pin *have = from->list.items[i];
        struct pin *pin = map_get(to->by_suffix, have->suffix)
                              ? NULL
                              : pin_of(to, have->suffix);

        for (size_t j = 0; pin && j < have->n; j++) {
            add_namespace(have->namespaces[j], strlen(have->namespaces[j]),
                          pin);
        }
    }
}

/* --- Asking --- */

/* The longest suffix of 'host' that is pinned. */
static const struct pin *
find(const struct pins *p, const char *host)
{
    const char *at = host_is_wildcard(host) ? host + 2 : host;

    for (;;) {
        const struct pin *pin = map_get(p->by_suffix, at);
        const char *dot = strchr(at, '.');

        if (pin || !dot) {
            return pin;
        }
        at = dot + 1;
    }
}

const struct pin *
pins_against(const struct pins *p, const char *host, const char *ns)
{
    const struct pin *pin;

    if (p->list.n == 0) {
        return NULL;
    }
    pin = find(p, host);
    if (pin) {
        return has_namespace(pin, ns) ? NULL : pin;
    }
    for (size_t i = 0; host_is_wildcard(host) && i < p->list.n; i++) {
        pin = p->list.items[i];
        if (host_covers(host, pin->suffix) && !has_namespace(pin, ns)) {
            return pin;
        }
    }
    return NULL;
}

/* --- The list of a Namespace --- */

static bool
is_other(const char *piece, size_t length, void *aux)
{
    const char *host = aux;
    AUTO_FREE char *given = xstrndup(piece, length);
    AUTO_FREE char *item = NULL;
    const char *why;

    if (strcmp(given, "*") == 0) {
        return false;
    }
    item = host_canonical(given, &why);
    if (!item || item[0] == '\0') {
        return true;
    }
    return host_is_wildcard(item) ? !str_ends(host, item + 1)
                                  : strcmp(host, item) != 0;
}

bool
pins_list_has(const char *list, const char *host)
{
    /* style: the cast gives str_each_fn's aux; is_other only reads. */
    void *aux = (void *) (uintptr_t) host;

    return strlen(list) <= PINS_MAX_LIST &&
           !str_split(list, ',', is_other, aux);
}
