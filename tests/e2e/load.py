"""Traffic that runs while something else happens, and is counted.

A request counts as failed when it has no answer or a wrong one.  As every
client does, a kept connection that turns out to be closed before the first byte
of the answer is replaced once ('reopened'); a failure on a new connection is a
failure.
"""

import base64
import http.client
import os
import socket
import ssl
import struct
import threading
import time


class Load:
    """with Load("a.test", "/", port) as load: ...  load.failures == []"""

    def __init__(self, host, path="/", port=80, tls=False, threads=4,
                 pause=0.005, timeout=10, keep=True, expect=200,
                 address="127.0.0.1", right=None):
        """pause: seconds between two requests of a thread.  keep: reuse
        connections.  right(body): False counts as failed as well."""
        self.host, self.path = host, path
        self.address, self.port, self.tls = address, port, tls
        self.pause, self.timeout, self.keep = pause, timeout, keep
        self.expect, self.right = expect, right
        self.done = self.reopened = 0
        self.failures = []
        self.slowest = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True)
                         for _ in range(threads)]

    def _connect(self):
        connection = http.client.HTTPConnection(self.address, self.port,
                                                timeout=self.timeout)
        connection.connect()
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock,
                                                  server_hostname=self.host)
        return connection

    def _ask(self, connection):
        connection.putrequest("GET", self.path, skip_host=True,
                              skip_accept_encoding=True)
        connection.putheader("Host", self.host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.will_close

    def _once(self, connection):
        """One request; returns the connection to go on with, or None."""
        used = connection is not None
        try:
            connection = connection or self._connect()
            status, body, closing = self._ask(connection)
        except (http.client.RemoteDisconnected, ConnectionResetError,
                BrokenPipeError):
            if not used:
                raise
            connection.close()
            with self._lock:
                self.reopened += 1
            connection = self._connect()
            status, body, closing = self._ask(connection)
        if status != self.expect or (self.right and not self.right(body)):
            raise ValueError(f"{status}: {body[:200]!r}")
        if self.keep and not closing:
            return connection
        connection.close()
        return None

    def _run(self):
        connection = None
        while not self._stop.is_set():
            begun = time.monotonic()
            failure = None
            try:
                connection = self._once(connection)
            except Exception as error:  # whatever it is, it is counted
                failure, connection = f"{type(error).__name__}: {error}", None
            with self._lock:
                self.done += 1
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if failure:
                    self.failures.append((time.time(), failure))
            self._stop.wait(self.pause)

    def wait_more(self, count, timeout=30):
        """Returns when that many further requests are through."""
        goal, deadline = self.done + count, time.monotonic() + timeout
        while self.done < goal:
            assert time.monotonic() < deadline, (
                f"{self.done} of {goal} requests after {timeout} s")
            time.sleep(0.01)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(self.timeout + 5)

    def __str__(self):
        return (f"{self.done} requests, {len(self.failures)} failed, "
                f"{self.reopened} connections reopened, slowest "
                f"{self.slowest * 1000:.0f} ms")


class WebSocket:
    """A client for short text messages (up to 64 KiB)."""

    def __init__(self, host, path="/", port=80, address="127.0.0.1",
                 timeout=10):
        self.socket = socket.create_connection((address, port), timeout)
        self.socket.sendall((
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-"
            f"Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        ).encode())
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self._read(1)
        self.status = int(self.head.split()[1])
        if self.status != 101:
            self.socket.close()

    def _read(self, size):
        data = self.socket.recv(size, socket.MSG_WAITALL) if size else b""
        if len(data) < size:
            raise ConnectionError("the WebSocket was closed")
        return data

    def send(self, text):
        data = text.encode()
        mask = os.urandom(4)
        size = (struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else
                struct.pack("!BH", 0xfe, len(data)))
        self.socket.sendall(b"\x81" + size + mask + bytes(
            b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        """The next message; ConnectionError where the end has come."""
        kind, size = self._read(2)
        if size == 126:
            size, = struct.unpack("!H", self._read(2))
        data = self._read(size)
        if kind & 0x0f == 8:
            raise ConnectionError("the WebSocket was closed")
        return data.decode()

    def ask(self, text):
        self.send(text)
        return self.receive()

    def close(self):
        self.socket.close()
