#include "tests/unit/table.h"

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/ingress/judge.h"
#include "tests/unit/ingress/objects.h"

#define B0 "spec.rules[0].http.paths[0].backend.service."
#define PORTED(name, port)                                                 \
    RA("{'path':'/','pathType':'Prefix','backend':{'service':{'name':'"    \
       name "','port':{" port "}}}}")

/* --- Against what an Ingress names --- */

enum { EXTERNAL = 1, SERVICES = 2, SECRETS = 4, UNSYNCED = 8, REDIRECT = 16,
       BESIDE = 32 };

static const char *const services[] = {
    "{'metadata':{'namespace':'n','name':'s'},'spec':{'ports':["
    "{'name':'web','port':80},{'port':443}]}}",
    "{'metadata':{'namespace':'n','name':'udp'},'spec':{'ports':["
    "{'name':'dns','port':80,'protocol':'UDP'}]}}",
    "{'metadata':{'namespace':'n','name':'both'},'spec':{'ports':["
    "{'name':'u','port':80,'protocol':'TCP'},"
    "{'name':'t','port':81,'protocol':'TCP'}]}}",
    "{'metadata':{'namespace':'n','name':'none'},'spec':{}}",
    "{'metadata':{'namespace':'n','name':'out'},'spec':{"
    "'type':'ExternalName','externalName':'example.com'}}",
    "{'metadata':{'namespace':'m','name':'far'},'spec':{'ports':["
    "{'port':80}]}}",
    "{'metadata':{'namespace':'n','name':'aim'},'spec':{'ports':["
    "{'name':'a','port':80,'targetPort':8080},"
    "{'name':'web','port':8080,'targetPort':'b'}]}}",
    "{'metadata':{'namespace':'n','name':'many'},'spec':{'ports':["
    "{'name':'a','port':1},{'name':'b','port':2},{'name':'c','port':3},"
    "{'name':'d','port':4},{'name':'e','port':5},{'name':'f','port':6},"
    "{'name':'g','port':7},{'name':'h','port':8},{'name':'i','port':9}]}}",
};

