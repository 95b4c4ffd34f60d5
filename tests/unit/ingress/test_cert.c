#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/ingress/cert_wire.h"
#include "tests/unit/ingress/objects.h"

#define DAY INT64_C(86400)
/* 2026-03-01T00:00:00Z */
#define NOW INT64_C(1772323200)
#define TLS_OF(host)                                                       \
    "'rules':[{'host':'" host "'}],"                                       \
    "'tls':[{'hosts':['" host "'],'secretName':'c'}]"

/* --- Sentences, and the same after a journey --- */

static char *good[] = { (char[]) { "a.x" }, (char[]) { "*.w.x" } };
static char *many[] = {
    (char[]) { "b.x" }, (char[]) { "c.x" }, (char[]) { "d.x" },
    (char[]) { "e.x" }, (char[]) { "f.x" },
};

#define SERVED                                                             \
    .is_served = true, .names = good, .n_names = ARRAY_SIZE(good),         \
    .not_before = NOW - 10 * DAY, .not_after = NOW + 80 * DAY

static char problem[] = "tls.crt is empty";
static char opaque[] = "Opaque";

static const struct row {
    const char *name;
    struct cert_facts facts;
    const char *spec;
    bool strict;
    const char *want;
} rows[] = {
    { "good", { SERVED }, TLS_OF("a.x"), false, "" },
    { "good by its wildcard", { SERVED }, TLS_OF("b.w.x"), false, "" },
    { "the wildcard itself", { SERVED }, TLS_OF("*.w.x"), false, "" },
    { "missing", { .is_missing = true }, TLS_OF("a.x"), false,
      "spec.tls[0].secretName: Secret \"n/c\" of type kubernetes.io/tls does "
      "not exist: the default certificate is served until it does\n" },
    { "missing, under --strict-sni", { .is_missing = true }, TLS_OF("a.x"),
      true,
      "spec.tls[0].secretName: Secret \"n/c\" of type kubernetes.io/tls does "
      "not exist: TLS connections to it are refused until it does\n" },
    { "another type", { .is_missing = true, .other_type = opaque },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: Secret \"n/c\" is of type \"Opaque\": make one "
      "of type kubernetes.io/tls with tls.crt and tls.key; the default "
      "certificate is served until then\n" },
    { "a problem", { .problem = problem }, TLS_OF("a.x"), false,
      "spec.tls[0].secretName: Secret \"n/c\": tls.crt is empty; the default "
      "certificate is served\n" },
    { "a problem, told once for two hosts", { .problem = problem },
      "'rules':[{'host':'a.x'},{'host':'b.x'}],"
      "'tls':[{'hosts':['a.x','b.x'],'secretName':'c'}]", false,
      "spec.tls[0].secretName: Secret \"n/c\": tls.crt is empty; the default "
      "certificate is served\n" },
    { "a problem after a good one", { .problem = problem, SERVED },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: Secret \"n/c\": tls.crt is empty; its last "
      "good certificate is served\n" },
    { "expired",
      { .is_served = true, .names = good, .n_names = 1,
        .not_before = NOW - 90 * DAY, .not_after = NOW - 1 },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: the certificate in Secret \"n/c\" expired at "
      "2026-02-28T23:59:59Z: clients refuse it; renew it\n" },
    { "the last second",
      { .is_served = true, .names = good, .n_names = 1,
        .not_before = NOW - 90 * DAY, .not_after = NOW },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: the certificate in Secret \"n/c\" expires at "
      "2026-03-01T00:00:00Z, in less than 1 day: renew it\n" },
    { "not yet valid",
      { .is_served = true, .names = good, .n_names = 1,
        .not_before = NOW + 1, .not_after = NOW + 90 * DAY },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: the certificate in Secret \"n/c\" is not valid "
      "before 2026-03-01T00:00:01Z: clients refuse it until then; look at the "
      "clock of who issued it\n" },
    { "valid from now",
      { .is_served = true, .names = good, .n_names = 1, .not_before = NOW,
        .not_after = NOW + 90 * DAY },
      TLS_OF("a.x"), false, "" },
    { "upside down",
      { .is_served = true, .names = good, .n_names = 1,
        .not_before = NOW + DAY, .not_after = NOW - DAY },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: the certificate in Secret \"n/c\" ends at "
      "2026-02-28T00:00:00Z, before it begins at 2026-03-02T00:00:00Z: no "
      "client takes it; issue it anew\n" },
    { "22 days left",
      { .is_served = true, .names = good, .n_names = 1,
        .not_before = NOW - 90 * DAY, .not_after = NOW + 21 * DAY + 1 },
      TLS_OF("a.x"), false, "" },
    { "21 days left",
      { .is_served = true, .names = good, .n_names = 1,
        .not_before = NOW - 90 * DAY, .not_after = NOW + 21 * DAY },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: the certificate in Secret \"n/c\" expires at "
      "2026-03-22T00:00:00Z, in less than 21 days: renew it\n" },
    { "7 days left",
      { .is_served = true, .names = good, .n_names = 1,
        .not_before = NOW - 90 * DAY, .not_after = NOW + 7 * DAY },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: the certificate in Secret \"n/c\" expires at "
      "2026-03-08T00:00:00Z, in less than 7 days: renew it\n" },
    { "7 days left of 20: it is renewed later",
      { .is_served = true, .names = good, .n_names = 1,
        .not_before = NOW - 13 * DAY, .not_after = NOW + 7 * DAY },
      TLS_OF("a.x"), false, "" },
    { "an issuer expired", { SERVED, .chain_not_after = NOW - 1 },
      TLS_OF("a.x"), false,
      "spec.tls[0].secretName: an issuer's certificate in Secret \"n/c\" "
      "expired at 2026-02-28T23:59:59Z: clients may refuse the chain; put "
      "the present ones there\n" },
    { "not in order", { SERVED, .notes = X509_REORDERED }, TLS_OF("a.x"),
      false,
      "spec.tls[0].secretName: the certificates in Secret \"n/c\" are not in "
      "order: they are served in the right one; write the host's own first, "
      "then each one's issuer\n" },
    { "a copy", { SERVED, .notes = X509_COPIES }, TLS_OF("a.x"), false,
      "spec.tls[0].secretName: a certificate stands in Secret \"n/c\" more "
      "than once: it is served once; remove the copy\n" },
    { "a stranger", { SERVED, .notes = X509_STRANGERS }, TLS_OF("a.x"), false,
      "spec.tls[0].secretName: a certificate in Secret \"n/c\" is no issuer "
      "in the chain of the first: it is left out; put the issuer's "
      "certificates there, without a gap\n" },
    { "a CA's", { SERVED, .notes = X509_IS_CA }, TLS_OF("a.x"), false,
      "spec.tls[0].secretName: the certificate in Secret \"n/c\" is a CA's "
      "(CA:TRUE): some clients refuse it for a host; issue one that is "
      "not\n" },
    { "not for servers", { SERVED, .notes = X509_NOT_SERVER }, TLS_OF("a.x"),
      false,
      "spec.tls[0].secretName: the certificate in Secret \"n/c\" is not for "
      "servers (extended key usage): clients refuse it; issue one with "
      "serverAuth\n" },
    { "another host", { SERVED }, TLS_OF("b.x"), false,
      "spec.tls[0].hosts[0]: the certificate in Secret \"n/c\" does not cover "
      "host \"b.x\": it is for a.x, *.w.x; the default certificate is served; "
      "issue one with that DNS name\n" },
    { "another host, under --strict-sni", { SERVED }, TLS_OF("b.x"), true,
      "spec.tls[0].hosts[0]: the certificate in Secret \"n/c\" does not cover "
      "host \"b.x\": it is for a.x, *.w.x; TLS connections to it are refused; "
      "issue one with that DNS name\n" },
    { "many names",
      { .is_served = true, .names = many, .n_names = ARRAY_SIZE(many),
        .not_before = NOW - 10 * DAY, .not_after = NOW + 80 * DAY },
      TLS_OF("a.x"), false,
      "spec.tls[0].hosts[0]: the certificate in Secret \"n/c\" does not cover "
      "host \"a.x\": it is for b.x, c.x, d.x, e.x and 1 more; the default "
      "certificate is served; issue one with that DNS name\n" },
    { "more names than are known", { SERVED, .notes = X509_MORE_NAMES },
      TLS_OF("b.x"), false, "" },
    { "a wildcard, two labels deep", { SERVED }, TLS_OF("b.c.w.x"), false,
      "spec.tls[0].hosts[0]: the certificate in Secret \"n/c\" does not cover "
      "host \"b.c.w.x\": *.w.x stands for exactly one label; the default "
      "certificate is served; issue one with that DNS name\n" },
    { "a wildcard and its parent", { SERVED }, TLS_OF("w.x"), false,
      "spec.tls[0].hosts[0]: the certificate in Secret \"n/c\" does not cover "
      "host \"w.x\": *.w.x stands for exactly one label; the default "
      "certificate is served; issue one with that DNS name\n" },
    { "no names",
      { .is_served = true, .not_before = NOW, .not_after = NOW + 80 * DAY },
      TLS_OF("a.x"), false,
      "spec.tls[0].hosts[0]: the certificate in Secret \"n/c\" does not cover "
      "host \"a.x\": it has no subject alternative names, and clients do not "
      "read the common name; the default certificate is served; issue one "
      "with that DNS name\n" },
    { "addresses only",
      { .is_served = true, .n_addresses = 2, .not_before = NOW,
        .not_after = NOW + 80 * DAY },
      TLS_OF("a.x"), false,
      "spec.tls[0].hosts[0]: the certificate in Secret \"n/c\" does not cover "
      "host \"a.x\": it names IP addresses only; the default certificate is "
      "served; issue one with that DNS name\n" },
    { "names that are none",
      { .is_served = true, .notes = X509_BAD_NAMES, .not_before = NOW,
        .not_after = NOW + 80 * DAY },
      TLS_OF("a.x"), false,
      "spec.tls[0].hosts[0]: the certificate in Secret \"n/c\" does not cover "
      "host \"a.x\": its names are no DNS names (a byte is in them that none "
      "has); the default certificate is served; issue one with that DNS "
      "name\n" },
    { "no hosts", { SERVED }, "'rules':[{'host':'b.x'}],"
      "'tls':[{'secretName':'c'}]", false, "" },
    { "no Secret", { .problem = problem }, "'rules':[{'host':'b.x'}],"
      "'tls':[{'hosts':['b.x']}]", false, "" },
};

