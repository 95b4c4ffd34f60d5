"""auth-url in a real cluster: a service of another namespace is asked."""

import pytest

from harness import wait_until
from objects import app, ingress, path
from test_certificates import events_of


@pytest.fixture
def elsewhere(cluster, namespace):
    other = f"{namespace}-auth"
    cluster.create_namespace(other)
    yield other
    cluster.delete("namespace", other, wait=False)


def test_a_service_is_asked(cluster, identities, namespace, elsewhere,
                            start_reconciler, start_webhook):
    host = f"{namespace}.example.com"
    neighbour = f"open.{host}"
    judge = f"http://judge.{elsewhere}.svc.cluster.local/verify"

    def guarded(url=judge):
        return ingress("guarded", namespace, {host: [path("/", "alpha")]}, {
            "auth-url": url + "?status=$arg_want",
            "auth-signin": "https://$host/login"})

    start_webhook().wait_ready().register(identities)
    r = start_reconciler().wait_ready()
    cluster.apply(app("alpha", namespace))
    cluster.apply(app("judge", elsewhere))
    result = cluster.try_apply(guarded("http://judge/verify"))
    assert result.rc != 0 and "SERVICE.NAMESPACE.svc" in result.err
    cluster.apply(guarded())
    cluster.apply(ingress("open", namespace, {neighbour: [path("/", "alpha")]}))

    def status(want="200", name=host):
        return r.request(name, f"/?want={want}").status

    wait_until(lambda: status("403") == 403, 20, "a question")
    wait_until(lambda: status() == 200, 10, "an answer")
    assert r.request(host, "/").header("X-Echo-Name") == "alpha"
    assert [status(want) for want in ("404", "500", "301")] == [500, 503, 500]
    answer = r.request(host, "/?want=401")
    assert answer.status == 302
    assert answer.header("Location").startswith(f"https://{host}/login?rd=")

    # Without the service nobody gets in, and its Ingress says why.
    cluster.delete("service", "judge", elsewhere)
    wait_until(lambda: status() == 503, 10, "closed")
    missing = f'"{elsewhere}/judge" does not exist'
    wait_until(lambda: [note for note in events_of(cluster, namespace).get(
        "guarded", ()) if missing in note], 10, "an Event")
    assert status(name=neighbour) == 200
    assert "open" not in events_of(cluster, namespace)
    cluster.apply(app("judge", elsewhere))
    wait_until(lambda: status() == 200, 10, "open again")

    # So it does while the service is there and gives no verdict; what failed
    # before is told of until it is over.
    wait_until(lambda: status("500") == 503 and [
        note for note in events_of(cluster, namespace).get("guarded", ())
        if "answers 500; at least" in note], 120, "an Event")
    assert "open" not in events_of(cluster, namespace)
    assert r.metric("sallyport_auth_url_failures_total") > 0
    assert r.metric("sallyport_haproxy_reloads_total") == 0
    before = r.metric("sallyport_selfchecks_total", result="equal")
    r.process.signal(10)    # SIGUSR1
    wait_until(lambda: r.metric("sallyport_selfchecks_total",
                                result="equal") > before, 10, "a self-check")
