"""What HAProxy holds and what its files say, each in one form that does not
name slots, so that two of them can be compared."""

import os
import re

MAPS = ["http", "https", "all", "policy", "cidr", "rewrite", "match", "sni",
        "client"]
LISTS = ["http-regex", "https-regex"]
SERVER = re.compile(r"server (\S+) (\S+?):(\d+) .*")


def slots(text):
    """{slot: owner} of the rows of slots.map."""
    return {k: v for k, v in (line.split(" ", 1) for line in text)
            if not v.startswith("-")}


def shown(world, name):
    """Rows "KEY VALUE" of a map that HAProxy shows."""
    text = world.cli(f"show map {world.run}/maps/{name}.map")
    return [line.split(" ", 1)[1] for line in text.split("\n")
            if line.startswith("0x")]


def filed(world, name):
    with open(f"{world.run}/maps/{name}.map", encoding="latin-1") as f:
        return f.read().splitlines()


def named(rows, owners):
    """The rows with owners in place of slots."""
    def owner(match):
        return "<%s>" % owners.get(match[0], "nobody")
    return [re.sub(r"(plain|policy|cookie|tcp)-[a-z]+-\w+\.\d+", owner, row)
            for row in rows]


def same_maps(read, world, owners):
    out = {name: sorted(named(read(world, name), owners)) for name in MAPS}
    out.update({name: named(read(world, name), owners) for name in LISTS})
    return out


def live_servers(world, owners):
    """{owner: [(address, port, draining)]} of what is not parked."""
    out = {owner: [] for owner in owners.values()}
    for line in world.cli("show servers state").split("\n")[2:]:
        f = line.split(" ")
        if f[1] in owners and not int(f[6]) & 0x67:
            out[owners[f[1]]].append((f[4], f[18], bool(int(f[6]) & 0x18) or f[7] == "0"))
    return {k: sorted(v) for k, v in out.items()}


def file_servers(world, owners):
    out = {owner: [] for owner in owners.values()}
    owner = None
    with open(world.run + "/haproxy.cfg", encoding="latin-1") as f:
        for line in f:
            words = line.split()
            if line[:1].isalpha():
                owner = owners.get(words[1]) if words[0] == "backend" else \
                    None
            elif owner and words and words[0] == "server" and \
                    "disabled" not in words:
                address, port = words[2].rsplit(":", 1)
                weight = re.search(r"weight (\d+)", line)
                out[owner].append((address, port,
                                   bool(weight) and weight[1] == "0"))
    return {k: sorted(v) for k, v in out.items()}


def live_certs(world):
    """{file: fingerprint}"""
    out = {}
    for name in world.cli("show ssl cert").split("\n"):
        if name.startswith("/"):
            text = world.cli("show ssl cert " + name)
            print_ = re.search(r"(?m)^SHA1 FingerPrint: (\w+)", text)
            out[os.path.basename(name)] = print_ and print_[1]
    return out


def file_certs(world):
    import hashlib
    import ssl
    out = {}
    for name in os.listdir(world.run + "/certs"):
        if name.endswith(".pem"):
            with open(f"{world.run}/certs/{name}") as f:
                text = f.read()
            pem = re.search(r"-----BEGIN CERT.*?-----END CERTIFICATE-----",
                            text, re.S)[0]
            out[name] = hashlib.sha1(ssl.PEM_cert_to_DER_cert(
                pem)).hexdigest().upper()
    return out


def live_list(world):
    text = world.cli(f"show ssl crt-list {world.run}/crt-list")
    return sorted(lines(world, text))


def file_list(world):
    with open(world.run + "/crt-list") as f:
        return sorted(lines(world, f.read()))


def lines(world, text):
    return [" ".join(l.replace(world.run, "RUN").split())
            for l in text.split("\n") if l.strip() and l[0] != "#"]


def live(world):
    owners = slots(shown(world, "slots"))
    return {"maps": same_maps(shown, world, owners),
            "servers": live_servers(world, owners),
            "certs": live_certs(world), "list": live_list(world)}


def files(world):
    owners = slots(filed(world, "slots"))
    return {"maps": same_maps(filed, world, owners),
            "servers": file_servers(world, owners),
            "certs": file_certs(world), "list": file_list(world)}


def difference(a, b, where=""):
    """Words for the first difference of two of them, None: equal."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if key not in a or key not in b:
                return f"{where}/{key}: {a.get(key)} and {b.get(key)}"
            found = difference(a[key], b[key], f"{where}/{key}")
            if found:
                return found
        return None
    if a == b:
        return None
    if isinstance(a, list):
        return f"{where}: only here {[x for x in a if x not in b]}, only " \
            f"there {[x for x in b if x not in a]}"
    return f"{where}: {a} and {b}"
