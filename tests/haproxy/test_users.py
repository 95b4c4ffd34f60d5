"""auth-type and its companions, from YAML to the wire: the reconciler on a
folder of manifests, HAProxy, sallyport-auth, and nothing reloaded."""

import base64
import collections
import hashlib
import os
import signal
import stat
import threading

import pytest

import rig
from rig import header, sent, until
from standalone import Standalone, config_map, ingress, service

HOST = "h.test"
SHA = "{SHA}2oguq15ANCGsJCWKX31fllwpyEk="                   # pass word
APR1 = "$apr1$saltsalt$qYpLAVWkBvXFyDme7.oc1/"              # pass word
GOOD = [("Authorization", "Basic " + base64.b64encode(
    b"user:pass word").decode())]
AUTH = {"auth-type": "basic", "auth-secret": "users"}


def secret(data, name="users", namespace="default", kind="Opaque"):
    return {"apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": name, "namespace": namespace},
            "data": {k: base64.b64encode(v.encode()).decode()
                     for k, v in data.items()}}


def file(*lines):
    return secret({"auth": "".join(l + "\n" for l in lines)})


@pytest.fixture(scope="module")
def it():
    main, other = rig.Echo("main"), rig.Echo("other")
    with Standalone("--configmap", "default/sallyport", services=[
            service("main", main.port),
            service("main", other.port, namespace="other")]) as s:
        yield s
        assert s.metric("sallyport_haproxy_reloads_total") == 0


def ask(it, headers=(), host=HOST, path="/", method="GET"):
    return rig.http1(it.http, path, host, headers=headers, method=method)


def statuses(it, host=HOST):
    return ask(it, GOOD, host).status, ask(it, [], host).status


def shows(it, want, host=HOST):
    until(lambda: statuses(it, host) == want, "%s, now %s" % (
        want, statuses(it, host)))


def test_file(it):
    """"auth-type", "auth-secret": without, with, changed, gone, back."""
    it.apply([ingress("a", HOST)])
    shows(it, (200, 200))
    it.apply([ingress("a", HOST, AUTH), file("user:" + SHA)])
    shows(it, (200, 401))
    assert header(ask(it), "www-authenticate") == ['Basic realm=""']
    assert "authorization" not in sent(ask(it, GOOD))[1]
    it.apply([ingress("a", HOST, AUTH), file("other:" + SHA)])
    shows(it, (401, 401))
    it.apply([ingress("a", HOST, AUTH)])
    shows(it, (503, 503))
    it.apply([ingress("a", HOST, AUTH), file("user:" + APR1)])
    shows(it, (200, 401))
    it.apply([ingress("a", HOST, AUTH), file("user:pass word")])
    shows(it, (503, 503))
    it.apply([ingress("a", HOST, AUTH), secret({"users": "user:" + SHA})])
    shows(it, (503, 503))
    # The neighbour never felt any of it.
    it.apply([ingress("a", HOST, AUTH), ingress("b", "b.test"),
              file("bad", "user:" + SHA)])
    shows(it, (200, 401))
    shows(it, (200, 200), "b.test")


def test_realm_and_map(it):
    """"auth-realm", "auth-secret-type"."""
    it.apply([ingress("a", HOST, dict(AUTH, **{
        "auth-secret-type": "auth-map", "auth-realm": "Staff only"})),
        secret({"user": SHA + "\n", "two": "x\ny:" + SHA})])
    until(lambda: header(ask(it), "www-authenticate") == [
        'Basic realm="Staff only"'], "the realm")
    shows(it, (200, 401))
    # The same Secret as a file has no key "auth".
    it.apply([ingress("a", HOST, AUTH), secret({"user": SHA})])
    shows(it, (503, 503))


def digest_line(realm):
    text = "user:%s:pass word" % realm
    return "user:%s:%s" % (realm, hashlib.md5(text.encode()).hexdigest())


def test_no_gap_between_two_tables(it):
    """From one table to another, and back: nobody is without one."""
    other = secret({"auth": digest_line("Staff")}, "others")
    digest = {"auth-type": "digest", "auth-secret": "others",
              "auth-realm": "Staff"}
    basic = [ingress("a", HOST, AUTH), file("user:" + SHA), other]
    changed = [ingress("a", HOST, digest)] + basic[1:]
    it.apply(basic)
    shows(it, (200, 401))
    seen, stop = [], threading.Event()

    def keep_asking():
        while not stop.is_set():
            seen.append(ask(it, GOOD).status)

    askers = [threading.Thread(target=keep_asking) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(10):
            it.apply(changed)
            until(lambda: ask(it, GOOD).status == 401, "digest")
            it.apply(basic)
            until(lambda: ask(it, GOOD).status == 200, "basic")
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert set(seen) == {200, 401}, collections.Counter(seen)
    # What nobody asks for does not stay.
    until(lambda: len(os.listdir(it.dir + "/run/tables")) == 1, "one table")


def test_digest(it):
    digest = {"auth-type": "digest", "auth-secret": "users",
              "auth-realm": "Staff"}
    it.apply([ingress("a", HOST, digest), file(digest_line("Staff"))])
    until(lambda: any("Digest" in one for one in
                      header(ask(it), "www-authenticate")), "a challenge")
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--digest",
            "--resolve", "%s:%d:127.0.0.1" % (HOST, it.http[1])]

    def login(user):
        url = "http://%s:%d/a?b" % (HOST, it.http[1])
        return rig.subprocess.run([*curl, "-u", user, url],
                                  stdout=rig.subprocess.PIPE).stdout
    assert login("user:pass word") == b"200"
    assert login("user:wrong") == b"401"
    # As a map: the user is the key.
    it.apply([ingress("a", HOST, dict(digest, **{
        "auth-secret-type": "auth-map"})),
        secret({"user": digest_line("Staff").split(":", 1)[1]})])
    until(lambda: login("user:pass word") == b"200", "a login")
    # Users of another realm are none of this route's.
    it.apply([ingress("a", HOST, digest), file(digest_line("Other"))])
    until(lambda: login("user:pass word") == b"401", "no login")


