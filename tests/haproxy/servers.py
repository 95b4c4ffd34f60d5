"""Servers for tests: each listens on a port of its own on loopback and serves
every connection in a thread of its own."""

import contextlib
import functools
import json
import re
import socket
import threading
import time

import h2.exceptions


def listener(port=0):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(256)
    return s


def receive(c):
    """The next bytes; that there are none any more is an error."""
    data = c.recv(65536)
    if not data:
        raise ConnectionError("closed")
    return data


def read_head(c):
    """The bytes up to the end of a head at least."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(c)
    return data


def read_request(c):
    """A whole request: its head, without the empty line, and its body, as it
    came."""
    head, body = read_head(c).split(b"\r\n\r\n", 1)
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    is_chunked = re.search(rb"(?im)^transfer-encoding: *chunked", head)
    while (length and len(body) < int(length.group(1)) or
           is_chunked and not body.endswith(b"0\r\n\r\n")):
        body += receive(c)
    return head, body


class Server:
    """What all have in common.  A kind of server says what it does with a
    connection, talk(), or with one request, one(); it sets what these need
    before it calls __init__() here, which begins to listen."""

    words = ""                  # Of "add server", beyond address and pool.

    def __init__(self, tls=None, listens=None):
        self.tls = tls
        self.connections = 0
        self.socket = listens or listener()
        threading.Thread(target=self.accept, daemon=True).start()

    @functools.cached_property
    def port(self):
        return self.socket.getsockname()[1]

    def accept(self):
        with contextlib.suppress(OSError):      # Until it is closed.
            while True:
                c, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(c,),
                                 daemon=True).start()

    def serve(self, c):
        try:
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
            self.talk(c)
        except (OSError, ValueError, h2.exceptions.ProtocolError):
            pass                # The other side's affair.
        finally:
            c.close()

    def talk(self, c):
        while self.one(c):
            pass

    def close(self):
        """From now on the port refuses: accept() is woken, because a socket
        that somebody waits on outlives its close()."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Raw(Server):
    """Hands each connection to a function."""

    def __init__(self, talk):
        self.talk = talk
        super().__init__()


def says(status, extra="", body="x"):
    """Answers every request of a connection so."""
    def talk(c):
        while True:
            read_head(c)
            c.sendall(("HTTP/1.1 %s x\r\n%sContent-Length: %d\r\n\r\n%s" %
                       (status, extra, len(body), body)).encode())
    return talk


class Echo(Server):
    """Answers every request with a JSON account of the bytes it got."""

    def __init__(self, name, answer=None, tls=None, listens=None):
        self.name = name
        self.extra = answer or ""
        self.count = 0
        self.delay = 0
        super().__init__(tls, listens)

    def one(self, c):
        head, body = read_request(c)
        self.count += 1
        time.sleep(self.delay)
        lines = head.decode("latin-1").split("\r\n")
        out = json.dumps({
            "server": self.name,
            "target": lines[0].split(" ", 1)[1].rsplit(" ", 1)[0],
            "version": lines[0].rsplit(" ", 1)[-1],
            "headers": [l.split(": ", 1) for l in lines[1:]],
            "body": len(body),
        }).encode()
        c.sendall(("HTTP/1.1 200 OK\r\nServer: echo\r\nContent-Length: %d\r\n"
                   "%s\r\n" % (len(out), self.extra)).encode("latin-1") + out)
        return True


class Stubborn:
    """A server whose port refuses: it is bound, and nobody listens."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()
