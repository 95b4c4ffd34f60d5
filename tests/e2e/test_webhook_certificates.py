"""The webhook's certificates, made and renewed by the reconciler's leader."""

import base64
import http.client
import json
import os
import ssl
import threading
import time

import pytest

import daemons
import harness
from harness import check, wait_until
from objects import ingress, path

NAMESPACE = "sallyport-system"
CA, TLS = "sallyport-webhook-ca", "sallyport-webhook-tls"
KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


def datum(cluster, secret, name):
    found = cluster.get("secret", secret, NAMESPACE)
    text = (found or {}).get("data", {}).get(name, "")
    return base64.b64decode(text).decode()


def bundles(cluster):
    return [base64.b64decode(w["clientConfig"].get("caBundle", "")).decode()
            for kind in KINDS
            for w in cluster.get(kind, "sallyport")["webhooks"]]


class Mount:
    """The Secret as files, changed as the kubelet changes a mounted one: a new
    folder, then one symbolic link."""

    def __init__(self, cluster, directory):
        self.cluster, self.directory = cluster, directory
        self.shown = None
        self.n = 0
        self.stop = threading.Event()
        directory.mkdir()
        for name in ("tls.crt", "tls.key"):
            (directory / name).symlink_to(f"..data/{name}")
        self.thread = threading.Thread(target=self._run, daemon=True)

    def look(self):
        data = (self.cluster.get("secret", TLS, NAMESPACE) or {}).get("data")
        if not data or data == self.shown:
            return bool(data)
        self.n += 1
        folder = self.directory / f"..{self.n}"
        folder.mkdir()
        for name in ("tls.crt", "tls.key"):
            (folder / name).write_bytes(base64.b64decode(data[name]))
        link = self.directory / "..new"
        link.symlink_to(folder.name)
        link.rename(self.directory / "..data")
        self.shown = data
        return True

    def _run(self):
        while not self.stop.wait(0.5):
            self.look()


