"""Somebody empties the run directory under all that runs on it: HAProxy serves
on, the files are written anew, and another HAProxy takes over."""

import os
import shutil
import signal
import subprocess

import pytest

import rig
from driver import Driver, Load, tools
from rig import HAPROXY, until
from standalone import Standalone, ingress, service
from test_driver import serve
from test_users import AUTH, GOOD, HOST, SHA, daemon, file


def empty(folder):
    """What is in it; the folder stays, as the volume of a pod does."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def taken_over(d, old):
    """Another master, another worker, and the driver has met it."""
    d.met_again(old["worker"])
    until(lambda: d.status()["master"] != old["master"], "another master")
    until(lambda: not os.path.exists("/proc/%d" % old["worker"]),
          "the old worker gone")


def who_runs(d):
    return {"worker": d.worker(), **d.status()}


@pytest.fixture(params=["own", "container"])
def driver(request):
    """sallyport-proxy started by the driver, and by somebody else."""
    if request.param == "own":
        with Driver() as d:
            serve(d)
            d.do("settle")
            yield d
        return
    with Driver(external=True, start=False) as d:
        os.mkdir(d.run, 0o700)
        process = subprocess.Popen(
            [tools()[1], d.run, "--haproxy", HAPROXY], stderr=d.log)
        try:
            d.start()
            d.do("cert - %s/default.pem" % d.dir, "complete")
            serve(d)
            d.run_until(lambda: os.path.exists(d.run + "/haproxy.sock"),
                        "HAProxy")
            d.do("settle")
            yield d
        finally:
            # What it started writes no more when it has ended.
            process.send_signal(signal.SIGINT)
            process.wait(rig.DEADLINE)


def test_traffic_feels_nothing(driver):
    d = driver
    old = who_runs(d)
    with Load(d) as load:
        empty(d.run)
        wait = d.in_background("run 3000")
        load.more(300)
        wait()
        taken_over(d, old)
        load.more(50)
    assert set(load.answers) == {"a"}, (load.answers, load.errors[:3])
    now = d.status()
    assert now["pid"] == old["pid"] and now["restarts"] == 0
    d.do("check")
    # It is as good as the first: changes come, and reloads.
    serve(d, "b", "i.test")
    d.apply()
    assert d.who(host="i.test") == "b"
    assert "reloads" in d.cli("show proc", "master.sock")
    worker = d.worker()
    os.kill(worker, signal.SIGKILL)
    d.met_again(worker)


def test_twice(driver):
    d = driver
    for _ in range(2):
        old = who_runs(d)
        empty(d.run)
        taken_over(d, old)
    d.do("check")
    assert d.who() == "a"


def test_the_folder_itself_is_gone(driver):
    d = driver
    old = who_runs(d)
    shutil.rmtree(d.run)
    taken_over(d, old)
    assert d.who() == "a"
    assert os.stat(d.run).st_mode & 0o777 == 0o700


def test_passwords_are_asked_for_again():
    """The tables and the daemon come back; nobody gets in meanwhile."""
    echo = rig.Echo("main")
    with Standalone(services=[service("main", echo.port)]) as it:
        it.apply([ingress("a", HOST, AUTH), file("user:" + SHA)])

        def answers():
            return (it.get(host=HOST, headers=GOOD).status,
                    it.get(host=HOST).status)
        until(lambda: answers() == (200, 401), "a password")
        first, seen = daemon(it), set()
        empty(it.dir + "/run")
        until(lambda: seen.add(answers()) or
              (daemon(it) not in (0, first) and it.is_ready() and
               answers() == (200, 401)), "passwords again")
        assert {anybody for _, anybody in seen} <= {401, 503}
        it.selfcheck()
        # The tables alone.
        empty(it.dir + "/run/tables")
        until(lambda: os.listdir(it.dir + "/run/tables"), "the table")
        until(lambda: answers() == (200, 401), "a password at last")
