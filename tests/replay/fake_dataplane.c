#include "tests/replay/fake_dataplane.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/dataplane.h"
#include "haproxy/plan_priv.h"
#include "lib/base/clock.h"
#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define RETRY_MS 1000

struct fake_haproxy *fake_haproxy;

struct dataplane {
    struct plan *plan;          /* Of the last run. */
    bool is_complete;
    bool was_compared;          /* With all that HAProxy holds. */
    bool is_ready;
    uint64_t confirmed;
    int64_t retry_ms;           /* 0: nothing failed. */
};

static struct dataplane *current;

void
fake_haproxy_init(struct fake_haproxy *h)
{
    *h = (struct fake_haproxy) { .mirror = plan_new(),
                                 .responses = map_new() };
}

void
fake_haproxy_fini(struct fake_haproxy *h)
{
    plan_free(h->mirror);
    map_free(h->responses, free);
    h->mirror = NULL;
    unanswered_fini(&h->unanswered);
    h->responses = NULL;
}

void
fake_haproxy_restart(struct fake_haproxy *h)
{
    plan_free(h->mirror);
    h->mirror = plan_new();
    h->is_strange = true;
    unanswered_fini(&h->unanswered);
}

/* The value of a row of the policy under which HOST/ is served; "": none. */
static const char *
policy_value(const struct plan *plan, const char *host, const char *name)
{
    AUTO_FREE char *key = xasprintf("%s/", host);
    const struct plan_row *row =
        map_get(plan_items(plan, PLAN_SET_ROUTES), key);
    AUTO_FREE char *wanted = NULL;

    if (!row || !row->policy) {
        return "";
    }
    wanted = xasprintf("%s|%s", row->policy->id, name);
    for (size_t i = 0; i < row->policy->n_rows; i++) {
        if (str_eq(row->policy->rows[i].key, wanted)) {
            return row->policy->rows[i].value;
        }
    }
    return "";
}

bool
fake_haproxy_count(struct fake_haproxy *h, const char *host, unsigned count,
                   const char *why)
{
    const char *id = strstr(policy_value(h->mirror, host, "ask"), "2:id16:");
    struct unanswered *u = &h->unanswered;
    AUTO_UNANSWERED struct unanswered one = { .rows = { .n = 0 } };
    uint64_t before = 0;
    AUTO_FREE char *line = NULL;

    for (size_t i = 0; i < u->rows.n; i++) {
        if (str_eq(u->rows.items[i].host, host)) {
            before = u->rows.items[i].count;
            VEC_REMOVE(&u->rows, i);
            break;
        }
    }
    line = xasprintf("0x1 %s %llu %s %lld %.16s %s", host,
                     (unsigned long long) before + count, why,
                     (long long) clock_wall(),
                     id ? id + strlen("2:id16:") : "", host);
    unanswered_read(line, &one);
    if (one.rows.n == 1) {
        VEC_PUSH(&u->rows, one.rows.items[0]);
    }
    return one.rows.n == 1;
}

/* ---- one item into the mirror ---- */

static struct plan_put
put_of(struct plan *mirror, const struct plan_row *row)
{
    struct plan_put put = {
        .action = row->action,
        .choose = row->choose,
        .backend = row->target ? row->target->name : NULL,
        .policy = row->policy ? plan_put_policy(mirror, row->policy->id,
                                                row->policy->flags,
                                                row->policy->rows,
                                                row->policy->n_rows)
                              : NULL,
    };

    for (size_t i = 0; i < PLAN_N_OTHERS; i++) {
        const struct plan_target *other = plan_row_other(row, i);

        put.others[i] = other ? other->name : NULL;
    }
    return put;
}

static void
copy_backend(struct plan *mirror, const char *name, const void *item)
{
    const struct plan_target *target = item;
    struct plan_backend backend;

    if (!target) {
        plan_del_backend(mirror, name);
        return;
    }
    backend = (struct plan_backend) {
        .kind = target->kind,
        .balance = target->balance,
        .connect_ms = target->connect_ms,
        .retry = target->retry,
        .servers = target->servers,
        .n_servers = target->n_servers,
    };
    plan_set_backend(mirror, name, &backend);
}

static void
copy_route(struct plan *mirror, enum plan_table table, const char *key,
           const void *item)
{
    if (item) {
        struct plan_put put = put_of(mirror, item);

        plan_put_route(mirror, table, key, &put);
    } else {
        plan_del_route(mirror, table, key);
    }
}

