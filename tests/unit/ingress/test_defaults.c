#include "tests/unit/table.h"

#include <stdio.h>

#include "lib/ingress/defaults.h"
#include "tests/unit/ingress/annot_help.h"

#define PAIRS_MAX 3

/* What a second ConfigMap makes of what a first one said. */
static const struct row {
    const char *name;
    struct kube_pair first[PAIRS_MAX];
    struct kube_pair second[PAIRS_MAX];
    const char *row;            /* Of the annotation table. */
    const char *want;           /* Its default then. */
    const char *findings;       /* Of the second one. */
    bool is_same;
} rows[] = {
    { "set", { { NULL, NULL } }, { { "proxy-body-size", "8m" } },
      "proxy-body-size", "8m", "", false },
    { "the same again", { { "proxy-body-size", "8m" } },
      { { "proxy-body-size", "8m" } }, "proxy-body-size", "8m", "", true },
    { "changed", { { "hsts", "true" } }, { { "hsts", "false" } }, "hsts",
      "false", "", false },
    { "taken out", { { "hsts", "true" } }, { { NULL, NULL } }, "hsts", NULL,
      "", false },
    { "empty", { { "hsts", "true" } }, { { "hsts", "" } }, "hsts", NULL, "",
      false },
    { "bad from the start", { { NULL, NULL } }, { { "hsts", "on" } }, "hsts",
      NULL,
      "E data[hsts: \"on\" is not a boolean: write \"true\"; the default "
      "stays", true },
    { "bad after a good one", { { "hsts", "true" } }, { { "hsts", "on" } },
      "hsts", "true",
      "E data[hsts: \"on\" is not a boolean: write \"true\"; the last good "
      "value stays", true },
    { "a bad protection from the start", { { NULL, NULL } },
      { { "global-auth-url", "judge" } }, "auth-url", NULL,
      "E data[global-auth-url: \"judge\" is not an absolute URL: write one "
      "that begins with \"http://\" or \"https://\"; routes that it is to "
      "protect answer 503", false },
    { "a bad protection after a good one",
      { { "global-auth-url", "https://a.test/" } },
      { { "global-auth-url", "judge" } }, "auth-url", "https://a.test/",
      "E data[global-auth-url: \"judge\" is not an absolute URL: write one "
      "that begins with \"http://\" or \"https://\"; the last good value "
      "stays", true },
    { "a bad protection, again", { { "global-auth-url", "judge" } },
      { { "global-auth-url", "judge" } }, "auth-url", NULL,
      "E data[global-auth-url: \"judge\" is not an absolute URL: write one "
      "that begins with \"http://\" or \"https://\"; routes that it is to "
      "protect answer 503", true },
    { "a bad protection, taken out", { { "global-auth-url", "judge" } },
      { { NULL, NULL } }, "auth-url", NULL, "", false },
    { "a snippet", { { NULL, NULL } }, { { "global-auth-snippet", "x;" } },
      "auth-url", NULL,
      "E data[global-auth-snippet: it is refused: raw proxy configuration; "
      "write global-auth-url and the keys beside it; the default stays",
      true },
    { "a line break", { { NULL, NULL } },
      { { "proxy-redirect-to", "a\nb" } }, "proxy-redirect-to", NULL,
      "E data[proxy-redirect-to: \"a\\nb\" has a line break or another "
      "control byte: write it on one line; the default stays", true },
    { "the other way round", { { NULL, NULL } },
      { { "disable-access-log", "true" } }, "enable-access-log", "false", "",
      false },
    { "the other way round, bad", { { NULL, NULL } },
      { { "disable-access-log", "x" } }, "enable-access-log", NULL,
      "E data[disable-access-log: \"x\" is not a boolean: write \"true\" or "
      "\"false\"; the default stays", true },
    { "no key is an annotation by chance", { { NULL, NULL } },
      { { "rewrite-target", "/" } }, "rewrite-target", NULL,
      "W data: the key \"rewrite-target\" has no effect here: it is an "
      "annotation, write it in the Ingress", true },
    { "the nearest key", { { NULL, NULL } },
      { { "proxy-body-sise", "1m" } }, "proxy-body-size", NULL,
      "W data: the key \"proxy-body-sise\" is not known: did you mean "
      "\"proxy-body-size\"?", true },
    { "errors of Services are kept", { { NULL, NULL } },
      { { "disable-proxy-intercept-errors", "true" } },
      "disable-proxy-intercept-errors", "true", "", false },
    { "a version that is not spoken", { { NULL, NULL } },
      { { "proxy-http-version", "1.0" } }, "proxy-http-version", NULL,
      "E data[proxy-http-version: \"1.0\" is not known here: write \"1.1\"; "
      "the default stays", true },
    { "another key does it", { { NULL, NULL } },
      { { "disable-http-access-log", "true" } }, "hsts", NULL,
      "E data[disable-http-access-log: it is refused: write "
      "disable-access-log", true },
    { "needless", { { NULL, NULL } }, { { "gzip-level", "5" } }, "hsts", NULL,
      "W data[gzip-level: it has no effect and needs none: --gzip of "
      "sallyport-reconciler has a level, a length and types of its own",
      true },
    { "refused", { { NULL, NULL } }, { { "http-snippet", "deny all;" } },
      "hsts", NULL,
      "E data[http-snippet: it is refused: raw configuration of nginx: "
      "docs/migration.md shows what replaces it", true },
    { "refused, and nothing is asked for", { { NULL, NULL } },
      { { "enable-modsecurity", "False" } }, "hsts", NULL, "", true },
    { "refused and empty", { { NULL, NULL } }, { { "main-snippet", " " } },
      "hsts", NULL, "", true },
    { "an expression", { { NULL, NULL } },
      { { "block-user-agents", "a b, ~*c d(" } }, "hsts", NULL,
      "E data[block-user-agents: \"~*c d(\" is not a regular expression: at "
      "position 5: missing closing parenthesis; the default stays", true },
    { "bytes of a stranger", { { NULL, NULL } }, { { "a\nb", "/" } }, "hsts",
      NULL,
      "W data: the key \"a\\nb\" has no effect here: docs/annotations.md "
      "lists those that have", true },
    { "told like an annotation", { { NULL, NULL } },
      { { "load-balance", "ewma" } }, "load-balance", "ewma",
      "W data[load-balance: \"ewma\" has no equal in HAProxy: the server "
      "with the fewest connections is taken (leastconn)", false },
};

