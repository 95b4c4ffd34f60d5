"""Certificates and options of TLS by server name, as the driver puts them
into a running HAProxy and finds them there again."""

import collections
import os
import re
import socket
import ssl
import subprocess

import pytest

import driver
from h2echo import H2Echo
from rig import Echo, http1, make_cert, server, until
from standalone import Standalone, ingress, service
from test_driver import backend
from test_passthrough import server_context

SIGNATURES = {"rsa": "rsa_pss_rsae_sha256:rsa_pkcs1_sha256",
              "ecdsa": "ecdsa_secp256r1_sha256"}


@pytest.fixture
def d():
    with driver.Driver() as it:
        it.do("route https h.test/ none")
        yield it


def pem(d, name, kind="ecdsa", tag=""):
    """A file with a certificate for 'name'; its subject says 'kind' too."""
    path = "%s/%s-%s%s.pem" % (d.dir, name.replace("*", "any"), kind, tag)
    key = {"rsa": ["-newkey", "rsa:2048"], "ed25519": ["-newkey", "ed25519"],
           "ecdsa": ["-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256"]}[kind]
    subprocess.run(["openssl", "req", "-x509", *key, "-nodes", "-keyout",
                    path, "-out", path + ".crt", "-days", "30", "-subj",
                    "/CN=%s %s%s" % (name, kind, tag), "-addext",
                    "subjectAltName=DNS:" + name], check=True,
                   stderr=subprocess.DEVNULL)
    with open(path, "a") as f, open(path + ".crt") as g:
        f.write(g.read())
    return path


def s_client(d, name, *options):
    return subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % d.https[1],
         *(["-servername", name] if name else ["-noservername"]), *options],
        input=b"", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT).stdout.decode("latin-1")


def seen(d, name, *options):
    """What the certificate's subject says, None without a handshake."""
    text = s_client(d, name, *options)
    found = re.search(r"(?m)^subject=CN ?= ?(.*)$", text)
    return found[1] if found and "Cipher is (NONE)" not in text else None


def by(kind):
    return ["-tls1_2", "-sigalgs", SIGNATURES[kind]]


def test_rsa_and_ecdsa_of_one_name(d):
    d.apply("cert e " + pem(d, "h.test"), "cert r " + pem(d, "h.test", "rsa"),
            "sni h.test e,r")
    d.do("check")
    assert seen(d, "h.test", *by("rsa")) == "h.test rsa"
    assert seen(d, "h.test", *by("ecdsa")) == "h.test ecdsa"
    assert seen(d, "h.test", "-tls1_3", "-sigalgs",
                SIGNATURES["rsa"]) == "h.test rsa"
    assert seen(d, "h.test") == "h.test ecdsa"
    # One goes, the other one stays.
    d.apply("sni h.test r", "delcert e")
    d.do("check")
    assert seen(d, "h.test") == "h.test rsa"
    assert seen(d, "h.test", *by("ecdsa")) is None
    assert d.metric("sallyport_haproxy_reloads_total") == 0


def test_ed25519(d):
    d.apply("cert x " + pem(d, "h.test", "ed25519"), "sni h.test x")
    assert seen(d, "h.test") == "h.test ed25519"


@pytest.mark.parametrize("exact,wild", [("rsa", "rsa"), ("ecdsa", "rsa"),
                                        ("ecdsa", "ecdsa")])
def test_a_name_of_its_own_wins_whatever_the_keys_are(d, exact, wild):
    """A client could do with either key: the exact name decides first."""
    d.apply("cert w " + pem(d, "*.w.test", wild),
            "cert a " + pem(d, "a.w.test", exact),
            "sni *.w.test w", "sni a.w.test a")
    d.do("check")
    assert seen(d, "a.w.test") == "a.w.test " + exact
    assert seen(d, "A.W.test") == "a.w.test " + exact
    assert seen(d, "b.w.test") == "*.w.test " + wild
    assert seen(d, "b.a.w.test") == "default.test"
    assert seen(d, "w.test") == "default.test"
    assert seen(d, None) == "default.test"


