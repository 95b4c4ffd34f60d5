#include "tests/replay/fake_api.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/kube/resource.h"
#include "tests/replay/fake_lease.h"

struct fake_api *fake_api;

static const char *const op_names[FAKE_N_OPS] = {
    [FAKE_LIST] = "list",   [FAKE_WATCH] = "watch", [FAKE_PATCH] = "patch",
    [FAKE_EVENT] = "event", [FAKE_LEASE] = "lease", [FAKE_PROBE] = "probe",
    [FAKE_OBJECT] = "object",
};

void
fake_api_init(struct fake_api *api)
{
    *api = (struct fake_api) { .page = 0 };
    apiserver_init(&api->store);
}

void
fake_api_forget_events(void)
{
    struct fake_api *api = fake_api;

    for (size_t i = 0; i < api->events.n; i++) {
        struct fake_event *event = &api->events.items[i];

        free(event->key);
        free(event->name);
        free(event->reason);
        free(event->note);
    }
    VEC_FINI(&api->events);
}

static void
forget_rests(struct fake_api *api)
{
    for (size_t i = 0; i < api->rests.n; i++) {
        json_decref(api->rests.items[i].items);
    }
    VEC_FINI(&api->rests);
}

void
fake_api_fini(struct fake_api *api)
{
    fake_api_forget_events();
    forget_rests(api);
    VEC_FINI(&api->rules);
    apiserver_fini(&api->store);
    free(api->rival);
    free(api->problem);
}

void
fake_api_note(const char *fmt, ...)
{
    AUTO_FREE char *line = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&line, fmt, args) < 0) {
        abort();
    }
    va_end(args);
    if (fake_api->on_note) {
        fake_api->on_note(line, fake_api->aux);
    }
}

const char *
fake_op_name(enum fake_op op)
{
    return op_names[op];
}

bool
fake_op_parse(const char *name, int *out)
{
    for (int i = 0; i < FAKE_N_OPS; i++) {
        if (str_eq(name, op_names[i])) {
            *out = i;
            return true;
        }
    }
    *out = FAKE_ANY;
    return str_eq(name, "*");
}

/* ---- requests ---- */

static int
hex(char c)
{
    const char *digits = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int) (at - digits) : -1;
}

static char *
unescape(const char *s, size_t length)
{
    AUTO_BUF struct buf out = BUF_OWN;

    for (size_t i = 0; i < length; i++) {
        if (s[i] == '%' && i + 2 < length && hex(s[i + 1]) >= 0 &&
            hex(s[i + 2]) >= 0) {
            buf_putc(&out, (char) (hex(s[i + 1]) * 16 + hex(s[i + 2])));
            i += 2;
        } else {
            buf_putc(&out, s[i]);
        }
    }
    return buf_take(&out);
}

static bool
read_parameter(const char *piece, size_t length, void *aux)
{
    struct fake_request *r = aux;
    AUTO_FREE char *text = unescape(piece, length);
    char *value = strchr(text, '=');
    bool ok = true;

    if (!value) {
        return false;
    }
    *value++ = '\0';
    if (str_eq(text, "watch")) {
        r->op = FAKE_WATCH;
    } else if (str_eq(text, "fieldSelector")) {
        r->selector = xstrdup(value);
    } else if (str_eq(text, "labelSelector")) {
        r->label = xstrdup(value);
    } else if (str_eq(text, "continue")) {
        r->token = xstrdup(value);
    } else if (str_eq(text, "resourceVersion")) {
        ok = parse_u64(value, 1, UINT64_MAX, &r->from);
    } else if (str_eq(text, "limit")) {
        ok = parse_u64(value, 1, 100000, &r->limit);
    } else if (str_eq(text, "timeoutSeconds")) {
        ok = parse_u64(value, 1, 3600, &r->timeout_s);
    } else {
        ok = str_eq(text, "fieldManager") ||
             str_eq(text, "fieldValidation") ||
             str_eq(text, "allowWatchBookmarks");
    }
    return ok;
}

struct segments {
    char *items[12];
    size_t n;
};

static bool
add_segment(const char *piece, size_t length, void *aux)
{
    struct segments *s = aux;

    if (s->n == ARRAY_SIZE(s->items)) {
        return false;
    }
    s->items[s->n++] = unescape(piece, length);
    return true;
}

