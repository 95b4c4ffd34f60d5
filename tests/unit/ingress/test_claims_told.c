/* What is told of others' hosts and paths, and what is kept back. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/claims_owner_help.h"

static const struct owner_admission admissions[] = {
    /* --- what is told of others --- */
    { "namespaces only: a host", NAMESPACE | TELL_NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\"" UNDER("/c")
      OR_ASK("m") },
    { "hosts only: a host", NAMESPACE | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 ": host \"a.x\" belongs to another namespace" UNDER("/c")
      ADMIN },
    { "namespaces only: a path", NAMESPACE | TELL_NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/b") },
      "error " P0 ": host \"a.x\" and path \"/b\" is already defined in an "
      "ingress of namespace \"m\", as Prefix: " OR_ASK("m") },
    { "hosts only: a path", NAMESPACE | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/b") },
      "error " P0 ": host \"a.x\" and path \"/b\" is already defined in an "
      "ingress of another namespace, as Prefix: " ADMIN },
    { "a path on a shared host is another's", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("a.x", "/b") },
        { "m/c", 2, NULL, R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " P0 ": " DEFINED("a.x", "/c", "m/c", "Prefix") ELSEWHERE },
    { "a path on one's own host is a guest's", NAMESPACE, { 0 },
      { { "n/b", 1, SHARE("m"), R("a.x", "/b") },
        { "m/c", 2, NULL, R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " P0 ": " DEFINED("a.x", "/c", "m/c", "Prefix") ELSEWHERE },
    { "a path of a guest on another's host", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("k"), R("a.x", "/b") },
        { "k/c", 2, NULL, R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " P0 ": " DEFINED("a.x", "/c", "k/c", "Prefix") OR_ASK("m") },
    { "one Ingress a host: its path", INGRESS, { 0 },
      { { "n/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, RULES(RULE("a.x", PREFIX("/b", "t"))) },
      "error " P0 ": "
      DEFINED("a.x", "/b", "n/b", "Prefix")
      "add the rule there, or use another host\n" },
    { "hosts only: one's own namespace", NAMESPACE | TELL_HOST, { 0 },
      { { "n/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, RULES(RULE("a.x", PREFIX("/b", "t"))) },
      "error " P0 ": " DEFINED("a.x", "/b", "n/b", "Prefix") HERE },
    { "hosts only: below a wildcard", NAMESPACE | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("secret.x", "/b") } },
      { "n/a", 0, NULL, R("*.x", "/c") },
      "error " H0 ": host \"*.x\" covers a host that belongs to another "
      "namespace" UNDER("/c") ADMIN },
    { "namespaces only: below a wildcard", NAMESPACE | TELL_NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("b.x", "/b") } },
      { "n/a", 0, NULL, R("*.x", "/c") },
      "error " H0 ": host \"*.x\" covers host \"b.x\", which belongs to "
      "namespace \"m\"" UNDER("/c") OR_ASK("m") },
    { "hosts only: above", NAMESPACE | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("*.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 ": host \"a.x\" is covered by host \"*.x\", which belongs "
      "to another namespace" UNDER("/c") ADMIN },
    { "hosts only: passthrough", BY_PATH | TELL_HOST, { 0 },
      { { "m/b", 1, PASSTHROUGH, R("a.x", "/") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 ": host \"a.x\" is passed through as a whole by an ingress "
      "of another namespace (ssl-passthrough): use another host\n" },
    { "hosts only: a certificate", BY_PATH | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/") TLS("{'hosts':['a.x']}") } },
      { "n/a", 0, NULL,
        R("a.x", "/c") TLS("{'hosts':['a.x'],'secretName':'c'}") },
      "warning spec.tls[0].hosts[0]: host \"a.x\" has its certificate from "
      "an ingress of another namespace, and this entry's (n/c) is not "
      "served: take the host out of this entry\n" },
    { "hosts only: a pin", NAMESPACE | TELL_HOST, { "x=m", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 ": " KEPT("a.x", "other namespaces", "x") UNDER("/c") ADMIN },
};

TABLE_MAIN("told", admissions, check_owner_admission)
