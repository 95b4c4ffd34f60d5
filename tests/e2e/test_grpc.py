"""gRPC through HAProxy, with the client and the server of gRPC's Go project:
its own interoperability cases, and what a proxy can get wrong besides."""

import json
import re
import subprocess

import pytest

import kubecluster
from harness import free_port, http, run, wait_until
from objects import ingress, ingress_class, path

HOST = "grpc.example.com"
TEST = "/grpc.testing.TestService/"
HEALTH = "/grpc.health.v1.Health/"
# Of docs/interop-test-descriptions.md of the project, those that ask for no
# account of a cloud; then ours.
CASES = ["empty_unary", "large_unary", "client_streaming", "server_streaming",
         "ping_pong", "empty_stream", "timeout_on_sleeping_server",
         "cancel_after_begin", "cancel_after_first_response",
         "custom_metadata", "status_code_and_message",
         "special_status_message", "unimplemented_method",
         "unimplemented_service", "early_status", "late"]


@pytest.fixture(scope="module")
def program():
    missing = kubecluster.build("grpc")
    if missing:
        pytest.exit(missing, kubecluster.GO_IS_MISSING)
    return kubecluster.program("grpc")


class World:
    """A reconciler on a folder, and servers that it knows as Services."""

    def __init__(self, program, processes, start_reconciler, folder):
        self.program, self.processes = program, processes
        self.folder = folder / "objects"
        self.folder.mkdir()
        self.base = [ingress_class("sallyport")]
        self.ports, self.servers = {}, {}
        self.apply()
        self.reconciler = start_reconciler(
            manifests=self.folder).wait_ready()

    def serve(self, name, *files, what="serve"):
        port = free_port()
        words = [what] + ([name] if what == "serve" else [])
        self.servers[name] = self.processes.start(
            [self.program, *words, f"127.0.0.1:{port}", *files], name=name)
        self.base += [
            {"apiVersion": "v1", "kind": "Service",
             "metadata": {"name": name, "namespace": "default"},
             "spec": {"clusterIP": "10.96.0.1",
                      "ports": [{"name": "grpc", "port": 80}]}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
             "metadata": {"name": name, "namespace": "default", "labels": {
                 "kubernetes.io/service-name": name}},
             "addressType": "IPv4",
             "endpoints": [{"addresses": ["127.0.0.1"]}],
             "ports": [{"name": "grpc", "port": port}]}]

    def apply(self, *objects):
        new = self.folder.parent / "new"
        new.write_text("".join("---\n%s\n" % json.dumps(one)
                               for one in [*self.base, *objects]))
        new.rename(self.folder / "all.yaml")

    def route(self, protocol="GRPC", **paths):
        """route(a=["/x/"]): paths to the Service a."""
        self.apply(ingress("grpc", "default", {HOST: [
            path(p, name) for name, all in paths.items() for p in all]},
            {"backend-protocol": protocol}, tls={"none": [HOST]}))

    @property
    def address(self):
        return f"127.0.0.1:{self.reconciler.https_port}"

    def call(self, *cases):
        """What the client printed; it must be content."""
        done = run([self.program, "call", self.address, HOST, *cases],
                   timeout=120)
        assert done.rc == 0, done.err
        lines = done.out.splitlines()
        assert [line for line in lines if line.startswith("ok ")] == \
            ["ok " + case for case in cases], done.out
        return [line for line in lines if not line.startswith("ok ")]

    def wait_for(self, service, name):
        """Until calls of the service are answered by that server."""
        case = {"test": "who", "health": "who_health"}[service]

        def look():
            done = run([self.program, "call", self.address, HOST, case],
                       timeout=60)
            return f"{service} {name} true" in done.out
        wait_until(look, 30, f"{service} answered by {name}")

    def ended(self, name, method, code):
        """Until that server has said that a call of it ended so."""
        self.servers[name].wait_log(
            re.escape(method) + f" {code}$", timeout=30)

    def no_reload(self):
        assert self.reconciler.metric("sallyport_haproxy_reloads_total") == 0


@pytest.fixture
def world(program, processes, start_reconciler, tmp_path):
    return World(program, processes, start_reconciler, tmp_path)


@pytest.mark.parametrize("protocol", ["GRPC", "GRPCS"])
def test_the_projects_own_cases(world, authority, protocol):
    files = authority.issue("far", ["far.test"]) if protocol == "GRPCS" else ()
    world.serve("far", *files)
    world.route(protocol, far=["/"])
    world.wait_for("test", "far")
    world.call(*CASES)
    # A client that hangs up is heard of by the server, a deadline as well.
    world.ended("far", TEST + "FullDuplexCall", "Canceled")
    world.ended("far", TEST + "FullDuplexCall", "Aborted")
    world.ended("far", TEST + "UnaryCall", "Unknown")
    world.no_reload()


def test_services_of_one_host_by_path(world):
    world.serve("one")
    world.serve("two")
    world.route(one=[TEST], two=[HEALTH])
    world.wait_for("test", "one")
    world.wait_for("health", "two")
    # What has no path has no route, and a client reads that as it should.
    assert world.call("who", "who_health", "unimplemented_service", "who") == \
        ["test one true", "health two true", "test one true"]
    answer = http(HOST, "/grpc.testing.UnimplementedService/UnimplementedCall",
                  world.reconciler.https_port, tls=True)
    assert answer.status == 404
    world.no_reload()


def test_a_server_that_resets_streams(world):
    """The call fails at once, and others on the connection do not."""
    world.serve("bad", what="reset")
    world.serve("good")
    world.route(bad=[TEST], good=[HEALTH])
    world.wait_for("health", "good")
    assert world.call("reset_before", "who_health", "reset_after",
                      "who_health") == ["health good true"] * 2
    assert world.servers["bad"].alive()


class Talk:
    """A stream that is held open; say() sends a line and returns the answer."""

    def __init__(self, world):
        self.process = subprocess.Popen(
            [world.program, "talk", world.address, HOST], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self):
        out, _ = self.process.communicate(timeout=30)
        return out.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_a_change_leaves_an_open_stream_alone(world):
    world.serve("old")
    world.serve("new")
    world.route(old=["/"])
    world.wait_for("test", "old")
    with Talk(world) as stream:
        assert stream.say("before") == "old 6"
        world.route(new=["/"])
        world.wait_for("test", "new")
        assert stream.say("after the route has moved") == "old 25"
        world.apply()
        wait_until(lambda: http(HOST, "/", world.reconciler.https_port,
                                tls=True).status == 404, 30, "no route")
        assert stream.say("after it has gone") == "old 17"
        assert stream.end() == "done"
    world.ended("old", TEST + "FullDuplexCall", "OK")
    world.no_reload()
