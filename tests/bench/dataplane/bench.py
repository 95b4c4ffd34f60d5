#!/usr/bin/python3
"""The data plane: the program beside a configuration written by hand.

usage: bench.py [--keep] [--rounds N] [--requests N] [--sizes N,N,...]
                [--modes plain,keep,new] [--callgrind]

All run at once, each HAProxy with one thread and, where there are two CPUs, on
one of its own, beside load and servers: both sides at every size, both at the
largest size with the servers of 100 hosts, so that hosts can be told from
servers, and the program with 5,000 routes of policies beside the plain ones.
Those of one size take turns in slices of a round, there and back, on
connections that stay open, so that what the machine does for longer than a
slice is the same for both, and each is two processes, so that the chance of
where one's memory lies counts for less.  Every ratio is taken within a round, so also that
of the largest size to 100 hosts.  CPU is that of the HAProxy process, user and
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
import resource
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
sys.path[:0] = [str(ROOT / "tests" / "haproxy"), str(ROOT / "tests"),
                str(HERE.parent)]

import table                    # noqa: E402
from ports import free_port     # noqa: E402
from rig import MAPS            # noqa: E402

TOOLS = ROOT / "build" / "release" / "tools"
HAPROXY = os.environ.get("HAPROXY", "/usr/sbin/haproxy")

MARK = "\x01"
PER_BACKEND = 10
CONNECTIONS = 16
SLICES = 8              # Of a round.
# Processes of each: where one's memory lies makes it 2 % faster or slower than
# the next for as long as it lives.
INSTANCES = 2
# What the program would take here: haproxy/layout.c.
NOFILE = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
MAXCONN = min(20000, (NOFILE - 300) // 2)
MODES = {"plain": "plain HTTP", "keep": "TLS, keep-alive",
         "new": "TLS, new connections"}
SHARE = {"plain": 1, "keep": 1, "new": 0.1}     # Of --requests.
SMALL = 100             # The size that others are compared with.
POLICIES = 5000
CPUS = sorted(os.sched_getaffinity(0))


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
    """One HAProxy with one configuration for 'n' hosts of so many backends."""

    def __init__(self, n, n_backends, origin, callgrind=False):
        self.name = type(self).__name__
        self.n, self.n_backends, self.origin = n, n_backends, origin
        self.loads = {}
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

    def load(self, mode, requests, first=0):
        """Seconds."""
        if mode not in self.loads:
            port = self.http if mode == "plain" else self.https
            self.loads[mode] = subprocess.Popen(
                [str(w) for w in (TOOLS / "bench-load", port, mode,
                                  CONNECTIONS, self.n)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        load = self.loads[mode]
        load.stdin.write("%d %d\n" % (requests, first))
        load.stdin.flush()
        words = load.stdout.readline().split()
        assert words, "no answer of the load, " + mode
        return float(words[1])

    def unload(self):
        for load in self.loads.values():
            load.stdin.close()
            load.wait()
        self.loads = {}

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
        self.unload()
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
            .replace("@MAXCONN@", str(MAXCONN)) \
            .replace("@HTTP_BIND@", "127.0.0.1:%d" % self.http) \
            .replace("@HTTPS_BIND@", "127.0.0.1:%d" % self.https)
        for b in range(self.n_backends):
            text += "\nbackend app%d\n    server s1 127.0.0.1:%d\n" % (
                b, self.origin)
        text += "\nbackend none\n    http-request return status 404\n"
        (self.dir / "haproxy.cfg").write_text(text)
        with open(self.dir / "hosts.map", "w") as f:
            for i in range(self.n):
                f.write("app%d.bench.test/ app%d\n" % (
                    i, i % self.n_backends))


class Program(Side):
    """The program, its slots filled as the driver fills them at start."""

    policies = 0

    def slot(self, i):
        return "plain-roundrobin-5000.%04d" % (i % self.n_backends + 1)

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
                   "maxconn=%d" % MAXCONN, "table_size=1000",
                   "class=plain,roundrobin,5000,%d" % self.n_backends,
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
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--sizes", default="1,100,10000,50000")
    parser.add_argument("--modes", default="plain,keep,new")
    parser.add_argument("--callgrind", action="store_true")
    args = parser.parse_args()
    args.modes = args.modes.split(",")
    for mode in args.modes:
        if mode not in MODES:
            parser.error(f"no mode {mode!r}: {', '.join(MODES)}")
    sizes = [int(s) for s in args.sizes.split(",")]
    resource.setrlimit(resource.RLIMIT_NOFILE, (NOFILE, NOFILE))
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


def backends_of(n):
    return max(1, n // PER_BACKEND)


def groups_of(sizes, modes):
    """What takes turns: [(hosts, backends, kinds)]."""
    groups = [(n, backends_of(n), [Written, Program]) for n in sizes]
    if SMALL in sizes and max(sizes) > SMALL:
        groups.append((max(sizes), backends_of(SMALL), [Written, Program]))
    if SMALL in sizes and "plain" in modes:
        groups[sizes.index(SMALL)][2].append(Beside)
    return groups


def compared(groups):
    """The groups compared with SMALL, and how each is called; its place."""
    places = [i for i, g in enumerate(groups) if g[0] == SMALL]
    big = max(g[0] for g in groups)
    return (places or [None])[0], [
        (i, "%d hosts of %d backends over %d of %d" % (
            n, b, SMALL, backends_of(SMALL)))
        for i, (n, b, _) in enumerate(groups) if n == big > SMALL and places]


def requests_of(args, mode):
    return max(200, int(args.requests * SHARE[mode]))


def one_count(kind, n, n_backends, modes, args, port):
    """{mode: instructions}."""
    side = kind(n, n_backends, port, callgrind=True)
    seen = {}
    try:
        for mode in modes:
            seen[mode] = side.instructions(mode, requests_of(args, mode) // 2)
            table.tell("%s, %d hosts of %d backends, %s: %d instructions" % (
                side.name, n, n_backends, MODES[mode], seen[mode]))
    finally:
        side.stop()
    return seen


def count(sizes, args, port):
    """Two at a time: instructions are the same on a busy machine."""
    groups = groups_of(sizes, args.modes)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        seen = [[pool.submit(one_count, kind, n, b,
                             ["plain"] if kind is Beside else args.modes,
                             args, port) for kind in kinds]
                for n, b, kinds in groups[::-1]][::-1]
    seen = [[f.result() for f in group] for group in seen]
    rows = ["| hosts | backends | mode | by hand | program | ratio |",
            "|---|---|---|---|---|---|"]
    more = ["| what | mode | by hand | program |", "|---|---|---|---|"]
    small, big = compared(groups)
    for mode in args.modes:
        for (n, b, _), of in zip(groups, seen):
            hand, ours = (s[mode] for s in of[:2])
            rows.append("| %d | %d | %s | %d | %d | %.3f |" % (
                n, b, MODES[mode], hand, ours, ours / hand))
        for i, what in big:
            more.append("| %s | %s | %.3f | %.3f |" % (
                what, MODES[mode], *(seen[i][k][mode] / seen[small][k][mode]
                                     for k in (0, 1))))
        if mode == "plain" and small is not None:
            more.append("| %d routes of policies beside, over none | %s | | "
                        "%.3f |" % (POLICIES, MODES[mode],
                                    seen[small][2][mode] /
                                    seen[small][1][mode]))
    finish("dataplane-instructions", args, rows + with_head(more),
           "%s; instructions of HAProxy for a request." %
           run(HAPROXY, "-v").split("\n")[0].split(" 20")[0])


def with_head(more):
    """A second table, where it has a row."""
    return [""] + more if len(more) > 2 else []


def finish(name, args, rows, about):
    print("\n".join(rows), flush=True)
    if args.keep:
        table.keep(name, table.facts(about) + "\n\n" + "\n".join(rows))


def warm(group):
    """Each server asked, so that each has its connection as under a load that
    does not pause: what is idle for 5 s goes (pool-purge-delay), and the other
    groups' turns take longer."""
    for side in (s for instances in group for s in instances):
        side.load("plain", max(PER_BACKEND, 2 * side.n_backends))


