/* Random Ingresses set and removed in random order.  After every step the
 * index says what an index made from nothing says, no key has two holders
 * that are not twins, every host whose claims changed was dirty, and, where
 * the policy holds at run time, what a plain simulation in order of age
 * says.  SEED=N repeats a run. */
#include "tests/unit/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/ingress/claims.h"
#include "lib/ingress/host.h"
#include "tests/unit/ingress/objects.h"

#define N_KEYS 14
#define N_STEPS 400

static const char *const hosts[] = {
    "", "a.x", "b.x", "c.x", "*.x", "x", "a.b.x", "*.b.x", "b.y",
};
static const char *const namespaces[] = { "k", "m", "n" };
static const char *const types[] = {
    "Prefix", "Exact", "ImplementationSpecific",
};
/* Annotations of those who share and take over; "@" stands for a key. */
static const char *const deals[] = {
    "'sallyport.dev/share-host-with':'m'",
    "'sallyport.dev/share-host-with':'k,n'",
    "'sallyport.dev/share-host-with':'*'",
    "'sallyport.dev/takeover-from':'@'",
    "'sallyport.dev/takeover-from':'@'",
    "'sallyport.dev/release-to':'@'",
    "'sallyport.dev/takeover-from':'k/a','sallyport.dev/release-to':'m/a'",
};
static const char *const keys[N_KEYS] = {
    "k/a", "k/b", "k/c", "k/d", "k/e", "m/a", "m/b", "m/c", "m/d",
    "n/a", "n/b", "n/c", "n/d", "n/e",
};
static const char *const pin_texts[] = {
    NULL, "a.x: k", "x: m, n\nb.x: k", "b.x: m\nbad", "b.y: n",
};
static const char *const lists[] = { NULL, "*.x", "a.x, b.x", "*" };
static const char *const paths[] = { "/", "/p", "/p/", "/q", "/p/q" };

static uint64_t seed;

/* xorshift64: any run can be repeated from its seed. */
static uint32_t
random_below(uint64_t *state, uint32_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t) (*state >> 32) % n;
}

static void
put_rules(struct buf *out, uint64_t *state)
{
    uint32_t n = 1 + random_below(state, 3);

    buf_puts(out, "'rules':[");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_paths = random_below(state, 4);

        buf_printf(out, "%s{'host':'%s'", i > 0 ? "," : "",
                   hosts[random_below(state, ARRAY_SIZE(hosts))]);
        for (uint32_t j = 0; j < n_paths; j++) {
            buf_printf(out,
                       "%s{'path':'%s','pathType':'%s','backend':"
                       "{'service':{'name':'s%u','port':{'number':80}}}}%s",
                       j > 0 ? "," : ",'http':{'paths':[",
                       paths[random_below(state, ARRAY_SIZE(paths))],
                       types[random_below(state, ARRAY_SIZE(types))],
                       random_below(state, 2),
                       j + 1 == n_paths ? "]}" : "");
        }
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void
put_tls(struct buf *out, uint64_t *state)
{
    if (random_below(state, 3) == 0) {
        buf_printf(out, ",'tls':[{'hosts':['%s'],'secretName':'c%u'}]",
                   hosts[1 + random_below(state, ARRAY_SIZE(hosts) - 1)],
                   random_below(state, 2));
    }
}

/* What an administrator says, beside the Ingresses. */
struct limits {
    bool is_deleting[ARRAY_SIZE(namespaces)];
    const char *lists[ARRAY_SIZE(namespaces)];
    const char *pins;
};

static void
put_deal(struct buf *out, uint64_t *state)
{
    const char *deal = deals[random_below(state, ARRAY_SIZE(deals))];
    const char *at = strchr(deal, '@');

    if (at) {
        buf_put(out, deal, (size_t) (at - deal));
        buf_printf(out, "%s%s", keys[random_below(state, N_KEYS)], at + 1);
    } else {
        buf_puts(out, deal);
    }
}

static struct model *
random_model(const struct ruleset *r, const char *key, bool has_deals,
             uint64_t *state)
{
    static const char *const annotations[] = {
        "", "", "", "", "", 
        ANNOTATION("ssl-passthrough", "true"), ANNOTATION("canary", "true"),
    };
    AUTO_BUF struct buf spec = BUF_OWN;
    AUTO_BUF struct buf deal = BUF_OWN;
    const char *annotation =
        annotations[random_below(state, ARRAY_SIZE(annotations))];

    if (has_deals && random_below(state, 2) == 0) {
        put_deal(&deal, state);
        annotation = buf_str(&deal);
    }

    if (random_below(state, 8) == 0) {
        buf_puts(&spec, DEFAULT("d"));
    } else {
        put_rules(&spec, state);
    }
    put_tls(&spec, state);
    return model_of(r, key, (int) random_below(state, 9), annotation,
                    buf_str(&spec));
}

/* --- The state, as text --- */

static void
put_host(struct buf *out, const struct claims *c, const char *host)
{
    size_t n;
    AUTO_FREE struct claim *claims = claims_host(c, host, &n);

    for (size_t i = 0; i < n; i++) {
        const struct claim *k = &claims[i];

        buf_printf(out, "%s %s %s %s\n", k->model->object->key,
                   k->route ? k->route->field : k->tls->field,
                   k->holds ? "holds" : "loses to",
                   k->winner ? k->winner->object->key : "-");
    }
}

static void
put_findings(struct model *m, void *aux)
{
    void **args = aux;
    AUTO_FINDINGS struct findings *found = findings_new();

    claims_report(args[0], m, found);
    claims_judge(args[0], m, found);
    findings_print(found, args[1]);
}

static void
put_all(struct buf *out, struct claims *c)
{
    void *args[] = { c, out };

    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        buf_printf(out, "%s:\n", hosts[i]);
        put_host(out, c, hosts[i]);
    }
    claims_each(c, put_findings, args);
}

