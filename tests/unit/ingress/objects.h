/* Objects for the tests of this room, from JSON with ' in place of ". */
#ifndef TESTS_UNIT_INGRESS_OBJECTS_H
#define TESTS_UNIT_INGRESS_OBJECTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/ingress/model.h"
#include "lib/kube/decode.h"
#include "tests/unit/json_of.h"

static inline const struct kube_object *
object_of(enum kube_kind kind, const char *text)
{
    AUTO_FREE char *json = json_of(text);
    AUTO_JSON json_t *document = NULL;
    const struct kube_object *object = NULL;
    struct err *err;

    err = jx_load(json, strlen(json), (size_t) 1 << 20, &document);
    if (!err) {
        err = kube_decode(kind, document, NULL, &object);
    }
    if (err) {
        fprintf(stderr, "%s in: %s\n", err_text(err), text);
        abort();
    }
    return object;
}

/* An Ingress "ns/name" that is 'created' seconds old in 1970 (0: new), with
 * members of metadata.annotations and of spec. */
UNUSED static inline const struct kube_object *
ingress_of(const char *key, int created, const char *annotations,
           const char *spec)
{
    const char *slash = strchr(key, '/');
    AUTO_FREE char *time =
        xasprintf(",'creationTimestamp':'1970-01-01T00:%02d:%02dZ'",
                  created / 60, created % 60);
    AUTO_FREE char *text = xasprintf(
        "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress',"
        "'metadata':{'namespace':'%.*s','name':'%s'%s,'annotations':{%s}},"
        "'spec':{%s}}",
        (int) (slash - key), key, slash + 1, created > 0 ? time : "",
        annotations ? annotations : "", spec);

    return object_of(KUBE_INGRESS, text);
}

UNUSED static inline struct model *
model_of(const struct ruleset *ruleset, const char *key, int created,
         const char *annotations, const char *spec)
{
    AUTO_KUBE const struct kube_object *object =
        ingress_of(key, created, annotations, spec);

    return model_new(object, ruleset);
}

/* --- Pieces of spec --- */

#define SERVICE(name) "'service':{'name':'" name "','port':{'number':80}}"
#define BACKEND(name) "'backend':{" SERVICE(name) "}"
#define PATH(type, path, service)                                          \
    "{'path':'" path "','pathType':'" type "'," BACKEND(service) "}"
#define PREFIX(path, service) PATH("Prefix", path, service)
#define EXACT(path, service) PATH("Exact", path, service)
#define IMPL(path, service) PATH("ImplementationSpecific", path, service)
#define RULE(host, paths) "{'host':'" host "','http':{'paths':[" paths "]}}"
#define RULES(rules) "'rules':[" rules "]"
/* One rule, of the host that most tests have. */
#define RA(paths) RULES(RULE("a.x", paths))
#define TLS(entries) ",'tls':[" entries "]"
#define DEFAULT(service) "'defaultBackend':{" SERVICE(service) "}"
#define ANNOTATION(name, value)                                            \
    "'nginx.ingress.kubernetes.io/" name "':'" value "'"
#define PASSTHROUGH ANNOTATION("ssl-passthrough", "true")
#define CANARY ANNOTATION("canary", "true")
#define REGEX ANNOTATION("use-regex", "true")

#endif /* TESTS_UNIT_INGRESS_OBJECTS_H */
