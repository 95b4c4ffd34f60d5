"""The driver against a real HAProxy: a plan becomes what is served."""

import os
import ssl
import socket
import subprocess

import pytest

from driver import Driver, Failed, Load
from rig import Echo, make_cert, sent, until


@pytest.fixture
def driver():
    with Driver() as d:
        yield d


def backend(d, name, *echoes, kind="plain", connect=0, balance="roundrobin"):
    return "backend %s %s %s %d %s" % (
        name, kind, balance, connect, " ".join(d.echo(e) for e in echoes))


def serve(d, name="a", host="h.test"):
    """A server of that name behind the host."""
    e = Echo(name)
    d.do(backend(d, name, e), "route http %s/ forward %s" % (host, name))
    return e


def test_create_replace_delete(driver):
    d = driver
    a, b = Echo("a"), Echo("b")
    d.apply(backend(d, "a", a), "route http h.test/ forward a",
            "route http h.test/x/$ forward a",
            "route https h.test/ forward a", "route http r.test/ https",
            "route http u.test/ unavailable", "route http n.test/ none")
    d.do("check")
    assert d.who() == "a"
    assert d.who("/x") == "a"
    assert d.get(host="r.test").status == 308
    assert d.get(host="u.test").status == 503
    assert d.get(host="n.test").status == 404
    assert d.get(host="other.test").status == 404
    d.apply(backend(d, "b", b), "route http h.test/ forward b")
    d.do("check")
    assert d.who("/y") == "b"
    assert d.who("/x") == "a"
    d.apply("route http h.test/x/$ none", "delroute https h.test/",
            "delbackend a")
    d.do("check")
    assert d.get("/x").status == 404
    d.apply("delroute http h.test/", "delroute http h.test/x/$",
            "delbackend b")
    d.do("check")
    assert d.get().status == 404
    assert d.metric("sallyport_haproxy_reloads_total") == 0
    assert d.metric("sallyport_apply_failures_total") == 0


def test_endpoints_come_drain_and_go(driver):
    d = driver
    one, two = Echo("one"), Echo("two")
    d.apply(backend(d, "a", one), "route http h.test/ forward a")
    d.apply(backend(d, "a", one, two))
    d.do("check")
    assert {d.who() for _ in range(10)} == {"one", "two"}
    d.apply(backend(d, "a", two) + " 127.0.0.1:%d:drain" % one.port)
    d.do("check")
    assert {d.who() for _ in range(10)} == {"two"}
    d.apply(backend(d, "a", two))
    d.do("check")
    assert {d.who() for _ in range(10)} == {"two"}
    d.apply("backend a plain roundrobin 0")
    d.do("check")
    assert d.get().status == 503
    d.apply(backend(d, "a", one))
    d.do("check")
    assert d.who() == "one"


def test_busy_server_is_not_readdressed(driver):
    """A parked server that still answers somebody keeps its address: its
    connection would otherwise be kept for requests to the new one."""
    d = driver
    slow, quick = Echo("slow"), Echo("quick")
    slow.delay = 1.5
    d.apply(backend(d, "a", slow), "route http h.test/ forward a")
    with socket.create_connection(d.http) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\n\r\n")
        until(lambda: slow.count == 1, "the slow request")
        d.apply("backend a plain roundrobin 0")
        d.apply(backend(d, "a", quick))
        assert d.who() == "quick"
        s.settimeout(10)
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
    assert "slow" not in {d.who() for _ in range(10)}


def test_policy_rows_before_route_and_gone_after(driver):
    d = driver
    e = Echo("p")
    d.apply(backend(d, "p", e, kind="policy"),
            "route http h.test/ forward p policy=REWRITE:/new")
    d.do("check")
    assert sent(d.get())[0] == "/new"
    before = d.cli("show map %s/maps/policy.map" % d.run)
    d.apply("route http h.test/ forward p policy=REWRITE:/newer")
    d.do("check")
    assert sent(d.get())[0] == "/newer"
    d.apply("route http h.test/ forward p")
    d.do("check")
    assert sent(d.get("/x"))[0] == "/x"
    after = d.cli("show map %s/maps/policy.map" % d.run)
    assert "rewrite /new" in before and "rewrite /new" not in after