def test_one_certificate_of_many_names(d):
    d.apply("cert m " + pem(d, "m.test"),
            *["sni m%d.test m" % i for i in range(20)])
    d.do("check")
    assert {seen(d, "m%d.test" % i) for i in range(20)} == {"m.test ecdsa"}
    d.apply("cert m " + pem(d, "m.test", tag="-again"))
    assert {seen(d, "m%d.test" % i) for i in range(20)} == \
        {"m.test ecdsa-again"}
    d.apply(*["delsni m%d.test" % i for i in range(1, 20)])
    d.do("check")
    assert seen(d, "m0.test") == "m.test ecdsa-again"
    assert seen(d, "m1.test") == "default.test"


def cipher(d, name, *options):
    found = re.search(r"Cipher is (\S+)", s_client(d, name, *options))
    return found[1] if found and found[1] != "(NONE)" else None


ONE, OTHER = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"


def test_options_of_one_name(d):
    d.apply("cert a " + pem(d, "a.test"), "cert b " + pem(d, "b.test"),
            "sni a.test a ciphers=%s" % ONE, "sni b.test b min=TLSv1.3")
    d.do("check")
    assert cipher(d, "a.test", "-tls1_2") == ONE
    assert cipher(d, "a.test", "-tls1_2", "-cipher", OTHER) is None
    assert cipher(d, "b.test", "-tls1_2") is None
    assert cipher(d, "b.test", "-tls1_3").startswith("TLS_")
    # Other options of the same certificate, and none.
    d.apply("sni a.test a ciphers=%s" % OTHER, "sni b.test b")
    d.do("check")
    assert cipher(d, "a.test", "-tls1_2") == OTHER
    assert cipher(d, "a.test", "-tls1_2", "-cipher", ONE) is None
    assert cipher(d, "b.test", "-tls1_2") is not None
    assert d.metric("sallyport_haproxy_reloads_total") == 0
    assert len(lines(d)) == 3


def lines(d):
    return [l for l in d.cli("show ssl crt-list -n %s/crt-list" %
                             d.run).splitlines() if ".pem:" in l]


def test_options_with_the_default_certificate(d):
    d.apply("sni a.test - ciphers=%s" % ONE, "sni b.test -")
    d.do("check")
    assert seen(d, "a.test") == "default.test"
    assert cipher(d, "a.test", "-tls1_2") == ONE
    assert len(lines(d)) == 2
    d.apply("cert - " + pem(d, "default.test", tag="-new"))
    assert seen(d, "a.test") == "default.test ecdsa-new"
    d.apply("delsni a.test")
    d.do("check")
    assert len(lines(d)) == 1
    assert seen(d, "a.test") == "default.test ecdsa-new"


def test_found_again(d):
    """After another driver has taken over, and after HAProxy has started
    from the files."""
    setup = ["route https h.test/ none", "cert - %s/default.pem" % d.dir,
             "cert e " + pem(d, "h.test"),
             "cert r " + pem(d, "h.test", "rsa"),
             "sni h.test e,r ciphers=HIGH:!aNULL min=TLSv1.2",
             "sni *.h.test e"]
    d.apply(*setup)
    d.do("settle")
    with open(d.run + "/crt-list") as f:
        assert "[ciphers HIGH:!aNULL ssl-min-ver TLSv1.2] h.test" in f.read()
    worker = d.worker()
    d.kill()
    d.start()
    d.do(*setup, "complete", "apply", "check")
    assert d.worker() == worker
    os.kill(worker, 9)
    until(lambda: d.has_other(worker), "another worker")
    d.do("apply", "check")
    assert len(lines(d)) == 4
    assert seen(d, "h.test", *by("rsa")) == "h.test rsa"
    assert seen(d, "h.test", *by("ecdsa")) == "h.test ecdsa"
    assert d.metric("sallyport_haproxy_reloads_total") == 0


