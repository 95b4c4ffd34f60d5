#include "lib/base/str.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define DISTANCE_MAX 128

bool
str_eq(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool
str_is_empty(const char *s)
{
    return !s || s[0] == '\0';
}

bool
str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_fits(const char *s, const char *pattern)
{
    return str_ends(pattern, "*")
               ? strncmp(s, pattern, strlen(pattern) - 1) == 0
               : strcmp(s, pattern) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && strcmp(s + n - m, suffix) == 0;
}

bool
str_has_control(const char *s, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char) s[i];

        if (c < 0x20 || c == 0x7f) {
            return true;
        }
    }
    return false;
}

char *
str_concat_all(const char *const *texts, size_t n)
{
    size_t size = 0;
    char *out, *at;

    for (size_t i = 0; i < n; i++) {
        size += texts[i] ? strlen(texts[i]) : 0;
    }
    out = at = xmalloc(size + 1);
    *at = '\0';
    for (size_t i = 0; i < n; i++) {
        at = texts[i] ? stpcpy(at, texts[i]) : at;
    }
    return out;
}

const char *
str_digits(size_t n, char room[STR_DIGITS_SIZE])
{
    char *at = room + STR_DIGITS_SIZE - 1;

    *at = '\0';
    do {
        *--at = (char) ('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return at;
}

static void
quote_byte(struct buf *out, unsigned char c)
{
    switch (c) {
    case '\n':
        buf_puts(out, "\\n");
        break;
    case '\r':
        buf_puts(out, "\\r");
        break;
    case '\t':
        buf_puts(out, "\\t");
        break;
    case '"':
    case '\\':
        buf_putc(out, '\\');
        buf_putc(out, (char) c);
        break;
    default:
        if (c < 0x20 || c >= 0x7f) {
            buf_printf(out, "\\x%02x", c);
        } else {
            buf_putc(out, (char) c);
        }
    }
}

char *
str_quote(const char *s)
{
    AUTO_BUF struct buf out = BUF_OWN;
    size_t length = strlen(s);
    size_t shown = length > STR_QUOTE_MAX ? STR_QUOTE_MAX : length;

    buf_putc(&out, '"');
    for (size_t i = 0; i < shown; i++) {
        quote_byte(&out, (unsigned char) s[i]);
    }
    buf_putc(&out, '"');
    if (shown < length) {
        buf_printf(&out, "... (%zu bytes)", length);
    }
    return buf_take(&out);
}

void
str_lower_in_place(char *s)
{
    for (; *s; s++) {
        if (*s >= 'A' && *s <= 'Z') {
            *s = (char) (*s - 'A' + 'a');
        }
    }
}

char *
str_lower(const char *s)
{
    char *copy = xstrdup(s);

    str_lower_in_place(copy);
    return copy;
}

char *
str_trim(const char *s)
{
    size_t length;

    while (isspace((unsigned char) *s)) {
        s++;
    }
    length = strlen(s);
    while (length > 0 && isspace((unsigned char) s[length - 1])) {
        length--;
    }
    return xstrndup(s, length);
}

bool
str_is_trim(const char *s)
{
    const size_t length = strlen(s);

    return length == 0 || (!isspace((unsigned char) s[0]) &&
                           !isspace((unsigned char) s[length - 1]));
}

bool
str_split(const char *s, char sep, str_each_fn *each, void *aux)
{
    for (;;) {
        const char *end = strchr(s, sep);
        size_t length = end ? (size_t) (end - s) : strlen(s);
        const char *piece = s;

        while (length > 0 && isspace((unsigned char) *piece)) {
            piece++;
            length--;
        }
        while (length > 0 && isspace((unsigned char) piece[length - 1])) {
            length--;
        }
        if (!each(piece, length, aux)) {
            return false;
        }
        if (!end) {
            return true;
        }
        s = end + 1;
    }
}

static size_t
min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

size_t
str_distance(const char *a, const char *b)
{
    size_t rows[3][DISTANCE_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    size_t n = strlen(a), m = strlen(b);

    if (n > DISTANCE_MAX || m > DISTANCE_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= m; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;

            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[m];
}

const char *
str_nearest(const char *word, size_t n, str_name_fn *name, const void *aux)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;

    for (size_t i = 0; i < n; i++) {
        const char *candidate = name(i, aux);
        size_t distance = str_distance(word, candidate);

        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    if (!best || best_distance > strlen(best) / 3 + 1) {
        return NULL;
    }
    return best;
}
