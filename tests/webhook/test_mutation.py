"""Patches: minimal, idempotent, and right by an RFC 6902 implementation that
is not ours (python3-jsonpatch)."""

import base64
import copy
import json

import jsonpatch
import pytest

from conftest import ingress, review

NGINX = "nginx.ingress.kubernetes.io/"
LEGACY = "kubernetes.io/ingress.class"
DEFAULTS = "sallyport.dev/default-annotations"

NAMESPACES = """\
---
apiVersion: v1
kind: Namespace
metadata:
  name: lines
  annotations:
    sallyport.dev/default-annotations: |
      # What this team wants everywhere.
      proxy-read-timeout: 30
      nginx.ingress.kubernetes.io/ssl-redirect = "false"
      sallyport.dev/share-host-with: other
      what is this
      example.com/foreign: x
      proxy-read-timeout: 60
---
apiVersion: v1
kind: Namespace
metadata:
  name: json
  annotations:
    sallyport.dev/default-annotations: >-
      {"proxy-body-size": "8m", "proxy-read-timeout": 30,
       "nginx.ingress.kubernetes.io/enable-cors": "true"}
---
apiVersion: v1
kind: Namespace
metadata:
  name: broken
  annotations: {sallyport.dev/default-annotations: "{oops"}
---
apiVersion: v1
kind: Namespace
metadata: {name: a}
"""


@pytest.fixture
def door(start):
    def make(**flags):
        webhook = start(**flags)
        (webhook.world / "namespaces.yaml").write_text(NAMESPACES)
        return webhook.wait_ready()
    return make


def ask(webhook, obj, operation="CREATE"):
    """(patch, warnings) of one object; the patch [] where there is none."""
    body = review(operation=operation)
    meta = obj["metadata"]
    body["request"].update(object=obj, name=meta.get("name"),
                           namespace=meta["namespace"])
    answer = webhook.curl("/mutate", json.dumps(body)).response
    assert answer["allowed"] is True
    if "patch" not in answer:
        return [], answer.get("warnings", [])
    assert answer["patchType"] == "JSONPatch"
    return (json.loads(base64.b64decode(answer["patch"])),
            answer.get("warnings", []))


def apply(webhook, obj, operation="CREATE"):
    """The object after our patch, which is minimal and idempotent."""
    before = copy.deepcopy(obj)
    patch, warnings = ask(webhook, obj, operation)
    # A copy: jsonpatch puts the patch's own objects into the document.
    after = jsonpatch.apply_patch(obj, copy.deepcopy(patch))
    assert obj == before
    again, _ = ask(webhook, after, operation)
    assert again == [], "the second time changes something"
    for i, step in enumerate(patch):
        if step.get("value") == {}:
            continue                    # The map that the next ones go into.
        rest = patch[:i] + patch[i + 1:]
        assert jsonpatch.apply_patch(before, copy.deepcopy(rest)) != after, \
            f"{step} is not needed"
    return after, warnings


def with_tls(obj, *hosts):
    obj["spec"]["tls"] = [{"hosts": list(hosts), "secretName": "x"}]
    return obj


@pytest.mark.parametrize("host,want", [
    ("shop.example.com", "shop.example.com"),
    ("Shop.Example.COM", "shop.example.com"),
    ("shop.example.com.", "shop.example.com"),
    ("*.EXAMPLE.com.", "*.example.com"),
    ("a..", "a.."),
    (".", "."),
    ("", ""),
    ("B\u00dcCHER.example", "b\u00dccher.example"),
])
def test_hosts(door, host, want):
    webhook = door(mutate_hosts="true")
    after, _ = apply(webhook, with_tls(ingress(host=host), "x.y", host))
    assert after["spec"]["rules"][0]["host"] == want
    assert after["spec"]["tls"][0]["hosts"] == ["x.y", want]
    assert apply(webhook, ingress(host=host), "UPDATE")[0]["spec"]["rules"][
        0]["host"] == want


def test_hosts_only_by_flag(door):
    assert ask(door(), with_tls(ingress(host="A."), "B."))[0] == []


def test_rules_without_a_host(door):
    obj = ingress()
    del obj["spec"]["rules"][0]["host"]
    assert ask(door(mutate_hosts="true"), obj)[0] == []


def test_only_ours(door):
    webhook = door(mutate_hosts="true", namespace_defaults="true")
    assert ask(webhook, ingress(host="A", ns="lines",
                                class_name="nginx"))[0] == []


def test_defaults_from_lines(door):
    webhook = door(namespace_defaults="true")
    after, warnings = apply(webhook, ingress(ns="lines"))
    assert after["metadata"]["annotations"] == {
        NGINX + "proxy-read-timeout": "30",
        NGINX + "ssl-redirect": '"false"',
        "sallyport.dev/share-host-with": "other"}
    assert len(warnings) == 3
    for words in ('"what is this" is left out: write',
                  '"example.com/foreign" is left out: it is no name',
                  '"proxy-read-timeout" is left out: it stands there twice'):
        assert any(words in w and DEFAULTS in w for w in warnings), warnings


def test_defaults_from_json(door):
    webhook = door(namespace_defaults="true")
    after, warnings = apply(webhook, ingress(ns="json", annotations={}))
    assert after["metadata"]["annotations"] == {
        NGINX + "proxy-body-size": "8m", NGINX + "enable-cors": "true"}
    assert len(warnings) == 1 and "must be a string" in warnings[0]


def test_defaults_never_overwrite(door):
    webhook = door(namespace_defaults="true")
    mine = {NGINX + "proxy-body-size": "", "other/key": "x",
            "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    after, _ = apply(webhook, ingress(ns="json", annotations=dict(mine)))
    assert after["metadata"]["annotations"] == {
        **mine, NGINX + "enable-cors": "true"}


def test_defaults_beside_what_we_do_not_keep(door):
    """last-applied-configuration alone is a map of annotations, too."""
    webhook = door(namespace_defaults="true")
    mine = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    after, _ = apply(webhook, ingress(ns="json", annotations=dict(mine)))
    assert mine.items() <= after["metadata"]["annotations"].items()


def test_defaults_only_for_new_objects_and_by_flag(door):
    webhook = door(namespace_defaults="true")
    assert ask(webhook, ingress(ns="json"), "UPDATE")[0] == []
    assert ask(webhook, ingress(ns="a"))[0] == []
    assert ask(webhook, ingress(ns="nowhere"))[0] == []
    patch, warnings = ask(webhook, ingress(ns="broken"))
    assert patch == [] and len(warnings) == 1


def test_defaults_without_the_flag(door):
    assert ask(door(), ingress(ns="json")) == ([], [])


def test_all_at_once(door):
    webhook = door(mutate_hosts="true", namespace_defaults="true")
    after, _ = apply(webhook, ingress(
        ns="json", host="A.example.", class_name=None,
        annotations={LEGACY: "sallyport"}))
    assert after["spec"]["ingressClassName"] == "sallyport"
    assert after["spec"]["rules"][0]["host"] == "a.example"
    assert LEGACY not in after["metadata"]["annotations"]
    assert len(after["metadata"]["annotations"]) == 2
