"""The test cluster (tests/cluster/cluster) as an object."""

import base64
import json
import os
import subprocess
from pathlib import Path

from harness import ROOT, check, run

SCRIPT = ROOT / "tests" / "cluster" / "cluster"
GO_IS_MISSING = 3
BUILD_SECONDS = 3600


def build(*programs):
    """Builds what is missing in the cache, all or these.  Returns one line
    where that cannot be done on this machine, None where it is done."""
    done = subprocess.run([SCRIPT, "build", *programs], text=True,
                          stderr=subprocess.PIPE, timeout=BUILD_SECONDS)
    if done.returncode == GO_IS_MISSING:
        return done.stderr.strip().splitlines()[-1]
    assert done.returncode == 0, done.stderr[-4000:]
    return None


def program(name):
    """A program of the cache: kube, certmanager, pebble..."""
    return Path(check([SCRIPT, "path", name]).strip())


def path_with_kubectl(folder):
    """A PATH whose kubectl is the cluster's: a machine may have none, or another
    version.  The folder gets a program of that name."""
    shim = Path(folder) / "kubectl"
    shim.write_text(f'#!/bin/sh\nexec {program("kube")} kubectl "$@"\n')
    shim.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


class Kubectl:
    """What is done by kubectl(*arguments, input=None, timeout=60), which gives
    the Result of kubectl as cluster-admin: rc, out, err."""

    def kubectl_ok(self, *arguments, input=None, timeout=60):
        result = self.kubectl(*arguments, input=input, timeout=timeout)
        assert result.rc == 0, (
            f"kubectl {' '.join(map(str, arguments))}: {result.err}")
        return result.out

    def apply(self, text, namespace=None):
        """Applies YAML (or objects, see dump()); it must be accepted."""
        return self.kubectl_ok(*self._in(namespace), "apply", "-f", "-",
                               input=dump(text))

    def try_apply(self, text, namespace=None):
        """Applies what may be refused: rc, out, err."""
        return self.kubectl(*self._in(namespace), "apply", "-f", "-",
                            input=dump(text))

    def delete(self, kind, name, namespace=None, wait=True):
        self.kubectl_ok(*self._in(namespace), "delete", kind, name,
                        "--ignore-not-found", f"--wait={str(wait).lower()}")

    def get(self, kind, name=None, namespace=None, selector=None):
        """The object, or the list of objects where no name is given.  None for
        an object that is not there."""
        argv = [*self._in(namespace), "get", kind, "-o", "json"]
        argv += [name, "--ignore-not-found"] if name else []
        argv += ["-l", selector] if selector else []
        text = self.kubectl_ok(*argv)
        found = json.loads(text) if text.strip() else None
        return found["items"] if found and not name else found

    def annotate(self, kind, name, namespace=None, **values):
        """Sets annotations; None removes one.  Keys: pods helper's knobs with
        "_" for "-" (ready_after="2s"), or any full key by kubectl itself."""
        pairs = []
        for key, value in values.items():
            key = "pods.sallyport.dev/" + key.replace("_", "-")
            pairs.append(f"{key}-" if value is None else f"{key}={value}")
        self.kubectl_ok(*self._in(namespace), "annotate", "--overwrite", kind,
                        name, *pairs)

    @staticmethod
    def _in(namespace):
        return ["-n", namespace] if namespace else []


class Cluster(Kubectl):
    def __init__(self, directory):
        self.directory = Path(directory).resolve()

    def command(self, name, *arguments, timeout=150, env=None, input=None):
        """cluster NAME DIR ARGUMENTS..."""
        return run([SCRIPT, name, self.directory, *arguments], timeout=timeout,
                   input=input, env={**os.environ, **(env or {})})

    def must(self, name, *arguments, **options):
        result = self.command(name, *arguments, **options)
        assert result.rc == 0, f"cluster {name}: exit {result.rc}\n{result.err}"
        return result.out.strip()

    def up(self, **env):
        """env: APISERVER_FLAGS, PORT_BASE... as the script knows them.  The
        cluster does not outlive this process."""
        self.must("up", timeout=BUILD_SECONDS,
                  env={"CLUSTER_OWNER": str(os.getpid()), **env})
        return self

    def down(self):
        self.must("down")

    def running(self):
        return (self.directory / "env").exists()

    def pid(self, part):
        """Process id of etcd, apiserver, manager, podhelper or knot."""
        return int(self.must("pid", part))

    def setting(self, name):
        """PORT_BASE, POD_CIDR, SERVER... of this cluster."""
        for line in (self.directory / "env").read_text().splitlines():
            key, _, value = line.partition("=")
            if key == name:
                return value
        raise KeyError(name)

    def program(self, name):
        return program(name)

    @property
    def kubeconfig(self):
        return self.directory / "kubeconfig"

    @property
    def ca(self):
        return self.directory / "pki" / "ca.crt"

    def kill_apiserver(self):
        self.must("kill-apiserver")

    def restart_apiserver(self, **env):
        self.must("restart-apiserver", env=env)

    def second_apiserver(self, **env):
        """Starts another API server on the same etcd; returns its URL."""
        return self.must("apiserver2-up", env=env)

    def stop_second_apiserver(self):
        self.must("apiserver2-down")

    # ---- kubectl ----

    def kubectl(self, *arguments, input=None, timeout=60):
        """Result of kubectl as cluster-admin: rc, out, err."""
        return self.command("kubectl", *arguments, input=input,
                            timeout=timeout)

    # ---- identities ----

    def service_account_kubeconfig(self, name, namespace, path):
        """Writes a kubeconfig for a ServiceAccount that exists."""
        token = self.kubectl_ok("-n", namespace, "create", "token", name,
                                "--duration", "24h").strip()
        ca = base64.b64encode(self.ca.read_bytes()).decode()
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {
                "server": self.setting("SERVER"),
                "certificate-authority-data": ca}}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {
                "cluster": "test", "user": name}}],
        }
        path = Path(path)
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path

    # ---- DNS ----

    def dns_up(self):
        """Starts a name server for example.com; returns its port."""
        return int(self.must("dns-up").rsplit(":", 1)[1])

    def dns_down(self):
        self.must("dns-down")

    def external_dns(self, *arguments):
        """One synchronisation; the changes it made, by kind."""
        out = self.must("external-dns", *arguments, timeout=BUILD_SECONDS)
        return {kind: records or []
                for kind, records in json.loads(out).items()}


def dig(port, name, kind="A"):
    """The records a client of that name server gets, sorted."""
    out = check(["kdig", "+short", "+timeout=2", "@127.0.0.1", "-p", port,
                 name, kind])
    return sorted(out.split())


def dump(objects):
    """YAML for kubectl: text as it is, dicts and lists of dicts as JSON."""
    if isinstance(objects, str):
        return objects
    if isinstance(objects, dict):
        return json.dumps(objects)
    return json.dumps({"apiVersion": "v1", "kind": "List",
                       "items": list(objects)})
