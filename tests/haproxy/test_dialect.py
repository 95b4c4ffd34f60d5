"""The rarer annotations of ingress-nginx, from YAML to the wire: each a
request that differs with it and without it, or the proof that what it
promises is what HAProxy does in any case."""

import json
import re
import socket
import threading

import pytest

import rig
from rig import Echo, header, sent, server, until
from standalone import Standalone, check, ingress, service

HOST = "h.test"
OLD_CHROME = "Mozilla/5.0 (X11) AppleWebKit/537 Chrome/60.0.1 Safari/537"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Raw:
    """A server that hands each connection to a function."""

    def __init__(self, serve):
        self.serve = serve
        self.count = 0
        self.socket = rig.listener()
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.one, args=(c,), daemon=True).start()

    def one(self, c):
        with c:
            try:
                self.serve(c)
            except OSError:
                pass

    def close(self):
        self.socket.close()


def read_head(c):
    data = b""
    while b"\r\n\r\n" not in data:
        more = c.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    return data


def says(status, extra="", body="x"):
    """Answers every request of a connection so."""
    def serve(c):
        while True:
            read_head(c)
            c.sendall(("HTTP/1.1 %s x\r\n%sContent-Length: %d\r\n\r\n%s" %
                       (status, extra, len(body), body)).encode())
    return serve


def large_headers(c):
    while True:
        read_head(c)
        c.sendall(b"HTTP/1.1 200 x\r\nLarge: %s\r\nLink: </a.css>; "
                  b"rel=preload\r\nContent-Length: 1\r\n\r\nx" % (b"h" * 7000))


class InPieces:
    """Sends the second piece of its answer when it is told to, and counts
    the bytes of a body as they come."""

    def __init__(self):
        self.go = threading.Event()
        self.got = b""
        self.raw = Raw(self.serve)
        self.port = self.raw.port
        self.close = self.raw.close

    def serve(self, c):
        self.got = read_head(c)
        if b"POST" in self.got:
            while not self.got.endswith(b"end"):
                self.got += c.recv(65536)
            c.sendall(b"HTTP/1.1 200 x\r\nContent-Length: 1\r\n\r\nx")
            return
        c.sendall(b"HTTP/1.1 200 x\r\nContent-Length: 6\r\n\r\none")
        assert self.go.wait(rig.DEADLINE)
        c.sendall(b"two")


@pytest.fixture(scope="module")
def echoes():
    made = {
        "main": Echo("main"), "other": Echo("other"),
        "large": Raw(large_headers), "pieces": InPieces(),
        "broken": Raw(says("500")), "forbidden": Raw(says("403")),
    }
    yield made
    for echo in made.values():
        echo.close()


def many(name, ports):
    """A Service with several endpoints."""
    one, slice_ = service(name, 1)
    slices = []
    for i, port in enumerate(ports):
        copy = dict(slice_, metadata=dict(slice_["metadata"],
                                          name="%s-%d" % (name, i)))
        copy["ports"] = [{"name": "http", "port": port, "protocol": "TCP"}]
        slices.append(copy)
    return [one] + slices


@pytest.fixture(scope="module")
def crowd():
    made = [Echo("n%d" % i) for i in range(6)]
    yield made
    for echo in made:
        echo.close()


@pytest.fixture(scope="module")
def world(echoes, crowd):
    services = [service(name, echo.port) for name, echo in echoes.items()]
    services.append(many("crowd", [e.port for e in crowd]))
    services.append(many("shaky", [echoes["broken"].port,
                                   echoes["main"].port]))
    services.append(many("closed", [echoes["forbidden"].port,
                                    echoes["main"].port]))
    with Standalone("--configmap", "default/defaults",
                    services=services) as it:
        yield it


def seen(name, headers=()):
    return lambda w: sent(w.get(headers=headers))[1].get(name)


def cookie(world, agent):
    got = header(world.get(headers=[("User-Agent", agent)]), "set-cookie")
    return [re.sub("=[0-9a-f]{16}", "=X", c) for c in got]


def traced(headers=()):
    """The trace id the server got, and whether the span is a new one."""
    def probe(world):
        got = sent(world.get(headers=headers))[1].get("traceparent")
        if not got:
            return None
        assert re.match("^00-[0-9a-f]{32}-[0-9a-f]{16}-01$", got)
        return got[3:35] == TRACE[3:35], got[36:52] == TRACE[36:52]
    return probe


