"""Users and passwords: real HAProxy, the real daemon, curl as the client."""

import atexit
import base64
import hashlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

import rig
from frozen import frozen

TABLE = "0123456789abcdef0123456789abcdef"
APR1 = "$apr1$saltsalt$qYpLAVWkBvXFyDme7.oc1/"              # pass word
SHA = "{SHA}2oguq15ANCGsJCWKX31fllwpyEk="                   # pass word
BCRYPT = "$2y$05$Y7fZX/lZm9fMZeCzoeUe/.76UQsiRTmy1TH.TK.X.ansz7DZ15Msy"
YESCRYPT = ("$y$j9T$gZyUzFna1VCivQOIvpFQe/$GH./Glv21mbEmVyFipVbWio3tHYEBke"
            "Zglio4NPFilC")
SLOW = "$2y$14$" + BCRYPT[7:]       # A password that nobody knows.


def ha1(kind, user, realm, password):
    return hashlib.new(kind, ("%s:%s:%s" % (user, realm, password)).encode()
                       ).hexdigest()


class Daemon:
    def __init__(self, run, *flags):
        self.run = run
        self.flags = flags
        self.process = None
        os.makedirs(run + "/tables", exist_ok=True)
        atexit.register(self.stop)      # Also where a test fails.

    def start(self):
        self.log = open(self.run + "/auth.log", "ab")
        self.process = subprocess.Popen(
            [rig.ROOT + "/build/sallyport-auth", self.run, *self.flags],
            stderr=self.log)
        rig.until(self.answers, "sallyport-auth up")
        return self

    def answers(self):
        assert self.process.poll() is None, open(self.run + "/auth.log").read()
        try:
            return self.ask("f" * 32) == "down"
        except OSError:
            return False

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(rig.DEADLINE)
        s.connect(self.run + "/auth/auth.sock")
        return s

    def send(self, table, authorization="", group="g", realm="", method="GET",
             uri="/"):
        s = self.connect()
        s.sendall(b"".join(struct.pack(">H", len(f)) + f.encode("latin-1")
                           for f in (table, group, realm, method, uri,
                                     authorization)))
        return s

    def ask(self, table, authorization="", **more):
        with self.send(table, authorization, **more) as s:
            return s.makefile().readline().strip()

    def table(self, lines, kind="basic", table=TABLE):
        """As the reconciler writes one: beside its name, then renamed."""
        path = "%s/tables/%s" % (self.run, table)
        with open(path + ".tmp", "w") as f:
            f.write("sallyport-auth 1 %s\n%s" %
                    (kind, "".join(l + "\n" for l in lines)))
        os.rename(path + ".tmp", path)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            status = self.process.wait(rig.DEADLINE)
            self.log.close()
            return status
        return None


@pytest.fixture(scope="module")
def it():
    with rig.Rig() as r:
        r.daemon = Daemon(r.dir, "--threads", "2").start()
        yield r
        assert r.daemon.stop() == 0


def route(it, host, *more, echo=None, table=TABLE):
    return it.add_policy(host + "/", "AUTH=" + table, "AUTH_GROUP=g", *more,
                         tables=("http", "https"), echo=echo)


def curl(it, *args, host="b.test", path="/", port=None):
    """(status, what the server saw, the headers) by a real client."""
    port = port or it.http[1]
    out = subprocess.run(
        ["curl", "-sk", "--max-time", "15", "-D", "-", "--resolve",
         "%s:%d:127.0.0.1" % (host, port), *args,
         "http%s://%s:%d%s" % ("s" if port == it.https[1] else "", host, port,
                               path)],
        stdout=subprocess.PIPE, check=False).stdout
    heads, _, body = out.rpartition(b"\r\n\r\n")
    last = heads.split(b"\r\n\r\n")[-1] + b"\r\n\r\n" + body
    return rig.parse(last.replace(b"HTTP/2 ", b"HTTP/2.0 "))


def basic(user, password):
    return "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()
                                       ).decode()


# --- Basic ---

