"""A host with a certificate of its own below a wildcard that has one, too,
whatever kinds of keys the two have, and whatever the client likes."""

import pytest

from rig import Echo, until
from standalone import Standalone, ingress, secret, service
from test_tls import by, pem, seen

HOST, ABOVE = "a.w.test", "*.w.test"
# What the host has, what the wildcard has.
KINDS = [(("rsa",), ("ecdsa",)), (("rsa",), ("ecdsa", "rsa")),
         (("ecdsa",), ("rsa",)), (("ecdsa",), ("ecdsa", "rsa")),
         (("ecdsa", "rsa"), ("ecdsa",))]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    class Place:
        dir = str(tmp_path_factory.mktemp("pem"))

    def read(name, kind):
        path = pem(Place, name, kind)
        with open(path) as f, open(path + ".crt") as g:
            crt = g.read()
            key = f.read().replace(crt, "")
        one = secret(("own-" if name == HOST else "wild-") + kind,
                     tls_crt=crt, tls_key=key)
        return dict(one, type="kubernetes.io/tls")

    return {(name, kind): read(name, kind) for name in (HOST, ABOVE)
            for kind in ("rsa", "ecdsa")}


@pytest.fixture(scope="module")
def world():
    main = Echo("main")
    with Standalone(services=[service("main", main.port)]) as it:
        yield it
        assert it.metric("sallyport_haproxy_reloads_total") == 0
    main.close()


def tls(host, kinds):
    front = "own-" if host == HOST else "wild-"
    return [{"hosts": [host], "secretName": front + kind} for kind in kinds]


def shown(world, host):
    """To who can do both, and to who can do one."""
    return [seen(world, host)] + [seen(world, host, *by(kind))
                                  for kind in ("rsa", "ecdsa")]


def expected(name, kinds):
    one = {kind: "%s %s" % (name, kind) for kind in kinds}
    return [one.get("ecdsa", one.get("rsa")), one.get("rsa"),
            one.get("ecdsa")]


@pytest.mark.parametrize("own, wild", KINDS,
                         ids=["+".join(o) + " below " + "+".join(w)
                              for o, w in KINDS])
def test_the_host_has_its_own(world, pairs, own, wild):
    """It comes, HAProxy is found as it should be, and it goes."""
    above = ingress("above", ABOVE, tls=tls(ABOVE, wild))
    host = ingress("host", HOST, tls=tls(HOST, own))
    rest = expected(ABOVE, wild)
    # A name that an Ingress has and that has no certificate of its own.
    plain = ingress("plain", "plain.w.test")
    certs = list(pairs.values())
    world.apply(certs + [above, plain])
    until(lambda: shown(world, HOST) == rest, "the wildcard's")
    world.apply(certs + [above, plain, host])
    until(lambda: shown(world, HOST) == expected(HOST, own), "its own")
    assert shown(world, "b.w.test") == rest
    assert shown(world, "plain.w.test") == rest
    world.selfcheck()
    world.adopt()
    assert shown(world, HOST) == expected(HOST, own)
    world.selfcheck()
    world.apply(certs + [above, plain])
    until(lambda: shown(world, HOST) == rest, "the wildcard's again")
    world.selfcheck()


def test_a_renewal_of_another_kind(world, pairs):
    """The Secret's key becomes one of RSA."""
    both = [ingress("above", ABOVE, tls=tls(ABOVE, ["ecdsa"])),
            ingress("host", HOST, tls=tls(HOST, ["ecdsa"]))]
    renewed = dict(pairs[HOST, "rsa"], metadata=pairs[
        HOST, "ecdsa"]["metadata"])
    for now, kind in ((pairs[HOST, "ecdsa"], "ecdsa"), (renewed, "rsa"),
                      (pairs[HOST, "ecdsa"], "ecdsa")):
        world.apply([pairs[ABOVE, "ecdsa"], now] + both)
        until(lambda: shown(world, HOST) == expected(HOST, [kind]), kind)
        world.selfcheck()
