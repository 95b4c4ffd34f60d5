"""Replay: the reconciler driven by scripts of watch events, answers, faults
and virtual time.  script.h has the language.

BUILD says which build of build/BUILD/tools/replay runs them.
"""

import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REPLAY = ROOT / "build" / os.environ.get("BUILD", "release") / "tools/replay"
SCRIPTS = sorted(p.stem for p in HERE.glob("*.rpl"))
# Each of their requests is broken in turn: what they do between start and
# end is what happens every day.
SWEPT = [
    "a-change-of-leader-empties-no-status",
    "a-namespace-that-terminates-owns-nothing",
    "a-restart-empties-no-status",
    "a-secret-that-turns-bad-keeps-its-last-good-certificate",
    "a-tie-of-age-is-decided-the-same-way-by-everybody",
    "an-ingress-that-leaves-our-class-loses-only-what-we-wrote",
    "first-sync-comes-in-pages",
    "objects-outside-the-watched-namespaces-are-waited-for",
    "status-comes-only-after-confirmation",
    "versions-that-are-gone-are-listed-anew",
]


def run(*args):
    return subprocess.run([REPLAY, *args], capture_output=True, text=True,
                          timeout=300, cwd=ROOT)


def script(tmp_path, text):
    file = tmp_path / "script.rpl"
    file.write_text(text)
    return run(file)


def test_there_are_scripts():
    assert len(SCRIPTS) >= 15


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name):
    out = run(f"tests/replay/{name}.rpl")
    assert out.returncode == 0, out.stdout + out.stderr


@pytest.mark.parametrize("name", SWEPT)
def test_sweep(name):
    out = run("--sweep=12", f"tests/replay/{name}.rpl")
    assert out.returncode == 0, out.stdout + out.stderr
    assert "swept (0 faults)" not in out.stdout


# --- The harness itself: a wrong expectation must fail, and say where. ---

START = "class sallyport\nservice a/one 10.0.0.1\ningress a/i x.test/ one\n"

WRONG = {
    "route": "expect route http x.test/ not-found",
    "no route": "expect no-route http x.test/",
    "servers": "expect servers a/one 10.0.0.2:8080",
    "line": "expect line backend \"nobody",
    "plan": "expect plan\nend",
    "status": "expect status a/i 192.0.2.1",
    "writes": "expect writes 1",
    "event": "expect event a/i HostConflict",
    "requests": "expect requests list Ingress 7",
    "health": "expect not-ready",
    "metric": "expect metric sallyport_leader 0",
    "lease": "expect lease other",
    "unknown command": "expct ready",
    "unknown expectation": "expect redy",
    "no such object": "delete Ingress a/j",
    "block without end": "put\nkind: Service",
    "bad YAML": "put\nkind: [\nend",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_fails(tmp_path, name):
    out = script(tmp_path, f"{START}start\n{WRONG[name]}\n")
    assert out.returncode == 1, out.stdout + out.stderr
    assert "script.rpl:" in out.stdout


def test_what_is_right_passes(tmp_path):
    out = script(tmp_path, f"{START}start\nexpect ready\n"
                           "expect metric sallyport_leader 1\n")
    assert out.returncode == 0, out.stdout + out.stderr
