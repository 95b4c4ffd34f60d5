/* What others do to the issuer's objects: delete, damage and undo them, forbid
 * a write, or be a second issuer. */
#include "tests/unit/table.h"

#include "tests/unit/reconciler/issuer_world.h"

static void
set_secret(struct world *w, enum issuer_object object, const char *a,
           const char *a_text, const char *b, const char *b_text)
{
    AUTO_FREE char *x = digest_base64_encode(a_text, strlen(a_text));
    AUTO_FREE char *y = digest_base64_encode(b_text, strlen(b_text));

    json_decref(w->store[object]);
    w->store[object] =
        json_pack("{s:{s:s}, s:{s:s, s:s}}", "metadata", "name", "x", "data",
                  a, x, b, y);
    changed(w, object);
}

static void
ca_deleted(void **state)
{
    AUTO_WORLD struct world w;

    (void) state;
    world_init(&w);
    json_decref(w.store[ISSUER_CA]);
    w.store[ISSUER_CA] = NULL;
    changed(&w, ISSUER_CA);
    pass(&w, 1);
    check_whole(&w, 2);     /* The one in caBundle is taken over. */
    for (int i = 0; i < 100; i++) {
        pass(&w, 60);
    }
    check_whole(&w, 1);
}

static void
leaf_deleted(void **state)
{
    AUTO_WORLD struct world w;

    (void) state;
    world_init(&w);
    json_decref(w.store[ISSUER_LEAF]);
    w.store[ISSUER_LEAF] = NULL;
    issuer_ring(w.issuers[0], ISSUER_LEAF);
    pass(&w, 0);
    check_whole(&w, 1);
    assert_int_equal(w.n_writes[ISSUER_LEAF], 2);
    assert_int_equal(w.n_writes[ISSUER_CA], 1);
}

/* Another, whole CA in our Secret: it is the truth, without a gap. */
static void
ca_swapped(void **state)
{
    AUTO_WORLD struct world w;
    AUTO(x509_made_fini) struct x509_made other = { NULL };
    AUTO_FREE char *leaf = NULL;
    AUTO_ERR struct err *err = x509_make_ca("other", START_S, 365, &other);

    (void) state;
    assert_null(err);
    world_init(&w);
    set_secret(&w, ISSUER_CA, "ca.crt", other.certificate, "ca.key",
               other.key);
    pass(&w, 1);
    check_whole(&w, 2);
    for (int i = 0; i < 100; i++) {
        pass(&w, 60);
    }
    check_whole(&w, 1);
    leaf = datum(&w, ISSUER_LEAF, "tls.crt");
    assert_true(x509_has_issued(other.certificate, leaf));
}

static void
ca_broken(void **state)
{
    static const struct {
        const char *crt;
        const char *key;
    } rows[] = { { "", "" }, { "rubbish", "rubbish" } };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_WORLD struct world w;

        world_init(&w);
        set_secret(&w, ISSUER_CA, "ca.crt", rows[i].crt, "ca.key",
                   rows[i].key);
        pass(&w, 1);
        check_whole(&w, 2);
    }
}

/* The certificate of one CA with the key of another, and a leaf where the CA
 * should be. */
static void
ca_mixed_up(void **state)
{
    AUTO_WORLD struct world w;
    AUTO(x509_made_fini) struct x509_made other = { NULL };
    AUTO_FREE char *mine = NULL;
    AUTO_FREE char *crt = NULL;
    AUTO_FREE char *key = NULL;
    AUTO_ERR struct err *err = x509_make_ca("other", START_S, 365, &other);

    (void) state;
    assert_null(err);
    world_init(&w);
    mine = datum(&w, ISSUER_CA, "ca.crt");
    set_secret(&w, ISSUER_CA, "ca.crt", mine, "ca.key", other.key);
    pass(&w, 1);
    check_whole(&w, 2);
    crt = datum(&w, ISSUER_LEAF, "tls.crt");
    key = datum(&w, ISSUER_LEAF, "tls.key");
    set_secret(&w, ISSUER_CA, "ca.crt", crt, "ca.key", key);
    pass(&w, 1);
    check_whole(&w, 2);
}

static void
leaf_wrong(void **state)
{
    AUTO_WORLD struct world w;
    AUTO(x509_made_fini) struct x509_made ca = { NULL };
    AUTO(x509_made_fini) struct x509_made leaf = { NULL };
    const char *const other[] = { "other" };
    AUTO_ERR struct err *err = NULL;

    (void) state;
    world_init(&w);
    w.is_trust_checked = false;
    ca.certificate = datum(&w, ISSUER_CA, "ca.crt");
    ca.key = datum(&w, ISSUER_CA, "ca.key");
    err = x509_make_leaf(&ca, other, 1, START_S, 30, &leaf);
    assert_null(err);
    set_secret(&w, ISSUER_LEAF, "tls.crt", leaf.certificate, "tls.key",
               leaf.key);
    pass(&w, 1);
    check_whole(&w, 1);
    /* The key of another certificate. */
    set_secret(&w, ISSUER_LEAF, "tls.crt", leaf.certificate, "tls.key",
               ca.key);
    pass(&w, 1);
    check_whole(&w, 1);
}

