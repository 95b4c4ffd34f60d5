"""sallyport-proxy: its start before there are files, and its end."""

import os
import re
import resource
import signal
import socket
import subprocess

import pytest

from driver import Driver, tools
from rig import HAPROXY, haproxy_version, until
from test_driver import serve


reexec = pytest.mark.skipif(haproxy_version() >= (3, 1),
                            reason="its master does not execute itself again")


@pytest.fixture
def driver():
    with Driver() as d:
        yield d


def ended(process, d):
    """The exit status; where there is none, what is still there."""
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        status = [open("/proc/%d/status" % pid).read()
                  for pid in (d.status()["master"], d.worker())]
        raise AssertionError("\n".join(
            [d.tail(), *status, d.cli("show sess all"), d.cli("show info")]))


def little():
    """One CPU and few descriptors, as a container may have."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_NOFILE, (3000, 3000))


def test_external_proxy_waits_for_the_files():
    """As in a pod: sallyport-proxy first, in a container of its own, whose
    limits are those that count."""
    with Driver(external=True, start=False, options=["--threads", "0"]) as d:
        os.mkdir(d.run, 0o700)
        d.maxconn = 0
        _, proxy = tools()
        process = subprocess.Popen([proxy, d.run, "--haproxy", HAPROXY],
                                   stderr=d.log, preexec_fn=little)
        try:
            until(lambda: os.path.exists(d.run + "/proxy.status"), "the proxy")
            d.start()
            d.do("cert - %s/default.pem" % d.dir)
            serve(d)
            d.do("complete")
            # A map that cannot be written yet, and so no file that names it.
            block = d.run + "/maps/http.map.tmp"
            os.mkdir(block)
            d.run_until(lambda: "could not start" in d.log_text(), "a try")
            assert not os.path.exists(d.run + "/haproxy.cfg")
            os.rmdir(block)
            d.apply()
            d.do("check")
            assert d.status()["restarts"] == 0
            assert d.who() == "a"
            info = d.cli("show info")
            assert "\nNbthread: 1\n" in info
            assert "\nMaxconn: 1350\n" in info     # (3000 - 300) / 2
            process.terminate()
            assert ended(process, d) == 0
            with pytest.raises(OSError):
                d.get()
        finally:
            process.kill()
            process.wait()


def test_one_proxy_for_a_run_directory(driver):
    d = driver
    serve(d)
    d.apply()
    _, proxy = tools()
    out = subprocess.run([proxy, d.run, "--haproxy", HAPROXY],
                         stderr=subprocess.PIPE, timeout=10)
    assert out.returncode == 1
    assert b"another sallyport-proxy runs" in out.stderr


def test_sigterm_finishes_requests(driver):
    d = driver
    e = serve(d)
    d.do("settle")
    e.delay = 1
    with socket.create_connection(d.http, timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\n\r\n")
        until(lambda: e.count == 1, "the request")
        wait = d.in_background("stop 10000")
        until(refused(d), "no new connections")
        assert b'"a"' in s.recv(65536)
        wait()
    pid = d.status()["pid"]
    until(lambda: not os.path.exists("/proc/%d" % pid), "the proxy gone")


def refused(d):
    def ask():
        try:
            socket.create_connection(d.http, timeout=1).close()
            return False
        except OSError:
            return True
    return ask


@pytest.fixture
def gate():
    """A driver whose HAProxy serves, and its master at a gate."""
    with Driver(start=False) as d:
        gate = Gate(d.dir)
        d.haproxy = gate.haproxy
        d.start()
        d.do("cert - %s/default.pem" % d.dir)
        serve(d)
        d.do("complete")
        d.apply()
        gate.driver = d
        gate.wait()
        yield gate


@reexec
def test_sigterm_before_the_master_has_handlers(gate):
    """The worker serves already, and the master loses the first signal."""
    d = gate.driver
    status = d.status()
    os.kill(status["pid"], signal.SIGTERM)
    until(lambda: is_pending(status["master"], signal.SIGUSR1), "the signal")
    gate.open()
    until(lambda: not os.path.exists("/proc/%d" % status["pid"]),
          "the proxy gone")


@reexec
def test_proxy_killed_before_the_master_has_handlers(gate):
    """The signal of its parent's death is lost: the next parent ends it."""
    d = gate.driver
    status, worker = d.status(), d.worker()
    os.kill(status["pid"], signal.SIGKILL)
    until(lambda: is_pending(status["master"], signal.SIGUSR1), "the signal")
    gate.open()
    d.met_again(worker)
    d.do("check")
    assert d.who() == "a"
    until(lambda: not os.path.exists("/proc/%d" % status["master"]),
          "the old master gone")


class Gate:
    """An HAProxy whose master waits at a FIFO before it becomes the one that
    only waits for workers."""

    def __init__(self, folder):
        self.fifo = folder + "/gate"
        self.haproxy = folder + "/haproxy"
        os.mkfifo(self.fifo)
        with open(self.haproxy, "w") as f:
            f.write("#!/bin/bash\n"
                    "if [ \"$HAPROXY_MWORKER_WAIT_ONLY\" ] && [ -p {0} ]; then\n"
                    "  read -r _ <{0}\n"
                    "fi\n"
                    "exec -a \"$0\" {1} \"$@\"\n".format(self.fifo, HAPROXY))
        os.chmod(self.haproxy, 0o755)

    def wait(self):
        """Until the master is there."""
        def other_end():
            try:
                return os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return None
        self.fd = until(other_end, "the master at the gate")

    def open(self):
        os.unlink(self.fifo)
        os.write(self.fd, b"\n")
        os.close(self.fd)


def is_pending(pid, number):
    with open("/proc/%d/status" % pid) as f:
        pending = re.search(r"(?m)^ShdPnd:\s*([0-9a-f]+)", f.read())[1]
    return int(pending, 16) >> (number - 1) & 1
