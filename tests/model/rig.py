"""The real reconciler and HAProxy in standalone mode, clients, the model."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

import sets

sys.path.append(str(Path(__file__).resolve().parents[1]))

from ports import free_port  # noqa: E402
from waiting import DEADLINE, until  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SALLYPORT_BUILD", ROOT / "build"))
VERDICTS = Path(os.environ.get(
    "VERDICTS", ROOT / "build/release/tools/verdicts"))
HAPROXY = os.environ.get("HAPROXY") or shutil.which(
    "haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")
DEFAULT = "n1/s4"


class Rig:
    """Everything that runs, in a folder of its own."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="sp-model-", dir="/tmp"))
        (self.dir / "manifests").mkdir()
        names = [(ns, s) for ns in sets.NAMESPACES for s in sets.SERVICES]
        self.http, self.https, self.admin, *ports = \
            (free_port() for _ in range(3 + len(names)))
        self.upstreams = dict(zip(names, ports))
        self.processes = []
        self.rounds = 0
        try:
            self.start_upstream()
            self.write_fixed()
            self.load([])
            self.start_reconciler()
        except BaseException:
            self.close()
            raise

    def spawn(self, name, *argv):
        with open(self.dir / f"{name}.log", "w") as log:
            self.processes.append(subprocess.Popen(
                [str(a) for a in argv], stdout=log, stderr=log))
        return self.processes[-1]

    def start_upstream(self):
        """One HAProxy that is every pod: it says which port was asked."""
        binds = "".join(f"    bind 127.0.0.1:{port} name {ns}/{service}\n"
                        for (ns, service), port in self.upstreams.items())
        (self.dir / "upstream.cfg").write_text(
            "global\n    maxconn 500\n    nbthread 1\n"
            "defaults\n    mode http\n    timeout client 60s\n"
            "    timeout http-request 60s\n"
            "    option accept-invalid-http-request\n"
            "frontend pods\n" + binds +
            "    http-request return status 200 content-type text/plain "
            "hdr X-Backend %[so_name] string ok\n")
        self.spawn("upstream", HAPROXY, "-db", "-f",
                   self.dir / "upstream.cfg")

    def write_fixed(self):
        """Class, Services, their endpoints, certificates."""
        key, crt = self.dir / "key.pem", self.dir / "crt.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", crt,
             "-days", "30", "-subj", "/CN=model", "-addext",
             "subjectAltName=DNS:a.test,DNS:*.a.test,DNS:b.test"],
            check=True, capture_output=True)
        objects = [{"apiVersion": "networking.k8s.io/v1",
                    "kind": "IngressClass", "metadata": {"name": "sallyport"},
                    "spec": {"controller": "sallyport.dev/"
                             "ingress-controller"}}]
        for (ns, service), port in self.upstreams.items():
            objects.append({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": service, "namespace": ns},
                "spec": {"ports": [{"name": "http", "port": 80}]}})
            objects.append({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": service, "namespace": ns, "labels": {
                    "kubernetes.io/service-name": service}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["127.0.0.1"]}],
                "ports": [{"name": "http", "port": port}]})
        for ns in sets.NAMESPACES:
            objects.append({
                "apiVersion": "v1", "kind": "Secret",
                "type": "kubernetes.io/tls",
                "metadata": {"name": "cert", "namespace": ns},
                "stringData": {"tls.crt": crt.read_text(),
                               "tls.key": key.read_text()}})
        (self.dir / "manifests/fixed.json").write_text(
            json.dumps({"apiVersion": "v1", "kind": "List",
                        "items": objects}))

    def start_reconciler(self):
        self.reconciler = self.spawn(
            "reconciler", BUILD / "sallyport-reconciler", "--manifests",
            self.dir / "manifests", "--run-dir", self.dir / "run",
            "--haproxy", HAPROXY, "--bind-address", "127.0.0.1",
            "--http-port", self.http, "--https-port", self.https,
            "--admin-address", f"127.0.0.1:{self.admin}",
            "--default-backend-service", DEFAULT, "--threads", "1",
            "--maxconn", "500")
        until(lambda: self.get("/readyz") is not None,
              "the reconciler is ready")

    def get(self, path):
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.admin}{path}", timeout=10) as r:
                return r.read().decode()
        except OSError:
            assert self.reconciler.poll() is None, \
                (self.dir / "reconciler.log").read_text()[-2000:]
            return None

    def load(self, ingresses):
        """Puts a set in place of the last one, in one step."""
        self.rounds += 1
        self.marker = f"m{self.rounds}.{sets.MARKER}"
        marker = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                  "metadata": {"name": "marker", "namespace": "n1",
                               "annotations": {
                                   sets.NGINX + "permanent-redirect":
                                   sets.ELSEWHERE + self.marker}},
                  "spec": {"ingressClassName": "sallyport", "rules": [
                      {"host": self.marker, "http": {"paths": [
                          {"path": "/", "pathType": "Exact", "backend": {
                              "service": {"name": "s1",
                                          "port": {"number": 80}}}}]}}]}}
        temporary = self.dir / "set.tmp"
        temporary.write_text(json.dumps({
            "apiVersion": "v1", "kind": "List",
            "items": ingresses + [marker]}))
        temporary.rename(self.dir / "manifests/set.json")

    def count(self, result):
        text = self.get("/metrics") or ""
        name = 'sallyport_selfchecks_total{result="%s"} ' % result
        return next((int(line[len(name):]) for line in text.splitlines()
                     if line.startswith(name)), 0)

    def settle(self):
        """Waits until HAProxy has the set whole, by its own report."""
        asked = {"scheme": "http", "version": "11", "method": "GET",
                 "target": "/", "hosts": [self.marker]}
        want = f"redirect 301 {sets.ELSEWHERE}{self.marker}"
        until(lambda: ask_once(self, asked) == want, "the set is there")
        before = self.count("equal")
        self.reconciler.send_signal(signal.SIGUSR1)
        until(lambda: self.count("equal") > before,
              "HAProxy equals the plan")
        assert self.count("different") == 0

    def verdicts(self, requests):
        lines = "".join(verdict_line(r) for r in requests)
        done = subprocess.run([VERDICTS, self.dir / "manifests"],
                              input=lines, capture_output=True, text=True,
                              timeout=300)
        assert done.returncode == 0, done.stderr
        out = done.stdout.splitlines()
        assert len(out) == len(requests)
        return [normal(line, r) for line, r in zip(out, requests)]

    def close(self):
        for p in reversed(self.processes):
            p.terminate()
        for p in self.processes:
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


