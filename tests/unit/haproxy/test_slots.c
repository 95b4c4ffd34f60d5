#include "tests/unit/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/slots.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

/* Stories with a clock of their own, in words:
 *   gN        the class has N slots
 *   tNAME     NAME takes one: its index, or "-"
 *   rNAME     NAME releases its slot
 *   eNAME     the slot that NAME had is empty, HAProxy says
 *   +MS       time passes
 *   d         indexes of slots that may be asked about
 *   S         the files are written
 *   R         a reload
 *   D         ... whose classes are dropped where nobody is in them
 * The words' answers stand in 'want', one for each t and d. */
static const struct row {
    const char *name;
    const char *script;
    const char *want;
} rows[] = {
    { "lowest free first", "g3 ta tb", "1 2" },
    { "an owner twice is the caller's affair", "g3 ta tb tc td", "1 2 3 -" },
    { "released: quarantined, not free", "g1 ta ra tb", "1 -" },
    { "not due before connect x 3, queue and margin",
      "g1 ta ra +20999 d +1 d", "1 . 1" },
    { "free again when empty", "g1 ta ra +21000 ea tb", "1 1" },
    { "grown while one is quarantined", "g1 ta ra g2 tb", "1 2" },
    { "a reload ends quarantine", "g2 ta ra S R tb", "1 1" },
    { "but not of what the files have for another", "g2 ta ra R tb", "1 2" },
    { "of two only the written one", "g2 ta tb ra S rb R tc td",
      "1 2 1 -" },
    { "a reload leaves the used", "g2 ta tb ra S R tc td", "1 2 1 -" },
    { "a class of free slots is forgotten", "g2 ta ra S R D tb g1 tc",
      "1 - 1" },
    { "one in use stays", "g3 ta tb ra S R D tc td", "1 2 1 3" },
    { "others go on meanwhile", "g3 ta tb ra tc +21000 d ea td",
      "1 2 3 1 1" },
    { "released twice counts once", "g1 ta ra +9000 ra +12000 d", "1 1" },
};

struct story {
    struct slots *slots;
    struct program_class class;
    struct slot *had[256];      /* By the owner's letter. */
    int64_t now;
    struct buf said;
};

static void
say(struct story *s, const char *text)
{
    buf_printf(&s->said, "%s%s", s->said.size > 0 ? " " : "", text);
}

static void
say_due(struct story *s)
{
    AUTO_BUF struct buf due = BUF_OWN;
    struct slot *slot;

    for (size_t at = 0; (slot = slots_next(s->slots, &at));) {
        if (slot->state == SLOT_QUARANTINED &&
            slots_due(s->slots, slot) <= s->now) {
            buf_printf(&due, "%s%u", due.size > 0 ? "," : "", slot->index);
        }
    }
    say(s, due.size > 0 ? buf_str(&due) : ".");
}

static void
play(struct story *s, const char *word)
{
    unsigned char who = (unsigned char) word[1];
    char text[16] = "-";
    struct slot *slot;
    uint64_t n;

    switch (word[0]) {
    case 'g':
        slots_grow(s->slots, &s->class, (unsigned) (word[1] - '0'));
        break;
    case 't':
        slot = slots_take(s->slots, word + 1, &s->class);
        if (slot) {
            snprintf(text, sizeof text, "%u", slot->index);
            s->had[who] = slot;
        }
        say(s, text);
        break;
    case 'r':
        slots_release(s->slots, s->had[who], s->now);
        break;
    case 'e':
        slots_clear(s->slots, s->had[who]);
        break;
    case '+':
        assert_true(parse_u64(word + 1, 0, 100000, &n));
        s->now += (int64_t) n;
        break;
    case 'd':
        say_due(s);
        break;
    case 'R':
        slots_clear_saved(s->slots);
        break;
    case 'S':
        slots_saved(s->slots, slots_released(s->slots));
        break;
    case 'D':
        slots_drop_idle_classes(s->slots);
        break;
    default:
        fail_msg("word %s", word);
    }
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct story s = { .slots = slots_new(), .said = BUF_OWN };
    AUTO_FREE char *copy = xstrdup(row->script);
    char *rest = copy, *word;
    struct slots_counts n;
    size_t all = 0;

    s.class = slots_class_of(PLAN_PLAIN, PLAN_ROUNDROBIN, 0, 0);
    while ((word = strsep(&rest, " "))) {
        play(&s, word);
    }
    n = slots_counts(s.slots, &s.class);
    for (size_t at = 0; slots_next(s.slots, &at);) {
        all++;
    }
    assert_int_equal(n.free + n.used + n.quarantined, all);
    assert_string_equal(buf_str(&s.said), row->want);
    buf_fini(&s.said);
    slots_free(s.slots);
}

