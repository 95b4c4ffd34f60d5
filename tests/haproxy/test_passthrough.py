"""Passthrough by SNI, and one listening socket under two frontends."""

import socket
import ssl
import threading

import pytest

import rig
from rig import http1, http2, server, until


def server_context(directory, name):
    rig.make_cert("%s/%s.pem" % (directory, name), name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("%s/%s.pem" % (directory, name))
    return context


@pytest.fixture(scope="module", params=[False, True],
                ids=["foreground", "master"])
def r(request, tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("certs"))
    with rig.Rig(passthrough=True, master=request.param) as it:
        names = ["exact.test", "wild.test"]
        for name in names:
            it.slot = it.take("tcp", rig.Echo(name, tls=server_context(
                directory, name)), tcp=True)
            it.add("sni", "*.p.test" if name == "wild.test" else name,
                   it.slot)
        it.add("sni", "own.p.test", "inner")
        own = it.take("plain", rig.Echo("terminated"))
        for key in ("t.test/", "own.p.test/", "exact.test/"):
            it.add("https", key, own)
        yield it


def only_https(r):
    r.cli("enable frontend https")
    r.cli("disable frontend tls_mux")


def only_mux(r):
    r.cli("enable frontend tls_mux")
    r.cli("disable frontend https")


def subject(s):
    """The name in the certificate the client saw."""
    der = s.getpeercert(binary_form=True)
    return next(n for n in ("exact.test", "wild.test", "default.test")
                if n.encode() in der)


CASES = [
    # SNI, the certificate seen, who answers Host t.test or the SNI.
    ("exact.test", "exact.test", "exact.test"),
    ("EXACT.test", "exact.test", "exact.test"),
    ("a.p.test", "wild.test", "wild.test"),
    ("own.p.test", "default.test", "terminated"),
    ("a.b.p.test", "default.test", 404),
    ("p.test", "default.test", 404),
    ("t.test", "default.test", "terminated"),
]


@pytest.mark.parametrize("sni,cert,want", CASES)
def test_by_server_name(r, sni, cert, want):
    only_mux(r)
    s = r.tls(sni)
    assert subject(s) == cert
    assert server(http1(None, "/", sni, sock=s)) == want


def test_without_server_name(r):
    only_mux(r)
    s = r.tls(None)
    assert subject(s) == "default.test"
    assert server(http1(None, "/", "t.test", sock=s)) == "terminated"


def test_http2_behind_the_mux(r):
    only_mux(r)
    assert server(http2(None, "/", "t.test", scheme="https",
                        sock=r.tls("t.test", "h2"))) == "terminated"


def test_the_client_is_known_behind_the_mux(r):
    only_mux(r)
    got = http1(None, "/", "t.test", sock=r.tls("t.test"))
    seen = rig.sent(got)[1]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-port"] == str(r.https[1])
    assert seen["x-forwarded-proto"] == "https"


def test_not_tls(r):
    only_mux(r)
    got = rig.raw(r.https, b"GET / HTTP/1.1\r\nHost: t.test\r\n\r\n")
    assert got.status == 0


def test_without_passthrough_there_is_no_extra_hop(r):
    only_https(r)
    for sni in ("exact.test", "t.test"):
        s = r.tls(sni)
        assert subject(s) == "default.test"
        assert server(http1(None, "/", sni, sock=s)) == "terminated"
    assert frontend(r, "tls_mux")["status"] != "OPEN"


def frontend(r, name):
    lines = r.cli("show stat -1 1 -1").split("\n")
    titles = lines[0].lstrip("# ").split(",")
    return next(dict(zip(titles, line.split(","))) for line in lines[1:]
                if line.startswith(name + ","))


def connections(r, name):
    return int(frontend(r, name)["conn_tot"])


def test_one_socket_under_two_frontends(r):
    """Enabling one and disabling the other moves all new connections, as
    often as one likes, with none refused in between."""
    for turn in range(4):
        for switch, goes, rests in ((only_mux, "tls_mux", "https"),
                                    (only_https, "https", "tls_mux")):
            switch(r)
            before = connections(r, goes), connections(r, rests)
            for _ in range(20):
                with socket.create_connection(r.https,
                                              timeout=rig.DEADLINE):
                    pass
            until(lambda: connections(r, goes) == before[0] + 20,
                  "20 more at " + goes)
            assert connections(r, rests) == before[1]


def test_connections_wait_while_neither_accepts(r):
    only_https(r)
    r.cli("disable frontend https")
    answers = []

    def ask():
        answers.append(server(http1(None, "/", "t.test",
                                    sock=r.tls("t.test"))))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for t in threads:
        t.start()
    r.cli("enable frontend tls_mux")
    for t in threads:
        t.join(rig.DEADLINE)
    assert answers == ["terminated"] * 8


def test_switching_under_load(r):
    """No request fails while the frontends change places."""
    stop = threading.Event()
    wrong, done = [], []

    def load():
        while not stop.is_set():
            try:
                got = server(http1(None, "/", "t.test", sock=r.tls("t.test")))
                (done if got == "terminated" else wrong).append(got)
            except OSError as e:
                wrong.append(repr(e))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    for turn in range(8):
        (only_mux if turn % 2 else only_https)(r)
        count = len(done)
        until(lambda: len(done) > count + 4, "four more answers")
    stop.set()
    for t in threads:
        t.join(rig.DEADLINE)
    assert not wrong and len(done) > 32


def test_long_lived_connections_outlive_the_switch(r):
    only_mux(r)
    s = r.tls("t.test")
    assert server(http1(None, "/", "t.test", sock=s)) == "terminated"
    only_https(r)
    assert server(http1(None, "/", "t.test", sock=s)) == "terminated"


def test_reload_enables_both(r):
    """Which frontend rests must be said again after a reload."""
    if not r.master:
        pytest.skip("no master, no reload")
    only_https(r)
    old = r.cli("show info").split("Pid: ")[1].split("\n")[0]
    r.cli("reload", "master.sock")

    def is_new():
        try:
            return r.cli("show info").split("Pid: ")[1].split("\n")[0] != old
        except (OSError, IndexError):
            return False
    until(is_new, "a new worker")
    assert frontend(r, "tls_mux")["status"] == "OPEN"
    only_https(r)
    until(lambda: frontend(r, "tls_mux")["status"] != "OPEN", "at rest")
    # Connections still end up somewhere: the rows were in memory only.
    assert server(http1(None, "/", "t.test", sock=r.tls("t.test"))) == 404
