#include "tests/replay/script_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "tests/replay/fake_http.h"
#include "tests/replay/fake_lease.h"
#include "tests/replay/replay.h"

/* "KIND" or "KIND/NS". */
static bool
read_target(struct replay *r, const char *text, struct fake_rule *rule)
{
    size_t length = strcspn(text, "/");
    AUTO_FREE char *kind = xstrndup(text, length);

    if (text[length]) {
        snprintf(rule->ns, sizeof rule->ns, "%s", text + length + 1);
    }
    return script_kind(r, kind, &rule->kind);
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
    const char *how = at == 1 ? "hold" : script_word(c, at + 2);
    uint64_t value = 0;

    if (!fake_op_parse(script_word(c, at), &rule.op) ||
        !read_target(r, script_word(c, at + 1), &rule)) {
        script_bad(r, c);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(hows); i++) {
        if (str_eq(how, hows[i].name)) {
            rule.how = hows[i].how;
        }
    }
    if (rule.how == FAKE_STATUS) {
        if (!script_number(r, how, &value)) {
            return;
        }
        rule.status = (int) value;
    }
    for (size_t i = at + 3; i + 1 < c->n; i += 2) {
        if (!script_number(r, c->words[i + 1], &value)) {
            return;
        }
        if (str_eq(c->words[i], "retry-after")) {
            rule.retry_after_ms = (int64_t) value * 1000;
        } else if (str_eq(c->words[i], "times")) {
            rule.times = (unsigned) value;
        } else if (str_eq(c->words[i], "skip")) {
            rule.skip = (unsigned) value;
        } else {
            script_bad(r, c);
        }
    }
    VEC_PUSH(&r->api.rules, rule);
}

void
script_api(struct replay *r, const struct command *c)
{
    const char *what = script_word(c, 1);

    if (str_eq(what, "down") || str_eq(what, "up")) {
        r->api.is_down = str_eq(what, "down");
    } else if (str_eq(what, "freeze") || str_eq(what, "thaw")) {
        r->api.is_frozen = str_eq(what, "freeze");
    } else if (str_eq(what, "fail")) {
        add_rule(r, c, 2);
    } else {
        script_bad(r, c);
    }
}

void
script_hold(struct replay *r, const struct command *c)
{
    add_rule(r, c, 1);
}

void
script_release(struct replay *r, const struct command *c)
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
        "\"message\":\"the script wants it\"}}", script_word(c, 2));
    int kind;

    if (script_kind(r, script_word(c, 3), &kind)) {
        fake_http_inject(kind, line);
        fake_http_end(kind);
    }
}

void
script_watch(struct replay *r, const struct command *c)
{
    const char *what = script_word(c, 1);
    int kind;

    if (str_eq(what, "error")) {
        watch_error(r, c);
    } else if (!script_kind(r, script_word(c, 2), &kind)) {
        return;
    } else if (str_eq(what, "cut")) {
        fake_http_cut(kind);
    } else if (str_eq(what, "end")) {
        fake_http_end(kind);
    } else if (str_eq(what, "bookmark")) {
        fake_http_bookmark(kind);
    } else if (str_eq(what, "line")) {
        fake_http_inject(kind, script_rest(c, 3));
    } else {
        script_bad(r, c);
    }
}

void
script_compact(struct replay *r, const struct command *c)
{
    apiserver_compact(&r->api.store);
    r->api.gone_as_event = str_eq(script_word(c, 1), "event");
}

void
script_server(struct replay *r, const struct command *c)
{
    if (!str_eq(script_word(c, 1), "restored")) {
        script_bad(r, c);
        return;
    }
    fake_http_cut(FAKE_ANY);
    apiserver_restore(&r->api.store);
}

void
script_page_size(struct replay *r, const struct command *c)
{
    script_number(r, script_word(c, 1), &r->api.page);
}

void
script_lease(struct replay *r, const struct command *c)
{
    if (str_eq(script_word(c, 1), "taken-by") && c->n == 3) {
        free(r->api.rival);
        r->api.rival = xstrdup(script_word(c, 2));
        r->api.rival_ms = 0;
        fake_api_rival(r->now_ms);
    } else if (str_eq(script_word(c, 1), "left")) {
        fake_api_rival_left();
    } else {
        script_bad(r, c);
    }
}

void
script_claim(struct replay *r, const struct command *c)
{
    (void) r;
    fake_claim_put(script_word(c, 1), script_word(c, 2));
}
