"""A cluster of a size, and an API server that lists and watches it.

World(n) has n Ingresses of one host and path each; ten share a Service with
four endpoints, one in twenty-five has a certificate.  Api serves it, or another
that has each(kind) and a version, over TLS, from pages made beforehand, so that
its own slowness is not what is measured.
"""

import itertools
import json
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = 500
KINDS = ("ingresses", "services", "endpointslices", "secrets",
         "ingressclasses", "namespaces", "configmaps")
BORN = "2026-01-01T00:00:00Z"


def compact(document):
    return json.dumps(document, separators=(",", ":")).encode()


class World:
    def __init__(self, n, certs_tool, per_service=10, endpoints=4,
                 per_certificate=25):
        self.n = n
        self.services = max(1, n // per_service)
        self.spaces = max(1, self.services // 10)
        self.endpoints = endpoints
        self.certificates = n // per_certificate
        self.version = 1000
        self.items = {kind: {} for kind in KINDS}
        self._fill(certs_tool)

    def meta(self, name, ns=None, **more):
        self.version += 1
        meta = {"name": name, "uid": f"{self.version:08x}-0000-4000-8000-"
                "0123456789ab", "resourceVersion": str(self.version),
                "generation": 1, "creationTimestamp": BORN, **more}
        if ns:
            meta["namespace"] = ns
        return meta

    def space(self, service):
        return f"team-{service % self.spaces}"

    def ingress(self, i, **more):
        """As kubectl leaves it: its managed fields are there, too."""
        service = i % self.services
        spec = {"ingressClassName": "sallyport", "rules": [{
            "host": f"app{i}.bench.test", "http": {"paths": [{
                "path": "/", "pathType": "Prefix", "backend": {"service": {
                    "name": f"web-{service}", "port": {"number": 80}}}}]}}]}
        if i < self.certificates:
            spec["tls"] = [{"hosts": [f"app{i}.bench.test"],
                            "secretName": f"tls-{i}"}]
        meta = self.meta(f"app-{i}", self.space(service),
                         annotations={"example.com/owner": "team"},
                         labels={"app.kubernetes.io/name": f"app-{i}"},
                         managedFields=[{
                             "manager": "kubectl", "operation": "Update",
                             "apiVersion": "networking.k8s.io/v1",
                             "time": BORN, "fieldsType": "FieldsV1",
                             "fieldsV1": {"f:spec": {
                                 "f:ingressClassName": {},
                                 "f:rules": {}}}}])
        status = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}
        return {"metadata": meta, "spec": spec, "status": status, **more}

    def service(self, j):
        return {"metadata": self.meta(
                    f"web-{j}", self.space(j), labels={"app": f"web-{j}"}),
                "spec": {"type": "ClusterIP",
                         "clusterIP": f"10.96.{j >> 8 & 255}.{j & 255}",
                         "ports": [{"name": "http", "port": 80,
                                    "targetPort": 8080, "protocol": "TCP"}]}}

    def slice(self, j, first=0):
        """Its endpoints are numbered from 'first'."""
        addresses = [(4 * j + first + k) & 0xffff
                     for k in range(self.endpoints)]
        return {"metadata": self.meta(
                    f"web-{j}-abcde", self.space(j),
                    labels={"kubernetes.io/service-name": f"web-{j}"}),
                "addressType": "IPv4",
                "endpoints": [{
                    "addresses": [f"10.244.{a >> 8}.{a & 255}"],
                    "conditions": {"ready": True, "serving": True,
                                   "terminating": False},
                    "nodeName": "node-1",
                    "targetRef": {"kind": "Pod", "name": f"web-{j}-{k}",
                                  "namespace": self.space(j)}}
                    for k, a in enumerate(addresses)],
                "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}

    def secret(self, i, pair):
        crt, key = pair
        return {"type": "kubernetes.io/tls",
                "metadata": self.meta(f"tls-{i}",
                                      self.space(i % self.services)),
                "data": {"tls.crt": crt, "tls.key": key}}

    def _put(self, kind, document):
        meta = document["metadata"]
        key = meta["name"]
        if "namespace" in meta:
            key = meta["namespace"] + "/" + key
        self.items[kind][key] = document
        return document

    def each(self, kind):
        return self.items[kind].values()

    def _fill(self, certs_tool):
        for i in range(self.n):
            self._put("ingresses", self.ingress(i))
        for j in range(self.services):
            self._put("services", self.service(j))
            self._put("endpointslices", self.slice(j))
        for k in range(self.spaces):
            self._put("namespaces", {"metadata": self.meta(f"team-{k}")})
        self._put("ingressclasses", {
            "metadata": self.meta("sallyport"),
            "spec": {"controller": "sallyport.dev/ingress-controller"}})
        if self.certificates:
            out = subprocess.run([certs_tool, str(self.certificates + 8)],
                                 check=True, stdout=subprocess.PIPE).stdout
            self.pairs = [line.split() for line in out.decode().split("\n")
                          if line]
            for i in range(self.certificates):
                self._put("secrets", self.secret(i, self.pairs[i]))


class Api:
    """Lists and watches over TLS, one thread a connection."""

    def __init__(self, world, crt, key):
        self.world = world
        self.changed = threading.Condition()
        self.events = {kind: [] for kind in KINDS}
        self.pages = {}
        self.listed = {}            # kind -> when its last page was sent
        self.patches = 0
        self.lease = None
        for kind in KINDS:
            self._make_pages(kind)
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def handle_any(self):
                api._serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True,
            do_handshake_on_connect=False)
        self.url = "https://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def _make_pages(self, kind):
        each = iter(self.world.each(kind))
        items = list(itertools.islice(each, PAGE))
        at = 0
        while at == 0 or items:
            more = list(itertools.islice(each, PAGE))
            meta = {"resourceVersion": str(self.world.version)}
            if more:
                meta["continue"] = str(at + PAGE)
            self.pages[kind, at] = compact({
                "kind": "List", "metadata": meta, "items": items})
            items = more
            at += PAGE

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def event(self, kind, document, type="MODIFIED"):
        """Tells whoever watches; the world's own items stay as listed."""
        line = compact({"type": type, "object": document}) + b"\n"
        with self.changed:
            self.events[kind].append(line)
            self.changed.notify_all()

    def _serve(self, request):
        url = urlsplit(request.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        body = request.rfile.read(int(request.headers.get("Content-Length",
                                                          0)))
        kind = url.path.rsplit("/", 1)[1]
        if "/leases" in url.path:
            self._lease(request, body)
        elif request.command == "PATCH":
            self.patches += 1
            self._send(request, 200, b"{}")
        elif request.command != "GET":
            self._send(request, 201, body or b"{}")
        elif kind not in KINDS:
            self._send(request, 404, b"{}")
        elif "watch" in query:
            self._watch(request, kind)
        else:
            at = int(query.get("continue", 0))
            self._send(request, 200, self.pages[kind, at])
            if (kind, at + PAGE) not in self.pages:
                self.listed[kind] = time.monotonic()

    def _lease(self, request, body):
        if request.command == "GET":
            if self.lease:
                self._send(request, 200, compact(self.lease))
            else:
                self._send(request, 404, compact({
                    "kind": "Status", "status": "Failure",
                    "reason": "NotFound", "code": 404}))
            return
        if request.command in ("POST", "PUT"):
            self.lease = json.loads(body)
            self.world.version += 1
            self.lease["metadata"]["resourceVersion"] = \
                str(self.world.version)
        self._send(request, 201 if request.command == "POST" else 200,
                   compact(self.lease))

    def _send(self, request, status, body):
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
        request.wfile.flush()

    def _watch(self, request, kind):
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.flush()
        at = 0
        while True:
            with self.changed:
                while at == len(self.events[kind]):
                    self.changed.wait(60)
                new = self.events[kind][at:]
                at = len(self.events[kind])
            for line in new:
                request.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            request.wfile.flush()


def main():
    """world.py N CERTS-TOOL CRT KEY: serves until killed."""
    api = Api(World(int(sys.argv[1]), sys.argv[2]), *sys.argv[3:5])
    print(api.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
