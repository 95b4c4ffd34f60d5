"""What a change costs, in commands to HAProxy: that of the change, however
much else there is; and no reload."""

import re

import pytest

from driver import Driver
from test_driver import cert

COMMANDS = "sallyport_haproxy_commands_total"


@pytest.fixture(scope="module", params=[10, 3000])
def size(request):
    """A driver that has that many routes over ten backends."""
    with Driver() as d:
        d.many(["backend b%d plain roundrobin 5000 10.0.0.%d:80" % (i, i + 1)
                for i in range(10)] +
               ["route %s h%d.test/ forward b%d" % (table, i, i % 10)
                for i in range(request.param) for table in ("http", "https")])
        d.apply("cert c " + cert(d, "h1.test"), "sni h1.test c")
        yield d
        assert d.metric("sallyport_haproxy_reloads_total") == 0


def cost(d, *commands):
    before = d.metric(COMMANDS)
    d.apply(*commands)
    d.do("check")
    return d.metric(COMMANDS) - before


def test_endpoints(size):
    """A new server is added, weighed and let in; the old one is parked, and
    used again for the next."""
    new = "backend b1 plain roundrobin 5000 10.1.0.%d:80"
    assert cost(size, new % 1) == 3
    assert cost(size, new % 2) == 3
    assert cost(size, "backend b1 plain roundrobin 5000 10.1.0.2:80 "
                "10.1.0.3:80") == 2


def test_route(size):
    """A row in each of two maps."""
    assert cost(size, "route http new.test/ forward b1",
                "route https new.test/ forward b1") == 2
    assert cost(size, "route http new.test/ forward b2",
                "route https new.test/ forward b2") == 2
    assert cost(size, "delroute http new.test/",
                "delroute https new.test/") == 2


def test_backend(size):
    """Its slot, a server of two commands, the row."""
    assert cost(size, "backend more plain roundrobin 5000 10.2.0.1:80",
                "route http more.test/ forward more") == 4


def test_certificate(size):
    """Set and commit, and the row that says which it is."""
    assert cost(size, "cert c " + cert(size, "h1.test")) == 3


def test_descriptors(size):
    """Two for each connection, and what the rest takes, told at the start."""
    with open(size.dir + "/driver.log") as f:
        assert re.search(r"2000 connections: 2 x 2000 \+ 300 = 4300 "
                         r"descriptors, of \d+ allowed here", f.read())
