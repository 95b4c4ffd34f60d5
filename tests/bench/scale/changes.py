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
    """ROUND changes; what is there afterwards is what was there before."""
    rolled = [(39 * n + k) % BACKENDS for k in range(39)]
    for b in rolled:                    # A pod gives way to another.
        FIRST[b] += 1
    d.many([backend(b, FIRST[b]) for b in rolled] + ["apply"])
    for b in (0, 1):                    # They come, move, and go.
        d.many([line for k in range(6)
                for line in route("new%d.test/" % k, k + b)] + ["apply"])
    d.many([line for k in range(6) for line in drop("new%d.test/" % k)] +
           ["apply"])
    d.apply("cert tls %s/c%d.pem" % (d.dir, n % 2))
    if n % 500 == 0:                    # Its slot is not free for a while.
        d.apply(backend(BACKENDS, n), *route("more.test/", BACKENDS))
        d.apply(*drop("more.test/"), "delbackend b%d" % BACKENDS)
    else:
        d.apply(*route("more.test/", 1))
        d.apply(*drop("more.test/"))


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
        done, due, n = 0, 0, 0
        begun = time.monotonic()
        while True:
            if done >= due or done >= args.n:
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
            one_round(d, n)
            done, n = done + ROUND, n + 1
        assert d.do("check") == "", d.do("check")
    if args.keep:
        table.keep("changes", table.facts() + "\n\n" + "\n".join(rows))


if __name__ == "__main__":
    main()
