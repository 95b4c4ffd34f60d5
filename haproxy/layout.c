#include "haproxy/layout.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "haproxy/capacity.h"
#include "haproxy/quote.h"
#include "haproxy/servertls.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define N_USES 3                /* Of listeners.h. */
#define MAX_REWRITE 1024        /* What HAProxy keeps free beside headers. */

struct binds {
    char texts[LISTENERS_MAX][PATH_MAX];
    const char *items[LISTENERS_MAX];
    size_t n;
};

static void
add_bind(struct binds *b, const char *fmt, const char *dir, int fd)
{
    snprintf(b->texts[b->n], sizeof b->texts[b->n], "%s%s", fmt, dir);
    if (fd >= 0) {
        snprintf(b->texts[b->n], sizeof b->texts[b->n], "fd@%d", fd);
    }
    b->items[b->n] = b->texts[b->n];
    b->n++;
}

/* HAProxy opens the UDP sockets itself, beside those of https. */
static void
add_quic(const struct layout *l, struct binds *b)
{
    for (size_t i = 0; l->http3 && i < l->listeners.n; i++) {
        const struct listener *item = &l->listeners.items[i];
        AUTO_BUF struct buf address = BUF_OWN;

        if (item->use == LISTENER_HTTPS &&
            quote_address(&address, item->address, item->port)) {
            add_bind(b, buf_str(&address)[0] == '[' ? "quic6@" : "quic4@",
                     buf_str(&address), -1);
        }
    }
}

/* The numbers that somebody may have given. */
static void
set_numbers(const struct layout *l, struct program_params *params)
{
    params->nbthread = l->threads;
    params->maxconn = l->maxconn;
    params->counted_threads = l->counted_threads;
    params->counted_maxconn = l->counted_maxconn;
    params->queue_ms = SLOTS_QUEUE_MS;
    if (l->keep_alive_s > 0) {
        params->keepalive_ms = l->keep_alive_s * 1000;
    }
    if (l->header_kib > 0) {
        params->bufsize = (l->header_kib << 10) + MAX_REWRITE;
    }
    if (l->worker_shutdown_s > 0) {
        params->hard_stop_ms = l->worker_shutdown_s * 1000;
    }
}

static struct err *
render_program(const struct layout *l, const struct program_class *classes,
               size_t n_classes, bool is_muxed, struct buf *out)
{
    AUTO_FREE struct binds *binds = xcalloc(N_USES + 1, sizeof *binds);
    struct program_params params;

    program_params_init(&params);
    for (size_t i = 0; i < l->listeners.n; i++) {
        const struct listener *item = &l->listeners.items[i];

        if (item->use != LISTENER_HTTPS || !is_muxed) {
            add_bind(&binds[item->use], "", "", item->fd);
        }
    }
    if (is_muxed) {
        AUTO_FREE char *idle = xasprintf("%s/https-idle.sock", l->run_dir);

        add_bind(&binds[LISTENER_HTTPS], "unix@", idle, -1);
    }
    params.run_dir = l->run_dir;
    params.http_binds = binds[LISTENER_HTTP].items;
    params.n_http_binds = binds[LISTENER_HTTP].n;
    params.https_binds = binds[LISTENER_HTTPS].items;
    params.n_https_binds = binds[LISTENER_HTTPS].n;
    params.mux_binds = binds[LISTENER_MUX].items;
    params.n_mux_binds = binds[LISTENER_MUX].n;
    add_quic(l, &binds[N_USES]);
    params.quic_binds = binds[N_USES].items;
    params.n_quic_binds = binds[N_USES].n;
    params.passthrough = l->passthrough;
    params.gzip = l->gzip;
    params.strict_sni = l->strict_sni;
    params.log = l->access_log;
    params.modern = l->modern;
    params.http_port = l->public_http_port;
    params.https_port = l->public_https_port;
    set_numbers(l, &params);
    params.classes = classes;
    params.n_classes = n_classes;
    return program_render(&params, out);
}

struct err *
layout_init(struct layout *l, const struct dataplane_options *options)
{
    AUTO_BUF struct buf text = BUF_OWN;
    struct err *err;

    *l = (struct layout) {
        .passthrough = options->passthrough,
        .modern = options->tls_modern,
        .http3 = options->http3,
        .gzip = options->gzip,
        .strict_sni = options->strict_sni,
        .public_http_port = options->public_http_port
                                ? options->public_http_port
                                : options->http_port,
        .public_https_port = options->public_https_port
                                 ? options->public_https_port
                                 : options->https_port,
        .access_log = options->access_log ? xstrdup(options->access_log)
                                          : NULL,
        .threads = options->threads ? options->threads : capacity_threads(),
        .maxconn = options->maxconn ? options->maxconn : capacity_maxconn(),
        .keep_alive_s = options->keep_alive_s,
        .header_kib = options->header_kib,
        .worker_shutdown_s = options->worker_shutdown_s,
        .counted_threads = options->threads == 0,
        .counted_maxconn = options->maxconn == 0,
    };
    if (mkdir(options->run_dir, 0700) < 0 && errno != EEXIST) {
        return err_errno(ERR_INVALID, errno, "create %s", options->run_dir);
    }
    l->run_dir = realpath(options->run_dir, NULL);
    if (!l->run_dir) {
        return err_errno(ERR_INVALID, errno, "run directory %s",
                         options->run_dir);
    }
    err = listeners_make(options->bind_address, options->http_port,
                         options->https_port, &l->listeners);
    if (!err) {
        err = render_program(l, NULL, 0, false, &text);
    }
    if (!err) {
        listeners_write(&l->listeners, &text);
        digest_sha256_hex(text.data, text.size, l->edition);
    }
    return err;
}

