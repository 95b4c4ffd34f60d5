"""What ingress-nginx's own end-to-end tests ask for at the wire, and no other
test here does."""

import pytest

import rig
from rig import Echo, header, sent, until
from standalone import Standalone, ingress, service

HOST = "h.test"


@pytest.fixture(scope="module")
def main():
    echo = Echo("main")
    yield echo
    echo.close()


def serve(world, objects):
    world.apply(objects)
    until(lambda: world.get("/", host=HOST).status != 404, "the routes")


def test_ports_that_clients_dial(main):
    """A pod listens where nobody dials: what maps it is told of."""
    forced = ingress("forced", "f.test", {"force-ssl-redirect": "true"})
    with Standalone("--public-http-port", "80", "--public-https-port", "443",
                    services=[service("main", main.port)]) as world:
        serve(world, [ingress("main", HOST), forced])
        assert header(world.get("/a/?b=c", host="f.test:8080"),
                      "location") == ["https://f.test/a/?b=c"]
        for tls, port in ((False, "80"), (True, "443")):
            assert sent(world.get(tls=tls, host=HOST))[1][
                "x-forwarded-port"] == port


def test_a_port_of_ones_own(main):
    forced = ingress("forced", "f.test", {"force-ssl-redirect": "true"})
    with Standalone("--public-https-port", "8843",
                    services=[service("main", main.port)]) as world:
        serve(world, [ingress("main", HOST), forced])
        assert header(world.get("/", host="f.test"),
                      "location") == ["https://f.test:8843/"]
        assert sent(world.get(tls=True, host=HOST))[1][
            "x-forwarded-port"] == "8843"
        assert sent(world.get(host=HOST))[1][
            "x-forwarded-port"] == str(world.http[1])
