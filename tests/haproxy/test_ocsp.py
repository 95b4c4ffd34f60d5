"""OCSP responses, from the responder to the handshake: fetched, verified,
stapled by HAProxy without a reload, there again after whatever restarts; and
nobody is asked who must not be."""

import base64
import json
import os
import re
import signal
import subprocess

import pytest

import driver
import rig
from responder import DAY, Authority, Responder
from rig import Echo, until
from standalone import Standalone, config_map, ingress, service

HOST = "h.test"


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def responder(authority):
    made = Responder(authority)
    yield made
    made.close()


@pytest.fixture(scope="module")
def main():
    echo = Echo("main")
    yield echo
    echo.close()


@pytest.fixture
def world(main):
    with Standalone("--configmap", "default/keys",
                    services=[service("main", main.port)]) as it:
        yield it
        assert it.metric("sallyport_haproxy_reloads_total") == 0


def tls(host=HOST, secret="tls"):
    return ingress(secret, host, tls=[{"hosts": [host], "secretName": secret}])


def keys(responder=None, enabled="true", **more):
    data = {"enable-ocsp": enabled, **more}
    if responder:
        data["ocsp-responders"] = responder.host
    return config_map("keys", data)


def ask(world, host=HOST):
    """Serial number of the certificate, what the response says of which."""
    out = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % world.https[1],
         "-servername", host, "-status"], input=b"", capture_output=True,
        timeout=rig.DEADLINE).stdout.decode("latin-1")
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial"],
                           input=out.encode("latin-1"), capture_output=True)
    serial = shown.stdout.decode().strip().partition("=")[2]
    if "OCSP response: no response sent" in out:
        return serial, None
    said = re.search(r"Serial Number: ([0-9A-F]+)\s+Cert Status: (\w+)", out)
    return serial, (said[1], said[2]) if said else out


def stapled(world, serial, how="good", host=HOST):
    try:
        until(lambda: ask(world, host) == (serial, (serial, how)), "stapled")
    except AssertionError:
        raise AssertionError("%r, not %s %s: %s" % (
            ask(world, host), serial, how, world.text()))


def count(world, result):
    body = rig.http1(world.admin, "/metrics", "x").body
    return int(re.search(r'^sallyport_ocsp_requests_total\{result="%s"\} '
                         r'(\d+)$' % result, body, re.M)[1])


def told(world, name="tls"):
    return re.findall(r"default/%s: Misconfigured: (.*)$" % name,
                      world.text(), re.M)


def test_stapled_renewed_and_taken_away(world, responder):
    secret, serial = responder.secret("tls", HOST)
    world.apply([keys(responder), secret, tls()])
    stapled(world, serial)
    assert responder.asked == [serial.lstrip("0")]
    path, head = responder.heads[0]
    assert path == "/ocsp"
    assert head["Content-Type"] == "application/ocsp-request"
    assert "Authorization" not in head and "Cookie" not in head
    world.selfcheck()
    # Another certificate is there at once, and its response when it comes.
    responder.gate.clear()
    secret, renewed = responder.secret("tls", HOST)
    world.apply([keys(responder), secret, tls()])
    until(lambda: ask(world) == (renewed, None), "the new certificate")
    responder.gate.set()
    stapled(world, renewed)
    world.selfcheck()
    assert responder.asked == [serial.lstrip("0"), renewed.lstrip("0")]
    assert world.metric("sallyport_ocsp_responses") == 1
    # One that names nobody has nothing.
    secret, bare = responder.secret("tls", HOST, url="")
    world.apply([keys(responder), secret, tls()])
    until(lambda: ask(world) == (bare, None), "the bare one")
    assert world.metric("sallyport_ocsp_responses") == 0
    world.selfcheck()
    assert count(world, "good") == 2
    assert told(world) == []


def test_switched_on_and_off(world, responder):
    """Nobody is asked unless enable-ocsp says so."""
    secret, serial = responder.secret("tls", HOST)
    world.apply([secret, tls()])
    until(lambda: ask(world) == (serial, None), "the certificate")
    world.apply([keys(responder, "false"), secret, tls()])
    until(lambda: world.get(tls=True).status == 200, "all of it")
    world.selfcheck()
    assert responder.asked == []
    world.apply([keys(responder), secret, tls()])
    stapled(world, serial)
    world.apply([keys(responder, "false"), secret, tls()])
    until(lambda: ask(world) == (serial, None), "nothing stapled")
    world.selfcheck()
    assert len(responder.asked) == 1


