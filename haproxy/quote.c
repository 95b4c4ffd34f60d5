#include "haproxy/quote.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

bool
quote_is_key(const char *key)
{
    if (*key == '\0' || *key == '#' || strncmp(key, "<<", 2) == 0) {
        return false;
    }
    for (const char *p = key; *p; p++) {
        unsigned char c = (unsigned char) *p;

        if ((c <= ' ' && c != 1) || c == 0x7f) {
            return false;
        }
    }
    return strlen(key) <= QUOTE_ROW_MAX;
}

bool
quote_is_value(const char *value)
{
    size_t length = strlen(value);

    if (length == 0 || value[0] == ' ' || value[length - 1] == ' ' ||
        strncmp(value, "<<", 2) == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char) value[i];

        if (c < ' ' || c == 0x7f) {
            return false;
        }
    }
    return length <= QUOTE_ROW_MAX;
}

bool
quote_is_row(const char *key, const char *value)
{
    return quote_is_key(key) && quote_is_value(value) &&
           strlen(key) + strlen(value) <= QUOTE_ROW_MAX;
}

void
quote_word(struct buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == ';' || *s == ' ' || *s == '\\') {
            buf_putc(out, '\\');
        }
        buf_putc(out, *s);
    }
}

static bool
is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr("-._/:|*", c));
}

char *
quote_name(const char *name)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (*name == '\0') {
        return xstrdup("%");
    }
    for (; *name; name++) {
        if (is_plain(*name)) {
            buf_putc(&out, *name);
        } else {
            buf_printf(&out, "%%%02X", (unsigned char) *name);
        }
    }
    return buf_take(&out);
}

static int
hex_value(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at ? (int) (at - digits) : -1;
}

char *
quote_unname(const char *word)
{
    AUTO_BUF struct buf out = BUF_OWN;

    if (strcmp(word, "%") == 0) {
        return xstrdup("");
    }
    while (*word) {
        int high, low;

        if (is_plain(*word)) {
            buf_putc(&out, *word++);
            continue;
        }
        if (*word != '%') {
            return NULL;
        }
        high = hex_value(word[1]);
        low = high >= 0 ? hex_value(word[2]) : -1;
        if (low < 0 || (high == 0 && low == 0)) {
            return NULL;
        }
        buf_putc(&out, (char) (high << 4 | low));
        word += 3;
    }
    return out.size > 0 ? buf_take(&out) : NULL;
}

bool
quote_is_sni(const char *host)
{
    const char *p = strncmp(host, "*.", 2) == 0 ? host + 2 : host;

    if (*p == '\0' || strlen(host) > 253) {
        return false;
    }
    for (; *p; p++) {
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
              *p == '-' || *p == '_' || *p == '.')) {
            return false;
        }
    }
    return true;
}

bool
quote_is_option(const char *word)
{
    size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789:!+-_@=.");

    return length > 0 && length <= QUOTE_OPTION_MAX && word[length] == '\0';
}

bool
quote_address(struct buf *out, const char *address, uint16_t port)
{
    uint8_t bytes[16];
    size_t size;

    if (port == 0 || !parse_ip(address, bytes, &size)) {
        return false;
    }
    buf_printf(out, size == 16 ? "[%s]:%u" : "%s:%u", address, port);
    return true;
}
