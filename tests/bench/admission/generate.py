#!/usr/bin/python3
"""What the admission benchmark judges, and what it judges against.

usage: generate.py N FOLDER

FOLDER/manifests: N Ingresses (a host, a path, TLS and three annotations
each), ten to a namespace, with a Service and a Namespace for every ten.
World(N) is the same, as the API server lists it.
FOLDER/*.review: one AdmissionReview each, in compact JSON as the API server
sends it, whose number is left open: a run of "#" stands for as many of the
first of its eight digits.
  create    a new Ingress with a host of its own: admitted
  update    an Ingress that is there, with another annotation: admitted
  conflict  a path that an Ingress of another namespace has: refused
"""

import json
import pathlib
import sys
import uuid

OPEN = "########"
OPEN_NAMESPACE = "team-#######"     # Ten numbers each: all digits but one.
PER_NAMESPACE = 10
PER_FILE = 1000
BORN = "2026-01-01T00:00:00Z"

HEAD = """\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: sallyport}
spec: {controller: sallyport.dev/ingress-controller}
"""

NAMESPACE = """\
---
apiVersion: v1
kind: Namespace
metadata: {name: %(namespace)s}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: %(namespace)s}
spec:
  ports:
    - {name: http, port: 80}
"""

INGRESS = """\
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop-%(number)s
  namespace: %(namespace)s
  creationTimestamp: "2026-01-01T00:00:00Z"
  labels:
    app.kubernetes.io/name: shop
    app.kubernetes.io/instance: shop-%(number)s
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: "true"
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
    nginx.ingress.kubernetes.io/proxy-read-timeout: "120"
spec:
  ingressClassName: sallyport
  tls:
    - hosts: [shop-%(number)s.example.com]
      secretName: shop-%(number)s-tls
  rules:
    - host: shop-%(number)s.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: web
                port: {number: 80}
"""


def namespace_of(number):
    return f"team-{number // PER_NAMESPACE:07d}"


def write_manifests(folder, n):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "class.yaml").write_text(HEAD)
    for first in range(0, n, PER_FILE):
        text = []
        for number in range(first, min(first + PER_FILE, n)):
            names = {"number": f"{number:08d}",
                     "namespace": namespace_of(number)}
            if number % PER_NAMESPACE == 0:
                text.append(NAMESPACE % names)
            text.append(INGRESS % names)
        (folder / f"{first:08d}.yaml").write_text("".join(text))


def ingress(namespace, host, timeout, number=OPEN):
    """As the API server holds it, with the fields kubectl owns."""
    name = f"shop-{number}"
    annotations = {
        "nginx.ingress.kubernetes.io/proxy-body-size": "8m",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": str(timeout),
        "nginx.ingress.kubernetes.io/ssl-redirect": "true",
    }
    fields = {
        "f:metadata": {
            "f:annotations": {".": {}} | {f"f:{a}": {} for a in annotations},
            "f:labels": {".": {}, "f:app.kubernetes.io/instance": {},
                         "f:app.kubernetes.io/name": {}},
        },
        "f:spec": {"f:ingressClassName": {}, "f:rules": {}, "f:tls": {}},
    }
    return {
        "kind": "Ingress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"5bd84d6c-3bd3-4f0a-9c5e-0000{number}",
            "generation": 1,
            "creationTimestamp": BORN,
            "labels": {"app.kubernetes.io/instance": name,
                       "app.kubernetes.io/name": "shop"},
            "annotations": annotations,
            "managedFields": [{
                "manager": "kubectl-client-side-apply",
                "operation": "Update",
                "apiVersion": "networking.k8s.io/v1",
                "time": BORN,
                "fieldsType": "FieldsV1",
                "fieldsV1": fields,
            }],
        },
        "spec": {
            "ingressClassName": "sallyport",
            "tls": [{"hosts": [host], "secretName": f"{name}-tls"}],
            "rules": [{
                "host": host,
                "http": {"paths": [{
                    "path": "/",
                    "pathType": "Prefix",
                    "backend": {"service": {"name": "web",
                                            "port": {"number": 80}}},
                }]},
            }],
        },
        "status": {"loadBalancer": {}},
    }


