"""The node, and Sallyport on it, live for the whole run; each test leaves both
as it found them."""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402  (they need the path above)
import objects  # noqa: E402
import realnode  # noqa: E402
from harness import ROOT, wait_until  # noqa: E402

SYSTEM = "sallyport-system"
SHOP = "shop"
ROLLOUT_SECONDS = 300


class Installation:
    """Sallyport by manifests/base, and a namespace with a Service "alpha"."""

    def __init__(self, node, directory):
        self.node = node
        self.authority = harness.Authority(directory / "authority")

    def install(self):
        node = self.node
        node.kubectl_ok("apply", "-k", ROOT / "manifests" / "base")
        # What a cloud's controller would do for a Service of that type.
        self.balance(SYSTEM, "sallyport", realnode.BALANCER)
        for name in ("sallyport", "sallyport-webhook"):
            self.rolled_out(name)
        node.kubectl_ok("create", "namespace", SHOP)
        crt, key = self.authority.issue("shop.test", ["shop.test"])
        node.kubectl_ok("-n", SHOP, "create", "secret", "tls", "shop",
                        "--cert", crt, "--key", key)
        node.apply(backend("alpha", SHOP, replicas=2))
        self.rolled_out("alpha", SHOP)
        self.applied(objects.ingress(
            "shop", SHOP, {"shop.test": [objects.path("/", "alpha")]},
            annotations={"ssl-redirect": "false"},
            tls={"shop": ["shop.test"]}))
        wait_until(lambda: self.ask().status == 200, 30, "an answer of alpha")

    def applied(self, one):
        """Applied as soon as the webhook is trusted, and not before."""
        def attempt():
            done = self.node.try_apply(one)
            assert done.rc == 0, done.err
            return True
        wait_until(attempt, 60, "admission of an Ingress", interval=1)

    def balance(self, namespace, name, address):
        self.node.kubectl_ok(
            "-n", namespace, "patch", "service", name, "--subresource=status",
            "--type=merge", "-p", json.dumps(
                {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}))

    def rolled_out(self, name, namespace=SYSTEM, kind="deployment"):
        done = self.node.kubectl(
            "-n", namespace, "rollout", "status", f"{kind}/{name}",
            f"--timeout={ROLLOUT_SECONDS}s", timeout=ROLLOUT_SECONDS + 10)
        assert done.rc == 0, done.err + self.node.kubectl_ok(
            "-n", namespace, "get", "pods,events", "-o", "wide")

    def pods(self, component, namespace=SYSTEM):
        return self.node.get("pods", namespace=namespace, selector=(
            f"app.kubernetes.io/component={component}"))

    def roll(self, name, namespace=SYSTEM, selector=None):
        """A rollout to its end: the old pods are gone, too."""
        selector = selector or f"app={name}"
        old = {one["metadata"]["name"] for one in
               self.node.get("pods", namespace=namespace, selector=selector)}
        self.node.kubectl_ok("-n", namespace, "rollout", "restart",
                             f"deployment/{name}")
        self.rolled_out(name, namespace)
        wait_until(lambda: not old & {
            one["metadata"]["name"] for one in self.node.get(
                "pods", namespace=namespace, selector=selector)},
            ROLLOUT_SECONDS, f"the end of the old pods of {name}", interval=1)

    def ask(self, path="/", host="shop.test", **options):
        return harness.http(host, path, address=realnode.BALANCER, **options)


def backend(name, namespace, replicas=1):
    """Deployment and Service of the echo image."""
    deployment, service = objects.app(name, namespace, replicas)
    pod = deployment["spec"]["template"]["spec"]
    pod["containers"][0].update(
        image="localhost/podhelper:1", imagePullPolicy="Never",
        args=["echo", "--http", "0.0.0.0:8080", "--name", name],
        readinessProbe={"httpGet": {"path": "/", "port": 8080},
                        "periodSeconds": 1})
    # As everybody does whose server ends at once.
    pod["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 3}}}
    return [deployment, service]


@pytest.fixture(scope="session")
def node():
    work = Path(os.environ["NODE_WORK"])
    directory = work / "node"
    directory.mkdir()
    one = realnode.RealNode(directory, work / "images.tar",
                            os.environ["NODE_CGROUP"])
    try:
        yield one.up()
    finally:
        one.down()


@pytest.fixture(scope="session")
def installed(node, tmp_path_factory):
    one = Installation(node, tmp_path_factory.mktemp("installation"))
    one.install()
    return one
