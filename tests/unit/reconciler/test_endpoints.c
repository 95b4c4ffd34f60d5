#include "tests/unit/table.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "reconciler/endpoints.h"

#define MAX 4

struct ep {
    const char *address;
    bool ready, serving, terminating;
};

/* Up to two slices of one Service with port name "http"; 'want' lists the
 * servers, a drained one in parentheses. */
static const struct row {
    const char *name;
    const char *cluster_ip;
    const char *port_name;      /* Of the Service's port. */
    bool local;
    struct ep slices[2][MAX];
    const char *want;
} rows[] = {
    { .name = "ready endpoints serve", .port_name = "http",
      .slices = { { { "10.0.0.2", true, true, false },
                    { "10.0.0.1", true, true, false } } },
      .want = "10.0.0.1:8080 10.0.0.2:8080" },
    { .name = "terminating ones that serve are drained", .port_name = "http",
      .slices = { { { "10.0.0.1", false, true, true },
                    { "10.0.0.2", true, true, false } } },
      .want = "(10.0.0.1:8080) 10.0.0.2:8080" },
    { .name = "terminating ones serve when nothing else does",
      .port_name = "http",
      .slices = { { { "10.0.0.1", false, true, true } } },
      .want = "10.0.0.1:8080" },
    { .name = "terminating and not serving is out", .port_name = "http",
      .slices = { { { "10.0.0.1", false, false, true },
                    { "10.0.0.2", true, true, false } } },
      .want = "10.0.0.2:8080" },
    { .name = "not ready is out", .port_name = "http",
      .slices = { { { "10.0.0.1", false, false, false } } },
      .want = "" },
    { .name = "not ready but serving, not terminating, is out",
      .port_name = "http",
      .slices = { { { "10.0.0.1", false, true, false } } },
      .want = "" },
    { .name = "duplicates over slices count once, ready wins",
      .port_name = "http",
      .slices = { { { "10.0.0.1", false, true, true } },
                  { { "10.0.0.1", true, true, false } } },
      .want = "10.0.0.1:8080" },
    { .name = "the Service's family is used", .port_name = "http",
      .cluster_ip = "fd00::1",
      .slices = { { { "10.0.0.1", true, true, false } },
                  { { "fd00:1::1", true, true, false } } },
      .want = "fd00:1::1:8080" },
    { .name = "the other family where the own has nothing ready",
      .port_name = "http", .cluster_ip = "fd00::1",
      .slices = { { { "10.0.0.1", true, true, false } },
                  { { "fd00:1::1", false, true, true } } },
      .want = "10.0.0.1:8080" },
    { .name = "headless: IPv4 first", .port_name = "http",
      .cluster_ip = "None",
      .slices = { { { "10.0.0.1", true, true, false } },
                  { { "fd00:1::1", true, true, false } } },
      .want = "10.0.0.1:8080" },
    { .name = "another port name: nothing", .port_name = "grpc",
      .slices = { { { "10.0.0.1", true, true, false } } },
      .want = "" },
    { .name = "loopback is no pod", .port_name = "http",
      .slices = { { { "127.0.0.1", true, true, false },
                    { "::1", true, true, false } } },
      .want = "" },
    { .name = "loopback through a mapped address is no pod",
      .port_name = "http",
      .slices = { { { "::ffff:127.0.0.1", true, true, false } } },
      .want = "" },
    { .name = "metadata address is no pod", .port_name = "http",
      .slices = { { { "169.254.169.254", true, true, false },
                    { "fe80::1", true, true, false } } },
      .want = "" },
    { .name = "loopback serves in standalone mode", .port_name = "http",
      .local = true,
      .slices = { { { "127.0.0.1", true, true, false } } },
      .want = "127.0.0.1:8080" },
    { .name = "no address at all", .port_name = "http",
      .slices = { { { "pod.example.com", true, true, false } } },
      .want = "" },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    const struct kube_service_port port = { .name = row->port_name,
                                            .port = 80 };
    const struct kube_service service = { .cluster_ip = row->cluster_ip };
    const struct kube_slice_port slice_port = { "http", 8080, true };
    struct kube_endpoint endpoints[2][MAX] = { 0 };
    struct kube_object slices[2] = { 0 };
    const struct kube_object *list[2] = { &slices[0], &slices[1] };
    AUTO_BUF struct buf got = BUF_OWN;
    struct endpoints out;

    for (size_t s = 0; s < 2; s++) {
        struct kube_endpoint_slice *slice = &slices[s].slice;

        slice->ports = &slice_port;
        slice->n_ports = 1;
        slice->endpoints = endpoints[s];
        for (size_t i = 0; i < MAX && row->slices[s][i].address; i++) {
            const struct ep *ep = &row->slices[s][i];

            endpoints[s][i] = (struct kube_endpoint) {
                .addresses = &ep->address, .n_addresses = 1,
                .ready = ep->ready, .serving = ep->serving,
                .terminating = ep->terminating,
            };
            slice->n_endpoints++;
        }
    }
    endpoints_resolve(&service, &port, list, 2, row->local, &out);
    for (size_t i = 0; i < out.servers.n; i++) {
        const struct plan_server *s = &out.servers.items[i];
        bool drained = s->state == PLAN_DRAIN;

        buf_printf(&got, "%s%s%s:%d%s", i > 0 ? " " : "", drained ? "(" : "",
                   s->address, s->port, drained ? ")" : "");
    }
    endpoints_fini(&out);
    assert_string_equal(buf_str(&got), row->want);
}

TABLE_MAIN("endpoints", rows, check_row)
