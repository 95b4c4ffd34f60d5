"""auth-url and its companions, from YAML to the wire: the reconciler on a
folder of manifests, HAProxy, a real authentication service, and nothing
reloaded."""

import base64
import json
import socket
import ssl
import subprocess

import pytest

import rig
import test_dialect
from judge import Judge
from pki import Authority
from rig import header, sent, until
from standalone import Standalone, config_map, ingress, service

HOST = "h.test"
URL = "http://judge.auth.svc.cluster.local/verify"


@pytest.fixture(scope="module")
def judge():
    it = Judge()
    yield it
    it.close()


@pytest.fixture(scope="module")
def it(judge):
    main = rig.Echo("main", "Set-Cookie: of=main\r\n")
    with Standalone("--configmap", "default/sallyport", services=[
            service("main", main.port),
            service("judge", judge.port, namespace="auth")]) as s:
        yield s
        assert s.metric("sallyport_haproxy_reloads_total") == 0


@pytest.fixture(autouse=True)
def fresh(it, judge):
    judge.status, judge.extra, judge.body = 200, "", "verdict"
    judge.go.set()
    it.apply([])
    until(lambda: it.get().status == 404, "nothing")
    del judge.heads[:]


def ask(it, want=None, headers=(), host=HOST, target="/", **more):
    headers = list(headers) + ([("X-Want", want)] if want else [])
    return it.get(target, host, headers=headers, **more)


def is_guarded(it, host=HOST):
    return lambda: ask(it, "403", host=host).status == 403


def guard(it, more=(), objects=(), host=HOST, url=URL):
    it.apply([ingress("a", host, dict({"auth-url": url}, **dict(more)))] +
             list(objects))


def test_verdicts(it, judge):
    """"auth-url": without, with, changed, gone, back."""
    it.apply([ingress("a", HOST)])
    until(lambda: ask(it, "403").status == 200, "no question")
    guard(it)
    until(is_guarded(it), "a question")
    for want, status in (("200", 200), ("204", 200), ("299", 200),
                         ("401", 401), ("403", 403), ("302", 500),
                         ("404", 500), ("500", 503), ("503", 503),
                         ("nothing", 503)):
        assert ask(it, want).status == status, want
    it.apply([ingress("a", HOST)])
    until(lambda: ask(it, "403").status == 200, "no question any more")


def test_without_the_reconciler(it, judge):
    """HAProxy asks on its own, and the next reconciler finds it asking."""
    guard(it, {"auth-response-headers": "X-User"})
    until(is_guarded(it), "a question")
    it.adopt()
    assert ask(it, "403").status == 403
    judge.extra = "X-User: alice\r\n"
    assert sent(ask(it))[1]["x-user"] == "alice"
    it.apply([ingress("a", HOST)])
    until(lambda: ask(it, "403").status == 200, "no question any more")


def test_question(it, judge):
    """What the service is asked: the client's headers and what the request
    is, without its body and what belongs to its connection."""
    guard(it)
    until(is_guarded(it), "a question")
    got = ask(it, headers=[("Cookie", "c=1"), ("Upgrade", "x"),
                           ("X-Forwarded-For", "192.0.2.9"),
                           ("X-Original-URL", "http://forged/"),
                           ("X-Sallyport-Slot", "none"),
                           ("X-Request-ID", "id-1")],
              target="/a%2Fb?x=%22", method="POST", body=b"hello")
    assert got.status == 200 and '"body": 5' in got.body
    line, headers = judge.last()
    assert line == "GET /verify HTTP/1.1"
    assert headers["host"] == "judge.auth.svc.cluster.local"
    assert headers["x-original-url"] == "http://h.test/a%2Fb?x=%22"
    assert headers["x-original-uri"] == "/a%2Fb?x=%22"
    assert headers["x-original-method"] == "POST"
    assert headers["x-sent-from"] == "sallyport"
    assert headers["x-auth-request-redirect"] == "/a%2Fb?x=%22"
    assert headers["x-real-ip"] == "127.0.0.1"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["cookie"] == "c=1" and headers["x-request-id"] == "id-1"
    for name in ("upgrade", "x-forwarded-proto", "x-sallyport-slot",
                 "content-length", "transfer-encoding"):
        assert name not in headers, name


