"""auth-url and its companions, from YAML to the wire: the reconciler on a
folder of manifests, HAProxy, a real authentication service, and nothing
reloaded."""

import base64
import json

import pytest

from asking import HOST, URL, ask, fresh, guard, is_guarded, it, judge
from judge import Judge
from rig import header, sent, until
from standalone import config_map, ingress, service


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
