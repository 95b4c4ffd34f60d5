#include "tests/unit/table.h"

#include "tests/unit/webhook/world.h"

#define GOOD ING("a", "good", "", HOST("good.example.com"))
#define TAKEN ING("b", "thief", "", HOST("shop.example.com"))
#define DELETED ",'deletionTimestamp':'2026-01-01T00:00:00Z'"
#define LABEL ",'labels':{'x':'y'}"
#define SNIPPET NGINX("configuration-snippet", "return 200;")
#define OLD_SECONDS NGINX("proxy-read-timeout", "60s")
#define NGINX_CLASS "'ingressClassName':'nginx'"
#define NO_CLASS "'rules':[" RULE("good.example.com", PATH("/", "Prefix")) "]"
#define LEGACY(VALUE) NOTE("kubernetes.io/ingress.class", VALUE)

static const struct row {
    const char *name;
    const char *path;
    const char *body;
    const char *want;
} rows[] = {
    { "a good one", "/validate", CREATE("a", GOOD), "200 yes" },
    { "dry run of a good one", "/validate", DRY_CREATE("a", GOOD), "200 yes" },
    { "with generateName in the validating phase", "/validate",
      CREATE("a", ING("a", "good-x7k2p", ",'generateName':'good-'",
                      HOST("good.example.com"))),
      "200 yes" },
    { "another class is none of our business", "/validate",
      CREATE("a", ING("a", "x", SNIPPET,
                      NGINX_CLASS RULES(
                          RULE("shop.example.com", PATH("/", "Prefix"))))),
      "200 yes" },
    { "a class that does not exist", "/validate",
      CREATE("b", ING("b", "x", SNIPPET,
                      "'ingressClassName':'nosuch'" RULES(
                          RULE("shop.example.com", PATH("/", "Prefix"))))),
      "200 yes" },
    { "no class, and none is the default", "/validate",
      CREATE("b", ING("b", "x", SNIPPET, NO_CLASS)), "200 yes" },
    { "our class by the legacy annotation", "/validate",
      CREATE("a", ING("a", "x", LEGACY("sallyport"),
                      "'rules':[" RULE("10.0.0.1", PATH("/", "Prefix")) "]")),
      "200 no 422 Invalid: Ingress a/x: spec.rules[0].host: host \"10.0.0.1\" "
      "is an IP address: write a DNS name, or leave the host out to "
      "mean every host" },
    { "another class by the legacy annotation", "/validate",
      CREATE("a", ING("a", "x", LEGACY("nginx"),
                      "'rules':[" RULE("10.0.0.1", PATH("/", "Prefix")) "]")),
      "200 yes" },
    { "a host of another namespace", "/validate", CREATE("b", TAKEN),
      "200 no 403 Forbidden: Ingress b/thief: "
      "spec.rules[0].http.paths[0].path: "
      "host \"shop.example.com\" and path \"/\" is already defined "
      "in ingress a/shop, as Prefix: " OR_ASK },
    { "dry run of a host of another namespace", "/validate",
      DRY_CREATE("b", TAKEN),
      "200 no 403 Forbidden: Ingress b/thief: "
      "spec.rules[0].http.paths[0].path: "
      "host \"shop.example.com\" and path \"/\" is already defined "
      "in ingress a/shop, as Prefix: " OR_ASK },
    { "a path of a host of another namespace", "/validate",
      CREATE("b", ING("b", "thief", "",
                      OURS RULES(
                          RULE("shop.example.com", PATH("/login", "Exact"))))),
      "200 no 403 Forbidden: Ingress b/thief: spec.rules[0].host: host "
      "\"shop.example.com\" belongs to namespace \"a\" (ingress a/shop "
      "has it), and with it path \"/login\": use another host, or ask "
      "the owners of namespace \"a\"" },
    { "the same host and path in the same namespace, another backend",
      "/validate",
      CREATE("a",
             ING("a", "twin", "",
                 OURS RULES(RULE("shop.example.com",
                                 "{'path':'/"
                                 "','pathType':'Prefix','backend':{'service':{"
                                 "'name':'web','port':{'name':'http'}}}}")))),
      "200 no 403 Forbidden: Ingress a/twin: "
      "spec.rules[0].http.paths[0].path: "
      "host \"shop.example.com\" and path \"/\" is already defined "
      "in ingress a/shop, as Prefix: use another path, or take it out "
      "there" },
    { "the same host and path and backend in the same namespace", "/validate",
      CREATE("a", ING("a", "twin", "", HOST("shop.example.com"))), "200 yes" },
    { "another path of the same host in the same namespace", "/validate",
      CREATE("a", ING("a", "more", "",
                      OURS RULES(
                          RULE("shop.example.com", PATH("/more", "Prefix"))))),
      "200 yes" },
    { "the owner again, as another create", "/validate",
      CREATE("a", ING("a", "shop", "", HOST("shop.example.com"))), "200 yes" },
    { "a wildcard over a host of another namespace", "/validate",
      CREATE("b", ING("b", "wild", "", HOST("*.example.com"))),
      "200 no 403 Forbidden: Ingress b/wild: spec.rules[0].host: host "
      "\"*.example.com\" covers host \"shop.example.com\", which belongs "
      "to namespace \"a\" (ingress a/shop has it), and with it every "
      "path under \"/\": use another host, or ask the owners of namespace "
      "\"a\"" },
    { "a snippet", "/validate",
      CREATE("a", ING("a", "x", SNIPPET, HOST("x.example.com"))),
      "200 no 422 Invalid: Ingress a/x: "
      "metadata.annotations[nginx.ingress.kubernetes.io/"
      "configuration-snippet]: "
      "raw proxy configuration is refused: take the annotation out "
      "and see docs/migration.md for what replaces it; its \"return\" "
      "may be a protection, so that the routes of this Ingress answer "
      "503 where it is served" },
    { "a number with a unit", "/validate",
      CREATE("a", ING("a", "x", OLD_SECONDS, HOST("x.example.com"))),
      "200 no 422 Invalid: Ingress a/x: "
      "metadata.annotations[nginx.ingress.kubernetes.io/proxy-read-timeout]: "
      "\"60s\" is not a whole number of seconds: write \"60\"" },
    { "a line feed in an annotation", "/validate",
      CREATE("a", ING("a", "x", NGINX("rewrite-target", "/\\nuse_backend x"),
                      HOST("x.example.com"))),
      "200 no 422 Invalid: Ingress a/x: "
      "metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]: "
      "\"/\\nuse_backend x\" has a line break or another control byte: "
      "write it on one line" },
    { "a misspelt annotation is a warning", "/validate",
      CREATE("a", ING("a", "x", NGINX("proxy-body-sise", "8m"),
                      HOST("x.example.com"))),
      "200 yes\n"
      "warning: metadata.annotations: unknown annotation "
      "\"nginx.ingress.kubernetes.io/proxy-body-sise\": "
      "it has no effect, did you mean \"proxy-body-size\"?" },
    { "annotations of others are theirs", "/validate",
      CREATE("a", ING("a", "x", NOTE("cert-manager.io/cluster-issuer", "ca"),
                      HOST("x.example.com"))),
      "200 yes" },
    { "a rewrite whose expression does not compile", "/validate",
      CREATE("a",
             ING("a", "x", NGINX("rewrite-target", "/$1"),
                 OURS RULES(RULE("x.example.com",
                                 PATH("/a(.*", "ImplementationSpecific"))))),
      "200 no 422 Invalid: Ingress a/x: spec.rules[0].http.paths[0].path: "
      "path \"/a(.*\" is not a regular expression: at position 5: missing "
      "closing parenthesis" },
    { "an IP address for a host", "/validate",
      CREATE("a", ING("a", "x", "", HOST("192.0.2.7"))),
      "200 no 422 Invalid: Ingress a/x: spec.rules[0].host: host "
      "\"192.0.2.7\" "
      "is an IP address: write a DNS name, or leave the host out to "
      "mean every host" },
    { "a host in upper case", "/validate",
      CREATE("a", ING("a", "x", "", HOST("X.Example.com"))),
      "200 no 422 Invalid: Ingress a/x: spec.rules[0].host: host "
      "\"X.Example.com\" "
      "must be in lower case: write \"x.example.com\"" },
    { "a Service that is not there is a warning", "/validate",
      CREATE("a",
             ING("a", "x", "",
                 OURS RULES(RULE("x.example.com",
                                 "{'path':'/"
                                 "','pathType':'Prefix','backend':{'service':{"
                                 "'name':'nosuch','port':{'number':80}}}}")))),
      "200 yes\n"
      "warning: spec.rules[0].http.paths[0].backend.service.name: Service "
      "\"a/nosuch\" does not exist: requests get 503 until it does" },
    { "a port that is not there is a warning", "/validate",
      CREATE("a",
             ING("a", "x", "",
                 OURS RULES(RULE("x.example.com",
                                 "{'path':'/"
                                 "','pathType':'Prefix','backend':{'service':{"
                                 "'name':'web','port':{'number':81}}}}")))),
      "200 yes\n"
      "warning: spec.rules[0].http.paths[0].backend.service.port: Service "
      "\"a/web\" has no port 81 (it has: 80 (\"http\")): requests get "
      "503 until it has" },
    { "a malformed secret name", "/validate",
      CREATE("a", ING("a", "x", "",
                      OURS ",'tls':[{'hosts':['x.example.com'],'secretName':'."
                           "./etc'}]" RULES(
                               RULE("x.example.com", PATH("/", "Prefix"))))),
      "200 no 422 Invalid: Ingress a/x: spec.tls[0].secretName: \"../etc\" "
      "is not a name of a Secret: write lower-case letters, digits, "
      "\"-\" and \".\"; the Secret is looked for in the Ingress's own "
      "namespace" },
    { "a path that climbs", "/validate",
      CREATE("a", ING("a", "x", "",
                      OURS RULES(
                          RULE("x.example.com", PATH("/a/../b", "Prefix"))))),
      "200 no 422 Invalid: Ingress a/x: spec.rules[0].http.paths[0].path: "
      "path \"/a/../b\" must not have \".\" or \"..\" as an element" },
    { "everything wrong at once", "/validate",
      CREATE("b",
             ING("b", "x", OLD_SECONDS,
                 OURS RULES(
                     RULE("shop.example.com", PATH("/", "Prefix")) "," RULE(
                         "192.0.2.7", PATH("/", "Prefix"))))),
      "200 no 403 Forbidden: Ingress b/x has 3 problems:\n"
      "* "
      "metadata.annotations[nginx.ingress.kubernetes.io/proxy-read-timeout]: "
      "\"60s\" is not a whole number of seconds: write \"60\"\n"
      "* spec.rules[0].http.paths[0].path: host \"shop.example.com\" "
      "and path \"/\" is already defined in ingress a/shop, as Prefix: "
      OR_ASK "\n"
      "* spec.rules[1].host: host \"192.0.2.7\" is an IP address: write "
      "a DNS name, or leave the host out to mean every host" },
    { "an object that does not decode", "/validate",
      CREATE("a",
             "{'metadata':{'name':'x','namespace':'a'},'spec':{'rules':7}}"),
      "200 no 422 Invalid: Ingress: spec.rules: must be an array" },
    { "an object that does not decode and is being deleted", "/validate",
      UPDATE("a",
             "{'metadata':{'name':'x','namespace':'a'" DELETED
             "},'spec':{'rules':7}}",
             GOOD),
      "200 yes" },
    { "delete", "/validate", DELETE("a", TAKEN), "200 yes" },
    { "connect", "/validate", REVIEW("a", "'operation':'CONNECT'"),
      "200 yes" },
    { "a bad one that is being deleted", "/validate",
      UPDATE("b", ING("b", "thief", SNIPPET DELETED, HOST("shop.example.com")),
             TAKEN),
      "200 yes" },
    { "update: nothing of ours changed, though it is bad", "/validate",
      UPDATE("b", ING("b", "thief", LABEL, HOST("shop.example.com")), TAKEN),
      "200 yes" },
    { "update: an old conflict stays a warning", "/validate",
      UPDATE("b",
             ING("b", "thief", NGINX("proxy-read-timeout", "60"),
                 HOST("shop.example.com")),
             TAKEN),
      "200 yes\n"
      "warning: spec.rules[0].http.paths[0].path: host \"shop.example.com\" "
      "and path \"/\" is already defined in ingress a/shop, as Prefix: "
      OR_ASK },
    { "update: an old bad annotation stays a warning", "/validate",
      UPDATE("a", ING("a", "x", OLD_SECONDS, HOST("y.example.com")),
             ING("a", "x", OLD_SECONDS, HOST("x.example.com"))),
      "200 yes\n"
      "warning: "
      "metadata.annotations[nginx.ingress.kubernetes.io/proxy-read-timeout]: "
      "\"60s\" is not a whole number of seconds: write \"60\"" },
    { "update: another bad value is refused", "/validate",
      UPDATE("a",
             ING("a", "x", NGINX("proxy-read-timeout", "61s"),
                 HOST("x.example.com")),
             ING("a", "x", OLD_SECONDS, HOST("x.example.com"))),
      "200 no 422 Invalid: Ingress a/x: "
      "metadata.annotations[nginx.ingress.kubernetes.io/proxy-read-timeout]: "
      "\"61s\" is not a whole number of seconds: write \"61\"" },
    { "update: a new conflict is refused", "/validate",
      UPDATE("b", TAKEN, ING("b", "thief", "", HOST("free.example.com"))),
      "200 no 403 Forbidden: Ingress b/thief: "
      "spec.rules[0].http.paths[0].path: "
      "host \"shop.example.com\" and path \"/\" is already defined "
      "in ingress a/shop, as Prefix: " OR_ASK },
    { "update: a new error beside an old one", "/validate",
      UPDATE("b", ING("b", "thief", SNIPPET, HOST("shop.example.com")), TAKEN),
      "200 no 422 Invalid: Ingress b/thief: "
      "metadata.annotations[nginx.ingress.kubernetes.io/"
      "configuration-snippet]: "
      "raw proxy configuration is refused: take the annotation out "
      "and see docs/migration.md for what replaces it; its \"return\" "
      "may be a protection, so that the routes of this Ingress answer "
      "503 where it is served\n"
      "warning: spec.rules[0].http.paths[0].path: host \"shop.example.com\" "
      "and path \"/\" is already defined in ingress a/shop, as Prefix: "
      OR_ASK },
    { "update: away from our class", "/validate",
      UPDATE("b",
             ING("b", "thief", SNIPPET,
                 NGINX_CLASS RULES(
                     RULE("shop.example.com", PATH("/", "Prefix")))),
             TAKEN),
      "200 yes" },
    { "update: to our class counts as create", "/validate",
      UPDATE("b", TAKEN,
             ING("b", "thief", "",
                 NGINX_CLASS RULES(
                     RULE("shop.example.com", PATH("/", "Prefix"))))),
      "200 no 403 Forbidden: Ingress b/thief: "
      "spec.rules[0].http.paths[0].path: "
      "host \"shop.example.com\" and path \"/\" is already defined "
      "in ingress a/shop, as Prefix: " OR_ASK },
    { "update: without an old object counts as create", "/validate",
      REVIEW("b", "'operation':'UPDATE','object':" TAKEN),
      "200 no 403 Forbidden: Ingress b/thief: "
      "spec.rules[0].http.paths[0].path: "
      "host \"shop.example.com\" and path \"/\" is already defined "
      "in ingress a/shop, as Prefix: " OR_ASK },
    { "update: what was repaired is not mentioned", "/validate",
      UPDATE("a", GOOD, ING("a", "good", SNIPPET, HOST("good.example.com"))),
      "200 yes" },
    { "malformed: another kind", "/validate",
      "{'apiVersion':'admission.k8s.io/"
      "v1','kind':'AdmissionReview','request':{'uid':'u1','kind':{'group':'','"
      "version':'v1','kind':'Pod'},'operation':'CREATE','object':{}}}",
      "400 request.kind.group: is \"\", not \"networking.k8s.io\"\n" },
    { "malformed: not JSON", "/validate", "hello",
      "400 JSON line 1 column 5: \"'[' or '{' expected near 'hello'\"\n" },
    { "malformed: no body", "/validate", "",
      "400 JSON line 1 column 0: \"'[' or '{' expected near end of "
      "file\"\n" },
    { "mutate: nothing to do", "/mutate", CREATE("a", GOOD), "200 yes" },
    { "mutate: the legacy annotation moves", "/mutate",
      CREATE("a", ING("a", "x", LEGACY("sallyport"), NO_CLASS)),
      "200 yes\n"
      "patch JSONPatch: "
      "[{\"op\":\"add\",\"path\":\"/spec/"
      "ingressClassName\",\"value\":\"sallyport\"},{\"op\":\"remove\","
      "\"path\":\"/metadata/annotations/kubernetes.io~1ingress.class\"}]" },
    { "mutate: into an empty class name too", "/mutate",
      CREATE("a", ING("a", "x", LEGACY("sallyport"),
                      "'ingressClassName':''," NO_CLASS)),
      "200 yes\n"
      "patch JSONPatch: "
      "[{\"op\":\"add\",\"path\":\"/spec/"
      "ingressClassName\",\"value\":\"sallyport\"},{\"op\":\"remove\","
      "\"path\":\"/metadata/annotations/kubernetes.io~1ingress.class\"}]" },
    { "mutate: on update too", "/mutate",
      UPDATE("a", ING("a", "x", LEGACY("sallyport"), NO_CLASS),
             ING("a", "x", "", NO_CLASS)),
      "200 yes\n"
      "patch JSONPatch: "
      "[{\"op\":\"add\",\"path\":\"/spec/"
      "ingressClassName\",\"value\":\"sallyport\"},{\"op\":\"remove\","
      "\"path\":\"/metadata/annotations/kubernetes.io~1ingress.class\"}]" },
    { "mutate: dry run gets the patch too", "/mutate",
      DRY_CREATE("a", ING("a", "x", LEGACY("sallyport"), NO_CLASS)),
      "200 yes\n"
      "patch JSONPatch: "
      "[{\"op\":\"add\",\"path\":\"/spec/"
      "ingressClassName\",\"value\":\"sallyport\"},{\"op\":\"remove\","
      "\"path\":\"/metadata/annotations/kubernetes.io~1ingress.class\"}]" },
    { "mutate: a spec that is not there is made", "/mutate",
      CREATE("a", "{'metadata':{'name':'x','namespace':'a'" LEGACY(
                      "sallyport") "}}"),
      "200 yes\n"
      "patch JSONPatch: "
      "[{\"op\":\"add\",\"path\":\"/"
      "spec\",\"value\":{}},{\"op\":\"add\",\"path\":\"/spec/"
      "ingressClassName\",\"value\":\"sallyport\"},{\"op\":\"remove\","
      "\"path\":\"/metadata/annotations/kubernetes.io~1ingress.class\"}]" },
    { "mutate: a generated name", "/mutate",
      CREATE("a", "{'metadata':{'generateName':'x-','namespace':'a'" LEGACY(
                      "sallyport") "},'spec':{}}"),
      "200 yes\n"
      "patch JSONPatch: "
      "[{\"op\":\"add\",\"path\":\"/spec/"
      "ingressClassName\",\"value\":\"sallyport\"},{\"op\":\"remove\","
      "\"path\":\"/metadata/annotations/kubernetes.io~1ingress.class\"}]" },
    { "mutate: again changes nothing", "/mutate",
      CREATE("a", ING("a", "x", "", OURS "," NO_CLASS)), "200 yes" },
    { "mutate: both are given", "/mutate",
      CREATE("a", ING("a", "x", LEGACY("sallyport"), OURS "," NO_CLASS)),
      "200 yes" },
    { "mutate: another class", "/mutate",
      CREATE("a", ING("a", "x", LEGACY("nginx"), NO_CLASS)), "200 yes" },
    { "mutate: no class at all", "/mutate",
      CREATE("a", ING("a", "x", "", NO_CLASS)), "200 yes" },
    { "mutate: being deleted", "/mutate",
      UPDATE("a", ING("a", "x", LEGACY("sallyport") DELETED, NO_CLASS),
             ING("a", "x", "", NO_CLASS)),
      "200 yes" },
    { "mutate: a bad object is left for validation", "/mutate",
      CREATE("a", ING("a", "x", SNIPPET, HOST("shop.example.com"))),
      "200 yes" },
    { "mutate: an object that does not decode", "/mutate",
      CREATE("a",
             "{'metadata':{'name':'x','namespace':'a'},'spec':{'rules':7}}"),
      "200 yes" },
    { "mutate: delete", "/mutate", DELETE("a", GOOD), "200 yes" },
    { "mutate: malformed", "/mutate", "{}", "400 apiVersion: is missing\n" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *got = NULL;
    struct world w;

    world_init(&w);
    watch_run(w.watch, 0);
    got = world_post(&w, row->path, row->body);
    assert_string_equal(got, row->want);
    world_fini(&w);
}

TABLE_MAIN("server", rows, check_row)
