"""Client certificates in the program: who is let in, and how a session that
is resumed under another name is kept out."""

import socket
import ssl
import urllib.parse

import pytest

import pki
import rig
from rig import Rig, header, http1, sent

MODES = ("on", "optional", "optional_no_ca")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def payload(r, command, text):
    said = r.cli("%s <<\n%s\n" % (command, text.strip()))
    assert "!" in said or "transaction" in said, said


def ask_for(r, host, authority, crl=None):
    """What the driver does for a host whose clients are asked."""
    names = {}
    for kind, text in (("ca", authority.pem), ("crl", crl)):
        if text:
            name = names[kind] = "%s/certs/%s-%s-%s.pem" % (
                r.dir, kind, authority.name, host)
            assert "New" in r.cli("new ssl %s-file %s" % (kind, name))
            payload(r, "set ssl %s-file %s" % (kind, name), text)
            assert "Success" in r.cli("commit ssl %s-file %s" % (kind, name))
    payload(r, "add ssl crt-list %s/crt-list" % r.dir,
            "%s/certs/default.pem [verify optional ca-file %s%s] %s\n" % (
                r.dir, names["ca"], " crl-file " + names["crl"] if crl else "",
                host))
    r.add("client", host, "id-" + authority.name)


def route(r, host, authority, mode, *more):
    return r.add_policy(host + "/", "CLIENT_MODE=" + mode,
                        "CLIENT_CA=id-" + authority.name, *more,
                        tables=("http", "https"), kind="policy")


@pytest.fixture(scope="module")
def world(ours, theirs, good):
    with Rig() as r:
        for mode in MODES:
            ask_for(r, mode.replace("_", "-") + ".test", ours)
            route(r, mode.replace("_", "-") + ".test", ours, mode)
        ask_for(r, "theirs.test", theirs)
        route(r, "theirs.test", theirs, "on")
        ask_for(r, "*.wild.test", ours)
        route(r, "*.wild.test", ours, "on")
        ask_for(r, "page.test", ours)
        route(r, "page.test", ours, "on",
              "CLIENT_PAGE=https://help.test/certificates?x=1")
        ask_for(r, "alice.test", ours)
        route(r, "alice.test", ours, "on", "subject=CN=ali.e(,|$)",
              "CLIENT_PASS=true")
        ask_for(r, "bob.test", ours)
        route(r, "bob.test", ours, "optional", "subject=^CN=bob")
        ask_for(r, "revoked.test", ours, ours.revoke(good))
        route(r, "revoked.test", ours, "on")
        r.add("https", "open.test/", r.take())
        r.add("http", "open.test/", r.used and "plain-roundrobin-5000.0001")
        yield r


def ask(r, host, base=None, sni=None, context=None, session=None, headers=()):
    """The answer over TLS, and the session to resume."""
    context = context or pki.context(base)
    s = socket.create_connection(r.https, timeout=rig.DEADLINE)
    s = context.wrap_socket(s, server_hostname=sni or host, session=session)
    try:
        got = http1(None, "/", host, sock=s, headers=headers)
        if session:
            assert s.session_reused
        return got, s.session
    finally:
        s.close()


@pytest.mark.parametrize("host, want", [
    ("on.test", (400, 200, 400)),
    ("optional.test", (200, 200, 400)),
    ("optional-no-ca.test", (200, 200, 200)),
    ("a.wild.test", (400, 200, 400)),
    ("revoked.test", (400, 400, 400)),
    ("open.test", (200, 200, 200)),
    ("page.test", (302, 200, 302)),
    ("alice.test", (400, 200, 400)),
    ("bob.test", (403, 403, 400)),
])
def test_without_with_and_with_a_forged_certificate(world, good, forged, host,
                                                    want):
    assert tuple(ask(world, host, base)[0].status
                 for base in (None, good, forged)) == want


def test_error_page(world):
    assert header(ask(world, "page.test")[0], "location") == [
        "https://help.test/certificates?x=1"]


@pytest.mark.parametrize("host, base, want", [
    ("on.test", "good", ("SUCCESS", "CN=alice,O=Org", "CN=Authority")),
    ("optional.test", None, ("NONE", None, None)),
    ("optional-no-ca.test", "forged",
     ("FAILED:7", "CN=alice,O=Org", "CN=Authority")),
])
def test_headers_of_the_client_go_and_ours_come(world, good, forged, host,
                                                base, want):
    claims = [("ssl-client-verify", "SUCCESS"),
              ("ssl-client-subject-dn", "CN=root"),
              ("SSL-Client-Issuer-DN", "CN=me"), ("ssl-client-cert", "x")]
    got = sent(ask(world, host, {"good": good, "forged": forged,
                                 None: None}[base], headers=claims)[0])[1]

    assert tuple(got.get(name) for name in
                 ("ssl-client-verify", "ssl-client-subject-dn",
                  "ssl-client-issuer-dn")) == want
    assert "ssl-client-cert" not in got


