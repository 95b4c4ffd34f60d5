/* The issuer against a store that behaves as the API server does: versions,
 * conflicts, strategic merge of webhooks by name.  Time is the script's. */
#include "tests/unit/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509_ca.h"
#include "reconciler/issuer.h"

#define START_S 1700000000
#define HOUR_S 3600
#define DAY_S 86400
#define OVERLAP_S 600
/* How long a pod goes on with the certificate it has mounted, and an API
 * server with the caBundle it has watched. */
#define LAG_S 90

struct past {
    char *text;
    int64_t until_s;        /* Replaced then; INT64_MAX: it is the present. */
};

struct world {
    json_t *store[ISSUER_N_OBJECTS];
    int version;
    int forbidden;          /* Writes of this object get 403; -1: none. */
    int64_t now_s;          /* Since the start; the monotonic clock. */
    int64_t wall_s;
    struct issuer *issuers[2];
    unsigned n_writes[ISSUER_N_OBJECTS];
    unsigned n_requests;
    struct past leaves[2];
    struct past bundles[2];
    bool is_trust_checked;
};

static char *
datum(const struct world *w, enum issuer_object object, const char *name)
{
    const char *text = json_string_value(json_object_get(
        json_object_get(w->store[object], "data"), name));
    char *out = NULL;
    size_t size;

    if (!text || !digest_base64_decode(text, strlen(text), &out, &size)) {
        return xstrdup("");
    }
    return out;
}

static json_t *
hook(const struct world *w, enum issuer_object object, size_t n)
{
    return json_array_get(json_object_get(w->store[object], "webhooks"), n);
}

static char *
bundle(const struct world *w, enum issuer_object object)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(hook(w, object, 0), "clientConfig"),
                        "caBundle"));
    char *out = NULL;
    size_t size;

    if (!text || !digest_base64_decode(text, strlen(text), &out, &size)) {
        return xstrdup("");
    }
    return out;
}

/* --- What pods and API servers may still hold --- */

static bool
remember(struct past *two, char *text, int64_t now_s)
{
    if (two[1].text && strcmp(two[1].text, text) == 0) {
        free(text);
        return false;
    }
    free(two[0].text);
    two[0] = two[1];
    two[0].until_s = now_s;
    two[1] = (struct past) { text, INT64_MAX };
    return true;
}

static bool
trusts(const char *bundle_text, const char *leaf)
{
    AUTO(x509_bundle_fini) struct x509_bundle all = { .n = 0 };
    AUTO_ERR struct err *err =
        x509_read_bundle(bundle_text, strlen(bundle_text), &all);
    bool is = false;

    for (size_t n = 0; n < all.n && !err; n++) {
        is = is || x509_has_issued(all.items[n].pem, leaf);
    }
    return is;
}

/* Every certificate that a pod may serve now is trusted by every caBundle
 * that an API server may have now. */
static void
check_trust(struct world *w)
{
    bool is_new =
        remember(w->leaves, datum(w, ISSUER_LEAF, "tls.crt"), w->now_s);

    is_new |= remember(w->bundles, bundle(w, ISSUER_VALIDATING), w->now_s);
    if (!w->is_trust_checked || !is_new) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 2; j++) {
            if (w->leaves[i].text && w->bundles[j].text &&
                w->leaves[i].until_s > w->now_s - LAG_S &&
                w->bundles[j].until_s > w->now_s - LAG_S) {
                assert_true(
                    trusts(w->bundles[j].text, w->leaves[i].text));
            }
        }
    }
}

/* --- The API server --- */

static void
touch(struct world *w, enum issuer_object object)
{
    json_t *meta = json_object_get(w->store[object], "metadata");

    if (meta) {
        json_object_set_new(meta, "resourceVersion",
                            json_sprintf("%d", ++w->version));
    }
}

/* Somebody else's doing: watches tell of it. */
static void
changed(struct world *w, enum issuer_object object)
{
    touch(w, object);
    for (size_t i = 0; i < 2; i++) {
        if (w->issuers[i]) {
            issuer_ring(w->issuers[i], object);
        }
    }
    check_trust(w);
}

static const char *
version_of(json_t *document)
{
    return json_string_value(json_object_get(
        json_object_get(document, "metadata"), "resourceVersion"));
}

