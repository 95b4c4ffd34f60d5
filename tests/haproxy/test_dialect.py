"""The rarer annotations of ingress-nginx, from YAML to the wire: each a
request that differs with it and without it, or the proof that what it
promises is what HAProxy does in any case."""

import json
import re
import socket
import threading

import pytest

import rig
from rig import Echo, attempt, header, sent, until
from servers import Raw, Server, read_head, receive, says
from standalone import Standalone, check, config_map, ingress, service

HOST = "h.test"
OLD_CHROME = "Mozilla/5.0 (X11) AppleWebKit/537 Chrome/60.0.1 Safari/537"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def large_headers(c):
    while True:
        read_head(c)
        c.sendall(b"HTTP/1.1 200 x\r\nLarge: %s\r\nLink: </a.css>; "
                  b"rel=preload\r\nContent-Length: 1\r\n\r\nx" % (b"h" * 7000))


class InPieces(Server):
    """Sends the second piece of its answer when it is told to, and counts
    the bytes of a body as they come.  It says that it closes: HAProxy sends no
    POST a second time."""

    CLOSES = b"HTTP/1.1 200 x\r\nConnection: close\r\nContent-Length: "

    def __init__(self):
        self.go = threading.Event()
        self.got = b""
        super().__init__()

    def talk(self, c):
        self.got = read_head(c)
        if b"POST" in self.got:
            while not self.got.endswith(b"end"):
                self.got += receive(c)
            c.sendall(self.CLOSES + b"1\r\n\r\nx")
            return
        c.sendall(self.CLOSES + b"6\r\n\r\none")
        assert self.go.wait(rig.DEADLINE)
        c.sendall(b"two")


@pytest.fixture(scope="module")
def echoes():
    made = {"main": Echo("main"), "large": Raw(large_headers),
            "pieces": InPieces()}
    yield made
    for echo in made.values():
        echo.close()


@pytest.fixture(scope="module")
def world(echoes):
    services = [service(name, echo.port) for name, echo in echoes.items()]
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
    ("session-cookie-partitioned", dict(STICKY, **{
        "session-cookie-secure": "true"}), "true",
     lambda w: cookie(w, "curl/8"),
     ["c=X; Path=/; HttpOnly; SameSite=None; Secure"],
     ["c=X; Path=/; HttpOnly; SameSite=None; Secure; Partitioned"]),
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
            got += receive(s)
        echoes["pieces"].go.set()
        while not got.endswith(b"onetwo"):
            got += receive(s)
    return True


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


def test_custom_headers(world):
    names = {"global-allowed-response-headers": "X-One,X-Two"}
    one = ingress("one", HOST, {"custom-headers": "default/headers"})

    def probe(w):
        got = w.get()
        return got.status, header(got, "x-one"), header(got, "x-two")

    world.apply([ingress("one", HOST)])
    check(world, probe, (200, [], []), "before")
    world.apply([one, config_map("defaults", names)])
    check(world, lambda w: probe(w)[0], 503, "no ConfigMap")
    world.apply([one, config_map("defaults", names),
                 config_map("headers", {"X-One": "a b;c", "x-two": "2"})])
    check(world, probe, (200, ["a b;c"], ["2"]), "both")
    world.apply([one, config_map("defaults", names),
                 config_map("headers", {"X-One": "a", "X-Evil": "2"})])
    check(world, lambda w: probe(w)[0], 503, "one that is not allowed")
    world.apply([one, config_map("defaults", names),
                 config_map("headers", {"X-One": "a\r\nX-Evil: 1"})])
    check(world, lambda w: probe(w)[0], 503, "a line break")
    world.apply([one, config_map("defaults", names),
                 config_map("headers", {"X-One": "z"})])
    check(world, probe, (200, ["z"], []), "one")


def download(world, sock):
    sock.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\nConnection: close"
                 b"\r\n\r\n")


def test_limit_rate(world):
    """An answer that began later without a rate is whole before; a small one
    has none.  HAProxy before 2.7 cannot: then that is told."""
    big = Raw(says("200", body="b" * 400000))
    world.base += service("big", big.port)
    world.apply([ingress("one", HOST, {"limit-rate": "50",
                                       "limit-rate-after": "1"}, to="big"),
                 ingress("fast", "fast.test", to="big")])
    until(lambda: world.get("/", "fast.test").status == 200, "there")
    if rig.haproxy_version() < (2, 7):
        until(lambda: "cannot slow an answer down" in world.text(), "told")
        big.close()
        return
    with socket.create_connection(world.http, timeout=60) as s:
        download(world, s)
        got = receive(s)
        assert len(world.get("/", "fast.test").body) == 400000
        s.setblocking(False)
        try:
            while True:
                got += receive(s)
        except BlockingIOError:
            pass
        assert len(got) < 400000
    world.apply([ingress("one", HOST, {"limit-rate": "50",
                                       "limit-rate-after": "1000"},
                         to="big")])
    until(lambda: len(world.get().body) == 400000, "without a rate")
    big.close()
