#!/usr/bin/python3
"""The control plane against a real API server: how long until a change is
served, how fast status is written, what a reconciler weighs.

usage: bench.py [--keep] [--sizes N,N,...] [--changes N]

etcd and kube-apiserver are those of tests/cluster, HAProxy is the real one.
Changes come one at a time from prober.c, which then looks at the proxy every
100 us; they are mixed, so that what disturbs the machine disturbs every kind.
Nothing here judges a time.
"""

import argparse
import base64
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(HERE.parent)]

import table                                # noqa: E402
from kubecluster import Cluster, build      # noqa: E402

TOOLS = ROOT / "build" / "release" / "tools"
SPACE = "bench"
PORT = 18080
JSON = "application/json"
MERGE = "application/merge-patch+json"
WRITERS = 8


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, what, deadline=900, pause=0.05):
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not in time: " + what)
        time.sleep(pause)


class Prober:
    def __init__(self, bench, http=0, https=0):
        self.process = subprocess.Popen(
            [str(w) for w in (TOOLS / "bench-prober", bench.api_port,
                              bench.cluster.ca, bench.token, http, https)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, method, path, body=None, host="-", want="-", kind=JSON):
        self.process.stdin.write("\t".join((
            method, path, kind, json.dumps(body) if body else "-", host,
            want)) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, "prober ended"
        status, sent, answered = (int(w) for w in line.split())
        assert 200 <= status < 300, status
        return sent / 1000, answered / 1000

    def do(self, *args, **more):
        self.send(*args, **more)
        return self.answer()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)


def path(kind, name=""):
    groups = {"ingresses": "/apis/networking.k8s.io/v1",
              "endpointslices": "/apis/discovery.k8s.io/v1"}
    return "%s/namespaces/%s/%s%s" % (groups.get(kind, "/api/v1"), SPACE,
                                      kind, "/" + name if name else "")


def ingress(i, services, tls=False):
    spec = {"ingressClassName": "sallyport", "rules": [{
        "host": "app%d.bench.test" % i, "http": {"paths": [{
            "path": "/", "pathType": "Prefix", "backend": {"service": {
                "name": "web-%d" % (i % services),
                "port": {"number": 80}}}}]}}]}
    if tls:
        spec["tls"] = [{"hosts": ["app%d.bench.test" % i],
                        "secretName": "tls"}]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "app-%d" % i, "annotations": {
                "nginx.ingress.kubernetes.io/ssl-redirect": "false"}},
            "spec": spec}


def service(j):
    return {"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web-%d" % j},
            "spec": {"ports": [{"name": "http", "port": 80,
                                "targetPort": PORT}]}}


def endpoints(j, address):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "web-%d" % j, "labels": {
                "kubernetes.io/service-name": "web-%d" % j}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address]}],
            "ports": [{"name": "http", "port": PORT}]}


def certificate(folder, name):
    pem = folder / name
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    str(pem) + ".key", "-out", str(pem) + ".crt", "-subj",
                    "/CN=" + name, "-addext", "subjectAltName=DNS:*.bench.test",
                    "-days", "30"], check=True, stderr=subprocess.DEVNULL)
    data = {k: base64.b64encode(pathlib.Path(
                "%s.%s" % (pem, s)).read_bytes()).decode()
            for k, s in (("tls.crt", "crt"), ("tls.key", "key"))}
    return {"apiVersion": "v1", "kind": "Secret", "type":
            "kubernetes.io/tls", "metadata": {"name": "tls"}, "data": data}


