"""The program as text: it loads without a warning, in every shape."""

import os
import re
import subprocess

import pytest

import rig

SHAPES = {
    "plain": [],
    "log": ["log=stdout"],
    "log file": ["log=/dev/log"],
    "threads": ["nbthread=2", "bufsize=16384", "https_port=8443"],
    "counted": ["counted=1"],
    "mux": ["mux=127.0.0.1:9", "passthrough=1"],
    "gzip": ["gzip=1"],
    "more binds": ["http=[::1]:9", "https=[::1]:9"],
    "classes": ["class=%s,%s,%d,3" % (k, b, c)
                for k in ("plain", "policy", "cookie", "tcp")
                for b in ("leastconn", "random", "source")
                for c in (1000, 60000)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_warning(shape):
    with rig.Rig(options=SHAPES[shape], start=False) as it:
        done = subprocess.run(
            [rig.HAPROXY, "-c", "-f", it.dir + "/haproxy.cfg"],
            pass_fds=it.fds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"SALLYPORT_THREADS": "2", "SALLYPORT_MAXCONN": "500"})
        said = done.stdout.decode().strip()
        assert done.returncode == 0, said
        assert said in ("", "Configuration file is valid")


def render(*args):
    return subprocess.run([rig.render_tool(), *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


@pytest.mark.parametrize("args", [
    ("run", "http=:80"), ("/run dir", "http=:80"), ("/run\n", "http=:80"),
    ("/" + "x" * 80, "http=:80"), ("/run",), ("/run", "http=:80\nbind :81"),
    ("/run", "http=:80 ssl"), ("/run", "http="), ("/run", "http=:80", "log=a b"),
    ("/run", "http=:80", "log=stdout\nuser"), ("/run", "http=:80",
                                               "nbthread=0"),
    ("/run", "http=:80", "passthrough=1"),
    ("/run", "http=:80", "class=plain,random,0,1"),
    ("/run", "http=:80", "class=plain,random,5,1", "class=plain,random,5,2"),
])
def test_bad_parameters(args):
    done = render(*args)
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1


def test_nothing_unfilled():
    text = render("/run", "http=:80", "class=plain,random,5,3").stdout.decode()
    assert not re.search(r"@[A-Z_]+@|@@", text.replace("unix@/", ""))
    assert text.count("backend plain-random-5.") == 3
    assert "backend plain-random-5.0003 from plain-random-5" in text


def test_flags_have_bits_of_their_own():
    """Every flag of the table is tested in the program under its own bit."""
    text = open(rig.ROOT + "/haproxy/program.cfg").read()
    table = re.findall(r"(?m)^FEATURE\((\w+), (\d+),",
                       open(rig.ROOT + "/haproxy/features.def").read())
    assert len({bit for _, bit in table}) == len(table)
    named = set(re.findall(r"@F_(\w+)@", text))
    assert named == {n for n, _ in table} - {"REDIRECT", "COOKIE"}


def test_no_slot_name_in_the_log(tmp_path):
    with rig.Rig(options=["log=stdout"]) as it:
        slot = it.take("plain", rig.Echo("one"))
        it.add("http", "h.test/", slot)
        it.add("http", "p.test/", it.take("policy") + ";rdead;0")
        assert rig.http1(it.http, "/a?b", "h.test").status == 200
        assert rig.http1(it.http, '/"x', "p.test").status == 503

        def log():
            with open(it.dir + "/output") as f:
                return [l for l in f if "GET" in l]
        lines = rig.until(lambda: len(log()) == 2 and log(), "two log lines")
        assert ' http "GET h.test /a?b HTTP/1.1" 200 ' in lines[0]
        assert ' 503 ' in lines[1] and "GET p.test /#22x" in lines[1]
        for line in lines:
            assert "roundrobin" not in line and ".0001" not in line


def test_private_sockets_are_private():
    with rig.Rig(passthrough=True) as it:
        for name in ("haproxy", "proof-http", "proof-https", "inner"):
            mode = os.stat("%s/%s.sock" % (it.dir, name)).st_mode
            assert mode & 0o777 == 0o600, name
