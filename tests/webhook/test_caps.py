"""What one client, and all clients together, can make the webhook hold."""

import contextlib
import json
import socket
import ssl
import threading
import time

from conftest import review, until

MAX_BODY = 8 << 20
MAX_CONNECTIONS = 1024
HEAD = ("POST /validate HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\n")


class Client:
    """A TLS connection that speaks HTTP as badly as it likes."""

    def __init__(self, webhook, source="127.0.0.1"):
        context = ssl.create_default_context(cafile=webhook.authority.crt)
        plain = socket.create_connection(("127.0.0.1", webhook.port), 20,
                                         (source, 0))
        with plain:         # From wrap_socket() on it is empty.
            self.tls = context.wrap_socket(plain,
                                           server_hostname="localhost")

    def send(self, text):
        self.tls.sendall(text.encode())

    def until(self, word):
        """What comes up to the word, or the end."""
        got = b""
        while word.encode() not in got:
            piece = self.tls.recv(65536)
            if not piece:
                break
            got += piece
        return got.decode()

    def promise(self, size):
        """The head of a review whose body may follow; the answer to that."""
        self.send(f"{HEAD}Content-Length: {size}\r\n"
                  "Expect: 100-continue\r\n\r\n")
        return self.until("\r\n\r\n").split()[1]

    def ask(self, body):
        self.send(f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}")
        return self.until("}}")

    def close(self):
        self.tls.close()


def is_answered(webhook, source):
    with contextlib.closing(Client(webhook, source)) as client:
        answer = client.ask(json.dumps(review(dry_run=True)))
        return answer.startswith("HTTP/1.1 200") and '"allowed":true' in answer


def test_a_length_is_refused_before_the_body(start):
    webhook = start().wait_ready()
    for length, status in ((MAX_BODY, "100"), (MAX_BODY + 1, "413"),
                           (1 << 62, "413"), ("-1", "400"), ("x", "400"),
                           ("99999999999999999999", "413")):
        with contextlib.closing(Client(webhook)) as client:
            assert client.promise(length) == status, length
    assert webhook.review().status == 200


def test_bodies_have_a_sum_and_an_address_a_share(start):
    """Two clients promise all that may be read at once, half each; nobody
    else is kept out by the first one."""
    webhook = start().wait_ready()
    with contextlib.ExitStack() as stack:
        def promise(source):
            client = stack.enter_context(
                contextlib.closing(Client(webhook, source)))
            return client.promise(MAX_BODY)

        assert [promise("127.0.0.2") for _ in range(3)] == ["100", "100",
                                                            "503"]
        assert is_answered(webhook, "127.0.0.1")
        assert [promise("127.0.0.3") for _ in range(3)] == ["100", "100",
                                                            "503"]
        assert not is_answered(webhook, "127.0.0.1")
    until(lambda: is_answered(webhook, "127.0.0.1"),
               "what was promised to be given back")


def test_memory_of_documents_has_a_cap(start):
    """Text that takes forty times its bytes as a document."""
    webhook = start().wait_ready()
    body = '{"request":{"a":[' + "[]," * 2500000 + "[]]}}"
    assert len(body) < MAX_BODY
    answers = []

    def ask():
        answers.append(webhook.curl("/validate", body).status)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {413, 503} and 413 in answers
    assert webhook.review().status == 200
    peak = next(int(line.split()[1]) for line in
                open(f"/proc/{webhook.process.pid}/status")
                if line.startswith("VmHWM:"))
    assert peak < 256 << 10, f"{peak} kB were resident"


def test_connections_have_a_cap_and_an_address_a_share(start):
    webhook = start().wait_ready()
    held = []

    def hold(source, n):
        for _ in range(n):
            with contextlib.suppress(OSError):
                held.append(Client(webhook, source))
        return len(held)
    try:
        half = MAX_CONNECTIONS // 2 + 1
        assert hold("127.0.0.2", half + 20) == half
        assert is_answered(webhook, "127.0.0.1")
    finally:
        for client in held:
            client.close()
    until(lambda: is_answered(webhook, "127.0.0.2"), "room again")


def test_slow_clients_are_ended(start):
    """A head and a body that come byte by byte, for ever."""
    webhook = start().wait_ready()
    quiet, kept = Client(webhook), Client(webhook)
    assert "200 OK" in kept.ask(json.dumps(review(dry_run=True)))
    ended = {}

    def drip(name, head):
        client = Client(webhook)
        begun = time.monotonic()
        client.send(head)
        with contextlib.suppress(OSError):
            while time.monotonic() - begun < 90:
                client.send("a")
                client.tls.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    if not client.tls.recv(4096):
                        break
        ended[name] = time.monotonic() - begun < 90
        client.close()
    threads = [threading.Thread(target=drip, args=arguments) for arguments in (
        ("head", HEAD + "X-Slow: "),
        ("body", f"{HEAD}Content-Length: 100000\r\n\r\n"))]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert webhook.review(dry_run=True).response["allowed"]
        time.sleep(0.5)
    assert ended == {"head": True, "body": True}
    # Who only waits is not slow.
    for client in (quiet, kept):
        assert "200 OK" in client.ask(json.dumps(review(dry_run=True)))
        client.close()


def soft_limit(webhook):
    with open(f"/proc/{webhook.process.pid}/limits") as limits:
        return next(int(line.split()[3]) for line in limits
                    if line.startswith("Max open files"))


def test_descriptors_for_all_connections(start):
    """Whoever starts it with few open files allowed has not to know how many
    connections there may be."""
    webhook = start(wrapper=("prlimit", "--nofile=256:8192"),
                    log_level="warn")
    until(lambda: soft_limit(webhook) > MAX_CONNECTIONS,
               "limit")
    until(lambda: webhook.admin("/readyz")[0] == 200, "readiness")
    assert is_answered(webhook, "127.0.0.1")
    assert "open files" not in webhook.text()


def test_too_few_descriptors_are_told(start):
    webhook = start(wrapper=("prlimit", "--nofile=256:256"),
                    log_level="warn")
    until(lambda: "the hard limit of open files is 256"
               in webhook.text(), "complaint")
    until(lambda: webhook.admin("/readyz")[0] == 200, "readiness")
    assert is_answered(webhook, "127.0.0.1")