void
layout_fini(struct layout *l)
{
    free(l->run_dir);
    free(l->access_log);
    l->run_dir = l->access_log = NULL;
}

/* On 2.6 a dynamic server without both keeps no idle connection. */
#define POOL_WORDS " pool-purge-delay 5s pool-max-conn -1"

/* 'tail' stands behind the options of TLS. */
static const struct {
    char letter;
    const char *words;
    const char *tls;
    const char *tail;
} protocols[PLAN_N_PROTOCOLS] = {
    [PLAN_HTTP1] = { 's', "", "", "" },
    [PLAN_H2C] = { 'h', " proto h2", "", "" },
    [PLAN_TLS] = { 't', " ssl", " verify none sni var(txn.sslname)", "" },
    [PLAN_TLS_H2] = { 'g', " ssl", " verify none sni var(txn.sslname)",
                      " alpn h2" },
    [PLAN_PROXY_V2] = { 'p', " send-proxy-v2", "", "" },
    [PLAN_TLS_PUBLIC] = { 'v', " ssl verify required ca-file @system-ca sni "
                               "var(txn.sslname)", "", "" },
};

/* In a tcp slot only a PROXY header: what passes through is the client's own
 * TLS, and 2.6 may crash over "proto" on a server that is added there. */
bool
layout_server_words(const struct model *m, const char *run_dir,
                    enum program_kind kind, const struct model_server *server,
                    struct buf *out)
{
    const enum plan_protocol p = server->protocol;
    const char *tls = NULL;
    char key[SERVERTLS_KEY_SIZE];

    if (server->tls) {
        servertls_key(server->tls, key);
        tls = model_get(m, MODEL_SERVER_TLS, key);
        if (!tls || str_is_empty(protocols[p].tls)) {
            return false;
        }
    }
    if (kind != PROGRAM_TCP) {
        buf_puts(out, POOL_WORDS);
    }
    if ((kind == PROGRAM_TCP) != (p == PLAN_PROXY_V2)) {
        return !tls;
    }
    buf_puts(out, protocols[p].words);
    if (tls) {
        servertls_write(out, run_dir, tls);
    } else {
        buf_puts(out, protocols[p].tls);
    }
    buf_puts(out, protocols[p].tail);
    return true;
}

void
layout_server_name(const struct model_server *server,
                   char out[LAYOUT_SERVER_NAME_SIZE])
{
    char key[SERVERTLS_KEY_SIZE] = "";

    if (server->tls) {
        servertls_key(server->tls, key);
    }
    snprintf(out, LAYOUT_SERVER_NAME_SIZE, "%c%u%s%s",
             protocols[server->protocol].letter, server->number,
             server->tls ? "." : "", key);
}

bool
layout_server_parse(const char *name, struct model_server *out)
{
    AUTO_FREE char *copy = xstrdup(name);
    char *rest = copy;
    const char *front = strsep(&rest, ".");
    uint64_t value;

    out->tls = rest ? servertls_parse(rest) : 0;
    if (rest && !out->tls) {
        return false;
    }
    for (unsigned i = 0; i < PLAN_N_PROTOCOLS; i++) {
        if (front[0] == protocols[i].letter &&
            parse_u64(front + 1, 1, UINT32_MAX, &value)) {
            out->protocol = (enum plan_protocol) i;
            out->number = (unsigned) value;
            return true;
        }
    }
    return false;
}

static void
put_servers(const struct layout *l, const struct model *m,
            const struct model_slot *slot, enum program_kind kind,
            struct buf *out)
{
    for (size_t i = 0; i < slot->servers.n; i++) {
        const struct model_server *server = &slot->servers.items[i];
        AUTO_BUF struct buf address = BUF_OWN;
        AUTO_BUF struct buf words = BUF_OWN;
        char name[LAYOUT_SERVER_NAME_SIZE];

        if (server->state == MODEL_MAINT ||
            !quote_address(&address, server->address, server->port) ||
            !layout_server_words(m, l->run_dir, kind, server, &words)) {
            continue;
        }
        layout_server_name(server, name);
        buf_printf(out, "    server %s %s id %u%s%s\n", name,
                   buf_str(&address), server->number, buf_str(&words),
                   server->state == MODEL_DRAIN ? " weight 0" : "");
    }
}

struct err *
layout_render(const struct layout *l, const struct slots *slots,
              const struct model *model, bool is_muxed, struct buf *out)
{
    size_t n, at = 0;
    const struct program_class *classes = slots_classes(slots, &n);
    AUTO_FREE struct program_class *bare =
        xmemdup(classes, n * sizeof *classes);
    const struct slot *slot;
    struct err *err;

    /* The program has the classes; their slots follow here with servers. */
    for (size_t i = 0; i < n; i++) {
        bare[i].spares = 0;
    }
    err = render_program(l, bare, n, is_muxed && l->passthrough, out);
    while (!err && (slot = slots_next(slots, &at))) {
        const struct model_slot *servers = map_get(model->slots, slot->name);

        program_slot_section(&classes[slot->class], slot->name, out);
        if (servers && slot->state == SLOT_USED) {
            put_servers(l, model, servers, classes[slot->class].kind, out);
        }
    }
    return err;
}
