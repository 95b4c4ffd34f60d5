/* The issuer, and a store that behaves as the API server does: versions,
 * conflicts, strategic merge of webhooks by name.  Time is the script's. */
#ifndef TESTS_UNIT_RECONCILER_ISSUER_WORLD_H
#define TESTS_UNIT_RECONCILER_ISSUER_WORLD_H

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

/* The text that 'base64' encodes; "" where there is none. */
static inline char *
decoded(json_t *base64)
{
    const char *text = json_string_value(base64);
    char *out = NULL;
    size_t size;

    if (!text || !digest_base64_decode(text, strlen(text), &out, &size)) {
        return xstrdup("");
    }
    return out;
}

static inline char *
datum(const struct world *w, enum issuer_object object, const char *name)
{
    return decoded(json_object_get(
        json_object_get(w->store[object], "data"), name));
}

static inline json_t *
hook(const struct world *w, enum issuer_object object, size_t n)
{
    return json_array_get(json_object_get(w->store[object], "webhooks"), n);
}

static inline char *
bundle(const struct world *w, enum issuer_object object)
{
    return decoded(
        json_object_get(json_object_get(hook(w, object, 0), "clientConfig"),
                        "caBundle"));
}

/* --- What pods and API servers may still hold --- */

static inline bool
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

static inline bool
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
static inline void
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

static inline void
touch(struct world *w, enum issuer_object object)
{
    json_t *meta = json_object_get(w->store[object], "metadata");

    if (meta) {
        json_object_set_new(meta, "resourceVersion",
                            json_sprintf("%d", ++w->version));
    }
}

/* Somebody else's doing: watches tell of it. */
static inline void
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

static inline const char *
version_of(json_t *document)
{
    return json_string_value(json_object_get(
        json_object_get(document, "metadata"), "resourceVersion"));
}

static inline void
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

static inline int
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
static inline void
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

static inline void
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

static inline void
pass(struct world *w, int64_t seconds)
{
    w->now_s += seconds;
    w->wall_s += seconds;
    settle(w);
    check_trust(w);
}

/* --- A world --- */

static inline json_t *
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

static inline void
put_configurations(struct world *w)
{
    for (int o = ISSUER_VALIDATING; o <= ISSUER_MUTATING; o++) {
        json_decref(w->store[o]);
        w->store[o] = make_configuration("sallyport", "");
        changed(w, (enum issuer_object) o);
    }
}

#define WORLD_INIT { .wall_s = START_S, .forbidden = -1 }

static inline void
world_init(struct world *w)
{
    *w = (struct world) WORLD_INIT;
    w->issuers[0] = issuer_new(&spec);
    put_configurations(w);
    settle(w);
    w->is_trust_checked = true;
    pass(w, LAG_S + 1);
}

static inline void
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

/* Everything is there and fits together, for the time that it is. */
static inline void
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

#endif /* TESTS_UNIT_RECONCILER_ISSUER_WORLD_H */
