#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "webhook/skim.h"

#define ENVELOPE                                                           \
    "{'kind':'AdmissionReview','apiVersion':'admission.k8s.io/v1',"        \
    "'request':{"
#define KIND                                                               \
    "'kind':{'group':'networking.k8s.io','version':'v1','kind':'Ingress'}"

/* What is left of 'text', and of the old object in it; "-": read it as it is.
 * A ' stands for a ". */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
    bool is_ours;
    const char *old;
    bool is_old_same;
} rows[] = {
    { "what is read stays",
      "{'b':'R','request':{'uid':'u','object':{'spec':{'a':[1]}}}}",
      "{'b':'R','request':{'uid':'u','object':{'spec':{'a':[1]}}}}",
      false, "", false },
    { "the envelope of the API server", ENVELOPE KIND "}}",
      "{'request':{}}", true, "", false },
    { "of something else", ENVELOPE
      "'kind':{'group':'','version':'v1','kind':'Pod'}}}", "-", false, "", false },
    { "one that says twice what it is", ENVELOPE KIND "," KIND "}}", "-",
      false, "", false },
    { "one that says two things",
      "{'kind':'AdmissionReview','kind':'Status'}", "-", false, "", false },
    { "what nobody reads goes",
      "{'request':{'userInfo':{'groups':['a','}']},'uid':'u','options':null,"
      "'resource':{},'requestKind':1,'requestResource':'x'}}",
      "{'request':{'uid':'u'}}", false, "", false },
    { "of an object",
      "{'request':{'object':{'kind':'Ingress','apiVersion':'v1','metadata':{"
      "'uid':'1','name':'a','labels':{},'managedFields':[{'f':{}}],"
      "'ownerReferences':[],'finalizers':['x'],'annotations':{"
      "'kubectl.kubernetes.io/last-applied-configuration':'{}','b':'c'}},"
      "'status':{}}}}",
      "{'request':{'object':{'metadata':{'name':'a','annotations':{"
      "'b':'c'}}}}}", false, "", false },
    { "another kind than ours stays",
      "{'request':{'object':{'kind':'Pod'}}}",
      "{'request':{'object':{'kind':'Pod'}}}", false, "", false },
    { "only in its place",
      "{'status':1,'request':{'status':2,'object':{'labels':3,'spec':{"
      "'managedFields':4},'metadata':{'status':5,'annotations':{"
      "'labels':'6'}}},'uid':{'userInfo':7}}}",
      "{'status':1,'request':{'status':2,'object':{'labels':3,'spec':{"
      "'managedFields':4},'metadata':{'status':5,'annotations':{"
      "'labels':'6'}}},'uid':{'userInfo':7}}}", false, "", false },
    { "a name with escapes is none of them",
      "{'request':{'user\\u0049nfo':1}}", "{'request':{'user\\u0049nfo':1}}",
      false, "", false },
    { "the old object has a text of its own",
      "{'request':{'object':{'spec':{'a':1}},'oldObject':{'spec':{'a':1},"
      "'metadata':{'uid':'1','name':'a'},'status':{},'x':2},'uid':'u'}}",
      "{'request':{'object':{'spec':{'a':1}},'uid':'u'}}", false,
      "{'spec':{'a':1},'metadata':{'name':'a'},'x':2}", false },
    { "the old object first",
      "{'request':{'oldObject':{'spec':[]},'object':{'spec':[]}}}",
      "{'request':{'object':{'spec':[]}}}", false, "{'spec':[]}", false },
    { "an empty old object", "{'request':{'oldObject':{}}}",
      "{'request':{}}", false, "{}", false },
    { "of the same name",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}},"
      "'oldObject':{'metadata':{'namespace':'b','name':'a'}}}}",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}}}}",
      false, "{'metadata':{'namespace':'b','name':'a'}}", true },
    { "of another name",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}},"
      "'oldObject':{'metadata':{'name':'c','namespace':'b'}}}}",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}}}}",
      false, "{'metadata':{'name':'c','namespace':'b'}}", false },
    { "of two names",
      "{'request':{'oldObject':{'metadata':{'name':'a','name':'a',"
      "'namespace':'b'}},"
      "'object':{'metadata':{'name':'a','namespace':'b'}}}}",
      "{'request':{'object':{'metadata':{'name':'a','namespace':'b'}}}}",
      false, "{'metadata':{'name':'a','name':'a','namespace':'b'}}", false },
    { "no old object", "{'request':{'uid':'u','oldObject':null}}",
      "{'request':{'uid':'u'}}", false, "", false },
    { "an old object that is none", "{'request':{'oldObject':7}}",
      "{'request':{'oldObject':7}}", false, "", false },
    { "two old objects", "{'request':{'oldObject':{},'oldObject':{}}}", "-",
      false, "", false },
    { "an old object and none",
      "{'request':{'oldObject':{},'oldObject':null}}", "-", false, "", false },
    { "an old object without end", "{'request':{'oldObject':{'a':[}}}", "-",
      false, "", false },
    { "no dry run", "{'request':{'dryRun':false,'uid':'u'}}",
      "{'request':{'uid':'u'}}", false, "", false },
    { "a dry run", "{'request':{'dryRun':true}}",
      "{'request':{'dryRun':true}}", false, "", false },
    { "a dry run and none", "{'request':{'dryRun':true,'dryRun':false}}",
      "-", false, "", false },
    { "blanks", " { 'request' : { 'uid' : 'u' , 'options' : { } } } \n",
      "{'request':{'uid':'u'}}", false, "", false },
    { "quotes and backslashes in strings",
      "{'a':'\\\\','b':'\\'','request':{'userInfo':'\\\\\\'}','c':'d'}}",
      "{'a':'\\\\','b':'\\'','request':{'c':'d'}}", false, "", false },
    { "brackets in strings", "{'a':{'b':'}]{['},'c':[']']}",
      "{'a':{'b':'}]{['},'c':[']']}", false, "", false },
    { "words", "{'a':-1.5e3,'b':true,'c':null}",
      "{'a':-1.5e3,'b':true,'c':null}", false, "", false },
    { "empty objects", "{'request':{'object':{}}}",
      "{'request':{'object':{}}}", false, "", false },
    { "a member that should be an object",
      "{'request':[1],'x':{'request':{'options':1}}}",
      "{'request':[1],'x':{'request':{'options':1}}}", false, "", false },
    { "empty", "", "-", false, "", false },
    { "an array", "[]", "-", false, "", false },
    { "no end", "{'a':{'b':1}", "-", false, "", false },
    { "a string without end", "{'a':'b}", "-", false, "", false },
    { "a backslash at the end", "{'a':'b\\", "-", false, "", false },
    { "no value", "{'a':}", "-", false, "", false },
    { "no name", "{1:2}", "-", false, "", false },
    { "a comma at the end", "{'a':1,}", "-", false, "", false },
    { "text behind it", "{'a':1} x", "-", false, "", false },
};

static char *
json_of(const char *text)
{
    char *copy = xstrdup(text);

    for (char *c = copy; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    return copy;
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_FREE char *text = json_of(row->text);
    AUTO_FREE char *want = json_of(row->want);
    AUTO_FREE char *old = json_of(row->old);
    AUTO_SKIMMED struct skimmed got = SKIMMED_INIT;
    /* A read past the end is an error that only an exact block shows. */
    const size_t size = strlen(text);
    AUTO_FREE char *exact = xmalloc(size > 0 ? size : 1);

    memcpy(exact, text, size);
    if (!skim_review(exact, size, &got)) {
        assert_string_equal("-", want);
        return;
    }
    assert_string_equal(buf_str(&got.text), want);
    assert_string_equal(buf_str(&got.old), old);
    assert_int_equal(got.is_old_same, row->is_old_same);
    assert_int_equal(got.has_version && got.has_kind && got.has_object_kind,
                     row->is_ours);
}

TABLE_MAIN("skim", rows, check_row)
