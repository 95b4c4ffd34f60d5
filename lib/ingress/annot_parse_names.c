/* Readers of hosts and of pairs of words. */
#include "lib/ingress/annot_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

void
annot_parse_host(const char *text, struct annot_value *value,
                 struct annot_say *say)
{
    if (strchr(text, '$')) {
        annot_complain(&say->error, text,
                       "has a variable: variables are not replaced here, "
                       "write the host");
    } else if (text[0] == '[' || !annot_is_authority(text, strlen(text))) {
        annot_complain(&say->error, text,
                       "is not a host: write one such as \"example.com\" "
                       "or \"example.com:8080\"");
    } else {
        value->text = xstrdup(text);
    }
}

/* "off", or "FROM TO". */
void
annot_parse_pair(const struct annot_def *def, const char *text,
                 struct annot_value *value, struct annot_say *say)
{
    size_t first = strcspn(text, " ");
    const char *second = text + first + strspn(text + first, " ");

    if (strcmp(text, "off") == 0) {
        return;
    }
    if (second[0] == '\0' || strchr(second, ' ')) {
        annot_complain(&say->error, text,
                       "is not a replacement: write what is replaced, a "
                       "blank, and what by, or \"off\"");
        return;
    }
    if (strspn(text, def->set->bytes) < first ||
        second[strspn(second, def->set->bytes)]) {
        annot_complain(&say->error, text,
                       "may only have two %s: expressions and variables "
                       "mean nothing here", def->set->text);
        return;
    }
    value->list.items = xcalloc(2, sizeof *value->list.items);
    value->list.items[0] = xstrndup(text, first);
    value->list.items[1] = xstrdup(second);
    value->list.n = 2;
}
