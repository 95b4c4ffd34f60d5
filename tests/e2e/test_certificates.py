"""Certificates at the first door, which reads no Secret: what the reconciler's
leader publishes of them, and what kubectl apply therefore says."""

import importlib.util
import json
import re
import time

import pytest

from harness import ROOT, served_certificate, tell, wait_until
from objects import ingress, path

SYSTEM = "sallyport-system"


def load(name, file):
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


table = load("certificate_table", ROOT / "tests" / "certs" / "table.py")


def shards(cluster):
    """The ConfigMaps that hold what is published."""
    return cluster.get("configmap", namespace=SYSTEM,
                       selector="app.kubernetes.io/component=certificates")


def published(cluster, namespace):
    """{Secret: line} of what is published of a namespace."""
    for one in shards(cluster):
        if namespace in one.get("data", {}):
            lines = map(json.loads, one["data"][namespace].splitlines())
            return {line["secret"]: line for line in lines}
    return {}


def warnings_of(result):
    """kubectl's "Warning: field: message", in order."""
    return re.findall(r"^Warning: (.*)$", result.err, re.M)


def events_of(cluster, namespace):
    """What Events of the namespace warn of: {name of the object: [note]}."""
    notes = {}
    for one in cluster.get("events.events.k8s.io", namespace=namespace):
        if one["type"] == "Warning":
            notes.setdefault(one["regarding"].get("name"), []).append(
                one["note"])
    return notes


@pytest.fixture
def doors(identities, start_webhook, start_reconciler):
    webhook = start_webhook().wait_ready()
    webhook.register(identities)
    reconciler = start_reconciler(
        publish_certificates=True,
        publish_status_address="192.0.2.20").wait_ready()
    return webhook, reconciler


def test_every_bad_certificate(cluster, doors, namespace, tmp_path):
    """Its own warning at apply and its own Event; and the good ones are
    served meanwhile."""
    _, reconciler = doors
    domain = f"{namespace}.example.com"
    cases = [case for case in table.cases(tmp_path / "ca", domain,
                                          time.time()) if case.api]
    cluster.apply(case.manifest(namespace) for case in cases if case.exists)
    tls = [case for case in cases if case.exists and case.type == table.TLS]
    wait_until(lambda: {c.secret for c in tls} <= set(
        published(cluster, namespace)), 30, "all of them published")
    result = cluster.try_apply(
        ingress(case.secret, namespace, {case.host: [path("/", "web")]},
                tls={case.secret: [case.host]}) for case in cases)
    assert result.rc == 0, result.err
    told = [w for w in warnings_of(result) if w.startswith("spec.tls")]
    wrong = []
    for case in cases:
        # Each warning names the Secret or, where that is another's, the host.
        said = [w for w in told if f'"{namespace}/{case.secret}"' in w or
                f'host "{case.host}"' in w]
        want = case.want
        if case.type != table.TLS:
            want = "of type kubernetes.io/tls does not exist"
        if len(said) != bool(want) or (said and want not in said[0]):
            wrong.append((case.name, said))
    assert wrong == []
    assert sum(bool(case.want) for case in cases) >= 50
    assert len(told) == sum(bool(case.want) for case in cases)
    tell(f"{sum(bool(c.want) for c in cases)} bad certificates warned of at "
         f"apply by a webhook that reads no Secret")

    def all_told():
        notes = events_of(cluster, namespace)
        return all(any(case.want in note for note in notes.get(case.secret,
                                                               []))
                   for case in cases if case.want)
    wait_until(all_told, 60, "an Event on each")
    notes = events_of(cluster, namespace)
    for case in cases:
        if not case.want:
            assert not [n for n in notes.get(case.secret, [])
                        if "spec.tls" in n], case.name
    default = served_certificate("nobody.example.org", reconciler.https_port)
    for case in cases:
        got = served_certificate(case.host, reconciler.https_port)
        assert (got != default) == case.served, case.name


