#include "webhook/taking.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"
#include "lib/kube/answer.h"
#include "lib/kube/resource.h"
#include "webhook/limits.h"
#include "webhook/taking_read.h"

enum step {
    STEP_CREATE,        /* POST one's own claim. */
    STEP_READ,          /* GET what stands in its place. */
    STEP_JOIN,          /* PUT: share it, or renew it. */
    STEP_SIBLING,       /* GET the wildcard, or LIST what it covers. */
    STEP_CONTEST,       /* LIST: does an Ingress back the rival's claim? */
    STEP_EVICT,         /* DELETE it: nobody does. */
    STEP_RELEASE,       /* DELETE one's own. */
    STEP_END,
};

/* One claim wanted.  Once taken: its identity as it was written. */
struct item {
    struct kube_claim claim;
    bool is_taken;
    bool is_created;            /* By us: ours to delete again. */
};

struct taking {
    char *ns;
    char *self;
    const struct ruleset *ruleset;
    taking_may_have_fn *may_have;
    void *aux;
    int64_t deadline_ms;

    struct item *items;         /* By name. */
    size_t n;
    size_t at;                  /* The one under way. */
    bool is_among_siblings;     /* All are taken; siblings are read. */

    enum step step;             /* Next, or under way. */
    bool is_busy;
    int64_t due_ms;
    int64_t pause_ms;
    bool is_disputed;           /* A write of this item met another's. */

    struct kube_claim found;         /* What stands in the way. */
    enum taking_verdict verdict;
    struct model *rival;
    char *holder;
    char *why;
};

static int
compare_items(const void *a, const void *b)
{
    return strcmp(((const struct item *) a)->claim.name,
                  ((const struct item *) b)->claim.name);
}

struct taking *
taking_new(const struct taking_spec *spec)
{
    struct taking *t = xcalloc(1, sizeof *t);

    assert(spec->n > 0);
    t->ns = xstrdup(spec->ns);
    t->self = xstrdup(spec->self);
    t->ruleset = spec->ruleset;
    t->may_have = spec->may_have;
    t->aux = spec->aux;
    t->deadline_ms = spec->deadline_ms;
    t->pause_ms = WEBHOOK_CLAIM_PAUSE_MS;
    t->n = spec->n;
    t->items = xcalloc(spec->n, sizeof *t->items);
    for (size_t i = 0; i < spec->n; i++) {
        t->items[i].claim = spec->claims[i];
    }
    free(spec->claims);
    qsort(t->items, t->n, sizeof *t->items, compare_items);
    return t;
}

void
taking_free(struct taking *t)
{
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        claim_fini(&t->items[i].claim);
    }
    free(t->items);
    claim_fini(&t->found);
    model_unref(t->rival);
    free(t->holder);
    free(t->why);
    free(t->ns);
    free(t->self);
    free(t);
}

/* ---- where it goes next ---- */

static void
go(struct taking *t, enum step step, int64_t due_ms)
{
    t->step = step;
    t->due_ms = due_ms;
}

/* Goes to the next of ours, from the last to the first, that can be given
 * back. */
static void
go_release(struct taking *t, int64_t now_ms)
{
    while (t->at > 0 && !t->items[t->at - 1].is_created) {
        t->at--;
    }
    go(t, t->at > 0 ? STEP_RELEASE : STEP_END, now_ms);
}

static void
end_with(struct taking *t, enum taking_verdict verdict, int64_t now_ms)
{
    t->verdict = verdict;
    if (verdict == TAKING_HELD) {
        go(t, STEP_END, now_ms);
    } else {
        t->at = t->n;
        t->deadline_ms = now_ms + WEBHOOK_CLAIM_RELEASE_MS;
        go_release(t, now_ms);
    }
}

static void
fail(struct taking *t, const char *why, int64_t now_ms)
{
    free(t->why);
    t->why = xstrdup(why);
    end_with(t, TAKING_FAILED, now_ms);
}

