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
#include "tests/replay/replay.h"
#include "tests/replay/responder.h"
#include "tests/replay/script_command.h"

const char *
script_word(const struct command *c, size_t i)
{
    return i < c->n ? c->words[i] : "";
}

/* The text from word 'i' on, as it was written. */
const char *
script_rest(const struct command *c, size_t i)
{
    const char *at = c->line;

    for (; i > 0; i--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return at;
}

void
script_bad(struct replay *r, const struct command *c)
{
    replay_fail(r, "not understood: %s", c->line);
}

bool
script_number(struct replay *r, const char *text, uint64_t *out)
{
    if (!parse_u64(text, 0, UINT64_MAX, out)) {
        replay_fail(r, "\"%s\" is no number", text);
        return false;
    }
    return true;
}

/* A kind, or all of them: "" and "*". */
bool
script_kind(struct replay *r, const char *text, int *out)
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
    shorthand_class(r, script_word(c, 1), script_word(c, 2));
}

static void
do_service(struct replay *r, const struct command *c)
{
    shorthand_service(r, script_word(c, 1), c->words + 2, c->n < 2 ? 0 : c->n - 2);
}

static void
do_ingress(struct replay *r, const struct command *c)
{
    shorthand_ingress(r, script_word(c, 1), c->words + 2, c->n < 2 ? 0 : c->n - 2);
}

static void
do_put_tls(struct replay *r, const struct command *c)
{
    uint64_t days = 0;
    json_t *secret;

    if (c->n > 3 && !(str_starts(script_word(c, 3), "days=") &&
                      script_number(r, script_word(c, 3) + 5, &days))) {
        script_bad(r, c);
    }
    secret = replay_tls_secret(script_word(c, 1), script_word(c, 2), (int64_t) days);

    apiserver_put(&r->api.store, KUBE_SECRET, secret);
    json_decref(secret);
}

static void
do_put_named(struct replay *r, const struct command *c)
{
    json_t *secret;

    if (c->n > 3 && !str_eq(script_word(c, 3), "must-staple")) {
        script_bad(r, c);
    }
    secret = responder_secret(script_word(c, 1), script_word(c, 2), c->n > 3);
    apiserver_put(&r->api.store, KUBE_SECRET, secret);
    json_decref(secret);
}

static void
do_responder(struct replay *r, const struct command *c)
{
    if (!responder_set(script_word(c, 1))) {
        script_bad(r, c);
    }
}

static void
do_delete(struct replay *r, const struct command *c)
{
    enum kube_kind kind;

    if (!apiserver_kind(script_word(c, 1), &kind) ||
        !apiserver_delete(&r->api.store, kind, script_word(c, 2))) {
        replay_fail(r, "there is no %s %s", script_word(c, 1), script_word(c, 2));
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
    replay_restart(r, str_eq(script_word(c, 1), "graceful"));
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
    const char *text = script_word(c, 1);
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *head = xstrndup(text, digits);
    int64_t unit = str_eq(text + digits, "ms")  ? 1
                   : str_eq(text + digits, "s") ? 1000
                   : str_eq(text + digits, "m") ? 60000
                                                : 0;
    uint64_t n;

    if (unit == 0) {
        script_bad(r, c);
    } else if (script_number(r, head, &n)) {
        replay_advance(r, (int64_t) n * unit);
        replay_compare(r);
    }
}

static void
do_date(struct replay *r, const struct command *c)
{
    const char sign = script_word(c, 1)[0];
    const char *text = sign == '+' || sign == '-' ? script_word(c, 1) + 1 : "";
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *head = xstrndup(text, digits);
    const bool is_days = str_eq(text + digits, "d");
    uint64_t n;

    if (!is_days && !str_eq(text + digits, "h")) {
        script_bad(r, c);
    } else if (script_number(r, head, &n)) {
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

    if (script_number(r, script_word(c, 1), &n) && script_number(r, script_word(c, 2), &seed)) {
        replay_churn(r, (unsigned) n, seed);
    }
}

static void
do_hours(struct replay *r, const struct command *c)
{
    uint64_t n;

    if (script_number(r, script_word(c, 1), &n)) {
        replay_hours(r, (unsigned) n);
    }
}

/* ---- HAProxy, answers ---- */

static void
do_haproxy(struct replay *r, const struct command *c)
{
    const char *what = script_word(c, 1);
    uint64_t n;

    if (str_eq(what, "hold") || str_eq(what, "confirm")) {
        r->haproxy.is_held = str_eq(what, "hold");
    } else if (str_eq(what, "down") || str_eq(what, "up")) {
        r->haproxy.is_down = str_eq(what, "down");
    } else if (str_eq(what, "restart")) {
        fake_haproxy_restart(&r->haproxy);
    } else if (str_eq(what, "fail") && script_number(r, script_word(c, 2), &n)) {
        r->haproxy.n_failures = (unsigned) n;
    } else if (str_eq(what, "unanswered") && script_number(r, script_word(c, 3), &n)) {
        if (!fake_haproxy_count(&r->haproxy, script_word(c, 2), (unsigned) n,
                                script_word(c, 4)) && !r->no_expect) {
            script_bad(r, c);
        }
    } else {
        script_bad(r, c);
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
        replay_expect(r, words, c->n - 1, script_rest(c, 2), c->block);
    }
}

/* ---- lines ---- */

static const struct verb {
    const char *name;
    void (*run)(struct replay *, const struct command *);
} verbs[] = {
    { "advance", do_advance },
    { "api", script_api },
    { "churn", do_churn },
    { "claim", script_claim },
    { "class", do_class },
    { "compact", script_compact },
    { "compare", do_compare },
    { "date", do_date },
    { "delete", do_delete },
    { "expect", do_expect },
    { "flags", do_flags },
    { "forget", do_forget },
    { "haproxy", do_haproxy },
    { "hold", script_hold },
    { "hours", do_hours },
    { "ingress", do_ingress },
    { "lease", script_lease },
    { "no-compare", do_no_compare },
    { "no-sweep", do_no_sweep },
    { "page-size", script_page_size },
    { "put", do_put },
    { "put-named", do_put_named },
    { "put-tls", do_put_tls },
    { "release", script_release },
    { "responder", do_responder },
    { "restart", do_restart },
    { "server", script_server },
    { "service", do_service },
    { "settle", do_settle },
    { "start", do_start },
    { "stop", do_stop },
    { "watch", script_watch },
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
        if (str_eq(script_word(c, 0), verbs[i].name)) {
            verbs[i].run(r, c);
            return;
        }
    }
    script_bad(r, c);
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
