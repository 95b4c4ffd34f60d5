"""What manifests/ ships is what the API server takes."""

import yaml

import daemons
from harness import wait_until
from objects import ingress, path


def test_server_side_dry_run(cluster, identities):
    """Every object of the base, validated and defaulted by the real server."""
    found = daemons.manifests()
    kinds = [one["kind"] for one in found]
    for kind in ("Deployment", "Service", "IngressClass", "ClusterRole",
                 "ValidatingWebhookConfiguration",
                 "MutatingWebhookConfiguration"):
        assert kind in kinds
    out = cluster.kubectl_ok("apply", "--server-side", "--dry-run=server",
                             "-f", "-", input=yaml.safe_dump_all(found))
    assert out.count("serverside-applied") + out.count("unchanged") == \
        len(kinds), out


def test_only_two_have_a_token():
    """The containers of the traffic and of passwords mount no credentials."""
    for one in daemons.manifests():
        if one["kind"] != "Deployment":
            continue
        pod = one["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert not pod.get("shareProcessNamespace")
        for container in pod["containers"] + pod.get("initContainers", []):
            mounts = {m["name"] for m in container["volumeMounts"]}
            assert ("token" in mounts) == (
                container["name"] in ("reconciler", "webhook"))


def test_webhook_may_read_no_secret(cluster, identities):
    may = cluster.api.may
    for verb in ("get", "list", "watch"):
        assert not may("sallyport-system:sallyport-webhook", verb, "secrets")
    assert not may("sallyport-system:sallyport-reconciler", "update",
                   "ingresses")


def arguments(name):
    """What the container of this name is started with."""
    for one in daemons.manifests():
        if one["kind"] != "Deployment":
            continue
        for container in one["spec"]["template"]["spec"]["containers"]:
            if container["name"] == name:
                return container["args"]
    raise AssertionError(f"no container {name}")


def test_clients_are_told_the_ports_of_the_service():
    """Not those the pod listens on: nobody can dial them."""
    for one in daemons.manifests():
        if (one["kind"], one["metadata"]["name"]) == ("Service", "sallyport"):
            for port in one["spec"]["ports"]:
                assert "--public-%s-port=%d" % (port["name"], port["port"]) \
                    in arguments("reconciler")
                break
            else:
                raise AssertionError("no ports")
            return
    raise AssertionError("no Service")


def test_both_doors_have_one_configmap(cluster, identities):
    """The webhook judges with the defaults that the reconciler serves, and
    may read that ConfigMap, and no other."""
    flag = "--configmap=sallyport-system/sallyport"
    for name in ("webhook", "reconciler"):
        assert flag in arguments(name)
    who = "sallyport-system:sallyport-webhook"
    for name, answer in (("sallyport", True), ("other", False)):
        for verb in ("get", "list", "watch"):
            assert cluster.api.may(who, verb, "configmaps", name,
                                   "sallyport-system") == answer


def test_the_webhook_follows_the_configmap(cluster, identities,
                                           start_webhook, namespace):
    """As its own service account: a protection that the ConfigMap asks for
    stands against ssl-passthrough at kubectl apply."""
    webhook = start_webhook(configmap="sallyport-system/sallyport")
    webhook.wait_ready()
    webhook.register(cluster)
    one = ingress("a", namespace, {f"{namespace}.example.com":
                                   [path("/", "a")]},
                  annotations={"ssl-passthrough": "true"})
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap",
                   "metadata": {"name": "sallyport",
                                "namespace": "sallyport-system"},
                   "data": {"whitelist-source-range": "10.0.0.0/8"}})

    def try_it():
        return cluster.api.create(one, dryRun="All")
    try:
        wait_until(lambda: "whitelist-source-range, which cannot protect" in
                   try_it().message, 20,
                   "a refusal by the ConfigMap's default")
    finally:
        cluster.delete("configmap", "sallyport", "sallyport-system")
    wait_until(lambda: try_it().status == 201, 20, "admission without it")


def test_match_conditions_compile(cluster, identities, start_webhook,
                                  namespace):
    """An update that changes nothing we judge never reaches the webhook."""
    webhook = start_webhook().wait_ready()
    cluster.apply(ingress("a", namespace,
                          {f"{namespace}.example.com": [path("/", "a")]}))
    webhook.register(cluster)
    before = webhook.metric("sallyport_admission_requests_total")
    cluster.patch("ingress", "a", namespace,
                  {"metadata": {"labels": {"x": "y"}}})
    assert webhook.metric("sallyport_admission_requests_total") == before
    cluster.patch("ingress", "a", namespace,
                  {"metadata": {"annotations": {"x": "y"}}})
    assert webhook.metric("sallyport_admission_requests_total") == before + 1
