/* A small cluster of files for the tests of the webhook, and requests to a
 * server that knows it. */
#ifndef TESTS_UNIT_WEBHOOK_WORLD_H
#define TESTS_UNIT_WEBHOOK_WORLD_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "tests/unit/json_of.h"
#include "webhook/server.h"

static const char world_files[] =
    "apiVersion: networking.k8s.io/v1\n"
    "kind: IngressClass\n"
    "metadata: {name: sallyport}\n"
    "spec: {controller: sallyport.dev/ingress-controller}\n"
    "---\n"
    "apiVersion: networking.k8s.io/v1\n"
    "kind: IngressClass\n"
    "metadata: {name: nginx}\n"
    "spec: {controller: k8s.io/ingress-nginx}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: web, namespace: a}\n"
    "spec: {ports: [{name: http, port: 80}]}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Service\n"
    "metadata: {name: web, namespace: b}\n"
    "spec: {ports: [{name: http, port: 80}]}\n"
    "---\n"
    "apiVersion: networking.k8s.io/v1\n"
    "kind: Ingress\n"
    "metadata: {name: shop, namespace: a}\n"
    "spec:\n"
    "  ingressClassName: sallyport\n"
    "  rules:\n"
    "  - host: shop.example.com\n"
    "    http:\n"
    "      paths:\n"
    "      - path: /\n"
    "        pathType: Prefix\n"
    "        backend: {service: {name: web, port: {number: 80}}}\n";

/* What is advised against a path on a host of namespace a. */
#define OR_ASK                                                             \
    "use another host, or ask the owners of namespace \"a\""

struct world {
    char folder[64];
    char *file;
    struct ruleset ruleset;
    struct reserve *reserve;
    struct watch *watch;
    struct metrics *metrics;
    struct server *server;
};

static inline void
world_write(struct world *w, const char *text)
{
    AUTO_FREE char *tmp = xasprintf("%s/.tmp", w->folder);
    FILE *f = fopen(tmp, "w");

    fputs(text, f);
    fclose(f);
    if (rename(tmp, w->file) < 0) {
        abort();
    }
}

static inline void
world_init(struct world *w)
{
    AUTO_ERR struct err *err = NULL;

    *w = (struct world) {
        .folder = "/tmp/sallyport-webhook-XXXXXX",
        .ruleset = RULESET_INIT,
    };
    if (!mkdtemp(w->folder)) {
        abort();
    }
    w->file = xasprintf("%s/all.yaml", w->folder);
    world_write(w, world_files);
    err = ruleset_finish(&w->ruleset);
    w->metrics = metrics_new();
    w->reserve = reserve_new(&w->ruleset);
    w->watch = watch_new(&w->ruleset, w->reserve);
    w->server = server_new(w->watch, w->reserve, NULL, w->metrics);
    if (!err) {
        err = watch_open_manifests(w->watch, w->folder);
    }
    if (err) {
        fprintf(stderr, "%s\n", err_text(err));
        abort();
    }
}

static inline void
world_fini(struct world *w)
{
    server_free(w->server);
    watch_free(w->watch);
    reserve_free(w->reserve);
    metrics_free(w->metrics);
    ruleset_fini(&w->ruleset);
    unlink(w->file);
    rmdir(w->folder);
    free(w->file);
}

/* A member that no answer may have would be lost in the text below. */
static inline void
check_members(json_t *object, const char *known)
{
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        AUTO_FREE char *word = xasprintf(" %s ", name);

        if (!strstr(known, word)) {
            fprintf(stderr, "unknown member %s\n", name);
            abort();
        }
    }
}

static inline const char *
text_of(json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "(none)";
}

/* The whole answer as text: verdict, code, reason and message; a line per
 * warning; the patch. */
