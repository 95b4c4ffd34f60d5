#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "tests/unit/json_of.h"
#include "webhook/skim.h"

#define ENVELOPE                                                           \
    "{'kind':'AdmissionReview','apiVersion':'admission.k8s.io/v1',"        \
    "'request':{"
#define KIND                                                               \
    "'kind':{'group':'networking.k8s.io','version':'v1','kind':'Ingress'}"

#define B16 "0123456789abcdef"
#define B64 B16 B16 B16 B16
#define B256 B64 B64 B64 B64

/* What is left of 'text', and of the old object in it; "-": read it as it is.
 * A ' stands for a ". */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
    bool is_ours;
    const char *old;
    bool is_old_same;
    const char *aside;          /* uid, operation and "same"; "": none. */
} rows[] = {
    { "what is read stays",
      "{'b':'R','request':{'a':'u','object':{'spec':{'a':[1]}}}}",
      "{'b':'R','request':{'a':'u','object':{'spec':{'a':[1]}}}}",
      false, "", false, "" },
    { "the envelope of the API server", ENVELOPE KIND "}}",
      "{'request':{}}", true, "", false, "" },
    { "of something else", ENVELOPE
      "'kind':{'group':'','version':'v1','kind':'Pod'}}}", "-", false, "", false, "" },
    { "one that says twice what it is", ENVELOPE KIND "," KIND "}}", "-",
      false, "", false, "" },
    { "one that says two things",
      "{'kind':'AdmissionReview','kind':'Status'}", "-", false, "", false, "" },
    { "what nobody reads goes",
      "{'request':{'userInfo':{'groups':['a','}']},'a':'u','options':null,"
      "'resource':{},'requestKind':1,'requestResource':'x'}}",
      "{'request':{'a':'u'}}", false, "", false, "" },
    { "of an object",
      "{'request':{'object':{'kind':'Ingress','apiVersion':'v1','metadata':{"
      "'uid':'1','name':'a','labels':{},'managedFields':[{'f':{}}],"
      "'ownerReferences':[],'finalizers':['x'],'annotations':{"
      "'kubectl.kubernetes.io/last-applied-configuration':'{}','b':'c'}},"
      "'status':{}}}}",
      "{'request':{'object':{'metadata':{'name':'a','annotations':{"
      "'b':'c'}}}}}", false, "", false, "" },
    { "another kind than ours stays",
      "{'request':{'object':{'kind':'Pod'}}}",
      "{'request':{'object':{'kind':'Pod'}}}", false, "", false, "" },
    { "only in its place",
      "{'status':1,'request':{'status':2,'object':{'labels':3,'spec':{"
      "'managedFields':4},'metadata':{'status':5,'annotations':{"
      "'labels':'6'}}},'uid':{'userInfo':7}}}",
      "{'status':1,'request':{'status':2,'object':{'labels':3,'spec':{"
      "'managedFields':4},'metadata':{'status':5,'annotations':{"
      "'labels':'6'}}},'uid':{'userInfo':7}}}", false, "", false, "" },
    { "a name with escapes in the envelope",
      "{'request':{'user\\u0049nfo':1}}", "-", false, "", false, "" },
    { "a name with escapes that would come twice",
      "{'request':{'u\\u0069d':'a','uid':'b'}}", "-", false, "", false, "" },
    { "one before the request", "{'\\u0061':1}", "-", false, "", false, "" },
    { "one in the object", "{'request':{'object':{'st\\u0061tus':1}}}", "-",
      false, "", false, "" },
    { "one of an annotation",
      "{'request':{'object':{'metadata':{'annotations':{'\\u0061':'b'}}}}}",
      "-", false, "", false, "" },
    { "the uid", "{'request':{'uid':'705ab4f5-6393-11E8','a':1}}",
      "{'request':{'a':1}}", false, "", false, "705ab4f5-6393-11E8 - -" },
    { "an empty uid", "{'request':{'uid':''}}", "{'request':{'uid':''}}",
      false, "", false, "" },
    { "a uid with escapes", "{'request':{'uid':'\\u0061'}}",
      "{'request':{'uid':'a'}}", false, "", false, "" },
    { "a uid that is no text", "{'request':{'uid':123}}",
      "{'request':{'uid':123}}", false, "", false, "" },
    { "a uid of other letters", "{'request':{'uid':'a b'}}",
      "{'request':{'uid':'a b'}}", false, "", false, "" },
    { "a uid as long as it may be", "{'request':{'uid':'" B256 "'}}",
      "{'request':{}}", false, "", false, B256 " - -" },
    { "a longer one", "{'request':{'uid':'" B256 "a'}}",
      "{'request':{'uid':'" B256 "a'}}", false, "", false, "" },
    { "two uids", "{'request':{'uid':'a','uid':'b'}}", "-", false, "",
      false, "" },
    { "a uid and none", "{'request':{'uid':{},'uid':'b'}}", "-", false, "",
      false, "" },
    { "a new object", "{'request':{'operation':'CREATE'}}", "{'request':{}}",
      false, "", false, "- CREATE -" },
    { "a changed one", "{'request':{'operation':'UPDATE'}}",
      "{'request':{}}", false, "", false, "- UPDATE -" },
    { "anything else", "{'request':{'operation':'DELETE'}}",
      "{'request':{'operation':'DELETE'}}", false, "", false, "" },
    { "in other letters", "{'request':{'operation':'create'}}",
      "{'request':{'operation':'create'}}", false, "", false, "" },
    { "two operations", "{'request':{'operation':'DELETE',"
      "'operation':'CREATE'}}", "-", false, "", false, "" },
    { "who is asked about is the object",
      "{'request':{'name':'a','namespace':'b','object':{'metadata':{"
      "'namespace':'b','name':'a'}}}}",
      "{'request':{'object':{'metadata':{'namespace':'b','name':'a'}}}}",
      false, "", false, "- - same" },
    { "after it",
      "{'request':{'object':{'metadata':{'namespace':'b','name':'a'}},"
      "'namespace':'b','name':'a'}}",
      "{'request':{'object':{'metadata':{'namespace':'b','name':'a'}}}}",
      false, "", false, "- - same" },
    { "who is asked about is another",
      "{'request':{'name':'a','namespace':'b','object':{'metadata':{"
      "'namespace':'c','name':'d'}}}}",
      "{'request':{'object':{'metadata':{'namespace':'c','name':'d'}},"
      "'name':'a','namespace':'b'}}", false, "", false, "" },
    { "the old object is not asked",
      "{'request':{'name':'a','namespace':'b','oldObject':{'metadata':{"
      "'namespace':'b','name':'a'}}}}",
      "{'request':{'name':'a','namespace':'b'}}", false,
      "{'metadata':{'namespace':'b','name':'a'}}", false, "" },
    { "an empty namespace is looked at",
      "{'request':{'namespace':'','object':{'metadata':{'namespace':''}}}}",
      "{'request':{'object':{'metadata':{'namespace':''}},"
      "'namespace':''}}", false, "", false, "" },
    { "and one with escapes",
      "{'request':{'namespace':'\\u0000','object':{'metadata':{"
      "'namespace':'\\u0000'}}}}",
      "{'request':{'object':{'metadata':{'namespace':'\\u0000'}},"
      "'namespace':'\\u0000'}}", false, "", false, "" },
    { "and one that is no text",
      "{'request':{'namespace':{},'object':{'metadata':{'namespace':{}}}}}",
      "{'request':{'object':{'metadata':{'namespace':{}}},"
      "'namespace':{}}}", false, "", false, "" },
    { "two namespaces are asked about",
      "{'request':{'namespace':'b','namespace':'b','object':{'metadata':{"
      "'namespace':'b'}}}}", "-", false, "", false, "" },
    { "two names are", "{'request':{'name':'a','name':'b'}}", "-", false,
      "", false, "" },
    { "an object of two namespaces",
      "{'request':{'namespace':'b','object':{'metadata':{'namespace':'b',"
      "'namespace':'c'}}}}", "-", false, "", false, "" },
    { "an object of two specs",
      "{'request':{'object':{'spec':{},'spec':{}}}}", "-", false, "", false,
      "" },
    { "two objects", "{'request':{'object':{},'object':{}}}", "-", false, "",
      false, "" },
    { "an annotation twice",
      "{'request':{'object':{'metadata':{'annotations':{'a':'b','a':'\\n'}}}}}",
      "-", false, "", false, "" },
    { "a value that is not plain",
      "{'request':{'object':{'metadata':{'annotations':{'a':'\\n\\\\',"
      "'b':'c'}},'spec':{'x':-1}}}}",
      "{'request':{'object':{'metadata':{'annotations':{'a':'\\n\\\\',"
      "'b':'c'}},'spec':{'x':-1}}}}", false, "", false, "" },
    { "a value that is none", "{'request':{'object':{'spec':{'x':'\\q'}}}}",
      "-", false, "", false, "" },
    { "the old object has a text of its own",
      "{'request':{'object':{'spec':{'a':1}},'oldObject':{'spec':{'a':1},"
      "'metadata':{'uid':'1','name':'a'},'status':{},'x':2}}}",
      "{'request':{'object':{'spec':{'a':1}}}}", false,
      "{'spec':{'a':1},'metadata':{'name':'a'},'x':2}", false, "" },
    { "the old object first",
      "{'request':{'oldObject':{'spec':[]},'object':{'spec':[]}}}",
      "{'request':{'object':{'spec':[]}}}", false, "{'spec':[]}", false, "" },
    { "an empty old object", "{'request':{'oldObject':{}}}",
      "{'request':{}}", false, "{}", false, "" },
    { "of the same name",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}},"
      "'oldObject':{'metadata':{'namespace':'b','name':'a'}}}}",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}}}}",
      false, "{'metadata':{'namespace':'b','name':'a'}}", true, "" },
    { "of another name",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}},"
      "'oldObject':{'metadata':{'name':'c','namespace':'b'}}}}",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}}}}",
      false, "{'metadata':{'name':'c','namespace':'b'}}", false, "" },
    { "of two names",
      "{'request':{'oldObject':{'metadata':{'name':'a','name':'a',"
      "'namespace':'b'}},"
      "'object':{'metadata':{'name':'a','namespace':'b'}}}}",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}}}}",
      false, "-", false, "" },
    { "no old object", "{'request':{'a':'u','oldObject':null}}",
      "{'request':{'a':'u'}}", false, "", false, "" },
    { "an old object that is none", "{'request':{'oldObject':7}}",
      "{'request':{'oldObject':7}}", false, "", false, "" },
    { "two old objects", "{'request':{'oldObject':{},'oldObject':{}}}", "-",
      false, "", false, "" },
    { "an old object and none",
      "{'request':{'oldObject':{},'oldObject':null}}", "-", false, "", false, "" },
    { "an old object without end", "{'request':{'oldObject':{'a':[}}}", "-",
      false, "", false, "" },
    { "no dry run", "{'request':{'dryRun':false,'a':'u'}}",
      "{'request':{'a':'u'}}", false, "", false, "" },
    { "a dry run", "{'request':{'dryRun':true}}",
      "{'request':{'dryRun':true}}", false, "", false, "" },
    { "a dry run and none", "{'request':{'dryRun':true,'dryRun':false}}",
      "-", false, "", false, "" },
    { "blanks", " { 'request' : { 'a' : 'u' , 'options' : { } } } \n",
      "{'request':{'a':'u'}}", false, "", false, "" },
    { "quotes and backslashes in strings",
      "{'a':'\\\\','b':'\\'','request':{'userInfo':'\\\\\\'}','c':'d'}}",
      "{'a':'\\\\','b':'\\'','request':{'c':'d'}}", false, "", false, "" },
    { "brackets in strings", "{'a':{'b':'}]{['},'c':[']']}",
      "{'a':{'b':'}]{['},'c':[']']}", false, "", false, "" },
    { "words", "{'a':-1.5e3,'b':true,'c':null}",
      "{'a':-1500.0,'b':true,'c':null}", false, "", false, "" },
    { "empty objects", "{'request':{'object':{}}}",
      "{'request':{'object':{}}}", false, "", false, "" },
    { "a member that should be an object",
      "{'request':[1],'x':{'request':{'options':1}}}",
      "{'request':[1],'x':{'request':{'options':1}}}", false, "", false, "" },
    { "empty", "", "-", false, "", false, "" },
    { "an array", "[]", "-", false, "", false, "" },
    { "no end", "{'a':{'b':1}", "-", false, "", false, "" },
    { "a string without end", "{'a':'b}", "-", false, "", false, "" },
    { "a backslash at the end", "{'a':'b\\", "-", false, "", false, "" },
    { "no value", "{'a':}", "-", false, "", false, "" },
    { "no name", "{1:2}", "-", false, "", false, "" },
    { "a comma at the end", "{'a':1,}", "-", false, "", false, "" },
    { "text behind it", "{'a':1} x", "-", false, "", false, "" },
};

