#include "webhook/taking_read.h"

#include <jansson.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/str.h"
#include "lib/ingress/unowned.h"
#include "lib/kube/decode.h"
#include "webhook/limits.h"

struct err *
taking_read_claim(const struct http_response *response,
                  struct kube_claim *out)
{
    AUTO_JSON json_t *root = NULL;
    AUTO_KUBE const struct kube_object *lease = NULL;
    struct err *err =
        jx_load(response->body, response->size, KUBE_MAX_OBJECT, &root);

    memset(out, 0, sizeof *out);
    if (!err) {
        err = kube_decode(KUBE_LEASE, root, NULL, &lease);
    }
    return err ? err : claim_read(lease, out);
}

/* ---- siblings ---- */

static void
consider(const struct kube_object *lease, const struct kube_claim *mine,
         struct kube_claim *found)
{
    struct kube_claim other;
    AUTO_ERR struct err *err = claim_read(lease, &other);

    if (!err && claim_is_rival(mine, &other) && other.order < mine->order &&
        (!found->holder || other.order < found->order)) {
        claim_fini(found);
        *found = other;
        return;
    }
    claim_fini(&other);
}

struct err *
taking_read_siblings(const struct http_response *response,
                     const struct kube_claim *mine, struct kube_claim *found)
{
    AUTO_JSON json_t *root = NULL;
    struct err *err =
        jx_load(response->body, response->size, WEBHOOK_MAX_LIST, &root);
    json_t *items, *item;
    size_t i;

    if (err) {
        return err;
    }
    items = json_object_get(root, "items");
    if (!items) {
        AUTO_KUBE const struct kube_object *lease = NULL;

        err = kube_decode(KUBE_LEASE, root, NULL, &lease);
        if (!err) {
            consider(lease, mine, found);
        }
        return err;
    }
    json_array_foreach(items, i, item)
    {
        AUTO_KUBE const struct kube_object *lease = NULL;

        err = kube_decode(KUBE_LEASE, item, NULL, &lease);
        if (err) {
            return err;
        }
        consider(lease, mine, found);
    }
    return NULL;
}

/* ---- who backs a claim ---- */

static struct model *
model_behind(const struct taking_backing *b, json_t *item)
{
    AUTO_KUBE const struct kube_object *ingress = NULL;
    AUTO_ERR struct err *err =
        kube_decode(KUBE_INGRESS, item, NULL, &ingress);
    struct model *model;

    if (err || ingress->is_deleting || str_eq(ingress->key, b->self) ||
        !b->may_have(ingress, b->claim->host, b->aux)) {
        return NULL;
    }
    model = model_new(ingress, b->ruleset);
    if (!unowned_is_claim_of(model, b->claim->host, b->claim->key)) {
        model_unref(model);
        return NULL;
    }
    return model;
}

struct err *
taking_read_backer(const struct http_response *response,
                   const struct taking_backing *backing, struct model **out)
{
    AUTO_JSON json_t *root = NULL;
    struct err *err =
        jx_load_nul(response->body, response->size, WEBHOOK_MAX_LIST, &root);
    json_t *item;
    size_t i;

    *out = NULL;
    if (err) {
        return err;
    }
    json_array_foreach(json_object_get(root, "items"), i, item)
    {
        if (!*out && !jx_has_nul(item)) {
            *out = model_behind(backing, item);
        }
    }
    return NULL;
}