@pytest.mark.parametrize("stored", [APR1, SHA, BCRYPT, YESCRYPT])
def test_basic(it, stored):
    it.daemon.table(["user:" + stored, "other:" + APR1])
    route(it, "b.test", "AUTH_REALM=a realm.")
    none = curl(it)
    assert none.status == 401
    assert rig.header(none, "www-authenticate") == ['Basic realm="a realm."']
    for port in (it.http[1], it.https[1]):
        ok = curl(it, "-u", "user:pass word", port=port)
        assert ok.status == 200
        assert "authorization" not in rig.sent(ok)[1]
        for wrong in ("user:pass wore", "user:", "User:pass word", "x:y",
                      "user:" + stored):
            assert curl(it, "-u", wrong, port=port).status == 401, wrong
    assert curl(it, "--http2-prior-knowledge", "-u", "user:pass word"
                ).status == 200
    it.set("http", "b.test/", "none")
    it.cli("del map %s/maps/http.map b.test/" % it.dir)
    it.cli("del map %s/maps/https.map b.test/" % it.dir)


@pytest.mark.parametrize("value", [
    "", "Basic", "Basic ", "Basic !!!", "Basic dXNlcg==", "basic",
    "Bearer dXNlcjpwYXNzIHdvcmQ=", "Basic dXNlcjpwYXNzIHdvcmQ", "Basic OnB3",
    "Basic " + base64.b64encode(b"user:pass word\0").decode(),
    "Basic " + base64.b64encode(b"user\0:pass word").decode(),
    "Basic " + base64.b64encode(b"user:" + b"x" * 600).decode(),
    "Basic " + "QUFB" * 2500,
    "Digest username=\"user\"",
])
def test_not_basic(it, value):
    it.daemon.table(["user:" + APR1])
    key = "n.test"
    if not getattr(it, "has_n", False):
        route(it, key)
        it.has_n = True
    for send in (rig.http1, rig.http2):
        got = send(it.http, "/", key, headers=[("authorization", value)])
        assert got.status == 401
        assert rig.header(got, "www-authenticate") == ['Basic realm=""']
    assert rig.http1(it.http, "/", key, headers=[
        ("Authorization", basic("user", "pass word"))]).status == 200


def test_scheme_in_any_case_and_two_headers(it):
    it.daemon.table(["user:" + SHA])
    route(it, "two.test")
    good = ("Authorization", basic("user", "pass word"))
    bad = ("Authorization", basic("user", "wrong"))
    assert rig.http1(it.http, "/", "two.test", headers=[
        (good[0], good[1].replace("Basic", "bASIC  "))]).status == 200
    for pair in ([good, good], [good, bad], [bad, good]):
        assert rig.http1(it.http, "/", "two.test",
                         headers=pair).status == 400


def test_keep_alive_asks_each_time(it):
    it.daemon.table(["user:" + SHA])
    route(it, "k.test")
    good = [("Authorization", basic("user", "pass word"))]
    with socket.create_connection(it.http, timeout=rig.DEADLINE) as s:
        for headers, want in ((good, 200), ([], 401), (good, 200),
                              ([("Authorization", basic("user", "x"))], 401),
                              (good, 200)):
            assert rig.http1(it.http, "/", "k.test", headers=headers,
                             sock=s).status == want


def test_a_changed_table_is_in_force_at_once(it):
    """Also for who was let in a moment ago."""
    it.daemon.table(["user:" + SHA])
    route(it, "c.test")
    good = [("Authorization", basic("user", "pass word"))]
    for _ in range(3):
        assert rig.http1(it.http, "/", "c.test", headers=good).status == 200
        it.daemon.table(["other:" + SHA])
        assert rig.http1(it.http, "/", "c.test", headers=good).status == 401
        it.daemon.table(["user:" + SHA])
    os.unlink("%s/tables/%s" % (it.dir, TABLE))
    for headers in (good, []):
        assert rig.http1(it.http, "/", "c.test", headers=headers).status == 503
    it.daemon.table(["user:" + SHA])
    assert rig.http1(it.http, "/", "c.test", headers=good).status == 200
    it.daemon.table([])
    assert rig.http1(it.http, "/", "c.test", headers=good).status == 503
    it.daemon.table(["user:secret"])
    assert rig.http1(it.http, "/", "c.test", headers=[
        ("Authorization", basic("user", "secret"))]).status == 503


# --- Digest ---

def digest_table(it, realm="a realm"):
    it.daemon.table([
        "user:%s:%s" % (realm, ha1("md5", "user", realm, "pass word")),
        "user:%s:%s" % (realm, ha1("sha256", "user", realm, "pass word")),
        "user:other:%s" % ha1("md5", "user", "other", "pass word"),
        "user:other:%s" % ha1("sha256", "user", "other", "pass word"),
    ], "digest")


