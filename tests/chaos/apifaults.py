"""What befalls the API server and the ways to it.  Nothing of it excuses any
answer to any client: traffic goes on from the last good state."""

import asyncio
import re

import api as apis
from faults import Faults

REFUSALS = [(429, "1"), (429, "3"), (429, None), (500, None), (503, None),
            (503, "2"), (504, None), (403, None), (404, None), (502, None)]
ODD = [b"<html>a proxy</html>", b"{}", b"", b"[]", b"null",
       b'{"kind":"Status","code":200}', b'{"items":null}']
ENDS = [apis.Api.error(429, "too many requests"),
        apis.Api.error(500, "etcdserver: request timed out"),
        apis.Api.error(410, "too old resource version"),
        b'{"type":"ERROR"}\n', b'{"type":"ERROR","object":null}\n',
        b"<html>\n", b'{"type":"ADDED","object":{"metad', b"\n\n", b"\0\n"]


class Halved:
    """Cut in the middle of its body."""

    def __init__(self, answer):
        self.answer = answer
        self.head, self.end = answer.head, answer.end
        self.is_over = answer.is_over

    async def data(self, data):
        await self.answer.data(data[:len(data) // 2])
        await self.answer.cut()


class Slow(Halved):
    """Comes in pieces."""

    async def data(self, data):
        step = len(data) // 8 + 1
        for at in range(0, len(data), step):
            await self.answer.data(data[at:at + step])
            await asyncio.sleep(0.1)


class Skewed(Halved):
    """Its clock is of another year."""

    async def data(self, data):
        await self.answer.data(re.sub(rb'("renewTime":")20..', rb"\g<1>2019",
                                      data))


class ApiFaults(Faults):
    def __init__(self, worlds, judge, rng, api):
        super().__init__(worlds[0], judge, rng)
        self.worlds, self.api = worlds, api
        self.backup = None
        self.network = [
            (4, self.cut), (2, self.shut), (2, self.hang), (1, self.lose),
            (4, self.refuse), (2, self.odd), (3, self.half), (2, self.slow),
            (1, self.trickle), (2, self.expire), (3, self.compact),
            (4, self.end_watch), (2, self.end_each), (2, self.restore), (2, self.certificate),
            (1, self.authority), (2, self.token), (3, self.conflict),
            (2, self.skew), (3, self.partition)]
        self.kinds = self.network + [
            (2, self.kill_reconciler), (2, self.stop_reconciler),
            (1, self.hang_up)]

    def one(self, only=None):
        self.world = self.rng.choice(self.worlds)
        return super().one(only)

    def restart(self):
        for world in self.worlds:
            if world.process.poll() is not None:
                world.start()

    # --- Whom it befalls ---

    def doors(self):
        """One client's way, or all of them."""
        names = sorted(self.api.doors)
        some = self.rng.choice([names] + [[name] for name in names])
        return [self.api.doors[name] for name in some]

    @staticmethod
    def names(doors):
        return "+".join(door.name for door in doors)

    def scope(self):
        """(words, whether it is about that request)"""
        plural = self.rng.choice(["ingresses", "services", "endpointslices",
                                  "secrets", "configmaps"])
        return self.rng.choice([
            ("all", lambda r: True), ("all", lambda r: True),
            ("writes", lambda r: r.method != "GET"),
            ("reads", lambda r: r.method == "GET"),
            ("lists", lambda r: "limit" in r.query),
            ("watches", lambda r: "watch" in r.query),
            ("leases", lambda r: "/leases" in r.path),
            ("status", lambda r: r.path.endswith("/status")),
            (plural, lambda r: "/" + plural in r.path)])

    def rule(self, what, become, scope=None):
        """For some seconds become(request, answer), a coroutine, says what
        becomes of an answer; None: it was given."""
        doors = [door.name for door in self.doors()]
        words, is_meant = scope or self.scope()
        chance = self.rng.choice([1, 1, 0.5])
        seconds = self.rng.choice([0.3, 1, 3, 6])

        async def rule(request, answer):
            if request.door.name in doors and is_meant(request) and \
                    self.api.rng.random() < chance:
                return await become(request, answer)
            return answer

        self.api.call(self.api.rules.append, rule)
        self.in_a_while(seconds, lambda: self.api.call(
            self.api.rules.remove, rule))
        return f"{what}: {words} of {'+'.join(doors)}, {chance}, " \
            f"for {seconds} s"

    # --- Connections ---

    def cut(self):
        doors = self.doors()
        n = sum(self.api.call(door.wire.cut) for door in doors)
        return f"{n} connections of {self.names(doors)} are reset"

    def shut(self, doors=None, seconds=None):
        doors = doors or self.doors()
        seconds = seconds or self.rng.choice([0.2, 1, 4])
        for door in doors:
            self.api.call(door.wire.close)
            self.api.call(door.wire.cut)
            self.in_a_while(seconds, lambda door=door: self.api.wait(
                door.wire.listen()))
        return f"nobody listens for {self.names(doors)} for {seconds} s"

    def hang(self, doors=None, seconds=None):
        doors = doors or self.doors()
        seconds = seconds or self.rng.choice([0.5, 2, 8])
        for door in doors:
            self.api.call(door.wire.open.clear)
            self.in_a_while(seconds, lambda door=door: self.api.call(
                door.wire.open.set))
        return f"no byte for {self.names(doors)} for {seconds} s"

    def lose(self):
        doors = self.doors()
        kinds = self.rng.choice([(True,), (True,), (False,), (True, False)])
        n = sum(self.api.call(door.wire.lose, kinds) for door in doors)
        return f"{n} connections of {self.names(doors)} are lost, " \
            f"HTTP/2: {kinds}"

    def partition(self):
        """The leader is alone, for long enough to lead no more or not."""
        leader = self.api.leader()
        if leader:
            how = self.rng.choice([self.shut, self.hang])
            return "partition: " + how([leader], self.rng.choice([3, 14, 22]))

    # --- Answers ---

    def refuse(self):
        code, after = self.rng.choice(REFUSALS)
        more = [("Retry-After", after)] if after else []

        async def refused(_, answer):
            await self.api.send(answer, code, apis.Refusal(
                code, "trouble").document, more)
        # Of a write it is the last word about its object.
        reads = ("reads", lambda r: r.method == "GET")
        return self.rule(f"{code}, Retry-After {after}", refused,
                         reads if code in (403, 404) else None)

    def conflict(self):
        async def conflicting(_, answer):
            await self.api.send(answer, 409, apis.Refusal(
                409, "the object has been modified").document)
        return self.rule("409", conflicting, (
            "writes", lambda r: r.method != "GET"))

    def odd(self):
        text = self.rng.choice(ODD)

        async def strange(_, answer):
            await answer.head(200, len(text))
            await answer.data(text)
            await answer.end()
        return self.rule(f"200 {text}", strange, self.rng.choice([
            ("reads", lambda r: r.method == "GET"),
            ("leases", lambda r: "/leases" in r.path)]))

    def half(self):
        async def halved(_, answer):
            return Halved(answer)
        return self.rule("half", halved)

    def slow(self):
        late = self.rng.choice([0.2, 1, 6])

        async def later(_, answer):
            await asyncio.sleep(late)
            return answer
        return self.rule(f"{late} s late", later)

    def trickle(self):
        async def trickling(_, answer):
            return Slow(answer)
        return self.rule("in pieces", trickling)

    def skew(self):
        async def skewed(_, answer):
            return Skewed(answer)
        return self.rule("another year", skewed, (
            "leases", lambda r: "/leases" in r.path))

    # --- What it remembers ---

    def expire(self):
        self.api.call(self.api.pages.clear)
        return "pages of lists expire"

    def compact(self):
        """Whoever is behind, and who comes back, is too late."""
        def forget():
            self.api.store.compact()
            for door in doors:
                door.wire.cut()
        doors = self.doors()
        self.api.call(forget)
        return f"versions are forgotten, {self.names(doors)} cut"

    def end_watch(self):
        line = self.rng.choice(ENDS)
        door = self.rng.choice([None] + sorted(self.api.doors))
        n = self.api.call(self.api.end_watches, [line], door)
        return f"{n} watches of {door or 'all'} end with {line}"

    def end_each(self):
        """Each watch brings a word of life, and ends."""
        line = self.rng.choice(ENDS)

        async def ended(request, answer):
            at = request.query["resourceVersion"]
            await answer.head(200)
            await answer.data(self.api.bookmark(at) + line)
            await answer.end()
        return self.rule(f"ends with {line}", ended, (
            "watches", lambda r: "watch" in r.query))

    def keep(self):
        """A backup."""
        self.backup = self.api.call(self.api.store.snapshot)

    def restore(self):
        """The next change brings back what the backup lacks."""
        def again():
            self.api.n_restored += 1
            self.api.store.restore(self.backup)
            for door in self.api.doors.values():
                door.wire.cut()
        if self.backup:
            self.api.call(again)
            return "the server begins anew from its backup"

    # --- Who it is, and who its clients are ---

    def certificate(self):
        doors = self.doors()
        self.api.renew_certificate()
        for door in doors:
            self.api.call(door.wire.cut)
        return f"another certificate; {self.names(doors)} cut"

    def authority(self):
        """Clients are told of the new CA before, or too late."""
        self.api.renew_authority()
        late = self.rng.choice([0, 0, 1, 4])
        doors = self.doors()
        for door in self.api.doors.values():
            self.in_a_while(late, lambda door=door: door.write(
                "ca", self.api.authority.crt.read_text()))
        if not late:
            self.tick()
        for door in doors:
            self.api.call(door.wire.cut)
        return f"another CA, told {late} s late; {self.names(doors)} cut"

    def token(self):
        doors = self.doors()
        late = self.rng.choice([0, 0.5, 3])
        for door in doors:
            self.api.call(door.set_token, "token%d" % self.rng.randrange(
                1 << 30))
            self.in_a_while(late, lambda door=door: door.write(
                "token", door.token))
        return f"{self.names(doors)}: another token, told {late} s late"