def one_round(group, mode, requests, r):
    """[(CPU in microseconds, requests a second)] of each side of a group."""
    warm(group)
    cpu = [0] * len(group)
    took = [0] * len(group)
    order = list(range(len(group)))
    for i in range(SLICES):
        for k in order if (i // INSTANCES + r) % 2 else order[::-1]:
            side = group[k][i % INSTANCES]
            before = side.cpu_s()
            took[k] += side.load(mode, requests // SLICES, r * SLICES + i)
            cpu[k] += side.cpu_s() - before
    done = requests // SLICES * SLICES
    return [(c / done * 1e6, done / s) for c, s in zip(cpu, took)]


def one_mode(groups, mode, args):
    """For each side of each group what one_round() says of each round."""
    seen = [[[] for _ in group] for group in groups]
    steps = table.Steps(MODES[mode], args.rounds + 1)
    for r in range(args.rounds + 1):
        for group, of in zip(groups, seen):
            done = one_round(group, mode, requests_of(args, mode), r)
            for values, value in zip(of, done):
                if r:           # The first one warms up.
                    values.append(value)
        steps.done("round")
    for group in groups:
        for side in sum(group, []):
            side.unload()
    return seen


def measure(sizes, args, port):
    failed = []
    groups = groups_of(sizes, args.modes)
    with contextlib.ExitStack() as stack:
        sides = []
        for n, n_backends, kinds in groups:
            sides.append([])
            for kind in kinds:
                table.tell("starts: %s, %d hosts of %d backends" % (
                    kind.__name__, n, n_backends))
                sides[-1].append([])
                for _ in range(INSTANCES):
                    sides[-1][-1].append(kind(n, n_backends, port))
                    stack.callback(sides[-1][-1][-1].stop)
        for mode in args.modes:
            try:
                of = [[s for s in group if mode == "plain" or
                       not isinstance(s[0], Beside)] for group in sides]
                measure_mode(groups, of, mode, args)
            except Exception:
                traceback.print_exc()
                failed.append(mode)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


def measure_mode(groups, sides, mode, args):
    rows = ["| hosts | backends | by hand µs | program µs | ratio | by hand "
            "req/s | program req/s |", "|---|---|---|---|---|---|---|"]
    more = ["| what | by hand | program |", "|---|---|---|"]
    lines = {"by hand": [], "program": []}
    seen = one_mode(sides, mode, args)
    cpu = [[[v[0] for v in side] for side in group] for group in seen]
    for (n, b, _), of, each in zip(groups, cpu, seen):
        rows.append("| %d | %d | %s | %s | %s | %.0f | %.0f |" % (
            n, b, spread(of[0]), spread(of[1]), ratio(of[1], of[0]),
            *(statistics.median(v[1] for v in side) for side in each[:2])))
        if b == backends_of(n):
            for name, values in zip(lines, of):
                lines[name].append((n, statistics.median(values)))
    small, big = compared(groups)
    for i, what in big:
        more.append("| %s | %s | %s |" % (what, *(
            ratio(cpu[i][k], cpu[small][k]) for k in (0, 1))))
    if small is not None and len(cpu[small]) > 2:
        more.append("| %d routes of policies beside, over none | | %s |" % (
            POLICIES, ratio(cpu[small][2], cpu[small][1])))
    finish("dataplane-" + mode, args, rows + with_head(more),
           "%s; %d rounds of %d slices; median (least to most) of the CPU of "
           "HAProxy for a request; ratios are taken within a round, their "
           "median and its upper 95 %% bound." % (MODES[mode], args.rounds,
                                                 SLICES))
    if args.keep and mode == "plain":
        table.plot("dataplane", "CPU of HAProxy for a plain request",
                   "microseconds", lines)


if __name__ == "__main__":
    main()
