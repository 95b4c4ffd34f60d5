#include "lib/base/texts.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/map.h"

static void
put(struct texts *t, const char *text, size_t number)
{
    map_put(t->all, text, (void *) (uintptr_t) number);
}

void
texts_add(struct texts *t, const char *text)
{
    if (t->n == TEXTS_FEW) {
        t->all = map_new();
        for (size_t i = 0; i < TEXTS_FEW; i++) {
            put(t, t->few[i], i + 1);
        }
    }
    if (t->n < TEXTS_FEW) {
        t->few[t->n] = text;
    } else {
        put(t, text, t->n + 1);
    }
    t->n++;
}

size_t
texts_find(const struct texts *t, const char *text)
{
    if (t->all) {
        return (size_t) (uintptr_t) map_get(t->all, text);
    }
    for (size_t i = t->n; i > 0; i--) {
        if (strcmp(t->few[i - 1], text) == 0) {
            return i;
        }
    }
    return 0;
}

void
texts_fini(struct texts *t)
{
    map_free(t->all, NULL);
    *t = (struct texts) { .n = 0 };
}