/* manifests/webhook-certificate was used before: its CA is taken over. */
static void
files_before(void **state)
{
    AUTO_WORLD struct world w = WORLD_INIT;
    const char *const names[] = { "sallyport-webhook",
                                  "sallyport-webhook.sallyport-system",
                                  "sallyport-webhook.sallyport-system.svc" };
    AUTO(x509_made_fini) struct x509_made ca = { NULL };
    AUTO(x509_made_fini) struct x509_made leaf = { NULL };
    AUTO_FREE char *encoded = NULL;
    AUTO_ERR struct err *err = x509_make_ca("script", START_S, 366, &ca);

    (void) state;
    assert_null(err);
    err = x509_make_leaf(&ca, names, 3, START_S, 365, &leaf);
    assert_null(err);
    encoded = digest_base64_encode(ca.certificate, strlen(ca.certificate));
    for (int o = ISSUER_VALIDATING; o <= ISSUER_MUTATING; o++) {
        w.store[o] = make_configuration("sallyport", encoded);
        touch(&w, (enum issuer_object) o);
    }
    set_secret(&w, ISSUER_LEAF, "tls.crt", leaf.certificate, "tls.key",
               leaf.key);
    w.is_trust_checked = true;
    w.issuers[0] = issuer_new(&spec);
    pass(&w, 200);
    for (int i = 0; i < 100; i++) {
        pass(&w, 60);
    }
    check_whole(&w, 1);
}

static void
ca_bundle_emptied(void **state)
{
    AUTO_WORLD struct world w;

    (void) state;
    world_init(&w);
    w.is_trust_checked = false;
    put_configurations(&w);
    settle(&w);             /* No time has to pass. */
    check_whole(&w, 1);
    assert_int_equal(w.n_writes[ISSUER_VALIDATING], 2);
    assert_int_equal(w.n_writes[ISSUER_MUTATING], 2);
    /* A change that was not rung is found within a minute. */
    json_decref(w.store[ISSUER_MUTATING]);
    w.store[ISSUER_MUTATING] = make_configuration("sallyport", "");
    touch(&w, ISSUER_MUTATING);
    pass(&w, 61);
    check_whole(&w, 1);
}

/* Both believe that they lead; every write of one is news to the other. */
static void
two_leaders(void **state)
{
    AUTO_WORLD struct world w = WORLD_INIT;

    (void) state;
    put_configurations(&w);
    w.issuers[0] = issuer_new(&spec);
    w.issuers[1] = issuer_new(&spec);
    settle(&w);
    w.is_trust_checked = true;
    check_whole(&w, 1);
    assert_int_equal(w.n_writes[ISSUER_CA], 1);
    assert_int_equal(w.n_writes[ISSUER_LEAF], 1);
    /* Through a rotation: no more writes than one of them makes. */
    for (int i = 0; i < 245 * 4; i++) {
        pass(&w, DAY_S / 4);
    }
    assert_int_equal(w.n_writes[ISSUER_CA], 3);
    check_whole(&w, 1);
}

/* A write that was decided before another one's arrives after it. */
static void
late_write(void **state)
{
    AUTO_WORLD struct world w;
    struct issuer_request late;
    AUTO_FREE char *now = NULL;
    AUTO_FREE char *then = NULL;

    (void) state;
    world_init(&w);
    json_decref(w.store[ISSUER_LEAF]);
    w.store[ISSUER_LEAF] = NULL;
    issuer_ring(w.issuers[0], ISSUER_LEAF);
    while (issuer_start(w.issuers[0], true, w.now_s * 1000, w.wall_s,
                        &late) &&
           late.method == HTTP_GET) {
        serve(&w, 0, &late);
    }
    assert_int_equal(late.method, HTTP_POST);
    w.issuers[1] = issuer_new(&spec);
    settle(&w);
    now = datum(&w, ISSUER_LEAF, "tls.crt");
    serve(&w, 0, &late);
    settle(&w);
    then = datum(&w, ISSUER_LEAF, "tls.crt");
    assert_string_equal(now, then);
    check_whole(&w, 1);
}

/* Without the right to patch the rest goes on, and nobody is pestered. */
static void
patch_forbidden(void **state)
{
    AUTO_WORLD struct world w = { .wall_s = START_S,
                                  .forbidden = ISSUER_VALIDATING };
    AUTO_FREE char *complaint = NULL;

    (void) state;
    put_configurations(&w);
    w.issuers[0] = issuer_new(&spec);
    settle(&w);
    complaint = issuer_take_complaint(w.issuers[0]);
    assert_non_null(strstr(complaint, "ValidatingWebhookConfiguration "
                                      "sallyport"));
    assert_int_equal(w.n_writes[ISSUER_LEAF], 1);
    assert_int_equal(w.n_writes[ISSUER_MUTATING], 1);
    w.n_requests = 0;
    for (int i = 0; i < HOUR_S; i++) {
        pass(&w, 1);
    }
    assert_in_range(w.n_requests, 60, 400);
    w.forbidden = -1;
    pass(&w, 121);
    check_whole(&w, 1);
}

/* Somebody undoes every patch: an hour of it costs a patch a minute. */
static void
fight(void **state)
{
    AUTO_WORLD struct world w;

    (void) state;
    world_init(&w);
    w.is_trust_checked = false;
    for (int i = 0; i < HOUR_S; i++) {
        put_configurations(&w);
        pass(&w, 1);
    }
    assert_in_range(w.n_writes[ISSUER_VALIDATING], 50, 75);
    pass(&w, 120);
    check_whole(&w, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ca_deleted),
        cmocka_unit_test(leaf_deleted),
        cmocka_unit_test(ca_swapped),
        cmocka_unit_test(ca_broken),
        cmocka_unit_test(ca_mixed_up),
        cmocka_unit_test(leaf_wrong),
        cmocka_unit_test(files_before),
        cmocka_unit_test(ca_bundle_emptied),
        cmocka_unit_test(two_leaders),
        cmocka_unit_test(late_write),
        cmocka_unit_test(patch_forbidden),
        cmocka_unit_test(fight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
