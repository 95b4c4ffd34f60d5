#include "haproxy/apply.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/files.h"
#include "haproxy/quote.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* --- Rows of a map --- */

/* A payload that is sent whenever it is full. */
struct payload {
    struct apply *apply;
    char *head;
    struct buf text;
};

static void
payload_send(struct payload *p)
{
    command_payload(&p->apply->batch, REPLY_NOTHING, p->head, &p->text);
    buf_clear(&p->text);
}

static void
payload_put(struct payload *p, const char *key, const char *value)
{
    size_t size = strlen(key) + strlen(value) + 2;

    if (p->text.size + size > command_payload_room(strlen(p->head))) {
        payload_send(p);
    }
    buf_printf(&p->text, "%s %s\n", key, value);
}

static void
payload_end(struct payload *p)
{
    payload_send(p);
    free(p->head);
    buf_fini(&p->text);
}

/* A new version of the map, filled and switched to at once.  Nothing is
 * committed after an error: HAProxy drops the version at the next commit. */
static bool
prepare(struct apply *a, const char *path, unsigned *version)
{
    AUTO_BUF struct buf answer = BUF_INIT(4096);
    AUTO_FREE char *command = xasprintf("prepare map %s", path);

    command_flush(&a->batch);
    if (!a->batch.err) {
        a->batch.err = command_ask(a->socket, command, &answer);
    }
    if (!a->batch.err) {
        a->batch.err = reply_version(buf_str(&answer), version);
    }
    return !a->batch.err;
}

static void
commit(struct apply *a, const char *path, unsigned version)
{
    command_put(&a->batch, REPLY_NOTHING, "commit map @%u %s", version,
                path);
    command_flush(&a->batch);
}

static void
replace_map(struct apply *a, enum model_map map)
{
    AUTO_FREE char *path = files_map(a->run_dir, model_map_name(map));
    struct payload p = { .apply = a, .text = BUF_OWN };
    struct map_iter it = MAP_ITER;
    unsigned version;

    if (!prepare(a, path, &version)) {
        return;
    }
    p.head = xasprintf("add map @%u %s", version, path);
    while (map_next(a->model->maps[map], &it)) {
        payload_put(&p, it.key, it.value);
    }
    payload_end(&p);
    commit(a, path, version);
}

static void
replace_list(struct apply *a, enum plan_table table)
{
    AUTO_FREE char *path = files_map(a->run_dir, model_list_name(table));
    const struct model_rows *list = &a->model->regexes[table];
    struct payload p = { .apply = a, .text = BUF_OWN };
    unsigned version;

    if (!prepare(a, path, &version)) {
        return;
    }
    p.head = xasprintf("add map @%u %s", version, path);
    for (size_t i = 0; i < list->rows.n; i++) {
        payload_put(&p, list->rows.items[i].key, list->rows.items[i].value);
    }
    payload_end(&p);
    commit(a, path, version);
}

/* A row that speaks for others comes after them and goes before them: that
 * of policy.map which says that the policy's others are there ("ID|" and no
 * more), and that of sni.map for a wildcard. */
static bool
is_last(enum model_map map, const char *key)
{
    return map == MODEL_SNI ? key[0] == '*'
                            : map == MODEL_POLICY &&
                                  strchr(key, '|') == key + strlen(key) - 1;
}

/* A few rows as words of one line, which need no exchange of their own. */
static void
add_few(struct apply *a, enum model_map map, const char *path,
        const struct map *rows)
{
    struct map_iter it = MAP_ITER;

    while (map_next(rows, &it)) {
        if (!str_eq(it.value, DIFF_GONE) &&
            !model_get(a->model, map, it.key)) {
            AUTO_BUF struct buf text = BUF_OWN;

            buf_printf(&text, "add map %s ", path);
            quote_word(&text, it.key);
            buf_putc(&text, ' ');
            quote_word(&text, it.value);
            command_put_text(&a->batch, REPLY_NOTHING, buf_str(&text));
        }
    }
}

static void
add_rows(struct apply *a, enum model_map map, const char *path,
         const struct map *rows, bool last)
{
    struct payload p = { .apply = a, .text = BUF_OWN };
    struct map_iter it = MAP_ITER;

    p.head = xasprintf("add map %s", path);
    while (map_next(rows, &it)) {
        if (!str_eq(it.value, DIFF_GONE) &&
            !model_get(a->model, map, it.key) &&
            is_last(map, it.key) == last) {
            payload_put(&p, it.key, it.value);
        }
    }
    payload_end(&p);
}

