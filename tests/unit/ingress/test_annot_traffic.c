/* Limits, CORS, times, sizes, headers, copies and retries. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/annot_help.h"

#define CIDR_HELP                                                          \
    " is not an address or network: write one such as \"192.0.2.1\", "     \
    "\"10.0.0.0/8\" or \"2001:db8::/32\""
#define NO_PATH " is not a path: begin with \"/\""
#define NO_ORIGIN                                                          \
    " is not an origin: write \"https://example.com\", "                   \
    "\"https://*.example.com\", \"null\" or \"*\""
#define ONE_LINE                                                           \
    " has a line break or another control byte: write it on one line"
#define NO_PAIR                                                            \
    " is not a replacement: write what is replaced, a blank, and what by, " \
    "or \"off\""

#define NO_COPY(value)                                                     \
    "E mirror-target: \"" value "\" is no Service of the cluster: write "  \
    "such as \"http://SERVICE.NAMESPACE.svc.cluster.local$request_uri\", " \
    "with or without :PORT and a path before $request_uri, the only "      \
    "variable; what is elsewhere needs a Service of type ExternalName"

/* One row per boundary.  Each supported annotation has an accepted and a
 * refused one: test_annot_registry.c counts them. */
static const struct annot_row rows[] = {
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
    { "mirror: another variable", "mirror-target",
      "http://copy.default/$uri", NO_COPY("http://copy.default/$uri") },
    { "mirror: elsewhere", "mirror-target", "https://mirror.example.com",
      NO_COPY("https://mirror.example.com") },
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
};

TABLE_MAIN("annot: traffic", rows, annot_check_row)
