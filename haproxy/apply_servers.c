#include "haproxy/apply.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/layout.h"
#include "haproxy/quote.h"
#include "haproxy/servertls.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

/* Fields of "show stat" for a server. */
enum { STAT_SERVER = 1, STAT_QUEUED = 2, STAT_CURRENT = 4, STAT_USED = 97 };

struct work {
    struct apply *apply;
    const char *name;           /* The slot's. */
    enum program_kind kind;
    struct model_slot *have;
    const struct model_slot *want;
    bool *is_idle;              /* By index in 'have'; NULL: not asked. */
    bool has_added;
};

static struct model_server *
find(const struct model_slot *slot, const struct model_server *like)
{
    for (size_t i = 0; i < slot->servers.n; i++) {
        struct model_server *server = &slot->servers.items[i];

        if (model_is_alike(server, like)) {
            return server;
        }
    }
    return NULL;
}

static void
set_state(struct work *w, struct model_server *server, enum model_state state)
{
    static const char *const words[] = { [MODEL_READY] = "ready",
                                         [MODEL_DRAIN] = "drain",
                                         [MODEL_MAINT] = "maint" };
    char name[LAYOUT_SERVER_NAME_SIZE];

    layout_server_name(server, name);
    command_put(&w->apply->batch, REPLY_NOTHING, "set server %s/%s state %s",
                w->name, name, words[state]);
    if (state == MODEL_READY && server->is_weightless) {
        command_put(&w->apply->batch, REPLY_NOTHING,
                    "set server %s/%s weight 1", w->name, name);
        server->is_weightless = false;
    }
    server->state = state;
}

static void
note_idle(struct work *w, const char *line)
{
    char name[LAYOUT_SERVER_NAME_SIZE], queued[16], current[16], used[16];
    struct model_server shown;

    if (!reply_csv(line, STAT_SERVER, name, sizeof name) ||
        !reply_csv(line, STAT_QUEUED, queued, sizeof queued) ||
        !reply_csv(line, STAT_CURRENT, current, sizeof current) ||
        !reply_csv(line, STAT_USED, used, sizeof used) ||
        !layout_server_parse(name, &shown)) {
        return;
    }
    for (size_t i = 0; i < w->have->servers.n; i++) {
        if (w->have->servers.items[i].number == shown.number) {
            w->is_idle[i] = str_eq(queued, "0") && str_eq(current, "0") &&
                            str_eq(used, "0");
        }
    }
}

/* Which servers carry nothing: one that is finishing a request would put its
 * connection to the old address aside for requests to the new one. */
static void
ask_idle(struct work *w)
{
    AUTO_FREE char *command = xasprintf("show stat %s 4 -1", w->name);
    AUTO_BUF struct buf answer = BUF_OWN;
    char *rest, *line;

    w->is_idle = xcalloc(w->have->servers.n, sizeof *w->is_idle);
    command_flush(&w->apply->batch);
    if (!w->apply->batch.err) {
        w->apply->batch.err =
            command_ask(w->apply->socket, command, &answer);
    }
    rest = answer.data;
    while ((line = reply_line(&rest))) {
        note_idle(w, line);
    }
}

/* A parked server that speaks the same, nobody asked for and that carries
 * nothing. */
static struct model_server *
find_parked(struct work *w, const struct model_server *like)
{
    bool has_parked = false;

    for (size_t i = 0; i < w->have->servers.n; i++) {
        has_parked |= w->have->servers.items[i].state == MODEL_MAINT;
    }
    if (!has_parked) {
        return NULL;
    }
    if (!w->is_idle) {
        ask_idle(w);
    }
    for (size_t i = 0; i < w->have->servers.n; i++) {
        struct model_server *server = &w->have->servers.items[i];

        if (server->state == MODEL_MAINT && w->is_idle[i] &&
            server->protocol == like->protocol && server->tls == like->tls &&
            !find(w->want, server)) {
            return server;
        }
    }
    return NULL;
}

static unsigned
next_number(const struct model_slot *slot)
{
    unsigned number = 1;

    for (size_t i = 0; i < slot->servers.n; i++) {
        if (slot->servers.items[i].number >= number) {
            number = slot->servers.items[i].number + 1;
        }
    }
    return number;
}

/* Whether HAProxy has what the options of its TLS name. */
struct needs {
    const struct map *certs;
    bool are_there;
};

static void
need(const char *file_id, void *aux)
{
    struct needs *needs = aux;

    needs->are_there &= map_get(needs->certs, file_id) != NULL;
}

