"""Steps 1 to 4 of the program: Host guard, canonical path, key, value."""


import pytest

import rig
from h2echo import H2Echo
from rig import END, http1, http2, sent, server

NAMES = ["first", "exact", "prefix", "wild", "own", "nohost", "café",
         "pchar"]


@pytest.fixture(scope="module")
def r():
    with rig.Rig() as it:
        slots = {n: it.take("plain", rig.Echo(n)) for n in NAMES}
        for key, name in [
                ("h.test/", "first"), ("h.test/a/b/", "prefix"),
                ("h.test/a/b/" + END, "exact"),
                ("h.test/caf%C3%A9/", "café"),
                ("h.test/x@y/", "pchar"), ("h.test/q|r/", "pchar"),
                ("h.test/[x]/", "pchar"), ("h.test/%7By%7D/", "pchar"),
                ("h.test/!$&'()*+,;=:/", "pchar"),
                ("h.test/s%20t/", "pchar"),
                ("h.test/u%3Fv/", "pchar"),
                ("*.w.test/", "wild"), ("x.w.test/p/", "own"),
                ("/any/", "nohost"), ("/any/" + END, "exact"),
                ("e.test/only/" + END, "exact"),
                ("e.test/dir//" + END, "exact"), ("root.test//" + END, "own"),
                ("[::1]/", "own")]:
            for table in ("http", "https"):
                it.add(table, key, slots[name])
        for table in ("http", "https"):
            it.add(table, "x.w.test/", "none")
            it.add(table, "e.test/", "none")
        it.add_policy("judged.test/", "BODY=1000")
        it.add("http", "t.test/", "https-redirect")
        it.add("http", "gone.test/", "unavailable")
        it.add("http", "odd.test/", "no-such-slot")
        yield it


