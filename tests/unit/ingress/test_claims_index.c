/* Who has what at run time, and the life of an index. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/claims_help.h"

/* --- Run time --- */

static const struct runtime {
    const char *name;
    int policy;
    struct one there[5];
    const char *host;
    const char *want;           /* Claims in order: who, what, fate. */
    const char *report;         /* Of all, in the order of 'there'. */
} runtimes[] = {
    { "nobody", NAMESPACE, { { 0 } }, "a.x", "", "" },
    { "the oldest wins", NAMESPACE,
      { { "n/a", 2, NULL, RA(PREFIX("/", "s")) },
        { "n/b", 1, NULL, RA(PREFIX("/", "t")) } },
      "a.x", "n/b a.x/ holds\nn/a a.x/ loses to n/b\n",
      "n/a error " P0 ": " DEFINED("a.x", "/", "n/b", "Prefix") HERE },
    { "ties go to the greater name", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) },
        { "n/b", 1, NULL, RA(PREFIX("/", "t")) } },
      "a.x", "n/b a.x/ holds\nn/a a.x/ loses to n/b\n",
      "n/a error " P0 ": " DEFINED("a.x", "/", "n/b", "Prefix") HERE },
    { "without creation time it is the youngest", NAMESPACE,
      { { "n/z", 0, NULL, RA(PREFIX("/", "s")) },
        { "n/b", 1, NULL, RA(PREFIX("/", "t")) } },
      "a.x", "n/b a.x/ holds\nn/z a.x/ loses to n/b\n",
      "n/z error " P0 ": " DEFINED("a.x", "/", "n/b", "Prefix") HERE },
    { "what exists is served by path", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) },
        { "m/b", 2, NULL, RA(PREFIX("/b", "t") "," PREFIX("/", "t")) } },
      "a.x",
      "n/a a.x/ holds\nm/b a.x/b/ holds\nm/b a.x/ loses to n/a\n",
      "m/b m/b error spec.rules[0].http.paths[1].path: "
      DEFINED("a.x", "/", "n/a", "Prefix") OR_ASK("n")
      "warning " H0 ": host \"a.x\" belongs to namespace \"n\" (ingress "
      "n/a has it since 1970-01-01); this Ingress is served there only "
      "until --enforce-host-policy is on" ASK("n") },
    { "the policy holds at run time", NAMESPACE | ENFORCED,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) },
        { "m/b", 2, NULL, RA(PREFIX("/b", "t")) },
        { "n/c", 3, NULL, RA(PREFIX("/b", "s")) } },
      "a.x",
      "n/a a.x/ holds\nm/b a.x/b/ loses to n/c\nn/c a.x/b/ holds\n",
      "m/b error " P0 ": host \"a.x\" and path \"/b\" is already defined "
      "in ingress n/c, as Prefix: " OR_ASK("n") },
    { "policy ingress at run time", INGRESS | ENFORCED,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) },
        { "n/b", 2, NULL, RA(PREFIX("/b", "t")) } },
      "a.x", "n/a a.x/ holds\nn/b a.x/b/ loses to n/a\n",
      "n/b error " H0 ": host \"a.x\" belongs to ingress n/a (a host has "
      "one Ingress here, and it has it since 1970-01-01), and with it every "
      "path under \"/b\": add the rule there, or use another host\n" },
    { "policy path has nothing to enforce", BY_PATH | ENFORCED,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) },
        { "m/b", 2, NULL, RA(PREFIX("/b", "t")) } },
      "a.x", "n/a a.x/ holds\nm/b a.x/b/ holds\n", "" },
    { "every host is shared even then", NAMESPACE | ENFORCED,
      { { "n/a", 1, NULL, DEFAULT("s") },
        { "m/b", 2, NULL,
          "'rules':[{'http':{'paths':[" PREFIX("/b", "s") "]}}]" } },
      "", "n/a / holds\nm/b /b/ holds\n", "" },
    { "an old wildcard keeps exact hosts out", NAMESPACE | ENFORCED,
      { { "n/a", 1, NULL, RULES(RULE("*.x", PREFIX("/", "s"))) },
        { "m/b", 2, NULL, RA(PREFIX("/b", "t")) },
        { "n/c", 3, NULL, RA(PREFIX("/c", "s")) } },
      "a.x", "m/b a.x/b/ loses to n/c\nn/c a.x/c/ holds\n",
      "m/b error " H0 ": host \"a.x\" belongs to namespace \"n\" (ingress "
      "n/c has it since 1970-01-01), and with it every path under \"/b\""
      ASK("n") },
    { "and is the winner where its namespace has no exact host",
      NAMESPACE | ENFORCED,
      { { "n/a", 1, NULL, RULES(RULE("*.x", PREFIX("/", "s"))) },
        { "m/b", 2, NULL, RA(PREFIX("/b", "t")) } },
      "a.x", "m/b a.x/b/ loses to n/a\n",
      "m/b error " H0 ": host \"a.x\" is covered by host \"*.x\", which "
      "belongs to namespace \"n\" (ingress n/a has it since 1970-01-01), "
      "and with it every path under \"/b\"" ASK("n") },
    { "an old exact host keeps the wildcard out", NAMESPACE | ENFORCED,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "t")) },
        { "n/a", 2, NULL, RULES(RULE("*.x", PREFIX("/", "s"))) } },
      "*.x", "n/a *.x/ loses to m/b\n",
      "n/a error " H0 ": host \"*.x\" covers host \"a.x\", which belongs to "
      "namespace \"m\" (ingress m/b has it since 1970-01-01), and with it "
      "every path under \"/\"" ASK("m") },
    { "a wildcard that was kept out keeps nobody out", NAMESPACE | ENFORCED,
      { { "m/b", 1, NULL, RULES(RULE("b.x", PREFIX("/b", "t"))) },
        { "n/a", 2, NULL, RULES(RULE("*.x", PREFIX("/", "s"))) },
        { "k/c", 3, NULL, RA(PREFIX("/", "s")) } },
      "a.x", "k/c a.x/ holds\n",
      "n/a error " H0 ": host \"*.x\" covers host \"b.x\", which belongs to "
      "namespace \"m\" (ingress m/b has it since 1970-01-01), and with it "
      "every path under \"/\"" ASK("m") },
    { "the wildcard of the next namespace that fits", NAMESPACE | ENFORCED,
      { { "m/b", 1, NULL, RULES(RULE("b.x", PREFIX("/b", "t"))) },
        { "n/a", 2, NULL, RULES(RULE("*.x", PREFIX("/", "s"))) },
        { "m/c", 3, NULL, RULES(RULE("*.x", PREFIX("/c", "s"))) } },
      "*.x", "n/a *.x/ loses to m/c\nm/c *.x/c/ holds\n",
      "n/a error " H0 ": host \"*.x\" belongs to namespace \"m\" (ingress "
      "m/c has it since 1970-01-01), and with it every path under \"/\""
      ASK("m") },
    { "twins hold beside each other", NAMESPACE,
      { { "n/a", 1, NULL, RA(EXACT("/t", "s")) },
        { "n/b", 2, NULL, RA(EXACT("/t", "s")) },
        { "n/c", 3, NULL, RA(EXACT("/t", "u")) } },
      "a.x",
      "n/a a.x/t/! holds\nn/b a.x/t/! holds\nn/c a.x/t/! loses to n/a\n",
      "n/c error " P0 ": " DEFINED("a.x", "/t", "n/a", "Exact") HERE },
    { "a canary holds nothing", NAMESPACE,
      { { "n/a", 1, CANARY, RA(PREFIX("/", "s") "," PREFIX("/b", "s")) },
        { "n/b", 2, NULL, RA(PREFIX("/", "t")) } },
      "a.x",
      "n/a a.x/ loses to n/b\nn/a a.x/b/ loses\nn/b a.x/ holds\n",
      "n/a warning spec.rules[0].http.paths[1].path: " NO_MAIN("/b") },
    { "passthrough takes the whole host", NAMESPACE,
      { { "n/a", 1, PASSTHROUGH, RA(PREFIX("/", "s")) },
        { "n/b", 2, NULL, RA(PREFIX("/b", "t")) },
        { "n/c", 3, NULL, "'rules':[{'host':'a.x'}]" } },
      "a.x",
      "n/a a.x: holds\nn/b a.x/b/ loses to n/a\nn/c a.x loses to n/a\n",
      "n/b error " H0 ": host \"a.x\" is passed through as a whole by "
      "ingress n/a (ssl-passthrough): use another host\n"
      "n/c error " H0 ": host \"a.x\" is passed through as a whole by "
      "ingress n/a (ssl-passthrough): use another host\n" },
    { "paths keep passthrough out", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "t")) },
        { "n/a", 2, PASSTHROUGH, RA(PREFIX("/", "s")) } },
      "a.x", "n/b a.x/b/ holds\nn/a a.x: loses to n/b\n",
      "n/a error " H0 ": host \"a.x\" has paths in ingress n/b, and "
      "ssl-passthrough takes a whole host: use another host, or take the "
      "paths out there\n" },
    { "a canary does not keep passthrough out", NAMESPACE,
      { { "n/b", 1, CANARY, RA(PREFIX("/b", "t")) },
        { "n/a", 2, PASSTHROUGH, RA(PREFIX("/", "s")) } },
      "a.x", "n/b a.x/b/ loses\nn/a a.x: holds\n",
      "n/b warning " P0 ": " NO_MAIN("/b") },
    { "routes and certificates of one host", NAMESPACE,
      { { "n/a", 1, NULL,
          RULES(RULE("a.x", PREFIX("/", "s")) ","
                RULE("b.x", PREFIX("/", "s")))
              TLS("{'hosts':['b.x','a.x'],'secretName':'c'},"
                  "{'secretName':'e'}") },
        { "n/b", 2, NULL,
          RA(PREFIX("/b", "t")) TLS("{'hosts':['a.x'],'secretName':'d'}") },
        { "n/c", 3, NULL,
          RA(PREFIX("/c", "t")) TLS("{'hosts':['a.x'],'secretName':'c'}") },
      },
      "a.x",
      "n/a a.x/ holds\nn/a tls n/c holds\nn/b a.x/b/ holds\n"
      "n/b tls n/d loses to n/a\nn/c a.x/c/ holds\nn/c tls n/c holds\n",
      "n/b warning spec.tls[0].hosts[0]: host \"a.x\" has its certificate "
      "from ingress n/a (n/c), and this entry's (n/d) is not served: name "
      "one Secret in both\n" },
    { "a foreign certificate under the enforced policy",
      NAMESPACE | ENFORCED,
      { { "n/b", 2, NULL, RA(PREFIX("/b", "t")) },
        { "m/a", 3, NULL,
          DEFAULT("s") TLS("{'hosts':['a.x'],'secretName':'c'}") } },
      "a.x", "n/b a.x/b/ holds\nm/a tls m/c loses to n/b\n",
      "m/a error spec.tls[0].hosts[0]: host \"a.x\" belongs to namespace "
      "\"n\" (ingress n/b has it since 1970-01-01)" ASK("n") },
};