static void
set_rows(struct apply *a, enum model_map map, const char *path,
         const struct map *rows)
{
    struct map_iter it = MAP_ITER;

    while (map_next(rows, &it)) {
        AUTO_BUF struct buf text = BUF_OWN;

        if (str_eq(it.value, DIFF_GONE) ||
            !model_get(a->model, map, it.key)) {
            continue;
        }
        buf_printf(&text, "set map %s ", path);
        quote_word(&text, it.key);
        buf_putc(&text, ' ');
        quote_word(&text, it.value);
        command_put_text(&a->batch, REPLY_NOTHING, buf_str(&text));
    }
}

static void
del_rows(struct apply *a, enum model_map map, const char *path,
         const struct map *rows, bool last)
{
    struct map_iter it = MAP_ITER;

    while (map_next(rows, &it)) {
        AUTO_BUF struct buf text = BUF_OWN;

        if (str_eq(it.value, DIFF_GONE) && is_last(map, it.key) == last) {
            buf_printf(&text, "del map %s ", path);
            quote_word(&text, it.key);
            command_put_text(&a->batch, REPLY_NOTHING, buf_str(&text));
        }
    }
}

enum part { PART_SET = 1, PART_GONE = 2 };

static size_t
count(const struct map *rows, int parts)
{
    struct map_iter it = MAP_ITER;
    size_t n = 0;

    while (map_next(rows, &it)) {
        n += (parts & (str_eq(it.value, DIFF_GONE) ? PART_GONE : PART_SET))
             != 0;
    }
    return n;
}

static void
note_rows(struct model *m, enum model_map map, const struct map *rows,
          int parts)
{
    struct map_iter it = MAP_ITER;

    while (map_next(rows, &it)) {
        bool is_gone = str_eq(it.value, DIFF_GONE);

        if (parts & (is_gone ? PART_GONE : PART_SET)) {
            model_set(m, map, it.key, is_gone ? NULL : it.value);
        }
    }
}

static bool
is_route(enum model_map map)
{
    return map == MODEL_HTTP || map == MODEL_HTTPS;
}

static void
flush_unless(struct apply *a, bool is_few)
{
    if (!is_few) {
        command_flush(&a->batch);
    }
}

/* The part of a map's changes: rows that come or change, rows that go.  What
 * was put may still wait to be sent where no row speaks for others. */
static void
put_rows(struct apply *a, enum model_map map, const struct diff *d, int parts)
{
    bool is_few;
    AUTO_FREE char *path = files_map(a->run_dir, model_map_name(map));
    const struct map *rows = d->rows[map];
    size_t n = count(rows, parts);

    if (n == 0) {
        return;
    }
    a->touched_maps[map] = true;
    if (n >= APPLY_TRANSACTION_ROWS) {
        note_rows(a->model, map, rows, parts);
        replace_map(a, map);
        return;
    }
    is_few = is_route(map) && n <= APPLY_LINE_ROWS;
    if (is_few && (parts & PART_SET)) {
        add_few(a, map, path, rows);
    } else if (parts & PART_SET) {
        add_rows(a, map, path, rows, false);
        add_rows(a, map, path, rows, true);
    }
    if (parts & PART_SET) {
        set_rows(a, map, path, rows);
    }
    if (parts & PART_GONE) {
        flush_unless(a, is_few);
        del_rows(a, map, path, rows, true);
        flush_unless(a, is_few);
        del_rows(a, map, path, rows, false);
    }
    flush_unless(a, is_few);
    note_rows(a->model, map, rows, parts);
}

static void
apply_rows(struct apply *a, enum model_map map, const struct diff *d,
           int parts)
{
    put_rows(a, map, d, parts);
    command_flush(&a->batch);
}

/* Of both tables in one line, where there are few. */
static void
apply_routes(struct apply *a, const struct diff *d)
{
    apply_rows(a, MODEL_ALL, d, PART_SET | PART_GONE);
    put_rows(a, MODEL_HTTP, d, PART_SET | PART_GONE);
    put_rows(a, MODEL_HTTPS, d, PART_SET | PART_GONE);
    command_flush(&a->batch);
}

/* --- Regular expressions --- */

static size_t
host_length(const char *key)
{
    const char *end = strstr(key, "\\|");

    return end ? (size_t) (end - key) : strlen(key);
}

