"""What a client gets where no endpoint answers: 502 and 504 as ingress-nginx
says them, 503 where there is nobody to ask, and a server's own word."""
import pytest

import rig
from driver import Driver
from servers import Echo, Raw, Stubborn

KINDS = ("plain", "policy", "cookie")
LATE = 504 if rig.haproxy_version() >= (3, 0) else 502
POLICY = {"plain": "", "policy": " policy=REWRITE:/new",
          "cookie": " policy=COOKIE_NAME:route"}


@pytest.fixture(scope="module")
def d():
    with Driver() as made:
        yield made


def serve(d, kind, *servers):
    """What the host answers with these servers."""
    d.apply("backend %s %s roundrobin 300 %s" % (kind, kind, " ".join(servers)),
            "route http %s.test/ forward %s%s" % (kind, kind, POLICY[kind]))
    return d.get(host=kind + ".test")


def busy(c):
    """A server that says 503 itself and breaks the connection off."""
    c.recv(65536)
    c.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 6\r\n\r\ntheirs")


def broken(c):
    c.recv(65536)
    c.sendall(b"no HTTP\r\n\r\n")


@pytest.fixture(scope="module")
def refuses():
    made = Stubborn()
    yield "127.0.0.1:%d" % made.port
    made.close()


@pytest.mark.parametrize("kind", KINDS)
def test_no_connection(d, kind, refuses, deaf):
    assert serve(d, kind, refuses).status == 502
    assert serve(d, kind, "127.0.0.1:%d" % deaf).status == LATE


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_to_ask(d, kind):
    assert serve(d, kind).status == 503


@pytest.mark.parametrize("kind", KINDS)
def test_answers_of_servers(d, kind, refuses):
    """Their own 503 stays; a retry elsewhere is as if nothing had been."""
    theirs, odd, good = Raw(busy), Raw(broken), Echo("good")
    for _ in range(3):
        got = serve(d, kind, "127.0.0.1:%d" % theirs.port)
        assert (got.status, got.body) == (503, "theirs")
    assert serve(d, kind, "127.0.0.1:%d" % odd.port).status == 502
    for _ in range(4):
        got = serve(d, kind, refuses, "127.0.0.1:%d" % good.port)
        assert got.status == 200
    theirs.close()
    odd.close()