static const struct cert_facts *
get(const char *key, struct cert_facts *room, void *aux)
{
    (void) room;
    return str_eq(key, "n/c") ? aux : NULL;
}

static void
judge_with(const struct row *row, const struct cert_facts *facts)
{
    AUTO_FINDINGS struct findings *found = findings_new();
    AUTO_BUF struct buf out = BUF_OWN;
    struct ruleset ruleset = RULESET_INIT;
    const struct cert_source source = {
        .get = get, .aux = (void *) (uintptr_t) facts,
    };
    struct model *model;

    ruleset.strict_sni = row->strict;
    model = model_of(&ruleset, "n/a", 1, NULL, row->spec);
    cert_judge(model, &source, NOW, found);
    for (size_t i = 0; i < findings_count(found); i++) {
        assert_int_equal(findings_get(found, i)->severity, FINDING_WARNING);
        finding_print(findings_get(found, i), &out);
        buf_putc(&out, '\n');
    }
    assert_string_equal(buf_str(&out), row->want);
    model_unref(model);
}

/* What is published says the same as the Secret. */
static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO(cert_facts_fini) struct cert_facts far;
    AUTO_BUF struct buf lines = BUF_OWN;

    judge_with(row, &row->facts);
    if (!row->facts.is_missing || row->facts.other_type) {
        cert_wire_put("c", &row->facts, &lines);
    }
    memset(&far, 0xa5, sizeof far);
    assert_true(cert_wire_get(lines.size ? buf_str(&lines) : NULL,
                              CERT_WIRE_WHOLE, "c", &far));
    judge_with(row, &far);
}

