"""manifests/base on a real node: what only a kubelet, a container runtime and
kube-proxy show.  The rules and the data path have tests of their own."""

import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

import installs
import kubecluster
import objects
import realnode
from conftest import SHOP, SYSTEM
from daemons import BUILD, parse_metrics
from harness import ROOT, check, http, wait_until
from load import Load

CONTROLLER = "app.kubernetes.io/component=controller"


def statuses(pod):
    """{container: its status}, sidecars included."""
    status = pod["status"]
    return {one["name"]: one for one in status["containerStatuses"] +
            status.get("initContainerStatuses", [])}


def processes(installed, pod, container, program):
    """Ids of a program's processes in a container of a pod."""
    identity = statuses(pod)[container]["containerID"].split("//")[1]
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name = (entry / "comm").read_text().strip()
            if name == program[:15] and identity in (
                    entry / "cgroup").read_text():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def of_status(pid, field):
    text = Path(f"/proc/{pid}/status").read_text()
    return re.search(rf"^{field}:\s+(.*)$", text, re.M).group(1).split()


def test_every_container_runs_and_none_was_restarted(installed):
    for component, names in (("controller", {"reconciler", "haproxy", "auth"}),
                             ("webhook", {"webhook"})):
        pods = installed.pods(component)
        assert len(pods) == 2
        for pod in pods:
            found = statuses(pod)
            assert set(found) == names
            for name, one in found.items():
                assert one["ready"] and one["started"], (name, one)
                assert one["restartCount"] == 0, (name, one)


def test_no_container_has_more_than_it_needs(installed):
    pod = installed.pods("controller")[0]
    for container, program, user in (
            ("reconciler", "sallyport-reconciler", 65532),
            ("haproxy", "haproxy", 65532), ("auth", "sallyport-auth", 65533)):
        found = processes(installed, pod, container, program)
        assert found, f"no {program} in {container}"
        for pid in found:
            assert set(of_status(pid, "Uid")) == {str(user)}
            assert of_status(pid, "CapEff") == ["0000000000000000"]
            assert of_status(pid, "NoNewPrivs") == ["1"]
            assert of_status(pid, "Seccomp") == ["2"]
            # /var/run is a link out of what is looked through here.
            token = Path(f"/proc/{pid}/root/run/secrets/kubernetes.io/"
                         "serviceaccount/token")
            assert token.exists() == (container == "reconciler")
            options = re.search(r"^\S+ / \S+ (\S+)", Path(
                f"/proc/{pid}/mounts").read_text(), re.M).group(1)
            assert "ro" in options.split(","), f"{container}: {options}"


def test_requests_by_the_load_balancer(installed):
    plain = installed.ask("/a")
    assert plain.status == 200 and plain.json()["name"] == "alpha"
    secure = installed.ask("/b", tls=True, ca=installed.authority.crt)
    assert secure.status == 200 and secure.json()["target"] == "/b"
    assert installed.ask("/", host="nobody.test").status == 404
    wait_until(lambda: [realnode.BALANCER] == objects.addresses(
        installed.node, "shop", SHOP), 30, "the address in status")


def test_a_way_to_look_inside(installed):
    """As docs/operations.md has it."""
    node = installed.node
    forward = node.processes.start(
        [node.kube, "kubectl", "--kubeconfig", node.kubeconfig, "-n", SYSTEM,
         "port-forward", "deploy/sallyport", "10254"], name="port-forward")
    forward.wait_log("^Forwarding from 127.0.0.1", 20)
    shown = check([BUILD / "sallyport", "routes"])
    assert "shop.test" in shown and "shop/shop" in shown

    def equal():
        metrics = parse_metrics(http(
            "localhost", "/metrics", port=10254).text)
        return metrics['sallyport_selfchecks_total{result="equal"}']
    before = equal()
    node.kubectl_ok("-n", SYSTEM, "exec", "deploy/sallyport", "-c",
                    "reconciler", "--", "sh", "-c", "kill -USR1 1")
    wait_until(lambda: equal() == before + 1, 20, "a self-check that agrees")
    forward.stop()


