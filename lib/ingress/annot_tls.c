/* Versions and ciphers of TLS: how the values are judged and kept. */
#include "lib/ingress/annot_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/ciphers.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

void
annot_check_ciphers(const struct annot_def *def UNUSED,
                    struct annot_value *value, struct annot_say *say)
{
    AUTO_BUF struct buf notes = BUF_OWN;
    AUTO_ERR struct err *err = ciphers_check(value->text, &notes);

    if (err) {
        annot_complain(&say->error, value->text, "%s", err_text(err));
    } else if (notes.size > 0) {
        annot_complain(&say->warning, value->text, "%s", buf_str(&notes));
    }
}

/* Lists for endpoints are written with less care, ingress-nginx's own example
 * is HIGH: what protects nobody is taken out rather than refused. */
void
annot_check_endpoint_ciphers(const struct annot_def *def,
                             struct annot_value *value,
                             struct annot_say *say)
{
    AUTO_FREE char *given = STEAL_PTR(value->text);

    value->text = xasprintf("%s:!aNULL:!eNULL", given);
    annot_check_ciphers(def, value, say);
}

void
annot_check_server_order(const struct annot_def *def UNUSED,
                         struct annot_value *value, struct annot_say *say)
{
    if (!value->flag) {
        buf_puts(&say->warning, "it has no effect: the order of the server "
                 "holds for all hosts");
    }
}

/* Names as nginx has them; the old ones are known, and never spoken. */
static const char *const versions[] = {
    "TLSv1.2", "TLSv1.3", "SSLv2", "SSLv3", "TLSv1", "TLSv1.1",
};
#define SPOKEN 2

static int
find_version(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        if (strcasecmp(word, versions[i]) == 0) {
            return (int) i;
        }
    }
    return -1;
}

/* Leaves "TLSv1.2", "TLSv1.3" or "TLSv1.2 TLSv1.3". */
void
annot_check_protocols(const struct annot_def *def UNUSED,
                      struct annot_value *value, struct annot_say *say)
{
    AUTO_FREE char *given = STEAL_PTR(value->text);
    AUTO_FREE char *copy = xstrdup(given);
    char *rest = copy, *word;
    bool has[SPOKEN] = { false }, is_old = false;

    value->text = xstrdup("");
    while ((word = strsep(&rest, " "))) {
        int i = find_version(word);

        if (word[0] != '\0' && i < 0) {
            annot_complain(&say->error, given, "is no list of versions: "
                           "write TLSv1.2, TLSv1.3 or both, with a blank "
                           "between them");
            return;
        }
        is_old |= i >= SPOKEN;
        has[0] |= i == 0;
        has[1] |= i == 1;
    }
    if (!has[0] && !has[1]) {
        annot_complain(&say->error, given, "has no version that is spoken: "
                       "write TLSv1.2, TLSv1.3 or both");
        return;
    }
    if (is_old) {
        annot_complain(&say->warning, given, "asks for versions before "
                       "TLSv1.2, which nobody is offered: leave them out");
    }
    free(value->text);
    value->text = xasprintf("%s%s%s", has[0] ? versions[0] : "",
                            has[0] && has[1] ? " " : "",
                            has[1] ? versions[1] : "");
}

void
annot_apply_protocols(const struct annot_def *def UNUSED,
                      struct annot_value *value, struct settings_draft *draft)
{
    draft->s.tls12 = strstr(value->text, versions[0]) != NULL;
    draft->s.tls13 = strstr(value->text, versions[1]) != NULL;
}

void
annot_apply_server_protocols(const struct annot_def *def UNUSED,
                             struct annot_value *value,
                             struct settings_draft *draft)
{
    draft->s.ssl12 = strstr(value->text, versions[0]) != NULL;
    draft->s.ssl13 = strstr(value->text, versions[1]) != NULL;
}
