/* TLS sections, and hosts that are passed through. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/model_help.h"

static const struct model_row rows[] = {
    /* --- TLS --- */
    { "TLS hosts", NULL,
      RULES(RULE("h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['h.x'],'secretName':'c'}"),
      "prefix h.x/ / s:80 " P0 "\n"
      "tls h.x d/c spec.tls[0].hosts[0]\n" },
    { "TLS entry without Secret and without hosts", NULL,
      RULES(RULE("h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['h.x']},{'secretName':'c'}"),
      "prefix h.x/ / s:80 " P0 "\n"
      "tls h.x - spec.tls[0].hosts[0]\n"
      "tls  d/c spec.tls[1]\n" },
    { "TLS host that no rule uses", NULL,
      RULES(RULE("h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['i.x'],'secretName':'c'}"),
      "prefix h.x/ / s:80 " P0 "\n"
      "tls i.x d/c spec.tls[0].hosts[0]\n"
      "warning spec.tls[0].hosts[0]: no rule here is for host \"i.x\": the "
      "certificate serves nothing\n" },
    { "a sibling of a used host is not used", NULL,
      RULES(RULE("a.h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['b.h.x'],'secretName':'c'}"),
      "prefix a.h.x/ / s:80 " P0 "\n"
      "tls b.h.x d/c spec.tls[0].hosts[0]\n"
      "warning spec.tls[0].hosts[0]: no rule here is for host \"b.h.x\": "
      "the certificate serves nothing\n" },
    { "wildcard certificate, exact rule, and the other way round", NULL,
      RULES(RULE("a.h.x", PREFIX("/", "s")) ","
            RULE("*.i.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['*.h.x','a.i.x'],'secretName':'c'}"),
      "prefix a.h.x/ / s:80 " P0 "\n"
      "prefix *.i.x/ / s:80 spec.rules[1].http.paths[0]\n"
      "tls *.h.x d/c spec.tls[0].hosts[0]\n"
      "tls a.i.x d/c spec.tls[0].hosts[1]\n" },
    { "a rule without host uses every certificate", NULL,
      DEFAULT("s") TLS("{'hosts':['i.x'],'secretName':'c'}"),
      "catch-all / / s:80 spec.defaultBackend\n"
      "tls i.x d/c spec.tls[0].hosts[0]\n" },
    { "TLS host twice, same Secret", NULL,
      RULES(RULE("h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['h.x','h.x'],'secretName':'c'}"),
      "prefix h.x/ / s:80 " P0 "\n"
      "tls h.x d/c spec.tls[0].hosts[0]\n"
      "warning spec.tls[0].hosts[1]: host \"h.x\" is already listed in "
      "spec.tls[0].hosts[0]: remove one of them\n" },
    { "TLS host twice, other Secret", NULL,
      RULES(RULE("h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['h.x'],'secretName':'c'},{'hosts':['h.x']}"),
      "prefix h.x/ / s:80 " P0 "\n"
      "tls h.x d/c spec.tls[0].hosts[0]\n"
      "error spec.tls[1].hosts[0]: host \"h.x\" already has d/c by "
      "spec.tls[0].hosts[0] and cannot have the default certificate, too: "
      "remove one of them\n" },
    { "TLS host with two Secrets", NULL,
      RULES(RULE("h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['h.x'],'secretName':'c'},"
          "{'hosts':['h.x'],'secretName':'e'},"
          "{'hosts':['h.x'],'secretName':'e'},"
          "{'hosts':['h.x'],'secretName':'f'}"),
      "prefix h.x/ / s:80 " P0 "\n"
      "tls h.x d/c and d/e spec.tls[0].hosts[0]\n"
      "error spec.tls[3].hosts[0]: host \"h.x\" already has d/c by "
      "spec.tls[0].hosts[0] and cannot have d/f, too: remove one of them\n"
      "warning spec.tls[2].hosts[0]: host \"h.x\" is already listed in "
      "spec.tls[1].hosts[0]: remove one of them\n" },
    { "bad TLS host", NULL,
      RULES(RULE("h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['192.0.2.1','','h.x'],'secretName':'c'}"),
      "prefix h.x/ / s:80 " P0 "\n"
      "tls h.x d/c spec.tls[0].hosts[2]\n"
      "error spec.tls[0].hosts[0]: host \"192.0.2.1\" is an IP address: "
      "write a DNS name, or leave the host out to mean every host\n"
      "error spec.tls[0].hosts[1]: is empty: write a host, or leave the "
      "list out\n" },
    { "bad Secret name", NULL,
      RULES(RULE("h.x", PREFIX("/", "s"))) TLS(
          "{'hosts':['h.x'],'secretName':'../c'}"),
      "prefix h.x/ / s:80 " P0 "\n"
      "error spec.tls[0].secretName: \"../c\" is not a name of a Secret: "
      "write lower-case letters, digits, \"-\" and \".\"; the Secret is "
      "looked for in the Ingress's own namespace\n" },

    /* --- passthrough --- */
    { "passthrough", PASSTHROUGH, RULES(RULE("h.x", PREFIX("/", "s"))),
      "passthrough h.x: / s:80 " P0 "\n" },
    { "passthrough of a wildcard", PASSTHROUGH,
      RULES(RULE("*.h.x", IMPL("/", "s"))),
      "passthrough *.h.x: / s:80 " P0 "\n" },
    { "passthrough by the default backend", PASSTHROUGH,
      "'rules':[{'host':'h.x'}]," DEFAULT("d"),
      "passthrough h.x: / d:80 spec.rules[0]\n"
      "default d:80\n" },
    { "passthrough without backend", PASSTHROUGH,
      "'rules':[{'host':'h.x'}]",
      "host h.x / - spec.rules[0]\n"
      "error spec.rules[0]: ssl-passthrough needs a backend: write the path "
      "\"/\" with one\n" },
    { "passthrough with a path", PASSTHROUGH,
      RULES(RULE("h.x", PREFIX("/", "s") "," PREFIX("/a", "s"))),
      "passthrough h.x: / s:80 " P0 "\n"
      "error " P1 ".path: path \"/a\" cannot be told apart under "
      "ssl-passthrough, where the whole host goes to one backend: write "
      "\"/\"\n" },
    { "passthrough to two backends", PASSTHROUGH,
      RULES(RULE("h.x", PREFIX("/", "s") "," EXACT("/", "t"))),
      "passthrough h.x: / s:80 " P0 "\n"
      "error " P1 ": host \"h.x\" and path \"/\" is already defined in " P0
      ": keep one of them\n" },
    { "passthrough without host", PASSTHROUGH,
      "'rules':[{'http':{'paths':[" PREFIX("/", "s") "]}}]",
      "error spec.rules[0].host: ssl-passthrough needs a host: write the "
      "name that clients connect to\n" },
    { "passthrough of the catch-all", PASSTHROUGH, DEFAULT("d"),
      "error metadata.annotations[nginx.ingress.kubernetes.io/"
      "ssl-passthrough]: needs a host: write a rule with the name that "
      "clients connect to\n" },
    { "off: passthrough routes nothing and keeps the host", PASSTHROUGH,
      RULES(RULE("h.x", PREFIX("/", "s"))),
      "host h.x / - spec.rules[0]\n"
      "error metadata.annotations[nginx.ingress.kubernetes.io/"
      "ssl-passthrough]: needs a controller that runs with "
      "--enable-ssl-passthrough: remove the annotation, or ask your "
      "administrator\n" },
    { "closed: passthrough without host", PASSTHROUGH,
      "'rules':[{'http':{'paths':[" PREFIX("/", "s") "]}}]",
      "error spec.rules[0].host: " NO_HOST },
    { "off: passthrough false", ANNOTATION("ssl-passthrough", "false"),
      RULES(RULE("h.x", PREFIX("/", "s"))),
      "prefix h.x/ / s:80 " P0 "\n" },
};

TABLE_MAIN("TLS and passthrough", rows, check_model)
