/* What stands above age: administrators' pins and lists, sharing, takeovers;
 * and what is told of others. */
#include "tests/unit/table.h"

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/key.h"
#include "tests/unit/ingress/objects.h"

#define R(host, path) RULES(RULE(host, PREFIX(path, "s")))
#define OWN(name, value) "'sallyport.dev/" name "':'" value "'"
#define SHARE(with) OWN("share-host-with", with)
#define TAKE(from) OWN("takeover-from", from)
#define RELEASE(to) OWN("release-to", to)
#define PASSTHROUGH ANNOTATION("ssl-passthrough", "true")
#define H0 "spec.rules[0].host: "
#define P0 "spec.rules[0].http.paths[0].path: "
#define T0 "metadata.annotations[sallyport.dev/takeover-from]: "
#define BELONGS(host, ns, name)                                            \
    "host \"" host "\" belongs to namespace \"" ns "\" (ingress " name     \
    " has it since 1970-01-01)"
#define UNDER(path) ", and with it every path under \"" path "\": "
#define ASK(ns)                                                            \
    "use another host, or ask the owners of namespace \"" ns "\"\n"
#define ADMIN "use another host, or ask your administrator\n"
#define KEPT(host, ns, pin)                                                \
    "host \"" host "\" is kept for " ns " (host-owners has \"" pin "\")"
#define LISTED(host, ns, list)                                             \
    "host \"" host "\" is none of those that namespace \"" ns "\" may "    \
    "use (sallyport.dev/allowed-hosts is \"" list "\")"
#define TAKES(from)                                                        \
    "warning " T0 "what ingress " from ", too, is served by this one from " \
    "now on: delete the other when you like, and then take the annotation " \
    "out\n"
#define UNTIL                                                              \
    "; this Ingress is served there only until --enforce-host-policy is "  \
    "on: "

enum policy {
    NAMESPACE = HOST_POLICY_NAMESPACE,
    BY_PATH = HOST_POLICY_PATH,
    INGRESS = HOST_POLICY_INGRESS,
    NONE = HOST_POLICY_NONE,
    ENFORCED = 1 << 8,
    TELL_NAMESPACE = 1 << 9,
    TELL_HOST = 1 << 10,
};

struct one {
    const char *key;
    int created;
    const char *annotations;
    const char *spec;
};

struct limits {
    const char *flag;           /* --host-owners */
    const char *lines;          /* Of the ConfigMap. */
    const char *list;           /* Allowed hosts of namespace "n". */
};

