"""More backends of one route: in place of none, of an error, beside the
first, and what they are told."""

import json

import pytest

from rig import Echo, header, sent, server, until
from servers import Raw, read_head, read_request, says
from standalone import Standalone, check, config_map, ingress, service

HOST = "h.test"


@pytest.fixture(scope="module")
def page():
    """A default backend: it answers 418 and says what it was told."""
    def talk(c):
        while True:
            head = read_head(c).decode("latin-1")
            body = json.dumps([l.split(": ", 1) for l in
                               head.split("\r\n")[:-2]])
            c.sendall(("HTTP/1.1 418 x\r\nX-Page: mine\r\n"
                       "Content-Length: %d\r\n\r\n%s" %
                       (len(body), body)).encode())

    made = Raw(talk)
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(page):
    main, broken = Echo("main"), Raw(says("500"))
    with Standalone("--configmap", "default/defaults", services=[
            service("main", main.port), service("broken", broken.port),
            service("page", page.port), service("empty", None)]) as it:
        yield it
    main.close()
    broken.close()


def told(answer):
    """What the default backend was told."""
    lines = json.loads(answer.body)
    return {k.lower(): v for k, v in lines[1:]}, lines[0][0]


def test_default_backend(world):
    world.apply([ingress("one", HOST, to="empty")])
    check(world, lambda w: w.get().status, 503, "nobody")
    world.apply([ingress("one", HOST, {"default-backend": "page"},
                         to="empty")])
    check(world, lambda w: w.get().status, 418, "the default backend")
    headers, line = told(world.get("/x?y"))
    assert line == "GET /x?y HTTP/1.1"
    assert [headers["x-code"], headers["x-original-uri"],
            headers["x-namespace"], headers["x-ingress-name"],
            headers["x-service-name"], headers["x-service-port"]] == [
        "503", "/x?y", "default", "one", "empty", "80"]
    world.apply([ingress("one", HOST, {"default-backend": "page"})])
    check(world, lambda w: w.get().status, 200, "its own Service")


def test_custom_http_errors(world):
    reloads = world.metric("sallyport_haproxy_reloads_total")
    errors = {"custom-http-errors": "404,500", "default-backend": "page"}
    world.apply([ingress("one", HOST, to="broken")])
    check(world, lambda w: w.get().status, 500, "the error")
    world.apply([ingress("one", HOST, errors, to="broken")])
    check(world, lambda w: w.get().status, 418, "the page")
    got = world.get("/x?y", headers=[("Accept", "text/html"),
                                     ("X-Request-ID", "abc")])
    headers, line = told(got)
    assert header(got, "x-page") == ["mine"] and line == "GET / HTTP/1.1"
    assert [headers["x-code"], headers["x-format"], headers["x-original-uri"],
            headers["x-service-name"], headers["x-request-id"]] == [
        "500", "text/html", "/x?y", "broken", "abc"]
    assert not any(name.startswith("x-sallyport") for name in headers)
    world.apply([ingress("one", HOST, dict(errors, **{
        "disable-proxy-intercept-errors": "true"}), to="broken")])
    check(world, lambda w: w.get().status, 500, "not intercepted")
    world.apply([ingress("one", HOST, errors, to="broken"), config_map(
        "defaults", {"disable-proxy-intercept-errors": "true"})])
    check(world, lambda w: w.get().status, 500, "nor by the key")
    world.apply([ingress("one", HOST, errors, to="broken")])
    check(world, lambda w: w.get().status, 418, "the page again")
    world.apply([ingress("one", HOST, dict(errors, **{
        "custom-http-errors": "404"}), to="broken")])
    check(world, lambda w: w.get().status, 500, "another status")
    assert world.metric("sallyport_haproxy_reloads_total") == reloads


