#include "tests/unit/table.h"

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/ingress/unowned.h"
#include "tests/unit/ingress/objects.h"

#define TWO RULES(RULE("a.x", PREFIX("/", "s")) ","                        \
                  RULE("b.x", PREFIX("/", "s") "," EXACT("/c", "s")))

static const struct row {
    const char *name;
    enum host_policy policy;
    const char *there_key;      /* NULL: nothing is there. */
    const char *there_annotations;
    const char *there;
    const char *annotations;    /* Of "n/a". */
    const char *spec;
    const char *want;           /* Lines "host [mode]" and "= key". */
    const char *pins;           /* Lines of the ConfigMap. */
} rows[] = {
    { "all is new", HOST_POLICY_NAMESPACE, NULL, NULL, NULL, NULL, TWO,
      "a.x paths\n= a.x/\nb.x paths\n= b.x/\n= b.x/c/$\n", NULL },
    { "all is its own already", HOST_POLICY_NAMESPACE, "n/a", NULL, TWO, NULL,
      TWO, "", NULL },
    { "one path more", HOST_POLICY_NAMESPACE, "n/a", NULL, TWO, NULL,
      RULES(RULE("a.x", PREFIX("/", "s") "," PREFIX("/d", "s"))),
      "= a.x/d/\n", NULL },
    { "another's host", HOST_POLICY_NAMESPACE, "n/b", NULL,
      RA(PREFIX("/b", "s")), NULL, RA(PREFIX("/", "s")), "= a.x/\n", NULL },
    { "another's key", HOST_POLICY_NAMESPACE, "n/b", NULL,
      RA(PREFIX("/", "s")), NULL, RA(PREFIX("/", "s")), "", NULL },
    { "a canary has the key", HOST_POLICY_NAMESPACE, "n/b", CANARY,
      RA(PREFIX("/", "s")), NULL, RA(PREFIX("/", "s")), "= a.x/\n", NULL },
    { "a canary claims its host alone", HOST_POLICY_NAMESPACE, NULL, NULL,
      NULL, CANARY, RA(PREFIX("/", "s")), "a.x\n", NULL },
    { "TLS alone claims its host", HOST_POLICY_NAMESPACE, NULL, NULL, NULL,
      NULL, RULES(RULE("a.x", PREFIX("/", "s")))
            TLS("{'hosts':['a.x','t.x'],'secretName':'s'}"),
      "a.x paths\n= a.x/\nt.x\n", NULL },
    { "and none by path", HOST_POLICY_PATH, NULL, NULL, NULL, NULL,
      RULES(RULE("a.x", PREFIX("/", "s")))
      TLS("{'hosts':['a.x','t.x'],'secretName':'s'}"),
      "a.x paths\n= a.x/\n", NULL },
    { "nor does a canary", HOST_POLICY_PATH, NULL, NULL, NULL, CANARY,
      RA(PREFIX("/", "s")), "", NULL },
    { "one Ingress a host: the host is enough", HOST_POLICY_INGRESS, NULL,
      NULL, NULL, NULL, TWO, "a.x paths\nb.x paths\n", NULL },
    { "but not without a host", HOST_POLICY_INGRESS, NULL, NULL, NULL, NULL,
      DEFAULT("s"), "= /\n", NULL },
    { "every host is nobody's", HOST_POLICY_NAMESPACE, NULL, NULL, NULL, NULL,
      RULES("{'http':{'paths':[" PREFIX("/", "s") "]}}"), "= /\n", NULL },
    { "passthrough", HOST_POLICY_NAMESPACE, NULL, NULL, NULL, PASSTHROUGH,
      RA(PREFIX("/", "s")), "a.x passthrough\n= a.x:\n", NULL },
    { "a rule without paths", HOST_POLICY_NAMESPACE, NULL, NULL, NULL, NULL,
      RULES("{'host':'a.x'}"), "a.x paths\n", NULL },
    { "who is kept out owns neither host nor path", HOST_POLICY_NAMESPACE,
      "m/b", NULL, RA(PREFIX("/", "s")), NULL, RA(PREFIX("/", "s")),
      "a.x paths\n= a.x/\n", "a.x: n" },
    { "under any policy", HOST_POLICY_PATH, "m/b", NULL,
      RA(PREFIX("/", "s")), NULL, RA(PREFIX("/", "s")),
      "a.x paths\n= a.x/\n", "a.x: n" },
    { "whose host is kept for both owns it", HOST_POLICY_NAMESPACE, "m/b",
      NULL, RA(PREFIX("/", "s")), NULL, RA(PREFIX("/", "s")), "",
      "a.x: n, m" },
    { "who is kept out asks for nothing there", HOST_POLICY_NAMESPACE, NULL,
      NULL, NULL, NULL, TWO, "b.x paths\n= b.x/\n= b.x/c/$\n", "a.x: m" },
    { "not even for what it has", HOST_POLICY_NAMESPACE, "n/a", NULL,
      RA(PREFIX("/", "s")), NULL, RA(PREFIX("/", "s") "," PREFIX("/d", "s")),
      "", "a.x: m" },
    { "nothing is owned", HOST_POLICY_NONE, NULL, NULL, NULL, NULL, TWO,
      "", NULL },
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ruleset ruleset = RULESET_INIT;
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_FREE struct unowned *list = NULL;
    struct claims *claims;
    struct model *model;
    size_t n;

    ruleset.host_policy = (int) row->policy;
    ruleset.ssl_passthrough = true;
    claims = claims_new(&ruleset);
    assert_null(claims_set_host_owners(claims, row->pins));
    if (row->there_key) {
        model = model_of(&ruleset, row->there_key, 1, row->there_annotations,
                         row->there);
        claims_set(claims, model);
        model_unref(model);
    }
    model = model_of(&ruleset, "n/a", 0, row->annotations, row->spec);
    list = unowned_list(claims, model, &n);
    for (size_t i = 0; i < n; i++) {
        const char *key = list[i].route ? list[i].route->key : NULL;

        assert_true(unowned_is_claim_of(model, list[i].host, key) ||
                    (key && model->is_canary));
        assert_false(unowned_is_backed(claims, "n", list[i].host, key));
        for (const char *c = key ? key : ""; *c; c++) {
            buf_printf(&got, "%s%c", c == key ? "= " : "",
                       *c == '\001' ? '$' : *c);
        }
        buf_printf(&got, "%s%s\n", key ? "" : list[i].host,
                   list[i].is_passthrough ? " passthrough"
                   : list[i].is_routed    ? " paths"
                                          : "");
    }
    assert_string_equal(buf_str(&got), row->want);
    claims_set(claims, model);
    for (size_t i = 0; i < n; i++) {
        const char *key = list[i].route ? list[i].route->key : NULL;

        assert_true(unowned_is_backed(claims, "n", list[i].host, key));
        assert_false(unowned_is_backed(claims, "o", list[i].host, key));
    }
    model_unref(model);
    assert_int_equal(unowned_is_out(claims, "n", "a.x"),
                     row->pins && !strchr(row->pins, 'n'));
    claims_free(claims);
}

TABLE_MAIN("unowned", rows, check)
