/* The chooser's question, asked of PCRE2 as HAProxy asks it. */
#include "lib/ingress/regex_priv.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

bool
regex_matches(const char *host, const char *regex, bool ignore_case,
              const char *path)
{
    AUTO_BUF struct buf pattern = BUF_OWN;
    AUTO_BUF struct buf subject = BUF_OWN;
    pcre2_match_data *data;
    pcre2_code *code;
    PCRE2_SIZE at;
    int result;

    buf_putc(&pattern, '^');
    for (const char *p = host; *p; p++) {
        if (strchr("\\^$.[]|()?*+{}", *p)) {
            buf_putc(&pattern, '\\');
        }
        buf_putc(&pattern, *p);
    }
    buf_printf(&pattern, "\\|(?%s:%s)", ignore_case ? "i" : "", regex);
    buf_printf(&subject, "%s|%s", host, path);
    code = pcre2_compile((PCRE2_SPTR) buf_str(&pattern), pattern.size,
                         PCRE2_NO_AUTO_CAPTURE, &result, &at, NULL);
    if (!code) {
        return false;
    }
    data = pcre2_match_data_create_from_pattern(code, NULL);
    result = pcre2_match(code, (PCRE2_SPTR) buf_str(&subject), subject.size,
                         0, 0, data, NULL);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return result >= 0;
}