static void
copy_model(struct model *m, void *aux)
{
    claims_set(aux, m);
}

/* cmocka cuts long texts: show the first line that differs. */
static void
expect_same_text(const char *got, const char *want)
{
    while (*got && strcspn(got, "\n") == strcspn(want, "\n") &&
           strncmp(got, want, strcspn(got, "\n")) == 0) {
        got += strcspn(got, "\n");
        want += strcspn(want, "\n");
        got += *got != '\0';
        want += *want != '\0';
    }
    assert_string_equal(got, want);
}

static void
expect_equal_to_fresh(struct claims *c, const struct ruleset *r,
                      const struct limits *limits)
{
    struct claims *fresh = claims_new(r);
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_BUF struct buf want = BUF_OWN;

    for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
        claims_set_namespace(fresh, namespaces[i], limits->is_deleting[i]);
        claims_set_allowed_hosts(fresh, namespaces[i], limits->lists[i]);
    }
    err_free(claims_set_host_owners(fresh, limits->pins));
    claims_each(c, copy_model, fresh);
    put_all(&got, c);
    put_all(&want, fresh);
    expect_same_text(buf_str(&got), buf_str(&want));
    claims_free(fresh);
}

/* --- Holders --- */

static bool
is_same_backend(const struct route *a, const struct route *b)
{
    return str_eq(a->backend.service, b->backend.service);
}

static void
expect_one_holder(const struct claims *c, const char *host, bool has_limits)
{
    size_t n;
    AUTO_FREE struct claim *k = claims_host(c, host, &n);

    for (size_t i = 0; i < n; i++) {
        /* Who loses loses to somebody, but for canaries. */
        assert_true(k[i].holds ? !k[i].winner
                               : k[i].winner || k[i].model->is_canary ||
                                     has_limits);
        for (size_t j = 0; j < i; j++) {
            if (k[i].holds && k[j].holds && k[i].route && k[j].route &&
                strcmp(k[i].route->key, k[j].route->key) == 0 &&
                k[i].route->kind != ROUTE_HOST) {
                assert_string_equal(k[i].model->object->namespace,
                                    k[j].model->object->namespace);
                assert_true(is_same_backend(k[i].route, k[j].route));
            }
            if (k[i].holds && k[j].holds && k[i].route && k[j].route &&
                k[i].model != k[j].model &&
                k[i].route->kind != ROUTE_HOST &&
                k[j].route->kind != ROUTE_HOST) {
                assert_int_equal(k[i].route->kind == ROUTE_PASSTHROUGH,
                                 k[j].route->kind == ROUTE_PASSTHROUGH);
            }
        }
    }
}

/* --- The policy as a plain simulation --- */

struct simulation {
    const struct model *models[N_KEYS];
    size_t n;
    const struct model *owners[ARRAY_SIZE(hosts)];
};

static void
add_model(struct model *m, void *aux)
{
    struct simulation *s = aux;

    s->models[s->n++] = m;
}

static int
compare_age(const void *a, const void *b)
{
    const struct kube_object *x = (*(const struct model *const *) a)->object;
    const struct kube_object *y = (*(const struct model *const *) b)->object;
    int64_t cx = x->created ? x->created : INT64_MAX;
    int64_t cy = y->created ? y->created : INT64_MAX;

    return cx != cy ? (cx < cy ? -1 : 1) : strcmp(y->key, x->key);
}

