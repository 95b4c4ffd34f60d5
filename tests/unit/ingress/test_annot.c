/* Booleans, paths, redirects, balancing, cookies and canaries. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/annot_help.h"

#define NO_PATH " is not a path: begin with \"/\""
#define NO_URL                                                             \
    " is not an absolute URL: write one that begins with \"https://\" or " \
    "\"http://\""
#define ONE_LINE                                                           \
    " has a line break or another control byte: write it on one line"
#define A64                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* One row per boundary.  Each supported annotation has an accepted and a
 * refused one: test_annot_registry.c counts them. */
static const struct annot_row rows[] = {
    { "bool: true", "ssl-redirect", "true", "" },
    { "bool: Go's F", "ssl-redirect", "F", "" },
    { "bool: empty is unset", "ssl-redirect", "", "" },
    { "bool: blanks around", "ssl-redirect", " false\n", "" },
    { "bool: yes", "ssl-redirect", "yes",
      "E ssl-redirect: \"yes\" is not a boolean: write \"true\"" },
    { "bool: no", "ssl-redirect", "No",
      "E ssl-redirect: \"No\" is not a boolean: write \"false\"" },
    { "bool: mixed case", "ssl-redirect", "tRUE",
      "E ssl-redirect: \"tRUE\" is not a boolean: write \"true\"" },
    { "bool: number", "ssl-redirect", "2",
      "E ssl-redirect: \"2\" is not a boolean: write \"true\" or "
      "\"false\"" },
    { "bool: two lines", "ssl-redirect", "true\nfalse",
      "E ssl-redirect: \"true\\nfalse\"" ONE_LINE },
    { "bool: carriage return", "ssl-redirect", "true\rx",
      "E ssl-redirect: \"true\\rx\"" ONE_LINE },
    { "force: true", "force-ssl-redirect", "1", "" },
    { "force: on", "force-ssl-redirect", "on",
      "E force-ssl-redirect: \"on\" is not a boolean: write \"true\"" },
    { "passthrough: true", "ssl-passthrough", "true", "" },
    { "passthrough: off", "ssl-passthrough", "off",
      "E ssl-passthrough: \"off\" is not a boolean: write \"false\"" },
    { "use-regex: true", "use-regex", "true", "" },
    { "use-regex: 10", "use-regex", "10",
      "E use-regex: \"10\" is not a boolean: write \"true\" or "
      "\"false\"" },
    { "rewrite: path", "rewrite-target", "/a/$2", "" },
    { "rewrite: no slash", "rewrite-target", "a",
      "E rewrite-target: \"a\"" NO_PATH },
    { "rewrite: group first", "rewrite-target", "$1",
      "E rewrite-target: \"$1\" does not begin with \"/\": take the slash "
      "out of the group of the path and write \"/$1\"" },
    { "rewrite: variable", "rewrite-target", "/$host",
      "E rewrite-target: \"/$host\" may use \"$\" only in $1 to $9, the "
      "groups of the path" },
    { "rewrite: group zero", "rewrite-target", "/$0",
      "E rewrite-target: \"/$0\" may use \"$\" only in $1 to $9, the "
      "groups of the path" },
    { "rewrite: query", "rewrite-target", "/a?b=$1",
      "E rewrite-target: \"/a?b=$1\" has a query: the client's query is "
      "kept, leave out \"?\" and what follows" },
    { "rewrite: backslash", "rewrite-target", "/\\1",
      "E rewrite-target: \"/\\\\1\" may only have letters, digits, - . _ ~ "
      ": / and $1 to $9" },
    { "rewrite: blank", "rewrite-target", "/a b",
      "E rewrite-target: \"/a b\" may only have letters, digits, - . _ ~ : "
      "/ and $1 to $9" },
    { "rewrite: line feed", "rewrite-target", "/a\nuse_backend x",
      "E rewrite-target: \"/a\\nuse_backend x\"" ONE_LINE },
    { "url: https", "permanent-redirect", "https://a.test/b?c=d&e=%20", "" },
    { "url: port", "permanent-redirect", "http://a.test:8080", "" },
    { "url: IPv6", "permanent-redirect", "http://[2001:db8::1]/", "" },
    { "url: relative", "permanent-redirect", "/b",
      "E permanent-redirect: \"/b\"" NO_URL },
    { "url: other scheme", "permanent-redirect", "javascript:alert(1)",
      "E permanent-redirect: \"javascript:alert(1)\"" NO_URL },
    { "url: no host", "permanent-redirect", "https:///b",
      "E permanent-redirect: \"https:///b\" has no valid host: write "
      "\"https://\", a DNS name and a path" },
    { "url: user", "permanent-redirect", "https://a@b.test/",
      "E permanent-redirect: \"https://a@b.test/\" has no valid host: write "
      "\"https://\", a DNS name and a path" },
    { "url: bad port", "permanent-redirect", "https://a.test:99999/",
      "E permanent-redirect: \"https://a.test:99999/\" has no valid host: "
      "write \"https://\", a DNS name and a path" },
    { "url: variable", "permanent-redirect", "https://a.test$request_uri",
      "E permanent-redirect: \"https://a.test$request_uri\" has a variable: "
      "variables are not replaced here, write the whole URL" },
    { "url: log format", "permanent-redirect", "https://a.test/%[src]",
      "E permanent-redirect: \"https://a.test/%[src]\" has a byte that an "
      "URL cannot have as it is: write it as %XX" },
    { "url: quote", "temporal-redirect", "https://a.test/\"",
      "E temporal-redirect: \"https://a.test/\\\"\" has a byte that an URL "
      "cannot have as it is: write it as %XX" },
    { "url: temporal", "temporal-redirect", "HTTPS://a.test/", "" },
    { "code: 308", "permanent-redirect-code", "308", "" },
    { "code: 304", "permanent-redirect-code", "304",
      "E permanent-redirect-code: \"304\" is not known here: write \"301\", "
      "\"302\", \"303\", \"307\" or \"308\"" },
    { "code: 307", "temporal-redirect-code", "307", "" },
    { "code: 308 is not temporal", "temporal-redirect-code", "308",
      "E temporal-redirect-code: \"308\" is not known here: write \"301\", "
      "\"302\", \"303\" or \"307\"" },
    { "balance: default", "load-balance", "round_robin", "" },
    { "balance: ewma", "load-balance", "ewma",
      "W load-balance: \"ewma\" has no equal in HAProxy: the server with "
      "the fewest connections is taken (leastconn)" },
    { "balance: hash", "load-balance", "chash",
      "E load-balance: \"chash\" is refused: a hash needs a key: take it out "
      "and write upstream-hash-by" },
    { "balance: cookie", "load-balance", "sticky_persistent",
      "E load-balance: \"sticky_persistent\" is refused: take it out and "
      "write affinity: \"cookie\"" },
    { "balance: case", "load-balance", "EWMA",
      "E load-balance: \"EWMA\" is not known here: write \"round_robin\" or "
      "\"ewma\"" },
    { "affinity: cookie", "affinity", "cookie", "" },
    { "affinity: other", "affinity", "sticky",
      "E affinity: \"sticky\" is not known here: write \"cookie\"" },
    { "mode: persistent", "affinity-mode", "persistent", "" },
    { "mode: other", "affinity-mode", "sticky",
      "E affinity-mode: \"sticky\" is not known here: write \"balanced\" or "
      "\"persistent\"" },
    { "cookie name", "session-cookie-name", "__Host-a.b~c", "" },
    { "cookie name: longest", "session-cookie-name", A64, "" },
    { "cookie name: too long", "session-cookie-name", A64 "b",
      "E session-cookie-name: \"" A64 "b\" is longer than 64 bytes" },
    { "cookie name: blank", "session-cookie-name", "a b",
      "E session-cookie-name: \"a b\" may only have letters, digits and - . "
      "_ ~" },
    { "cookie name: semicolon", "session-cookie-name", "a;b",
      "E session-cookie-name: \"a;b\" may only have letters, digits and - . "
      "_ ~" },
    { "cookie path", "session-cookie-path", "/a%20b", "" },
    { "cookie path: relative", "session-cookie-path", "a",
      "E session-cookie-path: \"a\"" NO_PATH },
    { "cookie path: attribute", "session-cookie-path", "/; Domain=x",
      "E session-cookie-path: \"/; Domain=x\" may only have letters, "
      "digits, - . _ ~ : / ? & = + @ ! and %XX" },
    { "cookie domain: dot", "session-cookie-domain", ".example.com", "" },
    { "cookie domain: empty label", "session-cookie-domain", "a..b",
      "E session-cookie-domain: \"a..b\" is not a domain: write one such as "
      "\"example.com\"" },
    { "samesite: any case", "session-cookie-samesite", "STRICT", "" },
    { "samesite: other", "session-cookie-samesite", "some",
      "E session-cookie-samesite: \"some\" is not known here: write "
      "\"None\", \"Lax\" or \"Strict\"" },
    { "secure: true", "session-cookie-secure", "true", "" },
    { "secure: auto", "session-cookie-secure", "auto",
      "E session-cookie-secure: \"auto\" is not a boolean: write \"true\" "
      "or \"false\"" },
    { "expires: highest", "session-cookie-expires", "315360000", "" },
    { "expires: too high", "session-cookie-expires", "315360001",
      "E session-cookie-expires: \"315360001\" is not between 0 and "
      "315360000 seconds" },
    { "max-age: zero", "session-cookie-max-age", "0", "" },
    { "max-age: negative", "session-cookie-max-age", "-1",
      "E session-cookie-max-age: \"-1\" is not between 0 and 315360000 "
      "seconds" },
    { "on failure: true", "session-cookie-change-on-failure", "true", "" },
    { "on failure: never", "session-cookie-change-on-failure", "never",
      "E session-cookie-change-on-failure: \"never\" is not a boolean: write "
      "\"true\" or \"false\"" },
    { "canary: false", "canary", "false", "" },
    { "canary: with nothing to decide by", "canary", "true",
      "W canary: it gets no requests: write canary-weight, "
      "canary-by-header or canary-by-cookie" },
    { "canary weight", "canary-weight", "20", "" },
    { "canary weight: percent", "canary-weight", "20%",
      "E canary-weight: \"20%\" is not a whole number: write digits only, 0 "
      "to 1000000; W canary: it gets no requests: write canary-weight, "
      "canary-by-header or canary-by-cookie" },
    { "canary total", "canary-weight-total", "1000", "" },
    { "canary total: none", "canary-weight-total", "0",
      "E canary-weight-total: \"0\" is not between 1 and 1000000" },
    { "canary header", "canary-by-header", "X-Canary", "" },
    { "canary header: two words", "canary-by-header", "X Canary",
      "E canary-by-header: \"X Canary\" may only have letters, digits and - "
      "_; W canary: it gets no requests: write canary-weight, "
      "canary-by-header or canary-by-cookie" },
    { "canary value", "canary-by-header-value", "eu-1.a", "" },
    { "canary value: blank", "canary-by-header-value", "a b",
      "E canary-by-header-value: \"a b\" may only have letters, digits and - "
      ". _ ~ / :" },
    { "canary pattern", "canary-by-header-pattern", "^eu-[0-9]+$|b", "" },
    { "canary pattern: broken", "canary-by-header-pattern", "(",
      "E canary-by-header-pattern: \"(\" is not a regular expression: at "
      "position 2: missing closing parenthesis" },
    { "canary cookie", "canary-by-cookie", "can", "" },
    { "canary cookie: attribute", "canary-by-cookie", "a;b",
      "E canary-by-cookie: \"a;b\" may only have letters, digits and - . _ "
      "~; W canary: it gets no requests: write canary-weight, "
      "canary-by-header or canary-by-cookie" },
    { "canary: yes", "canary", "yes",
      "E canary: \"yes\" is not a boolean: write \"true\"" },
};

TABLE_MAIN("annot", rows, annot_check_row)