static bool
find_kind(const char *version, const char *plural, struct fake_request *out)
{
    for (int i = 0; i < KUBE_N_KINDS; i++) {
        enum kube_kind kind = (enum kube_kind) i;
        AUTO_FREE char *path = resource_path(kind, NULL, NULL);

        if (str_ends(path, plural) &&
            path[strlen(path) - strlen(plural) - 1] == '/' &&
            str_eq(resource_api_version(kind), version)) {
            out->kind = kind;
            return true;
        }
    }
    return false;
}

/* The operation on 'plural', with 'rest' segments behind its name. */
static bool
read_operation(const char *version, const char *plural, size_t rest,
               const char *last, struct fake_request *r)
{
    if (str_eq(version, "events.k8s.io/v1") && str_eq(plural, "events")) {
        r->op = FAKE_EVENT;
        return r->ns && rest == 0;
    }
    if (!find_kind(version, plural, r)) {
        return false;
    }
    if (r->kind == KUBE_LEASE) {
        r->op = FAKE_LEASE;
        return r->ns && rest == 0;
    }
    if ((r->kind == KUBE_CONFIG_MAP && r->method != HTTP_GET) ||
        (r->kind == KUBE_SECRET && r->name)) {
        r->op = FAKE_OBJECT;
        return r->ns && rest == 0;
    }
    if (r->method == HTTP_PATCH) {
        r->op = FAKE_PATCH;
        return r->ns && r->kind == KUBE_INGRESS && rest == 1 &&
               str_eq(last, "status");
    }
    return r->method == HTTP_GET && !r->name && rest == 0;
}

/* "/api/v1/..." or "/apis/GROUP/VERSION/...". */
static bool
read_segments(const struct segments *s, struct fake_request *r)
{
    bool is_core = s->n > 2 && str_eq(s->items[1], "api");
    size_t at = is_core ? 3 : 4;
    AUTO_FREE char *version = NULL;
    const char *plural;

    if (s->n <= at) {
        return false;
    }
    version = is_core ? xstrdup(s->items[2])
                      : xasprintf("%s/%s", s->items[2], s->items[3]);
    if (str_eq(s->items[at], "namespaces") && s->n > at + 2) {
        r->ns = xstrdup(s->items[at + 1]);
        at += 2;
    }
    plural = s->items[at++];
    if (at < s->n) {
        r->name = xstrdup(s->items[at++]);
    }
    return read_operation(version, plural, s->n - at, s->items[s->n - 1], r);
}

bool
fake_request_read(const struct http_request *http, struct fake_request *out)
{
    size_t length = strcspn(http->path, "?");
    AUTO_FREE char *path = xstrndup(http->path, length);
    struct segments segments = { .n = 0 };
    bool ok;

    *out = (struct fake_request) { .op = FAKE_LIST, .method = http->method };
    if (str_eq(path, "/livez")) {
        out->op = FAKE_PROBE;
        return true;
    }
    ok = str_split(path, '/', add_segment, &segments) &&
         read_segments(&segments, out);
    if (ok && http->path[length] == '?') {
        ok = str_split(http->path + length + 1, '&', read_parameter, out);
    }
    if (!ok && !fake_api->problem) {
        fake_api->problem = xasprintf("unknown request %s", http->path);
    }
    for (size_t i = 0; i < segments.n; i++) {
        free(segments.items[i]);
    }
    return ok;
}

void
fake_request_fini(struct fake_request *r)
{
    free(r->ns);
    free(r->name);
    free(r->selector);
    free(r->label);
    free(r->token);
}

const struct fake_rule *
fake_api_rule(const struct fake_request *r)
{
    static struct fake_rule used;
    struct fake_api *api = fake_api;

    for (size_t i = 0; i < api->rules.n; i++) {
        struct fake_rule *rule = &api->rules.items[i];

        if ((rule->op != FAKE_ANY && rule->op != (int) r->op) ||
            (rule->kind != FAKE_ANY && rule->kind != (int) r->kind) ||
            (rule->ns[0] && !str_eq(rule->ns, r->ns))) {
            continue;
        }
        if (rule->skip > 0) {
            rule->skip--;
            continue;
        }
        used = *rule;
        if (rule->how != FAKE_HOLD && --rule->times == 0) {
            VEC_REMOVE(&api->rules, i);
        }
        return &used;
    }
    return NULL;
}

/* ---- answers ---- */

