#include "haproxy/observe.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/command.h"
#include "haproxy/crtlist.h"
#include "haproxy/files.h"
#include "haproxy/hapsock.h"
#include "haproxy/layout.h"
#include "haproxy/quote.h"
#include "haproxy/reply.h"
#include "haproxy/want.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* Fields of "show servers state" and of "show stat", from 0. */
enum { STATE_BACKEND = 1, STATE_SERVER = 3, STATE_ADDRESS = 4,
       STATE_ADMIN = 6, STATE_WEIGHT = 7, STATE_PORT = 18,
       STATE_FIELDS = 19 };
enum { STAT_PROXY = 0, STAT_SERVER = 1, STAT_QUEUED = 2, STAT_CURRENT = 4,
       STAT_STATUS = 17 };

/* Bits of the administrative state. */
#define ADMIN_MAINT (0x01 | 0x02 | 0x04 | 0x20 | 0x40)
#define ADMIN_DRAIN (0x08 | 0x10)

static struct err *
ask(const char *socket, const char *command, struct buf *answer)
{
    buf_init(answer, HAPSOCK_REPLY_MAX);
    return command_ask(socket, command, answer);
}

/* --- Identity --- */

static uint64_t
number_of(const char *text, const char *name)
{
    AUTO_FREE char *value = reply_value(text, name);
    uint64_t n;

    return value && parse_u64(value, 0, UINT64_MAX, &n) ? n : 0;
}

struct err *
observe_identity(const char *socket, struct observe_identity *out)
{
    AUTO_BUF struct buf answer = BUF_OWN;
    AUTO_FREE char *version = NULL;
    struct err *err = ask(socket, "show info", &answer);

    *out = (struct observe_identity) { 0 };
    if (err) {
        return err;
    }
    out->pid = number_of(buf_str(&answer), "Pid");
    out->started = number_of(buf_str(&answer), "Start_time_sec");
    out->threads = number_of(buf_str(&answer), "Nbthread");
    out->maxconn = number_of(buf_str(&answer), "Maxconn");
    out->is_stopping = number_of(buf_str(&answer), "Stopping") > 0;
    version = reply_value(buf_str(&answer), "Version");
    if (out->pid == 0 || !version) {
        return err_new(ERR_PROTOCOL, "\"show info\" tells no pid or version");
    }
    memcpy(out->version, version, strnlen(version, sizeof out->version - 1));
    return NULL;
}

bool
observe_is_same(const struct observe_identity *a,
                const struct observe_identity *b)
{
    return a->pid == b->pid && a->started == b->started;
}

/* --- Maps --- */

typedef void row_fn(struct model *, size_t which, const char *key,
                    const char *value);

static void
keep_row(struct model *m, size_t which, const char *key, const char *value)
{
    /* The first of two wins in HAProxy; maps written by us have no two. */
    if (!model_get(m, which, key)) {
        model_set(m, which, key, value);
    }
}

static void
keep_item(struct model *m, size_t which, const char *key, const char *value)
{
    model_rows_add(&m->regexes[which], key, value);
}

/* Lines "0x55d0c8 KEY VALUE"; '*found' false: no such map. */
static struct err *
read_map(const char *socket, const char *run_dir, const char *name,
         row_fn *keep, struct model *m, size_t which, bool *found)
{
    AUTO_FREE char *path = files_map(run_dir, name);
    AUTO_FREE char *command = xasprintf("show map %s", path);
    AUTO_BUF struct buf answer = BUF_OWN;
    struct err *err = ask(socket, command, &answer);
    char *rest = answer.data, *line;

    *found = true;
    while (!err && (line = reply_line(&rest))) {
        char *key;

        if (*line == '\0') {
            continue;
        }
        if (!str_starts(line, "0x")) {
            *found = false;
            return NULL;
        }
        (void) reply_word(&line);
        key = reply_word(&line);
        if (key && line) {
            keep(m, which, key, line);
        }
    }
    return err;
}

static struct err *
read_maps(const char *socket, const char *run_dir, struct observed *out)
{
    struct err *err = NULL;
    bool found;

    out->is_whole = true;
    for (size_t i = 0; i < MODEL_MAPS && !err; i++) {
        /* The program has no sni.map without passthrough. */
        err = read_map(socket, run_dir, model_map_name(i), keep_row,
                       out->model, i, &found);
        out->is_whole &= found || i == MODEL_SNI;
    }
    for (size_t i = 0; i < 2 && !err; i++) {
        err = read_map(socket, run_dir, model_list_name(i), keep_item,
                       out->model, i, &found);
        out->is_whole &= found;
    }
    return err;
}

