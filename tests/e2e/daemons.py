"""Sallyport's daemons under test: started with their real flags, under the
identities and the webhook registration that manifests/ ships.

SALLYPORT_BUILD names the folder of the binaries (build; build/asan for
sanitizers).
"""

import base64
import copy
import functools
import os
import re
import shutil
import tempfile
from pathlib import Path

import harness
from harness import ROOT, check, http, wait_until
from kubecluster import program

BUILD = Path(os.environ.get("SALLYPORT_BUILD", ROOT / "build"))
MANIFESTS = ROOT / "manifests" / "base"
IDENTITY_KINDS = {"Namespace", "ServiceAccount", "Role", "RoleBinding",
                  "ClusterRole", "ClusterRoleBinding", "IngressClass"}


def kustomize(directory):
    """The objects that kubectl makes of a kustomization."""
    return harness.documents(check([program("kube"), "kubectl", "kustomize",
                                    directory]))


@functools.cache
def _shipped():
    assert (MANIFESTS / "kustomization.yaml").exists(), (
        f"{MANIFESTS} has no kustomization.yaml, and the daemons run under "
        "the service accounts and roles that stand there")
    return kustomize(MANIFESTS)


def manifests():
    """All objects of the kustomize base, the caller's own."""
    return copy.deepcopy(_shipped())


def install_identities(cluster):
    """Applies namespace, service accounts, RBAC and IngressClass."""
    cluster.apply([one for one in _shipped()
                   if one["kind"] in IDENTITY_KINDS])


def kubeconfig_for(cluster, daemon, directory):
    """A kubeconfig for the service account named like the daemon, and its
    namespace."""
    account = next(one for one in _shipped()
                   if one["kind"] == "ServiceAccount" and
                   one["metadata"]["name"] == daemon)
    namespace = account["metadata"]["namespace"]
    path = Path(directory) / f"{daemon}.kubeconfig"
    cluster.service_account_kubeconfig(daemon, namespace, path)
    return path, namespace


def arguments(flags):
    """Command line of {"http_port": 80, "enable_x": True, "y": None}: None
    leaves a flag out, lists are joined by commas."""
    argv = []
    for name, value in flags.items():
        if value is None or value is False:
            continue
        argv.append("--" + name.replace("_", "-"))
        if isinstance(value, (list, tuple)):
            argv.append(",".join(str(v) for v in value))
        elif value is not True:
            argv.append(str(value))
    return argv


def parse_metrics(text):
    """{'name{label="x"}': value} of a text of metrics."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([^\s#{]+(?:\{.*\})?) (\S+)(?: \S+)?", line)
        if match:
            found[match[1]] = float(match[2])
    return found


class Daemon:
    """A daemon that can be killed and started again with the same flags."""

    def __init__(self, processes, binary, flags):
        self.processes = processes
        self.binary = BUILD / binary
        self.admin_port = harness.free_port()
        self.flags = {"admin_address": f"127.0.0.1:{self.admin_port}",
                      **flags}
        self.process = None

    def start(self):
        assert self.binary.exists(), f"{self.binary} is not built (make)"
        self.process = self.processes.start(
            [self.binary, *arguments(self.flags)])
        return self

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop()

    def restart(self):
        self.process.stop()
        return self.start()

    def admin(self, path):
        return harness.ask(self.admin_port, path)

    def is_ready(self):
        return self.admin("/readyz").status == 200

    def wait_ready(self, timeout=30):
        def look():
            if not self.process.alive():
                raise RuntimeError(
                    f"{self.binary.name} ended with "
                    f"{self.process.popen.returncode}:\n"
                    f"{self.process.text()[-4000:]}")
            return self.is_ready()
        wait_until(look, timeout, f"{self.binary.name} ready")
        return self

    def metrics(self):
        answer = self.admin("/metrics")
        assert answer.status == 200, answer
        return parse_metrics(answer.text)

    def metric(self, name, **labels):
        """The sum over all series of that name with (at least) these labels; 0
        where there is none."""
        total = 0.0
        for series, value in self.metrics().items():
            base, _, rest = series.partition("{")
            if base == name and all(f'{k}="{v}"' in rest
                                    for k, v in labels.items()):
                total += value
        return total


class Reconciler(Daemon):
    """sallyport-reconciler with an HAProxy of its own on free ports."""

    def __init__(self, processes, **flags):
        self.http_port = harness.free_port()
        self.https_port = harness.free_port()
        # Unix sockets have short paths; those of pytest are long.
        self.run_dir = Path(tempfile.mkdtemp(prefix="sallyport-"))
        super().__init__(processes, "sallyport-reconciler", {
            "bind_address": "127.0.0.1", "http_port": self.http_port,
            "https_port": self.https_port, "run_dir": self.run_dir, **flags})

    def request(self, host, path="/", tls=False, **options):
        """An http() request through the data plane."""
        return http(host, path, self.https_port if tls else self.http_port,
                    tls, **options)

    def remove(self):
        """The end: the daemon, then what outlives it on purpose."""
        if self.process:
            self.process.stop()
        harness.kill_processes_naming(self.run_dir)
        shutil.rmtree(self.run_dir, ignore_errors=True)


class Webhook(Daemon):
    """sallyport-webhook, serving with a certificate of 'authority'."""

    def __init__(self, processes, authority, **flags):
        self.port = harness.free_port()
        self.authority = authority
        self.registered = []
        crt, key = authority.issue(f"webhook-{self.port}",
                                   ["127.0.0.1", "localhost"])
        super().__init__(processes, "sallyport-webhook", {
            "listen": f"127.0.0.1:{self.port}", "tls_certificate_file": crt,
            "tls_key_file": key, "shutdown_delay": 0, **flags})

    def register(self, cluster, kind="ValidatingWebhookConfiguration",
                 failure_policy="Fail"):
        """Registers the shipped configuration with our URL in the place of the
        Service; returns when the API server really calls it."""
        shipped = next(one for one in manifests() if one["kind"] == kind)
        name = f"{shipped['metadata']['name']}-{self.port}"
        ca = base64.b64encode(self.authority.crt.read_bytes()).decode()
        paths = []
        for webhook in shipped["webhooks"]:
            path = webhook["clientConfig"]["service"]["path"]
            webhook["clientConfig"] = {
                "url": f"https://127.0.0.1:{self.port}{path}", "caBundle": ca}
            webhook["failurePolicy"] = failure_policy
            paths.append(path)
        before = [self._calls(path) for path in paths]
        cluster.apply({**shipped, "metadata": {"name": name}})
        self.registered.append((cluster, kind, name))
        probe = {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "probe", "namespace": "default"},
            "spec": {"ingressClassName": self.flags.get("ingress_class",
                                                        "sallyport"),
                     "rules": [{"host": "probe.invalid"}]}}

        def called():
            cluster.api.create(probe, dryRun="All")
            return all(self._calls(path) > n
                       for path, n in zip(paths, before))
        wait_until(called, 20, f"calls of {name} by the API server")

    def _calls(self, path):
        return self.metric("sallyport_admission_duration_seconds_count",
                           path=path)

    def unregister(self):
        for cluster, kind, name in self.registered:
            cluster.delete(kind, name)
        self.registered.clear()
