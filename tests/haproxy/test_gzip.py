"""--gzip: which answers are compressed, and which reach the client as they are."""

import gzip
import http.server
import threading

import pytest

from rig import header
from standalone import Standalone, check, ingress, service

HOST = "h.test"
TEXT = b"so it is. " * 500


class Pages(http.server.BaseHTTPRequestHandler):
    """/STATUS/TYPE/SUBTYPE[/CODING]: such an answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, kind, sub, *coding = self.path.strip("/").split("/")
        self.send_response(int(status))
        self.send_header("Content-Type", "%s/%s; charset=utf-8" % (kind, sub))
        self.send_header("ETag", '"strong"')
        if coding == ["no-transform"]:
            self.send_header("Cache-Control", coding.pop())
        if coding:
            self.send_header("Content-Encoding", coding[0])
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def pages():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def make(pages, *flags):
    world = Standalone(*flags, services=[service("pages", pages)])
    world.apply([ingress("plain", HOST, to="pages"),
                 ingress("policy", "policy.test", {"limit-rps": "1000"},
                         to="pages")])
    for host in (HOST, "policy.test"):
        check(world, lambda w: w.get("/200/text/html", host=host).status, 200,
              "the route")
    return world


def coding(got):
    return header(got, "content-encoding")


def whole(body):
    """What the chunks of an answer hold."""
    made, rest = b"", body.encode("latin-1")
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        made += rest[:int(size, 16)]
        rest = rest[int(size, 16) + 2:]
    return made


def test_text_is_compressed(pages):
    with make(pages, "--gzip") as world:
        for host in (HOST, "policy.test"):
            for tls in (False, True):
                for kind in ("text/html", "text/css", "application/json",
                             "image/svg+xml"):
                    got = world.get("/200/" + kind, host=host, tls=tls,
                                    headers=[("Accept-Encoding", "br, gzip"),
                                             ("Connection", "close")])
                    assert coding(got) == ["gzip"]
                    assert header(got, "content-length") == []
                    assert "Accept-Encoding" in header(got, "vary")[0]
                    assert header(got, "etag") == ['W/"strong"']
                    assert len(got.body) < len(TEXT) / 2
                    assert gzip.decompress(whole(got.body)) == TEXT


@pytest.mark.parametrize("target, accepts", [
    ("/200/text/html", None), ("/200/text/html", "br"),
    ("/200/text/html", "gzip;q=0"), ("/200/image/png", "gzip"),
    ("/200/text/event-stream", "gzip"), ("/200/text/html/br", "gzip"),
    ("/200/text/html/no-transform", "gzip"), ("/404/text/html", "gzip")])
def test_the_rest_is_not(compressing, target, accepts):
    got = compressing.get(target, host=HOST, headers=[
        ("Accept-Encoding", accepts)] if accepts else [])
    assert coding(got) == (["br"] if target.endswith("/br") else [])
    assert got.body.encode() == TEXT


@pytest.fixture(scope="module")
def compressing(pages):
    with make(pages, "--gzip") as world:
        yield world


def test_without_the_flag(pages):
    with make(pages) as world:
        got = world.get("/200/text/html", host=HOST,
                        headers=[("Accept-Encoding", "gzip")])
        assert coding(got) == [] and got.body.encode() == TEXT
        assert header(got, "etag") == ['"strong"']