def test_other_hosts_keep_the_headers(world):
    got = sent(ask(world, "open.test",
                   headers=[("ssl-client-verify", "x")])[0])[1]
    assert got["ssl-client-verify"] == "x"


def test_the_certificate_itself(world, good):
    got = sent(ask(world, "alice.test", good)[0])[1]["ssl-client-cert"]
    assert "\n" not in got and " " not in got and "+" not in got
    pem = urllib.parse.unquote(got)
    assert ssl.PEM_cert_to_DER_cert(pem) == ssl.PEM_cert_to_DER_cert(
        pki.read(good + ".crt"))
    assert max(len(line) for line in pem.split("\n")) == 64


def test_http_has_no_certificates(world):
    assert [http1(world.http, "/", host).status for host in
            ("on.test", "optional.test", "alice.test", "page.test",
             "open.test")] == [400, 200, 400, 302, 200]


def test_the_connection_must_be_for_this_host(world, good):
    """SNI of an open host, or of another that asks too."""
    for sni in ("open.test", "optional.test", "theirs.test"):
        assert ask(world, "on.test", good, sni=sni)[0].status == 421
    assert ask(world, "a.wild.test", good, sni="b.wild.test")[0].status == 421


@pytest.mark.parametrize("version", VERSIONS)
def test_resumption_where_it_belongs(world, good, version):
    context = pki.context(good, version)
    got, session = ask(world, "on.test", context=context)
    for _ in range(3):
        assert got.status == 200
        got, session = ask(world, "on.test", context=context, session=session)
    assert sent(got)[1]["ssl-client-verify"] == "SUCCESS"


# --- The bypass: HAProxy 2.6.12 and 3.0.11 resume anywhere ---

def resumed(r, host, first, context):
    """A session made for 'first', resumed for 'host'; None: HAProxy did not
    resume it."""
    session = ask(r, first, context=context)[1]
    s = socket.create_connection(r.https, timeout=rig.DEADLINE)
    s = context.wrap_socket(s, server_hostname=host, session=session)
    try:
        got = http1(None, "/", host, sock=s)
        return got if s.session_reused else None
    finally:
        s.close()


def test_bypass_and_guard(ours, theirs, good, forged):
    """HAProxy says of a session from elsewhere that its certificate is good:
    that alone must not let anybody in."""
    with Rig() as r:
        ask_for(r, "on.test", ours)
        route(r, "on.test", ours, "on")
        ask_for(r, "theirs.test", theirs)
        r.add("https", "theirs.test/", r.take())
        r.add("https", "open.test/", r.take())
        tries = [(None, "open.test"), (forged, "theirs.test")]
        guarded = [resumed(r, "on.test", first, pki.context(base))
                   for base, first in tries]
        r.set("https", "on.test/", r.take())
        bare = [resumed(r, "on.test", first, pki.context(base))
                for base, first in tries]
        version = r.cli("show info").split("Version: ", 1)[1]
        if version.startswith(("2.6.12", "3.0.11")):
            assert None not in guarded + bare
        # A HAProxy that keeps sessions apart asks anew.
        assert [got and got.status for got in guarded] == [
            bare[0] and 400, bare[1] and 421]
        assert {got.status for got in bare if got} <= {200}


def test_rows_that_are_missing_close(ours, good):
    with Rig() as r:
        ask_for(r, "on.test", ours)
        rid, slot = route(r, "on.test", ours, "on")
        assert ask(r, "on.test", good)[0].status == 200
        r.set("policy", rid + "|client-mode", "strange")
        assert ask(r, "on.test", good)[0].status == 200
        assert ask(r, "on.test")[0].status == 400
        r.cli("del map %s/maps/policy.map %s|client-ca" % (r.dir, rid))
        assert ask(r, "on.test", good)[0].status == 421
        r.cli("del map %s/maps/policy.map %s|client-mode" % (r.dir, rid))
        assert ask(r, "on.test", good)[0].status == 503


def test_another_authority_ends_what_the_old_one_let_in(ours, theirs, good):
    """The id of the host's authority changes: sessions and connections of
    before are strangers."""
    with Rig() as r:
        ask_for(r, "on.test", ours)
        rid, _ = route(r, "on.test", ours, "on")
        context = pki.context(good)
        kept = context.wrap_socket(
            socket.create_connection(r.https, timeout=rig.DEADLINE),
            server_hostname="on.test")
        assert http1(None, "/", "on.test", sock=kept).status == 200
        session = ask(r, "on.test", context=context)[1]
        r.set("client", "on.test", "id-new")
        r.set("policy", rid + "|client-ca", "id-new")
        assert http1(None, "/", "on.test", sock=kept).status == 421
        assert ask(r, "on.test", context=context,
                   session=session)[0].status == 421
        assert ask(r, "on.test", context=pki.context(good))[0].status == 200
        kept.close()
