"""auth-tls-*, from YAML to the wire: changed at run time, no reload."""

import pytest

import pki
from rig import Echo, http1, sent, until
from standalone import Standalone, ingress, secret, service

HOST = "h.test"


@pytest.fixture(scope="module")
def world():
    echoes = [Echo("main"), Echo("second")]
    with Standalone(services=[service("main", echoes[0].port),
                              service("second", echoes[1].port)]) as it:
        yield it
        assert it.metric("sallyport_haproxy_reloads_total") == 0
    for echo in echoes:
        echo.close()


def ask(world, base=None, host=HOST, path="/", headers=()):
    s = pki.context(base).wrap_socket(world.connect_tls(),
                                      server_hostname=host)
    try:
        return http1(None, path, host, sock=s, headers=headers)
    finally:
        s.close()


def statuses(world, *bases, host=HOST):
    return [ask(world, base, host).status for base in bases]


def tls(**more):
    return {"auth-tls-secret": "default/ca", **more}


# name, annotations, [no certificate, a good one, one of another authority]
CASES = [
    ("none", {}, [200, 200, 200]),
    ("secret", {"auth-tls-secret": "ca"}, [400, 200, 400]),
    ("secret with its namespace", tls(), [400, 200, 400]),
    ("off", tls(**{"auth-tls-verify-client": "off"}), [200, 200, 200]),
    ("optional", tls(**{"auth-tls-verify-client": "optional"}),
     [200, 200, 400]),
    ("optional_no_ca", tls(**{"auth-tls-verify-client": "optional_no_ca"}),
     [200, 200, 200]),
    ("depth", tls(**{"auth-tls-verify-depth": "2"}), [400, 200, 400]),
    ("error page", tls(**{"auth-tls-error-page": "https://help.test/?a=1"}),
     [302, 200, 302]),
    ("subject", tls(**{"auth-tls-match-cn": "CN=al[a-z]+"}), [400, 200, 400]),
    ("another subject", tls(**{"auth-tls-match-cn": "CN=bob"}),
     [400, 403, 400]),
    ("another's Secret", {"auth-tls-secret": "elsewhere/ca"},
     [503, 503, 503]),
    ("a bad word", tls(**{"auth-tls-verify-client": "perhaps"}),
     [503, 503, 503]),
    ("no such Secret", {"auth-tls-secret": "default/none"}, [503, 503, 503]),
    ("a Secret without ca.crt", {"auth-tls-secret": "default/empty"},
     [503, 503, 503]),
    ("a Secret that is no PEM", {"auth-tls-secret": "default/broken"},
     [503, 503, 503]),
    ("a revoked certificate", {"auth-tls-secret": "default/revoked"},
     [400, 400, 400]),
    ("off again", {}, [200, 200, 200]),
]


@pytest.fixture(scope="module")
def secrets(ours, theirs, good):
    return [secret("ca", ca_crt=ours.pem), secret("ca2", ca_crt=theirs.pem),
            secret("empty", tls_crt="x"), secret("broken", ca_crt="x"),
            secret("ca", "elsewhere", ca_crt=ours.pem),
            secret("revoked", ca_crt=ours.pem, ca_crl=ours.revoke(good))]


@pytest.mark.parametrize("annotations, want", [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])
def test_case(world, secrets, good, forged, annotations, want):
    """A neighbour's host goes on whatever happens here."""
    world.apply(secrets + [ingress("a", HOST, annotations),
                           ingress("b", "b.test")])
    until(lambda: statuses(world, None, good, forged) == want, str(want))
    assert statuses(world, None, host="b.test") == [200]


