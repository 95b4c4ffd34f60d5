/* Hosts whose owners share them with other namespaces. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/claims_owner_help.h"

static const struct owner_admission admissions[] = {
    /* --- sharing --- */
    { "a path on a shared host", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("k,n"), R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") }, "" },
    { "a host shared with all", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("*"), R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") }, "" },
    { "any Ingress of the owning namespace may share", NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") },
        { "m/c", 9, SHARE("n"), R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/d") }, "" },
    { "who is not the owner cannot share", NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") },
        { "k/c", 9, SHARE("n"), R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/d") },
      "error " H0 ": " BELONGS("a.x", "m", "m/b") UNDER("/d") OR_ASK("m") },
    { "shared with others", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("k"), R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 ": " BELONGS("a.x", "m", "m/b") UNDER("/c") OR_ASK("m") },
    { "another host of who shares", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("a.x", "/b") },
        { "m/c", 1, NULL, R("b.x", "/b") } },
      { "n/a", 0, NULL, R("b.x", "/c") },
      "error " H0 ": " BELONGS("b.x", "m", "m/c") UNDER("/c") OR_ASK("m") },
    { "a shared path stays the owner's", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/b") },
      "error " P0 ": " DEFINED("a.x", "/b", "m/b", "Prefix") ELSEWHERE },
    { "passthrough is not shared", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), DEFAULT("s") TLS("{'hosts':['a.x']}") } },
      { "n/a", 0, PASSTHROUGH, R("a.x", "/") },
      "error " H0 ": " BELONGS("a.x", "m", "m/b")
      ", and with it all its connections: " OR_ASK("m") },
    { "a guest is younger than its host", NAMESPACE, { 0 },
      { { "m/b", 5, SHARE("n"), R("a.x", "/b") } },
      { "n/a", 1, NULL, R("a.x", "/c") },
      "error " H0 ": " BELONGS("a.x", "m", "m/b") UNDER("/c") OR_ASK("m") },
    { "a shared wildcard shares its own paths", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("*.x", "/b") } },
      { "n/a", 0, NULL, R("*.x", "/c") }, "" },
    { "and no host below it", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("*.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 ": host \"a.x\" is covered by host \"*.x\", which belongs "
      "to namespace \"m\" (ingress m/b has it since 1970-01-01)"
      UNDER("/c") OR_ASK("m") },
    { "policy ingress: the owner shares with its own", INGRESS, { 0 },
      { { "n/b", 1, SHARE("n"), R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") }, "" },
    { "policy ingress: only the owner shares", INGRESS, { 0 },
      { { "m/b", 1, SHARE("m"), R("a.x", "/b") },
        { "m/c", 2, SHARE("n"), R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/d") },
      "error " H0 ": " BELONGS("a.x", "m", "m/b") UNDER("/d") OR_ASK("m") },
};

static const struct owner_runtime runtimes[] = {
    { "what was there before the policy is told", NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/") },
        { "n/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "m/b a.x/ holds\nn/a a.x/b/ holds\n",
      "warning " H0 ": " BELONGS("a.x", "m", "m/b") UNTIL OR_ASK("m") },
    { "a guest is not", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("a.x", "/") },
        { "n/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "m/b a.x/ holds\nn/a a.x/b/ holds\n", "" },
    { "a guest under the enforced policy", NAMESPACE | ENFORCED, { 0 },
      { { "m/b", 1, SHARE("n"), R("a.x", "/") },
        { "k/c", 2, NULL, R("a.x", "/c") },
        { "n/a", 3, NULL, R("a.x", "/b") } },
      "a.x",
      "m/b a.x/ holds\nk/c a.x/c/ loses to m/b\nn/a a.x/b/ holds\n",
      "error " H0 ": " BELONGS("a.x", "m", "m/b") UNDER("/c") OR_ASK("m") },
    { "a guest of a wildcard under the enforced policy",
      NAMESPACE | ENFORCED, { 0 },
      { { "m/b", 1, SHARE("n"), R("*.x", "/") },
        { "n/a", 2, NULL, R("*.x", "/b") } },
      "*.x", "m/b *.x/ holds\nn/a *.x/b/ holds\n", "" },
    { "guests of policy ingress", INGRESS | ENFORCED, { 0 },
      { { "m/b", 1, SHARE("m"), R("a.x", "/") },
        { "m/c", 2, SHARE("n"), R("a.x", "/c") },
        { "n/a", 3, NULL, R("a.x", "/b") } },
      "a.x", "m/b a.x/ holds\nm/c a.x/c/ holds\nn/a a.x/b/ loses to m/b\n",
      "error " H0 ": " BELONGS("a.x", "m", "m/b") UNDER("/b") OR_ASK("m") },
};

/* What was admitted a moment ago: guests, and hosts nobody had. */
static void
check_recent(void **state UNUSED)
{
    const struct limits none = { 0 };
    struct ruleset r = owner_ruleset(NAMESPACE, &none);
    struct claims *known = claims_new(&r), *recent = claims_new(&r);
    struct model *owner =
        model_of(&r, "m/c", 0, NULL, R("a.x", "/c"));
    struct model *other =
        model_of(&r, "m/d", 0, NULL, R("b.x", "/c"));
    AUTO_FINDINGS struct findings *found = findings_new();

    set_one(known, &r,
            &(struct one) { "m/b", 1, SHARE("n"), R("a.x", "/") });
    set_one(recent, &r, &(struct one) { "n/a", 0, NULL,
        RULES(RULE("a.x", PREFIX("/a", "s")) ","
              RULE("b.x", PREFIX("/a", "s"))) });
    claims_judge_recent(recent, known, owner, found);
    assert_int_equal(findings_count(found), 0);
    claims_judge_recent(recent, known, other, found);
    assert_int_equal(findings_count_of(found, FINDING_ERROR), 1);
    model_unref(owner);
    model_unref(other);
    claims_free(known);
    claims_free(recent);
    ruleset_fini(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_recent),
    };

    return TABLE_RUN("sharing at admission", admissions,
                     check_owner_admission) +
           TABLE_RUN("sharing at run time", runtimes, check_owner_runtime) +
           cmocka_run_group_tests_name("sharing", tests, NULL, NULL);
}
