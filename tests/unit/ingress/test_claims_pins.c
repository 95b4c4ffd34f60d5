/* Administrators' pins, and the lists of namespaces. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/claims_owner_help.h"

#define LISTED(host, ns, list)                                             \
    "host \"" host "\" is none of those that namespace \"" ns "\" may "    \
    "use (sallyport.dev/allowed-hosts is \"" list "\")"

static const struct owner_admission admissions[] = {
    /* --- pins --- */
    { "a host kept for others", NAMESPACE, { "team.x=m+k", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("a.team.x", "/c") },
      "error " H0 ": "
      KEPT("a.team.x", "namespaces \"m\", \"k\"", "team.x") UNDER("/c")
      ADMIN },
    { "by the ConfigMap", NAMESPACE, { NULL, "# ours\nteam.x: m\n\n", NULL },
      { { 0 } }, { "n/a", 0, NULL, R("team.x", "/c") },
      "error " H0 ": " KEPT("team.x", "namespace \"m\"", "team.x") UNDER("/c")
      ADMIN },
    { "the flag stands above the ConfigMap", NAMESPACE,
      { "team.x=n", "team.x: m\n", NULL },
      { { 0 } }, { "n/a", 0, NULL, R("team.x", "/c") }, "" },
    { "of two pins the longer", NAMESPACE,
      { NULL, "x: m\nteam.x: n\n", NULL },
      { { 0 } }, { "n/a", 0, NULL, R("b.team.x", "/c") }, "" },
    { "a bad line keeps its host from all", NAMESPACE,
      { NULL, "team.x: N!\n", NULL },
      { { 0 } }, { "n/a", 0, NULL, R("team.x", "/c") },
      "error " H0 ": " KEPT("team.x", "nobody", "team.x") UNDER("/c") ADMIN },
    { "even under policy none", NONE, { "team.x=m", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("team.x", "/c") },
      "error " H0 ": " KEPT("team.x", "namespace \"m\"", "team.x") UNDER("/c")
      ADMIN },
    { "its wildcard", NAMESPACE, { "team.x=m", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("*.team.x", "/c") },
      "error " H0 ": " KEPT("*.team.x", "namespace \"m\"", "team.x") UNDER("/c")
      ADMIN },
    { "a wildcard above it", NAMESPACE, { "team.x=m", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("*.x", "/c") },
      "error " H0 ": " KEPT("*.x", "namespace \"m\"", "team.x") UNDER("/c")
      ADMIN },
    { "a wildcard above it that has a pin of its own", NAMESPACE,
      { "team.x=m,x=n", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("*.x", "/c") }, "" },
    { "a host in a TLS section", NAMESPACE, { "team.x=m", NULL, NULL },
      { { 0 } },
      { "n/a", 0, NULL,
        R("a.x", "/") TLS("{'hosts':['a.x','team.x']}") },
      "error spec.tls[0].hosts[1]: "
      KEPT("team.x", "namespace \"m\"", "team.x") ": " ADMIN },
    { "whoever is kept out owns nothing", NAMESPACE,
      { "team.x=n", NULL, NULL },
      { { "m/b", 1, NULL, R("team.x", "/b") },
        { "m/w", 1, NULL, R("*.x", "/b") } },
      { "n/a", 0, NULL,
        RULES(RULE("team.x", PREFIX("/b", "s") "," PREFIX("/c", "s"))) },
      "" },
    { "a name like a pin is none", NAMESPACE, { "team.x=m", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("ateam.x", "/c") }, "" },

    /* --- lists of namespaces --- */
    { "a host on the list", NAMESPACE, { NULL, NULL, "a.x, *.team.y" },
      { { 0 } },
      { "n/a", 0, NULL,
        RULES(RULE("a.x", PREFIX("/", "s")) ","
              RULE("b.c.team.y", PREFIX("/", "s")) ","
              RULE("*.team.y", PREFIX("/", "s"))) }, "" },
    { "a host not on the list", NAMESPACE, { NULL, NULL, "a.x,*.team.y" },
      { { 0 } }, { "n/a", 0, NULL, R("team.y", "/") },
      "error " H0 ": " LISTED("team.y", "n", "a.x,*.team.y") UNDER("/") ADMIN },
    { "every host is not on the list", NAMESPACE, { NULL, NULL, "a.x" },
      { { 0 } }, { "n/a", 0, NULL, DEFAULT("s") },
      "error spec.defaultBackend: " LISTED("_", "n", "a.x") UNDER("/")
      ADMIN },
    { "a list with all", NAMESPACE, { NULL, NULL, "*" },
      { { 0 } }, { "n/a", 0, NULL, DEFAULT("s") }, "" },
    { "an empty list", NAMESPACE, { NULL, NULL, "" },
      { { 0 } }, { "n/a", 0, NULL, R("a.x", "/") },
      "error " H0 ": " LISTED("a.x", "n", "") UNDER("/") ADMIN },
    { "the list of another namespace", NAMESPACE, { NULL, NULL, "a.x" },
      { { 0 } }, { "m/a", 0, NULL, R("b.x", "/") }, "" },
};