def test_what_is_published_follows(cluster, doors, namespace, authority):
    """New, renewed, broken and deleted Secrets, and no key in any of it."""
    crt, key = authority.issue(f"a-{namespace}", ["a.example.com"])
    secret = {"apiVersion": "v1", "kind": "Secret",
              "type": "kubernetes.io/tls",
              "metadata": {"name": "web", "namespace": namespace},
              "stringData": {"tls.crt": crt.read_text(),
                             "tls.key": key.read_text()}}
    cluster.apply(secret)
    wait_until(lambda: published(cluster, namespace).get("web", {}).get(
        "names") == ["a.example.com"], 20, "the Secret published")
    crt, key = authority.issue(f"b-{namespace}", ["b.example.com"])
    secret["stringData"] = {"tls.crt": crt.read_text(),
                            "tls.key": key.read_text()}
    cluster.apply(secret)
    wait_until(lambda: published(cluster, namespace)["web"].get(
        "names") == ["b.example.com"], 20, "the renewed one")
    secret["stringData"]["tls.key"] = "none"
    cluster.apply(secret)
    wait_until(lambda: "tls.key has no PEM private key" in published(
        cluster, namespace)["web"].get("problem", ""), 20, "the problem")
    text = json.dumps(shards(cluster))
    assert "no PEM private key" in text
    assert "BEGIN " not in text
    cluster.delete("secret", "web", namespace)
    wait_until(lambda: "web" not in published(cluster, namespace), 20,
               "it gone")
    # Somebody else's edit is put right.
    name = shards(cluster)[0]["metadata"]["name"]
    cluster.patch("configmap", name, SYSTEM, {"data": {"forged": "x"}})
    wait_until(lambda: "forged" not in cluster.get("configmap", name,
                                                   SYSTEM)["data"], 20,
               "the forged key gone")


def test_who_may_read_and_write_it(cluster, identities, namespace):
    def can(verb, name, account):
        return cluster.api.may(account, verb, "configmaps", name, SYSTEM)
    ours = "sallyport-sallyport-certificates-7"
    webhook, reconciler = (f"{SYSTEM}:sallyport-{n}" for n in
                           ("webhook", "reconciler"))
    for verb in ("get", "list", "watch"):
        assert can(verb, ours, webhook) and can(verb, ours, reconciler)
        assert not can(verb, "kube-root-ca.crt", webhook)
        assert not can(verb, ours, f"{namespace}:default")
    for verb in ("update", "patch", "delete", "create"):
        assert not can(verb, ours, webhook)
        assert not can(verb, ours, f"{namespace}:default")
    assert can("update", ours, reconciler)
    assert not can("update", "kube-root-ca.crt", reconciler)


def test_a_mass_renewal_is_few_writes(cluster, doors, namespace, authority):
    """Hundreds of Secrets of one namespace, all renewed at once."""
    _, reconciler = doors
    n = 400
    pairs = [[f.read_text() for f in authority.issue(
        f"{k}-{namespace}", [f"{k}.example.com"])] for k in "ab"]

    def write_all(verb, pair):
        for i in range(n):
            verb({"apiVersion": "v1", "kind": "Secret",
                  "type": "kubernetes.io/tls",
                  "metadata": {"name": f"s-{i}", "namespace": namespace},
                  "stringData": {"tls.crt": pair[0],
                                 "tls.key": pair[1]}}).must()

    def all_have(name):
        lines = published(cluster, namespace)
        return len(lines) == n and all(line["names"] == [name]
                                       for line in lines.values())
    writes = "sallyport_published_certificates_writes_total"
    write_all(cluster.api.create, pairs[0])
    wait_until(lambda: all_have("a.example.com"), 60, "all published", 1)
    before, begun = reconciler.metric(writes), time.monotonic()
    write_all(cluster.api.replace, pairs[1])
    wait_until(lambda: all_have("b.example.com"), 60, "all renewed", 1)
    seconds = time.monotonic() - begun
    done = reconciler.metric(writes) - before
    size = sum(len(json.dumps(line)) for line in published(
        cluster, namespace).values())
    tell(f"{n} Secrets renewed in {seconds:.0f} s: {done:.0f} writes of "
         f"{size >> 10} KiB")
    assert done <= seconds + 2