static void
check_runtime(void **state)
{
    const struct runtime *row = *state;
    const struct ruleset r = ruleset_of(row->policy);
    struct claims *c = claims_new(&r);
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_BUF struct buf report = BUF_OWN;

    fill(c, &r, row->there, ARRAY_SIZE(row->there));
    put_claims(&out, c, row->host);
    assert_string_equal(buf_str(&out), row->want);
    for (size_t i = 0; i < ARRAY_SIZE(row->there) && row->there[i].key;
         i++) {
        const struct model *m = claims_get(c, row->there[i].key);
        AUTO_FINDINGS struct findings *found = findings_new();

        claims_report(c, m, found);
        for (size_t k = 0; k < findings_count(found); k++) {
            buf_printf(&report, "%s ", row->there[i].key);
        }
        put_findings(&report, found, m->name);
    }
    assert_string_equal(buf_str(&report), row->report);
    claims_free(c);
}

/* --- Life of an index --- */

static void
expect_dirty(struct claims *c, const char *want)
{
    AUTO_BUF struct buf out = BUF_OWN;
    size_t n = 77;
    char **hosts = claims_take_dirty(c, &n);

    for (size_t i = 0; i < n; i++) {
        buf_printf(&out, "%s%s", i > 0 ? "," : "", hosts[i]);
        free(hosts[i]);
    }
    free(hosts);
    assert_string_equal(buf_str(&out), want);
}

