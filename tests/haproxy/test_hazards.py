"""The hazards of HAProxy 2.6.12's run-time interface, one test for each, and
that the driver stays clear of them.  What the driver says is read on the
wire: a recorder sits between it and HAProxy's socket.  They hold on every
version, because one way serves all.
"""

import collections
import os
import re
import socket
import subprocess

import pytest

import pki
import rig
from driver import Driver, Load
from rig import ROOT, Echo, header, server, until
from test_driver import backend, cert
from test_policy import proxied
from wire import Wire

LINE_MAX = 15000
POOL = " pool-purge-delay 5s pool-max-conn -1"


Story = collections.namedtuple("Story", "wire texts commands")


@pytest.fixture(scope="module")
def story():
    """Everything that the driver does to a running HAProxy, and what it said
    for it."""
    with Driver(passthrough=True) as d:
        d.apply("route http h.test/ none")
        wire = Wire(d)
        e = [Echo(str(i)) for i in range(6)]
        one, two = cert(d, "one.test"), cert(d, "two.test")
        d.apply(backend(d, "plain", *e[:2]),
                backend(d, "h2", e[0]) + ":h2c",
                backend(d, "p", e[0], kind="policy", balance="leastconn"),
                backend(d, "k", *e[:3], kind="cookie"),
                backend(d, "t", e[0], kind="tcp") + ":h2c",
                "cert one " + one, "sni one.test one", "pass own.test t",
                "route http h.test/ forward plain",
                "route http g.test/ forward h2",
                "route https h.test/ forward p policy=RPS:9,BURST:9,ZONE:z,"
                "allow:10.0.0.0/8",
                "route http r.test/ forward plain choose",
                "route http k.test/ forward k policy=COOKIE_NAME:sticky",
                "regexes http r.test /x[0-9]+$=p")
        for i in range(2, 6):
            d.apply(backend(d, "plain", e[i]),
                    backend(d, "k", e[i], e[i - 1], kind="cookie"))
        d.apply(backend(d, "plain", e[0]) + " 127.0.0.1:%d:drain" % e[5].port)
        d.many("route http m%d.test/ forward plain" % i for i in range(1200))
        d.do("route https l.test/ forward p policy=CORS_HEADERS:X-" +
             "a" * 7000)
        d.apply()
        d.do("check")
        d.apply("cert one " + two, "delpass own.test", "delbackend t",
                "route http m1.test/ none", "regexes http r.test",
                "delroute https l.test/")
        d.many("delroute http m%d.test/" % i for i in range(1200))
        d.apply("delsni one.test", "delcert one", "delroute http h.test/",
                "delroute http r.test/", "delbackend plain")
        d.do("check")
        assert d.metric("sallyport_apply_failures_total") == 0
        assert d.metric("sallyport_haproxy_reloads_total") == 0
        commands = wire.commands()
        # The story is no good where it lacks one of these.
        for begin in ("add server ", "set server ", "add map ", "set map ",
                      "del map ", "prepare map ", "commit map ",
                      "new ssl cert ", "set ssl cert ", "del ssl cert ",
                      "add ssl crt-list ", "del ssl crt-list ",
                      "disable frontend ", "set dynamic-cookie-key "):
            assert any(c.startswith(begin) for c in commands), begin
        yield Story(wire, list(wire.texts), commands)
        wire.close()


def added(story):
    """(slot, server, words) of each "add server"."""
    found = [re.match(r"add server ([^/]+)/(\S+) \S+(.*)$", c).groups()
             for c in story.commands if c.startswith("add server ")]
    assert len(found) >= 8
    return found


@pytest.fixture
def driver():
    with Driver() as d:
        yield d


@pytest.fixture(scope="module")
def r():
    classes = ["plain,random,5000,2", "plain,source,5000,2",
               "plain,leastconn,5000,2", "plain,roundrobin,5000,2"]
    with rig.Rig(classes=classes) as r:
        yield r


# --- 1. Servers that were added keep no idle connection ---

