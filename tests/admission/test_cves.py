"""Every public CVE of ingress-nginx: what its exploit writes is refused at
admission (cves.yaml, a topic of test_admission.py, too), and does nothing in
a reconciler that gets the same objects past the webhook."""

import http.client
import http.server
import os
import re
import subprocess
import threading
from pathlib import Path

import pytest

import doors

CVES = """
    CVE-2020-8553 CVE-2021-25742 CVE-2021-25745 CVE-2021-25746 CVE-2021-25748
    CVE-2022-4886 CVE-2023-5043 CVE-2023-5044 CVE-2024-7646 CVE-2025-24513
    CVE-2025-24514 CVE-2025-1097 CVE-2025-1098 CVE-2025-1974 CVE-2025-15566
    CVE-2026-1580 CVE-2026-24512 CVE-2026-24513 CVE-2026-3288 CVE-2026-4342
    CVE-2026-42945
""".split()
TOO_BIG = "CVE-2026-24514"      # No object, but the size of a review.
# No value is hostile here: what ingress-nginx did with honest ones was.  What
# they do is right here: a password, or a service, is asked.
HONEST = {"CVE-2020-8553", "CVE-2025-15566", "CVE-2026-24513"}
TOPIC = doors.Topic("cves")
# Who shares the Service of the hostile, of every kind of slot: the program
# holds the addresses of servers, and these are there in any case.
HONEST_ANNOTATIONS = ({}, {"enable-cors": "true"}, {"affinity": "cookie"},
                      {"custom-http-errors": "404", "default-backend": "web"})
PAYLOAD_FILES = ("/tmp/pwned", "/tmp/pwned.so")
LONGEST = 9 << 20


def test_every_cve_is_here_and_refused():
    assert [row.cve for row in TOPIC.rows] == CVES
    for row in TOPIC.rows:
        assert row.want == ("allowed" if row.cve in HONEST else "invalid")
        assert row.cve in HONEST or row.name.endswith("refused")


def test_review_too_big(tmp_path):
    """CVE-2026-24514: refused by its length, before anything is read."""
    authority = doors.rig.Authority(tmp_path)
    door = doors.Door(tmp_path / "door", TOPIC, authority)
    try:
        door.connection.putrequest("POST", "/validate")
        door.connection.putheader("Content-Type", "application/json")
        door.connection.putheader("Content-Length", str(LONGEST))
        door.connection.endheaders()
        answer = door.connection.getresponse()
        assert answer.status == 413, answer.read()
        answer.read()
        door.connection.close()
        assert door.post("/validate", TOPIC.rows[0].review())[0] == 200
    finally:
        door.stop()


class Backend:
    """A server that answers everything with its name."""

    def __init__(self, name):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(name)))
                self.end_headers()
                self.wfile.write(name.encode())

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments):
                pass            # Checks of health hang up at once.

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def slice(self, namespace):
        return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": "web-1", "namespace": namespace,
                             "labels": {"kubernetes.io/service-name": "web"}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["127.0.0.1"],
                               "conditions": {"ready": True}}],
                "ports": [{"name": "http", "protocol": "TCP",
                           "port": self.port}]}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Reconciler:
    """Standalone, with the real HAProxy; its own folder around run/ stands
    for the file system."""

    def __init__(self, folder, objects):
        self.folder = folder
        self.run = folder / "run"
        self.inbox = folder / "in"
        for name in ("in", "cwd", "home", "tmp"):
            (folder / name).mkdir()
        self.apply(objects)
        self.port, self.admin = doors.rig.free_port(), doors.rig.free_port()
        argv = [doors.BUILD / "sallyport-reconciler",
                "--manifests", self.inbox, "--run-dir", self.run,
                "--bind-address", "127.0.0.1", "--http-port", self.port,
                "--https-port", doors.rig.free_port(), "--threads", 1,
                "--maxconn", 1000,
                "--admin-address", f"127.0.0.1:{self.admin}"]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(a) for a in argv], stdout=log, stderr=log,
                cwd=folder / "cwd", env={
                    "PATH": os.environ["PATH"], "HOME": str(folder / "home"),
                    "TMPDIR": str(folder / "tmp")})

    def apply(self, objects):
        doors.write(self.folder / "new.json", objects)
        (self.folder / "new.json").rename(self.inbox / "all.json")

    def text(self):
        return (self.folder / "log").read_text(errors="replace")

    def get(self, host, path="/"):
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=20)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait_for(self, host, status):
        def look():
            assert self.process.poll() is None, self.text()
            try:
                return self.get(host)[0] == status
            except OSError:
                return False
        doors.rig.until(look, f"{status} for {host}")

    def reloads(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return re.findall("^sallyport_haproxy_reload.*$", text, re.M)

    def program(self):
        return (self.run / "haproxy.cfg").read_bytes()

    def outside(self):
        """All but run/, the log, and what apply() writes."""
        found = {}
        for path in self.folder.rglob("*"):
            place = path.relative_to(self.folder)
            if place.parts[0] not in ("run", "log", "in"):
                found[place] = path.lstat().st_mtime_ns
        return found

    def written(self):
        """Files that HAProxy and the reconciler have open for writing."""
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.run) not in (process / "cmdline").read_text():
                    continue
                for fd in (process / "fdinfo").iterdir():
                    flags = int(re.search(r"flags:\s+(\d+)",
                                          fd.read_text())[1], 8)
                    place = os.readlink(process / "fd" / fd.name)
                    if flags & 3 and place.startswith("/"):
                        found.add(place)
            except OSError:
                continue
        return {place for place in found
                if not place.startswith(("/dev/", "/memfd:", str(self.run)))}

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Neighbour:
    """Somebody's traffic, all the time."""

    def __init__(self, reconciler, host):
        self.reconciler = reconciler
        self.host = host
        self.answers = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        while not self.is_over.wait(0.005):
            try:
                self.answers.append(self.reconciler.get(self.host))
            except OSError as error:
                self.answers.append(error)

    def wait(self, more=20):
        """Until so many more requests were answered."""
        enough = len(self.answers) + more
        doors.rig.until(lambda: len(self.answers) >= enough,
                             "the neighbour's traffic")

    def stop(self):
        self.is_over.set()
        self.thread.join()


