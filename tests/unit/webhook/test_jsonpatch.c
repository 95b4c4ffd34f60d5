#include "tests/unit/table.h"

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "webhook/jsonpatch.h"

static void
nothing(struct jsonpatch *p)
{
    (void) p;
}

static void
add_text(struct jsonpatch *p)
{
    static const char *const at[] = { "spec", "ingressClassName", NULL };

    jsonpatch_add(p, at, "sally\"port\n");
}

static void
escapes(struct jsonpatch *p)
{
    static const char *const at[] = { "metadata", "annotations",
                                      "a~b/c~1", "", NULL };

    jsonpatch_remove(p, at);
}

static void
whole_document(struct jsonpatch *p)
{
    static const char *const at[] = { NULL };

    jsonpatch_add_object(p, at);
}

static void
three(struct jsonpatch *p)
{
    static const char *const spec[] = { "spec", NULL };
    static const char *const x[] = { "spec", "x", NULL };

    jsonpatch_add_object(p, spec);
    jsonpatch_add(p, x, "1");
    jsonpatch_remove(p, x);
}

static const struct row {
    const char *name;
    void (*build)(struct jsonpatch *);
    const char *want;
} rows[] = {
    { "no operation is no patch", nothing, NULL },
    { "the value is JSON", add_text,
      "[{\"op\":\"add\",\"path\":\"/spec/ingressClassName\","
      "\"value\":\"sally\\\"port\\n\"}]" },
    { "~ and / are escaped, an empty token stays", escapes,
      "[{\"op\":\"remove\",\"path\":\"/metadata/annotations/a~0b~1c~01/\"}]" },
    { "the empty pointer is the document", whole_document,
      "[{\"op\":\"add\",\"path\":\"\",\"value\":{}}]" },
    { "operations keep their order", three,
      "[{\"op\":\"add\",\"path\":\"/spec\",\"value\":{}},"
      "{\"op\":\"add\",\"path\":\"/spec/x\",\"value\":\"1\"},"
      "{\"op\":\"remove\",\"path\":\"/spec/x\"}]" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    AUTO_JSONPATCH struct jsonpatch patch = JSONPATCH_INIT;
    AUTO_FREE char *got = NULL;

    row->build(&patch);
    got = jsonpatch_take(&patch);
    if (!row->want) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, row->want);
    }
}

TABLE_MAIN("jsonpatch", rows, check_row)
