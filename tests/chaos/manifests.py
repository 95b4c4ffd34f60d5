"""A State as objects of Kubernetes, and the certificates they need."""

import base64
import subprocess

import state as states
from state import AUTH, NGINX, TENANTS

GROUP = "networking.k8s.io/v1"
CERTS = 4                       # A tenant has that many, one at a time.


def meta(name, namespace, **more):
    return {"name": name, "namespace": namespace, **more}


def path(where, kind, service, port=80):
    return {"path": where, "pathType": kind, "backend": {
        "service": {"name": service, "port": {"number": port}}}}


def ingress(name, t, host, paths, notes=None, tls=None, age=1):
    spec = {"ingressClassName": "sallyport", "rules": [
        {"host": host, "http": {"paths": paths}}]}
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": tls}]
    return {"apiVersion": GROUP, "kind": "Ingress", "spec": spec,
            "metadata": meta(name, t, creationTimestamp=(
                f"2026-01-{age:02}T00:00:00Z"), annotations={
                    NGINX + k: v for k, v in (notes or {}).items()})}


class Maker:
    """'places' are (address, port) of the pods, a list by (tenant, service);
    'judge' is where the server is that says no, 'certs' are pairs (crt, key) by
    (tenant, number)."""

    def __init__(self, places, judge, certs):
        self.places, self.judge, self.certs = places, judge, certs

    def objects(self, s):
        """{file name: object}"""
        out = {"class": {"apiVersion": GROUP, "kind": "IngressClass",
                         "metadata": {"name": "sallyport"},
                         "spec": {"controller":
                                  "sallyport.dev/ingress-controller"}}}
        made = self.of_service(AUTH, "no", 80, [self.judge], {0: "ready"})
        made += [self.config_map(s)]
        for t in TENANTS:
            made += self.of_tenant(s, t)
        for one in made:
            key = "{kind}-{metadata[namespace]}-{metadata[name]}".format(**one)
            out[key.lower()] = one
        return out

    @staticmethod
    def config_map(s):
        return {"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": meta("sallyport", AUTH), "data": dict(s.globals)}

    @staticmethod
    def of_service(t, name, port, places, endpoints):
        """A Service, unless 'port' is None, and a slice for each port that
        its pods have."""
        made = []
        if port:
            made.append({"apiVersion": "v1", "kind": "Service",
                         "metadata": meta(name, t), "spec": {
                             "clusterIP": "10.96.0.1",
                             "ports": [{"name": "http", "port": port}]}})
        for i, one in enumerate(sorted({p for _, p in places})):
            made.append({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": meta(f"{name}-{i + 1}", t, labels={
                    "kubernetes.io/service-name": name}),
                "addressType": "IPv4", "endpoints": [
                    {"addresses": [places[n][0]], "conditions": {
                        "ready": how == "ready", "serving": True,
                        "terminating": how != "ready"}}
                    for n, how in endpoints.items() if places[n][1] == one],
                "ports": [{"name": "http", "port": one, "protocol": "TCP"}]})
        return made

    def of_tenant(self, s, t):
        made = []
        for (tenant, name), port in s.services.items():
            if tenant == t:
                made += self.of_service(t, name, port, self.places[t, name],
                                        s.endpoints[t, name])
        if s.users[t]:
            made.append(self.secret(t, "users", "Opaque",
                                    {"auth": states.USERS}))
        if s.certs[t] is not None:
            crt, key = self.certs[t, s.certs[t]]
            made.append(self.secret(t, "cert", "kubernetes.io/tls",
                                    {"tls.crt": crt, "tls.key": key}))
        return made + self.ingresses(s, t)

    @staticmethod
    def secret(t, name, kind, data):
        return {"apiVersion": "v1", "kind": "Secret", "type": kind,
                "metadata": meta(name, t), "data": {
                    k: base64.b64encode(v.encode()).decode()
                    for k, v in data.items()}}

    @staticmethod
    def ingresses(s, t):
        made = [ingress("wild", t, f"*.w.{t}.test",
                        [path("/", "Prefix", s.wild[t])])]
        web = s.web[t]
        if web["present"]:
            notes = dict(web["notes"])
            if web["tls"] == "both":
                notes["ssl-redirect"] = "false"
            kinds = {"/exact": "Exact"}
            made.append(ingress("web", t, f"a.{t}.test", [
                path(p, kinds.get(p, "Prefix"), to)
                for p, to in web["to"].items()], notes,
                "cert" if web["tls"] else None))
        guard = s.guard[t]
        made.append(ingress("guard", t, f"g.{t}.test",
                            [path("/", "Prefix", guard["to"])],
                            {**guard["notes"], **states.GUARDS[guard["how"]]}))
        made.append(ingress("main", t, f"c.{t}.test",
                            [path("/", "Prefix", "s1")]))
        if s.canary[t] is not None:
            made.append(ingress("canary", t, f"c.{t}.test",
                                [path("/", "Prefix", "s3")], {
                                    "canary": "true", "canary-weight":
                                    str(s.canary[t])}, age=2))
        made.append(ingress("pass", t, f"p.{t}.test",
                            [path("/", "Prefix", "tls")], {
                                "backend-protocol": "HTTPS",
                                "ssl-passthrough": str(s.through[t]).lower()},
                            "cert"))
        if s.shared[t]:
            made.append(ingress("shared", t, "s.test",
                                [path("/", "Prefix", "s1")],
                                age=1 + TENANTS.index(t)))
        for (tenant, n), (to, wait) in s.extra.items():
            if tenant == t:
                made.append(ingress(
                    f"extra{n}", t, f"x{n}.{t}.test",
                    [path("/", "Prefix", to)],
                    {"proxy-connect-timeout": wait} if wait else {}))
        return made


def make_pair(folder, name, hosts):
    """(crt, key) as text, and a file with both."""
    base = f"{folder}/{name}"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key",
         "-out", base + ".crt", "-days", "30", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=" + ",".join("DNS:" + h for h in hosts)],
        check=True, capture_output=True)
    with open(base + ".crt") as crt, open(base + ".key") as key:
        pair = crt.read(), key.read()
    with open(base + ".pem", "w") as f:
        f.write(pair[0] + pair[1])
    return pair
