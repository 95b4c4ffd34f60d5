"""Users in a Secret, and headers in a ConfigMap, of a real cluster: what is
changed there is in force with the next request, and nothing is reloaded."""

import pytest

import daemons
import installs
from harness import check, wait_until
from objects import app, ingress, path
from test_certificates import events_of

ADMINISTRATOR = "sallyport-system"


def users(namespace, **passwords):
    lines = [f"{user}:{check(['openssl', 'passwd', '-5', word]).strip()}\n"
             for user, word in passwords.items()]
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "users", "namespace": namespace},
            "stringData": {"auth": "".join(lines)}}


def test_users_of_a_secret(cluster, identities, namespace, start_reconciler):
    host = f"{namespace}.example.com"
    neighbour = f"open.{host}"
    r = start_reconciler().wait_ready()
    cluster.apply(app("alpha", namespace))
    cluster.apply(users(namespace, user="one"))
    cluster.apply(ingress("guarded", namespace, {host: [path("/", "alpha")]}, {
        "auth-type": "basic", "auth-secret": "users", "auth-realm": "Staff"}))
    cluster.apply(ingress("open", namespace, {neighbour: [path("/", "alpha")]}))

    def status(word=None, name=host):
        return r.request(name, arguments=["-u", f"user:{word}"] if word
                         else []).status

    wait_until(lambda: status("one") == 200, 20, "a user")
    assert [status(), status("two"), status(name=neighbour)] == [401, 401, 200]
    assert r.request(host).header("WWW-Authenticate") == 'Basic realm="Staff"'
    # Another password: the old one, remembered or not, is none any more.
    cluster.apply(users(namespace, user="two"))
    wait_until(lambda: status("two") == 200, 10, "the new password")
    assert [status("one"), status()] == [401, 401]
    # Without the Secret nobody gets in, and its Ingress alone says why.
    cluster.delete("secret", "users", namespace)
    wait_until(lambda: status("two") == 503, 10, "closed")
    wait_until(lambda: [n for n in events_of(cluster, namespace).get(
        "guarded", []) if f'"{namespace}/users" does not exist' in n], 10,
               "an Event")
    assert status(name=neighbour) == 200
    assert "open" not in events_of(cluster, namespace)
    cluster.apply(users(namespace, user="three"))
    wait_until(lambda: status("three") == 200, 10, "open again")
    assert r.metric("sallyport_haproxy_reloads_total") == 0
    wait_until(lambda: r.metric("sallyport_auth_answers_total",
                                verdict="no") >= 3, 15, "counted")


@pytest.fixture
def component(cluster, identities, tmp_path):
    """The objects of the base with the component, its roles applied."""
    made = installs.kustomized(tmp_path / "k",
                               installs.components()["configmaps"])
    cluster.apply([one for one in made
                   if one["kind"] in daemons.IDENTITY_KINDS])
    yield made
    for kind in ("clusterrolebinding", "clusterrole"):
        cluster.delete(kind, "sallyport-reconciler-configmaps", wait=False)


def config_map(name, namespace, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": {k.replace("_", "-"): v for k, v in data.items()}}


def test_headers_of_a_configmap(cluster, component, namespace,
                                start_reconciler):
    deployment = next(one for one in component if one["kind"] == "Deployment"
                      and one["metadata"]["name"] == "sallyport")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    assert [c["name"] for c in containers
            if "--watch-configmaps" in c.get("args", [])] == ["reconciler"]
    cluster.dry_run(component)
    host = f"{namespace}.example.com"
    cluster.apply(config_map("sallyport", ADMINISTRATOR,
                             global_allowed_response_headers="X-One"))
    r = start_reconciler(watch_configmaps=True,
                         configmap=f"{ADMINISTRATOR}/sallyport").wait_ready()
    try:
        cluster.apply(app("alpha", namespace))
        cluster.apply(ingress("one", namespace, {host: [path("/", "alpha")]},
                              {"custom-headers": "more"}))
        wait_until(lambda: r.request(host).status == 503, 20, "closed")
        for value in ("a", "b"):
            cluster.apply(config_map("more", namespace, X_One=value))
            wait_until(lambda: r.request(host).header("X-One") == value, 10,
                       value)
        cluster.apply(config_map("sallyport", ADMINISTRATOR,
                                 block_user_agents="~*^bad",
                                 global_allowed_response_headers="X-One"))
        wait_until(lambda: r.request(
            host, headers=["User-Agent: Bad"]).status == 403, 10, "refused")
        assert r.request(host).status == 200
        assert r.metric("sallyport_haproxy_reloads_total") == 0
    finally:
        cluster.delete("configmap", "sallyport", ADMINISTRATOR)
