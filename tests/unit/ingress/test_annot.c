#include "tests/unit/table.h"

#include "tests/unit/ingress/annot_help.h"

#define CIDR_HELP                                                          \
    " is not an address or network: write one such as \"192.0.2.1\", "     \
    "\"10.0.0.0/8\" or \"2001:db8::/32\""
#define NO_PATH " is not a path: begin with \"/\""
#define NO_URL                                                             \
    " is not an absolute URL: write one that begins with \"https://\" or " \
    "\"http://\""
#define NO_ORIGIN                                                          \
    " is not an origin: write \"https://example.com\", "                   \
    "\"https://*.example.com\", \"null\" or \"*\""
#define ONE_LINE                                                           \
    " has a line break or another control byte: write it on one line"
#define SNIPPET                                                            \
    "raw proxy configuration is refused: take the annotation out and see " \
    "docs/migration.md for what replaces it"
#define MAYBE(word)                                                        \
    "; its \"" word "\" may be a protection, so that the routes of this "  \
    "Ingress answer 503 where it is served"
#define NOT_YET "not supported yet: it has no effect"
#define NOT_YET_503                                                        \
    "not supported yet: until it is, the routes of this Ingress answer "   \
    "503 rather than serve unprotected"
#define NO_PAIR                                                            \
    " is not a replacement: write what is replaced, a blank, and what by, " \
    "or \"off\""
#define VARIABLES                                                          \
    "write some of $host, $http_host, $scheme, $request_uri, "             \
    "$escaped_request_uri, $uri, $args, $request_method, $remote_addr, "   \
    "$remote_user, $http_NAME, $cookie_NAME, $arg_NAME, $namespace, "      \
    "$ingress_name, $service_name"
#define NO_DURATION                                                        \
    "is not a list of statuses and times of a day at most: write such as " \
    "\"200 202 10m, 401 1m\""
