"""The words that people bring along, each as it is written, to the wire."""

import re
import ssl
from collections import Counter

import pytest

from rig import Echo, header, server, until
from standalone import Standalone, check, ingress, service
from test_annotations_more import handshake, tls_secret

HOST = "h.test"
CIPHERS = "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP"


@pytest.fixture(scope="module")
def world():
    echoes = [Echo("n0"), Echo("n1")]
    one, first = service("main", echoes[0].port)
    second = dict(first, metadata=dict(first["metadata"], name="main-2"))
    second["ports"] = [{"name": "http", "port": echoes[1].port,
                        "protocol": "TCP"}]
    with Standalone(services=[[one, first, second]]) as it:
        yield it
    for echo in echoes:
        echo.close()


def cookies(world):
    return [re.sub("=[0-9a-f]{16}", "=X", c)
            for c in header(world.get(), "set-cookie")]


@pytest.mark.parametrize("site", ["Strict", "Lax", "None"])
def test_affinity_cookie_with_samesite(world, site):
    world.apply([ingress("one", HOST, {
        "affinity": "cookie", "session-cookie-name": "route",
        "session-cookie-samesite": site})])
    check(world, cookies, ["route=X; Path=/; HttpOnly; SameSite=" + site],
          "the cookie")
    mine = [("Cookie", header(world.get(), "set-cookie")[0].split(";")[0])]
    assert len({server(world.get(headers=mine)) for _ in range(6)}) == 1


def test_affinity_sticky(world):
    """No such word: told what to write, and served without a cookie."""
    world.apply([ingress("one", HOST, {"affinity": "sticky"})])
    check(world, cookies, [], "no cookie")
    until(lambda: 'affinity]: "sticky" is not known here: write "cookie"' in
          world.text(), "told")
    assert world.get().status == 200


def test_round_robin(world):
    for value in ("round_robin", "round-robin"):
        world.apply([ingress("one", HOST, {"load-balance": value})])
        until(lambda: Counter(server(world.get()) for _ in range(10)) ==
              {"n0": 5, "n1": 5}, "in turns")
    until(lambda: '"round-robin" is not known here: write "round_robin"' in
          world.text(), "told")


def test_both_redirects(world):
    world.apply([ingress("one", HOST, {
        "permanent-redirect": "https://a.test/",
        "temporal-redirect": "https://b.test/"})])
    check(world, lambda w: (w.get().status, header(w.get(), "location")),
          (302, ["https://b.test/"]), "the temporal one")


def test_ciphers_of_another_age(world, tmp_path):
    """What is left of the list counts; what nobody has is told."""
    two = ssl.TLSVersion.TLSv1_2
    old = "ECDHE-ECDSA-AES256-SHA"
    secret = tls_secret(str(tmp_path), HOST)
    tls = [{"hosts": [HOST], "secretName": "tls"}]
    world.apply([secret, ingress("one", HOST, tls=tls)])
    check(world, lambda w: handshake(w, two, old), None, "not of the profile")
    world.apply([secret, ingress("one", HOST, {"ssl-ciphers": CIPHERS},
                                 tls=tls)])
    check(world, lambda w: handshake(w, two, old), (old, "TLSv1.2"), "old")
    until(lambda: "names RC4+RSA, which OpenSSL has not" in world.text(),
          "told")
    assert handshake(world)[1] == "TLSv1.3"


def test_limits(world):
    """rps 1 with a burst of 1: a few are let in, the rest is refused."""
    world.apply([ingress("one", HOST, {
        "limit-rps": "1", "limit-rpm": "600", "limit-connections": "9",
        "limit-burst-multiplier": "1"})])
    until(lambda: 503 in {world.get().status for _ in range(12)}, "refused")
