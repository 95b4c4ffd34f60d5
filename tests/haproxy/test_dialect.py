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
from standalone import Standalone, check, config_map, ingress, service

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
    the bytes of a body as they come.  It says that it closes: HAProxy sends no
    POST a second time."""

    CLOSES = b"HTTP/1.1 200 x\r\nConnection: close\r\nContent-Length: "

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
            c.sendall(self.CLOSES + b"1\r\n\r\nx")
            return
        c.sendall(self.CLOSES + b"6\r\n\r\none")
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
    return set(got)


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
    until(lambda: attempt(lambda: 2 <= len(shares(world, 60, "/x")) <= 3),
          "three at most")
    assert len(shares(world, 60, "/x")) <= 3
    world.apply([ingress("one", HOST, dict(base, **{
        "upstream-hash-by-subset-size": "1"}), to="crowd")])
    until(lambda: attempt(lambda: len(shares(world, 20, "/x")) == 1 and
                          len(shares(world, 20, "/x")) == 1), "one")


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
        assert answers == ({200} if value == "true" else {502})
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


def test_canary_of_an_expression(world):
    """It need not repeat what makes its path one, and has its aliases."""
    more = {"paths": (("/x(/|$)(.*)", "ImplementationSpecific"),)}
    alias = {"server-alias": "alias.test"}
    canary = {"canary": "true", "canary-weight": "100"}
    world.apply([
        ingress("one", HOST, dict(alias, **{"rewrite-target": "/$2"}), **more),
        ingress("two", HOST, dict(alias, **canary), to="other", **more)])
    for host in (HOST, "alias.test"):
        check(world, lambda w: (server(w.get("/x/y", host)),
                                sent(w.get("/x/y", host))[0]),
              ("other", "/y"), "the canary")
    world.apply([])


def test_second_backends_without_a_server(world):
    """Nobody is there: the main one answers, and HAProxy is as it should be."""
    world.apply(service("nobody", None) + [
        ingress("one", HOST, {"default-backend": "nobody",
                              "custom-http-errors": "404"}),
        ingress("two", HOST, {"canary": "true", "canary-weight": "100"},
                to="nobody")])
    until(lambda: server(world.get()) == "main", "the main one")
    world.selfcheck()
    world.apply([])


# --- More backends of one route ---

@pytest.fixture(scope="module")
def page(world):
    """A default backend: it answers 418 and says what it was told."""
    def serve(c):
        while True:
            head = read_head(c).decode("latin-1")
            body = json.dumps([l.split(": ", 1) for l in
                               head.split("\r\n")[:-2]])
            c.sendall(("HTTP/1.1 418 x\r\nX-Page: mine\r\n"
                       "Content-Length: %d\r\n\r\n%s" %
                       (len(body), body)).encode())

    made = Raw(serve)
    world.base += service("page", made.port) + service("empty", None)
    yield made
    made.close()


def told(answer):
    """What the default backend was told."""
    lines = json.loads(answer.body)
    return {k.lower(): v for k, v in lines[1:]}, lines[0][0]


def test_default_backend(world, page):
    world.apply([ingress("one", HOST, to="empty")])
    check(world, lambda w: w.get().status, 503, "nobody")
    world.apply([ingress("one", HOST, {"default-backend": "page"},
                         to="empty")])
    check(world, lambda w: w.get().status, 418, "the default backend")
    headers, line = told(world.get("/x?y"))
    assert line == "GET /x?y HTTP/1.1"
    assert [headers["x-code"], headers["x-original-uri"],
            headers["x-namespace"], headers["x-ingress-name"],
            headers["x-service-name"], headers["x-service-port"]] == [
        "503", "/x?y", "default", "one", "empty", "80"]
    world.apply([ingress("one", HOST, {"default-backend": "page"})])
    check(world, lambda w: w.get().status, 200, "its own Service")


def test_custom_http_errors(world, page):
    reloads = world.metric("sallyport_haproxy_reloads_total")
    errors = {"custom-http-errors": "404,500", "default-backend": "page"}
    world.apply([ingress("one", HOST, to="broken")])
    check(world, lambda w: w.get().status, 500, "the error")
    world.apply([ingress("one", HOST, errors, to="broken")])
    check(world, lambda w: w.get().status, 418, "the page")
    got = world.get("/x?y", headers=[("Accept", "text/html"),
                                     ("X-Request-ID", "abc")])
    headers, line = told(got)
    assert header(got, "x-page") == ["mine"] and line == "GET / HTTP/1.1"
    assert [headers["x-code"], headers["x-format"], headers["x-original-uri"],
            headers["x-service-name"], headers["x-request-id"]] == [
        "500", "text/html", "/x?y", "broken", "abc"]
    assert not any(name.startswith("x-sallyport") for name in headers)
    world.apply([ingress("one", HOST, dict(errors, **{
        "disable-proxy-intercept-errors": "true"}), to="broken")])
    check(world, lambda w: w.get().status, 500, "not intercepted")
    world.apply([ingress("one", HOST, errors, to="broken"), config_map(
        "defaults", {"disable-proxy-intercept-errors": "true"})])
    check(world, lambda w: w.get().status, 500, "nor by the key")
    world.apply([ingress("one", HOST, errors, to="broken")])
    check(world, lambda w: w.get().status, 418, "the page again")
    world.apply([ingress("one", HOST, dict(errors, **{
        "custom-http-errors": "404"}), to="broken")])
    check(world, lambda w: w.get().status, 500, "another status")
    assert world.metric("sallyport_haproxy_reloads_total") == reloads


def test_page_of_an_error_gets_what_the_client_sent(world, page):
    world.apply([ingress("one", HOST, {"custom-http-errors": "500",
                                       "default-backend": "page"},
                         to="broken")])
    check(world, lambda w: w.get().status, 418, "the page")
    got = world.get("/x", method="POST", body=b"body", headers=[
        ("Accept", "text/html"), ("User-Agent", "me"), ("Accept-Language", "de"),
        ("Cookie", "a=1; b=2"), ("X-Twice", "1"), ("X-Twice", "2"),
        ("X-Empty", ""), ("X-Code", "200"), ("X-Sallyport-Slot", "none"),
        ("X-Sallyport-Name", "a"), ("If-None-Match", "*"), ("Range", "bytes=0-1"),
        ("Forwarded", "for=a:b")])
    headers, line = told(got)
    assert got.status == 418 and line == "GET / HTTP/1.1"
    assert [headers[name] for name in (
        "host", "accept", "user-agent", "accept-language", "cookie", "x-empty",
        "x-code", "forwarded")] == [
            HOST, "text/html", "me", "de", "a=1; b=2", "", "500", "for=a:b"]
    lines = json.loads(got.body)[1:]
    assert sorted(v for k, v in lines if k.lower() == "x-twice") == ["1", "2"]
    assert headers["x-forwarded-for"] == headers["x-real-ip"]
    assert not {"if-none-match", "range", "transfer-encoding"} & set(headers)
    assert headers.get("content-length", "0") == "0"
    assert not any(name.startswith("x-sallyport") for name in headers)
    # More than there is room for: the largest is left out.
    headers, _ = told(world.get(headers=[("Accept-Language", "de"),
                                         ("Cookie", "a" * 9000),
                                         ("User-Agent", "me")]))
    assert "cookie" not in headers
    assert [headers["accept-language"], headers["user-agent"]] == ["de", "me"]


def test_mirror(world):
    got = []

    def serve(c):
        while True:
            data = read_head(c)
            length = re.search(rb"(?i)content-length: (\d+)", data)
            while length and len(data.split(b"\r\n\r\n", 1)[1]) < int(
                    length.group(1)):
                data += c.recv(65536)
            while b"chunked" in data and not data.endswith(b"0\r\n\r\n"):
                data += c.recv(65536)
            got.append(data.decode("latin-1"))
            c.sendall(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n")

    copy = Raw(serve)
    world.base += service("copy", copy.port)
    target = "http://copy.default.svc.cluster.local"
    world.apply([ingress("one", HOST, {
        "mirror-target": target + "$request_uri"})])
    until(lambda: world.get("/x?y", headers=[("X-A", "b")]).status == 200 and
          any(g.startswith("GET /x?y ") for g in got), "a copy")
    one = [g.lower() for g in got if g.startswith("GET /x?y ")][0]
    assert "\r\nhost: copy.default.svc.cluster.local\r\n" in one
    assert "\r\nx-a: b\r\n" in one and "x-sallyport" not in one
    assert server(world.get("/", method="POST", body=b"body")) == "main"
    until(lambda: any(g.startswith("POST") and "\r\nbody" in g for g in got),
          "its body")
    # Of what the client asked for, whatever the Service is asked.
    world.apply([ingress("one", HOST, {
        "mirror-target": target + "/$request_uri", "rewrite-target": "/$1"},
        paths=(("/r/(.*)", "ImplementationSpecific"),))])
    check(world, lambda w: sent(w.get("/r/r?w"))[0], "/r?w", "the rewrite")
    assert sent(world.get("/r/s?w"))[0] == "/s?w"
    until(lambda: any(g.startswith("GET /r/s?w ") for g in got), "a copy")
    world.apply([ingress("one", HOST, {
        "mirror-target": target + "/before/$request_uri"})])
    until(lambda: world.get("/x?z").status == 200 and
          any(g.startswith("GET /before/x?z ") for g in got), "a path before")
    world.apply([ingress("one", HOST, {
        "mirror-target": target + "/fixed", "mirror-host": "copy.test",
        "mirror-request-body": "off"})])
    until(lambda: world.get("/", method="POST", body=b"body").status == 200
          and any(g.startswith("POST /fixed ") and
                  "\r\nhost: copy.test\r\n" in g.lower() and
                  "\r\nbody" not in g for g in got), "without it")
    world.apply([ingress("one", HOST)])
    until(lambda: not copied(world, got), "no copies")
    copy.close()


def copied(world, got):
    """Whether a copy came, by a request that is surely copied after it."""
    before = len(got)
    world.get("/probe")
    world.get("/probe")
    return len(got) != before


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


# --- Keys of the ConfigMap for all requests ---

def test_headers_of_all(world):
    def probe(w):
        got = w.get()
        return (header(got, "x-all"), sent(got)[1].get("x-to"),
                header(got, "server"))

    more = config_map("more", {"X-All": "v"})
    to = config_map("to", {"X-To": "w"})
    world.apply([ingress("one", HOST)])
    check(world, probe, ([], None, []), "before")
    world.apply([ingress("one", HOST), more, to, config_map("defaults", {
        "add-headers": "default/more", "proxy-set-headers": "default/to"})])
    check(world, probe, (["v"], "w", []), "both")
    world.apply([ingress("one", HOST, to="large")])
    check(world, lambda w: len(header(w.get(), "link")), 1, "shown")
    world.apply([ingress("one", HOST, to="large"), config_map(
        "defaults", {"hide-headers": "Link, X-None"})])
    check(world, lambda w: len(header(w.get(), "link")), 0, "hidden")


def test_http_redirect_code(world):
    one = ingress("one", HOST, {"force-ssl-redirect": "true"})
    for data, want in (({}, 308), ({"http-redirect-code": "301"}, 301),
                       ({"http-redirect-code": "200"}, 301), ({}, 308)):
        world.apply([one, config_map("defaults", data)])
        check(world, lambda w: w.get().status, want, "redirect")


FORWARDED = [("X-Forwarded-For", "203.0.113.9, 192.0.2.7, 127.0.0.2"),
             ("X-Forwarded-Proto", "https")]


@pytest.mark.parametrize("data,want", [
    ({}, ("127.0.0.1", "http")),
    ({"use-forwarded-headers": "true"}, ("127.0.0.1", "http")),
    ({"use-forwarded-headers": "true", "proxy-real-ip-cidr": "10.0.0.0/8"},
     ("127.0.0.1", "http")),
    ({"proxy-real-ip-cidr": "127.0.0.0/8"}, ("127.0.0.1", "http")),
    ({"use-forwarded-headers": "true", "proxy-real-ip-cidr": "127.0.0.0/8"},
     ("192.0.2.7", "https")),
    ({"use-forwarded-headers": "true", "proxy-real-ip-cidr":
      "127.0.0.0/8,192.0.2.0/24"}, ("203.0.113.9", "https"))])
def test_use_forwarded_headers(world, data, want):
    """Whom the Service is told of; nobody is believed by accident."""
    def probe(w):
        headers = sent(w.get(headers=FORWARDED))[1]
        return headers["x-real-ip"], headers["x-forwarded-proto"]

    world.apply([ingress("one", HOST), config_map("defaults", data)])
    check(world, probe, want, "the address")
    # The same address is what lists ask about.
    world.apply([ingress("one", HOST, {"denylist-source-range": want[0]}),
                 config_map("defaults", data)])
    check(world, lambda w: w.get(headers=FORWARDED).status, 403, "denied")


def test_use_proxy_protocol(world):
    def ask(line):
        return rig.raw(world.http, line + b"GET / HTTP/1.1\r\nHost: h.test"
                       b"\r\nConnection: close\r\n\r\n")

    line = b"PROXY TCP4 192.0.2.9 192.0.2.1 1234 80\r\n"
    world.apply([ingress("one", HOST)])
    until(lambda: ask(b"").status == 200, "without")
    world.apply([ingress("one", HOST), config_map("defaults", {
        "use-proxy-protocol": "true", "proxy-real-ip-cidr": "127.0.0.1"})])
    until(lambda: ask(line).status == 200 and
          sent(ask(line))[1]["x-real-ip"] == "192.0.2.9", "with it")
    world.apply([ingress("one", HOST), config_map("defaults", {
        "use-proxy-protocol": "true", "proxy-real-ip-cidr": "10.0.0.1"})])
    until(lambda: ask(b"").status == 200, "others are served as they are")


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
        got = received(s)
        assert len(world.get("/", "fast.test").body) == 400000
        s.setblocking(False)
        try:
            while True:
                got += received(s)
        except BlockingIOError:
            pass
        assert len(got) < 400000
    world.apply([ingress("one", HOST, {"limit-rate": "50",
                                       "limit-rate-after": "1000"},
                         to="big")])
    until(lambda: len(world.get().body) == 400000, "without a rate")
    big.close()