/* What is left of the old object, which waits as a text; "" without one. */
static char *
skim_old(const struct skimmed *skimmed)
{
    AUTO_FREE char *exact = NULL;
    AUTO_JSON json_t *object = NULL;
    bool may_have_nul;

    if (!skimmed->old) {
        return xstrdup("");
    }
    exact = xmemdup(skimmed->old, skimmed->old_size);
    object = skim_object_alone(exact, skimmed->old_size, &may_have_nul);
    return object ? json_dumps(object, JSON_COMPACT) : xstrdup("-");
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *text = json_of(row->text);
    AUTO_FREE char *want = json_of(row->want);
    AUTO_FREE char *old = json_of(row->old);
    AUTO_JSON json_t *document = NULL;
    AUTO_FREE char *left = NULL;
    AUTO_FREE char *left_of_old = NULL;
    AUTO_FREE char *aside = NULL;
    struct skimmed got;
    /* A read past the end is an error that only an exact block shows. */
    const size_t size = strlen(text);
    AUTO_FREE char *exact = xmalloc(size > 0 ? size : 1);

    memcpy(exact, text, size);
    if (!skim_review(exact, size, &got)) {
        assert_string_equal("-", want);
        return;
    }
    document = got.document;
    left = json_dumps(document, JSON_COMPACT);
    assert_string_equal(left, want);
    assert_int_equal(got.may_have_nul, strstr(want, "\\u0000") != NULL);
    left_of_old = skim_old(&got);
    assert_string_equal(left_of_old, old);
    aside = xasprintf("%.*s %s %s", got.uid ? (int) got.uid_size : 1,
                      got.uid ? got.uid : "-",
                      got.operation ? got.operation : "-",
                      got.has_namespace ? "same" : "-");
    assert_string_equal(aside, row->aside[0] ? row->aside : "- - -");
    assert_int_equal(got.is_old_same, row->is_old_same);
    assert_int_equal(got.has_version && got.has_kind && got.has_object_kind,
                     row->is_ours);
}

TABLE_MAIN("skim", rows, check_row)
