"""A service of auth-url that gives no verdict: 503 for its own routes, a
finding of their Ingress and of no other, and nothing once it answers again."""

import re

import pytest

import rig
from driver import free_port
from judge import Judge
from rig import until
from servers import Raw
from standalone import Standalone, ingress, service

# A finding stays for a period without failures.
OVER = 120


def url(name):
    return "http://%s.auth.svc.cluster.local/verify" % name


def guarded(name, **more):
    return ingress(name, name + ".test", dict({"auth-url": url(name)}, **{
        key.replace("_", "-"): value for key, value in more.items()}))


def silent(connection):
    """What takes a question and says something else than HTTP."""
    connection.recv(65536)
    connection.sendall(b"SSH-2.0-x\r\n\r\n")


def status(it, name):
    return it.get("/", name + ".test").status


def told(it, name):
    """What the Ingress was told of its service."""
    return [line for line in it.text().split("\n")
            if "default/" + name in line and
            "auth-url" in line and "of one minute" in line]


def warnings(it):
    got = rig.http1(it.admin, "/metrics", "x").body
    return int(re.search(r'^sallyport_findings\{severity="warning"\} (\d+)$',
                         got, re.M).group(1))


def wait_over(it):
    until(lambda: not warnings(it), "no warnings", 0.2, OVER)


@pytest.fixture
def judges():
    all_of_them = {name: Judge() for name in ("good", "down", "late", "odd",
                                              "ill", "own")}
    yield all_of_them
    for judge in all_of_them.values():
        judge.close()


def services(judges, **ports):
    out = []
    for name, judge in judges.items():
        out += service(name, ports.get(name, judge.port), namespace="auth")
    return out


@pytest.fixture
def it(judges):
    main = rig.Echo("main")
    with Standalone("--configmap", "default/sallyport",
                    services=[service("main", main.port)]) as s:
        s.common = list(s.base)
        s.base = s.common + services(judges)
        yield s
    main.close()


def test_no_verdict(it, judges):
    """Each Ingress hears of its own service, and what is wrong with it."""
    raw = Raw(silent)
    hosts = [guarded("good"), guarded("down"),
             guarded("late", proxy_read_timeout="1"), guarded("odd"),
             guarded("ill"), guarded("raw"), ingress("none", "none.test"),
             ingress("self", "self.test",
                     {"auth-url": "https://own.test/verify"}),
             ingress("own", "own.test", to="own", namespace="auth")]
    judges["raw"] = raw
    it.base = it.common + services(judges)
    it.apply(hosts)
    for name in ("good", "down", "late", "odd", "ill", "self", "none"):
        until(lambda: status(it, name) == 200, "an answer of " + name)
    assert warnings(it) == 0 and not told(it, "")

    it.base = it.common + services(judges, down=free_port(), own=free_port())
    it.apply(hosts)
    judges["late"].go.clear()
    judges["odd"].status = 404
    judges["ill"].status = 500
    want = {"down": (503, "cannot be reached"),
            "late": (503, "gives no answer within 1000 ms"),
            "odd": (500, "answers 404, which is no verdict"),
            "ill": (503, "answers 500; "),
            "raw": (503, "breaks off"),
            "self": (503, '"https://own.test/verify" cannot be reached')}
    for name, (code, _) in want.items():
        until(lambda: status(it, name) == code, name)
    for name, (code, text) in want.items():
        until(lambda: told(it, name), "a finding of " + name)
        assert text in told(it, name)[0] and "got %d" % code in \
            told(it, name)[0], told(it, name)
    assert status(it, "good") == 200 and status(it, "none") == 200
    assert not told(it, "good") and not told(it, "none")
    until(lambda: warnings(it) == len(want), "all of them")
    assert it.metric("sallyport_auth_url_failures_total") >= len(want)

    # They answer again.
    raw.close()
    judges["raw"] = Judge()
    judges["late"].go.set()
    judges["odd"].status = judges["ill"].status = 200
    it.base = it.common + services(judges)
    it.apply(hosts)
    for name in want:
        until(lambda: status(it, name) == 200, name + " again")
    wait_over(it)
    assert not told(it, "good") and not told(it, "none")
    assert it.metric("sallyport_haproxy_reloads_total") == 0


def test_another_reconciler_and_another_worker(it, judges):
    """Who adopts HAProxy finds what fails; a reload counts from nothing."""
    hosts = [guarded("good"), guarded("ill")]
    it.apply(hosts)
    until(lambda: status(it, "good") == status(it, "ill") == 200, "answers")
    judges["ill"].status = 500
    until(lambda: status(it, "ill") == 503, "no verdict")
    until(lambda: told(it, "ill"), "a finding")
    it.selfcheck()
    n = len(told(it, "ill"))
    assert status(it, "ill") == 503
    it.adopt()
    until(lambda: len(told(it, "ill")) > n and warnings(it) == 1,
          "the next reconciler's finding")
    judges["ill"].status = 200
    until(lambda: status(it, "ill") == 200, "an answer")
    wait_over(it)
    it.apply(hosts + [ingress("other", "other.test",
                              {"proxy-connect-timeout": "13"})])
    until(lambda: status(it, "other") == 200, "another class")
    judges["ill"].status = 500
    before = it.metric("sallyport_auth_url_failures_total")
    until(lambda: status(it, "ill") == 503, "no verdict")
    until(lambda: warnings(it) == 1, "a finding")
    assert it.metric("sallyport_auth_url_failures_total") > before
    assert not told(it, "good")


def test_more_than_are_told(it, judges):
    """A thread tells of 64 and counts all."""
    names = ["h%d" % i for i in range(70)]
    it.apply([ingress(name, name + ".test", {"auth-url": url("ill")})
              for name in names])
    until(lambda: all(status(it, name) == 200 for name in names), "answers")
    judges["ill"].status = 500
    for name in names:
        assert status(it, name) == 503
    until(lambda: it.metric("sallyport_auth_url_failures_total") == 70,
          "all are counted")
    until(lambda: warnings(it) == 64, "64 are told")
