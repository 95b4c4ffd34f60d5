"""lib/kube against a real API server, and what may happen to one."""

import subprocess
import time

import pytest

import kubecluster
from frozen import frozen
from harness import stays, wait_until
from kubetool import Tool, kubeconfig

NAMED = {
    "Ingress": "ingresses", "IngressClass": "ingressclasses",
    "Service": "services", "EndpointSlice": "endpointslices",
    "Namespace": "namespaces", "ConfigMap": "configmaps", "Lease": "leases",
}
# The node and the API server renew theirs all the time.
MOVING = ("kube-node-lease/", "kube-system/")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    missing = kubecluster.build()
    if missing:
        pytest.exit(missing, kubecluster.GO_IS_MISSING)
    cluster = kubecluster.Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        # Old versions are forgotten after ten seconds, watches are served by
        # etcd itself, and connections are told to go away every so often.
        yield cluster.up(APISERVER_FLAGS=" ".join([
            "--etcd-compaction-interval=10s",
            "--watch-cache-sizes=ingresses.networking.k8s.io#0",
            "--goaway-chance=0.02"]))
    finally:
        cluster.down()


@pytest.fixture
def start(cluster, tmp_path):
    tools = []

    def start(config=None):
        log = tmp_path / f"log{len(tools)}"
        tools.append(Tool(config or cluster.kubeconfig, log))
        tools[-1].wait("synced", 20)
        return tools[-1]

    yield start
    for tool in tools:
        if tool.process.poll() is None:
            tool.end()


@pytest.fixture
def namespace(cluster, request):
    name = request.node.name.replace("_", "-")[5:60].strip("-")
    cluster.create_namespace(name)
    yield name
    cluster.delete("namespace", name, wait=False)


def ingress(name, **annotations):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"defaultBackend": {"service": {
                "name": "x", "port": {"number": 80}}}}}


def apply(cluster, namespace, *objects):
    cluster.apply(objects, namespace)


def truth(cluster):
    """What anybody else sees, as Tool.have() tells it."""
    found = {}
    for kind, plural in NAMED.items():
        found.update({(kind, key_of(o)): o["metadata"]["resourceVersion"]
                      for o in cluster.api.list(plural)})
    secrets = cluster.api.list("secrets",
                               fieldSelector="type=kubernetes.io/tls")
    found.update({("Secret", key_of(o)): o["metadata"]["resourceVersion"]
                  for o in secrets})
    return {k: v for k, v in found.items() if not k[1].startswith(MOVING)}


def key_of(item):
    meta = item["metadata"]
    ns = meta.get("namespace")
    return f"{ns}/{meta['name']}" if ns else meta["name"]


def converges(cluster, tool, timeout=20):
    """The cache is what the API server has, version by version."""
    def same():
        have = {k: v for k, v in tool.have().items()
                if not k[1].startswith(MOVING)}
        want = truth(cluster)
        assert have == want, (sorted(set(have.items()) ^ set(want.items())))
        return True
    wait_until(same, timeout, "the cache equals the API server", 0.5)


def connections(tool):
    out = subprocess.run(["ss", "-Htnp"], text=True,
                         capture_output=True).stdout
    return sum(f"pid={tool.pid}," in line for line in out.splitlines())


def test_every_kind(cluster, start, namespace):
    tool = start()
    tls = {"tls.crt": "", "tls.key": ""}
    apply(cluster, namespace, ingress("one"), {
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": "some"}, "spec": {"controller": "a.test/b"},
    }, {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"ports": [{"port": 80}]},
    }, {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "web-1"}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.2.3"]}],
    }, {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cert"},
        "type": "kubernetes.io/tls", "data": tls,
    }, {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plain"},
        "data": {"a": "YQ=="},
    }, {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"},
    })
    converges(cluster, tool)
    have = tool.have()
    assert ("Secret", f"{namespace}/cert") in have
    assert ("Secret", f"{namespace}/plain") not in have
    tool.say(f"follow Secret {namespace}/plain")
    tool.wait(f"add Secret {namespace}/plain")
    tool.say(f"unfollow Secret {namespace}/plain")
    tool.wait(f"remove Secret {namespace}/plain")
    cluster.delete("ingressclass", "some")
    tool.wait("remove IngressClass some")


