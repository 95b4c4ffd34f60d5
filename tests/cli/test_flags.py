"""Flags of the daemons: the version, and values that are none."""

import socket
import subprocess
import sys
import tempfile

import pytest

from test_lint import BUILD, ROOT

sys.path.append(str(ROOT / "tests"))

from ports import free_port  # noqa: E402
from waiting import until  # noqa: E402

WEBHOOK = ("--tls-certificate-file", "c", "--tls-key-file", "k")


def run(program, *args):
    return subprocess.run([BUILD / program, *args], capture_output=True,
                          text=True, timeout=60)


@pytest.mark.parametrize("program", ["sallyport-reconciler",
                                     "sallyport-webhook", "sallyport-auth",
                                     "sallyport-proxy"])
def test_tells(program):
    version = run("sallyport", "version").stdout.split()[1]
    for flag in ("--version", "-V"):
        done = run(program, flag)
        assert (done.returncode, done.stdout) == (0, f"{program} {version}\n")
    done = run(program, "--help")
    assert done.returncode == 0 and "--version" in done.stdout


@pytest.mark.parametrize("program, flag, value", [
    ("sallyport-reconciler", "--publish-service", "A_/x"),
    ("sallyport-reconciler", "--default-ssl-certificate", "a/b/c"),
    ("sallyport-reconciler", "--publish-status-address", "not a host"),
    ("sallyport-reconciler", "--publish-status-address", "192.0.2.1,,b"),
    ("sallyport-reconciler", "--bind-address", "here"),
    ("sallyport-reconciler", "--run-dir", "/tmp/" + 70 * "r"),
    ("sallyport-reconciler", "--run-dir", "/tmp/a b"),
    ("sallyport-reconciler", "--access-log", "std out"),
    ("sallyport-reconciler", "--admin-address", "192.0.2.1"),
    ("sallyport-reconciler", "--admin-address", "192.0.2.1:65536"),
    ("sallyport-webhook", "--admin-address", "10254"),
    ("sallyport-webhook", "--listen", "8443"),
    ("sallyport-webhook", "--configmap", "a_b/c"),
])
def test_wrong_value(program, flag, value):
    """One line that names both, before anything is opened."""
    more = WEBHOOK if program == "sallyport-webhook" else ()
    done = run(program, flag, value, *more)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"{program}: {flag}: ")
    assert done.stderr.count("\n") == 1
    assert f'"{value.split(",,")[0]}"' in done.stderr or '""' in done.stderr


@pytest.fixture
def run_dir():
    """Short: a run directory holds the names of sockets."""
    with tempfile.TemporaryDirectory(prefix="sp-") as made:
        yield made + "/run"


def test_port_in_use(tmp_path, run_dir):
    """The reconciler's own log says why HAProxy does not come up."""
    (tmp_path / "in").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken, \
            open(tmp_path / "log", "wb") as log:
        ports = taken.getsockname()[1], free_port(), free_port()
        process = subprocess.Popen(
            [BUILD / "sallyport-reconciler", "--manifests", tmp_path / "in",
             "--run-dir", run_dir, "--bind-address", "127.0.0.1",
             "--http-port", str(ports[0]), "--https-port", str(ports[1]),
             "--admin-address", f"127.0.0.1:{ports[2]}", "--maxconn", "200",
             "--threads", "1"], stdout=log, stderr=log)
        try:
            until(lambda: f"port {ports[0]}: Address already in use" in
                  (tmp_path / "log").read_text(), "the reason")
        finally:
            process.terminate()
            process.wait(60)


def test_flags_of_ingress_nginx():
    """Each is told what there is instead, and none is a flag of ours."""
    page = (ROOT / "docs" / "annotations.md").read_text()
    table = page.split("## Flags of ingress-nginx")[1]
    foreign = [line.split("`")[1].rstrip("*") for line in table.split("\n")
               if line.startswith("| `--")]
    assert len(foreign) > 50
    own = [line.split()[0] for line in
           run("sallyport-reconciler", "--help").stdout.split("\n")
           if line.startswith("  --")]
    assert not set(own) & set(foreign)
    done = run("sallyport-reconciler", "--tcp-services-configmap=a/b",
               "--sync-period=1s", "--http-port=80")
    assert done.returncode == 2
    assert done.stderr.count("is a flag of ingress-nginx, take it out") == 2
    assert done.stderr.count("\n") == 1
