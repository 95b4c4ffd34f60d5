/* What the tests of taking share: an API server in memory, and reviews that
 * take claims from it. */
#ifndef TESTS_UNIT_WEBHOOK_TAKING_HELP_H
#define TESTS_UNIT_WEBHOOK_TAKING_HELP_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "webhook/limits.h"
#include "webhook/taking.h"

#define CLASS "sallyport"
#define NS "sallyport-system"
#define WALL 1000000
#define MAX_CLAIMS 4

static struct ruleset ruleset = RULESET_INIT;

/* ---- an API server: Leases, Ingresses, one counter of versions ---- */

struct store {
    json_t *leases;             /* Name -> Lease */
    json_t *ingresses;          /* Items of all namespaces. */
    int version;
    int n_writes;
};

static inline void
store_init(struct store *s)
{
    s->leases = json_object();
    s->ingresses = json_array();
    s->version = 10;
    s->n_writes = 0;
}

static inline void
store_fini(struct store *s)
{
    json_decref(s->leases);
    json_decref(s->ingresses);
}

static inline const char *
meta(json_t *object, const char *name)
{
    return json_string_value(
        json_object_get(json_object_get(object, "metadata"), name));
}

static inline void
stamp(struct store *s, json_t *lease, const char *uid)
{
    json_t *m = json_object_get(lease, "metadata");
    char version[16];

    snprintf(version, sizeof version, "%d", ++s->version);
    s->n_writes++;
    json_object_set_new(m, "resourceVersion", json_string(version));
    json_object_set_new(m, "uid", json_string(uid ? uid : version));
    json_object_set_new(s->leases, meta(lease, "name"), json_incref(lease));
}

static inline int
answer_write(struct store *s, const struct taking_request *r, json_t *known,
             json_t *body)
{
    const char *version, *uid;

    if (r->method == HTTP_POST) {
        known = json_object_get(s->leases, meta(body, "name"));
        if (known) {
            return 409;
        }
        stamp(s, body, NULL);
        return 201;
    }
    if (!known) {
        return 404;
    }
    if (r->method == HTTP_PUT) {
        version = meta(body, "resourceVersion");
        uid = meta(body, "uid");
    } else {
        json_t *p = json_object_get(body, "preconditions");

        version = json_string_value(json_object_get(p, "resourceVersion"));
        uid = json_string_value(json_object_get(p, "uid"));
    }
    assert_non_null(version);
    if (!str_eq(version, meta(known, "resourceVersion")) ||
        !str_eq(uid, meta(known, "uid"))) {
        return 409;
    }
    if (r->method == HTTP_PUT) {
        stamp(s, body, uid);
    } else {
        s->n_writes++;
        json_object_del(s->leases, meta(known, "name"));
    }
    return 200;
}

static inline json_t *
list_family(const struct store *s, const char *family)
{
    json_t *items = json_array();
    json_t *lease;
    const char *name;

    json_object_foreach(s->leases, name, lease)
    {
        const char *label = json_string_value(json_object_get(
            json_object_get(json_object_get(lease, "metadata"), "labels"),
            CLAIM_FAMILY_LABEL));

        if (label && str_ends(family, label)) {
            json_array_append(items, lease);
        }
    }
    return json_pack("{s:o}", "items", items);
}

static inline json_t *
list_ingresses(const struct store *s, const char *path)
{
    json_t *items = json_array();
    json_t *ingress;
    size_t i;

    json_array_foreach(s->ingresses, i, ingress)
    {
        AUTO_FREE char *part =
            xasprintf("/namespaces/%s/ingresses", meta(ingress, "namespace"));

        if (str_ends(path, part)) {
            json_array_append(items, ingress);
        }
    }
    return json_pack("{s:o}", "items", items);
}

