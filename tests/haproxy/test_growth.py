"""More slots than HAProxy was started with: where it can add backends as it
runs (3.4 and later) without a reload, elsewhere with one.

HAPROXY_34 names a second binary to run all this with (HAProxy 3.4 is no part
of Debian stable).
"""

import os
import re
import signal

import pytest

from driver import Driver, Load, adds, version
from rig import HAPROXY, Echo, header, until
from test_driver import backend, cert, served
from wire import Wire

BINARIES = [HAPROXY] + ([os.environ["HAPROXY_34"]]
                        if os.environ.get("HAPROXY_34") else [])


@pytest.fixture(params=BINARIES, ids=version)
def d(request):
    with Driver(passthrough=True, haproxy=request.param) as d:
        d.adds = adds(request.param)
        yield d


def reloads(d):
    return int(d.metric("sallyport_haproxy_reloads_total"))


def sections(d):
    with open(d.run + "/haproxy.cfg") as f:
        return set(re.findall(r"(?m)^backend (\S+\.\d{4}) from", f.read()))


def slots(d):
    return set(re.findall(r"(?m)^\S+\.\d{4}$", d.cli("show backend")))


def test_the_version_is_told(d):
    d.apply("route http h.test/ none")
    told = re.findall(r'(?m)^sallyport_haproxy_info\{version="(.*)"\} 1$',
                      d.do("metrics"))
    assert told == [version(d.haproxy)]
    lines = re.findall(r"HAProxy (\S+): (.*?); worker", d.tail())
    assert len(lines) == 1 and lines[0][0] == told[0]
    assert ("add-backend" in lines[0][1]) == d.adds
    # Another worker is met again, with one series as before.
    worker = d.worker()
    d.do("settle")
    os.kill(worker, signal.SIGKILL)
    d.met_again(worker)
    assert len(re.findall(r"HAProxy \S+: .*?; worker", d.tail())) == 2
    assert d.do("metrics").count("sallyport_haproxy_info{") == 1


def test_growth_of_every_kind(d):
    """Plain, policy, cookie and tcp, all from sections that were not there
    when HAProxy started."""
    plain, policy, sticky = Echo("plain"), Echo("policy"), [Echo("c1"),
                                                            Echo("c2")]
    d.apply(backend(d, "first", plain), "route http h.test/ forward first")
    d.do("settle")
    before = slots(d)
    for kind, n in (("plain", 127), ("policy", 128), ("cookie", 32),
                    ("tcp", 16)):
        d.many("backend %s%d %s roundrobin 0" % (kind, i, kind)
               for i in range(n))
    d.apply()
    tls = Echo("own", tls=context(d, "own.test"))
    with Load(d) as load:
        d.apply(backend(d, "x", plain), "route http x.test/ forward x",
                backend(d, "p", policy, kind="policy"),
                "route http p.test/ forward p policy=REWRITE:/new,"
                "RPS:1,BURST:1,ZONE:growth",
                backend(d, "k", *sticky, kind="cookie"),
                "route http k.test/ forward k policy=COOKIE_NAME:sticky",
                backend(d, "t", tls, kind="tcp"), "pass own.test t")
        load.more()
    d.do("check")
    assert set(load.answers) == {"plain"}
    assert reloads(d) == (0 if d.adds else 1)
    grown = slots(d)
    assert len(grown) > len(before)
    assert d.who(host="x.test") == "plain"
    assert '"/new"' in d.get("/old", "p.test").body
    limited = [d.get("/old", "p.test").status for _ in range(20)]
    assert 503 in limited
    cookie = header(d.get(host="k.test"), "set-cookie")[0].split(";")[0]
    assert len({d.get(host="k.test", headers=[("Cookie", cookie)]).body
                .split('"server": "')[1][:2] for _ in range(6)}) == 1
    assert served(d, "own.test") == "own.test"
    # The file has them for the next start, and so has that worker.
    d.do("settle")
    assert sections(d) == grown
    worker = d.worker()
    os.kill(worker, signal.SIGKILL)
    d.met_again(worker)
    d.do("check")
    assert slots(d) == grown
    assert d.who(host="x.test") == "plain"
    assert reloads(d) == (0 if d.adds else 1)


def context(d, name):
    import ssl
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(cert(d, name))
    return c


def test_another_driver_finds_them(d):
    e = Echo("e")
    d.apply(backend(d, "e", e), "route http h.test/ forward e")
    d.many("backend n%d plain roundrobin 0" % i for i in range(140))
    d.apply()
    grown = slots(d)
    before, worker = reloads(d), d.worker()
    d.kill()
    if d.adds:
        # What a driver that died between two commands would leave behind.
        d.cli("add backend plain-roundrobin-5000.0900 "
              "from plain-roundrobin-5000")
        assert "UNPUB" in d.cli("show stat plain-roundrobin-5000.0900 2 -1")
        grown.add("plain-roundrobin-5000.0900")
    d.start()
    d.do("cert - %s/default.pem" % d.dir, backend(d, "e", e))
    d.many("backend n%d plain roundrobin 0" % i for i in range(140))
    d.do("route http h.test/ forward e", "complete")
    d.apply()
    d.do("check")
    assert d.who() == "e"
    assert slots(d) == grown and d.worker() == worker
    assert "UNPUB" not in d.cli("show stat -1 2 -1")
    assert before == (0 if d.adds else 1) and reloads(d) == 0


def test_growth_before_they_run_out(d):
    d.apply("route http h.test/ none")
    d.do("settle")
    d.many("backend n%d plain roundrobin 0" % i for i in range(110))
    d.apply()
    if d.adds:
        until(lambda: d.do("run 50") or len([s for s in slots(d) if
              s.startswith("plain-roundrobin-5000.")]) == 256, "growth")
        assert reloads(d) == 0
    else:
        until(lambda: d.do("run 500") or reloads(d) == 1, "growth")
    d.do("check")


def test_a_new_class_is_a_reload(d):
    """No defaults section of that connect time-out is there to begin from;
    afterwards it is."""
    e = Echo("e")
    d.apply(backend(d, "e", e, connect=7000),
            "route http h.test/ forward e")
    before = reloads(d)
    d.apply(backend(d, "f", e, connect=8000))
    assert reloads(d) == before + 1
    n = len(slots(d))
    d.many("backend n%d plain roundrobin 8000" % i for i in range(40))
    d.apply()
    assert len(slots(d)) > n
    assert reloads(d) == before + (1 if d.adds else 2)
    d.do("check")
    assert d.who() == "e"


def test_refused_growth_is_a_reload(d):
    """An answer that is not the expected one: as on HAProxy without it."""
    if not d.adds:
        pytest.skip("HAProxy cannot add backends")
    e = Echo("e")
    d.apply(backend(d, "e", e), "route http h.test/ forward e")
    d.do("settle")
    wire = Wire(d, change=lambda said, answer: b"No room.\n\n"
                if said.startswith("add backend") else answer)
    with Load(d) as load:
        d.many("backend n%d plain roundrobin 0" % i for i in range(140))
        d.apply()
        load.more()
    assert set(load.answers) == {"e"}
    assert reloads(d) == 1
    assert len([t for t in wire.texts if t.startswith("add backend")]) == 1
    d.do("check")
    wire.close()