/* --- Slots and servers --- */

static bool
read_server_line(char *line, struct observed *out)
{
    char *fields[STATE_FIELDS];
    struct model_server server = { 0 };
    uint64_t port, admin, weight;

    for (size_t i = 0; i < STATE_FIELDS; i++) {
        fields[i] = reply_word(&line);
        if (!fields[i]) {
            return false;
        }
    }
    if (!slots_by_name(out->slots, fields[STATE_BACKEND]) ||
        !layout_server_parse(fields[STATE_SERVER], &server) ||
        !parse_u64(fields[STATE_PORT], 0, 65535, &port) ||
        !parse_u64(fields[STATE_ADMIN], 0, UINT32_MAX, &admin) ||
        !parse_u64(fields[STATE_WEIGHT], 0, UINT32_MAX, &weight) ||
        strlen(fields[STATE_ADDRESS]) >= sizeof server.address) {
        return false;
    }
    server.port = (uint16_t) port;
    server.is_weightless = weight == 0;
    server.state = (admin & ADMIN_MAINT) ? MODEL_MAINT
                   : (admin & ADMIN_DRAIN) || weight == 0 ? MODEL_DRAIN
                                                          : MODEL_READY;
    memcpy(server.address, fields[STATE_ADDRESS],
           strlen(fields[STATE_ADDRESS]) + 1);
    VEC_PUSH(&model_slot(out->model, fields[STATE_BACKEND])->servers,
             server);
    return true;
}

static void
read_owners(struct observed *out, int64_t now_ms)
{
    struct map_iter it = MAP_ITER;
    struct slot *slot;

    while (map_next(out->model->maps[MODEL_SLOTS], &it)) {
        AUTO_FREE char *owner = quote_unname(it.value);

        slot = slots_by_name(out->slots, it.key);
        if (slot && (!owner || !slots_claim(out->slots, it.key, owner))) {
            slots_release(out->slots, slot, now_ms);
        }
    }
    for (size_t at = 0; (slot = slots_next(out->slots, &at));) {
        if (slot->state == SLOT_FREE &&
            map_get(out->model->slots, slot->name)) {
            slots_release(out->slots, slot, now_ms);
        }
    }
}

static struct err *
read_slots(const char *socket, int64_t now_ms, struct observed *out)
{
    AUTO_BUF struct buf names = BUF_OWN;
    AUTO_BUF struct buf servers = BUF_OWN;
    struct err *err = ask(socket, "show backend", &names);
    char *rest = names.data, *line;

    while (!err && (line = reply_line(&rest))) {
        (void) slots_add(out->slots, line);
    }
    if (!err) {
        err = ask(socket, "show servers state", &servers);
    }
    rest = servers.data;
    while (!err && (line = reply_line(&rest))) {
        (void) read_server_line(line, out);
    }
    if (!err) {
        read_owners(out, now_ms);
    }
    return err;
}

/* --- Certificates --- */

static void
read_crt_line(const char *run_dir, char *text, struct model *m)
{
    struct crtlist_line line;
    AUTO_FREE char *id = NULL;
    AUTO_FREE char *lines = NULL;
    AUTO_FREE char *options = NULL;
    const char *have;

    if (!crtlist_parse(text, &line)) {
        return;
    }
    options = crtlist_line_options(&line);
    id = files_cert_id(run_dir, line.file);
    if (!id || !quote_is_sni(line.host)) {
        return;
    }
    have = map_get(m->snis, line.host);
    lines = xstrdup(have ? have : "");
    if (crtlist_add(&lines, id, options)) {
        model_set_sni(m, line.host, lines);
    } else {
        AUTO_FREE char *again = crtlist_line(id, options);

        model_rows_add(&m->strays, again, line.host);
    }
}

/* The row "cert|ID" of meta.map says which name and content it has.  It is
 * written after HAProxy has confirmed the certificate.  HAProxy itself is not
 * asked: "show ssl cert NAME" ends 2.6.12 when the names in a certificate are
 * longer than its buffer, and certificates are written by tenants. */
