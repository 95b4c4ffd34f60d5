"""lib/kube over real sockets and TLS, against a server that does what it is
told: one request at a time, and wrong where a test wants it wrong."""

import socket
import time

import pytest

from harness import Authority, free_port, wait_until
from kubetool import (FakeApi, Tool, basic, begin_stream, kubeconfig, send,
                      send_chunk)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("pki"))
    authority.server = authority.issue("server", ["127.0.0.1"])
    authority.other = authority.issue("other", ["kubernetes.test"])
    authority.client = authority.issue("client", usage="clientAuth")
    authority.stranger = Authority(tmp_path_factory.mktemp("stranger"))
    return authority


@pytest.fixture
def api(pki):
    api = FakeApi(*pki.server)
    yield api
    api.close()


@pytest.fixture
def start(tmp_path):
    tools = []

    def start(server, **options):
        config = kubeconfig(tmp_path / f"config{len(tools)}", server,
                            **options)
        tools.append(Tool(config, tmp_path / f"log{len(tools)}"))
        return tools[-1]

    yield start
    for tool in tools:
        if tool.process.poll() is None:
            tool.end()


def test_list_then_watch(api, start, pki):
    api.put("a")
    tool = start(api.url, ca=pki.crt, token="secret")
    tool.wait("synced")
    assert ("Ingress", "d/a") in tool.have()
    api.put("b")
    tool.wait("add Ingress d/b")
    api.put("a", "DELETED")
    tool.wait("remove Ingress d/a")
    for _, path, query, headers in api.requests:
        assert headers["Authorization"] == "Bearer secret"
        assert headers["User-Agent"].startswith("sallyport/")
        assert headers["Accept"] == "application/json"
        assert headers["Accept-Encoding"] == "gzip"
        assert headers["Host"] == f"127.0.0.1:{api.port}"
        if "watch" in query:
            assert query["allowWatchBookmarks"] == "true"
            assert 300 <= int(query["timeoutSeconds"]) <= 600
        else:
            assert query["limit"] == "500"
    assert api.asked("/secrets")[0][2]["fieldSelector"] == \
        "type=kubernetes.io/tls"


def test_user_name_and_password(api, start, pki):
    tool = start(api.url, ca=pki.crt, username="u", password="p w")
    tool.wait("synced")
    assert api.requests[0][3]["Authorization"] == basic("u", "p w")


def test_answers_in_gzip(api, start, pki):
    def squeezed(request):
        if request.where.endswith("/ingresses") and \
                "watch" not in request.query:
            return send(request, 200, {
                "metadata": {"resourceVersion": "10"},
                "items": [{"metadata": {
                    "namespace": "d", "name": f"i{i}",
                    "resourceVersion": "1"}} for i in range(500)]},
                compress=True)
        return False

    api.rules.append(squeezed)
    tool = start(api.url, ca=pki.crt)
    tool.wait("synced")
    assert len(tool.have()) == 500


def test_a_page_that_grows_beyond_its_cap(api, start, pki):
    """A small answer in gzip that unfolds to 80 MB is not taken; smaller pages
    are asked for, until the server is reasonable."""
    def bomb(request):
        if request.where.endswith("/ingresses") and \
                int(request.query.get("limit", 0)) > 125:
            return send(request, 200, b" " * (80 << 20), compress=True)
        return False

    api.rules.append(bomb)
    tool = start(api.url, ca=pki.crt)
    tool.wait("synced", 30)
    limits = [r[2]["limit"] for r in api.asked("/ingresses", "limit")]
    assert limits == ["500", "250", "125"]


def test_a_watch_is_cut_in_the_middle_of_a_line(api, start, pki):
    cut = []

    def half(request):
        if not request.where.endswith("/ingresses") or \
                "watch" not in request.query or cut:
            return False
        cut.append(request.query["resourceVersion"])
        begin_stream(request)
        line = api.events[0][1]
        send_chunk(request, line + line[:30])
        request.connection.shutdown(socket.SHUT_RDWR)
        return True

    api.put("early")
    with api.changed:
        api.items.clear()
        api.version = 10
    api.rules.append(half)
    tool = start(api.url, ca=pki.crt)
    tool.wait("add Ingress d/early")
    api.version = 11
    api.put("late")
    tool.wait("add Ingress d/late")
    again = [r[2] for r in api.asked("/ingresses", "watch")]
    assert [q["resourceVersion"] for q in again[:2]] == ["10", "11"]
    assert len(api.asked("/ingresses", "limit")) == 1


