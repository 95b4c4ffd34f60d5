/* driver_tool: the driver under a script, for tests against a real HAProxy.
 *
 * Reads commands from standard input, one a line, words apart by blanks, and
 * answers each with lines that end in one of "ok", "error TEXT".  "$" in keys
 * is the end mark.
 *     backend NAME KIND BALANCE CONNECT-MS
 *         [ADDRESS:PORT[:drain|:h2c|:proxy-v2]]...
 *     delbackend NAME
 *     route TABLE KEY forward BACKEND [policy=SETTING:VALUE,...] [choose]
 *     route TABLE KEY https|none|unavailable|redirect [policy=...] [choose]
 *     delroute TABLE KEY
 *     regexes TABLE HOST [REGEX=BACKEND]...
 *     pass HOST BACKEND         delpass HOST
 *     cert NAME FILE            delcert NAME
 *     sni HOST NAME[,NAME]... [ciphers|ciphersuites|min|max|ca|crl=WORD]...
 *     delsni HOST
 *     complete                  the plan is complete from now on
 *     apply [MS]                runs until everything is confirmed and proved
 *     settle                    the same, and until files are written
 *     run MS                    runs that long
 *     hold                      time stands still for the driver
 *     check                     what HAProxy reports equals the plan
 *     dump                      the plan
 *     metrics                   the registry
 *     stop MS                   ends HAProxy
 * Names "" are written as "-".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "haproxy/dataplane.h"
#include "haproxy/files.h"
#include "haproxy/reply.h"
#include "lib/base/clock.h"
#include "lib/base/flags.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define APPLY_MS 30000

struct tool {
    struct plan *plan;
    struct metrics *metrics;
    struct dataplane *dataplane;
    bool is_complete;
    bool is_held;
    int64_t now_ms;             /* Of the last turn. */
};

static void
turn(struct tool *t)
{
    if (!t->is_held) {
        t->now_ms = clock_ms();
    }
    dataplane_run(t->dataplane, t->plan, t->is_complete, t->now_ms);
}

static void
spin(struct tool *t)
{
    struct waits waits;

    turn(t);
    waits_init(&waits);
    dataplane_wait(t->dataplane, &waits);
    waits_until(&waits, clock_ms() + 20);
    waits_block(&waits);
    waits_fini(&waits);
}

static const char *
name_of(const char *word)
{
    return str_eq(word, "-") ? "" : word;
}

static char *
key_of(char *word)
{
    for (char *p = word; *p; p++) {
        if (*p == '$') {
            *p = '\001';
        }
    }
    return word;
}

static enum plan_table
table_of(const char *word)
{
    return str_eq(word, "https") ? PLAN_HTTPS : PLAN_HTTP;
}

static bool
read_server(char *word, struct plan_server *out)
{
    char *drain = strstr(word, ":drain"), *h2c = strstr(word, ":h2c");
    char *proxy = strstr(word, ":proxy-v2");
    char *colon;

    if (drain) {
        *drain = '\0';
        out->state = PLAN_DRAIN;
    }
    if (h2c) {
        *h2c = '\0';
        out->protocol = PLAN_H2C;
    }
    if (proxy) {
        *proxy = '\0';
        out->protocol = PLAN_PROXY_V2;
    }
    colon = strrchr(word, ':');
    if (!colon || !parse_port(colon + 1, &out->port)) {
        return false;
    }
    *colon = '\0';
    memcpy(out->address, word, strnlen(word, sizeof out->address - 1));
    return true;
}

static const char *
do_backend(struct tool *t, char *line)
{
    static const char *const kinds[] = { "plain", "policy", "cookie", "tcp" };
    const char *name = reply_word(&line), *kind = reply_word(&line);
    const char *balance = reply_word(&line), *connect = reply_word(&line);
    VEC(struct plan_server) servers = { 0 };
    struct plan_backend b = { .kind = PLAN_PLAIN };
    const char *bad = NULL;
    uint64_t ms;
    char *word;

    if (!connect || !parse_u64(connect, 0, 3600000, &ms)) {
        return "words";
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (str_eq(kind, kinds[i])) {
            b.kind = i;
        }
    }
    b.balance = str_eq(balance, "leastconn") ? PLAN_LEASTCONN
                                             : PLAN_ROUNDROBIN;
    b.connect_ms = (uint32_t) ms;
    while ((word = reply_word(&line))) {
        struct plan_server server = { .state = PLAN_READY };

        if (!read_server(word, &server)) {
            bad = "server";
        }
        VEC_PUSH(&servers, server);
    }
    b.servers = servers.items;
    b.n_servers = servers.n;
    if (!bad) {
        plan_set_backend(t->plan, name, &b);
    }
    VEC_FINI(&servers);
    return bad;
}

