/* One replica that takes a claim: what the API server answers, and what must
 * come out of it. */
#include "tests/unit/table.h"

#include <stdlib.h>

#include "tests/unit/webhook/taking_help.h"

#define MAX_REQUESTS 200        /* No more in all the time there is. */

/* What stands there before: one Lease for the host n.test, and whether its
 * Ingress exists. */
static const struct single_row {
    const char *name;
    const char *holder;         /* NULL: nothing stands there. */
    const char *mode;
    int64_t age_s;
    bool exists;
    int status;                 /* All requests get this; 0: real answers;
                                 * below 0: writes alone get it. */
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
    { "conflicts with nobody", NULL, "", 0, false, -409, TAKING_FAILED, 0 },
    { "conflicts with one of ours", "a/z", "", 5, true, -409, TAKING_FAILED,
      0 },
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
    int n_requests = 0;

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
        assert_in_range(++n_requests, 1, MAX_REQUESTS);
        if (row->status > 0 || (row->status && due.method != HTTP_GET)) {
            refuse(t, abs(row->status), now_ms);
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

TABLE_MAIN("taking, one replica", singles, check_single)
