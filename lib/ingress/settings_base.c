#include "lib/ingress/settings_base.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/mem.h"

struct annot_value
annot_value_copy(const struct annot_value *from)
{
    struct annot_value copy = *from;

    copy.text = from->text ? xstrdup(from->text) : NULL;
    copy.list.items = NULL;
    if (from->list.n > 0) {
        copy.list.items = xcalloc(from->list.n, sizeof *copy.list.items);
    }
    for (size_t i = 0; i < from->list.n; i++) {
        copy.list.items[i] = xstrdup(from->list.items[i]);
    }
    return copy;
}

static void
apply(const struct annot_def *def, const struct annot_value *value,
      struct settings_draft *draft)
{
    struct annot_value copy = annot_value_copy(value);

    def->apply(def, &copy, draft);
    annot_value_fini(&copy);
}

/* True where applying the value leaves the draft with a text of its own:
 * the callback takes it. */
static bool
is_taken(const struct annot_def *def, const struct annot_value *value)
{
    struct annot_value copy = annot_value_copy(value);
    struct settings_draft scratch = { .client_depth = 0 };
    bool is_taken;

    def->apply(def, &copy, &scratch);
    is_taken = (value->text && !copy.text) ||
               (value->list.n > 0 && copy.list.n == 0);
    annot_value_fini(&copy);
    settings_draft_fini(&scratch);
    return is_taken;
}

/* It is needed where it needs no other row, or one of those is there by
 * default. */
static struct settings_later
later_of(const struct defaults *d, size_t at)
{
    const struct annot_def *def = annot_at(at);
    struct settings_later later = {
        .row = (uint16_t) at, .is_needed = !def->needs[0],
    };

    for (size_t i = 0; i < ANNOT_N_NEEDS && def->needs[i]; i++) {
        size_t row = 0;
        const struct annot_def *other = annot_find(def->needs[i], &row);
        const struct annot_value *value = defaults_value(d, row);

        if (other) {
            later.needs[later.n_needs++] = (uint16_t) row;
        }
        if (other && value && (other->kind != ANNOT_BOOL || value->flag)) {
            later.is_needed = true;
        }
    }
    return later;
}

static void
add_row(struct settings_base *base, const struct defaults *d, size_t row)
{
    const struct annot_def *def = annot_at(row);
    const struct annot_value *value =
        def->apply ? defaults_value(d, row) : NULL;

    if (!value) {
        return;
    }
    if (is_taken(def, value)) {
        base->later[base->n_later++] = later_of(d, row);
    } else if (def->yields_to && defaults_get(d, row)) {
        base->yielding[base->n_yielding++] = (uint16_t) row;
    } else {
        apply(def, value, &base->plain);
    }
}

struct settings_base *
settings_base_new(const struct defaults *d)
{
    struct settings_base *base = xcalloc(1, sizeof *base);

    assert(annot_count() <= SETTINGS_ROWS_MAX);
    for (size_t row = 0; row < annot_count(); row++) {
        add_row(base, d, row);
    }
    return base;
}