static const char *
set_policy(struct policy *policy, char *text)
{
    char *one;

    while ((one = strsep(&text, ","))) {
        char *value = strchr(one, ':');
        struct err *err = NULL;

        if (!value) {
            return "policy";
        }
        *value++ = '\0';
        if (str_eq(one, "allow")) {
            err = policy_add_cidr(policy, POLICY_ALLOW, value);
        }
        for (int i = 0; i < POLICY_N_SETTINGS && !err; i++) {
            if (str_eq(policy_setting_name((enum policy_setting) i), one)) {
                err = policy_set(policy, (enum policy_setting) i, value);
            }
        }
        if (err) {
            fprintf(stderr, "%s\n", err_text(err));
            err_free(err);
            return "policy value";
        }
    }
    return NULL;
}

static const char *
do_route(struct tool *t, char *line)
{
    const char *table = reply_word(&line);
    char *key = reply_word(&line), *word;
    const char *action = reply_word(&line);
    AUTO_POLICY struct policy *policy = policy_new();
    struct plan_route route = { .action = PLAN_FORWARD };
    const char *bad = NULL;

    if (!action) {
        return "words";
    }
    if (str_eq(action, "forward")) {
        route.backend = reply_word(&line);
    } else {
        route.action = str_eq(action, "https")      ? PLAN_HTTPS_REDIRECT
                       : str_eq(action, "none")     ? PLAN_NOT_FOUND
                       : str_eq(action, "redirect") ? PLAN_REDIRECT
                                                    : PLAN_UNAVAILABLE;
    }
    while ((word = reply_word(&line))) {
        if (str_eq(word, "choose")) {
            route.choose = true;
        } else if (str_starts(word, "policy=")) {
            bad = set_policy(policy, word + strlen("policy="));
            route.policy = policy;
        }
    }
    if (!bad) {
        plan_set_route(t->plan, table_of(table), key_of(key), &route);
    }
    return bad;
}

static const char *
do_regexes(struct tool *t, char *line)
{
    const char *table = reply_word(&line), *host = reply_word(&line);
    struct plan_regex list[16] = { 0 };
    size_t n = 0;
    char *word;

    while (n < ARRAY_SIZE(list) && (word = reply_word(&line))) {
        char *eq = strrchr(word, '=');

        if (!eq) {
            return "regex";
        }
        *eq = '\0';
        list[n].regex = word;
        list[n++].route = (struct plan_route) { .action = PLAN_FORWARD,
                                                .backend = eq + 1 };
    }
    plan_set_regexes(t->plan, table_of(table), host, list, n);
    return NULL;
}

static const char *
do_cert(struct tool *t, char *line)
{
    const char *name = reply_word(&line), *file = reply_word(&line);
    AUTO_BUF struct buf pem = BUF_INIT((size_t) 1 << 20);
    AUTO_ERR struct err *err = file ? files_get(file, 1 << 20, &pem) : NULL;

    if (!file || err) {
        return "file";
    }
    plan_set_cert(t->plan, name_of(name), buf_str(&pem), NULL);
    return NULL;
}

static bool
read_sni_option(struct plan_sni *sni, const char *word)
{
    const struct {
        const char *name;
        const char **out;
    } options[] = {
        { "ciphers=", &sni->ciphers },
        { "ciphersuites=", &sni->ciphersuites },
        { "min=", &sni->min_version },
        { "max=", &sni->max_version },
        { "ca=", &sni->ca },
        { "crl=", &sni->crl },
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (str_starts(word, options[i].name)) {
            *options[i].out = word + strlen(options[i].name);
            return true;
        }
    }
    return false;
}

static const char *
do_sni(struct tool *t, char *line)
{
    const char *host = reply_word(&line), *word;
    char *names = reply_word(&line), *rest = NULL;
    struct plan_sni sni = { 0 };

    if (!names) {
        return "words";
    }
    for (names = strtok_r(names, ",", &rest); names;
         names = strtok_r(NULL, ",", &rest)) {
        if (sni.n_certs == PLAN_SNI_CERTS_MAX) {
            return "names";
        }
        sni.certs[sni.n_certs++] = name_of(names);
    }
    while ((word = reply_word(&line))) {
        if (!read_sni_option(&sni, word)) {
            return "option";
        }
    }
    plan_set_sni(t->plan, host, &sni);
    return NULL;
}

