"""The objects of the cluster at one moment, and what each request may get.

A State is made from the seed alone.  change() makes one change to it;
verdict() says which answers a probe may have while nothing else changes.  The
rules are few and written down here a second time on purpose: this is the
oracle.  Every tenant (namespace) has the same Ingresses:

    web     a.T.test: /, /two, and exactly /exact, TLS now and then, and all
            kinds of annotations that let every request through
    wild    *.w.T.test
    guard   g.T.test: always protected, in one of three ways
    canary  c.T.test beside "main", by weight
    pass    p.T.test: TLS for the pod, passed through or opened and made again
    shared  s.test, which all tenants ask for: the oldest has it
"""

import base64
import copy

NGINX = "nginx.ingress.kubernetes.io/"
TENANTS = ["t1", "t2", "t3"]
SERVICES = ["s1", "s2", "s3"]
EXTRA = ["x%d" % n for n in range(6)]      # Of Ingresses that come and go.
PODS = 4
AUTH = "auth"                   # The namespace of the service that is asked.
USERS = "user:{SHA}2oguq15ANCGsJCWKX31fllwpyEk=\n"          # pass word
GOOD = "Basic " + base64.b64encode(b"user:pass word").decode()

# Annotations of "web": every request passes, and each kind of slot occurs.
HARMLESS = [
    ("proxy-read-timeout", ["30", "40", "50"]),
    ("proxy-send-timeout", ["30", "41"]),
    ("affinity", ["cookie"]),
    ("limit-rps", ["100000", "200000"]),
    ("limit-connections", ["10000"]),
    ("enable-cors", ["true"]),
    ("proxy-body-size", ["1m", "2m"]),
    ("load-balance", ["least_conn", "round_robin"]),
    ("rewrite-target", ["/new"]),
    ("proxy-next-upstream-tries", ["2"]),
    ("whitelist-source-range", ["127.0.0.0/8", "127.0.0.1"]),
]
GLOBALS = [("hsts", ["true", "false"]), ("hsts-max-age", ["100", "200"]),
           ("proxy-read-timeout", ["55", "56"]),
           ("hide-headers", ["X-Nothing", "X-Other"]),
           ("proxy-body-size", ["3m", "4m"])]
GUARDS = [
    {"auth-type": "basic", "auth-secret": "users"},
    {"whitelist-source-range": "10.0.0.0/8"},
    {"auth-url": "http://no.auth.svc.cluster.local/verify"},
]
PORTS = [80, 8080]


def all_services():
    """(tenant, service), of which service "tls" speaks TLS."""
    return [(t, s) for t in TENANTS for s in SERVICES + EXTRA + ["tls"]]


