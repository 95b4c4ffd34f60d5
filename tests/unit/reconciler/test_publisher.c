/* The publisher against an engine of its own making: what is served, and in
 * which generation, is set by the test. */
#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/kube/decode.h"
#include "reconciler/publisher.h"

/* --- The engine --- */

static struct {
    const struct kube_object *ingress;
    size_t n_hosts;
    uint64_t generation;
} fake;

const struct kube_object *
engine_ingress(const struct engine *e, const char *key)
{
    (void) e;
    return fake.ingress && strcmp(fake.ingress->key, key) == 0 ? fake.ingress
                                                               : NULL;
}

size_t
engine_n_hosts(const struct engine *e, const char *key)
{
    return engine_ingress(e, key) ? fake.n_hosts : 0;
}

uint64_t
engine_generation(const struct engine *e, const char *key)
{
    (void) e;
    (void) key;
    return fake.generation;
}

const char **
engine_ingresses(const struct engine *e, size_t *n)
{
    const char **keys = xcalloc(1, sizeof *keys);

    (void) e;
    *n = fake.ingress ? 1 : 0;
    keys[0] = fake.ingress ? fake.ingress->key : NULL;
    return keys;
}

/* --- Objects and effects --- */

static struct cache *cache;
static struct publisher *publisher;
static struct buf writes = BUF_OWN;

static void
record_status(void *aux, const struct kube_object *ingress,
              const struct kube_address *addresses, size_t n)
{
    (void) aux;
    buf_printf(&writes, "%s=[", ingress->key);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&writes, "%s%s", i > 0 ? " " : "",
                   addresses[i].ip ? addresses[i].ip
                                   : addresses[i].hostname);
    }
    buf_puts(&writes, "]");
}

static void
record_event(void *aux, const struct kube_object *regarding, bool is_warning,
             const char *reason, const char *note)
{
    (void) aux;
    (void) note;
    buf_printf(&writes, "%s!%s%s", regarding->key, reason,
               is_warning ? "" : "?");
}

/* An Ingress of the given version and status ("" none). */
static void
put_ingress(const char *version, const char *ip)
{
    AUTO_FREE char *text = xasprintf(
        "{\"kind\":\"Ingress\",\"apiVersion\":\"networking.k8s.io/v1\","
        "\"metadata\":{\"namespace\":\"d\",\"name\":\"a\",\"uid\":\"u\","
        "\"resourceVersion\":\"%s\"},\"spec\":{},"
        "\"status\":{\"loadBalancer\":{\"ingress\":[%s%s%s]}}}",
        version, ip[0] ? "{\"ip\":\"" : "", ip, ip[0] ? "\"}" : "");
    const struct kube_object *object;
    json_t *document = NULL;

    assert_null(jx_load(text, strlen(text), 4096, &document));
    assert_null(kube_decode(KUBE_INGRESS, document, NULL, &object));
    json_decref(document);
    cache_put(cache, object);
    fake.ingress = cache_get(cache, KUBE_INGRESS, "d/a");
    publisher_touch(publisher, "d/a");
}

static void
expect(const char *want)
{
    assert_string_equal(buf_str(&writes), want);
    buf_clear(&writes);
}

static void
start_with(const struct publisher_options *options)
{
    const struct effects effects = { .patch_status = record_status,
                                     .event = record_event };

    memset(&fake, 0, sizeof fake);
    buf_clear(&writes);
    cache = cache_new();
    assert_null(publisher_new(options, NULL, cache, &effects, &publisher));
    fake.n_hosts = 1;
    fake.generation = 5;
}

static void
start(const char *addresses, const char *service)
{
    const struct publisher_options options = { .publish_addresses = addresses,
                                               .publish_service = service,
                                               .enabled = true };

    start_with(&options);
}

static void
stop(void)
{
    publisher_free(publisher);
    cache_free(cache);
}

/* --- Cases --- */

static void
test_waits_for_haproxy(void **state)
{
    (void) state;
    start("192.0.2.1", NULL);
    put_ingress("1", "");
    publisher_run(publisher, 4, true, 0);
    expect("");
    assert_int_equal(publisher_n_pending(publisher), 1);
    publisher_run(publisher, 5, true, 0);
    expect("d/a=[192.0.2.1]");
    stop();
}

static void
test_follower_writes_nothing_then_leads(void **state)
{
    (void) state;
    start("192.0.2.1", NULL);
    put_ingress("1", "");
    publisher_run(publisher, 9, false, 0);
    expect("");
    publisher_run(publisher, 9, true, 0);
    expect("d/a=[192.0.2.1]");
    stop();
}