static void
lose(struct taking *t, int64_t now_ms)
{
    t->holder = xstrdup(t->found.holder);
    /* The claim lost is items[at]; it is told after that moved on. */
    claim_fini(&t->found);
    t->found = t->items[t->at].claim;
    t->items[t->at].claim = (struct kube_claim) { .host = NULL };
    memcpy(t->items[t->at].claim.name, t->found.name, CLAIM_NAME_SIZE);
    if (t->found.uid) {
        t->items[t->at].claim.uid = xstrdup(t->found.uid);
        t->items[t->at].claim.version = xstrdup(t->found.version);
    }
    end_with(t, TAKING_LOST, now_ms);
}

static bool
has_siblings(const struct taking *t, size_t i)
{
    const struct kube_claim *c = &t->items[i].claim;

    return !c->key && !c->is_public && c->family[0] != '\0';
}

static void
go_sibling(struct taking *t, int64_t now_ms)
{
    t->is_among_siblings = true;
    while (t->at < t->n && !has_siblings(t, t->at)) {
        t->at++;
    }
    if (t->at == t->n) {
        end_with(t, TAKING_HELD, now_ms);
    } else {
        go(t, STEP_SIBLING, now_ms);
    }
}

static void
go_next(struct taking *t, int64_t now_ms)
{
    t->pause_ms = WEBHOOK_CLAIM_PAUSE_MS;
    t->is_disputed = false;
    t->at++;
    if (t->is_among_siblings) {
        go_sibling(t, now_ms);
    } else if (t->at < t->n) {
        go(t, STEP_CREATE, now_ms);
    } else {
        t->at = 0;
        go_sibling(t, now_ms);
    }
}

/* Somebody was faster.  Said again and again it may be of nobody: a quota that
 * many count against is a conflict, too. */
static void
go_read(struct taking *t, int64_t now_ms)
{
    go(t, STEP_READ, t->is_disputed ? now_ms + WEBHOOK_CLAIM_AGAIN_MS : now_ms);
    t->is_disputed = true;
}

static void
go_look_again(struct taking *t, int64_t due_ms)
{
    go(t, t->is_among_siblings ? STEP_SIBLING : STEP_READ, due_ms);
}

/* ---- requests ---- */

static char *
family_path(const struct taking *t, const struct kube_claim *c)
{
    AUTO_FREE char *path = resource_path(KUBE_LEASE, t->ns, NULL);
    AUTO_BUF struct buf out = BUF_OWN;

    buf_printf(&out, "%s?labelSelector=", path);
    resource_put_escaped(&out, CLAIM_FAMILY_LABEL);
    buf_printf(&out, "%%3D%s", c->family);
    return buf_take(&out);
}

/* Never with a resourceVersion: what was written before is seen. */
static char *
sibling_path(const struct taking *t, const struct kube_claim *c)
{
    AUTO_FREE char *wildcard = host_wildcard_of(c->host);
    char name[CLAIM_NAME_SIZE];

    if (!wildcard) {
        return family_path(t, c);
    }
    claim_name(c->class, wildcard, NULL, name);
    return resource_path(KUBE_LEASE, t->ns, name);
}

static void
render(const struct taking *t, int64_t wall_s, struct taking_request *out)
{
    const size_t at = t->step == STEP_RELEASE ? t->at - 1 : t->at;
    const struct kube_claim *c = &t->items[at].claim;
    const int64_t wall_us = wall_s * 1000000;
    AUTO_FREE char *ns = NULL;

    switch (t->step) {
    case STEP_CREATE:
        out->method = HTTP_POST;
        out->path = resource_path(KUBE_LEASE, t->ns, NULL);
        out->body = claim_render(c, t->ns, wall_us, NULL);
        break;
    case STEP_READ:
        out->path = resource_path(KUBE_LEASE, t->ns, c->name);
        break;
    case STEP_JOIN:
        out->method = HTTP_PUT;
        out->path = resource_path(KUBE_LEASE, t->ns, c->name);
        out->body = claim_render(c, t->ns, wall_us, &t->found);
        break;
    case STEP_SIBLING:
        out->path = sibling_path(t, c);
        break;
    case STEP_CONTEST:
        ns = claim_namespace(&t->found);
        out->path = resource_path(KUBE_INGRESS, ns, NULL);
        break;
    case STEP_EVICT:
        out->method = HTTP_DELETE;
        out->path = resource_path(KUBE_LEASE, t->ns, t->found.name);
        out->body = claim_render_delete(t->found.uid, t->found.version);
        break;
    case STEP_RELEASE:
        out->method = HTTP_DELETE;
        out->path = resource_path(KUBE_LEASE, t->ns, c->name);
        out->body = claim_render_delete(c->uid, c->version);
        break;
    case STEP_END:
        break;
    }
}

