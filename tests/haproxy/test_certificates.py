"""Every bad certificate through `sallyport lint`, the webhook and the
reconciler, both on the same folder: the same sentence at each door, a sentence
of its own for each mistake; and with all of them there, everybody else's
certificate is served."""

import importlib.util
import json
import os
import re
import ssl
import subprocess
import time

import pytest

import standalone
from pki import copies
from rig import ROOT
from standalone import ingress, service

NS, DOMAIN = "shop", "shop.example.com"
BUILD = os.path.join(ROOT, "build")
CLASS = [{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
          "metadata": {"name": "sallyport"},
          "spec": {"controller": "sallyport.dev/ingress-controller"}}]


def load(name, file):
    """A module under a name of its own: there are several conftest.py."""
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(ROOT, "tests", file))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


table = load("certificate_table", "certs/table.py")
webhooks = load("webhook_rig", "webhook/conftest.py")


def ingress_of(case):
    return ingress(case.secret, case.host, to="web", namespace=NS,
                   tls=[{"hosts": [case.host], "secretName": case.secret}])


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return table.cases(tmp_path_factory.mktemp("ca"), DOMAIN, time.time())


@pytest.fixture(scope="module")
def objects(cases):
    return [case.manifest(NS) for case in cases if case.exists] + [
        ingress_of(case) for case in cases]


