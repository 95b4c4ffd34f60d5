#include "reconciler/resolved.h"

#include <stdlib.h>

#include "lib/base/mem.h"

struct resolved *
resolved_new(const char *const *addresses, size_t n)
{
    struct resolved *r = xcalloc(1, sizeof *r);

    r->addresses = xcalloc(n, sizeof *r->addresses);
    r->n = n;
    for (size_t i = 0; i < n; i++) {
        r->addresses[i] = xstrdup(addresses[i]);
    }
    return r;
}

void
resolved_free(void *p)
{
    struct resolved *r = p;

    for (size_t i = 0; r && i < r->n; i++) {
        free(r->addresses[i]);
    }
    if (r) {
        free(r->addresses);
    }
    free(r);
}
