#include "cli/run_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/key.h"

/* Of the program's own proof. */
#define RESERVED "proof.invalid"

struct reader {
    const char *dir;
    struct map *owners;         /* Slot -> "ns/service:port". */
    struct map *rows;           /* Key -> json, borrowed from 'routes'. */
    json_t *routes;
    const char *scheme;         /* Of the map being read. */
    json_int_t order;
};

typedef void line_fn(char *key, char *value, struct reader *);

/* Calls 'each' for every "KEY VALUE" of a map. */
static struct err *
read_map(struct reader *r, const char *name, line_fn *each)
{
    AUTO_FREE char *path = xasprintf("%s/maps/%s.map", r->dir, name);
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;

    if (!file) {
        return err_new(ERR_GONE, "%s: %s", path, strerror(errno));
    }
    r->order = 0;
    while (getline(&line, &room, file) > 0) {
        char *blank = strchr(line, ' ');

        line[strcspn(line, "\n")] = '\0';
        if (blank) {
            *blank = '\0';
            each(line, blank + 1, r);
        }
    }
    free(line);
    fclose(file);
    return NULL;
}

static void
take_owner(char *slot, char *owner, struct reader *r)
{
    owner[strcspn(owner, "|")] = '\0';
    free(map_put(r->owners, slot, xstrdup(owner)));
}

/* What a slot does, in the words of serve_action_text(). */
static const char *
action_of(const char *slot)
{
    static const struct {
        const char *slot;
        const char *action;
    } fixed[] = {
        { "none", "not-found" },
        { "unavailable", "unavailable" },
        { "https-redirect", "https-redirect" },
        { "redirect", "redirect" },
        { "inner", "terminated" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (strcmp(fixed[i].slot, slot) == 0) {
            return fixed[i].action;
        }
    }
    return "forward";
}

static json_t *
add_row(struct reader *r, const char *host, const char *path,
        const char *type)
{
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n}",
        "host", host, "path", path, "type", type, "order", "namespace",
        "ingress", "field", "backend", "http", "https", "to", "canary");

    if (row) {
        json_array_append_new(r->routes, row);
    }
    return row;
}

static void
set_value(struct reader *r, json_t *row, char *value)
{
    const char *owner;

    value[strcspn(value, ";")] = '\0';
    owner = map_get(r->owners, value);
    json_object_set_new(row, r->scheme, json_string(action_of(value)));
    if (owner) {
        json_object_set_new(row, "backend", json_string(owner));
    }
}

static void
take_route(char *key, char *value, struct reader *r)
{
    json_t *row = map_get(r->rows, key);
    AUTO_FREE char *host = xstrndup(key, strcspn(key, "/"));
    size_t length = strlen(key);
    bool is_exact = length > 0 && key[length - 1] == KEY_END;

    if (str_ends(host, RESERVED)) {
        return;
    }
    if (!row) {
        size_t end = length - (is_exact ? 2 : 1);
        const char *path = key + strlen(host);
        size_t n = length > strlen(host) + 1 ? end - strlen(host) : 0;
        AUTO_FREE char *text = n > 0 ? xstrndup(path, n) : xstrdup("/");

        row = add_row(r, host, text, is_exact ? "Exact" : "Prefix");
        if (!row) {
            return;
        }
        map_put(r->rows, key, row);
    }
    set_value(r, row, value);
}

/* "^host\|(?i:regex)" as the plan writes it. */
static void
take_regex(char *key, char *value, struct reader *r)
{
    json_t *row = map_get(r->rows, key);
    const char *bar = strstr(key, "\\|");
    AUTO_FREE char *host = NULL;
    size_t n = 0;

    if (!bar || key[0] != '^') {
        return;
    }
    host = xstrndup(key + 1, (size_t) (bar - key - 1));
    for (const char *p = host; *p; p++) {
        if (*p != '\\') {
            host[n++] = *p;
        }
    }
    host[n] = '\0';
    if (str_ends(host, RESERVED)) {
        return;
    }
    if (!row) {
        row = add_row(r, host, bar + 2, "regular expression");
        if (!row) {
            return;
        }
        json_object_set_new(row, "order", json_integer(++r->order));
        map_put(r->rows, key, row);
    }
    set_value(r, row, value);
}

static void
take_sni(char *host, char *slot, struct reader *r)
{
    json_t *row = add_row(r, host, "/", "passthrough");
    const char *owner = map_get(r->owners, slot);

    if (row) {
        json_object_set_new(row, "https",
                            json_string(owner ? "passthrough"
                                              : action_of(slot)));
        json_object_set_new(row, "backend",
                            owner ? json_string(owner) : json_null());
    }
}

static struct err *
read_all(struct reader *r)
{
    static const struct {
        const char *map;
        const char *scheme;
        line_fn *each;
    } maps[] = {
        { "slots", NULL, take_owner },
        { "http", "http", take_route },
        { "https", "https", take_route },
        { "http-regex", "http", take_regex },
        { "https-regex", "https", take_regex },
        { "sni", "https", take_sni },
    };

    for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
        struct err *err;

        r->scheme = maps[i].scheme;
        err = read_map(r, maps[i].map, maps[i].each);
        if (err) {
            return err;
        }
    }
    return NULL;
}

struct err *
run_dir_read(const char *dir, json_t **out)
{
    struct reader r = {
        .dir = dir,
        .owners = map_new(),
        .rows = map_new(),
        .routes = json_array(),
    };
    struct err *err = read_all(&r);

    map_free(r.owners, free);
    map_free(r.rows, NULL);
    if (err) {
        json_decref(r.routes);
        r.routes = NULL;
    }
    *out = r.routes;
    return err;
}
