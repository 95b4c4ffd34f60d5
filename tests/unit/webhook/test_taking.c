/* The protocol of claims between replicas, on an API server in memory.
 *
 * A row is two reviews.  Every interleaving of their requests is played, from
 * nothing, by walking all sequences of "who is next": never may both be
 * admitted, and where the row says so exactly one must be.  Then single
 * walks: what the API server answers, and what must come out of it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/unit/table.h"
#include "webhook/limits.h"
#include "webhook/taking.h"

#define CLASS "sallyport"
#define NS "sallyport-system"
#define WALL 1000000
#define MAX_CLAIMS 4
/* Choices that are walked.  Two who wait for each other until their time is
 * up make more than anybody can walk: after FEW they take turns. */
#define MAX_CHOICES 24
#define FEW 10

static struct ruleset ruleset = RULESET_INIT;

/* ---- an API server: Leases, Ingresses, one counter of versions ---- */

struct store {
    json_t *leases;             /* Name -> Lease */
    json_t *ingresses;          /* Items of all namespaces. */
    int version;
    int n_writes;
};

static void
store_init(struct store *s)
{
    s->leases = json_object();
    s->ingresses = json_array();
    s->version = 10;
    s->n_writes = 0;
}

static void
store_fini(struct store *s)
{
    json_decref(s->leases);
    json_decref(s->ingresses);
}

static const char *
meta(json_t *object, const char *name)
{
    return json_string_value(
        json_object_get(json_object_get(object, "metadata"), name));
}

static void
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

static int
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

static json_t *
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

static json_t *
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
static void
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

static struct kube_claim
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

static bool
may_have(const struct kube_object *ingress, const char *host, void *aux)
{
    (void) ingress;
    (void) host;
    (void) aux;
    return true;
}

static struct taking *
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
static void
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

/* ---- all interleavings ---- */

struct world {
    const struct ask *asks;
    struct store store;
    struct taking *takings[2];
    bool is_stored[2];
    int64_t now_ms;
};

/* What replica 'i' does next: its request is answered, or, once it holds all,
 * the API server stores the object.  Returns false where it has nothing to
 * do before time passes. */
static bool
advance(struct world *w, int i)
{
    struct taking *t = w->takings[i];
    struct taking_request due;

    if (taking_verdict(t) == TAKING_HELD && !w->is_stored[i]) {
        store_ingress(&w->store, &w->asks[i]);
        w->is_stored[i] = true;
        return true;
    }
    if (!taking_start(t, w->now_ms, WALL, &due)) {
        return false;
    }
    answer(&w->store, &due, t, w->now_ms);
    free(due.path);
    free(due.body);
    return true;
}

static bool
is_over(const struct world *w, int i)
{
    return taking_is_over(w->takings[i]) &&
           (taking_verdict(w->takings[i]) != TAKING_HELD || w->is_stored[i]);
}

/* Time passes only where nobody can do anything. */
static void
pass_time(struct world *w)
{
    int64_t due_ms = INT64_MAX;

    for (int i = 0; i < 2; i++) {
        if (taking_due_ms(w->takings[i]) < due_ms) {
            due_ms = taking_due_ms(w->takings[i]);
        }
    }
    assert_true(due_ms > w->now_ms && due_ms < INT64_MAX);
    w->now_ms = due_ms;
}

struct walk {
    uint8_t choices[MAX_CHOICES];
    size_t n;                   /* Choices that were made so far. */
    size_t n_fixed;             /* Of which these are prescribed. */
    size_t most;                /* Walked at most. */
    size_t n_more;              /* Made by turns after them. */
};

static int
choose(struct walk *walk)
{
    if (walk->n == walk->most) {
        return walk->n_more++ % 2;
    }
    if (walk->n >= walk->n_fixed) {
        walk->choices[walk->n] = 0;
    }
    return walk->choices[walk->n++];
}

/* Plays one interleaving.  A choice is asked for where both are at work; who
 * pauses cannot move. */
static void
play(struct world *w, struct walk *walk)
{
    walk->n = walk->n_more = 0;
    while (!is_over(w, 0) || !is_over(w, 1)) {
        const bool can[2] = {
            taking_verdict(w->takings[0]) == TAKING_HELD
                ? !w->is_stored[0]
                : taking_due_ms(w->takings[0]) <= w->now_ms,
            taking_verdict(w->takings[1]) == TAKING_HELD
                ? !w->is_stored[1]
                : taking_due_ms(w->takings[1]) <= w->now_ms,
        };

        if (!can[0] && !can[1]) {
            pass_time(w);
        } else {
            advance(w, can[0] && can[1] ? choose(walk) : can[1]);
        }
    }
}

