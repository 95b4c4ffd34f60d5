"""Classes of kind cookie: affinity under a name that is data."""

import re

import pytest

import rig
from rig import header, http1, http2, sent, server


@pytest.fixture(scope="module")
def r():
    with rig.Rig() as it:
        it.pods = [rig.Echo("pod%d" % n) for n in range(3)]
        it.add_policy("c.test/", "COOKIE_NAME=route", echo=it.pods,
                      tables=("http", "https"))
        it.add_policy("d.test/", "COOKIE_NAME=ROUTE.2", "COOKIE_PATH=/p",
                      "COOKIE_DOMAIN=d.test", "COOKIE_SAMESITE=Lax",
                      "COOKIE_MAX_AGE=60", "COOKIE_EXPIRES=3600",
                      "COOKIE_SECURE=true", echo=it.pods)
        yield it


def cookie_of(got):
    (value,) = header(got, "set-cookie")
    return value


def test_sticks(r):
    first = http1(r.http, "/", "c.test")
    value = cookie_of(first)
    assert re.fullmatch(r"route=[0-9a-f]{16}; Path=/; HttpOnly", value)
    pair = value.split(";")[0]
    seen = {server(http1(r.http, "/", "c.test")) for _ in range(6)}
    assert len(seen) == 3
    for cookies in (pair, "a=b; " + pair, pair + "; c=d", "x=1;" + pair,
                    "xroute=0123456789abcdef; " + pair):
        for _ in range(4):
            got = http1(r.http, "/", "c.test", headers=[("Cookie", cookies)])
            assert server(got) == server(first), cookies
            assert not header(got, "set-cookie")
            assert sent(got)[1]["cookie"] == cookies
    got = http2(r.http, "/", "c.test", headers=[("cookie", "a=b"),
                                                ("cookie", pair)])
    assert server(got) == server(first) and not header(got, "set-cookie")


@pytest.mark.parametrize("cookies", [
    "route=0123456789abcdef", "route=x", "route=", "ROUTE=%s", "xroute=%s",
    "route=%sx", "a=route=%s"])
def test_what_is_not_the_cookie(r, cookies):
    value = cookie_of(http1(r.http, "/", "c.test")).split(";")[0][6:]
    if "%s" in cookies:
        cookies = cookies % value
    got = http1(r.http, "/", "c.test", headers=[("Cookie", cookies)])
    assert cookie_of(got).startswith("route=")


def test_attributes(r):
    value = cookie_of(http1(r.http, "/", "d.test"))
    assert re.fullmatch(
        r"ROUTE\.2=[0-9a-f]{16}; Path=/p; HttpOnly; Domain=d\.test; "
        r"Max-Age=60; SameSite=Lax; Secure; "
        r"Expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", value)


def test_secure_on_https(r):
    value = cookie_of(http1(None, "/", "c.test", sock=r.tls("c.test")))
    assert value.endswith("; Path=/; HttpOnly; Secure")


def test_a_draining_pod_keeps_its_clients(r):
    got = http1(r.http, "/", "c.test")
    pair = cookie_of(got).split(";")[0]
    pod = server(got)
    n = int(pod[3:]) + 1
    slot = "cookie-roundrobin-5000.0001"
    r.cli("set server %s/s%d state drain" % (slot, n))
    try:
        for _ in range(4):
            got = http1(r.http, "/", "c.test", headers=[("Cookie", pair)])
            assert server(got) == pod
            assert server(http1(r.http, "/", "c.test")) != pod
        r.cli("set server %s/s%d state maint" % (slot, n))
        got = http1(r.http, "/", "c.test", headers=[("Cookie", pair)])
        assert server(got) != pod and cookie_of(got)
    finally:
        r.cli("set server %s/s%d state ready" % (slot, n))


def test_the_apps_cookies_stay(r):
    echo = rig.Echo("app", "Set-Cookie: route=app; Path=/\r\n"
                           "Set-Cookie: SID=1\r\n")
    r.add_policy("app.test/", "COOKIE_NAME=sticky", echo=echo)
    got = http1(r.http, "/", "app.test")
    values = header(got, "set-cookie")
    assert "route=app; Path=/" in values and "SID=1" in values
    assert len(values) == 3 and values[-1].startswith("sticky=")
