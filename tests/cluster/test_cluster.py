"""The test cluster itself: what the other tests take for granted."""

import ipaddress
import json
import os
import socket

import pytest

import harness
import kubecluster
from harness import http, wait_until
from load import Load, WebSocket


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    missing = kubecluster.build()
    if missing:
        pytest.exit(missing, kubecluster.GO_IS_MISSING)
    return kubecluster.shared(tmp_path_factory.mktemp("cluster"))


def workload(namespace, replicas=2, grace=30, annotations=None):
    labels = {"app": "web"}
    return [
        {"apiVersion": "v1", "kind": "Namespace",
         "metadata": {"name": namespace}},
        {"apiVersion": "v1", "kind": "Service",
         "metadata": {"name": "web", "namespace": namespace},
         "spec": {"selector": labels, "ports": [
             {"name": "http", "port": 80, "targetPort": "http"},
             {"name": "https", "port": 443, "targetPort": "https"}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment",
         "metadata": {"name": "web", "namespace": namespace},
         "spec": {
             "replicas": replicas, "selector": {"matchLabels": labels},
             "template": {
                 "metadata": {"labels": labels,
                              "annotations": annotations or {}},
                 "spec": {
                     "terminationGracePeriodSeconds": grace,
                     "containers": [{
                         "name": "web", "image": "echo", "ports": [
                             {"name": "http", "containerPort": 8080},
                             {"name": "https", "containerPort": 8443},
                         ]}]}}}}]


def endpoints(cluster, namespace):
    """Address -> its conditions, of all EndpointSlices of the Service."""
    slices = cluster.get("endpointslices", namespace=namespace,
                         selector="kubernetes.io/service-name=web")
    return {address: endpoint["conditions"] for one in slices
            for endpoint in one["endpoints"] or []
            for address in endpoint["addresses"]}


def ready_addresses(cluster, namespace):
    return sorted(address for address, conditions
                  in endpoints(cluster, namespace).items()
                  if conditions["ready"])


def wait_ready(cluster, namespace, count):
    def look():
        found = ready_addresses(cluster, namespace)
        assert len(found) == count, endpoints(cluster, namespace)
        return found or True
    return wait_until(look, 20, f"{count} ready endpoints in {namespace}")


def pod_of(cluster, namespace, address):
    pods = cluster.get("pods", namespace=namespace)
    return next(p["metadata"]["name"] for p in pods
                if p["status"].get("podIP") == address)


def test_versions_are_the_real_ones(cluster):
    version = json.loads(cluster.kubectl_ok("version", "-o", "json"))
    assert version["clientVersion"]["gitVersion"] == "v1.34.4"
    assert version["serverVersion"]["gitVersion"] == "v1.34.4"


def test_deployment_gets_ready_pods_that_answer(cluster):
    cluster.apply(workload("pods"))
    addresses = wait_ready(cluster, "pods", 2)
    assert len(set(addresses)) == 2
    for address in addresses:
        answer = http("web.test", "/a/../b?x=%2f", 8080, address=address,
                      body="hello")
        assert answer.status == 200, answer
        seen = answer.json()
        assert seen["local"] == f"{address}:8080"
        assert seen["pod"] == pod_of(cluster, "pods", address)
        assert (seen["host"], seen["target"], seen["body"]) == (
            "web.test", "/a/../b?x=%2f", "hello")
        assert answer.header("Server") is None

    cluster.scale("web", "pods", 1)
    left = wait_ready(cluster, "pods", 1)
    gone = next(a for a in addresses if a not in left)
    wait_until(lambda: http("web.test", "/", 8080, address=gone).rc == 7, 10,
               "connection refused by the pod that is gone")
    cluster.delete("deployment", "web", "pods")
    wait_until(lambda: not cluster.get("pods", namespace="pods"), 20,
               "end of all pods")
    assert endpoints(cluster, "pods") == {}


def test_pods_speak_tls_h2_and_websocket(cluster, tmp_path):
    authority = harness.Authority(tmp_path)
    crt, key = authority.issue("web.test", ["web.test"])
    cluster.apply(workload("tls", 1, annotations={
        "pods.sallyport.dev/tls-secret": "web",
        "pods.sallyport.dev/name": "gamma"}))
    cluster.kubectl_ok("-n", "tls", "create", "secret", "tls", "web",
                       "--cert", crt, "--key", key)
    address = wait_ready(cluster, "tls", 1)[0]

    answer = http("web.test", "/", 8443, True, address=address,
                  ca=authority.crt)
    assert (answer.rc, answer.status, answer.version) == (0, 200, "2"), answer
    assert answer.json()["tls"]["serverName"] == "web.test"
    assert answer.json()["name"] == "gamma"
    answer = http("web.test", "/", 8443, True, address=address,
                  ca=authority.crt, http2=False)
    assert answer.version == "1.1"
    answer = http("web.test", "/", 8080, address=address, http2=True)
    assert answer.json()["proto"] == "HTTP/2.0"

    talk = WebSocket("web.test", "/?hello", 8080, address)
    assert json.loads(talk.receive())["pod"] == pod_of(cluster, "tls", address)
    assert talk.ask("hi") == "hi"
    long = "ä" * 2000
    assert talk.ask(long) == long
    cluster.annotate("pod", pod_of(cluster, "tls", address), "tls",
                     crashed="true")
    with pytest.raises(ConnectionError):
        talk.receive()
    talk.close()


def test_load_on_pods_that_are_replaced(cluster):
    """The harness's load sees a pod that vanishes under it, and only that."""
    cluster.apply(workload("load", 1))
    address = wait_ready(cluster, "load", 1)[0]
    with Load("web.test", "/", 8080, address=address,
              right=lambda body: json.loads(body)["namespace"] == "load"
              ) as load:
        load.wait_more(200)
        assert load.failures == [], load
        cluster.kubectl_ok("-n", "load", "delete", "pods", "--all",
                           "--force", "--grace-period=0")
        wait_until(lambda: load.failures, 10, "a failed request")
    assert load.done > 200


def test_pod_gets_ready_late_and_at_a_chosen_address(cluster):
    network = ipaddress.ip_network(cluster.setting("POD_CIDR"))
    address = str(network[777])
    cluster.apply(workload("late", 1, annotations={
        "pods.sallyport.dev/address": address,
        "pods.sallyport.dev/ready-after": "2s"}))
    found = wait_until(lambda: endpoints(cluster, "late"), 20, "an endpoint")
    assert list(found) == [address]
    assert found[address]["ready"] is False
    assert wait_ready(cluster, "late", 1) == [address]


def test_dual_stack_where_the_machine_has_ipv6(cluster):
    if not cluster.setting("POD_CIDR6"):
        pytest.skip("no IPv6 on lo")
    objects = workload("dual", 1)
    objects[1]["spec"]["ipFamilyPolicy"] = "RequireDualStack"
    cluster.apply(objects)
    four, six = wait_ready(cluster, "dual", 2)
    assert six.startswith("fd10:244:")
    for address in (four, six):
        answer = http("web.test", "/", 8080, address=address)
        assert answer.status == 200, answer
        assert answer.json()["local"] in (f"{address}:8080",
                                          f"[{address}]:8080")


@pytest.mark.parametrize("path, want", [
    ("/status/404", 404), ("/?status=503", 503), ("/?delay=50ms", 200),
])
def test_echo_answers_as_asked(cluster, path, want):
    cluster.apply(workload("echo", 1))
    address = wait_ready(cluster, "echo", 1)[0]
    answer = http("web.test", path, 8080, address=address)
    assert answer.status == want
    if "delay" in path:
        assert answer.seconds >= 0.05


def test_echo_can_misbehave(cluster):
    cluster.apply(workload("echo", 1))
    address = wait_ready(cluster, "echo", 1)[0]
    answer = http("web.test", "/?abort", 8080, address=address)
    assert (answer.rc, answer.status) == (56, 0), answer
    answer = http("web.test", "/?size=100000&header=Set-Cookie:a=1", 8080,
                  address=address)
    assert len(answer.body) == 100000
    assert answer.header("set-cookie") == "a=1"
    answer = http("web.test", "/?chunks=3&interval=1ms", 8080,
                  address=address)
    assert answer.header("content-length") is None
    assert answer.text.startswith("chunk 0\nchunk 1\nchunk 2\n{")


def test_readiness_can_be_steered(cluster):
    cluster.apply(workload("ready", 1, annotations={
        "pods.sallyport.dev/ready": "false"}))
    address = wait_until(lambda: list(endpoints(cluster, "ready")), 20,
                         "an endpoint")[0]
    assert endpoints(cluster, "ready")[address]["ready"] is False
    pod = pod_of(cluster, "ready", address)

    cluster.annotate("pod", pod, "ready", ready=None)
    assert wait_ready(cluster, "ready", 1) == [address]
    cluster.annotate("pod", pod, "ready", ready="false")
    wait_ready(cluster, "ready", 0)
    assert http("web.test", "/", 8080, address=address).status == 200

    cluster.annotate("pod", pod, "ready", ready=None)
    wait_ready(cluster, "ready", 1)
    cluster.annotate("pod", pod, "ready", crashed="true")
    wait_until(lambda: http("web.test", "/", 8080, address=address).rc == 7,
               10, "connection refused by the crashed pod")
    assert ready_addresses(cluster, "ready") == [address]
    cluster.annotate("pod", pod, "ready", crashed=None)
    wait_until(lambda: http("web.test", "/", 8080, address=address).rc == 0,
               10, "answer of the pod that came back")


@pytest.mark.parametrize("unready", [False, True])
def test_terminating_pod_serves_until_told(cluster, unready):
    space = f"stop-{unready}".lower()
    cluster.apply(workload(space, 1, annotations={
        "pods.sallyport.dev/serve-after-stop": "20s",
        "pods.sallyport.dev/unready-at-stop": str(unready).lower()}))
    address = wait_ready(cluster, space, 1)[0]
    pod = pod_of(cluster, space, address)
    cluster.scale("web", space, 0)

    def look():
        conditions = endpoints(cluster, space)[address]
        assert conditions == {"ready": False, "serving": not unready,
                              "terminating": True}, conditions
        return True
    wait_until(look, 10, "a terminating endpoint")
    assert http("web.test", "/", 8080, address=address).status == 200

    cluster.annotate("pod", pod, space, serve_after_stop="0s")
    wait_until(lambda: not cluster.get("pods", namespace=space), 10,
               "end of the pod")
    assert http("web.test", "/", 8080, address=address).rc == 7


def test_webhooks_are_called_by_address(cluster):
    """The API server calls a webhook by URL: one that nobody listens on."""
    cluster.apply({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "nobody"},
        "webhooks": [{
            "name": "nobody.test.dev", "failurePolicy": "Fail",
            "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {
                "url": f"https://127.0.0.1:{harness.free_port()}/validate"},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"],
                       "operations": ["CREATE"],
                       "resources": ["configmaps"]}],
            "namespaceSelector": {"matchLabels": {"called": "yes"}}}]})
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "called", "labels": {"called": "yes"}}})

    def refused():
        result = cluster.kubectl("-n", "called", "create", "configmap", "x",
                                 "--dry-run=server")
        return result.rc != 0 and "nobody.test.dev" in result.err
    wait_until(refused, 10, "a refusal that names the webhook")
    cluster.delete("validatingwebhookconfiguration", "nobody")


