"""The real reconciler on a folder of manifests, with the real HAProxy."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

import rig
from driver import built, free_port

PREFIX = "nginx.ingress.kubernetes.io/"


def service(name, port, namespace="default", cluster_ip="10.96.0.1",
            number=80):
    """A Service of the port 'number' and its one endpoint on loopback."""
    return [
        {"apiVersion": "v1", "kind": "Service",
         "metadata": {"name": name, "namespace": namespace},
         "spec": {"clusterIP": cluster_ip,
                  "ports": [{"name": "http", "port": number}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
         "metadata": {"name": name + "-1", "namespace": namespace,
                      "labels": {"kubernetes.io/service-name": name}},
         "addressType": "IPv4",
         "endpoints": [{"addresses": ["127.0.0.1"],
                        "conditions": {"ready": True}}] if port else [],
         "ports": [{"name": "http", "port": port or 1, "protocol": "TCP"}]}]


def many(name, ports):
    """The same with an endpoint on each of these ports."""
    one, slice_ = service(name, 1)
    slices = []
    for i, port in enumerate(ports):
        copy = dict(slice_, metadata=dict(slice_["metadata"],
                                          name="%s-%d" % (name, i)))
        copy["ports"] = [{"name": "http", "port": port, "protocol": "TCP"}]
        slices.append(copy)
    return [one] + slices


def ingress(name, host, annotations=(), paths=(("/", "Prefix"),), to="main",
            tls=None, namespace="default", number=80):
    one = {
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, "annotations": {
            k if "/" in k else PREFIX + k: v
            for k, v in dict(annotations).items()}},
        "spec": {"ingressClassName": "sallyport", "rules": [
            {"host": host, "http": {"paths": [
                {"path": path, "pathType": kind, "backend": {"service": {
                    "name": to, "port": {"number": number}}}}
                for path, kind in paths]}}]}}
    if tls:
        one["spec"]["tls"] = tls
    return one


def config_map(name, data, namespace="default"):
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace}, "data": data}


def secret(name, namespace="default", **data):
    """data: ca_crt="PEM" is the key "ca.crt"."""
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": name, "namespace": namespace},
            "data": {key.replace("_", "."):
                     base64.b64encode(text.encode()).decode()
                     for key, text in data.items()}}


class Standalone:
    """apply() replaces all objects but the class and the Services.  'within'
    begins the command of the reconciler."""

    def __init__(self, *flags, services=(), within=()):
        self.dir = tempfile.mkdtemp(prefix="sp-")
        self.http = ("127.0.0.1", free_port())
        self.https = ("127.0.0.1", free_port())
        self.admin = ("127.0.0.1", free_port())
        os.mkdir(self.dir + "/in")
        self.base = [{"apiVersion": "networking.k8s.io/v1",
                      "kind": "IngressClass",
                      "metadata": {"name": "sallyport"},
                      "spec": {"controller":
                               "sallyport.dev/ingress-controller"}}]
        for objects in services:
            self.base += objects
        self.apply([])
        self.log = open(self.dir + "/log", "ab")
        self.flags, self.within = flags, within
        self.start()

    def start(self):
        binary = built("SALLYPORT_RECONCILER", "build/sallyport-reconciler")
        self.process = subprocess.Popen(
            [*self.within, binary, "--manifests", self.dir + "/in", "--run-dir",
             self.dir + "/run", "--haproxy", rig.HAPROXY, "--bind-address",
             "127.0.0.1", "--http-port", str(self.http[1]), "--https-port",
             str(self.https[1]), "--admin-address",
             "127.0.0.1:%d" % self.admin[1], "--threads", "1", "--maxconn",
             "1000", *self.flags],
            stdout=self.log, stderr=subprocess.STDOUT)
        try:
            rig.until(self.is_ready, "ready")
        except AssertionError:
            self.stop()
            raise

    def selfcheck(self):
        """The state equals a full recompute, and HAProxy equals it."""
        n = self.metric("sallyport_selfchecks_total")
        self.process.send_signal(signal.SIGUSR1)
        rig.until(lambda: self.metric("sallyport_selfchecks_total") == n + 1,
                  "the self-check")
        assert 'selfchecks_total{result="different"} 0' in rig.http1(
            self.admin, "/metrics", "x").body, self.text()

    def adopt(self):
        """Another reconciler takes over the HAProxy that runs."""
        self.process.send_signal(signal.SIGHUP)
        self.process.wait(rig.DEADLINE)
        self.start()

    def is_ready(self):
        assert self.process.poll() is None, self.text()
        try:
            return rig.http1(self.admin, "/readyz", "x").status == 200
        except OSError:
            return False

    def text(self):
        with open(self.dir + "/log") as f:
            return f.read()

    def apply(self, objects):
        with open(self.dir + "/new", "w") as f:
            for one in self.base + list(objects):
                f.write("---\n%s\n" % json.dumps(one))
        os.rename(self.dir + "/new", self.dir + "/in/all.yaml")

    def metric(self, name):
        """The sum of all series of that name."""
        got = rig.http1(self.admin, "/metrics", "x")
        assert got.status == 200
        found = re.findall(r"^%s(?:\{.*\})? ([0-9.]+)$" % re.escape(name),
                           got.body, re.M)
        assert found, name
        return sum(float(value) for value in found)

    def cli(self, command):
        return rig.cli(self.dir + "/run", command)

    def worker(self):
        return rig.worker(self.dir + "/run")

    def has_other(self, worker):
        """Whether another worker serves than that one."""
        return self.worker() not in (worker, None)

    def connect_tls(self):
        return socket.create_connection(self.https, timeout=rig.DEADLINE)

    def tls(self, sni, first=b""):
        """A connection for that name; 'first' goes before the handshake."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        sock = self.connect_tls()
        sock.sendall(first)
        return context.wrap_socket(sock, server_hostname=sni)

    def get(self, target="/", host="h.test", tls=False, **more):
        if tls:
            return rig.http1(None, target, host,
                             sock=self.tls(host.partition(":")[0]), **more)
        return rig.http1(self.http, target, host, **more)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(rig.DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def check(world, probe, want, what):
    """Waits until the probe sees it, and tells what it saw at last."""
    got = []

    def look():
        try:
            got.append(probe(world))
        except (OSError, IndexError, ValueError) as e:
            got.append(e)
        return got[-1] == want

    try:
        rig.until(look, what)
    except AssertionError:
        raise AssertionError("%s: %r, not %r" % (what, got[-1], want))