static void
put_one(struct claims *c, const struct ruleset *r, const char *key,
        int created, const char *spec)
{
    set_one(c, r, &(const struct one) { key, created, NULL, spec });
}

static void
add_name(struct model *m, void *aux)
{
    buf_printf(aux, "%s ", m->object->key);
}

static void
check_life(void **state)
{
    const struct ruleset r = ruleset_of(NAMESPACE);
    struct claims *c = claims_new(&r);
    AUTO_BUF struct buf names = BUF_OWN;
    struct model *m;

    (void) state;
    expect_dirty(c, "");
    put_one(c, &r, "n/b", 1, RA(PREFIX("/", "s")));
    put_one(c, &r, "n/a", 2,
            RULES(RULE("a.x", PREFIX("/", "t")) ","
                  RULE("*.x", PREFIX("/", "t")))
                TLS("{'hosts':['b.x'],'secretName':'c'}"));
    put_one(c, &r, "m/a", 3, DEFAULT("s"));
    expect_dirty(c, ",*.x,a.x,b.x");
    expect_dirty(c, "");
    assert_int_equal(claims_count(c), 3);
    claims_each(c, add_name, &names);
    assert_string_equal(buf_str(&names), "m/a n/a n/b ");
    assert_null(claims_get(c, "n/c"));

    /* The same again is no change. */
    m = claims_get(c, "n/a");
    claims_set(c, m);
    expect_dirty(c, "");

    /* What it had and what it has now. */
    put_one(c, &r, "n/b", 1, RULES(RULE("c.x", PREFIX("/", "s"))));
    expect_dirty(c, "a.x,c.x");
    expect_host(c, "a.x", "n/a a.x/ holds\n");
    expect_host(c, "b.x", "n/a tls n/c holds\n");

    claims_remove(c, "n/a");
    expect_dirty(c, "*.x,a.x,b.x");
    claims_remove(c, "n/a");
    expect_dirty(c, "");
    expect_host(c, "a.x", "");
    assert_int_equal(claims_count(c), 2);
    claims_free(c);
    claims_free(NULL);
}

