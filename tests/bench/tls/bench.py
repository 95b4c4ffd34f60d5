#!/usr/bin/python3
"""The TLS benchmark: certificates at start and at run time, renewal under
load, what passthrough costs, and how sessions are resumed.

usage: bench.py [--keep] [--certs N] [--renewals N] [--rounds N]
                [--seconds N] [--rate N] [PART...]

Parts: load, renewal, passthrough, resumption (all).  --keep puts the tables
into docs/benchmarks.md.  Nothing here judges a time; a failed handshake or a
reload is an error.
"""

import argparse
import collections
import contextlib
import datetime
import os
import pathlib
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "haproxy"))

import driver       # noqa: E402
import rig          # noqa: E402
import standalone   # noqa: E402

TOOLS = ROOT / "build" / "release" / "tools"
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- tls: begin -->", "<!-- tls: end -->"
RATE = 500          # Handshakes a second.
RENEW_S = 0.3       # From one renewal to the next.
RSA = "RSA"         # 2048 bits.
TICK = os.sysconf("SC_CLK_TCK")


def make_key(kind):
    if kind == RSA:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(kind)


def kind_name(kind):
    return "RSA-2048" if kind == RSA else "EC P-256"


def make_pem(name, kind=ec.SECP256R1()):
    """Certificate and key of one name as text, and the serial."""
    key = make_key(kind)
    now = datetime.datetime.utcnow()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    cert = x509.CertificateBuilder().subject_name(subject).issuer_name(
        subject).public_key(key.public_key()).serial_number(
        x509.random_serial_number()).not_valid_before(
        now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(days=60)).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(name)]), False).sign(
        key, hashes.SHA256())
    crt = cert.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode()
    return crt, private, cert.serial_number


def context():
    c = ssl.create_default_context()
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    return c


def serial(address, name, c):
    with socket.create_connection(address, timeout=60) as raw, \
            c.wrap_socket(raw, server_hostname=name) as s:
        return x509.load_der_x509_certificate(
            s.getpeercert(True)).serial_number


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mb(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) / 1024


def spread(values, digits=0):
    f = "%%.%df" % digits
    return "%s (%s to %s)" % tuple(
        f % v for v in (statistics.median(values), min(values), max(values)))


def table(titles, rows):
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield "| " + " | ".join(str(c) for c in row) + " |"


# --- Many certificates ---

def wait_for(address, name, wanted, c):
    while True:
        with contextlib.suppress(OSError, ssl.SSLError):
            if serial(address, name, c) == wanted:
                return
        time.sleep(0.005)