static const struct row {
    const char *name;
    int flags;
    const char *spec;
    const char *want;
} rows[] = {
    { "all there", SERVICES | SECRETS,
      RA(PREFIX("/", "s")) TLS("{'hosts':['a.x'],'secretName':'c'}"), "" },
    { "port by name", SERVICES, PORTED("s", "'name':'web'"), "" },
    { "second port", SERVICES, PORTED("s", "'number':443"), "" },
    { "no Service", SERVICES, RA(PREFIX("/", "t")),
      "warning " B0 "name: Service \"n/t\" does not exist: requests get 503 "
      "until it does\n" },
    { "no Service is asked where all is redirected", SERVICES | REDIRECT,
      RA(PREFIX("/", "t")) "," DEFAULT("u"), "" },
    { "Services that annotations name", SERVICES | BESIDE,
      RA(PREFIX("/", "s")),
      "warning metadata.annotations[nginx.ingress.kubernetes.io/"
      "default-backend]: Service \"n/t\" does not exist: nobody answers in "
      "place of errors and of endpoints that are missing until it does\n"
      "warning metadata.annotations[sallyport.dev/mirror-target]: Service "
      "\"n/u\" does not exist: no request is copied until it does\n" },
    { "Services that annotations name, nobody to say", BESIDE,
      RA(PREFIX("/", "s")), "" },
    { "a Service of another namespace is none", SERVICES,
      RA(PREFIX("/", "far")),
      "warning " B0 "name: Service \"n/far\" does not exist: requests get "
      "503 until it does\n" },
    { "no such port", SERVICES, PORTED("s", "'number':81"),
      "warning " B0 "port: Service \"n/s\" has no port 81 (it has: 80 "
      "(\"web\"), 443): requests get 503 until it has\n" },
    { "no such port name", SERVICES, PORTED("s", "'name':'http'"),
      "warning " B0 "port: Service \"n/s\" has no port \"http\" (it has: 80 "
      "(\"web\"), 443): requests get 503 until it has\n" },
    { "a port before a targetPort", SERVICES, PORTED("aim", "'number':8080"),
      "" },
    { "a targetPort's name", SERVICES, PORTED("aim", "'name':'b'"),
      "warning " B0 "port: Service \"n/aim\" has no port \"b\", which is the "
      "targetPort of its port 8080: that is taken, but write the latter\n" },
    { "no ports at all", SERVICES, PORTED("none", "'number':80"),
      "warning " B0 "port: Service \"n/none\" has no port 80 (it has: "
      "none): requests get 503 until it has\n" },
    { "more ports than are shown", SERVICES, PORTED("many", "'number':80"),
      "warning " B0 "port: Service \"n/many\" has no port 80 (it has: 1 "
      "(\"a\"), 2 (\"b\"), 3 (\"c\"), 4 (\"d\"), 5 (\"e\"), 6 (\"f\"), 7 "
      "(\"g\"), 8 (\"h\") and 1 more): requests get 503 until it has\n" },
    { "not TCP", SERVICES, PORTED("udp", "'name':'dns'"),
      "warning " B0 "port: port \"dns\" of Service \"n/udp\" is not TCP: "
      "requests get 503\n" },
    { "ExternalName", SERVICES, RA(PREFIX("/", "out")),
      "error " B0 "name: Service \"n/out\" is of type ExternalName, which "
      "this controller serves only with --allow-external-names: use a "
      "Service with endpoints in the cluster\n" },
    { "ExternalName where it is allowed", SERVICES | EXTERNAL,
      RA(PREFIX("/", "out")), "" },
    { "default backend alone", SERVICES, DEFAULT("t"),
      "warning spec.defaultBackend.service.name: Service \"n/t\" does not "
      "exist: requests get 503 until it does\n" },
    { "default backend beside rules", SERVICES,
      RA(PREFIX("/", "s")) "," DEFAULT("t"),
      "warning spec.defaultBackend.service.name: Service \"n/t\" does not "
      "exist: requests get 503 until it does\n" },
    { "default backend of an empty rule is told once", SERVICES,
      "'rules':[{}]," DEFAULT("t"),
      "warning spec.defaultBackend.service.name: Service \"n/t\" does not "
      "exist: requests get 503 until it does\n" },
    { "kinds that are not watched", 0,
      RA(PREFIX("/", "t")) TLS("{'hosts':['a.x'],'secretName':'d'}"), "" },
    { "kinds that are not read yet", SERVICES | SECRETS | UNSYNCED,
      RA(PREFIX("/", "t")) TLS("{'hosts':['a.x'],'secretName':'d'}"), "" },
    { "the model's own findings come along", SERVICES, RA(PREFIX("x", "s")),
      "error spec.rules[0].http.paths[0].path: path \"x\" must begin with "
      "\"/\"\n" },
};

static struct cache *
make_cache(int flags)
{
    struct cache *cache = cache_new();

    cache_expect(cache, KUBE_SERVICE, flags & SERVICES ? 1 : 0);
    cache_expect(cache, KUBE_SECRET, flags & SECRETS ? 1 : 0);
    if (flags & UNSYNCED) {
        return cache;
    }
    cache_list_begin(cache, KUBE_SERVICE, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
        cache_put(cache, object_of(KUBE_SERVICE, services[i]));
    }
    cache_list_end(cache, KUBE_SERVICE, NULL);
    cache_list_begin(cache, KUBE_SECRET, NULL);
    cache_put(cache, object_of(KUBE_SECRET,
                               "{'metadata':{'namespace':'n','name':'c'},"
                               "'type':'kubernetes.io/tls'}"));
    cache_list_end(cache, KUBE_SECRET, NULL);
    return cache;
}

static void
put_findings(struct buf *out, const struct findings *fs)
{
    for (size_t i = 0; i < findings_count(fs); i++) {
        const struct finding *f = findings_get(fs, i);

        buf_printf(out, "%s ",
                   f->severity == FINDING_ERROR ? "error" : "warning");
        finding_print(f, out);
        buf_putc(out, '\n');
    }
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct ruleset r = RULESET_INIT;
    struct cache *cache = make_cache(row->flags);
    AUTO_FINDINGS struct findings *found = findings_new();
    AUTO_BUF struct buf out = BUF_OWN;
    struct model *m;

    r.allow_external_names = row->flags & EXTERNAL;
    m = model_of(&r, "n/a", 1,
                 row->flags & REDIRECT
                     ? ANNOTATION("permanent-redirect", "https://b.x/")
                 : row->flags & BESIDE
                     ? ANNOTATION("default-backend", "t")
                       ",'sallyport.dev/mirror-target':'http://u.n.svc'"
                     : NULL,
                 row->spec);
    judge(m, NULL, cache, found);
    put_findings(&out, found);
    assert_string_equal(buf_str(&out), row->want);
    model_unref(m);
    cache_free(cache);
}

