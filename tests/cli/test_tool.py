"""sallyport as a whole: names, completion, routes of a running reconciler and
of its run directory."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from test_lint import BUILD, ROOT, ingress, ingress_class, sallyport, service

sys.path.append(str(ROOT / "tests"))

from ports import free_port  # noqa: E402
from waiting import until  # noqa: E402


@pytest.mark.parametrize("args, text", [
    ((), "which command?"),
    (("audi",), 'did you mean "audit"?'),
    (("completion",), "for which shell?"),
    (("completion", "zhs"), "did you mean zsh?"),
    (("routes", "what"), 'unexpected argument "what"'),
    (("routes", "--admin", "http://x", "--run-dir", "y"),
     "exclude each other"),
    (("version", "-o"), 'unexpected argument "-o"'),
    (("help", "audit"), 'unexpected argument "audit"'),
    (("routes", "--run-dir", "/nonexistent"), "/nonexistent"),
    (("routes", "--admin", "nowhere"), "must begin with https:// or http://"),
    (("routes", "--admin", "http://127.0.0.1:1"), "127.0.0.1:1/routes"),
])
def test_usage(args, text):
    done = sallyport(*args)
    assert done.returncode == 2
    assert text in done.stderr and done.stderr.count("\n") == 1


def test_plugin(tmp_path):
    """kubectl runs kubectl-sallyport with the words behind its name."""
    (tmp_path / "kubectl-sallyport").symlink_to(BUILD.resolve() / "sallyport")
    done = subprocess.run([tmp_path / "kubectl-sallyport", "version"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("sallyport ")


@pytest.mark.parametrize("words, found", [
    (["sallyport", "au"], ["audit"]),
    (["sallyport", "explain", "rewrite"], ["rewrite-target"]),
    (["sallyport", "routes", "--run"], ["--run-dir"]),
    (["sallyport", "lint", "--form"], ["--format"]),
])
def test_completion(words, found):
    script = sallyport("completion", "bash").stdout
    asked = " ".join(f"'{w}'" for w in words)
    done = subprocess.run(
        ["bash", "-c", script + f"COMP_WORDS=({asked}); "
         f"COMP_CWORD={len(words) - 1}; _sallyport; "
         "printf '%s\\n' \"${COMPREPLY[@]}\""],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}"})
    assert done.stdout.split() == found, done.stderr


def test_completion_zsh():
    done = sallyport("completion", "zsh")
    assert done.returncode == 0
    assert done.stdout.startswith("#compdef sallyport\n")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """(admin URL, run directory) of a reconciler that serves something."""
    root = tmp_path_factory.mktemp("rt")
    manifests = root / "manifests"
    manifests.mkdir()
    regex = ingress(name="regex", path="/r/(.*)", annotations={
        "nginx.ingress.kubernetes.io/use-regex": "true"})
    regex["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = \
        "ImplementationSpecific"
    exact = ingress(name="exact", path="/e")
    exact["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = "Exact"
    for i, one in enumerate([ingress_class(), service(), ingress(), regex,
                             exact]):
        (manifests / f"{i}.json").write_text(json.dumps(one))
    run_dir = f"/tmp/sp-routes-{os.getpid()}"
    http, https, admin = (free_port() for _ in range(3))
    log = open(root / "log", "w")
    process = subprocess.Popen(
        [BUILD / "sallyport-reconciler", "--manifests", manifests,
         "--run-dir", run_dir, "--http-port", str(http), "--https-port",
         str(https), "--bind-address", "127.0.0.1", "--admin-address",
         f"127.0.0.1:{admin}", "--maxconn", "200", "--threads", "1"],
        stdout=log, stderr=log)
    url = f"http://127.0.0.1:{admin}"

    def is_served():
        assert process.poll() is None, (root / "log").read_text()
        done = sallyport("routes", "--admin", url, "-o", "json")
        return done.returncode == 0 and json.loads(
            done.stdout)["in_haproxy"] and "exact" in done.stdout

    try:
        until(is_served, "the routes")
        yield url, run_dir
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(run_dir, ignore_errors=True)


def rows(*args):
    done = sallyport("routes", "-o", "json", *args)
    assert done.returncode == 0, done.stderr
    return {(r["host"], r["path"], r["type"]): r
            for r in json.loads(done.stdout)["routes"]}


def test_routes_of_a_reconciler(running):
    found = rows("--admin", running[0])
    assert found["one.example.com", "/r/(.*)", "regular expression"] == {
        "host": "one.example.com", "path": "/r/(.*)",
        "type": "regular expression", "order": 1, "namespace": "a",
        "ingress": "regex", "field": "spec.rules[0].http.paths[0]",
        "backend": "a/web:80", "http": "forward", "https": "forward",
        "to": None, "canary": None}
    assert found["one.example.com", "/e", "Exact"]["ingress"] == "exact"
    assert found["one.example.com", "/", "Prefix"]["ingress"] == "one"
    assert found["", "/", "default backend"]["http"] == "default"


def test_routes_of_a_run_directory(running):
    """The same rows, as far as maps can tell them."""
    found = rows("--run-dir", running[1])
    assert found["one.example.com", "/", "Prefix"]["backend"] == "a/web:80"
    assert found["one.example.com", "/e", "Exact"]["backend"] == "a/web:80"
    assert found["one.example.com", "/", "Prefix"]["ingress"] is None
    assert not any("proof" in host for host, _, _ in found)


def test_table(running):
    done = sallyport("routes", "--admin", running[0])
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["HOST", "PATH", "TYPE", "HTTP", "HTTPS", "BACKEND",
                        "INGRESS", "FIELD"]
    assert ["one.example.com", "/e", "Exact", "forward", "forward",
            "a/web:80", "a/exact", "spec.rules[0].http.paths[0]"] in lines


def test_answers_are_those_of_the_routes(running, tmp_path):
    """explain --url names the Ingress that the reconciler names."""
    (tmp_path / "a.json").write_text(json.dumps(ingress()))
    done = sallyport("explain", "--url", "http://one.example.com/zzz", "-o",
                     "json", "--manifests", tmp_path)
    by = json.loads(done.stdout)["by"]
    row = rows("--admin", running[0])["one.example.com", "/", "Prefix"]
    assert (by["namespace"], by["ingress"], by["field"]) == \
        (row["namespace"], row["ingress"], row["field"])


def test_documented():
    """Every command stands in docs/cli.md."""
    text = (ROOT / "docs/cli.md").read_text()
    for line in sallyport("help").stdout.splitlines():
        if line.startswith("  "):
            assert f"sallyport {line.split()[0]}" in text
