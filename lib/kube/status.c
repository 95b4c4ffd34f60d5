#include "lib/kube/status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/jx.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/kube/answer.h"
#include "lib/kube/client.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"

#define FIELD_MANAGER "sallyport"
/* The form that costs the API server least: the addresses are one value to it
 * either way, but a JSON merge patch is applied to the object's text, and to
 * look for fields that it does not know takes as long as the rest of the
 * patch. */
#define PATCH_TYPE "application/strategic-merge-patch+json"
#define PATCH_QUERY "?fieldManager=" FIELD_MANAGER "&fieldValidation=Ignore"

/* The write to one Ingress. */
struct entry {
    struct status *status;
    char *key;
    char *path;
    char *body;
    struct kube_call *call;     /* Under way with 'body', unless ... */
    bool is_overtaken;          /* ... a newer one has come since. */
    int64_t due_ms;
    struct backoff backoff;
};

struct status {
    struct kube_client *client;
    status_done_fn *done;
    void *aux;
    struct map *entries;
    VEC(struct entry *) order;  /* The same, in the order of coming. */
    size_t n_calls;
    int64_t now_ms;
};

struct status *
status_new(struct kube_client *client, status_done_fn *done, void *aux)
{
    struct status *status = xcalloc(1, sizeof *status);

    status->client = client;
    status->done = done;
    status->aux = aux;
    status->entries = map_new();
    return status;
}

static void
entry_free(struct entry *entry)
{
    if (entry->call) {
        kube_client_cancel(entry->call);
        entry->status->n_calls--;
    }
    free(entry->key);
    free(entry->path);
    free(entry->body);
    free(entry);
}

void
status_drop_all(struct status *status)
{
    for (size_t i = 0; i < status->order.n; i++) {
        struct entry *entry = status->order.items[i];

        map_remove(status->entries, entry->key);
        entry_free(entry);
    }
    VEC_FINI(&status->order);
}

void
status_free(struct status *status)
{
    if (status) {
        status_drop_all(status);
        map_free(status->entries, NULL);
        free(status);
    }
}

/* ---- addresses ---- */

static int
compare_addresses(const void *a, const void *b)
{
    const struct kube_address *x = a, *y = b;

    if (!x->ip != !y->ip) {
        return x->ip ? -1 : 1;
    }
    return x->ip ? strcmp(x->ip, y->ip) : strcmp(x->hostname, y->hostname);
}

size_t
status_normalise(const struct kube_address *in, size_t n,
                 struct kube_address *out)
{
    size_t n_out = 0, kept = 0;
    uint8_t bytes[16];
    size_t size;

    for (size_t i = 0; i < n; i++) {
        struct kube_address one = { .ip = NULL };

        if (!str_is_empty(in[i].ip)) {
            if (parse_ip(in[i].ip, bytes, &size)) {
                one.ip = in[i].ip;
            }
        } else if (!str_is_empty(in[i].hostname)) {
            one.hostname = in[i].hostname;
        }
        if (one.ip || one.hostname) {
            out[n_out++] = one;
        }
    }
    if (n_out > 1) {
        qsort(out, n_out, sizeof *out, compare_addresses);
    }
    for (size_t i = 0; i < n_out; i++) {
        bool is_double =
            kept > 0 && compare_addresses(&out[kept - 1], &out[i]) == 0;

        if (!is_double && !out[i].ip == !out[0].ip) {
            out[kept++] = out[i];
        }
    }
    return kept;
}

/* ---- writes ---- */

static char *
render(const struct kube_object *ingress, const struct kube_address *in,
       size_t n)
{
    AUTO_FREE struct kube_address *out = xcalloc(n + 1, sizeof *out);
    AUTO_JSON json_t *root = NULL;
    json_t *list = json_array();

    n = status_normalise(in, n, out);
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(
            list, out[i].ip ? json_pack("{s:s}", "ip", out[i].ip)
                            : json_pack("{s:s}", "hostname",
                                        out[i].hostname));
    }
    root = json_pack("{s:{s:s}, s:{s:{s:o}}}", "metadata", "uid",
                     ingress->uid ? ingress->uid : "", "status",
                     "loadBalancer", "ingress", list);
    return json_dumps(root, JSON_COMPACT);
}