class Bench:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sp-"))
        self.cluster = Cluster(self.folder / "cluster").up()
        server = self.cluster.setting("SERVER")
        self.api_port = int(server.rsplit(":", 1)[1])
        cidr = self.cluster.setting("POD_CIDR").split("/")[0]
        self.addresses = [cidr.rsplit(".", 1)[0] + ".%d" % k
                          for k in (200, 201)]
        self.cluster.kubectl_ok("create", "namespace", SPACE)
        self.cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind":
                            "IngressClass", "metadata": {"name": "sallyport"},
                            "spec": {"controller":
                                     "sallyport.dev/ingress-controller"}})
        self.cluster.kubectl_ok("-n", SPACE, "create", "serviceaccount", "b")
        self.cluster.kubectl_ok("create", "clusterrolebinding", "b",
                                "--clusterrole=cluster-admin",
                                "--serviceaccount=%s:b" % SPACE)
        self.token = self.cluster.kubectl_ok(
            "-n", SPACE, "create", "token", "b", "--duration", "24h").strip()
        self.config = self.cluster.service_account_kubeconfig(
            "b", SPACE, self.folder / "kubeconfig")
        self.origins = [subprocess.Popen([TOOLS / "bench-origin", str(PORT),
                                          a]) for a in self.addresses]
        self.loaded = 0
        self.served = 0
        self.process = None

    def many(self, requests):
        """Over a few connections; returns requests a second."""
        shares = [requests[k::WRITERS] for k in range(WRITERS)]

        def work(share):
            p = Prober(self)
            for r in share:
                p.do(*r[:3], **(r[3] if len(r) > 3 else {}))
            p.stop()

        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(work, shares))
        return len(requests) / (time.monotonic() - begin)

    def load(self, n):
        """Up to 'n' Ingresses, ten to a Service; the services first."""
        services = max(1, n // 10)
        self.many([("POST", path("services"), service(j))
                   for j in range(self.served, services)])
        self.many([("POST", path("endpointslices"),
                    endpoints(j, self.addresses[0]))
                   for j in range(self.served, services)])
        self.served = services
        self.many([("POST", path("ingresses"), ingress(i, services))
                   for i in range(self.loaded, n)])
        self.loaded = n

    def start(self):
        self.admin, self.http, self.https = (free_port() for _ in range(3))
        self.run = self.folder / "run"
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [str(w) for w in (
                ROOT / "build" / "sallyport-reconciler", "--kubeconfig",
                self.config, "--run-dir", self.run, "--http-port", self.http,
                "--https-port", self.https, "--bind-address", "127.0.0.1",
                "--admin-address", "127.0.0.1:%d" % self.admin, "--maxconn",
                "2000", "--cluster-claims=false", "--election-namespace",
                SPACE, "--publish-status-address", "127.0.0.1")],
            stdout=self.log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL)
        begin = time.monotonic()
        until(lambda: self.get("/readyz") is not None, "ready: %s" %
              (self.folder / "log").read_text(errors="replace")[-2000:])
        return time.monotonic() - begin

    def get(self, where):
        assert self.process.poll() is None
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (
                    self.admin, where), timeout=60) as r:
                return r.read().decode()
        except OSError:
            return None

    def metric(self, name):
        return sum(float(line.rsplit(" ", 1)[1])
                   for line in (self.get("/metrics") or "").splitlines()
                   if re.match(re.escape(name) + r"(\{| )", line))

    def halt(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None
            self.log.close()

    def stop(self):
        self.halt()
        for o in self.origins:
            o.kill()
            o.wait()
        self.cluster.down()
        shutil.rmtree(self.folder)

    # ---- what is measured ----

    def changes(self, n):
        """Mixed changes, one at a time: {kind: [(sent, answered) ms]}."""
        p = Prober(self, self.http, self.https)
        secrets = [certificate(self.folder, "cert%d" % k) for k in (0, 1)]
        name = "/apis/networking.k8s.io/v1/namespaces/%s/ingresses" % SPACE
        first = self.loaded
        host = "tls.bench.test"
        p.do("POST", path("secrets"), secrets[0])
        tls = ingress(first, self.served, tls=True)
        tls["spec"]["rules"][0]["host"] = host
        tls["spec"]["tls"][0]["hosts"] = [host]
        tls["metadata"]["name"] = "tls"
        p.do("POST", name, tls, host=host, want="cert:cert0")
        seen = {k: [] for k in ("create", "endpoints", "certificate",
                                "delete")}
        for k in range(n):
            i = first + 1 + k
            app = "app%d.bench.test" % i
            j = i % self.served
            seen["create"].append(p.do("POST", name, ingress(
                i, self.served), host=app, want="200"))
            for a in (1, 0):
                seen["endpoints"].append(p.do(
                    "PATCH", path("endpointslices", "web-%d" % j),
                    {"endpoints": [{"addresses": [self.addresses[a]]}]},
                    host=app, want="origin:" + self.addresses[a],
                    kind=MERGE))
            seen["certificate"].append(p.do(
                "PATCH", path("secrets", "tls"),
                {"data": secrets[(k + 1) % 2]["data"]}, host=host,
                want="cert:cert%d" % ((k + 1) % 2), kind=MERGE))
            seen["delete"].append(p.do(
                "DELETE", path("ingresses", "app-%d" % i), host=app,
                want="404"))
        p.do("DELETE", path("ingresses", "tls"))
        p.do("DELETE", path("secrets", "tls"))
        p.stop()
        return seen


def p99(values):
    return sorted(values)[max(0, int(len(values) * 0.99) - 1)]


def resident_mb(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"Rss:\s+(\d+)", f.read())[1]) / 1024


