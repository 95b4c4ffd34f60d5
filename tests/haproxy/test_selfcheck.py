"""The reconciler's own check, by SIGUSR1: told when asked, and no false word."""

import os
import signal

import pytest

import rig
from rig import Echo, until
from standalone import Standalone, ingress, service


@pytest.fixture
def world():
    echo = Echo("main")
    with Standalone(services=[service("main", echo.port)]) as it:
        yield it
    echo.close()


def serve(world, n):
    """One more host, the n-th."""
    world.apply([ingress("i%d" % i, "h%d.test" % i) for i in range(n + 1)])
    until(lambda: world.get(host="h%d.test" % n).status == 200, "served")


def different(world):
    """How often it was, after one more check."""
    n = world.metric("sallyport_selfchecks_total")
    world.process.send_signal(signal.SIGUSR1)
    until(lambda: world.metric("sallyport_selfchecks_total") == n + 1,
          "the self-check")
    return world.metric('sallyport_selfchecks_total') - equal(world)


def equal(world):
    body = rig.http1(world.admin, "/metrics", "x").body
    line, = [line for line in body.splitlines() if line.startswith(
        'sallyport_selfchecks_total{result="equal"}')]
    return float(line.split()[1])


def test_a_difference_is_told(world):
    serve(world, 0)
    assert different(world) == 0
    assert world.cli("clear map %s/run/maps/http.map" %
                     os.path.realpath(world.dir)) == ""
    assert different(world) == 1
    assert "HAProxy differs from the plan" in world.text()


def test_a_worker_that_was_not_met_yet_is_no_difference(world):
    """It began from the files, and they are a second behind."""
    for n in range(8):
        serve(world, n)
        old = world.worker()
        os.kill(old, signal.SIGKILL)
        until(lambda: world.has_other(old), "another HAProxy")
        assert different(world) == 0, world.text()
