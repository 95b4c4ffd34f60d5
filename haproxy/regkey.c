#include "haproxy/regkey.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "haproxy/policy.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static struct err *
check(const char *pattern, const char *shown)
{
    int error = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR) pattern,
                                     PCRE2_ZERO_TERMINATED, 0, &error, &at,
                                     NULL);

    if (code) {
        error = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
        pcre2_code_free(code);
        if (error == 0 || error == PCRE2_ERROR_JIT_BADOPTION) {
            return NULL;
        }
    }

    PCRE2_UCHAR text[128];

    pcre2_get_error_message(error, text, sizeof text);
    return err_new(ERR_INVALID, "%s is no regular expression: %s", shown,
                   (const char *) text);
}

static bool
has_blank(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char) *s <= 0x20 || *s == 0x7f) {
            return true;
        }
    }
    return false;
}

struct err *
regkey_put(const char *literal, const char *regex, bool ignore_case,
              struct buf *out)
{
    AUTO_FREE char *shown = str_quote(regex);
    AUTO_BUF struct buf key = BUF_OWN;
    struct err *err;

    if (strlen(regex) > POLICY_REGEX_MAX) {
        return err_new(ERR_INVALID, "%s is longer than %d bytes", shown,
                       POLICY_REGEX_MAX);
    }
    if (has_blank(regex)) {
        return err_new(ERR_INVALID, "%s holds a blank or a control "
                       "character, which no canonical path has", shown);
    }
    err = check(regex, shown);
    if (err) {
        return err;
    }
    buf_putc(&key, '^');
    for (const char *p = literal; *p; p++) {
        if (strchr("\\^$.[]|()?*+{}", *p)) {
            buf_putc(&key, '\\');
        }
        buf_putc(&key, *p);
    }
    buf_printf(&key, "\\|(?%s:%s)", ignore_case ? "i" : "", regex);
    /* What is valid alone need not be in a group: \Q or (?x)# swallow the
     * bracket. */
    err = check(buf_str(&key), shown);
    if (!err) {
        buf_put(out, key.data, key.size);
    }
    return err;
}