static void
test_never_written_twice(void **state)
{
    (void) state;
    start("192.0.2.1", NULL);
    put_ingress("1", "");
    publisher_run(publisher, 9, true, 0);
    expect("d/a=[192.0.2.1]");
    publisher_touch(publisher, "d/a");
    publisher_run(publisher, 9, true, 0);
    publisher_done(publisher, "d/a", true, false);
    publisher_touch(publisher, "d/a");
    publisher_run(publisher, 9, true, 0);
    expect("");
    put_ingress("2", "192.0.2.1");
    publisher_run(publisher, 9, true, 0);
    expect("");
    assert_int_equal(publisher_n_writing(publisher), 0);
    stop();
}

/* A refusal is asked again in a minute, in two, ...; not before. */
static void
test_refused_write_is_tried_again(void **state)
{
    struct waits waits;
    int64_t now_ms = 0;

    (void) state;
    waits_init(&waits);
    start("192.0.2.1", NULL);
    put_ingress("1", "");
    publisher_run(publisher, 9, true, 0);
    for (int64_t ms = 60000; ms < 10 * 60000; ms *= 2) {
        expect("d/a=[192.0.2.1]");
        publisher_done(publisher, "d/a", false, true);
        waits_clear(&waits);
        publisher_wait(publisher, &waits);
        assert_int_equal(waits.deadline_ms, now_ms + ms);
        publisher_run(publisher, 9, true, now_ms + ms - 1);
        expect("");
        now_ms += ms;
        publisher_run(publisher, 9, true, now_ms);
    }
    expect("d/a=[192.0.2.1]");
    publisher_done(publisher, "d/a", true, false);
    waits_clear(&waits);
    publisher_wait(publisher, &waits);
    assert_int_equal(waits.deadline_ms, INT64_MAX);
    stop();
    waits_fini(&waits);
}

/* One that changes all the time waits but once; a change is written at once,
 * and whoever leads later begins anew. */
static void
test_refused_write_waits_once(void **state)
{
    (void) state;
    start("192.0.2.1", NULL);
    for (int i = 1; i < 4; i++) {
        char version[] = { (char) ('0' + i), '\0' };

        put_ingress(version, "");
        publisher_run(publisher, 9, true, 0);
        expect("d/a=[192.0.2.1]");
        publisher_done(publisher, "d/a", false, true);
    }
    publisher_run(publisher, 9, true, 60000);
    expect("d/a=[192.0.2.1]");
    publisher_done(publisher, "d/a", false, true);
    publisher_run(publisher, 9, true, 61000);
    expect("");
    publisher_run(publisher, 9, false, 62000);
    publisher_run(publisher, 9, true, 63000);
    expect("d/a=[192.0.2.1]");
    stop();
}

static void
test_loser_of_every_host_has_none(void **state)
{
    (void) state;
    start("192.0.2.1", NULL);
    put_ingress("1", "192.0.2.1");
    fake.n_hosts = 0;
    publisher_run(publisher, 9, true, 0);
    expect("d/a=[]");
    stop();
}

static void
test_loser_keeps_what_others_wrote(void **state)
{
    (void) state;
    start("192.0.2.1", NULL);
    put_ingress("1", "198.51.100.1");
    fake.n_hosts = 0;
    publisher_run(publisher, 9, true, 0);
    expect("");
    stop();
}

static void
test_unknown_address_clears_nothing(void **state)
{
    (void) state;
    start(NULL, "kube/edge");
    put_ingress("1", "198.51.100.1");
    publisher_run(publisher, 9, true, 0);
    fake.n_hosts = 0;
    publisher_touch(publisher, "d/a");
    publisher_run(publisher, 9, true, 0);
    expect("");
    stop();
}

static void
test_fight_is_told_and_left(void **state)
{
    (void) state;
    start("192.0.2.1", NULL);
    put_ingress("0", "198.51.100.1");
    publisher_run(publisher, 9, true, 0);
    expect("d/a=[192.0.2.1]");
    for (int i = 1; i <= 6; i++) {
        char version[8] = { (char) ('0' + i), '\0' };

        publisher_done(publisher, "d/a", true, false);
        put_ingress(version, "198.51.100.1");
        publisher_run(publisher, 9, true, 0);
    }
    expect("d/a=[192.0.2.1]d/a=[192.0.2.1]d/a=[192.0.2.1]d/a=[192.0.2.1]"
           "d/a!StatusConflict");
    stop();
}

