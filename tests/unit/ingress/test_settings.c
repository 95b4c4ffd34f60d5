#include "tests/unit/table.h"

#include "tests/unit/ingress/annot_help.h"

/* --- What several annotations together mean --- */

#define PAIRS_MAX 6

static const struct cross {
    const char *name;
    struct kube_pair pairs[PAIRS_MAX];
    const char *paths[3];       /* All ImplementationSpecific. */
    const char *want;
} crosses[] = {
    { "nothing", { { NULL, NULL } }, { NULL }, "" },
    { "not ours", { { "example.com/x", "y" } }, { NULL }, "" },
    { "cookie without affinity",
      { { N "session-cookie-name", "x" } }, { NULL },
      "W session-cookie-name: it has no effect without affinity: "
      "\"cookie\"" },
    { "cookie with a bad affinity",
      { { N "affinity", "sticky" }, { N "session-cookie-max-age", "1" } },
      { NULL },
      "E affinity: \"sticky\" is not known here: write \"cookie\"; "
      "W session-cookie-max-age: it has no effect without affinity: "
      "\"cookie\"" },
    { "cookie: defaults said aloud",
      { { N "session-cookie-secure", "false" } }, { NULL }, "" },
    { "cors without the switch",
      { { N "cors-max-age", "5" }, { N "enable-cors", "false" } }, { NULL },
      "W cors-max-age: it has no effect without enable-cors: \"true\"" },
    { "limits: an exception from none",
      { { N "limit-whitelist", "10.0.0.0/8" } }, { NULL },
      "W limit-whitelist: it has no effect without limit-rps or limit-rpm "
      "or limit-connections" },
    { "limits: an exception from one",
      { { N "limit-whitelist", "10.0.0.0/8" },
        { N "limit-connections", "1" } }, { NULL }, "" },
    { "redirect: code alone",
      { { N "permanent-redirect-code", "308" } }, { NULL },
      "W permanent-redirect-code: it has no effect without "
      "permanent-redirect" },
    { "redirect: both",
      { { N "permanent-redirect", "https://p.test/" },
        { N "temporal-redirect", "https://t.test/" } }, { NULL },
      "W permanent-redirect: it has no effect: temporal-redirect wins" },
    { "alias: the same twice",
      { { N "allowlist-source-range", "10.0.0.1" },
        { N "whitelist-source-range", "10.0.0.1" } }, { NULL }, "" },
    { "alias: two values",
      { { N "allowlist-source-range", "10.0.0.1" },
        { N "whitelist-source-range", "10.0.0.2" } }, { NULL },
      "W allowlist-source-range: it has no effect: "
      "nginx.ingress.kubernetes.io/whitelist-source-range says the same "
      "otherwise" },
    { "prefix: ours wins",
      { { N "proxy-body-size", "1x" }, { S "proxy-body-size", "1m" } },
      { NULL },
      "W proxy-body-size: it has no effect: sallyport.dev/proxy-body-size "
      "says the same otherwise" },
    { "prefix: an empty one does not count",
      { { N "proxy-body-size", "1m" }, { S "proxy-body-size", "" } },
      { NULL }, "" },
    { "rewrite: groups there",
      { { N "rewrite-target", "/$2" } }, { "/x(/|$)(.*)" }, "" },
    { "rewrite: group missing in one of two",
      { { N "rewrite-target", "/$2" } }, { "/x(/|$)(.*)", "/y(.*)" },
      "E rewrite-target: \"/$2\" uses $2, but the path \"/y(.*)\" "
      "(spec.rules[0].http.paths[1]) has 1 group: write a path such as "
      "\"/x(/|$)(.*)\", or a target without $2" },
    { "rewrite: no group at all",
      { { N "rewrite-target", "/$1" } }, { "/y" },
      "E rewrite-target: \"/$1\" uses $1, but the path \"/y\" "
      "(spec.rules[0].http.paths[0]) has 0 groups: write a path such as "
      "\"/x(/|$)(.*)\", or a target without $1" },
    { "rewrite: everything to one",
      { { N "rewrite-target", "/" } }, { "/y" },
      "W rewrite-target: every request under the path \"/y\" "
      "(spec.rules[0].http.paths[0]) becomes \"/\": to keep the rest, write "
      "the path as \"/y(/|$)(.*)\" and the target as \"/$2\"" },
    { "rewrite: idle", { { N "rewrite-target", "/" } }, { "/" }, "" },
    { "rewrite: a path that does not compile is told elsewhere",
      { { N "rewrite-target", "/$1" } }, { "/y(" }, "" },
    { "regex and affinity",
      { { N "affinity", "cookie" }, { N "use-regex", "true" } }, { NULL },
      "W affinity: paths of this Ingress are regular expressions, so that "
      "the cookie's path is \"/\": write session-cookie-path" },
    { "regex and affinity with a path",
      { { N "affinity", "cookie" }, { N "use-regex", "true" },
        { N "session-cookie-path", "/x" } }, { NULL }, "" },
    { "users: none", { { N "auth-type", "digest" } }, { NULL },
      "E auth-type: it needs auth-secret, the Secret with the users" },
    { "asked: nobody", { { N "auth-method", "HEAD" } }, { NULL },
      "W auth-method: it has no effect without auth-url" },
    { "asked: others' Services are only read",
      { { N "auth-url", "http://a.other.svc/" }, { N "auth-method", "PUT" } },
      { NULL },
      "E auth-method: a Service of another namespace is asked by GET or HEAD "
      "only, not PUT, unless the administrator sets "
      "allow-cross-namespace-resources: \"true\" in the controller's "
      "ConfigMap" },
    { "asked: one's own by any",
      { { N "auth-url", "http://a.default.svc/" },
        { N "auth-method", "PUT" } }, { NULL }, "" },
    { "asked: a host by any",
      { { N "auth-url", "https://a.test/" }, { N "auth-method", "PUT" } },
      { NULL }, "" },
    { "location: one without the other",
      { { N "proxy-redirect-from", "/a" } }, { NULL },
      "W proxy-redirect-from: it has no effect without proxy-redirect-to" },
    { "location: the other without the one",
      { { N "proxy-redirect-to", "/a" },
        { N "proxy-redirect-from", "off" } }, { NULL },
      "W proxy-redirect-to: it has no effect without "
      "proxy-redirect-from" },
    { "location: both",
      { { N "proxy-redirect-to", "/a" },
        { N "proxy-redirect-from", "/b" } }, { NULL }, "" },
    { "prefix without a rewrite",
      { { N "x-forwarded-prefix", "/a" } }, { NULL },
      "W x-forwarded-prefix: it has no effect without rewrite-target" },
    { "cors: all headers with credentials",
      { { N "enable-cors", "true" }, { N "cors-allow-headers", "*" } },
      { NULL },
      "W cors-allow-headers: browsers take \"*\" as the name of a header "
      "where credentials are allowed: list the headers, or write "
      "cors-allow-credentials: \"false\"" },
    { "cors: all headers without",
      { { N "enable-cors", "true" }, { N "cors-allow-headers", "*" },
        { N "cors-allow-credentials", "false" } }, { NULL }, "" },
    { "verified: by what",
      { { N "backend-protocol", "HTTPS" }, { N "proxy-ssl-verify", "on" },
        { N "proxy-ssl-name", "x.test" } }, { NULL },
      "E proxy-ssl-verify: it needs proxy-ssl-secret, whose ca.crt signed "
      "the endpoints' certificates" },
    { "verified: for whom",
      { { N "backend-protocol", "GRPCS" }, { N "proxy-ssl-verify", "on" },
        { N "proxy-ssl-secret", "ca" } }, { NULL },
      "E proxy-ssl-verify: it needs proxy-ssl-name: the name that the "
      "endpoints' certificates are for" },
    { "verified: not in plain HTTP",
      { { N "proxy-ssl-verify", "on" }, { N "proxy-ssl-secret", "ca" },
        { N "proxy-ssl-name", "x.test" } }, { NULL },
      "E proxy-ssl-verify: there is no certificate to verify without TLS: "
      "write backend-protocol: \"HTTPS\" or \"GRPCS\"" },
    { "TLS to endpoints: not in plain HTTP",
      { { N "proxy-ssl-secret", "ca" }, { N "proxy-ssl-verify", "off" } },
      { NULL },
      "W proxy-ssl-secret: it has no effect without backend-protocol: "
      "\"HTTPS\" or \"GRPCS\"" },
    { "passthrough: what stays",
      { { N "ssl-passthrough", "true" }, { N "load-balance", "round_robin" },
        { N "ssl-redirect", "true" } }, { NULL }, "" },
    { "passthrough: idle",
      { { N "ssl-passthrough", "true" }, { N "proxy-body-size", "1m" } },
      { NULL },
      "W proxy-body-size: it has no effect on connections with "
      "ssl-passthrough, which stay unopened" },
    { "passthrough: a protection",
      { { N "ssl-passthrough", "true" },
        { N "whitelist-source-range", "10.0.0.0/8" } }, { NULL },
      "E whitelist-source-range: it cannot protect a host with "
      "ssl-passthrough, whose connections stay unopened: take one of the "
      "two out" },
};

