#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "tests/replay/fake_dataplane.h"
#include "tests/replay/replay.h"

/* What a day is made of: every minute a Deployment rolls and an Ingress comes,
 * which goes ten minutes later; every ten minutes a certificate is renewed; at
 * the end of an hour everything is as it was. */
#define SERVICES 6
#define INGRESSES 24
#define GUESTS 10               /* At a time; none comes twice. */
#define FIRST_GUEST 10000
/* Buffers have their size after the second: then every watch was cut once. */
#define WARM_HOURS 2
#define MINUTE_MS 60000
#define STEP_MS 5000
/* Versions have as many digits at the end as at the beginning. */
#define FIRST_VERSION 100000

/* In a build with the address sanitizer: exact.  Else malloc's own count, which
 * takes what it keeps ready for the next call for used. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

struct sizes {
    struct plan_counts plan;
    size_t bytes;
};

static size_t
bytes_allocated(void)
{
    return __sanitizer_get_current_allocated_bytes
               ? __sanitizer_get_current_allocated_bytes()
               : mallinfo2().uordblks;
}

/* The Service has the pods 'first' to 'first' + 2, counted around. */
static void
put_service(struct replay *r, unsigned service, unsigned first)
{
    AUTO_FREE char *key = xasprintf("day/s%u", service);
    char *pods[3];

    for (unsigned i = 0; i < ARRAY_SIZE(pods); i++) {
        pods[i] = xasprintf("10.0.%u.%u", service, 10 + (first + i) % 200);
    }
    shorthand_service(r, key, pods, ARRAY_SIZE(pods));
    for (unsigned i = 0; i < ARRAY_SIZE(pods); i++) {
        free(pods[i]);
    }
}

static void
put_ingress(struct replay *r, const char *name, unsigned i)
{
    AUTO_FREE char *key = xasprintf("day/%s%u", name, i);
    AUTO_FREE char *path = xasprintf("%s%u.test/", name, i);
    AUTO_FREE char *service = xasprintf("s%u", i % SERVICES);
    char *words[] = { path, service };

    shorthand_ingress(r, key, words, ARRAY_SIZE(words));
}

static void
put_certificate(struct replay *r, int64_t days)
{
    json_t *secret = replay_tls_secret("day/tls", "i0.test", days);

    apiserver_put(&r->api.store, KUBE_SECRET, secret);
    json_decref(secret);
}

static void
roll(struct replay *r, unsigned service, unsigned first)
{
    for (unsigned pod = 1; pod <= 3; pod++) {
        put_service(r, service, first + pod);
        replay_advance(r, STEP_MS);
    }
}

static void
take_guest(struct replay *r, unsigned i)
{
    AUTO_FREE char *key = xasprintf("day/guest%u", i);

    if (!apiserver_delete(&r->api.store, KUBE_INGRESS, key)) {
        replay_fail(r, "%s is not there", key);
    }
}

static void
live_minute(struct replay *r, unsigned hour, unsigned minute)
{
    unsigned guest = FIRST_GUEST + 60 * hour + minute;

    roll(r, minute % SERVICES, 3 * (60 * hour + minute));
    if (minute >= GUESTS) {
        take_guest(r, guest - GUESTS);
        replay_advance(r, STEP_MS);
    }
    put_ingress(r, "guest", guest);
    if (minute % 10 == 0) {
        put_certificate(r, 60 + minute);
    }
    replay_advance(r, MINUTE_MS - 4 * STEP_MS);
}

static void
put_base(struct replay *r)
{
    put_certificate(r, 0);
    for (unsigned i = 0; i < SERVICES; i++) {
        put_service(r, i, 0);
    }
    replay_advance(r, MINUTE_MS);
}

/* The harness itself remembers nothing of the hour. */
static struct sizes
measure(struct replay *r)
{
    apiserver_forget(&r->api.store);
    fake_api_forget_events();
    buf_fini(&r->transcript);
    buf_init(&r->transcript, REPLAY_TRANSCRIPT);
    return (struct sizes) {
        .plan = plan_counts(fake_dataplane_plan()),
        .bytes = bytes_allocated(),
    };
}

static void
check_same(struct replay *r, unsigned hour, const struct sizes *first,
           const struct sizes *now)
{
    const struct plan_counts *a = &first->plan, *b = &now->plan;

    if (a->routes != b->routes || a->backends != b->backends ||
        a->servers != b->servers || a->certs != b->certs) {
        replay_fail(r, "hour %u: routes %zu, were %zu; backends %zu, were "
                    "%zu; servers %zu, were %zu; certificates %zu, were %zu",
                    hour, b->routes, a->routes, b->backends, a->backends,
                    b->servers, a->servers, b->certs, a->certs);
    }
    if (__sanitizer_get_current_allocated_bytes && now->bytes != first->bytes) {
        replay_fail(r, "hour %u: %zu bytes are allocated, once warm it "
                    "were %zu", hour, now->bytes, first->bytes);
    }
}

void
replay_hours(struct replay *r, unsigned n)
{
    struct sizes first = { .bytes = 0 };

    r->api.store.version = FIRST_VERSION;
    for (unsigned i = 0; i < INGRESSES; i++) {
        put_ingress(r, "i", i);
    }
    put_base(r);
    for (unsigned hour = 0; hour < n && !r->failure; hour++) {
        struct sizes now;

        for (unsigned minute = 0; minute < 60 && !r->failure; minute++) {
            live_minute(r, hour, minute);
        }
        for (unsigned i = 60 - GUESTS; i < 60 && !r->failure; i++) {
            take_guest(r, FIRST_GUEST + 60 * hour + i);
        }
        put_base(r);
        if (r->failure) {
            break;
        }
        now = measure(r);
        printf("hour %u: %zu routes, %zu backends, %zu servers, %zu "
               "certificates, %zu bytes\n", hour + 1, now.plan.routes,
               now.plan.backends, now.plan.servers, now.plan.certs,
               now.bytes);
        first = hour < WARM_HOURS ? now : first;
        check_same(r, hour + 1, &first, &now);
    }
}
