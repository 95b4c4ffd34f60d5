"""Deaths, restarts, adoption, reloads and quarantine of the driver, over a
real HAProxy and under load."""

import os
import re
import signal
import socket
import time

import pytest

from driver import Driver, Load, adds, free_port
from rig import HAPROXY, Echo, until
from servers import Stubborn
from test_driver import backend, serve


@pytest.fixture
def driver():
    with Driver() as d:
        yield d


def reloads(d):
    return int(d.metric("sallyport_haproxy_reloads_total"))


def failures(d):
    return int(d.metric("sallyport_haproxy_reload_failures_total"))


def test_worker_killed_under_load(driver):
    """Connections wait in the backlog: what fails was in flight."""
    d = driver
    serve(d)
    serve(d, "b", "i.test")
    d.do("settle")
    worker = d.worker()
    with Load(d) as load:
        os.kill(worker, signal.SIGKILL)
        wait = d.in_background("run 1500")
        load.more(300)
        wait()
        d.met_again(worker)
    d.do("check")
    failed = load.total() - load.answers["a"]
    assert failed <= len(load.threads), load.answers
    assert d.status()["restarts"] == 1
    assert d.who(host="i.test") == "b"


def test_change_between_crash_and_mirror(driver):
    """What the files do not say yet is put right after a restart."""
    d = driver
    serve(d)
    d.do("settle")
    serve(d, "b", "i.test")
    d.apply("delroute http h.test/", "delbackend a")
    worker = d.worker()
    os.kill(worker, signal.SIGKILL)
    d.met_again(worker)
    d.do("check")
    assert d.who(host="i.test") == "b"
    assert d.get(host="h.test").status == 404


def test_change_to_a_worker_that_is_another(driver):
    """A change that another worker takes is confirmed only once that worker
    has all of the plan: the files did not say what came just before."""
    d = driver
    serve(d)
    d.do("settle")
    serve(d, "b", "i.test")
    d.do("apply", "hold")       # No look at the worker but that of a change.
    worker = d.worker()
    os.kill(worker, signal.SIGKILL)
    until(lambda: d.has_other(worker), "another worker")
    serve(d, "c", "j.test")
    assert "another HAProxy worker" not in d.log_text()
    d.do("apply")
    assert "another HAProxy worker" in d.log_text()
    d.do("check")
    assert [d.who(host=h) for h in ("h.test", "i.test", "j.test")] == \
        ["a", "b", "c"]
    assert d.metric("sallyport_apply_failures_total") == 0


def test_crash_while_driver_is_dead(driver):
    """Nobody but the parent is there: the files are enough."""
    d = driver
    one, two = Echo("one"), Echo("two")
    d.apply(backend(d, "a", one) + " 127.0.0.1:%d:drain" % two.port,
            "route http h.test/ forward a")
    d.do("settle")
    d.kill()
    old = d.worker()
    os.kill(old, signal.SIGKILL)
    assert {d.who() for _ in range(10)} == {"one"}
    d.start()
    d.do("cert - %s/default.pem" % d.dir,
         backend(d, "a", one) + " 127.0.0.1:%d:drain" % two.port,
         "route http h.test/ forward a", "complete")
    d.apply()
    d.do("check")
    # A server born draining takes traffic when it is ready again.
    d.apply(backend(d, "a", one, two))
    d.do("check")
    assert {d.who() for _ in range(10)} == {"one", "two"}
    assert reloads(d) == 0


def test_master_killed(driver):
    """No worker of the dead master goes on taking connections."""
    d = driver
    serve(d)
    d.do("settle")
    old = d.worker()
    os.kill(d.status()["master"], signal.SIGKILL)
    d.met_again(old)
    d.do("check")
    until(lambda: not os.path.exists("/proc/%d" % old), "the old worker gone")
    d.apply("route http h.test/ none")
    assert {d.get().status for _ in range(20)} == {404}