static char *
read_cross(const struct kube_pair *given, const char *const *texts,
           size_t n_texts, struct settings *out)
{
    struct kube_pair pairs[PAIRS_MAX];
    struct kube_path paths[3] = { 0 };
    size_t n = 0, n_paths = 0;

    while (n < PAIRS_MAX && given[n].name) {
        pairs[n] = given[n];
        n++;
    }
    while (n_paths < n_texts && texts[n_paths]) {
        paths[n_paths] = (struct kube_path) {
            .path = texts[n_paths], .type = KUBE_PATH_IMPLEMENTATION,
        };
        n_paths++;
    }
    return annot_read_pairs(pairs, n, paths, n_paths, out);
}

static void
check_cross(void **state)
{
    const struct cross *row = *state;
    struct settings s;
    AUTO_FREE char *got =
        read_cross(row->pairs, row->paths, ARRAY_SIZE(row->paths), &s);

    settings_fini(&s);
    assert_string_equal(got, row->want);
}

/* --- Failing closed --- */

static const struct closed {
    const char *name;
    const char *annotation;
    const char *value;
    bool want;
} closed[] = {
    { "nothing", "enable-cors", "true", false },
    { "a bad value of no protection", "proxy-body-size", "x", false },
    { "a good allow list", "whitelist-source-range", "10.0.0.1", false },
    { "a bad allow list", "whitelist-source-range", "10.0.0.1,x", true },
    { "its alias", "allowlist-source-range", "x", true },
    { "an empty one", "whitelist-source-range", "", false },
    { "a bad deny list", "denylist-source-range", "x", true },
    { "a byte that does not belong", "denylist-source-range", "::1\001",
      true },
    { "passwords", "auth-type", "basic", false },
    { "passwords of no kind", "auth-type", "kerberos", true },
    { "a realm that is none", "auth-realm", "a\"b", true },
    { "users that are no Secret", "auth-secret", "../x", true },
    { "neither any nor all", "satisfy", "some", true },
    { "an auth service", "auth-url", "https://a.test/", false },
    { "an auth service that is none", "auth-url", "a.test", true },
    { "how it is asked", "auth-method", "TRACE", true },
    { "whom it may name", "auth-response-headers", "Host", true },
    { "how long its word counts", "auth-cache-duration", "x", true },
    { "whose word it is", "auth-cache-key", "x", true },
    { "its cookies", "auth-always-set-cookie", "x", true },
    { "where it sends back to", "auth-request-redirect", "$x", true },
    { "where it sends to", "auth-signin", "x", true },
    { "others' headers for it", "auth-proxy-set-headers", "other/x", true },
    { "an auth service with a line break", "auth-url", "a\nb", true },
    { "client certificates", "auth-tls-secret", "default/ca", false },
    { "another namespace's", "auth-tls-secret", "other/ca", true },
    { "no name", "auth-tls-secret", "default/", true },
    { "how they are asked for", "auth-tls-verify-client", "maybe", true },
    { "endpoints that are verified", "proxy-ssl-verify", "on", false },
    { "endpoints that perhaps are", "proxy-ssl-verify", "perhaps", true },
    { "by another namespace", "proxy-ssl-secret", "other/ca", true },
    { "their subject", "auth-tls-match-cn", "CN=x(", true },
    { "a firewall", "enable-modsecurity", "true", true },
    { "a firewall that is off", "enable-modsecurity", "0", false },
    { "rules of one", "modsecurity-snippet", "SecRuleEngine On", true },
    { "headers in a snippet", "configuration-snippet",
      "add_header X y;", false },
    { "anything else in a snippet", "configuration-snippet",
      "auth_basic x;", true },
    { "no end to a snippet", "server-snippet", "add_header X y", true },
};