static bool
has_host(const struct model_rows *list, const char *key)
{
    size_t length = host_length(key);

    for (size_t i = 0; i < list->rows.n; i++) {
        if (host_length(list->rows.items[i].key) == length &&
            strncmp(list->rows.items[i].key, key, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Where only hosts were added behind or between the present ones, their rows
 * can be appended: the order counts within a host only. */
static bool
append_hosts(struct apply *a, enum plan_table table,
             const struct model_rows *want)
{
    AUTO_FREE char *path = files_map(a->run_dir, model_list_name(table));
    const struct model_rows *have = &a->model->regexes[table];
    struct payload p = { .apply = a, .text = BUF_OWN };
    size_t at = 0, n_new = 0;

    for (size_t i = 0; i < want->rows.n; i++) {
        const struct model_row *row = &want->rows.items[i];

        if (at < have->rows.n &&
            str_eq(have->rows.items[at].key, row->key) &&
            str_eq(have->rows.items[at].value, row->value)) {
            at++;
        } else if (has_host(have, row->key)) {
            return false;
        } else {
            n_new++;
        }
    }
    if (at < have->rows.n || n_new >= APPLY_TRANSACTION_ROWS) {
        return false;
    }
    p.head = xasprintf("add map %s", path);
    for (size_t i = 0; i < want->rows.n; i++) {
        if (!has_host(have, want->rows.items[i].key)) {
            payload_put(&p, want->rows.items[i].key,
                        want->rows.items[i].value);
        }
    }
    payload_end(&p);
    return true;
}

static void
apply_list(struct apply *a, struct diff *d, enum plan_table table)
{
    struct model_rows old;
    bool is_appended;

    if (!d->has_list[table]) {
        return;
    }
    a->touched_lists[table] = true;
    is_appended = append_hosts(a, table, &d->lists[table]);
    old = a->model->regexes[table];
    a->model->regexes[table] = d->lists[table];
    d->lists[table] = old;
    if (!is_appended) {
        replace_list(a, table);
    }
}

/* --- Frontends --- */

static void
set_frontend(struct apply *a, const char *name, bool open, bool *is_open)
{
    if (*is_open != open) {
        command_put(&a->batch, REPLY_NOTHING, "%s frontend %s",
                    open ? "enable" : "disable", name);
        command_flush(&a->batch);
        *is_open = open;
    }
}

/* One of https and tls_mux takes the connections; the new one first. */
static void
apply_frontends(struct apply *a)
{
    bool mux = a->has_mux && (a->want_mux || a->is_muxed_file);

    if (!a->has_mux) {
        return;
    }
    if (mux) {
        set_frontend(a, "tls_mux", true, &a->mux_open);
        if (!a->is_muxed_file) {
            set_frontend(a, "https", false, &a->https_open);
        }
    } else {
        set_frontend(a, "https", true, &a->https_open);
        set_frontend(a, "tls_mux", false, &a->mux_open);
    }
}

/* --- All of it --- */

static void
apply_slots(struct apply *a, const struct diff *d)
{
    struct map_iter it = MAP_ITER;

    while (map_next(d->slots, &it)) {
        apply_servers(a, it.key, it.value);
    }
    command_flush(&a->batch);
}

static void
release_slots(struct apply *a, const struct diff_released *released)
{
    struct diff *d = diff_new();

    for (size_t i = 0; i < released->slots.n; i++) {
        struct slot *slot = released->slots.items[i];

        slots_release(a->slots, slot, a->now_ms);
        free(map_put(d->rows[MODEL_SLOTS], slot->name,
                     xstrdup(WANT_QUARANTINED)));
        a->touched_config = true;
    }
    command_flush(&a->batch);
    apply_rows(a, MODEL_SLOTS, d, PART_SET);
    diff_free(d);
}

struct err *
apply_diff(struct apply *a, struct diff *d,
           const struct diff_released *released)
{
    static const enum model_map policies[] = {
        MODEL_CIDR, MODEL_REWRITE, MODEL_MATCH, MODEL_POLICY,
    };

    command_begin(&a->batch, a->socket);
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        apply_rows(a, policies[i], d, PART_SET);
    }
    apply_rows(a, MODEL_SERVER_TLS, d, PART_SET);
    apply_rows(a, MODEL_SLOTS, d, PART_SET | PART_GONE);
    apply_stores_in(a, d);
    apply_slots(a, d);
    apply_certs_in(a, d);
    apply_certs_moved(a);
    apply_rows(a, MODEL_CLIENT, d, PART_SET | PART_GONE);
    apply_list(a, d, PLAN_HTTP);
    apply_list(a, d, PLAN_HTTPS);
    apply_rows(a, MODEL_SNI, d, PART_SET);
    apply_frontends(a);
    apply_rows(a, MODEL_SNI, d, PART_GONE);
    apply_routes(a, d);
    for (size_t i = ARRAY_SIZE(policies); i > 0; i--) {
        apply_rows(a, policies[i - 1], d, PART_GONE);
    }
    apply_certs_out(a, d);
    /* Files of what HAProxy cannot let go of are not wanted either. */
    a->touched_certs |= count(d->rows[MODEL_META], PART_GONE) > 0;
    apply_rows(a, MODEL_META, d, PART_SET | PART_GONE);
    release_slots(a, released);
    return command_end(&a->batch);
}
