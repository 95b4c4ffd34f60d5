/* What the issuer makes and renews as time passes, nobody else touching
 * anything. */
#include "tests/unit/table.h"

#include "tests/unit/reconciler/issuer_world.h"

static void
first_start(void **state)
{
    AUTO_WORLD struct world w;

    (void) state;
    world_init(&w);
    check_whole(&w, 1);
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        assert_int_equal(w.n_writes[o], 1);
    }
    /* Only caBundle was touched. */
    assert_string_equal(json_string_value(json_object_get(
                            hook(&w, ISSUER_VALIDATING, 0), "failurePolicy")),
                        "Fail");
    assert_int_equal(
        json_object_size(hook(&w, ISSUER_VALIDATING, 1)), 3);
    assert_string_equal(
        json_string_value(json_object_get(w.store[ISSUER_LEAF], "type")),
        "kubernetes.io/tls");
    pass(&w, HOUR_S);
    assert_int_equal(w.n_writes[ISSUER_CA], 1);
}

/* Two years, minute by minute where something happens: at no time is a
 * certificate served that is not trusted. */
static void
two_years(void **state)
{
    AUTO_WORLD struct world w;
    unsigned last = 0;
    int n_quiet = 0;

    (void) state;
    world_init(&w);
    while (w.now_s < 2 * 365 * DAY_S) {
        unsigned sum = 0;

        for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
            sum += w.n_writes[o];
        }
        n_quiet = sum == last ? n_quiet + 1 : 0;
        last = sum;
        pass(&w, n_quiet < 80 ? 60 : 6 * HOUR_S);
    }
    check_whole(&w, 1);
    assert_in_range(w.n_writes[ISSUER_LEAF], 36, 42);
    /* The first, three successors, and each time the old one dropped. */
    assert_int_equal(w.n_writes[ISSUER_CA], 1 + 2 * 2);
    assert_int_equal(w.n_writes[ISSUER_VALIDATING], 1 + 2 * 2);
}

static void
rotation_overlaps(void **state)
{
    AUTO_WORLD struct world w;
    AUTO_FREE char *before = NULL;
    AUTO_FREE char *after = NULL;
    AUTO_FREE char *then = NULL;

    (void) state;
    world_init(&w);
    /* Leaf renewals until the CA is due at two thirds of its year, by the
     * hour once that is near. */
    while (w.n_writes[ISSUER_CA] == 1) {
        assert_true(w.now_s < 250 * DAY_S);
        free(before);
        pass(&w, w.now_s < 240 * DAY_S ? 6 * HOUR_S : HOUR_S);
        before = datum(&w, ISSUER_LEAF, "tls.crt");
    }
    assert_in_range(w.now_s, 243 * DAY_S, 244 * DAY_S);
    check_whole(&w, 2);
    pass(&w, OVERLAP_S - 10);
    after = datum(&w, ISSUER_LEAF, "tls.crt");
    assert_string_equal(before, after);
    pass(&w, 20);
    then = datum(&w, ISSUER_LEAF, "tls.crt");
    assert_string_not_equal(before, then);
    pass(&w, 5 * OVERLAP_S);
    check_whole(&w, 2);
    pass(&w, OVERLAP_S + 10);
    check_whole(&w, 1);
}

static void
long_absence(void **state)
{
    AUTO_WORLD struct world w;

    (void) state;
    world_init(&w);
    w.is_trust_checked = false;     /* Everything had expired long ago. */
    pass(&w, 3 * 365 * DAY_S);
    check_whole(&w, 1);
    assert_int_equal(w.n_writes[ISSUER_CA], 2);
}

static void
no_configurations(void **state)
{
    AUTO_WORLD struct world w = WORLD_INIT;

    (void) state;
    w.issuers[0] = issuer_new(&spec);
    settle(&w);
    assert_int_equal(w.n_writes[ISSUER_LEAF], 1);
    put_configurations(&w);
    settle(&w);
    check_whole(&w, 1);
}

static void
clock_jumps(void **state)
{
    AUTO_WORLD struct world w;

    (void) state;
    world_init(&w);
    w.is_trust_checked = false;
    w.wall_s += 10 * 365 * (int64_t) DAY_S;
    pass(&w, 61);
    check_whole(&w, 1);
    w.wall_s -= 10 * 365 * (int64_t) DAY_S;
    pass(&w, 61);
    check_whole(&w, 1);
    /* A few minutes are no reason for anything. */
    w.n_writes[ISSUER_CA] = w.n_writes[ISSUER_LEAF] = 0;
    w.wall_s -= 200;
    pass(&w, 61);
    assert_int_equal(w.n_writes[ISSUER_CA] + w.n_writes[ISSUER_LEAF], 0);
}

static void
only_the_leader(void **state)
{
    AUTO_WORLD struct world w = WORLD_INIT;
    struct issuer_request r;

    (void) state;
    w.issuers[0] = issuer_new(&spec);
    assert_false(issuer_start(w.issuers[0], false, 0, w.wall_s, &r));
    assert_int_equal(issuer_due_ms(w.issuers[0]), INT64_MAX);
    settle(&w);
    assert_false(issuer_start(w.issuers[0], false, 0, w.wall_s, &r));
    assert_int_equal(issuer_not_after(w.issuers[0]), 0);
}

static void
paths(void **state)
{
    struct issuer *i = issuer_new(&spec);
    AUTO_FREE char *secret = issuer_watch_path(i, ISSUER_LEAF);
    AUTO_FREE char *hooks = issuer_watch_path(i, ISSUER_MUTATING);

    (void) state;
    assert_string_equal(secret,
                        "/api/v1/namespaces/sallyport-system/secrets?watch=1"
                        "&fieldSelector=metadata.name%3Dtls"
                        "&allowWatchBookmarks=true&timeoutSeconds=300");
    assert_string_equal(
        hooks, "/apis/admissionregistration.k8s.io/v1/"
               "mutatingwebhookconfigurations?watch=1"
               "&fieldSelector=metadata.name%3Dsallyport"
               "&allowWatchBookmarks=true&timeoutSeconds=300");
    assert_string_equal(issuer_object_text(i, ISSUER_CA),
                        "Secret sallyport-system/ca");
    issuer_free(i);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_start),
        cmocka_unit_test(two_years),
        cmocka_unit_test(rotation_overlaps),
        cmocka_unit_test(long_absence),
        cmocka_unit_test(no_configurations),
        cmocka_unit_test(clock_jumps),
        cmocka_unit_test(only_the_leader),
        cmocka_unit_test(paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
