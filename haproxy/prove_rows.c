/* prove_rows: routes and policies of the host proof.invalid.
 *
 * Where it matters which row was found, each row is a redirect to a place
 * that names it; where it matters what a policy does, the slot "proof" echoes
 * the path. */
#include "haproxy/prove.h"

#include <stdlib.h>

#include "haproxy/render.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define HOST PROVE_HOST
#define END "\001"

/* Our own constants are right or the build is wrong. */
static void
must(struct err *err)
{
    if (err) {
        abort();
    }
}

struct sink {
    policy_row_fn *row;
    void *aux;
};

static void
put_both(const struct sink *sink, const char *key, const char *value)
{
    sink->row("http", key, value, sink->aux);
    sink->row("https", key, value, sink->aux);
}

/* Rows of a policy, then its route in both tables. */
static void
put_route(const struct sink *sink, const char *key, const char *slot,
          const struct policy *policy)
{
    AUTO_BUF struct buf value = BUF_OWN;

    policy_rows(policy, sink->row, sink->aux);
    policy_route_value(policy, slot, &value);
    put_both(sink, key, buf_str(&value));
}

static struct policy *
redirect_to(const char *label)
{
    struct policy *policy = policy_new();
    AUTO_FREE char *url = xasprintf("http://" HOST "/=%s", label);

    must(policy_set(policy, POLICY_REDIRECT, url));
    must(policy_set(policy, POLICY_REDIRECT_CODE, "302"));
    return policy;
}

/* Each of these rows answers with its own name. */
static void
put_labels(const struct sink *sink)
{
    static const struct {
        const char *key, *label;
    } rows[] = {
        { HOST "/", "root" },
        { HOST "/a/b/", "prefix" },
        { HOST "/a/b/" END, "exact" },
        { "*." HOST "/", "wild" },
        { "own." HOST "/p/", "own" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_POLICY struct policy *policy = redirect_to(rows[i].label);

        put_route(sink, rows[i].key, PROGRAM_SLOT_REDIRECT, policy);
    }
    put_both(sink, "own." HOST "/", PROGRAM_SLOT_NONE);
    put_both(sink, HOST "/tls/", PROGRAM_SLOT_HTTPS);
    put_both(sink, HOST "/gone/", PROGRAM_SLOT_UNAVAILABLE);
}

static void
put_chooser(const struct sink *sink)
{
    AUTO_POLICY struct policy *choose = policy_new();
    AUTO_POLICY struct policy *label = redirect_to("regex");
    AUTO_BUF struct buf key = BUF_OWN;
    AUTO_BUF struct buf value = BUF_OWN;

    policy_rows(label, sink->row, sink->aux);
    policy_route_value(label, PROGRAM_SLOT_REDIRECT, &value);
    must(policy_regex_key("re." HOST, "/r[0-9]+", true, &key));
    sink->row("http-regex", buf_str(&key), buf_str(&value), sink->aux);
    sink->row("https-regex", buf_str(&key), buf_str(&value), sink->aux);
    must(policy_set(choose, POLICY_REGEX, "true"));
    put_route(sink, "re." HOST "/", PROGRAM_SLOT_NONE, choose);
}

static void
put_policies(const struct sink *sink)
{
    AUTO_POLICY struct policy *lists = policy_new();
    AUTO_POLICY struct policy *allow = policy_new();
    AUTO_POLICY struct policy *body = policy_new();
    AUTO_POLICY struct policy *cors = policy_new();
    AUTO_POLICY struct policy *rewrite = policy_new();
    AUTO_POLICY struct policy *sni = policy_new();
    AUTO_POLICY struct policy *client = policy_new();

    must(policy_add_cidr(lists, POLICY_DENY, "192.0.2.0/25"));
    must(policy_add_cidr(lists, POLICY_DENY, "2001:db8::/33"));
    put_route(sink, HOST "/deny/", PROGRAM_SLOT_PROOF, lists);

    must(policy_add_cidr(allow, POLICY_ALLOW, "192.0.2.7"));
    put_route(sink, HOST "/allow/", PROGRAM_SLOT_PROOF, allow);

    must(policy_set(body, POLICY_BODY, "4"));
    put_route(sink, HOST "/body/", PROGRAM_SLOT_PROOF, body);

    must(policy_add_origin(cors, "https://*.good.invalid"));
    must(policy_set(cors, POLICY_CORS_METHODS, "GET"));
    must(policy_set(cors, POLICY_CORS_HEADERS, "X-Proof"));
    must(policy_set(cors, POLICY_CORS_MAX_AGE, "1"));
    put_route(sink, HOST "/cors/", PROGRAM_SLOT_PROOF, cors);

    must(policy_set_rewrite(rewrite, "/strip(/|$)(.*)", true, "/$2"));
    put_route(sink, HOST "/strip/", PROGRAM_SLOT_PROOF, rewrite);

    must(policy_set(sni, POLICY_SNI, "true"));
    put_route(sink, HOST "/sni/", PROGRAM_SLOT_UNAVAILABLE, sni);

    must(policy_set(client, POLICY_CLIENT_MODE, "on"));
    must(policy_set(client, POLICY_CLIENT_CA, "none"));
    put_route(sink, HOST "/client/", PROGRAM_SLOT_PROOF, client);
}

/* Routes whose flags ask for rows that are not there. */
static void
put_gaps(const struct sink *sink)
{
    static const struct {
        const char *key;
        uint32_t flags;
    } rows[] = {
        { HOST "/gap/deny/", POLICY_F_DENY },
        { HOST "/gap/allow/", POLICY_F_ALLOW },
        { HOST "/gap/auth/", POLICY_F_AUTH },
        { HOST "/gap/ask/", POLICY_F_ASK },
        { HOST "/gap/body/", POLICY_F_BODY },
        { HOST "/gap/rps/", POLICY_F_RPS },
        { HOST "/gap/rpm/", POLICY_F_RPM },
        { HOST "/gap/connections/", POLICY_F_CONNECTIONS },
        { HOST "/gap/client/", POLICY_F_CLIENT },
    };
    AUTO_POLICY struct policy *present = redirect_to("gap");
    char id[POLICY_ID_SIZE];

    policy_id(present, id);
    policy_rows(present, sink->row, sink->aux);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_FREE char *value = xasprintf("%s;%s;%u", PROGRAM_SLOT_PROOF, id,
                                          rows[i].flags);

        put_both(sink, rows[i].key, value);
    }
    put_both(sink, HOST "/gap/all/", PROGRAM_SLOT_PROOF ";absent;0");
    put_both(sink, HOST "/gap/id/", PROGRAM_SLOT_PROOF);
}

void
prove_rows(policy_row_fn *row, void *aux)
{
    const struct sink sink = { .row = row, .aux = aux };

    put_labels(&sink);
    put_chooser(&sink);
    put_policies(&sink);
    put_gaps(&sink);
}
