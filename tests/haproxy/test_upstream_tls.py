"""proxy-ssl-*, from YAML to the wire: who is verified, what is shown, changed
at run time, no reload."""

import glob
import itertools
import os
import signal
import ssl
import threading

import pytest
from cryptography.hazmat.primitives import serialization

import pki
from h2echo import H2Echo
from rig import Echo, header, http1, server, until
from standalone import Standalone, ingress, secret, service

HOST = "h.test"
NAME = "in.test"


class TlsEcho(Echo):
    """An Echo that tells in headers what the handshake was like."""

    here = threading.local()    # A connection has a thread of its own.

    @property
    def extra(self):
        return self.here.extra

    @extra.setter
    def extra(self, value):
        self.here.extra = value

    def one(self, c):
        peer = c.getpeercert()
        name = [v for part in peer["subject"] for k, v in part
                if k == "commonName"] if peer else ["nobody"]
        self.extra = "X-Peer: %s\r\nX-Name: %s\r\nX-Cipher: %s\r\n" % (
            name[0], getattr(c, "name_asked", None) or "none",
            " ".join(c.cipher()[:2]))
        return super().one(c)


def note_name(connection, name, _):
    connection.name_asked = name


def serving(base, ours, asks=ssl.CERT_OPTIONAL, protocol="http/1.1",
            newest=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(base + ".crt", base + ".key")
    context.load_verify_locations(ours.base + ".crt")
    context.verify_mode = asks
    context.set_alpn_protocols([protocol])
    context.sni_callback = note_name
    if newest:
        context.maximum_version = newest
    return context


@pytest.fixture(scope="module")
def inner(ours):
    return ours.issue("inner", "/CN=inner", [NAME])


@pytest.fixture(scope="module")
def echoes(ours, theirs, inner):
    same = theirs.issue("same", "/CN=inner", [NAME])
    made = {
        "main": TlsEcho("main", tls=serving(inner, ours)),
        "asks": TlsEcho("asks", tls=serving(inner, ours, ssl.CERT_REQUIRED)),
        "theirs": TlsEcho("theirs", tls=serving(same, ours)),
        "h2": H2Echo("h2", tls=serving(inner, ours, protocol="h2")),
        "plain": Echo("plain"),
    }
    yield made
    for echo in made.values():
        echo.close()


@pytest.fixture(scope="module")
def services(echoes):
    return [service(name, echo.port) for name, echo in echoes.items()]


@pytest.fixture(scope="module")
def world(services):
    with Standalone(services=services) as it:
        yield it
        assert it.metric("sallyport_haproxy_reloads_total") == 0


def pair(base):
    return {"tls_crt": pki.read(base + ".crt"),
            "tls_key": pki.read(base + ".key")}


@pytest.fixture(scope="module")
def alice(ours):
    return ours.issue("alice", "/CN=alice")


@pytest.fixture(scope="module")
def bob(ours):
    return ours.issue("bob", "/CN=bob")


@pytest.fixture(scope="module")
def secrets(ours, theirs, alice):
    return [secret("ca", ca_crt=ours.pem), secret("other", ca_crt=theirs.pem),
            secret("both", ca_crt=ours.pem, **pair(alice)),
            secret("alice", **pair(alice)), secret("empty", x="y"),
            secret("broken", ca_crt="x"),
            secret("half", ca_crt=ours.pem, tls_crt=pki.read(alice + ".crt")),
            secret("ca", "elsewhere", ca_crt=ours.pem)]


def tls(secret_name, verify=None, name=None, sends=None, protocol="HTTPS",
        depth=None):
    """Annotations; None leaves one out."""
    wanted = {"backend-protocol": protocol, "proxy-ssl-secret": secret_name,
              "proxy-ssl-verify": verify, "proxy-ssl-name": name,
              "proxy-ssl-server-name": sends,
              "proxy-ssl-verify-depth": depth}
    return {k: v for k, v in wanted.items() if v}


def ask(world, host=HOST):
    """Who answers and what was shown to it, or the status."""
    got = world.get(host=host)
    if got.status != 200:
        return got.status
    peer = header(got, "x-peer")
    return " ".join([server(got)] + peer + header(got, "x-name"))


def cipher(world):
    got = world.get()
    shown = header(got, "x-cipher") or ["no TLS"]
    return shown[0] if got.status == 200 else got.status


# name, annotations, Service, what is seen
CASES = [
    ("nothing", {"backend-protocol": "HTTPS"}, "main", "main nobody none"),
    ("verified", tls("ca", "on", NAME), "main", "main nobody none"),
    ("verified, name sent", tls("ca", "on", NAME, "on"), "main",
     "main nobody " + NAME),
    ("its namespace", tls("default/ca", "on", NAME), "main",
     "main nobody none"),
    ("wrong authority", tls("other", "on", NAME), "main", 503),
    ("wrong authority, not verified", tls("other"), "main",
     "main nobody none"),
    ("endpoint of another", tls("ca", "on", NAME), "theirs", 503),
    ("wrong name", tls("ca", "on", "no.test"), "main", 503),
    ("wrong name, sent", tls("ca", "on", "no.test", "on"), "main", 503),
    ("name sent alone", tls("ca", None, "no.test", "on"), "main",
     "main nobody no.test"),
    ("certificate shown", tls("alice"), "main", "main alice none"),
    ("both", tls("both", "on", NAME), "main", "main alice none"),
    ("demanded, not there", tls("ca", "on", NAME), "asks", 502),
    ("demanded", tls("both", "on", NAME), "asks", "asks alice none"),
    ("depth", tls("ca", "on", NAME, depth="2"), "main",
     "main nobody none"),
    ("no Secret", tls(None, "on", NAME), "main", 503),
    ("no name", tls("ca", "on"), "main", 503),
    ("a Secret without ca.crt", tls("alice", "on", NAME), "main", 503),
    ("a missing Secret", tls("none", "on", NAME), "main", 503),
    ("a missing Secret, not verified", tls("none"), "main", 503),
    ("an empty Secret", tls("empty"), "main", 503),
    ("a broken Secret", tls("broken", "on", NAME), "main", 503),
    ("no key", tls("half", "on", NAME), "main", 503),
    ("another's Secret", tls("elsewhere/ca", "on", NAME), "main", 503),
    ("a bad word", tls("ca", "perhaps", NAME), "main", 503),
    ("no TLS to verify", tls("ca", "on", NAME, protocol="HTTP"), "plain",
     503),
    ("no TLS", tls("ca", protocol="HTTP"), "plain", "plain"),
    ("HTTP/2", tls("both", "on", NAME, protocol="GRPCS"), "h2", "h2"),
    ("HTTP/2, wrong name", tls("both", "on", "no.test", protocol="GRPCS"),
     "h2", 503),
]


@pytest.mark.parametrize("annotations, to, want", [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])
def test_case(world, secrets, annotations, to, want):
    """A neighbour of the same Service goes on whatever happens here."""
    neighbour = ingress("b", "b.test", tls("ca", "on", NAME))
    world.apply(secrets + [ingress("a", HOST, {
        "permanent-redirect": "https://x.test"}), neighbour])
    until(lambda: ask(world) == 301, "nothing of before")
    world.apply(secrets + [ingress("a", HOST, annotations, to=to), neighbour])
    until(lambda: ask(world) == want, str(want))
    assert ask(world, "b.test") == "main nobody none"


# name, annotations, what is spoken
CIPHERS = [
    ("as it is", {}, "TLS_AES_256_GCM_SHA384 TLSv1.3"),
    ("1.2", {"proxy-ssl-protocols": "TLSv1.2"},
     "ECDHE-ECDSA-AES256-GCM-SHA384 TLSv1.2"),
    ("1.3", {"proxy-ssl-protocols": "TLSv1.3"},
     "TLS_AES_256_GCM_SHA384 TLSv1.3"),
    ("ciphers", {"proxy-ssl-protocols": "TLSv1.2",
                 "proxy-ssl-ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"},
     "ECDHE-ECDSA-AES128-GCM-SHA256 TLSv1.2"),
]


@pytest.mark.parametrize("annotations, want", [c[1:] for c in CIPHERS],
                         ids=[c[0] for c in CIPHERS])
def test_ciphers(world, annotations, want):
    world.apply([ingress("a", HOST, dict(
        annotations, **{"backend-protocol": "HTTPS"}))])
    until(lambda: cipher(world) == want, want)


def test_secret_changes(world, secrets, ours, theirs, alice, bob, folder):
    """Another authority, another certificate, broken, gone, back; another's
    route to the same endpoints stays."""
    third = pki.Authority(folder, "third", "/CN=Third")
    rest = [ingress("a", HOST, tls("mine", "on", NAME), to="asks"),
            ingress("b", "b.test", tls("both", "on", NAME), to="asks")]

    def told():
        return "Secret default/mine: it does not exist" in world.text()

    for data, want in [
            (dict(pair(alice), ca_crt=ours.pem), "asks alice none"),
            (dict(pair(bob), ca_crt=ours.pem), "asks bob none"),
            (dict(pair(bob), ca_crt=theirs.pem), 503),
            (dict(pair(alice), ca_crt=ours.pem + third.pem),
             "asks alice none"),
            (dict(pair(alice), ca_crt="x"), 503),
            (dict(pair(bob), ca_crt=ours.pem), "asks bob none"),
            ({"ca_crt": ours.pem}, 502),
            (None, 503),
            (dict(pair(alice), ca_crt=ours.pem), "asks alice none")]:
        made = [secret("mine", **data)] if data else []
        world.apply(made + secrets + rest)
        until(lambda: ask(world) == want, str(want))
        assert ask(world, "b.test") == "asks alice none"
    until(told, "the finding")


def test_renewed_under_requests(world, ours, alice, bob):
    """Twenty renewals while requests go on: none fails."""
    failed = []
    one = ingress("a", HOST, tls("mine", "on", NAME), to="asks")
    names = {"alice": alice, "bob": bob}
    for n in range(20):
        who = sorted(names)[n % 2]
        world.apply([secret("mine", ca_crt=ours.pem, **pair(names[who])),
                     one])
        until(lambda: failed.append(ask(world)) or
              failed[-1] == "asks %s none" % who, who)
    assert set(failed[failed.index("asks alice none"):]) == {
        "asks alice none", "asks bob none"}


def test_canary(world, secrets):
    """The second backend is verified by its own Ingress's Secret."""
    def canary(secret_name, name):
        return ingress("c", HOST, dict(
            tls(secret_name, "on", name), canary="true",
            **{"canary-weight": "100"}), to="asks")

    main = ingress("a", HOST, tls("ca", "on", NAME, "on"))
    for secret_name, name, want in [
            ("both", NAME, "asks alice none"), ("both", "no.test", 503),
            ("none", NAME, "main nobody " + NAME)]:
        world.apply(secrets + [main, canary(secret_name, name)])
        until(lambda: ask(world) == want, str(want))


def run_files(world, pattern):
    return sorted(os.path.basename(p) for p in
                  glob.glob(world.dir + "/run/" + pattern))


def test_no_key_is_left_on_disk(world, secrets, alice):
    key = pki.read(alice + ".key").splitlines()[1]

    def written():
        """Files that hold the key; one may go while it is looked at."""
        n = 0
        for path in glob.glob(world.dir + "/run/certs/*"):
            try:
                with open(path) as file:
                    mode = os.fstat(file.fileno()).st_mode
                    holds = key in file.read()
            except FileNotFoundError:
                continue
            assert not holds or mode & 0o777 == 0o600, path
            n += holds
        return n

    world.apply(secrets + [ingress("a", HOST, tls("both", "on", NAME))])
    until(lambda: ask(world) == "main alice none", "shown")
    until(lambda: written() == 1, "on the tmpfs, once")
    world.apply([ingress("a", HOST, tls("both", "on", NAME))])
    until(lambda: ask(world) == 503, "closed")
    until(lambda: written() == 0, "gone")


def test_life(services, secrets, alice, bob, ours):
    """HAProxy is killed and comes back from its files; the reconciler is
    killed and adopts; the state equals a full recompute each time."""
    both = [ingress("a", HOST, tls("mine", "on", NAME), to="asks"),
            ingress("b", "b.test", tls("other", "on", NAME))]

    with Standalone(services=services) as it:
        # A parked server of another Secret stays behind.
        it.apply(secrets + [ingress("a", HOST, tls("both", "on", NAME),
                                    to="asks")])
        until(lambda: ask(it) == "asks alice none", "before")
        it.apply(secrets + [secret("mine", ca_crt=ours.pem, **pair(bob))] +
                 both)
        until(lambda: ask(it) == "asks bob none", "bob")
        it.selfcheck()
        until(lambda: "crt " in pki.read(it.dir + "/run/haproxy.cfg"),
              "in the file")
        os.kill(it.worker(), signal.SIGKILL)
        until(lambda: ask(it) == "asks bob none", "from the file")
        assert ask(it, "b.test") == 503
        it.selfcheck()
        it.adopt()
        assert ask(it) == "asks bob none" and ask(it, "b.test") == 503
        it.selfcheck()
        it.apply(secrets + [secret("mine", ca_crt=ours.pem, **pair(alice))] +
                 both)
        until(lambda: ask(it) == "asks alice none", "renewed after that")
        assert it.metric("sallyport_haproxy_reloads_total") == 0


def number(base):
    """The private number of a key, as it stands in OpenSSL's memory."""
    key = serialization.load_pem_private_key(
        pki.read(base + ".key").encode(), None)
    return key.private_numbers().private_value.to_bytes(32, "little")


def test_a_key_that_nobody_wants_leaves_the_memory(ours, inner, alice, bob):
    """HAProxy's, once the last connection made with it is gone."""
    far = TlsEcho("far", tls=serving(inner, ours, ssl.CERT_REQUIRED))
    late = []

    def mine(base):
        return [secret("mine", ca_crt=ours.pem, **pair(base)),
                ingress("a", HOST, tls("mine", "on", NAME), to="far")]

    def ask_slowly(it):
        far.delay, n = 4, far.count
        thread = threading.Thread(target=lambda: late.append(ask(it)))
        thread.start()
        until(lambda: far.count > n, "the slow request")
        far.delay = 0
        return thread

    with Standalone(services=[service("far", far.port)]) as it:
        it.apply(mine(alice))
        until(lambda: ask(it) == "far alice none", "alice")
        pid, key = it.worker(), {"alice": number(alice), "bob": number(bob)}
        assert pki.copies(pid, key["alice"]) > 0
        thread = ask_slowly(it)
        it.apply(mine(bob))
        until(lambda: ask(it) == "far bob none", "bob")
        there = pki.copies(pid, key["alice"])
        assert there > 0 or not thread.is_alive()
        thread.join()
        assert late == ["far alice none"]
        until(lambda: pki.copies(pid, key["alice"]) == 0, "alice's key gone",
              0.2)
        assert pki.copies(pid, key["bob"]) > 0
        assert not run_files(it, "certs/*.tmp")
        # It comes back, and another reconciler knows no less.
        it.apply(mine(alice))
        until(lambda: ask(it) == "far alice none", "alice again")
        it.selfcheck()
        until(lambda: pki.copies(pid, key["bob"]) == 0, "bob's key gone",
              0.2)
        it.adopt()
        it.selfcheck()
        it.apply(mine(alice)[1:])
        until(lambda: ask(it) == 503, "no Secret")
        until(lambda: pki.copies(pid, key["alice"]) == 0, "no key at all",
              0.2)
        it.apply(mine(bob))
        until(lambda: ask(it) == "far bob none", "bob again")
        it.selfcheck()
        assert it.worker() == pid
        assert it.metric("sallyport_haproxy_reloads_total") == 0
    far.close()


def test_what_is_left_over(services, ours, folder):
    """A hundred other authorities, and the parked servers go by a reload."""
    more = [pki.Authority(folder, "more%d" % n, "/CN=more").pem
            for n in range(4)]
    bundles = itertools.permutations([ours.pem] + more)

    def options(it):
        return it.cli("show map %s/run/maps/server-tls.map" %
                   it.dir).count(" verify ")

    with Standalone(services=services) as it:
        for n in range(1, 102):
            it.apply([secret("mine", ca_crt="".join(next(bundles))),
                      ingress("a", HOST, tls("mine", "on", NAME))])
            until(lambda: options(it) == n, "%d options" % n)
        assert it.metric("sallyport_haproxy_reloads_total") == 0
        it.apply([secret("mine", ca_crt="".join(next(bundles))),
                  ingress("a", HOST, tls("mine", "on", NAME))])
        until(lambda: options(it) == 1, "a reload")
        assert ask(it) == "main nobody none"
        until(lambda: 'reloads_total{reason="servers"} 1' in http1(
            it.admin, "/metrics", "x").body, "it is counted")
        assert it.metric("sallyport_haproxy_reloads_total") == 1
        it.selfcheck()