static void
merge_webhooks(json_t *into, json_t *patch)
{
    json_t *change, *old;
    size_t i, j;

    json_array_foreach(json_object_get(patch, "webhooks"), i, change) {
        json_array_foreach(json_object_get(into, "webhooks"), j, old) {
            if (json_equal(json_object_get(old, "name"),
                           json_object_get(change, "name"))) {
                json_object_update(json_object_get(old, "clientConfig"),
                                   json_object_get(change, "clientConfig"));
            }
        }
    }
}

static int
write_object(struct world *w, const struct issuer_request *r, json_t *body)
{
    json_t **at = &w->store[r->object];

    if (w->forbidden == (int) r->object) {
        return 403;
    }
    if (r->method == HTTP_POST) {
        if (*at) {
            return 409;
        }
        *at = json_deep_copy(body);
    } else if (!*at) {
        return 404;
    } else if (!str_eq(version_of(*at), version_of(body))) {
        return 409;
    } else if (r->method == HTTP_PUT) {
        json_decref(*at);
        *at = json_deep_copy(body);
    } else {
        assert_int_equal(r->method, HTTP_PATCH);
        assert_string_equal(r->content_type,
                            "application/strategic-merge-patch+json");
        merge_webhooks(*at, body);
    }
    w->n_writes[r->object]++;
    return 200;
}

/* Answers as the store is now; the request may have been decided earlier. */
static void
serve(struct world *w, size_t who, struct issuer_request *r)
{
    AUTO_JSON json_t *body = NULL;
    AUTO_FREE char *text = NULL;
    struct http_response response = { .retry_after_ms = -1 };

    w->n_requests++;
    response.status = w->store[r->object] ? 200 : 404;
    if (r->body) {
        AUTO_ERR struct err *err =
            jx_load(r->body, strlen(r->body), 1 << 20, &body);

        assert_null(err);
        response.status = write_object(w, r, body);
    }
    if (response.status == 200 && r->body) {
        changed(w, r->object);
    }
    text = response.status == 200
               ? json_dumps(w->store[r->object], JSON_COMPACT)
               : xasprintf("{\"kind\":\"Status\",\"code\":%d}",
                           response.status);
    response.body = text;
    response.size = strlen(text);
    issuer_done(w->issuers[who], &response, w->now_s * 1000, 7);
    free(r->path);
    free(r->body);
}

static void
settle(struct world *w)
{
    for (int i = 0; i < 200; i++) {
        struct issuer_request r;
        bool any = false;

        for (size_t who = 0; who < 2; who++) {
            if (w->issuers[who] &&
                issuer_start(w->issuers[who], true, w->now_s * 1000,
                             w->wall_s, &r)) {
                serve(w, who, &r);
                any = true;
            }
        }
        if (!any) {
            return;
        }
    }
    fail_msg("it does not come to rest");
}

static void
pass(struct world *w, int64_t seconds)
{
    w->now_s += seconds;
    w->wall_s += seconds;
    settle(w);
    check_trust(w);
}

/* --- A world --- */

static json_t *
make_configuration(const char *name, const char *ca_bundle)
{
    return json_pack("{s:{s:s}, s:[{s:s, s:s, s:{s:s, s:{s:s}}},"
                     " {s:s, s:s, s:{s:s, s:{s:s}}}]}",
                     "metadata", "name", name, "webhooks", "name",
                     "validate.sallyport.dev", "failurePolicy", "Fail",
                     "clientConfig", "caBundle", ca_bundle, "service", "path",
                     "/validate", "name", "second.sallyport.dev",
                     "failurePolicy", "Ignore", "clientConfig", "caBundle",
                     ca_bundle, "service", "path", "/second");
}

static const struct issuer_spec spec = {
    .ns = "sallyport-system",
    .service = "sallyport-webhook",
    .ca_secret = "ca",
    .leaf_secret = "tls",
    .configuration = "sallyport",
    .overlap_ms = OVERLAP_S * 1000,
};

static void
put_configurations(struct world *w)
{
    for (int o = ISSUER_VALIDATING; o <= ISSUER_MUTATING; o++) {
        json_decref(w->store[o]);
        w->store[o] = make_configuration("sallyport", "");
        changed(w, (enum issuer_object) o);
    }
}

