/* An AdmissionReview from a stranger: the whole input is the body.
 *
 * Oracles: whatever is read is answered, by an AdmissionReview that is valid
 * JSON, bears the uid that was sent, and whose texts are printable; a refusal
 * has a reason; what is being deleted is never refused; the same review
 * twice in a row has the same verdict; a patch is only ever the one move that
 * mutate.h promises. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/decode.h"
#include "webhook/answer.h"
#include "webhook/mutate.h"
#include "webhook/review.h"
#include "webhook/validate.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char world[] =
    "[{\"kind\":\"IngressClass\",\"metadata\":{\"name\":\"sallyport\"},"
    "\"spec\":{\"controller\":\"sallyport.dev/ingress-controller\"}},"
    "{\"kind\":\"Ingress\",\"metadata\":{\"name\":\"shop\","
    "\"namespace\":\"a\"},\"spec\":{\"ingressClassName\":\"sallyport\","
    "\"rules\":[{\"host\":\"shop.example.com\",\"http\":{\"paths\":["
    "{\"path\":\"/\",\"pathType\":\"Prefix\",\"backend\":{\"service\":"
    "{\"name\":\"web\",\"port\":{\"number\":80}}}}]}}]}}]";

static struct ruleset ruleset = RULESET_INIT;
static struct cache *cache;
static struct claims *claims;

static void
build_world(void)
{
    AUTO_JSON json_t *list = json_loads(world, 0, NULL);
    struct model *model, *packed;

    cache = cache_new();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *doc = json_array_get(list, i);
        const struct kube_object *object;
        struct err *err =
            kube_decode(i == 0 ? KUBE_INGRESS_CLASS : KUBE_INGRESS, doc,
                        NULL, &object);

        assert(!err);
        cache_put(cache, object);
    }
    claims = claims_new(&ruleset);
    model = model_new(cache_get(cache, KUBE_INGRESS, "a/shop"), &ruleset);
    packed = model_packed(model);       /* As the webhook keeps them. */
    claims_set(claims, packed);
    model_unref(packed);
    model_unref(model);
}

static void
check_text(json_t *text)
{
    const char *s = json_string_value(text);

    assert(s);
    for (; *s; s++) {
        assert((*s >= ' ' && *s <= '~') || *s == '\n');
    }
}

static void
check_answer(const struct answer *answer)
{
    AUTO_BUF struct buf out = BUF_OWN;
    AUTO_JSON json_t *got = NULL;
    json_t *response, *warnings, *status;

    answer_print(answer, &out);
    got = json_loadb(buf_str(&out), out.size, 0, NULL);
    response = json_object_get(got, "response");
    warnings = json_object_get(response, "warnings");
    status = json_object_get(response, "status");
    assert(str_eq(json_string_value(json_object_get(response, "uid")),
                  answer->uid));
    assert(json_is_true(json_object_get(response, "allowed")) ==
           answer->is_allowed);
    assert(!status == answer->is_allowed);
    if (status) {
        check_text(json_object_get(status, "message"));
    }
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        check_text(json_array_get(warnings, i));
        assert(!strchr(json_string_value(json_array_get(warnings, i)),
                       '\n'));
    }
}

static void
check_patch(const char *patch)
{
    AUTO_JSON json_t *list = json_loads(patch, 0, NULL);
    json_t *step;
    size_t i;

    assert(json_array_size(list) > 0);
    json_array_foreach(list, i, step) {
        const char *op = json_string_value(json_object_get(step, "op"));
        const char *path = json_string_value(json_object_get(step, "path"));

        assert(op && path);
        assert(str_starts(path, "/spec") ||
               str_starts(path, "/metadata/annotations"));
        assert(str_eq(op, "remove") == !json_object_get(step, "value"));
    }
}

static bool
judge_review(struct review *review, const struct snapshot *snapshot,
             struct reserve *reserve)
{
    AUTO_FINDINGS struct findings *findings = findings_new();
    const struct answer answer = {
        .uid = review->uid,
        .is_allowed = validate(review, snapshot, reserve, 0, findings,
                               NULL),
        .findings = findings,
    };

    assert(answer.is_allowed ==
           (findings_count_of(findings, FINDING_ERROR) == 0));
    assert(answer.is_allowed || !review->is_deleting);
    check_answer(&answer);
    return answer.is_allowed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mutate_options everything = { true, true };
    struct findings *told;
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *patch = NULL;
    AUTO_REVIEW struct review review = { .uid = NULL };
    AUTO_ERR struct err *err = NULL;
    struct reserve *reserve;
    struct snapshot snapshot;
    bool is_allowed;

    if (size > INPUT_MAX) {
        return 0;
    }
    if (!cache) {
        build_world();
    }
    text = xstrndup((const char *) data, size);
    err = review_read(text, strlen(text), &review);
    if (err) {
        assert(!review.uid && !review.object);
        return 0;
    }
    snapshot = (struct snapshot) {
        .claims = claims, .cache = cache, .ruleset = &ruleset
    };
    reserve = reserve_new(&ruleset);
    is_allowed = judge_review(&review, &snapshot, reserve);
    assert(judge_review(&review, &snapshot, reserve) == is_allowed);
    reserve_free(reserve);
    told = findings_new();
    patch = mutate(&review, &snapshot, &everything, told);
    findings_free(told);
    if (patch) {
        check_patch(patch);
    }
    return 0;
}
