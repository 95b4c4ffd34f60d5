#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/key.h"
#include "lib/ingress/lookup.h"
#include "tests/unit/ingress/objects.h"

#define ROUTE(TYPE, TEXT, SERVICE)                                          \
    "{'path':'" TEXT "','pathType':'" TYPE "','backend':{'service':"       \
    "{'name':'" SERVICE "','port':{'number':80}}}}"
#define HOST(HOST, PATHS)                                                  \
    "{'host':'" HOST "','http':{'paths':[" PATHS "]}}"
#define NGINX "nginx.ingress.kubernetes.io/"

static const struct ruleset ruleset = { .ingress_class = RULESET_CLASS,
                                        .ssl_passthrough = true };

/* What all rows are asked of. */
static const struct {
    const char *key;
    const char *annotations;
    const char *spec;
} ingresses[] = {
    { "a/paths", NULL,
      "'rules':[" HOST("h.test",
                       ROUTE("Prefix", "/a", "a") ","
                       ROUTE("Exact", "/a", "exact") ","
                       ROUTE("Prefix", "/a/b", "ab") ","
                       ROUTE("Exact", "/x/", "folder")) "]" },
    { "a/wild", NULL, "'rules':[" HOST("*.test", ROUTE("Prefix", "/", "wild"))
      "]" },
    { "a/all", NULL, "'defaultBackend':{'service':{'name':'all','port':"
      "{'number':80}}}" },
    { "a/tls", NULL, "'tls':[{'hosts':['s.test'],'secretName':'s'}],"
      "'rules':[" HOST("s.test", ROUTE("Prefix", "/", "s") ","
                       ROUTE("Prefix", "/.well-known/acme-challenge/t",
                            "solver")) "]" },
    { "a/regex", "'" NGINX "use-regex':'true'",
      "'rules':[" HOST("r.test", ROUTE("ImplementationSpecific", "/v[0-9]+",
                                      "number") ","
                       ROUTE("ImplementationSpecific", "/v1/longer", "long"))
      "]" },
    { "a/literal", NULL,
      "'rules':[" HOST("r.test", ROUTE("Prefix", "/lit", "literal")) "]" },
    { "a/moved", "'" NGINX "permanent-redirect':'https://x.test/'",
      "'rules':[" HOST("moved.test", ROUTE("Prefix", "/", "m")) "]" },
    { "a/closed", "'" NGINX "whitelist-source-range':'nowhere'",
      "'rules':[" HOST("closed.test", ROUTE("Prefix", "/", "c")) "]" },
    { "a/through", "'" NGINX "ssl-passthrough':'true'",
      "'rules':[" HOST("p.test", ROUTE("Prefix", "/", "p")) "]" },
};