static void
check_closed(void **state)
{
    const struct closed *row = *state;
    const struct annot_row one = { row->name, row->annotation, row->value,
                                   "" };
    struct settings s;
    AUTO_FREE char *text = annot_read_row(&one, &s);
    bool got = s.refuse;

    settings_fini(&s);
    assert_int_equal(got, row->want);
}

static void
a_protection_behind_passthrough_refuses(void **state UNUSED)
{
    static const struct kube_pair pairs[PAIRS_MAX] = {
        { N "ssl-passthrough", "true" },
        { N "denylist-source-range", "10.0.0.0/8" },
    };
    struct settings s;
    AUTO_FREE char *text = read_cross(pairs, NULL, 0, &s);

    assert_true(s.refuse);
    settings_fini(&s);
}

/* --- Values --- */

static void
defaults(void **state UNUSED)
{
    static const struct kube_pair none[PAIRS_MAX] = { { NULL, NULL } };
    struct settings s;
    AUTO_FREE char *text = read_cross(none, NULL, 0, &s);

    assert_false(s.refuse);
    assert_true(s.ssl_redirect);
    assert_false(s.force_ssl_redirect);
    assert_false(s.ssl_passthrough);
    assert_null(s.redirect_url);
    assert_null(s.rewrite_target);
    assert_false(s.use_regex);
    assert_false(s.affinity);
    assert_null(s.cookie_name);
    assert_false(s.cors);
    assert_null(s.cors_methods);
    assert_int_equal(s.cors_origins.n, 0);
    assert_int_equal(s.limit_rps, 0);
    assert_int_equal(s.limit_rpm, 0);
    assert_int_equal(s.limit_connections, 0);
    assert_int_equal(s.limit_burst_multiplier, 5);
    assert_int_equal(s.allow.n, 0);
    assert_int_equal(s.deny.n, 0);
    assert_int_equal(s.connect_timeout_s, 5);
    assert_int_equal(s.read_timeout_s, 60);
    assert_int_equal(s.send_timeout_s, 60);
    assert_int_equal(s.body_size, 0);
    assert_int_equal(s.balance, BALANCE_ROUND_ROBIN);
    assert_false(s.canary);
    settings_fini(&s);
}