static bool
is_settled(const struct tool *t)
{
    return dataplane_is_ready(t->dataplane) &&
           dataplane_confirmed(t->dataplane) == plan_generation(t->plan);
}

static const char *
do_apply(struct tool *t, char *line)
{
    const char *word = reply_word(&line);
    uint64_t ms = APPLY_MS;
    int64_t deadline;

    if (word && !parse_u64(word, 1, 3600000, &ms)) {
        return "words";
    }
    deadline = clock_ms() + (int64_t) ms;
    /* What one turn confirms costs no wait. */
    for (turn(t); !is_settled(t); spin(t)) {
        if (clock_ms() > deadline) {
            return "not confirmed in time";
        }
    }
    return NULL;
}

static const char *
do_run(struct tool *t, char *line)
{
    const char *word = reply_word(&line);
    int64_t deadline;
    uint64_t ms;

    if (!word || !parse_u64(word, 0, 600000, &ms)) {
        return "words";
    }
    deadline = clock_ms() + (int64_t) ms;
    while (clock_ms() < deadline) {
        spin(t);
    }
    return NULL;
}

/* Until the files say what HAProxy holds. */
static const char *
do_written(struct tool *t, char *line)
{
    int64_t deadline = clock_ms() + APPLY_MS;

    (void) line;
    while (!dataplane_is_written(t->dataplane)) {
        spin(t);
        if (clock_ms() > deadline) {
            return "files not written in time";
        }
    }
    return NULL;
}

static const char *
do_settle(struct tool *t, char *line)
{
    const char *bad = do_apply(t, line);
    char pause[] = "1200";

    bad = bad ? bad : do_run(t, pause);
    return bad ? bad : do_written(t, line);
}

static const char *
do_check(struct tool *t, char *line)
{
    AUTO_BUF struct buf want = BUF_OWN, have = BUF_OWN;
    AUTO_ERR struct err *err = dataplane_observe(t->dataplane, &have);

    (void) line;
    if (err) {
        return "observe";
    }
    plan_dump_held(t->plan, &want);
    if (!str_eq(buf_str(&want), buf_str(&have))) {
        printf("WANT\n%sHAVE\n%s", buf_str(&want), buf_str(&have));
        return "differs";
    }
    return NULL;
}

static const char *
do_dump(struct tool *t, char *line)
{
    AUTO_BUF struct buf out = BUF_OWN;

    (void) line;
    plan_dump(t->plan, &out);
    fputs(buf_str(&out), stdout);
    return NULL;
}

static const char *
do_metrics(struct tool *t, char *line)
{
    AUTO_BUF struct buf out = BUF_OWN;

    (void) line;
    metrics_print(t->metrics, &out);
    fputs(buf_str(&out), stdout);
    return NULL;
}

static const char *
do_stop(struct tool *t, char *line)
{
    const char *word = reply_word(&line);
    uint64_t ms;

    if (!word || !parse_u64(word, 0, 600000, &ms)) {
        return "words";
    }
    dataplane_stop(t->dataplane, (int64_t) ms);
    return NULL;
}

static const char *
do_complete(struct tool *t, char *line)
{
    (void) line;
    t->is_complete = true;
    return NULL;
}

/* Nothing that is due only later happens, such as the next look at who
 * answers. */
static const char *
do_hold(struct tool *t, char *line)
{
    (void) line;
    t->is_held = true;
    return NULL;
}

/* Commands of one or two names that are one call of the plan. */
static bool
do_simple(struct tool *t, const char *verb, char *line)
{
    char *a = reply_word(&line), *b = reply_word(&line);

    if (str_eq(verb, "delbackend") && a) {
        plan_del_backend(t->plan, a);
    } else if (str_eq(verb, "delroute") && b) {
        plan_del_route(t->plan, table_of(a), key_of(b));
    } else if (str_eq(verb, "pass") && b) {
        plan_set_passthrough(t->plan, a, b);
    } else if (str_eq(verb, "delpass") && a) {
        plan_del_passthrough(t->plan, a);
    } else if (str_eq(verb, "delcert") && a) {
        plan_del_cert(t->plan, name_of(a));
    } else if (str_eq(verb, "delsni") && a) {
        plan_del_sni(t->plan, a);
    } else {
        return false;
    }
    return true;
}

