#include "lib/ingress/annot.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/ingress/annot_priv.h"

static const struct annot_group *const groups[] = {
    &annot_group_routing, &annot_group_session,     &annot_group_canary,
    &annot_group_access,  &annot_group_auth,        &annot_group_ask,
    &annot_group_cors,    &annot_group_proxy,       &annot_group_backend_tls,
    &annot_group_observe, &annot_group_snippets,    &annot_group_own,
    &annot_group_removed,
};

#define MAX_ROWS 256            /* More than the groups have. */
#define N_PLACES (4 * MAX_ROWS) /* A power of 2; most of them are free. */

/* Every review asks for rows by place and by name: made once. */
static struct {
    const struct annot_def *rows[MAX_ROWS];
    size_t n_rows;
    struct name {
        const char *name;       /* Or alias; NULL: the place is free. */
        size_t row;
    } names[N_PLACES];          /* By hash, one place after the other. */
} table;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static uint32_t
four_bytes(const char *at)
{
    uint32_t bytes;

    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* The names that are kept are ours: begin, middle, end and length tell most
 * of them apart. */
static uint32_t
hash_name(const char *name)
{
    const size_t length = strlen(name);
    uint32_t hash = (uint32_t) length;

    if (length >= 4) {
        hash = (hash ^ four_bytes(name)) * 0x9e3779b1;
        hash = (hash ^ four_bytes(name + length / 2 - 2)) * 0x9e3779b1;
        hash = (hash ^ four_bytes(name + length - 4)) * 0x9e3779b1;
    }
    return hash ^ hash >> 16;
}

/* Where 'name' is, or the free place where it would be. */
static struct name *
find_name(const char *name)
{
    for (uint32_t hash = hash_name(name);; hash++) {
        struct name *place = &table.names[hash % N_PLACES];

        if (!place->name || strcmp(place->name, name) == 0) {
            return place;
        }
    }
}

/* Of a name that two rows have, the first counts. */
static void
add_name(const char *name, size_t row)
{
    struct name *place = name ? find_name(name) : NULL;

    if (place && !place->name) {
        *place = (struct name) { name, row };
    }
}

static void
make_table(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        for (size_t j = 0; j < groups[i]->n; j++) {
            const struct annot_def *def = &groups[i]->defs[j];

            assert(table.n_rows < MAX_ROWS);
            add_name(def->name, table.n_rows);
            add_name(def->alias, table.n_rows);
            table.rows[table.n_rows++] = def;
        }
    }
}

size_t
annot_count(void)
{
    pthread_once(&table_once, make_table);
    return table.n_rows;
}

const struct annot_def *
annot_at(size_t index)
{
    return index < annot_count() ? table.rows[index] : NULL;
}

const char *
annot_heading(size_t index)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (index == 0) {
            return groups[i]->heading;
        }
        if (index < groups[i]->n) {
            return NULL;
        }
        index -= groups[i]->n;
    }
    return NULL;
}

const char *
annot_name(const char *key, bool *is_own_prefix)
{
    static const char *const prefixes[] = { ANNOT_PREFIX, ANNOT_OWN_PREFIX };

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (str_starts(key, prefixes[i])) {
            *is_own_prefix = i == 1;
            return key + strlen(prefixes[i]);
        }
    }
    return NULL;
}

const struct annot_def *
annot_find(const char *name, size_t *index)
{
    const struct name *found;

    pthread_once(&table_once, make_table);
    found = find_name(name);
    if (!found->name) {
        return NULL;
    }
    if (index) {
        *index = found->row;
    }
    return table.rows[found->row];
}

static const char *
name_at(size_t i, const void *aux UNUSED)
{
    const struct annot_def *def = annot_at(i);

    assert(def);
    return def->name;
}

const struct annot_def *
annot_nearest(const char *name)
{
    const char *near = str_nearest(name, annot_count(), name_at, NULL);

    return near ? annot_find(near, NULL) : NULL;
}

