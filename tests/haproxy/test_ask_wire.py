"""auth-url on the wire: what is remembered, connections that are kept, bodies,
HTTP/2 and upgrades."""

import socket

import rig
from asking import HOST, URL, ask, fresh, guard, is_guarded, it, judge, n_asked
from rig import sent, until
from servers import Raw, read_head, read_request
from standalone import ingress, service


def test_cache(it, judge):
    """"auth-cache-key", "auth-cache-duration": one answer for one key."""
    key = {"auth-cache-key": "$http_x_user$cookie_s",
           "auth-cache-duration": "200 202 1m, 403 10s",
           "auth-response-headers": "X-As"}
    judge.extra = "X-As: alice\r\n"
    a, b = [("X-User", "a")], [("X-User", "b")]
    guard(it, key)
    until(is_guarded(it), "a question")
    assert n_asked(it, judge, 4, headers=a) == 1
    assert sent(ask(it, headers=a))[1]["x-as"] == "alice"
    assert n_asked(it, judge, 4, headers=b) == 1
    # What joins up to the same is not the same.
    one = [("X-User", "ab"), ("Cookie", "s=c")]
    two = [("X-User", "a"), ("Cookie", "s=bc")]
    assert n_asked(it, judge, 2, headers=one) == 1
    assert n_asked(it, judge, 2, headers=two) == 1
    # A key of nothing is everybody's: nothing is kept.
    assert n_asked(it, judge, 3) == 3
    # Refusals are kept as well, errors and cookies are not.
    judge.extra = ""
    assert ask(it, "403", headers=[("X-User", "c")]).status == 403
    assert n_refused(it, judge, "c") == 0
    assert ask(it, "401", headers=[("X-User", "d")]).status == 401
    assert ask(it, "200", headers=[("X-User", "d")]).status == 200
    judge.extra = "Set-Cookie: x=1\r\n"
    assert n_asked(it, judge, 2, headers=[("X-User", "e")]) == 2
    judge.extra = "Cache-Control: no-store\r\n"
    assert n_asked(it, judge, 2, headers=[("X-User", "f")]) == 2
    # Another policy remembers nothing of this one.
    guard(it, dict(key, **{"auth-cache-duration": "200 2m"}))
    judge.extra = ""
    until(lambda: ask(it, "403", headers=a).status == 403, "another policy")


def test_a_cache_that_is_full(it, judge):
    """Old answers go, new ones are right."""
    guard(it, {"auth-cache-key": "$http_x_user"})
    until(is_guarded(it), "a question")
    for i in range(300):
        assert ask(it, headers=[("X-User", str(i))]).status == 200
    assert ask(it, "403", headers=[("X-User", "0")]).status == 403
    assert n_asked(it, judge, 2, headers=[("X-User", "299")]) == 0
    # A key too long to be remembered.
    assert n_asked(it, judge, 2, headers=[("X-User", "u" * 5000)]) == 2


def n_refused(it, judge, user):
    before = len(judge.heads)
    assert ask(it, headers=[("X-User", user)]).status == 403
    return len(judge.heads) - before


def test_cache_expires(it, judge):
    guard(it, {"auth-cache-key": "$http_x_user",
               "auth-cache-duration": "200 1s"})
    until(is_guarded(it), "a question")
    user = [("X-User", "a")]
    assert n_asked(it, judge, 2, headers=user) == 1
    until(lambda: ask(it, "403", headers=user).status == 403, "an end")


def test_keepalive(it, judge):
    """"auth-keepalive", "auth-keepalive-requests", "auth-keepalive-timeout":
    connections are kept in any case, each bears many questions.
    "auth-keepalive-share-vars": and the same X-Request-ID."""
    guard(it, {"auth-keepalive": "10", "auth-keepalive-requests": "5",
               "auth-keepalive-timeout": "5",
               "auth-keepalive-share-vars": "true"})
    until(is_guarded(it), "a question")
    before = judge.connections
    got = [ask(it) for _ in range(10)]
    assert judge.connections - before <= 1
    assert len(judge.heads) >= 10
    assert judge.last()[1]["x-request-id"] == sent(got[-1])[1]["x-request-id"]


def test_refusals_keep_the_connection(it, judge):
    """Also those of HEAD, which have no body."""
    guard(it, {"auth-signin": "/login"})
    until(is_guarded(it), "a question")
    with socket.create_connection(it.http, timeout=rig.DEADLINE) as s:
        for method, want, status in (
                ("HEAD", "403", b" 403 "), ("GET", "401", b" 302 "),
                ("HEAD", "500", b" 503 "), ("HEAD", "200", b" 200 ")):
            s.sendall(("%s / HTTP/1.1\r\nHost: h.test\r\nX-Want: %s\r\n\r\n"
                       % (method, want)).encode())
            head = read_head(s)
            assert status in head.split(b"\r\n")[0] + b" "
            assert head.endswith(b"\r\n\r\n") and b"close" not in head


def test_h2_and_bodies(it, judge):
    """HTTP/2 and large bodies: nothing of them is lost."""
    guard(it)
    until(is_guarded(it), "a question")
    body = b"b" * 200000
    got = ask(it, method="POST", body=body)
    assert got.status == 200 and '"body": 200000' in got.body
    assert ask(it, "403", method="POST", body=body).status == 403


def test_chunks(it, judge):
    """A body of no known length comes after the verdict, all of it."""
    got = []

    def talk(c):
        got.append(read_request(c)[1].count(b"c"))
        c.sendall(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n")

    raw = Raw(talk)
    it.base += service("chunks", raw.port)
    it.apply([ingress("a", HOST, {"auth-url": URL}, to="chunks")])
    until(is_guarded(it), "a question")
    body = b"".join(b"%x\r\n%s\r\n" % (1000, b"c" * 1000)
                    for _ in range(50)) + b"0\r\n\r\n"
    assert ask(it, method="POST", body=body, headers=[
        ("Transfer-Encoding", "chunked")]).status == 200
    assert got[-1] >= 50000
    raw.close()


def test_over_http2(it, judge):
    guard(it)
    until(is_guarded(it), "a question")
    got = rig.http2(it.http, "/a", HOST, "POST", body=b"hello",
                    headers=[("content-length", "5")])
    assert got.status == 200 and '"body": 5' in got.body
    assert judge.last()[1]["x-original-url"] == "http://h.test/a"
    got = rig.http2(it.http, "/a", HOST, headers=[("x-want", "401")])
    assert got.status == 401


def test_websocket(it, judge):
    """A connection that is upgraded goes through, and no further without."""
    def talk(c):
        if b"websocket" not in read_head(c):
            return
        c.sendall(b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n"
                  b"Upgrade: websocket\r\nSec-WebSocket-Accept: "
                  b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        c.sendall(c.recv(100)[::-1])

    raw = Raw(talk)
    it.base += service("upgraded", raw.port)
    it.apply([ingress("a", HOST, {"auth-url": URL}, to="upgraded")])
    until(is_guarded(it), "a question")
    for want, line in (("200", b" 101 "), ("403", b" 403 ")):
        with socket.create_connection(it.http, timeout=rig.DEADLINE) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\nUpgrade: websocket"
                      b"\r\nConnection: Upgrade\r\nX-Want: %s\r\n"
                      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" %
                      want.encode())
            assert line in read_head(s)
            if want == "200":
                s.sendall(b"abc")
                assert s.recv(100) == b"cba"
    raw.close()
