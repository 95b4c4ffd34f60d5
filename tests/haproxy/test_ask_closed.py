"""auth-url without a verdict is closed: what is missing, slow, refused or says
too much; and nothing else that an Ingress has lets anybody in."""

import pytest

import rig
from asking import ask, fresh, guard, is_guarded, it, judge
from rig import header, sent, until
from standalone import ingress, service


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