def test_satisfy(it):
    """"satisfy": any of address and password, or all."""
    both = dict(AUTH, **{"whitelist-source-range": "127.0.0.1"})
    neither = dict(AUTH, **{"whitelist-source-range": "192.0.2.1"})
    users = file("user:" + SHA)
    for more, want in ((both, (200, 401)), (neither, (403, 403)),
                       (dict(both, satisfy="any"), (200, 200)),
                       (dict(neither, satisfy="any"), (200, 401)),
                       (dict(both, satisfy="all"), (200, 401))):
        it.apply([ingress("a", HOST, more), users])
        shows(it, want)


def test_other_namespaces(it):
    """"allow-cross-namespace-resources" is the administrator's to say."""
    users = secret({"auth": "user:" + SHA}, namespace="other")
    far = {"auth-type": "basic", "auth-secret": "other/users"}
    near = ingress("b", "near.test", {
        "auth-type": "basic", "auth-secret": "other/users"},
        namespace="other")
    it.apply([ingress("a", HOST, far), users, near])
    shows(it, (503, 503))
    shows(it, (200, 401), "near.test")
    it.apply([ingress("a", HOST, far), users, near, config_map(
        "sallyport", {"allow-cross-namespace-resources": "true"})])
    shows(it, (200, 401))
    it.apply([ingress("a", HOST, far), users, near, config_map(
        "sallyport", {"allow-cross-namespace-resources": "false"})])
    shows(it, (503, 503))
    # No Ingress can say it for itself.
    it.apply([ingress("a", HOST, dict(far, **{
        "sallyport.dev/allow-cross-namespace-resources": "true"})), users])
    shows(it, (503, 503))


def tables(it):
    return sorted(os.listdir(it.dir + "/run/tables"))


def test_names_do_not_collide(it):
    """CVE-2020-8553: a-b of default and b of default-a were one file."""
    mine = ingress("a", HOST, {"auth-type": "basic", "auth-secret": "a-b"})
    theirs = ingress("a", "t.test", {"auth-type": "basic",
                                     "auth-secret": "b"},
                     namespace="default-a")
    it.apply([mine, secret({"auth": "user:" + SHA}, name="a-b")])
    shows(it, (200, 401))
    more = service("main", 1, namespace="default-a")
    it.apply([mine, secret({"auth": "user:" + SHA}, name="a-b"), theirs,
              secret({"auth": "other:" + SHA}, "b", "default-a"), *more])
    until(lambda: ask(it, GOOD, "t.test").status == 401, "both tables")
    assert statuses(it) == (200, 401)
    until(lambda: len(tables(it)) == 2, "two tables")
    names = tables(it)
    for name in names:
        assert len(name) == 32 and set(name) <= set("0123456789abcdef")
        mode = os.stat(it.dir + "/run/tables/" + name).st_mode
        assert stat.S_IMODE(mode) == 0o640
    # Nothing is kept that no Ingress asks for.
    it.apply([secret({"auth": "user:" + SHA}, name="a-b")])
    until(lambda: tables(it) == [], "no table")


def daemon(it):
    """The pid of sallyport-auth under this run directory."""
    for pid in os.listdir("/proc"):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/sallyport-auth") and \
                words[1].decode() == os.path.realpath(it.dir + "/run"):
            return int(pid)
    return 0


def test_without_the_reconciler_and_without_the_daemon():
    """Each of the three may die: what was known goes on being asked."""
    echo = rig.Echo("main")
    with Standalone(services=[service("main", echo.port)]) as it:
        it.apply([ingress("a", HOST, AUTH), file("user:" + SHA)])
        shows(it, (200, 401))
        with open("/proc/%d/stat" % daemon(it)) as f:
            proxy = int(f.read().split()[3])
        kept = tables(it)
        it.process.kill()
        it.process.wait()
        assert statuses(it) == (200, 401)
        # sallyport-proxy starts the daemon again; meanwhile 503, never 200.
        first = daemon(it)
        os.kill(first, signal.SIGKILL)
        seen = set()
        until(lambda: seen.add(statuses(it)) or
              (daemon(it) not in (0, first) and (200, 401) in seen and
               statuses(it) == (200, 401)), "answers again")
        assert {s[1] for s in seen} <= {401, 503}
        assert tables(it) == kept
        last = daemon(it)
        os.kill(proxy, signal.SIGTERM)
        until(lambda: not os.path.exists("/proc/%d" % proxy), "proxy ended")
        assert not os.path.exists("/proc/%d" % last)
