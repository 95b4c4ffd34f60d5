"""The second slot: who goes there."""

import pytest

import rig
from rig import Echo, http1, http2, sent, server


@pytest.fixture(scope="module")
def r():
    with rig.Rig() as it:
        yield it


def add(r, host, *settings, key=None):
    rid, flags, _, _, rows = rig.policy(*settings)
    main = r.take("policy", Echo("main"))
    canary = r.take("policy", Echo("canary"))
    for row in rows:
        r.add(*row)
    r.add("http", key or host + "/", "%s;%s;%d;%s" % (main, rid, flags,
                                                      canary))


HEADERS = [
    # settings, header lines, who answers
    (["CANARY_HEADER=x-canary"],
     [([], "main"), ([("X-Canary", "always")], "canary"),
      ([("x-canary", "never")], "main"), ([("X-Canary", "other")], "main"),
      ([("X-Canary", "")], "main"), ([("X-Canary", "Always")], "main"),
      ([("X-Canary", "always|")], "main"),
      ([("X-Canaryx", "always")], "main"),
      ([("A", "x-canary: always")], "main"),
      ([("A", "b"), ("X-Canary", "always"), ("C", "d")], "canary"),
      ([("X-Canary", "always"), ("X-Canary", "never")], "canary"),
      ([("X-Canary", "never"), ("X-Canary", "always")], "main")]),
    (["CANARY_HEADER=x-canary", "CANARY_VALUE=eu-1.a"],
     [([("X-Canary", "eu-1.a")], "canary"), ([("X-Canary", "eu-1xa")], "main"),
      ([("X-Canary", "always")], "main"), ([("X-Canary", "EU-1.A")], "main"),
      ([("X-Canary", "eu-1.a2")], "main")]),
    (["CANARY_HEADER=x-canary", "pattern=eu-[0-9]+|b$"],
     [([("X-Canary", "in eu-12, now")], "canary"),
      ([("X-Canary", "a b")], "canary"), ([("X-Canary", "a b c")], "main"),
      ([("X-Canary", "eu-")], "main"), ([("X-Canary", "always")], "main"),
      ([], "main")]),
    (["CANARY_HEADER=x-canary", "pattern=^eu$"],
     [([("X-Canary", "eu")], "canary"), ([("X-Canary", "eu1")], "main"),
      ([("X-Canary", "1eu")], "main")]),
    # What the client says, of headers too that the server gets from us.
    (["CANARY_HEADER=x-real-ip", "CANARY_VALUE=10.1.1.1"],
     [([("X-Real-IP", "10.1.1.1")], "canary"),
      ([("X-Real-IP", "10.1.1.2")], "main"), ([], "main")]),
    (["CANARY_HEADER=x-forwarded-host", "pattern=."],
     [([("X-Forwarded-Host", "a")], "canary"), ([], "main")]),
    (["CANARY_HEADER=x-request-id", "pattern=."],
     [([("X-Request-ID", "a")], "canary"), ([], "main")]),
    (["CANARY_HEADER=x_canary"],
     [([("X_Canary", "always")], "canary"), ([], "main")]),
    (["CANARY_COOKIE=can"],
     [([("Cookie", "can=always")], "canary"),
      ([("Cookie", "a=b; can=always; c=d")], "canary"),
      ([("Cookie", "can=never")], "main"), ([("Cookie", "can=1")], "main"),
      ([("Cookie", "xcan=always")], "main"),
      ([("Cookie", "a=can=always")], "main"), ([], "main")]),
    (["CANARY_HEADER=x-canary", "CANARY_COOKIE=can", "CANARY_SHARE=1000000"],
     [([], "canary"), ([("X-Canary", "never")], "main"),
      ([("X-Canary", "other")], "canary"),
      ([("X-Canary", "never"), ("Cookie", "can=always")], "main"),
      ([("X-Canary", "other"), ("Cookie", "can=never")], "main"),
      ([("X-Canary", "always"), ("Cookie", "can=never")], "canary")]),
    (["CANARY_SHARE=0"], [([], "main")] * 20),
    # Only the header's value is looked at.
    (["CANARY_HEADER=x-canary", "pattern=host|test|x-canary"],
     [([], "main"), ([("A", "test")], "main"),
      ([("X-Canary", "a test")], "canary")]),
    # A pattern is no rewrite, and a rewrite no pattern.
    (["CANARY_HEADER=h", "pattern=x", "irewrite=/(.*) /new/$1"],
     [([("H", "x")], "canary"), ([("H", "y")], "main"), ([], "main")]),
]


@pytest.mark.parametrize("n", range(len(HEADERS)))
def test_who(r, n):
    settings, rows = HEADERS[n]
    host = "c%d.test" % n
    add(r, host, *settings)
    for headers, want in rows:
        assert server(http1(r.http, "/a", host, headers=headers)) == want, \
            headers
        assert server(http2(r.http, "/a", host, headers=[
            (k.lower(), v) for k, v in headers])) == want, headers


def test_both_get_the_policy(r):
    add(r, "same.test", "CANARY_HEADER=h", "REWRITE=/new", "VHOST=inner.test")
    for value in ("always", "never"):
        target, headers = sent(http1(r.http, "/old", "same.test",
                                     headers=[("H", value)]))
        assert (target, headers["host"]) == ("/new", "inner.test")


def test_weight(r):
    add(r, "weight.test", "CANARY_SHARE=500000")
    got = [server(http1(r.http, "/", "weight.test")) for _ in range(60)]
    # One in 10^15 that a good program fails.
    assert 3 < got.count("canary") < 57


def test_many_headers(r):
    add(r, "many.test", "CANARY_HEADER=h")
    many = [("A%d" % i, "x" * 50) for i in range(60)]
    for headers in (many + [("H", "always")], [("H", "always")] + many):
        assert server(http1(r.http, "/", "many.test",
                            headers=headers)) == "canary"


def test_no_second_slot(r):
    rid, flags, _, _, rows = rig.policy("CANARY_SHARE=1000000")
    for row in rows:
        r.add(*row)
    r.add("http", "none.test/", "%s;%s;%d" % (
        r.take("policy", Echo("main")), rid, flags))
    assert server(http1(r.http, "/", "none.test")) == "main"
