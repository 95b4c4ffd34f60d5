"""The rest of the annotations that were there from the beginning: each from
YAML to the wire."""

import base64
import json
import re
import shutil
import socket
import ssl
import tempfile
import threading

import pytest

import rig
from rig import Echo, header, sent, server, until
from servers import Raw
from standalone import Standalone, check, ingress, service

HOST = "h.test"


@pytest.fixture(scope="module")
def log():
    """A syslog server: the lines it got."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    lines = []

    def receive():
        while True:
            try:
                lines.append(s.recv(65536).decode())
            except OSError:
                return

    threading.Thread(target=receive, daemon=True).start()
    yield s.getsockname()[1], lines
    s.close()


@pytest.fixture(scope="module")
def echoes():
    folder = tempfile.mkdtemp(prefix="sp-")
    rig.make_cert(folder + "/tls.pem", "inner.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + "/tls.pem")
    made = {"main": Echo("main"), "slow": Echo("slow"),
            "tls": Echo("tls", tls=context)}
    made["slow"].delay = 3
    yield made
    for echo in made.values():
        echo.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def world(echoes, log, deaf):
    services = [service(name, echo.port) for name, echo in echoes.items()]
    services.append(service("deaf", deaf))
    two = service("two", echoes["main"].port)
    other = json.loads(json.dumps(two[1]))
    other["metadata"]["name"] = "two-2"
    other["ports"][0]["port"] = echoes["slow"].port
    services.append(two + [other])
    with Standalone("--enable-ssl-passthrough", "--access-log",
                    "127.0.0.1:%d" % log[0], services=services) as it:
        yield it


def status(world, *args, **more):
    return world.get(*args, **more).status


def answered(name, **more):
    return lambda w: header(w.get(**more), name)


def cookie(world):
    return re.sub("=[0-9a-f]{16}|Expires=.*GMT", "=X",
                  header(world.get(tls=True), "set-cookie")[0])


CORS = {"enable-cors": "true", "cors-allow-origin": "https://a.test"}
ASK = {"headers": [("Origin", "https://a.test")]}
STICKY = {"affinity": "cookie", "session-cookie-name": "c"}
TLS = [{"hosts": [HOST]}]

# annotation, annotations beside it, its value, probe, without it, with it
CASES = [
    ("ssl-redirect", {}, "false", status, 308, 200),
    # Of a redirect to https, too: a preflight before it, the rest upon it.
    ("cors-allow-origin", {"enable-cors": "true", "force-ssl-redirect": "true"},
     "https://b.test",
     lambda w: [(got.status, header(got, "access-control-allow-origin"))
                for got in (w.get(method=m, **ASK)
                            for m in ("OPTIONS", "GET"))],
     [(204, ["*"]), (308, ["*"])], [(308, []), (308, [])]),
    # Of a body that is too large, too: else a browser hides why.
    ("enable-cors", {"proxy-body-size": "4"}, "true",
     lambda w: [(got.status, header(got, "access-control-allow-origin"))
                for got in (w.get(method="POST", body=b"12345", **ASK),)],
     [(413, [])], [(413, ["*"])]),
    ("cors-allow-origin", {"enable-cors": "true"}, "https://b.test",
     answered("access-control-allow-origin", **ASK), ["*"], []),
    ("cors-allow-methods", CORS, "GET",
     answered("access-control-allow-methods", **ASK),
     ["GET, PUT, POST, DELETE, PATCH, OPTIONS"], ["GET"]),
    ("cors-allow-headers", CORS, "X-One",
     answered("access-control-allow-headers", **ASK),
     ["DNT, Keep-Alive, User-Agent, X-Requested-With, If-Modified-Since, "
      "Cache-Control, Content-Type, Range, Authorization"], ["X-One"]),
    ("cors-expose-headers", CORS, "X-Two",
     answered("access-control-expose-headers", **ASK), [], ["X-Two"]),
    ("cors-allow-credentials", CORS, "false",
     answered("access-control-allow-credentials", **ASK), ["true"], []),
    ("cors-max-age", CORS, "7", answered("access-control-max-age", **ASK),
     ["1728000"], ["7"]),
    ("session-cookie-domain", STICKY, "h.test", cookie,
     "c=X; Path=/; HttpOnly; Secure",
     "c=X; Path=/; HttpOnly; Domain=h.test; Secure"),
    ("session-cookie-max-age", STICKY, "9", cookie,
     "c=X; Path=/; HttpOnly; Secure",
     "c=X; Path=/; HttpOnly; Max-Age=9; Secure"),
    ("session-cookie-expires", STICKY, "9", cookie,
     "c=X; Path=/; HttpOnly; Secure",
     "c=X; Path=/; HttpOnly; Secure; =X"),
    ("session-cookie-secure", dict(STICKY, **{"ssl-redirect": "false"}),
     "true", lambda w: header(w.get(), "set-cookie")[0].endswith("Secure"),
     False, True),
    ("limit-rps", {"ssl-redirect": "false"}, "1",
     lambda w: {status(w) for _ in range(12)}, {200}, {200, 503}),
    ("limit-rpm", {"ssl-redirect": "false"}, "1",
     lambda w: {status(w) for _ in range(12)}, {200}, {503}),
    ("limit-whitelist", {"ssl-redirect": "false", "limit-rpm": "1"},
     "127.0.0.0/8", lambda w: {status(w) for _ in range(12)}, {503}, {200}),
]


@pytest.mark.parametrize("n", range(len(CASES)), ids=[c[0] for c in CASES])
def test_annotation(world, n):
    name, base, value, probe, without, with_it = CASES[n]
    with_tls = {} if "ssl-redirect" in base else {"tls": TLS}
    if with_tls and name != "ssl-redirect":
        base = dict(base, **{"ssl-redirect": "false"})
    reloads = world.metric("sallyport_haproxy_reloads_total")
    world.apply([ingress("one", HOST, base, **with_tls)])
    check(world, probe, without, "before")
    world.apply([ingress("one", HOST, dict(base, **{name: value}),
                         **with_tls)])
    check(world, probe, with_it, "with it")
    world.apply([ingress("one", HOST, base, **with_tls)])
    check(world, probe, without, "after")
    assert world.metric("sallyport_haproxy_reloads_total") == reloads


def test_use_regex(world):
    paths = (("/x[0-9]+", "ImplementationSpecific"),)

    def probe(w):
        return status(w, "/X12y"), status(w, "/xy")

    for annotations, want in (({}, (404, 404)),
                              ({"use-regex": "true"}, (200, 404)),
                              ({}, (404, 404))):
        world.apply([ingress("one", HOST, annotations, paths=paths)])
        check(world, probe, want, "regex")


def test_ssl_passthrough(world):
    """The certificate is the Service's."""
    def issuer(w):
        s = w.tls(HOST)
        with s:
            return b"inner.test" in s.getpeercert(True)

    world.apply([ingress("one", HOST, to="tls")])
    check(world, issuer, False, "before")
    world.apply([ingress("one", HOST, {"ssl-passthrough": "true"},
                         to="tls")])
    check(world, issuer, True, "with it")
    world.apply([ingress("one", HOST, to="tls")])
    check(world, issuer, False, "after")