static void
add_cert(struct model *m, const char *id)
{
    AUTO_FREE char *key = xasprintf("cert|%s", id);
    const char *value = model_get(m, MODEL_META, key);
    const char *blank = value ? strchr(value, ' ') : NULL;
    AUTO_FREE char *name = blank ? quote_unname(blank + 1) : NULL;
    struct model_cert *cert = model_cert(m, id, name ? name : "?");

    if (name && blank - value == DIGEST_HEX_SIZE - 1) {
        memcpy(cert->digest, value, DIGEST_HEX_SIZE - 1);
    }
}

/* "PATH", or "PATH - 1 certificate(s)". */
static struct err *
read_store(const char *socket, const char *run_dir, const char *command,
           struct model *m)
{
    AUTO_BUF struct buf names = BUF_OWN;
    struct err *err = ask(socket, command, &names);
    char *rest = names.data, *line;

    while (!err && (line = reply_line(&rest))) {
        const char *path = reply_word(&line);
        AUTO_FREE char *id = path ? files_cert_id(run_dir, path) : NULL;

        if (id) {
            add_cert(m, id);
        }
    }
    return err;
}

static struct err *
read_certs(const char *socket, const char *run_dir, struct model *m)
{
    AUTO_FREE char *command =
        xasprintf("show ssl crt-list -n %s/crt-list", run_dir);
    AUTO_BUF struct buf lines = BUF_OWN;
    static const char *const stores[] = {
        "show ssl cert", "show ssl ca-file", "show ssl crl-file",
    };
    struct err *err = ask(socket, command, &lines);
    char *rest = lines.data, *line;

    while (!err && (line = reply_line(&rest))) {
        read_crt_line(run_dir, line, m);
    }
    for (size_t i = 0; i < ARRAY_SIZE(stores) && !err; i++) {
        err = read_store(socket, run_dir, stores[i], m);
    }
    return err;
}

/* --- Frontends --- */

static struct err *
read_frontends(const char *socket, struct observed *out)
{
    AUTO_BUF struct buf answer = BUF_OWN;
    struct err *err = ask(socket, "show stat -1 1 -1", &answer);
    char *rest = answer.data, *line;

    while (!err && (line = reply_line(&rest))) {
        char name[32], status[16];

        if (!reply_csv(line, STAT_PROXY, name, sizeof name) ||
            !reply_csv(line, STAT_STATUS, status, sizeof status)) {
            continue;
        }
        if (str_eq(name, "https")) {
            out->https_open = !str_eq(status, "PAUSED");
        } else if (str_eq(name, "tls_mux")) {
            out->has_mux = true;
            out->mux_open = !str_eq(status, "PAUSED");
        }
    }
    return err;
}

struct err *
observe_all(const char *socket, const char *run_dir, int64_t now_ms,
            struct observed *out)
{
    struct err *err;

    *out = (struct observed) { .model = model_create(), .slots = slots_new() };
    err = read_maps(socket, run_dir, out);
    if (!err) {
        err = read_slots(socket, now_ms, out);
    }
    if (!err) {
        err = read_certs(socket, run_dir, out->model);
    }
    if (!err) {
        err = read_frontends(socket, out);
    }
    if (err) {
        observed_fini(out);
    }
    return err_wrap(err, "observe");
}

void
observed_fini(struct observed *o)
{
    model_free(o->model);
    slots_free(o->slots);
    *o = (struct observed) { 0 };
}

/* Streams are counted by their backend from the moment they enter it until
 * they end, whether they wait, connect, retry or stream; a server counts
 * those it still has by itself. */
struct err *
observe_is_idle(const char *socket, const char *slot, bool *out)
{
    AUTO_FREE char *command = xasprintf("show stat %s 6 -1", slot);
    AUTO_BUF struct buf answer = BUF_OWN;
    struct err *err = ask(socket, command, &answer);
    char *rest = answer.data, *line;
    bool is_known = false, is_busy = false;

    while (!err && (line = reply_line(&rest))) {
        char proxy[PROGRAM_NAME_SIZE], server[LAYOUT_SERVER_NAME_SIZE];
        char queued[16], current[16];

        if (!reply_csv(line, STAT_PROXY, proxy, sizeof proxy) ||
            !reply_csv(line, STAT_SERVER, server, sizeof server) ||
            !reply_csv(line, STAT_QUEUED, queued, sizeof queued) ||
            !reply_csv(line, STAT_CURRENT, current, sizeof current) ||
            !str_eq(proxy, slot)) {
            continue;
        }
        is_known |= str_eq(server, "BACKEND");
        is_busy |= !str_eq(queued, "0") || !str_eq(current, "0");
    }
    *out = !err && is_known && !is_busy;
    return err;
}
