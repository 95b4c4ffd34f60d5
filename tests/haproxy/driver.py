"""The driver (driver_tool) over a real HAProxy that sallyport-proxy keeps.

DRIVER_TOOL and SALLYPORT_PROXY name the binaries (default: built now).
"""

import functools
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading

import rig
from rig import HAPROXY, ROOT, http1, make_cert, server, until

from ports import free_port     # rig says where that is.


@functools.cache
def built(variable, target):
    """The program of the environment, or what the Makefile builds now; a run
    of make costs a fifth of a test, so once is enough."""
    path = os.environ.get(variable)
    if not path:
        path = os.path.join(ROOT, target)
        subprocess.run(["make", "-s", "-C", ROOT, target], check=True)
    return path


def tools():
    return (built("DRIVER_TOOL", "build/release/tools/driver_tool"),
            built("SALLYPORT_PROXY", "build/sallyport-proxy"))


def version(binary):
    out = subprocess.run([binary, "-v"], stdout=subprocess.PIPE,
                         check=True).stdout.decode()
    return re.search(r"version (\S+)", out)[1]


def adds(binary):
    """Whether it has "add backend"."""
    major, minor = re.match(r"(\d+)\.(\d+)", version(binary)).groups()
    return (int(major), int(minor)) >= (3, 4)


def limit_descriptors():
    """The same on every machine: 20,000, of which HAProxy needs two each."""
    hard = min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Failed(Exception):
    pass


class Driver:
    """A run directory with its HAProxy; start() and kill() are those of the
    driver alone."""

    def __init__(self, passthrough=False, start=True, complete=True,
                 external=False, haproxy=HAPROXY, options=()):
        self.dir = tempfile.mkdtemp(prefix="sp-")
        self.run = self.dir + "/run"
        self.http = ("127.0.0.1", free_port())
        self.https = ("127.0.0.1", free_port())
        self.passthrough = passthrough
        self.external = external
        self.options = list(options)
        self.haproxy = haproxy
        self.maxconn = 2000
        self.process = None
        self.log = open(self.dir + "/driver.log", "ab")
        self.echoes = []
        make_cert(self.dir + "/default.pem", "default.test")
        if start:
            self.start()
            self.do("cert - %s/default.pem" % self.dir)
            if complete:
                self.do("complete")

    def start(self):
        tool, proxy = tools()
        args = [tool, "--run", self.run, "--http", str(self.http[1]),
                "--https", str(self.https[1]), "--maxconn",
                str(self.maxconn)]
        if not self.external:
            args += ["--haproxy", self.haproxy, "--proxy", proxy]
        if self.passthrough:
            args.append("--passthrough")
        args += self.options
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=self.log,
                                        preexec_fn=limit_descriptors)
        self.read()

    def read(self):
        lines = []
        while True:
            line = self.process.stdout.readline().decode("latin-1")
            if line == "ok\n":
                return "".join(lines)
            if line == "" or line.startswith("error "):
                raise Failed("".join(lines) + line + self.tail())
            lines.append(line)

    def tail(self):
        out = "\n--- driver\n"
        for name in ("driver.log", "run/proxy.log"):
            try:
                with open(self.dir + "/" + name, errors="replace") as f:
                    out += f.read()[-3000:] + "\n---\n"
            except OSError:
                pass
        return out

    def do(self, *commands):
        out = ""
        for command in commands:
            self.process.stdin.write(command.encode("latin-1") + b"\n")
            self.process.stdin.flush()
            out = self.read()
        return out

    def many(self, commands):
        """Commands without waiting for each answer."""
        commands = list(commands)
        for at in range(0, len(commands), 100):
            part = commands[at:at + 100]
            self.process.stdin.write(
                "".join(c + "\n" for c in part).encode("latin-1"))
            self.process.stdin.flush()
            for _ in part:
                self.read()

    def apply(self, *commands):
        self.do(*commands)
        self.do("apply")

    def in_background(self, command):
        """Sends a command; call the result to get its answer."""
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.read

    def echo(self, e):
        self.echoes.append(e)
        return "127.0.0.1:%d" % e.port

    def kill(self):
        self.process.kill()
        self.process.wait()

    def metric(self, name):
        """The sum over a family's series."""
        return sum(float(line.rsplit(" ", 1)[1])
                   for line in self.do("metrics").splitlines()
                   if re.match(re.escape(name) + r"(\{| )", line))

    def status(self):
        with open(self.run + "/proxy.status") as f:
            return {k: int(v) for k, v in
                    (line.split(": ") for line in f.read().splitlines())}

    def cli(self, command, sock="haproxy.sock"):
        return rig.cli(self.run, command, sock)

    def worker(self):
        return rig.worker(self.run)

    def has_other(self, worker):
        """Whether another worker serves than that one."""
        return self.worker() not in (worker, None)

    def run_until(self, condition, what):
        """Lets the driver run until something has become true."""
        until(lambda: self.do("run 20") or condition(), what)

    def checked(self):
        """HAProxy equals the plan, at the latest once the worker of a reload
        that another driver has asked for is met."""
        def same():
            try:
                self.do("check")
            except Failed:
                return False
            return True
        if not same():
            self.run_until(same, "HAProxy as planned")

    def replaced(self, worker):
        """Waits for the worker that comes for one that was killed."""
        self.run_until(lambda: self.has_other(worker), "another worker")

    def met_again(self, worker):
        """... and until the driver has given it what its files do not say."""
        self.replaced(worker)
        now = "worker %d," % self.worker()
        self.run_until(lambda: now in self.log_text(), "the driver's look")
        self.do("apply")

    def log_text(self):
        with open(self.dir + "/driver.log", errors="replace") as f:
            return f.read()

    def get(self, target="/", host="h.test", **more):
        return http1(self.http, target, host, **more)

    def who(self, target="/", host="h.test"):
        return server(self.get(target, host))

    def stop(self):
        if self.process and self.process.poll() is None:
            try:
                self.do("stop 0")
            except (Failed, OSError):
                pass
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        try:
            pid = self.status()["pid"]
            with open("/proc/%d/cmdline" % pid) as f:
                if self.run in f.read():
                    os.kill(pid, signal.SIGINT)
                    until(lambda: not os.path.exists("/proc/%d" % pid),
                          "sallyport-proxy ended")
        except (OSError, KeyError, ValueError):
            pass
        for e in self.echoes:
            e.close()
        self.log.close()
        if os.environ.get("KEEP"):
            print("kept", self.dir)
        else:
            shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Load:
    """Requests, one connection each, until told to end.  'answers' counts
    what came by server name or status, 0 for none.  Each thread rests a moment
    after each: several loads share a machine, and a stop shows all the same."""

    def __init__(self, driver, target="/", host="h.test", threads=2,
                 first=50):
        self.driver, self.target, self.host = driver, target, host
        self.first = first
        self.answers = {}
        self.errors = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work)
                        for _ in range(threads)]

    def work(self):
        while not self.over.wait(0.003):
            try:
                got = self.driver.who(self.target, self.host)
            except OSError as e:
                got = 0
                self.errors.append(repr(e))
            with self.lock:
                self.answers[got] = self.answers.get(got, 0) + 1

    def total(self):
        return sum(self.answers.values())

    def more(self, n=50):
        """Waits for that many answers from now on."""
        end = self.total() + n
        until(lambda: self.total() >= end, "more answers")

    def __enter__(self):
        for t in self.threads:
            t.start()
        self.more(self.first)
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join()