def test_a_conflict_is_refused_by_the_webhook_behind_its_service(installed):
    node = installed.node
    node.kubectl_ok("create", "namespace", "other")
    refused = node.try_apply(objects.ingress(
        "thief", "other", {"shop.test": [objects.path("/x", "alpha")]}))
    assert refused.rc == 1 and "shop.test" in refused.err
    assert "shop/shop" in refused.err and "denied the request" in refused.err
    node.delete("namespace", "other")


def test_a_rollout_of_the_controller_loses_no_request(installed):
    answers = []
    slow = threading.Thread(target=lambda: answers.append(
        installed.ask("/?delay=15s", timeout=60)))
    with Load("shop.test", address=realnode.BALANCER, threads=2) as kept, \
            Load("shop.test", address=realnode.BALANCER, threads=2,
                 keep=False) as fresh:
        kept.wait_more(50)
        fresh.wait_more(50)
        slow.start()
        installed.roll("sallyport", selector=CONTROLLER)
        kept.wait_more(50)
        fresh.wait_more(50)
    slow.join()
    assert kept.failures == [] and fresh.failures == [], (
        str(kept), str(fresh), kept.failures[:3], fresh.failures[:3])
    assert [one.status for one in answers] == [200]


def test_a_rollout_of_endpoints_loses_no_request(installed):
    with Load("shop.test", address=realnode.BALANCER, threads=4) as load:
        load.wait_more(50)
        installed.roll("alpha", SHOP)
        load.wait_more(50)
    assert load.failures == [], (str(load), load.failures[:3])


def test_a_rollout_of_the_webhook_refuses_nobody(installed):
    node = installed.node
    refused, number, done = [], 0, threading.Event()

    def create():
        nonlocal number
        while not done.is_set():
            number += 1
            one = node.try_apply(objects.ingress(
                f"many-{number}", SHOP,
                {f"many-{number}.test": [objects.path("/", "alpha")]}))
            if one.rc:
                refused.append(one.err)
    creating = threading.Thread(target=create)
    creating.start()
    installed.roll("sallyport-webhook",
                   selector="app.kubernetes.io/component=webhook")
    done.set()
    creating.join()
    assert number > 5 and refused == []
    assert installed.ask(host=f"many-{number}.test").status in (200, 404)
    wait_until(lambda: installed.ask(
        host=f"many-{number}.test").status == 200, 20, "the last of them")
    node.kubectl_ok("-n", SHOP, "delete", "ingress", *[
        f"many-{one}" for one in range(1, number + 1)])


def restarts(installed):
    return {(pod["metadata"]["name"], name): one["restartCount"]
            for pod in installed.pods("controller")
            for name, one in statuses(pod).items()}


def crash(installed, container, program):
    """SIGKILL to a program of a container of each pod; the kubelet starts that
    container again, and no other."""
    before = restarts(installed)
    for pod in installed.pods("controller"):
        for pid in processes(installed, pod, container, program):
            os.kill(pid, signal.SIGKILL)

    def once_more():
        now = restarts(installed)
        return all(now[key] == count + (key[1] == container)
                   for key, count in before.items())
    wait_until(once_more, 60, f"one restart of {container}", interval=0.5)
    installed.rolled_out("sallyport")
    wait_until(lambda: all(
        one["ready"] for pod in installed.pods("controller")
        for one in statuses(pod).values()), 60, "ready containers")


def test_a_reconciler_that_is_killed_costs_no_request(installed):
    with Load("shop.test", address=realnode.BALANCER, threads=2) as load:
        load.wait_more(20)
        crash(installed, "reconciler", "sallyport-reconciler")
        load.wait_more(20)
    assert load.failures == [], (str(load), load.failures[:3])
    installed.applied(objects.ingress(
        "later", SHOP, {"later.test": [objects.path("/", "alpha")]}))
    wait_until(lambda: installed.ask(host="later.test").status == 200, 20,
               "a route made after the crash")
    installed.node.delete("ingress", "later", SHOP)