def test_policy_never_without_its_slot(driver):
    """A policy asked for on a backend that cannot apply it: closed."""
    d = driver
    d.apply(backend(d, "a", Echo("a")),
            "route http h.test/ forward a policy=BODY:4")
    assert d.get().status == 503
    d.apply("route http h.test/ forward nowhere")
    assert d.get().status == 503


def test_change_of_class_moves_the_slot(driver):
    d = driver
    e = Echo("e")
    d.apply(backend(d, "a", e), "route http h.test/ forward a")
    with Load(d) as load:
        d.apply(backend(d, "a", e, kind="policy"),
                "route http h.test/ forward a policy=TIMEOUT_SERVER:9000")
        load.more()
        d.apply(backend(d, "a", e, kind="plain", balance="leastconn"),
                "route http h.test/ forward a")
        load.more()
    d.do("check")
    assert set(load.answers) == {"e"}
    assert d.metric("sallyport_haproxy_reloads_total") == 0


def test_regexes(driver):
    d = driver
    a, b, c = Echo("a"), Echo("b"), Echo("c")
    d.apply(backend(d, "a", a), backend(d, "b", b), backend(d, "c", c),
            "route http h.test/ forward a choose",
            "route http i.test/ none choose",
            "regexes http h.test /x[0-9]+$=b /x=c")
    d.do("check")
    assert [d.who(p) for p in ("/x1", "/xy", "/y")] == ["b", "c", "a"]
    d.apply("regexes http i.test /z=b")
    d.do("check")
    assert d.who("/z1", "i.test") == "b"
    d.apply("regexes http h.test /x=c /x[0-9]+$=b")
    d.do("check")
    assert d.who("/x1") == "c"
    d.apply("regexes http h.test")
    d.do("check")
    assert d.who("/x1") == "a"
    assert d.who("/z1", "i.test") == "b"


