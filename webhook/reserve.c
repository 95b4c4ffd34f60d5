#include "webhook/reserve.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/ingress/judge.h"
#include "webhook/limits.h"

/* One admitted object, of which is kept what others are judged by; the
 * oldest is the first to end. */
struct entry {
    struct entry *older, *newer;
    struct model *model;        /* Packed. */
    int64_t generation;         /* Of the object, and its judge_mark(). */
    uint64_t mark;
    int64_t until_ms;
};

/* The lock guards all of it.  Each entry has its claims in the index under
 * its object's key. */
struct reserve {
    pthread_mutex_t lock;
    struct claims *claims;
    const struct claims *known; /* What is stored, or NULL. */
    struct map *entries;        /* Key -> struct entry */
    struct entry *oldest, *newest;
};

static const char *
key_of(const void *value)
{
    return ((const struct entry *) value)->model->key;
}

struct reserve *
reserve_new(const struct ruleset *ruleset)
{
    struct reserve *r = xcalloc(1, sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    r->claims = claims_new(ruleset);
    claims_forget_dirty(r->claims);
    r->entries = map_new_keyed(key_of);
    return r;
}

static void
free_entry(void *value)
{
    struct entry *e = value;

    model_unref(e->model);
    free(e);
}

void
reserve_free(struct reserve *r)
{
    if (!r) {
        return;
    }
    map_free(r->entries, free_entry);
    claims_free(r->claims);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void
reserve_set_known(struct reserve *r, const struct claims *known)
{
    r->known = known;
}

static void
unlink_entry(struct reserve *r, struct entry *e)
{
    *(e->older ? &e->older->newer : &r->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &r->newest) = e->older;
}

/* Takes back what is reserved under 'key', if anything is. */
static void
drop(struct reserve *r, const char *key)
{
    struct entry *e = map_remove(r->entries, key);

    if (!e) {
        return;
    }
    unlink_entry(r, e);
    claims_remove(r->claims, e->model->key);
    free_entry(e);
}

static void
expire(struct reserve *r, int64_t now_ms)
{
    while (r->oldest && (r->oldest->until_ms <= now_ms ||
                         map_size(r->entries) >= WEBHOOK_MAX_RESERVED)) {
        drop(r, r->oldest->model->key);
    }
}

static struct entry *
make_entry(const struct model *model)
{
    struct entry *e = xcalloc(1, sizeof *e);

    e->model = model_packed(model);
    e->generation = model->object->generation;
    e->mark = judge_mark(model->object);
    return e;
}

/* Takes 'e'. */
static void
put(struct reserve *r, struct entry *e, int64_t now_ms)
{
    drop(r, e->model->key);
    e->until_ms = now_ms + WEBHOOK_RESERVE_MS;
    e->older = r->newest;
    *(e->older ? &e->older->newer : &r->oldest) = e;
    r->newest = e;
    map_put(r->entries, e->model->key, e);
    claims_set(r->claims, e->model);
}

bool
reserve_admit(struct reserve *r, const struct model *candidate,
              const struct model *old, bool is_dry_run, int64_t now_ms,
              struct findings *now, struct findings *before)
{
    /* Made before the others have to wait; where there is an error already,
     * it is hardly needed. */
    struct entry *e = !is_dry_run &&
                              (old ||
                               findings_count_of(now, FINDING_ERROR) == 0)
                          ? make_entry(candidate)
                          : NULL;
    bool is_admitted;

    pthread_mutex_lock(&r->lock);
    expire(r, now_ms);
    claims_judge_recent(r->claims, r->known, candidate, now);
    if (old) {
        claims_judge_recent(r->claims, r->known, old, before);
        judge_ratchet(now, before);
    }
    is_admitted = findings_count_of(now, FINDING_ERROR) == 0;
    if (is_admitted && e) {
        put(r, STEAL_PTR(e), now_ms);
    }
    pthread_mutex_unlock(&r->lock);
    if (e) {
        free_entry(e);
    }
    return is_admitted;
}

void
reserve_seen(struct reserve *r, const struct kube_object *object)
{
    const struct entry *e;

    pthread_mutex_lock(&r->lock);
    e = map_get(r->entries, object->key);
    /* An older version of it may still be on its way. */
    if (e && (object->generation > e->generation ||
              judge_mark(object) == e->mark)) {
        drop(r, object->key);
    }
    pthread_mutex_unlock(&r->lock);
}

void
reserve_gone(struct reserve *r, const char *key)
{
    pthread_mutex_lock(&r->lock);
    drop(r, key);
    pthread_mutex_unlock(&r->lock);
}

size_t
reserve_count(struct reserve *r)
{
    size_t n;

    pthread_mutex_lock(&r->lock);
    n = map_size(r->entries);
    pthread_mutex_unlock(&r->lock);
    return n;
}
