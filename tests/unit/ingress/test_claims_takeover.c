/* Ingresses that take over from others. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/claims_owner_help.h"

#define TAKE(from) OWN("takeover-from", from)
#define RELEASE(to) OWN("release-to", to)
#define T0 "metadata.annotations[sallyport.dev/takeover-from]"
#define TAKES(from)                                                        \
    "warning " T0 ": what ingress " from ", too, is served by this one from " \
    "now on: delete the other when you like, and then take the annotation " \
    "out\n"

static const struct owner_admission admissions[] = {
    /* --- takeovers --- */
    { "a rename", NAMESPACE, { 0 },
      { { "n/old", 1, NULL, R("a.x", "/b") } },
      { "n/new", 0, TAKE("n/old"), R("a.x", "/b/") }, TAKES("n/old has") },
    { "a rename under policy ingress", INGRESS, { 0 },
      { { "n/old", 1, NULL, R("a.x", "/b") } },
      { "n/new", 0, TAKE("n/old"), R("a.x", "/c") }, TAKES("n/old has") },
    { "a rename into passthrough", NAMESPACE, { 0 },
      { { "n/old", 1, NULL, R("a.x", "/b") } },
      { "n/new", 0, "'sallyport.dev/takeover-from':'n/old'," PASSTHROUGH,
        R("a.x", "/") }, TAKES("n/old has") },
    { "what a third has is not taken over", NAMESPACE, { 0 },
      { { "n/old", 1, NULL, R("a.x", "/b") },
        { "n/c", 2, NULL, R("a.x", "/c") } },
      { "n/new", 0, TAKE("n/old"), RULES(RULE("a.x", PREFIX("/c", "t"))) },
      "error " P0 ": " DEFINED("a.x", "/c", "n/c", "Prefix") HERE
      TAKES("n/old has") },
    { "another namespace does not release", NAMESPACE, { 0 },
      { { "m/old", 1, RELEASE("n/other"), R("a.x", "/b") } },
      { "n/new", 0, TAKE("m/old"), R("a.x", "/c") },
      "error " H0 ": " BELONGS("a.x", "m", "m/old") UNDER("/c") OR_ASK("m")
      "warning " T0 ": ingress m/old is not there, or does not release its "
      "hosts: its owners write sallyport.dev/release-to: \"n/new\" in it\n" },
    { "another namespace releases", NAMESPACE, { 0 },
      { { "m/old", 1, RELEASE("n/new"), R("a.x", "/b") } },
      { "n/new", 0, TAKE("m/old"),
        RULES(RULE("a.x", PREFIX("/b", "s") "," PREFIX("/c", "s"))) },
      TAKES("m/old has") },
    { "the rest of its host is not released", NAMESPACE, { 0 },
      { { "m/old", 1, RELEASE("n/new"), R("a.x", "/b") },
        { "m/c", 2, NULL, R("a.x", "/c") } },
      { "n/new", 0, TAKE("m/old"), R("a.x", "/b") },
      "error " H0 ": " BELONGS("a.x", "m", "m/c") UNDER("/b") OR_ASK("m")
      TAKES("m/old has") },
    { "a host below a released wildcard", NAMESPACE, { 0 },
      { { "m/old", 1, RELEASE("n/new"), R("*.x", "/b") } },
      { "n/new", 0, TAKE("m/old"), R("a.x", "/b") }, TAKES("m/old has") },
    { "a wildcard above a released host", NAMESPACE, { 0 },
      { { "m/old", 1, RELEASE("n/new"), R("a.x", "/b") } },
      { "n/new", 0, TAKE("m/old"), R("*.x", "/b") }, TAKES("m/old has") },
    { "the old one is gone", NAMESPACE, { 0 }, { { 0 } },
      { "n/new", 0, TAKE("n/old"), R("a.x", "/b") },
      "warning " T0 ": ingress n/old is not there (any more): take the "
      "annotation out\n" },
    { "from itself", NAMESPACE, { 0 },
      { { "n/new", 1, NULL, R("a.x", "/b") } },
      { "n/new", 1, TAKE("n/new"), R("a.x", "/b") },
      "warning " T0 ": it names this Ingress itself: take the annotation "
      "out\n" },
    { "a canary takes nothing over", NAMESPACE, { 0 },
      { { "n/old", 1, NULL, R("a.x", "/b") } },
      { "n/new", 1, ANNOTATION("canary", "true") "," TAKE("n/old"),
        R("a.x", "/b") },
      "warning " T0 ": a canary takes nothing over: take the annotation "
      "out\n" },
    { "the old one changes", NAMESPACE, { 0 },
      { { "n/old", 1, NULL, R("a.x", "/b") },
        { "n/new", 2, TAKE("n/old"), R("a.x", "/b") } },
      { "n/old", 1, NULL, RULES(RULE("a.x", PREFIX("/b", "t"))) },
      "warning " H0 ": host \"a.x\" and path \"/b\" is served by ingress "
      "n/new, which takes over from this one: delete this Ingress when you "
      "like\n" },
};

