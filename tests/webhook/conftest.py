"""The real sallyport-webhook, in standalone mode, over HTTPS.

SALLYPORT_BUILD names the folder of the binaries (build; build/asan for
sanitizers).
"""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from ports import free_port  # noqa: E402
from waiting import until  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SALLYPORT_BUILD", ROOT / "build"))

WORLD = """\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: sallyport}
spec: {controller: sallyport.dev/ingress-controller}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: a}
spec:
  ingressClassName: sallyport
  rules:
    - host: shop.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: web, port: {number: 80}}}
"""


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True,
                   capture_output=True)


class Authority:
    """A CA in a folder; issues server and client pairs."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.crt = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj",
                f"/CN={name}", "-keyout", self.key, "-out", self.crt)

    def issue(self, name, usage="serverAuth", folder=None):
        folder = folder or self.folder
        crt, key, csr = (folder / f"{name}.{e}" for e in ("crt", "key", "csr"))
        ext = folder / f"{name}.ext"
        ext.write_text("subjectAltName=DNS:localhost\n"
                       f"extendedKeyUsage={usage}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", csr)
        openssl("x509", "-req", "-in", csr, "-CA", self.crt, "-CAkey",
                self.key, "-CAcreateserial", "-days", 2, "-out", crt,
                "-extfile", ext)
        return crt, key


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def response(self):
        assert self.status == 200, (self.status, self.body)
        review = json.loads(self.body)
        assert review["apiVersion"] == "admission.k8s.io/v1"
        assert review["kind"] == "AdmissionReview"
        return review["response"]


class Webhook:
    def __init__(self, folder, authority, wrapper=(), **flags):
        self.authority = authority
        self.port = free_port()
        self.admin_port = free_port()
        crt, key = authority.issue("tls")
        flags = {"listen": f"127.0.0.1:{self.port}",
                 "admin_address": f"127.0.0.1:{self.admin_port}",
                 "tls_certificate_file": crt, "tls_key_file": key,
                 "shutdown_delay": 0, **flags}
        argv = [*wrapper, BUILD / "sallyport-webhook"]
        for name, value in flags.items():
            if value is not None:
                argv.append(f"--{name.replace('_', '-')}={value}")
        self.log = folder / "webhook.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)

    def text(self):
        return self.log.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def admin(self, path):
        url = f"http://127.0.0.1:{self.admin_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def listens(self):
        """Told without a connection, which some tests count."""
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return any(line.split()[1].endswith(f":{self.port:04X}") and
                   line.split()[3] == "0A" for line in lines)

    def wait_started(self):
        """It listens for administrators first."""
        def look():
            assert self.alive(), self.text()
            return self.admin("/healthz")[0] == 200 and self.listens()
        until(look, "webhook")
        return self

    def wait_ready(self):
        self.wait_started()
        until(lambda: self.admin("/readyz")[0] == 200, "ready webhook")
        return self

    def curl(self, path, data=None, *args):
        """One request by curl; None where it got no answer."""
        command = ["curl", "-sS", "-i", "--max-time", "20", "--cacert",
                   str(self.authority.crt), *map(str, args),
                   f"https://localhost:{self.port}{path}"]
        if data is not None:
            command += ["-H", "Content-Type: application/json",
                        "--data-binary", "@-"]
        done = subprocess.run(command, capture_output=True,
                              input=data.encode() if data else None)
        if done.returncode != 0:
            return None
        text = re.sub(r"\AHTTP/1.1 100 Continue\r\n\r\n", "",
                      done.stdout.decode())
        head, _, body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        headers = {name.lower(): value for name, value in
                   (line.split(": ", 1) for line in lines[1:])}
        return Answer(int(lines[0].split()[1]), headers, body)

    def review(self, path="/validate?timeout=5s", *args, **request):
        answer = self.curl(path, json.dumps(review(**request)), *args)
        assert answer is not None, self.text()
        return answer

    def stop(self):
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


def ingress(ns="a", name="one", host="new.example.com", annotations=None,
            class_name="sallyport", service="web"):
    spec = {"rules": [{"host": host, "http": {"paths": [
        {"path": "/", "pathType": "Prefix", "backend": {
            "service": {"name": service, "port": {"number": 80}}}}]}}]}
    if class_name:
        spec["ingressClassName"] = class_name
    meta = {"namespace": ns, "name": name}
    if annotations:
        meta["annotations"] = annotations
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": meta, "spec": spec}


def review(operation="CREATE", old=None, dry_run=False, **fields):
    one = ingress(**fields)
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
                "kind": {"group": "networking.k8s.io", "version": "v1",
                         "kind": "Ingress"},
                "operation": operation, "dryRun": dry_run,
                "namespace": one["metadata"]["namespace"],
                "name": one["metadata"]["name"],
                "object": one, "oldObject": old}}


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def start(tmp_path, authority):
    """start(**flags): a Webhook on a folder of manifests, stopped at the
    end; a sanitizer's complaint fails the test."""
    started = []
    world = tmp_path / "manifests"
    world.mkdir()
    (world / "world.yaml").write_text(WORLD)

    def make(**flags):
        if "kubeconfig" not in flags:
            flags.setdefault("manifests", world)
        webhook = Webhook(tmp_path, authority, **flags)
        webhook.world = world
        started.append(webhook)
        return webhook
    yield make
    for webhook in started:
        webhook.stop()
        assert "Sanitizer" not in webhook.text(), webhook.text()
