"""Headers that a policy changes, redirects to another host, the log."""

import pytest

import rig
from rig import Echo, header, http1, http2, sent, until

BOTH = ("http", "https")


@pytest.fixture(scope="module")
def r(haproxy_log):
    with rig.Rig(options=("log=" + haproxy_log[0],)) as it:
        yield it


# -- Towards the server

def test_vhost(r):
    r.add_policy("vhost.test/", "VHOST=inner.example:8080")
    for got in (http1(r.http, "/", "VHOST.test:81"),
                http2(r.http, "/", "VHOST.test:81")):
        headers = sent(got)[1]
        assert headers["host"] == "inner.example:8080"
        assert headers["x-forwarded-host"] == "VHOST.test:81"


def test_prefix(r):
    r.add_policy("prefix.test/", "irewrite=/api/(.*) /$1", "PREFIX=/api")
    target, headers = sent(http1(r.http, "/api/x", "prefix.test", headers=[
        ("X-Forwarded-Prefix", "/client")]))
    assert (target, headers["x-forwarded-prefix"]) == ("/x", "/api")


def test_without_them(r):
    r.add_policy("bare.test/", "BODY=10")
    headers = sent(http1(r.http, "/", "bare.test"))[1]
    assert headers["host"] == "bare.test"
    assert "x-forwarded-prefix" not in headers


# -- Towards the client

def test_hsts(r):
    value = "max-age=31536000; includeSubDomains; preload"
    r.add_policy("hsts.test/", "HSTS=" + value, "deny=192.0.2.0/24",
                 tables=BOTH)
    got = http1(None, "/", "hsts.test", sock=r.tls("hsts.test"))
    assert got.status == 200
    assert header(got, "strict-transport-security") == [value]
    # Not where nobody is protected, as the RFC has it.
    got = http1(r.http, "/", "hsts.test")
    assert got.status == 200
    assert header(got, "strict-transport-security") == []


def test_hsts_in_place_of_the_servers_and_on_our_answers(r):
    echo = Echo("own", "Strict-Transport-Security: max-age=1\r\n")
    r.add_policy("hsts2.test/", "HSTS=max-age=2", tables=BOTH, echo=echo)
    got = http1(None, "/", "hsts2.test", sock=r.tls("hsts2.test"))
    assert header(got, "strict-transport-security") == ["max-age=2"]
    assert http1(r.http, "/", "hsts2.test").status == 200
    r.add_policy("hsts3.test/", "HSTS=max-age=3", "deny=0.0.0.0/0",
                 tables=BOTH)
    got = http1(None, "/", "hsts3.test", sock=r.tls("hsts3.test"))
    assert got.status == 403
    assert header(got, "strict-transport-security") == ["max-age=3"]


LOCATIONS = [
    # from, to, the server's, the client's
    ("http://in.test/", "https://out.test/x/", "http://in.test/a?b=c",
     "https://out.test/x/a?b=c"),
    ("http://in.test/", "https://out.test/", "http://in.test/",
     "https://out.test/"),
    ("http://in.test/", "https://out.test/", "http://other.test/a",
     "http://other.test/a"),
    ("http://in.test/", "https://out.test/", "x http://in.test/",
     "x http://in.test/"),
    ("/a", "/b", "/a/c|d", "/b/c|d"),
    ("/a", "/b", "/c", "/c"),
    # No character of it is one of an expression.
    ("/a.c(", "/b", "/abc(x", "/abc(x"),
    ("/a.c(", "/b", "/a.c(x", "/bx"),
]


@pytest.mark.parametrize("n", range(len(LOCATIONS)))
def test_location(r, n):
    old, new, given, want = LOCATIONS[n]
    host = "loc%d.test" % n
    r.add_policy(host + "/", "LOCATION_FROM=" + old, "LOCATION_TO=" + new,
                 echo=Echo(host, "Location: %s\r\n" % given))
    assert header(http1(r.http, "/", host), "location") == [want]


def test_no_location_stays_none(r):
    r.add_policy("noloc.test/", "LOCATION_FROM=/a", "LOCATION_TO=/b")
    assert header(http1(r.http, "/", "noloc.test"), "location") == []