@pytest.mark.parametrize("method,length", [
    ("HEAD", None), ("POST", "0"), ("PUT", "0")])
def test_method(it, judge, method, length):
    """"auth-method": and no body."""
    url = URL.replace("judge.auth", "judge.default")
    guard(it, {"auth-method": method}, service("judge", judge.port), url=url)
    until(lambda: ask(it).status == 200 and judge.heads and
          judge.last()[0] == method + " /verify HTTP/1.1", "the method")
    assert judge.last()[1].get("content-length") == length


def test_methods_of_other_namespaces(it, judge):
    """Others' Services are only read, but for an administrator's word."""
    guard(it, {"auth-method": "DELETE"})
    until(lambda: ask(it).status == 503, "a refusal")
    assert not [h for h in judge.heads if h.startswith("DELETE")]
    guard(it, {"auth-method": "DELETE"}, [config_map("sallyport", {
        "allow-cross-namespace-resources": "true"})])
    until(lambda: ask(it).status == 200, "the administrator's word")
    assert judge.last()[0] == "DELETE /verify HTTP/1.1"


def location(it, **more):
    got = ask(it, "401", **more)
    return got.status, header(got, "location")


def test_signin(it, judge):
    """"auth-signin", "auth-signin-redirect-param": the way there and back."""
    guard(it, {"auth-signin": "https://login.test/start"})
    until(lambda: location(it, target="/a?b=c&d") == (302, [
        "https://login.test/start?rd=http://h.test%2Fa%3Fb%3Dc%26d"]),
        "the way back")
    assert ask(it, "403").status == 403
    guard(it, {"auth-signin": "https://login.test/start?x=y",
               "auth-signin-redirect-param": "next"})
    until(lambda: location(it) == (302, [
        "https://login.test/start?x=y&next=http://h.test%2F"]), "its name")
    guard(it, {"auth-signin":
               "https://$host/start?rd=$scheme://$http_host$request_uri"})
    until(lambda: location(it, target="/a?b") == (302, [
        "https://h.test/start?rd=http://h.test/a?b"]), "variables")
    guard(it, {"auth-signin": "/login"})
    until(lambda: location(it) == (302, [
        "/login?rd=http://h.test%2F"]), "a path")
    # No byte of a request makes a header of its own.
    got = ask(it, "401", target="/%0d%0aX-A:b")
    assert got.status in (302, 400) and not header(got, "x-a")
    judge.extra = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
    assert sorted(header(ask(it, "401"), "set-cookie")) == ["a=1", "b=2"]
    guard(it)
    until(lambda: location(it) == (401, []), "no way there")


def test_challenge(it, judge):
    """The answer of a refusal is ours but for its challenge."""
    guard(it)
    until(is_guarded(it), "a question")
    judge.extra = ("WWW-Authenticate: Basic realm=\"a\"\r\n"
                   "WWW-Authenticate: Bearer\r\nX-Inner: secret\r\n")
    got = ask(it, "401")
    assert sorted(header(got, "www-authenticate")) == [
        "Basic realm=\"a\"", "Bearer"]
    assert "verdict" not in got.body and not header(got, "x-inner")
    assert not header(ask(it, "403"), "www-authenticate")