def test_digest(it):
    digest_table(it)
    route(it, "d.test", "AUTH_REALM=a realm")
    none = curl(it, host="d.test")
    assert none.status == 401
    offers = rig.header(none, "www-authenticate")
    assert len(offers) == 2 and "algorithm=SHA-256" in offers[0] and \
        "algorithm=MD5" in offers[1]
    for path in ("/", "/a?b=c", "/%41//x/../y?q=%22"):
        for more in ([], ["-X", "POST", "-d", "body"]):
            got = curl(it, "--digest", "--path-as-is", "-u", "user:pass word",
                       *more, host="d.test", path=path)
            assert got.status == 200, (path, more)
            seen = rig.sent(got)
            assert seen[0] == path and "authorization" not in seen[1]
    for wrong in ("user:pass wore", "x:pass word"):
        assert curl(it, "--digest", "-u", wrong, host="d.test").status == 401
    # Basic is no answer to a challenge of Digest.
    assert curl(it, "-u", "user:pass word", host="d.test").status == 401


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_digest_of_one_kind(it, kind):
    it.daemon.table(["user::" + ha1(kind, "user", "", "pass word")], "digest",
                    table=TABLE[::-1])
    route(it, kind + ".test", table=TABLE[::-1])
    assert len(rig.header(curl(it, host=kind + ".test"),
                          "www-authenticate")) == 1
    assert curl(it, "--digest", "-u", "user:pass word", host=kind + ".test"
                ).status == 200


def challenge(it, host):
    offer = rig.header(rig.http1(it.http, "/", host), "www-authenticate")[-1]
    return offer.split('nonce="')[1].split('"')[0]


def response(nonce, count=1, uri="/", realm="a realm", method="GET",
             password="pass word"):
    nc = "%08x" % count
    ha2 = hashlib.md5(("%s:%s" % (method, uri)).encode()).hexdigest()
    text = ":".join((ha1("md5", "user", realm, password), nonce, nc, "c",
                     "auth", ha2))
    return [("Authorization", 'Digest username="user", realm="%s", uri="%s", '
             'nonce="%s", nc=%s, cnonce="c", qop=auth, response="%s"' %
             (realm, uri, nonce, nc,
              hashlib.md5(text.encode()).hexdigest()))]


def stale(answer):
    return ["stale=true" in v
            for v in rig.header(answer, "www-authenticate")]


def test_digest_replay(it):
    digest_table(it)
    route(it, "replay.test", "AUTH_REALM=a realm")
    nonce = challenge(it, "replay.test")

    def ask(headers, path="/"):
        return rig.http1(it.http, path, "replay.test", headers=headers)
    first = response(nonce)
    assert ask(first).status == 200
    again = ask(first)
    assert again.status == 401 and stale(again) == [True, True]
    assert ask(response(nonce, 2)).status == 200
    # HTTP/2 says the same to the daemon: the path, not a whole URL.
    for path in ("/", "/a?b=%2F"):
        own = response(challenge(it, "replay.test"), uri=path)
        own = [(k.lower(), v) for k, v in own]
        assert rig.http2(it.http, path, "replay.test", headers=own
                         ).status == 200
        assert rig.http2(it.http, path, "replay.test", headers=own
                         ).status == 401
    # Another target than was signed; a realm that the file has, but not this
    # route; a nonce that nobody made; a wrong password is never "stale".
    assert ask(response(nonce, 3), "/secret").status == 401
    assert ask(response(nonce, 3, realm="other")).status == 401
    made_up = ask(response("0" * 64))
    assert made_up.status == 401 and stale(made_up) == [True, True]
    wrong = ask(response(nonce, 4, password="x"))
    assert wrong.status == 401 and stale(wrong) == [False, False]
    # A new table knows nothing of old counts: nonces from before are stale.
    digest_table(it)
    old = ask(response(nonce, 5))
    assert old.status == 401 and stale(old) == [True, True]
    assert ask(response(challenge(it, "replay.test"))).status == 200


def test_a_nonce_is_for_its_realm(it):
    digest_table(it)
    route(it, "realm1.test", "AUTH_REALM=a realm")
    route(it, "realm2.test", "AUTH_REALM=other")
    nonce = challenge(it, "realm1.test")
    got = rig.http1(it.http, "/", "realm2.test",
                    headers=response(nonce, realm="other"))
    assert got.status == 401 and stale(got) == [True, True]


# --- With the other protections ---

