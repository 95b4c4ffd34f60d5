#include "tests/unit/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/plan_priv.h"
#include "lib/base/mem.h"

/* A plan driven by one-letter words, so that a row shows the whole story:
 *   bNAME:KIND:CONNECT:PORTS   backend, PORTS such as "1,2d" (d: drain)
 *   xNAME                      delete backend
 *   rKEY=NAME[/RPS][?]         route (http) with a policy, with choose
 *   dKEY                       delete route
 *   pHOST=NAME  qHOST          passthrough, delete it
 *   gHOST=REGEX,REGEX>NAME     regexes; gHOST none
 *   !                          the driver has dealt with everything
 */
static void
set_backend(struct plan *plan, char *arg)
{
    char *name = strsep(&arg, ":"), *kind = strsep(&arg, ":");
    char *connect = strsep(&arg, ":"), *one;
    struct plan_server servers[8] = { 0 };
    struct plan_backend b = { .servers = servers };

    while ((one = strsep(&arg, ",")) && *one) {
        struct plan_server *server = &servers[b.n_servers++];

        memcpy(server->address, "10.0.0.1", 9);
        server->port = (uint16_t) (one[0] - '0');
        server->state = strchr(one, 'd') ? PLAN_DRAIN : PLAN_READY;
    }
    b.kind = *kind == 'p' ? PLAN_POLICY : *kind == 't' ? PLAN_TCP
                                                       : PLAN_PLAIN;
    b.connect_ms = (uint32_t) (*connect - '0') * 1000;
    plan_set_backend(plan, name, &b);
}

static void
set_route(struct plan *plan, char *arg)
{
    char *key = strsep(&arg, "=");
    bool choose = strchr(arg, '?') != NULL;
    char *rest = strsep(&arg, "?"), *name = strsep(&rest, "/");
    AUTO_POLICY struct policy *policy = policy_new();
    struct plan_route route = { .action = PLAN_FORWARD, .backend = name,
                                .choose = choose };

    if (rest) {
        err_free(policy_set(policy, POLICY_ZONE, "z"));
        err_free(policy_set(policy, POLICY_RPS, rest));
        route.policy = policy;
    }
    plan_set_route(plan, PLAN_HTTP, key, &route);
}

static void
set_regexes(struct plan *plan, char *arg)
{
    char *host = strsep(&arg, "="), *list, *one;
    struct plan_regex regexes[4] = { 0 };
    size_t n = 0;

    list = arg ? strsep(&arg, ">") : NULL;
    while (list && (one = strsep(&list, ","))) {
        regexes[n++] = (struct plan_regex) {
            .regex = one,
            .route = { .action = PLAN_FORWARD, .backend = arg },
        };
    }
    plan_set_regexes(plan, PLAN_HTTP, host, regexes, n);
}

static void
play(struct plan *plan, const char *script, bool clean)
{
    AUTO_FREE char *copy = xstrdup(script);
    char *rest = copy, *word;

    while ((word = strsep(&rest, " "))) {
        char *eq = strchr(word, '=');

        switch (word[0]) {
        case 'b':
            set_backend(plan, word + 1);
            break;
        case 'x':
            plan_del_backend(plan, word + 1);
            break;
        case 'r':
            set_route(plan, word + 1);
            break;
        case 'd':
            plan_del_route(plan, PLAN_HTTP, word + 1);
            break;
        case 'g':
            set_regexes(plan, word + 1);
            break;
        case 'p':
            *eq = '\0';
            plan_set_passthrough(plan, word + 1, eq + 1);
            break;
        case 'q':
            plan_del_passthrough(plan, word + 1);
            break;
        case '!':
            if (clean) {
                plan_clean(plan);
            }
            break;
        default:
            fail_msg("word %s", word);
        }
    }
}