def test_response_headers(it, judge):
    """"auth-response-headers": the service's, and nobody else's."""
    forged = [("X-User", "root"), ("x-user", "root2"), ("X-Group", "all")]
    guard(it)
    until(is_guarded(it), "a question")
    assert sent(ask(it, headers=forged))[1]["x-group"] == "all"
    guard(it, {"auth-response-headers": "X-User, X-Group,Authorization"})
    until(lambda: "x-group" not in sent(ask(it, headers=forged))[1],
          "none of the client's")
    assert "x-user" not in sent(ask(it, headers=forged))[1]
    judge.extra = ("X-User: alice\r\nX-Group: one\r\nX-Group: two\r\n"
                   "Authorization: Bearer t\r\nX-Other: no\r\n")
    got = ask(it, headers=forged)
    assert [v for k, v in sent_pairs(got) if k == "x-user"] == ["alice"]
    assert [v for k, v in sent_pairs(got) if k == "x-group"] == ["one", "two"]
    assert sent(got)[1]["authorization"] == "Bearer t"
    assert "x-other" not in sent(got)[1]
    # More than a server is to bear is no verdict.
    judge.extra = "X-User: %s\r\n" % ("u" * 9000)
    assert ask(it, headers=forged).status == 503


def sent_pairs(answer):
    return [(k.lower(), v) for k, v in json.loads(answer.body)["headers"]]


def test_cookies(it, judge):
    """"auth-always-set-cookie": else only with 2xx and 3xx."""
    guard(it)
    until(is_guarded(it), "a question")
    judge.extra = "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=\"2:3\"\r\n"
    want = ["a=1; Path=/", "b=\"2:3\"", "of=main"]
    assert sorted(header(ask(it), "set-cookie")) == want
    assert header(ask(it, "403"), "set-cookie") == []
    guard(it, {"auth-always-set-cookie": "true"})
    until(lambda: sorted(header(ask(it, "403"), "set-cookie")) == want[:2],
          "with a refusal")
    assert sorted(header(ask(it), "set-cookie")) == want


def test_cookies_with_errors_of_a_server(it, judge):
    broken = Judge(404)
    it.base += service("broken", broken.port)
    more = {"auth-url": URL}
    judge.extra = "Set-Cookie: a=1\r\n"
    it.apply([ingress("a", HOST, more, to="broken")])
    until(lambda: it.get().status == 404 and judge.heads, "an error")
    assert header(it.get(), "set-cookie") == []
    it.apply([ingress("a", HOST, dict(more, **{
        "auth-always-set-cookie": "true"}), to="broken")])
    until(lambda: header(it.get(), "set-cookie") == ["a=1"], "always")
    broken.close()


def test_request_redirect(it, judge):
    """"auth-request-redirect": and its variables."""
    guard(it, {"auth-request-redirect": "https://$host/back?u=$request_uri"})
    until(lambda: ask(it, target="/x?y").status == 200 and
          judge.last()[1]["x-auth-request-redirect"] ==
          "https://h.test/back?u=/x?y", "the header")


def test_proxy_set_headers(it, judge):
    """"auth-proxy-set-headers": a ConfigMap; without it, closed."""
    named = {"auth-proxy-set-headers": "extra"}
    extra = config_map("extra", {"X-Key": "k 1", "cookie": "none"})
    guard(it, named)
    until(lambda: ask(it).status == 503, "closed")
    guard(it, named, [extra])
    until(lambda: ask(it, headers=[("Cookie", "c=1")]).status == 200 and
          judge.last()[1].get("x-key") == "k 1", "the header")
    assert judge.last()[1]["cookie"] == "none"
    guard(it, named, [config_map("extra", {"X-Key": "a\nX-B: c"})])
    until(lambda: ask(it).status == 503, "a line break")
    guard(it, {"auth-proxy-set-headers": "other/extra"},
          [config_map("extra", {"X-Key": "k"}, namespace="other")])
    until(lambda: ask(it).status == 503, "another namespace's")


def n_asked(it, judge, times, **more):
    before = len(judge.heads)
    for _ in range(times):
        assert ask(it, **more).status == 200
    return len(judge.heads) - before


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


def test_slow(it, judge):
    """As long as proxy-read-timeout, and ten seconds at most."""
    guard(it, {"proxy-read-timeout": "1"})
    until(is_guarded(it), "a question")
    judge.go.clear()
    assert ask(it).status == 503
    judge.go.set()
    until(lambda: ask(it).status == 200, "it recovers")


