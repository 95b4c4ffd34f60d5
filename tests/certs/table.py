"""Bad certificates, and good ones, made by openssl when they are asked for.

cases(folder) gives a Case for each: the Secret as people get it wrong, the
host that names it, and what is said of it.  No key is kept anywhere but in
'folder'.
"""

import base64
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

DAY = 86400
DEFAULT = "the default certificate is served"
TLS = "kubernetes.io/tls"


def openssl(*argv, data=None):
    done = subprocess.run(["openssl", *map(str, argv)], input=data,
                          capture_output=True, close_fds=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclass
class Case:
    name: str
    want: str               # A part of what is said; "": nothing is.
    crt: bytes = None       # None: not in the Secret.
    key: bytes = None
    type: str = TLS
    exists: bool = True
    host: str = ""
    served: bool = False    # By a certificate of its own.
    api: bool = True        # The API server takes such a Secret.
    place: str = "secretName"   # The field under spec.tls[0].

    @property
    def secret(self):
        return self.name.replace(" ", "-").replace(",", "")

    def manifest(self, namespace):
        data = {"tls.crt": self.crt, "tls.key": self.key}
        return {"apiVersion": "v1", "kind": "Secret", "type": self.type,
                "metadata": {"name": self.secret, "namespace": namespace},
                "data": {k: base64.b64encode(v).decode()
                         for k, v in data.items() if v is not None}}

    def line(self, field, text):
        """Is 'text' what is said of it, at the right field?"""
        return field == f"spec.tls[0].{self.place}" and self.want in text


@dataclass
class Authority:
    """openssl ca: the one command that takes any dates."""
    folder: Path
    n: int = 0
    made: dict = field(default_factory=dict)

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "index.txt").write_text("")
        (self.folder / "ca.conf").write_text(f"""
[ca]
default_ca = a
[a]
database = {self.folder}/index.txt
new_certs_dir = {self.folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = p
[p]
commonName = optional
""")

    def new_key(self, kind="ec"):
        options = {
            "ec": ["-algorithm", "EC", "-pkeyopt",
                   "ec_paramgen_curve:P-256"],
            "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            "weak": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
            "ed25519": ["-algorithm", "ED25519"],
            "ed448": ["-algorithm", "ED448"],
        }[kind]
        self.n += 1
        file = self.folder / f"{self.n}.key"
        openssl("genpkey", *options, "-out", file)
        return file

    def issue(self, names, kind="ec", issuer=None, start="20240101000000Z",
              end="20460101000000Z", ca=False, usage="serverAuth", cn="leaf",
              digest=None):
        """(crt, key) files; 'names' is the value of subjectAltName or None."""
        key = self.new_key(kind)
        csr, crt, ext = (self.folder / f"{self.n}.{s}"
                         for s in ("csr", "crt", "ext"))
        openssl("req", "-new", "-key", key, "-subj", f"/CN={cn}", "-out", csr)
        lines = [f"basicConstraints=critical,CA:{str(ca).upper()}"]
        if names:
            lines.append(f"subjectAltName={names}")
        if usage and not ca:
            lines.append(f"extendedKeyUsage={usage}")
        ext.write_text("\n".join(lines) + "\n")
        by = (["-selfsign", "-keyfile", key] if issuer is None else
              ["-cert", issuer[0], "-keyfile", issuer[1]])
        openssl("ca", "-batch", "-config", self.folder / "ca.conf", *by,
                "-notext", "-in", csr, "-out", crt, "-extfile", ext,
                "-startdate", start, "-enddate", end,
                *(["-md", digest] if digest else []))
        return crt, key


def der_name(name):
    """A subjectAltName of one DNS name of any bytes, as openssl takes it."""
    item = bytes([0x82, len(name)]) + name
    whole = bytes([0x30, len(item)]) + item
    return "DER:" + ":".join(f"{b:02x}" for b in whole)


def stamp(now, days):
    import time
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + days * DAY))


def pem(kind, data):
    body = base64.encodebytes(data).decode()
    return f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n".encode()