def service(namespace):
    return {"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"ports": [{"name": "http", "port": 80}]}}


@pytest.fixture
def backends():
    made = {name: Backend(name) for name in ("backend", "neighbour")}
    yield made
    for backend in made.values():
        backend.stop()


def test_past_the_webhook(tmp_path, backends):
    """All of them at once, and then gone again."""
    neighbour = {"ns": "b", "name": "quiet", "host": "quiet.example.com"}
    quiet = [TOPIC.before[0], service("a"), service("b"),
             backends["backend"].slice("a"), backends["neighbour"].slice("b"),
             doors.make_ingress(neighbour)]
    quiet += [doors.make_ingress({"name": f"honest-{i}",
                                  "host": f"honest-{i}.example.com",
                                  "annot": annotations})
              for i, annotations in enumerate(HONEST_ANNOTATIONS)]
    hostile = TOPIC.before[-2:] + [row.object for row in TOPIC.rows] + [
        doors.make_ingress({**neighbour, "name": "last",
                            "host": "last.example.com"})]
    assert not any(Path(file).exists() for file in PAYLOAD_FILES)
    reconciler = Reconciler(tmp_path, quiet)
    try:
        for one in quiet[5:]:
            reconciler.wait_for(one["spec"]["rules"][0]["host"], 200)
        doors.rig.until(
            lambda: reconciler.program().count(b":%d " % backends[
                "backend"].port) == len(HONEST_ANNOTATIONS),
            "the servers of every kind of slot")
        before = (reconciler.program(), reconciler.outside(),
                  reconciler.reloads())
        traffic = Neighbour(reconciler, "quiet.example.com")
        try:
            reconciler.apply(quiet + hostile)
            reconciler.wait_for("last.example.com", 200)
            got = {row.cve: reconciler.get(f"{row.cve.lower()}.example.com")
                   for row in TOPIC.rows}
            pwned = {row.cve: reconciler.get(f"{row.cve.lower()}.example.com",
                                             "/pwned") for row in TOPIC.rows}
            during = (reconciler.program(), reconciler.outside(),
                      reconciler.reloads())
            written = reconciler.written()
            traffic.wait()
            reconciler.apply(quiet)
            reconciler.wait_for("last.example.com", 404)
            traffic.wait()
        finally:
            traffic.stop()
        after = (reconciler.program(), reconciler.outside(),
                 reconciler.reloads())
    finally:
        reconciler.stop()
    assert {cve: status for cve, (status, _) in got.items()} == {
        row.cve: row.status for row in TOPIC.rows}
    for status, body in [*got.values(), *pwned.values()]:
        assert status in (401, 404, 503) or (status, body) == (200, "backend")
    assert before == during == after
    assert written == {str(tmp_path / "log")}
    assert not any(Path(file).exists() for file in PAYLOAD_FILES)
    assert set(traffic.answers) == {(200, "neighbour")}