def test_a_renewal_that_haproxy_refuses_changes_nothing(d):
    good = pem(d, "good.test")
    bad = d.dir + "/mixed.pem"
    with open(good) as f, open(pem(d, "other.test") + ".crt") as g, \
            open(bad, "w") as out:
        out.write(f.read().split("-----BEGIN CERTIFICATE")[0] + g.read())
    d.apply("cert a " + good, "sni a.test a")
    d.apply("cert a " + bad)
    assert seen(d, "a.test") == "good.test ecdsa"
    # Nor does a look at everything later.
    d.apply("cert b " + pem(d, "b.test"), "sni b.test b")
    assert seen(d, "a.test") == "good.test ecdsa"
    d.apply("cert a " + pem(d, "good.test", tag="-new"))
    d.do("check")
    assert seen(d, "a.test") == "good.test ecdsa-new"


def test_names_in_two_ways(d):
    make_cert(d.dir + "/x.pem", "x.test")
    d.apply("cert x %s/x.pem" % d.dir, "sni x.test x")
    assert seen(d, "x.test", "-alpn", "h2,http/1.1") == "x.test"
    for offer, want in (("h2,http/1.1", "h2"), ("http/1.1", "http/1.1"),
                        ("http/1.1,h2", "h2")):
        text = s_client(d, "x.test", "-alpn", offer)
        assert "ALPN protocol: %s\n" % want in text


def passes_to(tmp, *names):
    """Servers with TLS of their own, by name."""
    return {n: Echo(n, tls=server_context(tmp, n)) for n in names}


def test_exact_hosts_end_here_below_a_wildcard_that_passes(tmp_path):
    """Whatever comes first, and with a certificate or without."""
    with driver.Driver(passthrough=True) as d:
        own, far = Echo("own"), passes_to(str(tmp_path), "wild", "exact")
        slots = [backend(d, "own", own),
                 backend(d, "wild", far["wild"], kind="tcp"),
                 backend(d, "exact", far["exact"], kind="tcp")]
        d.apply(*slots, "route https a.p.test/ forward own",
                "route http a.p.test/ forward own", "pass *.p.test wild",
                "pass e.p.test exact")
        d.do("check")
        who = {n: passed(d, n) for n in ("a.p.test", "b.p.test", "e.p.test",
                                         "x.a.p.test", "p.test")}
        assert who == {"a.p.test": "own", "b.p.test": "wild",
                       "e.p.test": "exact", "x.a.p.test": 404, "p.test": 404}
        # A host that comes later, and one that goes.
        d.apply("route https b.p.test/ forward own",
                "route http b.p.test/ forward own", "delroute http a.p.test/",
                "delroute https a.p.test/")
        d.do("check")
        assert passed(d, "a.p.test") == "wild"
        assert passed(d, "b.p.test") == "own"
        # The wildcard goes and comes.
        d.apply("delpass *.p.test")
        d.do("check")
        assert passed(d, "b.p.test") == "own"
        assert passed(d, "a.p.test") == 404
        d.apply("pass *.p.test wild")
        d.do("check")
        assert passed(d, "b.p.test") == "own"
        assert passed(d, "a.p.test") == "wild"
        assert d.metric("sallyport_haproxy_reloads_total") == 0
        for e in (own, *far.values()):
            e.close()


def passed(d, name):
    with socket.create_connection(d.https, timeout=10) as raw:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(raw, server_hostname=name) as s:
            return server(http1(None, "/", name, sock=s))


class ProxyEcho(Echo):
    """Wants a PROXY protocol header of version 2 first and keeps it."""

    def serve(self, c):
        head = c.recv(16, socket.MSG_WAITALL)
        rest = c.recv(int.from_bytes(head[14:16], "big"), socket.MSG_WAITALL)
        self.header = head + rest
        super().serve(c)


