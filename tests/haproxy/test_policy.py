"""Step 5: each feature of a policy, with rows as policy.c writes them."""

import select
import socket
import time

import pytest

import rig
from rig import header, http1, http2, sent, server, until
from servers import Raw


@pytest.fixture(scope="module")
def r():
    with rig.Rig() as it:
        yield it


def proxied(r, source, target, host, method="GET", headers=(), body=b""):
    """Through the private socket, from any client address."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(rig.DEADLINE)
    s.connect(r.dir + "/proof-http.sock")
    family, local = (("TCP6", "::1") if ":" in source
                     else ("TCP4", "127.0.0.1"))
    s.sendall(("PROXY %s %s %s 1 1\r\n" % (family, source, local)).encode())
    with s:
        return http1(None, target, host, method, headers, body, sock=s)


# -- Redirects

@pytest.mark.parametrize("code", range(300, 309))
def test_redirect(r, code):
    host = "re%d.test" % code
    url = "https://to.test/x%20y?a=b%25#c"
    r.add_policy(host + "/", "REDIRECT=" + url, "REDIRECT_CODE=%d" % code,
                 tables=("http", "https"))
    for got in (http1(r.http, "/any?thing", host),
                http1(None, "/", host, sock=r.tls(host))):
        assert got.status == code
        assert header(got, "location") == [url]


# -- Addresses

LISTS = [
    # settings, {source: status}
    (["deny=192.0.2.0/24"],
     {"192.0.2.0": 403, "192.0.2.255": 403, "192.0.3.0": 200,
      "192.0.1.255": 200, "::1": 200, "::ffff:192.0.2.9": 403}),
    (["allow=192.0.2.0/25", "allow=2001:db8::/32"],
     {"192.0.2.127": 200, "192.0.2.128": 403, "2001:db8::1": 200,
      "2001:db9::1": 403, "::ffff:192.0.2.1": 200, "10.0.0.1": 403}),
    (["allow=10.0.0.0/8", "deny=10.1.0.0/16"],
     {"10.0.0.1": 200, "10.1.0.1": 403, "10.2.0.1": 200, "11.0.0.1": 403}),
    (["deny=0.0.0.0/0"], {"1.2.3.4": 403, "255.255.255.255": 403,
                          "2001:db8::1": 200}),
    (["deny=::/0"], {"1.2.3.4": 200, "2001:db8::1": 403}),
    (["allow=::ffff:198.51.100.0/120"],
     {"198.51.100.7": 200, "198.51.101.7": 403}),
    # 2001:db8::/32 and 32.1.13.184 are the same digits.
    (["deny=2001:db8::/32"], {"32.1.13.184": 200, "2001:db8::": 403}),
    (["allow=32.1.13.184"], {"32.1.13.184": 200, "2001:db8::1": 403}),
    (["deny=2000::/3"], {"2001:db8::1": 403, "3fff::1": 403, "4000::": 200,
                         "1fff::": 200, "32.0.0.1": 200}),
    (["deny=10.0.0.0/7"], {"10.0.0.1": 403, "11.255.0.1": 403,
                           "12.0.0.1": 200, "9.9.9.9": 200}),
    (["allow=1.2.3.4/31"], {"1.2.3.4": 200, "1.2.3.5": 200, "1.2.3.6": 403}),
    (["allow=2001:db8::8:0/109"],
     {"2001:db8::8:1": 200, "2001:db8::f:ffff": 200, "2001:db8::10:0": 403,
      "2001:db8::7:ffff": 403}),
]


@pytest.mark.parametrize("n", range(len(LISTS)))
def test_addresses(r, n):
    settings, answers = LISTS[n]
    host = "list%d.test" % n
    echo = r.echoes[0] if r.echoes else rig.Echo("lists")
    r.add_policy(host + "/", *settings, echo=echo)
    for source, want in answers.items():
        assert proxied(r, source, "/", host).status == want, source
    # No odd spelling of the path gets around it.
    refused = [s for s, want in answers.items() if want == 403]
    for path in ("/x/../", "//", "/%2e/"):
        assert proxied(r, refused[0], path, host).status == 403


# -- Rewrites

REWRITES = [
    (["irewrite=/api(/|$)(.*) /$2"],
     {"/api": "/", "/api/": "/", "/api/v1/x": "/v1/x", "/API/y": "/y",
      "/other": "/other", "/api?q=/api": "/?q=/api",
      "/api/v1/x?y=%zz": "/v1/x?y=%zz", "/x/../api/v": "/v",
      "/api/a%2fb": "/a/b", "/api/a%20b": "/a%20b", "/xapi/v": "/xapi/v",
      "/api/%252e": "/%252e", "/api/a%3Fb": "/a%3Fb"}),
    (["rewrite=/api/(.*) $1"], {"/api/x": "/x", "/API/x": "/API/x",
                                "/api/": "/"}),
    (["rewrite=/(a)(b)?(c) /$3$2$1$4-$9-$"], {"/ac": "/ca--$",
                                              "/abc": "/cba--$"}),
    (["irewrite=/(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.) /$9$1$10"],
     {"/abcdefghijkl": "/iaa0"}),
    (["irewrite=/x|/y /z"], {"/x": "/z", "/y/1": "/z", "/a/x": "/a/x"}),
    (["REWRITE=/const"], {"/": "/const", "/a/b?c=d": "/const?c=d"}),
    (["REWRITE=const"], {"/a?b": "/const?b"}),
]


@pytest.mark.parametrize("n", range(len(REWRITES)))
def test_rewrites(r, n):
    settings, paths = REWRITES[n]
    host = "rw%d.test" % n
    r.add_policy(host + "/", *settings)
    for path, want in paths.items():
        assert sent(http1(r.http, path, host))[0] == want, path
        assert sent(http2(r.http, path, host))[0] == want, path


# -- Limits

def burst(r, host, n, source="198.51.100.1"):
    return [proxied(r, source, "/", host).status for _ in range(n)]


def test_rps(r):
    r.add_policy("rps.test/", "RPS=2", "BURST=2", "ZONE=rps-zone")
    # 2 * 2 + 1 + 2 in a second; what is refused is not counted.
    start = time.monotonic()
    got = burst(r, "rps.test", 12)
    if time.monotonic() - start < 0.8:
        assert got == [200] * 7 + [503] * 5
    assert got[:7] == [200] * 7
    # Another client has its own count.
    assert burst(r, "rps.test", 1, "198.51.100.2") == [200]
    assert burst(r, "rps.test", 1, "2001:db8::1") == [200]
    # A refused client comes back while it goes on asking.
    until(lambda: burst(r, "rps.test", 1) == [200], "let in again")


def test_limits_exempt(r):
    """limit-allowlist: those addresses are not counted, all others are."""
    r.add_policy("exempt.test/", "RPS=1", "BURST=1", "RPM=1", "CONNECTIONS=1",
                 "ZONE=exempt-zone", "exempt=203.0.113.0/24",
                 "exempt=2001:db8:9::/48")
    for free in ("203.0.113.9", "2001:db8:9::1"):
        assert burst(r, "exempt.test", 12, free) == [200] * 12
    assert 503 in burst(r, "exempt.test", 12, "198.51.100.44")
    assert 503 in burst(r, "exempt.test", 12, "2001:db8:8::1")


def test_rps_over_ten_seconds(r):
    """The long window: 10 r + burst + 1, however slowly they come."""
    r.add_policy("rps2.test/", "RPS=1", "BURST=1", "ZONE=long-zone")
    for _ in range(12):
        key = "long-zone|4|C6336403"
        r.cli("set table rps key %s data.gpc0_rate 0" % key)
        assert burst(r, "rps2.test", 1, "198.51.100.3") == [200]
    r.cli("set table rps key %s data.gpc0_rate 0" % key)
    assert burst(r, "rps2.test", 1, "198.51.100.3") == [503]


def test_rpm(r):
    r.add_policy("rpm.test/", "RPM=6", "BURST=1", "ZONE=rpm-zone")
    # 6 + 1 + 1 in ten seconds.
    assert burst(r, "rpm.test", 10) == [200] * 8 + [503] * 2


def test_limits_with_429(r):
    r.add_policy("r429.test/", "RPM=1", "BURST=1", "REQUESTS_429=true",
                 "ZONE=r429")
    assert burst(r, "r429.test", 6)[-1] == 429
    r.add_policy("s429.test/", "RPS=1", "BURST=1", "REQUESTS_429=true",
                 "ZONE=s429")
    assert 429 in burst(r, "s429.test", 9)
    assert 503 not in burst(r, "s429.test", 9)


def test_connections_with_429(r):
    echo = rig.Echo("slow429")
    r.add_policy("c429.test/", "CONNECTIONS=1", "CONNECTIONS_429=true",
                 "ZONE=c429", echo=echo)
    echo.delay = 3600
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(r.dir + "/proof-http.sock")
        s.sendall(b"PROXY TCP4 198.51.100.1 127.0.0.1 1 1\r\n"
                  b"GET / HTTP/1.1\r\nHost: c429.test\r\n\r\n")
        until(lambda: echo.count == 1, "held by the server")
        assert burst(r, "c429.test", 1) == [429]


def test_a_new_policy_keeps_the_count(r):
    old, slot = r.add_policy("keep.test/", "RPM=6", "BURST=1",
                             "ZONE=keep-zone")
    assert burst(r, "keep.test", 9)[-2:] == [200, 503]
    new, flags, _, _, rows = rig.policy("RPM=6", "BURST=1", "ZONE=keep-zone",
                                        "BODY=100")
    assert new != old
    for row in rows:
        r.add(*row)
    r.set("http", "keep.test/", "%s;%s;%d" % (slot, new, flags))
    assert burst(r, "keep.test", 1) == [503]


def test_connections(r):
    echo = rig.Echo("slow")
    r.add_policy("conn.test/", "CONNECTIONS=2", "ZONE=conn-zone", echo=echo)
    echo.delay = 3600
    held = []
    try:
        for n in range(2):
            s = socket.socket(socket.AF_UNIX)
            s.connect(r.dir + "/proof-http.sock")
            s.sendall(b"PROXY TCP4 198.51.100.1 127.0.0.1 1 1\r\n"
                      b"GET / HTTP/1.1\r\nHost: conn.test\r\n\r\n")
            held.append(s)
            until(lambda: echo.count == n + 1, "held by the server")
        assert burst(r, "conn.test", 1) == [503]
        echo.delay = 0
        assert burst(r, "conn.test", 1, "198.51.100.9") == [200]
    finally:
        for s in held:
            s.close()
    until(lambda: burst(r, "conn.test", 1) == [200], "let in again")


# -- Bodies

def test_body(r):
    r.add_policy("body.test/", "BODY=10")
    for size, want in [(0, 200), (10, 200), (11, 413), (5000, 413)]:
        got = http1(r.http, "/", "body.test", "POST", body=b"x" * size)
        assert got.status == want, size
        got = http2(r.http, "/", "body.test", "POST", body=b"x" * size,
                    headers=[("content-length", str(size))])
        assert got.status == want, size
    # Without Content-Length the length is unknown: let through.
    chunked = [("Transfer-Encoding", "chunked")]
    got = http1(r.http, "/", "body.test", "POST", headers=chunked,
                body=b"5\r\nhello\r\n0\r\n\r\n")
    assert got.status == 200


CHUNKED = [("Transfer-Encoding", "chunked")]


def chunks(*sizes):
    return b"".join(b"%x\r\n%s\r\n" % (n, b"x" * n)
                    for n in sizes) + b"0\r\n\r\n"


def test_body_length(r):
    """What does not say its length is awaited and measured."""
    r.add_policy("len.test/", "BODY=10", "BODY_LENGTH=true")
    assert http1(r.http, "/", "len.test").status == 200
    assert http1(r.http, "/", "len.test", "POST", body=b"12345").status == 200
    for sizes, want in [((), 200), ((10,), 200), ((5, 5), 200), ((11,), 413),
                        ((5, 6), 413), ((9000,), 413), ((40000,), 413)]:
        got = http1(r.http, "/", "len.test", "POST", headers=CHUNKED,
                    body=chunks(*sizes))
        assert got.status == want, sizes
    for size, want in [(1, 200), (10, 200), (11, 413)]:
        assert http2(r.http, "/", "len.test", "POST",
                     body=b"x" * size).status == want
    assert http2(r.http, "/", "len.test", "POST", body=b"x",
                 headers=[("content-length", "1")]).status == 200
    assert http2(r.http, "/", "len.test", "GET").status == 200


def test_body_that_drips(r):
    """The part that comes late counts as well."""
    r.add_policy("drip.test/", "BODY=10", "BODY_LENGTH=true")
    for sizes, want in [((5, 5), b"200"), ((5, 6), b"413")]:
        with socket.create_connection(r.http, timeout=rig.DEADLINE) as c:
            c.sendall(b"POST / HTTP/1.1\r\nHost: drip.test\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n")
            for size in sizes:
                c.sendall(b"%x\r\n%s\r\n" % (size, b"x" * size))
                assert not select.select([c], [], [], 0.1)[0]
            c.sendall(b"0\r\n\r\n")
            assert c.recv(65536).split()[1] == want, sizes


def test_body_beyond_a_buffer(r):
    """Nobody could say how much follows: such a body has to say its length,
    however its chunks are cut and whatever the head takes of the buffer.  The
    length of one chunk is known."""
    r.add_policy("big.test/", "BODY=100000", "BODY_LENGTH=true")
    for sizes, want in [((10000,), 200), ((13000,), 411), ((60000,), 411),
                        ((200000,), 413), ((1,) * 12000, 200),
                        ((1,) * 30000, 411)]:
        got = http1(r.http, "/", "big.test", "POST", headers=CHUNKED,
                    body=chunks(*sizes))
        assert got.status == want, sizes[:2]
    long = CHUNKED + [("X-Long", "x" * 14500)]
    assert http1(r.http, "/", "big.test", "POST", headers=long,
                 body=chunks(90000)).status == 411
    assert http1(r.http, "/" + "x" * 14500, "big.test", "POST",
                 headers=CHUNKED, body=chunks(90000)).status == 411
    long = [("x-long", "x" * 14000)]
    assert http1(r.http, "/", "big.test", headers=long).status == 200
    assert http2(r.http, "/", "big.test", "GET", headers=long).status == 200
    assert http1(r.http, "/", "big.test", "POST",
                 body=b"x" * 90000).status == 200


# -- Timeouts

def test_timeouts(r):
    echo = rig.Echo("late")
    r.add_policy("late.test/", "TIMEOUT_SERVER=150", echo=echo)
    r.add_policy("late2.test/", "TIMEOUT_SERVER=8000", echo=echo)
    echo.delay = 0.6
    assert http1(r.http, "/", "late.test").status == 504
    assert http1(r.http, "/", "late2.test").status == 200


def test_tunnel_timeout(r):
    answer = "Connection: upgrade\r\nUpgrade: echo\r\n"

    def serve(c):
        c.recv(65536)
        c.sendall(("HTTP/1.1 101 Switching\r\n%s\r\n" % answer).encode())
        c.sendall(c.recv(99))
        c.recv(99)

    r.add_policy("ws.test/", "TIMEOUT_SERVER=5000", "TIMEOUT_TUNNEL=300",
                 echo=Raw(serve))
    with socket.create_connection(r.http, timeout=rig.DEADLINE) as s:
        s.sendall(("GET / HTTP/1.1\r\nHost: ws.test\r\n%s\r\n" %
                   answer).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += s.recv(65536)
        assert b" 101 " in data
        s.sendall(b"ping")
        assert s.recv(99) == b"ping"
        start = time.monotonic()
        assert s.recv(99) == b""
        assert time.monotonic() - start < 4


# -- CORS

CORS = ["CORS_METHODS=GET, PUT", "CORS_HEADERS=X-One,X-Two",
        "CORS_MAX_AGE=77"]


def cors_headers(got):
    return {k: v for k, v in got.headers
            if k.startswith("access-control-") or k == "vary"}


FULL = {"access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "X-One,X-Two",
        "access-control-max-age": "77"}


def test_cors_list(r):
    echo = rig.Echo("app", "Access-Control-Allow-Origin: app\r\n"
                           "Access-Control-Allow-Methods: app\r\n")
    r.add_policy("cors.test/", "origin=https://a.test",
                 "origin=https://*.b.test:8443", "origin=null",
                 "origin=http://C.test", "CORS_CREDENTIALS=true", *CORS,
                 echo=echo)
    for origin, is_good in [
            ("https://a.test", True), ("https://A.test", True),
            ("http://a.test", False), ("https://a.test:444", False),
            ("https://x.b.test:8443", True), ("https://b.test:8443", False),
            ("https://x.y.b.test:8443", False), ("https://x.b.test", False),
            ("null", True), ("http://c.test", True), ("*", False),
            ("https://evilhttps://a.test", False),
            ("https://a.test.evil.test", False),
            ("https://*.b.test:8443", False), ("", False),
            ("https://a.test|", False)]:
        sent_origin = [("Origin", origin)] if origin else []
        got = http1(r.http, "/", "cors.test", headers=sent_origin)
        assert got.status == 200
        if is_good:
            assert cors_headers(got) == dict(FULL, **{
                "access-control-allow-origin": origin, "vary": "Origin",
                "access-control-allow-credentials": "true"}), origin
        else:
            assert cors_headers(got) == {
                "access-control-allow-origin": "app",
                "access-control-allow-methods": "app"}, origin
        count = echo.count
        got = http1(r.http, "/", "cors.test", "OPTIONS", headers=sent_origin)
        assert got.status == (204 if is_good else 200), origin
        assert echo.count == count + (0 if is_good else 1)
        if is_good:
            assert cors_headers(got)["access-control-allow-origin"] == origin


def test_cors_any(r):
    r.add_policy("any.test/", "origin=*", "CORS_EXPOSE=X-Out", *CORS,
                 "deny=0.0.0.0/0", tables=("http", "https"))
    for headers in ([], [("Origin", "https://x.test")]):
        want = dict(FULL, **{"access-control-allow-origin": "*",
                             "access-control-expose-headers": "X-Out"})
        # Before address filters, and on our own refusals.
        got = http1(r.http, "/", "any.test", "OPTIONS", headers=headers)
        assert (got.status, got.body) == (204, "")
        assert cors_headers(got) == want
        got = http1(r.http, "/", "any.test", headers=headers)
        assert got.status == 403 and cors_headers(got) == want
        got = http2(r.http, "/", "any.test", headers=[
            (k.lower(), v) for k, v in headers])
        assert got.status == 403 and cors_headers(got) == want


def test_cors_before_redirect(r):
    r.add_policy("corsre.test/", "origin=*", *CORS,
                 "REDIRECT=http://to.test", "REDIRECT_CODE=301")
    got = http1(r.http, "/", "corsre.test", "OPTIONS")
    assert got.status == 204
    got = http1(r.http, "/", "corsre.test")
    assert got.status == 301
    assert cors_headers(got)["access-control-allow-origin"] == "*"


# -- The chooser

def test_regex_paths(r):
    slots = {n: r.take("plain", rig.Echo(n)) for n in ("one", "two", "three",
                                                       "four")}
    import subprocess
    rid, flags, _, _, rows = rig.policy("REGEX=true")
    rid2, flags2, _, slot2, rows2 = rig.policy("rewrite=/rw/(.*) /$1")
    slot2 = r.take("policy", rig.Echo("policy"))
    for row in rows + rows2:
        r.add(*row)
    r.add("http", "rx.test/", "%s;%s;%d" % (slots["four"], rid, flags))
    r.add("http", "*.rx.test/", "none;%s;%d" % (rid, flags))
    r.add("http", "plain.rx.test/", slots["three"])
    for host, regex, value in [
            ("rx.test", "/foo/[a-z]{3}$", slots["one"]),
            ("rx.test", "/foo", slots["two"]),
            ("rx.test", "/rw/.*", "%s;%s;%d" % (slot2, rid2, flags2)),
            ("*.rx.test", "/bar", slots["three"]),
            ("", "/foo", slots["three"])]:
        key = subprocess.run(
            [rig.render_tool(), "regex-key", host, regex], check=True,
            stdout=subprocess.PIPE).stdout.decode().strip()
        r.add("http-regex", key, value)
    for host, path, want, target in [
            ("rx.test", "/foo/abc", "one", "/foo/abc"),
            ("rx.test", "/FOO/ABC", "one", "/FOO/ABC"),
            ("rx.test", "/foo/abcd", "two", "/foo/abcd"),
            ("rx.test", "/foobar", "two", "/foobar"),
            ("rx.test", "/x/foo", "four", "/x/foo"),
            ("rx.test", "/x/%2e./foo", "two", "/x/%2e./foo"),
            ("rx.test", "/bar", "four", "/bar"),
            ("rx.test", "/rw/x%2Fy", "policy", "/x/y"),
            ("rx.test", "/rw/x?z", "policy", "/x?z"),
            ("y.rx.test", "/bar", "three", "/bar"),
            ("plain.rx.test", "/foo", "three", "/foo")]:
        got = http1(r.http, path, host)
        assert server(got) == want, (host, path)
        assert sent(got)[0] == target
    assert http1(r.http, "/foo", "y.rx.test").status == 404
    assert http1(r.http, "/foo", "z.y.rx.test").status == 404


# -- SNI

def test_sni_guard(r):
    rid, flags, need, _, rows = rig.policy("SNI=true")
    assert need == "plain"
    for row in rows:
        r.add(*row)
    r.add("https", "sni.test/", "%s;%s;%d" % (r.take("plain"), rid, flags))
    assert http1(None, "/", "sni.test", sock=r.tls("sni.test")).status == 200
    assert http1(None, "/", "SNI.test.:443",
                 sock=r.tls("sni.test")).status == 200
    for name in ("other.test", None, "xsni.test"):
        assert http1(None, "/", "sni.test", sock=r.tls(name)).status == 421
    assert http2(None, "/", "sni.test", scheme="https",
                 sock=r.tls("other.test", "h2")).status == 421


# -- What is not there

def test_rows_that_are_not_there(r):
    slot = r.take("policy")
    r.add("http", "gap.test/", slot)
    r.add("http", "gap2.test/", slot + ";rdead;0")
    for host in ("gap.test", "gap2.test"):
        assert http1(r.http, "/", host).status == 503


def test_a_policy_slot_costs_no_feature_it_has_not(r):
    rid, flags, _, _, rows = rig.policy("BODY=5")
    slot = r.take("policy")
    for row in rows:
        r.add(*row)
    r.add("http", "bare.test/", "%s;%s;0" % (slot, rid))
    got = http1(r.http, "/", "bare.test", "POST", body=b"more than five")
    assert got.status == 200 and not cors_headers(got)
