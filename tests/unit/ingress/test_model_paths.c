/* Paths: what is a route, what a regular expression, and what is there
 * twice. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/model_help.h"

#define NEVER_SENT                                                         \
    "must not hold a blank or one of \" # < > ^ ` { }, which clients send "  \
    "as escapes: write those, such as %20"
#define USE_REGEX                                                          \
    "the annotation nginx.ingress.kubernetes.io/use-regex: \"true\""

static const struct model_row rows[] = {
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
};

TABLE_MAIN("paths", rows, check_model)