static void
test_leaving_the_class_takes_ours_back(void **state)
{
    (void) state;
    start("192.0.2.1", NULL);
    put_ingress("1", "192.0.2.1");
    fake.ingress = NULL;
    publisher_run(publisher, 9, true, 0);
    expect("d/a=[]");
    stop();
}

/* --- Addresses of nodes --- */

enum pod_state { POD_READY, POD_UNREADY, POD_ENDING };

static void
put_pod(const char *name, const char *address, enum pod_state pod)
{
    static unsigned version;
    AUTO_FREE char *text = xasprintf(
        "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{"
        "\"namespace\":\"s\",\"name\":\"%s\",\"uid\":\"%s\","
        "\"resourceVersion\":\"%u\"%s},\"status\":{\"phase\":"
        "\"Running\",\"hostIP\":\"%s\",\"conditions\":[{\"type\":"
        "\"Ready\",\"status\":\"%s\"}]}}",
        name, name, ++version,
        pod == POD_ENDING
            ? ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"" : "",
        address, pod == POD_UNREADY ? "False" : "True");
    const struct kube_object *object;
    AUTO_JSON json_t *document = NULL;

    assert_null(jx_load(text, strlen(text), 4096, &document));
    assert_null(kube_decode(KUBE_POD, document, NULL, &object));
    cache_put(cache, object);
}

/* A turn at that second, and what HAProxy's and the API server's answers make
 * of it: the status is as it was written. */
static void
turn(int64_t s, const char *want, const char *status)
{
    static unsigned version;
    char text[16];

    publisher_run(publisher, 9, true, s * 1000);
    expect(want);
    if (want[0]) {
        publisher_done(publisher, "d/a", true, false);
        snprintf(text, sizeof text, "n%u", ++version);
        put_ingress(text, status);
    }
}

static void
test_nodes_come_at_once_and_go_after_a_minute(void **state)
{
    const struct publisher_options options = { .publish_nodes = true,
                                               .enabled = true };

    (void) state;
    start_with(&options);
    put_ingress("1", "");
    put_pod("x", "192.0.2.2", POD_UNREADY);
    turn(0, "", "");
    put_pod("x", "192.0.2.2", POD_READY);
    turn(1, "d/a=[192.0.2.2]", "192.0.2.2");
    /* Replaced by another pod within the minute. */
    put_pod("x", "192.0.2.2", POD_ENDING);
    turn(2, "", "");
    turn(60, "", "");
    put_pod("y", "192.0.2.2", POD_READY);
    turn(61, "", "");
    /* The last of a node that does not come back: what is known stays. */
    put_pod("y", "192.0.2.2", POD_UNREADY);
    turn(62, "", "");
    turn(120, "", "");
    turn(122, "", "");
    stop();
}

static void
test_all_nodes_are_named(void **state)
{
    const struct publisher_options options = { .publish_nodes = true,
                                               .enabled = true };

    (void) state;
    start_with(&options);
    put_ingress("1", "");
    put_pod("x", "192.0.2.9", POD_READY);
    put_pod("y", "192.0.2.1", POD_READY);
    put_pod("z", "192.0.2.1", POD_READY);
    publisher_run(publisher, 9, false, 0);
    expect("");
    /* The new leader knows who was there; one is away for a moment. */
    put_pod("x", "192.0.2.9", POD_UNREADY);
    turn(30, "d/a=[192.0.2.1 192.0.2.9]", "192.0.2.1");
    /* Somebody else's write was seen: ours again. */
    turn(31, "d/a=[192.0.2.1 192.0.2.9]", "192.0.2.1");
    cache_remove(cache, KUBE_POD, "s/x");
    turn(59, "d/a=[192.0.2.1 192.0.2.9]", "192.0.2.1");
    turn(60, "", "");
    stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_come_at_once_and_go_after_a_minute),
        cmocka_unit_test(test_all_nodes_are_named),
        cmocka_unit_test(test_waits_for_haproxy),
        cmocka_unit_test(test_follower_writes_nothing_then_leads),
        cmocka_unit_test(test_never_written_twice),
        cmocka_unit_test(test_refused_write_is_tried_again),
        cmocka_unit_test(test_refused_write_waits_once),
        cmocka_unit_test(test_loser_of_every_host_has_none),
        cmocka_unit_test(test_loser_keeps_what_others_wrote),
        cmocka_unit_test(test_unknown_address_clears_nothing),
        cmocka_unit_test(test_fight_is_told_and_left),
        cmocka_unit_test(test_leaving_the_class_takes_ours_back),
    };
    int failed = cmocka_run_group_tests_name("publisher", tests, NULL, NULL);

    buf_fini(&writes);
    return failed;
}