static bool
take(struct defaults *d, const struct kube_pair *given, char **text)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    struct kube_object object = {
        .kind = KUBE_CONFIG_MAP, .key = "system/defaults",
    };
    size_t n = 0;
    bool is_other;

    while (n < PAIRS_MAX && given[n].name) {
        n++;
    }
    object.config_map.data = (struct kube_pairs) { given, n };
    is_other = defaults_read(d, &object, findings);
    *text = annot_findings_text(findings);
    return is_other;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct defaults *d = defaults_new();
    struct defaults *heir = defaults_new();
    AUTO_FREE char *before = NULL;
    AUTO_FREE char *text = NULL;
    size_t i = 0;

    assert_non_null(annot_find(row->row, &i));
    take(d, row->first, &before);
    assert_int_equal(take(d, row->second, &text), !row->is_same);
    assert_string_equal(text, row->findings);
    defaults_inherit(heir, d);
    if (row->want) {
        assert_string_equal(defaults_get(d, i), row->want);
        assert_string_equal(defaults_get(heir, i), row->want);
    } else {
        assert_null(defaults_get(d, i));
        assert_null(defaults_get(heir, i));
    }
    assert_null(defaults_get(NULL, i));
    (void) defaults_read(d, NULL, NULL);
    assert_null(defaults_get(d, i));
    defaults_free(d);
    defaults_free(heir);
}

#define STRANGE 70

/* Each key of ingress-nginx is told of, however many strange ones there are;
 * of those the first, and how many more. */
static void
check_many(void **state)
{
    struct kube_pair pairs[STRANGE + 1];
    char names[STRANGE][8];
    AUTO_FINDINGS struct findings *findings = findings_new();
    AUTO_FREE char *text = NULL;
    struct defaults *d = defaults_new();
    struct kube_object object = {
        .kind = KUBE_CONFIG_MAP, .key = "system/defaults",
    };

    (void) state;
    for (size_t i = 0; i < STRANGE; i++) {
        snprintf(names[i], sizeof names[i], "qqqq-%zu", i);
        pairs[i] = (struct kube_pair) { names[i], "x" };
    }
    pairs[STRANGE] = (struct kube_pair) { "http-snippet", "deny all;" };
    object.config_map.data = (struct kube_pairs) { pairs, STRANGE + 1 };
    (void) defaults_read(d, &object, findings);
    text = annot_findings_text(findings);
    assert_non_null(strstr(text, "E data[http-snippet: it is refused"));
    assert_non_null(strstr(text, "\"qqqq-63\""));
    assert_null(strstr(text, "\"qqqq-64\""));
    assert_non_null(strstr(text, "W data: 6 more keys are not known"));
    defaults_free(d);
}

int
main(void)
{
    const struct CMUnitTest more[] = { cmocka_unit_test(check_many) };
    int failed = TABLE_RUN("defaults", rows, check_row);

    return failed + cmocka_run_group_tests_name("defaults, many", more, NULL,
                                                NULL);
}
