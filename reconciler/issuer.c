#include "reconciler/issuer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/answer.h"
#include "lib/kube/limits.h"
#include "lib/kube/resource.h"
#include "reconciler/issuer_priv.h"

/* Everything is read again this often, whatever rings: clocks jump. */
#define REREAD_MS 60000
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000
/* Writes of one object: somebody who undoes ours must not make us busy. */
#define BURST 6
#define REFILL_MS 60000

#define CONFIGURATIONS "/apis/admissionregistration.k8s.io/v1/"

/* --- Birth --- */

static bool
add_name(const char *piece, size_t length, void *aux)
{
    struct issuer *i = aux;

    if (i->n_names < ISSUER_MAX_NAMES) {
        i->names[i->n_names++] = xstrndup(piece, length);
    }
    return true;
}

static void
set_names(struct issuer *i, const struct issuer_spec *spec)
{
    if (!str_is_empty(spec->names)) {
        str_split(spec->names, ',', add_name, i);
        return;
    }
    i->names[i->n_names++] = xstrdup(spec->service);
    i->names[i->n_names++] = xasprintf("%s.%s", spec->service, spec->ns);
    i->names[i->n_names++] = xasprintf("%s.%s.svc", spec->service, spec->ns);
}

struct issuer *
issuer_new(const struct issuer_spec *spec)
{
    struct issuer *i = xcalloc(1, sizeof *i);

    i->ns = xstrdup(spec->ns);
    i->name[ISSUER_CA] = xstrdup(spec->ca_secret);
    i->name[ISSUER_LEAF] = xstrdup(spec->leaf_secret);
    i->name[ISSUER_VALIDATING] = xstrdup(spec->configuration);
    i->name[ISSUER_MUTATING] = xstrdup(spec->configuration);
    i->overlap_ms = spec->overlap_ms;
    i->trusted_ms = -1;
    i->writes = allowance_new(BURST, REFILL_MS, ISSUER_N_OBJECTS);
    set_names(i, spec);
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        static const char *const kinds[] = {
            [ISSUER_VALIDATING] = "ValidatingWebhookConfiguration",
            [ISSUER_MUTATING] = "MutatingWebhookConfiguration",
        };

        i->seen[o].text =
            o <= ISSUER_LEAF
                ? xasprintf("Secret %s/%s", i->ns, i->name[o])
                : xasprintf("%s %s", kinds[o], i->name[o]);
        i->seen[o].backoff =
            (struct backoff) BACKOFF_INIT(BACKOFF_MIN_MS, BACKOFF_MAX_MS);
    }
    return i;
}

void
issuer_free(struct issuer *i)
{
    if (!i) {
        return;
    }
    issuer_forget(i);
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        free(i->seen[o].text);
        free(i->name[o]);
    }
    for (size_t n = 0; n < i->n_names; n++) {
        free(i->names[n]);
    }
    allowance_free(i->writes);
    free(i->complaint);
    free(i->ns);
    free(i);
}

/* --- Requests --- */

static char *
collection_path(const struct issuer *i, enum issuer_object object)
{
    switch (object) {
    case ISSUER_CA:
    case ISSUER_LEAF:
        break;
    case ISSUER_VALIDATING:
        return xstrdup(CONFIGURATIONS "validatingwebhookconfigurations");
    case ISSUER_MUTATING:
        return xstrdup(CONFIGURATIONS "mutatingwebhookconfigurations");
    }
    return resource_path(KUBE_SECRET, i->ns, NULL);
}

static char *
object_path(const struct issuer *i, enum issuer_object object)
{
    AUTO_FREE char *collection = collection_path(i, object);
    AUTO_BUF struct buf out = BUF_OWN;

    buf_printf(&out, "%s/", collection);
    resource_put_escaped(&out, i->name[object]);
    return buf_take(&out);
}

char *
issuer_watch_path(const struct issuer *i, enum issuer_object object)
{
    AUTO_FREE char *collection = collection_path(i, object);
    AUTO_BUF struct buf out = BUF_OWN;

    buf_printf(&out, "%s?watch=1&fieldSelector=metadata.name%%3D",
               collection);
    resource_put_escaped(&out, i->name[object]);
    buf_puts(&out, "&allowWatchBookmarks=true&timeoutSeconds=300");
    return buf_take(&out);
}

const char *
issuer_object_text(const struct issuer *i, enum issuer_object object)
{
    return i->seen[object].text;
}

static bool
wants_read(const struct issuer_seen *seen, int64_t now_ms)
{
    return seen->due_ms <= now_ms &&
           (!seen->is_known || seen->read_ms + REREAD_MS <= now_ms);
}

static void
begin(struct issuer *i, enum issuer_object object, bool is_write)
{
    i->is_sending = true;
    i->is_write = is_write;
    i->object = object;
    i->n_rings = i->seen[object].n_rings;
}

static bool
start_read(struct issuer *i, int64_t now_ms, struct issuer_request *out)
{
    for (int o = 0; o < ISSUER_N_OBJECTS; o++) {
        const enum issuer_object object = (enum issuer_object) o;

        if (wants_read(&i->seen[o], now_ms)) {
            *out = (struct issuer_request) {
                .object = object,
                .method = HTTP_GET,
                .path = object_path(i, object),
            };
            begin(i, object, false);
            return true;
        }
    }
    return false;
}