static void
copy_http(struct plan *mirror, const char *key, const void *item)
{
    copy_route(mirror, PLAN_HTTP, key, item);
}

static void
copy_https(struct plan *mirror, const char *key, const void *item)
{
    copy_route(mirror, PLAN_HTTPS, key, item);
}

static void
copy_regexes(struct plan *mirror, enum plan_table table, const char *host,
             const struct plan_regexes *regexes)
{
    size_t n = regexes ? regexes->n : 0;
    AUTO_FREE struct plan_put *puts = xcalloc(n + 1, sizeof *puts);
    AUTO_FREE char **keys = xcalloc(n + 1, sizeof *keys);

    for (size_t i = 0; i < n; i++) {
        puts[i] = put_of(mirror, &regexes->items[i].row);
        keys[i] = regexes->items[i].key;
    }
    plan_put_regexes(mirror, table, host, keys, puts, n);
}

static void
copy_http_regexes(struct plan *mirror, const char *host, const void *item)
{
    copy_regexes(mirror, PLAN_HTTP, host, item);
}

static void
copy_https_regexes(struct plan *mirror, const char *host, const void *item)
{
    copy_regexes(mirror, PLAN_HTTPS, host, item);
}

static void
copy_passthrough(struct plan *mirror, const char *host, const void *item)
{
    if (item) {
        plan_set_passthrough(mirror, host,
                             ((const struct plan_target *) item)->name);
    } else {
        plan_del_passthrough(mirror, host);
    }
}

static void
copy_response(const char *name, const struct plan_cert *cert)
{
    AUTO_BUF struct buf pem = BUF_SECRET(BUF_OWN_MAX);
    AUTO_BUF struct buf base64 = BUF_OWN;

    if (cert && cert->text) {
        pem_text_read(cert->text, &pem);
    }
    free(pem_response(buf_str(&pem), &base64)
             ? map_put(fake_haproxy->responses, name, buf_take(&base64))
             : map_remove(fake_haproxy->responses, name));
}

static void
copy_cert(struct plan *mirror, const char *name, const void *item)
{
    copy_response(name, item);
    if (item) {
        plan_put_cert(mirror, name,
                      ((const struct plan_cert *) item)->digest);
    } else {
        plan_del_cert(mirror, name);
    }
}

static void
copy_sni(struct plan *mirror, const char *host, const void *item)
{
    const struct plan_name *name = item;

    plan_del_sni(mirror, host);
    for (size_t i = 0; name && i < name->n_certs; i++) {
        plan_put_sni(mirror, host, name->certs[i], name->options, name->ca,
                     name->crl);
    }
}

/* A policy goes with the rows that name it. */
static void
copy_policy(struct plan *mirror, const char *id, const void *item)
{
    (void) mirror;
    (void) id;
    (void) item;
}

/* Brings the items of 'keys' into the mirror as the plan has them. */
static void
copy_set(struct plan *mirror, const struct plan *plan, enum plan_set set,
         const struct map *keys)
{
    static void (*const copies[PLAN_SETS])(struct plan *, const char *,
                                           const void *) = {
        [PLAN_SET_BACKENDS] = copy_backend,
        [PLAN_SET_ROUTES] = copy_http,
        [PLAN_SET_ROUTES_HTTPS] = copy_https,
        [PLAN_SET_REGEXES] = copy_http_regexes,
        [PLAN_SET_REGEXES_HTTPS] = copy_https_regexes,
        [PLAN_SET_PASSTHROUGHS] = copy_passthrough,
        [PLAN_SET_CERTS] = copy_cert,
        [PLAN_SET_SNIS] = copy_sni,
        [PLAN_SET_POLICIES] = copy_policy,
    };
    AUTO_FREE const char **sorted = map_sorted_keys(keys);
    size_t n = map_size(keys);
    char **copy = xcalloc(n + 1, sizeof *copy);

    /* 'keys' may be the mirror's own, which change. */
    for (size_t i = 0; i < n; i++) {
        copy[i] = xstrdup(sorted[i]);
    }
    for (size_t i = 0; i < n; i++) {
        copies[set](mirror, copy[i], map_get(plan_items(plan, set), copy[i]));
        free(copy[i]);
    }
    free(copy);
}

