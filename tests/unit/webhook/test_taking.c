/* The protocol of claims between replicas.
 *
 * A row is two reviews.  Every interleaving of their requests is played, from
 * nothing, by walking all sequences of "who is next": never may both be
 * admitted, and where the row says so exactly one must be. */
#include "tests/unit/table.h"

#include "tests/unit/webhook/taking_help.h"

/* Choices that are walked.  Two who wait for each other until their time is
 * up make more than anybody can walk: after FEW they take turns. */
#define MAX_CHOICES 24
#define FEW 10

struct world {
    const struct ask *asks;
    struct store store;
    struct taking *takings[2];
    bool is_stored[2];
    int64_t now_ms;
};

/* What replica 'i' does next: its request is answered, or, once it holds all,
 * the API server stores the object.  Returns false where it has nothing to
 * do before time passes. */
static bool
advance(struct world *w, int i)
{
    struct taking *t = w->takings[i];
    struct taking_request due;

    if (taking_verdict(t) == TAKING_HELD && !w->is_stored[i]) {
        store_ingress(&w->store, &w->asks[i]);
        w->is_stored[i] = true;
        return true;
    }
    if (!taking_start(t, w->now_ms, WALL, &due)) {
        return false;
    }
    answer(&w->store, &due, t, w->now_ms);
    free(due.path);
    free(due.body);
    return true;
}

static bool
is_over(const struct world *w, int i)
{
    return taking_is_over(w->takings[i]) &&
           (taking_verdict(w->takings[i]) != TAKING_HELD || w->is_stored[i]);
}

/* Time passes only where nobody can do anything. */
static void
pass_time(struct world *w)
{
    int64_t due_ms = INT64_MAX;

    for (int i = 0; i < 2; i++) {
        if (taking_due_ms(w->takings[i]) < due_ms) {
            due_ms = taking_due_ms(w->takings[i]);
        }
    }
    assert_true(due_ms > w->now_ms && due_ms < INT64_MAX);
    w->now_ms = due_ms;
}

struct walk {
    uint8_t choices[MAX_CHOICES];
    size_t n;                   /* Choices that were made so far. */
    size_t n_fixed;             /* Of which these are prescribed. */
    size_t most;                /* Walked at most. */
    size_t n_more;              /* Made by turns after them. */
};

static int
choose(struct walk *walk)
{
    if (walk->n == walk->most) {
        return walk->n_more++ % 2;
    }
    if (walk->n >= walk->n_fixed) {
        walk->choices[walk->n] = 0;
    }
    return walk->choices[walk->n++];
}

/* Plays one interleaving.  A choice is asked for where both are at work; who
 * pauses cannot move. */
static void
play(struct world *w, struct walk *walk)
{
    walk->n = walk->n_more = 0;
    while (!is_over(w, 0) || !is_over(w, 1)) {
        const bool can[2] = {
            taking_verdict(w->takings[0]) == TAKING_HELD
                ? !w->is_stored[0]
                : taking_due_ms(w->takings[0]) <= w->now_ms,
            taking_verdict(w->takings[1]) == TAKING_HELD
                ? !w->is_stored[1]
                : taking_due_ms(w->takings[1]) <= w->now_ms,
        };

        if (!can[0] && !can[1]) {
            pass_time(w);
        } else {
            advance(w, can[0] && can[1] ? choose(walk) : can[1]);
        }
    }
}

/* The next sequence of choices in order; false after the last. */
static bool
next_walk(struct walk *walk)
{
    while (walk->n > 0 && walk->choices[walk->n - 1] == 1) {
        walk->n--;
    }
    if (walk->n == 0) {
        return false;
    }
    walk->choices[walk->n - 1] = 1;
    walk->n_fixed = walk->n;
    return true;
}

enum want { AT_MOST_ONE, EXACTLY_ONE, BOTH };