static void
check_deleting(void **state)
{
    const struct ruleset r = ruleset_of(NAMESPACE);
    struct claims *c = claims_new(&r);
    AUTO_FINDINGS struct findings *found = findings_new();
    AUTO_KUBE const struct kube_object *gone = object_of(
        KUBE_INGRESS,
        "{'metadata':{'namespace':'n','name':'b',"
        "'creationTimestamp':'1970-01-01T00:00:01Z',"
        "'deletionTimestamp':'1970-01-01T00:00:09Z'},"
        "'spec':{" RA(PREFIX("/", "s")) "}}");
    struct model *m = model_new(gone, &r);

    (void) state;
    put_one(c, &r, "n/b", 1, RA(PREFIX("/", "s")));
    put_one(c, &r, "n/a", 2, RA(PREFIX("/", "t")));
    expect_dirty(c, "a.x");
    claims_set(c, m);
    expect_dirty(c, "a.x");
    assert_null(claims_get(c, "n/b"));
    expect_host(c, "a.x", "n/a a.x/ holds\n");
    /* Whoever is leaving is not judged. */
    claims_judge(c, m, found);
    assert_int_equal(findings_count(found), 0);
    model_unref(m);

    /* A namespace that goes owns nothing, what comes in meanwhile neither. */
    claims_set_namespace(c, "n", true);
    claims_set_namespace(c, "n", true);
    expect_dirty(c, "a.x");
    expect_host(c, "a.x", "");
    put_one(c, &r, "n/c", 3, RA(PREFIX("/c", "t")));
    claims_remove(c, "n/a");
    expect_dirty(c, "");
    assert_int_equal(claims_count(c), 1);
    m = model_of(&r, "m/a", 0, NULL, RA(PREFIX("/c", "s")));
    claims_judge(c, m, found);
    claims_report(c, claims_get(c, "n/c"), found);
    assert_int_equal(findings_count(found), 0);
    model_unref(m);

    claims_set_namespace(c, "n", false);
    expect_dirty(c, "a.x");
    expect_host(c, "a.x", "n/c a.x/c/ holds\n");
    claims_free(c);
}

