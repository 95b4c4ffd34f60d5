#!/usr/bin/python3
"""The admission benchmark: our webhook, the same server answering a constant,
and the least a webhook on controller-runtime can do.

usage: bench.py [--keep] [--rounds N] [--seconds N] [--sizes N,N,...]
       bench.py --callgrind [--reviews N] [--sizes N,...]

All servers are up at once, and rounds are interleaved: what disturbs the
machine disturbs all of them.  Ours follows an API server (api.py), as in a
cluster.  --keep puts the table into docs/benchmarks.md.  Nothing here judges a
time; a wrong verdict or a failed request is an error.

--callgrind counts the instructions of the webhook's handler for a review,
without HTTP and TLS, and prints where they go.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from ports import free_port     # noqa: E402

BUILD = ROOT / "build"
TOOLS = BUILD / "release" / "tools"
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- admission: begin -->", "<!-- admission: end -->"

RATE = 500
READY_S = 300
OURS, CONSTANT, PEER = "sallyport", "constant", "controller-runtime"


class Server:
    """One process under load, and what was measured of it."""

    def __init__(self, kind, size, folder, command, port, ready_port):
        self.kind, self.size, self.folder, self.port = \
            kind, size, folder, port
        self.rounds = []
        self.log = open(folder / f"{kind}.log", "wb")
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log,
                                        stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL)
        self.wait_ready(ready_port)
        self.load_s = time.monotonic() - started
        self.loaded_mb = self.resident_mb()

    def wait_ready(self, port):
        deadline = time.monotonic() + READY_S
        while not is_answering(port, self.kind == OURS):
            if self.process.poll() is not None or \
                    time.monotonic() > deadline:
                self.stop()
                sys.exit(f"bench: {self.kind} does not start: see "
                         f"{self.log.name}\n"
                         + pathlib.Path(self.log.name).read_text()[-2000:])
            time.sleep(0.02)

    def resident_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status") \
                .read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_ns(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return sum(int((t / "schedstat").read_text().split()[0])
                   for t in tasks.iterdir())

    def load(self, authority, rate, seconds):
        """One run of the load; with the server's own CPU per review."""
        command = [TOOLS / "admission-load", self.port, authority,
                   self.folder, self.size, rate, seconds]
        if self.kind == CONSTANT:
            command.append("blind")
        before = self.cpu_ns()
        out = json.loads(subprocess.run(
            [str(c) for c in command], check=True, stdout=subprocess.PIPE,
            timeout=seconds + 120).stdout)
        out["cpu"] = (self.cpu_ns() - before) / 1e3 / out["sent"]
        if out["failed"]:
            sys.exit(f"bench: {self.kind} at {self.size}: {out['failed']} "
                     f"of {out['sent']} reviews got another verdict")
        return out

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT if self.kind == OURS
                                     else signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def is_answering(port, over_http):
    """Ours says when it knows all; the others listen when they do."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            if not over_http:
                return True
            s.sendall(b"GET /readyz HTTP/1.1\r\nHost: a\r\n"
                      b"Connection: close\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def make_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=webhook.test", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(folder / "tls.key"), "-out",
         str(folder / "tls.crt")], check=True, capture_output=True)


def start_api(size, folder, stack):
    """An API server that has the objects; the kubeconfig for it."""
    config = folder / "kubeconfig"
    api = subprocess.Popen(
        [HERE / "api.py", str(size), folder.parent / "tls.crt",
         folder.parent / "tls.key", config], stdin=subprocess.DEVNULL)
    stack.callback(api.wait)
    stack.callback(api.kill)
    deadline = time.monotonic() + READY_S
    while not config.exists():
        if api.poll() is not None or time.monotonic() > deadline:
            sys.exit("bench: the API server does not start")
        time.sleep(0.02)
    return config


def start(kind, size, folder, peer):
    port, admin = free_port(), free_port()
    crt, key = folder.parent / "tls.crt", folder.parent / "tls.key"
    address = f"127.0.0.1:{port}"
    commands = {
        # Claims in the API server would measure the API server.
        OURS: [BUILD / "sallyport-webhook", "--kubeconfig",
               folder / "kubeconfig", "--cluster-claims=false",
               "--tls-certificate-file", crt,
               "--tls-key-file", key, "--listen", address,
               "--admin-address", f"127.0.0.1:{admin}"],
        CONSTANT: [TOOLS / "admission-constant", address, crt, key],
        PEER: [peer, port, folder.parent, folder / "manifests"],
    }
    return Server(kind, size, folder, [str(c) for c in commands[kind]], port,
                  admin if kind == OURS else port)


# ---- The table ----

def spread(values, digits=0):
    """Median (least to most)."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def ratio(over, under, pick):
    """Median of the ratios within each round."""
    return statistics.median(pick(a) / pick(b)
                             for a, b in zip(over.rounds, under.rounds))


def p50(r):
    return r["steady"]["p50"]


def p99(r):
    return r["steady"]["p99"]


def full(r):
    return r["full"]["per_second"]


def cpu(r):
    return r["full"]["cpu"]


