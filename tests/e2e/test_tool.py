"""sallyport audit and explain against a real API server, and as a plug-in of
the real kubectl."""

import json
import os
import subprocess

import pytest

from daemons import BUILD
from objects import ingress, ingress_class, path


@pytest.fixture
def tool(cluster, tmp_path):
    """tool(*args): rc, stdout, stderr of "kubectl sallyport ARGS"."""
    (tmp_path / "kubectl-sallyport").symlink_to(BUILD.resolve() / "sallyport")
    env = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig),
           "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def run(*args):
        done = subprocess.run(
            [cluster.setting("KUBE"), "kubectl", "sallyport", *args], env=env,
            capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr
    return run


@pytest.fixture
def nginx(cluster, namespace):
    """The class of ingress-nginx, with two Ingresses in it."""
    name = f"nginx-{namespace}"
    host = f"{namespace}.example.com"
    cluster.apply(ingress_class(name, "k8s.io/ingress-nginx"))
    good = ingress("good", namespace, {host: [path("/my/", "web")]})
    bad = ingress("bad", namespace, {host: [path("/x", "web")]}, annotations={
        "nginx.ingress.kubernetes.io/configuration-snippet": "return 200;"})
    for one in good, bad:
        one["spec"]["ingressClassName"] = name
        cluster.apply(one)
    yield name
    cluster.kubectl("delete", "ingressclass", name)


def test_audit_of_class_nginx(cluster, tool, nginx, namespace):
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap",
                   "metadata": {"name": "keys", "namespace": namespace},
                   "data": {"hots": "x"}})
    status, out, err = tool("audit", "--ingress-class", nginx, "-o", "json",
                            "--configmap", f"{namespace}/keys")
    assert status == 1, err
    assert [one["object"] for one in json.loads(out)["controller"]] == [
        f"ConfigMap {namespace}/keys"]
    found = {one["name"]: one for one in json.loads(out)["ingresses"]}
    assert set(found) == {"good", "bad"}
    assert found["bad"]["refused"] and not found["good"]["refused"]
    assert "301" in found["good"]["differences"][0]["message"]
    assert any("web" in f["message"] for f in found["good"]["findings"]), \
        "the cluster is all there is: no such Service"
    status, out, err = tool("audit", "--configmap", f"{namespace}/gone")
    assert (status, out) == (2, "")
    assert f'no ConfigMap "{namespace}/gone" in the cluster' in err


def test_explain_url(tool, nginx, namespace):
    status, out, err = tool(
        "explain", "--url", f"http://{namespace}.example.com/my/x", "-o",
        "json", "--ingress-class", nginx, "--controller-class",
        "k8s.io/ingress-nginx")
    assert status == 0, err
    told = json.loads(out)
    assert told["by"]["ingress"] == "good"
    assert told["by"]["namespace"] == namespace
    assert [o["ingress"] for o in told["others"]] == ["bad"]


def test_no_right_to_list(cluster, tool, namespace, tmp_path):
    """Said in few words, and soon."""
    target = tmp_path / "nobody.kubeconfig"
    cluster.service_account_kubeconfig("default", namespace, target)
    status, out, err = tool("audit", "--kubeconfig", str(target))
    assert status == 2
    assert "forbidden" in err.lower() or "403" in err, err
    assert out == ""
