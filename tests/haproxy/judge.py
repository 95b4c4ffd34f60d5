"""An authentication service for tests: a real HTTP server whose verdict the
request itself, or the test, says."""

import re
import threading

import rig
from servers import Server, read_head


class Judge(Server):
    """Answers with the status of the header X-Want, else with 'status', and
    with the lines of 'extra'.  What it was asked is in 'heads', by which name
    in TLS in 'names'."""

    def __init__(self, status=200, tls=None):
        self.status = status
        self.names = []
        if tls:
            tls.sni_callback = lambda _, name, __: self.names.append(name)
        self.extra = ""
        self.body = "verdict"
        self.go = threading.Event()
        self.go.set()
        self.heads = []
        super().__init__(tls)

    def one(self, c):
        head = read_head(c).split(b"\r\n\r\n")[0].decode("latin-1")
        self.heads.append(head)
        self.go.wait(rig.DEADLINE)
        want = re.search(r"(?im)^x-want: *(\S+)", head)
        status = want.group(1) if want else str(self.status)
        if status == "nothing":
            return False
        body = "" if head.startswith("HEAD") else self.body
        c.sendall(("HTTP/1.1 %s x\r\n%sContent-Length: %d\r\n\r\n%s" % (
            status, self.extra, len(body), body)).encode("latin-1"))
        return True

    def last(self):
        """The line of the last question and its headers."""
        lines = self.heads[-1].split("\r\n")
        return lines[0], {k.lower(): v for k, v in
                          (l.split(": ", 1) for l in lines[1:])}
