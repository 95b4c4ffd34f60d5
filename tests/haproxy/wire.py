"""What the driver says to HAProxy, heard on the way."""

import os
import re
import select
import socket
import threading

from servers import Server


class Wire(Server):
    """Takes the place of a socket in the run directory and hands everything
    on.  'texts' are what was said on one connection each, 'most' how many
    connections there were at once.  'change' may replace an answer, None
    closes without one."""

    def __init__(self, d, name="haproxy.sock", change=None):
        self.path = d.run + "/" + name
        self.real = d.run + "/real-" + name
        self.change = change or (lambda said, answer: answer)
        self.texts, self.now, self.most = [], 0, 0
        self.lock = threading.Lock()
        os.rename(self.path, self.real)
        listens = socket.socket(socket.AF_UNIX)
        listens.bind(self.path)
        self.inode = os.stat(self.path).st_ino
        listens.listen(16)
        super().__init__(listens=listens)

    def talk(self, client):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        said, answer = b"", b""
        try:
            with socket.socket(socket.AF_UNIX) as real:
                real.connect(self.real)
                open_ends = [client, real]
                while real in open_ends:
                    ready, _, _ = select.select(open_ends, [], [], 20)
                    if not ready:
                        break
                    if client in ready:
                        data = client.recv(65536)
                        said += data
                        if data:
                            real.sendall(data)
                        else:
                            open_ends.remove(client)
                            real.shutdown(socket.SHUT_WR)
                    if real in ready:
                        data = real.recv(65536)
                        answer += data
                        if not data:
                            open_ends.remove(real)
        except OSError:
            pass
        with self.lock:
            self.now -= 1
            self.texts.append(said.decode("latin-1"))
        client.sendall(self.change(said.decode("latin-1"), answer) or b"")

    def commands(self):
        """Each command without its payload, in the order they were said."""
        return [c for text in self.texts for c in
                re.split(r"(?<!\\);", text.split("\n", 1)[0])]

    def close(self):
        super().close()
        if os.stat(self.path).st_ino == self.inode:
            os.rename(self.real, self.path)
