#!/usr/bin/python3
"""The control plane against a real API server: how long until a change is
served, how fast status is written, what a reconciler weighs.

usage: bench.py [--keep] [--statuses] [--sizes N,N,...] [--changes N] [--rounds N]

etcd and kube-apiserver are those of tests/cluster, HAProxy is the real one;
what they keep is in memory, as the run directory of a pod is.  Changes come
one at a time from prober.c, which then looks at the proxy every 100 us; they
are mixed, so that what disturbs the machine disturbs every kind.  Statuses are
written in rounds, by us and then by a loop of eight connections that does
nothing else; a ratio is that of a round.  A size's table is kept as soon as it is there.  Nothing here judges a time; that every
status is written, and once, is asserted by the API server's own count.
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
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests"),
                str(HERE.parent)]

import table                                # noqa: E402
from kubecluster import Cluster, build      # noqa: E402
from ports import free_port                 # noqa: E402

TOOLS = ROOT / "build" / "release" / "tools"
SPACE = "bench"
PORT = 18080
SAMPLES = ROOT / "build" / "bench-cluster.json"     # Of the last size.
JSON = "application/json"
MERGE = "application/merge-patch+json"
WRITERS = 8
# Of a bare loop; the least of all rounds of a size together, too.
LEAST_WRITES, MOST_WRITES = 1000, 3000
# Between two looks at how many statuses are written: who looks takes CPU from
# who is looked at.
LOOK_S, LOOK_S_EACH = 0.02, 1 / 20000
# What is fed, and answered, before anybody reads it.
PIPE_BYTES = 1 << 20
STREAMS = 8
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def until(condition, what, deadline=900, pause=0.05):
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not in time: " + what)
        time.sleep(pause)


def line_of(method, where, body=None, host="-", want="-", kind=JSON):
    return "\t".join((method, where, kind, json.dumps(body) if body else "-",
                      host, want)) + "\n"


class Prober:
    """Takes requests from standard input, one at a time or all at once."""

    def __init__(self, bench, http=0, https=0, watch=()):
        self.process = subprocess.Popen(
            [str(w) for w in (TOOLS / "bench-prober", bench.api_port,
                              bench.cluster.ca, bench.token, http, https,
                              *watch)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            pipesize=PIPE_BYTES)

    def answer(self):
        line = self.process.stdout.readline()
        assert line, "prober ended"
        status, *times = (int(w) for w in line.split())
        assert 200 <= status < 300, status
        return [t / 1000 for t in times]

    def do(self, *args, **more):
        self.feed(line_of(*args, **more))
        return self.answer()

    def feed(self, lines):
        self.process.stdin.write(lines)
        self.process.stdin.flush()

    def play(self, lines):
        """All of them.  Nobody is woken to read an answer before the last one
        is there: that would be CPU of neither side."""
        self.feed("".join(lines))
        # A wait with a deadline looks every 50 ms; the prober has its own.
        self.stop(None)
        for _ in lines:
            self.answer()
        assert not self.process.stdout.read()

    def stop(self, deadline=20):
        self.process.stdin.close()
        assert self.process.wait(deadline) == 0


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
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sp-", dir=MEMORY))
        self.cluster = Cluster(self.folder / "cluster").up()
        # They stand for other machines, and have nothing to do here.
        for part in ("manager", "podhelper"):
            os.kill(self.cluster.pid(part), signal.SIGKILL)
        self.servers = [self.cluster.pid(part)
                        for part in ("apiserver", "etcd")]
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
        self.turn = 0
        self.process = None

    def many(self, what, requests):
        """Over a few connections that stand already; returns requests a
        second, and the servers' CPU for one in ms."""
        def work(k):
            lines = [line_of(*r[:3], **(r[3] if len(r) > 3 else {}))
                     for r in requests[k::WRITERS]]
            p = Prober(self)
            p.do("GET", "/version")
            ready.wait()
            p.play(lines)

        ready = threading.Barrier(WRITERS + 1)
        with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
            done = [pool.submit(work, k) for k in range(WRITERS)]
            ready.wait()
            begin, cpu = time.monotonic(), self.servers_cpu()
            for d in done:
                d.result()
            seconds = time.monotonic() - begin
            cpu = self.servers_cpu() - cpu
        table.tell("%s: %d in %.1f s" % (what, len(requests), seconds))
        return len(requests) / seconds, cpu / max(1, len(requests)) * 1000

    def load(self, n):
        """Up to 'n' Ingresses, ten to a Service; the services first."""
        services = max(1, n // 10)
        self.many("services", [("POST", path("services"), service(j))
                               for j in range(self.served, services)])
        self.many("endpoints", [("POST", path("endpointslices"),
                                 endpoints(j, self.addresses[0]))
                                for j in range(self.served, services)])
        self.served = services
        self.many("Ingresses", [("POST", path("ingresses"),
                                 ingress(i, services))
                                for i in range(self.loaded, n)])
        self.loaded = n

    def start(self):
        """Under an address of its own, so that all statuses are due."""
        self.turn += 1
        self.patched = self.patches()
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
                SPACE, "--publish-status-address",
                "127.0.0.%d" % self.turn)],
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

    def api(self, where):
        request = urllib.request.Request(
            "https://127.0.0.1:%d%s" % (self.api_port, where),
            headers={"Authorization": "Bearer " + self.token})
        with urllib.request.urlopen(request, context=ssl.create_default_context(
                cafile=self.cluster.ca), timeout=60) as r:
            return r.read().decode()

    def patches(self):
        """Of statuses of Ingresses, that the API server has answered."""
        return sum(float(line.rsplit(" ", 1)[1])
                   for line in self.api("/metrics").splitlines()
                   if line.startswith("apiserver_request_total{") and
                   all(w in line for w in ('resource="ingresses"',
                                           'subresource="status"',
                                           'verb="PATCH"')))

    def metric(self, name):
        return sum(float(line.rsplit(" ", 1)[1])
                   for line in (self.get("/metrics") or "").splitlines()
                   if re.match(re.escape(name) + r"(\{| )", line))

    def servers_cpu(self):
        """Seconds of API server and etcd, which share a machine with us."""
        return sum(cpu_s(pid) for pid in self.servers)

    def haproxies(self):
        """How many processes serve this run directory."""
        n = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid) as f:
                    words = f.read().split("\0")
            except OSError:
                continue
            n += os.path.basename(words[0]) == "haproxy" and \
                any(str(self.run) in w for w in words[1:])
        return n

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

    def statuses(self, n):
        """Writes a second of a reconciler that has just started, and the CPU
        for one, of the servers and of ours; all of them are written, each
        once."""
        seen = []
        steps = table.Steps("statuses", n)
        while not seen or seen[-1][1] < n:
            seen.append((time.monotonic(),
                         self.metric("sallyport_status_writes_total"),
                         self.servers_cpu(), cpu_s(self.process.pid)))
            steps.done("status", seen[-1][1] - steps.i)
            time.sleep(max(LOOK_S, n * LOOK_S_EACH))
        assert self.patches() - self.patched == n, \
            "%d statuses by %d writes" % (n, self.patches() - self.patched)
        items = json.loads(self.api(path("ingresses")))["items"]
        want = [{"ip": "127.0.0.%d" % self.turn}]
        for item in items:
            have = item["status"]["loadBalancer"].get("ingress")
            assert have == want, (item["metadata"]["name"], have)
        assert len(items) == n, len(items)
        under_way = [s for s in seen if 0 < s[1] < n]
        if len(under_way) < 2 or under_way[0][1] == under_way[-1][1]:
            # Too few and too fast to be looked at: the least it can have been.
            begun = next(i for i, s in enumerate(seen) if s[1])
            under_way = [seen[max(begun - 1, 0)], seen[-1]]
        seconds, writes, *cpu = (
            b - a for a, b in zip(under_way[0], under_way[-1]))
        return writes / seconds, *(c / writes * 1000 for c in cpu)

    def bare_loop(self, n):
        """The same writes by nothing but connections that wait for each."""
        return self.many("bare loop", [(
            "PATCH", path("ingresses", "app-%d/status" % (i % n)),
            {"status": {"loadBalancer": {"ingress": [
                {"ip": "127.%d.%d.1" % (self.turn + 1, i // n)}]}}},
            {"kind": MERGE})
            for i in range(min(max(n, LEAST_WRITES), MOST_WRITES))])

    def changes(self, n):
        """Mixed changes, one at a time: {kind: [(sent, answered, told) ms]}."""
        p = Prober(self, self.http, self.https, watch=[
            path(kind) for kind in ("ingresses", "endpointslices",
                                    "secrets")])
        secrets = [certificate(self.folder, "cert%d" % k) for k in (0, 1)]
        first = self.loaded
        host = "tls.bench.test"
        p.do("POST", path("secrets"), secrets[0])
        tls = ingress(first, self.served, tls=True)
        tls["spec"]["rules"][0]["host"] = host
        tls["spec"]["tls"][0]["hosts"] = [host]
        tls["metadata"]["name"] = "tls"
        p.do("POST", path("ingresses"), tls, host=host, want="cert:cert0")
        seen = {k: [] for k in ("create", "endpoints", "certificate",
                                "delete")}
        steps = table.Steps("changes at %d" % first, n)
        for k in range(n):
            i = first + 1 + k
            app = "app%d.bench.test" % i
            j = i % self.served
            seen["create"].append(p.do(
                "POST", path("ingresses"), ingress(i, self.served), host=app,
                want="200"))
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
            steps.done("round")
        p.do("DELETE", path("ingresses", "tls"))
        p.do("DELETE", path("secrets", "tls"))
        p.stop()
        return seen

    def under_streams(self):
        """HAProxy's processes after hosts came while streams were open."""
        p = Prober(self, self.http, self.https)
        streams = []
        for k in range(STREAMS):
            s = socket.create_connection(("127.0.0.1", self.http))
            streams.append(s)
            # A body that never ends.
            s.sendall(b"POST / HTTP/1.1\r\nHost: app0.bench.test\r\n"
                      b"Content-Length: 1000000\r\n\r\nx")
            i = self.loaded + k
            p.do("POST", path("ingresses"), ingress(i, self.served),
                 host="app%d.bench.test" % i, want="200")
        n = self.haproxies()
        for k in range(STREAMS):
            streams[k].close()
            p.do("DELETE", path("ingresses", "app-%d" % (self.loaded + k)))
        p.stop()
        return n


def p99(values):
    return sorted(values)[max(0, int(len(values) * 0.99) - 1)]


def resident_mb(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"Rss:\s+(\d+)", f.read())[1]) / 1024


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        user, system = f.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def extent(values, form="%.0f"):
    return "%s (%s to %s)" % tuple(form % v for v in (
        statistics.median(values), min(values), max(values)))


def spread(values):
    return "%.1f | %.1f | %.1f" % (statistics.median(values), p99(values),
                                   max(values))


def rows_of(n, seen):
    """A row each for what is counted from the watch, and from the request."""
    rows = ["| Ingresses | change | n | p50 ms | p99 ms | max ms | p50 from "
            "the request | p99 | max |",
            "|---|---|---|---|---|---|---|---|---|"]
    for kind, values in seen.items():
        sent, _, told = zip(*values)
        rows.append("| %d | %s | %d | %s | %s |" % (
            n, kind, len(values), spread(told), spread(sent)))
    return rows


def status_rounds(bench, n, rounds):
    """Bare loop and ours in turns; the reconciler of the last one stays."""
    seen, ready = [], []
    for k in range(rounds):
        bench.halt()
        bare = bench.bare_loop(n)
        table.tell("starts at %d, round %d of %d" % (n, k + 1, rounds))
        ready.append(bench.start())
        ours = bench.statuses(n)
        seen.append((*ours, *bare, ours[0] / bare[0]))
        table.tell("statuses: %.0f/s, bare loop %.0f/s" % (ours[0], bare[0]))
    rate, servers, own, bare_rate, bare_servers, ratio = zip(*seen)
    return ready, [
        "", "| Ingresses | rounds | status writes/s | bare loop/s | ratio | "
        "API server and etcd, CPU ms a write | of the bare loop | ours |",
        "|---|---|---|---|---|---|---|---|",
        "| %d | %d | %s | %s | %s | %.2f | %.2f | %.2f |" % (
            n, rounds, extent(rate), extent(bare_rate),
            extent(ratio, "%.2f"), statistics.median(servers),
            statistics.median(bare_servers), statistics.median(own))]


def one_size(bench, n, args):
    bench.load(n)
    ready, statuses = status_rounds(bench, n,
                                    max(args.rounds, LEAST_WRITES // n))
    if args.statuses:
        bench.halt()
        print("\n".join(statuses), flush=True)
        return
    seen = bench.changes(args.changes)
    SAMPLES.write_text(json.dumps({"Ingresses": n, **seen}))
    rows = rows_of(n, seen) + [
        "", "| Ingresses | start to ready s | MB | reloads | descriptors | "
        "HAProxy's processes |", "|---|---|---|---|---|---|",
        "| %d | %s | %.1f | %d | %d | %d |" % (
            n, extent(ready, "%.1f"), resident_mb(bench.process.pid),
            bench.metric("sallyport_haproxy_reloads_total"),
            len(os.listdir("/proc/%d/fd" % bench.process.pid)),
            bench.under_streams())] + statuses
    bench.halt()
    print("\n".join(rows), flush=True)
    if args.keep:
        table.keep("cluster-%d" % n, table.facts() + "\n\n" +
                   "\n".join(rows))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--statuses", action="store_true",
                        help="these alone, printed and not kept")
    parser.add_argument("--sizes", default="100,3000,10000")
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    limit = min(100000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    problem = build()
    assert not problem, problem
    bench = Bench()
    try:
        for n in (int(s) for s in args.sizes.split(",")):
            one_size(bench, n, args)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