def test_endless_answers_cost_nothing(it, judge):
    """Only the head of an answer is read."""
    guard(it)
    until(is_guarded(it), "a question")
    judge.body = "x" * (4 << 20)
    assert ask(it, "403").status == 403
    assert ask(it).status == 200
    judge.body = "verdict"
    judge.extra = "X-Big: %s\r\n" % ("b" * 40000)
    assert ask(it).status == 503


def test_missing(it, judge):
    """A service that is not there, comes, loses its endpoints."""
    url = "http://later.auth.svc.cluster.local:8080/x"
    guard(it, url=url)
    until(lambda: ask(it).status == 503, "closed")
    neighbour = ingress("b", "b.test")
    guard(it, objects=[neighbour] + service("later", judge.port, "auth",
                                            number=8080), url=url)
    until(lambda: ask(it).status == 200 and judge.last()[0] ==
          "GET /x HTTP/1.1", "it is there")
    guard(it, objects=[neighbour] + service("later", None, "auth",
                                            number=8080), url=url)
    until(lambda: ask(it).status == 503, "no endpoints")
    assert ask(it, host="b.test").status == 200


@pytest.mark.parametrize("url", [
    "http://judge/verify", "https://judge.auth.svc.cluster.local/../x",
    "http://127.0.0.1/verify", "http://judge.auth.svc/$nothing",
    "http://user@judge.auth.svc/", "ftp://judge.auth.svc/",
    "http://$arg_host/", "https://192.0.2.1/"])
def test_what_is_refused_is_closed(it, judge, url):
    guard(it, url=url)
    until(lambda: ask(it).status == 503, "closed")
    assert not judge.heads


@pytest.mark.parametrize("more", [
    {"auth-method": "TRACE"}, {"auth-signin": "javascript:x"},
    {"auth-response-headers": "Host"}, {"auth-response-headers": "a b"},
    {"auth-cache-duration": "200 forever"}, {"auth-cache-key": "all"},
    {"auth-request-redirect": "$nothing"},
    {"auth-always-set-cookie": "perhaps"}])
def test_a_bad_companion_is_closed(it, judge, more):
    """ingress-nginx serves without any authentication here."""
    guard(it, more)
    until(lambda: ask(it).status == 503, "closed")


def test_errors_are_no_verdict(it, judge):
    """CVE-2026-24513: no page in place of an error lets anybody in."""
    page = rig.Echo("page")
    it.base += service("page", page.port)
    guard(it, {"custom-http-errors": "401,403,500,503",
               "default-backend": "page"})
    until(is_guarded(it), "a question")
    for want, status in (("401", 401), ("403", 403), ("404", 500),
                         ("503", 503)):
        assert ask(it, want).status == status
    assert page.count == 0
    page.close()


def test_cors_and_hsts(it, judge):
    """A preflight is not asked about; a refusal has the headers of CORS."""
    guard(it, {"enable-cors": "true", "cors-allow-origin": "https://o.test"})
    until(is_guarded(it), "a question")
    origin = [("Origin", "https://o.test")]
    del judge.heads[:]
    assert ask(it, headers=origin, method="OPTIONS").status == 204
    assert not judge.heads
    assert header(ask(it, "403", headers=origin),
                  "access-control-allow-origin") == ["https://o.test"]


def test_satisfy(it, judge):
    """An address that suffices is not asked about, nor believed more."""
    listed = {"satisfy": "any", "whitelist-source-range": "127.0.0.1",
              "auth-response-headers": "X-User"}
    guard(it, listed)
    until(lambda: ask(it, "403").status == 200, "the address")
    assert "x-user" not in sent(ask(it, headers=[("X-User", "root")]))[1]
    guard(it, dict(listed, **{"whitelist-source-range": "192.0.2.1"}))
    until(is_guarded(it), "the service")
    assert ask(it).status == 200
    guard(it, dict(listed, satisfy="all"))
    until(is_guarded(it), "both")


