"""auth-url to hosts that are no Services: those that this controller serves,
and names elsewhere."""

import ssl
import subprocess

import pytest

import rig
from asking import HOST, ask, fresh, guard, is_guarded, it, judge
from judge import Judge
from pki import Authority
from rig import sent, until
from standalone import Standalone, ingress, service


def own(to="judge", host="login.test", more=(), **rest):
    """The service under a host of its own, in its own namespace."""
    return ingress("login", host, more, paths=(("/verify", "Prefix"),),
                   to=to, namespace="auth", **rest)


@pytest.mark.parametrize("url,host", [
    ("https://login.test/verify", "login.test"),
    ("http://login.test/verify?x", "login.test"),
    ("https://login.test:8443/verify", "login.test"),
    ("https://login.test/verify", "*.test"),
    ("https://$host/verify", HOST), ("http://$http_host/verify", HOST)])
def test_own_host(it, judge, url, host):
    """The commonest set-up of oauth2-proxy: its host is served here."""
    objects = [own(host=host)]
    if host == HOST:
        # A host is one namespace's: the Service is there, too.
        objects[0]["metadata"]["namespace"] = "default"
        objects += service("judge", judge.port)
    guard(it, {"auth-response-headers": "X-User"}, objects, url=url)
    until(is_guarded(it), "a question")
    judge.extra = "X-User: alice\r\n"
    got = ask(it, target="/a?b")
    assert got.status == 200 and sent(got)[1]["x-user"] == "alice"
    line, headers = judge.last()
    assert line.startswith("GET /verify")
    assert headers["x-original-url"] == "http://h.test/a?b"
    assert headers["x-real-ip"] == "127.0.0.1"
    assert headers["host"] == (HOST if host == HOST else "login.test")
    assert [h for h in headers if h.startswith("x-sallyport")] == []


def test_own_host_comes_and_goes(it, judge):
    """Nobody else is asked while nobody has the host."""
    guard(it, url="https://login.test/verify")
    until(lambda: ask(it).status == 503, "nobody")
    guard(it, objects=[own()], url="https://login.test/verify")
    until(lambda: ask(it).status == 200, "the host")
    guard(it, url="https://login.test/verify")
    until(lambda: ask(it).status == 503, "nobody again")
    # A rule without host is no owner of names elsewhere.
    anyhow = ingress("any", "x")
    del anyhow["spec"]["rules"][0]["host"]
    guard(it, objects=[anyhow], url="https://login.test/verify")
    until(lambda: ask(it, host="other.test").status == 200, "without host")
    assert ask(it).status == 503


def test_own_host_judges_by_the_client(it, judge):
    """Addresses and limits of that host are about the client."""
    url = "https://login.test/verify"
    guard(it, objects=[own(more={"whitelist-source-range": "192.0.2.0/24"})],
          url=url)
    until(lambda: ask(it).status == 403, "not this address")
    guard(it, objects=[own(more={"whitelist-source-range": "127.0.0.1"})],
          url=url)
    until(lambda: ask(it).status == 200, "this address")


def test_own_host_has_no_page_for_errors(it, judge):
    """Neither a page in place of an error nor one in place of no endpoint
    nor a preflight is a verdict."""
    page = rig.Echo("page")
    it.base += service("page", page.port, namespace="auth")
    url = "https://login.test/verify"
    more = {"custom-http-errors": "401,403,503", "default-backend": "page",
            "enable-cors": "true"}
    guard(it, {"auth-method": "OPTIONS"}, [own(more=more)], url=url)
    until(is_guarded(it), "a question")
    origin = [("Origin", "https://o.test")]
    assert ask(it, "401", headers=origin).status == 401
    guard(it, {}, [own(more=more, to="none")] +
          service("none", None, "auth"), url=url)
    until(lambda: ask(it).status == 503, "no endpoint")
    assert page.count == 0
    page.close()


def questions(it):
    """How many connections the frontend of questions has had."""
    head, row = it.cli("show stat self 1 -1").split("\n")
    return int(dict(zip(head.lstrip("# ").split(","), row.split(",")))["stot"])


def test_a_question_about_a_question(it, judge):
    """A host that asks itself gets no answer, and no loop."""
    guard(it, url="https://h.test/verify")
    until(lambda: ask(it).status == 503, "no answer")
    before = questions(it)
    assert ask(it).status == 503 and questions(it) == before + 1
    assert not judge.heads


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """A service with a certificate for far.test, and how to run a program for
    whom far.test and near.test are on loopback and our authority is all that
    the system trusts."""
    folder = tmp_path_factory.mktemp("far")
    (folder / "certs").mkdir()
    ours = Authority(str(folder), "ours", "/CN=ours")
    base = ours.issue("far", "/CN=far.test", ["far.test"])
    (folder / "certs" / "ours.pem").write_text(ours.pem)
    (folder / "hosts").write_text("127.0.0.1 far.test near.test\n")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(base + ".crt", base + ".key")
    judge = Judge(tls=tls)
    yield judge, ("unshare", "--map-root-user", "--mount", "sh", "-c",
                  "mount --bind %s/hosts /etc/hosts && mount --bind %s/certs "
                  "/etc/ssl/certs && exec \"$@\"" % (folder, folder), "sh")
    judge.close()


def far_url(judge, scheme="https", host="far.test"):
    return "%s://%s:%d/verify" % (scheme, host, judge.port)


@pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"]).returncode,
                    reason="no namespaces of our own")
def test_a_name_elsewhere(far):
    """Over https who is asked must prove to be who the name says."""
    judge, within = far
    plain = Judge()
    main = rig.Echo("main")
    with Standalone(services=[service("main", main.port)],
                    within=within) as it:
        guard(it, {"auth-response-headers": "X-User"}, url=far_url(judge))
        until(is_guarded(it), "a question")
        judge.extra = "X-User: alice\r\n"
        assert sent(ask(it))[1]["x-user"] == "alice"
        assert judge.last()[1]["host"] == "far.test"
        assert judge.names and set(judge.names) == {"far.test"}
        guard(it, url=far_url(judge, host="near.test"))
        until(lambda: ask(it).status == 503, "another's certificate")
        assert not [h for h in judge.heads if "near.test" in h]
        # While a host of this controller has the name, it alone is asked.
        guard(it, objects=[ingress("far", "far.test")], url=far_url(judge))
        until(lambda: '"target": "/verify"' in ask(
            it, host="far.test", target="/verify").body and
            ask(it, "403").status == 200, "the host here")
        n = len(judge.heads)
        assert ask(it).status == 200 and len(judge.heads) == n
        guard(it, url=far_url(judge))
        until(is_guarded(it), "elsewhere again")
        # Without proof nobody is asked.
        guard(it, url=far_url(plain, "http"))
        until(lambda: ask(it).status == 503, "http")
        assert not plain.heads
        assert it.metric("sallyport_haproxy_reloads_total") == 0
    with Standalone("--allow-external-names", services=[
            service("main", main.port)], within=within) as it:
        for host in ("far.test", "127.0.0.1"):
            guard(it, url=far_url(plain, "http", host))
            until(is_guarded(it), "http, allowed")
            assert plain.last()[1]["host"] == host
            it.apply([])
            until(lambda: it.get().status == 404, "nothing")
    plain.close()
    main.close()
