"""A Secret or a ConfigMap that is missing, slow or broken: the routes that
need it are closed (400, 401, 403, 503), it is told of their Ingress alone, and
the neighbours, one on the same host, serve on.  When it is put right, so are
the routes; nothing is reloaded."""

import base64
import re

import pytest

import pki
import rig
from frozen import frozen
from rig import Echo, http1, until
from standalone import Standalone, check, config_map, ingress, service
from test_users import APR1, SHA, daemon

HOST = "h.test"
USER = [("Authorization", "Basic " + base64.b64encode(
    b"user:pass word").decode())]
BASIC = {"auth-type": "basic", "auth-secret": "users"}
NAMES = config_map("defaults", {"global-allowed-response-headers": "X-One"})


def secret(name, data, namespace="default"):
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": name, "namespace": namespace},
            "data": {k: base64.b64encode(v.encode()).decode()
                     for k, v in data.items()}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("ca"))
    made = pki.Authority(folder, "ca", "/CN=one")
    made.client = made.issue("client", "/CN=alice")
    return made


@pytest.fixture(scope="module")
def world():
    echo = Echo("main")
    with Standalone("--configmap", "default/defaults", services=[
            service("main", echo.port),
            service("main", echo.port, "other")]) as it:
        yield it
        assert it.metric("sallyport_haproxy_reloads_total") == 0
    echo.close()


USERS = secret("users", {"auth": "user:%s\n" % APR1})
DIGEST = {"auth-type": "digest", "auth-secret": "users", "auth-realm": "r"}
MAP = dict(BASIC, **{"auth-secret-type": "auth-map"})
HEADERS = {"custom-headers": "headers"}

# annotations, broken objects, those that put it right, statuses of the route
# then (broken, right), what is told, a part of it
CASES = {
    "users: no Secret": (
        BASIC, [], [USERS], (503, 200), 'Secret "default/users" does not'),
    "users: of another namespace": (
        dict(BASIC, **{"auth-secret": "other/users"}),
        [secret("users", {"auth": "user:" + SHA}, "other")], None,
        (503, 503), "is in another namespace"),
    "users: no key auth": (
        BASIC, [secret("users", {"users": "user:" + SHA})], [USERS],
        (503, 200), 'no key "auth"'),
    "users: an empty file": (
        BASIC, [secret("users", {"auth": "\n"})], [USERS], (503, 200),
        "has no user"),
    "users: a password in plain text": (
        BASIC, [secret("users", {"auth": "user:pass word\n"})], [USERS],
        (503, 200), "is no password hash"),
    "users: a file read as a map": (
        MAP, [USERS], [secret("users", {"user": APR1})], (503, 200),
        "is no password hash"),
    "users: a line that is no user's": (
        DIGEST, [USERS], None, (503, 503), "is not USER:REALM:HA1"),
    "users: a kind that is none": (
        dict(BASIC, **{"auth-type": "bearer"}), [USERS], None, (503, 503),
        "is not known here"),
    "users: no Secret is named": (
        {"auth-type": "basic"}, [USERS], None, (503, 503), "auth-secret"),
    "addresses: a network that is none": (
        {"whitelist-source-range": "127.0.0.0/33"}, [], None, (503, 503),
        "is not an address or network"),
    "addresses: one that is refused is none": (
        {"denylist-source-range": "localhost"}, [], None, (503, 503),
        "is not an address or network"),
    "headers: no ConfigMap": (
        HEADERS, [NAMES], [NAMES, config_map("headers", {"X-One": "1"})],
        (503, 200), 'ConfigMap "default/headers" does not exist'),
    "headers: a name that is not allowed": (
        HEADERS, [NAMES, config_map("headers", {"X-Two": "1"})],
        [NAMES, config_map("headers", {"X-One": "1"})], (503, 200),
        "is not among the controller's"),
    "headers: none is allowed": (
        HEADERS, [config_map("headers", {"X-One": "1"})],
        [NAMES, config_map("headers", {"X-One": "1"})], (503, 200),
        "is not among the controller's"),
    "headers: a line break": (
        HEADERS, [NAMES, config_map("headers", {"X-One": "1\r\nX-Two: 2"})],
        [NAMES, config_map("headers", {"X-One": "1"})], (503, 200),
        "a line break"),
    "headers: a ConfigMap of another namespace": (
        {"custom-headers": "other/headers"},
        [NAMES, config_map("headers", {"X-One": "1"}, "other")], None,
        (503, 503), "is of another namespace"),
    "snippets: one that may protect": (
        {"configuration-snippet": "deny all;"}, [], None, (503, 503),
        "may be a protection"),
    "firewall": (
        {"enable-modsecurity": "true"}, [], None, (503, 503),
        "no web application firewall runs here"),
}


