"""The API server without kubectl: one HTTPS connection per thread, and what
kubectl would do there for a tenth of a second of CPU each time.

Names of kinds are those of kubectl: kind, plural, singular or short name, with
".GROUP" behind it where that matters; the server's discovery knows them.
"""

import http.client
import json
import ssl
import threading
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlparse

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
DISCOVERY = ("application/json;g=apidiscovery.k8s.io;v=v2;"
             "as=APIGroupDiscoveryList")


class Answer(NamedTuple):
    status: int
    body: dict
    warnings: list

    @property
    def message(self):
        return self.body.get("message", "")

    def must(self):
        """The document; a refusal fails the test."""
        assert self.status < 300, f"{self.status}: {self.message}"
        return self.body


class Resource(NamedTuple):
    """One kind of objects, as the server serves it."""
    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, name=None, namespace=None):
        """Of an object, or of the list; without a namespace of all of them."""
        parts = ["apis", self.group] if self.group else ["api"]
        parts.append(self.version)
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [name] if name else []
        return "/" + "/".join(quote(part) for part in parts)


class Api:
    """An API server, as cluster-admin."""

    def __init__(self, url, ca, crt, key):
        self.at = urlparse(url)
        self.context = ssl.create_default_context(cafile=ca)
        self.context.load_cert_chain(crt, key)
        self.local = threading.local()
        self.resources = {}

    def _connection(self):
        """This thread's, and whether it has been used before."""
        known = getattr(self.local, "connection", None)
        if known:
            return known, True
        self.local.connection = http.client.HTTPSConnection(
            self.at.hostname, self.at.port, context=self.context, timeout=60)
        return self.local.connection, False

    def _send(self, method, where, data, headers):
        """The answer and its body.  A kept connection may have died meanwhile;
        a new one that fails is a failure."""
        while True:
            connection, used = self._connection()
            try:
                connection.request(method, where, data, headers)
                answer = connection.getresponse()
                return answer, answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.local.connection = None
                if not used or isinstance(error, TimeoutError):
                    raise AssertionError(
                        f"{method} {where}: {error!r}") from error

    def __call__(self, method, where, body=None, kind="application/json",
                 accept="application/json", **query):
        data = None if body is None else json.dumps(body)
        if query:
            where += ("&" if "?" in where else "?") + urlencode(query)
        answer, text = self._send(method, where, data, {
            "Content-Type": kind, "Accept": accept})
        warnings = [line.split('"', 1)[1].rstrip('"').replace('\\"', '"')
                    for line in answer.headers.get_all("Warning", [])]
        try:
            document = json.loads(text or b"{}")
        except ValueError:
            document = {"message": text.decode(errors="replace")}
        return Answer(answer.status, document, warnings)

    # ---- kinds ----

    def _discover(self):
        self.resources = {}
        for where in ("/api", "/apis"):
            for group in self("GET", where,
                              accept=DISCOVERY).must()["items"]:
                self._learn(group)

    def _learn(self, group):
        of = group["metadata"].get("name", "")
        for version in group["versions"]:
            for one in version["resources"]:
                resource = Resource(
                    of, version["version"], one["responseKind"]["kind"],
                    one["resource"], one["scope"] == "Namespaced")
                for name in (resource.kind, resource.plural,
                             one["singularResource"],
                             *one.get("shortNames", [])):
                    for full in (name, f"{name}.{of}",
                                 f"{name}.{resource.version}.{of}"):
                        self.resources.setdefault(full.lower(), resource)

    def resource(self, name):
        if name.lower() not in self.resources:
            self._discover()
        assert name.lower() in self.resources, f"no kind {name}"
        return self.resources[name.lower()]

    def path(self, kind, name=None, namespace=None):
        return self.resource(kind).path(name, namespace)

    def path_of(self, obj, namespace=None):
        """Of an object in hand: "default" is where one without a namespace
        belongs."""
        group, _, version = obj["apiVersion"].rpartition("/")
        meta = obj["metadata"]
        return self.path(f"{obj['kind']}.{version}.{group}", meta.get("name"),
                         meta.get("namespace") or namespace or "default")

    # ---- verbs ----

    def get(self, kind, name, namespace=None):
        """The object, or None."""
        answer = self("GET", self.path(kind, name, namespace or "default"))
        return None if answer.status == 404 else answer.must()

    def list(self, kind, namespace=None, **query):
        return self("GET", self.path(kind, None, namespace),
                    **query).must()["items"]

    def apply(self, obj, namespace=None, **query):
        """Server-side apply, as one manager of fields: an Answer."""
        return self("PATCH", self.path_of(obj, namespace), obj, APPLY,
                    fieldManager="tests", force="true", **query)

    def create(self, obj, namespace=None, **query):
        where = self.path_of({**obj, "metadata": {
            **obj["metadata"], "name": None}}, namespace)
        return self("POST", where, obj, **query)

    def replace(self, obj, namespace=None):
        return self("PUT", self.path_of(obj, namespace), obj)

    def patch(self, kind, name, namespace, change, subresource=None):
        """A merge patch, or a JSON patch where 'change' is a list."""
        where = self.path(kind, name, namespace or "default")
        return self("PATCH", where + (f"/{subresource}" if subresource else
                                      ""), change,
                    JSON_PATCH if isinstance(change, list) else MERGE)

    def delete(self, kind, name, namespace=None):
        """As kubectl does it: what is owned goes afterwards."""
        return self("DELETE", self.path(kind, name, namespace or "default"),
                    {"kind": "DeleteOptions", "apiVersion": "v1",
                     "propagationPolicy": "Background"})

    def may(self, account, verb, kind, name=None, namespace=None):
        """Whether a service account "NAMESPACE:NAME" has that right, in all
        namespaces where none is named."""
        resource = self.resource(kind)
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview", "metadata": {}, "spec": {
                "user": f"system:serviceaccount:{account}",
                "groups": ["system:serviceaccounts", "system:authenticated",
                           "system:serviceaccounts:" +
                           account.split(":")[0]],
                "resourceAttributes": {
                    "verb": verb, "group": resource.group,
                    "version": resource.version,
                    "resource": resource.plural, "name": name or "",
                    "namespace": namespace or ""}}}
        return self("POST", "/apis/authorization.k8s.io/v1/"
                            "subjectaccessreviews",
                    review).must()["status"]["allowed"]
