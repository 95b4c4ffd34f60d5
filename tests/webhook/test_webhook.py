"""sallyport-webhook as the API server meets it: a process, TLS, HTTP."""

import base64
import http.client
import json
import os
import signal
import ssl
import subprocess
import threading

import pytest

from conftest import (BUILD, WORLD, Authority, free_port, ingress, review,
                      until)

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
NGINX = "nginx.ingress.kubernetes.io/"


def test_admits(start):
    answer = start().wait_ready().review()
    assert answer.response == {"uid": UID, "allowed": True}
    assert answer.headers["content-type"] == "application/json"


def test_refuses_a_conflict(start):
    response = start().wait_ready().review(
        ns="b", host="shop.example.com").response
    assert response["allowed"] is False
    assert response["uid"] == UID
    status = response["status"]
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert ('host "shop.example.com" and path "/" is already defined in '
            'ingress a/shop') in status["message"]
    assert status["message"].startswith("Ingress b/one: spec.rules[0].")


def test_says_all_that_is_wrong_at_once(start):
    response = start().wait_ready().review(
        host="10.0.0.1", annotations={
            NGINX + "configuration-snippet": "return 200;",
            NGINX + "proxy-read-timeout": "60s"}).response
    status = response["status"]
    assert (status["code"], status["reason"]) == (422, "Invalid")
    lines = status["message"].split("\n")
    assert lines[0] == "Ingress a/one has 3 problems:"
    assert len(lines) == 4
    for word in ("configuration-snippet", "proxy-read-timeout", "10.0.0.1"):
        assert sum(word in line for line in lines) == 1
    details = status["details"]
    assert (details["group"], details["kind"], details["name"]) == (
        "networking.k8s.io", "Ingress", "one")
    # Of an Invalid object kubectl prints these only: each says who refused.
    assert [f'* {cause["field"]}: {cause["message"]}'.replace(
        "sallyport: ", "", 1) for cause in details["causes"]] == lines[1:]
    assert all(cause["message"].startswith("sallyport: ")
               for cause in details["causes"])


def test_warns(start):
    response = start().wait_ready().review(
        service="nosuch",
        annotations={NGINX + "proxy-body-sise": "8m"}).response
    assert response["allowed"] is True
    assert len(response["warnings"]) == 2
    assert any('did you mean "proxy-body-size"' in w
               for w in response["warnings"])
    assert any('"a/nosuch" does not exist' in w
               for w in response["warnings"])


def test_mutates(start):
    webhook = start().wait_ready()
    response = webhook.review(
        "/mutate?timeout=5s", class_name=None,
        annotations={"kubernetes.io/ingress.class": "sallyport"}).response
    assert response["allowed"] is True
    assert response["patchType"] == "JSONPatch"
    assert json.loads(base64.b64decode(response["patch"])) == [
        {"op": "add", "path": "/spec/ingressClassName", "value": "sallyport"},
        {"op": "remove",
         "path": "/metadata/annotations/kubernetes.io~1ingress.class"}]
    assert webhook.review("/mutate").response == {"uid": UID, "allowed": True}


def test_the_configmap_is_followed(start):
    """Its defaults are judged with, as the reconciler serves them."""
    webhook = start(configmap="kube-system/ingress").wait_ready()
    one = dict(host="own.example.com", dry_run=True, annotations={
        "nginx.ingress.kubernetes.io/ssl-passthrough": "true"})
    assert webhook.review(**one).response["allowed"]
    config = webhook.world / "config.json"
    config.write_text(json.dumps({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "ingress", "namespace": "kube-system"},
        "data": {"whitelist-source-range": "10.0.0.0/8"}}))
    until(lambda: not webhook.review(**one).response["allowed"],
               "refusal of what goes around a default")
    message = webhook.review(**one).response["status"]["message"]
    assert "the controller's ConfigMap has whitelist-source-range" in message
    config.unlink()
    until(lambda: webhook.review(**one).response["allowed"],
               "admission after the ConfigMap is gone")


def test_manifests_are_followed(start):
    webhook = start().wait_ready()
    taken = dict(ns="b", host="late.example.com", dry_run=True)
    assert webhook.review(**taken).response["allowed"]
    (webhook.world / "late.json").write_text(json.dumps(
        ingress(name="late", host="late.example.com")))
    until(lambda: not webhook.review(**taken).response["allowed"],
               "refusal of what the new file has")
    (webhook.world / "late.json").unlink()
    until(lambda: webhook.review(**taken).response["allowed"],
               "admission after the file is gone")


@pytest.mark.parametrize("path, data, args, status", [
    ("/", "{}", (), 404),
    ("/validate/", "{}", (), 404),
    ("/validate", None, (), 405),
    ("/validate", None, ("-X", "PUT", "--data", "{}"), 405),
    ("/validate", "{}", (), 400),
    ("/validate", "hello", (), 400),
    ("/validate", "[" * 3000, (), 400),
    ("/mutate", "{}", (), 400),
    ("/validate", None, ("--data", "{}"), 415),
    ("/validate", None, ("-H", "Transfer-Encoding: chunked", "--data", "{}"),
     411),
    ("/validate", 8 * 1024 * 1024, (), 400),
    ("/validate", 8 * 1024 * 1024 + 1, (), 413),
], ids=lambda value: str(value)[:20])
def test_what_is_no_review(start, path, data, args, status):
    webhook = start().wait_ready()
    if isinstance(data, int):
        data = "x" * data
    answer = webhook.curl(path, data, *args)
    assert answer.status == status
    assert len(answer.body) < 300
    if status == 405:
        assert answer.headers["allow"] == "POST"
    assert webhook.review().status == 200


