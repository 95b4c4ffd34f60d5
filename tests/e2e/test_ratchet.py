"""What the API server does not even ask about: the shipped matchConditions.

Each row changes an Ingress that was bad before we came, with a dead webhook
behind failurePolicy Fail: what passes was never asked about.
"""

import json

import pytest

from objects import ingress, path

BAD = {"proxy-read-timeout": "60s"}


def patch(cluster, namespace, text, subresource=None):
    return cluster.api.patch("ingress", "old", namespace, json.loads(text),
                             subresource)


@pytest.fixture
def dead_door(cluster, identities, start_webhook, namespace):
    """An old, bad Ingress; the webhook was registered and is gone."""
    old = ingress("old", namespace,
                  {f"{namespace}.example.com": [path("/", "a")]}, BAD)
    old["metadata"]["finalizers"] = ["test.sallyport.dev/wait"]
    cluster.apply(old)
    webhook = start_webhook().wait_ready()
    webhook.register(identities)
    webhook.kill()
    yield
    patch(cluster, namespace, '{"metadata":{"finalizers":null}}')


ROWS = [
    # what changes, of which subresource, does it pass
    ('{"metadata":{"labels":{"a":"b"}}}', None, True),
    ('{"metadata":{"finalizers":["test.sallyport.dev/wait",'
     '"x.example.com/y"]}}', None, True),
    ('{"metadata":{"finalizers":["test.sallyport.dev/wait"]}}', None, True),
    ('{"metadata":{"ownerReferences":[]}}', None, True),
    ('{"metadata":{"labels":{"app.kubernetes.io/instance":"argo"}}}', None,
     True),
    ('{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}',
     "status", True),
    ('{"metadata":{"annotations":{"a/b":"c"}}}', None, False),
    ('{"spec":{"rules":[{"host":"other.example.com"}]}}', None, False),
]


def test_what_is_not_asked_about(cluster, dead_door, namespace):
    for text, subresource, passes in ROWS:
        answer = patch(cluster, namespace, text, subresource)
        assert (answer.status == 200) is passes, (text, answer)
        if not passes:
            assert "validate.sallyport.dev" in answer.message
    cluster.delete("ingress", "old", namespace, wait=False)
    assert cluster.get("ingress", "old", namespace)
    # While it is being deleted, anything.
    patch(cluster, namespace, '{"metadata":{"annotations":{"a":"b"},'
          '"finalizers":["test.sallyport.dev/wait"]}}').must()
    patch(cluster, namespace, '{"metadata":{"finalizers":null}}').must()
    assert cluster.get("ingress", "old", namespace) is None


def test_another_class_is_not_asked_about(cluster, dead_door, namespace):
    """Other controllers' Ingresses do not wait for us: neither one that is
    theirs nor one that leaves us.  One that comes to us does, and one without
    a class, which may be ours by annotation or as the default."""
    host = f"{namespace}.example.com"
    theirs = ingress("theirs", namespace, {host: [path("/", "a")]},
                     ingress_class="nginx")
    cluster.apply(theirs)
    cluster.patch("ingress", "theirs", namespace,
                  {"metadata": {"annotations": {"a/b": "c"}}})
    answer = cluster.api.patch("ingress", "theirs", namespace,
                               {"spec": {"ingressClassName": "sallyport"}})
    assert answer.status >= 400 and "validate.sallyport.dev" in answer.message
    nobodys = ingress("nobodys", namespace, {host: [path("/b", "a")]},
                      ingress_class=None)
    answer = cluster.api.create(nobodys)
    assert answer.status >= 400 and "validate.sallyport.dev" in answer.message
    patch(cluster, namespace, '{"spec":{"ingressClassName":"nginx"}}').must()