static void
complain(struct issuer *i, enum issuer_object object, const char *text)
{
    free(i->complaint);
    i->complaint = xasprintf("%s: %s", i->seen[object].text, text);
}

/* A write with its method: a Secret is made, or put in the place of the
 * version that was read; of a configuration only caBundle is patched. */
static void
make_write(const struct issuer *i, enum issuer_object object, char *body,
           struct issuer_request *out)
{
    const bool is_secret = object == ISSUER_CA || object == ISSUER_LEAF;
    const bool is_there = i->seen[object].document != NULL;

    *out = (struct issuer_request) {
        .object = object,
        .method = !is_secret ? HTTP_PATCH
                  : is_there ? HTTP_PUT
                             : HTTP_POST,
        .content_type = is_secret ? "application/json"
                                  : "application/strategic-merge-patch+json",
        .path = is_there ? object_path(i, object)
                         : collection_path(i, object),
        .body = body,
    };
}

static bool
start_write(struct issuer *i, int64_t now_ms, int64_t wall_s,
            struct issuer_request *out)
{
    enum issuer_object object;
    char *body;

    if (!issuer_decide(i, now_ms, wall_s, &object, &body)) {
        return false;
    }
    if (!allowance_take(i->writes, i->seen[object].text, now_ms)) {
        explicit_bzero(body, strlen(body));
        free(body);
        i->seen[object].due_ms = now_ms + REFILL_MS;
        i->has_news = true;
        complain(i, object, "it is changed back again and again; the next "
                            "try is in a minute");
        return false;
    }
    make_write(i, object, body, out);
    begin(i, object, true);
    return true;
}

bool
issuer_start(struct issuer *i, bool is_leader, int64_t now_ms,
             int64_t wall_s, struct issuer_request *out)
{
    if (i->is_sending) {
        return false;
    }
    if (is_leader != i->is_leading) {
        issuer_forget(i);
        i->is_leading = is_leader;
    }
    if (!is_leader) {
        return false;
    }
    if (start_read(i, now_ms, out)) {
        return true;
    }
    /* Signatures are checked to decide; that is not for every turn. */
    if (!i->has_news && now_ms < i->next_ms) {
        return false;
    }
    i->has_news = false;
    i->next_ms = INT64_MAX;
    return start_write(i, now_ms, wall_s, out);
}

/* --- Answers --- */

static void
failed(struct issuer *i, struct issuer_seen *seen, const struct err *err,
       const struct http_response *response, int64_t now_ms, uint32_t random)
{
    int64_t least = answer_retry_after(response);
    int64_t wait = backoff_fail(&seen->backoff, random);

    seen->is_known = false;
    seen->has_failed_write = i->is_write;
    seen->due_ms = now_ms + (wait > least ? wait : least);
    complain(i, i->object, err_text(err));
}

static const char *
version_of(json_t *document)
{
    return json_string_value(json_object_get(
        json_object_get(document, "metadata"), "resourceVersion"));
}

static bool
is_same_version(json_t *a, json_t *b)
{
    return version_of(a) && str_eq(version_of(a), version_of(b));
}

static void
took(struct issuer *i, struct issuer_seen *seen, json_t *document,
     int64_t now_ms)
{
    if (!document || !is_same_version(seen->document, document)) {
        issuer_read(i, i->object, document);
    }
    /* What may be read and not written is tried more and more rarely. */
    if (i->is_write || !seen->has_failed_write) {
        seen->has_failed_write = false;
        backoff_reset(&seen->backoff);
    }
    seen->is_known = seen->n_rings == i->n_rings;
    seen->read_ms = now_ms;
    seen->due_ms = 0;
}

void
issuer_done(struct issuer *i, const struct http_response *response,
            int64_t now_ms, uint32_t random)
{
    struct issuer_seen *seen = &i->seen[i->object];
    AUTO_ERR struct err *err = answer_err(response);
    AUTO_JSON json_t *document = NULL;

    i->is_sending = false;
    i->has_news = true;
    if (err && err_kind(err) == ERR_GONE && !i->is_write) {
        took(i, seen, NULL, now_ms);
        return;
    }
    if (err && (err_kind(err) == ERR_CONFLICT || err_kind(err) == ERR_GONE)) {
        /* Another was faster: what it made is read, and decides. */
        seen->is_known = false;
        return;
    }
    if (!err) {
        err = jx_load_nul(response->body, response->size, KUBE_MAX_ANSWER,
                          &document);
    }
    if (err) {
        failed(i, seen, err, response, now_ms, random);
        return;
    }
    took(i, seen, document, now_ms);
}

void
issuer_ring(struct issuer *i, enum issuer_object object)
{
    i->seen[object].is_known = false;
    i->seen[object].n_rings++;
}

int64_t
issuer_due_ms(const struct issuer *i)
{
    int64_t due = i->has_news ? 0 : i->next_ms;

    if (i->is_sending || !i->is_leading) {
        return INT64_MAX;
    }
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        const struct issuer_seen *seen = &i->seen[o];
        int64_t at = seen->is_known ? seen->read_ms + REREAD_MS : 0;

        at = at > seen->due_ms ? at : seen->due_ms;
        due = due < at ? due : at;
    }
    return due;
}

char *
issuer_take_complaint(struct issuer *i)
{
    return STEAL_PTR(i->complaint);
}

int64_t
issuer_not_after(const struct issuer *i)
{
    return i->leaf.not_after;
}
