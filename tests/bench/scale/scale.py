#!/usr/bin/python3
"""What a change costs and what everything weighs, by the size of the cluster.

usage: scale.py memory|events|cpu [--sizes N,N,...] [--keep]

memory   resident size and cold start of the reconciler and of HAProxy
events   instructions of both for one change: by the CPU's own counter (perf)
         where there is one, else by callgrind
cpu      CPU of both for one change

The API server is world.py; HAProxy is the real one.  A table is kept as each
size is done.
"""

import argparse
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from meters import Callgrind, Cpu, Perf
from world import Api, World

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parent), str(ROOT / "tests")]

import table                    # noqa: E402
from ports import free_port     # noqa: E402

TOOLS = ROOT / "build" / "release" / "tools"
DEADLINE = 1200


def until(condition, what, deadline=DEADLINE, pause=0.01):
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not in time: " + what)
        time.sleep(pause)


def make_pair(folder):
    crt, key = folder / "api.crt", folder / "api.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-out", crt, "-subj", "/CN=api", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-days", "30"],
                   check=True, stderr=subprocess.DEVNULL)
    return str(crt), str(key)


class Rig:
    """A world, its API server, and a reconciler with HAProxy."""

    def __init__(self, n, callgrind=False, **shape):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sp-"))
        self.world = World(n, TOOLS / "bench-certs", **shape)
        crt, key = make_pair(self.folder)
        self.api = Api(self.world, crt, key)
        self.run = self.folder / "run"
        self.admin = free_port()
        self.http, self.https = free_port(), free_port()
        config = self.folder / "kubeconfig"
        config.write_text("""{"current-context": "c", "contexts": [{"name":
            "c", "context": {"cluster": "k", "user": "u"}}], "clusters":
            [{"name": "k", "cluster": {"server": "%s",
            "certificate-authority": "%s"}}], "users": [{"name": "u", "user":
            {"token": "t"}}]}""" % (self.api.url, crt))
        command = [ROOT / "build" / "sallyport-reconciler", "--kubeconfig",
                   config, "--run-dir", self.run, "--http-port", self.http,
                   "--https-port", self.https, "--bind-address", "127.0.0.1",
                   "--admin-address", "127.0.0.1:%d" % self.admin,
                   "--cluster-claims=false", "--maxconn", 2000,
                   "--publish-status-address", "127.0.0.1"]
        if callgrind:
            command += ["--haproxy", self.wrap("/usr/sbin/haproxy")]
            command[:0] = Callgrind.command(self.folder)
        self.is_callgrind = callgrind
        self.log = open(self.folder / "log", "wb")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [str(a) for a in command], stdout=self.log,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            until(self.is_ready, "ready")
        except AssertionError:
            print(self.tail(), file=sys.stderr)
            raise
        self.ready = time.monotonic()

    def wrap(self, program):
        """A script that runs it under callgrind, and its workers as well."""
        script = self.folder / "wrapped"
        script.write_text("#!/bin/sh\nexec %s --trace-children=yes %s \"$@\"\n"
                          % (" ".join(Callgrind.command(self.folder)),
                             program))
        script.chmod(0o755)
        return script

    def settle(self):
        """Until all that follows the start is done: the Lease is ours, and
        three seconds in a row took less than a tenth of a CPU."""
        until(lambda: self.metric("sallyport_leader") == 1, "the Lease")
        meter, quiet = Cpu(self.process.pid), 0
        end = time.monotonic() + DEADLINE
        while quiet < 3:
            assert time.monotonic() < end, "it never rests"
            meter.begin()
            time.sleep(1)
            quiet = quiet + 1 if meter.end() < 100000 else 0

    def tail(self):
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def get(self, path):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" %
                                        (self.admin, path), timeout=60) as r:
                return r.read().decode()
        except OSError:
            return None

    def is_ready(self):
        assert self.process.poll() is None, self.tail()
        return self.get("/readyz") is not None

    def metric(self, name):
        return sum(float(line.rsplit(" ", 1)[1])
                   for line in (self.get("/metrics") or "").splitlines()
                   if re.match(re.escape(name) + r"(\{| )", line))

    def cli(self, command):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(str(self.run / "haproxy.sock"))
            s.sendall((command + "\n").encode("latin-1"))
            out = b""
            while True:
                more = s.recv(65536)
                if not more:
                    return out.decode("latin-1").strip()
                out += more

    def worker(self):
        return int(re.search(r"(?m)^Pid: (\d+)", self.cli("show info"))[1])

    def slot(self, host):
        """The slot that the row of a host names; None: no row."""
        found = re.search(r'found=yes.*value="([^";]*)', self.cli(
            "get map %s/maps/https.map %s/" % (self.run, host)))
        return found and found[1]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)
        self.log.close()
        self.api.close()
        if os.environ.get("KEEP"):
            print("kept", self.folder)
        else:
            shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def resident_mb(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"Rss:\s+(\d+)", f.read())[1]) / 1024


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(sizes, keep):
    rows = ["| Ingresses | listed s | ready after lists s | CPU s | "
            "HAProxy CPU s | reconciler MB | HAProxy MB | descriptors |",
            "|---|---|---|---|---|---|---|---|"]
    points = {"reconciler": [], "HAProxy": []}
    for n in sizes:
        table.tell("memory: starts at %d" % n)
        with Rig(n) as rig:
            listed = max(rig.api.listed.values())
            mb = [resident_mb(pid)
                  for pid in (rig.process.pid, rig.worker())]
            rows.append("| %d | %.2f | %.2f | %.2f | %.2f | %.1f | %.1f | "
                        "%d |" % (
                            n, listed - rig.started, rig.ready - listed,
                            cpu_s(rig.process.pid), cpu_s(rig.worker()), *mb,
                            len(os.listdir("/proc/%d/fd" % rig.worker()))))
            print(rows[-1], flush=True)
            for name, value in zip(points, mb):
                points[name].append((n, value))
        if keep:
            table.keep("scale", table.facts() + "\n\n" + "\n".join(rows))
    if keep:
        table.plot("scale", "Resident memory", "MB", points)


