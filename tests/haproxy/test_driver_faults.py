"""What random faults (tests/chaos) found of the driver, one test for each."""

import os
import re
import signal
import socket

import pytest

from driver import Driver, Load
from rig import Echo, http1, until
from test_driver import backend, cert, serve, served
from test_driver_life import WebSocket
from wire import Wire

OPENAT = "257"                  # What a system call in /proc is, x86-64.


@pytest.fixture
def driver():
    with Driver() as d:
        yield d


def test_certificate_that_was_never_noted(driver):
    """The driver ended after HAProxy had a certificate and before the row of
    meta.map that says which: the next one knows it by its file."""
    d = driver
    serve(d)
    told = ["cert - %s/default.pem" % d.dir,
            "cert one %s" % cert(d, "one.test"), "sni one.test one"]
    d.apply(*told)
    d.do("settle")
    rows = d.cli("show map %s/maps/meta.map" % d.run)
    key = next(line.split()[1] for line in rows.split("\n")
               if line.endswith(" one") or "one" in line.split()[-1:])
    d.kill()
    assert d.cli("del map %s/maps/meta.map %s" % (d.run, key)) == ""
    d.start()
    d.do(*told, "complete")
    d.apply()
    d.do("check")
    assert served(d, "one.test") == "one.test"


def stuck_in(d, name):
    """Stops whoever writes the map at its first step; true once one does."""
    path = "%s/maps/%s.map.tmp" % (d.run, name)
    os.mkfifo(path)

    def is_stuck():
        with open("/proc/%d/syscall" % d.process.pid) as f:
            return f.read().split()[0] == OPENAT
    return is_stuck


def put_rare(d, name):
    d.do(backend(d, name, Echo(name), connect=3000),
         "route http %s.test/ forward %s" % (name, name))


def test_slot_changes_hands_and_the_driver_dies_while_it_writes(driver):
    """A HAProxy that begins from files of which some are of before a reload
    and some of after it may know no server for a host, and never one of
    another owner."""
    d = driver
    # As many as a class of this kind begins with, so that the next one can
    # only have a slot that somebody had before.
    for n in range(32):
        put_rare(d, "a%d" % n)
        if n == 0:
            d.apply()
    d.apply()
    d.do("settle")
    assert {d.who(host="a%d.test" % n) for n in range(32)} == \
        {"a%d" % n for n in range(32)}
    d.apply("delroute http a0.test/", "delbackend a0")
    is_stuck = stuck_in(d, "http")
    put_rare(d, "b")
    worker = d.worker()
    d.in_background("run 2000")
    until(is_stuck, "the driver in the middle of its files")
    d.kill()
    os.kill(worker, signal.SIGKILL)
    until(lambda: d.has_other(worker), "another worker")
    assert d.who(host="a0.test") in ("a0", 404, 503)
    assert [d.who(host="a%d.test" % n) for n in range(1, 32)] == \
        ["a%d" % n for n in range(1, 32)]


def test_cold_files_and_the_driver_dies_while_it_writes(driver):
    """... nor where a driver that takes HAProxy for dead writes all anew."""
    d = driver
    names = ["n%d" % i for i in range(8)]
    for name in names:
        serve(d, name, name + ".test")
    d.apply()
    d.do("settle")
    worker, proxy = d.worker(), d.status()["pid"]
    d.kill()
    is_stuck = stuck_in(d, "http")
    os.kill(proxy, signal.SIGSTOP)      # It would find the socket lost.
    os.rename(d.run + "/haproxy.sock", d.run + "/hidden.sock")
    d.start()
    # Others, and in another order.
    serve(d, "b", "b.test")
    for name in names[:0:-1]:
        serve(d, name, name + ".test")
    d.do("cert - %s/default.pem" % d.dir, "complete")
    d.in_background("run 20000")
    until(is_stuck, "the driver in the middle of its files")
    d.kill()
    os.kill(worker, signal.SIGKILL)
    os.kill(proxy, signal.SIGCONT)
    answers = until(lambda: [d.who(host=n + ".test") for n in names],
                    "answers")
    for name, answer in zip(names, answers):
        assert answer in (name, 404, 503)


def test_classes_that_nobody_is_in_end_with_a_reload(driver):
    """They would add up until no program may have so many."""
    d = driver
    d.apply(backend(d, "a", Echo("a"), connect=3000))
    d.apply("delbackend a")
    d.do("settle")
    assert "plain-roundrobin-3000.0001" in d.cli("show backend")
    d.apply(backend(d, "b", Echo("b"), connect=4000))
    assert "plain-roundrobin-4000.0001" in d.cli("show backend")
    assert "plain-roundrobin-3000" not in d.cli("show backend")
    d.do("check")


@pytest.mark.parametrize("is_told", [True, False])
def test_proxy_killed_while_a_stream_goes_on(driver, is_told):
    """HAProxy ends once its last stream has; the next one has its ports at
    once, even where the disk was too full to tell which process it is."""
    d = driver
    serve(d)
    ws = WebSocket(d, "ws.test")
    d.do("settle")
    worker = d.worker()
    proxy = d.status()["pid"]
    if not is_told:
        with open(d.run + "/proxy.status", "w") as f:
            f.write("pid: %d\nmaster: 0\nrestarts: 0\n" % proxy)
    os.kill(proxy, signal.SIGKILL)
    d.met_again(worker)
    d.do("check")
    assert d.who() == "a"
    ws.still_there()
    ws.close()


