#!/usr/bin/python3
"""Random changes and random faults under load, by seed.

usage: chaos.py [--seeds N] [--first SEED] [--rounds N] [--faults NAME,...]
                [--keep] [--stop] [-v]

A round is some dozens of changes with faults among them, and ends in calm:
everything that broke is whole again, each probe has exactly the answer it
should, HAProxy equals a full recompute, its files equal it, and no process is
left over.  After the last round a second reconciler that starts from nothing
must come to the same state.  What happened in a seed with problems is kept in
/tmp/sp-chaos-*: "story", "log", the run directory.
"""

import argparse
import collections
import json
import os
import random
import sys
import time
import traceback

import clients
import faults as faults_
import held
import state as states
import world as worlds
from world import until

SETTLE = 45


class Run:
    """One seed."""

    def __init__(self, seed, options):
        self.seed, self.options = seed, options
        self.rng = random.Random(f"{seed}:changes")
        self.dir = worlds.folder()
        self.said = []
        self.round = 0
        self.reloads = 0
        self.begun = time.monotonic()
        self.sizes = []

    def say(self, text):
        self.said.append("%.3f %s" % (time.monotonic(), text))
        if self.options.verbose:
            print(self.said[-1], flush=True)

    # --- Calm ---

    def objects(self):
        out = self.pods.maker.objects(self.state)
        out["ingress-auth-marker"] = worlds.manifests.ingress(
            "marker", states.AUTH, "marker.test",
            [worlds.manifests.path("/", "Prefix", "no")],
            {"permanent-redirect": f"https://to.test/{self.round}"})
        return out

    def marker(self):
        try:
            got = worlds.rig.http1(self.world.http, "/", "marker.test",
                                   sock=None)
        except OSError:
            return None
        return next((v for k, v in got.headers if k == "location"), None)

    def is_quiet(self):
        return self.world.is_ready() and \
            self.marker() == f"https://to.test/{self.round}"

    def wait(self, condition, what):
        end = time.monotonic() + SETTLE
        got = None
        while time.monotonic() < end:
            try:
                got = condition()
            except (OSError, ValueError, IndexError) as e:
                got = repr(e)
            if got is None:
                return True
            time.sleep(0.1)
        self.judge.problem(f"never {what}: {got}")
        return False

    def quiet(self):
        """Everything lasting is over; what is served is what it should be."""
        self.faults.undo()
        self.faults.restart()
        self.round += 1
        self.world.source.put(self.objects())
        if not self.wait(lambda: None if self.is_quiet() else "not",
                         "quiet after the faults"):
            return
        different = self.world.selfcheck()
        if different:
            self.judge.problem("at once: " + different)
        self.wait(self.served, "served as it should be")
        worker = self.world.find("worker")
        if worker != self.worker:
            # What was kept by the one before has its answers of that time.
            self.clients.generation += 1
            self.worker = worker
        self.judge.calm()
        if not self.faults.has_damaged:     # They are if they are needed.
            self.wait(lambda: held.difference(held.live(self.world),
                                              held.files(self.world)),
                      "files as HAProxy")
        self.processes()
        self.calm_clients()

    def calm_clients(self):
        try:
            self.clients.more()
        except AssertionError as e:
            self.judge.problem(str(e))

    def served(self):
        """Each probe by itself, on a new connection."""
        for probe in dict.fromkeys(self.judge.probes):
            want = self.state.verdict(probe)
            try:
                c = clients.Connection(self.world, probe)
                got = c.ask([probe])[0]
                c.close()
            except OSError:
                if probe.kind == "pass" and 503 in want:
                    continue
                raise
            one = ("pod", *got.pod.split("/")[:2]) if got.pod else got.status
            if one not in want:
                return f"{probe}: {one}, not {want}"
        return None

    def processes(self):
        """One of each, and nothing that stays behind; WebSockets may keep an
        old worker for some seconds."""
        def count():
            ours = self.world.ours()
            ours.pop(self.world.process.pid, None)
            self.last = ours
            return None if len(ours) == 4 else f"{len(ours)} processes {ours}"
        self.wait(count, "four processes: proxy, auth, master, worker")

    def measure(self):
        pid = self.world.process.pid
        with open(f"/proc/{pid}/statm") as f:
            pages = int(f.read().split()[1])
        self.sizes.append((len(os.listdir(f"/proc/{pid}/fd")), pages * 4))

    # --- The story ---

    def story(self):
        self.state = states.State(self.rng)
        self.judge = clients.Judge()
        self.judge.note(self.state)
        self.world.source.put(self.objects())
        self.world.start()
        until(self.is_quiet, "the first quiet, " + self.world.text()[-2000:])
        rng = faults_.seeded(self.seed)
        self.faults = faults_.Faults(self.world, self.judge, rng)
        self.worker = None
        self.clients = clients.Clients(self.world, self.judge, self.seed)
        try:
            for _ in range(self.options.rounds):
                self.one_round(rng)
                self.quiet()
                self.measure()
                if self.judge.problems:
                    break
            if not self.judge.problems:
                self.fresh()
        finally:
            self.faults.undo()
            self.clients.stop()

    def one_round(self, rng):
        only = self.options.faults.split(",") if self.options.faults else None
        for _ in range(self.rng.randrange(10, 30)):
            for _ in range(self.rng.choice([1, 1, 1, 2, 6])):
                self.say(self.state.change())
                self.judge.note(self.state)
                self.world.source.put(self.objects())
            if only != ["none"] and rng.random() < 0.2:
                time.sleep(rng.choice([0, 0.001, 0.003, 0.01]))
                self.say("FAULT " + self.faults.one(only))
            end = time.monotonic() + self.rng.choice([0, 0.002, 0.05, 0.3])
            self.faults.tick()
            while time.monotonic() < end:
                time.sleep(0.005)
                self.faults.tick()

    def fresh(self):
        """A start from nothing ends in the same state."""
        folder = worlds.folder()
        source = worlds.Folder(folder + "/in")
        other = worlds.World(source, folder)
        try:
            source.put(self.objects())
            other.start()
            until(other.is_ready, "the fresh one")

            def same():
                return held.difference(
                    self.without_names(held.live(self.world), self.world),
                    self.without_names(held.live(other), other))
            self.wait(same, "as a fresh start")
        finally:
            other.stop()
            worlds.remove(folder)

    @staticmethod
    def without_names(state, world):
        """Its own default certificate and folder are its own.  Its ports are
        in no map; a number like one of them may be."""
        state["certs"] = {k: v for k, v in state["certs"].items()
                          if k != "default.pem"}
        return json.loads(json.dumps(state).replace(world.run, "RUN"))

    def run(self):
        self.pods = worlds.Pods(self.dir)
        self.world = worlds.World(worlds.Folder(self.dir + "/in"), self.dir,
                                  tmpfs="4m")
        try:
            with self.world:
                try:
                    self.story()
                except Exception:  # whatever it is, it is told
                    self.judge.problem(traceback.format_exc())
                self.log = self.world.text()
                self.watch_log()
        finally:
            self.pods.close()
        return not self.judge.problems

    def watch_log(self):
        for word in ("AddressSanitizer", "runtime error", "LeakSanitizer"):
            if word in self.log:
                self.judge.problem(word + " in the log")

    def tell(self):
        j = self.judge
        print("seed %s: %d problems, %d rounds, %s; faults %s; %.0f s; "
              "fds and KiB %s" % (
                  self.seed, len(j.problems), self.round,
                  dict(sorted(j.counts.items(), key=str)),
                  dict(sorted(self.faults.counts.items())),
                  time.monotonic() - self.begun,
                  self.sizes[:1] + self.sizes[-1:]), flush=True)
        for line in j.problems[:8]:
            print("   ", line, flush=True)
        if j.problems or self.options.keep:
            with open(self.dir + "/story", "w") as f:
                f.write("\n".join(self.said + ["PROBLEMS"] + j.problems))
            print("    kept in", self.dir, flush=True)
        else:
            worlds.remove(self.dir)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--faults", default="")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    first = options.first if options.first is not None else \
        int.from_bytes(os.urandom(2), "big")
    total = collections.Counter()
    bad = []
    for seed in range(first, first + options.seeds):
        run = Run(seed, options)
        if not run.run():
            bad.append(seed)
        run.tell()
        total.update(run.faults.counts)
        if bad and options.stop:
            break
    print(f"{options.seeds} seeds from {first}: {len(bad)} bad {bad}; "
          f"{dict(total)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
