#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "tests/replay/fake_health.h"
#include "tests/replay/fake_lease.h"
#include "tests/replay/replay.h"
#include "tests/replay/responder.h"
#include "tests/replay/script.h"

struct expectation {
    struct replay *r;
    char **words;               /* Behind "expect". */
    size_t n;
    const char *rest;           /* Behind the first of them. */
    const char *block;
};

static const char *
word(const struct expectation *e, size_t i)
{
    return i < e->n ? e->words[i] : "";
}

/* 'rest' without its first 'n' words. */
static const char *
skip(const struct expectation *e, size_t n)
{
    const char *at = e->rest;

    for (; n > 0; n--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return at;
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Words from 'from' on, sorted, with one blank between; "none" is nothing. */
static char *
join_sorted(char **words, size_t from, size_t n)
{
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_FREE char **copy = xcalloc(n + 1, sizeof *copy);
    size_t kept = 0;

    for (size_t i = from; i < n; i++) {
        if (!str_eq(words[i], "none")) {
            copy[kept++] = words[i];
        }
    }
    if (kept > 1) {
        qsort(copy, kept, sizeof *copy, compare_texts);
    }
    for (size_t i = 0; i < kept; i++) {
        buf_printf(&out, "%s%s", i > 0 ? " " : "", copy[i]);
    }
    return buf_take(&out);
}

/* ---- status, Events, requests ---- */

static void
expect_status(const struct expectation *e)
{
    json_t *object =
        apiserver_get(&e->r->api.store, KUBE_INGRESS, word(e, 1));
    json_t *list = json_object_get(
        json_object_get(json_object_get(object, "status"), "loadBalancer"),
        "ingress");
    size_t n = json_array_size(list);
    AUTO_FREE char **have = xcalloc(n + 1, sizeof *have);
    AUTO_FREE char *want = join_sorted(e->words, 2, e->n);
    AUTO_FREE char *got = NULL;

    if (!object) {
        replay_fail(e->r, "there is no Ingress %s", word(e, 1));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(list, i);
        const char *ip = apiserver_text(item, NULL, "ip");
        const char *name = apiserver_text(item, NULL, "hostname");

        have[i] = xstrdup(ip ? ip : name ? name : "?");
    }
    got = join_sorted(have, 0, n);
    if (!str_eq(got, want)) {
        replay_fail(e->r, "the status of %s is \"%s\", not \"%s\"",
                    word(e, 1), got, want);
    }
    for (size_t i = 0; i < n; i++) {
        free(have[i]);
    }
}

static void
compare_count(const struct expectation *e, const char *what, uint64_t got,
              const char *text)
{
    uint64_t want;

    if (!parse_u64(text, 0, UINT64_MAX, &want)) {
        replay_fail(e->r, "\"%s\" is no number", text);
    } else if (got != want) {
        replay_fail(e->r, "%" PRIu64 " %s, not %" PRIu64, got, what, want);
    }
}

static void
expect_writes(const struct expectation *e)
{
    compare_count(e, "status writes", e->r->api.n_writes, word(e, 1));
    e->r->api.n_writes = 0;
}

static void
expect_no_write(const struct expectation *e)
{
    compare_count(e, "status writes", e->r->api.n_writes, "0");
    e->r->api.n_writes = 0;
}

static bool
has_event(const struct expectation *e, const char *text)
{
    for (size_t i = 0; i < e->r->api.events.n; i++) {
        const struct fake_event *event = &e->r->api.events.items[i];

        if (str_eq(event->key, word(e, 1)) &&
            (e->n < 3 || str_eq(event->reason, word(e, 2))) &&
            strstr(event->note, text)) {
            return true;
        }
    }
    return false;
}

static void
expect_event(const struct expectation *e)
{
    if (e->n < 3 || !has_event(e, skip(e, 2))) {
        replay_fail(e->r, "no such Event");
    }
}

static void
expect_no_event(const struct expectation *e)
{
    if (has_event(e, "")) {
        replay_fail(e->r, "there is such an Event");
    }
}

static void
expect_requests(const struct expectation *e)
{
    enum kube_kind kind = KUBE_INGRESS;
    unsigned got = 0;
    int op;

    if (!fake_op_parse(word(e, 1), &op) || op == FAKE_ANY ||
        (!str_eq(word(e, 2), "*") && !apiserver_kind(word(e, 2), &kind))) {
        replay_fail(e->r, "not understood");
        return;
    }
    for (int k = 0; k < KUBE_N_KINDS; k++) {
        if (str_eq(word(e, 2), "*") || k == (int) kind) {
            got += e->r->api.counts[op][k];
        }
    }
    compare_count(e, "requests", got, word(e, 3));
}

static void
expect_lease(const struct expectation *e)
{
    json_t *leases =
        apiserver_list(&e->r->api.store, KUBE_LEASE, NULL, NULL);
    const char *holder =
        apiserver_text(json_array_get(leases, 0), "spec", "holderIdentity");
    bool ok = str_eq(word(e, 1), "us")
                  ? holder && str_starts(holder, "replay_")
                  : str_eq(holder, word(e, 1));

    if (!ok) {
        replay_fail(e->r, "the Lease is held by \"%s\"",
                    holder ? holder : "");
    }
    json_decref(leases);
}

static void
expect_stapled(const struct expectation *e)
{
    const char *have = responder_stapled(word(e, 1));

    if (!str_eq(have, word(e, 2))) {
        replay_fail(e->r, "stapled to %s: %s", word(e, 1), have);
    }
}

/* These hosts are claimed, and no others. */
static void
expect_claims(const struct expectation *e)
{
    size_t n = str_eq(word(e, 1), "none") ? 1 : e->n;
    size_t got = fake_claim_count();

    for (size_t i = 1; i < n; i++) {
        if (!fake_claim_is(word(e, i))) {
            replay_fail(e->r, "host %s is not claimed", word(e, i));
        }
    }
    if (got != n - 1) {
        replay_fail(e->r, "%zu claims, not %zu", got, n - 1);
    }
}

static void
expect_metric(const struct expectation *e)
{
    int64_t got = fake_health_metric(word(e, 1));
    int64_t want;

    if (!parse_i64(word(e, 2), INT64_MIN, INT64_MAX, &want) || got != want) {
        replay_fail(e->r, "%s is %" PRId64, word(e, 1), got);
    }
}

/* ---- what HAProxy holds ---- */

struct lines {
    const char *prefix;
    size_t n;                   /* Lines that begin so. */
    struct buf out;
};

static bool
count_line(const char *piece, size_t length, void *aux)
{
    struct lines *lines = aux;
    size_t n = strlen(lines->prefix);

    lines->n += length >= n && memcmp(piece, lines->prefix, n) == 0;
    return true;
}

static size_t
count_lines(const struct expectation *e, const char *prefix)
{
    AUTO_BUF struct buf dump = BUF_OWN;
    struct lines lines = { .prefix = prefix };

    plan_dump(e->r->haproxy.mirror, &dump);
    str_split(buf_str(&dump), '\n', count_line, &lines);
    return lines.n;
}

static void
expect_line(const struct expectation *e)
{
    if (count_lines(e, e->rest) == 0) {
        replay_fail(e->r, "HAProxy has no line \"%s\"", e->rest);
    }
}

static void
expect_no_line(const struct expectation *e)
{
    if (count_lines(e, e->rest) > 0) {
        replay_fail(e->r, "HAProxy has a line \"%s\"", e->rest);
    }
}

static void
expect_route(const struct expectation *e)
{
    AUTO_FREE char *line = xasprintf("%s \"%s\" %s", word(e, 1), word(e, 2),
                                     skip(e, 2));

    if (count_lines(e, line) == 0) {
        replay_fail(e->r, "HAProxy has no row %s", line);
    }
}

static void
expect_no_route(const struct expectation *e)
{
    AUTO_FREE char *line =
        xasprintf("%s \"%s\" ", word(e, 1), word(e, 2));

    if (count_lines(e, line) > 0) {
        replay_fail(e->r, "HAProxy has a row %s", line);
    }
}

struct servers {
    const char *name;           /* Beginning of the backend's line. */
    bool is_inside;
    bool found;
    char *items[64];
    size_t n;
};

static bool
take_server(const char *piece, size_t length, void *aux)
{
    struct servers *s = aux;
    AUTO_FREE char *line = xstrndup(piece, length);

    if (!str_starts(line, "server ")) {
        /* Several backends of one Service have the same ones. */
        s->is_inside = !s->found && str_starts(line, s->name);
        s->found = s->found || s->is_inside;
    } else if (s->is_inside && s->n < ARRAY_SIZE(s->items)) {
        const char *address = line + strlen("server ");
        size_t size = strcspn(address, " ");
        const char *port = address + size + 1;

        s->items[s->n++] =
            xasprintf("%.*s:%.*s%s", (int) size, address,
                      (int) strcspn(port, " "), port,
                      str_ends(line, " drain") ? "/drain" : "");
    }
    return true;
}

static void
expect_servers(const struct expectation *e)
{
    AUTO_BUF struct buf dump = BUF_OWN;
    AUTO_FREE char *name = xasprintf("backend \"%s:", word(e, 1));
    AUTO_FREE char *want = join_sorted(e->words, 2, e->n);
    AUTO_FREE char *got = NULL;
    struct servers servers = { .name = name };

    plan_dump(e->r->haproxy.mirror, &dump);
    str_split(buf_str(&dump), '\n', take_server, &servers);
    got = join_sorted(servers.items, 0, servers.n);
    if (!servers.found || !str_eq(got, want)) {
        replay_fail(e->r, "the servers of %s are \"%s\"%s", word(e, 1), got,
                    servers.found ? "" : " (no such backend)");
    }
    for (size_t i = 0; i < servers.n; i++) {
        free(servers.items[i]);
    }
}

static bool
keep_line(const char *piece, size_t length, void *aux)
{
    static const char made[] = "cert \"\" ";
    struct lines *lines = aux;

    if (length > 0 && (length < sizeof made - 1 ||
                       memcmp(piece, made, sizeof made - 1) != 0)) {
        buf_printf(&lines->out, "%.*s\n", (int) length, piece);
    }
    return true;
}

static char *
clean(const char *text)
{
    struct lines lines = { .out = BUF_OWN };

    str_split(text, '\n', keep_line, &lines);
    return buf_take(&lines.out);
}

static void
expect_plan(const struct expectation *e)
{
    AUTO_BUF struct buf dump = BUF_OWN;
    AUTO_FREE char *want = clean(e->block ? e->block : "");
    AUTO_FREE char *got = NULL;

    plan_dump(e->r->haproxy.mirror, &dump);
    got = clean(buf_str(&dump));
    if (!str_eq(got, want)) {
        replay_fail(e->r, "HAProxy has\n%s", got);
    }
}

/* ---- health ---- */

static void
expect_ready(const struct expectation *e)
{
    const char *waiting = fake_health_get().waiting;

    if (waiting) {
        replay_fail(e->r, "it waits for %s", waiting);
    }
}

static void
expect_not_ready(const struct expectation *e)
{
    if (!fake_health_get().waiting) {
        replay_fail(e->r, "it is ready");
    }
}

static void
expect_alive(const struct expectation *e)
{
    if (!fake_health_get().is_alive) {
        replay_fail(e->r, "it is not alive");
    }
}

static void
expect_not_alive(const struct expectation *e)
{
    if (fake_health_get().is_alive) {
        replay_fail(e->r, "it is alive");
    }
}

static void
expect_looks(const struct expectation *e)
{
    uint64_t n;

    if (!parse_u64(word(e, 1), 0, UINT32_MAX, &n) ||
        n != e->r->haproxy.n_looks) {
        replay_fail(e->r, "looked %u times", e->r->haproxy.n_looks);
    }
}

static bool
has_object(const struct expectation *e)
{
    enum kube_kind kind;
    json_t *object;
    char *text;
    bool has;

    if (!apiserver_kind(word(e, 1), &kind)) {
        replay_fail(e->r, "no kind %s", word(e, 1));
        return false;
    }
    object = apiserver_get(&e->r->api.store, kind, word(e, 2));
    text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    has = text && strstr(text, skip(e, 2));
    free(text);
    return has;
}

static void
expect_object(const struct expectation *e)
{
    if (!has_object(e)) {
        replay_fail(e->r, "%s %s has not: %s", word(e, 1), word(e, 2),
                    skip(e, 2));
    }
}

static void
expect_no_object(const struct expectation *e)
{
    if (has_object(e)) {
        replay_fail(e->r, "%s %s has: %s", word(e, 1), word(e, 2),
                    skip(e, 2));
    }
}

static const struct {
    const char *name;
    void (*run)(const struct expectation *);
} wants[] = {
    { "alive", expect_alive },
    { "claims", expect_claims },
    { "event", expect_event },
    { "lease", expect_lease },
    { "line", expect_line },
    { "looks", expect_looks },
    { "metric", expect_metric },
    { "no-event", expect_no_event },
    { "no-line", expect_no_line },
    { "no-object", expect_no_object },
    { "no-route", expect_no_route },
    { "no-write", expect_no_write },
    { "not-alive", expect_not_alive },
    { "not-ready", expect_not_ready },
    { "object", expect_object },
    { "plan", expect_plan },
    { "ready", expect_ready },
    { "requests", expect_requests },
    { "route", expect_route },
    { "servers", expect_servers },
    { "stapled", expect_stapled },
    { "status", expect_status },
    { "writes", expect_writes },
};

void
replay_expect(struct replay *r, char **words, size_t n, const char *rest,
              const char *block)
{
    const struct expectation e = {
        .r = r, .words = words, .n = n, .rest = rest, .block = block,
    };

    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        if (str_eq(word(&e, 0), wants[i].name)) {
            wants[i].run(&e);
            return;
        }
    }
    replay_fail(r, "nothing is known of \"%s\"", word(&e, 0));
}
