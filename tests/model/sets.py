"""Random sets of Ingresses and random requests, from a seed alone."""

import random

NGINX = "nginx.ingress.kubernetes.io/"
NAMESPACES = ["n1", "n2"]
SERVICES = ["s1", "s2", "s3", "s4"]
MARKER = "marker.model.test"
ELSEWHERE = "https://elsewhere.test/"

HOSTS = ["a.test", "b.test", "x.a.test", "y.x.a.test", "*.a.test", "*.test",
         "*.x.a.test", "", "localhost", "xn--bcher-kva.test", "a-b.test",
         "a.test.", "B.test", "*.b.test"]
PATHS = ["/", "/foo", "/foo/", "/foo/bar", "/Foo", "/foo%2fbar", "/a%20b",
         "/x.y", "/~u", "/[z]", "/foo//bar", "/p|q", "/foo/bar/baz", "/%66oo",
         "/.well-known/acme-challenge/tok", "/a+b", "/caf%c3%a9", "/f",
         "/foo;v=1", "/a,b", "/api/v1", "/api", None]
REGEXES = ["/r/(.*)", "/foo(/|$)(.*)", "/v[0-9]+", "/api/v[12]/.*", "/end$",
           "/foo/b.r", "/(a|b)/c", "/x\\.y", "/foo", "/", "/FOO/BAR"]
WORDS = ["foo", "bar", "Foo", "api", "v1", "v2", "x.y", "r", "end", "a", "c",
         "~u", "[z]", "p|q", "a%20b", "tok", ".", "..", "...", "", "f", "fo",
         ".well-known", "acme-challenge", "%2e", "%2E%2e", ".%2e", "caf%C3%A9"]


def backend(rng, ns):
    service = rng.choice(SERVICES + ["gone"] * (rng.random() < 0.1))
    port = {"name": "http"} if rng.random() < 0.3 else {"number": 80}
    if rng.random() < 0.03:
        port = {"number": 81}
    return {"service": {"name": service, "port": port}}


def annotations(rng, is_regex):
    found = {}
    if is_regex:
        if rng.random() < 0.5:
            found["use-regex"] = "true"
        if not found or rng.random() < 0.3:
            found["rewrite-target"] = rng.choice(["/", "/$2", "/new/$1"])
    elif rng.random() < 0.1:
        found["rewrite-target"] = "/fixed"
    if rng.random() < 0.15:
        found["ssl-redirect"] = rng.choice(["true", "false"])
    if rng.random() < 0.08:
        found["force-ssl-redirect"] = "true"
    if rng.random() < 0.05:
        found["permanent-redirect"] = ELSEWHERE + str(rng.randrange(9))
    if rng.random() < 0.05:
        found["temporal-redirect"] = ELSEWHERE + str(rng.randrange(9))
    if rng.random() < 0.04:
        found["whitelist-source-range"] = "not a network"
    if rng.random() < 0.05:
        found["enable-cors"] = "true"
        found["cors-allow-origin"] = "https://origin.test"
    if rng.random() < 0.05:
        found["affinity"] = "cookie"
    if rng.random() < 0.05:
        found["proxy-body-size"] = "1m"
    if rng.random() < 0.05:
        found["app-root"] = "/app" + str(rng.randrange(9))
    if rng.random() < 0.05:
        found["from-to-www-redirect"] = "true"
    if rng.random() < 0.05:
        found["server-alias"] = rng.choice(["c.a.test", "alias.test",
                                            "q.test,b.test"])
    return {NGINX + k: v for k, v in found.items()}


def rule(rng, ns, hosts, is_regex):
    made = {}
    host = rng.choice(hosts)
    if host:
        made["host"] = host
    if rng.random() < 0.05 and host:
        return made
    paths = []
    for _ in range(rng.choice([1, 1, 2, 3, 4])):
        kind = rng.choice(["Prefix", "Prefix", "Exact",
                           "ImplementationSpecific"])
        path = rng.choice(REGEXES if is_regex and rng.random() < 0.7
                          else PATHS)
        if path is None and kind != "ImplementationSpecific":
            path = "/"
        one = {"pathType": kind, "backend": backend(rng, ns)}
        if path is not None:
            one["path"] = path
        paths.append(one)
    made["http"] = {"paths": paths}
    return made


