"""A worker that leaves after a reload answers once more on each connection
that it kept, by what it knew; what it asks other slots for, the new worker
answers, which may have given that slot to somebody else."""

import contextlib
import os
import re
import signal
import socket

import pytest

import rig
from frozen import frozen
from judge import Judge
from rig import until
from standalone import Standalone, ingress, service

HOST, PLAIN = "h.test", "plain.test"
KEPT = 12
URL = "http://other.default.svc.cluster.local"
# What the Service "other" is for, and what says that it was there.
QUESTION = {"auth-url": URL + "/verify"}
COPY = {"mirror-target": URL + "$request_uri"}
PAGE = {"custom-http-errors": "404", "default-backend": "other"}


@pytest.fixture
def other():
    it = Judge()
    yield it
    it.close()


@pytest.fixture
def world(other):
    main = Judge()
    with Standalone(services=[
            service("main", main.port),
            service("other", other.port)]) as it:
        it.main = main
        yield it
    main.close()


def ask(world, sock=None, host=HOST, target="/"):
    return rig.http1(world.http, target, host, sock=sock)


def master(world):
    with open(world.dir + "/run/proxy.status") as f:
        return int(re.search(r"(?m)^master: (\d+)$", f.read())[1])


def slot_of_other(world):
    """(key, name, owner) in slots.map, once the files have it as well."""
    for line in world.cli("show map %s/run/maps/slots.map" %
                    world.dir).splitlines():
        _, name, owner = (line.split(" ") + ["", ""])[:3]
        if re.match(r"\w+/other:", owner):
            with open(world.dir + "/run/maps/slots.map") as f:
                files = f.read()
            with open(world.dir + "/run/maps/http.map") as f:
                return (name, owner) if "%s %s\n" % (name, owner) in files \
                    and f.read().count(HOST) else None
    return None


def until_served(world, other, annotations):
    world.apply([ingress("a", HOST, annotations), ingress("b", PLAIN)])

    def is_served():
        n = len(other.heads)
        ask(world)
        return len(other.heads) > n
    until(is_served, "the other Service")
    until(lambda: slot_of_other(world), "the files")
    return slot_of_other(world)


def reload(world):
    old = world.worker()
    os.kill(master(world), signal.SIGUSR2)
    until(lambda: world.has_other(old), "another worker")


@pytest.mark.parametrize("annotations, main_status, status, without", [
    (QUESTION, 200, 200, 503),
    (COPY, 200, 200, 200),
    (PAGE, 404, 200, 404),
], ids=["question", "copy", "page"])
def test_a_slot_of_somebody_else(world, other, annotations, main_status,
                                 status, without):
    world.main.status = main_status
    name, owner = until_served(world, other, annotations)
    with frozen(world.process.pid), contextlib.ExitStack() as stack:
        same, *changed = [
            stack.enter_context(socket.create_connection(
                world.http, rig.DEADLINE)) for _ in range(KEPT)]
        for kept in (same, *changed):
            assert ask(world, kept, PLAIN).status == main_status
        reload(world)
        # Both say the same of the slot: nothing is lost by the reload.
        del other.heads[:]
        assert ask(world, same).status == status
        until(lambda: len(other.heads) == 1, "the other Service")
        world.cli("set map %s/run/maps/slots.map %s %s" % (
            world.dir, name, owner.replace("other", "stranger")))
        # HAProxy's own client has connections to the worker that leaves, which
        # knows whose its slots are; each of these ends with one answer.
        seen = [ask(world, kept).status for kept in changed[:-1]]
        assert seen == sorted(seen, key=(status, without).index)
        assert seen[-1] == without
        assert ask(world, changed[-1], target="/kept").status == without
        # The new worker's own do not look at it.
        assert ask(world, target="/last").status == status
        until(lambda: any("/last" in head for head in other.heads),
              "the other Service")
        assert not any("/kept" in head for head in other.heads)