def test_cookie_path(r):
    echo = Echo("cookies",
                "Set-Cookie: a=1|2; Path=/in/x; HttpOnly\r\n"
                "Set-Cookie: b=2; path=/in\r\n"
                "Set-Cookie: c=3; Path=/other\r\n"
                "Set-Cookie: d=/in\r\n"
                "Set-Cookie: e=5;PATH=/in/; Domain=in.test\r\n")
    r.add_policy("cpath.test/", "COOKIE_PATH_FROM=/in",
                 "COOKIE_PATH_TO=/out", echo=echo)
    assert header(http1(r.http, "/", "cpath.test"), "set-cookie") == [
        "a=1|2; Path=/out/x; HttpOnly", "b=2; path=/out",
        "c=3; Path=/other", "d=/in", "e=5;PATH=/out/; Domain=in.test"]


def test_cookie_domain(r):
    echo = Echo("cookies",
                "Set-Cookie: a=1; Domain=in.test; Path=/\r\n"
                "Set-Cookie: b=2; domain=.IN.test\r\n"
                "Set-Cookie: c=3; Domain=x.in.test\r\n"
                "Set-Cookie: d=4; Domain=in.test.evil\r\n"
                "Set-Cookie: e=5; Domain=inxtest\r\n"
                "Set-Cookie: f=6\r\n")
    r.add_policy("cdomain.test/", "COOKIE_DOMAIN_FROM=in.test",
                 "COOKIE_DOMAIN_TO=out.test", echo=echo)
    assert header(http1(r.http, "/", "cdomain.test"), "set-cookie") == [
        "a=1; Domain=out.test; Path=/", "b=2; domain=out.test",
        "c=3; Domain=x.in.test", "d=4; Domain=in.test.evil",
        "e=5; Domain=inxtest", "f=6"]


def test_cookie_path_beside_affinity(r):
    """The cookie that keeps a client on a server is not the server's."""
    r.add_policy("both.test/", "COOKIE_NAME=route", "COOKIE_PATH=/in",
                 "COOKIE_PATH_FROM=/in", "COOKIE_PATH_TO=/out",
                 echo=Echo("both", "Set-Cookie: a=1; Path=/in\r\n"))
    got = sorted(header(http1(r.http, "/", "both.test"), "set-cookie"))
    assert got[0] == "a=1; Path=/out"
    assert got[1].startswith("route=") and "Path=/in" in got[1]


# -- Redirects to another host

def test_redirect_host(r):
    r.add_policy("www.re.test/", "REDIRECT_HOST=re.test",
                 "REDIRECT_CODE=308", tables=BOTH)
    for host, want in (("www.re.test", "http://re.test/a%20b?c=d&e"),
                       ("www.re.test:8080",
                        "http://re.test:8080/a%20b?c=d&e")):
        got = http1(r.http, "/a%20b?c=d&e", host)
        assert got.status == 308
        assert header(got, "location") == [want]
    got = http1(None, "/x/", "www.re.test", sock=r.tls("www.re.test"))
    assert header(got, "location") == ["https://re.test/x/"]


# -- The log

def test_silent(r, haproxy_log):
    _, s = haproxy_log
    seen = []

    def read():
        try:
            while True:
                seen.append(s.recv(65536).decode("latin-1"))
        except BlockingIOError:
            pass
        return seen

    # The socket holds few lines: make room for ours.
    read()
    seen.clear()
    r.add_policy("silent.test/", "SILENT=true")
    r.add_policy("loud.test/", "BODY=10")
    r.add_policy("silent2.test/", "SILENT=true", "REDIRECT=http://x.test/",
                 "REDIRECT_CODE=301")
    assert http1(r.http, "/", "silent.test").status == 200
    assert http1(r.http, "/", "silent2.test").status == 301
    assert http1(r.http, "/", "loud.test").status == 200
    # The last one is logged, so that the others had their time.
    until(lambda: any("loud.test" in line for line in read()), "a line")
    assert not any("silent" in line for line in seen)
