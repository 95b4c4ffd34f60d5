"""Authorities, certificates of clients and servers, lists of revoked ones."""

import os
import ssl
import subprocess

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*args, **more):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, **more)


def read(path):
    with open(path) as f:
        return f.read()


def copies(pid, needle):
    """How often some bytes stand in the memory of a process."""
    found = 0
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            place, rights = line.split()[:2]
            if "r" not in rights or line.rstrip().endswith("[vvar]"):
                continue
            begin, end = (int(x, 16) for x in place.split("-"))
            try:
                memory.seek(begin)
                found += memory.read(end - begin).count(needle)
            except (OSError, OverflowError, ValueError):
                continue
    return found


class Authority:
    """Files NAME.crt and NAME.key in 'folder'; two may have one subject."""

    def __init__(self, folder, name, subject):
        self.folder, self.name = folder, name
        self.base = os.path.join(folder, name)
        openssl("req", "-x509", *EC, "-keyout", self.base + ".key", "-out",
                self.base + ".crt", "-subj", subject, "-days", "30",
                "-addext", "basicConstraints=critical,CA:TRUE")
        self.pem = read(self.base + ".crt")

    def issue(self, name, subject, names=()):
        """NAME.crt and NAME.key; the path without ending."""
        base = os.path.join(self.folder, name)
        openssl("req", *EC, "-keyout", base + ".key", "-out", base + ".csr",
                "-subj", subject)
        with open(base + ".ext", "w") as f:
            if names:
                f.write("subjectAltName=%s\n" % ",".join(
                    "DNS:" + n for n in names))
        openssl("x509", "-req", "-in", base + ".csr", "-CA",
                self.base + ".crt", "-CAkey", self.base + ".key",
                "-CAcreateserial", "-days", "20", "-extfile", base + ".ext",
                "-out", base + ".crt")
        return base

    def revoke(self, *bases):
        """The PEM of a list with these certificates."""
        with open(self.base + ".cnf", "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s.index\n"
                    "crlnumber=%s.number\ndefault_md=sha256\n"
                    "default_crl_days=10\n" % (self.base, self.base))
        open(self.base + ".index", "w").close()
        with open(self.base + ".number", "w") as f:
            f.write("01\n")
        ca = ["ca", "-config", self.base + ".cnf", "-keyfile",
              self.base + ".key", "-cert", self.base + ".crt"]
        for one in bases:
            openssl(*ca, "-revoke", one + ".crt")
        openssl(*ca, "-gencrl", "-out", self.base + ".crl")
        return read(self.base + ".crl")


def context(base=None, newest=None):
    """A client's TLS; 'base' names its certificate."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if base:
        made.load_cert_chain(base + ".crt", base + ".key")
    if newest:
        made.maximum_version = newest
    return made