/* 'want': a Service, "400", or a word of serve_action_text(). */
static const struct row {
    const char *name;
    const char *host;
    const char *target;
    const char *want;
    unsigned version;           /* 0: HTTP/1.1. */
    const char *method;         /* NULL: GET. */
    bool is_https;
} rows[] = {
    { "exact over prefix", "h.test", "/a", "exact", 0, NULL, false },
    { "slash is not exact", "h.test", "/a/", "a", 0, NULL, false },
    { "longest prefix", "h.test", "/a/b/c", "ab", 0, NULL, false },
    { "element by element", "h.test", "/a/bc", "a", 0, NULL, false },
    { "exact folder", "h.test", "/x/", "folder", 0, NULL, false },
    { "exact folder without slash", "h.test", "/x", "default", 0, NULL,
      false },
    { "query is no path", "h.test", "/a?/b", "exact", 0, NULL, false },
    { "a host with rows asks no wildcard", "h.test", "/", "default", 0, NULL,
      false },
    { "dots resolved", "h.test", "/z/../a/./b", "ab", 0, NULL, false },
    { "escaped dots resolved", "h.test", "/z/%2e%2E/a", "exact", 0, NULL,
      false },
    { "escaped slash", "h.test", "/a%2fb", "ab", 0, NULL, false },
    { "slashes merged before dots", "h.test", "/a//../a", "exact", 0, NULL,
      false },
    { "upper case, dot and port", "H.TEST.:8080", "/a", "exact", 0, NULL,
      false },
    { "wildcard", "w.test", "/q", "wild", 0, NULL, false },
    { "one label only", "w.v.test", "/q", "all", 0, NULL, false },
    { "IPv6", "[::1]:80", "/", "all", 0, NULL, false },
    { "no Host, HTTP/1.0", NULL, "/a", "all", 10, NULL, false },
    { "no Host, HTTP/1.1", NULL, "/a", "400", 0, NULL, false },
    { "no authority, HTTP/2", NULL, "/a", "all", 20, NULL, false },
    { "empty Host", "", "/", "400", 0, NULL, false },
    { "slash in Host", "h.test/z", "/", "400", 0, NULL, false },
    { "comma in Host", "h.test,w.test", "/", "400", 0, NULL, false },
    { "two dots in Host", "h..test", "/", "400", 0, NULL, false },
    { "two dots behind Host", "h.test..", "/", "400", 0, NULL, false },
    { "port of five digits", "h.test:99999", "/a", "exact", 0, NULL, false },
    { "port of six digits", "h.test:123456", "/a", "400", 0, NULL, false },
    { "port of no digit", "h.test:", "/a", "400", 0, NULL, false },
    { "port of no digit, HTTP/2", "h.test:", "/a", "exact", 20, NULL, false },
    { "two default ports, HTTP/2", "h.test:80:80", "/a", "exact", 20, NULL,
      false },
    { "underscore in Host", "a_b.test", "/", "wild", 0, NULL, false },
    { "NUL escape", "h.test", "/a%00", "400", 0, NULL, false },
    { "backslash", "h.test", "/a\\b", "400", 0, NULL, false },
    { "broken escape", "h.test", "/a%zz", "400", 0, NULL, false },
    { "broken escape in the query", "h.test", "/a?%zz", "exact", 0, NULL,
      false },
    { "byte beyond ASCII", "h.test", "/\xe9", "400", 0, NULL, false },
    { "hash", "h.test", "/a#b", "400", 0, NULL, false },
    { "blank in the target", "h.test", "/a b", "400", 0, NULL, false },
    { "blanks around the target", "h.test", "\t/a ", "exact", 0, NULL,
      false },
    { "absolute form", "h.test", "http://h.test/a", "exact", 0, NULL,
      false },
    { "absolute form with user", "h.test", "http://u@h.test/a", "exact", 0,
      NULL, false },
    { "absolute form, default port", "h.test", "http://h.test:80/a", "exact",
      0, NULL, false },
    { "absolute form, other port", "h.test", "http://h.test:81/a", "400", 0,
      NULL, false },
    { "absolute form of another host", "h.test", "http://w.test/a", "400", 0,
      NULL, false },
    { "absolute form without path", "w.test", "http://w.test", "wild", 0,
      NULL, false },
    { "authority form", "h.test", "h.test", "not-found", 0, NULL, false },
    { "authority form, OPTIONS", "h.test", "h.test", "default", 0, "OPTIONS",
      false },
    { "star", "w.test", "*", "not-found", 0, NULL, false },
    { "star, OPTIONS", "w.test", "*", "wild", 0, "OPTIONS", false },
    { "star, HTTP/2", "w.test", "*", "wild", 20, NULL, false },
    { "relative, HTTP/2", "w.test", "a", "400", 20, NULL, false },
    { "TRACE", "h.test", "/a", "405", 0, "TRACE", false },
    { "CONNECT", "h.test", "/a", "405", 0, "CONNECT", false },
    { "http to https", "s.test", "/", "https-redirect", 0, NULL, false },
    { "https stays", "s.test", "/", "s", 0, NULL, true },
    { "solver stays", "s.test", "/.well-known/acme-challenge/t", "solver", 0,
      NULL, false },
    { "expression", "r.test", "/v42", "number", 0, NULL, false },
    { "longer text first", "r.test", "/v1/longer/x", "long", 0, NULL, false },
    { "any case", "r.test", "/V42", "number", 0, NULL, false },
    { "literal beside expressions", "r.test", "/lit/x", "literal", 0, NULL,
      false },
    { "literal keeps its case", "r.test", "/LIT", "default", 0, NULL, false },
    { "redirect", "moved.test", "/", "redirect", 0, NULL, false },
    { "fail closed", "closed.test", "/", "unavailable", 0, NULL, false },
    { "http of passthrough", "p.test", "/", "https-redirect", 0, NULL,
      false },
};

