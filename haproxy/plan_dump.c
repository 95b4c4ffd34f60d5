#include "haproxy/plan_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

const char *
plan_kind_name(enum plan_kind kind)
{
    switch (kind) {
    case PLAN_PLAIN:
        return "plain";
    case PLAN_POLICY:
        return "policy";
    case PLAN_COOKIE:
        return "cookie";
    case PLAN_TCP:
        return "tcp";
    }
    abort();
}

const char *
plan_balance_name(enum plan_balance balance)
{
    switch (balance) {
    case PLAN_ROUNDROBIN:
        return "roundrobin";
    case PLAN_LEASTCONN:
        return "leastconn";
    case PLAN_HASH:
        return "hash";
    }
    abort();
}

/* Quoted whole: a name is an identity here, not something to read. */
static void
put_quoted(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char) *s;

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            buf_printf(out, "\\x%02x", c);
        } else {
            buf_putc(out, *s);
        }
    }
    buf_putc(out, '"');
}

struct dump {
    struct buf *out;
    bool held;          /* As HAProxy can hold it (plan_dump_held()). */
};

/* A policy may bring the same flag. */
static bool
asks_chooser(const struct plan_row *row)
{
    return row->choose ||
           (row->policy && (row->policy->flags & POLICY_F_REGEX));
}

static void
put_row(const struct dump *d, const struct plan_row *row)
{
    struct buf *out = d->out;
    static const char *const others[PLAN_N_OTHERS] = {
        [PLAN_CANARY] = "canary",
        [PLAN_FALLBACK] = "fallback",
        [PLAN_COPY] = "copy",
        [PLAN_ASK] = "ask",
    };

    switch (row->action) {
    case PLAN_FORWARD:
        buf_puts(out, " forward");
        if (row->target) {
            buf_putc(out, ' ');
            put_quoted(out, row->target->name);
        }
        for (size_t i = 0; i < PLAN_N_OTHERS; i++) {
            const struct plan_target *other = plan_row_other(row, i);

            if (other && (other->n_servers > 0 || !d->held)) {
                buf_printf(out, " %s ", others[i]);
                put_quoted(out, other->name);
            }
        }
        break;
    case PLAN_HTTPS_REDIRECT:
        buf_puts(out, " https-redirect");
        break;
    case PLAN_NOT_FOUND:
        buf_puts(out, " not-found");
        break;
    case PLAN_UNAVAILABLE:
        buf_puts(out, " unavailable");
        break;
    case PLAN_REDIRECT:
        buf_puts(out, " redirect");
        break;
    }
    if (row->policy) {
        buf_printf(out, " policy %s", row->policy->id);
    }
    buf_puts(out, asks_chooser(row) ? " choose\n" : "\n");
}

static void
dump_backend(const struct dump *d, const char *name, const void *item)
{
    struct buf *out = d->out;
    static const char *const protocols[PLAN_N_PROTOCOLS] = {
        [PLAN_HTTP1] = "",
        [PLAN_H2C] = " h2c",
        [PLAN_TLS] = " tls",
        [PLAN_TLS_H2] = " tls-h2",
        [PLAN_PROXY_V2] = " proxy-v2",
    };
    const struct plan_target *target = item;

    buf_puts(out, "backend ");
    put_quoted(out, name);
    buf_printf(out, " %s %s %u", plan_kind_name(target->kind),
               plan_balance_name(target->balance),
               target->connect_ms ? target->connect_ms : 5000);
    if (target->retry) {
        buf_printf(out, " tries %u on %u", PLAN_RETRY_TRIES(target->retry),
                   (unsigned) (target->retry & PLAN_RETRY_ALL));
    }
    buf_putc(out, '\n');
    for (size_t i = 0; i < target->n_servers; i++) {
        const struct plan_server *server = &target->servers[i];

        buf_printf(out, "  server %s %u %s%s%s%s\n", server->address,
                   server->port,
                   server->state == PLAN_READY ? "ready" : "drain",
                   protocols[server->protocol], target->tls ? " " : "",
                   target->tls ? target->tls : "");
    }
}

static void
dump_route(const struct dump *d, const char *key, const void *item)
{
    put_quoted(d->out, key);
    put_row(d, item);
}

static void
dump_http(const struct dump *d, const char *key, const void *item)
{
    buf_puts(d->out, "http ");
    dump_route(d, key, item);
}

static void
dump_https(const struct dump *d, const char *key, const void *item)
{
    buf_puts(d->out, "https ");
    dump_route(d, key, item);
}

