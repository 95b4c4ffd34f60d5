#include "webhook/reserve.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/ingress/judge.h"
#include "webhook/limits.h"

/* What is known of an admitted object beside its packed model, right behind
 * that.  Its models are a list, the oldest is the first to end. */
struct entry {
    struct model *older, *newer;
    int64_t generation;         /* Of the object, and its judge_mark(). */
    uint64_t mark;
    int64_t until_ms;
};

/* The lock guards all of it.  The index has the models of the list, and no
 * others; both hold a reference. */
struct reserve {
    pthread_mutex_t lock;
    struct claims *claims;
    const struct claims *known; /* What is stored, or NULL. */
    struct model *oldest, *newest;
};

static struct entry *
entry_of(struct model *m)
{
    return (void *) (m + 1);
}

struct reserve *
reserve_new(const struct ruleset *ruleset)
{
    struct reserve *r = xcalloc(1, sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    r->claims = claims_new(ruleset);
    claims_forget_dirty(r->claims);
    return r;
}

/* Of a model and all newer ones. */
static void
free_models(struct model *m)
{
    while (m) {
        struct model *newer = entry_of(m)->newer;

        model_unref(m);
        m = newer;
    }
}

void
reserve_free(struct reserve *r)
{
    if (!r) {
        return;
    }
    free_models(r->oldest);
    claims_free(r->claims);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void
reserve_set_known(struct reserve *r, const struct claims *known)
{
    r->known = known;
}

/* Takes back what is reserved; '*gone' are those that are to be freed when
 * nobody waits for the lock. */
static void
drop(struct reserve *r, struct model *m, struct model **gone)
{
    struct entry *e = entry_of(m);

    *(e->older ? &entry_of(e->older)->newer : &r->oldest) = e->newer;
    *(e->newer ? &entry_of(e->newer)->older : &r->newest) = e->older;
    claims_drop(r->claims, m);
    e->newer = *gone;
    *gone = m;
}

static void
expire(struct reserve *r, int64_t now_ms, struct model **gone)
{
    while (r->oldest &&
           (entry_of(r->oldest)->until_ms <= now_ms ||
            claims_count(r->claims) >= WEBHOOK_MAX_RESERVED)) {
        drop(r, r->oldest, gone);
    }
}

/* What would be reserved of 'm'. */
static struct model *
make(const struct model *m)
{
    struct model *made = model_packed_with(m, sizeof(struct entry));
    struct entry *e = entry_of(made);

    e->generation = m->object->generation;
    e->mark = judge_mark(m->object);
    return made;
}

/* Takes 'm'. */
static void
put(struct reserve *r, struct model *m, int64_t now_ms, struct model **gone)
{
    struct model *before = claims_get(r->claims, m->key);
    struct entry *e = entry_of(m);

    if (before) {
        drop(r, before, gone);
    }
    e->until_ms = now_ms + WEBHOOK_RESERVE_MS;
    e->older = r->newest;
    *(e->older ? &entry_of(e->older)->newer : &r->oldest) = m;
    r->newest = m;
    claims_set(r->claims, m);
}

bool
reserve_admit(struct reserve *r, const struct model *candidate,
              const struct model *old, bool is_dry_run, int64_t now_ms,
              struct findings *now, struct findings *before)
{
    /* Made before the others have to wait; where there is an error already,
     * it is hardly needed. */
    struct model *made =
        !is_dry_run && !candidate->is_deleting &&
                (old || findings_count_of(now, FINDING_ERROR) == 0)
            ? make(candidate)
            : NULL;
    struct model *gone = NULL;
    bool is_admitted;

    pthread_mutex_lock(&r->lock);
    expire(r, now_ms, &gone);
    claims_judge_recent(r->claims, r->known, candidate, now);
    if (old) {
        claims_judge_recent(r->claims, r->known, old, before);
        judge_ratchet(now, before);
    }
    is_admitted = findings_count_of(now, FINDING_ERROR) == 0;
    if (is_admitted && made) {
        put(r, STEAL_PTR(made), now_ms, &gone);
    }
    pthread_mutex_unlock(&r->lock);
    free_models(gone);
    model_unref(made);
    return is_admitted;
}

void
reserve_seen(struct reserve *r, const struct kube_object *object)
{
    struct model *gone = NULL;
    struct model *m;

    pthread_mutex_lock(&r->lock);
    m = claims_get(r->claims, object->key);
    /* An older version of it may still be on its way. */
    if (m && (object->generation > entry_of(m)->generation ||
              judge_mark(object) == entry_of(m)->mark)) {
        drop(r, m, &gone);
    }
    pthread_mutex_unlock(&r->lock);
    free_models(gone);
}

void
reserve_gone(struct reserve *r, const char *key)
{
    struct model *gone = NULL;
    struct model *m;

    pthread_mutex_lock(&r->lock);
    m = claims_get(r->claims, key);
    if (m) {
        drop(r, m, &gone);
    }
    pthread_mutex_unlock(&r->lock);
    free_models(gone);
}

size_t
reserve_count(struct reserve *r)
{
    size_t n;

    pthread_mutex_lock(&r->lock);
    n = claims_count(r->claims);
    pthread_mutex_unlock(&r->lock);
    return n;
}
