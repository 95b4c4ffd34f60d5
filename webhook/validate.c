#include "webhook/validate.h"

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/cert_wire.h"
#include "lib/ingress/judge.h"

static void
model_unrefp(struct model **model)
{
    model_unref(*model);
}
#define AUTO_MODEL AUTO(model_unrefp)

static bool
refuse_broken(const struct review *review, struct findings *out)
{
    findings_add(out, FINDING_ERROR, FINDING_INVALID, "Ingress", "", "%s",
                 review->broken);
    return false;
}

/* What is known of its Secrets is told, and refuses nothing. */
static void
judge_secrets(const struct snapshot *s, const struct model *model,
                   struct findings *out)
{
    struct cert_cache known = {
        .cache = s->cache,
        .ns = s->certificates,
        .class = s->ruleset->ingress_class,
    };
    const struct cert_source source = cert_cache_source(&known);

    cert_judge(model, &source, s->wall_s, out);
    judge_users(model, s->cache, out);
}

/* Most updates are right, and what the old object was matters only to one
 * of which something is to be said: it is read and judged then. */
static bool
judge_update(struct review *review, const struct snapshot *snapshot,
             struct reserve *reserve, int64_t now_ms, struct model **model,
             struct findings *out)
{
    AUTO_FINDINGS struct findings *before = findings_new();
    AUTO_MODEL struct model *old = NULL;
    const struct kube_object *object;

    if (findings_count(out) == 0 &&
        reserve_admit(reserve, *model, NULL, review->is_dry_run, now_ms, out,
                      before)) {
        return true;
    }
    object = review_old(review);
    if (!object || !snapshot_is_ours(snapshot, object)) {
        return reserve_admit(reserve, *model, NULL, review->is_dry_run,
                             now_ms, out, NULL);
    }
    if (judge_is_untouched(review->object, object)) {
        findings_clear(out);
        model_unref(STEAL_PTR(*model));
        return true;
    }
    if (findings_count_of(out, FINDING_ERROR) == 0 &&
        reserve_admit(reserve, *model, NULL, review->is_dry_run, now_ms, out,
                      before)) {
        return true;
    }
    old = model_new(object, snapshot->ruleset);
    judge(old, snapshot->claims, snapshot->cache, before);
    return reserve_admit(reserve, *model, old, review->is_dry_run, now_ms,
                         out, before);
}

bool
validate(struct review *review, const struct snapshot *snapshot,
         struct reserve *reserve, int64_t now_ms, struct findings *out,
         struct model **admitted)
{
    AUTO_MODEL struct model *model = NULL;
    bool is_admitted;

    if (admitted) {
        *admitted = NULL;
    }
    if (review->operation == REVIEW_DELETE ||
        review->operation == REVIEW_CONNECT || review->is_deleting) {
        return true;
    }
    if (review->broken) {
        return refuse_broken(review, out);
    }
    if (!snapshot_is_ours(snapshot, review->object)) {
        return true;
    }
    model = model_new(review->object, snapshot->ruleset);
    judge(model, snapshot->claims, snapshot->cache, out);
    judge_secrets(snapshot, model, out);
    is_admitted = review->operation == REVIEW_UPDATE
                      ? judge_update(review, snapshot, reserve, now_ms,
                                     &model, out)
                      : reserve_admit(reserve, model, NULL,
                                      review->is_dry_run, now_ms, out, NULL);
    if (is_admitted && admitted) {
        *admitted = STEAL_PTR(model);
    }
    return is_admitted;
}
