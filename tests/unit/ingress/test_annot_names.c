/* What is refused, removed, unknown, or of our own prefix. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/annot_help.h"

#define ONE_LINE                                                           \
    " has a line break or another control byte: write it on one line"
#define SNIPPET                                                            \
    "raw proxy configuration is refused: take the annotation out and see " \
    "docs/migration.md for what replaces it"
#define MAYBE(word)                                                        \
    "; its \"" word "\" may be a protection, so that the routes of this "  \
    "Ingress answer 503 where it is served"

/* One row per boundary.  Each supported annotation has an accepted and a
 * refused one: test_annot_registry.c counts them. */
static const struct annot_row rows[] = {
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
      "response headers may have 15 KiB together, or what your "
      "administrator gives by --header-size" },
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

TABLE_MAIN("annot: names", rows, annot_check_row)
