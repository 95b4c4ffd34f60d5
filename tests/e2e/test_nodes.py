"""Ports of nodes: status names every node that runs a pod of ours."""

import daemons
import installs
import objects
from harness import wait_until


def account_of(flags):
    name = "--publish-node-addresses="
    found, = (one.removeprefix(name) for one in flags if one.startswith(name))
    return found


def pod(cluster, name, namespace, account, address=None, ready=True):
    """A pod of that account, and what a kubelet of that node says of it."""
    cluster.apply({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace,
                     "annotations": {"pods.sallyport.dev/schedule": "false"}},
        "spec": {"serviceAccountName": account,
                 "containers": [{"name": "c", "image": "none"}]}})
    if address:
        cluster.patch("pod", name, namespace, {"status": {
            "phase": "Running", "hostIP": address,
            "hostIPs": [{"ip": address}], "conditions": [
                {"type": "Ready", "status": str(ready)}]}}, "status")


def test_status_names_the_nodes_of_our_pods(cluster, namespace, tmp_path,
                                            start_reconciler):
    """Under the roles and with the flag that the chart gives."""
    release = f"n-{namespace}"
    found = installs.rendered(cluster.program("helm"), release, namespace,
                              [installs.preset_values("host-ports")])
    identities = [one for one in found if one["kind"] in
                  daemons.IDENTITY_KINDS]
    arguments = next(container["args"] for one in found
                     for container in installs.containers(one)
                     if container["name"] == "reconciler")
    account, name = account_of(arguments), f"{release}-sallyport"
    config = tmp_path / "kubeconfig"
    cluster.apply(identities)
    try:
        cluster.service_account_kubeconfig(account, namespace, config)
        pod(cluster, "one", namespace, account, "192.0.2.11")
        pod(cluster, "two", namespace, account, "192.0.2.2")
        pod(cluster, "waits", namespace, account)
        pod(cluster, "unready", namespace, account, "192.0.2.3", ready=False)
        pod(cluster, "stranger", namespace, "default", "192.0.2.4")
        reconciler = start_reconciler(
            kubeconfig=config, election_namespace=namespace,
            ingress_class=name, publish_node_addresses=account)
        reconciler.wait_ready()
        cluster.apply(objects.ingress(
            "shop", namespace, {f"{namespace}.test": [
                objects.path("/", "none")]}, ingress_class=name))

        def addresses(*wanted):
            wait_until(lambda: objects.addresses(cluster, "shop", namespace)
                       == list(wanted), 30, f"{wanted} in status")
        addresses("192.0.2.11", "192.0.2.2")
        pod(cluster, "unready", namespace, account, "192.0.2.3")
        addresses("192.0.2.11", "192.0.2.2", "192.0.2.3")
        assert reconciler.metric("sallyport_kube_failures_total") == 0
        assert not cluster.api.may(f"{namespace}:{account}", "list", "pods",
                                   None, "default")
    finally:
        for one in identities:
            if one["kind"] in ("ClusterRole", "ClusterRoleBinding",
                               "IngressClass"):
                cluster.delete(one["kind"], one["metadata"]["name"])