def test_variables(it, judge):
    """A closed list; no value makes a header or another request."""
    guard(it, {"auth-response-headers": "X-User"},
          url=URL + "?h=$host&a=$arg_a&c=$cookie_c&x=${http_x_name}"
          "&n=$namespace/$ingress_name&u=$proxy_upstream_name&q=$uri")
    until(is_guarded(it), "a question")
    assert ask(it, target="/p?b&a=1&a=2", headers=[
        ("Cookie", "cc=0; c=3"), ("X-Name", "a b\"\xe9")]).status == 200
    assert judge.last()[0] == (
        "GET /verify?h=h.test&a=1&c=3&x=a%20b%22%E9&n=default/a"
        "&u=default-main-80&q=/p HTTP/1.1")


def test_all_variables(it, judge):
    """Every one of the list means what it means in nginx."""
    names = ("http_host", "server_name", "scheme", "pass_access_scheme",
             "request_uri", "escaped_request_uri", "document_uri", "args",
             "query_string", "request_method", "remote_addr", "the_real_ip",
             "remote_user", "server_port", "pass_server_port", "request_id",
             "req_id", "service_name", "service_port")
    guard(it, url=URL + "?" + "&".join("%s=${%s}" % (n, n) for n in names))
    until(is_guarded(it), "a question")
    user = base64.b64encode(b"ann:secret").decode()
    assert ask(it, target="/p?q=1", host="h.test:%d" % it.http[1],
               method="PUT", headers=[
        ("Authorization", "Basic " + user), ("X-Request-ID", "id")]
               ).status == 200
    uri, port = "/p?q=1", str(it.http[1])
    want = ("h.test:" + port, "h.test", "http", "http", uri,
            "%2Fp%3Fq%3D1", "/p", "q=1", "q=1", "PUT", "127.0.0.1",
            "127.0.0.1", "ann", port, port, "id", "id", "main", "80")
    assert judge.last()[0] == "GET /verify?%s HTTP/1.1" % "&".join(
        "%s=%s" % pair for pair in zip(names, want))


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
            head = test_dialect.read_head(s)
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

    def serve(c):
        data = test_dialect.read_head(c)
        while b"chunked" in data and not data.endswith(b"\r\n0\r\n\r\n"):
            data += c.recv(65536)
        got.append(data.count(b"c"))
        c.sendall(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n")

    raw = test_dialect.Raw(serve)
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
    def serve(c):
        if b"websocket" not in test_dialect.read_head(c):
            return
        c.sendall(b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n"
                  b"Upgrade: websocket\r\nSec-WebSocket-Accept: "
                  b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        c.sendall(c.recv(100)[::-1])

    raw = test_dialect.Raw(serve)
    it.base += service("upgraded", raw.port)
    it.apply([ingress("a", HOST, {"auth-url": URL}, to="upgraded")])
    until(is_guarded(it), "a question")
    for want, line in (("200", b" 101 "), ("403", b" 403 ")):
        with socket.create_connection(it.http, timeout=rig.DEADLINE) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\nUpgrade: websocket"
                      b"\r\nConnection: Upgrade\r\nX-Want: %s\r\n"
                      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" %
                      want.encode())
            assert line in test_dialect.read_head(s)
            if want == "200":
                s.sendall(b"abc")
                assert s.recv(100) == b"cba"
    raw.close()


# --- Hosts that are no Services -----------------------------------------

def own(to="judge", host="login.test", more=(), **rest):
    """The service under a host of its own, in its own namespace."""
    return ingress("login", host, more, paths=(("/verify", "Prefix"),),
                   to=to, namespace="auth", **rest)


@pytest.mark.parametrize("url,host", [
    ("https://login.test/verify", "login.test"),
    ("http://login.test/verify?x", "login.test"),
    ("https://login.test:8443/verify", "login.test"),
    ("https://login.test/verify", "*.test"),
    ("https://$host/verify", HOST), ("http://$http_host/verify", HOST)])
def test_own_host(it, judge, url, host):
    """The commonest set-up of oauth2-proxy: its host is served here."""
    namespace = "auth"
    objects = [own(host=host)]
    if host == HOST:
        # A host is one namespace's: the Service is there, too.
        objects = [own(host=host)]
        objects[0]["metadata"]["namespace"] = "default"
        objects += service("judge", judge.port)
    guard(it, {"auth-response-headers": "X-User"}, objects, url=url)
    until(is_guarded(it), "a question")
    judge.extra = "X-User: alice\r\n"
    got = ask(it, target="/a?b")
    assert got.status == 200 and sent(got)[1]["x-user"] == "alice"
    line, headers = judge.last()
    assert line.startswith("GET /verify") and namespace
    assert headers["x-original-url"] == "http://h.test/a?b"
    assert headers["x-real-ip"] == "127.0.0.1"
    assert headers["host"] == (HOST if host == HOST else "login.test")
    assert [h for h in headers if h.startswith("x-sallyport")] == []


def test_own_host_comes_and_goes(it, judge):
    """Nobody else is asked while nobody has the host."""
    guard(it, url="https://login.test/verify")
    until(lambda: ask(it).status == 503, "nobody")
    guard(it, objects=[own()], url="https://login.test/verify")
    until(lambda: ask(it).status == 200, "the host")
    guard(it, url="https://login.test/verify")
    until(lambda: ask(it).status == 503, "nobody again")
    # A rule without host is no owner of names elsewhere.
    anyhow = ingress("any", "x")
    del anyhow["spec"]["rules"][0]["host"]
    guard(it, objects=[anyhow], url="https://login.test/verify")
    until(lambda: ask(it, host="other.test").status == 200, "without host")
    assert ask(it).status == 503


def test_own_host_judges_by_the_client(it, judge):
    """Addresses and limits of that host are about the client."""
    url = "https://login.test/verify"
    guard(it, objects=[own(more={"whitelist-source-range": "192.0.2.0/24"})],
          url=url)
    until(lambda: ask(it).status == 403, "not this address")
    guard(it, objects=[own(more={"whitelist-source-range": "127.0.0.1"})],
          url=url)
    until(lambda: ask(it).status == 200, "this address")


def test_own_host_has_no_page_for_errors(it, judge):
    """Neither a page in place of an error nor one in place of no endpoint
    nor a preflight is a verdict."""
    page = rig.Echo("page")
    it.base += service("page", page.port, namespace="auth")
    url = "https://login.test/verify"
    more = {"custom-http-errors": "401,403,503", "default-backend": "page",
            "enable-cors": "true"}
    guard(it, {"auth-method": "OPTIONS"}, [own(more=more)], url=url)
    until(is_guarded(it), "a question")
    origin = [("Origin", "https://o.test")]
    assert ask(it, "401", headers=origin).status == 401
    guard(it, {}, [own(more=more, to="none")] +
          service("none", None, "auth"), url=url)
    until(lambda: ask(it).status == 503, "no endpoint")
    assert page.count == 0
    page.close()


def questions(it):
    """How many connections the frontend of questions has had."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(it.dir + "/run/haproxy.sock")
        s.sendall(b"show stat self 1 -1\n")
        head, row = s.makefile().read().split("\n")[:2]
    return int(dict(zip(head.lstrip("# ").split(","), row.split(",")))["stot"])


def test_a_question_about_a_question(it, judge):
    """A host that asks itself gets no answer, and no loop."""
    guard(it, url="https://h.test/verify")
    until(lambda: ask(it).status == 503, "no answer")
    before = questions(it)
    assert ask(it).status == 503 and questions(it) == before + 1
    assert not judge.heads


# --- Names elsewhere ------------------------------------------------------

@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """A service with a certificate for far.test, and how to run a program for
    whom far.test and near.test are on loopback and our authority is all that
    the system trusts."""
    folder = tmp_path_factory.mktemp("far")
    (folder / "certs").mkdir()
    ours = Authority(str(folder), "ours", "/CN=ours")
    base = ours.issue("far", "/CN=far.test", ["far.test"])
    (folder / "certs" / "ours.pem").write_text(ours.pem)
    (folder / "hosts").write_text("127.0.0.1 far.test near.test\n")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(base + ".crt", base + ".key")
    judge = Judge(tls=tls)
    yield judge, ("unshare", "--map-root-user", "--mount", "sh", "-c",
                  "mount --bind %s/hosts /etc/hosts && mount --bind %s/certs "
                  "/etc/ssl/certs && exec \"$@\"" % (folder, folder), "sh")
    judge.close()


def far_url(judge, scheme="https", host="far.test"):
    return "%s://%s:%d/verify" % (scheme, host, judge.port)


@pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"]).returncode,
                    reason="no namespaces of our own")
def test_a_name_elsewhere(far):
    """Over https who is asked must prove to be who the name says."""
    judge, within = far
    plain = Judge()
    main = rig.Echo("main")
    with Standalone(services=[service("main", main.port)],
                    within=within) as it:
        guard(it, {"auth-response-headers": "X-User"}, url=far_url(judge))
        until(is_guarded(it), "a question")
        judge.extra = "X-User: alice\r\n"
        assert sent(ask(it))[1]["x-user"] == "alice"
        assert judge.last()[1]["host"] == "far.test"
        assert judge.names and set(judge.names) == {"far.test"}
        guard(it, url=far_url(judge, host="near.test"))
        until(lambda: ask(it).status == 503, "another's certificate")
        assert not [h for h in judge.heads if "near.test" in h]
        # While a host of this controller has the name, it alone is asked.
        guard(it, objects=[ingress("far", "far.test")], url=far_url(judge))
        until(lambda: '"target": "/verify"' in ask(
            it, host="far.test", target="/verify").body and
            ask(it, "403").status == 200, "the host here")
        n = len(judge.heads)
        assert ask(it).status == 200 and len(judge.heads) == n
        guard(it, url=far_url(judge))
        until(is_guarded(it), "elsewhere again")
        # Without proof nobody is asked.
        guard(it, url=far_url(plain, "http"))
        until(lambda: ask(it).status == 503, "http")
        assert not plain.heads
        assert it.metric("sallyport_haproxy_reloads_total") == 0
    with Standalone("--allow-external-names", services=[
            service("main", main.port)], within=within) as it:
        for host in ("far.test", "127.0.0.1"):
            guard(it, url=far_url(plain, "http", host))
            until(is_guarded(it), "http, allowed")
            assert plain.last()[1]["host"] == host
            it.apply([])
            until(lambda: it.get().status == 404, "nothing")
    plain.close()
    main.close()


# --- For all -------------------------------------------------------------

GLOBAL = {"global-auth-url": URL}


def with_map(it, data, *objects):
    it.apply(list(objects) + [config_map("sallyport", data)])


def test_global(it, judge):
    """"global-auth-url" is for everybody but those with
    "enable-global-auth": "false", with one of their own, and paths of
    "no-auth-locations"."""
    other = Judge(401)
    it.base += service("other", other.port, "auth")
    hosts = [
        ingress("a", HOST),
        ingress("b", "free.test", {"enable-global-auth": "false"}),
        ingress("c", "own.test", {"auth-url": URL.replace("judge", "other")}),
        ingress("d", "acme.test", paths=(
            ("/.well-known/acme-challenge/x", "Exact"), ("/", "Prefix"))),
        ingress("e", "static.test", paths=(("/static", "Prefix"),))]
    with_map(it, GLOBAL, *hosts)
    until(is_guarded(it), "everybody")
    until(lambda: ask(it, "401").status == 401, "everybody")
    assert ask(it, "403", host="free.test").status == 200
    assert ask(it, host="own.test").status == 401
    assert ask(it, "403", host="acme.test").status == 403
    assert ask(it, "403", host="acme.test",
               target="/.well-known/acme-challenge/x").status == 200
    assert ask(it, "403", host="static.test", target="/static").status == 403
    with_map(it, dict(GLOBAL, **{"no-auth-locations": "/static, /x"}), *hosts)
    until(lambda: ask(it, "403", host="static.test",
                      target="/static").status == 200, "another list")
    assert ask(it, "403", host="acme.test",
               target="/.well-known/acme-challenge/x").status == 403
    with_map(it, {}, *hosts)
    until(lambda: ask(it, "403").status == 200, "nobody any more")
    other.close()


def test_no_auth_locations_and_passwords(it, judge):
    """"no-auth-locations" are free of auth-type as well."""
    it.apply([ingress("a", HOST, {"auth-type": "basic",
                                  "auth-secret": "nobody"}, paths=(
        ("/.well-known/acme-challenge/x", "Exact"), ("/", "Prefix")))])
    until(lambda: ask(it).status == 503, "closed")
    assert ask(it, target="/.well-known/acme-challenge/x").status == 200


def test_global_companions(it, judge):
    """"global-auth-method" and the others are of that service alone."""
    keys = dict(GLOBAL, **{
        "global-auth-method": "HEAD",
        "global-auth-signin": "https://login.test/",
        "global-auth-signin-redirect-param": "next",
        "global-auth-response-headers": "X-User",
        "global-auth-request-redirect": "https://$host/",
        "global-auth-cache-key": "$http_x_key",
        "global-auth-cache-duration": "200 1m",
        "global-auth-always-set-cookie": "true"})
    with_map(it, keys, ingress("a", HOST),
             ingress("c", "own.test", {"auth-url": URL}))
    until(is_guarded(it), "a question")
    judge.extra = "X-User: alice\r\nSet-Cookie: c=1\r\n"
    got = ask(it, "401")
    assert header(got, "location") == [
        "https://login.test/?next=http://h.test%2F"]
    assert header(ask(it, "403"), "set-cookie") == ["c=1"]
    assert sent(ask(it))[1]["x-user"] == "alice"
    line, headers = judge.last()
    assert line.startswith("HEAD ")
    assert headers["x-auth-request-redirect"] == "https://h.test/"
    judge.extra = ""
    assert n_asked(it, judge, 3, headers=[("X-Key", "k")]) == 1
    until(lambda: ask(it, "401", host="own.test").status == 401, "its own")
    assert judge.last()[0].startswith("GET ")
    judge.extra = "Set-Cookie: c=1\r\n"
    assert header(ask(it, "403", host="own.test"), "set-cookie") == []


def test_bad_keys_are_closed(it, judge):
    """A global service that cannot be read protects nobody: 503; once it was
    good, the last good one stays.  Nobody else's routes feel it."""
    hosts = [ingress("a", HOST),
             ingress("b", "free.test", {"enable-global-auth": "false"}),
             ingress("c", "own.test", {"auth-url": URL})]
    with_map(it, {"global-auth-url": "judge"}, *hosts)
    until(lambda: ask(it).status == 503, "closed")
    assert ask(it, host="free.test").status == 200
    assert ask(it, host="own.test").status == 200
    with_map(it, dict(GLOBAL, **{"global-auth-response-headers": "a b"}),
             *hosts)
    until(lambda: ask(it, host="own.test").status == 200 and
          ask(it).status == 503, "closed")
    with_map(it, GLOBAL, *hosts)
    until(lambda: ask(it).status == 200, "open")
    with_map(it, {"global-auth-url": "judge",
                  "global-auth-snippet": "x y;"}, *hosts)
    until(lambda: "global-auth-snippet" in it.text(), "told")
    assert ask(it).status == 200 and ask(it, "403").status == 403
