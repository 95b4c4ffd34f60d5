/* What is said of names that DNS does not know, and when. */
#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "reconciler/engine.h"
#include "tests/unit/ingress/objects.h"

#define UNKNOWN(field, name)                                               \
    "warning " field ".service.name: no address of \"" name "\", the "     \
    "externalName of Service \"default/out\", is known: requests get 503 " \
    "until DNS has one\n"
#define P0 "spec.rules[0].http.paths[0].backend"
#define P2 "spec.rules[0].http.paths[2].backend"

enum { REDIRECTED = 1 };

/* An Ingress of two Services, out and in; what is said of it once DNS gave
 * 'addresses' for a name. */
static const struct row {
    const char *name;
    unsigned flags;
    const char *spec;
    const char *host;           /* NULL: DNS has said nothing yet. */
    size_t n_addresses;
    const char *want;
} rows[] = {
    { "nobody has asked yet", 0, RULES(RULE("h.x", PREFIX("/", "out"))),
      NULL, 0, "" },
    { "a name without an address", 0,
      RULES(RULE("h.x", PREFIX("/", "out") "," PREFIX("/b", "in") ","
                 PREFIX("/c", "out"))),
      "db.test", 0, UNKNOWN(P0, "db.test") UNKNOWN(P2, "db.test") },
    { "a name with one", 0, RULES(RULE("h.x", PREFIX("/", "out"))),
      "db.test", 1, "" },
    { "another name", 0, RULES(RULE("h.x", PREFIX("/", "out"))),
      "other.test", 0, "" },
    { "the default backend", 0,
      RULES(RULE("h.x", PREFIX("/", "in"))) "," DEFAULT("out"), "db.test", 0,
      UNKNOWN("spec.defaultBackend", "db.test") },
    { "a Service in the cluster", 0, RULES(RULE("h.x", PREFIX("/", "in"))),
      "db.test", 0, "" },
    { "every request is redirected", REDIRECTED,
      RULES(RULE("h.x", PREFIX("/", "out"))), "db.test", 0, "" },
};

struct world {
    struct ruleset ruleset;
    struct cache *cache;
    struct engine *engine;
};

static void
put_service(struct world *w, const char *version, const char *name)
{
    AUTO_FREE char *text = xasprintf(
        "{'metadata':{'namespace':'default','name':'out',"
        "'resourceVersion':'%s'},'spec':{'type':'ExternalName',"
        "'externalName':'%s'}}", version, name);

    cache_put(w->cache, object_of(KUBE_SERVICE, text));
}

static void
open_world(struct world *w, const struct row *row)
{
    struct engine_options options = { .fallback_pem = "fallback\n" };

    *w = (struct world) { .ruleset = RULESET_INIT, .cache = cache_new() };
    w->ruleset.watch_without_class = true;
    w->ruleset.allow_external_names = true;
    options.ruleset = &w->ruleset;
    w->engine = engine_new(&options, w->cache);
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        cache_list_begin(w->cache, (enum kube_kind) kind, NULL);
        cache_list_end(w->cache, (enum kube_kind) kind, NULL);
    }
    put_service(w, "1", "db.test");
    cache_put(w->cache, object_of(KUBE_SERVICE,
        "{'metadata':{'namespace':'default','name':'in'},"
        "'spec':{'clusterIP':'10.96.0.1','ports':[{'port':80}]}}"));
    cache_put(w->cache, ingress_of("default/one", 1,
        row->flags & REDIRECTED
            ? ANNOTATION("permanent-redirect", "https://b.x/") : NULL,
        row->spec));
    (void) engine_run(w->engine);
}

static void
close_world(struct world *w)
{
    engine_free(w->engine);
    cache_free(w->cache);
}

static char *
said(const struct world *w)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    AUTO_BUF struct buf out = BUF_OWN;

    engine_findings(w->engine, "default/one", findings);
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);

        buf_printf(&out, "%s %s: %s\n",
                   f->severity == FINDING_ERROR ? "error" : "warning",
                   f->field, f->message);
    }
    return buf_take(&out);
}

/* Whether something else may be said of the Ingress than before. */
static bool
is_touched(struct world *w)
{
    AUTO_FREE char **keys = engine_take_touched(w->engine);
    bool is = false;

    for (size_t i = 0; keys[i]; i++) {
        is = is || strcmp(keys[i], "default/one") == 0;
        free(keys[i]);
    }
    return is;
}

static void
check_row(void **state)
{
    static const char *const addresses[] = { "192.0.2.7" };
    const struct row *row = *state;
    AUTO_FREE char *text = NULL;
    struct world w;

    open_world(&w, row);
    if (row->host) {
        engine_resolved(w.engine, row->host, addresses, row->n_addresses);
    }
    text = said(&w);
    assert_string_equal(text, row->want);
    close_world(&w);
}

/* Who is told, is told when it changes. */
static void
check_changes(void **state UNUSED)
{
    static const char *const addresses[] = { "192.0.2.7" };
    AUTO_FREE char *unknown = NULL;
    AUTO_FREE char *known = NULL;
    AUTO_FREE char *renamed = NULL;
    struct world w;

    open_world(&w, &rows[0]);
    assert_true(is_touched(&w));
    engine_resolved(w.engine, "db.test", NULL, 0);
    assert_true(is_touched(&w));
    unknown = said(&w);
    assert_string_equal(unknown, UNKNOWN(P0, "db.test"));
    engine_resolved(w.engine, "other.test", NULL, 0);
    assert_false(is_touched(&w));
    engine_resolved(w.engine, "db.test", addresses, 1);
    assert_true(is_touched(&w));
    known = said(&w);
    assert_string_equal(known, "");
    put_service(&w, "2", "other.test");
    (void) engine_run(w.engine);
    assert_true(is_touched(&w));
    renamed = said(&w);
    assert_string_equal(renamed, UNKNOWN(P0, "other.test"));
    close_world(&w);
}

int
main(void)
{
    const struct CMUnitTest whole[] = { cmocka_unit_test(check_changes) };
    int failed = TABLE_RUN("externals", rows, check_row);

    return failed + cmocka_run_group_tests_name("externals, changes", whole,
                                                NULL, NULL);
}
