/* What the tests of the annotation table share: one Ingress with a few
 * annotations, and all its findings as one text. */
#ifndef TESTS_UNIT_INGRESS_ANNOT_HELP_H
#define TESTS_UNIT_INGRESS_ANNOT_HELP_H

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/settings.h"

#define N "nginx.ingress.kubernetes.io/"
#define S "sallyport.dev/"

/* One row: an annotation with its value; 'want' is every finding, "E " or
 * "W " in front, "; " between; "" where all is well. */
struct annot_row {
    const char *name;
    const char *annotation;
    const char *value;
    const char *want;
};


/* The same of TLS to endpoints. */
static inline size_t
annot_company_of_tls(const char *name, struct kube_pair *out)
{
    bool verifies = str_starts(name, "proxy-ssl-verify");
    size_t n = 0;

    out[n++] = (struct kube_pair) { N "backend-protocol", "HTTPS" };
    if (strcmp(name, "proxy-ssl-verify-depth") == 0) {
        out[n++] = (struct kube_pair) { N "proxy-ssl-verify", "on" };
    }
    if (verifies) {
        out[n++] = (struct kube_pair) { N "proxy-ssl-secret", "ca" };
    }
    if (verifies || strcmp(name, "proxy-ssl-server-name") == 0) {
        out[n++] = (struct kube_pair) { N "proxy-ssl-name", "x.test" };
    }
    if (verifies || strcmp(name, "proxy-ssl-name") == 0) {
        out[n++] = (struct kube_pair) { N "proxy-ssl-server-name", "on" };
    }
    return n;
}

/* Names that make a row's annotation mean something ("needs"). */
static inline size_t
annot_company(const char *annotation, struct kube_pair *out)
{
    static const struct kube_pair company[] = {
        { N "affinity", "cookie" },
        { N "auth-tls-secret", "ca" },
        { N "enable-cors", "true" },
        { N "ssl-passthrough", "true" },
        { N "limit-rps", "10" },
        { N "permanent-redirect", "https://x.test/" },
        { N "temporal-redirect", "https://x.test/" },
        { N "rewrite-target", "/x" },
        { N "canary", "true" },
        { N "canary-weight", "1" },
        { N "canary-by-header", "x" },
        { N "upstream-hash-by", "$uri" },
        { N "upstream-hash-by-subset", "true" },
        { N "enable-opentelemetry", "true" },
        { N "mirror-target", "http://copy.default.svc" },
        { N "session-cookie-samesite", "None" },
        { N "auth-url", "http://judge.default.svc/" },
        { N "auth-signin", "/login" },
        { N "auth-cache-key", "$http_x" },
    };
    const struct annot_def *def =
        annot_find(str_starts(annotation, S) ? annotation + strlen(S)
                                             : annotation, NULL);
    const char *need = def ? def->needs[0] : NULL;

    if (def && (strcmp(def->name, "auth-type") == 0 ||
                str_eq(need, "auth-type"))) {
        bool is_secret = strcmp(def->name, "auth-secret") == 0;

        out[0] = (struct kube_pair) { N "auth-type", "basic" };
        out[!str_eq(need, "auth-type") || is_secret ? 0 : 1] =
            is_secret ? out[0]
                      : (struct kube_pair) { N "auth-secret", "users" };
        return !str_eq(need, "auth-type") || is_secret ? 1 : 2;
    }

    if (def && str_starts(def->name, "proxy-ssl-")) {
        return annot_company_of_tls(def->name, out);
    }
    if (!need) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(company); i++) {
        if (str_ends(company[i].name, need)) {
            *out = company[i];
        }
    }
    /* That one may need another in turn. */
    def = annot_find(need, NULL);
    if (def->needs[0]) {
        return 1 + annot_company(need, out + 1);
    }
    return 1;
}

/* "E field: message; W ..." with the well-known part of a field left out. */
static inline char *
annot_findings_text(const struct findings *findings)
{
    AUTO_BUF struct buf out = BUF_OWN;

    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *f = findings_get(findings, i);
        const char *field = f->field;

        if (str_starts(field, "metadata.annotations[" N)) {
            field += strlen("metadata.annotations[" N);
        } else if (str_starts(field, "metadata.annotations[")) {
            field += strlen("metadata.annotations[");
        }
        buf_printf(&out, "%s%s %s", i ? "; " : "",
                   f->severity == FINDING_ERROR ? "E" : "W", field);
        if (out.data[out.size - 1] == ']') {
            out.size--;
            out.data[out.size] = '\0';
        }
        buf_printf(&out, ": %s", f->message);
    }
    return buf_take(&out);
}

static inline int
annot_compare_pairs(const void *a, const void *b)
{
    const struct kube_pair *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Reads an Ingress of 'paths' with 'pairs'. */
static inline char *
annot_read_pairs(struct kube_pair *pairs, size_t n_pairs,
                 const struct kube_path *paths, size_t n_paths,
                 struct settings *out)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    struct kube_rule rule = {
        .host = "a.test", .paths = paths,
        .n_paths = (uint32_t) n_paths,
    };
    struct kube_object object = {
        .kind = KUBE_INGRESS,
        .namespace = "default",
        .name = "alpha",
        .key = "default/alpha",
        .annotations = { pairs, n_pairs },
        .ingress = { .rules = &rule, .n_rules = 1 },
    };

    qsort(pairs, n_pairs, sizeof *pairs, annot_compare_pairs);
    settings_read(&object, "Ingress default/alpha", NULL, out, findings);
    return annot_findings_text(findings);
}

/* The findings of one row.  The annotation may come with its prefix. */
static inline char *
annot_read_row(const struct annot_row *row, struct settings *out)
{
    AUTO_FREE char *key = strchr(row->annotation, '/')
        ? xstrdup(row->annotation)
        : xasprintf(N "%s", row->annotation);
    struct kube_pair pairs[7] = { { key, row->value } };
    size_t n = 1 + annot_company(row->annotation, &pairs[1]);

    return annot_read_pairs(pairs, n, NULL, 0, out);
}

/* As the check of a TABLE. */
static inline void
annot_check_row(void **state)
{
    const struct annot_row *row = *state;
    struct settings s;
    AUTO_FREE char *got = annot_read_row(row, &s);

    settings_fini(&s);
    assert_string_equal(got, row->want);
}

#endif /* TESTS_UNIT_INGRESS_ANNOT_HELP_H */
