"""What manifests/ ships is what the API server takes."""

import json

import yaml

import daemons
from harness import wait_until
from objects import ingress, path


def test_server_side_dry_run(cluster, identities):
    """Every object of the base, validated and defaulted by the real server."""
    text = cluster.kubectl_ok("kustomize", daemons.MANIFESTS)
    kinds = [one["kind"] for one in yaml.safe_load_all(text)]
    for kind in ("Deployment", "Service", "IngressClass", "ClusterRole",
                 "ValidatingWebhookConfiguration",
                 "MutatingWebhookConfiguration"):
        assert kind in kinds
    out = cluster.kubectl_ok("apply", "--server-side", "--dry-run=server",
                             "-f", "-", input=text)
    assert out.count("serverside-applied") + out.count("unchanged") == \
        len(kinds), out


def test_only_two_have_a_token(cluster):
    """The containers of the traffic and of passwords mount no credentials."""
    text = cluster.kubectl_ok("kustomize", daemons.MANIFESTS)
    for one in yaml.safe_load_all(text):
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
    for verb in ("get", "list", "watch"):
        result = cluster.kubectl(
            "auth", "can-i", verb, "secrets", "--all-namespaces", "--as",
            "system:serviceaccount:sallyport-system:sallyport-webhook")
        assert result.out.strip() == "no"
        result = cluster.kubectl(
            "auth", "can-i", "update", "ingresses", "--all-namespaces",
            "--as",
            "system:serviceaccount:sallyport-system:sallyport-reconciler")
        assert result.out.strip() == "no"


def arguments(text, name):
    """What the container of this name is started with."""
    for one in yaml.safe_load_all(text):
        if one["kind"] != "Deployment":
            continue
        for container in one["spec"]["template"]["spec"]["containers"]:
            if container["name"] == name:
                return container["args"]
    raise AssertionError(f"no container {name}")


def test_both_doors_have_one_configmap(cluster, identities):
    """The webhook judges with the defaults that the reconciler serves, and
    may read that ConfigMap, and no other."""
    text = cluster.kubectl_ok("kustomize", daemons.MANIFESTS)
    flag = "--configmap=sallyport-system/sallyport"
    for name in ("webhook", "reconciler"):
        assert flag in arguments(text, name)
    who = "system:serviceaccount:sallyport-system:sallyport-webhook"
    for name, answer in (("sallyport", "yes"), ("other", "no")):
        for verb in ("get", "list", "watch"):
            result = cluster.kubectl(
                "auth", "can-i", verb, f"configmaps/{name}", "-n",
                "sallyport-system", "--as", who)
            assert result.out.strip() == answer


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
        return cluster.kubectl("apply", "--dry-run=server", "-f", "-",
                               input=json.dumps(one))
    try:
        wait_until(lambda: "whitelist-source-range, which cannot protect" in
                   try_it().err, 20, "a refusal by the ConfigMap's default")
    finally:
        cluster.kubectl_ok("-n", "sallyport-system", "delete", "configmap",
                           "sallyport")
    wait_until(lambda: try_it().rc == 0, 20, "admission without it")


def test_match_conditions_compile(cluster, identities, start_webhook,
                                  namespace):
    """An update that changes nothing we judge never reaches the webhook."""
    webhook = start_webhook().wait_ready()
    cluster.apply(ingress("a", namespace,
                          {f"{namespace}.example.com": [path("/", "a")]}))
    webhook.register(cluster)
    before = webhook.metric("sallyport_admission_requests_total")
    cluster.kubectl_ok("-n", namespace, "label", "ingress", "a", "x=y")
    assert webhook.metric("sallyport_admission_requests_total") == before
    cluster.kubectl_ok("-n", namespace, "annotate", "ingress", "a", "x=y")
    assert webhook.metric("sallyport_admission_requests_total") == before + 1