def test_certificates_cannot_be_written(driver):
    """A full disk: HAProxy has every change all the same, and the files have
    it once they can."""
    d = driver
    serve(d)
    d.do("settle")
    certs = d.run + "/certs"
    os.rename(certs, certs + ".away")
    d.do("cert one %s" % cert(d, "one.test"), "sni one.test one")
    serve(d, "b", "b.test")
    d.run_until(lambda: d.who(host="b.test") == "b", "the route")
    d.run_until(lambda: served(d, "one.test") == "one.test", "the certificate")
    os.rename(certs + ".away", certs)
    d.apply()
    d.do("check", "settle")
    d.kill()
    worker = d.worker()
    os.kill(worker, signal.SIGKILL)
    assert d.who(host="b.test") == "b"
    assert served(d, "one.test") == "one.test"


def test_master_that_executes_itself_again(driver):
    """Somebody else's reload is under way when we want one: no route that
    waits for ours has no server meanwhile."""
    d = driver
    e = serve(d)
    d.do("settle")
    os.rename(d.run + "/master.sock", d.run + "/hidden.sock")
    d.do(backend(d, "a", e, connect=7000), "run 300")
    assert d.who() == "a"
    os.rename(d.run + "/hidden.sock", d.run + "/master.sock")
    d.apply()
    d.do("check")
    assert d.who() == "a"
    assert d.metric("sallyport_haproxy_reload_failures_total") == 0
    assert d.metric("sallyport_haproxy_reloads_total") == 1


def test_certificate_that_a_dying_worker_refused(driver):
    """The next worker is asked again."""
    d = driver
    serve(d)
    d.do("settle")
    wire = Wire(d, change=lambda said, answer: b"Can't allocate memory\n\n"
                if said.startswith("commit ssl cert") else answer)
    d.apply("cert one %s" % cert(d, "one.test"), "sni one.test one")
    assert served(d, "one.test") == "default.test"
    wire.close()
    worker = d.worker()
    os.kill(worker, signal.SIGKILL)
    d.met_again(worker)
    assert served(d, "one.test") == "one.test"
    d.do("check")


def test_proxy_killed_in_a_reload(driver):
    """The old master loses the request to end while it executes itself again:
    the next HAProxy waits for it, or it would lose the sockets of RUN to it."""
    d = driver
    serve(d)
    d.do("settle")
    for _ in range(3):
        status, worker = d.status(), d.worker()
        os.kill(status["master"], signal.SIGUSR2)
        os.kill(status["pid"], signal.SIGKILL)
        d.run_until(lambda: d.status()["pid"] != status["pid"] and
                    d.status()["master"] > 0, "another sallyport-proxy")
        until(lambda: not os.path.exists("/proc/%d" % status["master"]),
              "the old master gone")
        d.met_again(worker)
        d.do("check")
        assert d.who() == "a"


def another_master(d, old):
    d.run_until(lambda: d.status()["master"] not in (0, old["master"]),
                "another HAProxy")


def still_told(d, name):
    """HAProxy can be spoken to: it has a route that is new."""
    host = name + ".test"
    serve(d, name, host)
    d.run_until(lambda: d.who(host=host) == name, "the route of " + name)
    d.do("check")
    assert d.who() == "a"


@pytest.mark.parametrize("how", ["gone", "dead"])
def test_runtime_socket_is_lost(driver, how):
    """HAProxy serves, and nobody reaches it: another takes over."""
    d = driver
    serve(d)
    ws = WebSocket(d, "ws.test")
    d.do("settle")
    old = d.status()
    if how == "dead":
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(d.run + "/other.sock")
        os.rename(d.run + "/other.sock", d.run + "/haproxy.sock")
    else:
        os.unlink(d.run + "/haproxy.sock")
    with Load(d) as load:
        another_master(d, old)
        still_told(d, "b")
    assert load.answers.keys() == {"a"}, load.errors
    ws.still_there()
    ws.close()


def test_reload_of_a_haproxy_that_leaves(driver):
    """Its parent was killed, and a stream keeps it: whoever makes it load the
    files again gives it the sockets of RUN, which it leaves behind dead."""
    d = driver
    serve(d)
    ws = WebSocket(d, "ws.test")
    d.do("settle")
    old = d.status()
    os.kill(old["pid"], signal.SIGKILL)
    another_master(d, old)
    d.do("settle")
    second = d.status()
    socket_now = os.stat(d.run + "/haproxy.sock").st_ino
    os.kill(old["master"], signal.SIGUSR2)
    until(lambda: os.stat(d.run + "/haproxy.sock").st_ino != socket_now,
          "the sockets taken")
    another_master(d, second)
    still_told(d, "b")
    ws.still_there()
    ws.close()


def ask_inside(d, slot):
    """As a worker's own question gets to the slot of the service."""
    worker = re.search(r"value=<([^>]+)>", d.cli("get var proc.worker"))[1]
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(d.run + "/inside.sock")
        return http1(None, sock=s, headers=[
            ("X-Sallyport-Slot", slot),
            ("X-Sallyport-Worker", worker)]).status


def test_released_slot_answers_who_named_it_before(driver):
    """A guard by a service goes while its question is on the way, which named
    the slot: the servers stay for a moment."""
    d = driver
    d.apply(backend(d, "a", Echo("a")))
    rows = "show map %s/maps/slots.map" % d.run
    slot = next(line.split()[1] for line in d.cli(rows).split("\n")
                if line.endswith(" a"))
    assert ask_inside(d, slot) == 200
    d.apply("delbackend a")
    assert slot + " -quarantined-" in d.cli(rows)
    assert ask_inside(d, slot) == 200
    d.run_until(lambda: ask_inside(d, slot) == 503, "the end of that moment")
    assert slot + " -quarantined-" in d.cli(rows)
    d.do("check")