/* The next sequence of choices in order; false after the last. */
static bool
next_walk(struct walk *walk)
{
    while (walk->n > 0 && walk->choices[walk->n - 1] == 1) {
        walk->n--;
    }
    if (walk->n == 0) {
        return false;
    }
    walk->choices[walk->n - 1] = 1;
    walk->n_fixed = walk->n;
    return true;
}

enum want { AT_MOST_ONE, EXACTLY_ONE, BOTH };

static const struct pair_row {
    const char *name;
    struct ask asks[2];
    enum want want;
} pairs[] = {
    { "one new host from two namespaces",
      { { "a/x", .hosts = { "n.test" }, .keys = { "n.test" } },
        { "b/x", .hosts = { "n.test" }, .keys = { "n.test" } } },
      EXACTLY_ONE },
    { "one new path on an owned host",
      { { "a/x", .keys = { "n.test" } }, { "a/y", .keys = { "n.test" } } },
      EXACTLY_ONE },
    { "a wildcard against an exact host",
      { { "a/x", .hosts = { "*.n.test" }, .keys = { "*.n.test" } },
        { "b/x", .hosts = { "a.n.test" }, .keys = { "a.n.test" } } },
      EXACTLY_ONE },
    { "{a, b} against {b, a}",
      { { "a/x", .hosts = { "a.test", "b.test" } },
        { "b/x", .hosts = { "b.test", "a.test" } } },
      EXACTLY_ONE },
    { "{a, b} against {b}",
      { { "a/x", .hosts = { "a.test", "b.test" } },
        { "b/x", .hosts = { "b.test" } } },
      EXACTLY_ONE },
    { "names that are not known yet",
      { { "a/", "a/uid:1", .hosts = { "n.test" } },
        { "b/", "b/uid:2", .hosts = { "n.test" } } },
      EXACTLY_ONE },
    { "two keys each, crosswise",
      { { "a/x", .keys = { "a.test", "b.test" } },
        { "a/y", .keys = { "b.test", "a.test" } } },
      EXACTLY_ONE },
    { "a wildcard and its host, crosswise",
      { { "a/x", .hosts = { "*.n.test", "a.m.test" } },
        { "b/x", .hosts = { "a.n.test", "*.m.test" } } },
      AT_MOST_ONE },
    { "passthrough against paths",
      { { "a/x", .hosts = { "n.test" }, .mode = "passthrough" },
        { "a/y", .hosts = { "n.test" }, .keys = { "n.test" } } },
      EXACTLY_ONE },
    { "one new host, one namespace, two paths",
      { { "a/x", .hosts = { "n.test" } }, { "a/y", .hosts = { "n.test" } } },
      BOTH },
    { "twins",
      { { "a/x", .hosts = { "n.test" }, .keys = { "n.test" },
          .backend = "s" },
        { "a/y", .hosts = { "n.test" }, .keys = { "n.test" },
          .backend = "s" } },
      BOTH },
    { "a wildcard and its host in one namespace",
      { { "a/x", .hosts = { "*.n.test" } },
        { "a/y", .hosts = { "a.n.test" } } },
      BOTH },
    { "policy path: one new host, two namespaces",
      { { "a/x", .hosts = { "n.test" }, .is_public = true },
        { "b/x", .hosts = { "n.test" }, .is_public = true } },
      BOTH },
    { "policy path: passthrough against paths",
      { { "a/x", .hosts = { "n.test" }, .is_public = true,
          .mode = "passthrough" },
        { "b/x", .hosts = { "n.test" }, .is_public = true } },
      EXACTLY_ONE },
    { "nothing in common",
      { { "a/x", .hosts = { "n.test" } }, { "b/x", .hosts = { "m.test" } } },
      BOTH },
};

/* No claim is left but those of who was admitted. */
static void
check_leftovers(const struct world *w)
{
    json_t *lease;
    const char *name;

    json_object_foreach(w->store.leases, name, lease)
    {
        const char *holder = json_string_value(json_object_get(
            json_object_get(lease, "spec"), "holderIdentity"));
        bool is_backed = false;

        for (int i = 0; i < 2; i++) {
            const struct ask *ask = &w->asks[i];

            is_backed = is_backed ||
                        (w->is_stored[i] &&
                         str_eq(holder, ask->holder ? ask->holder
                                                    : ask->name));
        }
        assert_true(is_backed);
    }
}