def test_all_streams_share_one_connection(cluster, tmp_path):
    """Eight watches and the rest.  A GOAWAY leaves the old connection to its
    streams, and each request of that moment opens its own beside it (one to
    five seen); the second API server of this cluster sends none."""
    server = cluster.second_apiserver(APISERVER_FLAGS="")
    config = tmp_path / "config"
    config.write_text(cluster.kubeconfig.read_text().replace(
        cluster.setting("SERVER"), server))
    tool = Tool(config, tmp_path / "log")
    try:
        tool.wait("synced", 20)
        converges(cluster, tool)
        assert connections(tool) == 1
    finally:
        tool.end()
        cluster.stop_second_apiserver()


def test_one_bad_object_spoils_nothing(cluster, start, namespace):
    cluster.api.create(ingress("bad", x="a\0b"), namespace).must()
    apply(cluster, namespace, ingress("good"))
    tool = start()
    assert ("Ingress", f"{namespace}/good") in tool.have()
    assert ("Ingress", f"{namespace}/bad") not in tool.have()
    for name in ("bad", "good"):
        cluster.patch("ingress", name, namespace,
                      {"metadata": {"annotations": {"y": "z"}}})
    tool.wait(f"change Ingress {namespace}/good")
    assert tool.counts()["bad"] >= 2
    assert f"{namespace}/bad: Ingress left out" in tool.errors()


@pytest.mark.slow
def test_api_server_killed_and_restarted(cluster, start, namespace):
    apply(cluster, namespace, ingress("stays"), ingress("goes"))
    tool = start()
    cluster.kill_apiserver()
    wait_until(lambda: tool.counts()["failing"] == 8, 20, "all streams down")
    assert ("Ingress", f"{namespace}/goes") in tool.have()
    cluster.restart_apiserver()
    cluster.delete("ingress", "goes", namespace)
    tool.wait(f"remove Ingress {namespace}/goes", 40)
    converges(cluster, tool, 40)
    assert f"remove Ingress {namespace}/stays" not in tool.lines


@pytest.mark.slow
def test_versions_are_forgotten_while_we_sleep(cluster, start, namespace):
    apply(cluster, namespace, ingress("goes"), ingress("stays"))
    tool = start()
    relists = tool.counts()["relists"]
    with frozen(tool.pid):
        cluster.restart_apiserver()
        cluster.delete("ingress", "goes", namespace)
        for i in range(30):
            apply(cluster, namespace, ingress("stays", step=str(i)))
            time.sleep(1)       # The compaction is every ten seconds.
    tool.wait(f"remove Ingress {namespace}/goes", 40)
    converges(cluster, tool, 40)
    assert tool.counts()["relists"] > relists


@pytest.mark.slow
def test_api_server_stands_still(cluster, start, namespace):
    """Connections stay open and nothing comes: found out by a small request
    after half a minute, and everything is on new connections then."""
    tool = start()
    pid = cluster.pid("apiserver")
    with frozen(pid):
        wait_until(lambda: "no answer from the API server" in tool.errors(),
                   60, "it is noticed")
    apply(cluster, namespace, ingress("new"))
    tool.wait(f"add Ingress {namespace}/new", 40)
    converges(cluster, tool, 40)


@pytest.mark.slow
def test_a_token_that_is_revoked(cluster, start, namespace, tmp_path):
    path = tmp_path / "token"
    cluster.create_account("client", namespace, "cluster-admin")
    path.write_text(cluster.token("client", namespace))
    tool = start(kubeconfig(tmp_path / "config", cluster.setting("SERVER"),
                            ca=cluster.ca, tokenFile=path))
    cluster.delete("serviceaccount", "client", namespace)
    cluster.create_account("client", namespace)
    fresh = cluster.token("client", namespace)
    names = (f"{namespace}/s{i}" for i in range(1000))

    def refused():
        tool.say(f"follow Secret {next(names)}")
        return tool.counts()["unauthorized"] > 0

    # The API server remembers for a while that the old one was good.
    wait_until(refused, 40, "a 401", 0.5)
    path.write_text(fresh)
    last = next(names)
    tool.say(f"follow Secret {last}")
    wait_until(lambda: tool.ask(f"asked Secret {last}", "asked") ==
               "asked 1", 20, "the new token is used")


