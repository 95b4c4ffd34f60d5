"""A seed whose objects come from an API server with troubles of its own: two
reconcilers, each with a HAProxy, one of which leads."""

import os
import re
import time

import api as apis
import apifaults
import apihook
import apirecord
import chaos
import clients
import held
import world as worlds
from world import until

ADDRESS = "192.0.2.1"
TROUBLE = 5                     # Seconds of faults without a change.
# Resident KiB beyond what it was after the first round, and descriptors.
GROWTH, FILES = 24 << 10, 40


class ApiRun(chaos.Run):
    SETTLE = 75                 # A connection that is lost is missed for 45 s.
    PLACES = staticmethod(worlds.places_of_cluster)

    def __init__(self, seed, options):
        super().__init__(seed, options)
        self.others = []
        self.hook = None

    def open(self):
        self.judge.is_mixed = True
        self.api = apis.Api(self.dir, ["one", "two", "hook"], self.seed,
                            self.judge)
        self.world = worlds.World(self.source("one"), self.dir)
        os.mkdir(self.dir + "/two")
        self.others = [worlds.World(self.source("two"), self.dir + "/two")]

    def source(self, name):
        return apis.Source(self.api, name, ["--publish-status-address",
                                            ADDRESS])

    def close(self):
        if self.hook:
            self.hook.stop()
        for other in self.others:
            other.stop()
        self.api.close()

    def logs(self):
        return super().logs() + [self.hook.text()]

    def worlds(self):
        return [self.world, *self.others]

    def start(self):
        for world in self.worlds():
            world.start()
        self.hook = apihook.Hook(self.api, self.judge, self.dir)

    def make_faults(self, rng):
        return apifaults.ApiFaults(self.worlds(), self.judge, rng, self.api)

    def make_clients(self):
        return [clients.Clients(self.world, self.judge, self.seed, 3),
                clients.Clients(self.others[0], self.judge,
                                f"{self.seed}:two", 2)]

    # --- Calm ---

    def served(self, world):
        return super().served(world) or self.endpoints(world)

    def endpoints(self, world):
        """Each slot has the servers that it should: whoever answers says
        nothing of the others."""
        owners = held.slots(held.shown(world, "slots"))
        for owner, have in held.live_servers(world, owners).items():
            t, s, port = re.match(r"([^/]+)/([^:]+):(\d+)", owner).groups()
            if t not in chaos.states.TENANTS:
                continue
            places = self.pods.places[t, s]
            want = {(places[n][0], str(places[n][1]))
                    for n, how in self.state.endpoints[t, s].items()
                    if how == "ready" or "ready" not in
                    self.state.endpoints[t, s].values()}
            if self.state.services[t, s] != int(port):
                want = set()
            active = {(a, p) for a, p, is_draining in have
                      if not is_draining or not want}
            if active != want and not (
                    want and not active and "ready" not in
                    self.state.endpoints[t, s].values()):
                return f"{owner}: {active}, not {want}"
        return None

    def quiet(self):
        super().quiet()
        if self.judge.problems:
            return
        self.faults.keep()
        self.trouble()
        self.bounded()

    def more_calm(self):
        """All of them are alike, and status is true."""
        self.wait(self.statuses, "the status that it should be")
        self.wait(self.hook.calm, "let in")
        one, two = self.worlds()
        self.wait(lambda: held.difference(
            self.without_names(held.live(one), one),
            self.without_names(held.live(two), two)), "like the other")

    def statuses(self):
        """Who is served has the address, and who lost its host has none."""
        owner = next((t for t in chaos.states.TENANTS
                      if self.state.shared[t]), None)
        for one in self.api.call(self.api.store.list, "ingresses"):
            ns, name = one["metadata"]["namespace"], one["metadata"]["name"]
            have = one.get("status", {}).get("loadBalancer", {}).get(
                "ingress", [])
            want = [] if name == "shared" and ns != owner else [
                {"ip": ADDRESS}]
            if have != want and name != "canary":
                return f"{ns}/{name} has {have}, not {want}"
        return None

    def reloads(self):
        return [world.metric("sallyport_haproxy_reloads_total")
                for world in self.worlds()]

    def trouble(self):
        """Faults alone: nothing changes, so nothing may be done to HAProxy."""
        before = self.reloads()
        end = time.monotonic() + TROUBLE
        only = {kind.__name__ for _, kind in self.faults.network} - {
            "restore", "lose", "partition"}
        while time.monotonic() < end:
            self.say("FAULT " + self.faults.one(only))
            time.sleep(self.faults.rng.choice([0.05, 0.3, 1]))
            self.faults.tick()
        self.faults.undo()
        self.wait(lambda: None if all(w.is_ready() for w in self.worlds())
                  else "not", "ready after the trouble")
        after = self.reloads()
        if after != before:
            self.judge.problem(f"reloads without a change: {before}, {after}")

    def bounded(self):
        """Of a program that does not keep what it has freed."""
        for world in self.worlds():
            files, size = world.size()
            first = (world.sizes or [(files, size)])[0]
            if files > first[0] + FILES or (
                    size > first[1] + GROWTH and not world.is_sanitized()):
                self.judge.problem(f"grows: {first} to {(files, size)}")

    def fresh(self):
        folder = worlds.folder()
        other = worlds.World(self.source("one"), folder)
        try:
            other.start()
            until(other.is_ready, "the fresh one")
            self.wait(lambda: held.difference(
                self.without_names(held.live(self.world), self.world),
                self.without_names(held.live(other), other)),
                "as a fresh start")
        finally:
            other.stop()
            worlds.remove(folder)

    def tell(self):
        super().tell()
        print("    API server:", dict(self.api.counts), "; most of one request"
              " in %d s: %s; statuses %d; reviews %d, of new hosts refused %d"
              % (apirecord.WINDOW, self.api.record.most, self.api.record.n_status,
                 self.hook.n_reviews, self.hook.n_excused), flush=True)
