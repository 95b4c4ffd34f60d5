#include "reconciler/refusals.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

void
refusals_fini(struct refusals *r)
{
    for (size_t i = r->first; i < r->keys.n; i++) {
        free(r->keys.items[i]);
    }
    VEC_FINI(&r->keys);
    *r = (struct refusals) REFUSALS_INIT;
}

size_t
refusals_count(const struct refusals *r)
{
    return r->keys.n - r->first;
}

static void
put_off(struct refusals *r, int64_t now_ms)
{
    const int64_t ms = r->patience_ms > 0 ? r->patience_ms : REFUSALS_MIN_MS;

    r->due_ms = now_ms + ms;
    r->patience_ms = 2 * ms < REFUSALS_MAX_MS ? 2 * ms : REFUSALS_MAX_MS;
}

void
refusals_add(struct refusals *r, const char *key, int64_t now_ms)
{
    const size_t n = refusals_count(r);

    if (now_ms >= r->due_ms && n == 0) {
        put_off(r, now_ms);
    }
    if (r->first > n) {
        memcpy(r->keys.items, r->keys.items + r->first,
               n * sizeof *r->keys.items);
        r->keys.n = n;
        r->first = 0;
    }
    VEC_PUSH(&r->keys, xstrdup(key));
}

void
refusals_lift(struct refusals *r)
{
    r->due_ms = r->patience_ms = 0;
    r->n_due = refusals_count(r);
}

char *
refusals_next(struct refusals *r, int64_t now_ms)
{
    const size_t n = refusals_count(r);
    char *key;

    if (r->n_due == 0 && n > 0 && now_ms >= r->due_ms) {
        r->n_due = n < REFUSALS_PROBES ? n : REFUSALS_PROBES;
        put_off(r, now_ms);
    }
    if (r->n_due == 0) {
        return NULL;
    }
    r->n_due--;
    key = r->keys.items[r->first++];
    if (r->first == r->keys.n) {
        VEC_FINI(&r->keys);
        r->first = 0;
    }
    return key;
}

/* What is due is taken before anybody waits. */
void
refusals_wait(const struct refusals *r, struct waits *waits)
{
    if (refusals_count(r) > 0) {
        waits_until(waits, r->due_ms);
    }
}