def test_preflight_before_and_cors_on_401(it):
    it.daemon.table(["user:" + SHA])
    route(it, "cors.test", "origin=https://a.test", "CORS_METHODS=GET",
          "CORS_HEADERS=X", "CORS_MAX_AGE=1")
    origin = [("Origin", "https://a.test")]
    assert rig.http1(it.http, "/", "cors.test", method="OPTIONS",
                     headers=origin).status == 204
    assert rig.http1(it.http, "/", "cors.test", method="OPTIONS").status == 401
    got = rig.http1(it.http, "/", "cors.test", headers=origin)
    assert got.status == 401
    assert rig.header(got, "access-control-allow-origin") == [
        "https://a.test"]


def test_redirect_before(it):
    rid, _ = it.add_policy("to.test/", "AUTH=" + TABLE, "AUTH_GROUP=g",
                           "REDIRECT=http://x.test/", "REDIRECT_CODE=301")
    assert rig.http1(it.http, "/", "to.test").status == 301


@pytest.mark.parametrize("more, want", [
    # Address allowed or not, password right or none.
    (["allow=127.0.0.1"], [200, 401]),
    (["allow=192.0.2.1"], [403, 403]),
    (["allow=127.0.0.1", "SATISFY=true"], [200, 200]),
    (["allow=192.0.2.1", "SATISFY=true"], [200, 401]),
    (["SATISFY=true"], [200, 401]),
    (["deny=127.0.0.1", "SATISFY=true"], [403, 403]),
    (["deny=127.0.0.1", "allow=127.0.0.1", "SATISFY=true"], [403, 403]),
])
def test_satisfy(it, more, want):
    it.daemon.table(["user:" + SHA])
    host = "s%d.test" % abs(hash(tuple(more)))
    route(it, host, *more)
    got = [rig.http1(it.http, "/", host, headers=h) for h in (
        [("Authorization", basic("user", "pass word"))], [])]
    assert [g.status for g in got] == want
    for g in got:
        if g.status == 200:
            assert "authorization" not in rig.sent(g)[1]


def test_routes_without_the_flag_ask_nobody(it):
    it.add("http", "plain.test/", it.take("plain"))
    it.add_policy("policy.test/", "BODY=1000")
    with frozen(it.daemon.process.pid):
        for host in ("plain.test", "policy.test"):
            got = rig.http1(it.http, "/", host, headers=[
                ("Authorization", "Basic xyz")])
            assert got.status == 200
            assert rig.sent(got)[1]["authorization"] == "Basic xyz"


# --- Full, slow, absent ---

def test_absent_and_back():
    with rig.Rig() as it:
        daemon = Daemon(it.dir)
        daemon.table(["user:" + SHA])
        route(it, "b.test")
        good = [("Authorization", basic("user", "pass word"))]

        def status(headers=good):
            return rig.http1(it.http, "/", "b.test", headers=headers).status
        assert [status(), status([])] == [503, 503]
        daemon.start()
        assert [status(), status([])] == [200, 401]
        # Verdicts die with the daemon, tables do not.
        assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL
        assert [status(), status([])] == [503, 503]
        daemon.start()
        assert [status(), status([])] == [200, 401]
        # One that hangs: refused within the bound of the script.
        with frozen(daemon.process.pid):
            begin = time.monotonic()
            assert status() == 503
            assert time.monotonic() - begin < rig.DEADLINE
        assert status() == 200
        # An error of Lua lets nobody in: the script is broken at run time.
        assert daemon.stop() == 0


def test_an_error_of_lua_refuses():
    with rig.Rig(start=False) as it:
        (name,) = [n for n in os.listdir(it.dir + "/lua")
                   if n.startswith("auth-")]
        with open("%s/lua/%s" % (it.dir, name), "w") as f:
            f.write('core.register_action("sallyport_auth", { "http-req" }, '
                    'function(txn) error("broken") end, 1)')
        it.start()
        daemon = Daemon(it.dir).start()
        daemon.table(["user:" + SHA])
        route(it, "b.test")
        assert rig.http1(it.http, "/", "b.test", headers=[
            ("Authorization", basic("user", "pass word"))]).status == 503
        assert daemon.stop() == 0


