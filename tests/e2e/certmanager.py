"""cert-manager and an ACME server, as processes beside the test cluster."""

import contextlib
import json
import re
from pathlib import Path

import harness
from harness import check, documents, http, wait_until


def crds(cluster):
    text = Path(f"{cluster.program('certmanager')}.crds.yaml").read_text()
    return documents(text)


def install(cluster, found):
    """Returns when the API server serves these CRDs, and says so."""
    cluster.apply(found)
    for one in found:
        def served():
            status = cluster.get("crd", one["metadata"]["name"])["status"]
            assert any(c["type"] == "Established" and c["status"] == "True"
                       for c in status["conditions"] or ()), status
            return cluster.api.resource(
                f"{one['spec']['names']['plural']}.{one['spec']['group']}")
        wait_until(served, 60, f"the CRD {one['metadata']['name']}")


class Pebble:
    """The ACME server: validates by plain HTTP on port 80 of whatever address
    the given name server has for a host.  An account's authorization is hardly
    ever used twice."""

    def __init__(self, cluster, processes, authority, directory, dns_port):
        port, admin = harness.free_port(), harness.free_port()
        crt, key = authority.issue("pebble", ["127.0.0.1"])
        config = Path(directory) / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{admin}",
            "certificate": str(crt), "privateKey": str(key),
            "httpPort": 80, "tlsPort": 443, "keyAlgorithm": "ecdsa",
            "retryAfter": {"authz": 1, "order": 1}}}))
        self.url = f"https://127.0.0.1:{port}/dir"
        self.process = processes.start(
            [cluster.program("pebble"), "-config", config, "-dnsserver",
             f"127.0.0.1:{dns_port}"], name="pebble",
            env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0",
                 "PEBBLE_WFE_NONCEREJECT": "0"})
        wait_until(lambda: self._get(port, "/dir").status == 200, 30,
                   "an answer of the ACME server")
        self.root = Path(directory) / "pebble-root.pem"
        self.root.write_text(self._get(admin, "/roots/0").text)

    @staticmethod
    def _get(port, path):
        return http("127.0.0.1", path, port, tls=True)

    def challenges(self, host):
        """How many challenges of that host it has fetched by HTTP."""
        return len(set(re.findall(
            rf"validate w/ HTTP: http://{host}:80/\.well-known/\S+",
            self.process.text())))


@contextlib.contextmanager
def controller(cluster, processes, dns_port):
    """cert-manager's controller with its CRDs, as cluster-admin.  Its webhook
    and its cainjector are not there: the CRDs have one version each, which
    needs no conversion, and the objects of the tests no defaults."""
    program = cluster.program("certmanager")
    found = crds(cluster)
    install(cluster, found)
    process = processes.start(
        [program, "controller", "--kubeconfig", cluster.kubeconfig,
         "--nameserver", f"127.0.0.1:{dns_port}"], name="certmanager")
    try:
        yield process
    finally:
        # The controller takes its finalizers off, so it goes last.
        for wait in (False, True):
            for one in found:
                cluster.delete("crd", one["metadata"]["name"], wait=wait)
        process.stop()


def wait_ready(cluster, kind, name, namespace, timeout=180):
    """The object, when its condition Ready is True."""
    def look():
        found = cluster.get(kind, name, namespace)
        assert found, f"no {kind} {name}"
        conditions = found.get("status", {}).get("conditions", [])
        ready = [c for c in conditions if c["type"] == "Ready"]
        assert ready and ready[0]["status"] == "True", conditions
        return found
    return wait_until(look, timeout, f"{kind} {namespace}/{name} ready", 0.2)


def renew(cluster, name, namespace):
    """What `cmctl renew` does; returns when the next revision is issued."""
    before = cluster.get("certificate", name, namespace)["status"]["revision"]
    cluster.patch("certificate", name, namespace, [{
        "op": "add", "path": "/status/conditions/-", "value": {
            "type": "Issuing", "status": "True",
            "reason": "ManuallyTriggered", "message": "by the test",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}}], "status")

    def look():
        status = cluster.get("certificate", name, namespace)["status"]
        assert status["revision"] == before + 1, status
        return True
    wait_until(look, 180, f"revision {before + 1} of {name}", 0.2)


def served(host, address, port=443):
    """What openssl s_client sees by that SNI: {"issuer": ..., "serial": ...,
    "names": ...}."""
    shown = check(["openssl", "s_client", "-connect", f"{address}:{port}",
                   "-servername", host], input="")
    facts = check(["openssl", "x509", "-noout", "-issuer", "-serial", "-ext",
                   "subjectAltName"], input=shown)
    lines = facts.splitlines()
    return {"issuer": lines[0].partition("=")[2].strip(),
            "serial": lines[1].partition("=")[2],
            "names": lines[-1].strip()}
