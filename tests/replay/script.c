#include "tests/replay/fake_time.h"
#include "tests/replay/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "tests/replay/fake_http.h"
#include "tests/replay/fake_lease.h"
#include "tests/replay/replay.h"
#include "tests/replay/responder.h"

/* A command, cut into words; 'block' where it goes on until "end". */
struct command {
    char *words[SCRIPT_MAX_WORDS];
    size_t n;
    char *line;
    char *block;
};

static const char *
word(const struct command *c, size_t i)
{
    return i < c->n ? c->words[i] : "";
}

/* The text from word 'i' on, as it was written. */
static const char *
rest(const struct command *c, size_t i)
{
    const char *at = c->line;

    for (; i > 0; i--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return at;
}

static void
bad(struct replay *r, const struct command *c)
{
    replay_fail(r, "not understood: %s", c->line);
}

static bool
number(struct replay *r, const char *text, uint64_t *out)
{
    if (!parse_u64(text, 0, UINT64_MAX, out)) {
        replay_fail(r, "\"%s\" is no number", text);
        return false;
    }
    return true;
}

/* A kind, or all of them: "" and "*". */
static bool
kind_of(struct replay *r, const char *text, int *out)
{
    enum kube_kind kind = KUBE_INGRESS;

    *out = FAKE_ANY;
    if (text[0] == '\0' || str_eq(text, "*")) {
        return true;
    }
    if (!apiserver_kind(text, &kind)) {
        replay_fail(r, "no kind %s", text);
        return false;
    }
    *out = (int) kind;
    return true;
}

/* ---- objects ---- */

static struct err *
put_document(json_t *document, unsigned line, void *aux)
{
    const char *name = apiserver_text(document, NULL, "kind");
    enum kube_kind kind;

    (void) line;
    if (!name || !apiserver_kind(name, &kind)) {
        return err_new(ERR_INVALID, "no kind %s", name ? name : "");
    }
    apiserver_put(aux, kind, document);
    return NULL;
}

static void
do_put(struct replay *r, const struct command *c)
{
    AUTO_ERR struct err *err = yaml_each(c->block, strlen(c->block),
                                         put_document, &r->api.store);

    if (err) {
        replay_fail(r, "put: %s", err_text(err));
    }
}

static void
do_class(struct replay *r, const struct command *c)
{
    shorthand_class(r, word(c, 1), word(c, 2));
}

static void
do_service(struct replay *r, const struct command *c)
{
    shorthand_service(r, word(c, 1), c->words + 2, c->n < 2 ? 0 : c->n - 2);
}

static void
do_ingress(struct replay *r, const struct command *c)
{
    shorthand_ingress(r, word(c, 1), c->words + 2, c->n < 2 ? 0 : c->n - 2);
}

static void
do_put_tls(struct replay *r, const struct command *c)
{
    uint64_t days = 0;
    json_t *secret;

    if (c->n > 3 && !(str_starts(word(c, 3), "days=") &&
                      number(r, word(c, 3) + 5, &days))) {
        bad(r, c);
    }
    secret = replay_tls_secret(word(c, 1), word(c, 2), (int64_t) days);

    apiserver_put(&r->api.store, KUBE_SECRET, secret);
    json_decref(secret);
}

static void
do_put_named(struct replay *r, const struct command *c)
{
    json_t *secret;

    if (c->n > 3 && !str_eq(word(c, 3), "must-staple")) {
        bad(r, c);
    }
    secret = responder_secret(word(c, 1), word(c, 2), c->n > 3);
    apiserver_put(&r->api.store, KUBE_SECRET, secret);
    json_decref(secret);
}

static void
do_responder(struct replay *r, const struct command *c)
{
    if (!responder_set(word(c, 1))) {
        bad(r, c);
    }
}

static void
do_delete(struct replay *r, const struct command *c)
{
    enum kube_kind kind;

    if (!apiserver_kind(word(c, 1), &kind) ||
        !apiserver_delete(&r->api.store, kind, word(c, 2))) {
        replay_fail(r, "there is no %s %s", word(c, 1), word(c, 2));
    }
}

/* ---- start and time ---- */

static void
do_flags(struct replay *r, const struct command *c)
{
    for (size_t i = 1; i < c->n; i++) {
        VEC_PUSH(&r->args, xstrdup(c->words[i]));
    }
}

static void
do_start(struct replay *r, const struct command *c)
{
    (void) c;
    replay_start(r);
    if (!r->failure) {
        replay_settle(r);
    }
}

static void
do_stop(struct replay *r, const struct command *c)
{
    (void) c;
    app_free(r->app);
    r->app = NULL;
}

static void
do_restart(struct replay *r, const struct command *c)
{
    replay_restart(r, str_eq(word(c, 1), "graceful"));
    if (!r->failure) {
        replay_settle(r);
    }
}

static void
do_settle(struct replay *r, const struct command *c)
{
    (void) c;
    replay_settle(r);
}

static void
do_advance(struct replay *r, const struct command *c)
{
    const char *text = word(c, 1);
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *head = xstrndup(text, digits);
    int64_t unit = str_eq(text + digits, "ms")  ? 1
                   : str_eq(text + digits, "s") ? 1000
                   : str_eq(text + digits, "m") ? 60000
                                                : 0;
    uint64_t n;

    if (unit == 0) {
        bad(r, c);
    } else if (number(r, head, &n)) {
        replay_advance(r, (int64_t) n * unit);
    }
}

static void
do_date(struct replay *r, const struct command *c)
{
    const char sign = word(c, 1)[0];
    const char *text = sign == '+' || sign == '-' ? word(c, 1) + 1 : "";
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *head = xstrndup(text, digits);
    const bool is_days = str_eq(text + digits, "d");
    uint64_t n;

    if (!is_days && !str_eq(text + digits, "h")) {
        bad(r, c);
    } else if (number(r, head, &n)) {
        fake_time_jump((int64_t) n * (is_days ? 86400 : 3600) *
                       (sign == '-' ? -1 : 1));
    }
}

static void
do_no_compare(struct replay *r, const struct command *c)
{
    r->no_compare = true;
    if (c->n < 2) {
        replay_fail(r, "no-compare wants a reason");
    }
}

static void
do_compare(struct replay *r, const struct command *c)
{
    (void) c;
    r->no_compare = false;
}

static void
do_no_sweep(struct replay *r, const struct command *c)
{
    r->no_sweep = true;
    if (c->n < 2) {
        replay_fail(r, "no-sweep wants a reason");
    }
}

static void
do_churn(struct replay *r, const struct command *c)
{
    uint64_t n, seed;

    if (number(r, word(c, 1), &n) && number(r, word(c, 2), &seed)) {
        replay_churn(r, (unsigned) n, seed);
    }
}

static void
do_hours(struct replay *r, const struct command *c)
{
    uint64_t n;

    if (number(r, word(c, 1), &n)) {
        replay_hours(r, (unsigned) n);
    }
}

/* ---- the API server ---- */

/* "KIND" or "KIND/NS". */
static bool
read_target(struct replay *r, const char *text, struct fake_rule *rule)
{
    size_t length = strcspn(text, "/");
    AUTO_FREE char *kind = xstrndup(text, length);

    if (text[length]) {
        snprintf(rule->ns, sizeof rule->ns, "%s", text + length + 1);
    }
    return kind_of(r, kind, &rule->kind);
}

static void
add_rule(struct replay *r, const struct command *c, size_t at)
{
    static const struct {
        const char *name;
        enum fake_how how;
    } hows[] = {
        { "reset", FAKE_RESET },     { "lost", FAKE_LOST },
        { "hang", FAKE_HANG },       { "garbage", FAKE_GARBAGE },
        { "hold", FAKE_HOLD },
    };
    struct fake_rule rule = { .retry_after_ms = -1, .times = 1 };
    const char *how = at == 1 ? "hold" : word(c, at + 2);
    uint64_t value = 0;

    if (!fake_op_parse(word(c, at), &rule.op) ||
        !read_target(r, word(c, at + 1), &rule)) {
        bad(r, c);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(hows); i++) {
        if (str_eq(how, hows[i].name)) {
            rule.how = hows[i].how;
        }
    }
    if (rule.how == FAKE_STATUS) {
        if (!number(r, how, &value)) {
            return;
        }
        rule.status = (int) value;
    }
    for (size_t i = at + 3; i + 1 < c->n; i += 2) {
        if (!number(r, c->words[i + 1], &value)) {
            return;
        }
        if (str_eq(c->words[i], "retry-after")) {
            rule.retry_after_ms = (int64_t) value * 1000;
        } else if (str_eq(c->words[i], "times")) {
            rule.times = (unsigned) value;
        } else if (str_eq(c->words[i], "skip")) {
            rule.skip = (unsigned) value;
        } else {
            bad(r, c);
        }
    }
    VEC_PUSH(&r->api.rules, rule);
}

static void
do_api(struct replay *r, const struct command *c)
{
    const char *what = word(c, 1);

    if (str_eq(what, "down") || str_eq(what, "up")) {
        r->api.is_down = str_eq(what, "down");
    } else if (str_eq(what, "freeze") || str_eq(what, "thaw")) {
        r->api.is_frozen = str_eq(what, "freeze");
    } else if (str_eq(what, "fail")) {
        add_rule(r, c, 2);
    } else {
        bad(r, c);
    }
}

static void
do_hold(struct replay *r, const struct command *c)
{
    add_rule(r, c, 1);
}

static void
do_release(struct replay *r, const struct command *c)
{
    size_t kept = 0;

    (void) c;
    for (size_t i = 0; i < r->api.rules.n; i++) {
        if (r->api.rules.items[i].how != FAKE_HOLD) {
            r->api.rules.items[kept++] = r->api.rules.items[i];
        }
    }
    r->api.rules.n = kept;
}

static void
watch_error(struct replay *r, const struct command *c)
{
    AUTO_FREE char *line = xasprintf(
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":%s,"
        "\"message\":\"the script wants it\"}}", word(c, 2));
    int kind;

    if (kind_of(r, word(c, 3), &kind)) {
        fake_http_inject(kind, line);
        fake_http_end(kind);
    }
}

static void
do_watch(struct replay *r, const struct command *c)
{
    const char *what = word(c, 1);
    int kind;

    if (str_eq(what, "error")) {
        watch_error(r, c);
    } else if (!kind_of(r, word(c, 2), &kind)) {
        return;
    } else if (str_eq(what, "cut")) {
        fake_http_cut(kind);
    } else if (str_eq(what, "end")) {
        fake_http_end(kind);
    } else if (str_eq(what, "bookmark")) {
        fake_http_bookmark(kind);
    } else if (str_eq(what, "line")) {
        fake_http_inject(kind, rest(c, 3));
    } else {
        bad(r, c);
    }
}

static void
do_compact(struct replay *r, const struct command *c)
{
    apiserver_compact(&r->api.store);
    r->api.gone_as_event = str_eq(word(c, 1), "event");
}

static void
do_server(struct replay *r, const struct command *c)
{
    if (!str_eq(word(c, 1), "restored")) {
        bad(r, c);
        return;
    }
    fake_http_cut(FAKE_ANY);
    apiserver_restore(&r->api.store);
}

static void
do_page_size(struct replay *r, const struct command *c)
{
    number(r, word(c, 1), &r->api.page);
}

static void
do_lease(struct replay *r, const struct command *c)
{
    if (str_eq(word(c, 1), "taken-by") && c->n == 3) {
        free(r->api.rival);
        r->api.rival = xstrdup(word(c, 2));
        r->api.rival_ms = 0;
        fake_api_rival(r->now_ms);
    } else if (str_eq(word(c, 1), "left")) {
        fake_api_rival_left();
    } else {
        bad(r, c);
    }
}

static void
do_claim(struct replay *r, const struct command *c)
{
    (void) r;
    fake_claim_put(word(c, 1), word(c, 2));
}

/* ---- HAProxy, answers ---- */

static void
do_haproxy(struct replay *r, const struct command *c)
{
    const char *what = word(c, 1);
    uint64_t n;

    if (str_eq(what, "hold") || str_eq(what, "confirm")) {
        r->haproxy.is_held = str_eq(what, "hold");
    } else if (str_eq(what, "down") || str_eq(what, "up")) {
        r->haproxy.is_down = str_eq(what, "down");
    } else if (str_eq(what, "restart")) {
        fake_haproxy_restart(&r->haproxy);
    } else if (str_eq(what, "fail") && number(r, word(c, 2), &n)) {
        r->haproxy.n_failures = (unsigned) n;
    } else if (str_eq(what, "unanswered") && number(r, word(c, 3), &n)) {
        if (!fake_haproxy_count(&r->haproxy, word(c, 2), (unsigned) n,
                                word(c, 4)) && !r->no_expect) {
            bad(r, c);
        }
    } else {
        bad(r, c);
    }
}

static void
do_forget(struct replay *r, const struct command *c)
{
    (void) c;
    fake_api_forget_events();
    memset(r->api.counts, 0, sizeof r->api.counts);
    r->api.n_writes = 0;
    r->haproxy.n_looks = 0;
}

static void
do_expect(struct replay *r, const struct command *c)
{
    char *words[SCRIPT_MAX_WORDS];

    for (size_t i = 1; i < c->n; i++) {
        words[i - 1] = c->words[i];
    }
    if (!r->no_expect) {
        replay_expect(r, words, c->n - 1, rest(c, 2), c->block);
    }
}

/* ---- lines ---- */

static const struct verb {
    const char *name;
    void (*run)(struct replay *, const struct command *);
} verbs[] = {
    { "advance", do_advance },
    { "api", do_api },
    { "churn", do_churn },
    { "claim", do_claim },
    { "class", do_class },
    { "compact", do_compact },
    { "compare", do_compare },
    { "date", do_date },
    { "delete", do_delete },
    { "expect", do_expect },
    { "flags", do_flags },
    { "forget", do_forget },
    { "haproxy", do_haproxy },
    { "hold", do_hold },
    { "hours", do_hours },
    { "ingress", do_ingress },
    { "lease", do_lease },
    { "no-compare", do_no_compare },
    { "no-sweep", do_no_sweep },
    { "page-size", do_page_size },
    { "put", do_put },
    { "put-named", do_put_named },
    { "put-tls", do_put_tls },
    { "release", do_release },
    { "responder", do_responder },
    { "restart", do_restart },
    { "server", do_server },
    { "service", do_service },
    { "settle", do_settle },
    { "start", do_start },
    { "stop", do_stop },
    { "watch", do_watch },
};

static bool
add_word(const char *piece, size_t length, void *aux)
{
    struct command *c = aux;

    if (length > 0 && c->n < SCRIPT_MAX_WORDS) {
        c->words[c->n++] = xstrndup(piece, length);
    }
    return true;
}

static void
run_command(struct replay *r, const struct command *c)
{
    replay_note(r, "> %s", c->line);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (str_eq(word(c, 0), verbs[i].name)) {
            verbs[i].run(r, c);
            return;
        }
    }
    bad(r, c);
}