def test_a_kind_it_does_not_know(start):
    body = review()
    body["request"]["kind"] = {"group": "", "version": "v1", "kind": "Pod"}
    answer = start().wait_ready().curl("/validate", json.dumps(body))
    assert answer.status == 400
    assert "request.kind" in answer.body


def test_old_tls_is_refused(start):
    webhook = start().wait_ready()
    assert webhook.curl("/", None, "--tls-max", "1.1", "--tlsv1.0") is None
    for version in ("1.2", "1.3"):
        assert webhook.curl("/", None, "--tlsv" + version, "--tls-max",
                            version).status == 404


def hellos(webhook, groups):
    """How many ServerHellos a handshake takes; the first is a request for
    another key where there are two.  0: it fails."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{webhook.port}",
         "-tls1_3", "-msg", "-groups", groups], input=b"",
        capture_output=True, timeout=20)
    return done.stdout.count(b", ServerHello\n") if done.returncode == 0 else 0


def test_one_round_trip_of_tls(start):
    """OpenSSL sends a key for the first of its groups alone."""
    webhook = start().wait_ready()
    assert hellos(webhook, "X25519:P-256:P-384:P-521") == 1
    assert hellos(webhook, "P-256") == hellos(webhook, "P-384") == 1
    assert hellos(webhook, "P-521:P-384") == 2
    assert hellos(webhook, "P-521") == 0


def test_not_synced(start, tmp_path):
    """An API server that does not answer: the webhook lives, is not ready,
    and asks the caller to come again."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {
            "server": f"https://127.0.0.1:{free_port()}",
            "insecure-skip-tls-verify": True}}],
        "users": [{"name": "x", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x",
                                               "user": "x"}}]}))
    webhook = start(kubeconfig=kubeconfig).wait_started()
    answer = webhook.review()
    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
    assert webhook.admin("/readyz")[0] == 503
    assert webhook.admin("/healthz")[0] == 200


def test_client_certificates(start, authority, tmp_path):
    crt, key = authority.issue("client", "clientAuth", tmp_path)
    stranger = Authority(tmp_path, "stranger")
    bad_crt, bad_key = stranger.issue("bad", "clientAuth", tmp_path)
    webhook = start(client_ca_file=authority.crt).wait_ready()
    for version in ("1.2", "1.3"):
        tls = ("--tlsv" + version, "--tls-max", version)
        good = webhook.curl("/", None, *tls, "--cert", crt, "--key", key)
        assert good.status == 404
        assert webhook.curl("/", None, *tls).status == 403
        bad = webhook.curl("/", None, *tls, "--cert", bad_crt, "--key",
                           bad_key)
        assert bad.status == 403
    done = webhook.review("/validate", "--cert", crt, "--key", key)
    assert done.response["allowed"]