static void
redirects(void **state UNUSED)
{
    static const struct kube_pair pairs[PAIRS_MAX] = {
        { N "permanent-redirect", "https://p.test/" },
        { N "permanent-redirect-code", "308" },
        { N "temporal-redirect", "https://t.test/" },
        { N "ssl-redirect", "false" },
    };
    static const struct kube_pair permanent[PAIRS_MAX] = {
        { N "permanent-redirect", "https://p.test/" },
        { N "permanent-redirect-code", "308" },
    };
    struct settings s;
    AUTO_FREE char *text = read_cross(pairs, NULL, 0, &s);
    AUTO_FREE char *text2 = NULL;

    assert_string_equal(s.redirect_url, "https://t.test/");
    assert_int_equal(s.redirect_code, 302);
    assert_false(s.ssl_redirect);
    settings_fini(&s);
    text2 = read_cross(permanent, NULL, 0, &s);
    assert_string_equal(s.redirect_url, "https://p.test/");
    assert_int_equal(s.redirect_code, 308);
    settings_fini(&s);
}

static void
rewrites(void **state UNUSED)
{
    static const struct kube_pair pairs[PAIRS_MAX] = {
        { N "rewrite-target", "/$1" },
    };
    static const struct kube_pair idle[PAIRS_MAX] = {
        { N "rewrite-target", "/" },
    };
    static const char *const group[] = { "/a/(.*)" }, *const root[] = { "/" };
    struct settings s;
    AUTO_FREE char *text = read_cross(pairs, group, 1, &s);
    AUTO_FREE char *text2 = NULL;

    assert_string_equal(s.rewrite_target, "/$1");
    assert_true(s.use_regex);
    settings_fini(&s);
    text2 = read_cross(idle, root, 1, &s);
    assert_null(s.rewrite_target);
    assert_false(s.use_regex);
    settings_fini(&s);
}

