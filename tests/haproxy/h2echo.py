"""A server that speaks HTTP/2 and nothing else."""

import json

import h2.config
import h2.connection
import h2.events

from servers import Server, receive


class H2Echo(Server):
    """As Echo, over HTTP/2: in the clear, or with 'tls' in TLS."""

    words = " proto h2"

    def __init__(self, name, tls=None):
        self.name = name
        self.count = 0
        super().__init__(tls)

    def talk(self, c):
        config = h2.config.H2Configuration(client_side=False,
                                           header_encoding="latin-1")
        conn = h2.connection.H2Connection(config)
        heads, bodies = {}, {}
        conn.initiate_connection()
        c.sendall(conn.data_to_send())
        while True:
            for event in conn.receive_data(receive(c)):
                if isinstance(event, h2.events.RequestReceived):
                    heads[event.stream_id] = event.headers
                    bodies[event.stream_id] = b""
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    self.count += 1
                    self.answer(conn, event.stream_id,
                                heads.pop(event.stream_id),
                                bodies.pop(event.stream_id))
            c.sendall(conn.data_to_send())

    def answer(self, conn, stream, fields, body):
        out = json.dumps({
            "server": self.name, "target": dict(fields)[":path"],
            "headers": [list(f) for f in fields],
            "body": len(body)}).encode()
        conn.send_headers(stream, [(":status", "200"),
                                   ("content-length", str(len(out)))])
        conn.send_data(stream, out, end_stream=True)
