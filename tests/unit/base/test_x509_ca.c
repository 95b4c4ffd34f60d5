#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/x509_ca.h"

#define NOW 1700000000
#define DAY 86400

static const char *const names[] = { "hook", "hook.ns", "hook.ns.svc" };

struct pki {
    struct x509_made ca;
    struct x509_made leaf;
};

static void
pki_fini(struct pki *p)
{
    x509_made_fini(&p->ca);
    x509_made_fini(&p->leaf);
}

static void
pki_init(struct pki *p, int64_t leaf_days)
{
    AUTO_ERR struct err *err = x509_make_ca("a CA", NOW, 365, &p->ca);

    assert_null(err);
    err = x509_make_leaf(&p->ca, names, ARRAY_SIZE(names), NOW, leaf_days,
                         &p->leaf);
    assert_null(err);
}

static void
what_was_made(void **state)
{
    AUTO(pki_fini) struct pki p = { { NULL }, { NULL } };
    AUTO(x509_bundle_fini) struct x509_bundle ca = { .n = 0 };
    AUTO(x509_bundle_fini) struct x509_bundle leaf = { .n = 0 };
    AUTO(x509_pair_fini) struct x509_pair pair = { NULL };
    AUTO_ERR struct err *err = NULL;

    (void) state;
    pki_init(&p, 30);
    err = x509_read_bundle(p.ca.certificate, strlen(p.ca.certificate), &ca);
    assert_null(err);
    assert_int_equal(ca.n, 1);
    assert_true(ca.items[0].is_ca);
    assert_int_equal(ca.items[0].not_before, NOW - X509_BACKDATE_S);
    assert_int_equal(ca.items[0].not_after, NOW + 365 * DAY);
    assert_string_equal(ca.items[0].pem, p.ca.certificate);
    err = x509_read_bundle(p.leaf.certificate, strlen(p.leaf.certificate),
                           &leaf);
    assert_null(err);
    assert_false(leaf.items[0].is_ca);
    err = x509_read(p.leaf.certificate, strlen(p.leaf.certificate),
                    p.leaf.key, strlen(p.leaf.key), &pair);
    assert_null(err);
    assert_int_equal(pair.n_names, ARRAY_SIZE(names));
    assert_true(x509_covers(&pair, "hook.ns.svc"));
    assert_int_equal(pair.not_after, NOW + 30 * DAY);
}

/* Two CAs of one name: only key and signature tell them apart. */
static void
whose_is_what(void **state)
{
    AUTO(pki_fini) struct pki a = { { NULL }, { NULL } };
    AUTO(pki_fini) struct pki b = { { NULL }, { NULL } };

    (void) state;
    pki_init(&a, 30);
    pki_init(&b, 30);
    assert_true(x509_has_issued(a.ca.certificate, a.leaf.certificate));
    assert_false(x509_has_issued(b.ca.certificate, a.leaf.certificate));
    assert_false(x509_has_issued(a.leaf.certificate, a.leaf.certificate));
    assert_false(x509_has_issued("rubbish", a.leaf.certificate));
    assert_false(x509_has_issued(a.ca.certificate, ""));
    assert_true(x509_is_key_of(a.ca.certificate, a.ca.key,
                               strlen(a.ca.key)));
    assert_false(x509_is_key_of(a.ca.certificate, b.ca.key,
                                strlen(b.ca.key)));
    assert_false(x509_is_key_of(a.ca.certificate, "rubbish", 7));
    assert_string_not_equal(a.ca.certificate, b.ca.certificate);
}

static void
no_leaf_outlives_its_ca(void **state)
{
    AUTO(pki_fini) struct pki p = { { NULL }, { NULL } };
    AUTO(x509_bundle_fini) struct x509_bundle leaf = { .n = 0 };
    AUTO_ERR struct err *err = NULL;

    (void) state;
    pki_init(&p, 1000);
    err = x509_read_bundle(p.leaf.certificate, strlen(p.leaf.certificate),
                           &leaf);
    assert_null(err);
    assert_int_equal(leaf.items[0].not_after, NOW + 365 * DAY);
}

static void
what_is_refused(void **state)
{
    static const char *const bad[] = { "a name", "ok" };
    AUTO(pki_fini) struct pki p = { { NULL }, { NULL } };
    AUTO(x509_made_fini) struct x509_made out = { NULL };
    AUTO_ERR struct err *err = NULL;

    (void) state;
    pki_init(&p, 30);
    err = x509_make_leaf(&p.ca, bad, 1, NOW, 30, &out);
    assert_non_null(err);
    assert_int_equal(err_kind(err), ERR_INVALID);
    assert_string_equal(err_text(err), "\"a name\" is not a DNS name");
    err_freep(&err);
    err = x509_make_leaf(&p.ca, bad, 0, NOW, 30, &out);
    assert_non_null(err);
    assert_null(out.key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_made),
        cmocka_unit_test(whose_is_what),
        cmocka_unit_test(no_leaf_outlives_its_ca),
        cmocka_unit_test(what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
