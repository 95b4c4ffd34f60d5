"""Each annotation from YAML to the wire: a request that differs with it and
without it, changed at run time, no reload."""

import shutil
import ssl
import tempfile

import pytest

import rig
from h2echo import H2Echo
from rig import Echo, header, sent, server, until
from standalone import Standalone, check, config_map, ingress, service

HOST = "h.test"


@pytest.fixture(scope="module")
def names():
    """The server names that came in handshakes, the last one last."""
    return []


@pytest.fixture(scope="module")
def contexts(names):
    """TLS of servers, without and with HTTP/2."""
    folder = tempfile.mkdtemp(prefix="sp-")
    rig.make_cert(folder + "/tls.pem", "inner.test")
    made = []
    for protocols in (["http/1.1"], ["h2"]):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + "/tls.pem")
        context.set_alpn_protocols(protocols)
        context.sni_callback = lambda s, name, c: names.append(name)
        made.append(context)
    yield made
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def echoes(contexts):
    made = {
        "tls": Echo("tls", tls=contexts[0]),
        "h2c": H2Echo("h2c"),
        "tls-h2": H2Echo("tls-h2", tls=contexts[1]),
        "main": Echo("main", "Location: http://in.test/x\r\n"
                             "Set-Cookie: a=1; Path=/in/x; Domain=in.test"
                             "\r\n"),
        "other": Echo("other"),
    }
    yield made
    for echo in made.values():
        echo.close()


@pytest.fixture(scope="module")
def world(echoes):
    services = [service(name, echo.port) for name, echo in echoes.items()]
    services.append(service("empty", None))
    with Standalone("--configmap", "default/defaults",
                    services=services) as it:
        yield it
        assert it.metric("sallyport_haproxy_reloads_total") == 0


def status(world, *args, **more):
    return world.get(*args, **more).status


def chunks(*sizes):
    return b"".join(b"%x\r\n%s\r\n" % (n, b"x" * n)
                    for n in sizes) + b"0\r\n\r\n"


def location(world, *args, **more):
    got = world.get(*args, **more)
    return got.status, header(got, "location")


def seen(name):
    """What the server gets in header 'name'."""
    return lambda w: sent(w.get())[1].get(name)


def answered(name, **more):
    return lambda w: header(w.get(**more), name)


HSTS = "strict-transport-security"
# name, annotations, probe, without, with
CASES = [
    ("app-root", {"app-root": "/app?x=1"},
     lambda w: (location(w), status(w, "/other")),
     ((200, ["http://in.test/x"]), 200), ((302, ["/app?x=1"]), 200)),
    ("app-root over http", {"app-root": "/app", "force-ssl-redirect": "true"},
     lambda w: status(w), 200, 302),
    ("from-to-www", {"from-to-www-redirect": "true"},
     lambda w: location(w, "/a?b", "www.h.test:81"), (404, []),
     (308, ["http://h.test:81/a?b"])),
    ("server-alias", {"server-alias": "b.test,*.c.test"},
     lambda w: [status(w, "/", host) for host in
                ("b.test", "x.c.test", "y.x.c.test", "c.test")],
     [404] * 4, [200, 200, 404, 404]),
    ("upstream-vhost", {"upstream-vhost": "inner.test"}, seen("host"),
     "h.test", "inner.test"),
    ("x-forwarded-prefix",
     {"x-forwarded-prefix": "/p", "rewrite-target": "/new"},
     seen("x-forwarded-prefix"), None, "/p"),
    ("proxy-redirect", {"proxy-redirect-from": "http://in.test/",
                        "proxy-redirect-to": "/"},
     answered("location"), ["http://in.test/x"], ["/x"]),
    ("proxy-cookie-path", {"proxy-cookie-path": "/in /out"},
     answered("set-cookie"), ["a=1; Path=/in/x; Domain=in.test"],
     ["a=1; Path=/out/x; Domain=in.test"]),
    ("proxy-cookie-domain", {"proxy-cookie-domain": "in.test out.test"},
     answered("set-cookie"), ["a=1; Path=/in/x; Domain=in.test"],
     ["a=1; Path=/in/x; Domain=out.test"]),
    ("hsts", {"sallyport.dev/hsts": "true", "sallyport.dev/hsts-max-age": "9",
              "sallyport.dev/hsts-preload": "true"},
     answered(HSTS, tls=True), [], ["max-age=9; includeSubDomains; preload"]),
    ("hsts of the host alone",
     {"sallyport.dev/hsts": "true",
      "sallyport.dev/hsts-include-subdomains": "false"},
     answered(HSTS, tls=True), [], ["max-age=31536000"]),
    ("force-ssl-redirect", {"force-ssl-redirect": "true"},
     lambda w: status(w), 200, 308),
    ("permanent-redirect", {"permanent-redirect": "https://to.test/",
                            "permanent-redirect-code": "308"},
     location, (200, ["http://in.test/x"]), (308, ["https://to.test/"])),
    ("temporal-redirect", {"temporal-redirect": "https://to.test/",
                           "temporal-redirect-code": "307"},
     location, (200, ["http://in.test/x"]), (307, ["https://to.test/"])),
    ("rewrite-target", {"rewrite-target": "/new"},
     lambda w: sent(w.get("/old"))[0], "/old", "/new"),
    ("denylist", {"denylist-source-range": "127.0.0.0/8"}, status, 200, 403),
    ("allowlist", {"allowlist-source-range": "192.0.2.1"}, status, 200, 403),
    ("proxy-body-size", {"proxy-body-size": "4"},
     lambda w: status(w, method="POST", body=b"12345"), 200, 413),
    ("proxy-body-size of a body without its length",
     {"proxy-body-size": "10k"},
     lambda w: [status(w, method="POST", body=chunks(*sizes), headers=[
         ("Transfer-Encoding", "chunked")])
         for sizes in ((5000, 5000), (5000, 6000), (9000, 9000, 9000))],
     [200] * 3, [200, 413, 413]),
    ("proxy-body-size of a body that no buffer holds",
     {"proxy-body-size": "1m"},
     lambda w: status(w, method="POST", body=chunks(*[9000] * 9), headers=[
         ("Transfer-Encoding", "chunked")]), 200, 411),
    ("enable-cors", {"enable-cors": "true"},
     answered("access-control-allow-origin"), [], ["*"]),
    ("affinity", {"affinity": "cookie", "session-cookie-name": "mine"},
     lambda w: len(header(w.get(), "set-cookie")), 1, 2),
]


