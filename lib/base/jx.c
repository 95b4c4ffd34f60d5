#include "lib/base/jx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

static struct err *
load(const char *text, size_t size, size_t max_size, size_t flags,
     json_t **out)
{
    json_error_t why;

    *out = NULL;
    if (size > max_size) {
        return err_new(ERR_LIMIT, "JSON of %zu bytes exceeds %zu", size,
                       max_size);
    }
    /* Depth is capped by jansson itself (JSON_PARSER_MAX_DEPTH, 2048). */
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES | flags, &why);
    if (!*out) {
        AUTO_FREE char *quoted = str_quote(why.text);

        return err_new(ERR_PROTOCOL, "JSON line %d column %d: %s", why.line,
                       why.column, quoted);
    }
    return NULL;
}

struct err *
jx_load(const char *text, size_t size, size_t max_size, json_t **out)
{
    return load(text, size, max_size, 0, out);
}

struct err *
jx_load_nul(const char *text, size_t size, size_t max_size, json_t **out)
{
    return load(text, size, max_size, JSON_ALLOW_NUL, out);
}

struct err *
jx_load_value(const char *text, size_t size, size_t max_size, json_t **out)
{
    return load(text, size, max_size, JSON_ALLOW_NUL | JSON_DECODE_ANY, out);
}

bool
jx_may_have_nul(const char *text, size_t size)
{
    return memmem(text, size, "\\u0000", 6) != NULL;
}

/* The depth of recursion is what jansson allowed the document to have. */
bool
jx_has_nul(json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(value)) {
        return strlen(json_string_value(value)) != json_string_length(value);
    }
    json_array_foreach(value, i, item) {
        if (jx_has_nul(item)) {
            return true;
        }
    }
    json_object_foreach(value, key, item) {
        if (jx_has_nul(item)) {
            return true;
        }
    }
    return false;
}

void
jx_decrefp(json_t **jp)
{
    json_decref(*jp);
}

void
jx_fail(struct jx *jx, const char *name, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    if (jx->err) {
        return;
    }
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0) {
        text = NULL;
    }
    va_end(args);
    jx->err = err_new(ERR_PROTOCOL, "%s%s%s%s%s", jx->path,
                      jx->path[0] && name ? "." : "", name ? name : "",
                      jx->path[0] || name ? ": " : "",
                      text ? text : "is wrong");
    free(text);
}

struct err *
jx_take_err(struct jx *jx)
{
    return STEAL_PTR(jx->err);
}

/* The member, NULL where it is absent or null (an error if required). */
static json_t *
member(struct jx *jx, json_t *object, const char *name, enum jx_need need)
{
    json_t *value = json_object_get(object, name);

    if (!value || json_is_null(value)) {
        if (need == JX_REQUIRED) {
            jx_fail(jx, name, "is missing");
        }
        return NULL;
    }
    return value;
}

const char *
jx_text(struct jx *jx, json_t *object, const char *name, enum jx_need need)
{
    json_t *value = member(jx, object, name, need);

    if (!value) {
        return NULL;
    }
    if (!json_is_string(value)) {
        jx_fail(jx, name, "must be a string");
        return NULL;
    }
    return json_string_value(value);
}

bool
jx_bool(struct jx *jx, json_t *object, const char *name, bool absent)
{
    json_t *value = member(jx, object, name, JX_OPTIONAL);

    if (!value) {
        return absent;
    }
    if (!json_is_boolean(value)) {
        jx_fail(jx, name, "must be true or false");
        return absent;
    }
    return json_is_true(value);
}

int64_t
jx_int(struct jx *jx, json_t *object, const char *name, int64_t min,
       int64_t max, int64_t absent)
{
    json_t *value = member(jx, object, name, JX_OPTIONAL);
    int64_t number;

    if (!value) {
        return absent;
    }
    number = (int64_t) json_integer_value(value);
    if (!json_is_integer(value) || number < min || number > max) {
        jx_fail(jx, name, "must be a whole number from %lld to %lld",
                (long long) min, (long long) max);
        return absent;
    }
    return number;
}

json_t *
jx_object(struct jx *jx, json_t *object, const char *name, enum jx_need need)
{
    json_t *value = member(jx, object, name, need);

    if (value && !json_is_object(value)) {
        jx_fail(jx, name, "must be an object");
        return NULL;
    }
    return value;
}

json_t *
jx_array(struct jx *jx, json_t *object, const char *name, enum jx_need need)
{
    json_t *value = member(jx, object, name, need);

    if (value && !json_is_array(value)) {
        jx_fail(jx, name, "must be an array");
        return NULL;
    }
    return value;
}

/* Appends what fits: this runs for every member of every object. */
static size_t
put_path(struct jx *jx, size_t at, const char *text, size_t length)
{
    const size_t room = sizeof jx->path - 1 - at;

    length = length < room ? length : room;
    memcpy(jx->path + at, text, length);
    jx->path[at + length] = '\0';
    return at + length;
}

size_t
jx_enter(struct jx *jx, const char *name)
{
    const size_t mark = strlen(jx->path);
    const size_t at = mark > 0 ? put_path(jx, mark, ".", 1) : mark;

    put_path(jx, at, name, strlen(name));
    return mark;
}

size_t
jx_enter_item(struct jx *jx, size_t index)
{
    const size_t mark = strlen(jx->path);
    char room[STR_DIGITS_SIZE];
    const char *digits = str_digits(index, room);
    size_t at = put_path(jx, mark, "[", 1);

    at = put_path(jx, at, digits, strlen(digits));
    put_path(jx, at, "]", 1);
    return mark;
}

void
jx_leave(struct jx *jx, size_t mark)
{
    jx->path[mark] = '\0';
}

static void
put_escaped(struct buf *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    const char *at = strchr(from, c);

    if (at) {
        buf_putc(out, '\\');
        buf_putc(out, to[at - from]);
    } else {
        buf_printf(out, "\\u%04X", (unsigned) c);
    }
}

void
jx_put_string(struct buf *out, const char *s)
{
    const char *from = s;

    buf_putc(out, '"');
    for (; *s; s++) {
        const unsigned char c = (unsigned char) *s;

        if (c < ' ' || c == '"' || c == '\\') {
            buf_put(out, from, (size_t) (s - from));
            put_escaped(out, c);
            from = s + 1;
        }
    }
    buf_put(out, from, (size_t) (s - from));
    buf_putc(out, '"');
}