/* The time is up.  A rival who neither stored his Ingress nor gave his claim
 * back keeps it. */
static void
end_late(struct taking *t, int64_t now_ms)
{
    if (t->verdict != TAKING_BUSY) {
        go(t, STEP_END, now_ms);
    } else if (t->found.holder && t->step != STEP_JOIN) {
        lose(t, now_ms);
    } else {
        fail(t, "it took too long", now_ms);
    }
}

bool
taking_start(struct taking *t, int64_t now_ms, int64_t wall_s,
             struct taking_request *out)
{
    *out = (struct taking_request) { .method = HTTP_GET };
    if (t->is_busy || t->step == STEP_END) {
        return false;
    }
    if (now_ms >= t->deadline_ms) {
        end_late(t, now_ms);
    }
    if (t->step == STEP_END || now_ms < t->due_ms) {
        return false;
    }
    render(t, wall_s, out);
    t->is_busy = true;
    return true;
}

/* ---- answers ---- */

/* What was written is ours from here on. */
static struct err *
note_taken(struct taking *t, const struct http_response *response)
{
    struct item *item = &t->items[t->at];
    struct kube_claim written;
    struct err *err = taking_read_claim(response, &written);

    if (!err) {
        free(item->claim.uid);
        free(item->claim.version);
        item->claim.uid = STEAL_PTR(written.uid);
        item->claim.version = STEAL_PTR(written.version);
        item->claim.order = written.order;
        item->is_taken = true;
    }
    claim_fini(&written);
    return err;
}

static void
done_create(struct taking *t, const struct http_response *response,
            int64_t now_ms)
{
    AUTO_ERR struct err *err = answer_err(response);

    if (err && err_kind(err) == ERR_CONFLICT) {
        go_read(t, now_ms);
        return;
    }
    if (!err) {
        err = note_taken(t, response);
    }
    if (err) {
        fail(t, err_text(err), now_ms);
        return;
    }
    t->items[t->at].is_created = true;
    go_next(t, now_ms);
}

static void
done_read(struct taking *t, const struct http_response *response,
          int64_t now_ms)
{
    AUTO_ERR struct err *err = answer_err(response);

    claim_fini(&t->found);
    if (err && err_kind(err) == ERR_GONE) {
        go(t, STEP_CREATE, now_ms);
        return;
    }
    if (!err) {
        err = taking_read_claim(response, &t->found);
    }
    if (err) {
        fail(t, err_text(err), now_ms);
    } else if (claim_may_share(&t->items[t->at].claim, &t->found)) {
        go(t, STEP_JOIN, now_ms);
    } else {
        go(t, STEP_CONTEST, now_ms);
    }
}

static void
done_join(struct taking *t, const struct http_response *response,
          int64_t now_ms)
{
    AUTO_ERR struct err *err = answer_err(response);

    claim_fini(&t->found);
    if (err && (err_kind(err) == ERR_CONFLICT || err_kind(err) == ERR_GONE)) {
        go_read(t, now_ms);
        return;
    }
    if (!err) {
        err = note_taken(t, response);
    }
    if (err) {
        fail(t, err_text(err), now_ms);
    } else {
        go_next(t, now_ms);
    }
}

/* ---- siblings ---- */

static void
done_sibling(struct taking *t, const struct http_response *response,
             int64_t now_ms)
{
    AUTO_ERR struct err *err = answer_err(response);

    claim_fini(&t->found);
    if (err && err_kind(err) == ERR_GONE) {
        go_next(t, now_ms);
        return;
    }
    if (!err) {
        err = taking_read_siblings(response, &t->items[t->at].claim,
                                   &t->found);
    }
    if (err) {
        fail(t, err_text(err), now_ms);
    } else if (t->found.holder) {
        go(t, STEP_CONTEST, now_ms);
    } else {
        go_next(t, now_ms);
    }
}