/* --- Ratchet: the verdict on an update --- */

#define FOREIGN(what)                                                      \
    " spec.rules[0].host: host \"a.x\" belongs to namespace \"m\" "        \
    "(ingress m/b has it since 1970-01-01), and with it " what             \
    ": use another host, or ask the owners of namespace \"m\"\n"

/* In a cluster where m/b has a.x; 'before' is indexed, too. */
static const struct ratchet {
    const char *name;
    const char *before;
    const char *now;
    const char *want;
} ratchets[] = {
    { "nothing new", RA(PREFIX("/b", "s")), RA(PREFIX("/b", "t")),
      "warning" FOREIGN("every path under \"/b\"") },
    { "another backend and a good rule more", RA(PREFIX("/b", "s")),
      RULES(RULE("a.x", PREFIX("/b", "t")) ","
            RULE("b.y", PREFIX("/", "t"))),
      "warning" FOREIGN("every path under \"/b\"") },
    { "one more path on a foreign host", RA(PREFIX("/b", "s")),
      RA(PREFIX("/b", "s") "," PREFIX("/c", "s")),
      "error" FOREIGN("every path under \"/c\"")
      "warning" FOREIGN("every path under \"/b\"") },
    { "another path on a foreign host", RA(PREFIX("/b", "s")),
      RA(PREFIX("/c", "s")), "error" FOREIGN("every path under \"/c\"") },
    { "more of the same path", RA(EXACT("/b", "s")), RA(PREFIX("/b", "s")),
      "error" FOREIGN("every path under \"/b\"") },
    { "paths in another order", RA(PREFIX("/b", "s") "," PREFIX("x", "s")),
      RA(PREFIX("x", "s") "," PREFIX("/b", "s")),
      "warning" FOREIGN("every path under \"/b\"")
      "warning spec.rules[0].http.paths[0].path: path \"x\" must begin with "
      "\"/\"\n" },
    { "a new wrong value beside an old one", RA(PREFIX("x", "s")),
      RA(PREFIX("x", "s") "," PREFIX("y", "s")),
      "error spec.rules[0].http.paths[1].path: path \"y\" must begin with "
      "\"/\"\n"
      "warning spec.rules[0].host: host \"a.x\" belongs to namespace "
      "\"m\" (ingress m/b has it since 1970-01-01): use another host, or "
      "ask the owners of namespace \"m\"\n"
      "warning spec.rules[0].http.paths[0].path: path \"x\" must begin with "
      "\"/\"\n" },
};

static void
check_ratchet(void **state)
{
    const struct ratchet *row = *state;
    const struct ruleset r = RULESET_INIT;
    struct claims *c = claims_new(&r);
    struct model *owner =
        model_of(&r, "m/b", 1, NULL, RA(PREFIX("/", "s")));
    struct model *before = model_of(&r, "n/a", 2, NULL, row->before);
    struct model *now = model_of(&r, "n/a", 2, NULL, row->now);
    AUTO_FINDINGS struct findings *found = findings_new();
    AUTO_FINDINGS struct findings *old = findings_new();
    AUTO_BUF struct buf out = BUF_OWN;

    claims_set(c, owner);
    claims_set(c, before);
    judge(before, c, NULL, old);
    judge(now, c, NULL, found);
    judge_ratchet(found, old);
    put_findings(&out, found);
    assert_string_equal(buf_str(&out), row->want);
    model_unref(owner);
    model_unref(before);
    model_unref(now);
    claims_free(c);
}

/* --- Untouched --- */

#define BASE                                                               \
    "'ingressClassName':'c'," RA(PREFIX("/", "s"))                         \
        TLS("{'hosts':['a.x'],'secretName':'c'}") "," DEFAULT("d")