def test_the_end_of_an_object_that_is_made_again(cluster, monkeypatch):
    """As a controller makes it, before anybody looks."""
    again = {"apiVersion": "v1", "kind": "ConfigMap",
             "metadata": {"name": "again", "namespace": "default"}}
    cluster.apply(again)
    first = cluster.get("configmap", "again", "default")
    delete = cluster.api.delete

    def delete_and_make(*what):
        answer = delete(*what)
        cluster.api.create(again).must()
        return answer
    with monkeypatch.context() as controller:
        controller.setattr(cluster.api, "delete", delete_and_make)
        cluster.delete("configmap", "again", "default")
    second = cluster.get("configmap", "again", "default")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    cluster.delete("configmap", "again", "default")
    assert not cluster.get("configmap", "again", "default")


def test_apiserver_killed_and_started_again(cluster):
    cluster.apply(workload("again", 1))
    before = wait_ready(cluster, "again", 1)
    old = cluster.pid("apiserver")
    cluster.kill_apiserver()
    assert cluster.kubectl("get", "nodes", timeout=30).rc != 0
    cluster.restart_apiserver()
    assert cluster.pid("apiserver") != old
    assert ready_addresses(cluster, "again") == before
    cluster.scale("web", "again", 2)
    assert set(before) < set(wait_ready(cluster, "again", 2))