STICKY = {"affinity": "cookie", "session-cookie-name": "c",
          "session-cookie-samesite": "None", "session-cookie-path": "/"}

# The annotation, annotations without it, its value, a probe, what it sees
# without and with it.  No reload.
CASES = [
    ("session-cookie-conditional-samesite-none", STICKY, "true",
     lambda w: (cookie(w, OLD_CHROME), cookie(w, "curl/8")),
     (["c=X; Path=/; HttpOnly; SameSite=None"],) * 2,
     (["c=X; Path=/; HttpOnly"], ["c=X; Path=/; HttpOnly; SameSite=None"])),
    ("connection-proxy-header", {}, "close", seen("connection"), None,
     "close"),
    ("enable-opentelemetry", {}, "true",
     lambda w: (traced()(w), traced([("Traceparent", TRACE)])(w)),
     (None, (True, True)), ((False, False), (True, False))),
    ("opentelemetry-trust-incoming-span", {"enable-opentelemetry": "true"},
     "false", traced([("Traceparent", TRACE)]), (True, False),
     (False, False)),
]


@pytest.mark.parametrize("n", range(len(CASES)), ids=[c[0] for c in CASES])
def test_annotation(world, n):
    name, base, value, probe, without, with_it = CASES[n]
    reloads = world.metric("sallyport_haproxy_reloads_total")
    world.apply([ingress("one", HOST, base)])
    check(world, probe, without, "before")
    world.apply([ingress("one", HOST, dict(base, **{name: value}))])
    check(world, probe, with_it, "with it")
    world.apply([ingress("one", HOST, base)])
    check(world, probe, without, "after")
    assert world.metric("sallyport_haproxy_reloads_total") == reloads


# --- What HAProxy does in any case ---

def streams(world, echoes, host):
    """The first piece of an answer is here while the second is not sent."""
    echoes["pieces"].go.clear()
    with socket.create_connection(world.http, timeout=rig.DEADLINE) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
        got = b""
        while not got.endswith(b"\r\n\r\none"):
            got += received(s)
        echoes["pieces"].go.set()
        while not got.endswith(b"onetwo"):
            got += received(s)
    return True


def received(s):
    data = s.recv(65536)
    assert data
    return data


def sent_body(answer):
    return json.loads(answer.body)["body"]


# annotation, value, Service, proof
HOLDS = [
    ("proxy-buffering", "off", "pieces", streams),
    ("proxy-buffers-number", "4", "pieces", streams),
    ("proxy-busy-buffers-size", "8k", "pieces", streams),
    ("proxy-max-temp-file-size", "0", "pieces", streams),
    ("proxy-buffer-size", "8k", "large",
     lambda w, e, h: len(header(w.get(host=h), "large")[0]) == 7000),
    ("client-body-buffer-size", "1k", "main",
     lambda w, e, h: sent_body(w.get(host=h, method="POST",
                                     body=b"b" * 300000)) == 300000),
    ("proxy-http-version", "1.1", "main",
     lambda w, e, h: json.loads(w.get(host=h).body)["version"] ==
     "HTTP/1.1"),
    ("http2-push-preload", "true", "large",
     lambda w, e, h: header(w.get(host=h), "link") ==
     ["</a.css>; rel=preload"]),
]


@pytest.mark.parametrize("n", range(len(HOLDS)), ids=[h[0] for h in HOLDS])
def test_promise_that_holds_anyway(world, echoes, n):
    name, value, to, proof = HOLDS[n]
    world.apply([ingress("one", "holds%d.test" % n, {name: value}, to=to)])
    echoes["pieces"].go.set()
    until(lambda: world.get("/", "holds%d.test" % n).status == 200, "there")
    assert proof(world, echoes, "holds%d.test" % n)


def attempt(ask):
    try:
        return ask()
    except (OSError, IndexError, ValueError):
        return False


@pytest.mark.parametrize("annotations,want", [
    ({"preserve-trailing-slash": "true"}, "https://h.test:%d/a/"),
    ({"use-port-in-redirects": "true"}, "https://h.test:%d/a/")])