class Load(threading.Thread):
    """Reviews without a pause, each over a new connection or all over one;
    remembers the certificates it met and what failed."""

    def __init__(self, webhook, keep):
        super().__init__()
        self.webhook = webhook
        self.keep = keep
        self.ended = threading.Event()
        self.serials = []
        self.n = 0
        self.failures = []
        self.start()

    def connect(self):
        context = ssl.create_default_context(
            cafile=self.webhook.authority.crt)
        c = http.client.HTTPSConnection("localhost", self.webhook.port,
                                        context=context, timeout=20)
        c.connect()
        self.serials.append(c.sock.getpeercert()["serialNumber"])
        return c

    def run(self):
        body = json.dumps(review(dry_run=True))
        connection = self.connect()
        while not self.ended.is_set():
            try:
                connection.request("POST", "/validate", body,
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200 or b'"allowed":true' not in text:
                    self.failures.append((answer.status, text))
                self.n += 1
                if not self.keep:
                    connection.close()
                    connection = self.connect()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
                connection = self.connect()
        connection.close()

    def end(self):
        self.ended.set()
        self.join()


def test_certificate_rotation_loses_nothing(start, authority, tmp_path):
    """As the kubelet does it: a link to a folder is swapped."""
    for number in (1, 2):
        folder = tmp_path / f"secret{number}"
        folder.mkdir()
        authority.issue("tls", folder=folder)
    data = tmp_path / "..data"
    data.symlink_to("secret1")
    webhook = start(tls_certificate_file=data / "tls.crt",
                    tls_key_file=data / "tls.key").wait_ready()
    fresh, kept = Load(webhook, False), Load(webhook, True)
    try:
        until(lambda: fresh.n > 20 and kept.n > 20, "load")
        first = fresh.serials[0]
        swap = tmp_path / "..tmp"
        swap.symlink_to("secret2")
        os.replace(swap, data)
        until(lambda: fresh.serials[-1] != first, "new certificate")
        before = fresh.n, kept.n
        until(lambda: fresh.n > before[0] + 20 and
                   kept.n > before[1] + 20, "load on the new certificate")
    finally:
        fresh.end()
        kept.end()
    assert not fresh.failures and not kept.failures
    assert len(set(fresh.serials)) == 2
    assert len(kept.serials) == 1   # No open connection was closed for it.

    # A pair that does not fit is complained of, and the old one stays.
    authority.issue("other", folder=tmp_path)
    broken = tmp_path / "secret3"
    broken.mkdir()
    authority.issue("tls", folder=broken)
    (tmp_path / "other.key").rename(broken / "tls.key")
    swap.symlink_to("secret3")
    os.replace(swap, data)
    until(lambda: "the certificate stays as it was" in webhook.text(),
               "complaint")
    assert webhook.review().response["allowed"]


def test_sigterm_drains(start):
    webhook = start(shutdown_delay=3).wait_ready()
    load = Load(webhook, True)
    try:
        until(lambda: load.n > 20, "load")
        webhook.process.send_signal(signal.SIGTERM)
        until(lambda: webhook.admin("/readyz")[0] == 503, "not ready")
        before = load.n
        # Served on, over the old connection and over new ones.
        assert webhook.review().response["allowed"]
        until(lambda: load.n > before + 20, "load after SIGTERM")
        assert not load.failures
        # Near the end answers ask for another connection.
        answer = until(
            lambda: (lambda a: a and a.headers.get("connection") == "close"
                     and a)(webhook.curl("/validate",
                                         json.dumps(review()))),
            "Connection: close")
        assert answer.response["allowed"]
    finally:
        load.ended.set()
    assert webhook.process.wait(20) == 0
    load.join(30)


def test_sigint_ends_at_once(start):
    webhook = start(shutdown_delay=300).wait_ready()
    webhook.process.send_signal(signal.SIGINT)
    assert webhook.process.wait(20) == 0


def test_second_signal_ends_it(start):
    webhook = start(shutdown_delay=300).wait_ready()
    webhook.process.send_signal(signal.SIGTERM)
    until(lambda: webhook.admin("/readyz")[0] == 503, "not ready")
    webhook.process.send_signal(signal.SIGTERM)
    assert webhook.process.wait(20) == 0


def test_metrics(start):
    webhook = start().wait_ready()
    webhook.review()
    webhook.review(ns="b", host="shop.example.com")
    status, text = webhook.admin("/metrics")
    assert status == 200
    for line in (
            'sallyport_admission_requests_total{operation="create",'
            'result="allowed"} 1',
            'sallyport_admission_denials_total{reason="ownership"} 1',
            'sallyport_webhook_ingresses 1'):
        assert line in text.splitlines()


@pytest.mark.parametrize("argv, word", [
    (["--lisen=x"], "did you mean --listen?"),
    (["--host-policy=namespaces"], 'did you mean namespace?'),
    (["--manifests=x"], "--tls-certificate-file"),
    (["--manifests=x", "--kubeconfig=y", "--tls-certificate-file=c",
      "--tls-key-file=k"], "exclude each other"),
    (["extra"], 'unexpected argument "extra"'),
])
def test_wrong_usage(argv, word):
    done = subprocess.run([BUILD / "sallyport-webhook", *argv],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("flag, value, word", [
    ("tls_key_file", "/nonexistent/key", "/nonexistent/key"),
    ("manifests", "/nonexistent/dir", "/nonexistent/dir"),
    ("kubeconfig", "/nonexistent/config", "/nonexistent/config"),
    ("client_ca_file", "/dev/null", "holds no CA certificate"),
    ("listen", "192.0.2.1:8443", "listen on 192.0.2.1:8443"),
])
def test_what_stops_a_start(start, flag, value, word):
    webhook = start(**{flag: value})
    assert webhook.process.wait(20) == 1
    assert word in webhook.text()


def test_help():
    done = subprocess.run([BUILD / "sallyport-webhook", "--help"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    for flag in ("--listen", "--client-ca-file", "--host-policy",
                 "--shutdown-delay", "--watch-ingress-without-class"):
        assert f"  {flag}" in done.stdout


def test_judging_touches_nothing(start):
    """No review makes the process open a file for good or start another."""
    webhook = start().wait_ready()
    folder = f"/proc/{webhook.process.pid}"
    webhook.review()

    def look():
        return (sorted(os.readlink(f"{folder}/fd/{fd}").split(":")[0]
                       for fd in os.listdir(f"{folder}/fd")
                       if "socket" not in os.readlink(f"{folder}/fd/{fd}")),
                open(f"{folder}/task/{webhook.process.pid}/children").read(),
                sorted(os.listdir(webhook.world)))
    before = look()
    for name in ("x" * 50, "../../etc/passwd", "a/b"):
        webhook.curl("/validate", json.dumps(review(name=name)))
    assert look() == before
    assert (webhook.world / "world.yaml").read_text() == WORLD
