#include "lib/base/jx_plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A whole number of no more digits fits into 64 bits. */
#define MAX_DIGITS 18

struct plain {
    const char *at;
    const char *end;
    unsigned depth;
};

/* What stands in a string as it is: ASCII but for controls, '"' and '\\'. */
static const bool is_plain[256] = {
    [' ' ... '!'] = true,
    ['#' ... '['] = true,
    [']' ... '~'] = true,
};

static void
skip_blanks(struct plain *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' ||
                              *p->at == '\n' || *p->at == '\r')) {
        p->at++;
    }
}

static bool
take(struct plain *p, char c)
{
    skip_blanks(p);
    if (p->at == p->end || *p->at != c) {
        return false;
    }
    p->at++;
    return true;
}

/* The inside of the string that stands here; NULL where it is not plain. */
static const char *
take_string(struct plain *p, size_t *size)
{
    const char *const end = p->end;
    const char *begin, *at;

    if (!take(p, '"')) {
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
read_string(struct plain *p)
{
    size_t size;
    const char *text = take_string(p, &size);

    return text ? json_stringn_nocheck(text, size) : NULL;
}

/* One that is not negative; what may not follow it is found by whoever looks
 * for what must. */
static json_t *
read_number(struct plain *p)
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
read_word(struct plain *p)
{
    static const struct {
        const char *name;
        size_t size;
        json_t *(*make)(void);
    } words[] = {
        { "true", 4, json_true }, { "false", 5, json_false },
        { "null", 4, json_null },
    };
    const size_t room = (size_t) (p->end - p->at);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (room >= words[i].size &&
            memcmp(p->at, words[i].name, words[i].size) == 0) {
            p->at += words[i].size;
            return words[i].make();
        }
    }
    return NULL;
}

static json_t *read_value(struct plain *);

/* json_object_set_new() of a key that is there leaves their count. */
static bool
read_member(struct plain *p, json_t *object)
{
    const size_t n = json_object_size(object);
    size_t size;
    const char *name = take_string(p, &size);

    return name && take(p, ':') &&
           json_object_setn_new_nocheck(object, name, size,
                                        read_value(p)) == 0 &&
           json_object_size(object) == n + 1;
}

static bool
read_members(struct plain *p, json_t *object)
{
    if (take(p, '}')) {
        return true;
    }
    do {
        if (!read_member(p, object)) {
            return false;
        }
    } while (take(p, ','));
    return take(p, '}');
}

static bool
read_items(struct plain *p, json_t *array)
{
    if (take(p, ']')) {
        return true;
    }
    do {
        if (json_array_append_new(array, read_value(p)) != 0) {
            return false;
        }
    } while (take(p, ','));
    return take(p, ']');
}

/* From behind its first bracket. */
static json_t *
read_nested(struct plain *p, bool is_object)
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

static json_t *
read_value(struct plain *p)
{
    skip_blanks(p);
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
    struct plain p = { .at = text, .end = text + size };
    json_t *document = NULL;

    if (size <= JX_PLAIN_MAX_SIZE && take(&p, '{')) {
        document = read_nested(&p, true);
        skip_blanks(&p);
    }
    if (document && p.at != p.end) {
        json_decref(document);
        return NULL;
    }
    return document;
}