/* A wildcard that comes or goes changes who has the hosts below it. */
static void
check_family_is_dirty(void **state)
{
    const struct ruleset r = ruleset_of(NAMESPACE | ENFORCED);
    struct claims *c = claims_new(&r);

    (void) state;
    put_one(c, &r, "m/a", 5, RA(PREFIX("/", "s")));
    put_one(c, &r, "m/b", 6, RULES(RULE("b.x", PREFIX("/", "s"))));
    expect_dirty(c, "a.x,b.x");
    expect_host(c, "b.x", "m/b b.x/ holds\n");

    /* Younger than a.x: kept out, and nothing else changes. */
    put_one(c, &r, "n/w", 7, RULES(RULE("*.x", PREFIX("/", "s"))));
    expect_dirty(c, "*.x");
    expect_host(c, "*.x", "n/w *.x/ loses to m/a\n");

    /* Older than both. */
    put_one(c, &r, "n/w", 3, RULES(RULE("*.x", PREFIX("/", "s"))));
    expect_dirty(c, "*.x,a.x,b.x");
    expect_host(c, "a.x", "m/a a.x/ loses to n/w\n");

    /* Hosts below it that are younger change nothing for the others. */
    put_one(c, &r, "n/c", 8, RULES(RULE("c.x", PREFIX("/", "s"))));
    expect_dirty(c, "c.x");
    put_one(c, &r, "k/d", 9, RULES(RULE("d.x", PREFIX("/", "s"))));
    expect_dirty(c, "d.x");
    expect_host(c, "d.x", "k/d d.x/ loses to n/w\n");

    /* A foreign host older than the wildcard unseats it. */
    put_one(c, &r, "k/d", 2, RULES(RULE("d.x", PREFIX("/", "s"))));
    expect_dirty(c, "*.x,a.x,b.x,c.x,d.x");
    expect_host(c, "*.x", "n/w *.x/ loses to k/d\n");
    expect_host(c, "a.x", "m/a a.x/ holds\n");
    claims_remove(c, "k/d");
    expect_dirty(c, "*.x,a.x,b.x,c.x,d.x");
    expect_host(c, "a.x", "m/a a.x/ loses to n/w\n");

    claims_remove(c, "n/w");
    expect_dirty(c, "*.x,a.x,b.x,c.x");
    expect_host(c, "a.x", "m/a a.x/ holds\n");
    claims_free(c);
}

static int
cap_exceeded(const struct claims *c, const struct ruleset *r, const char *key,
             const char *spec)
{
    struct model *m = model_of(r, key, 0, NULL, spec);
    const int kind = (int) claims_quota_exceeded(c, m);

    model_unref(m);
    return kind;
}

/* A namespace at its cap: who takes no more than before may stay. */
static void
check_caps(void **state)
{
    struct ruleset r = ruleset_of(NAMESPACE);
    struct claims *c = claims_new(&r);
    const char *one = RA(PREFIX("/a", "s"));
    const char *two = RA(PREFIX("/a", "s") "," PREFIX("/b", "s"));
    const char *three =
        RA(PREFIX("/a", "s") "," PREFIX("/b", "s") "," PREFIX("/c", "s"));

    (void) state;
    r.max_per_namespace[QUOTA_ROUTES] = 2;
    assert_int_equal(cap_exceeded(c, &r, "n/a", two), QUOTA_N);
    assert_int_equal(cap_exceeded(c, &r, "n/a", three), QUOTA_ROUTES);
    put_one(c, &r, "n/a", 1, two);
    assert_int_equal(cap_exceeded(c, &r, "n/a", two), QUOTA_N);
    assert_int_equal(cap_exceeded(c, &r, "n/a", three), QUOTA_ROUTES);
    assert_int_equal(cap_exceeded(c, &r, "n/b", one), QUOTA_ROUTES);
    assert_int_equal(cap_exceeded(c, &r, "m/b", two), QUOTA_N);
    put_one(c, &r, "n/a", 1, one);
    assert_int_equal(cap_exceeded(c, &r, "n/b", one), QUOTA_N);
    claims_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_life),
        cmocka_unit_test(check_deleting),
        cmocka_unit_test(check_family_is_dirty),
        cmocka_unit_test(check_caps),
    };

    return TABLE_RUN("claims at run time", runtimes, check_runtime) +
           cmocka_run_group_tests_name("claims index", tests, NULL, NULL);
}
