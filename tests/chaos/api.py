"""An API server that stands in: what lib/kube asks of one, for several
clients, each with a door of its own; and who wrote what when.

It answers as it should unless one of 'rules' takes the request: functions
(request, answer) of a coroutine, each of which returns an answer to go on with,
or None where it has answered.  What is not for the driver happens on a thread
of its own.
"""

import asyncio
import collections
import json
import os
import random
import threading
import time

import world  # noqa: F401, where the others are found
import apistore
import apiwire
from apirecord import NAMESPACE, Record
from apistore import Refusal
from harness import Authority
from ports import free_port

PAGE = 20                       # Objects, whatever limit is asked for.
BOOKMARK = 2                    # Seconds, about.


def compact(document):
    return json.dumps(document, separators=(",", ":")).encode()


class Door:
    """What one client is given: its port, and files with who it is."""

    def __init__(self, api, name):
        self.name, self.dir = name, f"{api.dir}/{name}"
        os.makedirs(self.dir)
        self.port = free_port()
        self.token = "one"
        self.wire = apiwire.Door(name, self.port, api.context, api.serve)
        self.write("token", self.token)
        self.write("ca", api.authority.crt.read_text())
        self.write("config", json.dumps({
            "current-context": "c",
            "contexts": [{"name": "c",
                          "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {
                "server": f"https://127.0.0.1:{self.port}",
                "certificate-authority": self.dir + "/ca"}}],
            "users": [{"name": "u", "user": {
                "tokenFile": self.dir + "/token"}}]}))

    def write(self, name, text):
        with open(f"{self.dir}/.tmp", "w") as f:
            f.write(text)
        os.rename(f"{self.dir}/.tmp", f"{self.dir}/{name}")


    def set_token(self, token):
        self.token = token


class Source:
    """Of the objects of a World: one door."""

    def __init__(self, api, name, flags):
        self.api, self.name, self.more = api, name, flags

    def put(self, objects):
        self.api.put(objects)

    def flags(self):
        return ["--kubeconfig", self.api.doors[self.name].dir + "/config",
                "--election-namespace", NAMESPACE, *self.more]

    def env(self):
        return {"POD_NAME": self.name}

    def close(self):
        pass


class Watch:
    def __init__(self, door):
        self.door, self.wake = door, asyncio.Event()
        self.last = None        # A line to be ended with.