def test_it_survives_restarts(world, responder):
    """Of the reconciler, and of HAProxy: nobody is asked again."""
    secret, serial = responder.secret("tls", HOST)
    other, second = responder.secret("other", "o.test")
    objects = [keys(responder), secret, other, tls(), tls("o.test", "other")]
    world.apply(objects)
    stapled(world, serial)
    stapled(world, second, host="o.test")
    asked = len(responder.asked)
    assert asked == 2
    responder.how = (500, {}, b"")
    world.adopt()
    assert ask(world) == (serial, (serial, "good"))
    assert ask(world, "o.test") == (second, (second, "good"))
    world.selfcheck()
    assert world.metric("sallyport_ocsp_responses") == 2
    old = world.worker()
    os.kill(old, signal.SIGKILL)
    until(lambda: world.has_other(old), "another HAProxy")
    stapled(world, serial)
    stapled(world, second, host="o.test")
    world.selfcheck()
    assert len(responder.asked) == asked


def test_revoked(world, responder):
    responder.how = "revoked"
    secret, serial = responder.secret("tls", HOST)
    world.apply([keys(responder), secret, tls()])
    stapled(world, serial, "revoked")
    until(lambda: told(world), "a word")
    assert told(world) == [
        'spec.tls[0].secretName: the certificate in Secret "default/tls" is '
        'revoked, says the OCSP responder: clients refuse it; issue another '
        'one']
    assert count(world, "revoked") == 1


BAD = {
    "unknown": ("unknown", "unknown", "it does not know the certificate"),
    "status": ((503, {}, b"SECRET-BYTES"), "unreached",
               "it answers with status 503"),
    "redirect": ((302, {"Location": "/elsewhere"}, b""), "unreached",
                 "it answers with status 302"),
    "garbage": ((200, {}, b"SECRET-BYTES"), "invalid",
                "the answer is no OCSP response"),
    "large": ((200, {}, b"SECRET-BYTES" * 10000), "invalid",
              "the answer is too large"),
    "packed": ((200, {"Content-Encoding": "gzip"}, b"SECRET-BYTES"),
               "invalid", "the answer is no OCSP response"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer(world, responder, name):
    """The certificate is served without; who must have one is told why."""
    responder.how, result, why = BAD[name]
    secret, serial = responder.secret("tls", HOST)
    must, other = responder.secret("must", "m.test", must_staple=True)
    world.apply([keys(responder), secret, tls(), must, tls("m.test", "must")])
    until(lambda: count(world, result) == 2, result)
    until(lambda: told(world, "must"), "a word")
    assert told(world, "must") == [
        'spec.tls[0].secretName: there is no OCSP response for the '
        'certificate in Secret "default/must", and clients refuse it without '
        '(must-staple): responder %s: %s' % (responder.host, why)]
    assert told(world) == []
    assert ask(world) == (serial, None)
    assert ask(world, "m.test") == (other, None)
    assert "SECRET-BYTES" not in world.text()
    assert sorted(responder.asked) == sorted(
        [serial.lstrip("0"), other.lstrip("0")])


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:80/", "http://localhost/", "http://0.0.0.0/",
    "http://127.1/", "http://2130706433/", "http://169.254.169.254/latest",
    "http://10.96.0.1/", "http://127.0.0.1:443/"])
def test_only_public_addresses(world, responder, url):
    """A Secret does not send the controller to where its writer cannot go."""
    secret, serial = responder.secret("tls", HOST, url=url, must_staple=True)
    world.apply([keys(), secret, tls()])
    until(lambda: count(world, "forbidden") == 1, "refused")
    until(lambda: told(world), "a word")
    assert "no address of it may be connected to; whoever runs the " \
        "controller can name it in ocsp-responders" in told(world)[0]
    assert ask(world) == (serial, None)


def test_only_ports_of_the_web(world, responder):
    """Until the administrator names it: then at once."""
    secret, serial = responder.secret("tls", HOST)
    world.apply([keys(), secret, tls()])
    until(lambda: count(world, "forbidden") == 1, "refused")
    assert responder.asked == []
    world.apply([config_map("keys", {"enable-ocsp": "true",
                                     "ocsp-responders": "127.0.0.1"}),
                 secret, tls()])
    until(lambda: count(world, "forbidden") == 2, "refused again")
    assert responder.asked == []
    world.apply([keys(responder), secret, tls()])
    stapled(world, serial)