void
fake_api_put(struct fake_answer *out, int status, json_t *document)
{
    AUTO_FREE char *text = json_dumps(document, JSON_COMPACT);

    out->status = status;
    buf_puts(&out->body, text);
}

void
fake_api_refuse(struct fake_answer *out, int status, const char *reason,
                const char *message, const char *field)
{
    json_t *causes = json_array();
    json_t *document;

    if (field) {
        json_array_append_new(causes, json_pack("{s:s}", "field", field));
    }
    document = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:{s:o}}", "kind",
                         "Status", "apiVersion", "v1", "status", "Failure",
                         "reason", reason, "message", message, "code", status,
                         "details", "causes", causes);
    fake_api_put(out, status, document);
    json_decref(document);
}

/* One page of 'items' (taken) from a list at 'version'. */
static void
put_page(struct fake_answer *out, uint64_t limit, uint64_t version,
         json_t *items)
{
    size_t n = json_array_size(items);
    size_t take = limit && limit < n ? limit : n;
    AUTO_FREE char *token = NULL;
    AUTO_FREE char *text = xasprintf("%" PRIu64, version);
    json_t *page = json_array();
    json_t *document;

    for (size_t i = 0; i < take; i++) {
        json_t *item = json_copy(json_array_get(items, i));

        /* As real ones: the members of a list do not say what they are. */
        json_object_del(item, "kind");
        json_object_del(item, "apiVersion");
        json_array_append_new(page, item);
    }
    if (take < n) {
        struct fake_rest *rest = VEC_ADD(&fake_api->rests);

        rest->token = ++fake_api->n_tokens;
        rest->version = version;
        rest->items = json_array();
        for (size_t i = take; i < n; i++) {
            json_array_append(rest->items, json_array_get(items, i));
        }
        token = xasprintf("%" PRIu64, rest->token);
    }
    document = json_pack("{s:s, s:{s:s, s:s}, s:o}", "kind", "List",
                         "metadata", "resourceVersion", text, "continue",
                         token ? token : "", "items", page);
    fake_api_put(out, 200, document);
    json_decref(document);
    json_decref(items);
}

static void
answer_list(const struct fake_request *r, struct fake_answer *out)
{
    struct fake_api *api = fake_api;
    uint64_t limit = api->page && (!r->limit || api->page < r->limit)
                         ? api->page
                         : r->limit;
    uint64_t token;

    if (!r->token) {
        put_page(out, limit, api->store.version,
                 apiserver_list(&api->store, r->kind, r->ns, r->selector));
        return;
    }
    for (size_t i = 0; i < api->rests.n; i++) {
        struct fake_rest rest = api->rests.items[i];

        if (parse_u64(r->token, 0, UINT64_MAX, &token) &&
            token == rest.token && rest.version >= api->store.compacted) {
            put_page(out, limit, rest.version, json_incref(rest.items));
            return;
        }
    }
    fake_api_refuse(out, 410, "Expired",
                    "The provided continue parameter is too old", NULL);
}

static void
answer_patch(const struct fake_request *r, json_t *body,
             struct fake_answer *out)
{
    struct fake_api *api = fake_api;
    AUTO_FREE char *key = xasprintf("%s/%s", r->ns, r->name);
    json_t *object = apiserver_get(&api->store, KUBE_INGRESS, key);
    const char *uid = apiserver_text(body, "metadata", "uid");
    json_t *addresses = json_object_get(
        json_object_get(json_object_get(body, "status"), "loadBalancer"),
        "ingress");

    if (!object) {
        fake_api_refuse(out, 404, "NotFound", "ingresses not found", NULL);
    } else if (!json_is_array(addresses)) {
        fake_api_refuse(out, 400, "BadRequest", "no addresses", NULL);
    } else if (!uid ||
               !str_eq(uid, apiserver_text(object, "metadata", "uid"))) {
        fake_api_refuse(out, 422, "Invalid", "field is immutable",
                        "metadata.uid");
    } else {
        api->n_writes++;
        if (api->on_status) {
            api->on_status(key, addresses, r->is_informed, api->aux);
        }
        apiserver_set_addresses(&api->store, key, addresses);
        fake_api_put(out, 200, apiserver_get(&api->store, KUBE_INGRESS, key));
    }
}

/* ---- Events ---- */