static void
apply(struct dataplane *d, struct plan *plan)
{
    struct plan *mirror = fake_haproxy->mirror;
    bool is_all = !d->was_compared || fake_haproxy->is_strange;

    for (int set = 0; set < PLAN_SETS; set++) {
        enum plan_set s = (enum plan_set) set;

        if (is_all) {
            copy_set(mirror, plan, s, plan_items(mirror, s));
            copy_set(mirror, plan, s, plan_items(plan, s));
        } else {
            copy_set(mirror, plan, s, plan_dirty(plan, s));
        }
    }
    plan_clean(plan);
    plan_clean(mirror);
    d->was_compared = true;
    fake_haproxy->is_strange = false;
    if (d->confirmed != plan_generation(plan)) {
        fake_haproxy->n_confirms++;
    }
    d->confirmed = plan_generation(plan);
    d->is_ready = true;
}

/* ---- dataplane.h ---- */

struct err *
dataplane_new(const struct dataplane_options *options,
              struct metrics *metrics, struct dataplane **out)
{
    (void) options;
    (void) metrics;
    current = xcalloc(1, sizeof *current);
    *out = current;
    return NULL;
}

void
dataplane_free(struct dataplane *d)
{
    if (d && d == current) {
        current = NULL;
    }
    free(d);
}

void
dataplane_stop(struct dataplane *d, int64_t grace_ms)
{
    (void) d;
    (void) grace_ms;
    fake_haproxy->is_down = true;
}

static bool
is_due(const struct dataplane *d, const struct plan *plan)
{
    return d->confirmed != plan_generation(plan) || !d->was_compared ||
           fake_haproxy->is_strange;
}

void
dataplane_run(struct dataplane *d, struct plan *plan, bool complete,
              int64_t now_ms)
{
    d->plan = plan;
    d->is_complete = complete;
    fake_haproxy->n_runs++;
    if (fake_haproxy->is_strange) {
        d->confirmed = 0;
        d->is_ready = false;
    }
    if (!complete || fake_haproxy->is_down || fake_haproxy->is_held ||
        now_ms < d->retry_ms) {
        return;
    }
    d->retry_ms = 0;
    if (!is_due(d, plan)) {
        return;
    }
    if (fake_haproxy->n_failures > 0) {
        fake_haproxy->n_failures--;
        d->retry_ms = now_ms + RETRY_MS;
        return;
    }
    apply(d, plan);
}

void
dataplane_wait(struct dataplane *d, struct waits *w)
{
    if (d->retry_ms && !fake_haproxy->is_held && !fake_haproxy->is_down) {
        waits_until(w, d->retry_ms);
    }
}

uint64_t
dataplane_confirmed(const struct dataplane *d)
{
    return d->confirmed;
}

bool
dataplane_is_ready(const struct dataplane *d)
{
    return d->is_ready && !fake_haproxy->is_down;
}

bool
dataplane_is_alive(const struct dataplane *d)
{
    (void) d;
    return !fake_haproxy->is_down;
}

bool
dataplane_has_rates(const struct dataplane *d)
{
    return d != NULL;
}

bool
dataplane_unanswered(struct dataplane *d, struct unanswered *out)
{
    const struct unanswered *u = &fake_haproxy->unanswered;

    (void) d;
    *out = (struct unanswered) { .rows = { .n = 0 } };
    for (size_t i = 0; i < u->rows.n && !fake_haproxy->is_down; i++) {
        VEC_PUSH(&out->rows, u->rows.items[i]);
    }
    fake_haproxy->n_looks++;
    return !fake_haproxy->is_down;
}

struct err *
dataplane_read_response(const struct dataplane *d, const char *name,
                        struct buf *out)
{
    const char *base64 = map_get(fake_haproxy->responses, name);
    AUTO_FREE char *der = NULL;
    size_t size;

    (void) d;
    if (!base64 ||
        !digest_base64_decode(base64, strlen(base64), &der, &size)) {
        return err_new(ERR_GONE, "no file");
    }
    buf_put(out, der, size);
    return NULL;
}

struct err *
dataplane_observe(struct dataplane *d, struct buf *out)
{
    (void) d;
    plan_dump(fake_haproxy->mirror, out);
    return NULL;
}

bool
dataplane_is_settled(struct dataplane *d)
{
    (void) d;
    return true;
}

/* ---- for the script ---- */

struct plan *
fake_dataplane_plan(void)
{
    return current ? current->plan : NULL;
}

bool
fake_dataplane_is_complete(void)
{
    return current && current->is_complete;
}

bool
fake_dataplane_is_confirmed(void)
{
    return current && current->plan &&
           current->confirmed == plan_generation(current->plan) &&
           !fake_haproxy->is_strange;
}
