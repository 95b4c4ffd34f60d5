"""What the tests of auth-url share: the reconciler on a folder of manifests,
HAProxy, and an authentication service.  A test module imports the fixtures
it, judge and fresh, and has a world of its own by that."""

import pytest

import rig
from judge import Judge
from rig import until
from standalone import Standalone, ingress, service

HOST = "h.test"
URL = "http://judge.auth.svc.cluster.local/verify"


@pytest.fixture(scope="module")
def judge():
    it = Judge()
    yield it
    it.close()


@pytest.fixture(scope="module")
def it(judge):
    main = rig.Echo("main", "Set-Cookie: of=main\r\n")
    with Standalone("--configmap", "default/sallyport", services=[
            service("main", main.port),
            service("judge", judge.port, namespace="auth")]) as s:
        yield s
        assert s.metric("sallyport_haproxy_reloads_total") == 0


@pytest.fixture(autouse=True)
def fresh(it, judge):
    judge.status, judge.extra, judge.body = 200, "", "verdict"
    judge.go.set()
    it.apply([])
    until(lambda: it.get().status == 404, "nothing")
    del judge.heads[:]


def ask(it, want=None, headers=(), host=HOST, target="/", **more):
    headers = list(headers) + ([("X-Want", want)] if want else [])
    return it.get(target, host, headers=headers, **more)


def is_guarded(it, host=HOST):
    return lambda: ask(it, "403", host=host).status == 403


def guard(it, more=(), objects=(), host=HOST, url=URL):
    it.apply([ingress("a", host, dict({"auth-url": url}, **dict(more)))] +
             list(objects))


def n_asked(it, judge, times, **more):
    before = len(judge.heads)
    for _ in range(times):
        assert ask(it, **more).status == 200
    return len(judge.heads) - before
