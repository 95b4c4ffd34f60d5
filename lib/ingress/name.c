#include "lib/ingress/name.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

static bool
is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool
is_letter_or_digit(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

/* Letters, digits and inner "-". */
static bool
is_element(const char *s, size_t length)
{
    if (length == 0 || !is_letter_or_digit(s[0]) ||
        !is_letter_or_digit(s[length - 1])) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_letter_or_digit(s[i]) && s[i] != '-') {
            return false;
        }
    }
    return true;
}

bool
name_is_label(const char *s)
{
    size_t length = s ? strlen(s) : 0;

    return length <= NAME_LABEL_MAX && is_element(s, length);
}

bool
name_is_subdomain(const char *s)
{
    if (str_is_empty(s) || strlen(s) > NAME_SUBDOMAIN_MAX) {
        return false;
    }
    for (;;) {
        size_t length = strcspn(s, ".");

        if (!is_element(s, length)) {
            return false;
        }
        if (s[length] == '\0') {
            return true;
        }
        s += length + 1;
    }
}

bool
name_is_plain(const char *s)
{
    while (is_letter_or_digit(*s) || *s == '-' || *s == '.' || *s == '/') {
        s++;
    }
    return *s == '\0';
}

bool
name_is_port(const char *s)
{
    size_t length = s ? strlen(s) : 0;
    bool has_letter = false;

    if (length > NAME_PORT_MAX || !is_element(s, length) ||
        strstr(s, "--")) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        has_letter = has_letter || is_letter(s[i]);
    }
    return has_letter;
}

bool
name_is_key(const char *s)
{
    const char *slash = s ? strchr(s, '/') : NULL;
    AUTO_FREE char *ns = slash ? xstrndup(s, (size_t) (slash - s)) : NULL;

    return slash && name_is_label(ns) && name_is_subdomain(slash + 1);
}