def test_redirect_to_https(world, annotations, want):
    world.apply([ingress("one", HOST, dict(
        annotations, **{"force-ssl-redirect": "true"}))])
    until(lambda: header(world.get("/a/"), "location") ==
          [want % world.https[1]], "redirect")


def test_relative_redirects(world):
    world.apply([ingress("one", HOST, {"relative-redirects": "true",
                                       "app-root": "/app"})])
    until(lambda: header(world.get("/"), "location") == ["/app"], "redirect")


def test_proxy_request_buffering(world, echoes):
    """on: the server hears of a request when its body is there."""
    pieces = echoes["pieces"]
    for value in ("off", "on"):
        world.apply([ingress("one", HOST, {
            "proxy-request-buffering": value,
            "x-forwarded-prefix": "/" + value, "rewrite-target": "/r"},
            to="pieces")])
        pieces.go.set()
        until(lambda: attempt(lambda: world.get().status == 200) and
              b"-prefix: /%s\r\n" % value.encode() in pieces.got.lower(),
              value)
        pieces.got = b""
        with socket.create_connection(world.http, timeout=rig.DEADLINE) as s:
            s.sendall(b"POST / HTTP/1.1\r\nHost: h.test\r\n"
                      b"Content-Length: 8\r\n\r\nfirst")
            if value == "off":
                until(lambda: pieces.got.endswith(b"first"), "the first part")
            else:
                # Another request through the same HAProxy comes and goes.
                assert world.get().status == 200
                assert b"POST" not in pieces.got
            s.sendall(b"end")
            until(lambda: pieces.got.endswith(b"firstend"), "all of it")
            assert rig.exchange(s, b"").status == 200


# --- Classes ---

def shares(world, n, target="/", headers=()):
    got = [server(world.get(target, headers=headers)) for _ in range(n)]
    return sorted(set(got))


# value, requests that differ in what counts, ones that do not
HASHES = [
    ("$request_uri", ("/a?%d", ()), "/same?x"),
    ("$uri", ("/p%d?x", ()), "/p"),
    ("$args", ("/?q=%d", ()), "/?q"),
    ("${http_x_user}", ("/", [("X-User", "u%d")]), "/"),
    ("$cookie_id", ("/", [("Cookie", "a=b; id=%d")]), "/"),
    ("text-$arg_id", ("/?a=b&id=%d", ()), "/?id=7"),
]


def spread(world, target, headers):
    """Who answers forty requests that differ in what counts."""
    return {server(world.get(target % i if "%" in target else target,
                             headers=[(k, v % i) for k, v in headers]))
            for i in range(40)}


@pytest.mark.parametrize("n", range(len(HASHES)), ids=[h[0] for h in HASHES])
def test_upstream_hash_by(world, n):
    value, (target, headers), same = HASHES[n]
    world.apply([ingress("one", HOST, {"upstream-hash-by": value},
                         to="crowd")])
    until(lambda: attempt(lambda: len(shares(world, 12, same)) == 1 and
                          len(spread(world, target, headers)) >= 4),
          "one endpoint for one key, several for many")
    world.apply([ingress("one", HOST, to="crowd")])
    until(lambda: len(shares(world, 12, same)) == 6, "in turns")


def test_upstream_hash_by_subset(world):
    base = {"upstream-hash-by": "$request_uri",
            "upstream-hash-by-subset": "true"}
    world.apply([ingress("one", HOST, base, to="crowd")])
    until(lambda: 2 <= len(shares(world, 60, "/x")) <= 3, "three at most")
    assert len(shares(world, 60, "/x")) <= 3
    world.apply([ingress("one", HOST, dict(base, **{
        "upstream-hash-by-subset-size": "1"}), to="crowd")])
    until(lambda: len(shares(world, 20, "/x")) == 1 and
          len(shares(world, 20, "/x")) == 1, "one")


def statuses(world, n=8, **more):
    return {world.get(**more).status for _ in range(n)}