# host, path, who answers.  The rows that are run over HTTP/1 and HTTP/2.
MATCHES = [
    # Exact, Prefix, element by element.
    ("h.test", "/", "first"), ("h.test", "/a/b", "exact"),
    ("h.test", "/a/b/", "prefix"), ("h.test", "/a/b/c", "prefix"),
    ("h.test", "/a/bc", "first"), ("h.test", "/a", "first"),
    ("h.test", "/A/b", "first"), ("h.test", "/a/b?x=/../", "exact"),
    ("h.test", "/?q=%zz", "first"), ("h.test", "/a/b?q=%01", "exact"),
    ("e.test", "/only", "exact"), ("e.test", "/only/", 404),
    ("e.test", "/only/x", 404), ("e.test", "/", 404),
    ("e.test", "/dir/", "exact"), ("e.test", "/dir", 404),
    ("e.test", "/dir/x", 404), ("e.test", "/dir//", "exact"),
    ("root.test", "/", "own"), ("root.test", "/x", 404),
    ("root.test", "/?q", "own"),
    # Hosts: case, port, one trailing dot.
    ("H.TEST", "/a/b", "exact"), ("h.test:80", "/a/b", "exact"),
    ("h.test.", "/a/b", "exact"), ("H.test.:8080", "/a/b", "exact"),
    ("[::1]", "/any", "own"), ("[::1]:80", "/any", "own"),
    ("[::2]:80", "/any/x", "nohost"),
    # Wildcards: one label; an exact host never falls through to one.
    ("y.w.test", "/", "wild"), ("y.w.test", "/z", "wild"),
    ("x.w.test", "/", 404), ("x.w.test", "/p", "own"),
    ("x.w.test", "/p/z", "own"), ("z.y.w.test", "/", 404),
    ("w.test", "/", 404), (".w.test", "/", 400),
    # Rules without a host.
    ("other.test", "/any", "exact"), ("other.test", "/any/", "nohost"),
    ("other.test", "/any/x", "nohost"), ("other.test", "/zzz", 404),
    # Forged and malformed hosts.
    ("h.test/a", "/", 400), ("h.test/a/b/", "/", 400),
    ("h.test,x", "/", 400), ("h.test,h.test", "/", 400),
    ("*.w.test", "/", 400), ("h.test/a/b/" + END, "/", 400),
    ("h.test" + END, "/", 400), 
    ("h.test:80x", "/", 400), ("h.test:123456", "/", 400),
    ("h.test..", "/", 400), ("h..test", "/", 400), ("u@h.test", "/", 400),
    ("h.test h.test", "/", 400), ("h.test\x7f", "/", 400),
    ("h\xe4.test", "/", 400), ("[::1", "/", 400), ("[::1]x", "/", 400),
    ("[/]", "/", 400), ("::1", "/", 400), ("h.test#", "/", 400),
    ("h.test?", "/", 400), ("h.test\\", "/", 400), ("h%2etest", "/", 400),
    (":80", "/", 400), ("h.test|", "/", 400), ("h.test;", "/", 400),
    # Two spellings of one path.
    ("h.test", "/x/../a/b", "exact"), ("h.test", "/%61/b", "exact"),
    ("h.test", "//a//b", "exact"), ("h.test", "/a%2fb", "exact"),
    ("h.test", "/a%2Fb", "exact"), ("h.test", "/a/./b", "exact"),
    ("h.test", "/a/%2e%2e/a/b", "exact"), ("h.test", "/a/%2E/b", "exact"),
    ("h.test", "/../../a/b", "exact"), ("h.test", "/a/b/.", "prefix"),
    ("h.test", "/a/b/x/..", "prefix"), ("h.test", "/a/b/..", "first"),
    ("h.test", "/a/b%2f..%2f..", "first"), ("h.test", "/a%2f%2fb", "exact"),
    ("h.test", "/a/b/..%2fb/c", "prefix"), ("h.test", "/./", "first"),
    ("h.test", "/a/b%2f", "prefix"), ("h.test", "/a/%62", "exact"),
    ("h.test", "/a/b/...", "prefix"), ("h.test", "/a/.b", "first"),
    ("h.test", "/a/..b/../b", "exact"), ("h.test", "/%2e", "first"),
    ("h.test", "//", "first"), ("h.test", "/..", "first"),
    ("h.test", "/x%2f..%2fa%2fb", "exact"),
    ("h.test", "/a;x/../a/b", "exact"), ("h.test", "/a/b;x", "first"),
    ("h.test", "/a/%252e%252e/b", "first"),
    ("h.test", "/a/b%2520", "first"), ("h.test", "/a%252fb", "first"),
    # Stored percent-encoded, asked for in any way.
    ("h.test", "/caf%c3%a9", "café"), ("h.test", "/caf%C3%A9/x", "café"),
    ("h.test", "/x@y", "pchar"), ("h.test", "/x%40y/z", "pchar"),
    ("h.test", "/q|r", "pchar"), ("h.test", "/q%7cr", "pchar"),
    ("h.test", "/[x]", "pchar"), ("h.test", "/%5bx%5D", "pchar"),
    ("h.test", "/{y}", "pchar"), ("h.test", "/%7by%7d/z", "pchar"),
    ("h.test", "/!$&'()*+,;=:", "pchar"),
    ("h.test", "/%21%24%26%27%28%29%2a%2b%2c%3b%3d%3a", "pchar"),
    ("h.test", "/s%20t", "pchar"), ("h.test", "/u%3fv", "pchar"),
    # Refused: control bytes, broken escapes, backslash, raw high bytes.
    ("h.test", "/a/b/" + END, 400), ("h.test", "/%01", 400),
    ("h.test", "/%1f", 400), ("h.test", "/%00", 400), ("h.test", "/%7f", 400),
    ("h.test", "/%zz", 400), ("h.test", "/%", 400), ("h.test", "/a%", 400),
    ("h.test", "/a%2", 400), ("h.test", "/%u0061", 400),
    ("h.test", "/%5c", 400), ("h.test", "/%5C..%5Ca", 400),
    ("h.test", "/\\", 400), ("h.test", "/x\\..\\a", 400),
    ("h.test", "/\x7f", 400), ("h.test", "/caf\xc3\xa9", 400),
    ("h.test", "/%%36%31", 400),
    # A slot that is not there.
    ("odd.test", "/", 404), ("gone.test", "/", 503),
]


def rows(version):
    """Bytes that cannot be written in a request line of HTTP/1 are left to
    HTTP/2."""
    return [pytest.param(*m, id="%s %s" % (version, ascii(m[0] + m[1])))
            for m in MATCHES]


@pytest.mark.parametrize("host,path,want", rows("h1"))
def test_http1(r, host, path, want):
    assert server(http1(r.http, path, host)) == want


@pytest.mark.parametrize("host,path,want", rows("h2"))
def test_http2(r, host, path, want):
    got = server(http2(r.http, path, host))
    # HAProxy may reset a stream whose bytes it does not like at all.
    assert got == want or (want == 400 and got == 0)


@pytest.mark.parametrize("host,path,want",
                         [m for m in MATCHES if "\xe4" not in m[0]][:48])
def test_tls(r, host, path, want):
    if host in ("odd.test", "gone.test"):
        return
    assert server(http1(None, path, host, sock=r.tls())) == want