def test_429_waits_as_long_as_it_says(api, start, pki):
    times = []

    def busy(request):
        if request.where.endswith("/ingresses") and len(times) < 2:
            times.append(time.monotonic())
            return send(request, 429, {"kind": "Status", "code": 429,
                                       "message": "later"},
                        {"Retry-After": "1"})
        if request.where.endswith("/ingresses"):
            times.append(time.monotonic())
        return False

    api.rules.append(busy)
    tool = start(api.url, ca=pki.crt)
    tool.wait("synced")
    assert times[1] - times[0] >= 1 and times[2] - times[1] >= 1
    assert tool.counts()["failures"] == 2


def test_a_redirect_is_not_followed(api, start, pki):
    def away(request):
        if request.where.endswith("/ingresses") and \
                len(api.asked("/ingresses")) == 1:
            return send(request, 302, b"", {"Location": api.url + "/trap"})
        return False

    api.rules.append(away)
    tool = start(api.url, ca=pki.crt, token="secret")
    tool.wait("synced")
    assert not api.asked("/trap")


def test_the_token_rotates(api, start, pki, tmp_path):
    token = tmp_path / "token"
    token.write_text("one\n")
    good = ["one"]

    def door(request):
        if request.headers["Authorization"] != f"Bearer {good[0]}":
            return send(request, 401, {"kind": "Status", "code": 401,
                                       "message": "no"})
        return False

    api.rules.append(door)
    tool = start(api.url, ca=pki.crt, tokenFile=token)
    tool.wait("synced")
    good[0] = "two"
    token.write_text("two\n")
    # At once, before anybody looked at the file again: by the 401.
    tool.say("follow Secret d/opaque")
    wait_until(lambda: tool.ask("asked Secret d/opaque", "asked") ==
               "asked 1", 5, "the followed Secret was asked for")
    assert tool.counts()["failing"] == 0
    assert "Bearer two" in {r[3]["Authorization"] for r in api.requests}


def test_a_server_we_do_not_trust(api, start, pki, tmp_path):
    ca = tmp_path / "ca.crt"
    ca.write_bytes(pki.stranger.crt.read_bytes())
    tool = start(api.url, ca=ca, token="secret")
    wait_until(lambda: tool.counts()["failures"] > 0, 10, "a refusal")
    assert not api.requests
    # The CA rotates: its file holds the right one now.
    ca.write_bytes(pki.crt.read_bytes())
    tool.wait("synced", 20)


def test_a_certificate_for_another_name(pki, start):
    api = FakeApi(*pki.other)
    try:
        tool = start(api.url, ca=pki.crt)
        wait_until(lambda: tool.counts()["failures"] > 0, 10, "a refusal")
        assert not api.requests
        tool.end()
        tool = start(api.url, ca=pki.crt,
                     cluster={"tls-server-name": "kubernetes.test"})
        tool.wait("synced")
        assert api.requests[0][3]["Host"] == f"127.0.0.1:{api.port}"
        tool.end()
        tool = start(api.url, cluster={"insecure-skip-tls-verify": True})
        tool.wait("synced")
        tool.end()
    finally:
        api.close()


def test_client_certificates(pki, start):
    api = FakeApi(*pki.server, client_ca=pki.crt)
    try:
        tool = start(api.url, ca=pki.crt)
        wait_until(lambda: tool.counts()["failures"] > 0, 10, "a refusal")
        tool.end()
        assert not api.requests
        crt, key = pki.client
        tool = start(api.url, ca=pki.crt, client_certificate=crt,
                     client_key=key)
        tool.wait("synced")
        tool.end()
    finally:
        api.close()


def test_nobody_is_there_and_then_somebody_is(pki, start):
    port = free_port()
    tool = start(f"https://127.0.0.1:{port}", ca=pki.crt)
    wait_until(lambda: "no answer from the API server" in tool.errors(), 10,
               "a word about it")
    # Once for all streams, not once for each.
    assert tool.errors().count(" warn ") == 1
    tool.end()
