"""Rows of reviews, and the three doors they go through.

A file TOPIC.yaml holds flags, the objects that are there before, and rows.
Objects are written in short:

    ns, name, class, host, path, type, svc, port    one rule with one path
    annot: {NAME: VALUE}    under nginx.ingress.kubernetes.io/ unless it has
                            a "/"
    paths: [...]            several paths: short, or [path, type, svc, port]
    rules: [...]            several rules, each short
    tls: [[SECRET, HOST...]]
    default: SVC            spec.defaultBackend
    created, deleting, labels, generate
    set: {a.b.0.c: VALUE}   a value at a place; null takes it out
    repeat: {a.b.0.c: N}    last of all, the text at a place N times

A row is such an object and

    row     its name; made of the rest where it is not there
    want    allowed, warned, invalid, forbidden or malformed: the verdict of
            /validate; "patched" behind it: /mutate changes the object
    op      CREATE; UPDATE with old: what was different before
    commit  true: no dry run
    request {a.b: VALUE}: places of the request itself, as in "set"
    doors   webhook: the object cannot stand in a file
    cve, status     see cves.yaml
"""

import base64
import copy
import http.client
import importlib.util
import json
import ssl
import subprocess
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent


def load(name, file):
    """A module under a name of its own: there are several conftest.py."""
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rig = load("webhook_rig", TESTS / "webhook" / "conftest.py")
BUILD = rig.BUILD
PLAN = (BUILD / "release" if BUILD.name == "build" else BUILD) / "tools/plan"
NGINX = "nginx.ingress.kubernetes.io/"
UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
DEFAULTS = {"ns": "a", "name": "new", "class": "sallyport",
            "host": "new.example.com", "path": "/", "type": "Prefix",
            "svc": "web", "port": 80, "created": "2026-06-01T00:00:00Z"}
OF_ROW = {"row", "want", "op", "old", "commit", "request", "doors", "cve",
          "status"}


def names_of(place):
    """Where a name has dots, "|" stands between the names."""
    return place.split("|" if "|" in place else ".")


def put(tree, place, value):
    """put(tree, "a.b.0.c", v); v None takes the place out."""
    names = names_of(place)
    for name in names[:-1]:
        if isinstance(tree, list):
            tree = tree[int(name)]
        else:
            tree = tree.setdefault(name, {})
    last = int(names[-1]) if isinstance(tree, list) else names[-1]
    if value is None and isinstance(tree, dict):
        tree.pop(last, None)
    else:
        tree[last] = value


def get(tree, place):
    for name in names_of(place):
        tree = tree[int(name)] if isinstance(tree, list) else tree[name]
    return tree


def make_backend(short):
    port = short["port"]
    return {"service": {"name": short["svc"], "port": {
        "number" if isinstance(port, int) else "name": port}}}


def make_path(short, one):
    if isinstance(one, list):
        one = dict(zip(("path", "type", "svc", "port"), one))
    one = {**{k: short[k] for k in ("path", "type", "svc", "port")}, **one}
    return {"path": one["path"], "pathType": one["type"],
            "backend": make_backend(one)}


def make_rule(short):
    rule = {"http": {"paths": [make_path(short, one) for one in
                               short.get("paths", [{}])]}}
    if short["host"]:
        rule["host"] = short["host"]
    return rule


def make_meta(short):
    meta = {"name": short["name"], "namespace": short["ns"],
            "creationTimestamp": short["created"]}
    annotations = {name if "/" in name else NGINX + name: value
                   for name, value in short.get("annot", {}).items()}
    if annotations:
        meta["annotations"] = annotations
    if "labels" in short:
        meta["labels"] = short["labels"]
    if short.get("deleting"):
        meta["deletionTimestamp"] = "2026-06-02T00:00:00Z"
    if short.get("generate"):
        meta["generateName"] = short["generate"]
        meta.pop("name")
    return meta


