#!/usr/bin/python3
"""Random changes and random faults under load, by seed.

usage: chaos.py [--seeds N] [--first SEED] [--rounds N] [--faults NAME,...]
                [--api] [--keep] [--stop] [-v]

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

class Run:
    """One seed."""

    SETTLE = 45
    PLACES = staticmethod(worlds.places_here)

    def __init__(self, seed, options):
        self.seed, self.options = seed, options
        self.rng = random.Random(f"{seed}:changes")
        self.dir = worlds.folder()
        self.said = []
        self.round = 0
        self.begun = time.monotonic()

    def say(self, text):
        self.said.append("%.3f %s" % (time.monotonic(), text))
        if self.options.verbose:
            print(self.said[-1], flush=True)

    # --- What there is of each, and what else there is to do ---

    def open(self):
        self.world = worlds.World(worlds.Folder(self.dir + "/in"), self.dir,
                                  tmpfs="4m")

    def close(self):
        pass

    def worlds(self):
        return [self.world]

    def start(self):
        self.world.start()

    def make_faults(self, rng):
        return faults_.Faults(self.world, self.judge, rng)

    def make_clients(self):
        return [clients.Clients(self.world, self.judge, self.seed)]

    def more_calm(self):
        pass

    # --- Calm ---

    def objects(self):
        out = self.pods.maker.objects(self.state)
        out["ingress-auth-marker"] = worlds.manifests.ingress(
            "marker", states.AUTH, "marker.test",
            [worlds.manifests.path("/", "Prefix", "no")],
            {"permanent-redirect": f"https://to.test/{self.round}"})
        return out

    @staticmethod
    def marker(world):
        try:
            got = worlds.rig.http1(world.http, "/", "marker.test", sock=None)
        except OSError:
            return None
        return next((v for k, v in got.headers if k == "location"), None)

    def is_quiet(self):
        return all(world.is_ready() and
                   self.marker(world) == f"https://to.test/{self.round}"
                   for world in self.worlds())

    def wait(self, condition, what):
        end = time.monotonic() + self.SETTLE
        got = None
        while time.monotonic() < end:
            try:
                got = condition()
            except (OSError, ValueError, IndexError) as e:
                got = repr(e)
            if got is None:
                return True
            time.sleep(0.1)
        self.say(f"never {what}: {got}")
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
        for world in self.worlds():
            different = world.selfcheck()
            if different:
                self.judge.problem("at once: " + different)
            self.wait(lambda world=world: self.served(world),
                      "served as it should be")
        workers = [world.find("worker") for world in self.worlds()]
        if workers != self.workers:
            # What was kept by the one before has its answers of that time.
            for some in self.clients:
                some.generation += 1
            self.workers = workers
        self.judge.calm()
        for world in self.worlds():
            if not self.faults.has_damaged:     # They are if they are needed.
                self.wait(lambda world=world: held.difference(
                    held.live(world), held.files(world)), "files as HAProxy")
            self.processes(world)
        self.more_calm()
        self.calm_clients()

    def calm_clients(self):
        try:
            for some in self.clients:
                some.more()
        except AssertionError as e:
            self.judge.problem(str(e))

    def served(self, world):
        """Each probe by itself, on a new connection."""
        for probe in dict.fromkeys(self.judge.probes):
            want = self.state.verdict(probe)
            try:
                c = clients.Connection(world, probe)
                got = c.ask([probe])[0]
                c.close()
            except OSError:
                if probe.kind == "pass" and 503 in want:
                    continue
                raise
            one = ("pod", *got.pod.split("/")[:2]) if got.pod else got.status
            if one not in want:
                return f"{probe}: {one}, not {want}"
            certs = self.state.cert_of(probe)
            if got.cert and clients.cert_of_name(got.cert) not in certs:
                return f"{probe}: {got.cert}, not {certs}"
        return None

    def processes(self, world):
        """One of each, and nothing that stays behind; WebSockets may keep an
        old worker for some seconds."""
        def count():
            ours = world.ours()
            ours.pop(world.process.pid, None)
            return None if len(ours) == 4 else f"{len(ours)} processes {ours}"
        self.wait(count, "four processes: proxy, auth, master, worker")

    # --- The story ---

    def story(self):
        self.state = states.State(self.rng)
        self.judge.note(self.state)
        self.world.source.put(self.objects())
        self.start()
        until(self.is_quiet, "the first quiet, " + self.world.text()[-2000:])
        rng = faults_.seeded(self.seed)
        self.faults = self.make_faults(rng)
        self.workers = []
        self.clients = self.make_clients()
        try:
            for _ in range(self.options.rounds):
                self.one_round(rng)
                self.quiet()
                for world in self.worlds():
                    world.sizes.append(world.size())
                if self.judge.problems:
                    break
            if not self.judge.problems:
                self.fresh()
        finally:
            self.faults.undo()
            for some in self.clients:
                some.stop()

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
        self.pods = worlds.Pods(self.dir, self.PLACES)
        self.judge = clients.Judge()
        self.open()
        try:
            with self.world:
                try:
                    self.story()
                except Exception:  # whatever it is, it is told
                    self.judge.problem(traceback.format_exc())
        finally:
            self.close()
            self.pods.close()
        self.watch_logs()
        return not self.judge.problems

    def logs(self):
        return [world.text() for world in self.worlds()]

    def watch_logs(self):
        for log in self.logs():
            for word in ("AddressSanitizer", "runtime error",
                         "LeakSanitizer"):
                if word in log:
                    self.judge.problem(word + " in a log")

    def tell(self):
        j = self.judge
        print("seed %s: %d problems, %d rounds, %s; faults %s; %.0f s; "
              "fds and KiB %s" % (
                  self.seed, len(j.problems), self.round,
                  dict(sorted(j.counts.items(), key=str)),
                  dict(sorted(self.faults.counts.items())),
                  time.monotonic() - self.begun,
                  self.world.sizes[:1] + self.world.sizes[-1:]), flush=True)
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
    parser.add_argument("--api", action="store_true",
                        help="objects come from an API server with troubles")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    kind = Run
    if options.api:
        from apirun import ApiRun
        kind = ApiRun
    first = options.first if options.first is not None else \
        int.from_bytes(os.urandom(2), "big")
    total = collections.Counter()
    bad = []
    for seed in range(first, first + options.seeds):
        run = kind(seed, options)
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
