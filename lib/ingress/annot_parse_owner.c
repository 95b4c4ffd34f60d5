/* Readers of the kinds that name namespaces and objects. */
#include "lib/ingress/annot_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/name.h"

#define MAX_NAMESPACES 256      /* Asked one by one, for each claim. */

struct list {
    VEC(char *) items;
    struct buf *error;
};

static bool
read_namespace(const char *piece, size_t length, void *aux)
{
    struct list *list = aux;
    AUTO_FREE char *ns = xstrndup(piece, length);

    if (strcmp(ns, "*") != 0 && !name_is_label(ns)) {
        annot_complain(list->error, ns,
                       "is not a namespace: write names with commas between "
                       "them, or \"*\" for all");
        return false;
    }
    if (list->items.n == MAX_NAMESPACES) {
        buf_printf(list->error, "the list has more than %d namespaces: write "
                   "\"*\" for all", MAX_NAMESPACES);
        return false;
    }
    VEC_PUSH(&list->items, STEAL_PTR(ns));
    return true;
}

void
annot_parse_namespaces(const char *text, struct annot_value *value,
                       struct annot_say *say)
{
    struct list list = { .error = &say->error };

    (void) str_split(text, ',', read_namespace, &list);
    value->list.items = list.items.items;
    value->list.n = list.items.n;
}

void
annot_parse_ingress(const char *text, struct annot_value *value,
                    struct annot_say *say)
{
    size_t length = strcspn(text, "/");
    AUTO_FREE char *ns = xstrndup(text, length);

    if (text[length] == '\0' || !name_is_label(ns) ||
        !name_is_subdomain(text + length + 1)) {
        annot_complain(&say->error, text,
                       "is not an Ingress: write its namespace, \"/\" and "
                       "its name");
        return;
    }
    value->text = xstrdup(text);
}

/* Whether the namespace may be named, only the Ingress can tell. */
void
annot_parse_object(const char *text, struct annot_value *value,
                   struct annot_say *say)
{
    const char *slash = strchr(text, '/');
    AUTO_FREE char *ns =
        slash ? xstrndup(text, (size_t) (slash - text)) : NULL;

    if ((ns && !name_is_label(ns)) ||
        !name_is_subdomain(slash ? slash + 1 : text)) {
        annot_complain(&say->error, text,
                       "is not a name: write the object's, with its "
                       "namespace and \"/\" before it or without");
        return;
    }
    value->text = xstrdup(text);
}
