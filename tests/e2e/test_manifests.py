"""What manifests/ ships is what the API server takes."""

import yaml

import daemons
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


def test_haproxy_has_no_token(cluster):
    """The container that holds the traffic mounts no credentials."""
    text = cluster.kubectl_ok("kustomize", daemons.MANIFESTS)
    for one in yaml.safe_load_all(text):
        if one["kind"] != "Deployment":
            continue
        pod = one["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert not pod.get("shareProcessNamespace")
        for container in pod["containers"]:
            mounts = {m["name"] for m in container["volumeMounts"]}
            assert ("token" in mounts) == (container["name"] != "haproxy")


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
