"""What the API server that stands in has: objects, their versions, and what
became of them since, for as long as it remembers."""

import bisect
import json
import re

GROUPS = {
    "ingresses": "networking.k8s.io/v1", "services": "v1", "secrets": "v1",
    "ingressclasses": "networking.k8s.io/v1", "configmaps": "v1",
    "endpointslices": "discovery.k8s.io/v1", "namespaces": "v1",
    "leases": "coordination.k8s.io/v1", "events": "events.k8s.io/v1"}
KINDS = {"Ingress": "ingresses", "IngressClass": "ingressclasses",
         "Service": "services", "Secret": "secrets", "Lease": "leases",
         "EndpointSlice": "endpointslices", "ConfigMap": "configmaps",
         "Namespace": "namespaces"}
EPOCH = 1000000
BORN = "2026-01-01T00:00:00Z"
WHERE = re.compile(r"/apis?/(?P<group>[a-z0-9.]+/v1|v1)"
                   r"(?:/namespaces/(?P<ns>[^/]+))?/(?P<plural>[a-z]+)"
                   r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>status))?$")


class Refusal(Exception):
    def __init__(self, code, message, details=None):
        super().__init__(message)
        self.code = code
        self.document = {"kind": "Status", "apiVersion": "v1",
                         "status": "Failure", "message": message,
                         "code": code, **({"details": details} if details
                                          else {})}


def where(path):
    """(plural, namespace, name, subresource)"""
    found = WHERE.fullmatch(path)
    if not found or GROUPS.get(found["plural"]) != found["group"]:
        raise Refusal(404, f"no such resource: {path}")
    return found["plural"], found["ns"], found["name"], found["sub"]


def key_of(document):
    meta = document["metadata"]
    return (meta.get("namespace"), meta["name"])


def is_selected(document, selector):
    for one in (selector or "").split(","):
        if one:
            name, sign, value = re.fullmatch(
                r"([^!=]+)(!?=)(.*)", one).groups()
            field = document
            for part in name.split("."):
                field = field.get(part, {})
            if (field == value) != (sign == "="):
                return False
    return True


def is_labelled(document, selector):
    labels = document["metadata"].get("labels", {})
    for one in (selector or "").split(","):
        name, _, value = one.partition("=")
        if one and (name not in labels or value not in ("", labels[name])):
            return False
    return True


def with_version(document, version):
    return {**document, "metadata": {**document["metadata"],
                                     "resourceVersion": str(version)}}


class Store:
    def __init__(self):
        self.version = 1000 * EPOCH
        self.n_uids = 0
        self.items = {plural: {} for plural in GROUPS}
        self.log = []               # (version, plural, type, object)
        self.floor = self.version   # What is older is forgotten.
        self.sources = {}           # name -> the text put() was given
        self.changed = lambda: None

    # --- Writes ---

    def note(self, plural, type_, document):
        self.version += 1
        document = with_version(document, self.version)
        key = key_of(document)
        if type_ == "DELETED":
            del self.items[plural][key]
        else:
            self.items[plural][key] = document
        self.log.append((self.version, plural, type_, document))
        self.changed()
        return document

    def create(self, plural, document):
        key = key_of(document)
        if key in self.items[plural]:
            raise Refusal(409, f"{plural} {key} already exists")
        self.n_uids += 1
        meta = {"creationTimestamp": BORN, **document["metadata"],
                "uid": f"uid-{self.n_uids}"}
        return self.note(plural, "ADDED", {**document, "metadata": meta})

    def find(self, plural, key):
        if key not in self.items[plural]:
            raise Refusal(404, f"{plural} {key} not found")
        return self.items[plural][key]

    def replace(self, plural, document):
        """A PUT: of the version that it names, if it names one."""
        have = self.find(plural, key_of(document))
        meta = document["metadata"]
        named = meta.get("resourceVersion")
        if named not in (None, have["metadata"]["resourceVersion"]):
            raise Refusal(409, "the object has been modified")
        keep = {k: have["metadata"][k] for k in ("uid", "creationTimestamp")}
        return self.note(plural, "MODIFIED", {
            **document, "metadata": {**meta, **keep}})

    def delete(self, plural, key, conditions=None):
        have = self.find(plural, key)
        for name, value in (conditions or {}).items():
            if have["metadata"][name] != value:
                raise Refusal(409, f"precondition {name} failed")
        return self.note(plural, "DELETED", have)

    def patch_status(self, key, patch):
        have = self.find("ingresses", key)
        if patch["metadata"]["uid"] != have["metadata"]["uid"]:
            raise Refusal(422, "another object", {"causes": [
                {"field": "metadata.uid", "reason": "FieldValueInvalid"}]})
        return self.note("ingresses", "MODIFIED",
                         {**have, "status": patch["status"]})

    def put(self, objects):
        """As users do it: new and changed ones first, then those that go.
        Status and identity of what stays are kept."""
        for name, one in objects.items():
            text = json.dumps(one)
            if self.sources.get(name, (None,))[0] == text:
                continue
            plural = KINDS[one["kind"]]
            have = self.items[plural].get(key_of(one))
            if have:
                more = {"status": have["status"]} if "status" in have else {}
                self.replace(plural, {**one, **more})
            else:
                self.create(plural, one)
            self.sources[name] = text, plural, key_of(one)
        for name in set(self.sources) - set(objects):
            _, plural, key = self.sources.pop(name)
            self.delete(plural, key)

    # --- Reads ---

    def list(self, plural, ns=None, selector=None, labels=None):
        return [one for key, one in sorted(self.items[plural].items(),
                                           key=lambda item: str(item[0]))
                if ns in (None, key[0]) and is_selected(one, selector) and
                is_labelled(one, labels)]

    def since(self, at, plural, ns, selector):
        """Events after version 'at', which must be remembered."""
        first = bisect.bisect(self.log, at, key=lambda e: e[0])
        return [(version, type_, one)
                for version, kind, type_, one in self.log[first:]
                if kind == plural and is_selected(one, selector) and
                ns in (None, one["metadata"].get("namespace"))]

    # --- What befalls it ---

    def compact(self):
        """Forgets how it came to be what it is."""
        self.floor = self.version
        self.log = []

    def snapshot(self):
        return {k: dict(v) for k, v in self.items.items()}, \
            dict(self.sources)

    def restore(self, snapshot):
        """From a backup.  Versions begin so far below that none is ever given
        twice: whether a server can tell that is not what is tried here."""
        items, sources = snapshot
        self.version -= EPOCH
        self.items = {k: dict(v) for k, v in items.items()}
        self.sources = dict(sources)
        for have in self.items.values():
            for key, one in have.items():
                self.version += 1
                have[key] = with_version(one, self.version)
        self.compact()