class State:
    def __init__(self, rng):
        self.rng = rng
        self.services = {(t, s): 80 for t in TENANTS
                         for s in SERVICES + EXTRA + ["tls"]}
        self.endpoints = {key: {0: "ready", 1: "ready"}
                          for key in self.services}
        self.web = {t: {"to": {"/": "s1", "/two": "s2", "/exact": "s3"},
                        "notes": {}, "tls": None, "present": True}
                    for t in TENANTS}
        self.wild = {t: "s2" for t in TENANTS}
        self.guard = {t: {"how": n % 3, "notes": {}, "to": "s1"}
                      for n, t in enumerate(TENANTS)}
        self.users = {t: True for t in TENANTS}
        self.canary = {t: None for t in TENANTS}
        self.through = {t: False for t in TENANTS}
        self.shared = {t: t != "t1" for t in TENANTS}
        self.certs = {t: 0 for t in TENANTS}    # None: no Secret.
        self.globals = {}
        self.extra = {}                         # Hosts that come and go.

    def copy(self):
        made = copy.copy(self)
        for name, value in vars(self).items():
            if name != "rng":
                setattr(made, name, copy.deepcopy(value))
        return made

    # --- Changes: each touches one object, and returns its words ---

    def change(self):
        kinds = [(6, self.scale), (3, self.web_path), (4, self.web_note),
                 (2, self.web_tls), (1, self.web_gone), (2, self.service),
                 (2, self.guard_how), (2, self.guard_note), (1, self.user),
                 (2, self.canary_weight), (2, self.toggle_pass),
                 (2, self.share), (3, self.cert), (1, self.set_globals),
                 (1, self.wild_to), (3, self.extra_host)]
        total = [k for n, k in kinds for _ in range(n)]
        return self.rng.choice(total)(self.rng.choice(TENANTS))

    def scale(self, t):
        """Any endpoints at all, none now and then."""
        s = self.rng.choice(SERVICES * 3 + EXTRA + ["tls"])
        some = self.rng.sample(range(PODS), self.rng.choice([0, 1, 1, 2, 2,
                                                             3, 4]))
        self.endpoints[t, s] = {n: self.rng.choice(
            ["ready", "ready", "ready", "draining"]) for n in some}
        return f"endpoints of {t}/{s}: {self.endpoints[t, s]}"

    def service(self, t):
        s = self.rng.choice(SERVICES)
        now = self.services[t, s]
        self.services[t, s] = self.rng.choice(
            [p for p in PORTS + [None] if p != now] + [80])
        return f"service {t}/{s}: port {self.services[t, s]}"

    def web_path(self, t):
        path = self.rng.choice(["/", "/two", "/exact"])
        to = self.web[t]["to"]
        if path in to and len(to) > 1 and self.rng.random() < 0.3:
            del to[path]
        else:
            to[path] = self.rng.choice(SERVICES)
        return f"web of {t}: {to}"

    def note(self, notes, table):
        key, values = self.rng.choice(table)
        if key in notes and self.rng.random() < 0.6:
            del notes[key]
        else:
            notes[key] = self.rng.choice(values)
        return notes

    def web_note(self, t):
        return f"web of {t}: {self.note(self.web[t]['notes'], HARMLESS)}"

    def web_tls(self, t):
        self.web[t]["tls"] = self.rng.choice([None, "redirect", "both"])
        return f"web of {t}: TLS {self.web[t]['tls']}"

    def web_gone(self, t):
        self.web[t]["present"] = not self.web[t]["present"]
        return f"web of {t}: {self.web[t]['present']}"

    def guard_how(self, t):
        self.guard[t]["how"] = self.rng.randrange(3)
        return f"guard of {t}: {GUARDS[self.guard[t]['how']]}"

    def guard_note(self, t):
        one = self.guard[t]
        if self.rng.random() < 0.4:
            one["to"] = self.rng.choice(SERVICES)
            return f"guard of {t}: to {one['to']}"
        table = [row for row in HARMLESS if "whitelist" not in row[0]]
        return f"guard of {t}: {self.note(one['notes'], table)}"

    def user(self, t):
        self.users[t] = not self.users[t]
        return f"users of {t}: {self.users[t]}"

    def canary_weight(self, t):
        self.canary[t] = self.rng.choice([None, 0, 30, 100])
        return f"canary of {t}: {self.canary[t]}"

    def toggle_pass(self, t):
        self.through[t] = not self.through[t]
        return f"pass of {t}: {self.through[t]}"

    def share(self, t):
        self.shared[t] = not self.shared[t]
        return f"shared of {t}: {self.shared[t]}"

    def cert(self, t):
        self.certs[t] = self.rng.choice([None, 0, 1, 2, 3])
        return f"certificate of {t}: {self.certs[t]}"

    def set_globals(self, _):
        return f"ConfigMap: {self.note(self.globals, GLOBALS)}"

    def wild_to(self, t):
        self.wild[t] = self.rng.choice(SERVICES)
        return f"wild of {t}: {self.wild[t]}"

    def extra_host(self, t):
        """Ingresses that come and go, so that slots change hands; now and
        then one with a connect time-out of its own, which is a reload."""
        n = self.rng.randrange(6)
        if (t, n) in self.extra:
            del self.extra[t, n]
            return f"extra {n} of {t}: gone"
        wait = self.rng.choice([None] * 12 + ["6", "7"])
        self.extra[t, n] = (EXTRA[n], wait)
        return f"extra {n} of {t}: {self.extra[t, n]}"

    # --- The oracle: sets of answers, each ("pod", T, SERVICE) or a status ---

    def backend(self, t, s, port=80):
        if self.services[t, s] != port:
            return {503}
        ready = [n for n, how in self.endpoints[t, s].items()
                 if how == "ready"]
        if not ready:
            # Where all are draining, they are better than nothing.
            return {503, ("pod", t, s)} if self.endpoints[t, s] else {503}
        return {("pod", t, s)}

    def verdict(self, probe):
        kind, t = probe.kind, probe.tenant
        if kind == "web":
            return self.web_verdict(probe, t)
        if kind == "wild":
            return self.backend(t, self.wild[t])
        if kind == "guard":
            return self.guard_verdict(probe, t)
        if kind == "canary":
            one = self.backend(t, "s1")
            weight = self.canary[t]
            return one if not weight else one | self.backend(t, "s3") \
                if weight < 100 else self.backend(t, "s3") | (
                    one if 503 in self.backend(t, "s3") else set())
        if kind == "pass":
            # A connection that was opened here before all are passed through
            # finds no route any more.
            return self.backend(t, "tls") | (
                {404} if self.through[t] else set())
        if kind == "shared":
            owner = next((t for t in TENANTS if self.shared[t]), None)
            return self.backend(owner, "s1") if owner else {404}
        one = self.extra.get((t, probe.number))
        return self.backend(t, one[0]) if one else {404}

    def web_verdict(self, probe, t):
        web = self.web[t]
        if not web["present"]:
            return {404}
        path = probe.path.split("?")[0]
        to = web["to"]
        found = "/exact" if path == "/exact" and "/exact" in to else \
            "/two" if path.startswith("/two") and "/two" in to else "/"
        if found not in to:
            return {404}
        if web["tls"] == "redirect" and not probe.tls:
            return {308}
        return self.backend(t, to[found])

    def guard_verdict(self, probe, t):
        how = self.guard[t]["how"]
        if how == 1:
            return {403}
        if how == 2:
            return {403}
        if not self.users[t]:
            return {503}
        return self.backend(t, self.guard[t]["to"]) if probe.good else {401}

    def cert_of(self, probe):
        """What the handshake may show: (tenant, number), "pod" or "default"."""
        t = probe.tenant
        if probe.kind == "pass" and self.through[t]:
            return {("pod", t)}
        names_it = probe.kind == "pass" or (
            probe.kind == "web" and self.web[t]["tls"] and
            self.web[t]["present"])
        if names_it and self.certs[t] is not None:
            return {(t, self.certs[t])}
        return {"default"}


