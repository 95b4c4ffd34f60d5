#include "lib/ingress/key.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

static bool
is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

/* Bytes that clients send as they are: RFC 3986's pchar, and what browsers
 * leave alone besides ("[", "]", "|").  These stand raw in a canonical path
 * however they were spelled, all others as their escape. */
static bool
is_sent_raw(unsigned char c)
{
    return is_unreserved(c) ||
           (c != '\0' && strchr("!$&'()*+,;=:@/[]|", c) != NULL);
}

static bool
is_forbidden(unsigned char c)
{
    return c < 0x20 || c == 0x7f || c == '\\';
}

static void
put_byte(struct buf *out, unsigned char c, bool is_raw)
{
    if (!is_raw) {
        buf_printf(out, "%%%02X", c);
    } else if (c != '/' || out->size == 0 ||
               out->data[out->size - 1] != '/') {
        buf_putc(out, (char) c);
    }
}

/* Reads the byte or escape at '*s' into 'out'; NULL, or why not. */
static const char *
put_next(struct buf *out, const char **s)
{
    unsigned char c = (unsigned char) **s;
    int high, low;

    if (c != '%') {
        if (is_forbidden(c)) {
            return c == '\\' ? "must not hold a backslash"
                             : "must not hold a control character";
        }
        put_byte(out, c, is_sent_raw(c));
        (*s)++;
        return NULL;
    }
    high = hex_value((*s)[1]);
    low = high < 0 ? -1 : hex_value((*s)[2]);
    if (low < 0) {
        return "holds a \"%\" that begins no escape: write %25";
    }
    c = (unsigned char) (high << 4 | low);
    if (is_forbidden(c)) {
        return "must not hold an escaped backslash or control character "
               "(%5C, %00 to %1F, %7F)";
    }
    put_byte(out, c, is_sent_raw(c));
    *s += 3;
    return NULL;
}

static bool
has_dot_element(const char *path)
{
    for (const char *at = path; at; at = strchr(at + 1, '/')) {
        size_t length = strcspn(at + 1, "/");

        if ((length == 1 && at[1] == '.') ||
            (length == 2 && at[1] == '.' && at[2] == '.')) {
            return true;
        }
    }
    return false;
}

bool
key_is_plain(const char *path)
{
    const char *at = path + 1;

    if (path[0] != '/') {
        return false;
    }
    /* Letters, digits and the like; an element begins with no dot. */
    for (; *at != '\0'; at++) {
        const unsigned char c = (unsigned char) *at;
        const bool is_first = at[-1] == '/';

        if (c == '/' || c == '.' ? is_first : !is_unreserved(c)) {
            return false;
        }
    }
    return at - path <= KEY_PATH_MAX;
}

char *
key_path(const char *path, const char **why)
{
    AUTO_BUF struct buf out = BUF_INIT(KEY_PATH_MAX);

    *why = NULL;
    if (path[0] != '/') {
        *why = "must begin with \"/\"";
        return NULL;
    }
    for (const char *at = path; *at != '\0';) {
        *why = put_next(&out, &at);
        if (!*why && out.overflowed) {
            *why = "must be at most 2048 bytes long";
        }
        if (*why) {
            return NULL;
        }
    }
    if (has_dot_element(buf_str(&out))) {
        *why = "must not have \".\" or \"..\" as an element";
        return NULL;
    }
    return buf_take(&out);
}

/* Appends one element with the slash before it; 'out' never ends in one. */
static void
put_element(struct buf *out, const char *element, size_t length)
{
    if (length == 2 && element[0] == '.' && element[1] == '.') {
        while (out->size > 0 && out->data[out->size - 1] != '/') {
            out->size--;
        }
        out->size -= out->size > 0;
        if (out->data) {
            out->data[out->size] = '\0';
        }
    } else if (length != 1 || element[0] != '.') {
        buf_putc(out, '/');
        buf_put(out, element, length);
    }
}

static char *
resolve_dots(const char *path)
{
    AUTO_BUF struct buf out = BUF_OWN;
    const char *at = path + 1;

    for (;;) {
        size_t length = strcspn(at, "/");
        bool is_last = at[length] == '\0';
        bool is_dots = length > 0 && length <= 2 &&
                       strspn(at, ".") >= length;

        put_element(&out, at, length);
        if (is_last) {
            /* "/a/." is "/a/": the folder, not what is before it. */
            if (is_dots) {
                buf_putc(&out, '/');
            }
            return buf_take(&out);
        }
        at += length + 1;
    }
}

char *
key_request_path(const char *path)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (path[0] != '/') {
        return NULL;
    }
    for (const char *at = path; *at != '\0';) {
        const unsigned char c = (unsigned char) *at;

        if (c <= 0x20 || c >= 0x7f || put_next(&out, &at)) {
            return NULL;
        }
    }
    return resolve_dots(buf_str(&out));
}

/* What comes behind host and path. */
static const char *
end_of(const char *path, bool is_exact)
{
    static const char end[] = { '/', KEY_END, '\0' };

    return is_exact ? end : str_ends(path, "/") ? "" : "/";
}

char *
key_route(const char *host, const char *path, bool is_exact)
{
    return str_concat(host, path, end_of(path, is_exact));
}

char *
key_route_in(struct arena *arena, const char *host, const char *path,
             bool is_exact)
{
    return arena_concat(arena, host, path, end_of(path, is_exact));
}