static bool
claims_host_of(const struct model *m, const char *host)
{
    for (size_t i = 0; i < m->n_routes; i++) {
        if (strcmp(m->routes[i].host, host) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        if (strcmp(m->tls[i].host, host) == 0) {
            return true;
        }
    }
    return false;
}

static bool
may_have(const struct simulation *s, const struct model *m, size_t h,
         bool is_strict)
{
    if (s->owners[h] && (is_strict || strcmp(s->owners[h]->object->namespace,
                                             m->object->namespace) != 0)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        if (s->owners[i] &&
            (host_covers(hosts[i], hosts[h]) ||
             host_covers(hosts[h], hosts[i])) &&
            strcmp(s->owners[i]->object->namespace,
                   m->object->namespace) != 0) {
            return false;
        }
    }
    return true;
}

/* As if all had come in the order of their age, past the webhook. */
static void
simulate(struct claims *c, bool is_strict, const bool *is_deleting,
         bool allowed[N_KEYS][ARRAY_SIZE(hosts)], struct simulation *s)
{
    *s = (struct simulation) { .n = 0 };
    claims_each(c, add_model, s);
    qsort(s->models, s->n, sizeof(s->models[0]), compare_age);
    for (size_t i = 0; i < s->n; i++) {
        const struct model *m = s->models[i];
        bool is_gone = false;

        for (size_t k = 0; k < ARRAY_SIZE(namespaces); k++) {
            is_gone = is_gone || (is_deleting[k] &&
                                  str_eq(namespaces[k],
                                         m->object->namespace));
        }
        for (size_t h = 1; h < ARRAY_SIZE(hosts); h++) {
            allowed[i][h] = !is_gone && claims_host_of(m, hosts[h]) &&
                            may_have(s, m, h, is_strict);
            if (allowed[i][h] && !s->owners[h]) {
                s->owners[h] = m;
            }
        }
    }
}

/* Who is not allowed holds nothing; of those allowed the oldest does. */
static void
expect_simulated(struct claims *c, const struct ruleset *r,
                 const bool *is_deleting)
{
    bool allowed[N_KEYS][ARRAY_SIZE(hosts)] = { { false } };
    struct simulation s;

    simulate(c, r->host_policy == HOST_POLICY_INGRESS, is_deleting, allowed,
             &s);
    for (size_t h = 1; h < ARRAY_SIZE(hosts); h++) {
        size_t n;
        AUTO_FREE struct claim *k = claims_host(c, hosts[h], &n);

        for (size_t j = 0; j < n; j++) {
            size_t i = 0;

            while (s.models[i] != k[j].model) {
                i++;
            }
            if (!allowed[i][h]) {
                assert_false(k[j].holds);
            }
            if (s.owners[h] == k[j].model && !k[j].model->is_canary) {
                /* The oldest allowed loses to nobody on this host, but
                 * twice by its own paths, which a model has not. */
                assert_true(k[j].holds);
            }
        }
    }
}

/* --- Runs --- */

static void
put_hosts(char *texts[ARRAY_SIZE(hosts)], const struct claims *c)
{
    for (size_t h = 0; h < ARRAY_SIZE(hosts); h++) {
        AUTO_BUF struct buf out = BUF_OWN;

        put_host(&out, c, hosts[h]);
        texts[h] = buf_take(&out);
    }
}

/* What is served may change on dirty hosts only.  (The winner's name may
 * change elsewhere: it is for people, who ask when they want to know.) */
static void
expect_dirty(struct claims *c, char *before[ARRAY_SIZE(hosts)],
             char *after[ARRAY_SIZE(hosts)], bool is_enforced)
{
    size_t n;
    char **dirty = claims_take_dirty(c, &n);

    for (size_t h = 0; h < ARRAY_SIZE(hosts); h++) {
        bool is_dirty = false;

        for (size_t i = 0; i < n; i++) {
            is_dirty = is_dirty || strcmp(dirty[i], hosts[h]) == 0;
        }
        if (!is_dirty && !is_enforced) {
            assert_string_equal(before[h], after[h]);
        } else if (!is_dirty) {
            AUTO_FREE char *x = xstrdup(before[h]);
            AUTO_FREE char *y = xstrdup(after[h]);

            for (char *s = x; (s = strstr(s, " loses to ")) != NULL;) {
                s += strlen(" loses to ");
                memset(s, '?', strcspn(s, "\n"));
            }
            for (char *s = y; (s = strstr(s, " loses to ")) != NULL;) {
                s += strlen(" loses to ");
                memset(s, '?', strcspn(s, "\n"));
            }
            assert_string_equal(x, y);
        }
    }
    for (size_t i = 0; i < n; i++) {
        free(dirty[i]);
    }
    free(dirty);
}

/* Sometimes an administrator does something. */
static void
step_limits(struct claims *c, struct limits *limits, uint64_t *state)
{
    uint32_t i = random_below(state, ARRAY_SIZE(namespaces));

    if (random_below(state, 2) == 0) {
        limits->lists[i] = lists[random_below(state, ARRAY_SIZE(lists))];
        claims_set_allowed_hosts(c, namespaces[i], limits->lists[i]);
    } else {
        limits->pins = pin_texts[random_below(state, ARRAY_SIZE(pin_texts))];
        err_free(claims_set_host_owners(c, limits->pins));
    }
}

static void
step(struct claims *c, const struct ruleset *r, struct limits *limits,
     bool has_deals, uint64_t *state)
{
    uint32_t dice = random_below(state, 20);

    if (dice == 0) {
        uint32_t i = random_below(state, ARRAY_SIZE(namespaces));

        limits->is_deleting[i] = !limits->is_deleting[i];
        claims_set_namespace(c, namespaces[i], limits->is_deleting[i]);
    } else if (dice < 3 && r->namespace_allowed_hosts) {
        step_limits(c, limits, state);
    } else if (dice < 6) {
        claims_remove(c, keys[random_below(state, N_KEYS)]);
    } else {
        struct model *m =
            random_model(r, keys[random_below(state, N_KEYS)], has_deals,
                         state);

        claims_set(c, m);
        model_unref(m);
    }
}

struct run {
    const char *name;
    int policy;
    bool is_enforced;
    bool has_deals;             /* Shares and takeovers. */
    bool has_limits;            /* Pins, and lists of namespaces. */
};

static void
check_run(void **unused)
{
    const struct run *run = *unused;
    struct ruleset r = RULESET_INIT;
    struct limits limits = { .pins = NULL };
    char *before[ARRAY_SIZE(hosts)], *after[ARRAY_SIZE(hosts)];
    uint64_t state = seed;
    struct claims *c;

    r.host_policy = run->policy;
    r.enforce_host_policy = run->is_enforced;
    r.ssl_passthrough = true;
    r.namespace_allowed_hosts = run->has_limits;
    c = claims_new(&r);
    put_hosts(before, c);
    for (size_t i = 0; i < N_STEPS; i++) {
        step(c, &r, &limits, run->has_deals, &state);
        put_hosts(after, c);
        expect_dirty(c, before, after, run->is_enforced);
        expect_equal_to_fresh(c, &r, &limits);
        for (size_t h = 0; h < ARRAY_SIZE(hosts); h++) {
            expect_one_holder(c, hosts[h], run->has_limits);
            free(before[h]);
            before[h] = after[h];
        }
        if (run->is_enforced && run->policy != HOST_POLICY_PATH &&
            !run->has_deals && !run->has_limits) {
            expect_simulated(c, &r, limits.is_deleting);
        }
    }
    for (size_t h = 0; h < ARRAY_SIZE(hosts); h++) {
        free(before[h]);
    }
    claims_free(c);
}

static const struct run runs[] = {
    { "namespace", HOST_POLICY_NAMESPACE, false, false, false },
    { "namespace, enforced", HOST_POLICY_NAMESPACE, true, false, false },
    { "ingress, enforced", HOST_POLICY_INGRESS, true, false, false },
    { "path, enforced", HOST_POLICY_PATH, true, false, false },
    { "none", HOST_POLICY_NONE, false, false, false },
    { "namespace, deals", HOST_POLICY_NAMESPACE, false, true, false },
    { "namespace, deals, enforced", HOST_POLICY_NAMESPACE, true, true,
      false },
    { "namespace, limits, enforced", HOST_POLICY_NAMESPACE, true, false,
      true },
    { "namespace, all, enforced", HOST_POLICY_NAMESPACE, true, true, true },
    { "namespace, all", HOST_POLICY_NAMESPACE, false, true, true },
    { "ingress, all, enforced", HOST_POLICY_INGRESS, true, true, true },
    { "path, all, enforced", HOST_POLICY_PATH, true, true, true },
    { "none, all", HOST_POLICY_NONE, false, true, true },
};

int
main(void)
{
    const char *given = getenv("SEED");

    if (!given || !parse_u64(given, 1, UINT64_MAX, &seed)) {
        seed = (uint64_t) backoff_random() << 32 | backoff_random() | 1;
    }
    printf("SEED=%" PRIu64 "\n", seed);
    return TABLE_RUN("claims at random", runs, check_run);
}
