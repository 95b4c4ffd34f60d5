"""What runs: pods, the reconciler, HAProxy, and ways to look at them."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests"), str(ROOT / "tests/haproxy"),
                str(ROOT / "tests/e2e")]

import manifests  # noqa: E402
import rig  # noqa: E402
import state as states  # noqa: E402
from driver import built  # noqa: E402
from ports import free_port  # noqa: E402

until = rig.until


def process_of(pid):
    """(parent, state, start time), None where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            words = f.read().rsplit(b")", 1)[1].split()
        return int(words[1]), words[0].decode(), int(words[19])
    except (OSError, IndexError):
        return None


def places_here():
    """Where the pods of one Service are: one port, several addresses."""
    port = free_port()
    return [(f"127.0.1.{n + 1}", port) for n in range(states.PODS)]


def places_of_cluster():
    """On an address that endpoints of a cluster may have: the machine's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("192.0.2.1", 9))     # Sends nothing.
        address = s.getsockname()[0]
    return [(address, free_port()) for _ in range(states.PODS)]


class Pods:
    """One process for all runs of a seed; also has the certificates."""

    def __init__(self, folder, places=places_here):
        self.folder = folder
        self.places = {key: places() for key in states.all_services()}
        self.judge = places()[0]
        self.certs = {}
        told = [[*self.judge, "judge/no/0", None, 403]]
        for t in states.TENANTS:
            manifests.make_pair(folder, f"{t}-pod", [f"p.{t}.test"])
            for n in range(manifests.CERTS):
                self.certs[t, n] = manifests.make_pair(
                    folder, f"{t}-{n}", [f"a.{t}.test", f"p.{t}.test"])
        for (t, s), some in self.places.items():
            pem = f"{folder}/{t}-pod.pem" if s == "tls" else None
            told += [[*place, f"{t}/{s}/{n}", pem, 200]
                     for n, place in enumerate(some)]
        with open(f"{folder}/pods.json", "w") as f:
            json.dump(told, f)
        self.process = subprocess.Popen(
            [sys.executable, HERE / "pods.py", f"{folder}/pods.json"],
            stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        self.maker = manifests.Maker(self.places, self.judge, self.certs)

    def close(self):
        self.process.kill()
        self.process.wait()


class Folder:
    """Objects as files, each replaced by itself."""

    def __init__(self, path):
        self.path = path
        os.makedirs(path, exist_ok=True)
        self.have = {}

    def put(self, objects):
        """New and changed ones first, then those that go."""
        for name, one in objects.items():
            text = json.dumps(one)
            if self.have.get(name) != text:
                with open(self.path + "/.tmp", "w") as f:
                    f.write(text)
                os.rename(self.path + "/.tmp", f"{self.path}/{name}.json")
                self.have[name] = text
        for name in set(self.have) - set(objects):
            os.unlink(f"{self.path}/{name}.json")
            del self.have[name]

    def flags(self):
        return ["--manifests", self.path]

    @staticmethod
    def env():
        return {}

    def close(self):
        pass


class World:
    """The reconciler on some source of objects, with its HAProxy."""

    def __init__(self, source, folder, tmpfs=None):
        self.source, self.dir = source, folder
        self.run = folder + "/run"
        os.makedirs(self.run)
        self.is_mounted = bool(tmpfs) and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={tmpfs},mode=700", "none",
             self.run], capture_output=True).returncode == 0
        self.http = ("127.0.0.1", free_port())
        self.https = ("127.0.0.1", free_port())
        self.admin = ("127.0.0.1", free_port())
        self.log = open(folder + "/log", "ab")
        self.process = None
        self.sizes = []

    def start(self):
        self.process = subprocess.Popen(
            [built("SALLYPORT_RECONCILER", "build/sallyport-reconciler"),
             *self.source.flags(), "--run-dir", self.run, "--haproxy",
             rig.HAPROXY, "--bind-address", "127.0.0.1", "--http-port",
             str(self.http[1]), "--https-port", str(self.https[1]),
             "--admin-address", "127.0.0.1:%d" % self.admin[1],
             "--enable-ssl-passthrough", "--configmap",
             states.AUTH + "/sallyport", "--threads", "2", "--maxconn",
             "1000"], stdout=self.log, stderr=subprocess.STDOUT,
            env={**os.environ, **self.source.env()})

    def is_ready(self):
        assert self.process.poll() is None, "the reconciler ended: " + \
            self.text()[-3000:]
        try:
            return rig.http1(self.admin, "/readyz", "x").status == 200
        except OSError:
            return False

    def text(self):
        with open(self.dir + "/log", errors="replace") as f:
            return f.read()

    def metric(self, name, labels=""):
        got = rig.http1(self.admin, "/metrics", "x").body
        return sum(float(v) for v in re.findall(
            r"(?m)^%s(?:\{%s.*\})? ([0-9.]+)$" % (re.escape(name), labels),
            got))

    def selfcheck(self):
        """None where all is equal, else what differs."""
        n = self.metric("sallyport_selfchecks_total")
        bad = self.metric("sallyport_selfchecks_total", 'result="different"')
        self.process.send_signal(signal.SIGUSR1)
        until(lambda: self.metric("sallyport_selfchecks_total") > n,
              "a self-check, " + self.text()[-2000:])
        if self.metric("sallyport_selfchecks_total",
                       'result="different"') == bad:
            return None
        return [l for l in self.text().split("\n") if "self-check:" in l][-1]

    def size(self):
        """Its open files, and what it holds in KiB."""
        with open(f"/proc/{self.process.pid}/statm") as f:
            pages = int(f.read().split()[1])
        return len(os.listdir(f"/proc/{self.process.pid}/fd")), pages * 4

    def is_sanitized(self):
        with open(f"/proc/{self.process.pid}/maps") as f:
            return "libasan" in f.read()

    # --- Processes ---

    def is_ours(self, pid):
        return self.run in self.command(pid)

    def ours(self):
        """{pid: (parent, state, start)} of all that names our run-dir."""
        return {int(p): process_of(p) for p in os.listdir("/proc")
                if p.isdigit() and self.is_ours(p) and process_of(p) and
                process_of(p)[1] != "Z"}

    def find(self, who):
        """The pid of "reconciler", "proxy", "master", "worker" or "auth",
        None where there is none just now."""
        if who == "reconciler":
            return self.process.pid if self.process.poll() is None else None
        ours = self.ours()
        proxy = self.newest(ours, 0, "/sallyport-proxy ")
        if who == "proxy":
            return proxy
        if who == "auth":
            return self.newest(ours, proxy, "/sallyport-auth ")
        master = self.newest(ours, proxy, "/master.sock")
        return master if who == "master" else \
            self.newest(ours, master, "/master.sock")

    def newest(self, ours, parent, word):
        """Of the children of 'parent', 0: of anybody."""
        found = [(start, pid) for pid, (p, _, start) in ours.items()
                 if parent in (0, p) and word in self.command(pid)]
        return max(found)[1] if found and parent is not None else None

    @staticmethod
    def command(pid):
        try:
            with open(f"/proc/{pid}/cmdline") as f:
                return f.read().replace("\0", " ")
        except OSError:
            return ""

    # --- HAProxy ---

    def cli(self, command):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.run + "/haproxy.sock")
            s.sendall((command + "\n").encode("latin-1"))
            out = b""
            while more := s.recv(65536):
                out += more
            return out.decode("latin-1").strip()

    def stop(self):
        for pid in self.ours():
            try:
                os.kill(pid, signal.SIGCONT)
            except OSError:
                pass
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        end = time.monotonic() + 20
        while self.ours() and time.monotonic() < end:
            for pid in self.ours():
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            time.sleep(0.02)
        self.log.close()
        if self.is_mounted:
            shutil.copytree(self.run, self.dir + "/run-at-the-end",
                            ignore=lambda d, names: [
                                n for n in names if n.endswith(".sock") or
                                n.startswith("haproxy.sock")])
            subprocess.run(["umount", "-l", self.run])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def folder():
    return tempfile.mkdtemp(prefix="sp-chaos-", dir="/tmp")


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
