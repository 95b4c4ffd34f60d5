"""Which endpoint answers: by a hash, by a cookie, after another that failed,
or the canary's."""

import pytest

from rig import Echo, attempt, header, sent, server, until
from servers import Raw, listener, read_head, says
from standalone import Standalone, check, ingress, many, service

HOST = "h.test"
STICKY = {"affinity": "cookie"}
CLOSES = "Connection: close\r\n"


@pytest.fixture(scope="module")
def echoes():
    made = {"main": Echo("main"), "other": Echo("other"),
            "broken": Raw(says("500")), "forbidden": Raw(says("403"))}
    yield made
    for echo in made.values():
        echo.close()


@pytest.fixture(scope="module")
def crowd():
    made = [Echo("n%d" % i) for i in range(6)]
    yield made
    for echo in made:
        echo.close()


@pytest.fixture(scope="module")
def world(echoes, crowd):
    services = [service(name, echo.port) for name, echo in echoes.items()]
    services.append(many("crowd", [e.port for e in crowd]))
    services.append(many("shaky", [echoes["broken"].port,
                                   echoes["main"].port]))
    services.append(many("closed", [echoes["forbidden"].port,
                                    echoes["main"].port]))
    with Standalone(services=services) as it:
        yield it


def shares(world, n, target="/", headers=()):
    got = [server(world.get(target, headers=headers)) for _ in range(n)]
    return set(got)


# value, requests that differ in what counts, ones that do not
HASHES = [
    ("$request_uri", ("/a?%d", ()), "/same?x"),
    ("$uri", ("/p%d?x", ()), "/p"),
    ("$args", ("/?q=%d", ()), "/?q"),
    ("${http_x_user}", ("/", [("X-User", "u%d")]), "/"),
    ("$cookie_id", ("/", [("Cookie", "a=b; id=%d")]), "/"),
    ("text-$arg_id", ("/?a=b&id=%d", ()), "/?id=7"),
]


def spread(world, target, headers):
    """Who answers forty requests that differ in what counts."""
    return {server(world.get(target % i if "%" in target else target,
                             headers=[(k, v % i) for k, v in headers]))
            for i in range(40)}


@pytest.mark.parametrize("n", range(len(HASHES)), ids=[h[0] for h in HASHES])
def test_upstream_hash_by(world, n):
    value, (target, headers), same = HASHES[n]
    world.apply([ingress("one", HOST, {"upstream-hash-by": value},
                         to="crowd")])
    until(lambda: attempt(lambda: len(shares(world, 12, same)) == 1 and
                          len(spread(world, target, headers)) >= 4),
          "one endpoint for one key, several for many")
    world.apply([ingress("one", HOST, to="crowd")])
    until(lambda: len(shares(world, 12, same)) == 6, "in turns")


def test_upstream_hash_by_subset(world):
    base = {"upstream-hash-by": "$request_uri",
            "upstream-hash-by-subset": "true"}
    world.apply([ingress("one", HOST, base, to="crowd")])
    until(lambda: attempt(lambda: 2 <= len(shares(world, 60, "/x")) <= 3),
          "three at most")
    assert len(shares(world, 60, "/x")) <= 3
    world.apply([ingress("one", HOST, dict(base, **{
        "upstream-hash-by-subset-size": "1"}), to="crowd")])
    until(lambda: attempt(lambda: len(shares(world, 20, "/x")) == 1 and
                          len(shares(world, 20, "/x")) == 1), "one")


def statuses(world, n=8, **more):
    return {world.get(**more).status for _ in range(n)}


def test_proxy_next_upstream(world):
    """A 500 of one endpoint is asked of another, GET alone or POST, too."""
    world.apply([ingress("one", HOST, to="shaky")])
    until(lambda: statuses(world) == {200, 500}, "both in turns")
    world.apply([ingress("one", HOST, {
        "proxy-next-upstream": "error http_500"}, to="shaky")])
    until(lambda: statuses(world) == {200}, "the good one")
    assert statuses(world, method="POST", body=b"x") == {200, 500}
    world.apply([ingress("one", HOST, {
        "proxy-next-upstream": "error http_500 non_idempotent"},
        to="shaky")])
    until(lambda: statuses(world, method="POST", body=b"x") == {200}, "POST")
    world.apply([ingress("one", HOST, {"proxy-next-upstream": "http_403"},
                         to="closed")])
    until(lambda: statuses(world) == {200}, "403")
    world.apply([ingress("one", HOST, {"proxy-next-upstream": "off"},
                         to="shaky")])
    until(lambda: statuses(world) == {200, 500}, "off")


