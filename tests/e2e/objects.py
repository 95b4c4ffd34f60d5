"""Kubernetes objects for the tests, as dicts."""

import base64


def app(name, namespace, replicas=1, tls=False, annotations=None):
    """A Deployment and its Service: port 80 (443 with tls) to the pods."""
    port = ({"name": "https", "containerPort": 8443} if tls else
            {"name": "http", "containerPort": 8080})
    labels = {"app": name}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment",
         "metadata": {"name": name, "namespace": namespace},
         "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                  "template": {
                      "metadata": {"labels": labels,
                                   "annotations": annotations or {}},
                      "spec": {"terminationGracePeriodSeconds": 5,
                               "containers": [{"name": name, "image": "echo",
                                               "ports": [port]}]}}}},
        {"apiVersion": "v1", "kind": "Service",
         "metadata": {"name": name, "namespace": namespace},
         "spec": {"selector": labels,
                  "ports": [{"name": port["name"],
                             "port": 443 if tls else 80,
                             "targetPort": port["containerPort"]}]}},
    ]


def path(path, service, port=80, kind="Prefix"):
    return {"path": path, "pathType": kind,
            "backend": {"service": {"name": service,
                                    "port": {"number": port}}}}


def ingress(name, namespace, rules, annotations=None, tls=None,
            ingress_class="sallyport"):
    """rules: {host: [path(...), ...]}; annotations without their prefix;
    tls: {secret: [host, ...]}."""
    metadata = {"name": name, "namespace": namespace}
    if annotations:
        metadata["annotations"] = {
            k if "/" in k else f"nginx.ingress.kubernetes.io/{k}": v
            for k, v in annotations.items()}
    spec = {"rules": [{**({"host": host} if host else {}),
                       "http": {"paths": paths}}
                      for host, paths in rules.items()]}
    if ingress_class:
        spec["ingressClassName"] = ingress_class
    if tls:
        spec["tls"] = [{"secretName": secret, "hosts": hosts}
                       for secret, hosts in tls.items()]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": metadata, "spec": spec}


def ingress_class(name, controller="sallyport.dev/ingress-controller"):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": {"name": name}, "spec": {"controller": controller}}


def tls_secret(name, namespace, crt, key):
    """Of the files of a certificate and its key."""
    data = {"tls.crt": crt, "tls.key": key}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": namespace},
            "data": {k: base64.b64encode(f.read_bytes()).decode()
                     for k, f in data.items()}}


def addresses(cluster, name, namespace):
    """The addresses in an Ingress's status, sorted."""
    found = cluster.get("ingress", name, namespace)
    status = (found or {}).get("status", {}).get("loadBalancer", {})
    return sorted(a.get("ip") or a.get("hostname")
                  for a in status.get("ingress", []))
