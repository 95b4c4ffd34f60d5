"""A real HAProxy under the built program, with servers and clients around it.

HAPROXY names the binary (default: the one on PATH), RENDER_TOOL the tool that
prints the program.  Every rig lives in a directory and on ports of its own.
"""

import collections
import functools
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

import h2.config
import h2.connection
import h2.events

from servers import Echo, listener

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.append(os.path.join(ROOT, "tests"))

from waiting import DEADLINE, until  # noqa: E402

HAPROXY = os.environ.get("HAPROXY") or shutil.which(
    "haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
END = "\x01"
MAPS = ["http", "https", "all", "http-regex", "https-regex", "sni", "client",
        "policy", "cidr",
        "rewrite", "match", "slots", "meta", "server-tls", "unanswered"]

Answer = collections.namedtuple("Answer", "status headers body")


@functools.cache
def render_tool():
    """The tool the Makefile built, built now where nobody said which."""
    tool = os.environ.get("RENDER_TOOL")
    if not tool:
        tool = os.path.join(ROOT, "build/release/tools/render_tool")
        subprocess.run(["make", "-s", "-C", ROOT,
                        "build/release/tools/render_tool"], check=True)
    return tool


def attempt(ask):
    """What it gives; None while there is no answer, or not such a one."""
    try:
        return ask()
    except (OSError, IndexError, ValueError):
        return None


def haproxy_version():
    """Such as (2, 6)."""
    text = subprocess.run([HAPROXY, "-v"], capture_output=True,
                          text=True, check=True).stdout.split()[2]
    return tuple(map(int, text.split("-")[0].split(".")[:2]))


def parse(data):
    """The last answer of raw HTTP/1 bytes; status 0: no answer at all."""
    if not data:
        return Answer(0, [], "")
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(l.split(": ", 1)) for l in lines[1:] if ": " in l]
    return Answer(int(lines[0].split()[1]),
                  [(k.lower(), v) for k, v in headers], body.decode("latin-1"))


def header(answer, name):
    return [v for k, v in answer.headers if k == name.lower()]


def raw(address, data, timeout=DEADLINE):
    """Sends bytes, reads until close or a whole answer."""
    with socket.create_connection(address, timeout=timeout) as s:
        return exchange(s, data)


def exchange(s, data):
    try:
        s.sendall(data)
        got = b""
        while True:
            head, sep, body = got.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^content-length: *(\d+)", head)
            if sep and (re.match(rb"HTTP/1.. (204|304)", head) or
                        length and len(body) >= int(length.group(1))):
                break
            more = s.recv(65536)
            if not more:
                break
            got += more
    except ConnectionResetError:
        pass
    return parse(got)


def http1(address, target="/", host="h.test", method="GET", headers=(),
          body=b"", version="1.1", sock=None, line=None):
    """One HTTP/1 request, byte for byte: text is Latin-1, nothing checked."""
    text = line or "%s %s HTTP/%s" % (method, target, version)
    text += "\r\n"
    if host is not None:
        text += "Host: %s\r\n" % host
    for name, value in headers:
        text += "%s: %s\r\n" % (name, value)
    if body and "content-length" not in [n.lower() for n, _ in headers] and \
            "transfer-encoding" not in [n.lower() for n, _ in headers]:
        text += "Content-Length: %d\r\n" % len(body)
    if not sock:
        text += "Connection: close\r\n"
    data = (text + "\r\n").encode("latin-1") + body
    return exchange(sock, data) if sock else raw(address, data)


