"""The service that everybody's requests are asked of, by the ConfigMap."""

from asking import HOST, URL, ask, fresh, is_guarded, it, judge, n_asked
from judge import Judge
from rig import header, sent, until
from standalone import config_map, ingress, service

GLOBAL = {"global-auth-url": URL}


def with_map(it, data, *objects):
    it.apply(list(objects) + [config_map("sallyport", data)])


def test_global(it, judge):
    """"global-auth-url" is for everybody but those with
    "enable-global-auth": "false", with one of their own, and paths of
    "no-auth-locations"."""
    other = Judge(401)
    it.base += service("other", other.port, "auth")
    hosts = [
        ingress("a", HOST),
        ingress("b", "free.test", {"enable-global-auth": "false"}),
        ingress("c", "own.test", {"auth-url": URL.replace("judge", "other")}),
        ingress("d", "acme.test", paths=(
            ("/.well-known/acme-challenge/x", "Exact"), ("/", "Prefix"))),
        ingress("e", "static.test", paths=(("/static", "Prefix"),))]
    with_map(it, GLOBAL, *hosts)
    until(is_guarded(it), "everybody")
    until(lambda: ask(it, "401").status == 401, "everybody")
    assert ask(it, "403", host="free.test").status == 200
    assert ask(it, host="own.test").status == 401
    assert ask(it, "403", host="acme.test").status == 403
    assert ask(it, "403", host="acme.test",
               target="/.well-known/acme-challenge/x").status == 200
    assert ask(it, "403", host="static.test", target="/static").status == 403
    with_map(it, dict(GLOBAL, **{"no-auth-locations": "/static, /x"}), *hosts)
    until(lambda: ask(it, "403", host="static.test",
                      target="/static").status == 200, "another list")
    assert ask(it, "403", host="acme.test",
               target="/.well-known/acme-challenge/x").status == 403
    with_map(it, {}, *hosts)
    until(lambda: ask(it, "403").status == 200, "nobody any more")
    other.close()


def test_no_auth_locations_and_passwords(it, judge):
    """"no-auth-locations" are free of auth-type as well."""
    it.apply([ingress("a", HOST, {"auth-type": "basic",
                                  "auth-secret": "nobody"}, paths=(
        ("/.well-known/acme-challenge/x", "Exact"), ("/", "Prefix")))])
    until(lambda: ask(it).status == 503, "closed")
    assert ask(it, target="/.well-known/acme-challenge/x").status == 200


def test_global_companions(it, judge):
    """"global-auth-method" and the others are of that service alone."""
    keys = dict(GLOBAL, **{
        "global-auth-method": "HEAD",
        "global-auth-signin": "https://login.test/",
        "global-auth-signin-redirect-param": "next",
        "global-auth-response-headers": "X-User",
        "global-auth-request-redirect": "https://$host/",
        "global-auth-cache-key": "$http_x_key",
        "global-auth-cache-duration": "200 1m",
        "global-auth-always-set-cookie": "true"})
    with_map(it, keys, ingress("a", HOST),
             ingress("c", "own.test", {"auth-url": URL}))
    until(is_guarded(it), "a question")
    judge.extra = "X-User: alice\r\nSet-Cookie: c=1\r\n"
    got = ask(it, "401")
    assert header(got, "location") == [
        "https://login.test/?next=http://h.test%2F"]
    assert header(ask(it, "403"), "set-cookie") == ["c=1"]
    assert sent(ask(it))[1]["x-user"] == "alice"
    line, headers = judge.last()
    assert line.startswith("HEAD ")
    assert headers["x-auth-request-redirect"] == "https://h.test/"
    judge.extra = ""
    assert n_asked(it, judge, 3, headers=[("X-Key", "k")]) == 1
    until(lambda: ask(it, "401", host="own.test").status == 401, "its own")
    assert judge.last()[0].startswith("GET ")
    judge.extra = "Set-Cookie: c=1\r\n"
    assert header(ask(it, "403", host="own.test"), "set-cookie") == []


def test_bad_keys_are_closed(it, judge):
    """A global service that cannot be read protects nobody: 503; once it was
    good, the last good one stays.  Nobody else's routes feel it."""
    hosts = [ingress("a", HOST),
             ingress("b", "free.test", {"enable-global-auth": "false"}),
             ingress("c", "own.test", {"auth-url": URL})]
    with_map(it, {"global-auth-url": "judge"}, *hosts)
    until(lambda: ask(it).status == 503, "closed")
    assert ask(it, host="free.test").status == 200
    assert ask(it, host="own.test").status == 200
    with_map(it, dict(GLOBAL, **{"global-auth-response-headers": "a b"}),
             *hosts)
    until(lambda: ask(it, host="own.test").status == 200 and
          ask(it).status == 503, "closed")
    with_map(it, GLOBAL, *hosts)
    until(lambda: ask(it).status == 200, "open")
    with_map(it, {"global-auth-url": "judge",
                  "global-auth-snippet": "x y;"}, *hosts)
    until(lambda: "global-auth-snippet" in it.text(), "told")
    assert ask(it).status == 200 and ask(it, "403").status == 403