class Reviews:
    """Dry-run creates, a hundred and more a second: each costs a review, and
    with failurePolicy Fail each review that is lost is an error."""

    def __init__(self, cluster, namespace, threads=3):
        self.address = cluster.setting("SERVER").split("//")[1]
        self.path = ("/apis/networking.k8s.io/v1/namespaces/"
                     f"{namespace}/ingresses?dryRun=All")
        self.token = cluster.token("load", NAMESPACE)
        self.context = ssl.create_default_context(cafile=cluster.ca)
        self.body = json.dumps(ingress(
            "probe", namespace, {"load.example.com": [path("/", "a")]}))
        self.done, self.failures = 0, []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True)
                        for _ in range(threads)]

    def _run(self):
        connection = http.client.HTTPSConnection(
            self.address, timeout=30, context=self.context)
        while not self.stop.wait(0.01):
            connection.request("POST", self.path, self.body, {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 201:
                self.failures.append((answer.status, text[:500]))
            self.done += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(40)


@pytest.fixture
def registered(cluster, identities):
    """The shipped configurations, called by URL, without any caBundle."""
    port = harness.free_port()
    wanted = []
    for one in daemons.manifests():
        if one["kind"] not in KINDS:
            continue
        for webhook in one["webhooks"]:
            way = webhook["clientConfig"]["service"]["path"]
            webhook["clientConfig"] = {
                "url": f"https://localhost:{port}{way}"}
            # Nothing of the cluster's own life may hang on this test.
            webhook["namespaceSelector"] = {"matchLabels": {
                "certificates-test": "yes"}}
        wanted.append(one)
    for secret in (CA, TLS):
        cluster.delete("secret", secret, NAMESPACE)
    assert cluster.try_apply(wanted).rc == 0
    try:
        yield port, wanted
    finally:
        for one in wanted:
            cluster.delete(one["kind"], "sallyport")
        for secret in (CA, TLS):
            cluster.delete("secret", secret, NAMESPACE)


@pytest.fixture
def load_account(cluster, identities):
    cluster.create_account("load", NAMESPACE, "cluster-admin")
    yield
    cluster.delete("clusterrolebinding", f"{NAMESPACE}-load")
    cluster.delete("serviceaccount", "load", NAMESPACE)


def served(port):
    """The certificate that the webhook shows now."""
    return ssl.get_server_certificate(("127.0.0.1", port)).strip()


def test_life_of_the_certificates(cluster, identities, registered,
                                  load_account, start_reconciler, processes,
                                  namespace, tmp_path):
    port, wanted = registered
    cluster.patch("namespace", namespace, None,
                  {"metadata": {"labels": {"certificates-test": "yes"}}})
    reconciler = start_reconciler(
        webhook_certificates="self", webhook_certificate_names="localhost",
        webhook_ca_overlap=2)
    mount = Mount(cluster, tmp_path / "mount")
    wait_until(mount.look, 30, "the certificate's Secret")
    wait_until(lambda: all(b == datum(cluster, CA, "ca.crt") != ""
                           for b in bundles(cluster)), 20,
               "caBundle of every webhook")
    assert cluster.get("secret", TLS, NAMESPACE)["type"] == \
        "kubernetes.io/tls"
    crt = tmp_path / "leaf.crt"
    crt.write_text(datum(cluster, TLS, "tls.crt"))
    text = check(["openssl", "x509", "-in", crt, "-noout", "-text"])
    for words in ("DNS:localhost", "TLS Web Server Authentication",
                  "NIST CURVE: P-256", "CA:FALSE"):
        assert words in text, text

    # The webhook serves with what was written.
    kubeconfig, _ = daemons.kubeconfig_for(identities, "sallyport-webhook",
                                           tmp_path)
    webhook = daemons.Daemon(processes, "sallyport-webhook", {
        "listen": f"127.0.0.1:{port}", "kubeconfig": kubeconfig,
        "tls_certificate_file": mount.directory / "tls.crt",
        "tls_key_file": mount.directory / "tls.key", "shutdown_delay": 0})
    webhook.start().wait_ready()
    bad = ingress("bad", namespace, {"x.example.com": [path("/", "a")]},
                  {"proxy-read-timeout": "60s"})
    refused = cluster.try_apply(bad)
    assert refused.rc != 0 and "proxy-read-timeout" in refused.err

    # An apply that empties caBundle is repaired; nothing else is touched.
    before = [cluster.get(kind, "sallyport")["webhooks"] for kind in KINDS]
    for kind in KINDS:
        cluster.patch(kind, "sallyport", None, [{
            "op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}])
    wait_until(lambda: [cluster.get(kind, "sallyport")["webhooks"]
                        for kind in KINDS] == before, 15, "the repair")
    # As Helm or Argo would, by what was applied last: it stays as it is.
    assert cluster.try_apply(wanted).rc == 0
    assert [cluster.get(kind, "sallyport")["webhooks"]
            for kind in KINDS] == before

    # A whole rotation under load: the CA is gone, a new one takes over.
    old_ca = datum(cluster, CA, "ca.crt")
    old_leaf = served(port)
    mount.thread.start()
    with Reviews(cluster, namespace) as reviews:
        wait_until(lambda: reviews.done > 50, 30, "load")
        cluster.delete("secret", CA, NAMESPACE)
        wait_until(lambda: datum(cluster, CA, "ca.crt").count("BEGIN") == 2,
                   20, "old and new CA in one bundle")
        assert datum(cluster, CA, "ca.crt").startswith(old_ca)
        wait_until(lambda: served(port) != old_leaf, 30,
                   "the new certificate served")
        wait_until(lambda: datum(cluster, CA, "ca.crt").count("BEGIN") == 1,
                   60, "the old CA dropped")
        wait_until(lambda: all(b == datum(cluster, CA, "ca.crt")
                               for b in bundles(cluster)), 20,
                   "one CA in every caBundle")
        after = reviews.done
        wait_until(lambda: reviews.done > after + 50, 30, "load")
    mount.stop.set()
    print(f"{reviews.done} reviews, {len(reviews.failures)} lost")
    assert reviews.failures == []
    assert served(port) == datum(cluster, TLS, "tls.crt").strip()
    assert old_ca not in bundles(cluster)[0]
    assert reconciler.metric(
        "sallyport_webhook_issued_not_after_seconds") > time.time() + 86400
    assert os.path.exists(mount.directory / "..data" / "tls.key")


def test_no_right_beyond_the_named_objects(cluster, identities):
    def may(*what):
        return cluster.api.may(f"{NAMESPACE}:sallyport-reconciler", *what)
    hooks = "validatingwebhookconfigurations"
    assert may("patch", hooks, "sallyport")
    assert not may("patch", hooks, "other")
    assert not may("create", hooks)
    assert not may("delete", hooks, "sallyport")
    assert may("update", "secrets", CA, NAMESPACE)
    assert not may("update", "secrets", "other", NAMESPACE)
    assert not may("update", "secrets", CA, "default")
    assert not may("create", "secrets", None, "default")