@pytest.mark.parametrize("n", range(len(CASES)), ids=[c[0] for c in CASES])
def test_annotation(world, n):
    _, annotations, probe, without, with_it = CASES[n]
    world.apply([ingress("one", HOST)])
    check(world, probe, without, "before")
    world.apply([ingress("one", HOST, annotations)])
    check(world, probe, with_it, "with it")
    world.apply([ingress("one", HOST)])
    check(world, probe, without, "after")


# protocol, a Service that speaks it
PROTOCOLS = [("HTTPS", "tls"), ("GRPC", "h2c"), ("GRPCS", "tls-h2"),
             ("AUTO_HTTP", "tls")]


@pytest.mark.parametrize("n", range(len(PROTOCOLS)),
                         ids=[p[0] for p in PROTOCOLS])
def test_backend_protocol(world, names, n):
    protocol, to = PROTOCOLS[n]
    wrong = {400, 502, 503}
    with_it = {"backend-protocol": protocol}

    def ask():
        return server(world.get(tls=True))

    world.apply([ingress("one", HOST, to=to)])
    until(lambda: ask() in wrong, "HTTP/1.1 to it")
    world.apply([ingress("one", HOST, with_it, to=to)])
    until(lambda: ask() == to, "its own protocol")
    if protocol == "AUTO_HTTP":
        assert server(world.get()) in wrong
    if to.startswith("tls"):
        assert names[-1] is None
        world.apply([ingress("one", HOST, dict(
            with_it, **{"proxy-ssl-name": "inner.test",
                        "proxy-ssl-server-name": "on"}), to=to)])
        until(lambda: ask() == to and names[-1] == "inner.test", "its name")
        # The same servers, and no name again.
        world.apply([ingress("one", HOST, with_it, to=to)])
        until(lambda: ask() == to and names[-1] is None, "no name")
    world.apply([ingress("one", HOST, to=to)])
    until(lambda: ask() in wrong, "HTTP/1.1 to it again")
    assert world.metric("sallyport_haproxy_reloads_total") == 0