def test_http2_over_tls(r):
    assert server(http2(None, "/a/b", "h.test", scheme="https",
                        sock=r.tls(alpn="h2"))) == "exact"


# line and Host of HTTP/1 that are odd in their own way.
LINES = [
    ("no Host, HTTP/1.0", "GET /any/x HTTP/1.0", None, "nohost"),
    ("no Host, HTTP/1.0, unknown", "GET /a/b HTTP/1.0", None, 404),
    ("no Host, HTTP/1.1", "GET /any HTTP/1.1", None, 400),
    ("empty Host", "GET /any HTTP/1.1", "", 400),
    ("asterisk", "OPTIONS * HTTP/1.1", "h.test", "first"),
    ("asterisk, wildcard", "OPTIONS * HTTP/1.1", "y.w.test", "wild"),
    ("asterisk, GET", "GET * HTTP/1.1", "h.test", (400, 404)),
    ("absolute", "GET http://h.test/a/b HTTP/1.1", "h.test", "exact"),
    ("absolute, other Host", "GET http://e.test/only HTTP/1.1", "h.test",
     400),
    ("absolute, no path", "GET http://h.test HTTP/1.1", "h.test", "first"),
    ("absolute, query only", "GET http://h.test?x HTTP/1.1", "h.test", 400),
    ("absolute, dots", "GET http://h.test/x/../a/b HTTP/1.1", "h.test",
     "exact"),
    ("CONNECT", "CONNECT h.test:80 HTTP/1.1", "h.test:80", 405),
    ("CONNECT, odd", "CONNECT /a/b HTTP/1.1", "h.test", 400),
    ("TRACE", "TRACE /a/b HTTP/1.1", "h.test", 405),
    ("no slash", "GET a/b HTTP/1.1", "h.test", 400),
    ("fragment", "GET /a/b#c HTTP/1.1", "h.test", 400),
    ("two blanks", "GET  /a/b HTTP/1.1", "h.test", "exact"),
    ("empty port", "GET /a/b HTTP/1.1", "h.test:", 400),
    ("HTTP/0.9", "GET /a/b", "h.test", 400),
]


@pytest.mark.parametrize("name,line,host,want", LINES,
                         ids=[l[0] for l in LINES])
def test_http1_lines(r, name, line, host, want):
    got = server(http1(r.http, host=host, line=line))
    assert got == want or isinstance(want, tuple) and got in want


def test_two_hosts(r):
    for second in ("h.test", "e.test"):
        got = server(http1(r.http, "/a/b", "h.test",
                           headers=[("Host", second)]))
        assert got in ([400, "exact"] if second == "h.test" else [400])


def test_http2_authority_and_host(r):
    """The authority decides; a Host that says otherwise does not."""
    got = server(http2(r.http, "/a/b", "h.test", headers=[("host", "e.test")]))
    assert got in ("exact", 400, 0)
    got = server(http2(r.http, "/only", None, headers=[("host", "e.test")]))
    assert got == "exact"
    got = server(http2(r.http, "/a/b", "h.test",
                       more=[(":authority", "e.test")]))
    assert got in (400, 0)


@pytest.mark.parametrize("path", ["a/b", "http://e.test/only", "", "/a b",
                                  "/a\tb", "/a\nb", "/a\rb", "/a\0b"])
def test_http2_odd_paths(r, path):
    assert server(http2(r.http, path, "h.test")) in (400, 0)


def test_http2_asterisk(r):
    """HAProxy itself makes "/" of it where the method is not OPTIONS."""
    for method in ("GET", "OPTIONS"):
        got = http2(r.http, "*", "h.test", method=method)
        assert server(got) == "first" and sent(got)[0] in ("/", "*")


@pytest.mark.parametrize("path", [
    "/x/../a/b", "/%61/b?q=%41", "//a//b", "/a%2fb", "/a/./b?a=%zz",
    "/a/%2e%2e/a/b?x=/../%7e", "/x%40y", "/q|r", "/.a?%"])
def test_the_server_gets_the_clients_bytes(r, path):
    assert sent(http1(r.http, path))[0] == path
    assert sent(http2(r.http, path))[0] == path


def test_default_404(r):
    got = http1(r.http, "/", "unknown.test")
    assert (got.status, got.body) == (404, "default backend - 404\n")
    assert rig.header(got, "content-type") == ["text/plain"]


def test_https_redirect(r):
    for host in ("t.test", "T.test:80", "t.test."):
        got = http1(r.http, "/a//b%2f?x=1&y=%zz", host)
        assert got.status == 308
        assert rig.header(got, "location") == [
            "https://t.test:%d/a//b%%2f?x=1&y=%%zz" % r.https[1]]
        assert not rig.header(got, "strict-transport-security")