def served(d, host):
    """The common name of the certificate a client is shown."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(d.https, timeout=10) as raw:
        with context.wrap_socket(raw, server_hostname=host) as s:
            der = s.getpeercert(True)
    out = subprocess.run(["openssl", "x509", "-inform", "der", "-noout",
                          "-subject"], input=der, stdout=subprocess.PIPE,
                         check=True).stdout.decode()
    return out.rsplit("= ", 1)[1].strip()


def cert(d, name):
    """A pair as a file; its parts beside it as NAME.key and NAME.crt."""
    path = "%s/%s.pem" % (d.dir, name)
    make_cert(path, name)
    with open(path) as f:
        text = f.read()
    at = text.index("-----BEGIN CERTIFICATE")
    with open(path[:-4] + ".key", "w") as f:
        f.write(text[:at])
    with open(path[:-4] + ".crt", "w") as f:
        f.write(text[at:])
    return path


def test_certificates(driver):
    d = driver
    d.apply("cert ns/one " + cert(d, "one.test"), "sni one.test ns/one",
            "sni *.w.test ns/one", "route https one.test/ none")
    d.do("check")
    assert served(d, "one.test") == "one.test"
    assert served(d, "x.w.test") == "one.test"
    assert served(d, "y.x.w.test") == "default.test"
    d.apply("cert ns/one " + cert(d, "renewed.test"))
    d.do("check")
    assert served(d, "one.test") == "renewed.test"
    d.apply("cert ns/two " + cert(d, "two.test"), "sni one.test ns/two")
    d.do("check")
    assert served(d, "one.test") == "two.test"
    assert served(d, "x.w.test") == "renewed.test"
    d.apply("delsni *.w.test", "delcert ns/one")
    d.do("check")
    assert served(d, "x.w.test") == "default.test"
    d.apply("cert - " + cert(d, "default2.test"))
    d.do("check")
    assert served(d, "any.test") == "default2.test"
    assert d.metric("sallyport_haproxy_reloads_total") == 0
    d.do("settle")
    names = os.listdir(d.run + "/certs")
    assert len(names) == 2 and "default.pem" in names
    assert all(os.stat(d.run + "/certs/" + n).st_mode & 0o777 == 0o600
               for n in names)


def test_bad_certificate_hurts_only_itself(driver):
    d = driver
    good, bad = cert(d, "good.test"), cert(d, "bad.test")
    with open(d.dir + "/good.test.key") as f, \
            open(d.dir + "/bad.test.crt") as g:
        mixed = f.read() + g.read()
    with open(d.dir + "/mixed.pem", "w") as f:
        f.write(mixed)
    d.apply("cert ok " + good, "sni good.test ok",
            "cert mixed %s/mixed.pem" % d.dir, "sni bad.test mixed")
    assert served(d, "good.test") == "good.test"
    assert served(d, "bad.test") == "default.test"
    d.apply("cert ok %s/mixed.pem" % d.dir)
    assert served(d, "good.test") == "good.test"
    d.apply("cert ok " + cert(d, "better.test"), "cert mixed " + bad)
    d.do("check")
    assert served(d, "good.test") == "better.test"
    assert served(d, "bad.test") == "bad.test"


def test_large_certificate_is_a_reload(driver):
    d = driver
    d.apply("route http h.test/ none")
    path = cert(d, "large.test")
    names = ",".join("DNS:n%d.%s.test" % (i, "x" * 40) for i in range(300))
    with open(path, "a") as f:
        key = path[:-4] + ".key"
        f.truncate(os.path.getsize(key))
        f.write(subprocess.run(
            ["openssl", "req", "-x509", "-key", key, "-subj",
             "/CN=large.test", "-addext", "subjectAltName=" + names],
            check=True, stdout=subprocess.PIPE).stdout.decode())
    assert os.path.getsize(path) > 16384
    d.apply("cert big " + path, "sni large.test big")
    d.do("check")
    assert served(d, "large.test") == "large.test"
    assert 'reloads_total{reason="certificate-size"} 1' in d.do("metrics")


def test_two_thousand_routes(driver):
    d = driver
    e = Echo("e")
    d.do(backend(d, "a", e))
    d.many("route http h%d.test/ forward a" % i for i in range(2000))
    d.apply()
    d.do("check")
    assert d.who(host="h1999.test") == "e"
    d.many("route http h%d.test/ none" % i for i in range(0, 2000, 2))
    d.apply()
    d.do("check")
    assert d.get(host="h1998.test").status == 404
    assert d.who(host="h1999.test") == "e"
    d.many("delroute http h%d.test/" % i for i in range(1999))
    d.apply()
    d.do("check")
    assert d.who(host="h1999.test") == "e"
    # One change costs one command, not two thousand.
    before = d.metric("sallyport_haproxy_commands_total")
    d.apply("route http h1999.test/ none")
    assert d.metric("sallyport_haproxy_commands_total") - before <= 2
    assert d.metric("sallyport_haproxy_reloads_total") == 0


def test_odd_bytes_survive_command_payload_and_file(driver):
    """The same key and value by "add map", "set map", "del map" and file."""
    d = driver
    e = Echo("e")
    d.apply(backend(d, "p", e, kind="policy"))
    keys = ["q.test/a;b/", "q.test/a\\b/", "q.test/\"'`/", "q.test/|&<>()/",
            "q.test/%C3%A9/", "q.test/caf\xe9/", "q.test/{}[]^~*+?/"]
    for key in keys:
        d.do("route http %s forward p policy=REWRITE:/a'b(c)*d" % key)
    d.apply()
    d.do("check")
    for key in keys:
        d.do("route http %s none" % key)
    d.apply()
    d.do("check")
    for key in keys:
        d.do("route http %s forward p policy=REWRITE:/a'b(c)*d" % key)
    d.do("settle")
    d.do("check")
    worker = d.worker()
    os.kill(worker, 9)
    d.met_again(worker)
    d.do("check")
    for key in keys:
        d.do("delroute http " + key)
    d.apply()
    d.do("check")


def test_run_directory_is_private(driver):
    d = driver
    d.apply("route http h.test/ none")
    assert os.stat(d.run).st_mode & 0o777 == 0o700
    with pytest.raises(Failed, match="another process drives HAProxy"):
        with Driver(start=False) as other:
            other.run = d.run
            other.start()
