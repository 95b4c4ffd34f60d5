#include "lib/base/parse.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "lib/base/mem.h"
#include "lib/base/vec.h"

#define SIZE_LIMIT ((uint64_t) 1 << 53)

static bool
digits(const char *s, size_t length, uint64_t *out)
{
    uint64_t value = 0;

    if (length == 0 || length > 20) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (s[i] < '0' || s[i] > '9' ||
            __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t) (s[i] - '0'), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

bool
parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value;

    if (!digits(s, strlen(s), &value) || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

bool
parse_i64(const char *s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s[0] == '-';
    uint64_t magnitude;
    int64_t value;

    s += negative;
    if (!digits(s, strlen(s), &magnitude) || magnitude > INT64_MAX) {
        return false;
    }
    value = negative ? -(int64_t) magnitude : (int64_t) magnitude;
    if (value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

bool
parse_bool(const char *s, bool *out)
{
    static const char *const yes[] = { "true", "1", "t", "T", "TRUE",
                                       "True" };
    static const char *const no[] = { "false", "0", "f", "F", "FALSE",
                                      "False" };

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (strcmp(s, yes[i]) == 0) {
            *out = true;
            return true;
        }
        if (strcmp(s, no[i]) == 0) {
            *out = false;
            return true;
        }
    }
    return false;
}

bool
parse_size(const char *s, uint64_t *out)
{
    size_t length = strlen(s);
    unsigned shift = 0;
    uint64_t value;

    if (length == 0) {
        return false;
    }
    switch (s[length - 1]) {
    case 'b':
    case 'B':
        length--;
        break;
    case 'k':
    case 'K':
        shift = 10;
        length--;
        break;
    case 'm':
    case 'M':
        shift = 20;
        length--;
        break;
    case 'g':
    case 'G':
        shift = 30;
        length--;
        break;
    default:
        break;
    }
    if (!digits(s, length, &value) || value > SIZE_LIMIT >> shift) {
        return false;
    }
    *out = value << shift;
    return true;
}

bool
parse_port(const char *s, uint16_t *out)
{
    uint64_t value;

    if (!parse_u64(s, 1, 65535, &value)) {
        return false;
    }
    *out = (uint16_t) value;
    return true;
}

bool
parse_ip(const char *s, uint8_t bytes[16], size_t *size)
{
    if (inet_pton(AF_INET, s, bytes) == 1) {
        *size = 4;
        return true;
    }
    if (inet_pton(AF_INET6, s, bytes) == 1) {
        *size = 16;
        return true;
    }
    return false;
}

bool
parse_cidr(const char *s, struct parse_cidr *out)
{
    struct parse_cidr cidr = { .size = 0 };
    const char *slash = strchr(s, '/');
    char address[INET6_ADDRSTRLEN];
    size_t length = slash ? (size_t) (slash - s) : strlen(s);
    uint64_t prefix;

    if (length >= sizeof address) {
        return false;
    }
    memcpy(address, s, length);
    address[length] = '\0';
    if (!parse_ip(address, cidr.bytes, &cidr.size)) {
        return false;
    }
    prefix = cidr.size * 8;
    if (slash && !parse_u64(slash + 1, 0, cidr.size * 8, &prefix)) {
        return false;
    }
    cidr.prefix = (unsigned) prefix;
    for (size_t bit = prefix; bit < cidr.size * 8; bit++) {
        cidr.bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    }
    *out = cidr;
    return true;
}

/* Two digits at 's', which the form was checked to be. */
static int
two_digits(const char *s)
{
    return (s[0] - '0') * 10 + (s[1] - '0');
}

/* strptime() takes blanks, signs and single digits; this takes none. */
bool
parse_time(const char *s, int64_t *out)
{
    static const char form[] = "0000-00-00T00:00:00";
    struct tm tm, as_given;
    const char *rest = s + sizeof form - 1;
    time_t seconds;

    for (size_t i = 0; form[i]; i++) {
        if (form[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != form[i]) {
            return false;
        }
    }
    if (*rest == '.') {
        size_t n = strspn(rest + 1, "0123456789");

        if (n == 0) {
            return false;
        }
        rest += 1 + n;
    }
    if (strcmp(rest, "Z") != 0) {
        return false;
    }
    tm = (struct tm) {
        .tm_year = two_digits(s) * 100 + two_digits(s + 2) - 1900,
        .tm_mon = two_digits(s + 5) - 1,
        .tm_mday = two_digits(s + 8),
        .tm_hour = two_digits(s + 11),
        .tm_min = two_digits(s + 14),
        .tm_sec = two_digits(s + 17),
    };
    as_given = tm;
    seconds = timegm(&tm);
    /* 31 February would have become 3 March. */
    if (tm.tm_mon != as_given.tm_mon || tm.tm_mday != as_given.tm_mday ||
        tm.tm_hour != as_given.tm_hour || tm.tm_min != as_given.tm_min ||
        tm.tm_sec != as_given.tm_sec) {
        return false;
    }
    *out = (int64_t) seconds;
    return true;
}

bool
parse_host_port(const char *s, char **host, uint16_t *port)
{
    const char *colon = strrchr(s, ':');
    const char *start = s;
    uint16_t number;
    size_t length;

    if (!colon || !parse_port(colon + 1, &number)) {
        return false;
    }
    length = (size_t) (colon - s);
    if (length >= 2 && s[0] == '[' && s[length - 1] == ']') {
        start = s + 1;
        length -= 2;
    } else if (memchr(s, ':', length)) {
        return false;
    }
    *host = xstrndup(start, length);
    *port = number;
    return true;
}