def facts(args, load_before):
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f
                      if line.startswith("model name")), platform.machine())
    now = datetime.datetime.now(datetime.timezone.utc)
    return [
        f"{now:%Y-%m-%d %H:%M} UTC; {model}, {os.cpu_count()} CPUs, which "
        f"servers and load share; Linux {platform.release()}; load average "
        f"{load_before[0]:.1f} before and {os.getloadavg()[0]:.1f} after. "
        f"{args.rounds} rounds of {args.seconds} s each at {RATE} a second "
        f"and at saturation, 8 connections. Median (least to most) of the "
        f"rounds.",
    ]


def rows(servers):
    yield "| server | Ingresses | p50 µs | p99 µs | reviews/s | " \
          "CPU µs/review | load s | MB loaded | MB after |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for s in servers:
        yield " | ".join([
            f"| {s.kind}", f"{s.size:,}",
            spread([p50(r) for r in s.rounds]),
            spread([p99(r) for r in s.rounds]),
            spread([full(r) for r in s.rounds]),
            spread([cpu(r) for r in s.rounds]),
            f"{s.load_s:.1f}", f"{s.loaded_mb:.0f}",
            f"{s.resident_mb():.0f} |"])


def aims(by):
    sizes = sorted({size for _, size in by})
    least, most = sizes[0], sizes[-1]
    ours = by[OURS, most]
    yield f"| aim, at {most:,} Ingresses | wanted | measured |"
    yield "|---|---|---|"
    yield "| p99 at 500 a second, idle machine | < 1,000 µs | " + \
        spread([p99(r) for r in ours.rounds]) + " |"
    yield f"| p50, over p50 at {least:,} | <= 1.2 | " \
        f"{ratio(ours, by[OURS, least], p50):.2f} |"
    constant = by[CONSTANT, most]
    yield "| reviews/s, over the constant server's | >= 0.5 | " \
        f"{ratio(ours, constant, full):.2f} |"
    if (PEER, most) in by:
        yield "| reviews/s, over controller-runtime's | >= 2 | " \
            f"{ratio(ours, by[PEER, most], full):.2f} |"
        yield "| CPU per review, of controller-runtime's | none | " \
            f"{ratio(ours, by[PEER, most], cpu):.2f} |"
    yield f"| resident memory after loading | < 60 MB | " \
        f"{ours.loaded_mb:.0f} MB |"


def keep(lines):
    page = PAGE.read_text()
    head, rest = page.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    PAGE.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END
                    + tail)


# ---- The run ----

def read_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--sizes", default="100,10000,50000")
    parser.add_argument("--callgrind", action="store_true")
    parser.add_argument("--reviews", type=int, default=500)
    return parser.parse_args()


def build_peer():
    out = subprocess.run([HERE / "build-peer"], stdout=subprocess.PIPE,
                         text=True)
    if out.returncode == 3:
        print("bench: without Go, nothing is compared with "
              "controller-runtime", file=sys.stderr)
        return None
    if out.returncode != 0:
        sys.exit("bench: the controller-runtime webhook does not build")
    return out.stdout.strip()


def run(args, top, stack):
    sizes = [int(s) for s in args.sizes.split(",")]
    peer = build_peer()
    kinds = [OURS, CONSTANT] + ([PEER] if peer else [])
    servers = []
    make_certificate(top)
    for size in sizes:
        folder = top / str(size)
        folder.mkdir()
        subprocess.run([HERE / "generate.py", str(size), str(folder)],
                       check=True)
        start_api(size, folder, stack)
        for kind in kinds:
            servers.append(start(kind, size, folder, peer))
            stack.callback(servers[-1].stop)
            print(f"bench: {kind} at {size} is up after "
                  f"{servers[-1].load_s:.1f} s", file=sys.stderr)
    for number in range(args.rounds):
        for s in servers:
            s.rounds.append({
                "steady": s.load(top / "tls.crt", RATE, args.seconds),
                "full": s.load(top / "tls.crt", 0, args.seconds),
            })
        print(f"bench: round {number + 1} of {args.rounds}, load average "
              f"{os.getloadavg()[0]:.1f}", file=sys.stderr)
    return servers


def callgrind(args, top, stack):
    size = int(args.sizes.split(",")[0])
    folder = top / str(size)
    folder.mkdir()
    make_certificate(top)
    subprocess.run([HERE / "generate.py", str(size), str(folder)], check=True)
    config = start_api(size, folder, stack)
    subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=server_answer",
         f"--callgrind-out-file={folder}/out", TOOLS / "admission-handler",
         folder, config, str(size), str(args.reviews)],
        check=True, stderr=subprocess.DEVNULL)
    text = subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", f"{folder}/out"],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    seen = set()
    for line in text.splitlines():
        found = re.match(r" *([\d,]+) .*?([\w.]+):([\w']+)(?: \[.*)?$", line)
        if found and found[3] not in seen:
            seen.add(found[3])
            count = int(found[1].replace(",", "")) // args.reviews
            print(f"{count:9,}  {found[3]} ({found[2]})")


def main():
    args = read_args()
    load_before = os.getloadavg()
    top = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-bench-"))
    try:
        with contextlib.ExitStack() as stack:
            if args.callgrind:
                callgrind(args, top, stack)
                return
            servers = run(args, top, stack)
            by = {(s.kind, s.size): s for s in servers}
            lines = [*facts(args, load_before), "", *rows(servers), "",
                     *aims(by)]
    finally:
        shutil.rmtree(top)
    print("\n".join(lines))
    if args.keep:
        keep(lines)


if __name__ == "__main__":
    main()
