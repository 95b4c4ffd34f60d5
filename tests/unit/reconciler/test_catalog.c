#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/cert_wire.h"
#include "lib/kube/decode.h"
#include "lib/kube/limits.h"
#include "reconciler/catalog.h"

/* Both in shard 12: the digests of their names begin with "c". */
#define SHARD 12
#define NS "a"
#define NEIGHBOUR "ns-15"

static char long_name[240];
static char *names[CERT_WIRE_MAX_NAMES + 1];

static void
set(struct catalog *c, const char *ns, int i, size_t n_names)
{
    AUTO_FREE char *key = xasprintf("%s/secret-%06d", ns, i);
    const struct cert_facts facts = {
        .is_served = true, .names = names, .n_names = n_names,
        .not_before = 1, .not_after = 2,
    };

    catalog_set(c, key, &facts);
}

/* As the API server would give it back. */
static const struct kube_object *
store(const char *body, size_t size)
{
    static int version = 6;
    AUTO_FREE char *text = xasprintf("%d", ++version);
    AUTO_JSON json_t *document = NULL;
    const struct kube_object *object = NULL;

    assert_null(jx_load(body, size, KUBE_MAX_BODY, &document));
    json_object_set_new(json_object_get(document, "metadata"),
                        "resourceVersion", json_string(text));
    assert_null(kube_decode(KUBE_CONFIG_MAP, document, NULL, &object));
    return object;
}

static const struct kube_object *
render(struct catalog *c, size_t shard)
{
    size_t size;
    AUTO_FREE char *body = catalog_render(c, shard, NULL, &size);

    assert_true(size <= KUBE_MAX_BODY);
    return store(body, size);
}

static void
check_differs(void **state)
{
    struct catalog *c = catalog_new("sys", "class");
    AUTO_KUBE const struct kube_object *empty = NULL;
    AUTO_KUBE const struct kube_object *full = NULL;
    AUTO_FREE char *body = NULL;
    size_t size;

    (void) state;
    assert_string_equal(catalog_key(c, SHARD),
                        "sys/sallyport-class-certificates-12");
    assert_true(catalog_differs(c, SHARD, NULL));
    empty = render(c, SHARD);
    assert_false(catalog_differs(c, SHARD, empty));
    set(c, NS, 1, 1);
    assert_int_equal(catalog_count(c), 1);
    assert_true(catalog_differs(c, SHARD, empty));
    full = render(c, SHARD);
    assert_false(catalog_differs(c, SHARD, full));
    set(c, NS, 1, 1);
    assert_false(catalog_differs(c, SHARD, full));
    set(c, NS, 1, 2);
    assert_true(catalog_differs(c, SHARD, full));
    catalog_set(c, NS "/secret-000001", NULL);
    catalog_set(c, NS "/secret-000001", NULL);
    assert_int_equal(catalog_count(c), 0);
    assert_false(catalog_differs(c, SHARD, empty));
    assert_true(catalog_differs(c, SHARD, NULL));
    body = catalog_render(c, SHARD, full, &size);
    assert_non_null(strstr(body, "\"resourceVersion\":\"8\""));
    catalog_free(c);
}

static bool
knows(const struct kube_object *object, const char *ns, int i, bool *missing)
{
    const struct kube_pairs *data = &object->config_map.data;
    AUTO_FREE char *name = xasprintf("secret-%06d", i);
    AUTO(cert_facts_fini) struct cert_facts facts;
    bool known = cert_wire_get(kube_pair(data, ns),
                               kube_pair(data, CERT_WIRE_STATE), name,
                               &facts);

    *missing = facts.is_missing;
    return known;
}

/* One namespace has its part of the ConfigMap, and what was left out of it is
 * not missing. */
static void
check_one_namespace(void **state)
{
    struct catalog *c = catalog_new("sys", "class");
    AUTO_KUBE const struct kube_object *object = NULL;
    bool missing;
    size_t n = 0;

    (void) state;
    for (int i = 0; i < 100; i++) {
        set(c, NS, i, CERT_WIRE_MAX_NAMES + 1);
    }
    assert_true(cert_wire_shard(NEIGHBOUR) == SHARD);
    set(c, NEIGHBOUR, 0, 1);
    object = render(c, SHARD);
    assert_false(catalog_differs(c, SHARD, object));
    for (int i = 0; i < 100; i++) {
        n += knows(object, NS, i, &missing);
        assert_false(missing);
    }
    assert_in_range(n, 10, 99);
    assert_false(knows(object, NS, 200, &missing));
    assert_true(knows(object, NEIGHBOUR, 0, &missing) && !missing);
    assert_true(knows(object, NEIGHBOUR, 1, &missing) && missing);
    catalog_free(c);
}

/* Many of them fill it: then of no Secret that is not there is anything
 * known. */
static void
check_full_shard(void **state)
{
    struct catalog *c = catalog_new("sys", "class");
    AUTO_KUBE const struct kube_object *object = NULL;
    bool missing;
    size_t n = 0;

    (void) state;
    for (int k = 0, i = 0; k < 40; i++) {
        AUTO_FREE char *ns = xasprintf("n-%d", i);

        if (cert_wire_shard(ns) == SHARD) {
            set(c, ns, 0, CERT_WIRE_MAX_NAMES);
            k++;
        }
    }
    object = render(c, SHARD);
    assert_false(catalog_differs(c, SHARD, object));
    for (size_t i = 0; i < object->config_map.data.n; i++) {
        n += strlen(object->config_map.data.items[i].value);
    }
    assert_in_range(n, CERT_WIRE_MAX_SHARD / 2, CERT_WIRE_MAX_SHARD + 100);
    assert_false(knows(object, "nobody", 0, &missing));
    catalog_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_differs),
        cmocka_unit_test(check_one_namespace),
        cmocka_unit_test(check_full_shard),
    };

    memset(long_name, 'x', sizeof long_name - 1);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        names[i] = long_name;
    }
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
