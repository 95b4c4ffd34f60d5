#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/claim.h"
#include "lib/kube/decode.h"

#define WALL 1000000

/* A claim in short. */
struct brief {
    const char *host;
    const char *key;
    const char *holder;
    const char *only;
    const char *mode;
    const char *backend;
    bool is_public;
};

static struct kube_claim
claim_of(const struct brief *b)
{
    struct kube_claim c = {
        .host = xstrdup(b->host),
        .key = b->key ? xstrdup(b->key) : NULL,
        .class = xstrdup("sallyport"),
        .holder = xstrdup(b->holder),
        .only = xstrdup(b->only ? b->only : ""),
        .mode = xstrdup(b->mode ? b->mode : ""),
        .backend = xstrdup(b->backend ? b->backend : ""),
        .is_public = b->is_public,
    };

    claim_name(c.class, c.host, c.key, c.name);
    claim_family(c.class, c.host, c.family);
    return c;
}

/* As an API server gives it back. */
static struct err *
store(const char *text, const char *version, struct kube_claim *out)
{
    AUTO_JSON json_t *root = NULL;
    AUTO_KUBE const struct kube_object *lease = NULL;
    struct err *err = jx_load(text, strlen(text), 100000, &root);
    json_t *meta = json_object_get(root, "metadata");

    assert_null(err);
    if (version) {
        json_object_set_new(meta, "resourceVersion", json_string(version));
    }
    json_object_set_new(meta, "uid", json_string("u"));
    err = kube_decode(KUBE_LEASE, root, NULL, &lease);
    assert_null(err);
    return claim_read(lease, out);
}

static const struct share {
    const char *name;
    struct brief mine;
    struct brief found;
    bool want;
} shares[] = {
    { "itself",
      { .host = "h", .holder = "a/x", .only = "a/x", .mode = "paths" },
      { .host = "h", .holder = "a/x", .only = "a/x", .mode = "passthrough" },
      true },
    { "one namespace",
      { .host = "h", .holder = "a/x", .mode = "paths" },
      { .host = "h", .holder = "a/y", .mode = "paths" },
      true },
    { "two namespaces",
      { .host = "h", .holder = "a/x" },
      { .host = "h", .holder = "b/x" },
      false },
    { "of which one begins like the other",
      { .host = "h", .holder = "a/x" },
      { .host = "h", .holder = "ab/x" },
      false },
    { "two namespaces, anybody's",
      { .host = "h", .holder = "a/x", .is_public = true },
      { .host = "h", .holder = "b/x" },
      true },
    { "two modes",
      { .host = "h", .holder = "a/x", .mode = "paths" },
      { .host = "h", .holder = "a/y", .mode = "passthrough" },
      false },
    { "a mode and none",
      { .host = "h", .holder = "a/x" },
      { .host = "h", .holder = "a/y", .mode = "passthrough" },
      true },
    { "a host of one Ingress",
      { .host = "h", .holder = "a/x", .only = "a/x" },
      { .host = "h", .holder = "a/y", .only = "a/y" },
      false },
    { "and its canary",
      { .host = "h", .holder = "a/x" },
      { .host = "h", .holder = "a/y", .only = "a/y" },
      true },
    { "a key",
      { .host = "h", .key = "h/", .holder = "a/x", .backend = "s" },
      { .host = "h", .key = "h/", .holder = "a/y", .backend = "t" },
      false },
    { "a key of twins",
      { .host = "h", .key = "h/", .holder = "a/x", .backend = "s" },
      { .host = "h", .key = "h/", .holder = "a/y", .backend = "s" },
      true },
    { "of two namespaces",
      { .host = "h", .key = "h/", .holder = "a/x", .backend = "s" },
      { .host = "h", .key = "h/", .holder = "b/x", .backend = "s" },
      false },
    { "without a backend",
      { .host = "h", .key = "h/", .holder = "a/x" },
      { .host = "h", .key = "h/", .holder = "a/y" },
      false },
};

