"""Golden cases: CASE/in.yaml (and CASE/flags) in; CASE/want.plan and
CASE/want.lint out.

want.plan is what the reconciler makes of the objects, want.lint what
`sallyport lint` prints with the same flags.  GOLDEN_WRITE=1 rewrites both; the
reviewer reads the difference.
"""

import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
PLAN = BUILD / os.environ.get("BUILD", "release") / "tools" / "plan"
CASES = sorted(p.parent.name for p in HERE.glob("*/in.yaml"))


def flags(case):
    file = HERE / case / "flags"
    return file.read_text().split() if file.exists() else []


def compare(file, got):
    if os.environ.get("GOLDEN_WRITE"):
        file.write_text(got)
    assert got == file.read_text()


def test_there_are_cases():
    assert len(CASES) >= 10


@pytest.mark.parametrize("case", CASES)
def test_plan(case):
    out = subprocess.run([PLAN, HERE / case / "in.yaml", *flags(case)],
                         capture_output=True, text=True, timeout=30)
    assert out.returncode == 0, out.stderr
    compare(HERE / case / "want.plan", out.stdout)


@pytest.mark.parametrize("case", CASES)
def test_lint(case):
    lint_flags = [f for f in flags(case)
                  if not f.startswith("--default-backend-service=")]
    out = subprocess.run([BUILD / "sallyport", "lint", *lint_flags, "in.yaml"],
                         capture_output=True, text=True, timeout=30,
                         cwd=HERE / case)
    compare(HERE / case / "want.lint",
            f"{out.stdout}{out.stderr}exit {out.returncode}\n")