# annotations of the canary, request headers, who answers
CANARIES = [
    ({"canary-weight": "100"}, [], "other"),
    ({"canary-weight": "5", "canary-weight-total": "5"}, [], "main"),
    ({"canary-by-header": "X-Canary"}, [("x-canary", "always")], "other"),
    ({"canary-by-header": "X-Canary", "canary-by-header-value": "eu"},
     [("X-Canary", "eu")], "other"),
    ({"canary-by-header": "X-Canary", "canary-by-header-pattern": "^e.$"},
     [("X-Canary", "eu")], "other"),
    ({"canary-by-cookie": "can"}, [("Cookie", "can=always")], "other"),
]


@pytest.mark.parametrize("n", range(len(CANARIES)))
def test_canary(world, n):
    annotations, headers, want = CANARIES[n]
    main = ingress("one", HOST, {"rewrite-target": "/new"})
    second = ingress("two", HOST, dict(annotations, canary="true",
                                       **{"rewrite-target": "/ignored"}),
                     to="other")

    def ask():
        got = world.get("/old", headers=headers)
        return (server(got), sent(got)[0]) if got.status == 200 else None

    world.apply([main])
    until(lambda: ask() == ("main", "/new"), "main alone")
    world.apply([main, second])
    if want == "main":
        # A total under 100 is 100: five in a hundred.
        until(lambda: server(world.get("/old")) == "other", "a canary")
        assert sum(ask()[0] == "main" for _ in range(40)) > 20
    else:
        until(lambda: ask() == ("other", "/new"), "the canary")
        if headers:
            assert server(world.get("/old")) == "main"
    # Without an endpoint, and of another namespace, it gets nothing.
    second["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"][
        "name"] = "empty"
    world.apply([main, second])
    until(lambda: ask() == ("main", "/new"), "no endpoint")
    world.apply([main])
    until(lambda: ask() == ("main", "/new"), "main alone again")
    assert world.metric("sallyport_haproxy_reloads_total") == 0


def test_service_upstream(world, echoes):
    """The Service's address is that of the other server."""
    number = echoes["other"].port
    world.base += service("clustered", echoes["main"].port,
                          cluster_ip="127.0.0.1", number=number)
    for annotations, want in (({}, "main"),
                              ({"service-upstream": "true"}, "other"),
                              ({}, "main")):
        world.apply([ingress("one", HOST, annotations, to="clustered",
                             number=number)])
        until(lambda: server(world.get()) == want, want)


# key, value, probe, without, with, an annotation that beats it, then
KEYS = [
    ("force-ssl-redirect", "true", status, 200, 308,
     {"force-ssl-redirect": "false"}, 200),
    ("proxy-body-size", "4",
     lambda w: status(w, method="POST", body=b"12345"), 200, 413,
     {"proxy-body-size": "9"}, 200),
    ("denylist-source-range", "127.0.0.1", status, 200, 403,
     {"denylist-source-range": "192.0.2.1"}, 200),
    ("whitelist-source-range", "192.0.2.1", status, 200, 403,
     {"whitelist-source-range": "127.0.0.1"}, 200),
    ("limit-req-status-code", "429",
     lambda w: [status(w) for _ in range(9)][-1], 503, 429,
     {"sallyport.dev/limit-req-status-code": "503"}, 503),
    ("hsts", "true", answered(HSTS, tls=True), [],
     ["max-age=31536000; includeSubDomains"],
     {"sallyport.dev/hsts": "false"}, []),
    ("proxy-cookie-path", "/in /out", answered("set-cookie"),
     ["a=1; Path=/in/x; Domain=in.test"],
     ["a=1; Path=/out/x; Domain=in.test"], {"proxy-cookie-path": "off"},
     ["a=1; Path=/in/x; Domain=in.test"]),
]


@pytest.mark.parametrize("n", range(len(KEYS)), ids=[k[0] for k in KEYS])
def test_key_of_the_configmap(world, n):
    key, value, probe, without, with_it, beats, then = KEYS[n]
    always = {"limit-rpm": "1", "limit-burst-multiplier": "1"} \
        if key.startswith("limit-") else {}
    one = ingress("one", HOST, always)
    world.apply([one])
    check(world, probe, without, "before")
    world.apply([one, config_map("defaults", {key: value})])
    check(world, probe, with_it, "with it")
    world.apply([one, config_map("defaults", {key: "\x01"})])
    until(lambda: "the last good value stays" in world.text(), "told")
    assert probe(world) == with_it
    world.apply([ingress("one", HOST, dict(always, **beats)),
                 config_map("defaults", {key: value})])
    check(world, probe, then, "with an annotation")
    world.apply([one])
    check(world, probe, without, "after")