def http2(address, target="/", host="h.test", method="GET", headers=(),
          body=b"", sock=None, scheme="http", more=()):
    """One HTTP/2 request with any bytes; 'more' replaces pseudo headers.
    A reset stream or connection is status 0."""
    config = h2.config.H2Configuration(
        client_side=True, header_encoding=None, validate_outbound_headers=False,
        normalize_outbound_headers=False, validate_inbound_headers=False)
    conn = h2.connection.H2Connection(config)
    s = sock or socket.create_connection(address, timeout=DEADLINE)
    conn.initiate_connection()
    fields = [(":method", method), (":scheme", scheme), (":path", target)]
    if host is not None:
        fields.append((":authority", host))
    fields += list(more) + list(headers)
    conn.send_headers(1, [(k.encode("latin-1"), v.encode("latin-1"))
                          for k, v in fields], end_stream=not body)
    if body:
        conn.send_data(1, body, end_stream=True)
    s.sendall(conn.data_to_send())
    status, got, text, done = 0, [], b"", False
    try:
        while not done:
            data = s.recv(65536)
            if not data:
                break
            for event in conn.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    fields = [(k.decode("latin-1"), v.decode("latin-1"))
                              for k, v in event.headers]
                    status = int(dict(fields)[":status"])
                    got = [(k.lower(), v) for k, v in fields if k[0] != ":"]
                elif isinstance(event, h2.events.DataReceived):
                    text += event.data
                elif isinstance(event, (h2.events.StreamEnded,
                                        h2.events.StreamReset,
                                        h2.events.ConnectionTerminated)):
                    done = True
            s.sendall(conn.data_to_send())
    except ConnectionResetError:
        pass
    finally:
        s.close()
    return Answer(status, got, text.decode("latin-1"))


def make_cert(path, name, days=30):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout", path, "-out",
         path + ".crt", "-subj", "/CN=" + name, "-addext",
         "subjectAltName=DNS:" + name, "-days", str(days)],
        check=True, stderr=subprocess.DEVNULL)
    with open(path, "a") as f, open(path + ".crt") as g:
        f.write(g.read())
    os.rename(path + ".crt", path[:-4] + ".ca")


def policy(*settings):
    """What policy.c makes of NAME=VALUE settings: id, flags, kind, slot and
    the rows."""
    out = subprocess.run([render_tool(), "policy", *settings], check=True,
                         stdout=subprocess.PIPE).stdout.decode("latin-1")
    lines = out.rstrip("\n").split("\n")
    rid, flags, kind, slot = lines[0].split("\t")
    return rid, int(flags), kind, slot, [l.split("\t") for l in lines[1:]]


