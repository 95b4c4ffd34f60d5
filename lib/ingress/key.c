#include "lib/ingress/key.h"

#include <stddef.h>
#include <string.h>

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

char *
key_route(const char *host, const char *path, bool is_exact)
{
    size_t length = strlen(path);

    if (is_exact) {
        return xasprintf("%s%s/%c", host, path, KEY_END);
    }
    if (length > 0 && path[length - 1] == '/') {
        length--;
    }
    return xasprintf("%s%.*s/", host, (int) length, path);
}