def test_https_redirect_from_the_standard_port(r, tmp_path):
    with rig.Rig(rows=[("http", "t.test/", "https-redirect")],
                 options=["https_port=443"]) as it:
        assert rig.header(http1(it.http, "/p?q", "t.test"), "location") == \
            ["https://t.test/p?q"]


def test_keep_alive_forgets(r):
    """Nothing of one request is left for the next on its connection."""
    import socket
    with socket.create_connection(r.http) as s:
        for path, host, want in [("/%61/b", "h.test", "exact"),
                                 ("/", "h.test", "first"),
                                 ("/zzz", "y.w.test", "wild"),
                                 ("/", "unknown.test", 404),
                                 ("/a/b", "h.test", "exact")]:
            assert server(http1(None, path, host, sock=s)) == want


@pytest.mark.parametrize("host,target", [
    ("H.test", "/"), ("H.test", "/a/%41"), ("y.W.test", "/"),
    ("Judged.test", "/"), ("Judged.test", "/a//b")])
def test_headers(r, host, target):
    """The same on every way: plain, odd path, wildcard, policy."""
    host += ":80"
    got = http1(r.http, target, host, headers=[
        ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Scheme", "x"), ("X-Scheme", "x"),
        ("X-Real-IP", "6.6.6.6"), ("Proxy", "http://evil"),
        ("X-Original-Forwarded-Host", "forged"), ("X_Forwarded_For", "7.7"),
        ("X-Kept", "yes")])
    seen = sent(got)[1]
    request_id = seen.pop("x-request-id")
    assert len(request_id) == 32 and set(request_id) <= set(
        "0123456789abcdef")
    seen.pop("connection", None)
    assert seen == {
        "host": host, "x-forwarded-for": "127.0.0.1",
        "x-real-ip": "127.0.0.1", "x-forwarded-host": host,
        "x-forwarded-port": "80", "x-forwarded-proto": "http",
        "x-forwarded-scheme": "http", "x-scheme": "http",
        "x-original-forwarded-for": "6.6.6.6",
        "x-original-forwarded-host": "evil.test", "x-kept": "yes"}
    assert not rig.header(got, "server")


def test_headers_on_https(r):
    seen = sent(http1(None, "/", "h.test", sock=r.tls(),
                      headers=[("X-Request-ID", "given")]))[1]
    assert seen["x-request-id"] == "given"
    assert seen["x-forwarded-proto"] == seen["x-scheme"] == "https"
    assert seen["x-forwarded-port"] == str(r.https[1])
    assert "x-original-forwarded-for" not in seen
    ids = {sent(http1(r.http, "/"))[1]["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


RAW = set(range(0x21, 0x7f)) - set(b'%\\"<>^`{}?#')


def canonical(byte):
    """The one spelling of a byte of a path; None: refused."""
    if byte < 0x20 or byte in (0x7f, 0x5c):
        return None
    return chr(byte) if byte in RAW else "%%%02X" % byte


def test_every_byte_has_one_spelling():
    """Each byte, escaped in both cases or raw, finds the row that holds its
    canonical form; "." and "/" are what other tests are about."""
    spelled = {b: canonical(b) for b in range(256) if b not in b"./"}
    rows = [("http", "b.test/x%s/" % c, "unavailable")
            for c in spelled.values() if c]
    with rig.Rig(rows=rows) as it:
        for byte, form in spelled.items():
            want = 503 if form else 400
            for path in {"/x%%%02X" % byte, "/x%%%02x" % byte,
                         "/%%78%%%02x" % byte}:
                assert http1(it.http, path, "b.test").status == want, path
            if form and byte in range(0x21, 0x7f) and byte not in b"?#%":
                for ask in (http1, http2):
                    path = "/x" + chr(byte)
                    assert ask(it.http, path, "b.test").status == 503, path


@pytest.mark.parametrize("kind", [rig.Echo, H2Echo])
def test_servers_keep_their_connections(r, kind):
    """Twenty clients, hardly a connection to the server each: on 2.6 only
    where the server was added with both pool words, and speaks HTTP/1."""
    echo, host = kind("kept"), kind.__name__ + ".test"
    r.add("http", host.lower() + "/", r.take("plain", echo))
    for _ in range(20):
        assert http1(r.http, "/", host).status == 200
    is_kept = kind == rig.Echo or rig.haproxy_version() >= (3, 0)
    assert echo.count == 20
    assert echo.connections <= 3 if is_kept else echo.connections == 20
