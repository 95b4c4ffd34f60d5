"""The first door, as a user of kubectl sees it."""

import time

import pytest

from harness import tell
from objects import ingress, path

SNIPPET = "more_set_headers \"X: y\";"


@pytest.fixture
def door(identities, start_webhook):
    webhook = start_webhook().wait_ready()
    webhook.register(identities)
    return webhook


def refused(cluster, obj, *words):
    """kubectl apply is refused within a second, and says all these words."""
    begun = time.monotonic()
    result = cluster.try_apply(obj)
    seconds = time.monotonic() - begun
    tell(f"refused by kubectl after {seconds:.2f} s: "
         f"{obj['metadata']['name']}: {words[0]}")
    assert result.rc != 0
    for word in words:
        assert word in result.err, result.err
    return result.err


def test_another_namespace_has_the_host(cluster, door, namespace):
    other = f"{namespace}-b"
    cluster.create_namespace(other)
    try:
        host = f"{namespace}.example.com"
        cluster.apply(ingress("first", namespace, {host: [path("/", "a")]}))
        refused(cluster,
                ingress("second", other, {host: [path("/login", "b")]}),
                "second", "spec.rules[0].host", f'"{host}"',
                f"{namespace}/first", "use another host")
        assert cluster.get("ingress", "second", other) is None
    finally:
        cluster.delete("namespace", other, wait=False)


def test_the_same_path_twice(cluster, door, namespace):
    host = f"{namespace}.example.com"
    cluster.apply(ingress("first", namespace, {host: [path("/a", "a")]}))
    refused(cluster, ingress("second", namespace, {host: [path("/a/", "b")]}),
            f'host "{host}" and path "/a/" is already defined in ingress '
            f"{namespace}/first", "spec.rules[0].http.paths[0].path")
    cluster.apply(ingress("second", namespace, {host: [path("/b", "b")]}))


def test_two_at_once_in_one_file(cluster, door, namespace):
    host = f"{namespace}.example.com"
    result = cluster.try_apply([
        ingress(f"n{i}", namespace, {host: [path("/", "a")]})
        for i in range(2)])
    assert result.rc == 0, result.err      # identical twins are no conflict
    result = cluster.try_apply([
        ingress("m0", namespace, {f"m.{host}": [path("/", "a")]}),
        ingress("m1", namespace, {f"m.{host}": [path("/", "b")]})])
    assert result.rc != 0
    assert "is already defined in ingress" in result.err
    there = [cluster.get("ingress", n, namespace) for n in ("m0", "m1")]
    assert sum(one is not None for one in there) == 1


@pytest.mark.parametrize("annotations,paths,words", [
    ({"proxy-read-timeout": "60s"}, [path("/", "a")],
     ["proxy-read-timeout", '"60s"', "is not a whole number of seconds",
      'write "60"']),
    ({"affinity": "sticky"}, [path("/", "a")],
     ["affinity", '"sticky"', 'write "cookie"']),
    ({"configuration-snippet": SNIPPET}, [path("/", "a")],
     ["configuration-snippet", "refused", "docs/migration.md"]),
    ({"rewrite-target": "/$2"},
     [path("/api(/|$)(.*", "a", kind="ImplementationSpecific")],
     ["spec.rules[0].http.paths[0].path", "/api(/|$)(.*", "parenthesis"]),
    ({"rewrite-target": "/$3"},
     [path("/api(/|$)(.*)", "a", kind="ImplementationSpecific")],
     ["rewrite-target", '"/$3"', "$3"]),
    ({"whitelist-source-range": "10.0.0.0/8,everyone"}, [path("/", "a")],
     ["whitelist-source-range", '"everyone"', "10.0.0.0/8"]),
], ids=["unit", "choice", "snippet", "regex", "group", "cidr"])
def test_bad_annotation(cluster, door, namespace, annotations, paths, words):
    host = f"{namespace}.example.com"
    obj = ingress("bad", namespace, {host: paths}, annotations)
    refused(cluster, obj, "bad", *words)
    assert cluster.get("ingress", "bad", namespace) is None
    dry = cluster.api.create(obj, dryRun="All")
    assert dry.status >= 400 and words[0] in dry.message


def test_typo_is_a_warning(cluster, door, namespace):
    result = cluster.try_apply(ingress(
        "typo", namespace, {f"{namespace}.example.com": [path("/", "a")]},
        {"proxy-body-sise": "8m"}))
    assert result.rc == 0
    assert "proxy-body-size" in result.err and "Warning" in result.err


def test_several_findings_at_once(cluster, door, namespace):
    refused(cluster,
            ingress("many", namespace,
                    {f"{namespace}.example.com": [path("/", "a")]},
                    {"proxy-read-timeout": "1m", "proxy-body-size": "huge",
                     "affinity": "sticky"}),
            "proxy-read-timeout", "proxy-body-size", "affinity")


def test_existing_objects_are_ratcheted(cluster, identities, start_webhook,
                                        namespace):
    """What was there before us may be labelled, finished and deleted."""
    bad = ingress("old", namespace,
                  {f"{namespace}.example.com": [path("/", "a")]},
                  {"proxy-read-timeout": "60s"})
    bad["metadata"]["finalizers"] = ["test.sallyport.dev/wait"]
    cluster.apply(bad)
    start_webhook().wait_ready().register(identities)
    cluster.patch("ingress", "old", namespace,
                  {"metadata": {"labels": {"x": "y"}}})
    result = cluster.kubectl(
        "-n", namespace, "annotate", "ingress", "old", "--overwrite",
        "nginx.ingress.kubernetes.io/proxy-send-timeout=30")
    assert result.rc == 0, result.err
    assert "proxy-read-timeout" in result.err      # told, as a warning
    result = cluster.kubectl(
        "-n", namespace, "annotate", "ingress", "old", "--overwrite",
        "nginx.ingress.kubernetes.io/proxy-send-timeout=30s")
    assert result.rc != 0
    cluster.delete("ingress", "old", namespace, wait=False)
    cluster.patch("ingress", "old", namespace,
                  {"metadata": {"finalizers": None}})


def test_mutation_moves_the_class(cluster, identities, start_webhook,
                                  namespace):
    webhook = start_webhook().wait_ready()
    webhook.register(identities, kind="MutatingWebhookConfiguration")
    cluster.apply(ingress(
        "legacy", namespace, {f"{namespace}.example.com": [path("/", "a")]},
        {"kubernetes.io/ingress.class": "sallyport"}, ingress_class=None))
    spec = cluster.get("ingress", "legacy", namespace)["spec"]
    assert spec["ingressClassName"] == "sallyport"


def test_another_class_is_not_judged(cluster, door, namespace):
    cluster.apply(ingress(
        "foreign", namespace, {f"{namespace}.example.com": [path("/", "a")]},
        {"configuration-snippet": SNIPPET}, ingress_class="nginx"))
