"""Caps of one namespace: at the cap its youngest Ingress is left out and told
so, on itself; neighbours feel nothing, and room that is made is used.  The
work of verifying passwords is capped by sallyport-auth."""

import base64
import os
import re

import pytest

import rig
from rig import Echo, until
from standalone import Standalone, check, ingress, service

SLOW = "$2y$14$Y7fZX/lZm9fMZeCzoeUe/.76UQsiRTmy1TH.TK.X.ansz7DZ15Msy"
FAST = "$2y$05$Y7fZX/lZm9fMZeCzoeUe/.76UQsiRTmy1TH.TK.X.ansz7DZ15Msy"
AUTH = {"auth-type": "basic", "auth-secret": "users"}


@pytest.fixture(scope="module")
def echo():
    made = Echo("main")
    yield made
    made.close()


def services(echo):
    return [service("main", echo.port),
            service("main", echo.port, "other")]


def aged(name, host, age, annotations=(), **more):
    one = ingress(name, host, annotations, **more)
    one["metadata"]["creationTimestamp"] = "2026-01-01T00:00:%02dZ" % age
    return one


def told(world):
    """The lines about Ingresses that are left out."""
    return re.findall(r" (\S+): Rejected: spec: it is not served: (.*)",
                      world.text())


TWO = ("/a", "Prefix"), ("/b", "Prefix")
REGEXES = ("/a[0-9]", "ImplementationSpecific"), (
    "/b[0-9]", "ImplementationSpecific")

# kind, what an Ingress of two of it is, a path of it
CAPS = [
    ("routes", lambda host: {"paths": TWO}, "/a"),
    ("regexes", lambda host: {"paths": REGEXES,
                              "annotations": {"use-regex": "true"}}, "/a1"),
    ("certificates", lambda host: {"paths": TWO, "tls": [
        {"hosts": [host], "secretName": "one"},
        {"hosts": ["x." + host], "secretName": "two"}]}, "/a"),
    ("backends", lambda host: {"paths": TWO}, "/b"),
]


@pytest.mark.parametrize("n", range(len(CAPS)), ids=[c[0] for c in CAPS])
def test_cap(echo, n):
    kind, make, path = CAPS[n]
    hosts = ("old.test", "late.test", "other.test")

    def probe(w):
        return [w.get(path, host, tls=kind == "certificates").status
                for host in hosts]

    with Standalone("--namespace-max-" + kind, "3",
                    services=services(echo)) as world:
        old = aged("old", hosts[0], 1, **make(hosts[0]))
        late = aged("late", hosts[1], 2, **make(hosts[1]))
        other = aged("other", hosts[2], 3, namespace="other",
                     **make(hosts[2]))
        world.apply([old, late, other])
        until(lambda: world.get(path, hosts[2]).status in (200, 308), "there")
        check(world, probe, [200, 404, 200], "the cap")
        until(lambda: told(world), "told")
        assert told(world) == [(
            "default/late", 'namespace "default" has more than 3 %s '
            "(--namespace-max-%s), and older Ingresses come first" %
            (kind, kind))]
        world.apply([late, other])
        check(world, probe, [404, 200, 200], "room again")
        assert len(told(world)) == 1


def secret(namespace, hash_):
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "users", "namespace": namespace},
            "data": {"auth": base64.b64encode(
                ("user:%s\n" % hash_).encode()).decode()}}


def basic(password):
    return [("Authorization", "Basic " + base64.b64encode(
        ("user:" + password).encode()).decode())]


def flood(world, host, n):
    """Requests that wait, each with a password of its own: nobody reads the
    answers."""
    waiting = []
    for i in range(n):
        s = rig.socket.create_connection(world.http, timeout=rig.DEADLINE)
        s.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n\r\n" %
                  (host.encode(), basic("guess %d" % i)[0][1].encode()))
        waiting.append(s)
    return waiting


def answers(world):
    """What sallyport-auth counted, as the reconciler tells it."""
    got = rig.http1(world.admin, "/metrics", "x").body
    return {verdict: int(n) for verdict, n in re.findall(
        r'^sallyport_auth_answers_total\{verdict="(\w+)"\} (\d+)$', got,
        re.M)}


def test_work_of_verifying(echo):
    """A namespace that floods has its own queue full; the neighbour's users
    are let in and strangers are not, while the flood is there.  It is told of
    the Ingress whose users it is, and counted."""
    with Standalone(services=services(echo)) as world:
        world.apply([ingress("slow", "slow.test", AUTH),
                     secret("default", SLOW),
                     ingress("fast", "fast.test", AUTH, namespace="other"),
                     secret("other", FAST)])
        until(lambda: world.get("/", "fast.test",
                                headers=basic("pass word")).status == 200,
              "users of the neighbour")
        until(lambda: world.get("/", "slow.test").status == 401, "a flood's")
        waiting = flood(world, "slow.test", 60)
        try:
            until(lambda: world.get("/", "slow.test",
                                    headers=basic("one more")).status == 503,
                  "the queue is full")
            got = [world.get("/", "fast.test", headers=basic(p)).status
                   for p in ("pass word", "wrong", "pass word")]
            assert got == [200, 401, 200]
            assert world.get("/", "slow.test").status == 401
            until(lambda: "passwords of namespace" in world.text(), "told")
        finally:
            for s in waiting:
                s.close()
        said = re.findall(r" (\S+): Misconfigured: .*wait to be verified",
                          world.text())
        assert said == ["default/slow"]
        until(lambda: answers(world)["full"] > 0, "counted")
        assert world.metric("sallyport_auth_up") == 1
        got = answers(world)
        assert got["ok"] >= 1 and got["remembered"] >= 1 and got["no"] >= 2
        assert got["down"] == got["bad"] == got["stranger"] == 0
        assert world.metric("sallyport_auth_verified_total") >= 2
        assert world.metric("sallyport_auth_verify_milliseconds_total") >= 2


def test_a_file_of_counts_that_is_none(echo):
    """What another process writes is read strictly, and costs nothing."""
    with Standalone(services=services(echo)) as world:
        world.apply([ingress("fast", "fast.test", AUTH, namespace="other"),
                     secret("other", FAST)])
        until(lambda: world.metric("sallyport_auth_up") == 1, "up")
        path = world.dir + "/run/auth/stats"
        for text in (b"", b"\xff" * 100000, b"sallyport-auth-stats 1\nok x\n"):
            def is_down():
                with open(path + ".new", "wb") as f:
                    f.write(text)
                os.rename(path + ".new", path)
                return world.metric("sallyport_auth_up") == 0

            until(is_down, "not up")
            until(lambda: world.metric("sallyport_auth_up") == 1, "up again")
        assert world.get("/", "fast.test",
                         headers=basic("pass word")).status == 200
