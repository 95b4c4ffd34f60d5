"""Numbers of HAProxy that are ConfigMap keys of ingress-nginx and flags here:
--keep-alive, --header-size, --worker-shutdown-timeout."""

import socket

import pytest

from rig import DEADLINE, Echo, exchange
from standalone import Standalone, check, ingress, service

HOST = "h.test"
REQUEST = b"GET / HTTP/1.1\r\nHost: h.test\r\n\r\n"


@pytest.fixture(scope="module")
def main():
    echo = Echo("main")
    yield echo
    echo.close()


def make(main, *flags):
    world = Standalone(*flags, services=[service("main", main.port)])
    world.apply([ingress("main", HOST)])
    check(world, lambda w: w.get("/", host=HOST).status, 200, "the route")
    return world


def big(world, size):
    return world.get("/", host=HOST, headers=[("X-Big", "x" * size)]).status


def is_closed(world):
    """Whether a connection is closed that rests after a request."""
    with socket.create_connection(world.http, timeout=DEADLINE) as s:
        assert exchange(s, REQUEST).status == 200
        s.settimeout(5)
        try:
            return s.recv(1) == b""
        except socket.timeout:
            return False


def test_numbers_of_flags(main):
    with make(main, "--keep-alive", "1", "--header-size", "63",
              "--worker-shutdown-timeout", "3600") as world:
        assert is_closed(world)
        assert (big(world, 60000), big(world, 65000)) == (200, 400)
        with open(world.dir + "/run/haproxy.cfg") as f:
            assert "\n    hard-stop-after 3600000ms\n" in f.read()
        world.selfcheck()


def test_without_them(main):
    with make(main) as world:
        assert not is_closed(world)
        assert (big(world, 14000), big(world, 20000)) == (200, 400)
        with open(world.dir + "/run/haproxy.cfg") as f:
            assert "\n    hard-stop-after 240000ms\n" in f.read()


def test_another_number_is_a_reload_and_keeps_serving(main):
    with make(main) as world:
        world.flags = ("--header-size", "31")
        world.adopt()
        check(world, lambda w: big(w, 30000), 200, "the new number")
