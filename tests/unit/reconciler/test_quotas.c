/* Which Ingresses a namespace's caps leave out. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/annot_help.h"
#include "tests/unit/ingress/objects.h"

#include "lib/base/buf.h"
#include "lib/base/map.h"
#include "reconciler/quotas.h"

/* A script of "+KEY@AGE:PATHS" (with "?": which a service is asked about) and
 * "-KEY", settled after each; 'want' lists who is out then. */
static const struct row {
    const char *name;
    uint64_t caps[4];
    const char *script;
    const char *want;
} rows[] = {
    { "no cap", { 0, 0, 0, 0 }, "+a/x@1:3 +a/y@2:3", "" },
    { "at the cap", { 6, 0, 0, 0 }, "+a/x@1:3 +a/y@2:3", "" },
    { "the youngest is out", { 5, 0, 0, 0 }, "+a/y@2:3 +a/x@1:3", "a/y" },
    { "a smaller one fits behind it", { 4, 0, 0, 0 },
      "+a/x@1:3 +a/y@2:3 +a/z@3:1", "a/y" },
    { "room again", { 5, 0, 0, 0 }, "+a/x@1:3 +a/y@2:3 -a/x", "" },
    { "an older one comes", { 5, 0, 0, 0 }, "+a/y@2:3 +a/z@3:2 +a/x@1:3",
      "a/y" },
    { "the others feel nothing", { 5, 0, 0, 0 },
      "+a/x@1:3 +a/y@2:3 +b/x@9:5", "a/y" },
    { "alone and too large", { 2, 0, 0, 0 }, "+a/x@1:3", "a/x" },
    { "it shrinks", { 2, 0, 0, 0 }, "+a/x@1:3 +a/x@1:2", "" },
    { "backends", { 0, 0, 0, 3 }, "+a/x@1:3 +a/y@2:1", "a/y" },
    { "backends that are asked fit", { 0, 0, 0, 3 }, "+a/x@1:1? +a/y@2:1",
      "" },
    { "backends that are asked", { 0, 0, 0, 3 }, "+a/x@1:1? +a/y@2:1?",
      "a/y" },
};

static struct model *
make(const struct ruleset *rules, const char *key, int age, unsigned paths,
     bool asks)
{
    AUTO_BUF struct buf spec = BUF_OWN;

    for (unsigned i = 0; i < paths; i++) {
        buf_printf(&spec, "%s{'path':'/%u','pathType':'Exact',%s}",
                   i ? "," : "", i, BACKEND("main"));
    }
    {
        AUTO_FREE char *whole =
            xasprintf("'rules':[{'host':'a.test','http':{'paths':[%s]}}]",
                      buf_str(&spec));

        return model_of(rules, key, age,
                        asks ? "'" N "auth-url':'http://judge.a.svc/'" : NULL,
                        whole);
    }
}

static void
note(struct model *model, bool is_out, void *aux)
{
    static char mark;

    if (is_out) {
        map_put(aux, model->object->key, &mark);
    } else {
        map_remove(aux, model->object->key);
    }
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct ruleset rules = RULESET_INIT;
    AUTO_FREE char *script = xstrdup(row->script);
    struct map *out = map_new();
    struct quotas *q;
    char *rest = script, *word;

    memcpy(rules.max_per_namespace, row->caps, sizeof row->caps);
    q = quotas_new(&rules);
    while ((word = strsep(&rest, " "))) {
        char *key = strsep(&word, "@") + 1;

        if (word) {
            char *age = strsep(&word, ":");
            struct model *m = make(&rules, key, age[0] - '0',
                                   (unsigned) (word[0] - '0'),
                                   word[1] == '?');

            /* Who is new or changed is served until it is told otherwise. */
            map_remove(out, key);
            quotas_set(q, key, m);
            model_unref(m);
        } else {
            quotas_set(q, key, NULL);
            map_remove(out, key);
        }
        quotas_settle(q, note, out);
    }
    assert_int_equal(map_size(out), row->want[0] != '\0');
    if (row->want[0]) {
        AUTO_FINDINGS struct findings *findings = findings_new();

        assert_non_null(map_get(out, row->want));
        assert_non_null(quotas_out(q, row->want));
        quotas_report(q, row->want, findings);
        assert_int_equal(findings_count(findings), 1);
    }
    map_free(out, NULL);
    quotas_free(q);
}

static void
count(struct model *model, void *aux)
{
    size_t *n = map_get(aux, model->key);

    assert_non_null(n);
    ++*n;
}

/* Each once, those that are left out as well. */
static void
all_of_a_namespace(void **state)
{
    struct ruleset rules = RULESET_INIT;
    const char *const keys[] = { "a/x", "a/y", "b/x", "ab/x" };
    size_t n[ARRAY_SIZE(keys)] = { 0 };
    struct map *seen = map_new();
    struct quotas *q;

    (void) state;
    rules.max_per_namespace[0] = 5;
    q = quotas_new(&rules);
    quotas_each(q, "a", count, seen);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        struct model *m = make(&rules, keys[i], (int) i + 1, 3, false);

        quotas_set(q, keys[i], m);
        model_unref(m);
        map_put(seen, keys[i], &n[i]);
    }
    quotas_settle(q, note, seen);
    map_put(seen, "a/y", &n[1]);        /* note() was told of it. */
    assert_non_null(quotas_out(q, "a/y"));
    quotas_each(q, "a", count, seen);
    quotas_each(q, "c", count, seen);
    assert_int_equal(n[0], 1);
    assert_int_equal(n[1], 1);
    assert_int_equal(n[2] + n[3], 0);
    quotas_set(q, "a/x", NULL);
    quotas_each(q, "a", count, seen);
    assert_int_equal(n[0], 1);
    assert_int_equal(n[1], 2);
    map_free(seen, NULL);
    quotas_free(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_namespace),
    };

    return TABLE_RUN("quotas", rows, check_row) +
           cmocka_run_group_tests_name("quotas_each", tests, NULL, NULL);
}
