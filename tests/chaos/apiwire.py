"""The wire of the API server that stands in: HTTP/2 and HTTP/1.1 over TLS on
one event loop, each answer in the hands of who gives it, so that it can come
late, in part or not at all.

A Door is one port of it, and the way of one client: what happens on that way
happens to no other.
"""

import asyncio
import re
import ssl
import time
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import h2.config
import h2.connection
import h2.events
import h2.exceptions

CHUNK = 16384


class Request(NamedTuple):
    door: "Door"
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes


def request_of(door, method, target, headers, body):
    url = urlsplit(target)
    query = {k: v[0] for k, v in parse_qs(url.query).items()}
    return Request(door, method, url.path, query, headers, body)


class Cut(Exception):
    """This answer ends here, in the middle of whatever it is in."""


class Door:
    def __init__(self, name, port, context, serve):
        self.name, self.port = name, port
        self.context, self.serve = context, serve
        self.open = asyncio.Event()     # Cleared: no byte passes.
        self.open.set()
        self.wires = set()
        self.server = None
        self.accepted = []              # When; of the last minute.

    async def listen(self):
        if not self.server:
            self.server = await asyncio.start_server(
                self.accept, "127.0.0.1", self.port, backlog=256,
                ssl=self.context)

    def close(self):
        """Nobody listens."""
        if self.server:
            self.server.close()
            self.server = None

    def cut(self):
        """Resets what there is; returns how many connections that were."""
        wires = list(self.wires)
        for wire in wires:
            wire.abort()
        return len(wires)

    def lose(self, kinds):
        """No connection of now, if it is of HTTP/2 or not as in 'kinds', ever
        brings or takes a byte again, and nobody says so; new ones do."""
        lost = [wire for wire in self.wires if wire.is_http2 in kinds]
        for wire in lost:
            wire.is_lost = True
        return len(lost)

    async def accept(self, reader, writer):
        now = time.monotonic()
        self.accepted = [t for t in self.accepted if t > now - 60] + [now]
        wire = Wire(self, reader, writer)
        self.wires.add(wire)
        try:
            await wire.run()
        except (OSError, asyncio.IncompleteReadError, ValueError,
                asyncio.LimitOverrunError, h2.exceptions.ProtocolError, Cut):
            pass
        finally:
            self.wires.discard(wire)
            wire.abort()


class Wire:
    """One connection."""

    def __init__(self, door, reader, writer):
        self.door, self.reader, self.writer = door, reader, writer
        self.is_lost = self.is_http2 = False
        self.tasks = set()

    def abort(self):
        for task in self.tasks:
            task.cancel()
        self.writer.transport.abort()

    def is_closing(self):
        return self.writer.transport.is_closing()

    async def passes(self):
        """Until a byte may pass."""
        await self.door.open.wait()
        if self.is_lost:
            await asyncio.Event().wait()

    async def write(self, data):
        await self.passes()
        if self.is_closing():
            raise Cut()
        self.writer.write(data)
        await self.writer.drain()

    async def run(self):
        tls = self.writer.get_extra_info("ssl_object")
        self.is_http2 = tls.selected_alpn_protocol() == "h2"
        if self.is_http2:
            await Http2(self).run()
            return
        while not self.is_closing():
            await self.one()

    async def one(self):
        """A request of HTTP/1.1."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        await self.passes()
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        headers = {k.lower(): v for k, v in re.findall(
            r"(?m)^([^:\r\n]+): *(.*?)\r$", head)}
        body = await self.reader.readexactly(
            int(headers.get("content-length", 0)))
        await self.door.serve(
            request_of(self.door, method, target, headers, body),
            Answer(self))


class Answer:
    """Of HTTP/1.1.  The body has the length that the head told, or none was
    told: pieces."""

    def __init__(self, wire):
        self.wire, self.has_length = wire, False

    def is_over(self):
        return self.wire.is_closing()

    async def head(self, status, length=None, more=()):
        self.has_length = length is not None
        lines = ["HTTP/1.1 %d x" % status, "Content-Type: application/json",
                 "Content-Length: %d" % length if self.has_length else
                 "Transfer-Encoding: chunked", *("%s: %s" % f for f in more)]
        await self.wire.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def data(self, data):
        await self.wire.write(data if self.has_length else
                              b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self):
        if not self.has_length:
            await self.wire.write(b"0\r\n\r\n")

    async def cut(self):
        self.wire.abort()
        raise Cut()


class Http2:
    """A connection of many streams."""

    def __init__(self, wire):
        self.wire = wire
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8"))
        self.asked = {}                 # stream -> [fields, body]
        self.tasks = {}
        self.room = asyncio.Event()

    async def flush(self):
        """Whoever waits takes nothing that another one would overtake."""
        await self.wire.passes()
        data = self.conn.data_to_send()
        if data:
            await self.wire.write(data)

    async def run(self):
        self.conn.initiate_connection()
        await self.flush()
        while data := await self.wire.reader.read(65536):
            await self.wire.passes()
            for event in self.conn.receive_data(data):
                self.hear(event)
            await self.flush()

    def hear(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.asked[event.stream_id] = [dict(event.headers), b""]
        elif isinstance(event, h2.events.DataReceived):
            self.asked[event.stream_id][1] += event.data
            self.conn.acknowledge_received_data(
                event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            task = asyncio.create_task(self.answer(event.stream_id))
            self.tasks[event.stream_id] = task
            self.wire.tasks.add(task)
            task.add_done_callback(self.wire.tasks.discard)
        elif isinstance(event, h2.events.StreamReset):
            if event.stream_id in self.tasks:
                self.tasks.pop(event.stream_id).cancel()
        self.room.set()

    async def answer(self, stream):
        fields, body = self.asked.pop(stream)
        request = request_of(self.wire.door, fields[":method"],
                             fields[":path"], fields, body)
        try:
            await self.wire.door.serve(request, Stream(self, stream))
        except (OSError, Cut, h2.exceptions.ProtocolError):
            pass
        finally:
            self.tasks.pop(stream, None)


class Stream:
    """The answer on one of them."""

    def __init__(self, http2, number):
        self.http2, self.number = http2, number

    def is_over(self):
        return self.http2.wire.is_closing()

    async def head(self, status, length=None, more=()):
        fields = [(":status", str(status)),
                  ("content-type", "application/json"),
                  *((k.lower(), v) for k, v in more)]
        if length is not None:
            fields.append(("content-length", str(length)))
        self.http2.conn.send_headers(self.number, fields)
        await self.http2.flush()

    async def data(self, data):
        conn = self.http2.conn
        while data:
            n = min(conn.local_flow_control_window(self.number),
                    conn.max_outbound_frame_size, len(data), CHUNK)
            if n <= 0:
                self.http2.room.clear()
                await self.http2.room.wait()
                continue
            conn.send_data(self.number, data[:n])
            data = data[n:]
            await self.http2.flush()

    async def end(self):
        self.http2.conn.end_stream(self.number)
        await self.http2.flush()

    async def cut(self):
        self.http2.conn.reset_stream(self.number)
        await self.http2.flush()
        raise Cut()


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context
