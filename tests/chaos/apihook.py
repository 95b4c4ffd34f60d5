"""The webhook on a door of its own, and somebody who has it judge all the
time.  Whatever the API server does: each review is answered, what is right of
an Ingress that exists is let in, and no host goes to two namespaces."""

import http.client
import itertools
import json
import os
import signal
import ssl
import subprocess
import threading
import time

import world  # noqa: F401, where the others are found
import manifests
from apirecord import NAMESPACE
from driver import built
from ports import free_port
from world import rig, until

PATIENCE = 10                   # Seconds: the API server's own for a review.
REASON = "could not be written"     # Of a claim: the only excuse.


def review(namespace, name, host, operation="CREATE"):
    one = manifests.ingress(name, namespace, host, [
        manifests.path("/", "Prefix", "s1")])
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
                "kind": {"group": "networking.k8s.io", "version": "v1",
                         "kind": "Ingress"},
                "operation": operation, "namespace": namespace, "name": name,
                "object": one, "oldObject": one if operation == "UPDATE"
                else None}}


class Hook:
    def __init__(self, api, judge, folder):
        self.api, self.judge = api, judge
        self.log = folder + "/webhook.log"
        self.port, self.admin = free_port(), free_port()
        self.numbers = itertools.count()
        self.n_reviews = self.n_excused = 0
        self.over = threading.Event()
        crt, key = api.authority.issue("webhook", ["127.0.0.1"])
        door = api.doors["hook"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [built("SALLYPORT_WEBHOOK", "build/sallyport-webhook"),
                 "--kubeconfig", door.dir + "/config", "--listen",
                 f"127.0.0.1:{self.port}", "--admin-address",
                 f"127.0.0.1:{self.admin}", "--tls-certificate-file", crt,
                 "--tls-key-file", key, "--shutdown-delay", "0",
                 "--claims-namespace", NAMESPACE,
                 "--certificates-namespace", NAMESPACE],
                stdout=log, stderr=log,
                env={**os.environ, "POD_NAME": "hook"})
        until(self.is_ready, "the webhook")
        self.thread = threading.Thread(target=self.ask_on, daemon=True)
        self.thread.start()

    def is_ready(self):
        assert self.process.poll() is None, self.text()[-2000:]
        try:
            return rig.http1(("127.0.0.1", self.admin), "/readyz",
                             "x").status == 200
        except OSError:
            return False

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def ask(self, *what):
        """(allowed, message) of one review."""
        begin = time.monotonic()
        c = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=3 * PATIENCE,
            context=ssl._create_unverified_context())
        try:
            c.request("POST", "/validate?timeout=5s",
                      json.dumps(review(*what)),
                      {"Content-Type": "application/json"})
            answer = c.getresponse()
            got = json.loads(answer.read())["response"]
        except (OSError, ValueError, KeyError,
                http.client.HTTPException) as e:
            self.judge.problem(f"review {what}: {e!r}")
            return False, REASON
        finally:
            c.close()
        self.n_reviews += 1
        late = time.monotonic() - begin
        if late > PATIENCE:
            self.judge.problem(f"review {what}: after {late:.3f} s")
        return got["allowed"], got.get("status", {}).get("message", "")

    def must(self, want, *what):
        got, message = self.ask(*what)
        if got != want:
            self.judge.problem(f"review {what}: {got}, {message}")

    def new_host(self):
        """Two namespaces ask for a host that nobody has.  Whether the first
        has it is told; it is the only one."""
        n = next(self.numbers)
        host, epoch = f"new{n}.test", self.api.n_restored
        first, message = self.ask("t1", f"new{n}", host)
        second, _ = self.ask("t2", f"new{n}", host)
        if first and second and epoch == self.api.n_restored:
            self.judge.problem(f"{host} is let in for two namespaces")
        if not first and REASON not in message:
            self.judge.problem(f"{host} is refused: {message}")
        self.n_excused += not first
        return first

    def ask_on(self):
        while not self.over.wait(0.2):
            self.must(True, "t1", "main", "c.t1.test", "UPDATE")
            self.must(False, "t2", "thief", "c.t1.test")
            self.new_host()

    def calm(self):
        """None where a host that is new is let in, as at all other times."""
        return None if self.new_host() else "a new host is refused"

    def stop(self):
        self.over.set()
        self.thread.join(3 * PATIENCE)
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            if self.process.wait(20):
                self.judge.problem(f"the webhook: {self.process.returncode}")
        except subprocess.TimeoutExpired:
            self.judge.problem("the webhook does not end")
            self.process.kill()
            self.process.wait()