/* ---- is the rival's claim backed? ---- */

static void
done_contest(struct taking *t, const struct http_response *response,
             int64_t now_ms, int64_t wall_s)
{
    const struct taking_backing backing = {
        .claim = &t->found,
        .ruleset = t->ruleset,
        .self = t->self,
        .may_have = t->may_have,
        .aux = t->aux,
    };
    AUTO_ERR struct err *err = answer_err(response);

    if (!err) {
        err = taking_read_backer(response, &backing, &t->rival);
    }
    if (err) {
        fail(t, err_text(err), now_ms);
    } else if (t->rival) {
        lose(t, now_ms);
    } else if (t->found.renewed != 0 &&
               wall_s - t->found.renewed > TAKING_AGE_S) {
        go(t, STEP_EVICT, now_ms);
    } else {
        go_look_again(t, now_ms + t->pause_ms);
        if (t->pause_ms < WEBHOOK_CLAIM_MAX_PAUSE_MS) {
            t->pause_ms *= 2;
        }
    }
}

static void
done_evict(struct taking *t, const struct http_response *response,
           int64_t now_ms)
{
    AUTO_ERR struct err *err = answer_err(response);

    if (err && err_kind(err) != ERR_CONFLICT && err_kind(err) != ERR_GONE) {
        fail(t, err_text(err), now_ms);
        return;
    }
    claim_fini(&t->found);
    go_look_again(t, now_ms);
}

/* Whoever joined meanwhile has changed the version: then it stays. */
static void
done_release(struct taking *t, int64_t now_ms)
{
    t->items[t->at - 1].is_created = false;
    go_release(t, now_ms);
}

void
taking_done(struct taking *t, const struct http_response *response,
            int64_t now_ms, int64_t wall_s)
{
    assert(t->is_busy);
    t->is_busy = false;
    if (answer_is_transient(response) && now_ms < t->deadline_ms) {
        const int64_t wait_ms = answer_retry_after(response);

        go(t, t->step,
           now_ms + (wait_ms > 0 ? wait_ms : WEBHOOK_CLAIM_AGAIN_MS));
        if (t->due_ms >= t->deadline_ms && t->verdict == TAKING_BUSY) {
            AUTO_ERR struct err *err = answer_err(response);

            fail(t, err_text(err), now_ms);
        }
        return;
    }
    switch (t->step) {
    case STEP_CREATE:
        done_create(t, response, now_ms);
        break;
    case STEP_READ:
        done_read(t, response, now_ms);
        break;
    case STEP_JOIN:
        done_join(t, response, now_ms);
        break;
    case STEP_SIBLING:
        done_sibling(t, response, now_ms);
        break;
    case STEP_CONTEST:
        done_contest(t, response, now_ms, wall_s);
        break;
    case STEP_EVICT:
        done_evict(t, response, now_ms);
        break;
    case STEP_RELEASE:
        done_release(t, now_ms);
        break;
    case STEP_END:
        break;
    }
}

int64_t
taking_due_ms(const struct taking *t)
{
    if (t->is_busy || t->step == STEP_END) {
        return INT64_MAX;
    }
    return t->due_ms < t->deadline_ms ? t->due_ms : t->deadline_ms;
}

void
taking_abandon(struct taking *t, const char *why, int64_t now_ms)
{
    if (t->verdict == TAKING_BUSY && t->is_busy) {
        t->deadline_ms = now_ms;        /* Ends with the answer. */
    } else if (t->verdict == TAKING_BUSY || t->verdict == TAKING_HELD) {
        fail(t, why, now_ms);
    }
}

enum taking_verdict
taking_verdict(const struct taking *t)
{
    return t->verdict;
}

bool
taking_is_over(const struct taking *t)
{
    return !t->is_busy && t->step == STEP_END;
}

const struct kube_claim *
taking_lost(const struct taking *t, const char **holder, struct model **rival)
{
    *holder = t->holder;
    *rival = t->rival;
    return t->verdict == TAKING_LOST ? &t->found : NULL;
}

const char *
taking_why(const struct taking *t)
{
    return t->why ? t->why : "";
}