def test_proxy_next_upstream(world):
    """A 500 of one endpoint is asked of another, GET alone or POST, too."""
    world.apply([ingress("one", HOST, to="shaky")])
    until(lambda: statuses(world) == {200, 500}, "both in turns")
    world.apply([ingress("one", HOST, {
        "proxy-next-upstream": "error http_500"}, to="shaky")])
    until(lambda: statuses(world) == {200}, "the good one")
    assert statuses(world, method="POST", body=b"x") == {200, 500}
    world.apply([ingress("one", HOST, {
        "proxy-next-upstream": "error http_500 non_idempotent"},
        to="shaky")])
    until(lambda: statuses(world, method="POST", body=b"x") == {200}, "POST")
    world.apply([ingress("one", HOST, {"proxy-next-upstream": "http_403"},
                         to="closed")])
    until(lambda: statuses(world) == {200}, "403")
    world.apply([ingress("one", HOST, {"proxy-next-upstream": "off"},
                         to="shaky")])
    until(lambda: statuses(world) == {200, 500}, "off")


def asked(world, echoes):
    before = echoes["broken"].total
    world.get()
    return echoes["broken"].total - before


@pytest.fixture
def counting(echoes):
    """The 500 counts its requests."""
    broken = echoes["broken"]
    broken.total = 0
    answer = b"HTTP/1.1 500 x\r\nContent-Length: 1\r\n\r\nx"

    def serve(c):
        while True:
            read_head(c)
            broken.total += 1
            c.sendall(answer)

    old, broken.serve = broken.serve, serve
    yield broken
    broken.serve = old


@pytest.mark.parametrize("more,want", [
    ({}, 3), ({"proxy-next-upstream-tries": "2"}, 2),
    ({"proxy-next-upstream-tries": "1"}, 1),
    ({"proxy-next-upstream-timeout": "10"}, 2)])
def test_proxy_next_upstream_tries(world, echoes, counting, more, want):
    world.apply([ingress("one", HOST, dict(
        more, **{"proxy-next-upstream": "error http_500"}), to="broken")])
    until(lambda: asked(world, echoes) == want, "%d tries" % want)


def test_session_cookie_change_on_failure(world, crowd):
    """false: the client stays with an endpoint that fails."""
    gone = Echo("gone", "Connection: close\r\n")
    world.base += many("pair", [gone.port, crowd[0].port])
    for value in ("true", "false"):
        world.apply([ingress("one", HOST, dict(STICKY, **{
            "session-cookie-change-on-failure": value,
            "session-cookie-name": value}), to="pair")])
        got = until(lambda: [
            a for a in [world.get()] if a.status == 200 and
            server(a) == "gone" and "".join(
                header(a, "set-cookie")).startswith(value)], "a cookie")[0]
        mine = [("Cookie", header(got, "set-cookie")[0].split(";")[0])]
        assert server(world.get(headers=mine)) == "gone"
        port = gone.port
        gone.socket.shutdown(socket.SHUT_RDWR)
        gone.close()
        answers = {world.get(headers=mine).status for _ in range(4)}
        assert answers == ({200} if value == "true" else {503})
        gone = reborn("gone", port)
    gone.close()


def reborn(name, port):
    echo = Echo(name, "Connection: close\r\n")
    echo.close()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until(lambda: attempt(lambda: s.bind(("127.0.0.1", port)) or True),
          "the port again")
    s.listen(64)
    echo.socket, echo.port = s, port
    threading.Thread(target=echo.accept, daemon=True).start()
    return echo


def test_affinity_canary_behavior(world):
    """sticky: who has a cookie stays; legacy: chance decides each time."""
    def objects(behavior, weight):
        return [ingress("one", HOST, dict(STICKY, **{
                    "affinity-canary-behavior": behavior})),
                ingress("two", HOST, {"canary": "true",
                                      "canary-weight": weight}, to="other")]

    def first():
        got = world.get()
        cookies = header(got, "set-cookie")
        return server(got), cookies[0].split(";")[0] if cookies else None

    world.apply(objects("sticky", "50"))
    main = until(lambda: [f for f in [first()] if f[0] == "main"], "main")[0]
    canary = until(lambda: [f for f in [first()] if f[0] == "other"],
                   "canary")[0]
    for who, cookie_ in (main, canary):
        assert {server(world.get(headers=[("Cookie", cookie_)]))
                for _ in range(12)} == {who}
    world.apply(objects("legacy", "100"))
    until(lambda: first() == ("other", None), "no cookie of the canary")
    assert server(world.get(headers=[("Cookie", main[1])])) == "other"
    world.apply([])