def test_one_tenant_does_not_starve_another():
    """A flood of costly logins: its own group is refused when its queue is
    full, the other is answered while the flood is still there."""
    with rig.Rig() as it:
        daemon = Daemon(it.dir, "--threads", "2").start()
        daemon.table(["user:" + SLOW])
        daemon.table(["user:" + BCRYPT], table=TABLE[::-1])
        it.add_policy("slow.test/", "AUTH=" + TABLE, "AUTH_GROUP=slow")
        it.add_policy("b.test/", "AUTH=" + TABLE[::-1], "AUTH_GROUP=other")
        flood = [daemon.send(TABLE, basic("user", "guess %d" % i),
                             group="slow") for i in range(33)]
        # The queue of the group is full as soon as 32 wait and one runs.
        assert rig.http1(it.http, "/", "slow.test", headers=[
            ("Authorization", basic("user", "one more"))]).status == 503
        got = [rig.http1(it.http, "/", "b.test", headers=[
            ("Authorization", basic("user", p))]).status
            for p in ("pass word", "wrong")]
        assert got == [200, 401]
        # What waits for too long is told so: nobody waits for ever.
        for s in flood:
            s.settimeout(120)
        said = [s.makefile().readline().strip() for s in flood]
        assert set(said) == {"no", "full"} and said[0] == "no"
        for s in flood:
            s.close()
        assert daemon.stop() == 0


def test_one_password_is_verified_once():
    """Two hundred questions at one time about one costly password that is
    wrong: one job, or the queue of 32 would be full."""
    with rig.Rig(start=False) as it:
        daemon = Daemon(it.dir).start()
        daemon.table(["user:" + SLOW.replace("$14$", "$12$")])
        flood = [daemon.send(TABLE, basic("user", "x")) for _ in range(200)]
        assert {s.makefile().readline().strip() for s in flood} == {"no"}
        for s in flood:
            s.close()
        assert daemon.stop() == 0


# --- The daemon alone ---

@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n\r\n", b"\0\0", b"\xff\xff" + b"x" * 30000,
    b"\0\x20" + b"../../../../../../../etc/passwd." + b"\0\x01g" + b"\0\0" * 4,
    b"\0\x20" + b"0" * 32 + b"\0\0" * 5,
    b"\0\x20" + b"0" * 32 + b"\0\x01g" + b"\0\0" * 4 + b"more",
])
def test_hostile_questions(it, data):
    with it.daemon.connect() as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            got = b""
            while True:
                more = s.recv(100)
                if not more:
                    break
                got += more
        except (ConnectionResetError, BrokenPipeError):
            got = b""
        assert got in (b"", b"down\n")
    assert it.daemon.ask("f" * 32) == "down"


def test_connections_are_bounded(it):
    held = []

    def asks():
        try:
            return it.daemon.ask("f" * 32) == "down"
        except (BrokenPipeError, ConnectionResetError):
            return False        # "full", before it was asked.
    try:
        for _ in range(1100):
            held.append(it.daemon.connect())
        # Silent ones are closed, and then there is room again.
        rig.until(asks, "room again")
    finally:
        for s in held:
            s.close()


def test_it_can_open_nothing(it):
    status = open("/proc/%d/status" % it.daemon.process.pid).read()
    assert "\nSeccomp:\t2\n" in status and "\nNoNewPrivs:\t1\n" in status
    assert os.stat(it.dir + "/auth/auth.sock").st_mode & 0o777 == 0o660
    with open("/proc/%d/limits" % it.daemon.process.pid) as f:
        assert [l.split()[4] for l in f if "core file" in l] == ["0"]


def test_many_tables_are_not_all_kept(it):
    """More than it holds at one time: each is answered all the same."""
    for n in range(1100):
        it.daemon.table(["user:" + SHA], table="%032x" % n)
    good = basic("user", "pass word")
    assert {it.daemon.ask("%032x" % n, good) for n in range(1100)} == {"ok"}
    fds = len(os.listdir("/proc/%d/fd" % it.daemon.process.pid))
    assert fds < 1024 + 50
    for n in range(1100):
        os.unlink("%s/tables/%032x" % (it.dir, n))
    assert it.daemon.ask("%032x" % 5, good) == "down"


def test_threads(it):
    """Right and wrong from many clients at once."""
    it.daemon.table(["user:" + APR1])
    route(it, "t.test")
    got = []

    def client(n):
        for i in range(20):
            password = "pass word" if i % 2 else "wrong %d %d" % (n, i)
            got.append((i % 2, rig.http1(it.http, "/", "t.test", headers=[
                ("Authorization", basic("user", password))]).status))
    threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(got) == {(1, 200), (0, 401)} and len(got) == 160