static const struct owner_runtime runtimes[] = {
    { "a pin beats age", NAMESPACE, { "x=n", NULL, NULL },
      { { "m/b", 1, NULL,
          RULES(RULE("a.x", PREFIX("/b", "s") "," PREFIX("/c", "s"))) },
        { "n/a", 2, NULL, R("a.x", "/b") } },
      "a.x",
      "n/a a.x/b/ holds\nm/b a.x/b/ loses to n/a\nm/b a.x/c/ holds\n",
      "error " P0 ": " DEFINED("a.x", "/b", "n/a", "Prefix") OR_ASK("n")
      "warning " H0 ": " KEPT("a.x", "namespace \"n\"", "x") UNTIL ADMIN },
    { "a pin under the enforced policy", BY_PATH | ENFORCED,
      { "x=n", NULL, NULL },
      { { "m/b", 1, NULL, R("a.x", "/c") },
        { "n/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "n/a a.x/b/ holds\nm/b a.x/c/ loses\n",
      "error " H0 ": " KEPT("a.x", "namespace \"n\"", "x") UNDER("/c") ADMIN },
    { "a list under the enforced policy", NAMESPACE | ENFORCED,
      { NULL, NULL, "b.x" },
      { { "n/b", 1, NULL, R("a.x", "/c") TLS("{'hosts':['a.x']}") },
        { "m/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "m/a a.x/b/ holds\nn/b a.x/c/ loses\nn/b tls - loses\n",
      "error " H0 ": " LISTED("a.x", "n", "b.x") UNDER("/c") ADMIN
      "error spec.tls[0].hosts[0]: " LISTED("a.x", "n", "b.x") ": " ADMIN },
    { "a wildcard that is kept out unseats nobody", NAMESPACE | ENFORCED,
      { NULL, NULL, "b.x" },
      { { "n/b", 1, NULL, R("*.x", "/c") },
        { "m/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "m/a a.x/b/ holds\n",
      "error " H0 ": " LISTED("*.x", "n", "b.x") UNDER("/c") ADMIN },
};

/* The ConfigMap changes while Ingresses are there. */
static void
check_lines(void **state UNUSED)
{
    const struct limits none = { 0 };
    struct ruleset r = owner_ruleset(NAMESPACE | ENFORCED, &none);
    struct claims *c = claims_new(&r);
    AUTO_ERR struct err *err = NULL;

    set_one(c, &r, &(struct one) { "m/b", 1, NULL, R("a.x", "/b") });
    set_one(c, &r, &(struct one) { "n/a", 2, NULL, R("a.x", "/a") });
    expect_host(c, "a.x", "m/b a.x/b/ holds\nn/a a.x/a/ loses to m/b\n");
    assert_null(claims_set_host_owners(c, "x: n"));
    expect_host(c, "a.x", "n/a a.x/a/ holds\nm/b a.x/b/ loses\n");
    err = claims_set_host_owners(c, "x: n, m\nbad line");
    assert_string_equal(err_text(err),
                        "\"bad line\" does not begin with a host such as "
                        "\"team-a.example.com\", which stands for itself "
                        "and all hosts below it");
    expect_host(c, "a.x", "m/b a.x/b/ holds\nn/a a.x/a/ loses to m/b\n");
    assert_null(claims_set_host_owners(c, NULL));
    expect_host(c, "a.x", "m/b a.x/b/ holds\nn/a a.x/a/ loses to m/b\n");
    /* Lists mean nothing where they are not honoured. */
    claims_set_allowed_hosts(c, "m", "b.x");
    expect_host(c, "a.x", "m/b a.x/b/ holds\nn/a a.x/a/ loses to m/b\n");
    claims_free(c);
    ruleset_fini(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_lines),
    };

    return TABLE_RUN("pins at admission", admissions,
                     check_owner_admission) +
           TABLE_RUN("pins at run time", runtimes, check_owner_runtime) +
           cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