def alone(d, folder, files, wanted):
    """HAProxy by itself with a crt-list of the same files."""
    port = driver.free_port()
    (folder / "list").write_text("".join("%s n%d.test\n" % (f, i)
                                         for i, f in enumerate(files)))
    (folder / "alone.cfg").write_text(
        "global\n    stats socket %s/alone.sock\n"
        "defaults\n    mode http\n    timeout client 5s\n"
        "    timeout server 5s\n    timeout connect 5s\n"
        "frontend f\n    bind 127.0.0.1:%d ssl crt-list %s/list\n"
        "    http-request return status 200\n" % (folder, port, folder))
    begin = time.monotonic()
    p = subprocess.Popen([driver.HAPROXY, "-db", "-f",
                          str(folder / "alone.cfg")],
                         stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        wait_for(("127.0.0.1", port), "n%d.test" % (len(files) - 1), wanted,
                 context())
        took = time.monotonic() - begin
        return took, cpu_s(p.pid), resident_mb(p.pid)
    finally:
        p.terminate()
        p.wait()


def part_load(args):
    rows = []
    with tempfile.TemporaryDirectory(prefix="sp-") as name:
        folder = pathlib.Path(name)
        files, serials = [], []
        for i in range(args.certs):
            crt, key, number = make_pem("n%d.test" % i)
            files.append(folder / ("%d.pem" % i))
            files[-1].write_text(key + crt)
            serials.append(number)
        last = "n%d.test" % (args.certs - 1)
        took, cpu, mb = alone(None, folder, files, serials[-1])
        rows.append(["HAProxy by itself", "start with %s" %
                     format(args.certs, ","), "%.1f" % took, "%.1f" % cpu,
                     "%.0f" % mb])
        for at_start in (True, False):
            rows += ours(args, folder, files, serials, last, at_start)
    return list(table(["who", "what", "s", "CPU s of HAProxy",
                       "MB of HAProxy"], rows))


def total_s(d):
    """Of the worker and of the master, who has read the files."""
    return cpu_s(d.worker()) + cpu_s(d.status()["master"])


def ours(args, folder, files, serials, last, at_start):
    """All before the first start, or all into one that runs; then some
    renewed."""
    with driver.Driver(start=False) as d:
        d.start()
        d.do("cert - %s/default.pem" % d.dir, "route https h.test/ none")
        base_mb = 0
        if not at_start:
            d.do("complete", "apply")
            base_mb = resident_mb(d.worker())
        d.many("cert c%d %s" % (i, f) for i, f in enumerate(files))
        d.many("sni n%d.test c%d" % (i, i) for i in range(len(files)))
        before = 0 if at_start else total_s(d)
        begin = time.monotonic()
        d.do("complete")
        d.do("apply 600000")
        wait_for(d.https, last, serials[-1], context())
        took = time.monotonic() - begin
        worker = d.worker()
        rows = [["Sallyport", "%s %s" % (
            "start with" if at_start else "at run time",
            format(len(files), ",")), "%.1f" % took,
            "%.1f" % (total_s(d) - before), "%.0f%s" % (
                resident_mb(worker),
                "" if at_start else ", %.0f before" % base_mb)]]
        again = []
        for i in range(args.renewals):
            crt, key, number = make_pem("n%d.test" % i)
            path = folder / ("again-%d.pem" % i)
            path.write_text(key + crt)
            again.append((path, number))
        before = cpu_s(worker)
        begin = time.monotonic()
        d.many("cert c%d %s" % (i, p) for i, (p, _) in enumerate(again))
        d.do("apply 600000")
        took = time.monotonic() - begin
        c = context()
        for i in range(0, len(again), max(1, len(again) // 20)):
            assert serial(d.https, "n%d.test" % i, c) == again[i][1]
        assert d.worker() == worker
        assert d.metric("sallyport_haproxy_reloads_total") == 0
        rows.append(["Sallyport", "renew %d of them" % len(again),
                     "%.2f" % took, "%.2f" % (cpu_s(worker) - before),
                     "%.0f" % resident_mb(worker)])
        return rows


# --- Renewal under load ---

def secret(name, crt, key):
    return {"apiVersion": "v1", "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": "default"},
            "stringData": {"tls.crt": crt, "tls.key": key}}


Shake = collections.namedtuple("Shake", "begun shaken answered serial")


class Handshakes:
    """bench-handshakes: new connections at an even pace, a request each, and
    what each of them was shown."""

    def __init__(self, address, name, rate, n):
        self.out = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [TOOLS / "bench-handshakes", str(address[1]), name, str(rate),
             str(n)], stdout=self.out)

    def result(self):
        """Those that were served, in s, and lines of those that were not."""
        assert self.process.wait() == 0
        good, bad = [], []
        self.out.seek(0)
        for line in self.out:
            fields = line.split()
            if fields[1] == "failed":
                bad.append(line)
            else:
                good.append(Shake(*(int(x) / 1e6 for x in fields[:3]),
                                  int(fields[3], 16)))
        return good, bad


class Origin:
    """bench-origin: a server that costs next to nothing."""

    def __init__(self):
        self.port = driver.free_port()
        self.process = subprocess.Popen([TOOLS / "bench-origin",
                                         str(self.port)])

    def close(self):
        self.process.terminate()
        self.process.wait()


def changes(s):
    """How many changes HAProxy has confirmed, and in how many s altogether,
    each from when it was taken in."""
    name = "sallyport_change_duration_seconds"
    return s.metric(name + "_count"), s.metric(name + "_sum")


def haproxy_cpu_s(s):
    with socket.socket(socket.AF_UNIX) as c:
        c.connect(s.dir + "/run/haproxy.sock")
        c.sendall(b"show info\n")
        text = b"".join(iter(lambda: c.recv(65536), b""))
    return cpu_s(int(re.search(rb"^Pid: (\d+)", text, re.M)[1]))


def renew_all(s, host, pems, load):
    """One after the other while the load lasts; when each was renamed and its
    serial, and how long the reconciler took, in ms."""
    renamed, confirmed = [], []
    count, total = changes(s)
    while load.process.poll() is None and pems:
        crt, key, number = pems.pop()
        renamed.append((time.monotonic(), number))
        s.apply([host, secret("t", crt, key)])
        # Nothing of ours runs until it is long over.
        time.sleep(RENEW_S)
        now_count, now_total = changes(s)
        assert now_count > count, "not confirmed yet"
        confirmed.append((now_total - total) / (now_count - count) * 1000)
        count, total = now_count, now_total
    return renamed, confirmed


def when_shown(shakes, renamed, before):
    """Of each renewal, in ms after the rename: the end of the first handshake
    that showed it; and the beginning of the last one that showed the
    certificate before it (0: none did that began after the rename)."""
    first, last_old = [], []
    for at, number in renamed:
        shown = [x.shaken - at for x in shakes if x.serial == number]
        old = [x.begun - at for x in shakes if x.serial == before]
        first.append(min(shown) * 1000)
        last_old.append(max(0, *old) * 1000)
        before = number
    return first, last_old


def renewal(args, kind):
    """A file with the Secret changes as a watch event comes in; what follows
    is all that the reconciler does with one."""
    origin = Origin()
    n = args.seconds * args.rate
    # Made before, as making them is work.
    pems = [make_pem("h.test", kind)
            for _ in range(2 + int(args.seconds / RENEW_S))]
    with standalone.Standalone(
            services=[standalone.service("main", origin.port)]) as s:
        host = standalone.ingress("a", "h.test", tls=[
            {"hosts": ["h.test"], "secretName": "t"}])
        crt, key, before = pems.pop()
        s.apply([host, secret("t", crt, key)])
        wait_for(s.https, "h.test", before, context())
        cpu = haproxy_cpu_s(s)
        load = Handshakes(s.https, "h.test", args.rate, n)
        time.sleep(RENEW_S)
        renamed, confirmed = renew_all(s, host, pems, load)
        shakes, failed = load.result()
        cpu = (haproxy_cpu_s(s) - cpu) / n * 1e6
        reloads = s.metric("sallyport_haproxy_reloads_total")
    origin.close()
    assert len(shakes) == n and not failed and reloads == 0, failed[:5]
    ends = [x.shaken for x in shakes]
    # The last one came when the load was over, or nearly so.
    first, last_old = when_shown(shakes, renamed[:-1], before)
    rate = (n - 1) / (max(ends) - min(ends))
    return [kind_name(kind), format(n, ","), "%.0f" % rate, len(failed),
            "%.0f" % cpu, len(first), "%.0f" % reloads, spread(confirmed, 1),
            spread(first, 1), spread(last_old, 1),
            spread([(x.shaken - x.begun) * 1000 for x in shakes], 1)]


def part_renewal(args):
    return list(table(
        ["key", "handshakes", "a second", "failed", "CPU µs of HAProxy each",
         "renewals", "reloads",
         "taken in to confirmed, ms", "renamed to first handshake, ms",
         "renamed to the begin of the last with the old, ms",
         "one handshake, ms"],
        [renewal(args, ec.SECP256R1()), renewal(args, RSA)]))


# --- Passthrough ---

class Server:
    """A HAProxy that answers at once, in the clear and in TLS."""

    def __init__(self, folder):
        self.plain, self.tls = driver.free_port(), driver.free_port()
        crt, key, _ = make_pem("far.test")
        (folder / "far.pem").write_text(key + crt)
        (folder / "far.cfg").write_text(
            "global\n    maxconn 4000\n    nbthread 1\n"
            "defaults\n    mode http\n    timeout client 30s\n"
            "    timeout server 5s\n    timeout connect 5s\n"
            "frontend f\n    bind 127.0.0.1:%d\n"
            "    bind 127.0.0.1:%d ssl crt %s/far.pem alpn h2,http/1.1\n"
            "    http-request return status 200 content-type text/plain "
            "string ok\n" % (self.plain, self.tls, folder))
        self.process = subprocess.Popen(
            [driver.HAPROXY, "-db", "-f", str(folder / "far.cfg")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def cost(d, name, n, requests):
    """CPU of HAProxy in µs for a new connection with its request, and for
    one more request on it."""
    worker = d.worker()
    out = []
    for command in (["-n", str(n), "-c", str(n), "-r", "300"],
                    ["-n", str(requests), "-c", "8"]):
        before = cpu_s(worker)
        done = subprocess.run(
            ["h2load", "--h1", *command, "--connect-to",
             "%s:%d" % d.https, "https://%s:%d/" % (name, d.https[1])],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        count = int(command[1])
        assert b" %d succeeded, 0 failed" % count in done.stdout, done.stdout
        out.append((cpu_s(worker) - before) / count * 1e6)
    return out


def part_passthrough(args):
    got = {}
    with tempfile.TemporaryDirectory(prefix="sp-") as name, \
            driver.Driver(passthrough=True) as d:
        far = Server(pathlib.Path(name))
        try:
            d.apply("backend own plain roundrobin 0 127.0.0.1:%d" % far.plain,
                    "backend far tcp roundrobin 0 127.0.0.1:%d" % far.tls,
                    "route https t.test/ forward own",
                    "route http t.test/ forward own")
            cost(d, "t.test", 300, 2000)
            for _ in range(args.rounds):
                d.apply("delpass p.test")
                got.setdefault("terminated, no host passes through",
                               []).append(cost(d, "t.test", 900, 10000))
                d.apply("pass p.test far")
                got.setdefault("terminated beside one that passes",
                               []).append(cost(d, "t.test", 900, 10000))
                got.setdefault("passed through",
                               []).append(cost(d, "p.test", 900, 10000))
            assert d.metric("sallyport_haproxy_reloads_total") == 0
        finally:
            far.stop()
    return list(table(
        ["connection", "CPU µs, handshake and first request",
         "CPU µs, request on it"],
        [[k, spread([x[0] for x in v]), spread([x[1] for x in v])]
         for k, v in got.items()]))


# --- Resumption ---

MODES = {
    "cache (the program)": lambda text, folder: text,
    "tickets": lambda text, folder: text.replace(
        " no-tls-tickets", "").replace("crt-list alpn", "crt-list "
                                       "tls-ticket-keys %s/keys alpn" %
                                       folder),
    "neither": lambda text, folder: text.replace(
        "    tune.bufsize", "    tune.ssl.cachesize 0\n    tune.bufsize"),
}


def resume(address, version, n):
    """How many of n connections took up the session of the one before."""
    c = context()
    c.minimum_version = c.maximum_version = version
    last, taken = None, 0
    for _ in range(n):
        with socket.create_connection(address, timeout=10) as raw, \
                c.wrap_socket(raw, server_hostname="h.test",
                              session=last) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\n"
                      b"Connection: close\r\n\r\n")
            while s.recv(65536):
                pass
            taken += s.session_reused
            last = s.session
    return taken


def part_resumption(args):
    rows = {}
    n = 400
    with contextlib.ExitStack() as stack:
        rigs = {}
        for mode, change in MODES.items():
            r = stack.enter_context(rig.Rig(start=False))
            with open(r.dir + "/keys", "w") as f:
                f.writelines(subprocess.run(
                    ["openssl", "rand", "-base64", "48"],
                    stdout=subprocess.PIPE).stdout.decode()
                    for _ in range(3))
            with open(r.dir + "/haproxy.cfg", encoding="latin-1") as f:
                text = change(f.read(), r.dir)
            with open(r.dir + "/haproxy.cfg", "w", encoding="latin-1") as f:
                f.write(text)
            r.start()
            rigs[mode] = r
        for _ in range(args.rounds):
            for label, version in (("1.2", ssl.TLSVersion.TLSv1_2),
                                   ("1.3", ssl.TLSVersion.TLSv1_3)):
                for mode, r in rigs.items():
                    before = cpu_s(r.process.pid)
                    taken = resume(r.https, version, n)
                    rows.setdefault((label, mode), []).append(
                        (taken, (cpu_s(r.process.pid) - before) / n * 1e6))
    return list(table(
        ["TLS", "sessions in", "resumed", "CPU µs a connection"],
        [[k[0], k[1], "%d of %d" % (min(t for t, _ in v), n - 1),
          spread([c for _, c in v])] for k, v in rows.items()]))


PARTS = {"load": part_load, "renewal": part_renewal,
         "passthrough": part_passthrough, "resumption": part_resumption}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--keep", action="store_true")
    p.add_argument("--certs", type=int, default=5000)
    p.add_argument("--renewals", type=int, default=500)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--rate", type=int, default=RATE)
    p.add_argument("parts", nargs="*", metavar="PART")
    args = p.parse_args()
    lines = ["%s UTC; HAProxy %s, 2 CPUs that load and server share; load "
             "average %.1f before. Median (least to most)." % (
                 datetime.datetime.utcnow().strftime("%Y-%m-%d %H:%M"),
                 driver.version(driver.HAPROXY), os.getloadavg()[0]), ""]
    for name in args.parts or PARTS:
        for line in [*PARTS[name](args), ""]:
            lines.append(line)
            print(line, flush=True)
    lines.append("Load average %.1f after." % os.getloadavg()[0])
    if args.keep:
        text = PAGE.read_text()
        head, rest = text.split(BEGIN)
        PAGE.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END +
                        rest.split(END)[1])


if __name__ == "__main__":
    main()