def test_page_of_an_error_gets_what_the_client_sent(world):
    world.apply([ingress("one", HOST, {"custom-http-errors": "500",
                                       "default-backend": "page"},
                         to="broken")])
    check(world, lambda w: w.get().status, 418, "the page")
    got = world.get("/x", method="POST", body=b"body", headers=[
        ("Accept", "text/html"), ("User-Agent", "me"),
        ("Accept-Language", "de"), ("Cookie", "a=1; b=2"), ("X-Twice", "1"), ("X-Twice", "2"),
        ("X-Empty", ""), ("X-Code", "200"), ("X-Sallyport-Slot", "none"),
        ("X-Sallyport-Name", "a"), ("If-None-Match", "*"),
        ("Range", "bytes=0-1"), ("Forwarded", "for=a:b")])
    headers, line = told(got)
    assert got.status == 418 and line == "GET / HTTP/1.1"
    assert [headers[name] for name in (
        "host", "accept", "user-agent", "accept-language", "cookie", "x-empty",
        "x-code", "forwarded")] == [
            HOST, "text/html", "me", "de", "a=1; b=2", "", "500", "for=a:b"]
    lines = json.loads(got.body)[1:]
    assert sorted(v for k, v in lines if k.lower() == "x-twice") == ["1", "2"]
    assert headers["x-forwarded-for"] == headers["x-real-ip"]
    assert not {"if-none-match", "range", "transfer-encoding"} & set(headers)
    assert headers.get("content-length", "0") == "0"
    assert not any(name.startswith("x-sallyport") for name in headers)
    # More than there is room for: the largest is left out.
    headers, _ = told(world.get(headers=[("Accept-Language", "de"),
                                         ("Cookie", "a" * 9000),
                                         ("User-Agent", "me")]))
    assert "cookie" not in headers
    assert [headers["accept-language"], headers["user-agent"]] == ["de", "me"]


def test_second_backends_without_a_server(world):
    """Nobody is there: the main one answers, and HAProxy is as it should be."""
    world.apply([
        ingress("one", HOST, {"default-backend": "empty",
                              "custom-http-errors": "404"}),
        ingress("two", HOST, {"canary": "true", "canary-weight": "100"},
                to="empty")])
    until(lambda: server(world.get()) == "main", "the main one")
    world.selfcheck()
    world.apply([])


def test_mirror(world):
    got = []

    def talk(c):
        while True:
            got.append(b"\r\n\r\n".join(read_request(c)).decode("latin-1"))
            c.sendall(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n")

    copy = Raw(talk)
    world.base += service("copy", copy.port)
    target = "http://copy.default.svc.cluster.local"
    world.apply([ingress("one", HOST, {
        "mirror-target": target + "$request_uri"})])
    until(lambda: world.get("/x?y", headers=[("X-A", "b")]).status == 200 and
          any(g.startswith("GET /x?y ") for g in got), "a copy")
    one = [g.lower() for g in got if g.startswith("GET /x?y ")][0]
    assert "\r\nhost: copy.default.svc.cluster.local\r\n" in one
    assert "\r\nx-a: b\r\n" in one and "x-sallyport" not in one
    assert server(world.get("/", method="POST", body=b"body")) == "main"
    until(lambda: any(g.startswith("POST") and "\r\nbody" in g for g in got),
          "its body")
    # Of what the client asked for, whatever the Service is asked.
    world.apply([ingress("one", HOST, {
        "mirror-target": target + "/$request_uri", "rewrite-target": "/$1"},
        paths=(("/r/(.*)", "ImplementationSpecific"),))])
    check(world, lambda w: sent(w.get("/r/r?w"))[0], "/r?w", "the rewrite")
    assert sent(world.get("/r/s?w"))[0] == "/s?w"
    until(lambda: any(g.startswith("GET /r/s?w ") for g in got), "a copy")
    world.apply([ingress("one", HOST, {
        "mirror-target": target + "/before/$request_uri"})])
    until(lambda: world.get("/x?z").status == 200 and
          any(g.startswith("GET /before/x?z ") for g in got), "a path before")
    world.apply([ingress("one", HOST, {
        "mirror-target": target + "/fixed", "mirror-host": "copy.test",
        "mirror-request-body": "off"})])
    until(lambda: world.get("/", method="POST", body=b"body").status == 200
          and any(g.startswith("POST /fixed ") and
                  "\r\nhost: copy.test\r\n" in g.lower() and
                  "\r\nbody" not in g for g in got), "without it")
    world.apply([ingress("one", HOST)])
    until(lambda: not copied(world, got), "no copies")
    copy.close()


def copied(world, got):
    """Whether a copy came, by a request that is surely copied after it."""
    before = len(got)
    world.get("/probe")
    world.get("/probe")
    return len(got) != before