def test_proxy_killed(driver):
    """HAProxy finishes what it has; the driver starts both anew."""
    d = driver
    e = serve(d)
    d.do("settle")
    e.delay = 1
    old = d.status()
    with socket.create_connection(d.http, timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\n\r\n")
        until(lambda: e.count == 1, "the request")
        worker = d.worker()
        os.kill(old["pid"], signal.SIGKILL)
        d.met_again(worker)
        d.do("check")
        assert b'"a"' in s.recv(65536)
    e.delay = 0
    assert d.who() == "a"
    assert d.status()["pid"] != old["pid"]
    until(lambda: not os.path.exists("/proc/%d" % old["master"]),
          "the old master gone")


def test_driver_killed_and_adoption_under_load(driver):
    d = driver
    a = serve(d)
    d.do("route http gone.test/ forward a", "settle")
    worker = d.worker()
    with Load(d) as load:
        d.kill()
        load.more()
        d.start()
        d.do("cert - %s/default.pem" % d.dir, "run 200")
        load.more()
        # Nothing is taken away before the plan is complete.
        assert d.who(host="gone.test") == "a"
        d.do(backend(d, "a", a), "route http h.test/ forward a",
             "route http new.test/ forward a", "complete")
        d.apply()
        d.do("check")
        load.more()
    assert set(load.answers) == {"a"}, load.answers
    assert d.get(host="gone.test").status == 404
    assert d.who(host="new.test") == "a"
    assert d.worker() == worker
    assert reloads(d) == 0
    # Only the differences were sent.
    assert d.metric("sallyport_haproxy_commands_total") <= 4


def test_upgrade_is_one_reload(driver):
    """A driver that would start another program or other numbers."""
    d = driver
    e = serve(d)
    d.do("settle")
    d.kill()
    d.maxconn = 1500
    with Load(d) as load:
        d.start()
        d.do("cert - %s/default.pem" % d.dir, backend(d, "a", e),
             "route http h.test/ forward a", "run 200")
        assert reloads(d) == 0, "not before the plan is complete"
        d.do("complete")
        d.apply()
        load.more()
    d.do("check")
    assert set(load.answers) == {"a"}, load.answers
    assert 'reason="upgrade"} 1' in d.do("metrics")
    assert "Maxconn: 1500" in d.cli("show info")
    d.kill()
    d.start()
    d.do("cert - %s/default.pem" % d.dir, backend(d, "a", e),
         "route http h.test/ forward a", "complete")
    d.apply()
    assert reloads(d) == 0


def test_adoption_keeps_slots(driver):
    """... and what a driver that was killed did not write is written."""
    d = driver
    a, b = serve(d, "a"), serve(d, "b", "i.test")
    d.do("settle")
    c = serve(d, "c", "j.test")
    d.do("apply")
    before = d.cli("show map %s/maps/slots.map" % d.run).split()
    d.kill()
    d.start()
    d.do("cert - %s/default.pem" % d.dir, "complete",
         backend(d, "c", c), "route http j.test/ forward c",
         backend(d, "b", b), "route http i.test/ forward b",
         backend(d, "a", a), "route http h.test/ forward a")
    d.apply()
    d.do("check")
    after = d.cli("show map %s/maps/slots.map" % d.run).split()
    assert [w for w in before if "0x" not in w] == \
        [w for w in after if "0x" not in w]
    d.do("written")
    d.kill()
    os.kill(d.worker(), signal.SIGKILL)
    assert [d.who(host=h) for h in ("h.test", "i.test", "j.test")] == \
        ["a", "b", "c"]


def test_worker_that_was_slow_to_answer(driver):
    """A driver that takes a worker for dead writes all files anew, and every
    owner may have another slot there: when that worker answers after all, the
    files become what it serves."""
    d = driver
    names = ["n%d" % i for i in range(8)]
    echoes = {name: serve(d, name, name + ".test") for name in names}
    d.do("settle")
    worker, proxy = d.worker(), d.status()["pid"]
    d.kill()
    os.kill(proxy, signal.SIGSTOP)      # It would find the socket lost.
    os.rename(d.run + "/haproxy.sock", d.run + "/hidden.sock")
    old = os.stat(d.run + "/haproxy.cfg").st_ino
    d.start()
    d.do("cert - %s/default.pem" % d.dir, "complete")
    for name, e in echoes.items():
        d.do(backend(d, name, e), "route http %s.test/ forward %s" %
             (name, name))
    d.run_until(lambda: os.stat(d.run + "/haproxy.cfg").st_ino != old,
                "other files")
    os.rename(d.run + "/hidden.sock", d.run + "/haproxy.sock")
    os.kill(proxy, signal.SIGCONT)
    d.apply("route http more.test/ forward n0")
    d.do("check", "settle")
    assert d.worker() == worker
    d.kill()                    # Nobody puts it right.
    os.kill(worker, signal.SIGKILL)
    assert [d.who(host=n + ".test") for n in names] == names


def test_killed_in_the_middle_of_changes(driver):
    """kill -9 at any moment leaves nothing that the next driver does not
    put right, and fails no request of a route that does not change."""
    d = driver
    a, b = Echo("a"), Echo("b")
    d.apply(backend(d, "a", a), "route http h.test/ forward a")
    d.do("settle")
    with Load(d) as load:
        for n in range(6):
            for i in range(40):
                d.do("backend b%d policy roundrobin 0 %s" % (i, d.echo(b)),
                     "route http x%d.test/ forward b%d policy=BODY:%d" %
                     (i, i, 100 + n))
            d.in_background("apply")
            time.sleep(0.004 * n)
            d.kill()
            d.start()
            d.do("cert - %s/default.pem" % d.dir, backend(d, "a", a),
                 "route http h.test/ forward a", "complete")
            d.apply()
            d.checked()
    assert set(load.answers) == {"a"}, load.answers
    # But for more slots: what each one left behind is in quarantine.
    assert set(re.findall(r'reloads_total\{reason="(.*)"\} [1-9]',
                          d.do("metrics"))) <= {"slots"}


def test_slots_run_out_under_load(driver):
    """Growth: one reload or, from 3.4 on, none; no request fails, everybody
    keeps the slot."""
    d = driver
    serve(d)
    d.do("settle")
    with Load(d) as load:
        for i in range(200):
            d.do("backend n%d plain roundrobin 0" % i)
        d.apply()
        load.more()
    d.do("check")
    assert set(load.answers) == {"a"}, load.answers
    n = 0 if adds(HAPROXY) else 1
    assert reloads(d) == n
    assert 'reason="slots"} %d' % n in d.do("metrics")
    # And again with all of it on the next start.
    d.do("settle")
    worker = d.worker()
    os.kill(worker, signal.SIGKILL)
    d.met_again(worker)
    d.do("check")
    assert d.who() == "a"


def test_new_class_is_a_reload_with_its_reason(driver):
    d = driver
    e = serve(d)
    d.do("settle")
    with Load(d) as load:
        d.apply(backend(d, "a", e, connect=7000))
        load.more()
        # Again, sooner than one reload may follow another, and this time to
        # a slot of another kind.
        d.apply(backend(d, "a", e, connect=8000, kind="policy"),
                "route http h.test/ forward a policy=TIMEOUT_SERVER:9000")
        load.more()
    d.do("check")
    assert set(load.answers) == {"a"}, load.answers
    assert 'reason="class"} 2' in d.do("metrics")


def test_failed_reload_keeps_serving(driver):
    """A configuration that does not load: the old worker goes on, changes
    that need no reload are made, the files are those of what is served."""
    d = driver
    e = serve(d)
    d.do("settle")
    # Files cannot be written any more.
    block = d.run + "/maps/http.map.tmp"
    os.mkdir(block)
    with Load(d) as load:
        d.do(backend(d, "b", Echo("b"), connect=7000),
             "route http i.test/ forward b")
        d.run_until(lambda: failures(d) >= 1, "a reload that fails")
        load.more()
        d.do("route http j.test/ forward a")
        d.run_until(lambda: d.who(host="j.test") == "a", "the route")
        load.more()
    assert set(load.answers) == {"a"}, load.answers
    assert d.get(host="i.test").status == 503
    os.rmdir(block)
    d.apply()
    d.do("check")
    assert d.who(host="i.test") == "b"


def test_reload_that_haproxy_refuses(driver):
    d = driver
    serve(d)
    d.do("settle")
    # A certificate file that is none, named by the crt-list: the pair was
    # good when it was given, the file on disk is not.
    worker = d.worker()
    with open(d.run + "/certs/default.pem", "w") as f:
        f.write("rubbish\n")
    with Load(d) as load:
        d.do("backend b plain roundrobin 7000")
        d.run_until(lambda: failures(d) == 1, "a reload that fails")
        load.more()
    assert set(load.answers) == {"a"}, load.answers
    assert d.worker() == worker
    d.do("route http k.test/ forward a")
    d.run_until(lambda: d.who(host="k.test") == "a", "the route")


def owner_rows(d):
    return d.cli("show map %s/maps/slots.map" % d.run)


def test_slot_is_not_reused_while_somebody_is_in_it(driver):
    """A WebSocket and a slow request of the first tenant stand in the slot;
    nobody else gets it, and both go on."""
    d = driver
    first = Echo("first")
    first.delay = 3
    d.apply(backend(d, "a", first), "route http h.test/ forward a")
    slot = re.search(r"(plain-\S+) a\b", owner_rows(d))[1]
    ws = WebSocket(d, "ws.test")
    with socket.create_connection(d.http, timeout=20) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: h.test\r\n\r\n")
        until(lambda: first.count == 1, "the slow request")
        d.apply("delroute http h.test/", "delbackend a")
        assert "-quarantined-" in owner_rows(d)
        d.apply("backend c plain roundrobin 0 " + d.echo(Echo("c")),
                "route http h.test/ forward c")
        assert not re.search(re.escape(slot) + r" c\b", owner_rows(d))
        assert d.who() == "c"
        got = slow.recv(65536)
        assert b'"first"' in got
    ws.still_there()
    ws.close()


class WebSocket:
    """An upgraded connection through HAProxy to a server of its own."""

    def __init__(self, d, host, connect=0):
        self.listener = socket.socket()
        self.listener.settimeout(10)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(8)
        d.apply("backend ws plain roundrobin %d 127.0.0.1:%d" %
                (connect, self.listener.getsockname()[1]),
                "route http %s/ forward ws" % host)
        self.client = socket.create_connection(d.http, timeout=10)
        self.client.sendall(("GET / HTTP/1.1\r\nHost: %s\r\nConnection: "
                             "Upgrade\r\nUpgrade: websocket\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                             "\r\n" % host).encode())
        self.server, _ = self.listener.accept()
        self.server.settimeout(10)
        self.server.recv(65536)
        self.server.sendall(b"HTTP/1.1 101 Switching Protocols\r\n"
                            b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                            b"Sec-WebSocket-Accept: "
                            b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        assert b"101" in self.client.recv(65536)

    def still_there(self):
        self.client.sendall(b"ping")
        assert self.server.recv(16) == b"ping"
        self.server.sendall(b"pong")
        assert self.client.recv(16) == b"pong"

    def close(self):
        for s in (self.client, self.server, self.listener):
            s.close()


def test_quarantine_under_retry_and_websocket():
    """The slot of one Service goes to another: a request that retries and a
    WebSocket of the first never reach a pod of the second."""
    with Driver() as d:
        second = Echo("second")
        refuses = Stubborn()
        d.do("backend r plain roundrobin 100 127.0.0.1:%d" % refuses.port,
             "route http r.test/ forward r")
        ws = WebSocket(d, "ws.test", connect=100)
        slot_ws = re.search(r"(plain-\S+) ws\b", owner_rows(d))[1]
        slot_r = re.search(r"(plain-\S+) r\b", owner_rows(d))[1]
        with Load(d, host="r.test", threads=4, first=4) as load:
            d.apply("delroute http r.test/", "delroute http ws.test/",
                    "delbackend r", "delbackend ws")
            # Everything else of the class is taken, so that the next one
            # would get one of the two if it could.
            for i in range(30):
                d.do("backend f%d plain roundrobin 100" % i)
            d.apply()
            rows = owner_rows(d)
            assert re.search(re.escape(slot_ws) + " -quarantined-", rows)
            assert re.search(re.escape(slot_r) + " -quarantined-", rows)
            # Growth would take the slots out of quarantine: changes keep
            # the quiet moment away until the idle slot is free.
            end = time.monotonic() + 20
            for i in range(100):
                d.apply("backend f0 plain roundrobin 100 127.0.0.1:%d" %
                        (1000 + i), "run 300")
                if slot_r not in owner_rows(d):
                    break
                assert time.monotonic() < end, "the idle slot is free"
            assert re.search(re.escape(slot_ws) + " -quarantined-",
                             owner_rows(d))
            d.apply("backend s plain roundrobin 100 127.0.0.1:%d" %
                    second.port, "route http s.test/ forward s")
            assert re.search(re.escape(slot_r) + r" s\b", owner_rows(d))
            assert d.who(host="s.test") == "second"
            count = second.count
            load.more()
        assert reloads(d) == 0
        ws.still_there()
        assert "second" not in load.answers
        assert second.count == count
        ws.close()
        refuses.close()


def test_passthrough_flips_the_frontends():
    with Driver(passthrough=True) as d:
        import ssl
        from test_driver import cert, served
        e = Echo("h")
        d.apply(backend(d, "h", e), "route https h.test/ forward h",
                "route http h.test/ forward h")
        assert served(d, "h.test") == "default.test"
        own = Echo("own", tls=context(d, "own.test"))
        with Load(d) as load:
            d.apply(backend(d, "t", own, kind="tcp"), "pass own.test t")
            d.do("check")
            assert served(d, "own.test") == "own.test"
            assert served(d, "h.test") == "default.test"
            status = d.cli("show stat -1 1 -1")
            assert re.search(r"(?m)^https,.*PAUSED", status)
            # After a crash no connection of own.test ends in our TLS.
            d.do("settle")
            worker = d.worker()
            os.kill(worker, signal.SIGKILL)
            for _ in range(20):
                assert served(d, "own.test") == "own.test"
            d.met_again(worker)
            d.do("check")
            d.apply("delpass own.test", "delbackend t")
            d.do("check")
            assert served(d, "own.test") == "default.test"
            assert served(d, "h.test") == "default.test"
        assert reloads(d) == 0


def context(d, name):
    import ssl
    from test_driver import cert
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(cert(d, name))
    return c


def test_other_ports_start_anew(driver):
    d = driver
    e = serve(d)
    d.do("settle")
    d.kill()
    d.http = ("127.0.0.1", free_port())
    d.start()
    d.do("cert - %s/default.pem" % d.dir, backend(d, "a", e),
         "route http h.test/ forward a", "complete")
    d.apply()
    d.do("check")
    assert d.who() == "a"


def test_upgrade_that_fails_goes_back(driver):
    """The old worker goes on; a crash then starts the old program with the
    maps it had."""
    d = driver
    e = serve(d)
    d.do("settle")
    with open(d.run + "/haproxy.cfg") as f:
        old = f.read()
    d.kill()
    # More connections than descriptors: it does not start.
    d.maxconn = 90000
    with Load(d) as load:
        d.start()
        d.do("cert - %s/default.pem" % d.dir, backend(d, "a", e),
             "route http h.test/ forward a",
             "route http i.test/ forward a", "complete")
        d.run_until(lambda: failures(d) >= 1, "a reload that fails")
        d.do("written")
        load.more()
    assert set(load.answers) == {"a"}, load.answers
    assert d.who(host="i.test") == "a"
    with open(d.run + "/haproxy.cfg") as f:
        assert f.read() == old
    worker = d.worker()
    os.kill(worker, signal.SIGKILL)
    d.replaced(worker)
    assert d.who(host="i.test") == "a"