def test_proxy_protocol_for_those_who_ask(tmp_path):
    with driver.Driver(passthrough=True) as d:
        asks = ProxyEcho("asks", tls=server_context(str(tmp_path), "asks"))
        bare = Echo("bare", tls=server_context(str(tmp_path), "bare"))
        d.apply("backend asks tcp roundrobin 0 127.0.0.1:%d:proxy-v2" %
                asks.port, backend(d, "bare", bare, kind="tcp"),
                "pass a.test asks", "pass b.test bare")
        d.do("check")
        assert passed(d, "a.test") == "asks"
        assert passed(d, "b.test") == "bare"
        assert asks.header[:13] == b"\r\n\r\n\0\r\nQUIT\n\x21"
        assert asks.header[13] == 0x11
        assert asks.header[16:24] == b"\x7f\0\0\x01\x7f\0\0\x01"
        assert asks.header[26:28] == d.https[1].to_bytes(2, "big")
        # They change their mind.
        d.apply("backend bare tcp roundrobin 0 127.0.0.1:%d:proxy-v2" %
                asks.port)
        d.do("check")
        assert passed(d, "b.test") == "asks"
        asks.close()
        bare.close()


# --- Profiles ---

INTERMEDIATE = """
ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256
ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384
ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305
DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384
DHE-RSA-CHACHA20-POLY1305
TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256
""".split()


def every_cipher():
    """By the way a server shows who it is: that of its certificate."""
    said = subprocess.run(["openssl", "ciphers", "-v",
                           "ALL:eNULL:@SECLEVEL=0"],
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    groups = collections.defaultdict(list)
    for name, shown in re.findall(r"(?m)^(\S+) .* Au=(\S+) ", said):
        groups["TLS 1.3" if name.startswith("TLS_") else shown].append(name)
    assert len(groups) > 4 and sum(map(len, groups.values())) > 100
    return groups


def spoken(d, name):
    """All ciphers that a client can get: whoever offers those of a group gets
    one, and is asked again without it until it gets none."""
    out = set()
    for group, left in every_cipher().items():
        while left:
            got = cipher(d, name, "-tls1_3", "-ciphersuites", ":".join(left)) \
                if group == "TLS 1.3" else \
                cipher(d, name, "-tls1_2", "-cipher",
                       ":".join(left) + ":@SECLEVEL=0")
            if not got:
                break
            left.remove(got)
            out.add(got)
    return out


def test_the_intermediate_profile_is_the_default(d):
    d.apply("cert e " + pem(d, "h.test"), "cert r " + pem(d, "h.test", "rsa"),
            "sni h.test e,r")
    assert spoken(d, "h.test") == set(INTERMEDIATE)
    for old in ("-tls1", "-tls1_1"):
        assert cipher(d, "h.test", old, "-cipher", "ALL:@SECLEVEL=0") is None
    for curve, want in (("X25519", True), ("P-256", True), ("P-384", True),
                        ("P-521", False), ("X448", False)):
        got = cipher(d, "h.test", "-tls1_3", "-curves", curve)
        assert (got is not None) == want, curve


def tickets(d, version):
    """The tickets a client gets with its answer; each says that it is good
    for two hours."""
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % d.https[1],
         "-servername", "h.test", "-ign_eof", version],
        input=b"GET / HTTP/1.1\r\nHost: h.test\r\nConnection: close\r\n\r\n",
        capture_output=True, timeout=30).stdout.decode("latin-1")
    assert "HTTP/1.1 404" in shown
    names = [re.sub(r"^ +[0-9a-f]{4} - (.{47}).*$", r"\1", dump, flags=re.M)
            .replace("-", " ").split() for dump in
            re.findall(r"TLS session ticket:\n((?: +[0-9a-f]{4} - .*\n)+)",
                       shown)]
    assert shown.count("lifetime hint: 7200 (seconds)") == len(names)
    return names


def test_no_ticket_holds_a_session(d):
    """TLS 1.3 names a session that the server keeps; TLS 1.2 needs none."""
    d.apply()
    d.do("settle")
    assert tickets(d, "-tls1_2") == []
    names = tickets(d, "-tls1_3") + tickets(d, "-tls1_3")
    assert [len(name) for name in names] == 4 * [32]
    assert len(set(map(tuple, names))) == 4