static inline void
print_answer(const char *text, struct buf *out)
{
    AUTO_JSON json_t *review = json_loads(text, 0, NULL);
    json_t *response = json_object_get(review, "response");
    json_t *status = json_object_get(response, "status");
    json_t *warnings = json_object_get(response, "warnings");
    const char *patch;

    check_members(review, " apiVersion kind response ");
    check_members(response, " uid allowed status warnings patch patchType ");
    check_members(status, " status code reason message details ");
    if (strcmp(text_of(review, "apiVersion"), "admission.k8s.io/v1") != 0 ||
        strcmp(text_of(review, "kind"), "AdmissionReview") != 0 ||
        strcmp(text_of(response, "uid"), "u1") != 0) {
        buf_printf(out, "not an answer: %s", text);
        return;
    }
    buf_puts(out, json_is_true(json_object_get(response, "allowed")) ? "yes"
                                                                     : "no");
    if (status) {
        buf_printf(out, " %d %s: %s",
                   (int) json_integer_value(json_object_get(status, "code")),
                   text_of(status, "reason"), text_of(status, "message"));
    }
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        buf_printf(out, "\nwarning: %s",
                   json_string_value(json_array_get(warnings, i)));
    }
    patch = json_string_value(json_object_get(response, "patch"));
    if (patch) {
        AUTO_FREE char *decoded = NULL;
        size_t size;

        if (!digest_base64_decode(patch, strlen(patch), &decoded, &size)) {
            abort();
        }
        buf_printf(out, "\npatch %s: %s", text_of(response, "patchType"),
                   decoded);
    }
}

/* "200 yes", "400 text", ... */
static inline char *
world_ask(struct world *w, const char *method, const char *path,
          const char *content_type, const char *body)
{
    AUTO_FREE char *json = json_of(body);
    AUTO_BUF struct buf got = BUF_OWN;
    struct httpd_response response = { .status = 200, .body = BUF_OWN };
    const struct httpd_request request = {
        .method = method,
        .path = path,
        .content_type = content_type,
        .body = json,
        .body_size = strlen(json),
    };

    server_answer(&request, &response, w->server);
    buf_printf(&got, "%u ", response.status);
    if (response.status == 200) {
        print_answer(buf_str(&response.body), &got);
    } else {
        buf_puts(&got, buf_str(&response.body));
    }
    if (response.allow) {
        buf_printf(&got, "allow=%s", response.allow);
    }
    if (response.retry_after) {
        buf_printf(&got, "retry=%s", response.retry_after);
    }
    buf_fini(&response.body);
    return buf_take(&got);
}

static inline char *
world_post(struct world *w, const char *path, const char *body)
{
    return world_ask(w, "POST", path, "application/json", body);
}

/* ---- Reviews ---- */

#define REVIEW(NS, REST)                                                   \
    "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview',"        \
    "'request':{'uid':'u1','kind':{'group':'networking.k8s.io',"           \
    "'version':'v1','kind':'Ingress'},'namespace':'" NS "'," REST "}}"
#define CREATE(NS, OBJECT)                                                 \
    REVIEW(NS, "'operation':'CREATE','object':" OBJECT)
#define DRY_CREATE(NS, OBJECT)                                             \
    REVIEW(NS, "'operation':'CREATE','dryRun':true,'object':" OBJECT)
#define UPDATE(NS, OBJECT, OLD)                                            \
    REVIEW(NS, "'operation':'UPDATE','object':" OBJECT ",'oldObject':" OLD)
#define DELETE(NS, OLD) REVIEW(NS, "'operation':'DELETE','oldObject':" OLD)

#define ING(NS, NAME, META, SPEC)                                          \
    "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{"   \
    "'name':'" NAME "','namespace':'" NS "'" META "},'spec':{" SPEC "}}"
#define NOTE(KEY, VALUE) ",'annotations':{'" KEY "':'" VALUE "'}"
#define NGINX(KEY, VALUE) NOTE("nginx.ingress.kubernetes.io/" KEY, VALUE)
#define OURS "'ingressClassName':'sallyport'"
#define BACKEND "'backend':{'service':{'name':'web','port':{'number':80}}}"
#define PATH(P, TYPE)                                                      \
    "{'path':'" P "','pathType':'" TYPE "'," BACKEND "}"
#define RULE(HOST, PATHS)                                                  \
    "{'host':'" HOST "','http':{'paths':[" PATHS "]}}"
#define RULES(LIST) ",'rules':[" LIST "]"
#define HOST(H) OURS RULES(RULE(H, PATH("/", "Prefix")))

#endif /* TESTS_UNIT_WEBHOOK_WORLD_H */
