/* What the tests of claims share: an index under a policy, and its findings
 * as text. */
#ifndef TESTS_UNIT_INGRESS_CLAIMS_HELP_H
#define TESTS_UNIT_INGRESS_CLAIMS_HELP_H

#include "lib/base/buf.h"
#include "lib/ingress/claims.h"
#include "tests/unit/ingress/objects.h"

enum policy {
    NAMESPACE = HOST_POLICY_NAMESPACE,
    BY_PATH = HOST_POLICY_PATH,
    INGRESS = HOST_POLICY_INGRESS,
    NONE = HOST_POLICY_NONE,
    ENFORCED = 1 << 8,
};

struct one {
    const char *key;
    int created;
    const char *annotations;
    const char *spec;
};

static inline struct ruleset
ruleset_of(int policy)
{
    struct ruleset r = RULESET_INIT;

    r.host_policy = policy & ~ENFORCED;
    r.enforce_host_policy = policy & ENFORCED;
    r.ssl_passthrough = true;
    return r;
}

static inline struct model *
model_one(const struct ruleset *r, const struct one *one)
{
    return model_of(r, one->key, one->created, one->annotations, one->spec);
}

static inline void
fill(struct claims *c, const struct ruleset *r, const struct one *there,
     size_t n)
{
    for (size_t i = 0; i < n && there[i].key; i++) {
        struct model *m = model_one(r, &there[i]);

        claims_set(c, m);
        model_unref(m);
    }
}

static inline void
put_findings(struct buf *out, const struct findings *fs, const char *object)
{
    for (size_t i = 0; i < findings_count(fs); i++) {
        const struct finding *f = findings_get(fs, i);

        assert_string_equal(f->object, object);
        assert_int_equal(f->reason, FINDING_OWNERSHIP);
        buf_printf(out, "%s %s: %s\n",
                   f->severity == FINDING_ERROR ? "error" : "warning",
                   f->field, f->message);
    }
}

#endif /* TESTS_UNIT_INGRESS_CLAIMS_HELP_H */