def test_the_modern_profile_speaks_tls_1_3_only():
    with driver.Driver(options=["--modern"]) as d:
        d.apply("route https h.test/ none")
        assert cipher(d, "h.test", "-tls1_2") is None
        assert cipher(d, "h.test", "-tls1_3") in INTERMEDIATE


def test_a_line_that_haproxy_refuses_hurts_only_itself(d):
    """Whoever judged the words before may have had another OpenSSL."""
    d.apply("route http h.test/ none")
    d.apply("cert a " + pem(d, "a.test"), "sni a.test a ciphers=NONESUCH",
            "cert b " + pem(d, "b.test"), "sni b.test b ciphers=" + ONE)
    assert cipher(d, "a.test", "-tls1_2") is not None
    assert cipher(d, "b.test", "-tls1_2") == ONE
    d.apply("sni a.test a ciphers=" + OTHER)
    d.do("check")
    assert seen(d, "a.test") == "a.test ecdsa"
    assert cipher(d, "a.test", "-tls1_2") == OTHER


# --- HTTP/3 ---

def has_quic():
    out = subprocess.run([driver.HAPROXY, "-vv"], stdout=subprocess.PIPE)
    return b"+QUIC " in out.stdout


def http3_client():
    """A curl that speaks it, as Debian's of 13 does; CURL_HTTP3 names one."""
    curl = os.environ.get("CURL_HTTP3", "curl")
    out = subprocess.run([curl, "--version"], stdout=subprocess.PIPE)
    return curl if b" HTTP3" in out.stdout else None


def test_http3_is_told_of_only_where_there_is_one():
    with driver.Driver(options=["--http3"]) as d:
        e = Echo("own")
        d.apply(backend(d, "own", e), "route https h.test/ forward own")
        got = tls_get(d, "h.test")
        told = [v for k, v in got.headers if k == "alt-svc"]
        assert told == (['h3=":%d"; ma=3600' % d.https[1]] if has_quic()
                        else [])
        curl = http3_client()
        if has_quic() and curl:
            out = subprocess.run(
                [curl, "-sk", "--http3-only", "--resolve",
                 "h.test:%d:127.0.0.1" % d.https[1], "-w", "%{http_version}",
                 "https://h.test:%d/" % d.https[1]], stdout=subprocess.PIPE)
            assert b'"server": "own"' in out.stdout and \
                out.stdout.endswith(b"3")
        e.close()
    with driver.Driver() as d:
        d.apply("route https h.test/ none")
        assert not [v for k, v in tls_get(d, "h.test").headers
                    if k == "alt-svc"]


def tls_get(d, name):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(d.https, timeout=10) as raw, \
            context.wrap_socket(raw, server_hostname=name) as s:
        return http1(None, "/", name, sock=s)


# --- Renewal under load ---

def serial(d, name):
    return ssl.DER_cert_to_PEM_cert(peer(d, name))


def peer(d, name):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(d.https, timeout=10) as raw, \
            context.wrap_socket(raw, server_hostname=name) as s:
        return s.getpeercert(True)


def number(path):
    """The serial number of a certificate, in hexadecimal."""
    return subprocess.run(
        ["openssl", "x509", "-noout", "-serial", "-in", path + ".crt"],
        check=True, stdout=subprocess.PIPE).stdout.decode().strip() \
        .partition("=")[2].lower()


def test_renewal_under_handshakes(d):
    """500 handshakes a second while the certificate is renewed: none fails,
    each renewal is served when it is confirmed, nothing is reloaded."""
    e = Echo("own")
    files = [pem(d, "h.test", tag="-%d" % i) for i in range(4)]
    certs = []
    for f in files:
        with open(f + ".crt") as text:
            certs.append(text.read().strip())
    d.apply(backend(d, "own", e), "route https h.test/ forward own",
            "cert a " + files[0], "sni h.test a", "sni *.h.test a")
    count = 1500
    said = open(d.dir + "/handshakes", "w+")
    load = subprocess.Popen(
        [driver.built("BENCH_HANDSHAKES",
                      "build/release/tools/bench-handshakes"),
         str(d.https[1]), "h.test", "500", str(count)], stdout=said)
    renewals = 0
    while load.poll() is None or renewals < 8:
        renewals += 1
        d.apply("cert a " + files[renewals % 4])
        assert serial(d, "h.test").strip() == certs[renewals % 4]
        assert serial(d, "x.h.test").strip() == certs[renewals % 4]
    said.seek(0)
    shown = [line.split()[3].lower() for line in said if "failed" not in line]
    said.close()
    assert load.returncode == 0 and len(shown) == count
    assert set(shown) <= {number(f) for f in files}
    assert len(set(shown)) > 1
    assert d.metric("sallyport_haproxy_reloads_total") == 0
    e.close()