static bool
has_stores(const struct model *m, const struct model_server *server)
{
    struct needs needs = { .certs = m->certs, .are_there = true };
    char key[SERVERTLS_KEY_SIZE];
    const char *tls;

    if (server->tls) {
        servertls_key(server->tls, key);
        tls = model_get(m, MODEL_SERVER_TLS, key);
        servertls_each(tls ? tls : "", need, &needs);
    }
    return needs.are_there;
}

/* Ids are explicit: 2.6 gives dynamic servers of its own choice ones with
 * which some of them get no traffic. */
static void
add_server(struct work *w, const struct model_server *want)
{
    const struct apply *a = w->apply;
    AUTO_BUF struct buf address = BUF_OWN;
    AUTO_BUF struct buf words = BUF_OWN;
    struct model_server server = *want;
    char name[LAYOUT_SERVER_NAME_SIZE];

    if (!quote_address(&address, want->address, want->port) ||
        !has_stores(a->model, want) ||
        !layout_server_words(a->model, a->run_dir, w->kind, want, &words)) {
        return;
    }
    server.number = next_number(w->have);
    server.state = MODEL_MAINT;
    server.is_weightless = false;
    layout_server_name(&server, name);
    command_put(&w->apply->batch, REPLY_REGISTERED,
                "add server %s/%s %s id %u%s", w->name, name,
                buf_str(&address), server.number, buf_str(&words));
    set_state(w, &server, want->state);
    w->has_added = true;
    VEC_PUSH(&w->have->servers, server);
    if (w->is_idle) {
        w->is_idle = xrealloc(w->is_idle, w->have->servers.n,
                              sizeof *w->is_idle);
        w->is_idle[w->have->servers.n - 1] = false;
    }
}

static void
bring_in(struct work *w, const struct model_server *want)
{
    struct model_server *server = find(w->have, want);
    char name[LAYOUT_SERVER_NAME_SIZE];

    if (server) {
        if (server->state != want->state && want->state == MODEL_READY) {
            set_state(w, server, MODEL_READY);
        } else if (server->state == MODEL_MAINT) {
            set_state(w, server, want->state);
        }
        return;
    }
    server = find_parked(w, want);
    if (!server) {
        add_server(w, want);
        return;
    }
    layout_server_name(server, name);
    command_put(&w->apply->batch, REPLY_ADDRESS,
                "set server %s/%s addr %s port %u", w->name, name,
                want->address, want->port);
    memcpy(server->address, want->address, sizeof server->address);
    server->port = want->port;
    set_state(w, server, want->state);
}

/* New servers in, then the old ones out: a busy backend never lacks one. */
void
apply_servers(struct apply *a, const char *name,
              const struct model_slot *want)
{
    const struct slot *slot = slots_by_name(a->slots, name);
    const struct program_class *classes;
    size_t n;
    struct work w = { .apply = a, .name = name, .want = want,
                      .have = model_slot(a->model, name) };

    classes = slots_classes(a->slots, &n);
    w.kind = classes[slot->class].kind;
    a->touched_config = true;
    for (size_t i = 0; i < want->servers.n; i++) {
        if (want->servers.items[i].state == MODEL_READY) {
            bring_in(&w, &want->servers.items[i]);
        }
    }
    for (size_t i = 0; i < want->servers.n; i++) {
        if (want->servers.items[i].state != MODEL_READY) {
            bring_in(&w, &want->servers.items[i]);
        }
    }
    if (w.has_added && w.kind == PROGRAM_COOKIE) {
        command_put(&a->batch, REPLY_NOTHING,
                    "set dynamic-cookie-key backend %s %s", name,
                    PROGRAM_COOKIE_KEY);
    }
    for (size_t i = 0; i < w.have->servers.n; i++) {
        struct model_server *server = &w.have->servers.items[i];
        const struct model_server *wanted = find(want, server);
        enum model_state state = wanted ? wanted->state : MODEL_MAINT;

        if (server->state != state) {
            set_state(&w, server, state);
        }
    }
    free(w.is_idle);
}

bool
apply_is_idle(struct apply *a, const char *name, uint64_t tls)
{
    struct work w = { .apply = a, .name = name,
                      .have = model_slot(a->model, name) };
    bool is_idle = true;

    for (size_t i = 0; is_idle && i < w.have->servers.n; i++) {
        const struct model_server *server = &w.have->servers.items[i];

        if (server->tls != tls) {
            continue;
        }
        if (!w.is_idle) {
            ask_idle(&w);
        }
        is_idle = server->state == MODEL_MAINT && w.is_idle[i];
    }
    free(w.is_idle);
    return is_idle && !a->batch.err;
}

void
apply_park(struct apply *a, const char *name)
{
    static const struct model_slot nothing = { .servers = { .n = 0 } };

    if (map_get(a->model->slots, name)) {
        apply_servers(a, name, &nothing);
    }
}