def ingress(rng, number, hosts):
    ns = rng.choice(NAMESPACES)
    is_regex = rng.random() < 0.3
    spec = {"ingressClassName": "sallyport"}
    if rng.random() < 0.9:
        spec["rules"] = [rule(rng, ns, hosts, is_regex)
                         for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    if "rules" not in spec or rng.random() < 0.15:
        spec["defaultBackend"] = backend(rng, ns)
    if rng.random() < 0.3:
        tls = [h for h in hosts if h and rng.random() < 0.4]
        entry = {"secretName": rng.choice(["cert", "cert", "absent"])}
        if tls and rng.random() < 0.7:
            entry["hosts"] = tls
        spec["tls"] = [entry]
    meta = {"name": f"i{number}", "namespace": ns}
    if rng.random() < 0.8:
        meta["creationTimestamp"] = f"2026-01-0{rng.randrange(1, 5)}T00:00:00Z"
    notes = annotations(rng, is_regex)
    if notes:
        meta["annotations"] = notes
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": meta, "spec": spec}


def ingress_set(rng):
    hosts = rng.sample(HOSTS, rng.randrange(2, 6))
    return [ingress(rng, i, hosts) for i in range(rng.randrange(1, 14))]


# --- Requests: a dict of text, one character a byte (Latin-1) ---

def spelled(rng, text):
    """The same bytes, some of them as escapes or in another case."""
    out = []
    for c in text:
        roll = rng.random()
        if roll < 0.04 and c != "%":
            escape = f"%{ord(c):02x}"
            out.append(escape.upper() if rng.random() < 0.5 else escape)
        elif roll < 0.05:
            out.append(c.swapcase())
        else:
            out.append(c)
    return "".join(out)


def damaged(rng, path):
    at = rng.randrange(len(path) + 1)
    bad = rng.choice(["%", "%z", "%0", "%00", "%5c", "\\", "\x7f", "\xe9",
                      "%7F", "%1f", "\x01", "\"", "<", ">", "{", "}", "^",
                      "`", "|", "#", "%3f", "%23", "//", "/./", "/../", "%2f",
                      "%2F..%2f", ";", ":", "@", "&", "+", "%25", "%252f",
                      "\t", "*", "[", "]", "'", "!", "$", "(", "%7c",
                      "/" * 30, "x" * 300])
    return path[:at] + bad + path[at:]


def known_paths(ingresses):
    found = ["/"]
    for one in ingresses:
        for r in one["spec"].get("rules", []):
            for p in r.get("http", {}).get("paths", []):
                found.append(p.get("path", "/"))
    return found


def some_path(rng, paths):
    if rng.random() < 0.5:
        path = rng.choice(paths)
        for raw, plain in [("(/|$)", "/"), ("(.*)", "q"), ("[0-9]+", "7"),
                           (".*", "z"), ("$", ""), ("[12]", "1"),
                           ("(a|b)", "b"), ("\\.", "."), ("b.r", "bxr")]:
            path = path.replace(raw, plain)
        if rng.random() < 0.4:
            path += rng.choice(["/", "/x", "x", "/..", "/.", "//", "/../foo",
                                "?", "?a=/../b", "/%2e%2e/"])
    else:
        path = "/" + "/".join(rng.choice(WORDS)
                              for _ in range(rng.randrange(1, 6)))
    if rng.random() < 0.4:
        path = spelled(rng, path)
    if rng.random() < 0.2:
        path = damaged(rng, path)
    if rng.random() < 0.15:
        path += rng.choice(["?q=1", "?%zz", "?a=b?c//d", "?", "?\"<>"])
    return path


def some_host(rng):
    host = rng.choice(HOSTS + ["c.a.test", "d.b.test", "q.test", "deep.x.test",
                               "other.example", "test", "a.b.c.test",
                               "www.a.test", "www.b.test", "alias.test"])
    host = host.replace("*", rng.choice(["w", "a", "x", "*", "w.v", "w_v"]))
    roll = rng.random()
    if roll < 0.15:
        host = "".join(rng.choice([c, c.upper()]) for c in host)
    elif roll < 0.22:
        host += "."
    elif roll < 0.32:
        host += rng.choice([":80", ":443", ":8080", ":99999", ":123456", ":",
                            ":a", ".:80", ":80:80"])
    elif roll < 0.42:
        host = rng.choice(["", ".", "..", "a..test", ".a.test", "a.test..",
                           "a.test/evil", "a.test,b.test", "u@a.test",
                           "a.test b.test", "[::1]", "[::1]:80", "[::1",
                           "[]", "127.0.0.1", "a.test\x01", "a.test\xe9",
                           "a_b.test", "-a.test", "a.test;", "a.test?x",
                           "a.test#", "a%2etest", "*.a.test", "*", "a.test\\",
                           "[::ffff:1.2.3.4]", "x" * 300 + ".test"])
    return host


def request(rng, paths):
    version = rng.choice(["11", "11", "11", "10", "20"])
    scheme = rng.choice(["http", "http", "https"])
    method = rng.choice(["GET"] * 8 + ["POST", "HEAD", "OPTIONS", "FOO",
                                       "TRACE"])
    hosts = [some_host(rng)]
    target = some_path(rng, paths)
    roll = rng.random()
    if version == "10" and roll < 0.3 or roll < 0.02:
        hosts = []
    elif version != "20" and roll < 0.05:
        hosts.append(rng.choice([hosts[0], hosts[0].upper(),
                                 some_host(rng)]))
    roll = rng.random()
    if version != "20" and roll < 0.05:
        authority = hosts[0] if hosts and rng.random() < 0.7 \
            else some_host(rng)
        target = rng.choice(["http", "https", "HTTP"]) + "://" + authority + \
            rng.choice([target, "", "?x"])
    elif roll < 0.06:
        target = "*"
    if "\x7f" in target:
        # HAProxy takes this byte or not by where in memory it lies; in a
        # path the program refuses it all the same.
        target = target if target[0] == "/" else "/" + target
        path, mark, query = target.partition("?")
        target = path + mark + query.replace("\x7f", "")
        method = "GET" if method == "TRACE" else method
    return {"scheme": scheme, "version": version, "method": method,
            "target": target, "hosts": hosts}


def requests(rng, ingresses, n):
    paths = known_paths(ingresses)
    return [request(rng, paths) for _ in range(n)]


def seeded(seed, round_number):
    return random.Random(f"{seed}:{round_number}")