def first_status(bench, n):
    """A reconciler that starts before statuses: writes a second of its."""
    begin = None
    while True:
        done = bench.metric("sallyport_status_writes_total")
        if done and begin is None:
            begin, first = time.monotonic(), done
        if done >= n:
            return (n - first) / (time.monotonic() - begin) \
                if n > first else 0
        time.sleep(0.005)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--sizes", default="100,3000,10000")
    parser.add_argument("--changes", type=int, default=200)
    args = parser.parse_args()
    limit = min(100000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    problem = build()
    assert not problem, problem
    rows, more = [], []
    bench = Bench()
    try:
        for n in (int(s) for s in args.sizes.split(",")):
            new = n - bench.loaded
            bench.load(n)
            ready = bench.start()
            # Those that were there before have their status already.
            writes = first_status(bench, new)
            seen = bench.changes(args.changes)
            for kind, values in seen.items():
                answered = [v[1] for v in values]
                rows.append("| %d | %s | %d | %.1f | %.1f | %.1f | %.1f |" % (
                    n, kind, len(values), statistics.median(answered),
                    p99(answered), max(answered),
                    statistics.median(v[0] for v in values)))
                print(rows[-1], flush=True)
            bare = bench.many([(
                "PATCH", path("ingresses", "app-%d/status" % i),
                {"status": {"loadBalancer": {"ingress": [
                    {"ip": "127.0.0.1", "ports": [
                        {"port": 1, "protocol": "TCP"}]}]}}},
                {"kind": MERGE}) for i in range(min(n, 1000))])
            more.append("| %d | %.1f | %.0f | %.0f | %.1f | %d | %d |" % (
                n, ready, writes, bare, resident_mb(bench.process.pid),
                bench.metric("sallyport_haproxy_reloads_total"),
                len(os.listdir("/proc/%d/fd" % bench.process.pid))))
            print(more[-1], flush=True)
            bench.halt()
    finally:
        bench.stop()
    text = table.facts() + "\n\n| Ingresses | change | n | p50 ms | p99 ms " \
        "| max ms | p50 from the request |\n|---|---|---|---|---|---|---|\n" + \
        "\n".join(rows) + "\n\n| Ingresses | start to ready s | status " \
        "writes/s | bare loop/s | MB | reloads | descriptors |\n" \
        "|---|---|---|---|---|---|---|\n" + "\n".join(more)
    if args.keep:
        table.keep("cluster", text)


if __name__ == "__main__":
    main()