/* Answers one request as an API server does, at once. */
static inline void
answer(struct store *s, const struct taking_request *r, struct taking *t,
       int64_t now_ms)
{
    json_t *body = r->body ? json_loads(r->body, 0, NULL) : NULL;
    const char *name = strrchr(r->path, '/') + 1;
    json_t *known = json_object_get(s->leases, name);
    json_t *out = NULL;
    AUTO_FREE char *text = NULL;
    struct http_response response = { .status = 200, .retry_after_ms = -1 };

    assert_null(strstr(r->path, "resourceVersion"));
    if (r->method != HTTP_GET) {
        response.status = answer_write(s, r, known, body);
        out = response.status < 300 && r->method != HTTP_DELETE
                  ? json_incref(body)
                  : json_object();
    } else if (str_ends(r->path, "/ingresses")) {
        out = list_ingresses(s, r->path);
    } else if (strstr(r->path, "?labelSelector=")) {
        out = list_family(s, r->path);
    } else {
        response.status = known ? 200 : 404;
        out = known ? json_incref(known) : json_object();
    }
    text = json_dumps(out, 0);
    response.body = text;
    response.size = strlen(text);
    taking_done(t, &response, now_ms, WALL);
    json_decref(out);
    json_decref(body);
}

/* ---- reviews ---- */

struct ask {
    const char *name;           /* "namespace/name"; it is the holder, too. */
    const char *holder;         /* NULL: as the name. */
    const char *hosts[2];       /* Hosts that are new. */
    const char *keys[2];        /* Hosts of "/" keys that are new. */
    const char *mode;
    const char *backend;        /* Of the keys; NULL: as the name. */
    bool is_public;
};

static inline struct kube_claim
claim_of(const struct ask *ask, const char *host, bool is_key)
{
    AUTO_FREE char *key = is_key ? xasprintf("%s/", host) : NULL;
    struct kube_claim c = {
        .host = xstrdup(host),
        .key = key ? xstrdup(key) : NULL,
        .class = xstrdup(CLASS),
        .holder = xstrdup(ask->holder ? ask->holder : ask->name),
        .mode = xstrdup(ask->mode ? ask->mode : "paths"),
        .backend = xstrdup(ask->backend ? ask->backend : ask->name),
        .is_public = ask->is_public,
    };

    claim_name(CLASS, host, key, c.name);
    if (!is_key) {
        claim_family(CLASS, host, c.family);
    }
    return c;
}

static inline bool
may_have(const struct kube_object *ingress, const char *host, void *aux)
{
    (void) ingress;
    (void) host;
    (void) aux;
    return true;
}

static inline struct taking *
begin(const struct ask *ask)
{
    struct kube_claim *claims = xcalloc(MAX_CLAIMS, sizeof *claims);
    struct taking_spec spec = {
        .ns = NS,
        .ruleset = &ruleset,
        .self = ask->name,
        .claims = claims,
        .may_have = may_have,
        .deadline_ms = WEBHOOK_CLAIM_MS,
    };

    for (size_t i = 0; i < 2; i++) {
        if (ask->hosts[i]) {
            claims[spec.n++] = claim_of(ask, ask->hosts[i], false);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (ask->keys[i]) {
            claims[spec.n++] = claim_of(ask, ask->keys[i], true);
        }
    }
    return taking_new(&spec);
}

/* The API server stores what was admitted. */
static inline void
store_ingress(struct store *s, const struct ask *ask)
{
    const size_t length = strcspn(ask->name, "/");
    AUTO_FREE char *ns = xstrndup(ask->name, length);
    json_t *rules = json_array();

    for (size_t i = 0; i < 2; i++) {
        const char *host = ask->keys[i] ? ask->keys[i] : ask->hosts[i];

        if (host) {
            json_array_append_new(
                rules,
                json_pack("{s:s, s:{s:[{s:s, s:s, s:{s:{s:s, s:{s:i}}}}]}}",
                          "host", host, "http", "paths", "path", "/",
                          "pathType", "Prefix", "backend", "service", "name",
                          "web", "port", "number", 80));
        }
    }
    json_array_append_new(
        s->ingresses,
        json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:o}}", "metadata",
                  "namespace", ns, "name", ask->name + length + 1, "uid",
                  ask->name, "resourceVersion", "1", "spec", "rules",
                  rules));
}

#endif /* TESTS_UNIT_WEBHOOK_TAKING_HELP_H */
