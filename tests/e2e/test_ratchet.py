"""What the API server does not even ask about: the shipped matchConditions.

Each row changes an Ingress that was bad before we came, with a dead webhook
behind failurePolicy Fail: what passes was never asked about.
"""

import pytest

from objects import ingress, path

MERGE = "--type=merge"
BAD = {"proxy-read-timeout": "60s"}


def patch(cluster, namespace, text, *more):
    return cluster.kubectl("-n", namespace, "patch", "ingress", "old", MERGE,
                           "-p", text, *more)


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
    # what changes, arguments of kubectl patch, does it pass
    ('{"metadata":{"labels":{"a":"b"}}}', (), True),
    ('{"metadata":{"finalizers":["test.sallyport.dev/wait",'
     '"x.example.com/y"]}}', (), True),
    ('{"metadata":{"finalizers":["test.sallyport.dev/wait"]}}', (), True),
    ('{"metadata":{"ownerReferences":[]}}', (), True),
    ('{"metadata":{"labels":{"app.kubernetes.io/instance":"argo"}}}', (),
     True),
    ('{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}',
     ("--subresource=status",), True),
    ('{"metadata":{"annotations":{"a/b":"c"}}}', (), False),
    ('{"spec":{"rules":[{"host":"other.example.com"}]}}', (), False),
]


def test_what_is_not_asked_about(cluster, dead_door, namespace):
    for text, more, passes in ROWS:
        result = patch(cluster, namespace, text, *more)
        assert (result.rc == 0) is passes, (text, result.err)
        if not passes:
            assert "validate.sallyport.dev" in result.err
    cluster.delete("ingress", "old", namespace, wait=False)
    assert cluster.get("ingress", "old", namespace)
    # While it is being deleted, anything.
    result = patch(cluster, namespace, '{"metadata":{"annotations":{"a":"b"},'
                   '"finalizers":["test.sallyport.dev/wait"]}}')
    assert result.rc == 0, result.err
    result = patch(cluster, namespace, '{"metadata":{"finalizers":null}}')
    assert result.rc == 0, result.err
    assert cluster.get("ingress", "old", namespace) is None


def test_another_class_is_not_asked_about(cluster, dead_door, namespace):
    """Other controllers' Ingresses do not wait for us: neither one that is
    theirs nor one that leaves us.  One that comes to us does, and one without
    a class, which may be ours by annotation or as the default."""
    host = f"{namespace}.example.com"
    theirs = ingress("theirs", namespace, {host: [path("/", "a")]},
                     ingress_class="nginx")
    cluster.apply(theirs)
    cluster.kubectl_ok("-n", namespace, "annotate", "ingress", "theirs",
                       "a/b=c")
    result = cluster.kubectl(
        "-n", namespace, "patch", "ingress", "theirs", MERGE, "-p",
        '{"spec":{"ingressClassName":"sallyport"}}')
    assert result.rc != 0 and "validate.sallyport.dev" in result.err
    nobodys = ingress("nobodys", namespace, {host: [path("/b", "a")]},
                      ingress_class=None)
    result = cluster.try_apply(nobodys)
    assert result.rc != 0 and "validate.sallyport.dev" in result.err
    result = patch(cluster, namespace, '{"spec":{"ingressClassName":"nginx"}}')
    assert result.rc == 0, result.err