static const struct owner_runtime runtimes[] = {
    { "the new one is served", NAMESPACE, { 0 },
      { { "n/old", 1, NULL,
          RULES(RULE("a.x", PREFIX("/b", "s") "," PREFIX("/c", "s")))
          TLS("{'hosts':['a.x'],'secretName':'c'}") },
        { "n/new", 2, TAKE("n/old"),
          RULES(RULE("a.x", PREFIX("/b", "t")))
          TLS("{'hosts':['a.x'],'secretName':'d'}") } },
      "a.x",
      "n/new a.x/b/ holds\nn/new tls n/d holds\nn/old a.x/b/ loses to n/new\n"
      "n/old a.x/c/ holds\nn/old tls n/c loses to n/new\n",
      "warning " H0 ": host \"a.x\" and path \"/b\" is served by ingress "
      "n/new, which takes over from this one: delete this Ingress when you "
      "like\n"
      "warning spec.tls[0].hosts[0]: the certificate of host \"a.x\" is "
      "served by ingress n/new, which takes over from this one: delete this "
      "Ingress when you like\n"
      TAKES("n/old has") },
    { "a host is handed to another namespace", NAMESPACE | ENFORCED, { 0 },
      { { "m/old", 1, RELEASE("n/new"), R("a.x", "/b") },
        { "n/new", 2, TAKE("m/old"), R("a.x", "/b") } },
      "a.x", "n/new a.x/b/ holds\nm/old a.x/b/ loses to n/new\n",
      "error " H0 ": " BELONGS("a.x", "n", "n/new") UNDER("/b") OR_ASK("n")
      TAKES("m/old has") },
    { "who would take over elsewhere wins nothing here", NAMESPACE, { 0 },
      { { "m/old", 1, NULL, R("a.x", "/b") },
        { "n/new", 2, TAKE("m/old"), R("a.x", "/b") } },
      "a.x", "m/old a.x/b/ holds\nn/new a.x/b/ loses to m/old\n",
      "error " P0 ": " DEFINED("a.x", "/b", "m/old", "Prefix") OR_ASK("m")
      "warning " T0 ": ingress m/old is not there, or does not release its "
      "hosts: its owners write sallyport.dev/release-to: \"n/new\" in it\n" },
    { "two that take over from each other: by age", NAMESPACE, { 0 },
      { { "n/a", 1, TAKE("n/b"), R("a.x", "/b") },
        { "n/b", 2, TAKE("n/a"), RULES(RULE("a.x", PREFIX("/b", "t"))) } },
      "a.x", "n/a a.x/b/ holds\nn/b a.x/b/ loses to n/a\n",
      TAKES("n/b has") TAKES("n/a has")
      "warning " H0 ": host \"a.x\" and path \"/b\" is served by ingress "
      "n/a, which takes over from this one: delete this Ingress when you "
      "like\n" },
};

/* From rename to deletion nothing that is served changes but once. */
static void
check_rename(void **state UNUSED)
{
    const struct limits none = { 0 };
    struct ruleset r = owner_ruleset(NAMESPACE | ENFORCED, &none);
    struct claims *c = claims_new(&r);

    set_one(c, &r, &(struct one) { "n/old", 1, NULL, R("a.x", "/b") });
    set_one(c, &r, &(struct one) { "n/new", 2, TAKE("n/old"),
                                   RULES(RULE("a.x", PREFIX("/b", "t"))) });
    expect_host(c, "a.x", "n/new a.x/b/ holds\nn/old a.x/b/ loses to n/new\n");
    claims_remove(c, "n/old");
    expect_host(c, "a.x", "n/new a.x/b/ holds\n");
    /* Back again it still gives way, and wins when the other has gone. */
    set_one(c, &r, &(struct one) { "n/old", 1, NULL, R("a.x", "/b") });
    expect_host(c, "a.x", "n/new a.x/b/ holds\nn/old a.x/b/ loses to n/new\n");
    set_one(c, &r, &(struct one) { "n/new", 2, NULL,
                                   RULES(RULE("a.x", PREFIX("/b", "t"))) });
    expect_host(c, "a.x", "n/old a.x/b/ holds\nn/new a.x/b/ loses to n/old\n");
    claims_set_namespace(c, "n", true);
    expect_host(c, "a.x", "");
    claims_free(c);
    ruleset_fini(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_rename),
    };

    return TABLE_RUN("takeovers at admission", admissions,
                     check_owner_admission) +
           TABLE_RUN("takeovers at run time", runtimes, check_owner_runtime) +
           cmocka_run_group_tests_name("takeovers", tests, NULL, NULL);
}
