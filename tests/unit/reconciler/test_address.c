#include "tests/unit/table.h"

#include "lib/base/buf.h"
#include "reconciler/address.h"

static void
print(const struct addresses *a, struct buf *out)
{
    for (size_t i = 0; i < a->items.n; i++) {
        const struct kube_address *item = &a->items.items[i];

        buf_printf(out, "%s%s", i > 0 ? " " : "",
                   item->ip ? item->ip : item->hostname);
    }
}

static const struct parse_row {
    const char *name;
    const char *list;
    const char *want;
} parse_rows[] = {
    { "sorted and canonical", "2001:DB8::0:1, 192.0.2.1",
      "192.0.2.1 2001:db8::1" },
    { "duplicates count once", "192.0.2.1,192.0.2.1", "192.0.2.1" },
    { "one host name", "LB.Example.com", "lb.example.com" },
    { "mixed kinds", "192.0.2.1,lb.example.com",
      "IP addresses and host names do not mix: DNS holds one kind under a "
      "name" },
    { "leading zeros are no address but a name", "010.0.0.1", "010.0.0.1" },
    { "empty", "", "\"\" is neither an IP address nor a host name" },
    { "a blank inside", "a b", "\"a b\" is neither an IP address nor a host "
                               "name" },
};

static void
check_parse(void **state)
{
    const struct parse_row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;
    struct addresses a;
    AUTO_ERR struct err *err = addresses_parse(row->list, &a);

    if (err) {
        buf_puts(&got, err_text(err));
    } else {
        print(&a, &got);
    }
    addresses_fini(&a);
    assert_string_equal(buf_str(&got), row->want);
}

static const char *const external[] = { "198.51.100.7" };
static const struct kube_address balancer_ip[] = { { "192.0.2.9", NULL } };
static const struct kube_address balancer_name[] = {
    { NULL, "lb.example.com" },
};
static const struct kube_address balancer_both[] = {
    { NULL, "lb.example.com" },
    { "192.0.2.9", NULL },
};

static const struct service_row {
    const char *name;
    struct kube_service service;
    const char *want;
} service_rows[] = {
    { "load balancer by IP",
      { .type = KUBE_SERVICE_LOAD_BALANCER, .cluster_ip = "10.96.0.1",
        .addresses = balancer_ip, .n_addresses = 1 },
      "192.0.2.9" },
    { "load balancer by name",
      { .type = KUBE_SERVICE_LOAD_BALANCER, .addresses = balancer_name,
        .n_addresses = 1 },
      "lb.example.com" },
    { "IP addresses win over names",
      { .type = KUBE_SERVICE_LOAD_BALANCER, .addresses = balancer_both,
        .n_addresses = 2 },
      "192.0.2.9" },
    { "load balancer without an address yet",
      { .type = KUBE_SERVICE_LOAD_BALANCER, .cluster_ip = "10.96.0.1" },
      "" },
    { "external IPs join the load balancer's",
      { .type = KUBE_SERVICE_LOAD_BALANCER, .addresses = balancer_ip,
        .n_addresses = 1, .external_ips = external, .n_external_ips = 1 },
      "192.0.2.9 198.51.100.7" },
    { "node port: external IPs",
      { .type = KUBE_SERVICE_NODE_PORT, .cluster_ip = "10.96.0.1",
        .external_ips = external, .n_external_ips = 1 },
      "198.51.100.7" },
    { "node port without them: cluster IP",
      { .type = KUBE_SERVICE_NODE_PORT, .cluster_ip = "10.96.0.1" },
      "10.96.0.1" },
    { "headless has no address",
      { .type = KUBE_SERVICE_CLUSTER_IP, .cluster_ip = "None" },
      "" },
    { "external name",
      { .type = KUBE_SERVICE_EXTERNAL_NAME,
        .external_name = "edge.example.com" },
      "edge.example.com" },
};

static void
check_service(void **state)
{
    const struct service_row *row = *state;
    AUTO_BUF struct buf got = BUF_OWN;
    struct addresses a;

    addresses_of_service(&row->service, &a);
    print(&a, &got);
    addresses_fini(&a);
    assert_string_equal(buf_str(&got), row->want);
}

int
main(void)
{
    return TABLE_RUN("address: flag", parse_rows, check_parse) +
           TABLE_RUN("address: Service", service_rows, check_service);
}
