/* Users and passwords, services that are asked. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/annot_help.h"

#define ONE_LINE                                                           \
    " has a line break or another control byte: write it on one line"
#define VARIABLES                                                          \
    "write some of $host, $http_host, $scheme, $request_uri, "             \
    "$escaped_request_uri, $uri, $args, $request_method, $remote_addr, "   \
    "$remote_user, $http_NAME, $cookie_NAME, $arg_NAME, $namespace, "      \
    "$ingress_name, $service_name"
#define NO_DURATION                                                        \
    "is not a list of statuses and times of a day at most: write such as " \
    "\"200 202 10m, 401 1m\""

/* One row per boundary.  Each supported annotation has an accepted and a
 * refused one: test_annot_registry.c counts them. */
static const struct annot_row rows[] = {
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
};

TABLE_MAIN("annot: users", rows, annot_check_row)