static void
check_share(void **state)
{
    const struct share *row = *state;
    struct kube_claim mine = claim_of(&row->mine);
    struct kube_claim before = claim_of(&row->found);
    AUTO_FREE char *text =
        claim_render(&before, "sys", INT64_C(1000000) * WALL, NULL);
    AUTO_FREE char *again = NULL;
    struct kube_claim found, joined;

    assert_null(store(text, "41", &found));
    assert_string_equal(found.holder, row->found.holder);
    assert_string_equal(found.name, before.name);
    assert_true(str_eq(found.key, before.key));
    assert_int_equal(found.order, 41);
    assert_int_equal(found.renewed, WALL);
    assert_int_equal(claim_may_share(&mine, &found), row->want);
    /* Joined: its holder and its order stay, its time does not. */
    again = claim_render(&mine, "sys", INT64_C(1000000) * (WALL + 5), &found);
    assert_null(store(again, "99", &joined));
    assert_string_equal(joined.holder, row->found.holder);
    assert_string_equal(joined.version, "99");
    assert_int_equal(joined.order, 41);
    assert_int_equal(joined.renewed, WALL + 5);
    claim_fini(&mine);
    claim_fini(&before);
    claim_fini(&found);
    claim_fini(&joined);
}

static const struct rival {
    const char *name;
    const char *mine, *my_holder;
    const char *other, *other_holder;
    bool is_family;
    bool want;
} rivals[] = {
    { "wildcard and host", "*.x", "a/x", "a.x", "b/x", true, true },
    { "host and wildcard", "a.x", "a/x", "*.x", "b/x", true, true },
    { "one namespace", "a.x", "a/x", "*.x", "a/y", true, false },
    { "two hosts below one", "a.x", "a/x", "b.x", "b/x", true, false },
    { "two levels", "a.b.x", "a/x", "*.x", "b/x", false, true },
};

static void
check_rival(void **state)
{
    const struct rival *row = *state;
    const struct brief one = { .host = row->mine, .holder = row->my_holder };
    const struct brief two = { .host = row->other,
                               .holder = row->other_holder };
    struct kube_claim mine = claim_of(&one);
    struct kube_claim other = claim_of(&two);

    assert_int_equal(strcmp(mine.family, other.family) == 0, row->is_family);
    assert_int_equal(claim_is_rival(&mine, &other), row->want);
    claim_fini(&mine);
    claim_fini(&other);
}

static const struct bad {
    const char *name;
    const char *text;
} bads[] = {
    { "a Lease of somebody else",
      "{\"metadata\":{\"namespace\":\"s\",\"name\":\"n\"},"
      "\"spec\":{\"holderIdentity\":\"a/x\"}}" },
    { "no holder",
      "{\"metadata\":{\"namespace\":\"s\",\"name\":\"n\",\"annotations\":"
      "{\"sallyport.dev/claim-host\":\"h\"}},\"spec\":{}}" },
    { "a holder without a namespace",
      "{\"metadata\":{\"namespace\":\"s\",\"name\":\"n\",\"annotations\":"
      "{\"sallyport.dev/claim-host\":\"h\"}},"
      "\"spec\":{\"holderIdentity\":\"x\"}}" },
    { "an order that is no number",
      "{\"metadata\":{\"namespace\":\"s\",\"name\":\"n\",\"annotations\":"
      "{\"sallyport.dev/claim-host\":\"h\","
      "\"sallyport.dev/claim-order\":\"-1\"}},"
      "\"spec\":{\"holderIdentity\":\"a/x\"}}" },
};

static void
check_bad(void **state)
{
    const struct bad *row = *state;
    struct kube_claim out;
    AUTO_ERR struct err *err = store(row->text, "5", &out);

    assert_non_null(err);
    assert_int_equal(err_kind(err), ERR_PROTOCOL);
    claim_fini(&out);
}

int
main(void)
{
    int failed = TABLE_RUN("claim, shared", shares, check_share);

    failed += TABLE_RUN("claim, rivals", rivals, check_rival);
    return failed + TABLE_RUN("claim, not one", bads, check_bad);
}
