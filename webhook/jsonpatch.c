#include "webhook/jsonpatch.h"

#include <jansson.h>
#include <stdlib.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

void
jsonpatch_fini(struct jsonpatch *patch)
{
    buf_fini(&patch->text);
}

static char *
make_pointer(const char *const *tokens)
{
    AUTO_BUF struct buf out = BUF_OWN;

    for (; *tokens; tokens++) {
        buf_putc(&out, '/');
        for (const char *s = *tokens; *s; s++) {
            if (*s == '~') {
                buf_puts(&out, "~0");
            } else if (*s == '/') {
                buf_puts(&out, "~1");
            } else {
                buf_putc(&out, *s);
            }
        }
    }
    return buf_take(&out);
}

/* Takes 'value', which may be NULL. */
static void
put_operation(struct jsonpatch *patch, const char *name,
              const char *const *tokens, json_t *value)
{
    AUTO_FREE char *pointer = make_pointer(tokens);
    AUTO_JSON json_t *operation =
        json_pack("{s:s, s:s}", "op", name, "path", pointer);
    AUTO_FREE char *text = NULL;

    if (value) {
        json_object_set_new(operation, "value", value);
    }
    text = json_dumps(operation, JSON_COMPACT);
    if (text) {
        buf_putc(&patch->text, patch->text.size == 0 ? '[' : ',');
        buf_puts(&patch->text, text);
    }
}

void
jsonpatch_add(struct jsonpatch *patch, const char *const *tokens,
              const char *value)
{
    put_operation(patch, "add", tokens, json_string(value));
}

void
jsonpatch_replace(struct jsonpatch *patch, const char *const *tokens,
                  const char *value)
{
    put_operation(patch, "replace", tokens, json_string(value));
}

void
jsonpatch_add_object(struct jsonpatch *patch, const char *const *tokens)
{
    put_operation(patch, "add", tokens, json_object());
}

void
jsonpatch_remove(struct jsonpatch *patch, const char *const *tokens)
{
    put_operation(patch, "remove", tokens, NULL);
}

char *
jsonpatch_take(struct jsonpatch *patch)
{
    if (patch->text.size == 0) {
        return NULL;
    }
    buf_putc(&patch->text, ']');
    return buf_take(&patch->text);
}
