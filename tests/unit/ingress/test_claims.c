/* Who may claim what at admission. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/claims_help.h"

static const struct admission {
    const char *name;
    int policy;
    struct one there[4];
    struct one candidate;       /* created 0: new. */
    const char *want;
} admissions[] = {
    /* --- by key, which every policy but "none" owns --- */
    { "an empty index", NAMESPACE, { { 0 } },
      { "n/a", 0, NULL, RA(PREFIX("/", "s")) }, "" },
    { "itself, unchanged", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) } },
      { "n/a", 1, NULL, RA(PREFIX("/", "s")) }, "" },
    { "another path, same namespace", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/", "s")) }, "" },
    { "the same path, same namespace", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(IMPL("/b/", "t")) },
      "error " P0 ": " DEFINED("a.x", "/b/", "n/b", "Prefix") HERE },
    { "the same path, another type", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(EXACT("/b", "t")) }, "" },
    { "the same path, another host", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RULES(RULE("b.x", PREFIX("/b", "t"))) }, "" },
    { "the same path, same backend: a twin", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(IMPL("/b", "s")) }, "" },
    { "the same path and backend in another namespace", BY_PATH,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/b", "s")) },
      "error " P0 ": " DEFINED("a.x", "/b", "m/b", "Prefix") ELSEWHERE },
    { "the asker is refused however old it is", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/a", "s")) },
        { "n/b", 9, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 1, NULL, RA(PREFIX("/b", "t") "," PREFIX("/a", "t")) },
      "error " P0 ": " DEFINED("a.x", "/b", "n/b", "Prefix") HERE },
    { "who holds a path may change its backend", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/b", "s")) },
        { "n/b", 9, NULL, RA(PREFIX("/b", "t")) } },
      { "n/a", 1, NULL, RA(PREFIX("/b", "u")) }, "" },
    { "who lost a path is told so", NAMESPACE,
      { { "n/a", 9, NULL, RA(PREFIX("/b", "s")) },
        { "n/b", 1, NULL, RA(PREFIX("/b", "t")) } },
      { "n/a", 9, NULL, RA(PREFIX("/b", "u")) },
      "error " P0 ": " DEFINED("a.x", "/b", "n/b", "Prefix") HERE },
    { "a younger twin that goes another way", NAMESPACE,
      { { "n/a", 9, NULL, RA(PREFIX("/b", "s")) },
        { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 9, NULL, RA(PREFIX("/b", "u")) },
      "error " P0 ": " DEFINED("a.x", "/b", "n/b", "Prefix") HERE },
    { "of several the one that holds is named", BY_PATH,
      { { "n/b", 5, NULL, RA(PREFIX("/b", "s")) },
        { "m/c", 3, NULL, RA(PREFIX("/b", "t")) },
        { "k/d", 4, NULL, RA(PREFIX("/b", "u")) } },
      { "n/a", 0, NULL, RA(PREFIX("/b", "v")) },
      "error " P0 ": " DEFINED("a.x", "/b", "m/c", "Prefix") ELSEWHERE },
    { "exact path", NAMESPACE,
      { { "n/b", 1, NULL, RA(EXACT("/b", "s")) } },
      { "n/a", 0, NULL, RA(EXACT("/b", "t")) },
      "error " P0 ": " DEFINED("a.x", "/b", "n/b", "Exact") HERE },
    { "regular expression", NAMESPACE,
      { { "n/b", 1, REGEX, RA(IMPL("/b(.*)", "s")) } },
      { "n/a", 0, REGEX, RA(IMPL("/b(.*)", "t")) },
      "error " P0 ": "
      DEFINED("a.x", "/b(.*)", "n/b", "a regular expression") HERE },
    { "plain regular expression against a prefix", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/~b", "s")) } },
      { "n/a", 0, REGEX, RA(IMPL("/~b", "s")) },
      "error " P0 ": " DEFINED("a.x", "/~b", "n/b", "Prefix") HERE },
    { "the same path spelled otherwise", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/%7Eb//c", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/~b/c", "t")) },
      "error " P0 ": " DEFINED("a.x", "/~b/c", "n/b", "Prefix") HERE },

    /* --- canaries --- */
    { "a canary beside its main Ingress", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, CANARY, RA(PREFIX("/b", "t")) }, "" },
    { "a main Ingress beside its canary", NAMESPACE,
      { { "n/b", 1, CANARY, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/b", "t")) }, "" },
    { "two canaries", NAMESPACE,
      { { "n/b", 1, CANARY, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, CANARY, RA(PREFIX("/b", "t")) },
      "warning " P0 ": " NO_MAIN("/b") },
    { "a canary of another namespace's path", BY_PATH,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, CANARY, RA(PREFIX("/b", "t")) },
      "error " P0 ": " DEFINED("a.x", "/b", "m/b", "Prefix") ELSEWHERE },
    { "canary false is no canary", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, ANNOTATION("canary", "false"), RA(PREFIX("/b", "t")) },
      "error " P0 ": " DEFINED("a.x", "/b", "n/b", "Prefix") HERE },
    { "a canary owns its host", NAMESPACE,
      { { "m/b", 1, CANARY, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it every path under \"/c\""
      ASK("m") },

    /* --- policy namespace --- */
    { "a host of another namespace", NAMESPACE,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL,
        RA(PREFIX("/c", "t") "," EXACT("/d", "t")) },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it every path under \"/c\""
      ASK("m")
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it path \"/d\"" ASK("m") },
    { "a path of another namespace", NAMESPACE,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/b", "t")) },
      "error " P0 ": " DEFINED("a.x", "/b", "m/b", "Prefix") OR_ASK("m") },
    { "a foreign host and a free one in turn", NAMESPACE,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL,
        RULES(RULE("a.x", PREFIX("/c", "t")) ","
              RULE("b.x", PREFIX("/c", "t")) ","
              RULE("a.x", EXACT("/d", "t"))) TLS("{'hosts':['b.x']}") },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it every path under \"/c\""
      ASK("m")
      "error spec.rules[2].host: host \"a.x\" belongs to namespace \"m\" "
      "(ingress m/b has it since 1970-01-01), and with it path \"/d\""
      ASK("m") },
    { "an owner without creation time", NAMESPACE,
      { { "m/b", 0, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, REGEX, RA(IMPL("/c.*", "t")) },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it), and with it every path that matches \"/c.*\"" ASK("m") },
    { "rule without http on a foreign host", NAMESPACE,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, "'rules':[{'host':'a.x'}]" },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01)" ASK("m") },
    { "a host owned by a rule without http", NAMESPACE,
      { { "m/b", 1, NULL, "'rules':[{'host':'a.x'}]" } },
      { "n/a", 0, NULL, "'rules':[{'host':'a.x'}]" },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01)" ASK("m") },
    { "the oldest namespace of a shared host goes on", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/a", "s")) },
        { "m/b", 2, NULL, RA(PREFIX("/b", "s")) } },
      { "n/c", 0, NULL, RA(PREFIX("/c", "t")) }, "" },
    { "the younger namespace of a shared host does not", NAMESPACE,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) },
        { "n/a", 2, NULL, RA(PREFIX("/a", "s")) } },
      { "n/c", 0, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it every path under \"/c\""
      ASK("m") },
    { "an old object asks for a younger one's host", NAMESPACE,
      { { "n/a", 1, NULL, RULES(RULE("b.x", PREFIX("/", "s"))) },
        { "m/b", 9, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 1, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it every path under \"/c\""
      ASK("m") },
    { "every host belongs to nobody as a whole", NAMESPACE,
      { { "m/b", 1, NULL,
          "'rules':[{'http':{'paths':[" PREFIX("/b", "s") "]}}]" } },
      { "n/a", 0, NULL,
        "'rules':[{'http':{'paths':[" PREFIX("/c", "s") "]}}]" }, "" },
    { "a path on every host is owned", NAMESPACE,
      { { "m/b", 1, NULL,
          "'rules':[{'http':{'paths':[" PREFIX("/b", "s") "]}}]" } },
      { "n/a", 0, NULL,
        "'rules':[{'http':{'paths':[" PREFIX("/b", "s") "]}}]" },
      "error " P0 ": " DEFINED("_", "/b", "m/b", "Prefix") ELSEWHERE },
    { "a host in a TLS section is a claim", NAMESPACE,
      { { "m/b", 1, NULL, DEFAULT("s") TLS("{'hosts':['a.x']}") } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it every path under \"/c\""
      ASK("m") },
    { "a TLS section for a foreign host", NAMESPACE,
      { { "m/b", 1, NULL, RA(PREFIX("/", "s")) } },
      { "n/a", 0, NULL,
        RULES(RULE("b.x", PREFIX("/", "s")))
            TLS("{'hosts':['b.x','a.x'],'secretName':'c'}") },
      "error spec.tls[0].hosts[1]: host \"a.x\" belongs to namespace \"m\" "
      "(ingress m/b has it since 1970-01-01)" ASK("m") },

    /* --- wildcard and exact --- */
    { "an exact host below a foreign wildcard", NAMESPACE,
      { { "m/b", 1, NULL, RULES(RULE("*.x", PREFIX("/b", "s"))) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" is covered by host \"*.x\", which belongs "
      "to namespace \"m\" (ingress m/b has it since 1970-01-01), and with "
      "it every path under \"/c\"" ASK("m") },
    { "a wildcard above a foreign exact host", NAMESPACE,
      { { "m/b", 2, NULL, RULES(RULE("b.x", PREFIX("/b", "s"))) },
        { "k/c", 1, NULL, RULES(RULE("c.b.x", PREFIX("/b", "s"))) },
        { "m/d", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RULES(RULE("*.x", PREFIX("/c", "t"))) },
      "error " H0 ": host \"*.x\" covers host \"a.x\", which belongs to "
      "namespace \"m\" (ingress m/d has it since 1970-01-01), and with it "
      "every path under \"/c\"" ASK("m") },
    { "wildcard and exact of one namespace", NAMESPACE,
      { { "n/b", 1, NULL, RULES(RULE("*.x", PREFIX("/b", "s"))) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) }, "" },
    { "exact below one's own wildcard, a foreign sibling", NAMESPACE,
      { { "n/b", 1, NULL, RULES(RULE("*.x", PREFIX("/b", "s"))) },
        { "m/b", 2, NULL, RULES(RULE("b.x", PREFIX("/b", "s"))) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) }, "" },
    { "two labels below a foreign wildcard", NAMESPACE,
      { { "m/b", 1, NULL, RULES(RULE("*.x", PREFIX("/b", "s"))) } },
      { "n/a", 0, NULL, RULES(RULE("b.a.x", PREFIX("/c", "t"))) }, "" },
    { "the parent of a foreign wildcard", NAMESPACE,
      { { "m/b", 1, NULL, RULES(RULE("*.a.x", PREFIX("/b", "s"))) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) }, "" },
    { "who was there before the wildcard goes on", NAMESPACE,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) },
        { "m/b", 2, NULL, RULES(RULE("*.x", PREFIX("/", "s"))) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) }, "" },
    { "who came after the wildcard does not", NAMESPACE,
      { { "n/b", 2, NULL, RA(PREFIX("/b", "s")) },
        { "m/b", 1, NULL, RULES(RULE("*.x", PREFIX("/", "s"))) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" is covered by host \"*.x\", which belongs "
      "to namespace \"m\" (ingress m/b has it since 1970-01-01), and with "
      "it every path under \"/c\"" ASK("m") },
    { "a wildcard that was there first goes on", NAMESPACE,
      { { "n/b", 1, NULL, RULES(RULE("*.x", PREFIX("/b", "s"))) },
        { "m/b", 2, NULL, RULES(RULE("b.x", PREFIX("/", "s"))) } },
      { "n/a", 0, NULL, RULES(RULE("*.x", PREFIX("/c", "s"))) }, "" },
    { "wildcard and exact under policy path", BY_PATH,
      { { "m/b", 1, NULL, RULES(RULE("*.x", PREFIX("/", "s"))) } },
      { "n/a", 0, NULL, RA(PREFIX("/", "t")) }, "" },
    { "wildcard and exact under policy ingress", INGRESS,
      { { "m/b", 1, NULL, RULES(RULE("*.x", PREFIX("/b", "s"))) },
        { "n/b", 1, NULL, RULES(RULE("*.y", PREFIX("/b", "s"))) } },
      { "n/a", 0, NULL,
        RULES(RULE("a.y", PREFIX("/c", "t")) ","
              RULE("a.x", PREFIX("/c", "t"))) },
      "error spec.rules[1].host: host \"a.x\" is covered by host \"*.x\", "
      "which belongs to namespace \"m\" (ingress m/b has it since "
      "1970-01-01), and with it every path under \"/c\"" ASK("m") },

    /* --- policies path, ingress, none --- */
    { "a foreign host under policy path", BY_PATH,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) }, "" },
    { "another Ingress of the namespace under policy ingress", INGRESS,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" belongs to ingress n/b (a host has one "
      "Ingress here, and it has it since 1970-01-01), and with it every "
      "path under \"/c\": add the rule there, or use another host\n" },
    { "a foreign host under policy ingress", INGRESS,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it every path under \"/c\""
      ASK("m") },
    { "a canary under policy ingress", INGRESS,
      { { "n/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, CANARY, RA(PREFIX("/b", "t")) }, "" },
    { "policy none only warns of what will not be served", NONE,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/b", "t") "," PREFIX("/c", "t")) },
      "warning " P0 ": " DEFINED("a.x", "/b", "m/b", "Prefix") ELSEWHERE },

    /* --- default backends --- */
    { "a second default backend", NAMESPACE,
      { { "m/b", 1, NULL, DEFAULT("s") } },
      { "n/a", 0, NULL, DEFAULT("s") },
      "error spec.defaultBackend: " DEFINED("_", "/", "m/b", "Prefix")
      "there is one default backend, so name a host in a rule\n" },
    { "the same default backend in its namespace", NAMESPACE,
      { { "n/b", 1, NULL, DEFAULT("s") } },
      { "n/a", 0, NULL, DEFAULT("s") }, "" },
    { "a default backend against a path on every host", BY_PATH,
      { { "n/b", 1, NULL,
          "'rules':[{'http':{'paths':[" PREFIX("/", "s") "]}}]" } },
      { "n/a", 0, NULL, DEFAULT("s") },
      "error spec.defaultBackend: " DEFINED("_", "/", "n/b", "Prefix")
      "there is one default backend, so name a host in a rule\n" },

    /* --- passthrough --- */
    { "a path on a host that is passed through", NAMESPACE,
      { { "n/b", 1, PASSTHROUGH, RA(PREFIX("/", "s")) } },
      { "n/a", 0, NULL, RA(PREFIX("/c", "t")) },
      "error " H0 ": host \"a.x\" is passed through as a whole by ingress "
      "n/b (ssl-passthrough): use another host\n" },
    { "passthrough of a host with paths", BY_PATH,
      { { "m/b", 1, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 0, PASSTHROUGH, RA(PREFIX("/", "t")) },
      "error " H0 ": host \"a.x\" has paths in ingress m/b, and "
      "ssl-passthrough takes a whole host: use another host, or take the "
      "paths out there\n" },
    { "passthrough of a foreign host", NAMESPACE,
      { { "m/b", 1, NULL, "'rules':[{'host':'a.x'}]" } },
      { "n/a", 0, PASSTHROUGH, RA(PREFIX("/", "t")) },
      "error " H0 ": host \"a.x\" belongs to namespace \"m\" (ingress m/b "
      "has it since 1970-01-01), and with it all its connections"
      ASK("m") },
    { "two passthroughs", NAMESPACE,
      { { "n/b", 1, PASSTHROUGH, RA(PREFIX("/", "s")) } },
      { "n/a", 0, PASSTHROUGH, RA(PREFIX("/", "t")) },
      "error " P0 ": " DEFINED("a.x", "/", "n/b", "ssl-passthrough") HERE },
    { "twin passthroughs", NAMESPACE,
      { { "n/b", 1, PASSTHROUGH, RA(PREFIX("/", "s")) } },
      { "n/a", 0, PASSTHROUGH, RA(PREFIX("/", "s")) }, "" },
    { "passthrough beside a TLS section", NAMESPACE,
      { { "n/b", 1, NULL, DEFAULT("s") TLS("{'hosts':['a.x']}") } },
      { "n/a", 0, PASSTHROUGH, RA(PREFIX("/", "s")) }, "" },
    { "turning one's host with others' paths into passthrough", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) },
        { "n/b", 2, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 1, PASSTHROUGH, RA(PREFIX("/", "s")) },
      "error " H0 ": host \"a.x\" has paths in ingress n/b, and "
      "ssl-passthrough takes a whole host: use another host, or take the "
      "paths out there\n" },
    { "turning one's own host into passthrough", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) } },
      { "n/a", 1, PASSTHROUGH, RA(PREFIX("/", "s")) }, "" },
    { "an old passthrough goes on", NAMESPACE,
      { { "n/a", 1, PASSTHROUGH, RA(PREFIX("/", "s")) },
        { "n/b", 2, NULL, RA(PREFIX("/b", "s")) } },
      { "n/a", 1, PASSTHROUGH, RA(PREFIX("/", "t")) }, "" },
    { "old paths go on", NAMESPACE,
      { { "n/a", 1, NULL, RA(PREFIX("/", "s")) },
        { "n/b", 2, PASSTHROUGH, RA(PREFIX("/", "s")) } },
      { "n/a", 1, NULL, RA(PREFIX("/", "t")) }, "" },

    /* --- certificates --- */
    { "one host, two certificates", NAMESPACE,
      { { "n/b", 1, NULL,
          RA(PREFIX("/b", "s")) TLS("{'hosts':['a.x'],'secretName':'c'}") } },
      { "n/a", 0, NULL,
        RA(PREFIX("/a", "s")) TLS("{'hosts':['a.x'],'secretName':'d'}") },
      "warning spec.tls[0].hosts[0]: host \"a.x\" has its certificate from "
      "ingress n/b (n/c), and this entry's (n/d) is not served: name one "
      "Secret in both\n" },
    { "one host, two certificates, two namespaces", BY_PATH,
      { { "m/b", 1, NULL,
          RA(PREFIX("/b", "s")) TLS("{'hosts':['a.x'],'secretName':'c'}") } },
      { "n/a", 0, NULL, RA(PREFIX("/a", "s")) TLS("{'hosts':['a.x']}") },
      "warning spec.tls[0].hosts[0]: host \"a.x\" has its certificate from "
      "ingress m/b, and this entry's (the default certificate) is not "
      "served: take the host out of this entry\n" },
    { "one host, one certificate in two Ingresses", NAMESPACE,
      { { "n/b", 1, NULL,
          RA(PREFIX("/b", "s")) TLS("{'hosts':['a.x'],'secretName':'c'}") } },
      { "n/a", 0, NULL,
        RA(PREFIX("/a", "s")) TLS("{'hosts':['a.x'],'secretName':'c'}") },
      "" },
    { "a certificate is changed by who has it", NAMESPACE,
      { { "n/a", 1, NULL,
          RA(PREFIX("/b", "s")) TLS("{'hosts':['a.x'],'secretName':'c'}") },
        { "n/b", 2, NULL,
          RA(PREFIX("/a", "s")) TLS("{'hosts':['a.x'],'secretName':'c'}") },
      },
      { "n/a", 1, NULL,
        RA(PREFIX("/b", "s")) TLS("{'hosts':['a.x'],'secretName':'d'}") },
      "" },
};

static void
check_admission(void **state)
{
    const struct admission *row = *state;
    const struct ruleset r = ruleset_of(row->policy);
    struct claims *c = claims_new(&r);
    struct model *m = model_one(&r, &row->candidate);
    AUTO_FINDINGS struct findings *found = findings_new();
    AUTO_BUF struct buf out = BUF_OWN;

    fill(c, &r, row->there, ARRAY_SIZE(row->there));
    claims_judge(c, m, found);
    put_findings(&out, found, m->name);
    assert_string_equal(buf_str(&out), row->want);
    model_unref(m);
    claims_free(c);
}

TABLE_MAIN("claims at admission", admissions, check_admission)