def test_service_account_has_only_what_it_was_given(cluster, tmp_path):
    cluster.create_namespace("identity")
    cluster.create_account("clerk", "identity")
    path = cluster.service_account_kubeconfig("clerk", "identity",
                                              tmp_path / "kubeconfig")
    assert path.stat().st_mode & 0o077 == 0
    who = ["--kubeconfig", path]
    refused = cluster.kubectl(*who, "get", "ingresses", "-A")
    assert refused.rc != 0 and "system:serviceaccount:identity:clerk" in \
        refused.err
    cluster.kubectl_ok("create", "clusterrole", "clerk", "--verb=list",
                       "--resource=ingresses.networking.k8s.io")
    cluster.kubectl_ok("create", "clusterrolebinding", "clerk",
                       "--clusterrole=clerk",
                       "--serviceaccount=identity:clerk")
    wait_until(lambda: cluster.kubectl(
        *who, "get", "ingresses", "-A").rc == 0, 10, "the role to count")


def test_ingress_status_reaches_dns(cluster):
    port = cluster.dns_up()
    try:
        cluster.create_namespace("dns")
        cluster.apply({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "web", "namespace": "dns"},
            "spec": {"ingressClassName": "nobodys",
                     "rules": [{"host": "a.example.com"}]}})

        def status(**address):
            cluster.patch("ingress", "web", "dns", {"status": {
                "loadBalancer": {"ingress": [address] if address else []}}},
                "status")
            return cluster.external_dns("--namespace=dns")

        assert kubecluster.dig(port, "a.example.com") == []
        changes = status(ip="192.0.2.10")
        assert [r["dnsName"] for r in changes["create"]] == ["a.example.com"]
        assert kubecluster.dig(port, "a.example.com") == ["192.0.2.10"]
        assert not any(cluster.external_dns("--namespace=dns").values())
        # One update that puts a CNAME in the place of an A record is ignored
        # by a name server (RFC 2136, 3.4.2.2), so the A record goes first.
        status()
        assert kubecluster.dig(port, "a.example.com") == []
        status(hostname="lb.example.net")
        assert kubecluster.dig(port, "a.example.com", "CNAME") == [
            "lb.example.net."]
        status()
        assert kubecluster.dig(port, "a.example.com", "CNAME") == []
    finally:
        cluster.dns_down()