/* "b:NAME r:KEY g:HOST p:HOST P+1 P-1": dirty keys and policies. */
static char *
dirty_text(struct plan *plan)
{
    static const char marks[PLAN_SETS] = {
        [PLAN_SET_BACKENDS] = 'b', [PLAN_SET_ROUTES] = 'r',
        [PLAN_SET_REGEXES] = 'g', [PLAN_SET_PASSTHROUGHS] = 'p',
    };
    AUTO_BUF struct buf out = BUF_OWN;
    int come = 0, gone = 0;

    for (size_t set = 0; set < PLAN_SETS; set++) {
        const struct map *dirty = plan_dirty(plan, set);
        AUTO_FREE const char **keys = map_sorted_keys(dirty);

        for (size_t i = 0; i < map_size(dirty); i++) {
            const struct plan_policy *policy =
                set == PLAN_SET_POLICIES
                    ? map_get(plan_items(plan, set), keys[i]) : NULL;

            if (policy && policy != plan_empty_policy(plan)) {
                *(policy->users > 0 ? &come : &gone) += 1;
            } else if (!policy) {
                buf_printf(&out, "%s%c:%s", out.size ? " " : "", marks[set],
                           keys[i]);
            }
        }
    }
    if (come) {
        buf_printf(&out, " P+%d", come);
    }
    if (gone) {
        buf_printf(&out, " P-%d", gone);
    }
    return xstrdup(buf_str(&out));
}

static const struct row {
    const char *name;
    const char *script;
    const char *want;
} rows[] = {
    { "a backend and its route", "ba:h:1:1 rk=a", "b:a r:k" },
    { "cleaned: nothing", "ba:h:1:1 rk=a !", "" },
    { "the same again: nothing", "ba:h:1:1 rk=a ! ba:h:1:1 rk=a", "" },
    { "servers only: no route", "ba:h:1:1 rk=a ! ba:h:1:1,2", "b:a" },
    { "order of servers does not count", "ba:h:1:2,1 ! ba:h:1:1,2", "" },
    { "a server twice counts once", "ba:h:1:1,1d ! ba:h:1:1", "" },
    { "drain is a change", "ba:h:1:1,2 ! ba:h:1:1,2d", "b:a" },
    { "another class moves its routes only",
      "ba:h:1:1 bc:h:1:1 rk=a rl=a rm=c ! ba:p:1:1", "b:a r:k r:l" },
    { "another time-out is another class", "ba:h:1:1 rk=a ! ba:h:2:1",
      "b:a r:k" },
    { "a backend that comes late moves its routes",
      "rk=a ! ba:h:1:1", "b:a r:k" },
    { "a backend that goes early moves its routes",
      "ba:h:1:1 rk=a ! xa", "b:a r:k" },
    { "back before anyone looked", "ba:h:1:1 rk=a ! xa ba:h:1:1",
      "b:a r:k" },
    { "a route to another backend", "ba:h:1: bc:h:1: rk=a ! rk=c", "r:k" },
    { "delete a route and its backend", "ba:h:1:1 rk=a ! dk xa", "b:a r:k" },
    { "deleting what is not there", "! dk xa qh gh", "" },
    { "choose is a change", "rk=a ! rk=a?", "r:k" },
    { "a policy comes", "rk=a ! rk=a/5", "r:k P+1" },
    { "a policy changes: new rows and old ones", "rk=a/5 ! rk=a/6",
      "r:k P+1 P-1" },
    { "two routes share a policy", "rk=a/5 ! rl=a/5", "r:l" },
    { "the policy stays while one has it", "rk=a/5 rl=a/5 ! dk", "r:k" },
    { "the last one takes it away", "rk=a/5 rl=a/5 ! dk dl", "r:k r:l P-1" },
    { "it goes and comes back in one pass", "rk=a/5 ! dk rk=a/5",
      "r:k P+1" },
    { "regexes", "gh=/a,/b>a", "g:h" },
    { "regexes in another order", "gh=/a,/b>a ! gh=/b,/a>a", "g:h" },
    { "the same regexes", "gh=/a,/b>a ! gh=/a,/b>a", "" },
    { "regexes of a moved backend", "ba:h:1: gh=/a>a ! ba:h:2:",
      "b:a g:h" },
    { "no regexes any more", "gh=/a>a ! gh", "g:h" },
    { "passthrough", "ba:t:1:1 ph=a", "b:a p:h" },
    { "passthrough moves with its backend", "ba:t:1:1 ph=a ! ba:t:2:1",
      "b:a p:h" },
    { "passthrough gone", "ba:t:1:1 ph=a ! qh", "p:h" },
};

