#include "lib/base/jx_plain.h"

#include <string.h>

#include "lib/base/compiler.h"

/* A whole number of no more digits fits into 64 bits. */
#define MAX_DIGITS 18

/* What stands in a string as it is: ASCII but for controls, '"' and '\\'. */
static const bool is_plain[256] = {
    [' ' ... '!'] = true,
    ['#' ... '['] = true,
    [']' ... '~'] = true,
};

void
jx_plain_skip_blanks(struct jx_plain *p)
{
    const char *const end = p->end;
    const char *at = p->at;

    while (at < end &&
           (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    p->at = at;
}

bool
jx_plain_take(struct jx_plain *p, char c)
{
    /* Programs write no blanks. */
    if (p->at < p->end && *p->at != c) {
        jx_plain_skip_blanks(p);
    }
    if (p->at == p->end || *p->at != c) {
        return false;
    }
    p->at++;
    return true;
}

const char *
jx_plain_string(struct jx_plain *p, size_t *size)
{
    const char *const end = p->end;
    const char *begin, *at;

    if (!jx_plain_take(p, '"')) {
        return NULL;
    }
    begin = at = p->at;
    while (at < end && is_plain[(unsigned char) *at]) {
        at++;
    }
    if (at == end || *at != '"') {
        return NULL;
    }
    *size = (size_t) (at - begin);
    p->at = at + 1;
    return begin;
}

static json_t *
read_string(struct jx_plain *p)
{
    size_t size;
    const char *text = jx_plain_string(p, &size);

    return text ? json_stringn_nocheck(text, size) : NULL;
}

/* A whole one, 0 or more.  What may not follow it is found by whoever looks
 * for what must. */
static json_t *
read_number(struct jx_plain *p)
{
    const char *begin = p->at;
    json_int_t number = 0;

    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
        if (p->at - begin == MAX_DIGITS) {
            return NULL;
        }
        number = 10 * number + (*p->at++ - '0');
    }
    if (p->at == begin || (*begin == '0' && p->at - begin > 1)) {
        return NULL;
    }
    return json_integer(number);
}

static json_t *
read_word(struct jx_plain *p)
{
    static const struct {
        const char *name;
        size_t size;
        json_t *(*make)(void);
    } words[] = {
        { "true", 4, json_true },
        { "false", 5, json_false },
        { "null", 4, json_null },
    };
    const size_t room = (size_t) (p->end - p->at);

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (room >= words[i].size &&
            memcmp(p->at, words[i].name, words[i].size) == 0) {
            p->at += words[i].size;
            return words[i].make();
        }
    }
    return NULL;
}

/* Setting a name that is there leaves their count. */
bool
jx_plain_put(json_t *object, const char *name, size_t size, json_t *value)
{
    const size_t n = json_object_size(object);

    return json_object_setn_new_nocheck(object, name, size, value) == 0 &&
           json_object_size(object) == n + 1;
}

static bool
read_members(struct jx_plain *p, json_t *object)
{
    const char *name;
    size_t size;

    if (jx_plain_take(p, '}')) {
        return true;
    }
    do {
        name = jx_plain_string(p, &size);
        if (!name || !jx_plain_take(p, ':') ||
            !jx_plain_put(object, name, size, jx_plain_value(p))) {
            return false;
        }
    } while (jx_plain_take(p, ','));
    return jx_plain_take(p, '}');
}

static bool
read_items(struct jx_plain *p, json_t *array)
{
    if (jx_plain_take(p, ']')) {
        return true;
    }
    do {
        if (json_array_append_new(array, jx_plain_value(p)) != 0) {
            return false;
        }
    } while (jx_plain_take(p, ','));
    return jx_plain_take(p, ']');
}

/* From behind its first bracket. */
static json_t *
read_nested(struct jx_plain *p, bool is_object)
{
    json_t *value = is_object ? json_object() : json_array();

    if (!value || p->depth == JX_PLAIN_MAX_DEPTH) {
        json_decref(value);
        return NULL;
    }
    p->depth++;
    if (!(is_object ? read_members(p, value) : read_items(p, value))) {
        json_decref(value);
        return NULL;
    }
    p->depth--;
    return value;
}

json_t *
jx_plain_value(struct jx_plain *p)
{
    jx_plain_skip_blanks(p);
    if (p->at == p->end) {
        return NULL;
    }
    switch (*p->at) {
    case '"':
        return read_string(p);
    case '{':
    case '[':
        p->at++;
        return read_nested(p, p->at[-1] == '{');
    case 't':
    case 'f':
    case 'n':
        return read_word(p);
    default:
        return read_number(p);
    }
}

json_t *
jx_plain_load(const char *text, size_t size)
{
    struct jx_plain p = { .at = text, .end = text + size };
    json_t *document = jx_plain_value(&p);

    jx_plain_skip_blanks(&p);
    if (p.at != p.end || !json_is_object(document)) {
        json_decref(document);
        return NULL;
    }
    return document;
}