class Api:
    def __init__(self, folder, names, seed, judge):
        self.dir, self.judge = folder + "/api", judge
        os.makedirs(self.dir)
        self.rng = random.Random(f"{seed}:api")
        self.context = apiwire.server_context()
        self.n_authorities = 0
        self.renew_authority()
        self.store = apistore.Store()
        self.store.changed = self.wake
        self.watches = set()
        self.pages = {}             # token -> (what is left, version)
        self.rules = []
        self.n_restored = 0
        self.counts = collections.Counter()
        self.record = Record(self.store, self.judge)
        self.loop = asyncio.new_event_loop()
        self.doors = {name: Door(self, name) for name in names}
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        for door in self.doors.values():
            self.wait(door.wire.listen())

    # --- Its thread ---

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine,
                                                self.loop).result(30)

    def call(self, function, *arguments):
        """Calls it over there, and waits for what it returns."""
        async def there():
            return function(*arguments)
        return self.wait(there())

    def close(self):
        def end():
            for door in self.doors.values():
                door.wire.close()
                door.wire.cut()
            for task in asyncio.all_tasks():
                task.cancel()
            self.loop.call_later(0.2, self.loop.stop)
        self.loop.call_soon_threadsafe(end)
        self.thread.join(10)

    # --- For the driver ---

    def put(self, objects):
        named = {f"namespace-{one['metadata']['namespace']}"
                 for one in objects.values() if "namespace" in
                 one["metadata"]}
        spaces = {name: {"apiVersion": "v1", "kind": "Namespace",
                         "metadata": {"name": name[len("namespace-"):]}}
                  for name in sorted(named)}
        self.call(self.store.put, {**spaces, **objects})

    def renew_authority(self):
        """Another CA, and a certificate of it for connections to come."""
        self.n_authorities += 1
        self.authority = Authority(f"{self.dir}/ca{self.n_authorities}",
                                   f"authority {self.n_authorities}")
        self.renew_certificate()

    def renew_certificate(self):
        crt, key = self.authority.issue(
            "server%d" % self.rng.randrange(1 << 30), ["127.0.0.1"])
        self.context.load_cert_chain(crt, key)

    def leader(self):
        """The door of who holds the Lease, as far as anybody knows."""
        holder = self.call(self.record.holder) or ""
        return self.doors.get(holder.rpartition("_")[0])

    def wake(self):
        for watch in self.watches:
            watch.wake.set()

    def end_watches(self, lines, door=None):
        """Each ends with one of these lines (None: without one)."""
        n = 0
        for watch in self.watches:
            if door in (None, watch.door):
                watch.last = self.rng.choice(lines)
                watch.wake.set()
                n += 1
        return n

    # --- Answers ---

    async def serve(self, request, answer):
        self.counts[request.method] += 1
        self.record.ask(request)
        for rule in list(self.rules):
            answer = await rule(request, answer)
            if not answer:
                return
        await self.answer(request, answer)

    async def answer(self, request, answer):
        try:
            self.admit(request)
            if "watch" in request.query:
                await self.watch(request, answer)
                return
            status, document = self.reply(request)
        except Refusal as refusal:
            status, document = refusal.code, refusal.document
        await self.send(answer, status, document)

    @staticmethod
    async def send(answer, status, document, more=()):
        data = compact(document)
        await answer.head(status, len(data), more)
        await answer.data(data)
        await answer.end()

    def admit(self, request):
        door = self.doors[request.door.name]
        if request.headers.get("authorization") != f"Bearer {door.token}":
            raise Refusal(401, "Unauthorized")

    def reply(self, request):
        if request.path == "/livez":
            return 200, {}
        plural, ns, name, sub = apistore.where(request.path)
        body = json.loads(request.body) if request.body else None
        if request.method == "GET":
            return 200, (self.store.find(plural, (ns, name)) if name else
                         self.page(plural, ns, request.query))
        if plural == "events":
            return 201 if request.method == "POST" else 200, body
        self.record.write(request.door.name, request.method, plural, name,
                          body)
        if request.method == "POST":
            return 201, self.store.create(plural, body)
        if request.method == "PUT":
            return 200, self.store.replace(plural, body)
        if request.method == "DELETE":
            return 200, self.store.delete(plural, (ns, name),
                                          (body or {}).get("preconditions"))
        if sub != "status":
            raise Refusal(405, "not served here")
        return 200, self.store.patch_status((ns, name), body)

    def page(self, plural, ns, query):
        """The rest of a list is as of its first page."""
        token = query.get("continue")
        if token and token not in self.pages:
            raise Refusal(410, "the provided continue parameter is too old")
        items, version = self.pages.pop(token) if token else (
            self.store.list(plural, ns, query.get("fieldSelector"),
                            query.get("labelSelector")),
            self.store.version)
        meta = {"resourceVersion": str(version)}
        n = min(PAGE, int(query.get("limit", PAGE)))
        if len(items) > n:
            meta["continue"] = f"{version}-{self.rng.random()}"
            self.pages[meta["continue"]] = items[n:], version
        return {"kind": "List", "metadata": meta, "items": items[:n]}

    async def watch(self, request, answer):
        plural, ns, _, _ = apistore.where(request.path)
        at = int(request.query["resourceVersion"])
        if at > self.store.version:
            raise Refusal(504, "Too large resource version", {"causes": [
                {"reason": "ResourceVersionTooLarge"}]})
        is_late = self.rng.random() < 0.5
        if at < self.store.floor and not is_late:
            raise Refusal(410, "too old resource version")
        watch = Watch(request.door.name)
        self.watches.add(watch)
        try:
            await answer.head(200)
            await self.stream(watch, request, answer, plural, ns, at)
        finally:
            self.watches.discard(watch)

    async def stream(self, watch, request, answer, plural, ns, at):
        selector = request.query.get("fieldSelector")
        end = time.monotonic() + int(request.query["timeoutSeconds"])
        while time.monotonic() < end and not answer.is_over():
            watch.wake.clear()
            if at < self.store.floor:
                watch.last = self.error(410, "too old resource version")
            if watch.last:
                await answer.data(watch.last)
                break
            news = self.store.since(at, plural, ns, selector)
            at = self.store.version
            for version, type_, one in news:
                await answer.data(compact({"type": type_, "object": one}) +
                                  b"\n")
            try:
                await asyncio.wait_for(watch.wake.wait(), BOOKMARK *
                                       (0.5 + self.rng.random()))
            except asyncio.TimeoutError:
                await answer.data(self.bookmark(at))
        await answer.end()

    @staticmethod
    def bookmark(at):
        return compact({"type": "BOOKMARK", "object": {"metadata": {
            "resourceVersion": str(at)}}}) + b"\n"

    @staticmethod
    def error(code, message):
        return compact({"type": "ERROR", "object":
                        Refusal(code, message).document}) + b"\n"