static const struct name {
    const char *name;
    const char *slot;
    const char *want;           /* Class and index as text, "" refused. */
} names[] = {
    { "name: usual", "plain-roundrobin-5000.0001", "plain-roundrobin-5000 1" },
    { "name: five digits", "tcp-leastconn-70.12345", "tcp-leastconn-70 12345" },
    { "name: none", "none", "" },
    { "name: no index", "plain-roundrobin-5000", "" },
    { "name: index 0", "plain-roundrobin-5000.0000", "" },
    { "name: short index", "plain-roundrobin-5000.1", "" },
    { "name: other kind", "odd-roundrobin-5000.0001", "" },
    { "name: more behind", "plain-roundrobin-5000.0001x", "" },
    { "name: time-out 0", "plain-roundrobin-0.0001", "" },
    { "name: dash last", "plain-roundrobin.5-1", "" },
};

static void
check_name(void **state)
{
    const struct name *row = *state;
    struct program_class class = { 0 };
    char text[PROGRAM_NAME_SIZE + 16] = "", name[PROGRAM_NAME_SIZE];
    unsigned index = 0;

    if (slots_parse(row->slot, &class, &index)) {
        program_class_name(&class, name);
        snprintf(text, sizeof text, "%s %u", name, index);
    }
    assert_string_equal(text, row->want);
}

static void
moving_owner_has_two_slots_for_a_while(void **state)
{
    struct slots *slots = slots_new();
    struct program_class plain = slots_class_of(PLAN_PLAIN, PLAN_ROUNDROBIN,
                                                0, 0);
    struct program_class policy = slots_class_of(PLAN_POLICY,
                                                 PLAN_ROUNDROBIN, 0, 0);
    struct slot *old, *new;

    (void) state;
    slots_grow(slots, &plain, 1);
    slots_grow(slots, &policy, 1);
    old = slots_take(slots, "a", &plain);
    new = slots_take(slots, "a", &policy);
    assert_ptr_equal(slots_find(slots, "a"), new);
    assert_int_equal(old->state, SLOT_USED);
    slots_release(slots, old, 0);
    assert_ptr_equal(slots_find(slots, "a"), new);
    assert_false(slots_claim(slots, new->name, "b"));
    slots_free(slots);
}

static void
wanted_leaves_half_spare(void **state)
{
    struct program_class plain = slots_class_of(PLAN_PLAIN, PLAN_ROUNDROBIN,
                                                0, 0);
    struct program_class rare = slots_class_of(PLAN_PLAIN, PLAN_ROUNDROBIN,
                                               7000, 0);

    (void) state;
    assert_int_equal(slots_wanted(&plain, 0), 128);
    assert_int_equal(slots_wanted(&plain, 64), 128);
    assert_int_equal(slots_wanted(&plain, 65), 256);
    assert_int_equal(slots_wanted(&rare, 1), 32);
    assert_int_equal(slots_wanted(&plain, 10000000), PROGRAM_SPARES_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moving_owner_has_two_slots_for_a_while),
        cmocka_unit_test(wanted_leaves_half_spare),
    };

    return TABLE_RUN("slots", rows, check_row) +
           TABLE_RUN("slot names", names, check_name) +
           cmocka_run_group_tests_name("slots more", tests, NULL, NULL);
}