static char *
take_line(const char **text)
{
    size_t length = strcspn(*text, "\n");
    char *line = xstrndup(*text, length);

    *text += length + ((*text)[length] == '\n');
    return line;
}

/* Everything until a line "end". */
static char *
take_block(struct replay *r, const char **text)
{
    AUTO_BUF struct buf block = BUF_OWN;

    while (**text) {
        AUTO_FREE char *line = take_line(text);

        r->line++;
        if (str_eq(line, "end")) {
            return buf_take(&block);
        }
        buf_printf(&block, "%s\n", line);
    }
    replay_fail(r, "the block has no end");
    return buf_take(&block);
}

void
replay_script(struct replay *r, const char *text)
{
    while (*text && !r->failure) {
        AUTO_FREE char *raw = take_line(&text);
        struct command c = { .n = 0 };

        r->line++;
        c.line = str_trim(raw);
        if (c.line[0] != '\0' && c.line[0] != '#') {
            str_split(c.line, ' ', add_word, &c);
            if (str_eq(c.line, "put") || str_eq(c.line, "expect plan")) {
                c.block = take_block(r, &text);
            }
            run_command(r, &c);
        }
        for (size_t i = 0; i < c.n; i++) {
            free(c.words[i]);
        }
        free(c.line);
        free(c.block);
    }
}
