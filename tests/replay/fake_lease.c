#include "tests/replay/fake_lease.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/kube/claim.h"

#define RIVAL_RENEW_MS 2000
#define CLAIMS_NS "sys"
#define CLASS "sallyport"

bool
fake_lease_has_label(json_t *lease, const char *label)
{
    json_t *labels =
        json_object_get(json_object_get(lease, "metadata"), "labels");

    return json_object_get(labels, label) != NULL;
}

/* Those that have the label, whatever its value. */
static void
answer_list(const struct fake_request *r, struct fake_answer *out)
{
    json_t *all = apiserver_list(&fake_api->store, KUBE_LEASE, r->ns, NULL);
    json_t *items = json_array();
    json_t *list, *lease;
    size_t i;

    json_array_foreach(all, i, lease) {
        if (!r->label || fake_lease_has_label(lease, r->label)) {
            json_array_append(items, lease);
        }
    }
    list = json_pack("{s:{s:s}, s:o}", "metadata", "resourceVersion", "1",
                     "items", items);
    fake_api_put(out, 200, list);
    json_decref(list);
    json_decref(all);
}

static bool
meets(json_t *body, json_t *object)
{
    json_t *preconditions = json_object_get(body, "preconditions");
    const char *const names[] = { "uid", "resourceVersion" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *want = apiserver_text(preconditions, NULL, names[i]);

        if (want &&
            !str_eq(want, apiserver_text(object, "metadata", names[i]))) {
            return false;
        }
    }
    return true;
}

void
fake_lease_answer(const struct fake_request *r, json_t *body,
             struct fake_answer *out)
{
    struct apiserver *store = &fake_api->store;
    const char *name =
        r->name ? r->name : apiserver_text(body, "metadata", "name");
    AUTO_FREE char *key = xasprintf("%s/%s", r->ns, name ? name : "");
    json_t *object = apiserver_get(store, KUBE_LEASE, key);

    if (r->method == HTTP_GET && !r->name) {
        answer_list(r, out);
        return;
    }
    if (r->method == HTTP_POST && object) {
        fake_api_refuse(out, 409, "AlreadyExists", "it exists", NULL);
    } else if (r->method != HTTP_POST && !object) {
        fake_api_refuse(out, 404, "NotFound", "leases not found", NULL);
    } else if (r->method == HTTP_PUT &&
               apiserver_version_of(body) != apiserver_version_of(object)) {
        fake_api_refuse(out, 409, "Conflict",
                        "the object has been modified", NULL);
    } else if (r->method == HTTP_DELETE && !meets(body, object)) {
        fake_api_refuse(out, 409, "Conflict",
                        "the precondition is not met", NULL);
    } else if (r->method == HTTP_DELETE) {
        fake_api_put(out, 200, object);
        apiserver_delete(store, KUBE_LEASE, key);
    } else {
        if (r->method != HTTP_GET) {
            apiserver_put(store, KUBE_LEASE, body);
        }
        fake_api_put(out, r->method == HTTP_POST ? 201 : 200,
                     apiserver_get(store, KUBE_LEASE, key));
    }
}

/* Writes 'holder' into every Lease but claims. */
static void
set_holder(const char *holder, int seconds)
{
    struct apiserver *store = &fake_api->store;
    json_t *leases = apiserver_list(store, KUBE_LEASE, NULL, NULL);
    char now[CLOCK_MICROTIME_SIZE];
    json_t *lease;
    size_t i;

    clock_format_micro(clock_wall_us(), now);
    json_array_foreach(leases, i, lease) {
        json_t *copy = json_deep_copy(lease);
        json_t *spec = json_object_get(copy, "spec");

        if (fake_lease_has_label(lease, CLAIM_LABEL)) {
            json_decref(copy);
            continue;
        }
        json_object_set_new(spec, "holderIdentity", json_string(holder));
        json_object_set_new(spec, "renewTime", json_string(now));
        json_object_set_new(spec, "leaseDurationSeconds",
                            json_integer(seconds));
        apiserver_put(store, KUBE_LEASE, copy);
        json_decref(copy);
    }
    json_decref(leases);
}

void
fake_api_rival(int64_t now_ms)
{
    if (fake_api->rival && fake_api->rival_ms <= now_ms) {
        fake_api->rival_ms = now_ms + RIVAL_RENEW_MS;
        set_holder(fake_api->rival, 15);
    }
}

void
fake_api_rival_left(void)
{
    if (fake_api->rival) {
        set_holder("", 1);
    }
    free(fake_api->rival);
    fake_api->rival = NULL;
}

/* ---- claims, as webhooks write them ---- */

void
fake_claim_put(const char *host, const char *holder)
{
    AUTO_FREE char *a = xstrdup(host), *b = xstrdup(holder);
    char class[] = CLASS, mode[] = "paths";
    struct kube_claim claim = {
        .host = a, .class = class, .holder = b, .mode = mode
    };
    AUTO_FREE char *text = NULL;
    json_t *lease;

    claim_name(CLASS, host, NULL, claim.name);
    claim_family(CLASS, host, claim.family);
    text = claim_render(&claim, CLAIMS_NS, clock_wall_us(), NULL);
    lease = json_loads(text, 0, NULL);
    apiserver_put(&fake_api->store, KUBE_LEASE, lease);
    json_decref(lease);
}

bool
fake_claim_is(const char *host)
{
    char name[CLAIM_NAME_SIZE];
    AUTO_FREE char *key = NULL;

    claim_name(CLASS, host, NULL, name);
    key = xasprintf(CLAIMS_NS "/%s", name);
    return apiserver_get(&fake_api->store, KUBE_LEASE, key) != NULL;
}

size_t
fake_claim_count(void)
{
    json_t *all = apiserver_list(&fake_api->store, KUBE_LEASE, NULL, NULL);
    json_t *lease;
    size_t i, n = 0;

    json_array_foreach(all, i, lease) {
        n += fake_lease_has_label(lease, CLAIM_LABEL);
    }
    json_decref(all);
    return n;
}