static void
world_init(struct world *w)
{
    *w = (struct world) { .wall_s = START_S, .forbidden = -1 };
    w->issuers[0] = issuer_new(&spec);
    put_configurations(w);
    settle(w);
    w->is_trust_checked = true;
    pass(w, LAG_S + 1);
}

static void
world_fini(struct world *w)
{
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        json_decref(w->store[o]);
    }
    for (size_t i = 0; i < 2; i++) {
        issuer_free(w->issuers[i]);
        free(w->leaves[i].text);
        free(w->bundles[i].text);
    }
}
#define AUTO_WORLD AUTO(world_fini)

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

/* Everything is there and fits together, for the time that it is. */
static void
check_whole(struct world *w, size_t n_cas)
{
    AUTO_FREE char *ca = datum(w, ISSUER_CA, "ca.crt");
    AUTO_FREE char *ca_key = datum(w, ISSUER_CA, "ca.key");
    AUTO_FREE char *crt = datum(w, ISSUER_LEAF, "tls.crt");
    AUTO_FREE char *key = datum(w, ISSUER_LEAF, "tls.key");
    AUTO_FREE char *validating = bundle(w, ISSUER_VALIDATING);
    AUTO_FREE char *mutating = bundle(w, ISSUER_MUTATING);
    AUTO(x509_bundle_fini) struct x509_bundle all = { .n = 0 };
    AUTO(x509_pair_fini) struct x509_pair leaf = { NULL };
    AUTO_ERR struct err *err = NULL;

    err = x509_read_bundle(ca, strlen(ca), &all);
    assert_null(err);
    assert_int_equal(all.n, n_cas);
    assert_true(x509_is_key_of(all.items[all.n - 1].pem, ca_key,
                               strlen(ca_key)));
    for (size_t n = 0; n < all.n; n++) {
        assert_true(all.items[n].is_ca);
        assert_true(all.items[n].not_after > w->wall_s);
    }
    assert_string_equal(validating, ca);
    assert_string_equal(mutating, ca);
    err = x509_read(crt, strlen(crt), key, strlen(key), &leaf);
    assert_null(err);
    assert_true(trusts(ca, crt));
    assert_true(leaf.not_before <= w->wall_s);
    assert_true(leaf.not_after > w->wall_s);
    assert_true(x509_covers(&leaf, "sallyport-webhook.sallyport-system.svc"));
    assert_true(x509_covers(&leaf, "sallyport-webhook"));
    assert_int_equal(issuer_not_after(w->issuers[0]), leaf.not_after);
}

/* --- Scripts --- */

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
    AUTO_WORLD struct world w = { .wall_s = START_S, .forbidden = -1 };
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

static void
no_configurations(void **state)
{
    AUTO_WORLD struct world w = { .wall_s = START_S, .forbidden = -1 };

    (void) state;
    w.issuers[0] = issuer_new(&spec);
    settle(&w);
    assert_int_equal(w.n_writes[ISSUER_LEAF], 1);
    put_configurations(&w);
    settle(&w);
    check_whole(&w, 1);
}

/* Both believe that they lead; every write of one is news to the other. */
static void
two_leaders(void **state)
{
    AUTO_WORLD struct world w = { .wall_s = START_S, .forbidden = -1 };

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

static void
only_the_leader(void **state)
{
    AUTO_WORLD struct world w = { .wall_s = START_S, .forbidden = -1 };
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
        cmocka_unit_test(ca_deleted),
        cmocka_unit_test(leaf_deleted),
        cmocka_unit_test(ca_swapped),
        cmocka_unit_test(ca_broken),
        cmocka_unit_test(ca_mixed_up),
        cmocka_unit_test(leaf_wrong),
        cmocka_unit_test(files_before),
        cmocka_unit_test(ca_bundle_emptied),
        cmocka_unit_test(no_configurations),
        cmocka_unit_test(two_leaders),
        cmocka_unit_test(late_write),
        cmocka_unit_test(clock_jumps),
        cmocka_unit_test(patch_forbidden),
        cmocka_unit_test(fight),
        cmocka_unit_test(only_the_leader),
        cmocka_unit_test(paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