void
annot_value_fini(struct annot_value *value)
{
    free(value->text);
    for (size_t i = 0; i < value->list.n; i++) {
        free(value->list.items[i]);
    }
    free(value->list.items);
    *value = (struct annot_value) { .number = 0 };
}

void
annot_say_fini(struct annot_say *say)
{
    buf_fini(&say->error);
    buf_fini(&say->warning);
}

/* Blanks and line ends around a value are YAML's, not the user's.  A list of
 * networks may also be written over several lines.  NULL: 'text' is tidy as it
 * is, as most are. */
static char *
tidy(const struct annot_def *def, const char *text)
{
    char *tidied = str_is_trim(text) ? NULL : str_trim(text);

    if (def->kind == ANNOT_CIDRS) {
        tidied = tidied ? tidied : xstrdup(text);
        for (char *p = tidied; *p; p++) {
            if (*p == '\n' || *p == '\r' || *p == '\t') {
                *p = ' ';
            }
        }
    }
    return tidied;
}

static bool
is_default(const struct annot_def *def, const char *text)
{
    bool a, b;

    if (!def->dflt) {
        return false;
    }
    if (def->kind == ANNOT_BOOL) {
        return parse_bool(text, &a) && parse_bool(def->dflt, &b) && a == b;
    }
    return strcasecmp(text, def->dflt) == 0;
}

/* Rows that are known and not read. */
static enum annot_verdict
read_unsupported(const struct annot_def *def, struct annot_value *value,
                 struct annot_say *say)
{
    if (is_default(def, value->text)) {
        say->is_harmless = true;
        return ANNOT_NO_EFFECT;
    }
    if (def->check) {
        def->check(def, value, say);
    }
    switch (def->support) {
    case ANNOT_NOT_YET:
        buf_puts(&say->warning, def->protective
                 ? "not supported yet: until it is, the routes of this "
                   "Ingress answer 503 rather than serve unprotected"
                 : "not supported yet: it has no effect");
        break;
    case ANNOT_REMOVED:
        buf_printf(&say->warning, "it has no effect: %s", def->instead);
        break;
    case ANNOT_REFUSED:
        if (!def->check) {
            buf_printf(&say->error, "it is refused: %s", def->instead);
        }
        break;
    case ANNOT_FULL:
    case ANNOT_PARTIAL:
    case ANNOT_IGNORED:
        break;
    }
    return say->error.size > 0 ? ANNOT_BAD : ANNOT_NO_EFFECT;
}

enum annot_verdict
annot_read(const struct annot_def *def, const char *text,
           struct annot_value *value, struct annot_say *say)
{
    AUTO_FREE char *copy = tidy(def, text);
    const char *tidied = copy ? copy : text;
    size_t length = strlen(tidied);
    size_t max_length = def->max_length ? def->max_length
        : def->kind == ANNOT_CIDRS ? ANNOT_MAX_LIST_LENGTH : ANNOT_MAX_LENGTH;

    *value = (struct annot_value) { .number = 0 };
    *say = (struct annot_say) {
        .error = BUF_OWN, .warning = BUF_OWN, .is_harmless = false,
    };
    if (length == 0) {
        return ANNOT_UNSET;
    }
    if (def->support != ANNOT_REFUSED) {
        if (str_has_control(tidied, length)) {
            annot_complain(&say->error, tidied,
                           "has a line break or another control byte: write "
                           "it on one line");
            return ANNOT_BAD;
        }
        if (length > max_length) {
            annot_complain(&say->error, tidied,
                           "is longer than %zu bytes", max_length);
            return ANNOT_BAD;
        }
    }
    if (!def->apply) {
        value->text = xstrdup(tidied);
        return read_unsupported(def, value, say);
    }
    annot_parse(def, tidied, value, say);
    if (say->error.size > 0) {
        return ANNOT_BAD;
    }
    if (say->warning.size > 0) {
        return ANNOT_NO_EFFECT;
    }
    if (def->check) {
        def->check(def, value, say);
    }
    return say->error.size > 0 ? ANNOT_BAD : ANNOT_OK;
}
