"""Clients that never stop, and the judge of each answer.

Every change of the world adds what probes may get from then on; calm() takes
away what was before.  A request is judged by all that it may get between its
begin and its end, so a wrong pod, certificate or an answer past a guard is
wrong whatever was going on.  That nothing came, or an error of HAProxy's own,
is excused where a fault did it.
"""

import collections
import json
import random
import re
import socket
import ssl
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

import state as states

TIMEOUT = 25

Probe = collections.namedtuple("Probe", "kind tenant host path tls good number",
                               defaults=(False, False, 0))
Answer = collections.namedtuple("Answer", "status pod cert text")


def all_probes():
    out = []
    for t in states.TENANTS:
        for tls in (False, True):
            for path in ("/", "/two/x", "/exact", "/exact?ms=120",
                         "/?ms=300"):
                out.append(Probe("web", t, f"a.{t}.test", path, tls))
            out.append(Probe("wild", t, f"any.w.{t}.test", "/", tls))
            out.append(Probe("canary", t, f"c.{t}.test", "/", tls))
        for good in (False, True, False):
            out.append(Probe("guard", t, f"g.{t}.test", "/", False, good))
        out.append(Probe("pass", t, f"p.{t}.test", "/", True))
        for n in range(6):
            out.append(Probe("extra", t, f"x{n}.{t}.test", "/", False, False,
                             n))
            out.append(Probe("extra", t, f"x{n}.{t}.test", "/?ms=80", False,
                             False, n))
    out += [Probe("shared", states.TENANTS[0], "s.test", "/")] * 3
    return out