def test_headers(world, secrets, good):
    claims = [("ssl-client-verify", "x"), ("ssl-client-cert", "x")]

    def seen():
        got = sent(ask(world, good, headers=claims))[1]
        return [got.get("ssl-client-" + name) for name in
                ("verify", "subject-dn", "issuer-dn", "cert")]

    world.apply(secrets + [ingress("a", HOST)])
    until(lambda: seen() == ["x", None, None, "x"], "no annotation")
    world.apply(secrets + [ingress("a", HOST, tls())])
    until(lambda: seen() == ["SUCCESS", "CN=alice,O=Org", "CN=Authority",
                             None], "the client's are gone")
    world.apply(secrets + [ingress("a", HOST, tls(**{
        "auth-tls-pass-certificate-to-upstream": "true"}))])
    until(lambda: (seen()[3] or "").startswith(
        "-----BEGIN%20CERTIFICATE-----%0A"), "the certificate")


def test_the_whole_host_of_all_its_ingresses(world, secrets, good):
    world.apply(secrets + [
        ingress("a", HOST, tls()),
        ingress("b", HOST, paths=[("/b", "Prefix")], to="second"),
        ingress("c", HOST, {"permanent-redirect": "https://x.test"},
                paths=[("/c", "Prefix")])])
    until(lambda: [ask(world, None, path=path).status
                   for path in ("/", "/b", "/c")] == [400] * 3, "closed")
    assert [ask(world, good, path=path).status
            for path in ("/", "/b", "/c")] == [200, 200, 301]
    # Another redirect, which http may have.
    world.apply(secrets + [ingress("a", HOST, tls(**{"app-root": "/b"}))])
    until(lambda: [ask(world, None).status, ask(world, good).status,
                   world.get().status] == [400, 302, 302], "app-root")


def test_http_of_the_host(world, secrets):
    world.apply(secrets + [ingress("a", HOST, tls())])
    until(lambda: world.get().status == 400, "http is closed too")
    world.apply(secrets + [ingress("a", HOST, tls(),
                                   tls=[{"hosts": [HOST]}])])
    until(lambda: world.get().status == 308, "to https")


def test_another_authority(world, secrets, good, forged, ours, theirs, folder):
    """The Secret changes, is broken, is gone, comes back."""
    third = pki.Authority(folder, "third", "/CN=Third")
    rest = [ingress("a", HOST, tls()), ingress("b", "b.test", {
        "auth-tls-secret": "ca2"})]
    for pem, want in [(ours.pem, [400, 200, 400]),
                      (theirs.pem, [400, 400, 200]),
                      (ours.pem + third.pem, [400, 200, 400]),
                      ("broken", [503, 503, 503]), (None, [503, 503, 503]),
                      (ours.pem, [400, 200, 400])]:
        made = [secret("ca", ca_crt=pem)] if pem else []
        world.apply(made + secrets[1:] + rest)
        until(lambda: statuses(world, None, good, forged) == want, str(want))
        assert statuses(world, None, good, forged,
                        host="b.test") == [400, 400, 200]


def test_secret_with_a_certificate_of_its_own(world, secrets, good, folder):
    """The host's own certificate is shown, and clients are asked."""
    site = pki.Authority(folder, "site", "/CN=site").issue(
        "h", "/CN=h", ["h.test"])
    shown = secret("site", tls_crt=pki.read(site + ".crt"),
                   tls_key=pki.read(site + ".key"))
    shown["type"] = "kubernetes.io/tls"
    world.apply(secrets + [shown, ingress("a", HOST, tls(), tls=[
        {"hosts": [HOST], "secretName": "site"}])])
    until(lambda: statuses(world, None, good) == [400, 200], "asked")
    s = pki.context().wrap_socket(world.connect_tls(), server_hostname=HOST)
    assert b"h.test" in s.getpeercert(binary_form=True)
    s.close()
    world.apply(secrets + [shown, ingress("a", HOST, tls=[
        {"hosts": [HOST], "secretName": "site"}])])
    until(lambda: statuses(world, None) == [200], "not asked any more")
    s = pki.context().wrap_socket(world.connect_tls(), server_hostname=HOST)
    assert b"h.test" in s.getpeercert(binary_form=True)
    s.close()