static const struct pair_row {
    const char *name;
    struct ask asks[2];
    enum want want;
} pairs[] = {
    { "one new host from two namespaces",
      { { "a/x", .hosts = { "n.test" }, .keys = { "n.test" } },
        { "b/x", .hosts = { "n.test" }, .keys = { "n.test" } } },
      EXACTLY_ONE },
    { "one new path on an owned host",
      { { "a/x", .keys = { "n.test" } }, { "a/y", .keys = { "n.test" } } },
      EXACTLY_ONE },
    { "a wildcard against an exact host",
      { { "a/x", .hosts = { "*.n.test" }, .keys = { "*.n.test" } },
        { "b/x", .hosts = { "a.n.test" }, .keys = { "a.n.test" } } },
      EXACTLY_ONE },
    { "{a, b} against {b, a}",
      { { "a/x", .hosts = { "a.test", "b.test" } },
        { "b/x", .hosts = { "b.test", "a.test" } } },
      EXACTLY_ONE },
    { "{a, b} against {b}",
      { { "a/x", .hosts = { "a.test", "b.test" } },
        { "b/x", .hosts = { "b.test" } } },
      EXACTLY_ONE },
    { "names that are not known yet",
      { { "a/", "a/uid:1", .hosts = { "n.test" } },
        { "b/", "b/uid:2", .hosts = { "n.test" } } },
      EXACTLY_ONE },
    { "two keys each, crosswise",
      { { "a/x", .keys = { "a.test", "b.test" } },
        { "a/y", .keys = { "b.test", "a.test" } } },
      EXACTLY_ONE },
    { "a wildcard and its host, crosswise",
      { { "a/x", .hosts = { "*.n.test", "a.m.test" } },
        { "b/x", .hosts = { "a.n.test", "*.m.test" } } },
      AT_MOST_ONE },
    { "passthrough against paths",
      { { "a/x", .hosts = { "n.test" }, .mode = "passthrough" },
        { "a/y", .hosts = { "n.test" }, .keys = { "n.test" } } },
      EXACTLY_ONE },
    { "one new host, one namespace, two paths",
      { { "a/x", .hosts = { "n.test" } }, { "a/y", .hosts = { "n.test" } } },
      BOTH },
    { "twins",
      { { "a/x", .hosts = { "n.test" }, .keys = { "n.test" },
          .backend = "s" },
        { "a/y", .hosts = { "n.test" }, .keys = { "n.test" },
          .backend = "s" } },
      BOTH },
    { "a wildcard and its host in one namespace",
      { { "a/x", .hosts = { "*.n.test" } },
        { "a/y", .hosts = { "a.n.test" } } },
      BOTH },
    { "policy path: one new host, two namespaces",
      { { "a/x", .hosts = { "n.test" }, .is_public = true },
        { "b/x", .hosts = { "n.test" }, .is_public = true } },
      BOTH },
    { "policy path: passthrough against paths",
      { { "a/x", .hosts = { "n.test" }, .is_public = true,
          .mode = "passthrough" },
        { "b/x", .hosts = { "n.test" }, .is_public = true } },
      EXACTLY_ONE },
    { "nothing in common",
      { { "a/x", .hosts = { "n.test" } }, { "b/x", .hosts = { "m.test" } } },
      BOTH },
};

/* No claim is left but those of who was admitted. */
static void
check_leftovers(const struct world *w)
{
    json_t *lease;
    const char *name;

    json_object_foreach(w->store.leases, name, lease)
    {
        const char *holder = json_string_value(json_object_get(
            json_object_get(lease, "spec"), "holderIdentity"));
        bool is_backed = false;

        for (int i = 0; i < 2; i++) {
            const struct ask *ask = &w->asks[i];

            is_backed = is_backed ||
                        (w->is_stored[i] &&
                         str_eq(holder, ask->holder ? ask->holder
                                                    : ask->name));
        }
        assert_true(is_backed);
    }
}

static void
check_pair(void **state)
{
    const struct pair_row *row = *state;
    struct walk walk = {
        .most = row->want == AT_MOST_ONE ? FEW : MAX_CHOICES,
    };
    size_t n_walks = 0;
    bool is_whole = true;

    do {
        struct world w = { .asks = row->asks };
        int n;

        store_init(&w.store);
        w.takings[0] = begin(&row->asks[0]);
        w.takings[1] = begin(&row->asks[1]);
        play(&w, &walk);
        n = w.is_stored[0] + w.is_stored[1];
        if (row->want == BOTH) {
            assert_int_equal(n, 2);
        } else {
            assert_true(n < 2);
            assert_true(row->want != EXACTLY_ONE || n == 1);
            check_leftovers(&w);
        }
        taking_free(w.takings[0]);
        taking_free(w.takings[1]);
        store_fini(&w.store);
        n_walks++;
        is_whole = is_whole && walk.n_more == 0;
    } while (next_walk(&walk));
    print_message("         %zu interleavings%s\n", n_walks,
                  is_whole ? ", all there are" : "");
    assert_true(n_walks > 1 && (is_whole || row->want == AT_MOST_ONE));
}

TABLE_MAIN("taking, all interleavings", pairs, check_pair)