/* What is dirty is right, and the plan equals one that was never dirty. */
static void
check_row(void **state)
{
    const struct row *row = *state;
    struct plan *plan = plan_new(), *again = plan_new();
    AUTO_BUF struct buf one = BUF_OWN, two = BUF_OWN;
    char *dirty;

    plan_clean(plan);
    play(plan, row->script, true);
    dirty = dirty_text(plan);
    play(again, row->script, false);
    plan_dump(plan, &one);
    plan_dump(again, &two);
    assert_string_equal(*dirty == ' ' ? dirty + 1 : dirty, row->want);
    assert_string_equal(buf_str(&one), buf_str(&two));
    free(dirty);
    plan_free(plan);
    plan_free(again);
}

static void
generation_follows_changes(void **state)
{
    struct plan *plan = plan_new();
    uint64_t first;

    (void) state;
    play(plan, "ba:h:1:1 rk=a", true);
    first = plan_generation(plan);
    play(plan, "ba:h:1:1 rk=a !", true);
    assert_int_equal(plan_generation(plan), first);
    play(plan, "ba:h:1:1,2", true);
    assert_true(plan_generation(plan) > first);
    plan_free(plan);
}

static void
counts(void **state)
{
    struct plan *plan = plan_new();
    struct plan_counts n;

    (void) state;
    play(plan, "ba:h:1:1,2 bc:t:1:3 rk=a rl=a ph=c ba:h:1:1 dl", true);
    plan_set_cert(plan, "", "x", NULL);
    n = plan_counts(plan);
    assert_int_equal(n.backends, 2);
    assert_int_equal(n.servers, 2);
    assert_int_equal(n.routes, 1);
    assert_int_equal(n.passthroughs, 1);
    assert_int_equal(n.certs, 1);
    plan_free(plan);
}

static void
certificates_compare_by_content(void **state)
{
    static const struct plan_sni sni = { .certs = { "a" }, .n_certs = 1 };
    struct plan *plan = plan_new();

    (void) state;
    plan_set_cert(plan, "a", "one", NULL);
    plan_set_sni(plan, "h", &sni);
    plan_clean(plan);
    plan_set_cert(plan, "a", "one", NULL);
    plan_set_sni(plan, "h", &sni);
    assert_false(plan_is_dirty(plan));
    plan_set_cert(plan, "a", "two", NULL);
    assert_int_equal(map_size(plan_dirty(plan, PLAN_SET_CERTS)), 1);
    plan_del_sni(plan, "h");
    plan_del_cert(plan, "a");
    assert_int_equal(map_size(plan_dirty(plan, PLAN_SET_SNIS)), 1);
    plan_free(plan);
}

/* A name cannot pass for another line of the dump. */
static void
dump_quotes(void **state)
{
    struct plan *plan = plan_new();
    AUTO_BUF struct buf out = BUF_OWN;

    (void) state;
    plan_set_passthrough(plan, "h\nsni \"x\"", "b");
    plan_dump(plan, &out);
    assert_non_null(strstr(buf_str(&out),
                           "passthrough \"h\\x0asni \\x22x\\x22\" \"b\"\n"));
    plan_free(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generation_follows_changes),
        cmocka_unit_test(counts),
        cmocka_unit_test(certificates_compare_by_content),
        cmocka_unit_test(dump_quotes),
    };

    return TABLE_RUN("plan", rows, check_row) +
           cmocka_run_group_tests_name("plan more", tests, NULL, NULL);
}