void
status_write(struct status *status, const struct kube_object *ingress,
             const struct kube_address *addresses, size_t n)
{
    struct entry *entry = map_get(status->entries, ingress->key);

    if (!entry) {
        AUTO_FREE char *object = resource_path(
            KUBE_INGRESS, ingress->namespace, ingress->name);

        entry = xcalloc(1, sizeof *entry);
        entry->status = status;
        entry->key = xstrdup(ingress->key);
        entry->path = xasprintf("%s/status" PATCH_QUERY, object);
        entry->backoff = (struct backoff) BACKOFF_INIT(KUBE_BACKOFF_MIN_MS,
                                                       KUBE_BACKOFF_MAX_MS);
        map_put(status->entries, entry->key, entry);
        VEC_PUSH(&status->order, entry);
    }
    free(entry->body);
    entry->body = render(ingress, addresses, n);
    entry->is_overtaken = entry->call != NULL;
}

/* 'entry' is settled; it is gone before the owner hears of it. */
static void
settle(struct entry *entry, enum status_result result, const struct err *err)
{
    struct status *status = entry->status;
    AUTO_FREE char *key = xstrdup(entry->key);
    size_t i = 0;

    while (status->order.items[i] != entry) {
        i++;
    }
    VEC_REMOVE(&status->order, i);
    map_remove(status->entries, key);
    entry_free(entry);
    status->done(key, result, err, status->aux);
}

static void
on_done(const struct http_response *response, void *aux)
{
    struct entry *entry = aux;
    struct status *status = entry->status;
    AUTO_ERR struct err *err = answer_err(response);
    bool is_again = answer_is_transient(response) ||
                    (err && err_kind(err) == ERR_CONFLICT);

    entry->call = NULL;
    status->n_calls--;
    if (is_again) {
        entry->due_ms = status->now_ms + answer_retry_after(response) +
                        backoff_fail(&entry->backoff,
                                     kube_client_random(status->client));
    } else if (entry->is_overtaken) {
        backoff_reset(&entry->backoff);
        entry->due_ms = status->now_ms;
    } else if (!err) {
        settle(entry, STATUS_WRITTEN, NULL);
        return;
    } else if (err_kind(err) == ERR_GONE ||
               (response->status == 422 &&
                answer_has_cause(response, "metadata.uid"))) {
        settle(entry, STATUS_GONE, NULL);
        return;
    } else {
        settle(entry, STATUS_REFUSED, err);
        return;
    }
    entry->is_overtaken = false;
}

static void
send_entry(struct entry *entry)
{
    struct status *status = entry->status;
    struct http_request request = {
        .method = HTTP_PATCH,
        .path = entry->path,
        .content_type = PATCH_TYPE,
        .body = entry->body,
        .size = strlen(entry->body),
        .deadline_ms = status->now_ms + KUBE_REQUEST_MS,
        .done = on_done,
        .aux = entry,
    };

    entry->call = kube_client_request(status->client, &request);
    status->n_calls++;
}

void
status_run(struct status *status, int64_t now_ms)
{
    status->now_ms = now_ms;
    for (size_t i = 0; i < status->order.n &&
                       status->n_calls < KUBE_MAX_STATUS_WRITES; i++) {
        struct entry *entry = status->order.items[i];

        if (!entry->call && entry->due_ms <= now_ms) {
            send_entry(entry);
        }
    }
}

void
status_wait(struct status *status, struct waits *w)
{
    if (status->n_calls >= KUBE_MAX_STATUS_WRITES) {
        return;
    }
    for (size_t i = 0; i < status->order.n; i++) {
        if (!status->order.items[i]->call) {
            waits_until(w, status->order.items[i]->due_ms);
        }
    }
}

size_t
status_n_pending(const struct status *status)
{
    return status->order.n;
}
