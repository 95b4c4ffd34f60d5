"""TLS records: what an answer is sent in, and who does not read it."""

import contextlib
import json
import socket
import ssl

import pytest

from conftest import review
from test_caps import HEAD, Client, is_answered

APPLICATION_DATA = 23


class Counter:
    """A TLS connection that counts the records that come."""

    def __init__(self, webhook):
        context = ssl.create_default_context(cafile=webhook.authority.crt)
        self.plain = socket.create_connection(("127.0.0.1", webhook.port), 20)
        self.sent, self.come = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.come, self.sent,
                                    server_hostname="localhost")
        self.raw = b""
        self.n = 0
        self.do(self.tls.do_handshake)

    def flush(self, size=1 << 20):
        """Sends what is to go, by so many bytes at once."""
        text = self.sent.read()
        for at in range(0, len(text), size):
            self.plain.sendall(text[at:at + size])

    def take(self):
        """Hands one whole record on."""
        while len(self.raw) < 5 or \
                len(self.raw) < 5 + int.from_bytes(self.raw[3:5], "big"):
            piece = self.plain.recv(65536)
            assert piece, "the connection was closed"
            self.raw += piece
        size = 5 + int.from_bytes(self.raw[3:5], "big")
        self.n += self.raw[0] == APPLICATION_DATA
        self.come.write(self.raw[:size])
        self.raw = self.raw[size:]

    def do(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                self.take()
            finally:
                self.flush()

    def put(self, body):
        self.tls.write(f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}"
                       .encode())

    def ask(self, body):
        self.put(body)
        self.flush()
        return self.answer()

    def answer(self):
        """Head and body of the next, and the records that they came in."""
        before, got = self.n, b""
        while b"\r\n\r\n" not in got:
            got += self.do(lambda: self.tls.read(65536))
        head, _, rest = got.partition(b"\r\n\r\n")
        size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:"))
        while len(rest) < size:
            rest += self.do(lambda: self.tls.read(65536))
        assert len(rest) == size
        return head.decode(), json.loads(rest), self.n - before

    def close(self):
        self.plain.close()


def test_an_answer_is_one_record(start):
    with contextlib.closing(Counter(start().wait_ready())) as client:
        body = json.dumps(review(dry_run=True))
        client.ask(body)        # What a handshake leaves comes before it.
        for _ in range(3):
            head, answer, n = client.ask(body)
            assert head.startswith("HTTP/1.1 200")
            assert answer["response"]["allowed"]
            assert n == 1


def test_a_long_answer_is_whole(start):
    """What is not kept back, before and after answers that are."""
    wrong = {f"nginx.ingress.kubernetes.io/no-such-{i:03d}": "x" * 60
             for i in range(200)}
    wrong["nginx.ingress.kubernetes.io/proxy-read-timeout"] = "soon"
    hosts = [{"host": f"wrong_{i}.{'x' * 50}.test", "http": {"paths": [{
        "path": "/", "pathType": "Prefix",
        "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}
        for i in range(60)]
    long = review(annotations=wrong)
    long["request"]["object"]["spec"]["rules"] = hosts
    with contextlib.closing(Counter(start().wait_ready())) as client:
        short = json.dumps(review(dry_run=True))
        client.ask(short)
        _, answer, n = client.ask(json.dumps(long))
        assert not answer["response"]["allowed"]
        assert len(json.dumps(answer)) > 4096
        assert n > 1
        _, answer, n = client.ask(short)
        assert answer["response"]["allowed"] and n == 1


def test_what_comes_in_any_pieces(start):
    """Bytes one by one, several requests at once, a body of several records
    with a request behind it."""
    short = json.dumps(review(dry_run=True))
    padded = review(dry_run=True)
    padded["request"]["userInfo"] = {"username": "x" * 50000}
    with contextlib.closing(Counter(start().wait_ready())) as client:
        client.ask(short)
        client.plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.put(short)
        client.flush(1)
        assert client.answer()[1]["response"]["allowed"]
        for bodies in ([short] * 2, [short] * 9,
                       [json.dumps(padded), short]):
            for body in bodies:
                client.put(body)
            client.flush()
            for _ in bodies:
                assert client.answer()[1]["response"]["allowed"]


def test_whoever_does_not_read_is_ended(start):
    """Requests without end whose answers nobody takes: there is no room for
    one, and nothing waits for it."""
    webhook = start().wait_ready()
    body = json.dumps(review(dry_run=True))
    text = f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}"
    with contextlib.closing(Client(webhook)) as client:
        client.tls.settimeout(20)
        with pytest.raises((ConnectionError, ssl.SSLEOFError)):
            for _ in range(100000):
                client.send(text)
    assert is_answered(webhook, "127.0.0.1")
    assert webhook.alive()
