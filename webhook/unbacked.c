#include "webhook/unbacked.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "webhook/limits.h"

/* What was written for one Ingress that the watch has not shown. */
struct entry {
    char *ns;
    char *host;
    char *key;
    size_t n;
    int64_t until_ms;
};

struct unbacked {
    const struct watch *watch;
    VEC(struct entry) entries;
    size_t n;                   /* Claims of all, and of those begun. */
    int64_t look_ms;
};

struct unbacked *
unbacked_new(const struct watch *watch)
{
    struct unbacked *u = xcalloc(1, sizeof *u);

    u->watch = watch;
    return u;
}

static void
drop(struct unbacked *u, size_t i)
{
    struct entry *e = &u->entries.items[i];

    u->n -= e->n;
    free(e->ns);
    free(e->host);
    free(e->key);
    VEC_REMOVE(&u->entries, i);
}

void
unbacked_free(struct unbacked *u)
{
    if (u) {
        while (u->entries.n > 0) {
            drop(u, u->entries.n - 1);
        }
        VEC_FINI(&u->entries);
        free(u);
    }
}

bool
unbacked_begin(struct unbacked *u, size_t n)
{
    u->n += n;
    return u->n <= WEBHOOK_MAX_UNBACKED;
}

void
unbacked_end(struct unbacked *u, size_t n, bool is_held, const char *ns,
             const char *host, const char *key, int64_t now_ms)
{
    struct entry *e;

    if (!is_held) {
        u->n -= n;
        return;
    }
    e = VEC_ADD(&u->entries);
    e->ns = xstrdup(ns);
    e->host = xstrdup(host);
    e->key = key ? xstrdup(key) : NULL;
    e->n = n;
    e->until_ms = now_ms + WEBHOOK_UNBACKED_MS;
}

void
unbacked_run(struct unbacked *u, int64_t now_ms)
{
    if (now_ms < u->look_ms) {
        return;
    }
    u->look_ms = now_ms + WEBHOOK_UNBACKED_LOOK_MS;
    for (size_t i = u->entries.n; i-- > 0;) {
        const struct entry *e = &u->entries.items[i];

        if (e->until_ms <= now_ms ||
            watch_is_backed(u->watch, e->ns, e->host, e->key)) {
            drop(u, i);
        }
    }
}

size_t
unbacked_count(const struct unbacked *u)
{
    return u->n;
}
