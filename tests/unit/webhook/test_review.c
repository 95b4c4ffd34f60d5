#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/unit/json_of.h"
#include "webhook/review.h"

#define KIND                                                               \
    "'kind':{'group':'networking.k8s.io','version':'v1','kind':'Ingress'}"
#define HEAD                                                               \
    "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview',"        \
    "'request':{'uid':'u1'," KIND ",'namespace':'a',"
#define ING(meta)                                                          \
    "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{"   \
    meta "},'spec':{}}"
#define A_WEB ING("'name':'web','namespace':'a'")
#define A_OTHER ING("'name':'other','namespace':'a'")

/* 'want' is the error, or what was read: operation, key, old, flags.  A '
 * stands for a " in 'body'. */
static const struct row {
    const char *name;
    const char *body;
    const char *want;
} rows[] = {
    { "create", HEAD "'operation':'CREATE','object':" A_WEB "}}",
      "create a/web old=- spec" },
    { "unknown members are tolerated",
      HEAD "'operation':'CREATE','options':{},'userInfo':{'groups':[1]},"
           "'object':" A_WEB "}}",
      "create a/web old=- spec" },
    { "dry run",
      HEAD "'operation':'CREATE','dryRun':true,'object':" A_WEB "}}",
      "create a/web old=- dry spec" },
    { "update",
      HEAD "'operation':'UPDATE','name':'web','object':" A_WEB
           ",'oldObject':" A_WEB "}}",
      "update a/web old=a/web spec" },
    { "null counts as absent",
      HEAD "'operation':'CREATE','name':null,'dryRun':null,'oldObject':null,"
           "'object':" A_WEB "}}",
      "create a/web old=- spec" },
    { "delete has no object",
      HEAD "'operation':'DELETE','object':null,'oldObject':" A_WEB "}}",
      "delete - old=-" },
    { "connect", HEAD "'operation':'CONNECT'}}", "connect - old=-" },
    { "being deleted",
      HEAD "'operation':'UPDATE','object':" ING(
          "'name':'web','namespace':'a',"
          "'deletionTimestamp':'2026-01-01T00:00:00Z'") "}}",
      "update a/web old=- deleting spec" },
    { "generateName without a name",
      HEAD "'operation':'CREATE','object':" ING(
          "'generateName':'web-','namespace':'a'") "}}",
      "create a/ old=- spec" },
    { "no spec",
      HEAD "'operation':'CREATE','object':{'metadata':{'name':'web',"
           "'namespace':'a'}}}}",
      "create a/web old=-" },
    { "an object that does not decode is kept as the reason",
      HEAD "'operation':'CREATE','object':{'metadata':{'name':'web',"
           "'namespace':'a'},'spec':{'rules':7}}}}",
      "create broken old=- spec: spec.rules: must be an array" },
    { "a NUL byte in an annotation",
      HEAD "'operation':'CREATE','object':" ING(
          "'name':'web','namespace':'a','annotations':{'b':'1','c/d':"
          "'x\\u0000y'}") "}}",
      "create broken old=- spec: the value of "
      "\"metadata.annotations[c/d]\" holds a NUL byte (\\u0000), which no "
      "value of an Ingress may: remove it" },
    { "a NUL byte in a list",
      HEAD "'operation':'CREATE','object':{'metadata':{'name':'web',"
           "'namespace':'a'},'spec':{'rules':[{},{'host':'\\u0000'}]}}}}",
      "create broken old=- spec: the value of \"spec.rules[1].host\" holds "
      "a NUL byte (\\u0000), which no value of an Ingress may: remove it" },
    { "a NUL byte in the old object alone",
      HEAD "'operation':'UPDATE','object':" A_WEB ",'oldObject':" ING(
          "'name':'web','namespace':'a','annotations':{'a':'\\u0000'}") "}}",
      "update a/web old=- spec" },
    { "a NUL byte in the envelope",
      "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview',"
      "'request':{'uid':'u\\u0000'," KIND ",'operation':'CONNECT'}}",
      "!request.uid: holds a NUL byte" },
    { "an old object that does not decode counts as none",
      HEAD "'operation':'UPDATE','object':" A_WEB
           ",'oldObject':{'metadata':7}}}",
      "update a/web old=- spec" },
    { "empty", "", "!JSON line 1 column 0: \"'[' or '{' expected near end of "
                   "file\"" },
    { "not JSON", "hello", "!JSON line 1 column 5: \"'[' or '{' expected "
                           "near 'hello'\"" },
    { "text after the end", HEAD "'operation':'CONNECT'}} x",
      "!JSON line 1 column 193: \"end of file expected near 'x'\"" },
    { "a key twice", "{'kind':1,'kind':2}",
      "!JSON line 1 column 16: \"duplicate object key near '\\\"kind\\\"'\"" },
    { "an array", "[]", "!the body is not a JSON object" },
    { "no version", "{'kind':'AdmissionReview'}",
      "!apiVersion: is missing" },
    { "v1beta1",
      "{'apiVersion':'admission.k8s.io/v1beta1','kind':'AdmissionReview'}",
      "!apiVersion: is \"admission.k8s.io/v1beta1\", not "
      "\"admission.k8s.io/v1\"" },
    { "another kind of document",
      "{'apiVersion':'admission.k8s.io/v1','kind':'Status'}",
      "!kind: is \"Status\", not \"AdmissionReview\"" },
    { "no request",
      "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview'}",
      "!request: is missing" },
    { "the request is text",
      "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview',"
      "'request':'x'}",
      "!request: must be an object" },
    { "a Pod",
      "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview',"
      "'request':{'uid':'u','kind':{'group':'','version':'v1','kind':'Pod'},"
      "'operation':'CREATE'}}",
      "!request.kind.group: is \"\", not \"networking.k8s.io\"" },
    { "an old version of Ingress",
      "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview',"
      "'request':{'uid':'u','kind':{'group':'networking.k8s.io',"
      "'version':'v1beta1','kind':'Ingress'},'operation':'CREATE'}}",
      "!request.kind.version: is \"v1beta1\", not \"v1\"" },
    { "no uid",
      "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview',"
      "'request':{" KIND ",'operation':'CONNECT'}}",
      "!request.uid: is missing" },
    { "an empty uid",
      "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview',"
      "'request':{'uid':''," KIND ",'operation':'CONNECT'}}",
      "!request.uid: is empty or longer than 256 bytes" },
    { "no operation", HEAD "'x':1}}", "!request.operation: is missing" },
    { "an unknown operation", HEAD "'operation':'create'}}",
      "!request.operation: is \"create\", not CREATE, UPDATE, DELETE or "
      "CONNECT" },
    { "dryRun is text", HEAD "'operation':'CONNECT','dryRun':'yes'}}",
      "!request.dryRun: must be true or false" },
    { "create without an object", HEAD "'operation':'CREATE'}}",
      "!request.object: is missing" },
    { "the object is an array", HEAD "'operation':'CREATE','object':[]}}",
      "!request.object: must be an object" },
    { "another name than the object's",
      HEAD "'operation':'CREATE','name':'x','object':" A_WEB "}}",
      "!request.name: is not the name of the object" },
    { "another namespace than the object's",
      HEAD "'operation':'CREATE','object':" ING(
          "'name':'web','namespace':'b'") "}}",
      "!request.namespace: is not the namespace of the object" },
    { "an old object of another name",
      HEAD "'operation':'UPDATE','object':" A_WEB ",'oldObject':" A_OTHER
           "}}",
      "!request.oldObject: is another object" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *body = json_of(row->body);
    AUTO_BUF struct buf got = BUF_OWN;
    AUTO_REVIEW struct review r;
    AUTO_ERR struct err *err = NULL;

    memset(&r, 0xa5, sizeof r);
    err = review_read(body, strlen(body), &r);
    if (err) {
        buf_printf(&got, "!%s", err_text(err));
        assert_null(r.uid);
    } else {
        assert_string_equal(r.uid, "u1");
        const struct kube_object *old = review_old(&r);

        assert_ptr_equal(review_old(&r), old);
        buf_printf(&got, "%s %s old=%s%s%s%s",
                   review_operation_name(r.operation),
                   r.object ? r.object->key : r.broken ? "broken" : "-",
                   old ? old->key : "-", r.is_dry_run ? " dry" : "",
                   r.is_deleting ? " deleting" : "",
                   r.has_spec ? " spec" : "");
        if (r.broken) {
            buf_printf(&got, ": %s", r.broken);
        }
    }
    assert_string_equal(buf_str(&got), row->want);
}

/* Depth is capped by the parser, size by us. */
static void
check_caps(void **state)
{
    const size_t size = ((size_t) 8 << 20) + 1;
    AUTO_FREE char *deep = xcalloc(1, 100001);
    AUTO_FREE char *large = xcalloc(1, size + 1);
    AUTO_ERR struct err *err = NULL;
    AUTO_REVIEW struct review r;

    (void) state;
    memset(deep, '[', 100000);
    err = review_read(deep, 100000, &r);
    assert_non_null(err);
    assert_non_null(strstr(err_text(err), "maximum parsing depth"));
    err_freep(&err);
    memset(large, ' ', size);
    err = review_read(large, size, &r);
    assert_non_null(err);
    assert_int_equal(err_kind(err), ERR_LIMIT);
}

/* The memory of a document, many times its text, has a cap of its own. */
static void
check_memory(void **state)
{
    static const char head[] =
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"a\":[[]";
    const size_t n = 2000000;
    AUTO_BUF struct buf text = BUF_OWN;
    AUTO_ERR struct err *err = NULL;
    AUTO_REVIEW struct review r;

    (void) state;
    buf_puts(&text, head);
    for (size_t i = 0; i < n; i++) {
        buf_put(&text, ",[]", 3);
    }
    buf_puts(&text, "]}}");
    assert_true(text.size < (size_t) 8 << 20);
    err = review_read(text.data, text.size, &r);
    assert_non_null(err);
    assert_string_equal(err_text(err), "the review takes more than 67108864 "
                                       "bytes of memory");
    assert_int_equal(err_kind(err), ERR_LIMIT);
}

/* An update of an annotation alone, either way round: the old object is read
 * when it is asked for. */
static void
check_old(void **state)
{
#define SPEC "'spec':{'rules':[{'host':'a.example.com'}]}"
#define NEW "'object':{'metadata':{'name':'web','namespace':'a'," \
    "'annotations':{'b':'1'}}," SPEC "}"
#define OLD "'oldObject':{" SPEC ",'metadata':{'name':'web','namespace':'a'}}"
    static const char *const bodies[] = {
        HEAD "'operation':'UPDATE'," NEW "," OLD "}}",
        HEAD "'operation':'UPDATE'," OLD "," NEW "}}",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        AUTO_FREE char *body = json_of(bodies[i]);
        AUTO_REVIEW struct review r;
        const struct kube_object *old;

        assert_null(review_read(body, strlen(body), &r));
        assert_null(r.old);
        old = review_old(&r);
        assert_int_equal(r.object->annotations.n, 1);
        assert_int_equal(old->annotations.n, 0);
        assert_int_equal(r.object->ingress.n_rules, 1);
        assert_int_equal(old->ingress.n_rules, 1);
        assert_string_equal(old->ingress.rules[0].host, "a.example.com");
        assert_true(r.has_spec);
    }
}

/* One that is long is read at once, on the common account. */
static void
check_long_old(void **state)
{
    const size_t size = 100000;
    AUTO_BUF struct buf body = BUF_OWN;
    AUTO_FREE char *head = json_of(
        HEAD "'operation':'UPDATE','object':" A_WEB ",'oldObject':{"
             "'metadata':{'name':'web','namespace':'a','annotations':{'b':'");
    AUTO_FREE char *value = xmalloc(size + 1);
    AUTO_FREE char *tail = json_of("'}}}}}");
    AUTO_REVIEW struct review r;

    (void) state;
    memset(value, 'x', size);
    value[size] = '\0';
    buf_puts(&body, head);
    buf_puts(&body, value);
    buf_puts(&body, tail);
    assert_null(review_read(body.data, body.size, &r));
    assert_non_null(r.old);
    assert_ptr_equal(review_old(&r), r.old);
    assert_string_equal(kube_pair(&r.old->annotations, "b"), value);
}

/* A place in an error is one in what was sent. */
static void
check_place(void **state)
{
    AUTO_FREE char *body =
        json_of("{'request':{'userInfo':{},'uid':'a','object':{'x':1 2}}}");
    AUTO_ERR struct err *err = NULL;
    AUTO_REVIEW struct review r;

    (void) state;
    err = review_read(body, strlen(body), &r);
    assert_non_null(err);
    assert_string_equal(err_text(err),
                        "JSON line 1 column 53: \"'}' expected near '2'\"");
}

int
main(void)
{
    const struct CMUnitTest more[] = {
        cmocka_unit_test(check_caps),
        cmocka_unit_test(check_memory),
        cmocka_unit_test(check_old),
        cmocka_unit_test(check_long_old),
        cmocka_unit_test(check_place),
    };
    int failed = TABLE_RUN("review", rows, check_row);

    return failed + cmocka_run_group_tests_name("review, more", more, NULL,
                                                NULL);
}
