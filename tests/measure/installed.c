#include "tests/measure/installed.h"

#include <stdlib.h>

#include "haproxy/slots.h"
#include "haproxy/want.h"
#include "lib/base/mem.h"

struct installed {
    struct slots *slots;
    struct model *model;
};

struct installed *
installed_new(struct plan *plan, unsigned n)
{
    struct installed *i = xcalloc(1, sizeof *i);
    struct program_class class = { .kind = PROGRAM_PLAIN,
                                   .balance = PROGRAM_ROUNDROBIN,
                                   .connect_ms = SLOTS_CONNECT_MS };
    struct model *reserved = want_reserved();
    struct map *refused = map_new();
    struct want want = { .plan = plan, .reserved = reserved,
                         .refused = refused };
    struct map_iter it = MAP_ITER;

    i->slots = slots_new();
    want.slots = i->slots;
    slots_grow(i->slots, &class, slots_wanted(&class, n));
    while (map_next(plan_items(plan, PLAN_SET_BACKENDS), &it)) {
        (void) slots_take(i->slots, it.key, &class);
    }
    i->model = want_model(&want);
    model_free(reserved);
    map_free(refused, NULL);
    return i;
}

void
installed_free(struct installed *i)
{
    if (i) {
        model_free(i->model);
        slots_free(i->slots);
        free(i);
    }
}