def asked(world, echoes):
    before = echoes["broken"].total
    world.get()
    return echoes["broken"].total - before


@pytest.fixture
def counting(echoes):
    """The 500 counts its requests."""
    broken = echoes["broken"]
    broken.total = 0
    answer = b"HTTP/1.1 500 x\r\nContent-Length: 1\r\n\r\nx"

    def talk(c):
        while True:
            read_head(c)
            broken.total += 1
            c.sendall(answer)

    old, broken.talk = broken.talk, talk
    yield broken
    broken.talk = old


@pytest.mark.parametrize("more,want", [
    ({}, 3), ({"proxy-next-upstream-tries": "2"}, 2),
    ({"proxy-next-upstream-tries": "1"}, 1),
    ({"proxy-next-upstream-timeout": "10"}, 2)])
def test_proxy_next_upstream_tries(world, echoes, counting, more, want):
    world.apply([ingress("one", HOST, dict(
        more, **{"proxy-next-upstream": "error http_500"}), to="broken")])
    until(lambda: asked(world, echoes) == want, "%d tries" % want)


def test_session_cookie_change_on_failure(world, crowd):
    """false: the client stays with an endpoint that fails."""
    gone = Echo("gone", CLOSES)
    world.base += many("pair", [gone.port, crowd[0].port])
    for value in ("true", "false"):
        world.apply([ingress("one", HOST, dict(STICKY, **{
            "session-cookie-change-on-failure": value,
            "session-cookie-name": value}), to="pair")])
        got = until(lambda: [
            a for a in [world.get()] if a.status == 200 and
            server(a) == "gone" and "".join(
                header(a, "set-cookie")).startswith(value)], "a cookie")[0]
        mine = [("Cookie", header(got, "set-cookie")[0].split(";")[0])]
        assert server(world.get(headers=mine)) == "gone"
        port = gone.port
        gone.close()
        answers = {world.get(headers=mine).status for _ in range(4)}
        assert answers == ({200} if value == "true" else {502})
        gone = Echo("gone", CLOSES, listens=until(
            lambda: attempt(lambda: listener(port)), "the port again"))
    gone.close()


def test_affinity_canary_behavior(world):
    """sticky: who has a cookie stays; legacy: chance decides each time."""
    def objects(behavior, weight):
        return [ingress("one", HOST, dict(STICKY, **{
                    "affinity-canary-behavior": behavior})),
                ingress("two", HOST, {"canary": "true",
                                      "canary-weight": weight}, to="other")]

    def first():
        got = world.get()
        cookies = header(got, "set-cookie")
        return server(got), cookies[0].split(";")[0] if cookies else None

    world.apply(objects("sticky", "50"))
    main = until(lambda: [f for f in [first()] if f[0] == "main"], "main")[0]
    canary = until(lambda: [f for f in [first()] if f[0] == "other"],
                   "canary")[0]
    for who, cookie_ in (main, canary):
        assert {server(world.get(headers=[("Cookie", cookie_)]))
                for _ in range(12)} == {who}
    world.apply(objects("legacy", "100"))
    until(lambda: first() == ("other", None), "no cookie of the canary")
    assert server(world.get(headers=[("Cookie", main[1])])) == "other"
    world.apply([])


def test_canary_of_an_expression(world):
    """It need not repeat what makes its path one, and has its aliases."""
    more = {"paths": (("/x(/|$)(.*)", "ImplementationSpecific"),)}
    alias = {"server-alias": "alias.test"}
    canary = {"canary": "true", "canary-weight": "100"}
    world.apply([
        ingress("one", HOST, dict(alias, **{"rewrite-target": "/$2"}), **more),
        ingress("two", HOST, dict(alias, **canary), to="other", **more)])
    for host in (HOST, "alias.test"):
        check(world, lambda w: (server(w.get("/x/y", host)),
                                sent(w.get("/x/y", host))[0]),
              ("other", "/y"), "the canary")
    world.apply([])