static const struct admission {
    const char *name;
    int policy;
    struct limits limits;
    struct one there[4];
    struct one candidate;
    const char *want;
} admissions[] = {
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
      "error " H0 BELONGS("a.x", "m", "m/b") UNDER("/d") ASK("m") },
    { "shared with others", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("k"), R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 BELONGS("a.x", "m", "m/b") UNDER("/c") ASK("m") },
    { "another host of who shares", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("a.x", "/b") },
        { "m/c", 1, NULL, R("b.x", "/b") } },
      { "n/a", 0, NULL, R("b.x", "/c") },
      "error " H0 BELONGS("b.x", "m", "m/c") UNDER("/c") ASK("m") },
    { "a shared path stays the owner's", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/b") },
      "error " P0 "host \"a.x\" and path \"/b\" is already defined in "
      "ingress m/b, as Prefix: use another host or path\n" },
    { "passthrough is not shared", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), DEFAULT("s") TLS("{'hosts':['a.x']}") } },
      { "n/a", 0, PASSTHROUGH, R("a.x", "/") },
      "error " H0 BELONGS("a.x", "m", "m/b")
      ", and with it all its connections: " ASK("m") },
    { "a guest is younger than its host", NAMESPACE, { 0 },
      { { "m/b", 5, SHARE("n"), R("a.x", "/b") } },
      { "n/a", 1, NULL, R("a.x", "/c") },
      "error " H0 BELONGS("a.x", "m", "m/b") UNDER("/c") ASK("m") },
    { "a shared wildcard shares its own paths", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("*.x", "/b") } },
      { "n/a", 0, NULL, R("*.x", "/c") }, "" },
    { "and no host below it", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("*.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 "host \"a.x\" is covered by host \"*.x\", which belongs "
      "to namespace \"m\" (ingress m/b has it since 1970-01-01)"
      UNDER("/c") ASK("m") },
    { "policy ingress: the owner shares with its own", INGRESS, { 0 },
      { { "n/b", 1, SHARE("n"), R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") }, "" },
    { "policy ingress: only the owner shares", INGRESS, { 0 },
      { { "m/b", 1, SHARE("m"), R("a.x", "/b") },
        { "m/c", 2, SHARE("n"), R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/d") },
      "error " H0 BELONGS("a.x", "m", "m/b") UNDER("/d") ASK("m") },

    /* --- pins --- */
    { "a host kept for others", NAMESPACE, { "team.x=m+k", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("a.team.x", "/c") },
      "error " H0
      KEPT("a.team.x", "namespaces \"m\", \"k\"", "team.x") UNDER("/c")
      ADMIN },
    { "by the ConfigMap", NAMESPACE, { NULL, "# ours\nteam.x: m\n\n", NULL },
      { { 0 } }, { "n/a", 0, NULL, R("team.x", "/c") },
      "error " H0 KEPT("team.x", "namespace \"m\"", "team.x") UNDER("/c")
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
      "error " H0 KEPT("team.x", "nobody", "team.x") UNDER("/c") ADMIN },
    { "even under policy none", NONE, { "team.x=m", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("team.x", "/c") },
      "error " H0 KEPT("team.x", "namespace \"m\"", "team.x") UNDER("/c")
      ADMIN },
    { "its wildcard", NAMESPACE, { "team.x=m", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("*.team.x", "/c") },
      "error " H0 KEPT("*.team.x", "namespace \"m\"", "team.x") UNDER("/c")
      ADMIN },
    { "a wildcard above it", NAMESPACE, { "team.x=m", NULL, NULL },
      { { 0 } }, { "n/a", 0, NULL, R("*.x", "/c") },
      "error " H0 KEPT("*.x", "namespace \"m\"", "team.x") UNDER("/c")
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
      "error " H0 LISTED("team.y", "n", "a.x,*.team.y") UNDER("/") ADMIN },
    { "every host is not on the list", NAMESPACE, { NULL, NULL, "a.x" },
      { { 0 } }, { "n/a", 0, NULL, DEFAULT("s") },
      "error spec.defaultBackend: " LISTED("_", "n", "a.x") UNDER("/")
      ADMIN },
    { "a list with all", NAMESPACE, { NULL, NULL, "*" },
      { { 0 } }, { "n/a", 0, NULL, DEFAULT("s") }, "" },
    { "an empty list", NAMESPACE, { NULL, NULL, "" },
      { { 0 } }, { "n/a", 0, NULL, R("a.x", "/") },
      "error " H0 LISTED("a.x", "n", "") UNDER("/") ADMIN },
    { "the list of another namespace", NAMESPACE, { NULL, NULL, "a.x" },
      { { 0 } }, { "m/a", 0, NULL, R("b.x", "/") }, "" },

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
      "error " P0 "host \"a.x\" and path \"/c\" is already defined in "
      "ingress n/c, as Prefix: use another path, or take it out there\n"
      TAKES("n/old has") },
    { "another namespace does not release", NAMESPACE, { 0 },
      { { "m/old", 1, RELEASE("n/other"), R("a.x", "/b") } },
      { "n/new", 0, TAKE("m/old"), R("a.x", "/c") },
      "error " H0 BELONGS("a.x", "m", "m/old") UNDER("/c") ASK("m")
      "warning " T0 "ingress m/old is not there, or does not release its "
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
      "error " H0 BELONGS("a.x", "m", "m/c") UNDER("/b") ASK("m")
      TAKES("m/old has") },
    { "a host below a released wildcard", NAMESPACE, { 0 },
      { { "m/old", 1, RELEASE("n/new"), R("*.x", "/b") } },
      { "n/new", 0, TAKE("m/old"), R("a.x", "/b") }, TAKES("m/old has") },
    { "a wildcard above a released host", NAMESPACE, { 0 },
      { { "m/old", 1, RELEASE("n/new"), R("a.x", "/b") } },
      { "n/new", 0, TAKE("m/old"), R("*.x", "/b") }, TAKES("m/old has") },
    { "the old one is gone", NAMESPACE, { 0 }, { { 0 } },
      { "n/new", 0, TAKE("n/old"), R("a.x", "/b") },
      "warning " T0 "ingress n/old is not there (any more): take the "
      "annotation out\n" },
    { "from itself", NAMESPACE, { 0 },
      { { "n/new", 1, NULL, R("a.x", "/b") } },
      { "n/new", 1, TAKE("n/new"), R("a.x", "/b") },
      "warning " T0 "it names this Ingress itself: take the annotation "
      "out\n" },
    { "a canary takes nothing over", NAMESPACE, { 0 },
      { { "n/old", 1, NULL, R("a.x", "/b") } },
      { "n/new", 1, ANNOTATION("canary", "true") "," TAKE("n/old"),
        R("a.x", "/b") },
      "warning " T0 "a canary takes nothing over: take the annotation "
      "out\n" },
    { "the old one changes", NAMESPACE, { 0 },
      { { "n/old", 1, NULL, R("a.x", "/b") },
        { "n/new", 2, TAKE("n/old"), R("a.x", "/b") } },
      { "n/old", 1, NULL, RULES(RULE("a.x", PREFIX("/b", "t"))) },
      "warning " H0 "host \"a.x\" and path \"/b\" is served by ingress "
      "n/new, which takes over from this one: delete this Ingress when you "
      "like\n" },

    /* --- what is told of others --- */
    { "namespaces only: a host", NAMESPACE | TELL_NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 "host \"a.x\" belongs to namespace \"m\"" UNDER("/c")
      ASK("m") },
    { "hosts only: a host", NAMESPACE | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 "host \"a.x\" belongs to another namespace" UNDER("/c")
      ADMIN },
    { "namespaces only: a path", NAMESPACE | TELL_NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/b") },
      "error " P0 "host \"a.x\" and path \"/b\" is already defined in an "
      "ingress of namespace \"m\", as Prefix: " ASK("m") },
    { "hosts only: a path", NAMESPACE | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/b") },
      "error " P0 "host \"a.x\" and path \"/b\" is already defined in an "
      "ingress of another namespace, as Prefix: " ADMIN },
    { "a path on a shared host is another's", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("n"), R("a.x", "/b") },
        { "m/c", 2, NULL, R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " P0 "host \"a.x\" and path \"/c\" is already defined in "
      "ingress m/c, as Prefix: use another host or path\n" },
    { "a path on one's own host is a guest's", NAMESPACE, { 0 },
      { { "n/b", 1, SHARE("m"), R("a.x", "/b") },
        { "m/c", 2, NULL, R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " P0 "host \"a.x\" and path \"/c\" is already defined in "
      "ingress m/c, as Prefix: use another host or path\n" },
    { "a path of a guest on another's host", NAMESPACE, { 0 },
      { { "m/b", 1, SHARE("k"), R("a.x", "/b") },
        { "k/c", 2, NULL, R("a.x", "/c") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " P0 "host \"a.x\" and path \"/c\" is already defined in "
      "ingress k/c, as Prefix: " ASK("m") },
    { "one Ingress a host: its path", INGRESS, { 0 },
      { { "n/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, RULES(RULE("a.x", PREFIX("/b", "t"))) },
      "error " P0 "host \"a.x\" and path \"/b\" is already defined in "
      "ingress n/b, as Prefix: add the rule there, or use another host\n" },
    { "hosts only: one's own namespace", NAMESPACE | TELL_HOST, { 0 },
      { { "n/b", 1, NULL, R("a.x", "/b") } },
      { "n/a", 0, NULL, RULES(RULE("a.x", PREFIX("/b", "t"))) },
      "error " P0 "host \"a.x\" and path \"/b\" is already defined in "
      "ingress n/b, as Prefix: use another path, or take it out there\n" },
    { "hosts only: below a wildcard", NAMESPACE | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("secret.x", "/b") } },
      { "n/a", 0, NULL, R("*.x", "/c") },
      "error " H0 "host \"*.x\" covers a host that belongs to another "
      "namespace" UNDER("/c") ADMIN },
    { "namespaces only: below a wildcard", NAMESPACE | TELL_NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("b.x", "/b") } },
      { "n/a", 0, NULL, R("*.x", "/c") },
      "error " H0 "host \"*.x\" covers host \"b.x\", which belongs to "
      "namespace \"m\"" UNDER("/c") ASK("m") },
    { "hosts only: above", NAMESPACE | TELL_HOST, { 0 },
      { { "m/b", 1, NULL, R("*.x", "/b") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 "host \"a.x\" is covered by host \"*.x\", which belongs "
      "to another namespace" UNDER("/c") ADMIN },
    { "hosts only: passthrough", BY_PATH | TELL_HOST, { 0 },
      { { "m/b", 1, PASSTHROUGH, R("a.x", "/") } },
      { "n/a", 0, NULL, R("a.x", "/c") },
      "error " H0 "host \"a.x\" is passed through as a whole by an ingress "
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
      "error " H0 KEPT("a.x", "other namespaces", "x") UNDER("/c") ADMIN },
};

static const struct runtime {
    const char *name;
    int policy;
    struct limits limits;
    struct one there[4];
    const char *host;
    const char *want;
    const char *report;
} runtimes[] = {
    { "what was there before the policy is told", NAMESPACE, { 0 },
      { { "m/b", 1, NULL, R("a.x", "/") },
        { "n/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "m/b a.x/ holds\nn/a a.x/b/ holds\n",
      "warning " H0 BELONGS("a.x", "m", "m/b") UNTIL ASK("m") },
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
      "error " H0 BELONGS("a.x", "m", "m/b") UNDER("/c") ASK("m") },
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
      "error " H0 BELONGS("a.x", "m", "m/b") UNDER("/b") ASK("m") },
    { "a pin beats age", NAMESPACE, { "x=n", NULL, NULL },
      { { "m/b", 1, NULL,
          RULES(RULE("a.x", PREFIX("/b", "s") "," PREFIX("/c", "s"))) },
        { "n/a", 2, NULL, R("a.x", "/b") } },
      "a.x",
      "n/a a.x/b/ holds\nm/b a.x/b/ loses to n/a\nm/b a.x/c/ holds\n",
      "error " P0 "host \"a.x\" and path \"/b\" is already defined in "
      "ingress n/a, as Prefix: " ASK("n")
      "warning " H0 KEPT("a.x", "namespace \"n\"", "x") UNTIL ADMIN },
    { "a pin under the enforced policy", BY_PATH | ENFORCED,
      { "x=n", NULL, NULL },
      { { "m/b", 1, NULL, R("a.x", "/c") },
        { "n/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "n/a a.x/b/ holds\nm/b a.x/c/ loses\n",
      "error " H0 KEPT("a.x", "namespace \"n\"", "x") UNDER("/c") ADMIN },
    { "a list under the enforced policy", NAMESPACE | ENFORCED,
      { NULL, NULL, "b.x" },
      { { "n/b", 1, NULL, R("a.x", "/c") TLS("{'hosts':['a.x']}") },
        { "m/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "m/a a.x/b/ holds\nn/b a.x/c/ loses\nn/b tls (null) loses\n",
      "error " H0 LISTED("a.x", "n", "b.x") UNDER("/c") ADMIN
      "error spec.tls[0].hosts[0]: " LISTED("a.x", "n", "b.x") ": " ADMIN },
    { "a wildcard that is kept out unseats nobody", NAMESPACE | ENFORCED,
      { NULL, NULL, "b.x" },
      { { "n/b", 1, NULL, R("*.x", "/c") },
        { "m/a", 2, NULL, R("a.x", "/b") } },
      "a.x", "m/a a.x/b/ holds\n",
      "error " H0 LISTED("*.x", "n", "b.x") UNDER("/c") ADMIN },
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
      "warning " H0 "host \"a.x\" and path \"/b\" is served by ingress "
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
      "error " H0 BELONGS("a.x", "n", "n/new") UNDER("/b") ASK("n")
      TAKES("m/old has") },
    { "who would take over elsewhere wins nothing here", NAMESPACE, { 0 },
      { { "m/old", 1, NULL, R("a.x", "/b") },
        { "n/new", 2, TAKE("m/old"), R("a.x", "/b") } },
      "a.x", "m/old a.x/b/ holds\nn/new a.x/b/ loses to m/old\n",
      "error " P0 "host \"a.x\" and path \"/b\" is already defined in "
      "ingress m/old, as Prefix: " ASK("m")
      "warning " T0 "ingress m/old is not there, or does not release its "
      "hosts: its owners write sallyport.dev/release-to: \"n/new\" in it\n" },
    { "two that take over from each other: by age", NAMESPACE, { 0 },
      { { "n/a", 1, TAKE("n/b"), R("a.x", "/b") },
        { "n/b", 2, TAKE("n/a"), RULES(RULE("a.x", PREFIX("/b", "t"))) } },
      "a.x", "n/a a.x/b/ holds\nn/b a.x/b/ loses to n/a\n",
      TAKES("n/b has") TAKES("n/a has")
      "warning " H0 "host \"a.x\" and path \"/b\" is served by ingress "
      "n/a, which takes over from this one: delete this Ingress when you "
      "like\n" },
};

/* --- Rows --- */

static struct ruleset
ruleset_of(int policy, const struct limits *limits)
{
    struct ruleset r = RULESET_INIT;

    r.host_policy = policy & 0xff;
    r.enforce_host_policy = policy & ENFORCED;
    r.conflict_messages = policy & TELL_HOST        ? CONFLICT_HOST
                          : policy & TELL_NAMESPACE ? CONFLICT_NAMESPACE
                                                    : CONFLICT_FULL;
    r.ssl_passthrough = true;
    r.namespace_allowed_hosts = limits->list != NULL;
    r.host_owners = limits->flag;
    assert_null(ruleset_finish(&r));
    return r;
}

static struct claims *
claims_of(const struct ruleset *r, const struct limits *limits,
          const struct one *there, size_t n)
{
    struct claims *c = claims_new(r);

    for (size_t i = 0; i < n && there[i].key; i++) {
        struct model *m = model_of(r, there[i].key, there[i].created,
                                   there[i].annotations, there[i].spec);

        claims_set(c, m);
        model_unref(m);
    }
    if (limits->lines) {
        err_free(claims_set_host_owners(c, limits->lines));
    }
    claims_set_allowed_hosts(c, "n", limits->list);
    return c;
}

static void
put_findings(struct buf *out, const struct findings *fs)
{
    for (size_t i = 0; i < findings_count(fs); i++) {
        const struct finding *f = findings_get(fs, i);

        buf_printf(out, "%s %s: %s\n",
                   f->severity == FINDING_ERROR ? "error" : "warning",
                   f->field, f->message);
    }
}

static void
check_admission(void **state)
{
    const struct admission *row = *state;
    struct ruleset r = ruleset_of(row->policy, &row->limits);
    struct claims *c =
        claims_of(&r, &row->limits, row->there, ARRAY_SIZE(row->there));
    const struct one *one = &row->candidate;
    struct model *m =
        model_of(&r, one->key, one->created, one->annotations, one->spec);
    AUTO_FINDINGS struct findings *found = findings_new();
    AUTO_BUF struct buf out = BUF_OWN;

    claims_judge(c, m, found);
    put_findings(&out, found);
    assert_string_equal(buf_str(&out), row->want);
    model_unref(m);
    claims_free(c);
    ruleset_fini(&r);
}

static void
put_claims(struct buf *out, const struct claims *c, const char *host)
{
    size_t n = 0;
    AUTO_FREE struct claim *claims = claims_host(c, host, &n);

    for (size_t i = 0; i < n; i++) {
        const struct claim *k = &claims[i];

        buf_printf(out, "%s ", k->model->object->key);
        if (k->tls) {
            buf_printf(out, "tls %s",
                       k->tls->secret ? k->tls->secret : "(null)");
        } else {
            buf_puts(out, k->route->key);
        }
        buf_puts(out, k->holds ? " holds" : " loses");
        if (k->winner) {
            buf_printf(out, " to %s", k->winner->object->key);
        }
        buf_putc(out, '\n');
    }
}

static void
check_runtime(void **state)
{
    const struct runtime *row = *state;
    struct ruleset r = ruleset_of(row->policy, &row->limits);
    struct claims *c =
        claims_of(&r, &row->limits, row->there, ARRAY_SIZE(row->there));
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_BUF struct buf report = BUF_OWN;

    put_claims(&out, c, row->host);
    assert_string_equal(buf_str(&out), row->want);
    for (size_t i = 0; i < ARRAY_SIZE(row->there) && row->there[i].key;
         i++) {
        AUTO_FINDINGS struct findings *found = findings_new();

        claims_report(c, claims_get(c, row->there[i].key), found);
        put_findings(&report, found);
    }
    assert_string_equal(buf_str(&report), row->report);
    claims_free(c);
    ruleset_fini(&r);
}

/* --- Changes --- */

static void
expect_host(const struct claims *c, const char *want)
{
    AUTO_BUF struct buf out = BUF_OWN;

    put_claims(&out, c, "a.x");
    assert_string_equal(buf_str(&out), want);
}

static void
set_one(struct claims *c, const struct ruleset *r, const struct one *one)
{
    struct model *m =
        model_of(r, one->key, one->created, one->annotations, one->spec);

    claims_set(c, m);
    model_unref(m);
}

/* From rename to deletion nothing that is served changes but once. */
static void
check_rename(void **state UNUSED)
{
    const struct limits none = { 0 };
    struct ruleset r = ruleset_of(NAMESPACE | ENFORCED, &none);
    struct claims *c = claims_new(&r);

    set_one(c, &r, &(struct one) { "n/old", 1, NULL, R("a.x", "/b") });
    set_one(c, &r, &(struct one) { "n/new", 2, TAKE("n/old"),
                                   RULES(RULE("a.x", PREFIX("/b", "t"))) });
    expect_host(c, "n/new a.x/b/ holds\nn/old a.x/b/ loses to n/new\n");
    claims_remove(c, "n/old");
    expect_host(c, "n/new a.x/b/ holds\n");
    /* Back again it still gives way, and wins when the other has gone. */
    set_one(c, &r, &(struct one) { "n/old", 1, NULL, R("a.x", "/b") });
    expect_host(c, "n/new a.x/b/ holds\nn/old a.x/b/ loses to n/new\n");
    set_one(c, &r, &(struct one) { "n/new", 2, NULL,
                                   RULES(RULE("a.x", PREFIX("/b", "t"))) });
    expect_host(c, "n/old a.x/b/ holds\nn/new a.x/b/ loses to n/old\n");
    claims_set_namespace(c, "n", true);
    expect_host(c, "");
    claims_free(c);
    ruleset_fini(&r);
}

/* The ConfigMap changes while Ingresses are there. */
static void
check_lines(void **state UNUSED)
{
    const struct limits none = { 0 };
    struct ruleset r = ruleset_of(NAMESPACE | ENFORCED, &none);
    struct claims *c = claims_new(&r);
    AUTO_ERR struct err *err = NULL;

    set_one(c, &r, &(struct one) { "m/b", 1, NULL, R("a.x", "/b") });
    set_one(c, &r, &(struct one) { "n/a", 2, NULL, R("a.x", "/a") });
    expect_host(c, "m/b a.x/b/ holds\nn/a a.x/a/ loses to m/b\n");
    assert_null(claims_set_host_owners(c, "x: n"));
    expect_host(c, "n/a a.x/a/ holds\nm/b a.x/b/ loses\n");
    err = claims_set_host_owners(c, "x: n, m\nbad line");
    assert_string_equal(err_text(err),
                        "\"bad line\" does not begin with a host such as "
                        "\"team-a.example.com\", which stands for itself "
                        "and all hosts below it");
    expect_host(c, "m/b a.x/b/ holds\nn/a a.x/a/ loses to m/b\n");
    assert_null(claims_set_host_owners(c, NULL));
    expect_host(c, "m/b a.x/b/ holds\nn/a a.x/a/ loses to m/b\n");
    /* Lists mean nothing where they are not honoured. */
    claims_set_allowed_hosts(c, "m", "b.x");
    expect_host(c, "m/b a.x/b/ holds\nn/a a.x/a/ loses to m/b\n");
    claims_free(c);
    ruleset_fini(&r);
}

/* What was admitted a moment ago: guests, and hosts nobody had. */
static void
check_recent(void **state UNUSED)
{
    const struct limits none = { 0 };
    struct ruleset r = ruleset_of(NAMESPACE, &none);
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
        cmocka_unit_test(check_rename),
        cmocka_unit_test(check_lines),
        cmocka_unit_test(check_recent),
    };

    return TABLE_RUN("owners at admission", admissions, check_admission) +
           TABLE_RUN("owners at run time", runtimes, check_runtime) +
           cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}