# --- The model ---

def to_hex(text):
    return text.encode("latin-1").hex()


def verdict_line(r):
    """Of several equal Host headers one counts; blanks around it do not."""
    host = "-" if not r["hosts"] else \
        to_hex(r["hosts"][0].strip(" \t")) or "."
    return " ".join([r["scheme"], r["version"], to_hex(r["method"]),
                     to_hex(r["target"]), host]) + "\n"


def normal(verdict, r):
    """A verdict of the model in the words of observed()."""
    if len({h.strip(" \t").encode("latin-1").lower()
            for h in r["hosts"]}) > 1:
        return "refused 400"    # HTTP itself: two different Hosts.
    words = verdict.split(" ")
    if verdict == "default":
        return "backend " + DEFAULT
    if words[0] == "backend":
        ns, service, port = words[1].split("/")
        if service not in sets.SERVICES or port not in ("80", "http"):
            return "unavailable"
        return f"backend {ns}/{service}"
    return verdict


# --- HAProxy ---

def observed(status, headers):
    name = headers.get("x-backend")
    location = headers.get("location", "")
    if name:
        return "backend " + name
    if location.startswith((sets.ELSEWHERE, "/app")):
        return f"redirect {status} {location}"
    if status == 308:
        return "308 " + re.sub(r":\d+$", "", location.split("/")[2])
    if status in (400, 405, 414):
        return f"refused {status}"
    return {404: "none", 503: "unavailable"}.get(status, f"status {status}")