def make_ingress(short):
    short = {**DEFAULTS, **short}
    spec = {}
    if short["class"]:
        spec["ingressClassName"] = short["class"]
    if "default" in short:
        spec["defaultBackend"] = make_backend({**short,
                                               "svc": short["default"]})
    if short.get("rules") != []:
        spec["rules"] = [make_rule({**short, **one})
                         for one in short.get("rules", [{}])]
    if "tls" in short:
        spec["tls"] = [{k: v for k, v in (("secretName", one[0]),
                                          ("hosts", one[1:])) if v}
                       for one in short["tls"]]
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": make_meta(short), "spec": spec}
    for place, value in short.get("set", {}).items():
        put(made, place, copy.deepcopy(value))
    for place, n in short.get("repeat", {}).items():
        put(made, place, get(made, place) * n)
    return made


def name_of_row(row):
    if "row" in row:
        return row["row"]
    rest = {k: v for k, v in row.items() if k not in ("want", "doors")}
    return ", ".join(f"{k} {json.dumps(v)}" for k, v in rest.items())


class Row:
    def __init__(self, short):
        self.name = name_of_row(short)
        self.want = short["want"]
        self.operation = short.get("op", "CREATE")
        self.files = short.get("doors") != "webhook"
        self.cve, self.status = short.get("cve"), short.get("status")
        new = {k: v for k, v in short.items() if k not in OF_ROW}
        if self.cve:
            new = {"name": self.cve.lower(),
                   "host": f"{self.cve.lower()}.example.com", **new}
        self.object = make_ingress(new)
        self.old = None
        if self.operation == "UPDATE":
            self.old = make_ingress({**new, **short.get("old", {})})
        meta = self.object["metadata"]
        self.request = {
            "uid": UID,
            "kind": {"group": "networking.k8s.io", "version": "v1",
                     "kind": "Ingress"},
            "resource": {"group": "networking.k8s.io", "version": "v1",
                         "resource": "ingresses"},
            "operation": self.operation,
            "namespace": meta.get("namespace"), "name": meta.get("name"),
            "dryRun": not short.get("commit"),
            "object": None if self.operation == "DELETE" else self.object,
            "oldObject": self.object if self.operation == "DELETE"
            else self.old}
        for place, value in short.get("request", {}).items():
            put(self.request, place, value)

    def review(self):
        return json.dumps({"apiVersion": "admission.k8s.io/v1",
                           "kind": "AdmissionReview",
                           "request": self.request})


def make_secret(folder):
    """The Secret a/cert: a certificate of *.example.com."""
    crt, key = folder / "world.crt", folder / "world.key"
    rig.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", 300, "-subj",
                "/CN=world", "-addext",
                "subjectAltName=DNS:example.com,DNS:*.example.com",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-keyout", key, "-out", crt)
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": "cert", "namespace": "a"},
            "data": {f"tls.{file.suffix[1:]}":
                     base64.b64encode(file.read_bytes()).decode()
                     for file in (crt, key)}}


def identity(one):
    meta = one["metadata"]
    return one["kind"], meta.get("namespace"), meta.get("name")


class Topic:
    def __init__(self, name):
        with (HERE / f"{name}.yaml").open() as file:
            text = yaml.safe_load(file)
        self.name = name
        self.flags = text.get("flags", [])
        self.before = [
            one if "kind" in one else
            make_ingress({"created": "2026-01-01T00:00:00Z", **one})
            for one in text.get("before", [])]
        with (HERE / "world.yaml").open() as file:
            self.before = list(yaml.safe_load_all(file)) + self.before
        self.rows = [Row(one) for one in text["rows"]]

    def around(self, row):
        """What is there once the row's object is: it may be a new version."""
        return [one for one in self.before
                if identity(one) != identity(row.object)] + [row.object]


TOPICS = sorted(p.stem for p in HERE.glob("*.yaml") if p.stem != "world")


def write(file, objects):
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List",
                                "items": objects}))
    return file