#define A64                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* One row per boundary.  Each supported annotation has an accepted and a
 * refused one: test_annot_registry.c counts them in this file. */
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
    { "cidrs: all kinds", "whitelist-source-range",
      "10.0.0.0/8, 192.0.2.1,2001:db8::/32", "" },
    { "cidrs: over lines", "whitelist-source-range",
      "10.0.0.0/8,\n  192.0.2.1\n", "" },
    { "cidrs: alias", "allowlist-source-range", "0.0.0.0/0", "" },
    { "cidrs: bad prefix", "whitelist-source-range", "10.0.0.0/33",
      "E whitelist-source-range: \"10.0.0.0/33\"" CIDR_HELP },
    { "cidrs: blank between", "whitelist-source-range", "10.0.0.1 10.0.0.2",
      "E whitelist-source-range: \"10.0.0.1 10.0.0.2\"" CIDR_HELP },
    { "cidrs: host name", "denylist-source-range", "a.test",
      "E denylist-source-range: \"a.test\"" CIDR_HELP },
    { "cidrs: comma at the end", "denylist-source-range", "10.0.0.1,",
      "E denylist-source-range: the list has an empty item: write one comma "
      "between two items and none at the end" },
    { "cidrs: deny", "denylist-source-range", "::1", "" },
    { "limit: connections", "limit-connections", "1000000", "" },
    { "limit: connections too high", "limit-connections", "1000001",
      "E limit-connections: \"1000001\" is not between 0 and 1000000" },
    { "limit: rps", "limit-rps", "0", "" },
    { "limit: rate", "limit-rps", "10/s",
      "E limit-rps: \"10/s\" is not a whole number: write digits only, 0 to "
      "1000000" },
    { "limit: rpm", "limit-rpm", "600", "" },
    { "limit: fraction", "limit-rpm", "0.5",
      "E limit-rpm: \"0.5\" is not a whole number: write digits only, 0 to "
      "1000000" },
    { "limit: burst", "limit-burst-multiplier", "1", "" },
    { "limit: no burst", "limit-burst-multiplier", "0",
      "E limit-burst-multiplier: \"0\" is not between 1 and 1000" },
    { "limit: whitelist", "limit-whitelist", "10.0.0.0/8", "" },
    { "limit: allowlist", "limit-allowlist", "10",
      "E limit-allowlist: \"10\"" CIDR_HELP },
    { "limit: whitelist of names", "limit-whitelist", "localhost",
      "E limit-whitelist: \"localhost\"" CIDR_HELP },
    { "cors: on", "enable-cors", "true", "" },
    { "cors: enabled", "enable-cors", "enabled",
      "E enable-cors: \"enabled\" is not a boolean: write \"true\"" },
    { "origin: list", "cors-allow-origin",
      "https://a.test:8443, http://*.b.test,null", "" },
    { "origin: all", "cors-allow-origin", "*", "" },
    { "origin: slash", "cors-allow-origin", "https://a.test/",
      "E cors-allow-origin: \"https://a.test/\" is not an origin: leave out "
      "the path and the last \"/\"" },
    { "origin: no scheme", "cors-allow-origin", "a.test",
      "E cors-allow-origin: \"a.test\"" NO_ORIGIN },
    { "origin: star inside", "cors-allow-origin", "https://a.*.test",
      "E cors-allow-origin: \"https://a.*.test\"" NO_ORIGIN },
    { "origin: bad port", "cors-allow-origin", "https://a.test:x",
      "E cors-allow-origin: \"https://a.test:x\"" NO_ORIGIN },
    { "methods: list", "cors-allow-methods", "get, POST", "" },
    { "methods: star", "cors-allow-methods", "*",
      "E cors-allow-methods: \"*\" is not an HTTP method: write methods with "
      "commas between them, such as \"GET, POST\"" },
    { "headers: list", "cors-allow-headers", "X-A,x_b, C3", "" },
    { "headers: colon", "cors-allow-headers", "X-A: b",
      "E cors-allow-headers: \"X-A: b\" is not a header name: write names "
      "with commas between them, such as \"Content-Type, X-Request-ID\"" },
    { "expose: star", "cors-expose-headers", "*", "" },
    { "expose: star and a name", "cors-expose-headers", "*, X-One", "" },
    { "expose: star in a name", "cors-expose-headers", "X-*",
      "E cors-expose-headers: \"X-*\" is not a header name: write names with "
      "commas between them, such as \"Content-Type, X-Request-ID\"" },
    { "expose: quote", "cors-expose-headers", "\"",
      "E cors-expose-headers: \"\\\"\" is not a header name: write names "
      "with commas between them, such as \"Content-Type, X-Request-ID\"" },
    { "credentials: false", "cors-allow-credentials", "false", "" },
    { "credentials: include", "cors-allow-credentials", "include",
      "E cors-allow-credentials: \"include\" is not a boolean: write "
      "\"true\" or \"false\"" },
    { "cors max age", "cors-max-age", "0", "" },
    { "cors max age: day", "cors-max-age", "1d",
      "E cors-max-age: \"1d\" is not a whole number of seconds: write "
      "\"86400\"" },
    { "connect: highest", "proxy-connect-timeout", "3600", "" },
    { "connect: too high", "proxy-connect-timeout", "3601",
      "E proxy-connect-timeout: \"3601\" is not between 1 and 3600 "
      "seconds" },
    { "seconds: lowest", "proxy-read-timeout", "1", "" },
    { "seconds: highest", "proxy-read-timeout", "2147483", "" },
    { "seconds: zero", "proxy-read-timeout", "0",
      "E proxy-read-timeout: \"0\" is not between 1 and 2147483 seconds" },
    { "seconds: too high", "proxy-read-timeout", "2147484",
      "E proxy-read-timeout: \"2147484\" is not between 1 and 2147483 "
      "seconds" },
    { "seconds: unit", "proxy-read-timeout", "60s",
      "E proxy-read-timeout: \"60s\" is not a whole number of seconds: write "
      "\"60\"" },
    { "seconds: hours", "proxy-read-timeout", "2h",
      "E proxy-read-timeout: \"2h\" is not a whole number of seconds: write "
      "\"7200\"" },
    { "seconds: milliseconds", "proxy-read-timeout", "1500ms",
      "E proxy-read-timeout: \"1500ms\" is not a whole number of seconds: "
      "write \"2\"" },
    { "seconds: unit, out of range", "proxy-read-timeout", "0s",
      "E proxy-read-timeout: \"0s\" is not a whole number of seconds: write "
      "digits only, 1 to 2147483" },
    { "seconds: overflow", "proxy-read-timeout", "18446744073709551617",
      "E proxy-read-timeout: \"18446744073709551617\" is not between 1 and "
      "2147483 seconds" },
    { "seconds: line feed", "proxy-read-timeout", "60\nuse_backend x",
      "E proxy-read-timeout: \"60\\nuse_backend x\"" ONE_LINE },
    { "send timeout", "proxy-send-timeout", "60", "" },
    { "send timeout: plus", "proxy-send-timeout", "+60",
      "E proxy-send-timeout: \"+60\" is not a whole number of seconds: write "
      "digits only, 1 to 2147483" },
    { "size: unit", "proxy-body-size", "8M", "" },
    { "size: none", "proxy-body-size", "0", "" },
    { "size: Kubernetes' unit", "proxy-body-size", "8Mi",
      "E proxy-body-size: \"8Mi\" is not a size: write \"8m\"" },
    { "size: two letters", "proxy-body-size", "10KB",
      "E proxy-body-size: \"10KB\" is not a size: write \"10k\"" },
    { "size: word", "proxy-body-size", "large",
      "E proxy-body-size: \"large\" is not a size: write digits and one of "
      "k, m, g, such as \"8m\"" },
    { "app-root: path", "app-root", "/app/?x=1", "" },
    { "app-root: no path", "app-root", "app", "E app-root: \"app\"" NO_PATH },
    { "app-root: another site", "app-root", "//evil.test",
      "E app-root: \"//evil.test\" is another site to a browser: begin with "
      "one \"/\"" },
    { "app-root: backslash", "app-root", "/\\evil.test",
      "E app-root: \"/\\\\evil.test\" may only have letters, digits, - . _ "
      "~ : / ? & = + @ ! and %XX" },
    { "www: true", "from-to-www-redirect", "true", "" },
    { "www: yes", "from-to-www-redirect", "yes",
      "E from-to-www-redirect: \"yes\" is not a boolean: write \"true\"" },
    { "alias: two", "server-alias", "b.test, *.c.test", "" },
    { "alias: expression", "server-alias", "~^www\\d+\\.a\\.test$",
      "E server-alias: \"~^www\\\\d+\\\\.a\\\\.test$\" is a regular "
      "expression, and a host has an owner: write each name, or "
      "\"*.example.com\"" },
    { "alias: no host", "server-alias", "b.test,c d",
      "E server-alias: \"c d\" must consist of letters, digits, \"-\" and "
      "\".\"" },
    { "vhost: host", "upstream-vhost", "inner.example:8080", "" },
    { "vhost: variable", "upstream-vhost", "$host",
      "E upstream-vhost: \"$host\" has a variable: variables are not "
      "replaced here, write the host" },
    { "vhost: two", "upstream-vhost", "a b",
      "E upstream-vhost: \"a b\" is not a host: write one such as "
      "\"example.com\" or \"example.com:8080\"" },
    { "vhost: address in brackets", "upstream-vhost", "[::1]",
      "E upstream-vhost: \"[::1]\" is not a host: write one such as "
      "\"example.com\" or \"example.com:8080\"" },
    { "prefix: path", "x-forwarded-prefix", "/api", "" },
    { "prefix: group", "x-forwarded-prefix", "/$1",
      "E x-forwarded-prefix: \"/$1\" may only have letters, digits, - . _ ~ "
      ": / ? & = + @ ! and %XX" },
    { "cookie path: pair", "proxy-cookie-path", "/in  /out", "" },
    { "cookie path: off", "proxy-cookie-path", "off", "" },
    { "cookie path: one", "proxy-cookie-path", "/in",
      "E proxy-cookie-path: \"/in\"" NO_PAIR },
    { "cookie path: three", "proxy-cookie-path", "/in /out /x",
      "E proxy-cookie-path: \"/in /out /x\"" NO_PAIR },
    { "cookie path: expression", "proxy-cookie-path", "~*^/in(.*)$ /out$1",
      "E proxy-cookie-path: \"~*^/in(.*)$ /out$1\" may only have two paths: "
      "expressions and variables mean nothing here" },
    { "cookie path: attribute", "proxy-cookie-path", "/in /out;Domain=x",
      "E proxy-cookie-path: \"/in /out;Domain=x\" may only have two paths: "
      "expressions and variables mean nothing here" },
    { "cookie domain: pair", "proxy-cookie-domain", "in.test out.test", "" },
    { "cookie domain: variable", "proxy-cookie-domain", "in.test $host",
      "E proxy-cookie-domain: \"in.test $host\" may only have two domains: "
      "expressions and variables mean nothing here" },
    { "redirect-from: default", "proxy-redirect-from", "default", "" },
    { "redirect-from: variable", "proxy-redirect-from", "http://$host/",
      "E proxy-redirect-from: \"http://$host/\" may only have a URL or a "
      "part of one, or \"off\"" },
    { "redirect-to: off", "proxy-redirect-to", "off", "" },
    { "redirect-to: blank", "proxy-redirect-to", "a b",
      "E proxy-redirect-to: \"a b\" may only have a URL or a part of one, "
      "or \"off\"" },
    { "access log: off", "enable-access-log", "false", "" },
    { "access log: no", "enable-access-log", "no",
      "E enable-access-log: \"no\" is not a boolean: write \"false\"" },
    { "limit status", S "limit-req-status-code", "429", "" },
    { "limit status: another", S "limit-req-status-code", "500",
      "E sallyport.dev/limit-req-status-code: \"500\" is not known here: "
      "write \"503\" or \"429\"" },
    { "limit status of connections", S "limit-conn-status-code", "429", "" },
    { "limit status of connections: another", S "limit-conn-status-code",
      "200",
      "E sallyport.dev/limit-conn-status-code: \"200\" is not known here: "
      "write \"503\" or \"429\"" },
    { "hsts", S "hsts", "true", "" },
    { "hsts: on", S "hsts", "on",
      "E sallyport.dev/hsts: \"on\" is not a boolean: write \"true\"" },
    { "hsts: age", S "hsts-max-age", "0", "" },
    { "hsts: age in words", S "hsts-max-age", "1d",
      "E sallyport.dev/hsts-max-age: \"1d\" is not a whole number of "
      "seconds: write \"86400\"" },
    { "hsts: subdomains", S "hsts-include-subdomains", "false", "" },
    { "hsts: subdomains no", S "hsts-include-subdomains", "no",
      "E sallyport.dev/hsts-include-subdomains: \"no\" is not a boolean: "
      "write \"false\"" },
    { "hsts: preload", S "hsts-preload", "true", "" },
    { "hsts: preload 2", S "hsts-preload", "2",
      "E sallyport.dev/hsts-preload: \"2\" is not a boolean: write "
      "\"true\" or \"false\"" },
    { "canary behavior: sticky", "affinity-canary-behavior", "STICKY", "" },
    { "canary behavior: other", "affinity-canary-behavior", "both",
      "E affinity-canary-behavior: \"both\" is not known here: write "
      "\"sticky\" or \"legacy\"" },
    { "default backend", "default-backend", "fallback", "" },
    { "default backend: other namespace", "default-backend", "a/fallback",
      "E default-backend: \"a/fallback\" may only have the name of a "
      "Service" },
    { "default backend: digit", "default-backend", "1st",
      "E default-backend: \"1st\" is not the name of a Service: write one of "
      "this namespace" },
    { "errors: two", "custom-http-errors", "404,503,", "" },
    { "errors: success", "custom-http-errors", "200",
      "E custom-http-errors: \"200\" is not a status from 400 to 599: write "
      "such as \"404,503\"" },
    { "intercept: off", "disable-proxy-intercept-errors", "true", "" },
    { "intercept: yes", "disable-proxy-intercept-errors", "yes",
      "E disable-proxy-intercept-errors: \"yes\" is not a boolean: write "
      "\"true\"" },
    { "headers: name", "custom-headers", "default/more", "" },
    { "headers: upper case", "custom-headers", "Default/More",
      "E custom-headers: \"Default/More\" may only have a name, or a "
      "namespace, \"/\" and a name" },
    { "mirror: Service", "mirror-target",
      "http://copy.default.svc.cluster.local:8080$request_uri", "" },
    { "mirror: slash", "mirror-target", "http://copy.default/$request_uri", "" },
    { "mirror: short", "mirror-target", "https://copy.default/x?y", "" },
    { "mirror: elsewhere", "mirror-target", "https://mirror.example.com",
      "E mirror-target: \"https://mirror.example.com\" is no Service of the "
      "cluster: write such as "
      "\"http://SERVICE.NAMESPACE.svc.cluster.local$request_uri\"; what is "
      "elsewhere needs a Service of type ExternalName" },
    { "mirror: another namespace", "mirror-target", "http://copy.other.svc",
      "E mirror-target: \"copy.other.svc\" is a Service of another "
      "namespace: write one of this namespace" },
    { "mirror: host", "mirror-host", "copy.example.com", "" },
    { "mirror: host with a variable", "mirror-host", "$host",
      "E mirror-host: \"$host\" has a variable: variables are not replaced "
      "here, write the host" },
    { "mirror: no body", "mirror-request-body", "off", "" },
    { "mirror: body true", "mirror-request-body", "true",
      "E mirror-request-body: \"true\" is not known here: write \"on\" or "
      "\"off\"" },
    { "rate", "limit-rate", "100", "" },
    { "rate: unit", "limit-rate", "100k",
      "E limit-rate: \"100k\" is not a whole number: write digits only, 0 to "
      "1000000000" },
    { "rate after", "limit-rate-after", "1024", "" },
    { "rate after: minus", "limit-rate-after", "-1",
      "E limit-rate-after: \"-1\" is not between 0 and 1000000000" },
    { "conditional None", "session-cookie-conditional-samesite-none", "true",
      "" },
    { "conditional None: on", "session-cookie-conditional-samesite-none",
      "on",
      "E session-cookie-conditional-samesite-none: \"on\" is not a boolean: "
      "write \"true\"" },
    { "partitioned", "session-cookie-partitioned", "true", "" },
    { "partitioned: Yes", "session-cookie-partitioned", "Yes",
      "E session-cookie-partitioned: \"Yes\" is not a boolean: write "
      "\"true\"" },
    { "next: words", "proxy-next-upstream", "error  timeout http_502", "" },
    { "next: off", "proxy-next-upstream", "off", "" },
    { "next: 429", "proxy-next-upstream", "error http_429",
      "E proxy-next-upstream: \"http_429\" is not known here: write some of "
      "error, timeout, invalid_header, http_403, http_404, http_500, "
      "http_502, http_503, http_504, non_idempotent, off, with blanks "
      "between them" },
    { "next: comma", "proxy-next-upstream", "error,timeout",
      "E proxy-next-upstream: \"error,timeout\" is not known here: write "
      "some of error, timeout, invalid_header, http_403, http_404, http_500, "
      "http_502, http_503, http_504, non_idempotent, off, with blanks "
      "between them" },
    { "tries: all", "proxy-next-upstream-tries", "0", "" },
    { "tries: too many", "proxy-next-upstream-tries", "11",
      "E proxy-next-upstream-tries: \"11\" is not between 0 and 10" },
    { "time of tries", "proxy-next-upstream-timeout", "30", "" },
    { "time of tries: unit", "proxy-next-upstream-timeout", "30s",
      "E proxy-next-upstream-timeout: \"30s\" is not a whole number of "
      "seconds: write \"30\"" },
    { "hash: mix", "upstream-hash-by", "${request_uri}-$http_x_user", "" },
    { "hash: no variable", "upstream-hash-by", "user",
      "E upstream-hash-by: \"user\" names no variable, so that every "
      "request would go to one endpoint: write one such as $request_uri" },
    { "hash: unknown", "upstream-hash-by", "$ssl_protocol",
      "E upstream-hash-by: \"$ssl_protocol\" has the variable "
      "$ssl_protocol: write some of $request_uri, $uri, $args, $host, "
      "$remote_addr, $request_method, $scheme, $http_NAME, $cookie_NAME, "
      "$arg_NAME" },
    { "hash: two headers", "upstream-hash-by", "$http_a$http_b",
      "E upstream-hash-by: \"$http_a$http_b\" names two variables that "
      "begin with $http_: write one of them" },
    { "hash: one header twice", "upstream-hash-by", "$http_a$http_A", "" },
    { "hash: open brace", "upstream-hash-by", "${uri",
      "E upstream-hash-by: \"${uri\" has a \"$\" without the name of a "
      "variable: write one such as $request_uri" },
    { "hash: no name", "upstream-hash-by", "$http_",
      "E upstream-hash-by: \"$http_\" has the variable $http_: write some "
      "of $request_uri, $uri, $args, $host, $remote_addr, $request_method, "
      "$scheme, $http_NAME, $cookie_NAME, $arg_NAME" },
    { "hash: blank", "upstream-hash-by", "$uri $args",
      "E upstream-hash-by: \"$uri $args\" may only have letters, digits, "
      "- _ and variables such as $request_uri" },
    { "hash subset", "upstream-hash-by-subset", "true", "" },
    { "hash subset: yes", "upstream-hash-by-subset", "yes",
      "E upstream-hash-by-subset: \"yes\" is not a boolean: write "
      "\"true\"" },
    { "hash subset size", "upstream-hash-by-subset-size", "2", "" },
    { "hash subset size: none", "upstream-hash-by-subset-size", "0",
      "E upstream-hash-by-subset-size: \"0\" is not between 1 and 1000" },
    { "request buffering", "proxy-request-buffering", "on", "" },
    { "request buffering: true", "proxy-request-buffering", "true",
      "E proxy-request-buffering: \"true\" is not known here: write \"on\" "
      "or \"off\"" },
    { "buffering: off", "proxy-buffering", "off", "" },
    { "buffering: false", "proxy-buffering", "false",
      "E proxy-buffering: \"false\" is not known here: write \"on\" or "
      "\"off\"" },
    { "buffers", "proxy-buffers-number", "8", "" },
    { "buffers: size", "proxy-buffers-number", "8 4k",
      "E proxy-buffers-number: \"8 4k\" is not a whole number: write digits "
      "only, 1 to 1000000" },
    { "busy buffers", "proxy-busy-buffers-size", "8k", "" },
    { "busy buffers: word", "proxy-busy-buffers-size", "x",
      "E proxy-busy-buffers-size: \"x\" is not a size: write digits and one "
      "of k, m, g, such as \"8m\"" },
    { "temp file", "proxy-max-temp-file-size", "1024m", "" },
    { "temp file: word", "proxy-max-temp-file-size", "off",
      "E proxy-max-temp-file-size: \"off\" is not a size: write digits and "
      "one of k, m, g, such as \"8m\"" },
    { "body buffer", "client-body-buffer-size", "1M", "" },
    { "body buffer: unit", "client-body-buffer-size", "1MB",
      "E client-body-buffer-size: \"1MB\" is not a size: write \"1m\"" },
    { "version: 1.1", "proxy-http-version", "1.1", "" },
    { "version: 1.0", "proxy-http-version", "1.0",
      "E proxy-http-version: \"1.0\" is not known here: write \"1.1\"" },
    { "connection: close", "connection-proxy-header", "close", "" },
    { "connection: upgrade", "connection-proxy-header", "upgrade",
      "E connection-proxy-header: \"upgrade\" is not known here: write "
      "\"keep-alive\" or \"close\"" },
    { "push", "http2-push-preload", "true", "" },
    { "push: on", "http2-push-preload", "on",
      "E http2-push-preload: \"on\" is not a boolean: write \"true\"" },
    { "final slash", "preserve-trailing-slash", "true", "" },
    { "final slash: on", "preserve-trailing-slash", "on",
      "E preserve-trailing-slash: \"on\" is not a boolean: write "
      "\"true\"" },
    { "ports", "use-port-in-redirects", "true", "" },
    { "ports: on", "use-port-in-redirects", "on",
      "E use-port-in-redirects: \"on\" is not a boolean: write \"true\"" },
    { "relative", "relative-redirects", "true", "" },
    { "relative: on", "relative-redirects", "on",
      "E relative-redirects: \"on\" is not a boolean: write \"true\"" },
    { "traces", "enable-opentelemetry", "true", "" },
    { "traces: on", "enable-opentelemetry", "on",
      "E enable-opentelemetry: \"on\" is not a boolean: write \"true\"" },
    { "traces: trust", "opentelemetry-trust-incoming-span", "false", "" },
    { "traces: trust off", "opentelemetry-trust-incoming-span", "off",
      "E opentelemetry-trust-incoming-span: \"off\" is not a boolean: write "
      "\"false\"" },
    { "traces: name", "opentelemetry-operation-name", "x",
      "E opentelemetry-operation-name: it is refused: the proxy exports no "
      "span that could have the name: take it out, and name the spans of the "
      "Services" },
    { "rewrite log", "enable-rewrite-log", "true",
      "E enable-rewrite-log: it is refused: HAProxy has no log of rewrites: "
      "\"sallyport explain --url URL\" says which route answers and what "
      "becomes of the path" },
    { "rewrite log: off", "enable-rewrite-log", "false", "" },
    { "firewall", "enable-modsecurity", "true",
      "E enable-modsecurity: it is refused: no web application firewall runs "
      "here: put one behind the Service or before this controller, see "
      "docs/migration.md" },
    { "fastcgi", "fastcgi-index", "index.php",
      "E fastcgi-index: it is refused: FastCGI is not spoken to endpoints: "
      "run a web server beside the application, which speaks it, and let the "
      "Service name that one" },
    { "protocol: grpc", "backend-protocol", "grpc", "" },
    { "protocol: fcgi", "backend-protocol", "fcgi",
      "E backend-protocol: \"fcgi\" is refused: FastCGI is not spoken to "
      "endpoints: run a web server beside the application, which speaks it, "
      "and let the Service name that one" },
    { "service-upstream", "service-upstream", "true", "" },
    { "service-upstream: on", "service-upstream", "on",
      "E service-upstream: \"on\" is not a boolean: write \"true\"" },
    { "ciphers: one", "ssl-ciphers", "ECDHE-RSA-AES128-GCM-SHA256", "" },
    { "ciphers: weak", "ssl-ciphers", "AES128-SHA",
      "W ssl-ciphers: \"AES128-SHA\" lets in what Mozilla's intermediate "
      "profile leaves out: AES128-SHA" },
    { "ciphers: none", "ssl-ciphers", "RC4-MD5",
      "E ssl-ciphers: \"RC4-MD5\" leaves no cipher: write names that "
      "\"openssl ciphers\" lists" },
    { "proxy protocol", S "proxy-protocol", "v2", "" },
    { "proxy protocol: 1", S "proxy-protocol", "v1",
      "E sallyport.dev/proxy-protocol: \"v1\" is not known here: write "
      "\"v2\"" },
    { "versions: one", S "tls-protocols", "TLSv1.3", "" },
    { "versions: unknown", S "tls-protocols", "TLSv9",
      "E sallyport.dev/tls-protocols: \"TLSv9\" is no list of versions: "
      "write TLSv1.2, TLSv1.3 or both, with a blank between them" },
    { "order: the server's", "ssl-prefer-server-ciphers", "true", "" },
    { "order: on", "ssl-prefer-server-ciphers", "on",
      "E ssl-prefer-server-ciphers: \"on\" is not a boolean: write "
      "\"true\"" },
    { "order: the client's", "ssl-prefer-server-ciphers", "false",
      "W ssl-prefer-server-ciphers: it has no effect: the order of the "
      "server holds for all hosts" },
    { "ssl-name: host", "proxy-ssl-name", "inner.test", "" },
    { "ssl-name: variable", "proxy-ssl-name", "$host",
      "E proxy-ssl-name: \"$host\" is not a domain: write one such as "
      "\"example.com\"; W proxy-ssl-server-name: it has no effect without "
      "proxy-ssl-name" },
    { "ssl-server-name: on", "proxy-ssl-server-name", "on", "" },
    { "ssl-server-name: true", "proxy-ssl-server-name", "true",
      "E proxy-ssl-server-name: \"true\" is not known here: write \"on\" or "
      "\"off\"; W proxy-ssl-name: it has no effect without "
      "proxy-ssl-server-name: \"on\" or proxy-ssl-verify: \"on\"" },
    { "ssl-secret", "proxy-ssl-secret", "default/ca", "" },
    { "ssl-secret: the Ingress's namespace", "proxy-ssl-secret", "ca", "" },
    { "ssl-secret: another namespace", "proxy-ssl-secret", "other/ca",
      "E proxy-ssl-secret: \"other/ca\" is in another namespace: copy the "
      "Secret to \"default\" and write its name" },
    { "ssl-secret: no name", "proxy-ssl-secret", "a/b/c",
      "E proxy-ssl-secret: \"a/b/c\" is not a name: write the object's, with "
      "its namespace and \"/\" before it or without" },
    { "ssl-verify-depth", "proxy-ssl-verify-depth", "1",
      "W proxy-ssl-verify-depth: HAProxy sets no limit to a chain: any that "
      "leads to a certificate of ca.crt is taken" },
    { "ssl-verify-depth: too deep", "proxy-ssl-verify-depth", "101",
      "E proxy-ssl-verify-depth: \"101\" is not between 0 and 100" },
    { "ssl-ciphers: one", "proxy-ssl-ciphers", "ECDHE-RSA-AES128-GCM-SHA256",
      "" },
    { "ssl-ciphers: none", "proxy-ssl-ciphers", "RC4-MD5",
      "E proxy-ssl-ciphers: \"RC4-MD5:!aNULL:!eNULL\" leaves no cipher: "
      "write names that "
      "\"openssl ciphers\" lists" },
    { "ssl-ciphers: those that protect nobody", "proxy-ssl-ciphers",
      "ADH-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256", "" },
    { "ssl-ciphers: two words", "proxy-ssl-ciphers", "HIGH\nssl verify none",
      "E proxy-ssl-ciphers: \"HIGH\\nssl verify none\" has a line break or "
      "another control byte: write it on one line" },
    { "ssl-protocols: two", "proxy-ssl-protocols", "TLSv1.2 TLSv1.3", "" },
    { "ssl-protocols: old", "proxy-ssl-protocols", "TLSv1.1",
      "E proxy-ssl-protocols: \"TLSv1.1\" has no version that is spoken: "
      "write TLSv1.2, TLSv1.3 or both" },
    { "auth-tls-secret", "auth-tls-secret", "default/ca", "" },
    { "auth-tls-secret: the Ingress's namespace", "auth-tls-secret", "ca",
      "" },
    { "auth-tls-secret: another namespace", "auth-tls-secret", "other/ca",
      "E auth-tls-secret: \"other/ca\" is in another namespace: copy the "
      "Secret to \"default\" and write its name" },
    { "auth-tls-secret: no name", "auth-tls-secret", "a/b/c",
      "E auth-tls-secret: \"a/b/c\" is not a name: write the object's, with "
      "its namespace and \"/\" before it or without" },
    { "auth-tls-verify-client", "auth-tls-verify-client", "optional_no_ca",
      "" },
    { "auth-tls-verify-client: true", "auth-tls-verify-client", "true",
      "E auth-tls-verify-client: \"true\" is not known here: write \"on\", "
      "\"off\", \"optional\" or \"optional_no_ca\"" },
    { "auth-tls-verify-depth", "auth-tls-verify-depth", "2",
      "W auth-tls-verify-depth: HAProxy sets no limit to a chain: any that "
      "leads to a certificate of ca.crt is taken" },
    { "auth-tls-verify-depth: too deep", "auth-tls-verify-depth", "101",
      "E auth-tls-verify-depth: \"101\" is not between 0 and 100" },
    { "auth-tls-error-page", "auth-tls-error-page", "https://a.test/e?x=1",
      "" },
    { "auth-tls-error-page: a location", "auth-tls-error-page", "@page",
      "E auth-tls-error-page: \"@page\" is not an absolute URL: write one "
      "that begins with \"https://\" or \"http://\"" },
    { "auth-tls-pass", "auth-tls-pass-certificate-to-upstream", "true", "" },
    { "auth-tls-pass: yes", "auth-tls-pass-certificate-to-upstream", "yes",
      "E auth-tls-pass-certificate-to-upstream: \"yes\" is not a boolean: "
      "write \"true\"" },
    { "auth-tls-match-cn", "auth-tls-match-cn", "CN=a.*b", "" },
    { "auth-tls-match-cn: a name alone", "auth-tls-match-cn", "alice",
      "E auth-tls-match-cn: \"alice\" is not a subject: write \"CN=\" and a "
      "regular expression" },
    { "ssl-verify: a protection that is off", "proxy-ssl-verify", "off", "" },
    { "ssl-verify: on", "proxy-ssl-verify", "on", "" },
    { "ssl-verify: true", "proxy-ssl-verify", "true",
      "E proxy-ssl-verify: \"true\" is not known here: write \"on\" or "
      "\"off\"" },
    { "users", "auth-type", "basic", "" },
    { "users: digest", "auth-type", "digest", "" },
    { "users: another scheme", "auth-type", "Bearer",
      "E auth-type: \"Bearer\" is not known here: write \"basic\" or "
      "\"digest\"; W auth-secret: it has no effect without auth-type: "
      "\"basic\"" },
    { "users: a Secret", "auth-secret", "a.b-c", "" },
    { "users: its namespace", "auth-secret", "default/users", "" },
    { "users: of others", "auth-secret", "other/users",
      "E auth-secret: \"other/users\" is in another namespace: copy the "
      "Secret to this one, or have the administrator set "
      "allow-cross-namespace-resources: \"true\" in the controller's "
      "ConfigMap" },
    { "users: of others with a longer name", "auth-secret", "default2/users",
      "E auth-secret: \"default2/users\" is in another namespace: copy the "
      "Secret to this one, or have the administrator set "
      "allow-cross-namespace-resources: \"true\" in the controller's "
      "ConfigMap" },
    { "users: a path", "auth-secret", "../../x",
      "E auth-secret: \"../../x\" is not a Secret: write its name, or its "
      "namespace, \"/\" and its name" },
    { "users: no name", "auth-secret", "default/",
      "E auth-secret: \"default/\" is not a Secret: write its name, or its "
      "namespace, \"/\" and its name" },
    { "users: a file", "auth-secret-type", "auth-file", "" },
    { "users: a map", "auth-secret-type", "auth-map", "" },
    { "users: a list", "auth-secret-type", "auth-list",
      "E auth-secret-type: \"auth-list\" is not known here: write "
      "\"auth-file\" or \"auth-map\"" },
    { "users: realm", "auth-realm", "Staff only - 1.2", "" },
    { "users: a quote in the realm", "auth-realm", "a \"b\"",
      "E auth-realm: \"a \\\"b\\\"\" may only have letters, digits, blanks "
      "and - . _ ~ : /" },
    { "asked: a Service", "auth-url",
      "http://judge.other.svc.cluster.local:8080/verify?u=$request_uri", "" },
    { "asked: a Service in short", "auth-url", "https://judge.other.svc",
      "" },
    { "asked: our own host", "auth-url", "https://$host/oauth2/auth", "" },
    { "asked: our own host in braces", "auth-url", "http://${http_host}/x",
      "" },
    { "asked: another host", "auth-url", "https://A.test:8443/x?y", "" },
    { "asked: an address", "auth-url", "http://[2001:db8::1]:80/x", "" },
    { "asked: no URL", "auth-url", "judge.default.svc/x",
      "E auth-url: \"judge.default.svc/x\" is not an absolute URL: write one "
      "that begins with \"http://\" or \"https://\"" },
    { "asked: a short name", "auth-url", "http://judge/x",
      "E auth-url: \"http://judge/x\" has a host that is no full name: write "
      "SERVICE.NAMESPACE.svc.cluster.local" },
    { "asked: loopback's name", "auth-url", "http://a.localhost/x",
      "E auth-url: \"http://a.localhost/x\" has a host that is no full name: "
      "write SERVICE.NAMESPACE.svc.cluster.local" },
    { "asked: a pod's name", "auth-url", "http://a.b.c.svc/x",
      "E auth-url: \"http://a.b.c.svc/x\" is no Service: write "
      "SERVICE.NAMESPACE.svc.cluster.local" },
    { "asked: a host that a client says", "auth-url", "https://$arg_h/",
      "E auth-url: \"https://$arg_h/\" has a host with a variable: only "
      "$host and $http_host may stand there, alone" },
    { "asked: a part of a host", "auth-url", "https://$host.test/",
      "E auth-url: \"https://$host.test/\" has a host with a variable: only "
      "$host and $http_host may stand there, alone" },
    { "asked: an address over https", "auth-url", "https://192.0.2.1/",
      "E auth-url: \"https://192.0.2.1/\" is an address with https, which "
      "nothing could verify: write a name" },
    { "asked: a user", "auth-url", "http://u@judge.a.svc/",
      "E auth-url: \"http://u@judge.a.svc/\" has no valid host: write that "
      "of a Service, SERVICE.NAMESPACE.svc.cluster.local, or the one of a "
      "URL of this controller" },
    { "asked: upwards", "auth-url", "http://judge.a.svc/x/../y",
      "E auth-url: \"http://judge.a.svc/x/../y\" has \"..\": write the path "
      "as it is" },
    { "asked: a fragment", "auth-url", "http://judge.a.svc/#x",
      "E auth-url: \"http://judge.a.svc/#x\" has a fragment: leave out "
      "\"#\" and what follows" },
    { "asked: a variable too many", "auth-url", "http://judge.a.svc/$arg_",
      "E auth-url: \"http://judge.a.svc/$arg_\" has the variable $arg_: "
      VARIABLES },
    { "asked: a dollar alone", "auth-url", "http://judge.a.svc/${x",
      "E auth-url: \"http://judge.a.svc/${x\" has a \"$\" without the name "
      "of a variable: write one such as $request_uri" },
    { "asked: a quote", "auth-url", "http://judge.a.svc/\"x",
      "E auth-url: \"http://judge.a.svc/\\\"x\" may only have the bytes of a "
      "URL, others as %XX, and variables such as $request_uri" },
    { "asked: a line feed", "auth-url", "http://judge.a.svc/\nx",
      "E auth-url: \"http://judge.a.svc/\\nx\"" ONE_LINE },
    { "asked: by a method", "auth-method", "POST", "" },
    { "asked: by a method with more behind it", "auth-method", "GET;x",
      "E auth-method: \"GET;x\" is not known here: write \"GET\", \"HEAD\", "
      "\"POST\", \"PUT\", \"PATCH\", \"DELETE\" or \"OPTIONS\"" },
    { "signin: a URL", "auth-signin",
      "https://$host/start?rd=$escaped_request_uri", "" },
    { "signin: a path", "auth-signin", "/login", "" },
    { "signin: the scheme of the request", "auth-signin",
      "$scheme://a.test/", "" },
    { "signin: another site", "auth-signin", "//a.test/",
      "E auth-signin: \"//a.test/\" is not an absolute URL: write one that "
      "begins with \"https://\", or a path" },
    { "signin: a script", "auth-signin", "javascript:x",
      "E auth-signin: \"javascript:x\" is not an absolute URL: write one "
      "that begins with \"https://\", or a path" },
    { "signin: a bad host", "auth-signin", "https://a..test/",
      "E auth-signin: \"https://a..test/\" has no valid host: write a DNS "
      "name, or $host" },
    { "signin: a fragment", "auth-signin", "https://a.test/#x",
      "E auth-signin: \"https://a.test/#x\" has a fragment: leave out \"#\" "
      "and what follows" },
    { "signin: the way back", "auth-signin-redirect-param", "next_url", "" },
    { "signin: a way back that is none", "auth-signin-redirect-param", "a&b",
      "E auth-signin-redirect-param: \"a&b\" may only have letters, digits "
      "and - _" },
    { "asked: headers", "auth-response-headers", "X-User,Authorization", "" },
    { "asked: all headers", "auth-response-headers", "*",
      "E auth-response-headers: \"*\" names no header: list those that the "
      "Service may believe" },
    { "asked: a header of the connection", "auth-response-headers",
      "X-A, content-Length",
      "E auth-response-headers: \"X-A, content-Length\" names a header of "
      "the connection or of the body, such as Host: leave it out" },
    { "asked: no header", "auth-response-headers", "X A",
      "E auth-response-headers: \"X A\" is not a header name: write names "
      "with commas between them, such as \"Content-Type, X-Request-ID\"" },
    { "asked: the way back", "auth-request-redirect",
      "https://$http_host$request_uri", "" },
    { "asked: no way back", "auth-request-redirect", "$nowhere",
      "E auth-request-redirect: \"$nowhere\" has the variable $nowhere: "
      VARIABLES },
    { "asked: with headers", "auth-proxy-set-headers", "default/headers",
      "" },
    { "asked: with others' headers", "auth-proxy-set-headers", "other/h",
      "E auth-proxy-set-headers: \"other/h\" is in another namespace: copy "
      "the ConfigMap to this one, or have the administrator set "
      "allow-cross-namespace-resources: \"true\" in the controller's "
      "ConfigMap" },
    { "kept: by a user", "auth-cache-key",
      "$remote_user$http_authorization", "" },
    { "kept: for everybody", "auth-cache-key", "all",
      "E auth-cache-key: \"all\" names no variable, so that one answer would "
      "be everybody's: write such as \"$http_authorization\"" },
    { "kept: how long", "auth-cache-duration", "200 202 10m, 401 30s", "" },
    { "kept: a day", "auth-cache-duration", "200 24h", "" },
    { "kept: longer", "auth-cache-duration", "200 25h",
      "E auth-cache-duration: \"200 25h\" " NO_DURATION },
    { "kept: no status", "auth-cache-duration", "10m",
      "E auth-cache-duration: \"10m\" " NO_DURATION },
    { "kept: no time", "auth-cache-duration", "200, 401 1m",
      "E auth-cache-duration: \"200, 401 1m\" " NO_DURATION },
    { "asked: cookies", "auth-always-set-cookie", "true", "" },
    { "asked: no cookies", "auth-always-set-cookie", "no",
      "E auth-always-set-cookie: \"no\" is not a boolean: write "
      "\"false\"" },
    { "asked: connections", "auth-keepalive", "10", "" },
    { "asked: no connections", "auth-keepalive", "-1",
      "E auth-keepalive: \"-1\" is not between 0 and 1000000" },
    { "asked: many times", "auth-keepalive-requests", "100", "" },
    { "asked: never", "auth-keepalive-requests", "0",
      "E auth-keepalive-requests: \"0\" is not between 1 and 1000000" },
    { "asked: idle", "auth-keepalive-timeout", "60", "" },
    { "asked: idle minutes", "auth-keepalive-timeout", "1m",
      "E auth-keepalive-timeout: \"1m\" is not a whole number of seconds: "
      "write \"60\"" },
    { "asked: shared variables", "auth-keepalive-share-vars", "true", "" },
    { "asked: perhaps shared", "auth-keepalive-share-vars", "maybe",
      "E auth-keepalive-share-vars: \"maybe\" is not a boolean: write "
      "\"true\" or \"false\"" },
    { "asked for all", "enable-global-auth", "false", "" },
    { "asked for all, perhaps", "enable-global-auth", "off",
      "E enable-global-auth: \"off\" is not a boolean: write \"false\"" },
    { "open paths are no Ingress's choice", S "no-auth-locations", "/",
      "E sallyport.dev/no-auth-locations: only the controller's ConfigMap "
      "can say this" },
    { "nor its own list of none", S "no-auth-locations", "", "" },
    { "other namespaces are no Ingress's choice",
      S "allow-cross-namespace-resources", "true",
      "E sallyport.dev/allow-cross-namespace-resources: only the "
      "controller's ConfigMap can say this" },
    { "nor its own, empty", S "allow-cross-namespace-resources", "", "" },
    { "nor under their prefix", N "allow-cross-namespace-resources", "true",
      "W metadata.annotations: unknown annotation \"nginx.ingress."
      "kubernetes.io/allow-cross-namespace-resources\": it has no effect" },
    { "satisfy: all", "satisfy", "all", "" },
    { "satisfy: any", "satisfy", "any", "" },
    { "satisfy: one", "satisfy", "one",
      "E satisfy: \"one\" is not known here: write \"all\" or \"any\"" },
    { "refused: a protection that is off", "enable-modsecurity", "false",
      "" },
    { "users: line feed", "auth-realm", "a\nb",
      "E auth-realm: \"a\\nb\"" ONE_LINE },
    { "buffering: on", "proxy-buffering", "on",
      "W proxy-buffering: responses are sent on as they come: a slow client "
      "holds its endpoint until all but one buffer is sent" },
    { "buffer of a size that fits", "proxy-buffer-size", "8k", "" },
    { "buffer: kB", "proxy-buffer-size", "8kB",
      "E proxy-buffer-size: \"8kB\" is not a size: write \"8k\"" },
    { "large buffer", "proxy-buffer-size", "128k",
      "W proxy-buffer-size: \"128k\" asks for more than HAProxy's buffer: "
      "response headers may have 15 KiB together, whatever stands here" },
    { "removed", "secure-backends", "true",
      "W secure-backends: it has no effect: write backend-protocol: "
      "\"HTTPS\"" },
    { "snippet: harmless", "configuration-snippet",
      "# headers\nmore_set_headers \"A: b; c\";\nadd_header X 'y;z';",
      "E configuration-snippet: " SNIPPET ": for \"more_set_headers\" write "
      "custom-headers, for \"add_header\" write custom-headers" },
    { "snippet: deny", "configuration-snippet", "expires 1d; deny all;",
      "E configuration-snippet: " SNIPPET ": for \"deny\" write "
      "denylist-source-range or whitelist-source-range" MAYBE("deny") },
    { "snippet: block", "server-snippet", "if ($x) { return 403; }",
      "E server-snippet: " SNIPPET ": for \"return 403\" write "
      "whitelist-source-range" MAYBE("if") },
    { "snippet: open quote", "server-snippet", "add_header \"deny all;",
      "E server-snippet: " SNIPPET ": for \"add_header\" write "
      "custom-headers" MAYBE("add_header") },
    { "snippet: harmless name of a block", "server-snippet",
      "gzip on { deny all; }",
      "E server-snippet: " SNIPPET ": for \"deny\" write "
      "denylist-source-range or whitelist-source-range" MAYBE("gzip") },
    { "snippet: of a stream", "stream-snippet", "deny all;",
      "E stream-snippet: " SNIPPET },
    { "snippet: by the first argument", "configuration-snippet",
      "more_set_headers 'access-control-allow-origin: *';\n"
      "add_header Strict-Transport-Security \"max-age=1\" always;\n"
      "proxy_set_header Upgrade $http_upgrade;",
      "E configuration-snippet: " SNIPPET ": for \"more_set_headers "
      "Access-Control-\" write enable-cors: \"true\", for \"add_header "
      "Strict-Transport-Security\" write sallyport.dev/hsts: \"true\", for "
      "\"proxy_set_header Upgrade\" write nothing" },
    { "snippet: time-outs of gRPC protect nothing", "server-snippet",
      "grpc_read_timeout 1200s;\ngrpc_send_timeout 1200s;",
      "E server-snippet: " SNIPPET ": for \"grpc_read_timeout\" write "
      "proxy-read-timeout, for \"grpc_send_timeout\" write "
      "proxy-send-timeout" },
    { "snippet: each once, four in all", "configuration-snippet",
      "etag off; allow 10.0.0.1; allow 10.0.0.2; allow 10.0.0.3; deny all; "
      "return 301 /a; rewrite a b; limit_req a;",
      "E configuration-snippet: " SNIPPET ": for \"allow\" write "
      "whitelist-source-range, for \"deny\" write denylist-source-range or "
      "whitelist-source-range, for \"return 30\" write permanent-redirect "
      "or temporal-redirect, for \"rewrite\" write rewrite-target"
      MAYBE("allow") },
    { "snippet: words of nobody are not repeated", "configuration-snippet",
      "evil; more_evil x;",
      "E configuration-snippet: " SNIPPET MAYBE("evil") },
    { "own prefix", S "proxy-body-size", "1m", "" },
    { "own prefix: bad value", S "proxy-body-size", "x",
      "E sallyport.dev/proxy-body-size: \"x\" is not a size: write digits "
      "and one of k, m, g, such as \"8m\"" },
    { "share: namespaces", S "share-host-with", "a, b-1", "" },
    { "share: all", S "share-host-with", "*", "" },
    { "share: bad", S "share-host-with", "a,B",
      "E sallyport.dev/share-host-with: \"B\" is not a namespace: write "
      "names with commas between them, or \"*\" for all" },
    { "share: empty item", S "share-host-with", "a,",
      "E sallyport.dev/share-host-with: \"\" is not a namespace: write "
      "names with commas between them, or \"*\" for all" },
    { "takeover", S "takeover-from", "n/old.one", "" },
    { "takeover: no namespace", S "takeover-from", "old",
      "E sallyport.dev/takeover-from: \"old\" is not an Ingress: write its "
      "namespace, \"/\" and its name" },
    { "takeover: bad name", S "takeover-from", "n/o/ld",
      "E sallyport.dev/takeover-from: \"n/o/ld\" is not an Ingress: write "
      "its namespace, \"/\" and its name" },
    { "release", S "release-to", "n/new", "" },
    { "release: bad", S "release-to", "/new",
      "E sallyport.dev/release-to: \"/new\" is not an Ingress: write its "
      "namespace, \"/\" and its name" },
    { "own name under their prefix", "share-host-with", "other",
      "W metadata.annotations: unknown annotation "
      "\"nginx.ingress.kubernetes.io/share-host-with\": it has no effect, "
      "did you mean \"sallyport.dev/share-host-with\"?" },
    { "unknown: near", "proxy-bodysize", "1m",
      "W metadata.annotations: unknown annotation "
      "\"nginx.ingress.kubernetes.io/proxy-bodysize\": it has no effect, did "
      "you mean \"proxy-body-size\"?" },
    { "unknown: far", "zzzzzzzzzzzz", "1",
      "W metadata.annotations: unknown annotation "
      "\"nginx.ingress.kubernetes.io/zzzzzzzzzzzz\": it has no effect" },
    { "unknown: bytes of a stranger", "a\nb c", "1",
      "W metadata.annotations: unknown annotation "
      "\"nginx.ingress.kubernetes.io/a\\nb c\": it has no effect" },
    { "another prefix", "nginx.org/proxy-body-size", "x", "" },
};

TABLE_MAIN("annot", rows, annot_check_row)