class Http1:
    """Raw bytes over one connection while it lives."""

    def __init__(self, rig, scheme):
        self.socket = socket.create_connection(
            ("127.0.0.1", rig.https if scheme == "https" else rig.http),
            timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            self.socket = tls("http/1.1").wrap_socket(
                self.socket, server_hostname="a.test")
        self.alive = True

    def ask(self, r):
        version = {"10": "1.0", "11": "1.1"}[r["version"]]
        head = f"{r['method']} {r['target']} HTTP/{version}\r\n"
        head += "".join(f"Host: {h}\r\n" for h in r["hosts"])
        if r["method"] == "POST":
            head += "Content-Length: 0\r\n"
        try:
            self.socket.sendall((head + "\r\n").encode("latin-1"))
            return self.answer(r["method"])
        except (ConnectionError, ssl.SSLError):
            self.alive = False
            return "refused 400"

    def answer(self, method):
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            if not more:
                self.alive = False
                return "refused 400" if not data else "cut"
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, v in
                   (line.split(": ", 1) for line in lines[1:]
                    if ": " in line)}
        length = int(headers.get("content-length", 0))
        while method != "HEAD" and len(body) < length:
            more = self.socket.recv(65536)
            if not more:
                break
            body += more
        if headers.get("connection") == "close" or \
                lines[0].startswith("HTTP/1.0"):
            self.alive = False
        return observed(int(lines[0].split(" ")[1]), headers)

    def close(self):
        self.socket.close()


def tls(protocol):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context


class Http2:
    """HTTP/2 with headers nobody checks on the way out."""

    def __init__(self, rig, scheme):
        self.scheme = scheme
        self.socket = socket.create_connection(
            ("127.0.0.1", rig.https if scheme == "https" else rig.http),
            timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            self.socket = tls("h2").wrap_socket(self.socket,
                                                server_hostname="a.test")
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="latin-1",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False))
        self.h2.initiate_connection()
        self.socket.sendall(self.h2.data_to_send())
        self.alive = True
        self.requests = 0

    def ask(self, r):
        self.requests += 1
        self.alive = self.requests < 500
        fields = [(":method", r["method"]), (":scheme", self.scheme)]
        fields += [(":authority", h) for h in r["hosts"]]
        fields.append((":path", r["target"]))
        stream = self.h2.get_next_available_stream_id()
        try:
            self.h2.send_headers(
                stream, [(k.encode(), v.encode("latin-1"))
                         for k, v in fields], end_stream=True)
            self.socket.sendall(self.h2.data_to_send())
            return self.answer(stream)
        except (ConnectionError, ssl.SSLError,
                h2.exceptions.ProtocolError):
            self.alive = False
            return "refused 400"

    def answer(self, stream):
        result = None
        while True:
            data = self.socket.recv(65536)
            if not data:
                self.alive = False
                return result or "refused 400"
            for event in self.h2.receive_data(data):
                if getattr(event, "stream_id", None) == stream:
                    if isinstance(event, h2.events.ResponseReceived):
                        headers = dict(event.headers)
                        result = observed(int(headers[":status"]), headers)
                    elif isinstance(event, h2.events.StreamReset):
                        return result or "refused 400"
                    elif isinstance(event, h2.events.StreamEnded):
                        self.flush()
                        return result
                elif isinstance(event, h2.events.ConnectionTerminated):
                    self.alive = False
                    return result or "refused 400"
            self.flush()

    def flush(self):
        out = self.h2.data_to_send()
        if out:
            self.socket.sendall(out)

    def close(self):
        self.socket.close()


class Clients:
    """A connection for each kind, made anew when it has ended."""

    def __init__(self, rig):
        self.rig = rig
        self.open = {}

    def ask(self, r):
        kind = (r["scheme"], r["version"] == "20")
        client = self.open.pop(kind, None)
        if not client:
            client = (Http2 if kind[1] else Http1)(self.rig, r["scheme"])
        answer = client.ask(r)
        if client.alive and r["version"] != "10":
            self.open[kind] = client
        else:
            client.close()
        return answer

    def close(self):
        for client in self.open.values():
            client.close()
        self.open = {}


def ask_once(rig, r):
    clients = Clients(rig)
    try:
        return clients.ask(r)
    finally:
        clients.close()
