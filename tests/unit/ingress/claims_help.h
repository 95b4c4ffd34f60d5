/* What the tests of claims share: an index under a policy, and its findings
 * as text, in the words that both expect. */
#ifndef TESTS_UNIT_INGRESS_CLAIMS_HELP_H
#define TESTS_UNIT_INGRESS_CLAIMS_HELP_H

#include "lib/base/buf.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/key.h"
#include "tests/unit/ingress/objects.h"

#define P0 "spec.rules[0].http.paths[0].path"
#define H0 "spec.rules[0].host"
#define OR_ASK(ns)                                                         \
    "use another host, or ask the owners of namespace \"" ns "\"\n"
#define ASK(ns) ": " OR_ASK(ns)
#define DEFINED(host, path, name, type)                                    \
    "host \"" host "\" and path \"" path "\" is already defined in "       \
    "ingress " name ", as " type ": "
#define HERE "use another path, or take it out there\n"
#define ELSEWHERE "use another host or path\n"
#define NO_MAIN(path)                                                      \
    "no main Ingress has host \"a.x\" and path \"" path "\" as Prefix, so " \
    "that nothing goes to this canary: write the host, path and pathType of " \
    "its main Ingress, or take the annotation canary out\n"

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

    r.host_policy = policy & 0xff;      /* Rows may add bits of theirs. */
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
set_one(struct claims *c, const struct ruleset *r, const struct one *one)
{
    struct model *m = model_one(r, one);

    claims_set(c, m);
    model_unref(m);
}

static inline void
fill(struct claims *c, const struct ruleset *r, const struct one *there,
     size_t n)
{
    for (size_t i = 0; i < n && there[i].key; i++) {
        set_one(c, r, &there[i]);
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

static inline void
put_claims(struct buf *out, const struct claims *c, const char *host)
{
    size_t n = 77;
    AUTO_FREE struct claim *claims = claims_host(c, host, &n);

    for (size_t i = 0; i < n; i++) {
        const struct claim *k = &claims[i];

        assert_int_equal(!k->route, k->tls != NULL);
        buf_printf(out, "%s ", k->model->object->key);
        if (k->tls) {
            buf_printf(out, "tls %s", k->tls->secret ? k->tls->secret : "-");
        } else {
            for (const char *s = k->route->key; *s; s++) {
                buf_putc(out, *s == KEY_END ? '!' : *s);
            }
        }
        buf_puts(out, k->holds ? " holds" : " loses");
        if (k->winner) {
            assert_false(k->holds);
            buf_printf(out, " to %s", k->winner->object->key);
        }
        buf_putc(out, '\n');
    }
}

static inline void
expect_host(const struct claims *c, const char *host, const char *want)
{
    AUTO_BUF struct buf out = BUF_OWN;

    put_claims(&out, c, host);
    assert_string_equal(buf_str(&out), want);
}

#endif /* TESTS_UNIT_INGRESS_CLAIMS_HELP_H */