def test_affinity_mode(world):
    for mode in ("balanced", "persistent"):
        world.apply([ingress("one", HOST, dict(
            STICKY, **{"affinity-mode": mode, "session-cookie-name": mode}),
            to="two")])
        got = until(lambda: [a for a in [world.get()] if mode in "".join(
            header(a, "set-cookie"))], "a cookie")[0]
        mine = [("Cookie", header(got, "set-cookie")[0].split(";")[0])]
        assert {server(world.get(headers=mine)) for _ in range(2)} == {
            server(got)}


def together(world, n):
    """The answers to as many requests at one time."""
    got = []
    threads = [threading.Thread(target=lambda: got.append(world.get()))
               for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


@pytest.fixture
def quick(echoes):
    """The slow one takes a moment only."""
    echoes["slow"].delay = 0.3
    yield
    echoes["slow"].delay = 3


def test_load_balance(world, quick):
    """ewma: who is busy gets no more."""
    def probe():
        held = []
        thread = threading.Thread(target=lambda: held.append(world.get()))
        thread.start()
        got = {server(world.get()) for _ in range(4)}
        thread.join()
        return server(held[0]), got

    world.apply([ingress("one", HOST, {"load-balance": "ewma"}, to="two")])
    until(lambda: probe() == ("slow", {"main"}), "the other one")


def test_limits_of_connections(world, quick):
    def refused(w):
        return {a.status for a in together(w, 4)}

    world.apply([ingress("one", HOST, to="slow")])
    check(world, refused, {200}, "none")
    for code, more in ((503, {}),
                       (429, {"sallyport.dev/limit-conn-status-code":
                              "429"})):
        world.apply([ingress("one", HOST, dict(
            more, **{"limit-connections": "1"}), to="slow")])
        check(world, refused, {200, code}, "some")
    world.apply([ingress("one", HOST, to="slow")])
    check(world, refused, {200}, "none")


def test_timeouts_of_answers(world):
    for name in ("proxy-read-timeout", "proxy-send-timeout"):
        world.apply([ingress("one", HOST, {name: "1"}, to="slow")])
        check(world, status, 504, name)
        world.apply([ingress("one", HOST, to="slow")])
        check(world, status, 200, "without it")


def test_proxy_connect_timeout(world):
    """Three times 5 s would be later than the client's patience."""
    world.apply([ingress("one", HOST, {"proxy-connect-timeout": "1"},
                         to="deaf")])
    check(world, status, 504 if rig.haproxy_version() >= (3, 0) else 502,
          "given up")


def test_enable_access_log(world, log):
    lines = log[1]

    def logged(mark):
        world.get("/" + mark)
        return any("/" + mark + " " in line for line in lines)

    world.apply([ingress("one", HOST)])
    until(lambda: logged("loud"), "a line")
    world.apply([ingress("one", HOST, {"enable-access-log": "false",
                                       "upstream-vhost": "quiet.test"})])
    until(lambda: sent(world.get())[1]["host"] == "quiet.test", "changed")
    assert not logged("quiet")
    # A line that comes later than the silent one's would have.
    world.apply([ingress("one", HOST, {"upstream-vhost": "loud.test"})])
    until(lambda: sent(world.get())[1]["host"] == "loud.test", "changed")
    until(lambda: logged("last"), "a line")
    assert not any("/quiet " in line for line in lines)


def tls_secret(folder, name):
    rig.make_cert(folder + "/secret.pem", name)
    with open(folder + "/secret.pem") as f:
        text = f.read()
    key, crt = text.split("-----BEGIN CERTIFICATE-----")
    data = {"tls.key": key, "tls.crt": "-----BEGIN CERTIFICATE-----" + crt}
    return {"apiVersion": "v1", "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "tls", "namespace": "default"},
            "data": {k: base64.b64encode(v.encode()).decode()
                     for k, v in data.items()}}


def handshake(world, version=None, ciphers=None):
    """What was agreed on: cipher and version, or None."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    try:
        s = socket.create_connection(world.https, timeout=rig.DEADLINE)
        with context.wrap_socket(s, server_hostname=HOST) as t:
            return t.cipher()[0], t.version()
    except (ssl.SSLError, ConnectionError):
        return None


def test_ciphers_and_versions(world, tmp_path):
    """Of one host: ssl-ciphers, tls-protocols, ssl-prefer-server-ciphers."""
    two = ssl.TLSVersion.TLSv1_2
    small = "ECDHE-ECDSA-AES128-GCM-SHA256"
    large = "ECDHE-ECDSA-AES256-GCM-SHA384"
    secret = tls_secret(str(tmp_path), HOST)
    tls = [{"hosts": [HOST], "secretName": "tls"}]

    def apply(annotations):
        world.apply([secret, ingress("one", HOST, annotations, tls=tls)])

    apply({"ssl-prefer-server-ciphers": "true"})
    # The client would rather have the other one.
    check(world, lambda w: handshake(w, two, large + ":" + small),
          (small, "TLSv1.2"), "the server's order")
    apply({"ssl-ciphers": large})
    check(world, lambda w: (handshake(w, two), handshake(w, two, small)),
          ((large, "TLSv1.2"), None), "the cipher")
    apply({"sallyport.dev/tls-protocols": "TLSv1.3"})
    check(world, lambda w: (handshake(w, two), handshake(w)[1]),
          (None, "TLSv1.3"), "the version")
    apply({})
    check(world, lambda w: handshake(w, two, small), (small, "TLSv1.2"),
          "as before")


def test_proxy_protocol(world):
    """Behind a passthrough the server hears who the client is."""
    got = []
    behind = Raw(lambda c: got.append(c.recv(16)))
    world.base += service("behind", behind.port)
    for annotations, want in (
            ({"ssl-passthrough": "true"}, b"\x16\x03"),
            ({"ssl-passthrough": "true",
              "sallyport.dev/proxy-protocol": "v2"}, b"\r\n\r\n\x00\r\n")):
        world.apply([ingress("one", HOST, annotations, to="behind")])

        def heard():
            got.clear()
            try:
                world.tls(HOST).close()
            except (ssl.SSLError, OSError):
                pass
            return got and got[0].startswith(want)

        until(heard, "the first bytes")
    behind.close()
