#include "lib/base/yaml_scalar.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Longer texts are no numbers: nobody writes them, and it bounds the work. */
#define NUMBER_MAX 128

/* Whole floats below this become integers; above it a double skips some. */
#define WHOLE_MAX 9007199254740992.0

static const struct word {
    const char *names[6];
    struct yaml_value value;
} words[] = {
    { { "", "~", "null", "Null", "NULL" }, { .type = YAML_TYPE_NULL } },
    { { "true", "True", "TRUE" }, { .type = YAML_TYPE_BOOL, .flag = true } },
    { { "y", "Y", "yes", "Yes", "YES" },
      { .type = YAML_TYPE_BOOL, .flag = true } },
    { { "on", "On", "ON" }, { .type = YAML_TYPE_BOOL, .flag = true } },
    { { "false", "False", "FALSE" }, { .type = YAML_TYPE_BOOL } },
    { { "n", "N", "no", "No", "NO" }, { .type = YAML_TYPE_BOOL } },
    { { "off", "Off", "OFF" }, { .type = YAML_TYPE_BOOL } },
    { { ".nan", ".NaN", ".NAN" },
      { .type = YAML_TYPE_FLOAT, .real = NAN } },
    { { ".inf", ".Inf", ".INF" },
      { .type = YAML_TYPE_FLOAT, .real = INFINITY } },
    { { "+.inf", "+.Inf", "+.INF" },
      { .type = YAML_TYPE_FLOAT, .real = INFINITY } },
    { { "-.inf", "-.Inf", "-.INF" },
      { .type = YAML_TYPE_FLOAT, .real = -INFINITY } },
};

static int
digit_value(char c)
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
    return 99;
}

/* The base that the prefix of '*s' names, which is skipped. */
static int
take_base(const char **s)
{
    if ((*s)[0] != '0' || (*s)[1] == '\0') {
        return 10;
    }
    switch ((*s)[1]) {
    case 'x':
    case 'X':
        *s += 2;
        return 16;
    case 'o':
    case 'O':
        *s += 2;
        return 8;
    case 'b':
    case 'B':
        *s += 2;
        return 2;
    default:
        *s += 1;
        return 8;
    }
}

static bool
resolve_int(const char *s, struct yaml_value *out)
{
    bool negative = s[0] == '-', is_big = false;
    double real = 0;
    uint64_t value = 0;
    int base;

    s += s[0] == '-' || s[0] == '+';
    base = take_base(&s);
    if (*s == '\0') {
        return false;
    }
    for (; *s; s++) {
        int digit = digit_value(*s);

        if (digit >= base) {
            return false;
        }
        real = real * base + digit;
        is_big |= __builtin_mul_overflow(value, (uint64_t) base, &value);
        is_big |= __builtin_add_overflow(value, (uint64_t) digit, &value);
    }
    if (is_big || value > (uint64_t) INT64_MAX + negative) {
        if (base == 10) {
            return false;   /* A float then, rounded by the C library. */
        }
        *out = (struct yaml_value) {
            .type = YAML_TYPE_FLOAT,
            .real = negative ? -real : real,
        };
    } else {
        *out = (struct yaml_value) {
            .type = YAML_TYPE_INT,
            .number = (json_int_t) (negative ? -value : value),
        };
    }
    return true;
}

/* [-+]? ( "." digits | digits ("." digits?)? ) ([eE] [-+]? digits)? */
static bool
is_float(const char *s)
{
    static const char digits[] = "0123456789";
    size_t n;

    s += *s == '-' || *s == '+';
    n = strspn(s, digits);
    s += n;
    if (*s == '.') {
        size_t n_after = strspn(s + 1, digits);

        if (n == 0 && n_after == 0) {
            return false;
        }
        s += 1 + n_after;
    } else if (n == 0) {
        return false;
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        n = strspn(s, digits);
        if (n == 0) {
            return false;
        }
        s += n;
    }
    return *s == '\0';
}

static bool
resolve_float(const char *s, struct yaml_value *out)
{
    double real;

    if (!is_float(s)) {
        return false;
    }
    /* The form was checked; only the rounding is left to the C library. */
    real = strtod(s, NULL);
    if (isinf(real)) {
        return false;
    }
    if (fabs(real) <= WHOLE_MAX && floor(real) == real) {
        *out = (struct yaml_value) {
            .type = YAML_TYPE_INT,
            .number = (json_int_t) real,
        };
    } else {
        *out = (struct yaml_value) {
            .type = YAML_TYPE_FLOAT,
            .real = real,
        };
    }
    return true;
}

/* Numbers may be grouped with '_' unless they begin with a point. */
static bool
resolve_number(const char *s, struct yaml_value *out)
{
    char plain[NUMBER_MAX + 1];
    size_t n = 0;

    if (strlen(s) > NUMBER_MAX) {
        return false;
    }
    if (s[0] == '.') {
        return resolve_float(s, out);
    }
    for (; *s; s++) {
        if (*s != '_') {
            plain[n++] = *s;
        }
    }
    plain[n] = '\0';
    return resolve_int(plain, out) || resolve_float(plain, out);
}

struct yaml_value
yaml_resolve(const char *s)
{
    struct yaml_value value = { .type = YAML_TYPE_TEXT };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t j = 0; words[i].names[j]; j++) {
            if (strcmp(words[i].names[j], s) == 0) {
                return words[i].value;
            }
        }
    }
    /* "_1" is text: only what begins like a number is looked at. */
    if (s[0] != '\0' && strchr("+-.0123456789", s[0]) &&
        resolve_number(s, &value)) {
        return value;
    }
    return (struct yaml_value) { .type = YAML_TYPE_TEXT };
}
