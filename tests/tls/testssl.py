#!/usr/bin/python3
"""testssl.sh (Debian) on the default profile.

usage: testssl.py [NAME OF A CHECK...]

A host with an ECDSA and an RSA certificate of a CA of our own, with a SAN and
with URIs for revocation, behind the driver and the real HAProxy.  No finding
may be of medium severity or worse but those of accepted.txt, each with its
reason; one that is accepted and does not come any more is an error, too.
What testssl.sh said is left in build/testssl.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "haproxy"))

import driver       # noqa: E402
import rig          # noqa: E402

OUT = ROOT / "build" / "testssl"
SEVERE = {"MEDIUM", "HIGH", "CRITICAL", "FATAL", "WARN"}
HOST = "h.test"
# Whether OpenSSL has an engine for GOST is a matter of the machine.
ENVIRONMENT = {**os.environ, "NO_ENGINE": "true"}
EXTENSIONS = """
basicConstraints=CA:FALSE
keyUsage=digitalSignature%s
extendedKeyUsage=serverAuth
subjectAltName=DNS:%s
crlDistributionPoints=URI:http://crl.test/ca.crl
authorityInfoAccess=OCSP;URI:http://ocsp.test/,caIssuers;URI:http://ca.test/ca.crt
"""


def openssl(*args):
    subprocess.run(["openssl", *[str(a) for a in args]], check=True,
                   stderr=subprocess.DEVNULL)


def key_args(kind):
    return ["rsa:2048"] if kind == "rsa" else \
        ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]


def make_ca(folder):
    openssl("req", "-x509", "-newkey", *key_args("ec"), "-nodes", "-days",
            "300", "-subj", "/CN=Test CA", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign", "-keyout",
            folder / "ca.key", "-out", folder / "ca.pem")


def make_leaf(folder, kind):
    """A PEM with key and certificate; the CA is no part of the chain."""
    stem = folder / kind
    openssl("req", "-new", "-newkey", *key_args(kind), "-nodes", "-subj",
            "/CN=" + HOST, "-keyout", f"{stem}.key", "-out", f"{stem}.csr")
    (folder / "ext").write_text(EXTENSIONS % (
        ",keyEncipherment" if kind == "rsa" else "", HOST))
    openssl("x509", "-req", "-in", f"{stem}.csr", "-CA", folder / "ca.pem",
            "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "80",
            "-sha256", "-extfile", folder / "ext", "-out", f"{stem}.crt")
    pem = folder / (kind + ".pem")
    pem.write_text(pathlib.Path(f"{stem}.key").read_text() +
                   pathlib.Path(f"{stem}.crt").read_text())
    return pem


def accepted():
    """Id to reason."""
    out = {}
    for line in (HERE / "accepted.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(None, 1)
            out[name] = reason
    return out


def run(port, ca, checks):
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    with open(OUT / "output.txt", "wb") as out:
        subprocess.run(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off",
             "--add-ca", str(ca), "--ip", "127.0.0.1", "--jsonfile",
             str(OUT / "findings.json"), *checks, f"{HOST}:{port}"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env=ENVIRONMENT)
    with open(OUT / "findings.json") as f:
        return json.load(f)


def main():
    checks = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="sp-") as name, \
            driver.Driver() as d:
        folder = pathlib.Path(name)
        make_ca(folder)
        d.apply("cert e %s" % make_leaf(folder, "ec"),
                "cert r %s" % make_leaf(folder, "rsa"),
                "sni %s e,r" % HOST,
                "backend own plain roundrobin 0 " + d.echo(rig.Echo("own")),
                "route https %s/ forward own" % HOST)
        found = run(d.https[1], folder / "ca.pem", checks)
    known, seen, bad = accepted(), set(), []
    for one in found:
        if one["severity"] in SEVERE:
            seen.add(one["id"])
            if one["id"] not in known:
                bad.append(one)
    for one in bad:
        print("%(severity)s %(id)s: %(finding)s" % one)
    gone = [] if checks else sorted(set(known) - seen)
    for name in gone:
        print("accepted, but not found any more: " + name)
    print("%d findings, %d of medium severity or worse, %d accepted" % (
        len(found), len(seen), len(seen & set(known))))
    if not checks and len(found) < 100:
        print("too few: did testssl.sh run to its end?")
        return 1
    return 1 if bad or gone else 0


if __name__ == "__main__":
    sys.exit(main())