class Mixed:
    """Several states as somebody sees them who knows each kind of objects as
    of another time: Ingresses of one, Services, endpoints and Secrets of any."""

    def __init__(self, several):
        self.endpoints = {k: {n: how for s in several
                              for n, how in s.endpoints[k].items()}
                          for k in several[-1].endpoints}
        self.backends = {
            (t, s, port): self.of_backend(several, t, s, port)
            for t, s in self.endpoints for port in PORTS}
        self.seen = [self.see(s) for s in several]
        # A Secret of users is asked for once an Ingress names it.
        self.has_users = {t: {s.users[t] and s.guard[t]["how"] == 0
                              for s in several} for t in TENANTS}
        self.certs = {t: {s.certs[t] for s in several} for t in TENANTS}
        # A worker that leaves asks nobody once its slot is somebody else's.
        self.hows = {t: {s.guard[t]["how"] for s in several} for t in TENANTS}

    @staticmethod
    def of_backend(several, t, s, port):
        ports = {one.services[t, s] for one in several}
        out = {503} if ports != {port} else set()
        if port in ports:
            for one in several:
                out |= one.backend(t, s, one.services[t, s])
        return out

    def see(self, state):
        seen = copy.copy(state)
        seen.backend = lambda t, s, port=80: self.backends[t, s, port]
        return seen

    def verdict(self, probe):
        out = set()
        for one in self.seen:
            for has_users in self.has_users[probe.tenant]:
                one.users = {probe.tenant: has_users}
                out |= one.verdict(probe)
        if probe.kind == "guard" and 2 in self.hows[probe.tenant] and \
                len(self.hows[probe.tenant]) > 1:
            out.add(503)
        return out

    def cert_of(self, probe):
        out = set()
        for one in self.seen:
            for cert in self.certs[probe.tenant]:
                one.certs = {probe.tenant: cert}
                out |= one.cert_of(probe)
        return out