CHANGES = 20
LOOK = 0.05
IDLE = 10


def nothing(rig, _):
    """What goes on anyway, and the looks of the changes below."""
    slot = rig.slot("app0.bench.test")
    end = time.monotonic() + IDLE
    while time.monotonic() < end:
        rig.cli("show servers conn " + slot)
        time.sleep(LOOK)


def change_endpoints(rig, k):
    """One endpoint of a Service gives way to another."""
    service = k % len(rig.slots)
    slot = rig.slots[service]
    document = rig.world.slice(service, first=40000 + 4 * k)
    rig.api.event("endpointslices", document)
    address = document["endpoints"][0]["addresses"][0]
    until(lambda: address in rig.cli("show servers conn " + slot), address,
          pause=LOOK)


def create(rig, k):
    rig.api.event("ingresses", dict(rig.world.ingress(rig.world.n + k)),
                  "ADDED")
    host = "app%d.bench.test" % (rig.world.n + k)
    until(lambda: rig.slot(host), host, pause=LOOK)


def delete(rig, k):
    rig.api.event("ingresses", dict(rig.world.ingress(rig.world.n + k)),
                  "DELETED")
    host = "app%d.bench.test" % (rig.world.n + k)
    until(lambda: not rig.slot(host), host, pause=LOOK)


def count(rig, meters, change, n):
    """What 'n' times 'change' took of each meter, and the seconds."""
    begun = time.monotonic()
    for m in meters:
        m.begin()
    for k in range(n):
        change(rig, k)
    time.sleep(1)               # What follows a change: status, Events.
    taken = [m.end() for m in meters]
    return taken, time.monotonic() - begun


def meters_of(rig, unit):
    pids = rig.process.pid, rig.worker()
    if unit == "CPU µs":
        return [Cpu(pid) for pid in pids]
    if rig.is_callgrind:
        return [Callgrind(pid, rig.folder) for pid in pids]
    return [Perf(pid) for pid in pids]


def events(sizes, keep, name="events", unit="instructions"):
    rows = ["| change | Ingresses | %s of ours | %s of HAProxy |" %
            (unit, unit), "|---|---|---|---|"]
    callgrind = unit == "instructions" and not Perf.works()
    by = "" if unit == "CPU µs" else \
        "Counted by %s." % ("callgrind" if callgrind else "perf")
    for n in sizes:
        table.tell("%s: starts at %d" % (name, n))
        with Rig(n, callgrind=callgrind) as rig:
            rig.slots = [rig.slot("app%d.bench.test" % i)
                         for i in range(min(CHANGES, rig.world.services))]
            for change in (change_endpoints, create, delete):
                change(rig, CHANGES + 1)        # What is done only once.
            meters = meters_of(rig, unit)
            rig.settle()
            taken, seconds = count(rig, meters, nothing, 1)
            idle = [t / seconds for t in taken]
            rows.append("| a second of nothing | %d | %d | %d |" %
                        (n, *idle))
            print(rows[-1], flush=True)
            for change in (change_endpoints, create, delete):
                taken, seconds = count(rig, meters, change, CHANGES)
                rows.append("| %s | %d | %d | %d |" % (
                    change.__name__.split("_")[-1], n, *(
                        (t - rate * seconds) / CHANGES
                        for t, rate in zip(taken, idle))))
                print(rows[-1], flush=True)
        if keep:
            table.keep(name, table.facts(by) + "\n\n" + "\n".join(rows))


def cpu(sizes, keep):
    events(sizes, keep, "cpu", "CPU µs")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["memory", "events", "cpu"])
    parser.add_argument("--sizes", default="100,3000,10000,50000")
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    limit = min(100000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    {"memory": memory, "events": events, "cpu": cpu}[args.what](
        [int(s) for s in args.sizes.split(",")], args.keep)


if __name__ == "__main__":
    main()
