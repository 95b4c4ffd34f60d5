#!/usr/bin/python3
"""The data plane: the program beside a configuration written by hand.

usage: bench.py [--keep] [--rounds N] [--requests N] [--sizes N,N,...]
                [--modes plain,keep,new] [--callgrind]

All run at once, each HAProxy with one thread and, where there are two CPUs, on
one of its own, beside load and servers: both sides at every size, and the
program with 5,000 routes of policies beside the plain ones.  Rounds are
interleaved, and every ratio is taken within a round, so also that of the
largest size to 100 hosts.  CPU is that of the HAProxy process, user and
system, from the scheduler's own clock.  Beside a median stands its upper 95 %
bound by order statistics.  --callgrind counts instructions instead, which
repeat where times do not.  Nothing here judges a time; an answer other than
200 is an error.  The table of a mode is kept as soon as it is there; a mode
that fails leaves the others alone, and fails the whole in the end.
"""

import argparse
import concurrent.futures
import contextlib
import math
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "tests" / "haproxy"), str(HERE.parent)]

import table            # noqa: E402
from rig import MAPS    # noqa: E402

TOOLS = ROOT / "build" / "release" / "tools"
HAPROXY = os.environ.get("HAPROXY", "/usr/sbin/haproxy")

MARK = "\x01"
PER_BACKEND = 10
CONNECTIONS = 16
MODES = {"plain": "plain HTTP", "keep": "TLS, keep-alive",
         "new": "TLS, new connections"}
SHARE = {"plain": 1, "keep": 1, "new": 0.1}     # Of --requests.
SMALL = 100             # The size that others are compared with.
POLICIES = 5000
CPUS = sorted(os.sched_getaffinity(0))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, what, deadline=300):
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not in time: " + what)
        time.sleep(0.02)


def run(*words):
    return subprocess.run([str(w) for w in words], check=True,
                          stdout=subprocess.PIPE).stdout.decode("latin-1")


def alone():
    """HAProxy, from here on, and nothing else on one CPU."""
    if len(CPUS) > 1:
        os.sched_setaffinity(0, CPUS[:1])


def beside():
    """Load and servers on the others."""
    if len(CPUS) > 1:
        os.sched_setaffinity(0, CPUS[1:])


