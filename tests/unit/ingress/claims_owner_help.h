/* What the tests of owners share: rows under an administrator's limits, at
 * admission and at run time, in the words that they expect. */
#ifndef TESTS_UNIT_INGRESS_CLAIMS_OWNER_HELP_H
#define TESTS_UNIT_INGRESS_CLAIMS_OWNER_HELP_H

#include "tests/unit/ingress/claims_help.h"

#define R(host, path) RULES(RULE(host, PREFIX(path, "s")))
#define OWN(name, value) "'sallyport.dev/" name "':'" value "'"
#define SHARE(with) OWN("share-host-with", with)
#define BELONGS(host, ns, name)                                            \
    "host \"" host "\" belongs to namespace \"" ns "\" (ingress " name     \
    " has it since 1970-01-01)"
#define UNDER(path) ", and with it every path under \"" path "\": "
#define ADMIN "use another host, or ask your administrator\n"
#define KEPT(host, ns, pin)                                                \
    "host \"" host "\" is kept for " ns " (host-owners has \"" pin "\")"
#define UNTIL                                                              \
    "; this Ingress is served there only until --enforce-host-policy is "  \
    "on: "

/* How much is told of others, beside a policy. */
enum told { TELL_NAMESPACE = ENFORCED << 1, TELL_HOST = ENFORCED << 2 };

struct limits {
    const char *flag;           /* --host-owners */
    const char *lines;          /* Of the ConfigMap. */
    const char *list;           /* Allowed hosts of namespace "n". */
};

struct owner_admission {
    const char *name;
    int policy;
    struct limits limits;
    struct one there[4];
    struct one candidate;
    const char *want;
};

struct owner_runtime {
    const char *name;
    int policy;
    struct limits limits;
    struct one there[4];
    const char *host;
    const char *want;
    const char *report;
};

static inline struct ruleset
owner_ruleset(int policy, const struct limits *limits)
{
    struct ruleset r = ruleset_of(policy);

    r.conflict_messages = policy & TELL_HOST        ? CONFLICT_HOST
                          : policy & TELL_NAMESPACE ? CONFLICT_NAMESPACE
                                                    : CONFLICT_FULL;
    r.namespace_allowed_hosts = limits->list != NULL;
    r.host_owners = limits->flag;
    assert_null(ruleset_finish(&r));
    return r;
}

static inline struct claims *
claims_of(const struct ruleset *r, const struct limits *limits,
          const struct one *there, size_t n)
{
    struct claims *c = claims_new(r);

    fill(c, r, there, n);
    if (limits->lines) {
        err_free(claims_set_host_owners(c, limits->lines));
    }
    claims_set_allowed_hosts(c, "n", limits->list);
    return c;
}

static inline void
check_owner_admission(void **state)
{
    const struct owner_admission *row = *state;
    struct ruleset r = owner_ruleset(row->policy, &row->limits);
    struct claims *c =
        claims_of(&r, &row->limits, row->there, ARRAY_SIZE(row->there));
    struct model *m = model_one(&r, &row->candidate);
    AUTO_FINDINGS struct findings *found = findings_new();
    AUTO_BUF struct buf out = BUF_OWN;

    claims_judge(c, m, found);
    put_findings(&out, found, m->name);
    assert_string_equal(buf_str(&out), row->want);
    model_unref(m);
    claims_free(c);
    ruleset_fini(&r);
}

static inline void
check_owner_runtime(void **state)
{
    const struct owner_runtime *row = *state;
    struct ruleset r = owner_ruleset(row->policy, &row->limits);
    struct claims *c =
        claims_of(&r, &row->limits, row->there, ARRAY_SIZE(row->there));
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_BUF struct buf report = BUF_OWN;

    put_claims(&out, c, row->host);
    assert_string_equal(buf_str(&out), row->want);
    for (size_t i = 0; i < ARRAY_SIZE(row->there) && row->there[i].key;
         i++) {
        const struct model *m = claims_get(c, row->there[i].key);
        AUTO_FINDINGS struct findings *found = findings_new();

        claims_report(c, m, found);
        put_findings(&report, found, m->name);
    }
    assert_string_equal(buf_str(&report), row->report);
    claims_free(c);
    ruleset_fini(&r);
}

#endif /* TESTS_UNIT_INGRESS_CLAIMS_OWNER_HELP_H */
