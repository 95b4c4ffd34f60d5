#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "webhook/skim.h"

/* What is left of 'text'; "-": read it as it is.  A ' stands for a ". */
static const struct row {
    const char *name;
    const char *text;
    const char *want;
    bool is_spec_shared;
} rows[] = {
    { "what is read stays",
      "{'kind':'R','request':{'uid':'u','object':{'spec':{'a':[1]}}}}",
      "{'kind':'R','request':{'uid':'u','object':{'spec':{'a':[1]}}}}",
      false },
    { "what nobody reads goes",
      "{'request':{'userInfo':{'groups':['a','}']},'uid':'u','options':null,"
      "'resource':{},'requestKind':1,'requestResource':'x'}}",
      "{'request':{'uid':'u'}}", false },
    { "of an object",
      "{'request':{'object':{'kind':'Ingress','apiVersion':'v1','metadata':{"
      "'uid':'1','name':'a','labels':{},'managedFields':[{'f':{}}],"
      "'ownerReferences':[],'finalizers':['x'],'annotations':{"
      "'kubectl.kubernetes.io/last-applied-configuration':'{}','b':'c'}},"
      "'status':{}}}}",
      "{'request':{'object':{'metadata':{'name':'a','annotations':{"
      "'b':'c'}}}}}", false },
    { "another kind than ours stays",
      "{'request':{'object':{'kind':'Pod'}}}",
      "{'request':{'object':{'kind':'Pod'}}}", false },
    { "only in its place",
      "{'status':1,'request':{'status':2,'object':{'labels':3,'spec':{"
      "'managedFields':4},'metadata':{'status':5,'annotations':{"
      "'labels':'6'}}},'uid':{'userInfo':7}}}",
      "{'status':1,'request':{'status':2,'object':{'labels':3,'spec':{"
      "'managedFields':4},'metadata':{'status':5,'annotations':{"
      "'labels':'6'}}},'uid':{'userInfo':7}}}", false },
    { "a name with escapes is none of them",
      "{'request':{'user\\u0049nfo':1}}", "{'request':{'user\\u0049nfo':1}}",
      false },
    { "the same spec twice",
      "{'request':{'object':{'spec':{'a':1}},'oldObject':{'spec':{'a':1},"
      "'x':2}}}",
      "{'request':{'object':{'spec':{'a':1}},'oldObject':{'x':2}}}", true },
    { "the old object first",
      "{'request':{'oldObject':{'spec':[]},'object':{'spec':[]}}}",
      "{'request':{'oldObject':{'spec':[]},'object':{}}}", true },
    { "another spec", "{'request':{'object':{'spec':1},'oldObject':{'spec':2}}}",
      "{'request':{'object':{'spec':1},'oldObject':{'spec':2}}}", false },
    { "the same one twice in one object is for the parser",
      "{'request':{'object':{'spec':1,'spec':1},'oldObject':{'spec':2}}}",
      "{'request':{'object':{'spec':1,'spec':1},'oldObject':{'spec':2}}}",
      false },
    { "blanks", " { 'request' : { 'uid' : 'u' , 'options' : { } } } \n",
      "{'request':{'uid':'u'}}", false },
    { "quotes and backslashes in strings",
      "{'a':'\\\\','b':'\\'','request':{'userInfo':'\\\\\\'}','c':'d'}}",
      "{'a':'\\\\','b':'\\'','request':{'c':'d'}}", false },
    { "brackets in strings", "{'a':{'b':'}]{['},'c':[']']}",
      "{'a':{'b':'}]{['},'c':[']']}", false },
    { "words", "{'a':-1.5e3,'b':true,'c':null}",
      "{'a':-1.5e3,'b':true,'c':null}", false },
    { "empty objects", "{'request':{'object':{}}}",
      "{'request':{'object':{}}}", false },
    { "a member that should be an object",
      "{'request':[1],'x':{'request':{'options':1}}}",
      "{'request':[1],'x':{'request':{'options':1}}}", false },
    { "empty", "", "-", false },
    { "an array", "[]", "-", false },
    { "no end", "{'a':{'b':1}", "-", false },
    { "a string without end", "{'a':'b}", "-", false },
    { "a backslash at the end", "{'a':'b\\", "-", false },
    { "no value", "{'a':}", "-", false },
    { "no name", "{1:2}", "-", false },
    { "a comma at the end", "{'a':1,}", "-", false },
    { "text behind it", "{'a':1} x", "-", false },
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
    AUTO_BUF struct buf got = BUF_OWN;
    /* A read past the end is an error that only an exact block shows. */
    const size_t size = strlen(text);
    AUTO_FREE char *exact = xmalloc(size > 0 ? size : 1);
    bool is_spec_shared = true;

    memcpy(exact, text, size);
    if (!skim_review(exact, size, &got, &is_spec_shared)) {
        assert_string_equal("-", want);
        return;
    }
    assert_string_equal(buf_str(&got), want);
    assert_int_equal(is_spec_shared, row->is_spec_shared);
}

TABLE_MAIN("skim", rows, check_row)