class Side:
    """One HAProxy with one configuration for 'n' hosts."""

    def __init__(self, name, n, origin, callgrind=False):
        self.name, self.n, self.origin = name, n, origin
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sp-"))
        self.http, self.https = free_port(), free_port()
        (self.dir / "certs").mkdir()
        pem = self.dir / "certs" / "default.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-keyout", pem, "-out",
            str(pem) + ".crt", "-subj", "/CN=default.test", "-days", "30")
        with open(pem, "a") as f:
            f.write(pathlib.Path(str(pem) + ".crt").read_text())
        self.write()
        command = [HAPROXY, "-db", "-f", str(self.dir / "haproxy.cfg")]
        if callgrind:
            # What it takes to start is not counted, and so takes less.
            command[:0] = ["valgrind", "--tool=callgrind",
                           "--instr-atstart=no",
                           "--callgrind-out-file=%s/out" % self.dir]
        self.output = open(self.dir / "output", "wb")
        self.process = subprocess.Popen(
            command, stdout=self.output, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=None if callgrind else alone)
        until(self.is_up, "HAProxy: " +
              (self.dir / "output").read_text(errors="replace"))

    def is_up(self):
        assert self.process.poll() is None, \
            (self.dir / "output").read_text(errors="replace")
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(self.dir / "haproxy.sock")) == 0

    def backends(self):
        return range(max(1, self.n // PER_BACKEND))

    def load(self, mode, requests, first=0):
        port = self.http if mode == "plain" else self.https
        words = run(TOOLS / "bench-load", port, mode, CONNECTIONS, requests,
                    self.n, first).split()
        return int(words[0]) / float(words[1])

    def cpu_s(self):
        total = 0
        for task in os.listdir("/proc/%d/task" % self.process.pid):
            with open("/proc/%d/task/%s/schedstat" % (self.process.pid,
                                                      task)) as f:
                total += int(f.read().split()[0])
        return total / 1e9

    def control(self, word):
        subprocess.run(["callgrind_control", word, str(self.process.pid)],
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def instructions(self, mode, requests):
        """Each request's, by callgrind."""
        self.load(mode, requests)
        self.control("--instr=on")
        self.load(mode, max(10, requests // 10), 1)
        self.control("--zero")
        self.load(mode, requests, 2)
        before = set(self.dir.glob("out*"))
        self.control("--dump")
        until(lambda: set(self.dir.glob("out*")) - before, "a dump", 60)
        text = (set(self.dir.glob("out*")) - before).pop().read_text(
            errors="replace")
        self.control("--instr=off")
        return int(re.search(r"(?m)^(?:summary|totals): (\d+)",
                             text)[1]) / requests

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.output.close()
        if os.environ.get("KEEP"):
            print("kept", self.dir)
        else:
            shutil.rmtree(self.dir)


class Written(Side):
    """handwritten.cfg."""

    def write(self):
        text = (HERE / "handwritten.cfg").read_text()
        text, rules = text.split("@@part\n")
        lines = []
        for line in text.splitlines():
            if line.startswith("@@rules"):
                _, scheme, port = line.split()
                lines += rules.replace("@SCHEME@", scheme).replace(
                    "@PORT@", port).splitlines()
            else:
                lines.append(line)
        text = "\n".join(lines) + "\n"
        text = text.replace("@RUN@", str(self.dir)) \
            .replace("@HTTP_BIND@", "127.0.0.1:%d" % self.http) \
            .replace("@HTTPS_BIND@", "127.0.0.1:%d" % self.https)
        for b in self.backends():
            text += "\nbackend app%d\n    server s1 127.0.0.1:%d\n" % (
                b, self.origin)
        text += "\nbackend none\n    http-request return status 404\n"
        (self.dir / "haproxy.cfg").write_text(text)
        with open(self.dir / "hosts.map", "w") as f:
            for i in range(self.n):
                f.write("app%d.bench.test/ app%d\n" % (
                    i, i % len(self.backends())))


class Program(Side):
    """The program, its slots filled as the driver fills them at start."""

    policies = 0

    def slot(self, i):
        return "plain-roundrobin-5000.%04d" % (i % len(self.backends()) + 1)

    def write(self):
        (self.dir / "maps").mkdir()
        (self.dir / "lua").mkdir()
        run(TOOLS / "render_tool", "scripts", self.dir)
        for name in MAPS:
            (self.dir / "maps" / (name + ".map")).touch()
        (self.dir / "crt-list").write_text(
            "%s/certs/default.pem !*\n" % self.dir)
        text = run(TOOLS / "render_tool", self.dir,
                   "http=127.0.0.1:%d" % self.http,
                   "https=127.0.0.1:%d" % self.https, "nbthread=1",
                   "maxconn=2000", "table_size=1000",
                   "class=plain,roundrobin,5000,%d" % len(self.backends()),
                   "class=policy,roundrobin,5000,1")
        server = "    server s1 127.0.0.1:%d id 1 pool-purge-delay 5s " \
            "pool-max-conn -1\n" % self.origin
        text = re.sub(r"(?m)^(backend (?:plain|policy)-.*\n)", r"\1" + server,
                      text)
        (self.dir / "haproxy.cfg").write_text(text, encoding="latin-1")
        rows = ["app%d.bench.test/ %s\n" % (i, self.slot(i))
                for i in range(self.n)]
        rows += self.write_policies()
        for name in ("http", "https"):
            (self.dir / "maps" / (name + ".map")).write_text("".join(rows))

    def write_policies(self):
        """Routes of policies all different: a limit, a list, a rewrite."""
        rows = []
        files = {name: [] for name in MAPS}
        for i in range(self.policies):
            out = run(TOOLS / "render_tool", "policy", "BODY=%d" % (1000 + i),
                      "allow=10.%d.%d.0/24" % (i >> 8, i & 255)) \
                if i == 0 else out_of(first, i)
            if i == 0:
                first = out
            lines = out.rstrip("\n").split("\n")
            rid, flags = lines[0].split("\t")[:2]
            rows.append("policy%d.bench.test/ policy-roundrobin-5000.0001;"
                        "%s;%s\n" % (i, rid, flags))
            for line in lines[1:]:
                where, key, value = line.split("\t")
                files[where].append("%s %s\n" % (key, value))
        for name, text in files.items():
            if text:
                (self.dir / "maps" / (name + ".map")).write_text(
                    "".join(text))
        return rows


class Beside(Program):
    """The same with policies beside the plain routes."""

    policies = POLICIES


def out_of(first, i):
    """The rows of the first policy under another id."""
    rid = first.split("\t")[0]
    return first.replace(rid, "r%016x" % i)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--sizes", default="1,100,10000,50000")
    parser.add_argument("--modes", default="plain,keep,new")
    parser.add_argument("--callgrind", action="store_true")
    args = parser.parse_args()
    args.modes = args.modes.split(",")
    for mode in args.modes:
        if mode not in MODES:
            parser.error(f"no mode {mode!r}: {', '.join(MODES)}")
    sizes = [int(s) for s in args.sizes.split(",")]
    if not args.callgrind:
        beside()
    port = free_port()
    origin = subprocess.Popen([TOOLS / "bench-origin", str(port)])
    try:
        if args.callgrind:
            count(sizes, args, port)
        else:
            measure(sizes, args, port)
    finally:
        origin.kill()
        origin.wait()


def upper(values):
    """The upper 95 % bound of the median: of 15 values the twelfth."""
    below = 0
    for k, value in enumerate(sorted(values)):
        below += math.comb(len(values), k) / 2 ** len(values)
        if below >= 0.95:
            return value
    return max(values)


def ratio(over, under):
    """Round by round: the median and its bound."""
    all_of = [x / y for x, y in zip(over, under)]
    return "%.3f (%.3f)" % (statistics.median(all_of), upper(all_of))


def spread(values):
    return "%.1f (%.1f to %.1f)" % (statistics.median(values), min(values),
                                    max(values))


def sides_of(sizes, modes):
    """What is measured, in pairs of one size; one more beside policies."""
    return [(kind, n) for n in sizes for kind in (Written, Program)] + \
        ([(Beside, SMALL)] if SMALL in sizes and "plain" in modes else [])


def requests_of(args, mode):
    return max(200, int(args.requests * SHARE[mode]))


def one_count(kind, n, modes, args, port):
    """{mode: instructions}."""
    side = kind(kind.__name__, n, port, callgrind=True)
    seen = {}
    try:
        for mode in modes:
            seen[mode] = side.instructions(mode, requests_of(args, mode) // 4)
            table.tell("%s, %d hosts, %s: %d instructions" % (
                side.name, n, MODES[mode], seen[mode]))
    finally:
        side.stop()
    return seen


def count(sizes, args, port):
    """Two at a time: instructions are the same on a busy machine."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        seen = {(kind, n): pool.submit(
            one_count, kind, n, ["plain"] if kind is Beside else args.modes,
            args, port)
            for kind, n in sides_of(sizes, args.modes)[::-1]}
    seen = {key: f.result() for key, f in seen.items()}
    rows = ["| hosts | mode | by hand | program | ratio |",
            "|---|---|---|---|---|"]
    more = ["| what | mode | by hand | program |", "|---|---|---|---|"]
    for mode in args.modes:
        hand, ours = ({n: seen[kind, n][mode] for n in sizes}
                      for kind in (Written, Program))
        for n in sizes:
            rows.append("| %d | %s | %d | %d | %.3f |" % (
                n, MODES[mode], hand[n], ours[n], ours[n] / hand[n]))
        if SMALL in sizes and max(sizes) > SMALL:
            more.append("| %d hosts over %d | %s | %.3f | %.3f |" % (
                max(sizes), SMALL, MODES[mode],
                *(v[max(sizes)] / v[SMALL] for v in (hand, ours))))
        if mode == "plain" and (Beside, SMALL) in seen:
            more.append("| %d routes of policies beside, over none | %s | | "
                        "%.3f |" % (POLICIES, MODES[mode],
                                    seen[Beside, SMALL][mode] / ours[SMALL]))
    finish("dataplane-instructions", args, rows + with_head(more),
           "Instructions of HAProxy for a request.")


def with_head(more):
    """A second table, where it has a row."""
    return [""] + more if len(more) > 2 else []


def finish(name, args, rows, about):
    print("\n".join(rows), flush=True)
    if args.keep:
        table.keep(name, table.facts(about) + "\n\n" + "\n".join(rows))


def one_mode(sides, mode, args):
    """{side: [CPU in microseconds]}, {side: [requests a second]}."""
    requests = requests_of(args, mode)
    cpu = {s: [] for s in sides}
    rate = {s: [] for s in sides}
    steps = table.Steps(MODES[mode], args.rounds + 1)
    for r in range(args.rounds + 1):
        for s in sides if r % 2 else sides[::-1]:
            before = s.cpu_s()
            done = s.load(mode, requests, r)
            if r:           # The first one warms up.
                rate[s].append(done)
                cpu[s].append((s.cpu_s() - before) / requests * 1e6)
        steps.done("round")
    return cpu, rate


def measure(sizes, args, port):
    failed = []
    with contextlib.ExitStack() as stack:
        sides = []
        for kind, n in sides_of(sizes, args.modes):
            table.tell("starts: %s, %d hosts" % (kind.__name__, n))
            sides.append(kind(kind.__name__, n, port))
            stack.callback(sides[-1].stop)
        for mode in args.modes:
            try:
                measure_mode([s for s in sides if mode == "plain" or
                              not isinstance(s, Beside)], sizes, mode, args)
            except Exception:
                traceback.print_exc()
                failed.append(mode)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


def measure_mode(sides, sizes, mode, args):
    rows = ["| hosts | by hand µs | program µs | ratio | by hand req/s | "
            "program req/s |", "|---|---|---|---|---|---|"]
    more = ["| what | by hand | program |", "|---|---|---|"]
    lines = {"by hand": [], "program": []}
    pairs = dict(zip(sizes, zip(sides[::2], sides[1::2])))
    cpu, rate = one_mode(sides, mode, args)
    for n, pair in pairs.items():
        a, b = (cpu[s] for s in pair)
        rows.append("| %d | %s | %s | %s | %.0f | %.0f |" % (
            n, spread(a), spread(b), ratio(b, a),
            *(statistics.median(rate[s]) for s in pair)))
        for name, values in zip(lines, (a, b)):
            lines[name].append((n, statistics.median(values)))
    if SMALL in pairs and max(sizes) > SMALL:
        more.append("| %d hosts over %d | %s | %s |" % (
            max(sizes), SMALL, *(ratio(cpu[big], cpu[small]) for big, small in
                                 zip(pairs[max(sizes)], pairs[SMALL]))))
    for s in sides:
        if isinstance(s, Beside):
            more.append("| %d routes of policies beside, over none | | %s |" % (
                POLICIES, ratio(cpu[s], cpu[pairs[SMALL][1]])))
    finish("dataplane-" + mode, args, rows + with_head(more),
           "%s; %d rounds; median (least to most) of the CPU of HAProxy for "
           "a request; ratios are taken within a round, their median and its "
           "upper 95 %% bound." % (MODES[mode], args.rounds))
    if args.keep and mode == "plain":
        table.plot("dataplane", "CPU of HAProxy for a plain request",
                   "microseconds", lines)


if __name__ == "__main__":
    main()