def test_status(cluster, start, namespace):
    apply(cluster, namespace, *(ingress(f"i{i}") for i in range(100)))
    tool = start()
    for i in range(100):
        tool.say(f"status {namespace}/i{i} 10.0.0.2 10.0.0.1 a.example")
    for i in range(100):
        tool.wait(f"status {namespace}/i{i} written", 20)
    for item in cluster.get("ingress", namespace=namespace):
        assert item["status"]["loadBalancer"]["ingress"] == [
            {"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]
    # The same once more changes nothing.
    before = tool.have()
    tool.say(f"status {namespace}/i0 10.0.0.1 10.0.0.2")
    tool.wait(f"status {namespace}/i0 written", 10, count=2)
    assert tool.have()[("Ingress", f"{namespace}/i0")] == \
        before[("Ingress", f"{namespace}/i0")]
    # Fewer are all there are, and none are none.
    for addresses in ("10.0.0.2", ""):
        tool.say(f"status {namespace}/i2 {addresses}")
        wait_until(lambda want=[{"ip": a} for a in addresses.split()]:
                   cluster.get("ingress", "i2", namespace)["status"]
                   ["loadBalancer"].get("ingress", []) == want, 10,
                   f"the addresses are {addresses!r}")
    # Another object of the same name is not written.
    with frozen(tool.pid):
        tool.say(f"status {namespace}/i0 10.9.9.9")
        tool.say(f"status {namespace}/i1 10.9.9.9")
        cluster.delete("ingress", "i0", namespace)
        cluster.delete("ingress", "i1", namespace)
        apply(cluster, namespace, ingress("i0"))

    def settled():
        return [line for line in tool.lines
                if line.startswith((f"status {namespace}/i0 gone",
                                    f"status {namespace}/i1 gone"))]

    # It may have seen the deletion before it read the command; then nothing
    # is written at all.
    converges(cluster, tool)
    assert len(settled()) in (0, 1, 2)
    assert not cluster.get("ingress", "i0", namespace)["status"].get(
        "loadBalancer", {}).get("ingress")


def test_events(cluster, start, namespace):
    apply(cluster, namespace, ingress("one"))
    tool = start()
    for _ in range(5):
        tool.say(f"event {namespace}/one HostConflict taken")
    tool.say(f"event {namespace}/one HostConflict other")

    def events():
        found = cluster.get("events.v1.events.k8s.io", namespace=namespace)
        seen = {e["note"]: e.get("series", {}).get("count", 1) for e in found}
        assert seen == {"taken": 5, "other": 1}, found
        return True

    wait_until(events, 10, "both Events")
    shown = cluster.kubectl_ok("-n", namespace, "describe", "ingress", "one")
    assert "HostConflict" in shown and "x5 over" in shown


def leads(tool):
    lines = [line for line in tool.lines if line.startswith("leader ")]
    return bool(lines) and lines[-1] == "leader 1"


@pytest.mark.slow
def test_election(cluster, start, namespace):
    one, two, three = start(), start(), start()
    one.say(f"lease {namespace} elect one")
    one.wait("leader 1", 10)
    two.say(f"lease {namespace} elect two")
    three.say(f"lease {namespace} elect three")
    stays(lambda: leads(one) and not leads(two) and not leads(three), 6,
          "one leader")
    # Given back: the next one has it within its retry time.
    one.say("release")
    one.wait("released", 5)
    wait_until(lambda: leads(two) + leads(three) == 1, 8, "a new leader")
    # Killed: after the Lease has stood still for its time.
    first, second = (two, three) if leads(two) else (three, two)
    first.kill()
    stays(lambda: not leads(second), 8, "the Lease is still valid")
    wait_until(lambda: leads(second), 20, "the last one leads")
    lease = cluster.get("lease", "elect", namespace)["spec"]
    assert lease["leaseTransitions"] == 2
