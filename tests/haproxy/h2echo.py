"""A server that speaks HTTP/2 and nothing else."""

import json
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from rig import listener


class H2Echo:
    """As rig.Echo, over HTTP/2: in the clear, or with 'tls' in TLS."""

    words = " proto h2"

    def __init__(self, name, tls=None):
        self.name = name
        self.tls = tls
        self.count = 0
        self.socket = listener()
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        try:
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
            self.talk(c)
        except (OSError, ValueError, h2.exceptions.ProtocolError):
            pass
        finally:
            c.close()

    def talk(self, c):
        config = h2.config.H2Configuration(client_side=False,
                                           header_encoding="latin-1")
        conn = h2.connection.H2Connection(config)
        heads = {}
        conn.initiate_connection()
        c.sendall(conn.data_to_send())
        while True:
            data = c.recv(65536)
            if not data:
                return
            for event in conn.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    heads[event.stream_id] = event.headers
                elif isinstance(event, h2.events.StreamEnded):
                    self.answer(conn, event.stream_id,
                                heads.pop(event.stream_id))
            c.sendall(conn.data_to_send())

    def answer(self, conn, stream, fields):
        self.count += 1
        out = json.dumps({
            "server": self.name, "target": dict(fields)[":path"],
            "headers": [list(f) for f in fields], "body": 0}).encode()
        conn.send_headers(stream, [(":status", "200"),
                                   ("content-length", str(len(out)))])
        conn.send_data(stream, out, end_stream=True)

    def close(self):
        self.socket.close()