static bool
covers_nothing(const char *secret, const char *host, void *aux)
{
    (void) secret;
    (void) host;
    (void) aux;
    return false;
}

static struct claims *
make_claims(void)
{
    struct claims *claims = claims_new(&ruleset);

    for (size_t i = 0; i < ARRAY_SIZE(ingresses); i++) {
        struct model *model = model_of(&ruleset, ingresses[i].key, (int) i,
                                       ingresses[i].annotations,
                                       ingresses[i].spec);

        claims_set(claims, model);
        model_unref(model);
    }
    return claims;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct claims *claims = make_claims();
    const struct lookup_world world = { .claims = claims,
                                        .covers = covers_nothing };
    const struct lookup_request request = {
        .is_https = row->is_https,
        .version = row->version ? row->version : 11,
        .method = row->method ? row->method : "GET",
        .target = row->target,
        .host = row->host,
    };
    struct lookup_answer a;
    AUTO_FREE char *status = NULL;

    lookup(&world, &request, &a);
    status = xasprintf("%u", a.status);
    assert_string_equal(a.status ? status
                        : a.action == SERVE_FORWARD
                            ? a.row->route.backend.service
                            : serve_action_text(a.action),
                        row->want);
    assert_int_equal(a.status != 0, a.why != NULL);
    lookup_fini(&a);
    claims_free(claims);
}

/* --- Passthrough by server name --- */

static const struct sni {
    const char *name;
    const char *sni;
    bool passes;
} snis[] = {
    { "its name", "p.test", true },
    { "any case, trailing dot", "P.Test.", true },
    { "another host", "h.test", false },
    { "nobody's", "q.example", false },
    { "none", "", false },
};

static void
check_sni(void **state)
{
    const struct sni *row = *state;
    struct claims *claims = make_claims();
    const struct lookup_world world = { .claims = claims,
                                        .covers = covers_nothing };
    struct claim *found;
    const struct claim *c = lookup_passthrough(&world, row->sni, &found);

    assert_int_equal(c != NULL, row->passes);
    if (c) {
        assert_string_equal(c->route->backend.service, "p");
    }
    free(found);
    claims_free(claims);
}

/* --- The path of a request --- */

static const struct path {
    const char *name;
    const char *path;
    const char *want;           /* NULL: refused. */
} paths[] = {
    { "root", "/", "/" },
    { "dot", "/.", "/" },
    { "dots", "/..", "/" },
    { "dots above the root", "/../../a", "/a" },
    { "dot at the end", "/a/.", "/a/" },
    { "dots at the end", "/a/b/..", "/a/" },
    { "dots that empty it", "/a/..", "/" },
    { "dots and slash", "/a/../", "/" },
    { "three dots are a name", "/.../a", "/.../a" },
    { "a name that begins with dots", "/..a", "/..a" },
    { "trailing slash", "/a/", "/a/" },
    { "slashes", "//a///b//", "/a/b/" },
    { "escaped slash before dots", "/a%2f..%2Fb", "/b" },
    { "escapes", "/%7e%41%c3%A9", "/~A%C3%A9" },
    { "raw blank", "/a b", NULL },
    { "raw byte", "/\x80", NULL },
    { "delete", "/\x7f", NULL },
    { "escaped control", "/%1F", NULL },
    { "relative", "a", NULL },
    { "empty", "", NULL },
};

static void
check_path(void **state)
{
    const struct path *row = *state;
    AUTO_FREE char *got = key_request_path(row->path);

    assert_int_equal(got != NULL, row->want != NULL);
    if (got) {
        assert_string_equal(got, row->want);
    }
}

int
main(void)
{
    int failed = TABLE_RUN("requests", rows, check);

    failed += TABLE_RUN("server names", snis, check_sni);
    return failed + TABLE_RUN("paths", paths, check_path);
}
