"""The harness must be able to fail, and must leave no process behind."""

import signal
import sys

import pytest

import daemons
import harness
from harness import Authority, http, wait_until
from load import Load

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(self.path[1:]))
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2: c")
        self.end_headers()
        self.wfile.write(b'{"host": "%s"}' % self.headers["Host"].encode())
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("serving", flush=True)
server.serve_forever()
"""


def test_wait_until_fails_with_what_it_saw():
    with pytest.raises(AssertionError, match="not within 0.1 s: the moon"):
        wait_until(lambda: 0, 0.1, "the moon", 0.01)

    def never():
        assert False, "half moon"
    with pytest.raises(AssertionError, match="half moon"):
        wait_until(never, 0.1, "the moon", 0.01)
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 / 0, 10, "a number")


def test_stays_fails_at_the_first_change():
    values = iter([1, 1, 0])
    with pytest.raises(AssertionError, match="did not stay"):
        harness.stays(lambda: next(values), 10, "one", 0.01)


def test_ports_are_different_and_free():
    ports = [harness.free_port() for _ in range(50)]
    assert len(set(ports)) == 50


def test_request_shows_all_that_was_answered(start_process):
    port = harness.free_port()
    server = start_process([sys.executable, "-c", SERVER, port])
    server.wait_log("serving")
    answer = wait_until(lambda: http("a.test", "/404", port), 5, "an answer")
    assert (answer.rc, answer.status, answer.version) == (0, 404, "1")
    assert answer.header_all("set-cookie") == ["a=1", "b=2: c"]
    assert answer.json() == {"host": "a.test"}
    server.stop()
    answer = http("a.test", "/200", port)
    assert (answer.rc, answer.status, answer.headers) == (7, 0, [])
    assert "connect" in answer.error.lower()


def test_stop_ends_the_whole_group(start_process, tmp_path):
    mark = f"mark-{tmp_path}"
    stubborn = start_process(
        ["bash", "-c", f"trap '' TERM; sleep 1000 & : {mark}; "
         "echo up; while :; do sleep 0.1; done"])
    stubborn.wait_log("up")
    assert harness.processes_naming(mark)
    assert stubborn.stop(timeout=0.2) == -signal.SIGKILL
    assert harness.processes_naming(mark) == []


def test_log_of_an_ended_process_is_told(start_process):
    ended = start_process(["bash", "-c", "echo no such flag; exit 2"])
    assert ended.wait() == 2
    with pytest.raises(AssertionError, match="no such flag"):
        ended.wait_log("ready", timeout=0.2)


def test_certificates_are_checked(tmp_path, start_process):
    one, two = Authority(tmp_path / "1"), Authority(tmp_path / "2")
    crt, key = one.issue("server", ["a.test", "127.0.0.1"])
    port = harness.free_port()
    start_process(["openssl", "s_server", "-accept", f"127.0.0.1:{port}",
                   "-cert", crt, "-key", key, "-www"]).wait_log("ACCEPT")
    wait_until(lambda: http("a.test", "/", port, True, ca=one.crt).status ==
               200, 5, "an answer")
    assert http("a.test", "/", port, True, ca=two.crt).rc == 60
    assert http("b.test", "/", port, True, ca=one.crt).rc == 60
    assert http("b.test", "/", port, True).status == 200
    assert harness.served_certificate("a.test", port) in crt.read_text()


def test_flags_and_metrics():
    assert daemons.arguments({
        "http_port": 80, "enable_ssl_passthrough": True, "configmap": None,
        "watch_namespace": ["a", "b"], "update_status": False}) == [
            "--http-port", "80", "--enable-ssl-passthrough",
            "--watch-namespace", "a,b"]
    assert daemons.parse_metrics(
        '# HELP x y\n# TYPE x counter\nx{a="b c",d="}"} 3\ny 1.5\n'
        'z{e="f"} 7 1700000000\n') == {
            'x{a="b c",d="}"}': 3, "y": 1.5, 'z{e="f"}': 7}


def test_load_counts_what_fails(start_process):
    port = harness.free_port()
    server = start_process([sys.executable, "-c", SERVER, port])
    server.wait_log("serving")
    with Load("a.test", "/200", port, threads=2) as load:
        load.wait_more(20)
        assert load.failures == [], load
        server.kill()
        load.wait_more(5)
    assert "Refused" in load.failures[-1][1]
    with Load("a.test", "/503", port, threads=1) as load:
        load.wait_more(2)
    assert len(load.failures) == load.done
