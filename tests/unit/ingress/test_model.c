/* Hosts and backends, and who an Ingress is. */
#include "tests/unit/table.h"

#include "tests/unit/ingress/model_help.h"

#define PORT(port)                                                         \
    RULES(RULE("h.x", "{'path':'/','pathType':'Prefix','backend':"         \
               "{'service':{'name':'s','port':{" port "}}}}"))
#define NO_DEFAULT                                                         \
    "takes what no rule does, which this controller refuses "              \
    "(--disable-catch-all): write a rule with a host and the path \"/\"\n"

static const struct model_row rows[] = {
    /* --- hosts --- */
    { "a bad host takes its rule along", NULL,
      RULES(RULE("a_b.x", PREFIX("/", "s")) ","
            RULE("h.x", PREFIX("/", "s"))),
      "prefix h.x/ / s:80 spec.rules[1].http.paths[0]\n"
      "error spec.rules[0].host: host \"a_b.x\" holds \"_\", which "
      "Kubernetes allows in no host\n" },
    { "a trailing dot is refused and served", NULL,
      RULES(RULE("H.x.", PREFIX("/", "s"))),
      "prefix h.x/ / s:80 " P0 "\n"
      "error spec.rules[0].host: host \"H.x.\" must not end with a dot: "
      "write \"h.x\"\n" },
    { "rule without http", NULL, "'rules':[{'host':'h.x'}]",
      "host h.x / - spec.rules[0]\n" },
    { "rule without http beside a default backend", NULL,
      "'rules':[{'host':'h.x'}]," DEFAULT("d"),
      "host h.x / - spec.rules[0]\n"
      "default d:80\n" },
    { "rule without anything", NULL, "'rules':[{}]",
      "warning spec.rules[0]: has neither host nor paths and routes "
      "nothing: write a host, paths or spec.defaultBackend\n" },
    { "rule without anything and a default backend", NULL,
      "'rules':[{}]," DEFAULT("d"),
      "catch-all / / d:80 spec.rules[0]\n"
      "default d:80\n" },
    { "a host of the proxy's own", NULL,
      RULES(RULE("proof.invalid", PREFIX("/", "s")) ","
            RULE("A.Proof.Invalid.", PREFIX("/", "s"))),
      "error spec.rules[0].host: host \"proof.invalid\" is kept for the "
      "proxy's own proof, with all hosts below \"proof.invalid\": use "
      "another host\n"
      "error spec.rules[1].host: host \"A.Proof.Invalid.\" must not end "
      "with a dot: write \"a.proof.invalid\"\n"
      "error spec.rules[1].host: host \"a.proof.invalid\" is kept for the "
      "proxy's own proof, with all hosts below \"proof.invalid\": use "
      "another host\n" },
    { "hosts that DNS does not have", NULL,
      RULES(RULE("a.invalid", PREFIX("/", "s")) ","
            RULE("a.onion", PREFIX("/", "s")) ","
            RULE("a.1", PREFIX("/", "s"))),
      "prefix a.invalid/ / s:80 " P0 "\n"
      "prefix a.onion/ / s:80 spec.rules[1].http.paths[0]\n"
      "prefix a.1/ / s:80 spec.rules[2].http.paths[0]\n"
      "warning spec.rules[0].host: host \"a.invalid\" is under "
      "\".invalid\", which no DNS server ever answers (RFC 6761): nobody may "
      "ever ask for it\n"
      "warning spec.rules[1].host: host \"a.onion\" is under \".onion\", "
      "which DNS does not answer (RFC 7686): nobody may ever ask for it\n"
      "warning spec.rules[2].host: host \"a.1\" ends with a number, which "
      "clients take for an IP address: nobody may ever ask for it\n" },

    /* --- default backend --- */
    { "default backend alone is the catch-all", NULL, DEFAULT("d"),
      "catch-all / / d:80 spec.defaultBackend\n" },
    { "default backend beside rules", NULL,
      RULES(RULE("h.x", PREFIX("/a", "s"))) "," DEFAULT("d"),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "default d:80\n" },
    { "neither rules nor default backend", NULL, "",
      "error spec: has neither rules nor defaultBackend: write at least one "
      "rule\n" },
    { "bad default backend", NULL, "'defaultBackend':{}",
      "error spec.defaultBackend: names no Service: write service.name and "
      "service.port\n" },

    /* --- backends --- */
    { "resource backend", NULL,
      RULES(RULE("h.x", "{'path':'/','pathType':'Prefix','backend':"
                 "{'resource':{'kind':'Bucket','name':'b'}}}")),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: resource backends are not supported: name a "
      "Service under \"service\"\n" },
    { "Service with a bad name", NULL, RULES(RULE("h.x", PREFIX("/", "S_"))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: \"S_\" is not a name of a Service: write "
      "lower-case letters, digits and \"-\", at most 63\n" },
    { "named port", NULL, PORT("'name':'web'"),
      "prefix h.x/ / s:web " P0 "\n" },
    { "no port", NULL, PORT(""),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: names no port of Service \"s\": write "
      "service.port.number or service.port.name\n" },
    { "bad port name", NULL, PORT("'name':'80'"),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: \"80\" is not a name of a port: write at most "
      "15 lower-case letters, digits and \"-\"\n" },
    { "lowest port", NULL, PORT("'number':1"),
      "prefix h.x/ / s:1 " P0 "\n" },
    { "highest port", NULL, PORT("'number':65535"),
      "prefix h.x/ / s:65535 " P0 "\n" },
    { "one over", NULL, PORT("'number':65536"),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: 65536 is not a port: write 1 to 65535\n" },
    { "one under", NULL, PORT("'number':-1"),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: -1 is not a port: write 1 to 65535\n" },
    { "bad path and bad backend are both told", NULL,
      RULES(RULE("h.x", PREFIX("a", ""))),
      "host h.x / - spec.rules[0]\n"
      "error " P0 ".backend: names no Service: write service.name and "
      "service.port\n"
      "error " P0 ".path: path \"a\" must begin with \"/\"\n" },

    /* --- --disable-catch-all --- */
    { "closed: a default backend alone", NULL, DEFAULT("d"),
      "error spec.defaultBackend: " NO_DEFAULT },
    { "closed: a default backend beside rules, which stay", NULL,
      RULES(RULE("h.x", PREFIX("/a", "s")) ",{'host':'i.x'}") ","
      DEFAULT("d"),
      "prefix h.x/a/ /a s:80 " P0 "\n"
      "host i.x / - spec.rules[1]\n"
      "error spec.defaultBackend: " NO_DEFAULT },
    { "closed: a rule without host beside one with", NULL,
      RULES(RULE("", PREFIX("/a", "s")) "," RULE("h.x", PREFIX("/", "s"))),
      "prefix h.x/ / s:80 spec.rules[1].http.paths[0]\n"
      "error spec.rules[0].host: " NO_HOST },
    { "closed: a rule without anything", NULL, "'rules':[{}]",
      "error spec.rules[0].host: " NO_HOST },
    { "closed: a wildcard names its hosts", NULL,
      RULES(RULE("*.h.x", PREFIX("/", "s"))),
      "prefix *.h.x/ / s:80 " P0 "\n" },
};

static void
check_names(void **state)
{
    static const struct {
        const char *metadata;
        const char *want;
    } names[] = {
        { "'namespace':'d','name':'a.b-1'", "Ingress d/a.b-1" },
        { "'namespace':'d','generateName':'a-'", "Ingress d/a-" },
        { "'namespace':'d','name':'a\\nb'", "Ingress \"d/a\\nb\"" },
    };
    const struct ruleset ruleset = RULESET_INIT;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *text =
            xasprintf("{'metadata':{%s},'spec':{%s}}", names[i].metadata,
                      RULES(RULE("h.x", PREFIX("/", "s"))));
        AUTO_KUBE const struct kube_object *object =
            object_of(KUBE_INGRESS, text);
        struct model *m = model_new(object, &ruleset);

        assert_string_equal(m->name, names[i].want);
        assert_int_equal(findings_count_of(m->findings, FINDING_ERROR),
                         i == 2 ? 1 : 0);
        model_unref(m);
    }
}

static void
check_canary(void **state)
{
    static const struct {
        const char *annotations;
        bool want;
    } texts[] = {
        { "", false },
        { ANNOTATION("canary", "true"), true },
        { ANNOTATION("canary", "T"), true },
        { ANNOTATION("canary", "false"), false },
        { ANNOTATION("canary", "yes"), false },
    };
    const struct ruleset ruleset = RULESET_INIT;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct model *m =
            model_of(&ruleset, "d/a", 1, texts[i].annotations,
                     RULES(RULE("h.x", PREFIX("/", "s"))));

        assert_int_equal(m->is_canary, texts[i].want);
        model_unref(m);
    }
}

/* So many rules and hosts that they are no longer looked at one by one: the
 * last rule says the first one's again, and of three wildcards two cover. */
static void
check_many(void **state)
{
    enum { N = 40 };
    static const char want[] =
        "warning spec.rules[40].http.paths[0]: host \"h0.a.x\" and path "
        "\"/\" is already defined in spec.rules[0].http.paths[0], with the "
        "same backend: remove one of them\n"
        "warning spec.tls[0].hosts[42]: no rule here is for host \"*.c.x\": "
        "the certificate serves nothing\n"
        "warning spec.tls[0].hosts[43]: host \"h0.a.x\" is already listed in "
        "spec.tls[0].hosts[0]: remove one of them\n";
    const struct ruleset ruleset = RULESET_INIT;
    AUTO_BUF struct buf rules = BUF_OWN;
    AUTO_BUF struct buf hosts = BUF_OWN;
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_FREE char *spec = NULL;
    struct model *m;

    (void) state;
    for (int i = 0; i < N; i++) {
        AUTO_FREE char *host = xasprintf("h%d.%s", i, i < 39 ? "a.x" : "b.x");

        buf_printf(&rules, RULE("%s", PREFIX("/", "s")) ",", host);
        buf_printf(&hosts, "'%s',", host);
    }
    spec = xasprintf("'rules':[%s" RULE("h0.a.x", PREFIX("/", "s")) "],"
                     "'tls':[{'secretName':'c','hosts':[%s'*.a.x','*.b.x',"
                     "'*.c.x','h0.a.x']}]", buf_str(&rules), buf_str(&hosts));
    m = model_of(&ruleset, "d/a", 1, NULL, spec);
    assert_int_equal(m->n_routes, N + 1);
    assert_int_equal(m->routes[N].kind, ROUTE_HOST);
    assert_int_equal(m->n_tls, N + 3);
    for (size_t i = 0; i < findings_count(m->findings); i++) {
        const struct finding *f = findings_get(m->findings, i);

        buf_printf(&got, "warning %s: %s\n", f->field, f->message);
        assert_int_equal(f->severity, FINDING_WARNING);
    }
    assert_string_equal(buf_str(&got), want);
    for (size_t i = 0; i < N; i++) {
        assert_string_equal(m->routes[i].host, m->tls[i].host);
    }
    model_unref(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_names),
        cmocka_unit_test(check_canary),
        cmocka_unit_test(check_many),
    };

    return TABLE_RUN("model", rows, check_model) +
           cmocka_run_group_tests_name("model names", tests, NULL, NULL);
}
