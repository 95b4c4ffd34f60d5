"""A client or a server that goes away in the middle of a request."""

import contextlib
import socket
import struct
import threading

import h2.config
import h2.connection
import h2.events
import pytest

import rig
from rig import until
from servers import Server

UPLOADS = 20


def piece(c):
    """Nothing at the end, however it comes."""
    try:
        return c.recv(65536)
    except ConnectionError:
        return b""


class Uploads(Server):
    """Takes bodies and keeps how each ended: "whole", or "cut" where the end
    never came."""

    def __init__(self, is_http2=False):
        self.talk = self.read_http2 if is_http2 else self.read_http1
        self.words = " proto h2" if is_http2 else ""
        self.begun = threading.Semaphore(0)
        self.ends = []
        super().__init__()

    def read_http1(self, c):
        data = b""
        while not data.endswith(b"\r\n0\r\n\r\n"):
            was_begun = b"first" in data
            more = piece(c)
            if not more:
                self.ends.append("cut")
                return
            data += more
            if b"first" in data and not was_begun:
                self.begun.release()
        self.ends.append("whole")

    def read_http2(self, c):
        """HAProxy may keep the connection for the next upload."""
        conn = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False))
        conn.initiate_connection()
        under_way, data = set(), True
        while data:
            with contextlib.suppress(ConnectionError):
                c.sendall(conn.data_to_send())
            data = piece(c)
            for event in conn.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    under_way.add(event.stream_id)
                elif isinstance(event, h2.events.DataReceived) and event.data:
                    self.begun.release()
                elif isinstance(event, h2.events.StreamEnded):
                    under_way.discard(event.stream_id)
                    self.ends.append("whole")
                elif isinstance(event, h2.events.StreamReset) and \
                        event.stream_id in under_way:
                    under_way.discard(event.stream_id)
                    self.ends.append("cut")
        self.ends += ["cut"] * len(under_way)


class Client:
    """An upload that has begun, over HTTP/1."""

    def __init__(self, address, host):
        self.socket = socket.create_connection(address, timeout=rig.DEADLINE)
        self.begin(host)

    def begin(self, host):
        self.socket.sendall(
            b"POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n"
            b"\r\n5\r\nfirst\r\n" % host.encode())

    def end(self):
        self.socket.sendall(b"0\r\n\r\n")

    def close(self):
        self.socket.close()

    def abort(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()


class Client2(Client):
    """The same over HTTP/2."""

    def begin(self, host):
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration())
        self.conn.initiate_connection()
        self.conn.send_headers(1, [
            (":method", "POST"), (":scheme", "http"), (":path", "/"),
            (":authority", host)])
        self.conn.send_data(1, b"first")
        self.socket.sendall(self.conn.data_to_send())

    def end(self):
        self.conn.end_stream(1)
        self.socket.sendall(self.conn.data_to_send())

    def cancel(self):
        self.conn.reset_stream(1, 8)
        self.socket.sendall(self.conn.data_to_send())


@pytest.fixture(scope="module")
def it():
    with rig.Rig() as made:
        yield made


@pytest.fixture(scope="module", params=[False, True],
                ids=["HTTP/1 server", "HTTP/2 server"])
def uploads(it, request):
    made = Uploads(request.param)
    made.host = "h%d.test" % made.port
    it.add("http", made.host + "/", it.take("plain", made))
    return made


@pytest.mark.parametrize("client,leave", [
    (Client, "close"), (Client, "abort"), (Client2, "close"),
    (Client2, "abort"), (Client2, "cancel")])
def test_half_an_upload_is_never_a_whole_one(it, uploads, client, leave):
    for how in [leave] * UPLOADS + ["end"]:
        uploads.ends.clear()
        one = client(it.http, uploads.host)
        assert uploads.begun.acquire(timeout=rig.DEADLINE)
        getattr(one, how)()
        until(lambda: uploads.ends, "the server hears of it")
        assert uploads.ends == ["whole" if how == "end" else "cut"]
        one.close()
