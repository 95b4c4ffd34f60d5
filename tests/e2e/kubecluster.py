"""The test cluster (tests/cluster/cluster) as an object."""

import atexit
import base64
import functools
import json
import os
import subprocess
from pathlib import Path

from harness import ROOT, check, documents, run, wait_until
from kubeapi import Api

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


@functools.cache
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


_shared = []


def shared(directory):
    """The cluster of this process's tests, whichever asks first: tests keep
    apart by namespace.  It goes down with the process."""
    if not _shared:
        _shared.append(Cluster(directory).up())
        atexit.register(_shared[0].down)
    return _shared[0]


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

    @functools.cached_property
    def api(self):
        """The API server without kubectl."""
        pki = self.directory / "pki"
        return Api(self.setting("SERVER"), self.ca, pki / "admin.crt",
                   pki / "admin.key")

    def kill_apiserver(self):
        self.must("kill-apiserver")

    def restart_apiserver(self, **env):
        self.must("restart-apiserver", env=env)

    def second_apiserver(self, **env):
        """Starts another API server on the same etcd; returns its URL."""
        return self.must("apiserver2-up", env=env)

    def stop_second_apiserver(self):
        self.must("apiserver2-down")

    # ---- kubectl, for what a test says of it ----

    def kubectl(self, *arguments, input=None, timeout=60):
        """Result of kubectl as cluster-admin: rc, out, err."""
        return self.command("kubectl", *arguments, input=input,
                            timeout=timeout)

    # ---- the same without its process ----

    def apply(self, objects, namespace=None):
        """Applies objects, one or many, or YAML; all must be accepted."""
        if isinstance(objects, str):
            objects = documents(objects)
        for one in [objects] if isinstance(objects, dict) else objects:
            answer = self.api.apply(one, namespace)
            assert answer.status < 300, (
                f"{one['kind']} {one['metadata']['name']}: {answer.status} "
                f"{answer.message}")

    def dry_run(self, objects):
        """The server validates and defaults them all, and keeps none."""
        for one in objects:
            self.api.apply(one, dryRun="All").must()

    def create_namespace(self, name):
        self.api.create({"apiVersion": "v1", "kind": "Namespace",
                         "metadata": {"name": name}}).must()

    def delete(self, kind, name, namespace=None, wait=True):
        """It may be gone already.  wait: until it really is, which one of the
        same name does not hide: a controller may make that at once."""
        answer = self.api.delete(kind, name, namespace)
        if answer.status == 404:
            return
        said = answer.must()
        uid = said.get("details", said["metadata"])["uid"]

        def is_gone():
            found = self.get(kind, name, namespace)
            return not found or found["metadata"]["uid"] != uid
        if wait:
            wait_until(is_gone, 60, f"the end of {kind} {name}")

    def get(self, kind, name=None, namespace=None, selector=None):
        """The object, or the list of objects where no name is given.  None for
        an object that is not there."""
        if name:
            return self.api.get(kind, name, namespace)
        query = {"labelSelector": selector} if selector else {}
        return self.api.list(kind, namespace or "default", **query)

    def patch(self, kind, name, namespace, change, subresource=None):
        """A merge patch, or a JSON patch where it is a list; must be
        accepted."""
        return self.api.patch(kind, name, namespace, change,
                              subresource).must()

    def annotate(self, kind, name, namespace=None, **values):
        """Sets annotations of the pods helper's knobs, with "_" for "-"
        (ready_after="2s"); None removes one."""
        self.patch(kind, name, namespace, {"metadata": {"annotations": {
            "pods.sallyport.dev/" + key.replace("_", "-"): value
            for key, value in values.items()}}})

    def scale(self, name, namespace, replicas):
        self.patch("deployment", name, namespace,
                   {"spec": {"replicas": replicas}})

    # ---- identities ----

    def create_account(self, name, namespace, role=None):
        """A ServiceAccount; with a ClusterRole, if named, of the binding
        NAMESPACE-NAME."""
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount",
                    "metadata": {"name": name, "namespace": namespace}})
        if role:
            self.apply({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"{namespace}-{name}"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io",
                            "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": name,
                              "namespace": namespace}]})

    def token(self, name, namespace):
        """A token of a ServiceAccount, for a day."""
        where = self.api.path("serviceaccount", name, namespace)
        return self.api("POST", f"{where}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": 86400}}).must()["status"]["token"]

    def service_account_kubeconfig(self, name, namespace, path):
        """Writes a kubeconfig for a ServiceAccount that exists."""
        token = self.token(name, namespace)
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
        # Whole at any instant: a daemon that has it already may read it now.
        path = Path(path)
        new = path.with_name(path.name + ".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(config))
        return new.rename(path)

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
