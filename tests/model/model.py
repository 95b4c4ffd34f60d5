#!/usr/bin/python3
"""The model of the data path against the real HAProxy.

usage: model.py [REQUESTS] [SEED]

Random sets of Ingresses, served by the real reconciler and HAProxy, are asked
random hostile requests; lib/ingress/lookup.c must give the same backend or
refusal for each.  A difference is shrunk and kept in tests/model/cases.
"""

import collections
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import rig as rigs
import sets

CASES = Path(__file__).resolve().parent / "cases"
PER_SET = 500


def compare(rig, ingresses, requests, counts=None):
    """[(request, model, HAProxy)] where the two differ."""
    rig.load(ingresses)
    rig.settle()
    want = rig.verdicts(requests)
    clients = rigs.Clients(rig)
    found = []
    try:
        for r, expected in zip(requests, want):
            got = clients.ask(r)
            if counts is not None:
                words = got.split(" ")
                counts[words[0] if words[0] != "refused" else got] += 1
            if got != expected:
                found.append((r, expected, got))
    finally:
        clients.close()
    return found


def shrink(rig, ingresses, request):
    """Fewer Ingresses and rules that still make the one request differ."""
    def differs(some):
        return bool(compare(rig, some, [request]))

    if not differs(ingresses):
        return ingresses
    i = 0
    while i < len(ingresses):
        fewer = ingresses[:i] + ingresses[i + 1:]
        if differs(fewer):
            ingresses = fewer
        else:
            i += 1
    return ingresses


def keep(rig, ingresses, request, model, haproxy):
    case = {"ingresses": shrink(rig, ingresses, request), "request": request,
            "model": model, "haproxy": haproxy}
    text = json.dumps(case, indent=1, sort_keys=True) + "\n"
    path = CASES / (hashlib.sha256(text.encode()).hexdigest()[:12] + ".json")
    path.write_text(text)
    return path


def run(rig, n, seed, say=print):
    """How many differ; says the counts."""
    counts = collections.Counter()
    versions = collections.Counter()
    n_sets = n_different = asked = 0
    start = time.monotonic()
    while asked < n:
        rng = sets.seeded(seed, n_sets)
        ingresses = sets.ingress_set(rng)
        requests = sets.requests(rng, ingresses, min(PER_SET, n - asked))
        for r in requests:
            versions[r["scheme"] + "/" + r["version"]] += 1
        found = compare(rig, ingresses, requests, counts)
        asked += len(requests)
        n_sets += 1
        n_different += len(found)
        for one in found[:3]:
            say(f"set {n_sets - 1}: {one[0]}: model {one[1]!r}, "
                f"HAProxy {one[2]!r}, kept as {keep(rig, ingresses, *one)}")
        if n_different > 20:
            break
    say(f"seed {seed}: {asked} requests to {n_sets} sets in "
        f"{time.monotonic() - start:.0f} s, {n_different} differ")
    say("answers: " + ", ".join(f"{k} {v}" for k, v in
                                sorted(counts.items())))
    say("asked by: " + ", ".join(f"{k} {v}" for k, v in
                                 sorted(versions.items())))
    return n_different


def main(argv):
    n = int(argv[1]) if len(argv) > 1 else 100000
    seed = argv[2] if len(argv) > 2 and argv[2] else \
        os.urandom(4).hex()
    print(f"seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rig = rigs.Rig()
    try:
        return 1 if run(rig, n, seed) else 0
    finally:
        rig.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