def test_two_clusters_and_nothing_left(cluster, tmp_path):
    """The second one ends with its owner."""
    owner = harness.Process("owner", ["sleep", "1000"], tmp_path / "log")
    other = kubecluster.Cluster(tmp_path / "other")
    other.up(APISERVER_FLAGS="--min-request-timeout=5",
             CLUSTER_OWNER=str(owner.pid))
    try:
        flag = "--min-request-timeout=5"
        assert other.pid("apiserver") in harness.processes_naming(flag)
        for name in ("PORT_BASE", "POD_CIDR"):
            assert other.setting(name) != cluster.setting(name)
        cluster.create_namespace("only-here")
        assert other.get("namespace", "only-here") is None
        assert cluster.get("namespace", "only-here") is not None
        other.apply(workload("same", 1))
        address = wait_ready(other, "same", 1)[0]
        assert http("web.test", "/", 8080, address=address).rc == 0
        assert other.command("up").rc == 1, "it runs already"
        base = int(other.setting("PORT_BASE"))
        cidr = other.setting("POD_CIDR")
        other.dns_up()
        assert other.running()
        owner.kill()
        wait_until(lambda: not harness.processes_naming(other.directory), 20,
                   "end of the cluster without an owner")
        assert not other.running()
    finally:
        owner.stop()
        other.down()
    for port in range(base, base + 10):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, port
    routes = harness.check(["ip", "route", "show", "table", "local"])
    assert cidr not in routes
    assert cluster.setting("POD_CIDR") in routes
    assert other.command("down").rc == 0, "down twice is no error"
    assert len(harness.processes_naming(cluster.directory)) >= 4


def test_up_that_fails_leaves_nothing(tmp_path):
    broken = kubecluster.Cluster(tmp_path)
    result = broken.command("up", env={"APISERVER_FLAGS": "--no-such-flag"})
    assert result.rc == 1
    assert "no-such-flag" in result.err
    assert "apiserver has ended" in result.err
    assert harness.processes_naming(tmp_path) == []
    assert not broken.running()


def test_missing_go_is_said_in_one_line(tmp_path):
    """An empty cache on a machine without Go: exit status 3 and one line."""
    done = harness.run([kubecluster.SCRIPT, "build"], env={
        **os.environ, "SALLYPORT_CACHE": str(tmp_path / "empty"),
        "GO": str(tmp_path / "no-go")})
    assert done.rc == kubecluster.GO_IS_MISSING
    assert done.err.count("\n") == 1
    assert "Go is missing" in done.err
    assert not (tmp_path / "empty").exists()