static void
check_pair(void **state)
{
    const struct pair_row *row = *state;
    struct walk walk = {
        .most = row->want == AT_MOST_ONE ? FEW : MAX_CHOICES,
    };
    size_t n_walks = 0;
    bool is_whole = true;

    do {
        struct world w = { .asks = row->asks };
        int n;

        store_init(&w.store);
        w.takings[0] = begin(&row->asks[0]);
        w.takings[1] = begin(&row->asks[1]);
        play(&w, &walk);
        n = w.is_stored[0] + w.is_stored[1];
        if (row->want == BOTH) {
            assert_int_equal(n, 2);
        } else {
            assert_true(n < 2);
            assert_true(row->want != EXACTLY_ONE || n == 1);
            check_leftovers(&w);
        }
        taking_free(w.takings[0]);
        taking_free(w.takings[1]);
        store_fini(&w.store);
        n_walks++;
        is_whole = is_whole && walk.n_more == 0;
    } while (next_walk(&walk));
    print_message("         %zu interleavings%s\n", n_walks,
                  is_whole ? ", all there are" : "");
    assert_true(n_walks > 1 && (is_whole || row->want == AT_MOST_ONE));
}

/* ---- single walks ---- */

/* What stands there before: one Lease for the host n.test, and whether its
 * Ingress exists. */
static const struct single_row {
    const char *name;
    const char *holder;         /* NULL: nothing stands there. */
    const char *mode;
    int64_t age_s;
    bool exists;
    int status;                 /* All requests get this; 0: real answers. */
    enum taking_verdict want;
    int n_writes;               /* Upon the API server. */
} singles[] = {
    { "unowned", NULL, "", 0, false, 0, TAKING_HELD, 1 },
    { "a retry of the holder renews it", "a/x", "", 5, false, 0, TAKING_HELD,
      1 },
    { "another of the namespace joins", "a/z", "", 5, true, 0, TAKING_HELD,
      1 },
    { "another namespace has it", "b/z", "", 5, true, 0, TAKING_LOST, 0 },
    { "and has had it for long", "b/z", "", 500, true, 0, TAKING_LOST, 0 },
    { "another's request is on the way", "b/z", "", 5, false, 0, TAKING_LOST,
      0 },
    { "just below the age", "b/z", "", TAKING_AGE_S, false, 0, TAKING_LOST,
      0 },
    { "nobody backs it any more", "b/z", "", TAKING_AGE_S + 1, false, 0,
      TAKING_HELD, 2 },
    { "the other mode has it", "a/z", "passthrough", 5, true, 0, TAKING_LOST,
      0 },
    { "not allowed", NULL, "", 0, false, 403, TAKING_FAILED, 0 },
    { "no such namespace", NULL, "", 0, false, 404, TAKING_FAILED, 0 },
    { "out of order", NULL, "", 0, false, 500, TAKING_FAILED, 0 },
    { "too busy", NULL, "", 0, false, 429, TAKING_FAILED, 0 },
    { "nonsense", NULL, "", 0, false, 200, TAKING_FAILED, 0 },
};

static void
put_lease(struct store *s, const struct single_row *row)
{
    const struct ask before = { .name = row->holder, .mode = row->mode };
    struct kube_claim claim = claim_of(&before, "n.test", false);
    AUTO_FREE char *text =
        claim_render(&claim, NS, (WALL - row->age_s) * 1000000, NULL);

    stamp(s, json_loads(text, 0, NULL), NULL);
    json_decref(json_object_get(s->leases, claim.name));
    claim_fini(&claim);
    s->n_writes = 0;
    if (row->exists) {
        const struct ask stored = { .name = row->holder,
                                    .hosts = { "n.test" } };

        store_ingress(s, &stored);
    }
}

static void
refuse(struct taking *t, int status, int64_t now_ms)
{
    const struct http_response response = {
        .status = status, .body = "{}", .size = 2, .retry_after_ms = -1
    };

    taking_done(t, &response, now_ms, WALL);
}

static void
check_single(void **state)
{
    const struct single_row *row = *state;
    const struct ask ask = { .name = "a/x", .hosts = { "n.test" } };
    struct taking *t = begin(&ask);
    struct store store;
    struct taking_request due;
    int64_t now_ms = 0;

    store_init(&store);
    if (row->holder) {
        put_lease(&store, row);
    }
    while (!taking_is_over(t)) {
        if (!taking_start(t, now_ms, WALL, &due)) {
            assert_true(taking_is_over(t) || taking_due_ms(t) > now_ms);
            now_ms = taking_is_over(t) ? now_ms : taking_due_ms(t);
            continue;
        }
        if (row->status) {
            refuse(t, row->status, now_ms);
        } else {
            answer(&store, &due, t, now_ms);
        }
        free(due.path);
        free(due.body);
    }
    assert_int_equal(taking_verdict(t), row->want);
    assert_int_equal(store.n_writes, row->n_writes);
    assert_true(now_ms <= WEBHOOK_CLAIM_MS);
    assert_true(row->want != TAKING_FAILED || taking_why(t)[0] != '\0');
    taking_free(t);
    store_fini(&store);
}

int
main(void)
{
    int failed = TABLE_RUN("taking, all interleavings", pairs, check_pair);

    return failed + TABLE_RUN("taking, one replica", singles, check_single);
}