def refused(a, host):
    """Secrets that cannot be served."""
    crt_file, key_file = a.issue(f"DNS:{host}", issuer=a.made["middle"])
    crt, key = crt_file.read_bytes(), key_file.read_bytes()
    other = a.new_key().read_bytes()
    middle = a.made["middle"][0].read_bytes()
    der = openssl("x509", "-in", crt_file, "-outform", "DER")
    yield "no secret", "of type kubernetes.io/tls does not exist", None, None
    yield "opaque", 'is of type "Opaque": make one of type', crt, key
    yield "no crt", "it has no tls.crt", None, key
    yield "no key", "it has no tls.key", crt, None
    yield "neither", "it has neither tls.crt nor tls.key", None, None
    yield "empty crt", "tls.crt is empty", b"", key
    yield "empty key", "tls.key is empty", crt, b""
    yield "no pem", "tls.crt has no PEM certificate", b"see vault\n", key
    yield "no pem key", "tls.key has no PEM private key", crt, b"see vault\n"
    yield "cut", "tls.crt has a PEM block without its END line", \
        crt[:len(crt) // 2], key
    yield "cut chain", "tls.crt is cut off: its last PEM block", \
        crt + middle[:300], key
    yield "cut key", "tls.key has a PEM block without its END line", crt, \
        key[:len(key) // 2]
    yield "rubbish", "tls.crt has a PEM block that is not base64", \
        b"-----BEGIN CERTIFICATE-----\n$$$$\n-----END CERTIFICATE-----\n", key
    yield "no certificate", "certificate 1 does not parse", \
        pem("CERTIFICATE", b"nothing of the kind"), key
    yield "bytes behind", "certificate 1 has trailing bytes inside", \
        pem("CERTIFICATE", der + b"1234"), key
    yield "der", "tls.crt is binary (DER or PKCS#12), not PEM", der, key
    yield "der key", "tls.key is binary (DER or PKCS#12), not PEM", crt, \
        openssl("pkey", "-in", key_file, "-outform", "DER")
    yield "utf-16", "tls.crt is not plain text (UTF-16)", \
        crt.decode().encode("utf-16"), key
    yield "twice", "tls.crt is PEM that was encoded as base64 twice", \
        base64.b64encode(crt), key
    yield "nul", "tls.crt is not PEM text: it has a NUL byte", \
        crt + b"\0", key
    yield "text behind", "tls.crt has text after its last PEM block", \
        crt + b"issued by hand\n", key
    yield "huge", "tls.crt is larger than 256 KiB", crt + b"\n" * (300 << 10), \
        key
    yield "huge chain", "there are more than 16 certificates", \
        crt + middle * 16, key
    yield "request", "tls.crt holds a certificate request", \
        crt_file.with_suffix(".csr").read_bytes(), key
    yield "pkcs7", "tls.crt holds PKCS#7", \
        openssl("crl2pkcs7", "-nocrl", "-certfile", crt_file), key
    yield "swapped", "tls.crt holds a private key instead", key, crt
    yield "key beside", "tls.crt holds a private key as well", crt + key, key
    yield "public key", "tls.key holds a public key and no private key", \
        crt, openssl("pkey", "-in", key_file, "-pubout")
    yield "certificate as key", "tls.key holds a certificate and no", crt, crt
    yield "two keys", "there is more than one private key", crt, key + other
    yield "another key", "the private key does not belong to the", crt, other
    yield "key of none", "the private key belongs to none of the 2", \
        crt + middle, other
    yield "broken key", "the private key does not parse", crt, \
        pem("PRIVATE KEY", b"nothing of the kind")
    yield "openssh key", "the private key is in OpenSSH's format", crt, \
        pem("OPENSSH PRIVATE KEY", b"openssh-key-v1\0")
    yield "encrypted key", "the private key is encrypted", crt, \
        openssl("pkey", "-in", key_file, "-aes128", "-passout", "pass:x")
    weak, weak_key = a.issue(f"DNS:{host}", "weak", a.made["middle"])
    yield "weak key", "the key of certificate 1 is too short (1024 bits", \
        weak.read_bytes(), weak_key.read_bytes()
    sha1, sha1_key = a.issue(f"DNS:{host}", issuer=a.made["middle"],
                             digest="sha1")
    yield "sha1", "certificate 1 is signed with a digest that is no longer", \
        sha1.read_bytes(), sha1_key.read_bytes()
    ed, ed_key = a.issue(f"DNS:{host}", "ed448", a.made["middle"])
    yield "ed448", "the private key is neither RSA, EC nor Ed25519", \
        ed.read_bytes(), ed_key.read_bytes()


def odd(a, host_of, now):
    """Secrets that are served and not right; (name, want, options,
    certificates behind the leaf)."""
    def both(name):
        return f"DNS:{host_of(name)}"
    yield "expired", "expired at 2024-06-01T00:00:00Z: clients refuse", \
        dict(names=both("expired"), end="20240601000000Z"), []
    yield "not yet", "is not valid before 2040-01-01T00:00:00Z", \
        dict(names=both("not yet"), start="20400101000000Z"), []
    yield "upside down", "ends at 2024-01-01T00:00:00Z, before it begins at", \
        dict(names=both("upside down"), start="20250101000000Z",
             end="20240101000000Z"), []
    yield "three weeks", "in less than 21 days: renew it", \
        dict(names=both("three weeks"), end=stamp(now, 15)), []
    yield "a week", "in less than 7 days: renew it", \
        dict(names=both("a week"), end=stamp(now, 5)), []
    yield "a day", "in less than 1 day: renew it", \
        dict(names=both("a day"), end=stamp(now, 0.9)), []
    yield "a ca", "is a CA's (CA:TRUE)", dict(names=both("a ca"), ca=True), []
    yield "for clients", "is not for servers (extended key usage)", \
        dict(names=both("for clients"), usage="clientAuth"), []
    yield "backwards", "are not in order: they are served in the right one", \
        dict(names=both("backwards")), ["root", "middle", None]
    yield "copy", "stands in Secret", dict(names=both("copy")), \
        ["middle", None]
    yield "stranger", "is no issuer in the chain of the first", \
        dict(names=both("stranger")), ["stranger"]
    yield "gap", "is no issuer in the chain of the first", \
        dict(names=both("gap")), ["root"]
    yield "old issuer", "an issuer's certificate in Secret", \
        dict(names=both("old issuer"), issuer=a.made["old"]), ["old"]


def misses(host_of):
    """Served to nobody, for they are for others."""
    yield "wrong host", "it is for www.other.example;", \
        dict(names="DNS:www.other.example")
    yield "no names", "it has no subject alternative names", dict(names=None)
    yield "addresses", "it names IP addresses only", \
        dict(names="IP:192.0.2.1,IP:2001:db8::1")
    yield "nul in a name", "its names are no DNS names", \
        dict(names=der_name(host_of("nul in a name").encode() + b"\0.evil"))
    deep = host_of("too deep")
    yield "too deep", "stands for exactly one label", \
        dict(names="DNS:*." + deep.split(".", 2)[2])
    yield "too high", "stands for exactly one label", \
        dict(names="DNS:*." + host_of("too high"))


def good(a, host_of):
    def leaf(name, **options):
        return a.issue(f"DNS:{host_of(name)}", issuer=a.made["middle"],
                       **options)

    def traditional(file):
        return openssl("pkey", "-in", file, "-traditional")
    crt, key = leaf("pkcs8 ec")
    yield "pkcs8 ec", crt.read_bytes(), key.read_bytes()
    crt, key = leaf("sec1")
    yield "sec1", crt.read_bytes(), traditional(key)
    crt, key = leaf("sec1 with parameters")
    yield "sec1 with parameters", crt.read_bytes(), \
        openssl("ecparam", "-name", "prime256v1") + traditional(key)
    crt, key = leaf("pkcs8 rsa", kind="rsa")
    yield "pkcs8 rsa", crt.read_bytes(), key.read_bytes()
    yield "pkcs1", *(lambda c, k: (c.read_bytes(), traditional(k)))(
        *leaf("pkcs1", kind="rsa"))
    crt, key = leaf("ed25519", kind="ed25519")
    yield "ed25519", crt.read_bytes(), key.read_bytes()
    crt, key = leaf("whole chain")
    yield "whole chain", crt.read_bytes() + \
        a.made["middle"][0].read_bytes() + a.made["root"][0].read_bytes(), \
        key.read_bytes()
    crt, key = leaf("carriage returns")
    yield "carriage returns", crt.read_bytes().replace(b"\n", b"\r\n"), \
        key.read_bytes().replace(b"\n", b"\r\n")


def make_authority(folder):
    a = Authority(Path(folder))
    a.made["root"] = a.issue(None, ca=True, cn="root")
    a.made["middle"] = a.issue(None, issuer=a.made["root"], ca=True,
                               cn="middle")
    a.made["stranger"] = a.issue(None, ca=True, cn="stranger")
    a.made["old"] = a.issue(None, issuer=a.made["root"], ca=True, cn="old",
                            end="20240601000000Z")
    return a


def chain(a, leaf, behind):
    parts = [leaf.read_bytes() if one is None else
             a.made[one][0].read_bytes() for one in behind]
    return b"".join(parts if None in behind and behind[0] != "middle" else
                    [leaf.read_bytes()] + parts)


def cases(folder, domain, now):
    a = make_authority(folder)

    def host_of(name):
        return f"{name.replace(' ', '-')}.{domain}"
    found = []
    for name, want, crt, key in refused(a, f"*.{domain}"):
        found.append(Case(
            name, want, crt, key, exists=name != "no secret",
            type="Opaque" if name == "opaque" else TLS,
            api=name not in ("no crt", "no key", "neither")))
    for name, want, options, behind in odd(a, host_of, now):
        options.setdefault("issuer", a.made["middle"])
        crt, key = a.issue(**options)
        found.append(Case(name, want, chain(a, crt, behind),
                          key.read_bytes(), served=True))
    for name, want, options in misses(host_of):
        crt, key = a.issue(issuer=a.made["middle"], **options)
        found.append(Case(name, want, crt.read_bytes(), key.read_bytes(),
                          place="hosts[0]"))
    for name, crt, key in good(a, host_of):
        found.append(Case(name, "", crt, key, served=True))
    for case in found:
        case.host = host_of(case.name)
    return found