/* --- Lines --- */

static void
check_lines(void **state)
{
    static const char *const names[] = { "a", "a-b", "a.b", "ab", "b", "z" };
    static const char *const others[] = { "", "A", "a-", "a-a", "aa", "abc",
                                          "c", "zz" };
    AUTO_BUF struct buf lines = BUF_OWN;
    AUTO(cert_facts_fini) struct cert_facts got = { .names = NULL };

    (void) state;
    for (size_t n = 0; n <= ARRAY_SIZE(names); n++) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            const bool is_there = i < n;

            assert_true(cert_wire_get(buf_str(&lines), CERT_WIRE_WHOLE,
                                      names[i], &got));
            assert_int_equal(got.is_missing, !is_there);
            if (is_there) {
                assert_string_equal(got.problem, names[i]);
            }
            cert_facts_fini(&got);
        }
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
            assert_true(cert_wire_get(buf_str(&lines), CERT_WIRE_WHOLE,
                                      others[i], &got));
            assert_true(got.is_missing);
        }
        if (n < ARRAY_SIZE(names)) {
            struct cert_facts facts = { .problem = (char *) (uintptr_t)
                                                       names[n] };

            cert_wire_put(names[n], &facts, &lines);
        }
    }
    /* Where something was left out, what is not there may exist. */
    buf_puts(&lines, CERT_WIRE_REST);
    assert_true(cert_wire_get(buf_str(&lines), CERT_WIRE_WHOLE, "a", &got));
    cert_facts_fini(&got);
    assert_true(cert_wire_get(buf_str(&lines), CERT_WIRE_WHOLE, "z", &got));
    cert_facts_fini(&got);
    assert_false(cert_wire_get(buf_str(&lines), CERT_WIRE_WHOLE, "c", &got));
    assert_false(cert_wire_get(NULL, CERT_WIRE_CUT, "a", &got));
    assert_false(cert_wire_get(NULL, NULL, "a", &got));
    assert_false(cert_wire_get(NULL, "{\"format\":2}", "a", &got));
}

