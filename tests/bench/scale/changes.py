#!/usr/bin/python3
"""Very many changes on one HAProxy: its memory, servers, descriptors and
workers, and ours, which stay as they are.

usage: changes.py [N] [--every N] [--keep]

N changes (1,000,000) over 500 routes and 50 backends, of which each round has
60 that a cluster has: pods roll, routes come, move and go, a backend comes and
goes, a certificate is renewed.  Slots, servers and reloads are asserted, sizes
are printed.  It drives the real HAProxy by driver_tool, the driver under
script.
"""

import argparse
import os
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "tests" / "haproxy"), str(HERE.parent)]

import table                            # noqa: E402
from driver import Driver               # noqa: E402
from rig import make_cert               # noqa: E402

ROUTES, BACKENDS, PODS = 500, 50, 3
ROUND = 60
FIRST = [0] * BACKENDS      # Of each backend's pods.
# Each has one parked, for the next that comes; and a few slots of the backend
# that comes and goes wait until nothing can be on its way to them.
SERVERS_MAX = BACKENDS * (PODS + 1) + 16 * PODS


def backend(b, first):
    """Its pods are 'first' and the next, counted around."""
    return "backend b%d plain roundrobin 5000 %s" % (b, " ".join(
        "10.%d.%d.%d:80" % (b, (first + k) // 250 % 4, (first + k) % 250 + 1)
        for k in range(PODS)))


def route(key, b):
    return ["route %s %s forward b%d" % (t, key, b)
            for t in ("http", "https")]


def drop(key):
    return ["delroute %s %s" % (t, key) for t in ("http", "https")]


def one_round(d, n):
    """The commands of ROUND changes; what is there afterwards is what was
    there before."""
    rolled = [(39 * n + k) % BACKENDS for k in range(39)]
    for b in rolled:                    # A pod gives way to another.
        FIRST[b] += 1
    lines = [backend(b, FIRST[b]) for b in rolled] + ["apply"]
    for b in (0, 1):                    # They come, move, and go.
        lines += [line for k in range(6)
                  for line in route("new%d.test/" % k, k + b)] + ["apply"]
    lines += [line for k in range(6)
              for line in drop("new%d.test/" % k)] + ["apply"]
    lines += ["cert tls %s/c%d.pem" % (d.dir, n % 2), "apply"]
    is_own = n % 500 == 0               # Its slot is not free for a while.
    lines += [backend(BACKENDS, n)] if is_own else []
    lines += route("more.test/", BACKENDS if is_own else 1) + ["apply"]
    lines += drop("more.test/")
    lines += ["delbackend b%d" % BACKENDS] if is_own else []
    return lines + ["apply"]


class Pipe:
    """The driver's standard input, kept full: a round is sent before the one
    before it is answered."""

    def __init__(self, d):
        self.d, self.due = d, []

    def send(self, lines):
        self.d.process.stdin.write("".join(line + "\n" for line in lines)
                                   .encode("latin-1"))
        self.d.process.stdin.flush()
        self.due.append(len(lines))
        if len(self.due) > 1:
            self.take()

    def take(self):
        for _ in range(self.due.pop(0)):
            self.d.read()

    def drain(self):
        while self.due:
            self.take()


def resident_mb(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"Rss:\s+(\d+)", f.read())[1]) / 1024


def workers(d):
    return len(re.findall(r"(?m)^\d+\s+worker", d.cli("show proc",
                                                      "master.sock")))


def servers(d):
    return len([line for line in d.cli("show servers state").splitlines()
                if re.match(r"\d+ \S+ \d+ s\d+ ", line)])


def look(d):
    return {
        "HAProxy MB": resident_mb(d.worker()),
        "our MB": resident_mb(d.process.pid),
        "servers": servers(d),
        "descriptors": len(os.listdir("/proc/%d/fd" % d.worker())),
        "workers": workers(d),
        "reloads": int(d.metric("sallyport_haproxy_reloads_total")),
    }


def load(d):
    for k in (0, 1):
        make_cert("%s/c%d.pem" % (d.dir, k), "h0.test")
    d.many([backend(b, 0) for b in range(BACKENDS)] +
           [line for i in range(ROUTES)
            for line in route("h%d.test/" % i, i % BACKENDS)])
    d.apply("cert tls %s/c0.pem" % d.dir, "sni h0.test tls")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("n", nargs="?", type=int, default=1000000)
    parser.add_argument("--every", type=int, default=100000)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    rows = []
    with Driver() as d:
        load(d)
        pipe = Pipe(d)
        done, due, n = 0, 0, 0
        steps = table.Steps("changes", args.n, every=30)
        begun = time.monotonic()
        while True:
            if done >= due or done >= args.n:
                pipe.drain()
                seen = look(d)
                if not rows:
                    rows = ["| changes | a second | %s |" % " | ".join(seen),
                            "|---|---|%s" % ("---|" * len(seen))]
                    print("\n".join(rows))
                rate = done / (time.monotonic() - begun)
                rows.append("| %d | %d | %s |" % (done, rate, " | ".join(
                    "%.1f" % v if isinstance(v, float) else str(v)
                    for v in seen.values())))
                print(rows[-1], flush=True)
                assert seen["servers"] <= SERVERS_MAX, seen
                assert (seen["workers"], seen["reloads"]) == (1, 0), seen
                due += args.every
            if done >= args.n:
                break
            pipe.send(one_round(d, n))
            steps.done("change", ROUND)
            done, n = done + ROUND, n + 1
        assert d.do("check") == "", d.do("check")
    if args.keep:
        table.keep("changes", table.facts() + "\n\n" + "\n".join(rows))


if __name__ == "__main__":
    main()
