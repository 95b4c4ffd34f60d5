/* What was claimed for Ingresses that nobody has seen, at its bounds.
 * watch_is_backed() is this file's. */
#include "tests/unit/table.h"

#include "lib/base/str.h"
#include "webhook/limits.h"
#include "webhook/unbacked.h"

#define END (1000 + WEBHOOK_UNBACKED_MS)

static const struct row {
    const char *name;
    size_t begun;
    bool is_let_in;
    bool is_held;
    int64_t look_ms;            /* When it is looked at again. */
    const char *backed;         /* The host that an Ingress has by then. */
    size_t left;
} rows[] = {
    { "the last that is let in", WEBHOOK_MAX_UNBACKED, true, true, 1000, NULL,
      WEBHOOK_MAX_UNBACKED },
    { "one too many", WEBHOOK_MAX_UNBACKED + 1, false, false, 1000, NULL, 0 },
    { "not held counts no more", 3, true, false, 1000, NULL, 0 },
    { "held counts", 3, true, true, END - 1, NULL, 3 },
    { "until it may be collected", 3, true, true, END, NULL, 0 },
    { "or an Ingress is there", 3, true, true, 1000, "a.x", 0 },
    { "which is of another host", 3, true, true, 1000, "b.x", 3 },
    { "looks have a pause", 3, true, true, WEBHOOK_UNBACKED_LOOK_MS - 1,
      "a.x", 3 },
    { "as long as this", 3, true, true, WEBHOOK_UNBACKED_LOOK_MS, "a.x", 0 },
};

static const struct row *now;

bool
watch_is_backed(const struct watch *w, const char *ns, const char *host,
                const char *key)
{
    assert_ptr_equal(w, rows);
    assert_string_equal(ns, "n");
    assert_string_equal(key, "a.x/");
    return now->backed && str_eq(now->backed, host);
}

static void
check(void **state)
{
    const struct row *row = *state;
    /* The watch is not looked into. */
    struct unbacked *u = unbacked_new((const struct watch *) rows);

    now = row;
    unbacked_run(u, 0);
    assert_int_equal(unbacked_count(u), 0);
    assert_int_equal(unbacked_begin(u, row->begun), row->is_let_in);
    assert_int_equal(unbacked_count(u), row->begun);
    unbacked_end(u, row->begun, row->is_held, "n", "a.x", "a.x/", 1000);
    unbacked_run(u, row->look_ms);
    assert_int_equal(unbacked_count(u), row->left);
    /* There is room for as much as was given back. */
    assert_true(unbacked_begin(u, WEBHOOK_MAX_UNBACKED - row->left));
    assert_false(unbacked_begin(u, 1));
    unbacked_free(u);
}

TABLE_MAIN("unbacked", rows, check)