class World:
    """For Api of ../scale/world.py: what the manifests have, page by page."""

    def __init__(self, n):
        self.n = n
        self.version = 1000

    def _meta(self, name, ns=None):
        meta = {"name": name, "uid": str(uuid.UUID(int=self._next())),
                "resourceVersion": str(self.version),
                "creationTimestamp": BORN,
                "labels": {"kubernetes.io/metadata.name": name}}
        return meta | ({"namespace": ns} if ns else {})

    def _next(self):
        self.version += 1
        return self.version

    def _listed(self, number):
        """In a list an object has a version, and neither of its kinds."""
        text = f"{number:08d}"
        it = ingress(namespace_of(number), f"shop-{text}.example.com", 120,
                     text)
        it["metadata"]["resourceVersion"] = str(self._next())
        del it["kind"], it["apiVersion"]
        return it

    def _service(self, ns, j):
        address = f"10.{96 + (j >> 16)}.{j >> 8 & 255}.{j & 255}"
        return {"metadata": self._meta("web", ns),
                "spec": {"type": "ClusterIP", "clusterIP": address,
                         "clusterIPs": [address], "ipFamilies": ["IPv4"],
                         "ipFamilyPolicy": "SingleStack",
                         "internalTrafficPolicy": "Cluster",
                         "selector": {"app": "web"},
                         "sessionAffinity": "None",
                         "ports": [{"name": "http", "port": 80,
                                    "targetPort": 8080, "protocol": "TCP"}]},
                "status": {"loadBalancer": {}}}

    def each(self, kind):
        spaces = [namespace_of(i) for i in range(0, self.n, PER_NAMESPACE)]
        if kind == "ingresses":
            yield from map(self._listed, range(self.n))
        elif kind == "services":
            for j, ns in enumerate(spaces):
                yield self._service(ns, j)
        elif kind == "namespaces":
            for ns in spaces:
                yield {"metadata": self._meta(ns),
                       "spec": {"finalizers": ["kubernetes"]},
                       "status": {"phase": "Active"}}
        elif kind == "ingressclasses":
            yield {"metadata": self._meta("sallyport"),
                   "spec": {"controller": "sallyport.dev/ingress-controller"}}


def review(operation, namespace, new, old):
    resource = {"group": "networking.k8s.io", "version": "v1",
                "resource": "ingresses"}
    kind = {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"}
    manager = "kubectl-client-side-apply"
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": f"705ab4f5-6393-11e8-b7cc-0000{OPEN}",
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": new["metadata"]["name"],
            "namespace": namespace,
            "operation": operation,
            "userInfo": {"username": "kubernetes-admin",
                         "groups": ["system:masters",
                                    "system:authenticated"]},
            "object": new,
            "oldObject": old,
            "dryRun": False,
            "options": {"kind": f"{operation.title()}Options",
                        "apiVersion": "meta.k8s.io/v1",
                        "fieldManager": manager,
                        "fieldValidation": "Strict"},
        },
    }


def write_reviews(folder):
    mine, other = OPEN_NAMESPACE, "newcomer"
    held = f"shop-{OPEN}.example.com"
    reviews = {
        "create": review("CREATE", other,
                         ingress(other, f"new-{OPEN}.example.com", 120),
                         None),
        "update": review("UPDATE", mine, ingress(mine, held, 90),
                         ingress(mine, held, 120)),
        "conflict": review("CREATE", other, ingress(other, held, 120), None),
    }
    for name, content in reviews.items():
        (folder / f"{name}.review").write_text(
            json.dumps(content, separators=(",", ":")))


def main():
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[2])
    write_manifests(folder / "manifests", int(sys.argv[1]))
    write_reviews(folder)


if __name__ == "__main__":
    main()