# --- Through the reconciler ---

def test_two_secrets_of_a_host(tmp_path):
    """RSA and ECDSA by the client's choice; of one kind only the first."""
    main = Echo("main")
    made = {kind: key_and_cert(tmp_path, kind) for kind in ("rsa", "ecdsa")}
    made["again"] = key_and_cert(tmp_path, "ecdsa", "-again")

    def objects(first, second):
        return [ingress("a", "h.test", tls=[
            {"hosts": ["h.test"], "secretName": first},
            {"hosts": ["h.test"], "secretName": second}])] + [
            {"apiVersion": "v1", "kind": "Secret",
             "type": "kubernetes.io/tls",
             "metadata": {"name": name, "namespace": "default"},
             "stringData": {"tls.crt": crt, "tls.key": key}}
            for name, (key, crt) in made.items()]

    with Standalone(services=[service("main", main.port)]) as s:
        s.apply(objects("rsa", "ecdsa"))
        until(lambda: seen(s, "h.test") == "h.test ecdsa", "ecdsa")
        assert seen(s, "h.test", *by("rsa")) == "h.test rsa"
        s.apply(objects("again", "ecdsa"))
        until(lambda: seen(s, "h.test") == "h.test ecdsa-again", "the first")
        assert seen(s, "h.test", *by("rsa")) is None
        assert s.metric("sallyport_haproxy_reloads_total") == 0
    main.close()


def key_and_cert(tmp_path, kind, tag=""):
    class Place:
        dir = str(tmp_path)
    path = pem(Place, "h.test", kind, tag)
    with open(path) as f, open(path + ".crt") as g:
        crt = g.read()
        return f.read().replace(crt, ""), crt


class Grpc(H2Echo):
    """Answers a call with its own message and a status in trailers."""

    def __init__(self, name):
        self.calls = []
        super().__init__(name)

    def answer(self, conn, stream, fields, body):
        self.calls.append(dict(fields))
        conn.send_headers(stream, [(":status", "200"),
                                   ("content-type", "application/grpc")])
        conn.send_data(stream, body)
        conn.send_headers(stream, [("grpc-status", "7"),
                                   ("grpc-message", "no")], end_stream=True)


def test_grpc_end_to_end(tmp_path):
    """nghttp over TLS and ALPN, h2c to the server: message, te, trailers."""
    far = Grpc("far")
    call = tmp_path / "call"
    call.write_bytes(b"\0\0\0\0\5hello")
    with Standalone(services=[service("far", far.port)]) as s:
        s.apply([ingress("a", "g.test", {"backend-protocol": "GRPC"},
                         to="far", tls=[{"hosts": ["g.test"]}])])
        until(lambda: s.get("/", "g.test").status == 308, "the route")
        out = subprocess.run(
            ["nghttp", "-v", "-d", str(call), "-H", ":authority: g.test",
             "-H", "te: trailers", "-H", "content-type: application/grpc",
             "https://127.0.0.1:%d/pkg.Service/Call" % s.https[1]],
            stdout=subprocess.PIPE, timeout=60).stdout
    assert b"hello" in out
    assert b":status: 200" in out
    assert b"grpc-status: 7" in out and b"grpc-message: no" in out
    assert far.calls[0][":path"] == "/pkg.Service/Call"
    assert far.calls[0]["te"] == "trailers"
    assert far.calls[0]["content-type"] == "application/grpc"
    far.close()