def test_a_responder_that_is_gone(world, responder):
    """What it said before is served on."""
    secret, serial = responder.secret("tls", HOST)
    world.apply([keys(responder), secret, tls()])
    stapled(world, serial)
    responder.close()
    other, second = responder.secret("must", "m.test", must_staple=True)
    world.apply([keys(responder), secret, tls(), other, tls("m.test", "must")])
    until(lambda: count(world, "unreached") == 1, "nobody there")
    until(lambda: ask(world, "m.test") == (second, None), "served")
    assert ask(world) == (serial, (serial, "good"))
    assert told(world) == []


def test_what_it_needs_is_said_at_every_door(world, responder):
    """must-staple without enable-ocsp, and without the issuer."""
    must, _ = responder.secret("must", "m.test", must_staple=True)
    lone, _ = responder.secret("lone", "l.test", is_alone=True)
    both, _ = responder.secret("both", "b.test", must_staple=True,
                               is_alone=True)
    objects = [must, lone, both, tls("m.test", "must"), tls("l.test", "lone"),
               tls("b.test", "both")]
    for on, want in ((False, {"must": "none is fetched", "lone": None,
                              "both": "none is fetched"}),
                     (True, {"must": None, "lone": "its issuer's certificate "
                             "is not there", "both": "nobody to ask"})):
        world.apply(objects + [keys(responder) if on else
                               keys(enabled="false")])
        found = json.loads(subprocess.run(
            [os.path.join(rig.ROOT, "build/sallyport"), "lint",
             "--format=json", "--configmap", "default/keys",
             world.dir + "/in"], capture_output=True).stdout)
        for name, text in want.items():
            said = [one["message"] for one in found
                    if one["object"] == "Ingress default/" + name]
            assert len(said) == (1 if text else 0), found
            assert not text or text in said[0]
            if text:
                until(lambda: any(text in one for one in told(world, name)),
                      text)


# What HAProxy does with a response that is none for its certificate: the
# reconciler verifies, so none of these should come to it.
STRANGE = {
    "of another certificate": dict(about="other"),
    "out of date": dict(shift=-8 * DAY),
    "without a status": dict(how="unknown"),
    "no response": dict(der=b"no response at all"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_haproxy_and_a_strange_response(responder, name):
    """It costs nobody the certificate, nor HAProxy its next start."""
    made = dict(STRANGE[name])
    secret, serial = responder.secret("tls", HOST)
    responder.secret("other", "o.test")
    certs = list(responder.certs.values())
    der = made.pop("der", None) or responder.about(
        certs[1 if made.pop("about", None) else 0], **made)
    with driver.Driver() as d:
        d.do("route https h.test/ none")
        d.apply("cert c " + write_pem(d, "a", secret, responder.about(
            certs[0])), "sni h.test c")
        assert ask(d) == (serial, (serial, "good"))
        d.apply("cert c " + write_pem(d, "b", secret, der))
        d.do("settle", "check")
        at_run_time = ask(d)
        assert at_run_time in ((serial, None), (serial, (serial, "good")))
        worker = d.worker()
        os.kill(worker, signal.SIGKILL)
        d.met_again(worker)
        d.do("check")
        assert ask(d) == (serial, None)
        # A good one is taken after it.
        d.apply("cert c " + write_pem(d, "c", secret, responder.about(
            certs[0], how="revoked")))
        assert ask(d) == (serial, (serial, "revoked"))
        d.apply("cert c " + write_pem(d, "d", secret, None))
        assert ask(d) == (serial, None)
        d.do("check")
        assert d.metric("sallyport_haproxy_reloads_total") == 0


def write_pem(d, name, secret, der):
    path = "%s/%s.pem" % (d.dir, name)
    with open(path, "w") as f:
        for key in ("tls.crt", "tls.key"):
            f.write(base64.b64decode(secret["data"][key]).decode())
        if der:
            f.write("-----BEGIN OCSP RESPONSE-----\n%s\n"
                    "-----END OCSP RESPONSE-----\n" %
                    base64.b64encode(der).decode())
    return path