def test_1_idle_connections_are_kept(story, driver):
    """Without both words every request is a new connection."""
    for slot, _, words in added(story):
        assert (POOL in words) == (not slot.startswith("tcp-")), slot
    d = driver
    e = Echo("e")
    d.apply("backend a plain roundrobin 0", "route http h.test/ forward a")
    d.apply(backend(d, "a", e))
    for _ in range(20):
        assert d.who() == "e"
    assert e.connections <= 6


# --- 2. Servers without an id of ours get no traffic ---

def test_2_every_server_has_an_id(story):
    for _, name, words in added(story):
        assert re.match(r" id %s( |$)" % name[1:], words), (name, words)


def test_2_all_servers_get_traffic(driver):
    d = driver
    echoes = [Echo(str(i)) for i in range(5)]
    d.apply("backend a plain roundrobin 0", "route http h.test/ forward a")
    for n in range(1, 6):
        d.apply(backend(d, "a", *echoes[:n]))
    rows = [line.split() for line in
            d.cli("show servers state").splitlines() if " plain-" in line]
    assert [(row[2], row[3], row[16]) for row in rows] == \
        [(str(n), "s%d" % n, "1") for n in range(1, 6)]
    seen = [d.who() for _ in range(50)]
    assert {seen.count(e.name) for e in echoes} == {10}


@pytest.mark.parametrize("balance", ["random", "source", "leastconn",
                                     "roundrobin"])