static void
command(struct tool *t, char *line)
{
    static const struct {
        const char *verb;
        const char *(*fn)(struct tool *, char *line);
    } verbs[] = {
        { "backend", do_backend }, { "route", do_route },
        { "regexes", do_regexes }, { "cert", do_cert },
        { "complete", do_complete }, { "apply", do_apply },
        { "written", do_written },
        { "settle", do_settle },   { "run", do_run },
        { "check", do_check },     { "dump", do_dump },
        { "metrics", do_metrics }, { "stop", do_stop },
        { "sni", do_sni },         { "hold", do_hold },
    };
    const char *verb = reply_word(&line);

    for (size_t i = 0; verb && i < ARRAY_SIZE(verbs); i++) {
        if (str_eq(verbs[i].verb, verb)) {
            const char *bad = verbs[i].fn(t, line);

            printf(bad ? "error %s\n" : "ok\n", bad);
            fflush(stdout);
            return;
        }
    }
    puts(verb && do_simple(t, verb, line) ? "ok" : "error command");
    fflush(stdout);
}

static void
play(struct tool *t)
{
    char *line = NULL;
    size_t room = 0;

    puts("ok");
    fflush(stdout);
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        command(t, line);
    }
    free(line);
}

int
main(int argc, char **argv)
{
    struct tool t = { 0 };
    const char *run = "", *haproxy = "", *proxy = "";
    uint64_t http = 0, https = 0, maxconn = 2000;
    uint64_t threads = 2;
    bool passthrough = false, debug = false, modern = false, http3 = false;
    const struct flag flags[] = {
        { .name = "run", .value_name = "DIR", .kind = FLAG_TEXT,
          .out = &run, .doc = "run directory" },
        { .name = "haproxy", .value_name = "PATH", .kind = FLAG_TEXT,
          .out = &haproxy, .doc = "HAProxy; none: somebody else starts it" },
        { .name = "proxy", .value_name = "PATH", .kind = FLAG_TEXT,
          .out = &proxy, .doc = "sallyport-proxy" },
        { .name = "http", .value_name = "PORT", .kind = FLAG_NUMBER,
          .out = &http, .min = 1, .max = 65535, .doc = "port" },
        { .name = "https", .value_name = "PORT", .kind = FLAG_NUMBER,
          .out = &https, .min = 1, .max = 65535, .doc = "port" },
        { .name = "maxconn", .value_name = "N", .kind = FLAG_NUMBER,
          .out = &maxconn, .min = 0, .max = 100000, .doc = "connections" },
        { .name = "threads", .value_name = "N", .kind = FLAG_NUMBER,
          .out = &threads, .min = 0, .max = 64, .doc = "threads" },
        { .name = "passthrough", .kind = FLAG_BOOL, .out = &passthrough,
          .doc = "TLS passthrough" },
        { .name = "modern", .kind = FLAG_BOOL, .out = &modern,
          .doc = "TLS 1.3 only" },
        { .name = "http3", .kind = FLAG_BOOL, .out = &http3,
          .doc = "HTTP/3" },
        { .name = "debug", .kind = FLAG_BOOL, .out = &debug,
          .doc = "log more" },
    };
    struct err *err = flags_parse(flags, ARRAY_SIZE(flags), argc, argv, NULL,
                                  NULL);
    struct dataplane_options options;

    log_configure(debug ? LOG_DEBUG : LOG_INFO, LOG_TEXT);
    options = (struct dataplane_options) {
        .run_dir = run,
        .haproxy = *haproxy ? haproxy : NULL,
        .proxy = proxy,
        .bind_address = "127.0.0.1",
        .http_port = (uint16_t) http,
        .https_port = (uint16_t) https,
        .passthrough = passthrough,
        .tls_modern = modern,
        .http3 = http3,
        .threads = (unsigned) threads,
        .maxconn = (unsigned) maxconn,
    };
    t.plan = plan_new();
    t.metrics = metrics_new();
    if (!err) {
        err = dataplane_new(&options, t.metrics, &t.dataplane);
    }
    if (err) {
        printf("error %s\n", err_text(err));
        fflush(stdout);
        err_free(err);
        metrics_free(t.metrics);
        plan_free(t.plan);
        return 1;
    }
    play(&t);
    dataplane_free(t.dataplane);
    metrics_free(t.metrics);
    plan_free(t.plan);
    return 0;
}