static void
cookies(void **state UNUSED)
{
    static const struct kube_pair pairs[PAIRS_MAX] = {
        { N "affinity", "cookie" },
        { N "affinity-mode", "persistent" },
        { N "session-cookie-samesite", "lax" },
        { N "session-cookie-domain", ".Example.COM" },
        { N "session-cookie-expires", "172800" },
        { N "session-cookie-change-on-failure", "true" },
    };
    struct settings s;
    AUTO_FREE char *text = read_cross(pairs, NULL, 0, &s);

    assert_true(s.affinity);
    assert_string_equal(s.cookie_name, "INGRESSCOOKIE");
    assert_null(s.cookie_path);
    assert_string_equal(s.cookie_domain, ".example.com");
    assert_int_equal(s.cookie_samesite, SAMESITE_LAX);
    assert_false(s.cookie_secure);
    assert_int_equal(s.cookie_expires_s, 172800);
    assert_int_equal(s.cookie_max_age_s, 0);
    assert_true(s.cookie_change_on_failure);
    settings_fini(&s);
}

static void
cors(void **state UNUSED)
{
    static const struct kube_pair pairs[PAIRS_MAX] = {
        { N "enable-cors", "true" },
        { N "cors-allow-origin", "https://A.test ,null,https://a.test" },
        { N "cors-allow-methods", "get,post,GET" },
    };
    struct settings s;
    AUTO_FREE char *text = read_cross(pairs, NULL, 0, &s);

    assert_true(s.cors);
    assert_int_equal(s.cors_origins.n, 2);
    assert_string_equal(s.cors_origins.items[0], "https://a.test");
    assert_string_equal(s.cors_origins.items[1], "null");
    assert_string_equal(s.cors_methods, "GET, POST");
    assert_string_equal(s.cors_headers,
                        "DNT, Keep-Alive, User-Agent, X-Requested-With, "
                        "If-Modified-Since, Cache-Control, Content-Type, "
                        "Range, Authorization");
    assert_null(s.cors_expose);
    assert_true(s.cors_credentials);
    assert_int_equal(s.cors_max_age_s, 1728000);
    settings_fini(&s);
}

static void
networks(void **state UNUSED)
{
    static const struct kube_pair pairs[PAIRS_MAX] = {
        { N "whitelist-source-range", "10.1.2.3/8,\n2001:DB8::1/32" },
        { N "denylist-source-range", "10.0.0.7, 10.0.0.7/32" },
        { N "limit-rps", "5" },
        { N "limit-allowlist", "::/0" },
    };
    struct settings s;
    AUTO_FREE char *text = read_cross(pairs, NULL, 0, &s);

    assert_int_equal(s.allow.n, 2);
    assert_string_equal(s.allow.items[0], "10.0.0.0/8");
    assert_string_equal(s.allow.items[1], "2001:db8::/32");
    assert_int_equal(s.deny.n, 1);
    assert_string_equal(s.deny.items[0], "10.0.0.7/32");
    assert_int_equal(s.limit_rps, 5);
    assert_string_equal(s.limit_allow.items[0], "::/0");
    settings_fini(&s);
}

static void
a_bad_value_leaves_the_default(void **state UNUSED)
{
    static const struct kube_pair pairs[PAIRS_MAX] = {
        { N "proxy-read-timeout", "60s" },
        { N "proxy-body-size", "8m" },
        { N "load-balance", "chash" },
        { N "ssl-redirect", "yes" },
    };
    struct settings s;
    AUTO_FREE char *text = read_cross(pairs, NULL, 0, &s);

    assert_int_equal(s.read_timeout_s, 60);
    assert_int_equal(s.body_size, 8 << 20);
    assert_int_equal(s.balance, BALANCE_ROUND_ROBIN);
    assert_true(s.ssl_redirect);
    settings_fini(&s);
}