class Door:
    """A webhook of a topic's flags and objects, and a connection to it."""

    def __init__(self, folder, topic, authority):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "world").mkdir()
        write(folder / "world/all.json", topic.before)
        flags = {}
        for flag in topic.flags:
            name, _, value = flag[2:].partition("=")
            if name != "enable-ssl-passthrough":
                flags[name.replace("-", "_")] = value
        self.webhook = rig.Webhook(folder, authority,
                                   manifests=folder / "world", **flags)
        self.webhook.wait_ready()
        self.connection = http.client.HTTPSConnection(
            "localhost", self.webhook.port, timeout=20,
            context=ssl.create_default_context(cafile=authority.crt))

    def post(self, path, body):
        self.connection.request("POST", path, body,
                                {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def stop(self):
        self.connection.close()
        assert self.webhook.alive(), self.webhook.text()
        self.webhook.stop()
        assert "Sanitizer" not in self.webhook.text(), self.webhook.text()


class Verdict:
    """What a webhook said of a row: the word, and the whole text."""

    def __init__(self, door, row):
        self.errors, self.warnings = [], []
        status, body = door.post("/validate?timeout=5s", row.review())
        if status != 200:
            self.word = "malformed"
            self.text = f"{status} {body.decode()}"
            return
        response = self.take(body)
        self.warnings = response.pop("warnings", [])
        if response.pop("allowed"):
            self.word = "warned" if self.warnings else "allowed"
            self.text = self.word + "\n"
        else:
            self.read_status(response.pop("status"))
        assert not response, response
        self.text += "".join(f"  warning: {w}\n" for w in self.warnings)
        self.read_patch(self.take(door.post("/mutate", row.review())[1]))

    @staticmethod
    def take(body):
        review = json.loads(body)
        assert review.pop("apiVersion") == "admission.k8s.io/v1"
        assert review.pop("kind") == "AdmissionReview"
        response = review.pop("response")
        assert not review
        assert response.pop("uid") == UID
        return response

    def read_status(self, status):
        assert status.pop("status") == "Failure"
        code, reason = status.pop("code"), status.pop("reason")
        message = status.pop("message")
        details = status.pop("details")
        assert not status, status
        self.word = {403: "forbidden", 422: "invalid"}[code]
        first, *rest = message.split("\n")
        self.errors = [line[2:] for line in rest] or [
            first.partition(": ")[2]]
        assert self.errors == [
            ": ".join(filter(None, (
                cause.get("field"),
                cause["message"].removeprefix("sallyport: "))))
            for cause in details["causes"]], details
        self.text = f"{code} {reason}: " + "\n  ".join([first] + rest) + "\n"

    def read_patch(self, response):
        assert response.pop("allowed") is True
        if response:
            assert response.pop("patchType") == "JSONPatch"
            patch = base64.b64decode(response.pop("patch")).decode()
            self.word += " patched"
            self.text += f"  patch: {patch}\n"
        assert not response, response

    def findings(self):
        return sorted([("error", e) for e in self.errors] +
                      [("warning", w) for w in self.warnings])


def findings_of(row, found):
    """Of (severity, "Ingress NS/NAME", "field: message") those of the row."""
    meta = row.object["metadata"]
    name = f"Ingress {meta.get('namespace', '')}/{meta.get('name', '')}"
    return sorted((severity, text) for severity, who, text in found
                  if who == name)


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, timeout=20,
                          close_fds=False)


def lint(file, topic, row):
    flags = [f for f in topic.flags if "threads" not in f]
    done = run(BUILD / "sallyport", "lint", "--format=json", *flags, file)
    assert done.returncode in (0, 1), done.stderr
    return findings_of(row, [
        (f["severity"], f["object"],
         f"{f['field']}: {f['message']}" if f["field"] else f["message"])
        for f in json.loads(done.stdout)])


def reconciler(file, topic, row):
    """What the reconciler makes Events of."""
    flags = {"--enforce-host-policy", "--enable-ssl-passthrough",
             *topic.flags}
    done = run(PLAN, file, *sorted(flags))
    assert done.returncode == 0, done.stderr
    found = []
    for line in done.stdout.splitlines():
        severity, _, rest = line.partition(": ")
        if severity in ("error", "warning"):
            who, _, text = rest.partition(": ")
            found.append((severity, who, text))
    return findings_of(row, found)
