#include "webhook/reserve.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/ingress/judge.h"
#include "webhook/limits.h"

struct entry {
    struct model *model;
    int64_t until_ms;
};

/* The lock guards both.  Entries stand in the order of their end; each has
 * its claims in the index under its object's key. */
struct reserve {
    pthread_mutex_t lock;
    struct claims *claims;
    const struct claims *known;     /* What is stored, or NULL. */
    VEC(struct entry) entries;
};

struct reserve *
reserve_new(const struct ruleset *ruleset)
{
    struct reserve *r = xcalloc(1, sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    r->claims = claims_new(ruleset);
    return r;
}

void
reserve_free(struct reserve *r)
{
    if (!r) {
        return;
    }
    for (size_t i = 0; i < r->entries.n; i++) {
        model_unref(r->entries.items[i].model);
    }
    VEC_FINI(&r->entries);
    claims_free(r->claims);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void
reserve_set_known(struct reserve *r, const struct claims *known)
{
    r->known = known;
}

/* The index keeps a list of changed hosts that nobody here asks for. */
static void
drop_dirty(struct claims *claims)
{
    size_t n;
    char **hosts = claims_take_dirty(claims, &n);

    for (size_t i = 0; i < n; i++) {
        free(hosts[i]);
    }
    free(hosts);
}

static void
drop(struct reserve *r, size_t i)
{
    struct model *model = r->entries.items[i].model;

    claims_remove(r->claims, model->object->key);
    drop_dirty(r->claims);
    model_unref(model);
    VEC_REMOVE(&r->entries, i);
}

static size_t
find(const struct reserve *r, const char *key)
{
    size_t i = 0;

    while (i < r->entries.n &&
           !str_eq(r->entries.items[i].model->object->key, key)) {
        i++;
    }
    return i;
}

static void
expire(struct reserve *r, int64_t now_ms)
{
    while (r->entries.n > 0 && (r->entries.items[0].until_ms <= now_ms ||
                                r->entries.n >= WEBHOOK_MAX_RESERVED)) {
        drop(r, 0);
    }
}

static void
put(struct reserve *r, struct model *model, int64_t now_ms)
{
    const struct entry entry = {
        .model = model_ref(model),
        .until_ms = now_ms + WEBHOOK_RESERVE_MS,
    };
    size_t i = find(r, model->object->key);

    if (i < r->entries.n) {
        drop(r, i);
    }
    claims_set(r->claims, model);
    drop_dirty(r->claims);
    VEC_PUSH(&r->entries, entry);
}

bool
reserve_admit(struct reserve *r, struct model *candidate,
              const struct model *old, bool is_dry_run, int64_t now_ms,
              struct findings *now, struct findings *before)
{
    bool is_admitted;

    pthread_mutex_lock(&r->lock);
    expire(r, now_ms);
    claims_judge_recent(r->claims, r->known, candidate, now);
    if (old) {
        claims_judge_recent(r->claims, r->known, old, before);
        judge_ratchet(now, before);
    }
    is_admitted = findings_count_of(now, FINDING_ERROR) == 0;
    if (is_admitted && !is_dry_run) {
        put(r, candidate, now_ms);
    }
    pthread_mutex_unlock(&r->lock);
    return is_admitted;
}

void
reserve_seen(struct reserve *r, const struct kube_object *object)
{
    size_t i;

    pthread_mutex_lock(&r->lock);
    i = find(r, object->key);
    if (i < r->entries.n) {
        const struct kube_object *reserved = r->entries.items[i].model->object;

        /* An older version of it may still be on its way. */
        if (object->generation > reserved->generation ||
            judge_is_untouched(object, reserved)) {
            drop(r, i);
        }
    }
    pthread_mutex_unlock(&r->lock);
}

void
reserve_gone(struct reserve *r, const char *key)
{
    size_t i;

    pthread_mutex_lock(&r->lock);
    i = find(r, key);
    if (i < r->entries.n) {
        drop(r, i);
    }
    pthread_mutex_unlock(&r->lock);
}

size_t
reserve_count(struct reserve *r)
{
    size_t n;

    pthread_mutex_lock(&r->lock);
    n = r->entries.n;
    pthread_mutex_unlock(&r->lock);
    return n;
}
