"""The self-proof passes on the program, and fails where one row is wrong."""

import subprocess

import pytest

import rig


def prove(r, scheme):
    return subprocess.run([rig.render_tool(), "prove", r.dir, scheme],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=20)


def proof_rows():
    out = subprocess.run([rig.render_tool(), "proof-rows"], check=True,
                         stdout=subprocess.PIPE).stdout.decode("latin-1")
    return [line.split("\t") for line in out.rstrip("\n").split("\n")]


@pytest.fixture(scope="module")
def r():
    with rig.Rig(rows=proof_rows()) as it:
        yield it


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_program_proves_itself(r, scheme):
    done = prove(r, scheme)
    assert (done.returncode, done.stderr) == (0, b"")


def test_no_two_rows_have_one_key():
    keys = [tuple(row[:2]) for row in proof_rows()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("table,key,value,request_", [
    ("http", "proof.invalid/a/b/", "none", "/a/b/"),
    ("http", "proof.invalid/deny/", "proof;absent;0", "/deny"),
])
def test_a_wrong_row_is_found(r, table, key, value, request_):
    path = "%s/maps/%s.map" % (r.dir, table)
    old = r.cli("get map %s %s" % (path, key)).split('value="')[1]
    old = old.split('"')[0]
    r.set(table, key, value)
    try:
        done = prove(r, "http")
        assert done.returncode == 1
        assert request_.encode() in done.stderr
        assert b"must be answered" in done.stderr
        assert prove(r, "https").returncode == 0
    finally:
        r.set(table, key, old)
    assert prove(r, "http").returncode == 0


def test_the_echo_is_not_for_the_public(r):
    assert rig.http1(r.http, "/strip/x", "proof.invalid").status == 404
    assert rig.http1(None, "/strip/x", "proof.invalid",
                     sock=r.tls("proof.invalid")).status == 404


def test_nobody_there():
    with rig.Rig(start=False) as it:
        done = prove(it, "http")
        assert done.returncode == 1 and b"proof-http.sock" in done.stderr