/* What is not as we write it tells nothing. */
static void
check_damaged_lines(void **state)
{
    static const char *const lines[] = {
        "{\"secret\":\"c\"",
        "{\"secret\":\"c\",\"to\":1}\n",
        "{\"secret\":\"c\",\"names\":\"x\",\"from\":0,\"to\":1}\n",
        "{\"secret\":\"c\",\"names\":[1],\"from\":0,\"to\":1}\n",
        "{\"secret\":\"c\",\"names\":[\"a\\nb\"],\"from\":0,\"to\":1}\n",
        "{\"secret\":\"c\",\"names\":[],\"from\":0,\"to\":\"1\"}\n",
        "{\"secret\":\"c\",\"names\":[],\"from\":0,\"to\":1e300}\n",
        "{\"secret\":\"c\",\"problem\":\"a\\u0007b\"}\n",
        "{\"secret\":\"c\",\"problem\":7}\n",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct cert_facts got;

        if (cert_wire_get(lines[i], CERT_WIRE_WHOLE, "c", &got)) {
            fail_msg("accepted: %s", lines[i]);
        }
        assert_null(got.names);
    }
}

static void
check_next_change(void **state)
{
    const struct cert_facts facts = {
        .is_served = true, .not_before = 100 * DAY, .not_after = 200 * DAY,
        .chain_not_after = 300 * DAY,
    };
    static const int64_t days[][2] = {
        { 0, 100 }, { 100, 179 }, { 178, 179 }, { 179, 193 }, { 193, 199 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
        assert_int_equal(cert_next_change(&facts, days[i][0] * DAY),
                         days[i][1] * DAY);
    }
    assert_int_equal(cert_next_change(&facts, 199 * DAY), 200 * DAY + 1);
    assert_int_equal(cert_next_change(&facts, 201 * DAY), 300 * DAY + 1);
    assert_int_equal(cert_next_change(&facts, 301 * DAY), INT64_MAX);
}

static void
check_shards(void **state)
{
    bool seen[CERT_WIRE_SHARDS] = { false };
    size_t n = 0;

    (void) state;
    for (int i = 0; i < 200; i++) {
        AUTO_FREE char *ns = xasprintf("ns-%d", i);
        const size_t shard = cert_wire_shard(ns);

        assert_in_range(shard, 0, CERT_WIRE_SHARDS - 1);
        n += !seen[shard];
        seen[shard] = true;
    }
    assert_int_equal(n, CERT_WIRE_SHARDS);
}

/* --- Published --- */

#define N_NAMESPACES 3000

/* One Secret "c" in each of very many namespaces, whose problem is the name
 * of its namespace; in all shards but the last, and each third is left out. */
static void
publish(struct cache *cache)
{
    struct buf shards[CERT_WIRE_SHARDS];

    for (size_t i = 0; i < CERT_WIRE_SHARDS; i++) {
        shards[i] = (struct buf) BUF_OWN;
        buf_printf(&shards[i],
                   "{'metadata':{'namespace':'pub','name':"
                   "'sallyport-x-certificates-%zu'},"
                   "'data':{'_state':'{\\'format\\':1}'", i);
    }
    for (int i = 0; i < N_NAMESPACES; i++) {
        AUTO_FREE char *ns = xasprintf("ns-%d", i);

        if (i % 3 != 0) {
            buf_printf(&shards[cert_wire_shard(ns)],
                       ",'%s':'{\\'secret\\':\\'c\\',"
                       "\\'problem\\':\\'%s\\'}\\n'", ns, ns);
        }
    }
    for (size_t i = 0; i < CERT_WIRE_SHARDS; i++) {
        buf_puts(&shards[i], "}}");
        if (i < CERT_WIRE_SHARDS - 1) {
            cache_put(cache, object_of(KUBE_CONFIG_MAP, buf_str(&shards[i])));
        }
        buf_fini(&shards[i]);
    }
}

static void
check_published_one(const struct cert_source *source, int i)
{
    AUTO_FREE char *key = xasprintf("ns-%d/c", i);
    AUTO_FREE char *ns = xasprintf("ns-%d", i);
    AUTO(cert_facts_fini) struct cert_facts room = { .names = NULL };
    const struct cert_facts *got = source->get(key, &room, source->aux);

    if (cert_wire_shard(ns) == CERT_WIRE_SHARDS - 1) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_int_equal(got->is_missing, i % 3 == 0);
        assert_true(str_eq(got->problem, i % 3 == 0 ? NULL : ns));
    }
}

/* Every Secret is found in the shard of its namespace, whichever others were
 * asked for before. */
static void
check_published(void **state)
{
    struct cache *cache = cache_new();
    struct cert_cache known = { .cache = cache, .ns = "pub", .class = "x" };
    const struct cert_source source = cert_cache_source(&known);
    struct cert_facts room = { .names = NULL };

    (void) state;
    cache_expect(cache, KUBE_SECRET, 0);
    publish(cache);
    for (int i = 0; i < N_NAMESPACES; i++) {
        check_published_one(&source, i);
        check_published_one(&source, i);
        check_published_one(&source, i / 2);
    }
    known.ns = NULL;
    assert_null(source.get("ns-1/c", &room, source.aux));
    cache_free(cache);
}

int
main(void)
{
    const struct CMUnitTest more[] = {
        cmocka_unit_test(check_lines),
        cmocka_unit_test(check_damaged_lines),
        cmocka_unit_test(check_next_change),
        cmocka_unit_test(check_shards),
        cmocka_unit_test(check_published),
    };
    int failed = TABLE_RUN("cert", rows, check_row);

    return failed +
           cmocka_run_group_tests_name("cert, more", more, NULL, NULL);
}