def cli(folder, command, sock="haproxy.sock"):
    """What HAProxy says to a command on a socket of its run directory."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        s.connect(folder + "/" + sock)
        s.sendall((command + "\n").encode("latin-1"))
        if sock == "master.sock":
            s.shutdown(socket.SHUT_WR)
        out = b""
        while True:
            more = s.recv(65536)
            if not more:
                return out.decode("latin-1").strip()
            out += more


def worker(folder):
    """The pid of the HAProxy that serves, None: nobody does."""
    try:
        return int(re.search(r"(?m)^Pid: (\d+)$", cli(folder, "show info"))[1])
    except (OSError, TypeError):
        return None


class Rig:
    """HAProxy in the foreground; 'master' runs it as the product does."""

    CLASSES = ["plain,roundrobin,5000,16", "policy,roundrobin,5000,64",
               "cookie,roundrobin,5000,4", "tcp,roundrobin,5000,4"]

    def __init__(self, rows=(), options=(), classes=None, master=False,
                 passthrough=False, start=True):
        self.dir = tempfile.mkdtemp(prefix="sp-")
        self.master = master
        self.process = None
        self.used = collections.Counter()
        self.echoes = []
        os.mkdir(self.dir + "/maps")
        os.mkdir(self.dir + "/certs")
        os.mkdir(self.dir + "/lua")
        subprocess.run([render_tool(), "scripts", self.dir], check=True)
        for name in MAPS:
            open("%s/maps/%s.map" % (self.dir, name), "w").close()
        self.write_rows(rows)
        make_cert(self.dir + "/certs/default.pem", "default.test")
        with open(self.dir + "/crt-list", "w") as f:
            f.write(self.dir + "/certs/default.pem !*\n")
        self.http_socket = listener()
        self.https_socket = listener()
        self.http = self.http_socket.getsockname()
        self.https = self.https_socket.getsockname()
        fds = [os.dup(self.http_socket.fileno()),
               os.dup(self.https_socket.fileno()),
               os.dup(self.https_socket.fileno())]
        self.fds = fds
        args = ["http=fd@%d" % fds[0], "https=fd@%d" % fds[1],
                "https_port=%d" % self.https[1], "table_size=1000", "maxconn=1000"]
        if passthrough:
            args += ["mux=fd@%d" % fds[2], "passthrough=1"]
        args += ["class=" + c for c in classes or self.CLASSES]
        with open(self.dir + "/haproxy.cfg", "wb") as f:
            subprocess.run([render_tool(), self.dir, *args, *options],
                           stdout=f, check=True)
        if start:
            self.start()

    def start(self):
        args = [HAPROXY, "-f", self.dir + "/haproxy.cfg"]
        args[1:1] = (["-W", "-S", "unix@%s/master.sock,mode,600" % self.dir]
                     if self.master else ["-db"])
        self.output = open(self.dir + "/output", "wb")
        self.process = subprocess.Popen(args, pass_fds=self.fds,
                                        stdout=self.output,
                                        stderr=subprocess.STDOUT)
        try:
            until(lambda: self.process.poll() is not None or self.answers(),
                  "HAProxy up")
            assert self.process.poll() is None
        except AssertionError:
            raise AssertionError(open(self.dir + "/output").read())

    def answers(self):
        try:
            return "Uptime" in self.cli("show info")
        except OSError:
            return False

    def cli(self, command, sock="haproxy.sock"):
        return cli(self.dir, command, sock)

    def write_rows(self, rows):
        for name, key, value in rows:
            with open("%s/maps/%s.map" % (self.dir, name), "a",
                      encoding="latin-1") as f:
                f.write("%s %s\n" % (key, value))

    def add(self, name, key, value):
        """One map row over the runtime socket."""
        said = self.cli("add map %s/maps/%s.map <<\n%s %s\n" %
                        (self.dir, name, key, value))
        assert said == "", said

    def set(self, name, key, value):
        said = self.cli("set map %s/maps/%s.map %s %s" %
                        (self.dir, name, key, re.sub(r"([;\\ ])", r"\\\1",
                                                     value)))
        assert said == "", said

    def take(self, kind="plain", echo=None, tcp=False):
        """A free slot of the first class of 'kind' with one or more of our
        servers, and its name."""
        self.used[kind] += 1
        slot = "%s-roundrobin-5000.%04d" % (kind, self.used[kind])
        echoes = echo if isinstance(echo, list) else [echo or
                                                      Echo(slot)]
        for n, e in enumerate(echoes, 1):
            self.echoes.append(e)
            said = self.cli("add server %s/s%d 127.0.0.1:%d id %d%s%s" % (
                slot, n, e.port, n, "" if tcp else
                " pool-purge-delay 5s pool-max-conn -1", e.words))
            assert "registered" in said, said
            self.cli("enable server %s/s%d" % (slot, n))
        if kind == "cookie":
            self.cli("set dynamic-cookie-key backend %s sallyport" % slot)
        return slot

    def add_policy(self, key, *settings, tables=("http",), echo=None,
                   kind=None):
        """A route with a policy as the data plane writes it: rows first.
        Returns (route id, slot)."""
        rid, flags, wanted, slot, rows = policy(*settings)
        slot = slot or self.take(kind or wanted, echo)
        for row in rows:
            self.add(*row)
        for table in tables:
            self.add(table, key, "%s;%s;%d" % (slot, rid, flags))
        return rid, slot

    def tls(self, sni="h.test", alpn=None):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols([alpn])
        s = socket.create_connection(self.https, timeout=DEADLINE)
        return context.wrap_socket(s, server_hostname=sni)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(DEADLINE)
            self.output.close()
        for fd in self.fds:
            os.close(fd)
        for e in self.echoes:
            e.close()
        self.http_socket.close()
        self.https_socket.close()
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def server(answer):
    """Which server answered, or the status where none did."""
    if answer.status != 200:
        return answer.status
    return json.loads(answer.body)["server"]


def sent(answer):
    """What the server saw: (target, {header: value})."""
    seen = json.loads(answer.body)
    return seen["target"], {k.lower(): v for k, v in seen["headers"]}
