/* render_tool: what the data plane writes, for tests in Python.
 *
 *     render_tool RUN_DIR [NAME=VALUE]...
 *
 * prints haproxy.cfg.  NAME: http, https, mux (an address, may be repeated),
 * class (KIND,BALANCE,CONNECT_MS,SPARES, may be repeated), passthrough,
 * http_port, https_port, nbthread, maxconn, log, client_ms, server_ms,
 * tunnel_ms, table_size, counted, ...
 *
 *     render_tool policy [NAME=VALUE]...
 *
 * prints a policy: "ID FLAGS NEED SLOT", then its rows "MAP KEY VALUE",
 * fields separated by tabs.  NAME: those of policy_words.h.
 *
 *     render_tool scripts RUN_DIR             writes the Lua of the program
 *     render_tool regex-key HOST REGEX        a key of http-regex.map
 *     render_tool proof-rows                  what prove.h wants, as rows
 *     render_tool prove RUN_DIR http|https    0: every answer was right
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/policy.h"
#include "haproxy/prove.h"
#include "haproxy/render.h"
#include "haproxy/scripts.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "tests/haproxy/policy_words.h"

#define ITEMS_MAX 64

struct arguments {
    struct program_params params;
    const char *http[ITEMS_MAX], *https[ITEMS_MAX], *mux[ITEMS_MAX];
    struct program_class classes[ITEMS_MAX];
};

static void
die(const char *what, const char *argument)
{
    fprintf(stderr, "render_tool: %s: %s\n", what, argument);
    exit(2);
}

static unsigned
number(const char *s)
{
    uint64_t value;

    if (!parse_u64(s, 0, 1000000000, &value)) {
        die("not a number", s);
    }
    return (unsigned) value;
}

static void
add_class(struct arguments *a, char *s)
{
    struct program_class *class = &a->classes[a->params.n_classes++];
    char *kind = strsep(&s, ",");
    char *balance = strsep(&s, ",");
    char *connect = strsep(&s, ",");

    if (!s || a->params.n_classes == ITEMS_MAX) {
        die("not a class", kind);
    }
    while (!str_eq(program_kind_name(class->kind), kind)) {
        class->kind++;
    }
    while (!str_eq(program_balance_name(class->balance), balance)) {
        class->balance++;
    }
    class->connect_ms = number(connect);
    class->spares = number(s);
}

static bool
set_text(struct arguments *a, const char *name, char *value)
{
    struct program_params *p = &a->params;

    if (str_eq(name, "http") && p->n_http_binds < ITEMS_MAX) {
        a->http[p->n_http_binds++] = value;
    } else if (str_eq(name, "https") && p->n_https_binds < ITEMS_MAX) {
        a->https[p->n_https_binds++] = value;
    } else if (str_eq(name, "mux") && p->n_mux_binds < ITEMS_MAX) {
        a->mux[p->n_mux_binds++] = value;
    } else if (str_eq(name, "class")) {
        add_class(a, value);
    } else if (str_eq(name, "log")) {
        p->log = value;
    } else {
        return false;
    }
    return true;
}

static void
set_number(struct program_params *p, const char *name, unsigned value)
{
    const struct {
        const char *name;
        unsigned *to;
    } rows[] = {
        { "nbthread", &p->nbthread }, { "maxconn", &p->maxconn },
        { "client_ms", &p->client_ms }, { "server_ms", &p->server_ms },
        { "tunnel_ms", &p->tunnel_ms }, { "table_size", &p->table_size },
        { "bufsize", &p->bufsize }, { "tcp_ms", &p->tcp_ms },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (str_eq(rows[i].name, name)) {
            *rows[i].to = value;
            return;
        }
    }
    if (str_eq(name, "passthrough")) {
        p->passthrough = value > 0;
    } else if (str_eq(name, "counted")) {
        p->counted_threads = p->counted_maxconn = value > 0;
    } else if (str_eq(name, "gzip")) {
        p->gzip = value > 0;
    } else if (str_eq(name, "modern")) {
        p->modern = value > 0;
    } else if (str_eq(name, "http_port")) {
        p->http_port = (uint16_t) value;
    } else if (str_eq(name, "https_port")) {
        p->https_port = (uint16_t) value;
    } else {
        die("no such name", name);
    }
}

static int
answer(struct err *err)
{
    if (err) {
        fprintf(stderr, "render_tool: %s\n", err_text(err));
        err_free(err);
        return 1;
    }
    return 0;
}

static void
print_row(const char *map, const char *key, const char *value, void *aux)
{
    (void) aux;
    printf("%s\t%s\t%s\n", map, key, value);
}

static int
print_policy(char **argv)
{
    static const char *const needs[] = {
        "plain", "policy", "cookie", "redirect",
    };
    AUTO_POLICY struct policy *p = policy_new();
    char id[POLICY_ID_SIZE];
    struct err *err = NULL;

    for (; *argv && !err; argv++) {
        err = policy_word(p, *argv);
    }
    if (!err) {
        err = policy_check(p);
    }
    if (!err) {
        enum policy_need need = policy_need(p);

        policy_id(p, id);
        printf("%s\t%u\t%s\t%s\n", id, policy_flags(p), needs[need],
               need == POLICY_NEEDS_REDIRECT ? PROGRAM_SLOT_REDIRECT : "");
        policy_rows(p, print_row, NULL);
    }
    return answer(err);
}

static int
print_regex_key(const char *host, const char *regex)
{
    AUTO_BUF struct buf out = BUF_OWN;
    struct err *err = policy_regex_key(host, regex, true, &out);

    puts(buf_str(&out));
    return answer(err);
}

static int
write_scripts(const char *run_dir)
{
    for (size_t i = 0; i < n_scripts; i++) {
        AUTO_FREE char *path = xasprintf("%s/lua/%s-%s.lua", run_dir,
                                         scripts[i].name, program_hash());
        FILE *f = fopen(path, "we");

        if (!f || fputs(scripts[i].text, f) < 0 || fclose(f) != 0) {
            die("cannot write", path);
        }
    }
    return 0;
}

static int
render(int argc, char **argv)
{
    static struct arguments a;
    AUTO_BUF struct buf out = BUF_OWN;
    struct err *err;

    program_params_init(&a.params);
    a.params.http_binds = a.http;
    a.params.https_binds = a.https;
    a.params.mux_binds = a.mux;
    a.params.classes = a.classes;
    a.params.run_dir = argv[1];
    for (int i = 2; i < argc; i++) {
        char *value = argv[i];
        const char *name = strsep(&value, "=");

        if (!value) {
            die("no value", name);
        }
        if (!set_text(&a, name, value)) {
            set_number(&a.params, name, number(value));
        }
    }
    err = program_render(&a.params, &out);
    fwrite(buf_str(&out), 1, out.size, stdout);
    return answer(err);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        die("usage", "see the head of render_tool.c");
    }
    if (str_eq(argv[1], "policy")) {
        return print_policy(argv + 2);
    }
    if (str_eq(argv[1], "regex-key") && argc == 4) {
        return print_regex_key(argv[2], argv[3]);
    }
    if (str_eq(argv[1], "scripts") && argc == 3) {
        return write_scripts(argv[2]);
    }
    if (str_eq(argv[1], "proof-rows")) {
        prove_rows(print_row, NULL);
        return 0;
    }
    if (str_eq(argv[1], "prove") && argc == 4) {
        return answer(prove_run(argv[2], str_eq(argv[3], "https"),
                                clock_ms() + 5000));
    }
    return render(argc, argv);
}