@pytest.fixture(scope="module")
def folder(objects, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    (folder / "all.json").write_text(json.dumps(
        {"apiVersion": "v1", "kind": "List",
         "items": CLASS + service("web", 1, NS) + objects}))
    return folder


@pytest.fixture(scope="module")
def linted(folder):
    """{Ingress: [(field, message)]}"""
    done = subprocess.run([BUILD + "/sallyport", "lint", "--format=json",
                           folder], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for one in json.loads(done.stdout):
        assert one["severity"] == "warning"
        name = one["object"].partition("/")[2]
        found.setdefault(name, []).append((one["field"], one["message"]))
    return found


def lines(linted, case):
    return sorted(f"{field}: {text}"
                  for field, text in linted.get(case.secret, []))


def test_lint(cases, linted):
    wrong = []
    for case in cases:
        said = linted.get(case.secret, [])
        if len(said) != (1 if case.want else 0) or \
                not all(case.line(*one) for one in said):
            wrong.append(f"{case.name}: {said}, not {case.want!r}")
    assert wrong == []


def test_each_has_a_sentence_of_its_own(cases, linted):
    """But for two ways to the same mistake."""
    same = {"gap": "stranger", "too high": "too deep"}
    bad = [case for case in cases if case.want]
    assert len(bad) >= 50
    texts = {}
    for case in bad:
        text = linted[case.secret][0][1].replace(case.secret, "S").replace(
            case.host, "H")
        text = re.sub(r"\*\.\S+", "W", text)
        other = texts.setdefault(text, case.name)
        assert other in (case.name, same.get(case.name)), text


def test_webhook(cases, linted, folder, tmp_path):
    """What admission warns of, word for word."""
    authority = webhooks.Authority(tmp_path)
    webhook = webhooks.Webhook(tmp_path, authority, manifests=folder)
    try:
        webhook.wait_ready()
        for case in cases:
            one = ingress_of(case)
            answer = webhook.curl(
                "/validate?timeout=5s",
                json.dumps({"apiVersion": "admission.k8s.io/v1",
                            "kind": "AdmissionReview",
                            "request": {"uid": "1", "operation": "CREATE",
                                        "dryRun": True, "namespace": NS,
                                        "name": case.secret, "object": one,
                                        "kind": {"group": "networking.k8s.io",
                                                 "version": "v1",
                                                 "kind": "Ingress"}}}))
            assert answer.response["allowed"], answer.body
            assert sorted(answer.response.get("warnings", [])) == \
                lines(linted, case), case.name
    finally:
        webhook.stop()


@pytest.fixture(scope="module")
def reconciler(objects):
    with standalone.Standalone(services=[service("web", 1, NS)]) as r:
        r.apply(objects)
        wait_served(r)
        yield r


def wait_served(r):
    """The last Secret of the table is a good one."""
    standalone.rig.until(
        lambda: "carriage-returns" in rig_metrics(r), "all certificates")


def rig_metrics(r):
    got = standalone.rig.http1(r.admin, "/metrics", "x")
    assert got.status == 200
    return got.body


def told(r):
    """{Ingress: ["field: message"]} of what becomes Events in a cluster."""
    found = {}
    for name, text in re.findall(
            rf"{NS}/(\S+): Misconfigured: (.*)$", r.text(), re.M):
        found.setdefault(name, []).append(text)
    return {name: sorted(texts) for name, texts in found.items()}


def test_reconciler(cases, linted, reconciler):
    want = {case.secret: lines(linted, case) for case in cases if case.want}
    standalone.rig.until(lambda: len(told(reconciler)) >= len(want),
                         "a word on each")
    assert told(reconciler) == want


def shown(r, host):
    with r.tls(host) as s:
        return s.getpeercert(True)


def leaf_of(case):
    """The certificate that should be shown, in DER."""
    text = case.crt.replace(b"\r", b"")
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END "
                        rb"CERTIFICATE-----\n", text, re.S)
    key = table.openssl("pkey", "-pubout", data=case.key)
    for block in blocks:
        if table.openssl("x509", "-pubkey", "-noout", data=block) == key:
            return table.openssl("x509", "-outform", "DER", data=block)
    raise AssertionError(case.name)


def test_traffic_goes_on(cases, reconciler):
    """Each of them gets its own or the default one, and nobody suffers."""
    default = shown(reconciler, "nobody.example.org")
    want = {case.name: leaf_of(case) if case.served else default
            for case in cases}
    standalone.rig.until(
        lambda: all(shown(reconciler, case.host) == want[case.name]
                    for case in cases[-3:]), "the last ones")
    wrong = [case.name for case in cases
             if shown(reconciler, case.host) != want[case.name]]
    assert wrong == []
    text = table.openssl("x509", "-inform", "DER", "-noout", "-subject",
                         data=default).decode()
    assert "Sallyport default certificate" in text


def test_expiry_is_a_metric(cases, reconciler):
    name = "sallyport_certificate_not_after_timestamp_seconds"
    # Those that are for other hosts are in use as well: they may come to
    # cover theirs.
    want = {c.secret for c in cases if c.served or c.place == "hosts[0]"}

    def series():
        return dict(re.findall(rf'^{name}{{secret="{NS}/(\S+)"}} (\d+)$',
                               rig_metrics(reconciler), re.M))
    standalone.rig.until(lambda: len(series()) >= len(want), "each of them")
    assert set(series()) == want
    assert series()["expired"] == "1717200000"


@pytest.mark.parametrize("passthrough", [False, True])
def test_strict_sni(tmp_path, passthrough):
    """Names without a certificate of their own get no handshake; the name
    itself goes before its wildcard, which is for one label."""
    authority = table.make_authority(tmp_path)
    pairs = []
    for name, host in (("exact", f"a.{DOMAIN}"), ("wild", f"*.{DOMAIN}")):
        crt, key = authority.issue(f"DNS:{host}")
        pairs.append(table.Case(name, "", crt.read_bytes(), key.read_bytes(),
                                host=host, served=True))
    flags = ["--strict-sni"] + ["--enable-ssl-passthrough"] * passthrough
    with standalone.Standalone(*flags,
                               services=[service("web", 1, NS)]) as r:
        for host in (f"a.{DOMAIN}", None):
            with pytest.raises(ssl.SSLError):
                shown(r, host)
        r.apply([one.manifest(NS) for one in pairs] +
                [ingress_of(one) for one in pairs])
        standalone.rig.until(lambda: is_shown(r, f"b.{DOMAIN}"), "a wildcard")
        exact, wild = (leaf_of(one) for one in pairs)
        assert shown(r, f"a.{DOMAIN}") == exact
        assert shown(r, f"A.{DOMAIN}") == exact
        assert shown(r, f"b.{DOMAIN}") == wild
        for host in (f"b.a.{DOMAIN}", DOMAIN, "nobody.example.org", None):
            with pytest.raises(ssl.SSLError):
                shown(r, host)


def is_shown(r, host):
    try:
        return shown(r, host)
    except ssl.SSLError:
        return None


def test_a_key_is_in_memory_once(tmp_path):
    """The reconciler's; and one that was replaced is not there any more."""
    authority = table.make_authority(tmp_path)
    host, before = f"a.{DOMAIN}", None
    with standalone.Standalone(services=[service("web", 1, NS)]) as r:
        for _ in range(2):
            crt, key = authority.issue(f"DNS:{host}", "rsa")
            case = table.Case("one", "", crt.read_bytes(), key.read_bytes(),
                              host=host, served=True)
            r.apply([case.manifest(NS), ingress_of(case)])
            want = leaf_of(case)
            standalone.rig.until(lambda: is_shown(r, host) == want, "served")
            lines = case.key.splitlines()
            middle = lines[len(lines) // 2]
            standalone.rig.until(lambda: copies(r.process.pid, middle) == 1,
                                 "one copy of the key")
            if before:
                assert copies(r.process.pid, before) == 0
            before = middle