/* A stranger's 5,000 names: 64 are told, and how many more there are. */
static void
a_flood_of_names_is_cut(void **state UNUSED)
{
    enum { FLOOD = 5000 };
    AUTO_FREE struct kube_pair *pairs = xcalloc(FLOOD, sizeof *pairs);
    AUTO_FREE char *text = NULL;
    struct settings s;
    size_t n = 0;

    for (size_t i = 0; i < FLOOD; i++) {
        pairs[i].name = xasprintf(N "proxy-body-size-%zu", i);
        pairs[i].value = "x";
    }
    text = annot_read_pairs(pairs, FLOOD, NULL, 0, &s);
    for (const char *at = strstr(text, "unknown annotation"); at;
         at = strstr(at + 1, "unknown annotation")) {
        n++;
    }
    for (size_t i = 0; i < FLOOD; i++) {
        free((char *) (uintptr_t) pairs[i].name);
    }
    settings_fini(&s);
    assert_int_equal(n, 65);
    assert_non_null(strstr(text, "4936 more unknown annotations have no "
                                 "effect"));
}

/* Settings of an Ingress with one annotation, under a ConfigMap. */
static struct settings
under(const struct kube_pair *data, size_t n, const char *name,
      const char *value)
{
    const struct kube_pair pair = { name, value };
    const struct kube_object config_map = {
        .kind = KUBE_CONFIG_MAP, .key = "system/defaults",
        .config_map.data = { data, n },
    };
    const struct kube_object object = {
        .kind = KUBE_INGRESS, .namespace = "default", .name = "a",
        .annotations = { &pair, name ? 1 : 0 },
    };
    AUTO_FINDINGS struct findings *findings = findings_new();
    struct defaults *d = defaults_new();
    struct settings s;

    (void) defaults_read(d, &config_map, findings);
    settings_read(&object, "Ingress default/a", d, &s, findings);
    assert_int_equal(findings_count(findings), 0);
    defaults_free(d);
    return s;
}

/* Defaults of what a default or the Ingress itself asks for. */
static void
defaults_that_come_later(void **state UNUSED)
{
    static const struct kube_pair none[] = { { NULL, NULL } };
    static const struct kube_pair judge[] = {
        { "global-auth-url", "https://judge.test/" },
        { "global-auth-method", "POST" },
        { "global-auth-cache-key", "$http_x" },
    };
    struct settings s = under(none, 0, NULL, NULL);

    assert_null(s.ask);
    assert_null(s.no_auth);
    settings_fini(&s);

    s = under(judge, ARRAY_SIZE(judge), NULL, NULL);
    assert_true(s.ask->is_global);
    assert_string_equal(settings_ask_method(s.ask), "POST");
    assert_non_null(s.ask->cache_for);
    assert_string_equal(s.no_auth, "/.well-known/acme-challenge");
    settings_fini(&s);

    /* Nothing of that service is meant for another. */
    s = under(judge, ARRAY_SIZE(judge), N "auth-url", "https://own.test/");
    assert_false(s.ask->is_global);
    assert_string_equal(s.ask->url, "https://own.test/");
    assert_string_equal(settings_ask_method(s.ask), "GET");
    assert_null(s.ask->cache_key);
    assert_null(s.ask->cache_for);
    assert_string_equal(s.no_auth, "/.well-known/acme-challenge");
    settings_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_protection_behind_passthrough_refuses),
        cmocka_unit_test(defaults),
        cmocka_unit_test(defaults_that_come_later),
        cmocka_unit_test(redirects),
        cmocka_unit_test(rewrites),
        cmocka_unit_test(cookies),
        cmocka_unit_test(cors),
        cmocka_unit_test(networks),
        cmocka_unit_test(a_bad_value_leaves_the_default),
        cmocka_unit_test(a_flood_of_names_is_cut),
    };
    int failed = TABLE_RUN("settings: together", crosses, check_cross);

    failed += TABLE_RUN("settings: closed", closed, check_closed);
    failed += cmocka_run_group_tests_name("settings", tests, NULL, NULL);
    return failed;
}