static void
create_event(json_t *body, struct fake_answer *out)
{
    struct fake_event *event;
    json_t *regarding = json_object_get(body, "regarding");
    const char *ns = apiserver_text(regarding, NULL, "namespace");
    const char *name = apiserver_text(regarding, NULL, "name");
    const char *reason = apiserver_text(body, NULL, "reason");
    const char *note = apiserver_text(body, NULL, "note");

    if (!name || !reason || !note || strlen(note) > 1024 ||
        !apiserver_text(body, NULL, "action") ||
        !apiserver_text(body, NULL, "eventTime") ||
        !apiserver_text(body, NULL, "reportingController")) {
        fake_api_refuse(out, 422, "Invalid", "not an Event", "regarding");
        return;
    }
    event = VEC_ADD(&fake_api->events);
    event->key = xasprintf("%s/%s", ns ? ns : "", name);
    event->name = xstrdup(apiserver_text(body, "metadata", "name"));
    event->reason = xstrdup(reason);
    event->note = xstrdup(note);
    event->count = 1;
    fake_api_note("event %s %s: %s", event->key, reason, note);
    fake_api_put(out, 201, body);
}

static void
answer_event(const struct fake_request *r, json_t *body,
             struct fake_answer *out)
{
    if (r->method == HTTP_POST) {
        create_event(body, out);
        return;
    }
    for (size_t i = 0; i < fake_api->events.n; i++) {
        struct fake_event *event = &fake_api->events.items[i];

        if (str_eq(event->name, r->name)) {
            event->count = json_integer_value(json_object_get(
                json_object_get(body, "series"), "count"));
            fake_api_put(out, 200, body);
            return;
        }
    }
    fake_api_refuse(out, 404, "NotFound", "events not found", NULL);
}

/* ---- Single objects ---- */

/* As kubectl get prints it. */
static void
answer_type(const char *key, struct fake_answer *out)
{
    json_t *secret = apiserver_get(&fake_api->store, KUBE_SECRET, key);
    json_t *table;

    if (!secret) {
        fake_api_refuse(out, 404, "NotFound", "secrets not found", NULL);
        return;
    }
    table = json_pack("{s:s, s:[{s:s}, {s:s}], s:[{s:[s, s]}]}", "kind",
                      "Table", "columnDefinitions", "name", "Name", "name",
                      "Type", "rows", "cells",
                      apiserver_text(secret, "metadata", "name"),
                      apiserver_text(secret, NULL, "type"));
    fake_api_put(out, 200, table);
    json_decref(table);
}

static void
answer_object(const struct fake_request *r, json_t *body,
             struct fake_answer *out)
{
    struct apiserver *store = &fake_api->store;
    const char *name =
        r->name ? r->name : apiserver_text(body, "metadata", "name");
    AUTO_FREE char *key = xasprintf("%s/%s", r->ns, name ? name : "");
    json_t *object = apiserver_get(store, r->kind, key);

    if (r->kind == KUBE_SECRET) {
        answer_type(key, out);
    } else if (r->method == HTTP_POST && object) {
        fake_api_refuse(out, 409, "AlreadyExists", "it exists", NULL);
    } else if (r->method != HTTP_POST && !object) {
        fake_api_refuse(out, 404, "NotFound", "not found", NULL);
    } else if (r->method == HTTP_PUT &&
               apiserver_version_of(body) != apiserver_version_of(object)) {
        fake_api_refuse(out, 409, "Conflict",
                        "the object has been modified", NULL);
    } else {
        if (r->method != HTTP_GET) {
            apiserver_put(store, r->kind, body);
        }
        fake_api_put(out, r->method == HTTP_POST ? 201 : 200,
                     apiserver_get(store, r->kind, key));
    }
}

void
fake_api_answer(const struct fake_request *r, const char *body, size_t size,
                struct fake_answer *out)
{
    json_t *document = size ? json_loadb(body, size, 0, NULL) : NULL;

    switch (r->op) {
    case FAKE_LIST:
        fake_api->n_brought++;
        answer_list(r, out);
        break;
    case FAKE_PATCH:
        answer_patch(r, document, out);
        break;
    case FAKE_EVENT:
        answer_event(r, document, out);
        break;
    case FAKE_LEASE:
        fake_lease_answer(r, document, out);
        break;
    case FAKE_OBJECT:
        answer_object(r, document, out);
        break;
    case FAKE_WATCH:
    case FAKE_PROBE:
        out->status = 200;
        buf_puts(&out->body, "ok");
        break;
    }
    json_decref(document);
}
