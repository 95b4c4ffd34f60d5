"""Status, external-dns, a real name server, dig, and curl by that name."""

from harness import stays, wait_until
from kubecluster import dig
from objects import addresses, app, ingress, ingress_class, path


def served(reconciler, host, address="127.0.0.1"):
    return lambda: reconciler.request(host, address=address).status == 200


def test_address_reaches_dns(cluster, namespace, start_reconciler):
    host = f"{namespace}.example.com"
    r = start_reconciler(publish_status_address="127.0.0.1").wait_ready()
    cluster.apply(app("web", namespace))
    cluster.apply(ingress("web", namespace, {host: [path("/", "web")]}))
    wait_until(lambda: addresses(cluster, "web", namespace) == ["127.0.0.1"],
               20, "the address in status")
    port = cluster.dns_up()
    try:
        cluster.external_dns(f"--namespace={namespace}")
        records = wait_until(lambda: dig(port, host), 10, "the record")
        assert records == ["127.0.0.1"]
        wait_until(served(r, host, records[0]), 10, "an answer by that name")
        # A restart in between takes no record away.
        r.restart().wait_ready()
        changes = cluster.external_dns(f"--namespace={namespace}")
        assert not any(changes.values()), changes
        assert dig(port, host) == ["127.0.0.1"]
    finally:
        cluster.dns_down()


def test_loser_has_no_address(cluster, namespace, start_reconciler):
    """Two Ingresses, one host and path: the older one alone is published."""
    host = f"{namespace}.example.com"
    start_reconciler(publish_status_address="192.0.2.20").wait_ready()
    cluster.apply(app("web", namespace))
    cluster.apply(ingress("z-first", namespace, {host: [path("/", "web")]}))
    wait_until(lambda: addresses(cluster, "z-first", namespace), 20,
               "the first one's address")
    cluster.apply(ingress("a-second", namespace,
                          {host: [path("/", "other")]}))
    wait_until(lambda: any(
        one["reason"] == "HostConflict" and
        one["involvedObject"]["name"] == "a-second"
        for one in cluster.get("events", namespace=namespace)), 20,
        "an Event on the loser")
    stays(lambda: addresses(cluster, "a-second", namespace) == [], 2,
          "no address for the loser")
    assert addresses(cluster, "z-first", namespace) == ["192.0.2.20"]


def test_two_classes_side_by_side(cluster, namespace, start_reconciler):
    """Each with its own address, one of them a host name: a CNAME."""
    public, private = f"public-{namespace}", f"private-{namespace}"
    cluster.apply([ingress_class(public), ingress_class(private)])
    a = start_reconciler(ingress_class=public,
                         publish_status_address="127.0.0.1",
                         election_id="sallyport-sallyport")
    cluster.apply({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "edge", "namespace": namespace},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}})
    cluster.patch("service", "edge", namespace, {"status": {
        "loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}},
        "status")
    b = start_reconciler(ingress_class=private,
                         publish_service=f"{namespace}/edge",
                         kubeconfig=cluster.kubeconfig,
                         election_namespace=namespace)
    a.wait_ready()
    b.wait_ready()
    hosts = {c: f"{c}.example.com" for c in (public, private)}
    cluster.apply(app("web", namespace))
    for c, host in hosts.items():
        cluster.apply(ingress(c, namespace, {host: [path("/", "web")]},
                              ingress_class=c))
    want = {public: ["127.0.0.1"], private: ["lb.example.com"]}
    for c in hosts:
        wait_until(lambda: addresses(cluster, c, namespace) == want[c], 20,
                   f"the address of {c}")
    wait_until(served(a, hosts[public]), 10, "public by its own")
    wait_until(served(b, hosts[private]), 10, "private by its own")
    assert a.request(hosts[private]).status == 404
    assert b.request(hosts[public]).status == 404
    stays(lambda: all(addresses(cluster, c, namespace) == want[c]
                      for c in hosts), 2, "neither touches the other's")
    port = cluster.dns_up()
    try:
        cluster.external_dns(f"--namespace={namespace}")
        assert dig(port, hosts[public]) == ["127.0.0.1"]
        assert dig(port, hosts[private], "CNAME") == ["lb.example.com."]
    finally:
        cluster.dns_down()
    for c in hosts:
        cluster.delete("ingressclass", c)
