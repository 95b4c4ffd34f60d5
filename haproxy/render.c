#include "haproxy/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/plan.h"
#include "haproxy/scripts.h"
#include "lib/base/ciphers.h"
#include "lib/base/digest.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* haproxy/program.cfg as it is, with a NUL behind it. */
__asm__(".pushsection .rodata\n"
        ".global program_text\n"
        "program_text:\n"
        ".incbin \"haproxy/program.cfg\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char program_text[];

/* The byte that ends the key of an Exact path; no request can carry it. */
#define END_MARK "\001"
#define PARTS_DEEP 8

/* What a rendering knows.  Values of tokens are strings of this run. */
struct render {
    const struct program_params *params;
    struct map *tokens;
    bool is_https;
    bool is_self;               /* The frontend of questions. */
    unsigned depth;
    struct buf *out;
};

void
program_params_init(struct program_params *params)
{
    *params = (struct program_params) {
        .http_port = 80,
        .https_port = 443,
        .nbthread = 1,
        .maxconn = 4000,
        .bufsize = 16384,
        .table_size = 100000,
        .client_ms = 60000,
        .server_ms = 60000,
        .tunnel_ms = 60000,
        .tcp_ms = 600000,
        .request_ms = 20000,
        .keepalive_ms = 75000,
        .queue_ms = 5000,
        .hard_stop_ms = 240000,
    };
}

const char *
program_hash(void)
{
    static _Thread_local char hash[DIGEST_HEX_SIZE];

    if (hash[0] == '\0') {
        AUTO_BUF struct buf text = BUF_OWN;

        buf_puts(&text, program_text);
        for (size_t i = 0; i < n_scripts; i++) {
            buf_puts(&text, scripts[i].text);
        }
#define FEATURE(name, bit, rows, doc) \
    buf_printf(&text, "%s %d %s\n", #name, (bit), (rows));
#define SETTING(name, feature, row, kind, doc) \
    buf_printf(&text, "%s %s %s\n", #name, #feature, (row));
#include "haproxy/features.def"
#undef FEATURE
#undef SETTING
        digest_sha256_hex(text.data, text.size, hash);
        hash[16] = '\0';
    }
    return hash;
}

/* -- Checking the parameters ------------------------------------------- */

static bool
is_word(const char *s, const char *more, size_t max)
{
    size_t length = 0;

    if (str_is_empty(s)) {
        return false;
    }
    for (; s[length]; length++) {
        char c = s[length];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9');

        if (!is_alnum && !strchr(more, c)) {
            return false;
        }
    }
    return length <= max;
}

static struct err *
check_binds(const char *what, const char *const *binds, size_t n, size_t min)
{
    if (n < min || n > PROGRAM_BINDS_MAX) {
        return err_new(ERR_INVALID, "%zu addresses for %s, allowed %zu to %d",
                       n, what, min, PROGRAM_BINDS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_word(binds[i], ".:@_/[]*-", 200)) {
            AUTO_FREE char *shown = str_quote(binds[i]);

            return err_new(ERR_INVALID, "%s is no address for %s", shown,
                           what);
        }
    }
    return NULL;
}

static struct err *
check_number(const char *what, unsigned value, unsigned min, unsigned max)
{
    if (value < min || value > max) {
        return err_new(ERR_INVALID, "%s is %u, allowed %u to %u", what, value,
                       min, max);
    }
    return NULL;
}

static struct err *
check_numbers(const struct program_params *p)
{
    const unsigned day = 24U * 3600 * 1000;
    const struct {
        const char *what;
        unsigned value, min, max;
    } rows[] = {
        { "the port of http", p->http_port, 1, 65535 },
        { "the port of https", p->https_port, 1, 65535 },
        { "nbthread", p->nbthread, 1, 64 },
        { "maxconn", p->maxconn, 10, 10000000 },
        { "bufsize", p->bufsize, 16384, 1048576 },
        { "the size of rate limit tables", p->table_size, 100, 100000000 },
        { "the client time-out", p->client_ms, 1, day },
        { "the server time-out", p->server_ms, 1, day },
        { "the tunnel time-out", p->tunnel_ms, 1, day },
        { "the tcp time-out", p->tcp_ms, 1, day },
        { "the request time-out", p->request_ms, 1, day },
        { "the keep-alive time-out", p->keepalive_ms, 1, day },
        { "the queue time-out", p->queue_ms, 1, day },
        { "the hard stop", p->hard_stop_ms, 1, day },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct err *err = check_number(rows[i].what, rows[i].value,
                                       rows[i].min, rows[i].max);

        if (err) {
            return err;
        }
    }
    return NULL;
}

static struct err *
check_classes(const struct program_params *p)
{
    if (p->n_classes > PROGRAM_CLASSES_MAX) {
        return err_new(ERR_LIMIT, "%zu classes, allowed %d", p->n_classes,
                       PROGRAM_CLASSES_MAX);
    }
    for (size_t i = 0; i < p->n_classes; i++) {
        const struct program_class *class = &p->classes[i];
        struct err *err = check_number("a connect time-out",
                                       class->connect_ms, 1, 3600000);

        if (!err) {
            err = check_number("the number of slots", class->spares, 0,
                               PROGRAM_SPARES_MAX);
        }
        for (size_t j = 0; j < i && !err; j++) {
            if (class->kind == p->classes[j].kind &&
                class->balance == p->classes[j].balance &&
                class->connect_ms == p->classes[j].connect_ms &&
                class->retry == p->classes[j].retry) {
                err = err_new(ERR_INVALID, "one class is there twice");
            }
        }
        if (err) {
            return err;
        }
    }
    return NULL;
}

struct err *
program_check_run_dir(const char *path)
{
    AUTO_FREE char *shown = str_quote(path ? path : "");

    return is_word(path, "/._-", PROGRAM_RUN_DIR_MAX)
               ? NULL
               : err_new(ERR_INVALID, "%s is no run directory: a path of "
                         "letters, digits and /._- with at most %d bytes",
                         shown, PROGRAM_RUN_DIR_MAX);
}

struct err *
program_check_log(const char *place)
{
    AUTO_FREE char *shown = str_quote(place);

    return is_word(place, "/._-:@[]", 200)
               ? NULL
               : err_new(ERR_INVALID, "%s is no place for a log", shown);
}

static struct err *
check_params(const struct program_params *p)
{
    struct err *err = program_check_run_dir(p->run_dir);

    if (!err && p->run_dir[0] != '/') {
        err = err_new(ERR_INVALID, "%s is no absolute path", p->run_dir);
    }
    if (!err && p->log) {
        err = program_check_log(p->log);
    }
    if (err) {
        return err;
    }
    if (p->passthrough && p->n_https_binds == 0) {
        return err_new(ERR_INVALID, "passthrough without an https address");
    }
    err = check_binds("http", p->http_binds, p->n_http_binds, 1);
    if (!err) {
        err = check_binds("https", p->https_binds, p->n_https_binds, 0);
    }
    if (!err) {
        err = check_binds("http/3", p->quic_binds, p->n_quic_binds, 0);
    }
    if (!err && p->passthrough) {
        err = check_binds("passthrough", p->mux_binds, p->n_mux_binds, 1);
    }
    if (!err) {
        err = check_numbers(p);
    }
    return err ? err : check_classes(p);
}

/* -- Tokens ------------------------------------------------------------- */

static void
token_set(struct render *r, const char *name, char *value)
{
    free(map_put(r->tokens, name, value));
}

static void
token_set_number(struct render *r, const char *name, unsigned long value)
{
    token_set(r, name, xasprintf("%lu", value));
}

static void
set_scheme(struct render *r, bool is_https)
{
    const struct program_params *p = r->params;

    r->is_https = is_https;
    token_set(r, "SCHEME", xstrdup(is_https ? "https" : "http"));
    token_set_number(r, "SCHEME_PORT",
                     is_https ? p->https_port : p->http_port);
}

static void
set_class(struct render *r, const struct program_class *class)
{
    char name[PROGRAM_NAME_SIZE];

    program_class_name(class, name);
    token_set(r, "CLASS", xstrdup(name));
    token_set(r, "BALANCE", xstrdup(class->balance == PROGRAM_HASH
                                        ? "hash var(txn.hk)"
                                        : program_balance_name(
                                              class->balance)));
    token_set_number(r, "CONNECT", class->connect_ms);
    token_set_number(r, "RETRIES", PLAN_RETRY_TRIES(class->retry) - 1);
    token_set(r, "RETRY_ON", program_retry_words(class->retry));
    token_set(r, "REDISPATCH", xstrdup(class->retry & PLAN_RETRY_STAY
                                           ? "no option redispatch"
                                           : "option redispatch 1"));
}

static void
set_tokens(struct render *r)
{
    AUTO_POLICY struct policy *nothing = policy_new();
    char empty[POLICY_ID_SIZE];
    const struct program_params *p = r->params;

    token_set(r, "END", xstrdup(END_MARK));
    token_set(r, "CIPHERS", xstrdup(CIPHERS_INTERMEDIATE));
    token_set(r, "HASH", xstrdup(program_hash()));
    policy_id(nothing, empty);
    token_set(r, "EMPTY", xstrdup(empty));
    token_set(r, "RUN", xstrdup(p->run_dir));
    token_set(r, "LOG", xstrdup(p->log ? p->log : ""));
    token_set(r, "COOKIE_KEY", xstrdup(PROGRAM_COOKIE_KEY));
    token_set(r, "STRICT_SNI", xstrdup(p->strict_sni ? " strict-sni" : ""));
    token_set(r, "PORT_SUFFIX", p->https_port == 443
              ? xstrdup("") : xasprintf(":%u", p->https_port));
    token_set_number(r, "NBTHREAD", p->nbthread);
    token_set_number(r, "MAXCONN", p->maxconn);
    token_set_number(r, "BUFSIZE", p->bufsize);
    /* Head and body that surely fit one, beside what HAProxy needs of it. */
    token_set_number(r, "BODY_ROOM", p->bufsize / 4 * 3);
    token_set_number(r, "TABLE_SIZE", p->table_size);
    token_set_number(r, "HARD_STOP", p->hard_stop_ms);
    token_set_number(r, "T_CLIENT", p->client_ms);
    token_set_number(r, "T_SERVER", p->server_ms);
    token_set_number(r, "T_TUNNEL", p->tunnel_ms);
    token_set_number(r, "T_TCP", p->tcp_ms);
    token_set_number(r, "T_REQUEST", p->request_ms);
    token_set_number(r, "T_KEEPALIVE", p->keepalive_ms);
    token_set_number(r, "T_QUEUE", p->queue_ms);
#define FEATURE(name, bit, rows, doc) \
    token_set_number(r, "F_" #name, 1UL << (bit));
#define SETTING(name, feature, row, kind, doc)
#include "haproxy/features.def"
#undef FEATURE
#undef SETTING
}

/* Length of the token "NAME@" that begins at 's', 0 where there is none. */
static size_t
token_length(const char *s, const char *end)
{
    const char *p = s;

    while (p < end && ((*p >= 'A' && *p <= 'Z') || *p == '_' ||
                       (p > s && *p >= '0' && *p <= '9'))) {
        p++;
    }
    return p > s && p < end && *p == '@' ? (size_t) (p - s) + 1 : 0;
}

static struct err *
put_line(struct render *r, const char *line, size_t length)
{
    const char *end = line + length;

    for (const char *p = line; p < end; p++) {
        size_t size = *p == '@' ? token_length(p + 1, end) : 0;

        if (size > 0) {
            AUTO_FREE char *name = xstrndup(p + 1, size - 1);
            const char *value = map_get(r->tokens, name);

            if (!value) {
                return err_new(ERR_INTERNAL, "the program names @%s@, which "
                               "nobody sets", name);
            }
            buf_puts(r->out, value);
            p += size;
        } else {
            buf_putc(r->out, *p);
        }
    }
    buf_putc(r->out, '\n');
    return NULL;
}

/* A line that names a list is written once for each of its items. */
static struct err *
put_lines(struct render *r, const char *line, size_t length)
{
    const struct program_params *p = r->params;
    const struct {
        const char *token, *name;
        const char *const *items;
        size_t n;
    } lists[] = {
        { "@HTTP_BIND@", "HTTP_BIND", p->http_binds, p->n_http_binds },
        { "@HTTPS_BIND@", "HTTPS_BIND", p->https_binds, p->n_https_binds },
        { "@MUX_BIND@", "MUX_BIND", p->mux_binds, p->n_mux_binds },
        { "@QUIC_BIND@", "QUIC_BIND", p->quic_binds, p->n_quic_binds },
    };

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        struct err *err = NULL;

        if (!memmem(line, length, lists[i].token, strlen(lists[i].token))) {
            continue;
        }
        for (size_t j = 0; j < lists[i].n && !err; j++) {
            token_set(r, lists[i].name, xstrdup(lists[i].items[j]));
            err = put_line(r, line, length);
        }
        return err;
    }
    return put_line(r, line, length);
}

/* -- Parts -------------------------------------------------------------- */

static struct err *put_part(struct render *, const char *name);

static struct err *
put_classes(struct render *r)
{
    for (size_t i = 0; i < r->params->n_classes; i++) {
        const struct program_class *class = &r->params->classes[i];
        char slot[PROGRAM_NAME_SIZE];
        AUTO_FREE char *part =
            xasprintf("kind-%s", program_kind_name(class->kind));
        struct err *err;

        set_class(r, class);
        err = put_part(r, part);
        if (err) {
            return err;
        }
        for (unsigned j = 1; j <= class->spares; j++) {
            program_slot_name(class, j, slot);
            program_slot_section(class, slot, r->out);
        }
    }
    return NULL;
}

static bool
condition_holds(const struct render *r, const char *name)
{
    if (str_eq(name, "LOG")) {
        return r->params->log != NULL;
    }
    if (str_eq(name, "HTTPS")) {
        return r->params->n_https_binds > 0;
    }
    if (str_eq(name, "PASSTHROUGH")) {
        return r->params->passthrough;
    }
    if (str_eq(name, "HTTP3")) {
        return r->params->n_quic_binds > 0;
    }
    if (str_eq(name, "MODERN") || str_eq(name, "INTERMEDIATE")) {
        return r->params->modern == str_eq(name, "MODERN");
    }
    if (str_eq(name, "COUNTED_THREADS")) {
        return r->params->counted_threads;
    }
    if (str_eq(name, "COUNTED_MAXCONN")) {
        return r->params->counted_maxconn;
    }
    if (str_eq(name, "PLAIN")) {
        return !r->is_https;
    }
    if (str_eq(name, "GZIP")) {
        return r->params->gzip && !r->is_self;
    }
    if (str_eq(name, "SELF")) {
        return r->is_self;
    }
    return str_eq(name, "TLS") && r->is_https && !r->is_self;
}

/* "use NAME", "use NAME http", "use NAME https", "use NAME self", "classes". */
static struct err *
put_directive(struct render *r, const char *words)
{
    AUTO_FREE char *name = NULL;
    const char *blank;

    if (str_eq(words, "classes")) {
        return put_classes(r);
    }
    if (!str_starts(words, "use ")) {
        return err_new(ERR_INTERNAL, "the program says @@%s", words);
    }
    words += strlen("use ");
    blank = strchr(words, ' ');
    name = blank ? xstrndup(words, (size_t) (blank - words))
                 : xstrdup(words);
    if (blank) {
        r->is_self = str_eq(blank + 1, "self");
        set_scheme(r, r->is_self || str_eq(blank + 1, "https"));
    }
    return put_part(r, name);
}

static const char *
find_part(const char *name)
{
    AUTO_FREE char *line = xasprintf("@@part %s\n", name);
    const char *p = program_text;

    for (; p; p = strstr(p, line)) {
        if (str_starts(p, line) && (p == program_text || p[-1] == '\n')) {
            return p + strlen(line);
        }
        p++;
    }
    return NULL;
}

static struct err *
put_part(struct render *r, const char *name)
{
    const char *p = find_part(name);
    bool is_skipped = false;
    struct err *err = NULL;

    if (!p || r->depth == PARTS_DEEP) {
        return err_new(ERR_INTERNAL, "the program has no part \"%s\" here",
                       name);
    }
    r->depth++;
    while (*p && !str_starts(p, "@@part ") && !err) {
        size_t length = strcspn(p, "\n");

        if (str_starts(p, "@@")) {
            AUTO_FREE char *words = xstrndup(p + 2, length - 2);

            if (str_eq(words, "end")) {
                is_skipped = false;
            } else if (str_starts(words, "if ")) {
                is_skipped = !condition_holds(r, words + strlen("if "));
            } else if (!is_skipped) {
                err = put_directive(r, words);
            }
        } else if (!is_skipped) {
            err = put_lines(r, p, length);
        }
        p += length + (p[length] == '\n');
    }
    r->depth--;
    return err;
}

void
program_slot_section(const struct program_class *class, const char *slot,
                     struct buf *out)
{
    const char *part = find_part("slot");
    char name[PROGRAM_NAME_SIZE];

    program_class_name(class, name);
    buf_printf(out, "backend %s from %s\n", slot, name);
    if (part && (class->kind == PROGRAM_POLICY ||
                 class->kind == PROGRAM_COOKIE)) {
        buf_put(out, part, strcspn(part, "@"));
    }
}

struct err *
program_render(const struct program_params *params, struct buf *out)
{
    struct render r = { .params = params, .out = out };
    struct err *err = check_params(params);

    if (err) {
        return err;
    }
    r.tokens = map_new();
    set_tokens(&r);
    set_class(&r, &(struct program_class) { .connect_ms = 5000 });
    set_scheme(&r, false);
    err = put_part(&r, "main");
    if (!err && out->overflowed) {
        err = err_new(ERR_LIMIT, "the configuration exceeds %zu bytes",
                      out->limit);
    }
    map_free(r.tokens, free);
    return err;
}
