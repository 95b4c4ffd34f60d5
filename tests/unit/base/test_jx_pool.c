#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/jx_pool.h"
#include "lib/base/mem.h"

#define MANY 100000

/* "[[],[],...]": the worst that text can do. */
static char *
make_arrays(size_t n)
{
    char *text = xmalloc(3 * n + 3);
    char *at = text;

    *at++ = '[';
    for (size_t i = 0; i < n; i++) {
        memcpy(at, "[],", 3);
        at += 3;
    }
    at[-1] = ']';
    *at = '\0';
    return text;
}

static struct err *
load(const char *text, json_t **out)
{
    return jx_load(text, strlen(text), SIZE_MAX, out);
}

static void
check_use(void **state)
{
    AUTO_FREE char *text = make_arrays(MANY);
    struct jx_budget budget = { .max = (size_t) 256 << 20 };
    json_t *outside = json_string("made before");
    struct jx_pool pool;
    json_t *got;

    (void) state;
    jx_pool_begin(&pool, (size_t) 128 << 20, &budget);
    assert_null(load(text, &got));
    assert_int_equal(json_array_size(got), MANY);
    assert_true(budget.used > 3 * strlen(text));
    assert_int_equal(budget.used, pool.size);
    /* What is older than the pool is not its own. */
    json_decref(outside);
    outside = json_string("made within");
    assert_string_equal(json_string_value(outside), "made within");
    jx_pool_end(&pool);
    assert_int_equal(budget.used, 0);
    assert_false(pool.is_full || pool.is_late);
}

static void
check_ceiling(void **state)
{
    AUTO_FREE char *text = make_arrays(MANY);
    struct jx_pool pool;
    AUTO_ERR struct err *err = NULL;
    json_t *got;

    (void) state;
    jx_pool_begin(&pool, (size_t) 1 << 20, NULL);
    err = load(text, &got);
    assert_non_null(err);
    assert_null(got);
    assert_true(pool.is_full && !pool.is_late);
    assert_true(pool.size <= (size_t) 1 << 20);
    jx_pool_end(&pool);
}

/* What others hold counts; what was not given is not taken. */
static void
check_budget(void **state)
{
    AUTO_FREE char *text = make_arrays(MANY);
    struct jx_budget budget = { .max = (size_t) 4 << 20 };
    struct jx_pool pool;
    AUTO_ERR struct err *err = NULL;
    json_t *got;

    (void) state;
    budget.used = (size_t) 3 << 20;
    jx_pool_begin(&pool, (size_t) 128 << 20, &budget);
    err = load(text, &got);
    assert_non_null(err);
    assert_true(pool.is_late && !pool.is_full);
    assert_true(budget.used <= budget.max);
    jx_pool_end(&pool);
    assert_int_equal(budget.used, (size_t) 3 << 20);
}

static void
check_without(void **state)
{
    AUTO_JSON json_t *got = NULL;

    (void) state;
    assert_null(load("{\"a\":[1,2]}", &got));
    assert_int_equal(json_array_size(json_object_get(got, "a")), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_use),
        cmocka_unit_test(check_ceiling),
        cmocka_unit_test(check_budget),
        cmocka_unit_test(check_without),
    };

    return cmocka_run_group_tests_name("jx_pool", tests, NULL, NULL);
}