def test_2_spread_over_four(r, balance):
    """By the words that the driver says, whatever chooses among them; a hash
    gives each client one server."""
    slot = "plain-%s-5000.0001" % balance
    echoes = [Echo("s%d" % n) for n in range(1, 5)]
    for n, e in enumerate(echoes, 1):
        assert "registered" in r.cli("add server %s/s%d 127.0.0.1:%d id %d%s"
                                     % (slot, n, e.port, n, POOL))
        r.cli("set server %s/s%d state ready" % (slot, n))
    r.add("http", balance + ".test/", slot)
    seen = collections.Counter()
    for i in range(200):
        source = "10.%d.%d.7" % (i // 40, i)
        who = server(proxied(r, source, "/", balance + ".test"))
        seen[who] += 1
        if balance == "source" and i % 20 == 0:
            assert server(proxied(r, source, "/", balance + ".test")) == who
    for e in echoes:
        e.close()
    # 50 each; a server without its share would have none.
    assert set(seen) == {"s1", "s2", "s3", "s4"}
    assert min(seen.values()) >= 15, seen


# --- 3. No cookie for servers that were added ---

def test_3_cookie_key_follows_the_added_servers(story):
    behind = {}
    for c in story.commands:
        if c.startswith("add server cookie-"):
            behind[c.split()[2].split("/")[0]] = False
        elif c.startswith("set dynamic-cookie-key backend "):
            slot, key = c.split()[3:]
            assert key == "sallyport"
            behind[slot] = True
    assert behind and all(behind.values()), behind


def test_3_cookie_affinity_on_added_servers(driver):
    """2.6 computes no cookie for servers added at run time."""
    d = driver
    echoes = [Echo("one"), Echo("two"), Echo("three")]
    d.apply(backend(d, "k", echoes[0], kind="cookie"),
            "route http h.test/ forward k policy=COOKIE_NAME:sticky")
    d.apply(backend(d, "k", *echoes, kind="cookie"))
    d.do("check")
    seen = set()
    for _ in range(12):
        first = d.get()
        cookie = header(first, "set-cookie")[0].split(";")[0]
        seen.add(server(first))
        for _ in range(4):
            again = d.get(headers=[("Cookie", cookie)])
            assert server(again) == server(first)
    assert seen == {"one", "two", "three"}


# --- 4. "cookie" is refused on servers that are added ---

def test_4_no_cookie_word(story):
    for _, _, words in added(story):
        assert "cookie" not in words


# --- 5. "del server" frees what streams still point to ---

def test_5_no_command_deletes_a_server(story, driver):
    assert not [c for c in story.commands
                if re.match(r"del(ete)? server|del backend", c)]
    d = driver
    a, b = Echo("a"), Echo("b")
    d.apply(backend(d, "a", a, b), "route http h.test/ forward a")
    d.apply(backend(d, "a", a))
    d.apply("delroute http h.test/", "delbackend a")

    def parked():
        rows = [line.split() for line in
                d.cli("show servers state").splitlines() if " plain-" in line]
        return [int(row[6]) & 1 for row in rows]
    d.run_until(lambda: parked() == [1, 1], "all of a released slot parked")


def test_5_parked_servers_are_used_again(driver):
    """2.6 must never see "del server": twenty pods one after the other
    leave two servers, not twenty."""
    d = driver
    echoes = [Echo(str(i)) for i in range(20)]
    d.apply(backend(d, "a", echoes[0]), "route http h.test/ forward a")
    for e in echoes[1:]:
        d.apply(backend(d, "a", e))
        assert d.who() == e.name
    d.do("check")
    servers = re.findall(r"(?m)^\d+ plain-\S+ \d+ (s\d+) ",
                         d.cli("show servers state"))
    assert len(servers) == 2


# --- 6. Two that lock a map in the wrong order wait for each other ---

def test_6_one_writer_and_no_rule_that_writes(story, driver):
    """Nothing but the driver writes, one connection at a time, and no other
    driver beside it; no rule of the program changes a map or list.  A script
    writes one map, which nobody else writes: the deadlock needs a commit or
    clear of the map that another thread waits for."""
    assert story.wire.most == 1
    assert not any("unanswered.map" in text for text in story.texts)
    driver.apply("route http h.test/ none")
    with open(driver.run + "/haproxy.cfg") as f:
        program = f.read()
    assert "http-request" in program
    assert not re.search(r"(set|del|add|clear)-(map|acl)\b", program)
    # From 2.7 on a filter holds bandwidth down; it knows no map.
    assert not re.search(r"(?m)^\s*(lua-load |filter (?!bwlim-out))", program)
    scripts = os.listdir(ROOT + "/haproxy/lua")
    assert scripts
    for name in scripts:
        with open(ROOT + "/haproxy/lua/" + name) as f:
            writes = re.findall(r"(?:set|del|add)_(?:map|acl)\b.*", f.read())
        assert [w for w in writes if not re.fullmatch(
            r'set_map\(run:gsub\(.*\) \.\. "/maps/unanswered.map",', w)] == []
    with pytest.raises(Exception, match="another process drives HAProxy"):
        with Driver(start=False) as other:
            other.run = driver.run
            other.start()


# --- 7. Certificate authority, certificate, authority again: a crash ---

def test_7_no_authority_is_changed(driver):
    """One that is there is never set again: another text has another name."""
    d = driver
    ours, theirs = (pki.Authority(d.dir, name, "/CN=Authority")
                    for name in ("ours", "theirs"))
    listed = ours.revoke(ours.issue("gone", "/CN=gone"))
    for name, text in (("ours", ours.pem), ("theirs", theirs.pem),
                       ("listed", listed)):
        with open(d.dir + "/" + name + ".text", "w") as f:
            f.write(text)
    d.apply("route http h.test/ none")
    wire = Wire(d)
    one, two = cert(d, "one.test"), cert(d, "two.test")
    d.apply("cert c " + one, "cert ca|1 %s/ours.text" % d.dir,
            "sni one.test c ca=ca|1")
    d.apply("cert c " + two)
    d.apply("cert ca|2 %s/theirs.text" % d.dir,
            "cert crl|1 %s/listed.text" % d.dir,
            "sni one.test c ca=ca|2 crl=crl|1", "delcert ca|1")
    d.apply("cert c " + one)
    d.apply("cert ca|1 %s/ours.text" % d.dir, "sni one.test c ca=ca|1",
            "delcert ca|2", "delcert crl|1")
    d.do("check")
    wire.close()
    commands = wire.commands()
    made = [i for i, c in enumerate(commands)
            if re.match(r"set ssl (ca|crl)-file ", c)]
    assert len(made) == 4
    for i in made:
        assert commands[i - 1] == "new" + commands[i][3:].removesuffix(" <<")


# --- 8. What exceeds the buffer is dropped without a word ---

def test_8_no_exchange_exceeds_the_buffer(story):
    sizes = [len(text) for text in story.texts]
    assert max(sizes) <= LINE_MAX
    # The story has some that would, were they not cut.
    assert len([s for s in sizes if s > LINE_MAX // 2]) >= 3


def test_8_silence_is_a_failure(driver):
    """HAProxy took nothing and said nothing: seen, and made good."""
    d = driver
    d.apply("route http h.test/ none")
    dropped = []

    def drop(said, answer):
        if said.startswith("add map") and not dropped:
            dropped.append(said)
            return None
        return answer

    wire = Wire(d, change=drop)
    e = Echo("e")
    d.apply(backend(d, "a", e), "route http h.test/ forward a")
    assert len(dropped) == 1
    assert d.metric("sallyport_apply_failures_total") == 1
    d.do("check")
    assert d.who() == "e"
    wire.close()


def test_8_large_rows_and_many_of_them(driver):
    """Payloads stay under the buffer that HAProxy drops without a word."""
    d = driver
    d.do(backend(d, "p", Echo("p"), kind="policy"))
    for i in range(8):
        d.do("route http h%d.test/ forward p policy=CORS_HEADERS:%s" %
             (i, "X-" + "a" * (900 + 850 * i)))
    d.apply()
    d.do("check")
    d.apply("route http h.test/%s forward p" % ("a" * 4000 + "/"))
    d.do("check")
    assert d.who("/" + "a" * 4000) == "p"
    assert d.metric("sallyport_apply_failures_total") == 0


# --- 9. What 2.6 does not have ---

def test_9_nothing_newer_is_said(story):
    for c in story.commands:
        if c.startswith("help "):
            continue
        assert not re.match(r"wait\b|add ssl ca-file|echo\b|show ssl sni|"
                            r"dump ssl|experimental-mode|prompt\b|@", c), c
    for text in story.texts:
        line, _, payload = text.partition("\n")
        assert "<<" not in line or line.endswith(" <<"), line
        # The empty line ends a payload, and there is none inside.
        assert payload == "" or payload.endswith("\n\n")
        assert "\n\n" not in payload[:-1]


def test_9_a_reload_is_found_without_its_answer(driver):
    """2.6 answers nothing to "reload": how it ended is looked for."""
    d = driver
    e = Echo("e")
    d.apply(backend(d, "a", e), "route http h.test/ forward a")
    d.do("settle")

    def swallow(said, answer):
        return b"" if said.startswith("reload") else answer

    wire = Wire(d, "master.sock", swallow)
    worker = d.worker()
    with Load(d) as load:
        d.apply(backend(d, "b", e, connect=7000))
        load.more()
    assert "reload\n" in wire.texts
    assert set(load.answers) == {"e"}
    assert d.has_other(worker)
    assert d.metric("sallyport_haproxy_reloads_total") == 1
    assert d.metric("sallyport_haproxy_reload_failures_total") == 0
    d.do("check", "settle")
    wire.close()
    # And one that fails.
    wire = Wire(d, "master.sock", swallow)
    worker = d.worker()
    with open(d.run + "/certs/default.pem", "w") as f:
        f.write("rubbish\n")
    d.do(backend(d, "c", e, connect=8000))
    until(lambda: d.do("run 200") or d.metric(
        "sallyport_haproxy_reload_failures_total") == 1, "the failure")
    assert "reload\n" in wire.texts
    assert d.worker() == worker
    assert d.who() == "e"
    wire.close()


# --- 10. A TLS session of one host is taken up on another ---

def ask(d, version, name, host, *more):
    """What openssl says of the session, and the answer's status."""
    out = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % d.https[1],
         version, "-ign_eof", "-servername", name, *more],
        input=("GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" %
               host).encode(), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=20).stdout.decode("latin-1")
    return (re.search(r"(?m)^(New|Reused), TLS", out)[1],
            int(re.search(r"(?m)^HTTP/1.1 (\d+)", out)[1]))


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_10_a_session_opens_one_host(driver, version):
    """Whatever becomes of the session, the connection serves one host of the
    two; the others' requests are misdirected."""
    d = driver
    e = Echo("e")
    d.do(backend(d, "e", e))
    for host in ("a.test", "b.test", "c.test"):
        d.do("cert %s %s" % (host, cert(d, host)), "sni %s %s" % (host, host),
             "route https %s/ forward e policy=SNI:true" % host)
    d.apply()
    kept = d.dir + "/session"
    assert ask(d, version, "a.test", "a.test", "-sess_out", kept) == \
        ("New", 200)
    assert ask(d, version, "a.test", "a.test", "-sess_in", kept) == \
        ("Reused", 200)
    got = {host: ask(d, version, "b.test", host, "-sess_in", kept)
           for host in ("a.test", "b.test", "c.test")}
    assert sorted(status for _, status in got.values()) == [200, 421, 421]
    assert got["c.test"][1] == 421
    assert ask(d, version, "a.test", "b.test", "-sess_in", kept)[1] == 421


def test_10_no_host_asks_for_a_certificate_of_the_client(driver):
    """2.6 and 3.0 take up a session of an open host where a certificate is
    required.  The guard above is enough while no listener requires one: who
    adds that must also refuse requests without ssl_c_used."""
    driver.apply("route http h.test/ none")
    with open(driver.run + "/haproxy.cfg") as f:
        binds = [line for line in f if re.match(r"\s*(bind|ssl-default-bind)",
                                                line)]
    assert any(" ssl " in line for line in binds)
    assert any("no-tls-tickets" in line for line in binds)
    assert not [line for line in binds if re.search(r"verify|ca-file", line)]
    with open(driver.run + "/crt-list") as f:
        assert "[" not in f.read()


# --- 11. "proto" on a server of a tcp backend ---

def test_11_no_protocol_word_in_tcp_slots(story):
    words = {slot.split("-")[0]: [] for slot, _, _ in added(story)}
    for slot, _, more in added(story):
        words[slot.split("-")[0]].append(more)
    assert any(" proto h2" in more for more in words["plain"])
    assert words["tcp"]
    for more in words["tcp"]:
        assert not re.search(r"proto|ssl|alpn|cookie", more), more


# --- And the slot that others still stand in line for ---

def test_a_queue_keeps_the_slot(driver):
    """Requests that wait for a server of the first tenant are answered 503;
    as long as HAProxy reports a queue nobody else gets the slot."""
    d = driver
    first, second = Echo("first"), Echo("second")
    first.delay = 5.5
    d.apply(backend(d, "a", first, connect=100),
            "route http h.test/ forward a")

    def row():
        return re.search(r"(plain-\S+100\.\d+) (\S+)", d.cli(
            "show map %s/maps/slots.map" % d.run, "real-haproxy.sock"))

    queued, pretend = [], [True]

    def change(said, answer):
        if said.startswith("show stat " + slot + " 6") and pretend[0]:
            return queued[0]
        return answer

    wire = Wire(d, change=change)
    slot = row()[1]
    stat = "show stat %s 6 -1" % slot
    assert d.cli("set maxconn server %s/s1 1" % slot) == ""
    clients = [socket.create_connection(d.http, timeout=20)
               for _ in range(3)]
    for c in clients:
        c.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\n\r\n")

    def in_line():
        text = d.cli(stat, "real-haproxy.sock")
        return re.search(r"(?m),BACKEND,2,\d+,3,", text) and text

    until(in_line, "two in the queue")
    queued.append((in_line() + "\n\n").encode())
    d.apply("delroute http h.test/", "delbackend a")
    # 2.6 lets them wait on for a server, later ones answer them now.
    assert row()[2].startswith("-quarantined-")
    d.apply(backend(d, "b", second, connect=100),
            "route http h.test/ forward b")
    assert d.who() == "second"
    count = second.count
    got = sorted(c.recv(65536).split(b" ", 2)[1] for c in clients)
    assert got == [b"200", b"503", b"503"]
    assert (first.count, second.count) == (1, count)
    # Time is over and HAProxy asked; it says that there is a queue.
    until(lambda: d.do("run 100") or wire.texts.count(stat + "\n") >= 2,
          "two looks at the slot")
    assert slot + " -quarantined-" in d.cli(
        "show map %s/maps/slots.map" % d.run, "real-haproxy.sock")
    pretend[0] = False
    until(lambda: d.do("run 100") or slot + " -quarantined-" not in d.cli(
        "show map %s/maps/slots.map" % d.run, "real-haproxy.sock"),
        "the slot is free")
    assert d.metric("sallyport_haproxy_reloads_total") == 0
    for c in clients:
        c.close()
    wire.close()
