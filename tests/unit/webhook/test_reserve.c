#include "tests/unit/table.h"

#include <jansson.h>
#include <stdlib.h>

#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/ingress/model.h"
#include "lib/kube/decode.h"
#include "webhook/limits.h"
#include "webhook/reserve.h"

/* Time is an argument here: the whole life of a reservation. */
static struct ruleset ruleset = RULESET_INIT;

static struct model *
make(const char *ns, const char *name, const char *host, int generation)
{
    AUTO_JSON json_t *doc = json_pack(
        "{s:{s:s,s:s,s:i},s:{s:s,s:[{s:s,s:{s:[{s:s,s:s,"
        "s:{s:{s:s,s:{s:i}}}}]}}]}}",
        "metadata", "namespace", ns, "name", name, "generation", generation,
        "spec", "ingressClassName", "sallyport", "rules", "host", host,
        "http", "paths", "path", "/", "pathType", "Prefix", "backend",
        "service", "name", "web", "port", "number", 80);
    const struct kube_object *object;
    struct model *model;
    struct err *err = kube_decode(KUBE_INGRESS, doc, NULL, &object);

    assert_null(err);
    model = model_new(object, &ruleset);
    kube_unref(object);
    return model;
}

/* One step of a row: who asks for what, or what the watch says. */
enum verb { END, ASK, DRY, SEEN, GONE };
struct step {
    enum verb verb;
    int64_t at_ms;
    const char *ns;
    const char *host;
    int generation;
    bool want;          /* ASK and DRY: admitted. */
    size_t want_count;
};

static const struct row {
    const char *name;
    struct step steps[6];
} rows[] = {
    { "the second is refused",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { ASK, 1, "b", "x.example.com", 1, false, 1 } } },
    { "another host is free",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { ASK, 1, "b", "y.example.com", 1, true, 2 } } },
    { "the same one may ask again",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { ASK, 1, "a", "x.example.com", 1, true, 1 } } },
    { "a dry run is told the truth and reserves nothing",
      { { DRY, 0, "a", "x.example.com", 1, true, 0 },
        { ASK, 1, "b", "x.example.com", 1, true, 1 },
        { DRY, 2, "a", "x.example.com", 1, false, 1 } } },
    { "it lasts ten seconds",
      { { ASK, 5, "a", "x.example.com", 1, true, 1 },
        { ASK, 5 + WEBHOOK_RESERVE_MS - 1, "b", "x.example.com", 1, false,
          1 },
        { ASK, 5 + WEBHOOK_RESERVE_MS, "b", "x.example.com", 1, true, 1 } } },
    { "asking again makes it last",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { ASK, 9000, "a", "x.example.com", 1, true, 1 },
        { ASK, 15000, "b", "x.example.com", 1, false, 1 } } },
    { "the watch shows it",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { SEEN, 1, "a", "x.example.com", 1, false, 0 } } },
    { "an older version on its way drops nothing",
      { { ASK, 0, "a", "x.example.com", 2, true, 1 },
        { SEEN, 1, "a", "old.example.com", 1, false, 1 } } },
    { "a newer version drops it",
      { { ASK, 0, "a", "x.example.com", 2, true, 1 },
        { SEEN, 1, "a", "y.example.com", 3, false, 0 },
        { ASK, 2, "b", "x.example.com", 1, true, 1 } } },
    { "another object shown drops nothing",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { SEEN, 1, "b", "x.example.com", 1, false, 1 } } },
    { "one of several goes, the others end in their order",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { ASK, 1, "b", "y.example.com", 1, true, 2 },
        { ASK, 2, "c", "z.example.com", 1, true, 3 },
        { GONE, 3, "b", "", 1, false, 2 },
        { DRY, WEBHOOK_RESERVE_MS, "d", "x.example.com", 1, true, 1 } } },
    { "the newest goes, and one more comes",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { ASK, 1, "b", "y.example.com", 1, true, 2 },
        { GONE, 2, "b", "", 1, false, 1 },
        { ASK, 3, "b", "y.example.com", 1, true, 2 },
        { DRY, WEBHOOK_RESERVE_MS + 3, "d", "y.example.com", 1, true,
          0 } } },
    { "gone",
      { { ASK, 0, "a", "x.example.com", 1, true, 1 },
        { GONE, 1, "a", "x.example.com", 1, false, 0 },
        { ASK, 2, "b", "x.example.com", 1, true, 1 } } },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct reserve *reserve = reserve_new(&ruleset);

    for (const struct step *s = row->steps; s->verb != END; s++) {
        AUTO_FINDINGS struct findings *now = findings_new();
        AUTO_FINDINGS struct findings *before = findings_new();
        struct model *model = make(s->ns, "web", s->host, s->generation);

        switch (s->verb) {
        case ASK:
        case DRY:
            assert_int_equal(reserve_admit(reserve, model, NULL,
                                           s->verb == DRY, s->at_ms, now,
                                           before),
                             s->want);
            break;
        case SEEN:
            reserve_seen(reserve, model->object);
            break;
        case GONE:
            reserve_gone(reserve, model->object->key);
            break;
        case END:
            break;
        }
        assert_int_equal(reserve_count(reserve), s->want_count);
        model_unref(model);
    }
    reserve_free(reserve);
}

TABLE_MAIN("reserve", rows, check_row)