static void
dump_regexes(const struct dump *d, const char *table, const char *host,
             const struct plan_regexes *regexes)
{
    for (size_t i = 0; i < regexes->n; i++) {
        buf_printf(d->out, "%s-regex ", table);
        put_quoted(d->out, host);
        buf_putc(d->out, ' ');
        dump_route(d, regexes->items[i].key, &regexes->items[i].row);
    }
}

static void
dump_http_regexes(const struct dump *d, const char *host, const void *item)
{
    dump_regexes(d, "http", host, item);
}

static void
dump_https_regexes(const struct dump *d, const char *host, const void *item)
{
    dump_regexes(d, "https", host, item);
}

static void
dump_passthrough(const struct dump *d, const char *host, const void *item)
{
    struct buf *out = d->out;
    const struct plan_target *target = item;

    buf_puts(out, "passthrough ");
    put_quoted(out, host);
    buf_putc(out, ' ');
    put_quoted(out, target->name);
    buf_putc(out, '\n');
}

static void
dump_cert(const struct dump *d, const char *name, const void *item)
{
    struct buf *out = d->out;
    const struct plan_cert *cert = item;

    buf_puts(out, "cert ");
    put_quoted(out, name);
    buf_printf(out, " %s\n", cert->digest);
}

static void
dump_sni(const struct dump *d, const char *host, const void *item)
{
    struct buf *out = d->out;
    const struct plan_name *name = item;
    buf_puts(out, "sni ");
    put_quoted(out, host);
    for (size_t i = 0; i < name->n_certs; i++) {
        buf_putc(out, ' ');
        put_quoted(out, name->certs[i]);
    }
    if (name->options[0]) {
        buf_puts(out, " options ");
        put_quoted(out, name->options);
    }
    if (name->ca) {
        buf_puts(out, " client ");
        put_quoted(out, name->ca);
    }
    if (name->crl) {
        buf_putc(out, ' ');
        put_quoted(out, name->crl);
    }
    buf_putc(out, '\n');
}

static void
dump_except(struct buf *out, const struct plan *plan, const char *host)
{
    AUTO_FREE char *except = plan_sni_except(plan, host);

    if (except) {
        buf_printf(out, "  except %s\n", except);
    }
}

static int
compare_rows(const void *a, const void *b)
{
    const struct plan_policy_row *x = a, *y = b;
    int order = strcmp(x->map, y->map);

    return order != 0 ? order : strcmp(x->key, y->key);
}

static void
dump_policy(const struct dump *d, const char *id, const void *item)
{
    struct buf *out = d->out;
    const struct plan_policy *policy = item;
    AUTO_FREE struct plan_policy_row *rows =
        xmemdup(policy->rows, policy->n_rows * sizeof *rows);

    if (policy->users == 0) {
        return;
    }
    buf_printf(out, "policy %s %u\n", id,
               policy->flags & ~(uint32_t) POLICY_F_REGEX);
    qsort(rows, policy->n_rows, sizeof *rows, compare_rows);
    for (size_t i = 0; i < policy->n_rows; i++) {
        buf_printf(out, "  row %s ", rows[i].map);
        put_quoted(out, rows[i].key);
        buf_putc(out, ' ');
        put_quoted(out, rows[i].value);
        buf_putc(out, '\n');
    }
}

static void
dump_all(const struct dump *d, const struct plan *plan)
{
    static void (*const dumps[PLAN_SETS])(const struct dump *, const char *,
                                          const void *) = {
        [PLAN_SET_BACKENDS] = dump_backend,
        [PLAN_SET_ROUTES] = dump_http,
        [PLAN_SET_ROUTES_HTTPS] = dump_https,
        [PLAN_SET_REGEXES] = dump_http_regexes,
        [PLAN_SET_REGEXES_HTTPS] = dump_https_regexes,
        [PLAN_SET_PASSTHROUGHS] = dump_passthrough,
        [PLAN_SET_CERTS] = dump_cert,
        [PLAN_SET_SNIS] = dump_sni,
        [PLAN_SET_POLICIES] = dump_policy,
    };

    for (size_t set = 0; set < PLAN_SETS; set++) {
        const struct map *items = plan_items(plan, set);
        AUTO_FREE const char **keys = map_sorted_keys(items);

        for (size_t i = 0; i < map_size(items); i++) {
            dumps[set](d, keys[i], map_get(items, keys[i]));
            if (set == PLAN_SET_SNIS) {
                dump_except(d->out, plan, keys[i]);
            }
        }
    }
}

void
plan_dump(const struct plan *plan, struct buf *out)
{
    dump_all(&(struct dump) { .out = out }, plan);
}

void
plan_dump_held(const struct plan *plan, struct buf *out)
{
    dump_all(&(struct dump) { .out = out, .held = true }, plan);
}
