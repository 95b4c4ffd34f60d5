"""kube_tool as an object, and a scripted API server for it."""

import base64
import gzip
import json
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from harness import ROOT, check, wait_until

VARIANT = os.environ.get("BUILD", "asan")


def binary():
    """The tool the Makefile built, built now where nobody said which."""
    tool = os.environ.get("KUBE_TOOL")
    if not tool:
        name = f"build/{VARIANT}/tools/kube_tool"
        check(["make", "-s", "-C", ROOT, f"BUILD={VARIANT}", name],
              timeout=600)
        tool = ROOT / name
    return tool


class Tool:
    """Commands in, lines out."""

    def __init__(self, kubeconfig, log, namespace=None):
        argv = [binary(), kubeconfig] + ([namespace] if namespace else [])
        self.lines = []
        self.log = log
        self._stderr = open(log, "w")
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.PIPE, text=True,
            stdout=subprocess.PIPE, stderr=self._stderr, bufsize=1)
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def wait(self, line, timeout=10, count=1):
        """Until this whole line has come that many times."""
        wait_until(lambda: self.lines.count(line) >= count, timeout,
                   f"{count} x {line!r} in {self.lines[-20:]}; "
                   f"{self.errors()[-2000:]}")

    def ask(self, command, start):
        """The first new line that begins so, after the command."""
        seen = len(self.lines)
        self.say(command)
        return wait_until(
            lambda: next((line for line in self.lines[seen:]
                          if line.startswith(start)), None),
            10, f"answer to {command}")

    def counts(self):
        return json.loads(self.ask("counts", "counts ").split(" ", 1)[1])

    def have(self):
        """{(kind, key): version} of the whole cache."""
        seen = len(self.lines)
        self.say("dump")
        wait_until(lambda: "end" in self.lines[seen:], 10, "dump")
        words = [line.split() for line in self.lines[seen:]]
        return {(w[1], w[2]): w[3] for w in words if w[0] == "have"}

    def errors(self):
        with open(self.log) as file:
            return file.read()

    def end(self):
        """Quits; a leak or a bad access fails here."""
        if self.process.poll() is None:
            self.say("quit")
        assert self.process.wait(20) == 0, self.errors()[-4000:]
        self._reader.join()
        self._stderr.close()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self._stderr.close()


def kubeconfig(path, server, ca=None, cluster=None, **user):
    """Writes a kubeconfig; user: token, tokenFile, client_certificate..."""
    cluster = {"server": server, **(cluster or {})}
    if ca:
        cluster["certificate-authority"] = str(ca)
    user = {k.replace("_", "-"): str(v) for k, v in user.items()}
    path.write_text(json.dumps({
        "current-context": "c",
        "contexts": [{"name": "c",
                      "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [{"name": "u", "user": user}]}))
    return path


class FakeApi:
    """An API server over TLS (HTTP/1.1) with Ingresses of its own.

    Everything else is an empty list.  'rules' are asked first: each is a
    function (request) -> True where it has answered.
    """

    def __init__(self, crt, key, client_ca=None):
        self.requests = []      # (method, path, query, headers)
        self.rules = []
        self.items = {}         # name -> object
        self.events = []        # (version, line)
        self.version = 10
        self.changed = threading.Condition()
        self.closing = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake._serve(self)

            do_POST = do_PUT = do_PATCH = do_GET

            def log_message(self, *arguments):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True,
            do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def close(self):
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def put(self, name, kind="ADDED", **meta):
        with self.changed:
            self.version += 1
            item = {"metadata": {
                "namespace": "d", "name": name, "uid": f"u-{name}",
                "resourceVersion": str(self.version), **meta}}
            if kind == "DELETED":
                self.items.pop(name, None)
            else:
                self.items[name] = item
            line = json.dumps({"type": kind, "object": item}) + "\n"
            self.events.append((self.version, line.encode()))
            self.changed.notify_all()

    def asked(self, part, query=None):
        return [r for r in self.requests
                if part in r[1] and (not query or query in r[2])]

    def _serve(self, request):
        url = urlsplit(request.path)
        request.query = {k: v[0] for k, v in parse_qs(url.query).items()}
        request.where = url.path
        length = int(request.headers.get("Content-Length", 0))
        request.text = request.rfile.read(length)
        self.requests.append((request.command, url.path, request.query,
                              dict(request.headers)))
        for rule in list(self.rules):
            if rule(request):
                return
        if "watch" in request.query:
            self._watch(request)
        else:
            mine = url.path.endswith("/ingresses")
            send(request, 200, {
                "metadata": {"resourceVersion": str(self.version)},
                "items": list(self.items.values()) if mine else []})

    def _watch(self, request):
        begin_stream(request)
        at = int(request.query["resourceVersion"])
        mine = request.where.endswith("/ingresses")
        while not self.closing:
            with self.changed:
                new = [e for e in self.events if e[0] > at] if mine else []
                if not new:
                    self.changed.wait(0.5)
            for version, line in new:
                send_chunk(request, line)
                at = version


def send(request, status, body, headers=None, compress=False):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request.send_response(status)
    if compress:
        data = gzip.compress(data)
        request.send_header("Content-Encoding", "gzip")
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)
    return True


def begin_stream(request):
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.flush()


def send_chunk(request, data):
    request.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    request.wfile.flush()


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