def objects(annotations, n):
    """The one that is broken, a neighbour on its host, one beside it."""
    return [ingress("victim", HOST, annotations,
                    paths=(("/closed%d" % n, "Prefix"),)),
            ingress("same", HOST, paths=(("/", "Prefix"),)),
            ingress("beside", "n.test", namespace="other")]


def told_of(world):
    """The objects that something is said of, but for the ConfigMap."""
    return set(re.findall(r" warn  reconciler: (\S+): \w+: (.*)",
                          world.text()))


@pytest.mark.parametrize("name", CASES)
def test_closed(world, name):
    annotations, broken, right, want, text = CASES[name]
    n = list(CASES).index(name)
    path = "/closed%d/x" % n
    before = told_of(world)

    def probe(w):
        return (w.get(path, headers=USER).status, w.get("/open").status,
                w.get("/", "n.test").status)

    world.apply(objects({}, n))
    check(world, probe, (200, 200, 200), "open")
    world.apply(objects(annotations, n) + broken)
    check(world, probe, (want[0], 200, 200), "closed")
    until(lambda: any(text in said for _, said in told_of(world) - before),
          "told: " + text)
    assert {who for who, _ in told_of(world) - before} == {"default/victim"}
    if right is not None:
        world.apply(objects(annotations, n) + right)
        check(world, probe, (want[1], 200, 200), "put right")
        # And closed again, as what was right before is no excuse.
        world.apply(objects(annotations, n) + broken)
        check(world, probe, (want[0], 200, 200), "closed again")
    world.apply([])


# What is in ca.crt, None: no Secret; what is told
CLIENTS = {
    "no Secret": (None, "does not exist"),
    "no key ca.crt": ({"tls.crt": "x"}, "ca.crt"),
    "no PEM": ({"ca.crt": "hello"}, "ca.crt"),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_closed_to_clients(world, authority, name):
    data, text = CLIENTS[name]
    before = told_of(world)
    host = "c%d.test" % list(CLIENTS).index(name)
    victim = ingress("victim", host, {"auth-tls-secret": "default/ca"})
    beside = ingress("beside", "n.test", namespace="other")

    def ask(at, base=None):
        with pki.context(base).wrap_socket(
                world.connect_tls(), server_hostname=at) as s:
            return http1(None, "/", at, sock=s).status

    def probe(w):
        return [ask(host), ask(host, authority.client), ask("n.test"),
                w.get("/", host).status in (200, 308)]

    broken = [secret("ca", data)] if data else []
    world.apply([victim, beside] + broken)
    check(world, lambda w: probe(w)[:3], [503, 503, 200], "closed")
    assert world.get("/", host).status == 503
    until(lambda: any(text in said for _, said in told_of(world) - before),
          "told")
    assert {who for who, _ in told_of(world) - before} == {"default/victim"}
    world.apply([victim, beside, secret("ca", {"ca.crt": authority.pem})])
    check(world, lambda w: probe(w)[:3], [400, 200, 200], "put right")
    world.apply([])


def test_a_daemon_that_does_not_answer(world):
    """Slow: sallyport-auth is stopped.  503 in the end, nobody else waits."""
    world.apply(objects(BASIC, 99) + [USERS])
    check(world, lambda w: w.get("/closed99", headers=USER).status, 200,
          "right")
    pid = daemon(world)
    with frozen(pid), rig.socket.create_connection(world.http,
                                                   timeout=60) as s:
        s.sendall(b"GET /closed99 HTTP/1.1\r\nHost: h.test\r\n"
                  b"Authorization: %s\r\n\r\n" % USER[0][1].encode())
        # The neighbours are answered while that one waits.
        assert [world.get("/open").status,
                world.get("/", "n.test").status] == [200, 200]
        assert rig.exchange(s, b"").status == 503
    check(world, lambda w: w.get("/closed99", headers=USER).status, 200,
          "right again")
