#include "tests/unit/table.h"

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/ingress/key.h"
#include "tests/unit/ingress/objects.h"

#define NEVER_SENT                                                         \
    "must not hold a blank or one of \" # < > ^ ` { }, which clients send "  \
    "as escapes: write those, such as %20"
#define P0 "spec.rules[0].http.paths[0]"
#define P1 "spec.rules[0].http.paths[1]"
#define USE_REGEX                                                          \
    "the annotation nginx.ingress.kubernetes.io/use-regex: \"true\""
#define PASSTHROUGH ANNOTATION("ssl-passthrough", "true")
#define REGEX ANNOTATION("use-regex", "true")
#define PORT(port)                                                         \
    RULES(RULE("h.x", "{'path':'/','pathType':'Prefix','backend':"         \
               "{'service':{'name':'s','port':{" port "}}}}"))
#define NO_DEFAULT                                                         \
    "takes what no rule does, which this controller refuses "              \
    "(--disable-catch-all): write a rule with a host and the path \"/\"\n"
#define NO_HOST                                                            \
    "is missing and takes every host, which this controller refuses "      \
    "(--disable-catch-all): write a host\n"

/* What an Ingress is compiled to, a line for each route, TLS host, default
 * backend, and finding of this module (field first). */
static const struct row {
    const char *name;
    const char *annotations;
    const char *spec;
    const char *want;
} rows[] = {
    /* --- paths --- */
    { "prefix, exact and implementation specific", NULL,
      RULES(RULE("h.x", PREFIX("/a", "s") "," EXACT("/b", "t") ","
                 IMPL("/c/", "u"))),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "exact h.x/b/! /b t:80 " P1 "\n"
      "prefix h.x/c/ /c/ u:80 spec.rules[0].http.paths[2]\n" },
    { "exact and prefix of one path are two routes", NULL,
      RULES(RULE("h.x", PREFIX("/a", "s") "," EXACT("/a", "s"))),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "exact h.x/a/! /a s:80 " P1 "\n" },
    { "exact with and without slash are two routes", NULL,
      RULES(RULE("h.x", EXACT("/a", "s") "," EXACT("/a/", "s"))),
      "exact h.x/a/! /a s:80 " P0 "\n"
      "exact h.x/a//! /a/ s:80 " P1 "\n" },
    { "no host", NULL, "'rules':[{'http':{'paths':[" PREFIX("/a", "s") "]}}]",
      "prefix /a/ /a s:80 " P0 "\n" },
    { "wildcard host", NULL, RULES(RULE("*.h.x", PREFIX("/", "s"))),
      "prefix *.h.x/ / s:80 " P0 "\n" },
    { "path left out", NULL,
      RULES(RULE("h.x", "{'pathType':'ImplementationSpecific',"
                 BACKEND("s") "}")),
      "prefix h.x/ / s:80 " P0 "\n" },
    { "path left out of a prefix", NULL,
      RULES(RULE("h.x", "{'pathType':'Prefix'," BACKEND("s") "}")),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".path: is missing: write \"/\" for every path\n" },
    { "path type missing", NULL,
      RULES(RULE("h.x", "{'path':'/a'," BACKEND("s") "}")),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".pathType: must be \"Prefix\", \"Exact\" or "
      "\"ImplementationSpecific\"\n" },
    { "path type unknown", NULL, RULES(RULE("h.x", PATH("prefix", "/", "s"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".pathType: must be \"Prefix\", \"Exact\" or "
      "\"ImplementationSpecific\"\n" },
    { "a bad path is left out, the rest stays", NULL,
      RULES(RULE("h.x", PREFIX("a", "s") "," PREFIX("/b", "s"))),
      "prefix h.x/b/ /b s:80 " P1 "\n"
      "error " P0 ".path: path \"a\" must begin with \"/\"\n" },
    { "dot elements", NULL, RULES(RULE("h.x", PREFIX("/a/%2e%2e/b", "s"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".path: path \"/a/%2e%2e/b\" must not have \".\" or "
      "\"..\" as an element\n" },
    { "stored as clients send it", NULL,
      RULES(RULE("h.x", PREFIX("/caf\xc3\xa9/%7Ea%20b", "s"))),
      "prefix h.x/caf%C3%A9/~a%20b/ /caf\xc3\xa9/%7Ea%20b s:80 " P0 "\n" },
    { "bytes that no client sends", NULL,
      RULES(RULE("h.x", PREFIX("/a b", "s"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".path: path \"/a b\" " NEVER_SENT "\n" },
    { "a block of another proxy's configuration", NULL,
      RULES(RULE("h.x", IMPL("/a{return 200;}", "s"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".path: path \"/a{return 200;}\" " NEVER_SENT "; if it is "
      "a regular expression, set " USE_REGEX "\n" },
    { "looks like a regular expression", NULL,
      RULES(RULE("h.x", IMPL("/a(/|$)(.*)", "s"))),
      "prefix h.x/a(/|$)(.*)/ /a(/|$)(.*) s:80 " P0 "\n"
      "warning " P0 ".path: path \"/a(/|$)(.*)\" looks like a regular "
      "expression and is taken literally: if it is one, set " USE_REGEX
      "\n" },
    { "a backslash without use-regex", NULL,
      RULES(RULE("h.x", PREFIX("/a\\\\.b", "s"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".path: path \"/a\\\\.b\" must not hold a backslash; if "
      "it is a regular expression, set " USE_REGEX "\n" },

    /* --- regular expressions --- */
    { "regular expression", REGEX, RULES(RULE("h.x", IMPL("/a/[0-9]+", "s"))),
      "regex h.x~/a/[0-9]+ /a/[0-9]+ s:80 " P0 "\n" },
    { "a plain path under use-regex has its prefix's key", REGEX,
      RULES(RULE("h.x", IMPL("/a.b", "s") "," IMPL("/", "s") ","
                 IMPL("/a/", "s"))),
      "regex h.x/a.b/ /a.b s:80 " P0 "\n"
      "regex h.x/ / s:80 " P1 "\n"
      "regex h.x~/a/ /a/ s:80 spec.rules[0].http.paths[2]\n" },
    { "prefix and exact stay literal under use-regex", REGEX,
      RULES(RULE("h.x", PREFIX("/a", "s") "," EXACT("/b", "s"))),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "exact h.x/b/! /b s:80 " P1 "\n" },
    { "prefix that can only be a regular expression", REGEX,
      RULES(RULE("h.x", PREFIX("/a(.*)", "s"))),
      "regex h.x~/a(.*) /a(.*) s:80 " P0 "\n"
      "warning " P0 ".path: path \"/a(.*)\" is a regular expression: write "
      "pathType: ImplementationSpecific\n" },
    { "blank in a regular expression", REGEX,
      RULES(RULE("h.x", IMPL("/a b", "s"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".path: path \"/a b\" must be printable ASCII without "
      "blanks: as a regular expression is matched against the escaped path, "
      "write other bytes as their escapes, such as %20 or %C3%A9\n" },
    { "regular expression without slash", REGEX,
      RULES(RULE("h.x", IMPL("^/a", "s"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".path: path \"^/a\" must begin with \"/\"\n" },
    { "path that is its own rewrite target",
      ANNOTATION("rewrite-target", "/b"),
      RULES(RULE("h.x", IMPL("/b", "s") "," IMPL("/a(.*)", "s"))),
      "prefix h.x/b/ /b s:80 " P0 "\n"
      "regex h.x~/a(.*) /a(.*) s:80 " P1 "\n" },

    /* --- duplicates --- */
    { "the same path twice, same backend", NULL,
      RULES(RULE("h.x", PREFIX("/a", "s") "," IMPL("/a/", "s"))),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "warning " P1 ": host \"h.x\" and path \"/a/\" is already defined in "
      P0 ", with the same backend: remove one of them\n" },
    { "the same path twice, other backend", NULL,
      RULES(RULE("h.x", PREFIX("/a", "s")) ","
            RULE("h.x", PREFIX("//a", "t"))),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "host h.x / - spec.rules[1]\n"
      "error spec.rules[1].http.paths[0]: host \"h.x\" and path \"//a\" is "
      "already defined in " P0 ": keep one of them\n" },
    { "the same path twice without host", NULL,
      "'rules':[{'http':{'paths':[" PREFIX("/a", "s") ","
      PREFIX("/a", "t") "]}}]",
      "prefix /a/ /a s:80 " P0 "\n"
      "error " P1 ": path \"/a\" is already defined in " P0 ": keep one of "
      "them\n" },
    { "prefix and plain regular expression", REGEX,
      RULES(RULE("h.x", PREFIX("/a", "s") "," IMPL("/a", "s"))),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "error " P1 ": host \"h.x\" and path \"/a\" is already defined in "
      P0 ": keep one of them\n" },

    /* --- hosts --- */
    { "a bad host takes its rule along", NULL,
      RULES(RULE("a_b.x", PREFIX("/", "s")) ","
            RULE("h.x", PREFIX("/", "s"))),
      "prefix h.x/ / s:80 spec.rules[1].http.paths[0]\n"
      "error spec.rules[0].host: host \"a_b.x\" holds \"_\", which "
      "Kubernetes allows in no host\n" },
    { "a trailing dot is refused and served", NULL,
      RULES(RULE("H.x.", PREFIX("/", "s"))),
      "prefix h.x/ / s:80 " P0 "\n"
      "error spec.rules[0].host: host \"H.x.\" must not end with a dot: "
      "write \"h.x\"\n" },
    { "rule without http", NULL, "'rules':[{'host':'h.x'}]",
      "host h.x / - spec.rules[0]\n" },
    { "rule without http beside a default backend", NULL,
      "'rules':[{'host':'h.x'}]," DEFAULT("d"),
      "host h.x / - spec.rules[0]\n"
      "default d:80\n" },
    { "rule without anything", NULL, "'rules':[{}]",
      "warning spec.rules[0]: has neither host nor paths and routes "
      "nothing: write a host, paths or spec.defaultBackend\n" },
    { "rule without anything and a default backend", NULL,
      "'rules':[{}]," DEFAULT("d"),
      "catch-all / / d:80 spec.rules[0]\n"
      "default d:80\n" },

    /* --- default backend --- */
    { "default backend alone is the catch-all", NULL, DEFAULT("d"),
      "catch-all / / d:80 spec.defaultBackend\n" },
    { "default backend beside rules", NULL,
      RULES(RULE("h.x", PREFIX("/a", "s"))) "," DEFAULT("d"),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "default d:80\n" },
    { "neither rules nor default backend", NULL, "",
      "error spec: has neither rules nor defaultBackend: write at least one "
      "rule\n" },
    { "bad default backend", NULL, "'defaultBackend':{}",
      "error spec.defaultBackend: names no Service: write service.name and "
      "service.port\n" },

    /* --- backends --- */
    { "resource backend", NULL,
      RULES(RULE("h.x", "{'path':'/','pathType':'Prefix','backend':"
                 "{'resource':{'kind':'Bucket','name':'b'}}}")),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: resource backends are not supported: name a "
      "Service under \"service\"\n" },
    { "Service with a bad name", NULL, RULES(RULE("h.x", PREFIX("/", "S_"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: \"S_\" is not a name of a Service: write "
      "lower-case letters, digits and \"-\", at most 63\n" },
    { "named port", NULL, PORT("'name':'web'"),
      "prefix h.x/ / s:web " P0 "\n" },
    { "no port", NULL, PORT(""),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: names no port of Service \"s\": write "
      "service.port.number or service.port.name\n" },
    { "bad port name", NULL, PORT("'name':'80'"),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: \"80\" is not a name of a port: write at most "
      "15 lower-case letters, digits and \"-\"\n" },
    { "lowest port", NULL, PORT("'number':1"),
      "prefix h.x/ / s:1 " P0 "\n" },
    { "highest port", NULL, PORT("'number':65535"),
      "prefix h.x/ / s:65535 " P0 "\n" },
    { "one over", NULL, PORT("'number':65536"),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: 65536 is not a port: write 1 to 65535\n" },
    { "one under", NULL, PORT("'number':-1"),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: -1 is not a port: write 1 to 65535\n" },
    { "bad path and bad backend are both told", NULL,
      RULES(RULE("h.x", PREFIX("a", ""))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: names no Service: write service.name and "
      "service.port\n"
      "error " P0 ".path: path \"a\" must begin with \"/\"\n" },

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

    /* --- passthrough; rows that begin with "off" run without the flag,
     * those with "closed" under --disable-catch-all --- */
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
    { "a host of the proxy's own", NULL,
      RULES(RULE("proof.invalid", PREFIX("/", "s")) ","
            RULE("A.Proof.Invalid.", PREFIX("/", "s"))),
      "error spec.rules[0].host: host \"proof.invalid\" is kept for the "
      "proxy's own proof, with all hosts below \"proof.invalid\": use "
      "another host\n"
      "error spec.rules[1].host: host \"A.Proof.Invalid.\" must not end "
      "with a dot: write \"a.proof.invalid\"\n"
      "error spec.rules[1].host: host \"a.proof.invalid\" is kept for the "
      "proxy's own proof, with all hosts below \"proof.invalid\": use "
      "another host\n" },
    { "hosts that DNS does not have", NULL,
      RULES(RULE("a.invalid", PREFIX("/", "s")) ","
            RULE("a.onion", PREFIX("/", "s")) ","
            RULE("a.1", PREFIX("/", "s"))),
      "prefix a.invalid/ / s:80 " P0 "\n"
      "prefix a.onion/ / s:80 spec.rules[1].http.paths[0]\n"
      "prefix a.1/ / s:80 spec.rules[2].http.paths[0]\n"
      "warning spec.rules[0].host: host \"a.invalid\" is under "
      "\".invalid\", which no DNS server ever answers (RFC 6761): nobody may "
      "ever ask for it\n"
      "warning spec.rules[1].host: host \"a.onion\" is under \".onion\", "
      "which DNS does not answer (RFC 7686): nobody may ever ask for it\n"
      "warning spec.rules[2].host: host \"a.1\" ends with a number, which "
      "clients take for an IP address: nobody may ever ask for it\n" },
    { "a path behind an expression that takes all", REGEX,
      RULES(RULE("h.x", IMPL("/(.*)", "s") "," PREFIX("/api", "t") ","
                 PREFIX("/longer", "t"))),
      "regex h.x~/(.*) /(.*) s:80 " P0 "\n"
      "prefix h.x/api/ /api t:80 " P1 "\n"
      "prefix h.x/longer/ /longer t:80 spec.rules[0].http.paths[2]\n"
      "warning " P1 ".path: path \"/api\" never matches: \"/(.*)\" in " P0
      " is tried first, as the longer text, and takes all of its requests; "
      "write the former so that it is longer, or the latter so that it takes "
      "less\n" },
    { "behind it on another host", REGEX,
      RULES(RULE("h.x", IMPL("/(.*)", "s")) ","
            RULE("i.x", PREFIX("/api", "t"))),
      "regex h.x~/(.*) /(.*) s:80 " P0 "\n"
      "prefix i.x/api/ /api t:80 spec.rules[1].http.paths[0]\n" },
    { "beside an expression that takes less", REGEX,
      RULES(RULE("h.x", IMPL("/a(/|$)(.*)", "s") "," IMPL("/ab", "t") ","
                 IMPL("/(c|d).*", "t") "," IMPL("/b?", "t"))),
      "regex h.x~/a(/|$)(.*) /a(/|$)(.*) s:80 " P0 "\n"
      "regex h.x/ab/ /ab t:80 " P1 "\n"
      "regex h.x~/(c|d).* /(c|d).* t:80 spec.rules[0].http.paths[2]\n"
      "regex h.x~/b? /b? t:80 spec.rules[0].http.paths[3]\n" },
    { "closed: a default backend alone", NULL, DEFAULT("d"),
      "error spec.defaultBackend: " NO_DEFAULT },
    { "closed: a default backend beside rules, which stay", NULL,
      RULES(RULE("h.x", PREFIX("/a", "s")) ",{'host':'i.x'}") ","
      DEFAULT("d"),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "host i.x / - spec.rules[1]\n"
      "error spec.defaultBackend: " NO_DEFAULT },
    { "closed: a rule without host beside one with", NULL,
      RULES(RULE("", PREFIX("/a", "s")) "," RULE("h.x", PREFIX("/", "s"))),
      "prefix h.x/ / s:80 spec.rules[1].http.paths[0]\n"
      "error spec.rules[0].host: " NO_HOST },
    { "closed: a rule without anything", NULL, "'rules':[{}]",
      "error spec.rules[0].host: " NO_HOST },
    { "closed: a wildcard names its hosts", NULL,
      RULES(RULE("*.h.x", PREFIX("/", "s"))),
      "prefix *.h.x/ / s:80 " P0 "\n" },
    { "closed: passthrough without host", PASSTHROUGH,
      "'rules':[{'http':{'paths':[" PREFIX("/", "s") "]}}]",
      "error spec.rules[0].host: " NO_HOST },
    { "off: passthrough false", ANNOTATION("ssl-passthrough", "false"),
      RULES(RULE("h.x", PREFIX("/", "s"))),
      "prefix h.x/ / s:80 " P0 "\n" },
};

static const char *const kinds[] = {
    [ROUTE_EXACT] = "exact",
    [ROUTE_PREFIX] = "prefix",
    [ROUTE_REGEX] = "regex",
    [ROUTE_DEFAULT] = "catch-all",
    [ROUTE_PASSTHROUGH] = "passthrough",
    [ROUTE_HOST] = "host",
};

static void
put_backend(struct buf *out, const struct kube_backend *b)
{
    if (!b->service) {
        buf_putc(out, '-');
    } else if (b->port.name) {
        buf_printf(out, "%s:%s", b->service, b->port.name);
    } else {
        buf_printf(out, "%s:%d", b->service, (int) b->port.number);
    }
}

static void
put_route(struct buf *out, const struct route *r)
{
    buf_printf(out, "%s ", kinds[r->kind]);
    for (const char *s = r->key; *s; s++) {
        buf_putc(out, *s == KEY_END ? '!' : *s);
    }
    buf_printf(out, " %s ", r->path);
    put_backend(out, &r->backend);
    buf_printf(out, " %s\n", r->field);
    assert_true(str_starts(r->key, r->host));
    if (r->kind == ROUTE_REGEX) {
        assert_string_equal(r->regex, r->path);
    } else {
        assert_null(r->regex);
    }
}

/* The annotation engine's own findings are its own tests' affair. */
static bool
is_ours(const struct finding *f)
{
    return !str_starts(f->field, "metadata.annotations") ||
           strstr(f->message, "--enable-ssl-passthrough") ||
           strstr(f->message, "needs a host");
}

static void
put_model(struct buf *out, const struct model *m)
{
    for (size_t i = 0; i < m->n_routes; i++) {
        put_route(out, &m->routes[i]);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        const struct model_tls *tls = &m->tls[i];

        buf_printf(out, "tls %s %s%s%s %s\n", tls->host,
                   tls->secret ? tls->secret : "-",
                   tls->second ? " and " : "",
                   tls->second ? tls->second : "", tls->field);
    }
    if (m->default_backend) {
        buf_puts(out, "default ");
        put_backend(out, m->default_backend);
        buf_putc(out, '\n');
    }
    for (size_t i = 0; i < findings_count(m->findings); i++) {
        const struct finding *f = findings_get(m->findings, i);

        if (is_ours(f)) {
            assert_string_equal(f->object, "Ingress d/a");
            assert_int_equal(f->reason, FINDING_INVALID);
            buf_printf(out, "%s %s: %s\n",
                       f->severity == FINDING_ERROR ? "error" : "warning",
                       f->field, f->message);
        }
    }
}

static const char *
text_of(const char *text)
{
    return text ? text : "-";
}

/* What others are judged by. */
static void
show_claims(const struct model *m, struct buf *out)
{
    buf_printf(out, "%s %s %s %s%d %lld %d %d %d\n", m->name, m->ns, m->key,
               text_of(m->class_name), m->is_class_legacy,
               (long long) m->created, m->is_deleting, m->is_canary,
               m->settings->ssl_passthrough);
    if (m->default_backend) {
        put_backend(out, m->default_backend);
    }
    for (size_t i = 0; i < m->n_routes; i++) {
        const struct route *r = &m->routes[i];

        buf_printf(out, "%d %s %s %s %s %s %s:%s:%d\n", (int) r->kind,
                   r->host, r->path, r->key, text_of(r->of),
                   text_of(r->regex), text_of(r->backend.service),
                   text_of(r->backend.port.name), r->backend.port.number);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        buf_printf(out, "%s %s\n", m->tls[i].host,
                   text_of(m->tls[i].secret));
    }
}

/* A packed model says the same, and lives on without its original and the
 * object. */
static void
check_packed(struct model *m)
{
    struct model *packed = model_packed(m);
    AUTO_BUF struct buf want = BUF_OWN;
    AUTO_BUF struct buf got = BUF_OWN;

    show_claims(m, &want);
    model_unref(m);
    show_claims(packed, &got);
    assert_string_equal(buf_str(&got), buf_str(&want));
    assert_null(packed->object);
    for (size_t i = 0; i < packed->n_routes; i++) {
        assert_string_equal(packed->routes[i].field, "");
    }
    model_unref(packed);
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct ruleset ruleset = RULESET_INIT;
    AUTO_BUF struct buf out = BUF_OWN;
    struct model *m, *second;

    ruleset.ssl_passthrough = !str_starts(row->name, "off");
    ruleset.disable_catch_all = str_starts(row->name, "closed");
    m = model_of(&ruleset, "d/a", 1, row->annotations, row->spec);
    second = model_ref(m);
    model_unref(m);
    put_model(&out, second);
    assert_string_equal(buf_str(&out), row->want);
    check_packed(second);
    model_unref(NULL);
}

static void
check_names(void **state)
{
    static const struct {
        const char *metadata;
        const char *want;
    } names[] = {
        { "'namespace':'d','name':'a.b-1'", "Ingress d/a.b-1" },
        { "'namespace':'d','generateName':'a-'", "Ingress d/a-" },
        { "'namespace':'d','name':'a\\nb'", "Ingress \"d/a\\nb\"" },
    };
    const struct ruleset ruleset = RULESET_INIT;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *text =
            xasprintf("{'metadata':{%s},'spec':{%s}}", names[i].metadata,
                      RULES(RULE("h.x", PREFIX("/", "s"))));
        AUTO_KUBE const struct kube_object *object =
            object_of(KUBE_INGRESS, text);
        struct model *m = model_new(object, &ruleset);

        assert_string_equal(m->name, names[i].want);
        assert_int_equal(findings_count_of(m->findings, FINDING_ERROR),
                         i == 2 ? 1 : 0);
        model_unref(m);
    }
}

static void
check_canary(void **state)
{
    static const struct {
        const char *annotations;
        bool want;
    } texts[] = {
        { "", false },
        { ANNOTATION("canary", "true"), true },
        { ANNOTATION("canary", "T"), true },
        { ANNOTATION("canary", "false"), false },
        { ANNOTATION("canary", "yes"), false },
    };
    const struct ruleset ruleset = RULESET_INIT;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct model *m =
            model_of(&ruleset, "d/a", 1, texts[i].annotations,
                     RULES(RULE("h.x", PREFIX("/", "s"))));

        assert_int_equal(m->is_canary, texts[i].want);
        model_unref(m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_names),
        cmocka_unit_test(check_canary),
    };

    return TABLE_RUN("model", rows, check_row) +
           cmocka_run_group_tests_name("model names", tests, NULL, NULL);
}