static const struct touch {
    const char *name;
    const char *annotations;
    const char *spec;
    bool want;
} touches[] = {
    { "the same", "'nginx.ingress.kubernetes.io/x':'1'", BASE, true },
    { "a foreign annotation",
      "'nginx.ingress.kubernetes.io/x':'1','a.io/y':'1','z.io/y':'1'", BASE,
      true },
    { "another value", "'nginx.ingress.kubernetes.io/x':'2'", BASE, false },
    { "one more", "'nginx.ingress.kubernetes.io/x':'1',"
      "'nginx.ingress.kubernetes.io/y':'1'", BASE, false },
    { "one of ours", "'nginx.ingress.kubernetes.io/x':'1',"
      "'sallyport.dev/y':'1'", BASE, false },
    { "the legacy class", "'nginx.ingress.kubernetes.io/x':'1',"
      "'kubernetes.io/ingress.class':'c'", BASE, false },
    { "one gone", "", BASE, false },
    { "the same bytes, with another end", "'nginx.ingress.kubernetes.io/x1':''",
      BASE, false },
    { "class gone", "'nginx.ingress.kubernetes.io/x':'1'",
      RA(PREFIX("/", "s")) TLS("{'hosts':['a.x'],'secretName':'c'}") ","
      DEFAULT("d"), false },
    { "backend", "'nginx.ingress.kubernetes.io/x':'1'",
      "'ingressClassName':'c'," RA(PREFIX("/", "t"))
      TLS("{'hosts':['a.x'],'secretName':'c'}") "," DEFAULT("d"), false },
    { "path", "'nginx.ingress.kubernetes.io/x':'1'",
      "'ingressClassName':'c'," RA(PREFIX("/a", "s"))
      TLS("{'hosts':['a.x'],'secretName':'c'}") "," DEFAULT("d"), false },
    { "path type", "'nginx.ingress.kubernetes.io/x':'1'",
      "'ingressClassName':'c'," RA(EXACT("/", "s"))
      TLS("{'hosts':['a.x'],'secretName':'c'}") "," DEFAULT("d"), false },
    { "host", "'nginx.ingress.kubernetes.io/x':'1'",
      "'ingressClassName':'c'," RULES(RULE("b.x", PREFIX("/", "s")))
      TLS("{'hosts':['a.x'],'secretName':'c'}") "," DEFAULT("d"), false },
    { "TLS host", "'nginx.ingress.kubernetes.io/x':'1'",
      "'ingressClassName':'c'," RA(PREFIX("/", "s"))
      TLS("{'hosts':['b.x'],'secretName':'c'}") "," DEFAULT("d"), false },
    { "Secret", "'nginx.ingress.kubernetes.io/x':'1'",
      "'ingressClassName':'c'," RA(PREFIX("/", "s"))
      TLS("{'hosts':['a.x'],'secretName':'d'}") "," DEFAULT("d"), false },
    { "default backend", "'nginx.ingress.kubernetes.io/x':'1'",
      "'ingressClassName':'c'," RA(PREFIX("/", "s"))
      TLS("{'hosts':['a.x'],'secretName':'c'}") "," DEFAULT("e"), false },
    { "no default backend", "'nginx.ingress.kubernetes.io/x':'1'",
      "'ingressClassName':'c'," RA(PREFIX("/", "s"))
      TLS("{'hosts':['a.x'],'secretName':'c'}"), false },
};

static void
check_touch(void **state)
{
    const struct touch *row = *state;
    AUTO_KUBE const struct kube_object *before = ingress_of(
        "n/a", 1, "'nginx.ingress.kubernetes.io/x':'1','a.io/y':'2'", BASE);
    AUTO_KUBE const struct kube_object *now =
        ingress_of("n/a", 1, row->annotations, row->spec);

    assert_int_equal(judge_is_untouched(now, before), row->want);
    assert_int_equal(judge_is_untouched(before, now), row->want);
}

int
main(void)
{
    return TABLE_RUN("judge", rows, check_row) +
           TABLE_RUN("judge ratchet", ratchets, check_ratchet) +
           TABLE_RUN("judge untouched", touches, check_touch);
}
