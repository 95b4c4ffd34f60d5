"""What ingress-nginx's own end-to-end tests ask for at the wire, and no other
test here does."""

import pytest

import rig
from rig import Echo, header, sent, until
from standalone import Standalone, check, config_map, ingress, service

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


def proxied(world, target, host, port, tls=False, headers=()):
    """A request whose connection begins with the PROXY protocol."""
    line = b"PROXY TCP4 192.0.2.9 192.0.2.1 1234 %d\r\n" % port
    if tls:
        return rig.http1(None, target, host, headers=headers,
                         sock=world.tls(host, line))
    data = "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (target, host, "".join(
        "%s: %s\r\n" % pair for pair in headers))
    return rig.raw(world.http, line + data.encode())


def test_the_port_of_the_proxy_protocol(main):
    """It is what the client dialled.  Where that was 443, a load balancer
    ended TLS: nothing is redirected to https once more."""
    objects = [ingress("main", HOST),
               ingress("forced", "f.test", {"force-ssl-redirect": "true"}),
               config_map("defaults", {"use-proxy-protocol": "true",
                                       "proxy-real-ip-cidr": "127.0.0.1"})]

    def told(port, tls=False, headers=()):
        headers = sent(proxied(world, "/", HOST, port, tls, headers))[1]
        return [headers["x-forwarded-" + name]
                for name in ("for", "port", "proto", "scheme")] + [
                    headers["x-scheme"]]

    with Standalone("--configmap", "default/defaults",
                    services=[service("main", main.port)]) as world:
        world.apply(objects)
        check(world, lambda _: told(1234),
              ["192.0.2.9", "1234"] + 3 * ["http"], "http")
        assert told(443) == ["192.0.2.9", "443"] + 3 * ["https"]
        assert told(1234, tls=True) == ["192.0.2.9", "1234"] + 3 * ["https"]
        assert proxied(world, "/", "f.test", 80).status == 308
        assert proxied(world, "/", "f.test", 443).status == 200
        # Of headers nobody believes a word here.
        assert told(80, headers=[("X-Forwarded-Proto", "https"), (
            "X-Forwarded-Port", "443")]) == [
                "192.0.2.9", "80"] + 3 * ["http"]
        # Whoever may not speak it is served as before.
        objects[-1]["data"]["proxy-real-ip-cidr"] = "10.0.0.0/8"
        world.apply(objects)
        check(world, lambda w: sent(w.get("/", host=HOST))[1][
            "x-forwarded-port"], str(world.http[1]), "without it")