def test_a_container_of_haproxy_that_is_killed_comes_back_whole(installed):
    crash(installed, "haproxy", "sallyport-proxy")
    # By each pod, not by whichever answers.
    for pod in installed.pods("controller"):
        wait_until(lambda: http(
            "shop.test", address=pod["status"]["podIP"],
            port=8080).status == 200, 60, "an answer of that pod")


def test_the_end_of_a_pod_keeps_passwords_until_its_last_request(installed):
    node = installed.node
    hashed = subprocess.run(
        ["openssl", "passwd", "-apr1", "open"], capture_output=True,
        text=True, check=True).stdout.strip()
    node.kubectl_ok("-n", SHOP, "create", "secret", "generic", "staff",
                    f"--from-literal=auth=shop:{hashed}")
    installed.applied(objects.ingress(
        "staff", SHOP, {"staff.test": [objects.path("/", "alpha")]},
        annotations={"auth-type": "basic", "auth-secret": "staff"}))
    arguments = ["-u", "shop:open"]
    wait_until(lambda: installed.ask(
        host="staff.test", arguments=arguments).status == 200, 20, "a user")
    assert installed.ask(host="staff.test").status == 401
    pod = installed.pods("controller")[0]
    address, name = pod["status"]["podIP"], pod["metadata"]["name"]
    node.delete("pod", name, SYSTEM, wait=False)
    asked = 0
    # Connections come for 20 s yet; each brings a password to verify.
    while True:
        answer = http("staff.test", address=address, port=8080,
                      arguments=arguments)
        if answer.status == 0:
            break
        assert answer.status == 200, answer
        asked += 1
    assert asked > 20
    installed.rolled_out("sallyport")
    node.delete("ingress", "staff", SHOP)
    node.delete("secret", "staff", SHOP)


@pytest.mark.parametrize("preset", ["host-ports", "host-network"])
def test_the_chart_on_ports_of_the_node(installed, tmp_path, preset):
    """A second release beside the first: its own class, a DaemonSet, ports 80
    and 443 of the node."""
    node = installed.node
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"controller": {
        "ingressClassResource": {"name": "edge"},
        "publishStatusAddress": realnode.NODE}}))
    made = installs.rendered(
        kubecluster.program("helm"), "edge", "ingress-edge",
        values=[installs.preset_values(preset), values])
    node.kubectl_ok("create", "namespace", "ingress-edge")
    node.apply(made, "ingress-edge")
    name, = (one["metadata"]["name"] for one in made
             if one["kind"] == "DaemonSet")
    installed.rolled_out(name, "ingress-edge", "daemonset")
    installed.applied(objects.ingress(
        "edge", SHOP, {"edge.test": [objects.path("/", "alpha")]},
        ingress_class="edge"))
    wait_until(lambda: http("edge.test", address=realnode.NODE).status == 200,
               30, "an answer on port 80 of the node")
    assert http("shop.test", address=realnode.NODE).status == 404
    assert installed.ask(host="edge.test").status == 404
    wait_until(lambda: [realnode.NODE] == objects.addresses(
        node, "edge", SHOP), 30, "the node's address in status")
    node.delete("ingress", "edge", SHOP)
    node.kubectl_ok("delete", "-f", "-", "--wait=false",
                    input=kubecluster.dump(made))
    # Its pods first: a namespace that finds some looks again minutes later.
    wait_until(lambda: not node.get("pods", namespace="ingress-edge"), 120,
               "the end of its pods", interval=1)
    node.delete("namespace", "ingress-edge")


def test_uninstalled_nothing_is_in_the_way(installed):
    node = installed.node
    node.kubectl_ok("delete", "-k", ROOT / "manifests" / "base",
                    timeout=400)
    assert node.get("namespace", SYSTEM) is None
    for kind in ("validatingwebhookconfigurations",
                 "mutatingwebhookconfigurations", "ingressclasses",
                 "clusterroles", "clusterrolebindings"):
        assert [one["metadata"]["name"] for one in node.get(kind)
                if "sallyport" in one["metadata"]["name"]] == []
    node.apply(objects.ingress(
        "free", SHOP, {"shop.test": [objects.path("/", "alpha")]}))
