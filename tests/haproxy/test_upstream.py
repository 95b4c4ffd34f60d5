"""What ingress-nginx's own end-to-end tests ask for at the wire, and no other
test here does."""

import pytest

import rig
from rig import Echo, header, sent, server, until
from standalone import Standalone, check, config_map, ingress, service

HOST = "h.test"


@pytest.fixture(scope="module")
def main():
    echo = Echo("main")
    yield echo
    echo.close()


def serve(world, objects):
    world.apply(objects)
    check(world, lambda w: w.get("/", host=HOST).status, 200, "the routes")


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


def test_health_of_the_proxy(main):
    """Load balancers ask for /healthz on an address; who has the host, or all
    of them, answers it."""
    with Standalone(services=[service("main", main.port)]) as world:
        def healthz(host, target="/healthz", tls=False):
            return world.get(target, host=host, tls=tls).status

        world.apply([ingress("main", HOST, paths=(("/a", "Prefix"),))])
        check(world, lambda w: w.get("/a", host=HOST).status, 200, "/a")
        for host in ("192.0.2.1", "[2001:db8::1]:80", "other.test:8080"):
            assert healthz(host) == 200
        assert rig.http1(world.http, "/healthz", None,
                         version="1.0").status == 200
        assert healthz("other.test", tls=True) == 200
        assert healthz("other.test", "/healthz/x") == 404
        assert healthz("other.test", "/") == 404
        for host in (HOST, HOST + ":81", HOST.upper()):
            assert healthz(host) == 404
        world.apply([ingress("all", "", {"temporal-redirect":
                                         "http://x.test/"})])
        check(world, lambda _: healthz("192.0.2.1"), 302, "an Ingress")


def test_hosts_that_only_tls_names(main):
    """They have no rule: those of the wildcard above, or for all hosts, serve
    them."""
    other = Echo("other")
    tls = [{"hosts": ["a.test", "b.w.test", "*.v.test"], "secretName": "x"}]
    with Standalone(services=[service("main", main.port),
                              service("other", other.port)]) as world:
        def who(host):
            return [server(world.get("/", host=host, tls=tls))
                    for tls in (False, True)]

        world.apply([ingress("all", "", tls=tls),
                     ingress("wild", "*.w.test", to="other")])
        check(world, lambda _: who("b.w.test"), ["other", "other"],
              "below a wildcard")
        for host in ("a.test", "c.v.test", "d.test"):
            assert who(host) == ["main", "main"]
        # One with a rule is not everybody's, whatever its path.
        world.apply([ingress("all", "", tls=tls),
                     ingress("one", "a.test", paths=(("/a", "Exact"),))])
        check(world, lambda _: who("a.test"), [404, 404], "a rule")
    other.close()


def test_the_port_of_an_external_name(main):
    """Nothing but its Service's targetPort says where it is spoken to."""
    outside = {"apiVersion": "v1", "kind": "Service",
               "metadata": {"name": "out", "namespace": "default"},
               "spec": {"type": "ExternalName", "externalName": "localhost",
                        "ports": [{"name": "http", "port": 80,
                                   "targetPort": main.port}]}}
    with Standalone("--allow-external-names",
                    services=[[outside]]) as world:
        for number in (80, main.port):
            serve(world, [ingress("main", HOST, to="out", number=number)])


def test_an_external_name_that_dns_does_not_know(main):
    nobody = {"apiVersion": "v1", "kind": "Service",
              "metadata": {"name": "out", "namespace": "default"},
              "spec": {"type": "ExternalName",
                       "externalName": "nobody.invalid"}}
    with Standalone("--allow-external-names", services=[
            [nobody], service("main", main.port)]) as world:
        serve(world, [ingress("main", HOST)])
        world.apply([ingress("main", HOST, to="out")])
        check(world, lambda w: w.get("/", host=HOST).status, 503, "nobody")
        until(lambda: "backend.service.name: no address of "
              "\"nobody.invalid\", the externalName of Service "
              "\"default/out\", is known" in world.text(), "the finding")


def test_a_backend_that_names_a_target_port(main):
    svc, endpoints = service("main", main.port)
    svc["spec"]["ports"][0]["targetPort"] = 8080
    with Standalone(services=[[svc, endpoints]]) as world:
        serve(world, [ingress("main", HOST, number=8080)])
        world.apply([ingress("main", HOST, number=8081)])
        check(world, lambda w: w.get("/", host=HOST).status, 503, "none")