def tls_context(alpn="http/1.1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return context


def common_name(der):
    """Ours are self-signed: the name stands there twice."""
    found = re.search(rb"\x55\x04\x03[\x0c\x13](.)", der)
    at = found.end()
    return der[at:at + found[1][0]].decode()


def cert_of_name(name):
    """As State.cert_of() tells it."""
    t, _, number = name.partition("-")
    return ("pod", t) if number == "pod" else \
        (t, int(number)) if number.isdigit() else "default"


class Gone(Exception):
    """No answer; 'began': some of it had come."""


class Connection:
    """HTTP/1, kept alive; 'cert' is what the handshake showed."""

    def __init__(self, world, probe):
        port = world.https if probe.tls else world.http
        self.cert = None
        self.socket = socket.create_connection(port, timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if probe.tls:
            self.socket = tls_context().wrap_socket(
                self.socket, server_hostname=probe.host)
            self.cert = common_name(self.socket.getpeercert(True))
        self.rest = b""

    def head(self, probe, more=""):
        auth = f"Authorization: {states.GOOD}\r\n" if probe.good else ""
        return (f"GET {probe.path} HTTP/1.1\r\nHost: {probe.host}\r\n"
                f"{auth}{more}\r\n").encode()

    def ask(self, probes):
        """The answers, as many as there came before "Connection: close"; all
        are sent at once."""
        self.socket.sendall(b"".join(self.head(p) for p in probes))
        out = []
        while len(out) < len(probes) and self.is_open():
            out.append(self.answer())
        return out

    def read(self):
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionResetError("cut in the answer" if self.rest
                                       else "closed")
        self.rest += more

    def answer(self):
        while b"\r\n\r\n" not in self.rest:
            self.read()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        head = head.decode("latin-1")
        length = re.search(r"(?im)^content-length: *(\d+)", head)
        n = int(length[1]) if length else 0
        while len(self.rest) < n:
            self.read()
        body, self.rest = self.rest[:n], self.rest[n:]
        if re.search(r"(?im)^connection: *close", head):
            self.close()
        pod = re.search(r"(?im)^x-pod: *(\S+)", head)
        return Answer(int(head.split()[1]), pod and pod[1], self.cert,
                      body.decode("latin-1")[:80])

    def close(self):
        self.socket.close()

    def is_open(self):
        return self.socket.fileno() >= 0


class Http2:
    """One request on a connection of its own."""

    def __init__(self, world, probe):
        s = socket.create_connection(world.https, timeout=TIMEOUT)
        self.socket = tls_context("h2").wrap_socket(
            s, server_hostname=probe.host)
        self.cert = common_name(self.socket.getpeercert(True))
        self.rest = b""

    def ask(self, probes):
        c = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="latin-1"))
        c.initiate_connection()
        answers = {}
        for n, p in enumerate(probes):
            fields = [(":method", "GET"), (":scheme", "https"),
                      (":authority", p.host), (":path", p.path)]
            if p.good:
                fields.append(("authorization", states.GOOD))
            c.send_headers(2 * n + 1, fields, end_stream=True)
        done = 0
        while done < len(probes):
            self.socket.sendall(c.data_to_send())
            for event in c.receive_data(self.frames()):
                if isinstance(event, h2.events.ResponseReceived):
                    fields = dict(event.headers)
                    answers[event.stream_id] = Answer(
                        int(fields[":status"]), fields.get("x-pod"),
                        self.cert, "")
                elif isinstance(event, h2.events.StreamEnded):
                    done += 1
                elif isinstance(event, h2.events.StreamReset):
                    raise ConnectionResetError(f"reset: {event}")
        self.socket.sendall(c.data_to_send())
        return [answers[2 * n + 1] for n in range(len(probes))]

    def frames(self):
        """Whole frames but GOAWAY, after which the library would not take
        what still comes of the streams there are."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("closed")
        self.rest += data
        out = b""
        while len(self.rest) >= 9:
            size = 9 + int.from_bytes(self.rest[:3], "big")
            if len(self.rest) < size:
                break
            out += self.rest[:size] if self.rest[3] != 7 else b""
            self.rest = self.rest[size:]
        return out

    def close(self):
        self.socket.close()

    @staticmethod
    def is_open():
        return True


class Judge:
    """What may be answered at which time, and what was wrong."""

    def __init__(self):
        self.lock = threading.Lock()
        # [from, to or None, {probe: (answers, certs)}, endpoints]
        self.told = []
        self.excuses = []       # [begin, end or None, words, status or None]
        self.problems = []
        self.counts = collections.Counter()
        self.probes = all_probes()
        # Objects of each kind come by a way of their own: what is known of
        # one may be older than what is known of another.
        self.is_mixed = False
        self.states = []        # Since the last calm, where they are mixed.

    def note(self, state):
        if self.is_mixed:
            self.states.append(state.copy())
            state = states.Mixed(self.states)
        table = {p: (state.verdict(p), state.cert_of(p))
                 for p in set(self.probes)}
        with self.lock:
            self.told.append([time.monotonic(), None, table, {
                k: set(v) for k, v in state.endpoints.items()}])

    def calm(self):
        """What was before the last change cannot come any more."""
        now = time.monotonic()
        if self.is_mixed:
            last = self.states.pop()
            self.states.clear()
            self.note(last)
        with self.lock:
            for one in self.told[:-1]:
                one[1] = one[1] or now
            self.told = [one for one in self.told
                         if not one[1] or one[1] > now - 2 * TIMEOUT]
            for one in self.excuses:
                one[1] = one[1] or now

    def allowed(self, probe, begin, end):
        """All that was told since the last calm before 'begin'; which pods
        these Services had, too, since servers change before routes do."""
        answers, certs, pods = set(), set(), set()
        with self.lock:
            told = [one for one in self.told if one[0] <= end and
                    (not one[1] or one[1] >= begin)]
        for _, _, table, _ in told:
            answers |= table[probe][0]
            certs |= table[probe][1]
        for _, _, _, endpoints in told:
            pods |= {(*key, n) for key, have in endpoints.items()
                     for n in have}
        return answers, certs, pods

    def excuse(self, words, seconds=None, only=None):
        """Until that long from now, or until calm; 'only' this status."""
        now = time.monotonic()
        with self.lock:
            self.excuses.append([now, seconds and now + seconds, words, only])

    def excused(self, begin, end, status=None):
        with self.lock:
            return next((words for b, e, words, only in self.excuses
                         if b <= end and (e is None or e >= begin) and
                         only in (None, status)), None)

    def problem(self, text):
        with self.lock:
            self.problems.append("%.3f %s" % (time.monotonic(), text))

    def check(self, how, probe, begin, answer):
        end = time.monotonic()
        answers, certs, pods = self.allowed(probe, begin, end)
        got = answer.status
        if answer.pod:
            t, s, n = answer.pod.split("/")
            got = ("pod", t, s) if (t, s, int(n)) in pods else answer.pod
        self.counts[how] += 1
        self.counts[got if isinstance(got, int) else "pod"] += 1
        if got not in answers:
            words = self.excused(begin, end, answer.status)
            # Never excused: somebody else's pod, or one past its guard.
            if answer.pod or not words:
                self.problem(f"{how} {probe} {end - begin:.3f} s: {got} "
                             f"({answer}), not {answers}, excuse {words}")
            else:
                self.counts["excused"] += 1
        if answer.cert:
            self.check_cert(how, probe, answer, certs, begin, end)

    def check_cert(self, how, probe, answer, certs, begin, end):
        got = cert_of_name(answer.cert)
        # Accepted here before all of its host is passed through, and greeted
        # after that: neither its certificate nor its route is there any more.
        if probe.kind == "pass" and ("pod", probe.tenant) in certs and \
                len(certs) > 1:
            certs = certs | {"default"}
        if got not in certs:
            words = self.excused(begin, end)
            if got != "default" or not words:
                self.problem(f"{how} {probe}: certificate {got} "
                             f"({answer.cert}), not {certs}")

    def failed(self, how, probes, begin, error):
        end = time.monotonic()
        self.counts[how] += 1
        words = self.excused(begin, end)
        if words:
            self.counts["excused"] += 1
        elif not (probes[0].kind == "pass" and
                  503 in self.allowed(probes[0], begin, end)[0]):
            # Whoever passes TLS through has no other word for 503.
            self.problem(f"{how} {probes[0]} {begin:.3f}+{end - begin:.3f}: "
                         f"{type(error).__name__} {error}")


FAILURES = (OSError, ValueError, AttributeError,
            h2.exceptions.ProtocolError)


class Clients:
    def __init__(self, world, judge, seed, threads=5):
        self.world, self.judge = world, judge
        self.over = threading.Event()
        self.done = 0
        self.generation = 0     # Kept connections of older ones are closed.
        jobs = [self.one_by_one] * threads + [self.stream]
        self.threads = [threading.Thread(
            target=job, args=(random.Random(f"{seed}:client{n}"),),
            daemon=True) for n, job in enumerate(jobs)]
        for t in self.threads:
            t.start()

    def one_by_one(self, rng):
        kept = {}
        while not self.over.wait(rng.random() * 0.012):
            for key in [k for k in kept if k[2] != self.generation]:
                kept.pop(key).close()
            probe = rng.choice(self.judge.probes)
            how = rng.choice(["keep"] * 5 + ["new", "pipe", "h2"])
            if probe.kind == "pass" or (how == "h2" and not probe.tls):
                how = "new"     # Whoever passes through stays at one pod.
            probes = [probe]
            if how in ("pipe", "h2"):
                probes = [probe] + [p for p in self.judge.probes
                                    if p.host == probe.host and
                                    p.tls == probe.tls][:3]
            self.request(how, probes, kept)
            self.done += 1

    def open_(self, how, probe):
        return (Http2 if how == "h2" else Connection)(self.world, probe)

    def request(self, how, probes, kept):
        """As every client does, a kept connection that turns out to be closed
        is replaced once."""
        begin = time.monotonic()    # Before it: calm may come in between.
        key = (probes[0].host, probes[0].tls, self.generation)
        c = kept.pop(key, None) if how == "keep" else None
        try:
            try:
                was_used = bool(c)
                c = c or self.open_(how, probes[0])
                # A kept one shows the certificate of its time.
                if was_used:
                    c.cert = None
                answers = c.ask(probes)
            except FAILURES:
                if not was_used:
                    raise
                c.close()
                c = self.open_(how, probes[0])
                answers = c.ask(probes)
        except FAILURES as e:
            self.judge.failed(how, probes, begin, e)
            if c:
                c.close()
            return
        for probe, answer in zip(probes, answers):
            self.judge.check(how, probe, begin, answer)
        if how == "keep" and c.is_open():
            kept[key] = c
        else:
            c.close()

    def stream(self, rng):
        """WebSockets: whoever answered first answers always."""
        probes = [p for p in self.judge.probes
                  if p.kind in ("web", "extra", "wild") and not p.tls]
        while not self.over.wait(0.05):
            probe = rng.choice(probes)
            begin = time.monotonic()
            try:
                c = Connection(self.world, probe)
            except FAILURES as e:
                self.judge.failed("ws", [probe], begin, e)
                continue
            try:
                c.socket.sendall(c.head(probe, "Connection: Upgrade\r\n"
                                        "Upgrade: websocket\r\n"
                                        "Sec-WebSocket-Version: 13\r\n"
                                        "Sec-WebSocket-Key: "
                                        "AAAAAAAAAAAAAAAAAAAAAA==\r\n"))
                answer = c.answer()
                self.judge.check("ws", probe, begin, answer)
                if answer.status == 101:
                    self.talk(c, answer.pod, rng)
            except FAILURES as e:
                self.judge.failed("ws", [probe], begin, e)
            c.close()

    def talk(self, c, pod, rng):
        c.rest = b""
        for n in range(rng.choice([1, 3, 20, 60])):
            c.socket.sendall(b"%d\n" % n)
            while not c.rest.endswith(b"\n"):
                c.read()
            want = f"{pod}:{n}\n".encode()
            if c.rest != want:
                self.judge.problem(f"stream: {c.rest!r}, not {want!r}")
            c.rest = b""
            if self.over.wait(0.05):
                return

    def more(self, n=30):
        goal = self.done + n
        end = time.monotonic() + 60
        while self.done < goal and time.monotonic() < end:
            time.sleep(0.01)
        assert self.done >= goal, "clients stand still"

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join(TIMEOUT + 5)
